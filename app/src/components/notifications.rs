//! The settings of notifications: this browser, its sound, other browsers, and the owner's own address.

use leptos::prelude::*;
use protocol::Method;
use protocol::method::{PushList, PushOutcome, SubscribedBrowser};
use wasm_split_helpers::wasm_split;

use super::copy_command::CopyCommand;
use super::words::words;
use crate::language::{fill, t};
use crate::late::{changing, each, follow, late, sleepy_button, text, when};
use crate::live::{Answer, Live, advice};
use crate::notifications::{Permission, SwitchProblem, knows, read_list, read_outcomes, way_back};
use crate::outside;
use crate::part::Fetched;
use crate::time_words;
use crate::writing::object;

/// What the page does for a browser that is pushed to, as long as it is open.
#[wasm_split(admin, fallible)]
pub(crate) fn attendant() -> Fetched<fn(Live)> {
    Ok(outside::attend_pushes)
}

/// The section of the Settings.
#[wasm_split(admin, fallible)]
pub(crate) fn section() -> Fetched<fn() -> AnyView> {
    Ok(notification_settings)
}

/// What is known, and what is under way.
#[derive(Debug, Clone, Copy)]
struct Here {
    live: Live,
    permission: RwSignal<Permission>,
    /// Where this browser is pushed to.
    endpoint: RwSignal<Option<String>>,
    /// `None` until the gateway has said.
    list: RwSignal<Option<PushList>>,
    is_switching: RwSignal<bool>,
    problem: RwSignal<String>,
}

fn notification_settings() -> AnyView {
    let facts = outside::push_facts();
    let here = Here {
        live: Live::here(),
        permission: RwSignal::new(Permission::Undecided),
        endpoint: RwSignal::new(None),
        list: RwSignal::new(None),
        is_switching: RwSignal::new(false),
        problem: RwSignal::new(String::new()),
    };
    let settings = move || {
        here.look();
        if outside::wants_push() {
            outside::renew_push(move || here.look());
        }
        late(view! {
            <div class="notify" data-testid="notifications">
                <section class="tile" aria-labelledby="notify-here">
                    <h3 id="notify-here">{t("This browser")}</h3>
                    {match facts.ability().obstacle() {
                        Some(obstacle) => late(view! { <p class="note" data-testid="push-obstacle">{obstacle}</p> }),
                        None => this_browser(here),
                    }}
                </section>
                <section class="tile" aria-labelledby="notify-sound">
                    <h3 id="notify-sound">{t("Sound")}</h3>
                    {sound()}
                </section>
                <section class="tile" aria-labelledby="notify-url">
                    <h3 id="notify-url">{t("Webhook or ntfy")}</h3>
                    {changing(move || url(here))}
                </section>
                <section class="tile" aria-labelledby="notify-others">
                    <h3 id="notify-others">{t("Other browsers")}</h3>
                    {changing(move || others(here))}
                </section>
            </div>
        })
    };
    late(view! {
        <section class="settings-section" aria-labelledby="notifications">
            <h2 id="notifications" tabindex="-1">{t("Notifications")}</h2>
            {settings()}
        </section>
    })
}

impl Here {
    /// Looks at the browser and asks the gateway.
    fn look(self) {
        if outside::push_facts().ability().obstacle().is_none() {
            let _ = self.permission.try_set(outside::push_permission());
            outside::push_endpoint(move |endpoint| drop(self.endpoint.try_set(endpoint)));
        }
        outside::ask(Method::PushList, object([]), move |answer| {
            if let Ok(list) = answer {
                let _ = self.list.try_set(Some(read_list(&list)));
            }
        });
    }

    /// Whether pushes arrive here, as far as browser and gateway know.
    fn is_on(self) -> bool {
        let is_known = |endpoint: &str| self.list.with(|list| list.as_ref().is_some_and(|list| knows(list, endpoint)));
        self.permission.get() == Permission::Granted && self.endpoint.get().as_deref().is_some_and(is_known)
    }

