//! The owner's passkeys: which there are, one more, one less.

use leptos::html;
use leptos::prelude::*;
use protocol::method::{Passkey, PasskeyList};
use protocol::{Method, WireError};

use super::book::{Book, unreadable};
use super::editor::{block, nothing, problem};
use super::fields::choice;
use super::sections::word;
use crate::components::passkey_prompt::code_of;
use crate::components::words::{problem_line, words};
use crate::language::{fill, t};
use crate::late::{changing, follow, late, sleepy_button, when};
use crate::live::{Answer, Live};
use crate::outside;
use crate::stepping::{self, refused};
use crate::time_words;
use crate::writing::object;

/// The longest name the gateway keeps, in characters.
const LONGEST: &str = "64";

/// What is known, and what is under way. Copied freely.
#[derive(Clone, Copy)]
struct Desk {
    live: Live,
    /// `None` until the gateway has said.
    list: RwSignal<Option<PasskeyList>>,
    is_busy: RwSignal<bool>,
    /// The passkey that somebody is about to remove.
    leaving: RwSignal<Option<String>>,
    failed: RwSignal<Option<String>>,
    name: NodeRef<html::Input>,
}

/// When one is asked for, and which there are.
pub(super) fn step_up(book: Book) -> Vec<AnyView> {
    const STEP_UP: &str = "gateway.stepUp";
    let policy = block(
        book,
        "step-up",
        t("When one is asked for"),
        t("Besides being signed in, so that a stolen session or a hurried click is not enough."),
        &[STEP_UP],
        |editor| {
            let list = vec![
                word(
                    "public-admin",
                    t("For admins from the internet"),
                    t(
                        "Also for the secret, for codes with full access and for what would get around this. Once you have a passkey.",
                    ),
                ),
                word("always", t("Always"), t("For every approval, every code and every look at the secret.")),
                word("off", t("Never"), t("Being signed in is enough.")),
            ];
            choice(editor, STEP_UP, t("When one is asked for"), list)
        },
    );
    vec![policy, passkeys(book)]
}

fn passkeys(book: Book) -> AnyView {
    let desk = Desk {
        live: book.live,
        list: RwSignal::new(None),
        is_busy: RwSignal::new(false),
        leaving: RwSignal::new(None),
        failed: RwSignal::new(None),
        name: NodeRef::new(),
    };
    // Anew with the settings, which also come anew when the line was lost.
    follow(move || {
        if book.described.with(Option::is_some) {
            desk.look();
        }
    });
    late(view! {
        <section class="setting" aria-labelledby="passkeys" data-testid="passkeys">
            <div class="setting-about">
                <h3 id="passkeys">{t("Your passkeys")}</h3>
                <p class="soft small">
                    {words(
                        t(
                            "A fingerprint, a face, a PIN or a security key. Lost one? `openclaw passkeys remove` on the gateway's machine takes it away, and `openclaw` there never asks for one.",
                        ),
                    )}
                </p>
            </div>
            <div class="setting-body">
                {changing(move || desk.rows())} {problem_line(desk.failed)} {changing(move || desk.adding())}
            </div>
        </section>
    })
}

impl Desk {
    fn look(self) {
        outside::ask(Method::PasskeyList, nothing(), move |answer| {
            let list = answer.and_then(|value| serde_json::from_value(value).map_err(|_| unreadable()));
            match list {
                Ok(list) => drop(self.list.try_set(Some(list))),
                Err(error) => self.fail(&error),
            }
        });
    }

    fn fail(self, error: &WireError) {
        let _ = self.failed.try_set(Some(problem(error)));
    }

    /// Does something that ends with an answer of the gateway's, and says what came of it.
    fn end(self, answer: Answer, done: String) {
        let _ = self.is_busy.try_set(false);
        match answer {
            Ok(_) => self.live.announce(done),
            Err(error) => self.fail(&error),
        }
        self.look();
    }

    fn add(self) {
        let name = self.name.get_untracked().map(|field| field.value().trim().to_owned()).unwrap_or_default();
        if self.is_busy.get_untracked() || name.is_empty() {
            return;
        }
        self.is_busy.set(true);
        self.failed.set(None);
        let done = fill(t("The passkey {name} was added."), &[("name", &name)]);
        let then = Box::new(move |answer: Answer| match answer {
            Err(error) => self.end(Err(error), String::new()),
            Ok(offer) => outside::create_passkey(&offer, &name, move |made| match made {
                Err(problem) => self.end(Err(refused(code_of(problem))), String::new()),
                Ok(made) => outside::ask(Method::PasskeyFinish, made, move |answer| self.end(answer, done)),
            }),
        });
        stepping::ask(Method::PasskeyBegin, nothing(), then);
    }

