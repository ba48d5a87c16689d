//! Time left, as a ring that empties and as digits.

use std::sync::Arc;

use leptos::prelude::*;
use protocol::PAIRING_LIFETIME_MS;

use crate::late::text;
use crate::time_words;

#[component]
pub(super) fn Ring(left_ms: Arc<dyn Fn() -> u64 + Send + Sync>) -> impl IntoView {
    // The ring is drawn with attributes: the page's policy allows no inline styles.
    let shown_ms = Arc::clone(&left_ms);
    let filled = text(move || format!("{} 100", shown_ms() * 100 / PAIRING_LIFETIME_MS));
    let spoken_ms = Arc::clone(&left_ms);
    let spoken = text(move || format!("{} left", time_words::clock(spoken_ms())));
    view! {
        <div class="ring" role="timer" aria-label=spoken>
            <svg viewBox="0 0 48 48" aria-hidden="true">
                <circle class="ring-track" cx="24" cy="24" r="21" />
                <circle
                    class="ring-left"
                    cx="24"
                    cy="24"
                    r="21"
                    pathLength="100"
                    stroke-dasharray=filled
                    transform="rotate(-90 24 24)"
                />
            </svg>
            <span aria-hidden="true">{text(move || time_words::clock(left_ms()))}</span>
        </div>
    }
}
