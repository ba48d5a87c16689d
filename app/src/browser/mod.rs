//! The browser side of [`outside`](crate::outside): the socket, the key, and the page around it all.

mod connection;
mod device_key;
mod language;
mod page;
mod socket;

pub use connection::{ask, listen, start, tell};
pub use language::choose;
pub use page::{copy, every, focus, host, mark_connected, moment, new_secret, on_key, reload_page, save, set_title};

pub(crate) use language::learn;
pub(crate) use page::take_link;
