//! Why somebody was refused and what to do about it, what is wrong with the gateway, and what it would make of a
//! request.

mod attempts;
mod checks;
mod fix;
mod lab;

use leptos::prelude::*;
use protocol::doctor::{Attempt, SettingFix};
use wasm_split_helpers::wasm_split;

use super::screens::{console, no_tools};
use crate::language::t;
use crate::late::{late, when};
use crate::live::Live;
use crate::part::{Fetched, part};
use crate::place::Place;
use attempts::RecentAttempts;
use checks::Checks;
use fix::FixDialog;
use lab::Lab;
use protocol::role::ADMIN;

#[component]
pub(crate) fn Doctor() -> impl IntoView {
    console(Place::Doctor, no_tools, || part(bench, |build| build()))
}

#[wasm_split(admin, fallible)]
fn bench() -> Fetched<fn() -> AnyView> {
    Ok(|| late(view! { <Bench /> }))
}

/// What the parts of the page hand to each other.
#[derive(Clone, Copy)]
struct Shared {
    live: Live,
    /// An attempt that the lab is to look at.
    picked: RwSignal<Option<Attempt>>,
    /// A change of the settings that is to be looked at before it is made.
    fixing: RwSignal<Option<(Attempt, SettingFix)>>,
}

#[component]
fn Bench() -> impl IntoView {
    let live = Live::here();
    let shared = Shared { live, picked: RwSignal::new(None), fixing: RwSignal::new(None) };
    let is_admin = move || live.allows(ADMIN);
    let own = move || late(view! { <Checks shared /> <Lab shared /> <FixDialog shared /> });
    let barred = move || {
        late(view! {
            <p class="note">
                {t("Checks, repairs and the lab need admin rights. On the gateway's machine, run: openclaw doctor")}
            </p>
        })
    };
    late(view! { <RecentAttempts shared /> {when(is_admin, own)} {when(move || !is_admin(), barred)} })
}