    fn switch(self) {
        if self.is_switching.get_untracked() {
            return;
        }
        self.is_switching.set(true);
        self.problem.set(String::new());
        let then = move |done: Result<(), SwitchProblem>| {
            let _ = self.is_switching.try_set(false);
            if done.is_ok() && outside::wants_push() {
                outside::attend_pushes(self.live);
            }
            let _ = self.problem.try_set(done.err().map(told).unwrap_or_default());
            self.look();
        };
        if untrack(move || self.is_on()) {
            outside::switch_push_off(then);
        } else {
            outside::switch_push_on(then);
        }
    }
}

/// A problem in words. That the person said no shows by itself.
fn told(problem: SwitchProblem) -> String {
    match problem {
        SwitchProblem::Denied => String::new(),
        SwitchProblem::Unanswered => {
            t("The browser's question was not answered. Try again and choose Allow.").to_owned()
        }
        SwitchProblem::Browser(words) => {
            fill(t("The browser could not reach its push service: {words}"), &[("words", &words)])
        }
        SwitchProblem::Gateway(error) => advice(&error),
    }
}

fn this_browser(here: Here) -> AnyView {
    let state = move || {
        let (class, words) = match (here.permission.get(), here.is_on()) {
            (Permission::Denied, _) => ("pill risk", t("blocked in this browser")),
            (Permission::Granted | Permission::Undecided, true) => ("pill ok", t("on")),
            (Permission::Granted | Permission::Undecided, false) => ("pill", t("off")),
        };
        late(view! { <p><span class=class data-testid="push-state">{words}</span></p> })
    };
    let denied = || {
        late(view! {
            <div class="note" data-testid="push-denied">
                <p>
                    {t("You, or this browser for you, said no to notifications of this page.")} " "
                    {way_back(&outside::user_agent())}
                </p>
            </div>
        })
    };
    let switch = move |class: &'static str, words: fn() -> &'static str| {
        let is_busy = move || here.is_switching.get();
        let label = move || if is_busy() { t("One moment…") } else { words() };
        sleepy_button(class, "push-switch", is_busy, label, move || here.switch())
    };
    let actions = move || {
        late(view! {
            <div class="actions">
                {when(move || !here.is_on(), move || switch("primary", || t("Switch on")))}
                {when(move || here.is_on(), move || switch("", || t("Switch off")))}
                {when(move || here.is_on(), || test("push-test", "browser"))}
            </div>
        })
    };
    late(view! {
        {changing(state)}
        <p class="soft">
            {t("When a device wants in, this browser says so even while no page is open, and leads you to its card.")}
        </p>
        {when(move || here.permission.get() == Permission::Denied, denied)}
        {when(move || here.permission.get() != Permission::Denied, actions)}
        <p class="problem" role="alert" data-testid="push-problem">{text(move || here.problem.get())}</p>
    })
}

/// A button that sends a test, and what came of it.
fn test(test_id: &'static str, target: &'static str) -> AnyView {
    let is_testing = RwSignal::new(false);
    let outcome = RwSignal::new(None::<Result<Vec<PushOutcome>, String>>);
    let press = move || {
        if is_testing.get_untracked() {
            return;
        }
        is_testing.set(true);
        outcome.set(None);
        outside::ask(Method::PushTest, object([("target", target.into())]), move |answer: Answer| {
            let _ = is_testing.try_set(false);
            let _ = outcome.try_set(Some(answer.map(|answer| read_outcomes(&answer)).map_err(|error| advice(&error))));
        });
    };
    let label = move || if is_testing.get() { t("Sending…") } else { t("Send a test") };
    let result = move || match outcome.get() {
        None => late(()),
        Some(Err(problem)) => late(view! { <p class="problem">{problem}</p> }),
        Some(Ok(outcomes)) => late(outcomes.into_iter().map(outcome_line).collect::<Vec<_>>()),
    };
    late(view! {
        {sleepy_button("", test_id, move || is_testing.get(), label, press)}
        <div class="notify-result" role="status" aria-live="polite" data-testid="push-result">{changing(result)}</div>
    })
}

