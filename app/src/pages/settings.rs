//! How the gateway works, and for whom. Every setting is saved alone.

use leptos::prelude::*;
use wasm_split_helpers::wasm_split;

use super::screens::{console, no_tools};
use crate::components::notifications;
use crate::language::t;
use crate::late::{late, when};
use crate::live::Live;
use crate::part::{Fetched, part};
use crate::place::Place;
use protocol::role::ADMIN;

mod book;
mod editor;
mod fields;
mod list;
mod modal;
mod passkeys;
mod reach;
mod secret;
mod sections;
mod trial;
mod ways;

#[component]
pub(crate) fn Settings() -> impl IntoView {
    console(Place::Settings, no_tools, || {
        let live = Live::here();
        let barred = || {
            late(view! {
                <p class="note">
                    <span>{t("This browser may not change settings. Ask the owner to allow it more.")}</span>
                </p>
            })
        };
        late(view! {
            {when(move || !live.allows(ADMIN), barred)}
            {when(move || live.allows(ADMIN), || part(settings, |build| build()))}
            {when(move || live.may_pair(), || part(notifications::section, |build| build()))}
        })
    })
}

#[wasm_split(admin, fallible)]
fn settings() -> Fetched<fn() -> AnyView> {
    Ok(sections::sections)
}
