//! Quiet words on how this browser got in, and on what it still waits for.

use leptos::prelude::*;

use crate::late::{button, late, text, when};
use crate::live::Live;

#[component]
pub(crate) fn Notices() -> impl IntoView {
    let live = Live::here();
    let is_dismissed = RwSignal::new(false);
    let by_link = move || live.welcome(|welcome| welcome.by_owner_link).unwrap_or_default();
    let pending = move || live.welcome(|welcome| welcome.hello.pending_scopes.iter().count()).unwrap_or_default();
    let is_new_owner = move || by_link() && !is_dismissed.get();
    let is_partial = move || pending() > 0;
    let new_owner = move || {
        late(view! {
            <p class="note good" role="status">
                <span>
                    <strong>"This browser is now the owner's."</strong>
                    " The link is used up; come back any time without one."
                </span>
                {button("ghost", "", || "Got it", move || is_dismissed.set(true))}
            </p>
        })
    };
    let partial = move || {
        let waits = move || match pending() {
            1 => "1 more permission waits for approval.".to_owned(),
            count => format!("{count} more permissions wait for approval."),
        };
        late(view! {
            <p class="note">
                <span>{text(waits)} " An owner can give it under Devices."</span>
            </p>
        })
    };
    let is_unused = move || live.welcome(|welcome| welcome.link_unused).unwrap_or_default() && !is_dismissed.get();
    let unused = move || {
        late(view! {
            <p class="note" role="status">
                <span>"This browser was paired already, so the link was not used. Nothing has changed."</span>
                {button("ghost", "", || "Got it", move || is_dismissed.set(true))}
            </p>
        })
    };
    (when(is_new_owner, new_owner), when(is_unused, unused), when(is_partial, partial))
}
