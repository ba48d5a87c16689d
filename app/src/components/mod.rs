//! One visible thing per file.

#![expect(unreachable_pub, reason = "`#[component]` writes `pub` on what it makes, whatever the function says")]

pub(crate) mod blocked_list;
pub(crate) mod brand;
pub(crate) mod called;
pub(crate) mod confirm;
pub(crate) mod copy_command;
pub(crate) mod exposure;
pub(crate) mod inline_name;
pub(crate) mod notices;
pub(crate) mod notifications;
pub(crate) mod pair_dialog;
pub(crate) mod palette;
pub(crate) mod pending_cards;
pub(crate) mod proof;
pub(crate) mod rail;
pub(crate) mod status_pill;
pub(crate) mod words;

mod ask_list;
mod bulk;
mod card_options;
mod decide;
mod node_card;
mod pair_code;
pub(crate) mod passkey_prompt;
mod pending_card;
mod rare;
mod ring;
mod undo_list;
mod whereabouts;
