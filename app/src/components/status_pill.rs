//! Whether what is on the page is true right now.

use leptos::prelude::*;

use crate::live::Live;
use crate::session::Session;

#[component]
pub(crate) fn StatusPill() -> impl IntoView {
    let live = Live::here();
    let is_resuming = move || live.session.with(Session::is_resuming);
    view! {
        <p class="pill" class:ok=move || !is_resuming() class:warn=move || is_resuming()>
            <span class="dot"></span>
            {move || if is_resuming() { "Reconnecting…" } else { "Live" }}
        </p>
    }
}
