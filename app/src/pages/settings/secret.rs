//! The secret that devices show: looked at on demand, changed, never kept.
//!
//! It is in this page's memory only while the dialog that shows it is open.

use leptos::prelude::*;
use protocol::Method;
use protocol::settings::{Afterwards, Checked, ShownSecret};
use serde_json::json;

use super::book::{Book, unreadable};
use super::editor::{is_stale, nothing, problem};
use super::modal::modal;
use crate::components::copy_command::CopyCommand;
use crate::components::words::{problem_line, words};
use crate::language::{fill, t};
use crate::late::{button, changing, late, sleepy_button, when};
use crate::live::Answer;
use crate::outside;
use crate::settings::words as say;
use crate::stepping;
use crate::writing::object;

/// One of the two secrets.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    Token,
    Password,
}

impl Kind {
    fn path(self) -> &'static str {
        match self {
            Self::Token => "gateway.auth.token",
            Self::Password => "gateway.auth.password",
        }
    }

    fn key(self) -> &'static str {
        match self {
            Self::Token => "token",
            Self::Password => "password",
        }
    }

    fn title(self) -> &'static str {
        match self {
            Self::Token => t("Access token"),
            Self::Password => t("Password"),
        }
    }
}

/// What is known of a secret without itself.
struct Known {
    is_set: bool,
    is_in_force: bool,
    overruled_by: Option<String>,
    connections: usize,
}

fn known(book: Book, kind: Kind) -> Option<Known> {
    book.with(|described| {
        let state = described.settings.iter().find(|setting| setting.path == kind.path());
        let in_file = state.and_then(|setting| setting.value.as_ref()).is_some_and(|value| *value != "");
        let overruled_by = state.and_then(|setting| setting.overruled_by.clone());
        let is_in_force = described.secret.mode == kind.key();
        Known {
            is_set: in_file || overruled_by.is_some(),
            is_in_force,
            overruled_by,
            connections: if is_in_force { described.secret.connections } else { 0 },
        }
    })
}

/// The block of one secret.
pub(super) fn secret(book: Book, kind: Kind) -> AnyView {
    let is_showing = RwSignal::new(false);
    let changing_it = Change::new(book, kind);
    let id = match kind {
        Kind::Token => "access-token",
        Kind::Password => "access-password",
    };
    let about = move || {
        let Some(known) = known(book, kind) else { return late(()) };
        let state = match (&known.overruled_by, known.is_set, known.is_in_force) {
            (Some(by), _, _) => say::overruled(by),
            (None, false, _) => t("Not set.").to_owned(),
            (None, true, false) => t("Set, but not asked for.").to_owned(),
            (None, true, true) => match known.connections {
                0 => t("Set in the file. Nobody who is connected now came in by it alone.").to_owned(),
                count => fill(
                    t("Set in the file. {count} of the connections that are open now came in by it."),
                    &[("count", &count.to_string())],
                ),
            },
        };
        late(view! { <p class="small">{words(&state)}</p> })
    };
    let may_show = move || known(book, kind).is_some_and(|known| known.is_set && known.is_in_force);
    let may_change = move || known(book, kind).is_some_and(|known| known.overruled_by.is_none());
    let is_set = move || known(book, kind).is_some_and(|known| known.is_set);
    let show = move || button("", "show-secret", || t("Show…"), move || is_showing.set(true));
    let change = move || {
        let label = move || if is_set() { t("Change…") } else { t("Set…") };
        button("", "change-secret", label, move || changing_it.begin())
    };
    late(view! {
        <section class="setting" aria-labelledby=id data-testid=id>
            <div class="setting-about">
                <h3 id=id>{kind.title()}</h3>
                <p class="soft small">
                    {t("Who shows it may ask to be let in; you still decide. Paired devices have keys of their own and do not need it.")}
                </p>
            </div>
            <div class="setting-body">
                {changing(about)}
                <div class="actions">{when(may_show, show)} {when(may_change, change)}</div>
                {shown(kind, is_showing)}
                {changing_it.dialog()}
            </div>
        </section>
    })
}

