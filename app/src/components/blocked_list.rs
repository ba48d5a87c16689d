//! Who is blocked: since when, how often it has tried since, and the way back.

use leptos::prelude::*;
use protocol::event::Event;
use protocol::pairing::BlockedDevice;

use super::words::problem_line;
use crate::language::{fill, t};
use crate::late::{button, changing, late, when};
use crate::live::{Live, advice};
use crate::{outside, reading, time_words};

/// As much of an id as a person needs to point at a device.
const SHORT_ID: usize = 12;

/// The list, as long as somebody is blocked, or somebody looks for that.
pub(crate) fn blocked_list(live: Live, is_wanted: impl Fn() -> bool + Copy + Send + Sync + 'static) -> AnyView {
    let blocked = RwSignal::new(Vec::<BlockedDevice>::new());
    let problem = RwSignal::new(None::<String>);
    let load = move || {
        live.look_up_blocked(move |answer| {
            // The page may have been left meanwhile.
            if let Ok(list) = answer {
                let _ = blocked.try_set(reading::blocked_list(&list));
            }
        });
    };
    load();
    outside::listen(move |event, _| {
        // Knocks have no event of their own: nobody is to be woken by them.
        if matches!(event, Event::DevicePairChanged | Event::DevicePairResolved | Event::Tick) {
            load();
        }
    });
    let rows = move || {
        let rows: Vec<_> = blocked.get().iter().map(|device| row(live, device, problem)).collect();
        late(view! { <ul class="devices">{rows}</ul> })
    };
    let is_empty = move || blocked.with(Vec::is_empty);
    let section = move || {
        late(view! {
            <section aria-labelledby="blocked">
                <div class="section-head">
                    <h2 id="blocked">{t("Blocked")}</h2>
                    <p class="soft small">{t("What they ask is refused and not shown")}</p>
                </div>
                {problem_line(problem)}
                {when(is_empty, || late(view! { <p class="soft">{t("Nobody is blocked.")}</p> }))}
                {when(move || !is_empty(), move || changing(rows))}
            </section>
        })
    };
    when(move || is_wanted() || !is_empty(), section)
}

fn row(live: Live, device: &BlockedDevice, problem: RwSignal<Option<String>>) -> AnyView {
    let short = || device.device_id.as_str().chars().take(SHORT_ID).collect::<String>();
    let name = device.name.clone().unwrap_or_else(short);
    let now_ms = live.gateway_now_untracked_ms();
    let since = fill(t("since {time}"), &[("time", &time_words::ago(device.blocked_at_ms, now_ms))]);
    let tried = tried(device, now_ms);
    let there =
        device.address.clone().map(|address| fill(t("with new devices from {address}"), &[("address", &address)]));
    let (id, shown_id, called) = (device.device_id.clone(), device.device_id.to_string(), name.clone());
    let unblock = move || {
        let done = fill(t("{name} may ask again."), &[("name", &called)]);
        let then = move |answer: crate::live::Answer| match answer {
            Ok(_) => live.announce(done),
            Err(error) => drop(problem.try_set(Some(advice(&error)))),
        };
        live.unblock(&id, Box::new(then));
    };
    late(view! {
        <li class="device" data-testid="blocked-device" data-device-id=shown_id>
            <div class="device-name">
                <h3>{name}</h3>
                <p class="tags soft small">
                    <span>{since}</span>
                    <span>{tried}</span>
                    <span>{there}</span>
                </p>
            </div>
            <div class="device-actions">{button("ghost", "unblock", || t("Unblock"), unblock)}</div>
        </li>
    })
}

/// How often it was turned away since.
fn tried(device: &BlockedDevice, now_ms: u64) -> String {
    let last = device.last_knock_at_ms.map(|at_ms| time_words::ago(at_ms, now_ms));
    match (device.knocks, last) {
        (0, _) | (_, None) => t("has not tried since").to_owned(),
        (1, Some(last)) => fill(t("has tried once, {last}"), &[("last", &last)]),
        (knocks, Some(last)) => {
            fill(t("has tried {count} times, the last time {last}"), &[("count", &knocks.to_string()), ("last", &last)])
        }
    }
}

#[cfg(test)]
mod tests {
    use protocol::DeviceId;

    use super::*;

    #[test]
    fn says_how_often_it_was_turned_away() {
        let device = |knocks, last_knock_at_ms| BlockedDevice {
            device_id: DeviceId::claimed("d"),
            name: None,
            address: None,
            blocked_at_ms: 0,
            by: None,
            knocks,
            last_knock_at_ms,
        };
        let told =
            [(0, None), (1, Some(1)), (7, Some(60_000))].map(|(knocks, last)| tried(&device(knocks, last), 120_000));
        let expected =
            ["has not tried since", "has tried once, 1 minute ago", "has tried 7 times, the last time 1 minute ago"];
        assert_eq!(told, expected);
    }
}
