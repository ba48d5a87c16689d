//! The list: what can be looked for, what was found, and what can be done about many at once.

use std::collections::BTreeMap;

use leptos::prelude::*;
use leptos_router::NavigateOptions;
use leptos_router::hooks::{use_location, use_navigate};
use protocol::Method;

use super::drawer::drawer;
use super::many::{Deed, Many, many_dialog};
use super::roster::Roster;
use super::row::row;
use crate::components::confirm::Confirm;
use crate::components::words::problem_line;
use crate::language::{fill, t};
use crate::late::{button, each, follow, late, text, when};
use crate::live::advice;
use crate::outside;
use crate::reading;
use crate::roster::{Neighbours, View, device_in, neighbours, range, unused_params};

#[component]
pub(super) fn Paired(roster: Roster) -> impl IntoView {
    let live = roster.live;
    let many = RwSignal::new(None::<Many>);
    follow_address(roster);
    // Whatever was confirmed has changed something.
    follow(move || {
        if roster.confirming.with(Option::is_none) && roster.loads.with_untracked(|loads| *loads > 0) {
            roster.load();
        }
    });
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
    let shown = move || {
        late(view! {
            {filters(roster)}
            {when(move || !roster.view.with(View::is_of_blocked), move || found(roster, many))}
            {drawer(roster)}
            <Confirm confirming=roster.confirming />
            {when(move || many.with(Option::is_some), move || many_dialog(roster, many))}
        })
    };
    let counts = move || {
        let words = roster.page.with(|page| {
            let page = page.as_ref()?;
            let [all, connected] = [page.paired, page.connected].map(|count| count.to_string());
            let sentence = if live.is_resuming() {
                t("{all} in all, {connected} connected before")
            } else {
                t("{all} in all, {connected} connected now")
            };
            Some(fill(sentence, &[("all", &all), ("connected", &connected)]))
        });
        words.unwrap_or_default()
    };
    late(view! {
        <section aria-labelledby="paired" class="roster">
            <div class="section-head">
                <h2 id="paired" tabindex="-1">
                    {t("Paired")}
                </h2>
                <p class="soft small">{text(counts)}</p>
            </div>
            {when(move || !live.may_pair(), barred)} {when(move || live.may_pair(), shown)}
        </section>
    })
}

/// Shows the device that the page's address names, and forgets the name once its details are closed.
fn follow_address(roster: Roster) {
    let hash = use_location().hash;
    let navigate = StoredValue::new_local(use_navigate());
    follow(move || {
        if let Some(id) = device_in(&hash.get()) {
            roster.opened.set(Some(id));
        }
    });
    follow(move || {
        let is_named = untrack(|| device_in(&hash.get()).is_some());
        if roster.opened.with(Option::is_none) && is_named {
            navigate.with_value(|go| {
                go("/devices", NavigateOptions { replace: true, scroll: false, ..Default::default() });
            });
        }
    });
}

fn filters(roster: Roster) -> AnyView {
    let select =
        move |label: &'static str, test_id, options: &[(&'static str, &'static str)], keep: fn(&mut View, String)| {
            let options = options.iter().map(|(value, words)| view! { <option value=*value>{*words}</option> });
            let options = options.collect::<Vec<_>>();
            let change: Box<dyn FnMut(leptos::ev::Event)> = Box::new(move |event| {
                let value = event_target_value(&event);
                roster.look(|view| keep(view, value));
            });
            late(view! {
                <label>
                    {label} <select data-testid=test_id on:change=change>
                        {options}
                    </select>
                </label>
            })
        };
    let search: Box<dyn FnMut(leptos::ev::Event)> = Box::new(move |event| {
        let query = event_target_value(&event);
        roster.look(|view| view.query = query);
    });
    late(view! {
        <form class="filters" role="search" on:submit=|event| event.prevent_default()>
            <label class="wide">
                {t("Search")}
                <input
                    type="search"
                    maxlength="200"
                    spellcheck="false"
                    autocomplete="off"
                    data-testid="device-search"
                    placeholder=t("A name, a kind, an id or an address")
                    on:input=search
                />
            </label>
            {select(t("Role"), "device-role", &View::roles(), |view, role| view.role = role)}
            {select(t("State"), "device-state", &View::states(), |view, state| view.state = state)}
            {select(t("Seen"), "device-seen", &View::spans(), |view, seen| view.seen = seen)}
            {select(t("Order"), "device-sort", &View::orders(), |view, sort| view.sort = sort)}
        </form>
    })
}

