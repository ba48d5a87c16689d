//! Who wants in, and who is.

use leptos::prelude::*;
use protocol::DeviceId;

use super::screens::Screens;
use crate::components::confirm::{Confirm, Confirmation};
use crate::components::device_row::DeviceRow;
use crate::components::notices::Notices;
use crate::components::pair_dialog::PairDevice;
use crate::components::pending_cards::PendingCards;
use crate::components::status_pill::StatusPill;
use crate::desk::Desk;
use crate::late::{late, text};
use crate::live::Live;

#[component]
pub(crate) fn Devices() -> impl IntoView {
    view! {
        <Screens>
            <header class="page-head">
                <h1>"Devices"</h1>
                <div class="tags">
                    <StatusPill />
                    <PairDevice />
                </div>
            </header>
            <Notices />
            <PendingCards />
            <Paired />
        </Screens>
    }
}

#[component]
fn Paired() -> impl IntoView {
    let live = Live::here();
    let confirming = RwSignal::new(None::<Confirmation>);
    let ids = move || live.desk.with(shown_order);
    let count = move || live.desk.with(|desk| desk.paired().len());
    let connected = move || live.desk.with(Desk::count_connected);
    late(view! {
        <section aria-labelledby="paired">
            <div class="section-head">
                <h2 id="paired">"Paired"</h2>
                <Show when=move || live.desk.with(Desk::is_loaded)>
                    <p class="soft small">{text(move || {
                        let when = if live.is_resuming() { "before" } else { "now" };
                        format!("{} in all, {} connected {when}", count(), connected())
                    })}</p>
                </Show>
            </div>
            <Show
                when=move || live.may_pair()
                fallback=|| {
                    view! {
                        <p class="note">
                            <span>
                                "This browser may not see or decide about devices. Ask the owner to allow it more, or use "
                                <code>"openclaw devices list"</code> " on the gateway's machine."
                            </span>
                        </p>
                    }
                }
            >
                <ul class="devices">
                    <For each=ids key=Clone::clone let:id>
                        <DeviceRow id confirming />
                    </For>
                </ul>
                <Confirm confirming />
            </Show>
        </section>
    })
}

/// Connected devices first, then those seen last.
fn shown_order(desk: &Desk) -> Vec<DeviceId> {
    let mut devices: Vec<_> = desk.paired().iter().collect();
    devices.sort_by_key(|device| {
        let seen_at_ms = device.last_seen_at_ms.unwrap_or(device.approved_at_ms);
        (device.connected != Some(true), std::cmp::Reverse(device.approved_at_ms.max(seen_at_ms)))
    });
    devices.into_iter().map(|device| device.device_id.clone()).collect()
}
