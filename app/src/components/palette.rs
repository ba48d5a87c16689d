//! The command palette: Ctrl-K or ⌘K, a few letters, Enter.

use leptos::ev::KeyboardEvent;
use leptos::html;
use leptos::prelude::*;
use leptos_router::hooks::use_navigate;
use protocol::Method;
use wasm_split_helpers::wasm_split;

use crate::language::{Language, spoken, t};
use crate::late::{button, each, follow, late, text, when};
use crate::live::Live;
use crate::outside;
use crate::palette::{Command, Target, find};
use crate::part::{Fetched, part};
use crate::place::Place;
use crate::reading;
use crate::writing::object;

/// Opens with its keys, and from the rail by `is_open`.
#[component]
pub(crate) fn Palette(is_open: RwSignal<bool>) -> impl IntoView {
    follow(move || {
        outside::on_key(move |key| {
            let is_call = (key.ctrl_key() || key.meta_key()) && key.key().eq_ignore_ascii_case("k");
            if is_call {
                key.prevent_default();
                is_open.update(|is_open| *is_open = !*is_open);
            }
        });
    });
    when(move || is_open.get(), move || part(open, move |build| build(is_open)))
}

#[wasm_split(devices, fallible)]
fn open() -> Fetched<fn(RwSignal<bool>) -> AnyView> {
    Ok(|is_open| late(view! { <Dialog is_open /> }))
}

#[component]
fn Dialog(is_open: RwSignal<bool>) -> impl IntoView {
    let live = Live::here();
    let dialog = NodeRef::<html::Dialog>::new();
    let query = RwSignal::new(String::new());
    let chosen = RwSignal::new(0_usize);
    let commands = StoredValue::new(commands(live));
    let devices = RwSignal::new(Vec::<Command>::new());
    let found = Memo::new(move |_| {
        let mut all = commands.get_value();
        let found_by_gateway = devices.get();
        all.extend(found_by_gateway.iter().cloned());
        let mut found: Vec<Command> = find(&query.get(), &all).into_iter().cloned().collect();
        // The gateway also knows a device by its address or its id.
        let others = found_by_gateway.into_iter().filter(|device| !found.contains(device)).collect::<Vec<_>>();
        found.extend(others);
        found
    });
    follow(move || find_devices(live, query, devices));
    follow(move || {
        if let Some(dialog) = dialog.get() {
            let _ = dialog.show_modal();
        }
    });
    let navigate = use_navigate();
    let go = StoredValue::new_local(move |command: &Command| {
        is_open.set(false);
        match &command.target {
            Target::Page(path) => navigate(path, leptos_router::NavigateOptions::default()),
            Target::Language(language) => outside::choose(*language),
            Target::Reload => outside::reload_page(),
        }
    });
    let pick = move |index: usize| {
        if let Some(command) = found.with_untracked(|found| found.get(index).cloned()) {
            go.with_value(|go| go(&command));
        }
    };
    let on_key = move |key: KeyboardEvent| {
        let count = found.with_untracked(Vec::len).max(1);
        match key.key().as_str() {
            "ArrowDown" => chosen.update(|at| *at = (*at + 1) % count),
            "ArrowUp" => chosen.update(|at| *at = (*at + count - 1) % count),
            "Enter" => pick(chosen.get_untracked()),
            _ => return,
        }
        key.prevent_default();
    };
    let type_in = move |event| {
        query.set(event_target_value(&event));
        chosen.set(0);
    };
    let keys = move || (0..found.with(Vec::len)).map(|index| index.to_string()).collect::<Vec<_>>();
    let options = move || {
        each(keys, move |index| {
            let index: usize = index.parse().unwrap_or_default();
            let read = move |tell: fn(&Command) -> String| {
                text(move || found.with(|found| found.get(index).map(tell)).unwrap_or_default())
            };
            late(view! {
                <li
                    id=format!("palette-{index}")
                    role="option"
                    aria-selected=text(move || if chosen.get() == index { "true" } else { "false" })
                    on:click=move |_| pick(index)
                >
                    <span>{read(|command| command.title.clone())}</span>
                    <span class="soft small">{read(|command| command.hint.clone())}</span>
                </li>
            })
        })
    };
    let is_empty = move || found.with(Vec::is_empty);
    late(view! {
        <dialog node_ref=dialog class="palette" aria-label=t("Go to") on:close=move |_| is_open.set(false)>
            <div class="section-head">
                <input
                    type="text"
                    role="combobox"
                    aria-expanded="true"
                    aria-controls="palette-list"
                    aria-activedescendant=text(move || format!("palette-{}", chosen.get()))
                    aria-label=t("Where to?")
                    placeholder=t("Where to?")
                    autocomplete="off"
                    autofocus
                    data-testid="palette-query"
                    on:input=type_in
                    on:keydown=on_key
                />
                {button("ghost", "", || t("Close"), move || is_open.set(false))}
            </div>
            <ul id="palette-list" role="listbox" aria-label=t("Commands")>
                {options()}
            </ul>
            {when(is_empty, || late(view! { <p class="soft">{t("Nothing fits.")}</p> }))}
        </dialog>
    })
}

/// How many devices the palette offers.
const DEVICES: u64 = 8;

/// Asks the gateway for the devices that fit what is typed; of several answers, the last question's counts.
fn find_devices(live: Live, query: RwSignal<String>, devices: RwSignal<Vec<Command>>) {
    let asked = query.get();
    if !untrack(|| live.may_pair()) {
        return;
    }
    let params = object([("query", asked.as_str().into()), ("limit", DEVICES.into())]);
    outside::ask(Method::DevicePairPage, params, move |answer| {
        let is_current = query.try_with_untracked(|query| *query == asked) == Some(true);
        if let (Ok(value), true) = (answer, is_current) {
            let found = reading::device_page(&value).devices.into_iter().map(|one| Command {
                title: one.device.shown_name(),
                hint: t("paired device").to_owned(),
                target: Target::Page(format!("/devices#device-{}", one.device.device_id)),
            });
            devices.set(found.collect());
        }
    });
}

/// Everything there is to go to, now.
fn commands(live: Live) -> Vec<Command> {
    let page = |title: &str, hint: &str, path: &str| Command {
        title: title.to_owned(),
        hint: hint.to_owned(),
        target: Target::Page(path.to_owned()),
    };
    let mut commands = Vec::from(Place::ALL.map(|place| page(place.title(), place.hint(), place.path())));
    live.desk.with_untracked(|desk| {
        for request in desk.open() {
            let place = format!("/devices#request-{}", request.request_id);
            commands.push(page(&request.shown_name(), t("wants in"), &place));
        }
    });
    for language in Language::ALL.into_iter().filter(|language| *language != spoken()) {
        let target = Target::Language(language);
        commands.push(Command { title: language.name().to_owned(), hint: t("language").to_owned(), target });
    }
    let reload = t("Load the page anew").to_owned();
    commands.push(Command { title: reload, hint: String::new(), target: Target::Reload });
    commands
}