/// What fits, a page of it.
fn found(roster: Roster, many: RwSignal<Option<Many>>) -> AnyView {
    let ids = move || {
        let id = |one: &protocol::method::ListedDevice| one.device.device_id.to_string();
        roster.page.with(|page| page.iter().flat_map(|page| page.devices.iter().map(id)).collect::<Vec<_>>())
    };
    let is_empty = move || roster.page.with(|page| page.as_ref().is_some_and(|page| page.devices.is_empty()));
    let is_loading = move || roster.page.with(Option::is_none) && roster.problem.with(Option::is_none);
    let nothing = move || {
        let words = if roster.view.with(View::is_narrow) {
            t("No device fits.")
        } else {
            t("No device is paired yet. Pair one with a code, or open this gateway's address on it.")
        };
        late(view! { <p class="soft" data-testid="no-device">{words}</p> })
    };
    late(view! {
        {when(move || roster.problem.with(Option::is_some), move || problem_line(roster.problem))}
        {when(is_loading, || late(view! { <p class="soft">{t("Loading…")}</p> }))}
        {when(is_empty, nothing)}
        {when(move || !is_empty() && !is_loading(), move || head(roster, many))}
        <ul class="devices" hidden=move || is_empty() || is_loading()>{each(ids, move |id| row(roster, id))}</ul>
        {when(move || !is_empty() && !is_loading(), move || pager(roster))}
    })
}

/// What can be done about many.
fn head(roster: Roster, many: RwSignal<Option<Many>>) -> AnyView {
    let chosen = roster.chosen;
    let is_all = move || {
        let choosable = roster.choosable();
        let is_chosen = |device: &protocol::pairing::PairedDevice| {
            chosen.with(|chosen| chosen.contains_key(device.device_id.as_str()))
        };
        !choosable.is_empty() && choosable.iter().all(is_chosen)
    };
    let choose_all: Box<dyn FnMut(leptos::ev::Event)> = Box::new(move |event| {
        let is_chosen = event_target_checked(&event);
        for device in untrack(|| roster.choosable()) {
            roster.choose(Some(device), is_chosen);
        }
    });
    let deed = move |class, test_id, words: &'static str, deed: Deed| {
        let ask = move || {
            let devices = chosen.with_untracked(|chosen| chosen.values().cloned().collect());
            many.set(Some(Many { deed, devices }));
        };
        button(class, test_id, move || words, ask)
    };
    let told = move || match chosen.with(BTreeMap::len) {
        0 => String::new(),
        count => fill(t("{count} selected"), &[("count", &count.to_string())]),
    };
    let deeds = move || {
        late(view! {
            <p class="tags chosen">
                {deed("", "revoke-chosen", t("Revoke…"), Deed::Revoke)}
                {deed("danger", "remove-chosen", t("Remove…"), Deed::Remove)}
                {button("ghost", "choose-none", || t("Select none"), move || chosen.update(BTreeMap::clear))}
            </p>
        })
    };
    let unused = move || roster.page.with(|page| page.as_ref().map_or(0, |page| page.unused));
    let clean_up = move || {
        let words = move || fill(t("Not seen for 90 days: {count}…"), &[("count", &unused().to_string())]);
        button("", "clean-up", words, move || find_unused(roster, many))
    };
    late(view! {
        <div class="roster-head">
            <label class="tick">
                <input type="checkbox" data-testid="choose-all" prop:checked=is_all on:change=choose_all />
                {t("Select all shown")}
            </label>
            <span role="status" class="soft" data-testid="chosen">
                {text(told)}
            </span>
            {when(move || chosen.with(|chosen| !chosen.is_empty()), deeds)}
            {when(move || unused() > 0, clean_up)}
        </div>
    })
}

/// Asks who was not seen for long, and shows them before anything happens to them.
fn find_unused(roster: Roster, many: RwSignal<Option<Many>>) {
    outside::ask(Method::DevicePairPage, unused_params(), move |answer| match answer {
        Ok(value) => {
            let devices = reading::device_page(&value).devices.into_iter().map(|one| one.device);
            let devices = devices.filter(|device| !roster.live.is_own(&device.device_id)).collect();
            let _ = many.try_set(Some(Many { deed: Deed::CleanUp, devices }));
        }
        Err(error) => drop(roster.problem.try_set(Some(advice(&error)))),
    });
}

fn pager(roster: Roster) -> AnyView {
    let turns = move || roster.page.with(|page| page.as_ref().map(neighbours).unwrap_or_default());
    let range = move || roster.page.with(|page| page.as_ref().map(range).unwrap_or_default());
    let step = move |test_id, words: &'static str, to: fn(Neighbours) -> Option<u64>| {
        let turn = move || {
            if let Some(offset) = to(untrack(turns)) {
                roster.turn(offset);
            }
        };
        crate::late::sleepy_button("", test_id, move || to(turns()).is_none(), move || words, turn)
    };
    let is_needed = move || turns() != Neighbours::default();
    let buttons = move || {
        late(view! {
            {step("page-before", t("Previous page"), |beside| beside.before)}
            {step("page-next", t("Next page"), |beside| beside.next)}
        })
    };
    late(view! {
        <nav class="pager" aria-label=t("Pages of devices")>
            <p class="soft small" role="status" data-testid="range">
                {text(range)}
            </p>
            {when(is_needed, buttons)}
        </nav>
    })
}
