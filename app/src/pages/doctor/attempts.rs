//! Who came lately, what became of it, why, and what to do.

use leptos::prelude::*;
use protocol::doctor::{Attempt, MAX_ATTEMPTS, Outcome};
use protocol::event::Event;
use protocol::role::{ADMIN, PAIRING};
use protocol::{DeviceId, Method};

use super::Shared;
use crate::components::copy_command::CopyCommand;
use crate::components::words::words;
use crate::insight::attempts::{attempts, offer, outcome, who};
use crate::insight::place;
use crate::language::{fill, t};
use crate::late::{button, each, late, text, when};
use crate::live::advice;
use crate::outside;
use crate::time_words::ago;
use crate::writing::object;

/// How many are shown, and fetched, before somebody asks for more.
const FIRST: usize = 20;
const FETCHED: u64 = 60;

#[component]
pub(super) fn RecentAttempts(shared: Shared) -> impl IntoView {
    let live = shared.live;
    let list = RwSignal::new(None::<Vec<Attempt>>);
    let problem = RwSignal::new(None::<String>);
    let kind = RwSignal::new(None::<Outcome>);
    let search = RwSignal::new(String::new());
    let shows_all = RwSignal::new(false);
    let load = move || {
        let is_plain =
            !shows_all.get_untracked() && kind.get_untracked().is_none() && search.with_untracked(String::is_empty);
        let limit = if is_plain { FETCHED } else { MAX_ATTEMPTS };
        outside::ask(Method::DoctorAttempts, object([("limit", limit.into())]), move |answer| match answer {
            Ok(value) => {
                let _ = list.try_set(Some(attempts(&value)));
                let _ = problem.try_set(None);
            }
            Err(error) => drop(problem.try_set(Some(advice(&error)))),
        });
    };
    let may_see = move || live.allows(PAIRING);
    live.whenever_connected(PAIRING, load);
    outside::listen(move |event, _| {
        if event == Event::DoctorAttempt {
            load();
        }
    });
    let matching = move || {
        let (kind, search) = (kind.get(), search.get().trim().to_lowercase());
        list.with(|list| {
            let fits = |attempt: &&Attempt| {
                kind.is_none_or(|kind| attempt.outcome == kind)
                    && (search.is_empty() || words_of(attempt).to_lowercase().contains(&search))
            };
            list.iter().flatten().filter(fits).map(key).collect::<Vec<_>>()
        })
    };
    let keys = move || {
        let mut keys = matching();
        if !shows_all.get() {
            keys.truncate(FIRST);
        }
        keys
    };
    let build = move |key: String| {
        let found = list.with_untracked(|list| list.iter().flatten().find(|one| self::key(one) == key).cloned());
        late(found.map(|attempt| row(shared, attempt)))
    };
    let loading = || late(view! { <p class="soft">{t("Loading…")}</p> });
    let none = move || {
        let is_new = list.with_untracked(|list| list.as_ref().is_some_and(Vec::is_empty));
        let words =
            if is_new { t("Nobody has tried to connect since the gateway started.") } else { t("No attempt fits.") };
        late(view! { <p class="soft" data-testid="attempts-empty">{words}</p> })
    };
    let rest = move || {
        button(
            "",
            "attempts-all",
            || t("Show all of them"),
            move || {
                shows_all.set(true);
                load();
            },
        )
    };
    let shown = move || {
        late(view! {
            {filters(kind, search, load)}
            <p class="problem" role="alert">{text(move || problem.get().unwrap_or_default())}</p>
            {when(move || list.with(Option::is_none) && problem.with(Option::is_none), loading)}
            {when(move || list.with(Option::is_some) && matching().is_empty(), none)}
            <ol class="attempts" data-testid="attempts">{each(keys, build)}</ol>
            {when(move || !shows_all.get() && matching().len() > FIRST, rest)}
        })
    };
    let barred = || late(view! { <p class="note">{t("This browser may not see who tried to connect.")}</p> });
    late(view! {
        <section aria-labelledby="attempts-title">
            <div class="section-head">
                <h2 id="attempts-title">{t("Attempts to connect")}</h2>
                <p class="soft small">{t("The latest 500 since the gateway started")}</p>
            </div>
            {when(move || !may_see(), barred)} {when(may_see, shown)}
        </section>
    })
}

