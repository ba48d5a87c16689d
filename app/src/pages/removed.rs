//! Thrown out. The page does not come back by itself: asking again is for a person to decide.

use leptos::prelude::*;

use super::screens::Panel;
use crate::live::Live;
use crate::session::Input;

#[component]
pub(super) fn Removed() -> impl IntoView {
    let live = Live::here();
    view! {
        <Panel>
            <p class="lead" role="alert">
                "This device was removed, or its access revoked, by the owner."
            </p>
            <p class="soft">"If that was a mistake, ask again: the owner then sees a new request."</p>
            <button type="button" class="primary" on:click=move |_| live.tell(Input::AskedAgain)>
                "Ask again"
            </button>
        </Panel>
    }
}
