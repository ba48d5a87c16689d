//! The browser side of [`outside`](crate::outside): the socket, the key, and the page around it all.

mod connection;
mod device_key;
mod page;
mod socket;

pub use connection::{ask, start, tell};
pub use page::{copy, focus, host, mark_connected, reload_page, set_title};

pub(crate) use page::take_link;
