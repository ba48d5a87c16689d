//! The gateway's log, as it is written.

use leptos::prelude::*;
use protocol::Method;
use protocol::role::READ;
use wasm_split_helpers::wasm_split;

use super::screens::{console, no_tools};
use crate::insight::logs::{Level, Tail};
use crate::language::{fill, t};
use crate::late::{button, each, late, text, when};
use crate::live::{Live, advice};
use crate::outside;
use crate::part::{Fetched, part};
use crate::place::Place;
use crate::writing::object;

/// How often the page looks for new lines, in milliseconds.
const INTERVAL_MS: u64 = 1500;

/// How many lines are shown at once; a search finds the others.
const MAX_SHOWN: usize = 300;

#[component]
pub(crate) fn Logs() -> impl IntoView {
    console(Place::Logs, no_tools, || part(lines, |build| build()))
}

#[wasm_split(admin, fallible)]
fn lines() -> Fetched<fn() -> AnyView> {
    Ok(|| late(view! { <Lines /> }))
}

#[component]
fn Lines() -> impl IntoView {
    let live = Live::here();
    let tail = RwSignal::new(Tail::default());
    let is_loaded = RwSignal::new(false);
    let problem = RwSignal::new(None::<String>);
    let is_paused = RwSignal::new(false);
    let is_asking = RwSignal::new(false);
    let level = RwSignal::new(Level::Debug);
    let search = RwSignal::new(String::new());
    let may_see = move || live.allows(READ);
    let look = move || {
        if is_asking.get_untracked() || is_paused.get_untracked() {
            return;
        }
        is_asking.set(true);
        let cursor = tail.with_untracked(|tail| tail.cursor);
        outside::ask(Method::LogsTail, object([("cursor", cursor.into())]), move |answer| {
            if is_asking.try_set(false).is_some() {
                // The page was left.
                return;
            }
            match answer {
                Ok(value) => {
                    let is_new = value.get("lines").and_then(|lines| lines.as_array()).is_some_and(|l| !l.is_empty());
                    if is_new || !is_loaded.get_untracked() || problem.with_untracked(Option::is_some) {
                        tail.update(|tail| tail.add(&value));
                        is_loaded.set(true);
                        problem.set(None);
                    }
                }
                Err(error) => problem.set(Some(advice(&error))),
            }
        });
    };
    live.whenever_connected(READ, look);
    outside::every(INTERVAL_MS, move || {
        if untrack(move || !live.is_resuming() && may_see()) {
            look();
        }
    });
    let numbers = move || {
        let level = level.get();
        search.with(|search| {
            tail.with(|tail| {
                let found = tail.matching(level, search);
                found.into_iter().take(MAX_SHOWN).map(|number| number.to_string()).collect::<Vec<_>>()
            })
        })
    };
    let state = move || {
        if !is_loaded.get() {
            return t("Loading…").to_owned();
        }
        let count = level_count(tail, level, search);
        let file = tail.with(|tail| tail.file.clone());
        let sentence =
            if is_paused.get() { t("{count} lines of {file}, paused") } else { t("{count} lines of {file}") };
        fill(sentence, &[("count", &count.to_string()), ("file", &file)])
    };
    let levels = [
        (Level::Debug, t("Everything")),
        (Level::Info, t("Information and louder")),
        (Level::Warn, t("Warnings and errors")),
        (Level::Error, t("Errors only")),
    ];
    let levels = levels.map(|(level, label)| view! { <option value=level.name()>{label}</option> });
    let build = move |number: String| {
        let line = number.parse().ok().and_then(|number| tail.with_untracked(|tail| tail.find(number).cloned()));
        late(line.map(|line| {
            let tone = match line.level {
                Level::Error => "pill risk",
                Level::Warn => "pill warn",
                Level::Info | Level::Debug => "pill",
            };
            view! {
                <li class="log-line" data-testid="log-line" data-level=line.level.name()>
                    <span class="soft small mono">{clock_of(&line.time)}</span>
                    <span class=tone>{line.level.name()}</span>
                    <span class="message">{line.message}</span>
                    <span class="soft small mono part">{line.part}</span>
                </li>
            }
        }))
    };
    let gap =
        || late(view! { <p class="note">{t("Some lines are missing: the log grew faster than it was read.")}</p> });
    let none = || late(view! { <p class="soft" data-testid="logs-empty">{t("No line fits.")}</p> });
    let is_empty = move || is_loaded.get() && numbers().is_empty();
    let shown = move || {
        late(view! {
            <form class="filters" on:submit=|event| event.prevent_default()>
                <label>
                    {t("Show")}
                    <select data-testid="log-level" on:change=move |event| {
                        level.set(Level::parse(&event_target_value(&event)));
                    }>{levels.clone()}</select>
                </label>
                <label class="wide">
                    {t("Search")}
                    <input type="search" spellcheck="false" autocomplete="off" data-testid="log-search"
                        on:input=move |event| search.set(event_target_value(&event)) />
                </label>
                {button(
                    "",
                    "log-pause",
                    move || if is_paused.get() { t("Go on") } else { t("Pause") },
                    move || {
                        is_paused.update(|paused| *paused = !*paused);
                        look();
                    },
                )}
            </form>
            <p class="problem" role="alert">{text(move || problem.get().unwrap_or_default())}</p>
            {when(move || tail.with(|tail| tail.has_gap), gap)}
            <p class="soft small" data-testid="log-state">{text(state)}</p>
            {when(is_empty, none)}
            <ol class="log" data-testid="log" aria-label=t("Lines of the log, the newest first")>{each(numbers, build)}</ol>
        })
    };
    let barred = || late(view! { <p class="note">{t("This browser may not read the log.")}</p> });
    late(view! { {when(move || !may_see(), barred)} {when(may_see, shown)} })
}

fn level_count(tail: RwSignal<Tail>, level: RwSignal<Level>, search: RwSignal<String>) -> usize {
    let level = level.get();
    search.with(|search| tail.with(|tail| tail.matching(level, search).len()))
}

/// The time of day in what the gateway wrote.
fn clock_of(time: &str) -> String {
    time.get(11..19).unwrap_or(time).to_owned()
}
