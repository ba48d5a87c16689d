//! The first frame, rendered by the server as well.

use leptos::prelude::*;

use super::screens::Panel;

#[component]
pub(super) fn Connecting() -> impl IntoView {
    view! {
        <Panel>
            <p class="soft">"This browser shows its key; the gateway says whether it knows it."</p>
            <progress aria-label="Connecting" />
            // Shown by the style sheet after a while: no script may be there to do it.
            <p class="plain-way">
                "Does nothing happen? This page needs WebAssembly. "
                <a href="/plain" rel="external">"Decide about devices without it"</a>
            </p>
        </Panel>
    }
}