/// The dialog that shows the secret in force, once somebody has said so again.
fn shown(kind: Kind, is_open: RwSignal<bool>) -> AnyView {
    let revealed = RwSignal::new(None::<String>);
    let failed = RwSignal::new(None::<String>);
    let reveal = move || {
        let then = move |answer: Answer| {
            let secret =
                answer.and_then(|value| serde_json::from_value::<ShownSecret>(value).map_err(|_| unreadable()));
            match secret {
                // Somebody may have closed the dialog meanwhile.
                Ok(shown) if is_open.try_get_untracked() == Some(true) => {
                    let _ = revealed.try_set(Some(shown.secret.reveal().to_owned()));
                }
                Ok(_) => {}
                Err(error) => drop(failed.try_set(Some(problem(&error)))),
            }
        };
        stepping::ask(Method::ConfigSecret, nothing(), Box::new(then));
    };
    let forget = move || {
        revealed.set(None);
        failed.set(None);
    };
    let content = move || {
        let body = move || match revealed.get() {
            Some(secret) => late(view! {
                <div data-testid="secret">
                    <CopyCommand shown=secret.clone() copied=secret />
                </div>
            }),
            None => late(view! {
                <p class="soft">
                    {t("Whoever sees it can ask to be let in from then on. Is nobody looking over your shoulder, and is the screen not shared?")}
                </p>
            }),
        };
        late(view! {
            <h2 id="show-title">{kind.title()}</h2>
            {changing(body)}
            {problem_line(failed)}
            <div class="actions">
                {button("", "hide-secret", || t("Close"), move || is_open.set(false))}
                {when(
                    move || revealed.with(Option::is_none),
                    move || button("primary", "reveal", || t("Show it"), reveal),
                )}
            </div>
        })
    };
    modal(is_open, "show-title", forget, content)
}

/// A new secret on its way.
#[derive(Clone, Copy)]
struct Change {
    book: Book,
    kind: Kind,
    is_open: RwSignal<bool>,
    is_typed: RwSignal<bool>,
    secret: RwSignal<String>,
    checked: RwSignal<Option<Checked>>,
    is_saving: RwSignal<bool>,
    is_done: RwSignal<bool>,
    failed: RwSignal<Option<String>>,
}

impl Change {
    fn new(book: Book, kind: Kind) -> Self {
        Self {
            book,
            kind,
            is_open: RwSignal::new(false),
            is_typed: RwSignal::new(false),
            secret: RwSignal::default(),
            checked: RwSignal::new(None),
            is_saving: RwSignal::new(false),
            is_done: RwSignal::new(false),
            failed: RwSignal::new(None),
        }
    }

    fn begin(self) {
        self.forget();
        self.take(outside::new_secret());
        self.is_open.set(true);
    }

    fn forget(self) {
        self.secret.set(String::new());
        self.checked.set(None);
        self.is_typed.set(false);
        self.is_done.set(false);
        self.is_saving.set(false);
        self.failed.set(None);
    }

    /// A new wish, and what the gateway thinks of it.
    fn take(self, secret: String) {
        self.secret.set(secret.clone());
        self.failed.set(None);
        outside::ask(Method::ConfigCheck, object([("raw", self.raw().into())]), move |answer| {
            // Only the last that was typed counts.
            if self.secret.try_with_untracked(|now| *now == secret) == Some(true) {
                let checked = answer.ok().and_then(|value| serde_json::from_value(value).ok());
                let _ = self.checked.try_set(checked);
            }
        });
    }

    fn raw(self) -> String {
        let secret = self.secret.get_untracked();
        json!({"gateway": {"auth": {self.kind.key(): secret}}}).to_string()
    }

    fn is_inert(self) -> bool {
        let is_refused = self.checked.with(|checked| checked.as_ref().is_none_or(|one| !one.problems.is_empty()));
        self.is_saving.get() || is_refused || self.secret.with(|secret| secret.trim().is_empty())
    }

    fn save(self) {
        if untrack(|| self.is_inert()) {
            return;
        }
        self.is_saving.set(true);
        let hash = self.book.described.with_untracked(|book| book.as_ref().map(|book| book.hash.clone()));
        self.write(hash.unwrap_or_default());
    }

    fn write(self, hash: String) {
        let params = object([("raw", self.raw().into()), ("baseHash", hash.into())]);
        let then = move |answer: Answer| match answer {
            Ok(_) => {
                let _ = self.is_done.try_set(true);
                let _ = self.is_saving.try_set(false);
                self.book.live.announce(t("Saved. The new secret is in force.").to_owned());
                outside::focus("change-title");
                self.book.reload(|_| {});
            }
            // A secret is replaced whatever else was changed: nobody wants the old one back.
            Err(error) if is_stale(&error) => self.book.reload(move |described| self.write(described.hash.clone())),
            Err(error) => {
                let _ = self.is_saving.try_set(false);
                let _ = self.failed.try_set(Some(problem(&error)));
            }
        };
        stepping::ask(Method::ConfigPatch, params, Box::new(then));
    }

