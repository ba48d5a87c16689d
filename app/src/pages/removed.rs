//! Thrown out. The page does not come back by itself: asking again is for a person to decide.

use leptos::prelude::*;

use super::screens::Panel;
use crate::language::t;
use crate::late::button;
use crate::live::Live;
use crate::session::Input;

#[component]
pub(super) fn Removed(is_over: bool) -> impl IntoView {
    let live = Live::here();
    let (what, next) = if is_over {
        (
            t("The time for which the owner let this device in is over."),
            t("If you still need it, ask again: the owner then sees a new request."),
        )
    } else {
        (
            t("This device was removed, or its access revoked, by the owner."),
            t("If that was a mistake, ask again: the owner then sees a new request."),
        )
    };
    view! {
        <Panel>
            <p class="lead" role="alert">
                {what}
            </p>
            <p class="soft">{next}</p>
            {button("primary", "", || t("Ask again"), move || live.tell(Input::AskedAgain))}
        </Panel>
    }
}
