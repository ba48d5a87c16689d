//! The browser side of [`outside`](crate::outside): the socket, the key, and the page around it all.

mod connection;
mod device_key;
mod language;
mod page;
mod socket;

pub use connection::{ask, listen, start, tell};
pub use language::choose;
pub use page::{copy, focus, host, mark_connected, new_secret, reload_page, set_title};

pub(crate) use language::learn;
pub(crate) use page::take_link;
