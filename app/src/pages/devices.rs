//! Who wants in, and who is.

mod drawer;
mod invoke;
mod list;
mod many;
mod roster;
mod row;

use leptos::prelude::*;
use wasm_split_helpers::wasm_split;

use super::screens::console;
use crate::components::blocked_list::blocked_list;
use crate::components::pair_dialog::PairDevice;
use crate::late::{late, when};
use crate::live::Live;
use crate::part::{Fetched, part};
use crate::place::Place;
use list::Paired;
use roster::Roster;

#[component]
pub(crate) fn Devices() -> impl IntoView {
    console(Place::Devices, || late(view! { <PairDevice /> }), || part(paired, |build| build()))
}

#[wasm_split(devices, fallible)]
fn paired() -> Fetched<fn() -> AnyView> {
    Ok(|| {
        let live = Live::here();
        let roster = Roster::new(live);
        let is_of_blocked = move || roster.view.with(crate::roster::View::is_of_blocked);
        late(view! {
            <Paired roster />
            {when(move || live.may_pair(), move || blocked_list(live, is_of_blocked))}
        })
    })
}
