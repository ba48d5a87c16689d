//! Thrown out. The page does not come back by itself: asking again is for a person to decide.

use leptos::prelude::*;

use super::screens::Panel;
use crate::late::button;
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
            {button("primary", "", || "Ask again", move || live.tell(Input::AskedAgain))}
        </Panel>
    }
}