fn outcome_line(outcome: PushOutcome) -> AnyView {
    let sentence = if outcome.ok {
        t("{service} took the test. It should show within seconds.")
    } else {
        t("{service} did not take the test.")
    };
    let sentence = fill(sentence, &[("service", &outcome.service)]);
    let class = if outcome.ok { "good" } else { "problem" };
    let reason = (!outcome.ok).then(|| view! { <p class="soft small">{outcome.said}</p> });
    late(view! {
        <p class=class>{sentence}</p>
        {reason}
    })
}

fn sound() -> AnyView {
    let wants = RwSignal::new(outside::wants_sound());
    let is_first = StoredValue::new(true);
    follow(move || {
        let wants = wants.get();
        if !is_first.get_value() {
            outside::want_sound(wants);
            // Whoever switches it on hears what it sounds like, and the browser learns that it may ring.
            outside::ring();
        }
        is_first.set_value(false);
    });
    let toggle: Box<dyn FnMut(leptos::ev::Event)> = Box::new(move |_| wants.update(|wants| *wants = !*wants));
    late(view! {
        <label class="choice">
            <input type="checkbox" data-testid="sound" checked=wants.get_untracked() on:change=toggle />
            <span>
                <strong>{t("Ring when a device wants in")}</strong>
                <span class="soft small">
                    {t("While this page is open in this browser, and once you have clicked in it.")}
                </span>
            </span>
        </label>
    })
}

fn url(here: Here) -> AnyView {
    let Some(list) = here.list.get() else { return late(view! { <p class="soft">{t("Loading…")}</p> }) };
    match list.url {
        Some(url) => {
            let sentence = fill(
                t("Each request is also told to {host}, as {format}."),
                &[("host", &url.host), ("format", &url.format)],
            );
            late(view! {
                <p data-testid="notify-url">{sentence}</p>
                <div class="actions">{test("url-test", "url")}</div>
            })
        }
        None => late(view! {
            <p class="soft">
                {words(t("Name an address in `gateway.notify.url`, and each request is told there, too: as JSON for \
                          a program, or as a message for an ntfy topic."))}
            </p>
            {command("openclaw config set gateway.notify.url https://ntfy.sh/your-own-long-topic")}
            {command("openclaw config set gateway.notify.format ntfy")}
        }),
    }
}

fn command(line: &'static str) -> AnyView {
    late(view! { <CopyCommand shown=line.to_owned() copied=line.to_owned() /> })
}

fn others(here: Here) -> AnyView {
    let Some(list) = here.list.get() else { return late(view! { <p class="soft">{t("Loading…")}</p> }) };
    let own = here.endpoint.get();
    let others: Vec<SubscribedBrowser> =
        list.subscriptions.into_iter().filter(|browser| own.is_none() || browser.endpoint != own).collect();
    if others.is_empty() {
        return late(view! { <p class="soft">{t("No other browser is told.")}</p> });
    }
    let count = others.len();
    let line = move |key: String| {
        let browser = key.parse::<usize>().ok().and_then(|index| others.get(index).cloned());
        late(browser.map(|browser| {
            let since = time_words::ago(browser.created_at_ms, here.live.now_ms.get_untracked());
            let facts = fill(t("{service}, since {when}"), &[("service", &browser.service), ("when", &since)]);
            view! {
                <li>
                    <strong>{browser.name}</strong>
                    <span class="soft small">{facts}</span>
                </li>
            }
        }))
    };
    late(view! {
        <ul class="notify-browsers" data-testid="other-browsers">
            {each(move || (0..count).map(|index| index.to_string()).collect(), line)}
        </ul>
        <p class="soft small">{t("Removing a device, or revoking its access, ends this too.")}</p>
    })
}
