//! The approve card: who, proof, where, what, when, and the decision.

use std::sync::Arc;

use leptos::prelude::*;
use protocol::method::Terms;
use protocol::pairing::{PairingReason, PendingRequest, client_kind};

use super::ask_list::ask_list;
use super::decide::{Choice, Decision, decide};
use super::proof::Proof;
use super::rare::rare;
use super::ring::Ring;
use super::whereabouts::Whereabouts;
use crate::browser_name::BrowserName;
use crate::language::{fill, t};
use crate::late::{button, late, text, when};
use crate::live::Live;
use crate::terms::{approve_words, is_nothing, required};
use crate::time_words;

#[component]
pub(super) fn PendingCard(request: PendingRequest) -> impl IntoView {
    let live = Live::here();
    let (terms, decision) = (RwSignal::new(Terms::default()), Decision::new(live));
    let title = format!("card-{}", request.request_id);
    let labelled_by = title.clone();
    let request_id = request.request_id.clone();
    let name = request.shown_name();
    // These two move while the card stays the same: a device that asks again gets more time.
    let id = request.request_id.clone();
    let left_ms = Arc::new(move || {
        live.left_ms(live.desk.with(|desk| fact(desk.pending(&id), |evidence| evidence.expires_at_ms)))
    });
    let id = request.request_id.clone();
    let attempts = move || live.desk.with(|desk| fact(desk.pending(&id), |evidence| u64::from(evidence.attempts)));
    let asked_at_ms = request.ts;
    let when = move || {
        let ago = time_words::ago(asked_at_ms, live.gateway_now_ms());
        match attempts() {
            0 | 1 => format!("First asked {ago}"),
            count => format!("First asked {ago}, {count} times so far"),
        }
    };
    let has_changed = live.desk.with_untracked(|desk| desk.has_changed(&request.request_id));
    let changed = has_changed.then(|| {
        view! {
            <p class="note" role="alert">
                "The request changed; look again."
            </p>
        }
    });
    let proof = request.fingerprint().map(|fingerprint| {
        view! { <Proof fingerprint hint="The device must show the same." /> }
    });
    late(view! {
        <article
            class="card"
            aria-labelledby=labelled_by
            data-testid="pending-card"
            data-request-id=request_id
        >
            <header class="card-head">
                <div>
                    <h3 id=title>{name}</h3>
                    <Who request=request.clone() />
                </div>
                <Ring left_ms />
            </header>
            {changed}
            {proof}
            <dl>
                <dt>"Where"</dt>
                <dd>
                    <Whereabouts request=request.clone() />
                </dd>
                {ask_list(live, &request)}
                <dt>"When"</dt>
                <dd class="soft">{text(when)}</dd>
            </dl>
            {options(Options { request: Arc::new(request.clone()), terms, decision })}
            {decide(decision, choice(request, terms))}
        </article>
    })
}

fn fact(request: Option<&PendingRequest>, read: impl Fn(&protocol::pairing::Evidence) -> u64) -> u64 {
    request.and_then(|request| request.evidence.as_ref()).map_or(0, read)
}

/// What the device says it is, and what it did not show.
#[component]
fn Who(request: PendingRequest) -> impl IntoView {
    let user_agent = request.evidence.as_ref().and_then(|evidence| evidence.user_agent.as_deref());
    let claim = match user_agent {
        Some(user_agent) => BrowserName::of(user_agent).described(),
        None => format!("{} on {}", client_kind(&request.client_id), request.platform),
    };
    let reason = request.evidence.as_ref().map(|evidence| evidence.reason);
    let note = match reason {
        Some(PairingReason::RoleUpgrade | PairingReason::ScopeUpgrade) => Some("wants more than it has"),
        Some(PairingReason::MetadataUpgrade) => Some("describes itself differently now"),
        Some(PairingReason::NotPaired) | None => None,
    };
    let known = request.evidence.as_ref().and_then(|evidence| evidence.known.as_ref());
    let called = known.filter(|known| known.name != request.shown_name()).map(|known| {
        let called = fill(t("you call it {name}"), &[("name", &known.name)]);
        view! { <span class="pill">{called}</span> }
    });
    let has_no_secret = request.evidence.as_ref().is_some_and(|evidence| !evidence.has_secret);
    late(view! {
        <p class="soft small tags">
            <span>{claim}</span>
            <span class="pill" title="The device says so itself; nobody checked.">"claimed"</span>
            {called}
            {pill(note, "")}
            // In words that need no title to be understood: neither a keyboard nor a finger can open one.
            {pill(has_no_secret.then_some("no secret shown"), "It did not show the gateway's token or password.")}
        </p>
    })
}

fn pill(words: Option<&'static str>, title: &'static str) -> impl IntoView {
    words.map(|words| view! { <span class="pill warn" title=title>{words}</span> })
}

/// The decision: the approval carries the digest of what was shown.
fn choice(request: PendingRequest, terms: RwSignal<Terms>) -> Choice {
    let request = Arc::new(request);
    let (asked, approved, rejected) = (Arc::clone(&request), Arc::clone(&request), Arc::clone(&request));
    Choice {
        request_id: request.request_id.clone(),
        name: request.shown_name(),
        approved: t("{name} is in."),
        approve_words: Box::new(move || terms.with(approve_words)),
        required: Box::new(move || terms.with(|terms| required(&asked, terms))),
        hitch: Box::new(move || terms.with(is_nothing).then(|| t("Leave it at least one right, or reject it."))),
        command: format!("openclaw devices approve {}", request.request_id),
        approve: Box::new(move |live, then| live.approve(&approved, &terms.get_untracked(), then)),
        reject: Box::new(move |live, then| live.reject(&rejected, then)),
    }
}

/// What a card's options need: whose they are, what was chosen, and the card's one decision.
#[derive(Debug, Clone)]
pub(super) struct Options {
    pub(super) request: Arc<PendingRequest>,
    pub(super) terms: RwSignal<Terms>,
    pub(super) decision: Decision,
}

/// The rarer half of the card. What was chosen in it holds, also when it is closed: the button that approves says so.
fn options(options: Options) -> AnyView {
    let is_open = RwSignal::new(false);
    let shown = move || {
        let options = options.clone();
        rare(Box::new(move |rare| (rare.options)(&options)))
    };
    let label = move || if is_open.get() { t("Fewer options") } else { t("More options") };
    late(view! {
        <div class="options">
            {button("ghost", "more-options", label, move || is_open.update(|is_open| *is_open = !*is_open))}
            {when(move || is_open.get(), shown)}
        </div>
    })
}
