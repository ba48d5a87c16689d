//! The proxy lab: what the gateway would make of a request, hop by hop, now and with other settings.

use leptos::prelude::*;
use protocol::Method;
use protocol::role::ADMIN;
use serde_json::{Map, Value};

use super::Shared;
use crate::components::words::words;
use crate::insight::attempts::listed;
use crate::insight::lab::{Outcome, entries, headers, outcome, params, pasted};
use crate::language::{fill, t};
use crate::late::{changing, follow, late, text, when};
use crate::live::advice;
use crate::outside;

#[derive(Clone, Copy)]
struct Desk {
    peer: RwSignal<String>,
    pasted: RwSignal<String>,
    proxies: RwSignal<String>,
    origins: RwSignal<String>,
    now: RwSignal<Option<Outcome>>,
    then: RwSignal<Option<Outcome>>,
    problem: RwSignal<Option<String>>,
}

impl Desk {
    /// Fills in the settings as they are, for somebody to change.
    fn learn(self) {
        outside::ask(Method::ConfigGet, Value::Object(Map::new()), move |answer| {
            let Ok(config) = answer else { return };
            let lines = |path| listed(&config, path).unwrap_or_default().join("\n");
            let _ = self.proxies.try_set(lines("gateway.trustedProxies"));
            let _ = self.origins.try_set(lines("gateway.controlUi.allowedOrigins"));
        });
    }

    fn ask(self) {
        self.problem.set(None);
        let peer = self.peer.get_untracked();
        let headers = headers(&self.pasted.get_untracked());
        let (proxies, origins) = (entries(&self.proxies.get_untracked()), entries(&self.origins.get_untracked()));
        let questions = [
            (self.now, params(&peer, &headers, None, None)),
            (self.then, params(&peer, &headers, Some(&proxies), Some(&origins))),
        ];
        for (place, question) in questions {
            outside::ask(Method::DoctorExplainRequest, question, move |answer| match answer {
                Ok(value) => drop(place.try_set(Some(outcome(&value)))),
                Err(error) => {
                    let _ = place.try_set(None);
                    let wrong_peer = error.message.contains("/peer");
                    let words = if wrong_peer {
                        t("The other end has to be an IP address.").to_owned()
                    } else {
                        advice(&error)
                    };
                    let _ = self.problem.try_set(Some(words));
                }
            });
        }
    }
}

#[component]
pub(super) fn Lab(shared: Shared) -> impl IntoView {
    let desk = Desk {
        peer: RwSignal::default(),
        pasted: RwSignal::default(),
        proxies: RwSignal::default(),
        origins: RwSignal::default(),
        now: RwSignal::new(None),
        then: RwSignal::new(None),
        problem: RwSignal::new(None),
    };
    shared.live.whenever_connected(ADMIN, move || desk.learn());
    follow(move || {
        if let Some(attempt) = shared.picked.get() {
            desk.peer.set(attempt.peer.clone());
            desk.pasted.set(pasted(&attempt));
            untrack(|| desk.ask());
        }
    });
    let submit = move |event: leptos::ev::SubmitEvent| {
        event.prevent_default();
        desk.ask();
    };
    let area = move |id: &'static str, label: &'static str, value: RwSignal<String>, rows: &'static str| {
        late(view! {
            <label for=id>{label}</label>
            <textarea id=id rows=rows spellcheck="false" autocomplete="off" data-testid=id prop:value=text(move || value.get())
                on:input=move |event| value.set(event_target_value(&event))></textarea>
        })
    };
    let answers = move || {
        late(view! {
            <div class="lab-answers" data-testid="lab-answers">
                {changing(move || answer("lab-now", t("With the settings as they are"), desk.now.get()))}
                {changing(move || answer("lab-then", t("With these settings"), desk.then.get()))}
            </div>
        })
    };
    let has_answer = move || desk.now.with(Option::is_some) || desk.then.with(Option::is_some);
    late(view! {
        <section class="tile" aria-labelledby="lab-title">
            <h2 id="lab-title" tabindex="-1">{t("Proxy lab")}</h2>
            <p class="soft">
                {t("What would the gateway make of a request? Paste its headers, or pick an attempt above.")}
            </p>
            <form class="lab" on:submit=submit>
                <div>
                    <label for="lab-peer">{t("The other end of the connection, as the gateway sees it")}</label>
                    <input id="lab-peer" data-testid="lab-peer" spellcheck="false" autocomplete="off" placeholder="172.18.0.1"
                        prop:value=text(move || desk.peer.get())
                        on:input=move |event| desk.peer.set(event_target_value(&event)) />
                    {area("lab-headers", t("Headers of the request"), desk.pasted, "6")}
                </div>
                <div>
                    {area("lab-proxies", t("Trusted proxies to try, one on each line"), desk.proxies, "3")}
                    {area("lab-origins", t("Allowed origins to try, one on each line"), desk.origins, "3")}
                </div>
                <p class="problem" role="alert">{text(move || desk.problem.get().unwrap_or_default())}</p>
                <button class="primary" type="submit" data-testid="lab-ask">{t("Ask the gateway")}</button>
            </form>
            <div aria-live="polite">{when(has_answer, answers)}</div>
        </section>
    })
}

fn answer(test_id: &'static str, title: &'static str, outcome: Option<Outcome>) -> AnyView {
    let Some(Outcome { verdict: (class, verdict), steps, fix, unusable, own: (survives, own) }) = outcome else {
        return late(());
    };
    let steps = steps.into_iter().map(|(class, step)| view! { <li class=class>{step}</li> }).collect_view();
    let unusable = (!unusable.is_empty()).then(|| {
        let words = fill(t("These entries can never match: {entries}"), &[("entries", &unusable.join(", "))]);
        view! { <p class="problem">{words}</p> }
    });
    let cut = (!survives).then(|| {
        let words = fill(t("These settings would cut your own connection off: {why}"), &[("why", &own)]);
        view! { <p class="note">{words}</p> }
    });
    late(view! {
        <div data-testid=test_id>
            <h3>{title}</h3>
            <p><span class=class data-testid="lab-verdict">{verdict}</span></p>
            <ol class="steps">{steps}</ol>
            {fix.map(|fix| view! { <p>{words(&fix)}</p> })} {unusable} {cut}
        </div>
    })
}