fn filters(kind: RwSignal<Option<Outcome>>, search: RwSignal<String>, load: impl Fn() + Copy + 'static) -> AnyView {
    let kinds = [("", t("Everyone")), ("refused", t("Refused")), ("waiting", t("Waiting")), ("in", t("Let in"))];
    let kinds = kinds.map(|(value, label)| view! { <option value=value>{label}</option> });
    late(view! {
        <form class="filters" on:submit=|event| event.prevent_default()>
            <label>
                {t("Show")}
                <select data-testid="attempt-kind" on:change=move |event| {
                    kind.set(Outcome::parse(&event_target_value(&event)));
                    load();
                }>{kinds}</select>
            </label>
            <label class="wide">
                {t("Search")}
                <input type="search" spellcheck="false" autocomplete="off" data-testid="attempt-search"
                    placeholder=t("A name, an address or a reason")
                    on:input=move |event| {
                        search.set(event_target_value(&event));
                        load();
                    } />
            </label>
        </form>
    })
}

/// One that has happened again is another one to the eye.
fn key(attempt: &Attempt) -> String {
    format!("{}.{}", attempt.id, attempt.count)
}

fn words_of(attempt: &Attempt) -> String {
    let Attempt { origin, cause, code, device_id, client, user_agent, .. } = attempt;
    let mut words = format!("{} {} {cause}", who(attempt), place(origin));
    for more in [code.as_deref(), device_id.as_ref().map(DeviceId::as_str), client.as_deref(), user_agent.as_deref()] {
        words.push(' ');
        words.push_str(more.unwrap_or_default());
    }
    words
}

fn row(shared: Shared, attempt: Attempt) -> AnyView {
    let live = shared.live;
    let (class, word) = outcome(attempt.outcome);
    let (at_ms, count) = (attempt.at_ms, attempt.count);
    let times = move || {
        let last = ago(at_ms, live.gateway_now_ms());
        if count == 1 {
            last
        } else {
            fill(t("{count} times, {last}"), &[("count", &count.to_string()), ("last", &last)])
        }
    };
    let fix = attempt.fix.clone();
    let is_admin = move || live.allows(ADMIN);
    let setting = fix.as_ref().and_then(|fix| fix.setting.clone());
    let command = fix.as_ref().and_then(|fix| fix.command.clone());
    let asked = attempt.clone();
    let offered = setting.map(|setting| {
        let label = offer(&setting);
        when(is_admin, move || {
            let (label, asked, setting) = (label.clone(), asked.clone(), setting.clone());
            let press = move || shared.fixing.set(Some((asked.clone(), setting.clone())));
            button("primary", "fix-setting", move || label.clone(), press)
        })
    });
    let picked = attempt.clone();
    let to_lab = when(is_admin, move || {
        let picked = picked.clone();
        button(
            "ghost",
            "to-lab",
            || t("Try in the lab"),
            move || {
                shared.picked.set(Some(picked.clone()));
                outside::focus("lab-title");
            },
        )
    });
    late(view! {
        <li class="attempt" data-testid="attempt" data-outcome=attempt.outcome.as_str()>
            <div class="attempt-head">
                <strong>{who(&attempt)}</strong>
                <span class=class>{word}</span>
                <span class="soft small when">{text(times)}</span>
            </div>
            <p>{words(&attempt.cause)}</p>
            {fix.map(|fix| view! { <p class="soft">{words(&fix.words)}</p> })}
            {command.map(|command| view! { <CopyCommand shown=command.clone() copied=command /> })}
            <div class="attempt-foot">
                <p class="soft small mono">
                    {place(&attempt.origin)} {attempt.code.map(|code| format!(" · {code}"))}
                </p>
                <div class="actions">{to_lab} {offered}</div>
            </div>
        </li>
    })
}
