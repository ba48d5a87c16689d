//! The browser side of [`outside`](crate::outside): the socket, the key, and the page around it all.

mod connection;
mod device_key;
mod json;
mod language;
mod page;
mod passkey;
mod push;
mod socket;
mod sound;

pub use connection::{ask, listen, start, tell};
pub use json::parse_json;
pub use language::choose;
pub use page::{
    copy, every, focus, host, mark_connected, moment, new_secret, on_key, reload_page, reveal, save, set_icon,
    set_title,
};
pub use passkey::{create_passkey, get_passkey};
pub use push::{
    attend_pushes, push_endpoint, push_facts, push_permission, renew_push, switch_push_off, switch_push_on, user_agent,
    wants_push,
};
pub use sound::{ring, want_sound, wants_sound};

pub(crate) use language::learn;
pub(crate) use page::take_link;
