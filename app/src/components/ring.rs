//! Time left, as a ring that empties and as digits.

use leptos::prelude::*;
use protocol::PAIRING_LIFETIME_MS;

use crate::late::text;
use crate::time_words;

#[component]
pub(super) fn Ring(#[prop(into)] left_ms: Signal<u64>) -> impl IntoView {
    // The ring is drawn with attributes: the page's policy allows no inline styles.
    let filled = move || format!("{} 100", left_ms.get() * 100 / PAIRING_LIFETIME_MS);
    let digits = move || time_words::clock(left_ms.get());
    view! {
        <div class="ring" role="timer" aria-label=move || format!("{} left", digits())>
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
            <span aria-hidden="true">{text(digits)}</span>
        </div>
    }
}
