//! Who wants in, and who is.

use leptos::prelude::*;
use protocol::DeviceId;
use wasm_split_helpers::wasm_split;

use super::screens::console;
use crate::components::blocked_list::blocked_list;
use crate::components::confirm::{Confirm, Confirmation};
use crate::components::device_row::DeviceRow;
use crate::components::pair_dialog::PairDevice;
use crate::desk::Desk;
use crate::late::{each, late, text, when};
use crate::live::Live;
use crate::part::{Fetched, part};
use crate::place::Place;

#[component]
pub(crate) fn Devices() -> impl IntoView {
    console(Place::Devices, || late(view! { <PairDevice /> }), || part(paired, |build| build()))
}

#[wasm_split(devices, fallible)]
fn paired() -> Fetched<fn() -> AnyView> {
    Ok(|| {
        let live = Live::here();
        late(view! {
            <Paired />
            {when(move || live.may_pair(), move || blocked_list(live))}
        })
    })
}

#[component]
fn Paired() -> impl IntoView {
    let live = Live::here();
    let confirming = RwSignal::new(None::<Confirmation>);
    let ids = move || live.desk.with(shown_order);
    let rows = move || {
        late(view! {
            <ul class="devices">
                {each(ids, move |id| late(view! { <DeviceRow id=DeviceId::claimed(id) confirming /> }))}
            </ul>
            <Confirm confirming />
        })
    };
    let barred = || {
        late(view! {
            <p class="note">
                <span>
                    "This browser may not see or decide about devices. Ask the owner to allow it more, or use "
                    <code>"openclaw devices list"</code> " on the gateway's machine."
                </span>
            </p>
        })
    };
    let count = move || live.desk.with(|desk| desk.paired().len());
    let connected = move || live.desk.with(Desk::count_connected);
    let counts = move || {
        let words = move || {
            let when = if live.is_resuming() { "before" } else { "now" };
            format!("{} in all, {} connected {when}", count(), connected())
        };
        late(view! { <p class="soft small">{text(words)}</p> })
    };
    late(view! {
        <section aria-labelledby="paired">
            <div class="section-head">
                <h2 id="paired">"Paired"</h2>
                {when(move || live.desk.with(Desk::is_loaded), counts)}
            </div>
            {when(move || !live.may_pair(), barred)} {when(move || live.may_pair(), rows)}
        </section>
    })
}

/// Connected devices first, then those seen last.
fn shown_order(desk: &Desk) -> Vec<String> {
    let mut devices: Vec<_> = desk.paired().iter().collect();
    devices.sort_by_key(|device| {
        let seen_at_ms = device.last_seen_at_ms.unwrap_or(device.approved_at_ms);
        (device.connected != Some(true), std::cmp::Reverse(device.approved_at_ms.max(seen_at_ms)))
    });
    devices.into_iter().map(|device| device.device_id.to_string()).collect()
}
