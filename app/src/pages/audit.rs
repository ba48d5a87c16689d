//! What was decided, by whom, from where, and what was displayed.

use leptos::prelude::*;
use protocol::audit::{DEFAULT_AUDIT_LIMIT, MAX_AUDIT_LIMIT};
use protocol::event::Event;
use protocol::role::ADMIN;
use protocol::{Fingerprint, Method};
use serde_json::{Map, Value};
use wasm_split_helpers::wasm_split;

use super::screens::{console, no_tools};
use crate::components::proof::Proof;
use crate::insight::audit::{Filter, Kind, Page, Row, lines, page, verdict};
use crate::language::{fill, t};
use crate::late::{button, changing, each, late, text, when};
use crate::live::{Live, advice};
use crate::outside;
use crate::part::{Fetched, part};
use crate::place::Place;
use crate::time_words::ago;

#[component]
pub(crate) fn Audit() -> impl IntoView {
    console(Place::Audit, no_tools, || part(timeline, |build| build()))
}

#[wasm_split(admin, fallible)]
fn timeline() -> Fetched<fn() -> AnyView> {
    Ok(|| late(view! { <Timeline /> }))
}

/// What was fetched, and what went wrong with that.
#[derive(Clone, Copy)]
struct Desk {
    live: Live,
    filter: RwSignal<Filter>,
    /// `None` until the first answer.
    page: RwSignal<Option<Page>>,
    problem: RwSignal<Option<String>>,
    /// `None` while it is looked at.
    chain: RwSignal<Option<(bool, String)>>,
    /// Counts the questions, so that an answer to an older one is left aside.
    asked: RwSignal<u32>,
}

impl Desk {
    fn new(live: Live) -> Self {
        Self {
            live,
            filter: RwSignal::default(),
            page: RwSignal::new(None),
            problem: RwSignal::new(None),
            chain: RwSignal::new(None),
            asked: RwSignal::new(0),
        }
    }

    /// Fetches the newest anew, or with a cursor what comes behind.
    fn load(self, cursor: Option<u64>) {
        let number = self.asked.get_untracked().wrapping_add(1);
        self.asked.set(number);
        let now_ms = untrack(|| self.live.gateway_now_ms());
        let params = self.filter.with_untracked(|filter| filter.params(cursor, DEFAULT_AUDIT_LIMIT, now_ms));
        outside::ask(Method::AuditList, params, move |answer| {
            if self.asked.try_get_untracked() != Some(number) {
                return;
            }
            match answer {
                Ok(value) => {
                    let newer = page(&value);
                    self.problem.set(None);
                    self.page.update(|known| match known.as_mut().filter(|_| cursor.is_some()) {
                        Some(known) => {
                            known.rows.extend(newer.rows);
                            known.next = newer.next;
                        }
                        None => *known = Some(newer),
                    });
                }
                Err(error) => self.problem.set(Some(advice(&error))),
            }
        });
    }

    fn verify(self) {
        outside::ask(Method::AuditVerify, Value::Object(Map::new()), move |answer| {
            let found = answer.as_ref().map_or_else(|error| (false, advice(error)), verdict);
            let _ = self.chain.try_set(Some(found));
        });
    }

    fn change(self, change: impl FnOnce(&mut Filter)) {
        self.filter.update(change);
        self.load(None);
    }
}

#[component]
fn Timeline() -> impl IntoView {
    let live = Live::here();
    let desk = Desk::new(live);
    let may_see = move || live.allows(ADMIN);
    live.whenever_connected(ADMIN, move || {
        desk.load(None);
        desk.verify();
    });
    outside::listen(move |event, _| {
        if event == Event::AuditAppended {
            desk.load(None);
            desk.verify();
        }
    });
    let barred = || {
        late(view! {
            <p class="note">{t("Only a browser with admin rights may see what was decided.")}</p>
        })
    };
    let shown = move || {
        late(view! {
            <Filters desk />
            <p class="problem" role="alert">
                {text(move || desk.problem.get().unwrap_or_default())}
            </p>
            {changing(move || list(desk))}
        })
    };
    late(view! { {when(move || !may_see(), barred)} {when(may_see, shown)} })
}

