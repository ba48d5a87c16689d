//! The first frame, rendered by the server as well.

use leptos::prelude::*;

use super::screens::Panel;

#[component]
pub(super) fn Connecting() -> impl IntoView {
    view! {
        <Panel>
            <p class="soft">"This browser shows its key; the gateway says whether it knows it."</p>
            <progress aria-label="Connecting" />
        </Panel>
    }
}
