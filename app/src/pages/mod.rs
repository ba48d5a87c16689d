//! What fills the page: the pages of the console, and one screen for each state without one.

#![expect(unreachable_pub, reason = "`#[component]` writes `pub` on what it makes, whatever the function says")]

pub(crate) mod audit;
pub(crate) mod devices;
pub(crate) mod doctor;
pub(crate) mod logs;
pub(crate) mod missing;
pub(crate) mod overview;
pub(crate) mod screens;
pub(crate) mod settings;

mod away;
mod connecting;
mod insecure;
mod refused;
mod removed;
mod secret;
mod waiting;