    fn dialog(self) -> AnyView {
        let content = move || {
            late(view! {
                <h2 id="change-title" tabindex="-1">
                    {self.kind.title()}
                </h2>
                {when(move || !self.is_done.get(), move || self.wishing())}
                {when(move || self.is_done.get(), move || self.done())}
            })
        };
        modal(self.is_open, "change-title", move || self.forget(), content)
    }

    /// What it should be, and who is disconnected by it.
    fn wishing(self) -> AnyView {
        let pick = move |is_typed: bool, title: &'static str, help: &'static str, id: &'static str| {
            let take: Box<dyn FnMut(leptos::ev::Event)> = Box::new(move |_| {
                self.is_typed.set(is_typed);
                self.checked.set(None);
                self.take(if is_typed { String::new() } else { outside::new_secret() });
            });
            late(view! {
                <label class="choice">
                    <input
                        type="radio"
                        name="secret-how"
                        data-testid=id
                        prop:checked=move || self.is_typed.get() == is_typed
                        on:change=take
                    />
                    <span>
                        <strong>{title}</strong>
                        <span class="soft small">{help}</span>
                    </span>
                </label>
            })
        };
        let field = move || {
            let typed: Box<dyn FnMut(leptos::ev::Event)> = Box::new(move |event| self.take(event_target_value(&event)));
            late(view! {
                <label class="field">
                    <span class="small">{t("The new one")}</span>
                    <input
                        type="password"
                        autocomplete="new-password"
                        spellcheck="false"
                        data-testid="secret-input"
                        on:input=typed
                    />
                </label>
            })
        };
        let effect = move || {
            let is_empty = self.secret.with(|secret| secret.trim().is_empty());
            let Some(checked) = self.checked.get().filter(|_| !is_empty) else { return late(()) };
            let line = |class: &'static str, text: String| view! { <li class=class>{text}</li> };
            let problems = checked.problems.iter().map(|problem| line("problem", say::capital(&problem.message)));
            let warnings =
                checked.warnings.iter().map(|warning| line("setting-warning", say::capital(&warning.message)));
            let ended = if checked.problems.is_empty() { say::ended(&checked) } else { Vec::new() };
            let ended = ended.into_iter().map(|text| line("", text));
            late(view! {
                <ul class="effects small" data-testid="disconnected">
                    {problems.chain(warnings).chain(ended).collect::<Vec<_>>()}
                </ul>
            })
        };
        let label = move || if self.is_saving.get() { t("Saving…") } else { t("Change it") };
        late(view! {
            <fieldset>
                <legend class="visually-hidden">{t("The new one")}</legend>
                {pick(false, t("Make a new one"), t("Long and random. It is shown once, after it is saved."), "make-secret")}
                {pick(true, t("Type one"), t("At least 16 characters, best made by a password manager."), "type-secret")}
            </fieldset>
            {when(move || self.is_typed.get(), field)}
            <div aria-live="polite">{changing(effect)}</div>
            {problem_line(self.failed)}
            <div class="actions">
                {button("", "", || t("Cancel"), move || self.is_open.set(false))}
                {sleepy_button("primary", "save-secret", move || self.is_inert(), label, move || self.save())}
            </div>
        })
    }

    /// It is in force. A made one is shown now and never again.
    fn done(self) -> AnyView {
        let secret = self.secret.get_untracked();
        let is_typed = self.is_typed.get_untracked();
        let checked = self.checked.get_untracked().unwrap_or_default();
        let waiting = checked.disconnects.named.iter().filter(|one| one.then == Afterwards::NeedsSecret);
        let waiting: Vec<String> = waiting.map(|one| format!("{} ({})", one.name, one.address)).collect();
        let next = if waiting.is_empty() {
            t("Nobody who was connected needs it. Programs that keep the old one are refused until they are given the new one.").to_owned()
        } else {
            fill(
                t(
                    "Give the new one to: {names}. Official clients that still show the old one are refused with a token mismatch until then.",
                ),
                &[("names", &waiting.join(", "))],
            )
        };
        let once = (!is_typed).then(|| {
            view! {
                <div data-testid="new-secret">
                    <CopyCommand shown=secret.clone() copied=secret />
                </div>
            }
        });
        late(view! {
            <p class="note good">
                <span>{t("Saved. The new secret is in force.")}</span>
            </p>
            {once}
            <p class="small">{next}</p>
            <div class="actions">{button("primary", "secret-done", || t("Done"), move || self.is_open.set(false))}</div>
        })
    }
}