#[component]
fn Filters(desk: Desk) -> impl IntoView {
    let kinds = Kind::ALL.into_iter().map(|kind| view! { <option value=kind.name()>{kind.label()}</option> });
    let authors = [
        ("", t("Anybody")),
        ("owner", t("The owner, at the command line")),
        ("policy", t("Rules and one-time codes")),
        ("program", t("Programs with the secret")),
        ("file", t("The settings file")),
    ];
    let authors = authors.into_iter().map(|(value, label)| view! { <option value=value>{label}</option> });
    let spans = [("0", t("Any time")), ("1", t("Last day")), ("7", t("Last week")), ("31", t("Last month"))];
    let spans = spans.into_iter().map(|(days, label)| view! { <option value=days>{label}</option> });
    let back_ms = |days: String| days.parse::<u64>().unwrap_or_default() * 86_400_000;
    let pill = move || {
        let (class, words) = match desk.chain.get() {
            None => ("pill", t("Checking the chain…").to_owned()),
            Some((true, words)) => ("pill ok", words),
            Some((false, words)) => ("pill risk", words),
        };
        late(view! { <span class=class data-testid="chain">{words}</span> })
    };
    late(view! {
        <form class="filters" on:submit=|event| event.prevent_default()>
            <label>
                {t("What")}
                <select data-testid="filter-kind" on:change=move |event| {
                    let kind = Kind::parse(&event_target_value(&event));
                    desk.change(|filter| filter.kind = kind);
                }>{kinds.collect_view()}</select>
            </label>
            <label>
                {t("By")}
                <select data-testid="filter-by" on:change=move |event| {
                    let by = event_target_value(&event);
                    desk.change(|filter| filter.by = by);
                }>{authors.collect_view()}</select>
            </label>
            <label>
                {t("When")}
                <select on:change=move |event| {
                    let back_ms = back_ms(event_target_value(&event));
                    desk.change(|filter| filter.back_ms = back_ms);
                }>{spans.collect_view()}</select>
            </label>
            <label class="wide">
                {t("Search")}
                <input type="search" maxlength="200" spellcheck="false" autocomplete="off" data-testid="filter-search"
                    placeholder=t("A name, an id or an address") on:input=move |event| {
                        let search = event_target_value(&event);
                        desk.change(|filter| filter.search = search);
                    } />
            </label>
        </form>
        <div class="section-head">
            <p class="tags" role="status">{changing(pill)}</p>
            {button("", "export", || t("Export as JSON lines"), move || export(desk, String::new(), None))}
        </div>
    })
}

fn list(desk: Desk) -> AnyView {
    let is_loaded = desk.page.with(Option::is_some);
    if !is_loaded {
        return late(view! { <p class="soft">{t("Loading…")}</p> });
    }
    let is_empty = desk.page.with(|page| page.as_ref().is_some_and(|page| page.rows.is_empty()));
    if is_empty {
        let is_new = desk.page.with(|page| page.as_ref().is_some_and(|page| page.kept == 0));
        let words = if is_new { t("Nothing was decided yet.") } else { t("No decision fits.") };
        return late(view! { <p class="soft" data-testid="audit-empty">{words}</p> });
    }
    let find = move |seq: &str| {
        let seq = seq.parse::<u64>().ok()?;
        let page = desk.page.get_untracked()?;
        page.rows.into_iter().find(|row| row.seq == seq)
    };
    let numbers = desk
        .page
        .with(|page| page.iter().flat_map(|page| page.rows.iter().map(|row| row.seq.to_string())).collect::<Vec<_>>());
    let next = desk.page.with(|page| page.as_ref().and_then(|page| page.next));
    let more =
        move || next.map(|next| button("", "audit-more", || t("Show older ones"), move || desk.load(Some(next))));
    late(view! {
        <ol class="timeline" data-testid="timeline">
            {each(move || numbers.clone(), move |seq| late(find(&seq).map(|row| entry(desk.live, row))))}
        </ol>
        {more()}
    })
}

fn entry(live: Live, row: Row) -> AnyView {
    let Row { seq, at_ms, action, headline, by, facts, key, asked } = row;
    let moment = outside::moment(at_ms);
    let facts = facts.into_iter().map(|(label, fact)| view! { <dt>{label}</dt> <dd>{fact}</dd> }).collect_view();
    let asked = asked
        .into_iter()
        .map(|ask| view! { <li>{ask.sentence.into_owned()} " " <code class="soft">{ask.name}</code></li> })
        .collect::<Vec<_>>();
    let asks = (!asked.is_empty()).then(|| {
        view! {
            <p>{t("It asked to:")}</p>
            <ul class="asked">{asked}</ul>
        }
    });
    let proof = key.map(|key| {
        let fingerprint: Fingerprint = key.fingerprint();
        view! { <Proof fingerprint hint=t("What was compared.") /> }
    });
    late(view! {
        <li class="entry" data-testid="audit-entry" data-action=action.as_str()>
            <details>
                <summary>
                    <strong>{headline}</strong>
                    <span class="soft">{fill(t("by {who}"), &[("who", &by)])}</span>
                    <span class="soft small when" title=moment.clone()>
                        {text(move || ago(at_ms, live.gateway_now_ms()))}
                    </span>
                </summary>
                <div class="evidence">
                    {proof} {asks}
                    <dl>
                        <dt>{t("When")}</dt>
                        <dd>{moment}</dd>
                        {facts}
                        <dt>{t("Number")}</dt>
                        <dd>{seq.to_string()}</dd>
                    </dl>
                </div>
            </details>
        </li>
    })
}

/// Fetches everything that fits the filters, page by page, and saves it as a file.
fn export(desk: Desk, mut so_far: String, cursor: Option<u64>) {
    let now_ms = untrack(|| desk.live.gateway_now_ms());
    let params = desk.filter.with_untracked(|filter| filter.params(cursor, MAX_AUDIT_LIMIT, now_ms));
    outside::ask(Method::AuditList, params, move |answer| match answer {
        Ok(value) => {
            so_far.push_str(&lines(&value));
            match page(&value).next {
                Some(next) => export(desk, so_far, Some(next)),
                None => outside::save("openclaw-audit.jsonl", &so_far),
            }
        }
        Err(error) => drop(desk.problem.try_set(Some(advice(&error)))),
    });
}
