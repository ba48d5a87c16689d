//! What the Audit, Doctor and Logs pages show, as plain data: read from what the gateway says, and put into words.

pub mod attempts;
pub mod audit;
pub mod lab;
pub mod logs;

use protocol::pairing::Origin;

use crate::language::{fill, t};

/// Where somebody was and how that is known, on one line.
pub fn place(origin: &Origin) -> String {
    let Origin { address, network, resolved, encrypted, page } = origin;
    let mut words = format!("{address} · {} · {resolved}", network.label());
    if *encrypted {
        words.push_str(" · https");
    }
    if let Some(page) = page {
        words.push_str(" · ");
        words.push_str(&fill(t("page {page}"), &[("page", page)]));
    }
    words
}
