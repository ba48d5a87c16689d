//! Whether what is on the page is true right now.

use leptos::prelude::*;

use crate::late::text;
use crate::live::Live;

#[component]
pub(crate) fn StatusPill() -> impl IntoView {
    let live = Live::here();
    view! {
        <p class=move || if live.is_resuming() { "pill warn" } else { "pill ok" }>
            <span class="dot"></span>
            {text(move || if live.is_resuming() { "Reconnecting…" } else { "Live" })}
        </p>
    }
}