    fn remove(self, passkey: &Passkey) {
        if self.is_busy.get_untracked() {
            return;
        }
        self.is_busy.set(true);
        self.failed.set(None);
        self.leaving.set(None);
        let done = fill(t("The passkey {name} was removed."), &[("name", &passkey.name)]);
        let params = object([("id", passkey.id.as_str().into())]);
        stepping::ask(Method::PasskeyRemove, params, Box::new(move |answer| self.end(answer, done)));
    }

    fn rows(self) -> AnyView {
        let Some(list) = self.list.get() else {
            return late(view! { <p class="soft small">{t("Asking the gateway…")}</p> });
        };
        if list.passkeys.is_empty() {
            let none = t("None yet. Until there is one, nothing asks for it, unless you choose “Always” above.");
            return late(view! { <p class="note"><span>{none}</span></p> });
        }
        let rows: Vec<_> = list.passkeys.into_iter().map(|passkey| self.row(passkey)).collect();
        late(view! { <ul class="passkeys">{rows}</ul> })
    }

    fn row(self, passkey: Passkey) -> AnyView {
        let now_ms = self.live.gateway_now_untracked_ms();
        let added = fill(t("added {when}"), &[("when", &time_words::ago(passkey.created_at_ms, now_ms))]);
        let used = passkey.last_used_at_ms.map_or_else(
            || t("never used").to_owned(),
            |at_ms| fill(t("last used {when}"), &[("when", &time_words::ago(at_ms, now_ms))]),
        );
        let facts = format!("{} · {added} · {used}", passkey.host);
        let id = passkey.id.clone();
        let is_leaving = move || self.leaving.with(|leaving| leaving.as_ref() == Some(&id));
        let is_staying = is_leaving.clone();
        let (asked, name, gone) = (passkey.id.clone(), passkey.name.clone(), passkey);
        let is_busy = move || self.is_busy.get();
        let ask = move || {
            let asked = asked.clone();
            let press = move || self.leaving.set(Some(asked.clone()));
            sleepy_button("ghost danger", "remove-passkey", is_busy, || t("Remove…"), press)
        };
        let sure = move || {
            let gone = gone.clone();
            late(view! {
                <div class="actions">
                    {sleepy_button("", "keep-passkey", is_busy, || t("Keep it"), move || self.leaving.set(None))}
                    {sleepy_button("danger", "remove-passkey-now", is_busy, || t("Remove it"), move || self.remove(&gone))}
                </div>
            })
        };
        late(view! {
            <li data-testid="passkey">
                <div>
                    <strong>{name}</strong>
                    <p class="soft small">{facts}</p>
                </div>
                {when(move || !is_staying(), ask)} {when(is_leaving, sure)}
            </li>
        })
    }

    fn adding(self) -> AnyView {
        let host = self.list.with(|list| list.as_ref().map(|list| list.host.clone()));
        match host {
            None => late(()),
            Some(None) => late(view! {
                <p class="note" data-testid="passkey-obstacle">
                    <span>
                        {words(
                            t(
                                "A page at this address cannot have passkeys: they need HTTPS and a host name. Open it over Tailscale (`openclaw gateway --tailscale serve`), at an https:// address with a name, or at http://localhost on the gateway's machine.",
                            ),
                        )}
                    </span>
                </p>
            }),
            Some(Some(host)) => self.field(&host),
        }
    }

    fn field(self, host: &str) -> AnyView {
        let proposed = untrack(|| self.live.identity.with(|own| own.as_ref().map(|own| own.name.clone())));
        let only_here = fill(t("It will work on pages at {host} only."), &[("host", host)]);
        let label = move || if self.is_busy.get() { t("One moment…") } else { t("Add a passkey") };
        late(view! {
            <div class="passkey-new">
                <label class="field">
                    <span class="small">{t("Call it")}</span>
                    <input
                        type="text"
                        maxlength=LONGEST
                        value=proposed.unwrap_or_default()
                        autocomplete="off"
                        data-testid="passkey-name"
                        node_ref=self.name
                    />
                </label>
                <div class="actions">
                    {sleepy_button("primary", "add-passkey", move || self.is_busy.get(), label, move || self.add())}
                </div>
                <p class="soft small">{only_here}</p>
            </div>
        })
    }
}
