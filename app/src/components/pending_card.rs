//! The approve card: who, proof, where, what, when, and the decision.
//!
//! Invariant: a click decides about what was on the screen. The buttons are inert until a person can have looked,
//! and the approval carries the digest of what was shown.

use std::time::Duration;

use leptos::prelude::*;
use protocol::pairing::{PairingReason, PendingRequest, client_kind};

use super::ask_list::AskList;
use super::proof::Proof;
use super::ring::Ring;
use super::whereabouts::Whereabouts;
use super::words::problem_line;
use crate::browser_name::BrowserName;
use crate::late::{late, text};
use crate::live::{Answer, Live, advice};
use crate::time_words;

/// How long a card stays inert after it appears or changes: longer than a click that was meant for something else
/// on the same spot.
const INERT: Duration = Duration::from_millis(600);

/// How far a decision has come.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Progress {
    Inert,
    Open,
    Approving,
    Rejecting,
}

#[component]
pub(super) fn PendingCard(request: PendingRequest) -> impl IntoView {
    let live = Live::here();
    let id = StoredValue::new(request.request_id.clone());
    let title = format!("card-{}", request.request_id);
    let labelled_by = title.clone();
    let request_id = request.request_id.clone();
    let name = request.shown_name();
    // These two move while the card stays the same: a device that asks again gets more time.
    let left_ms = Signal::derive(move || {
        live.left_ms(live.desk.with(|desk| fact(desk.pending(&id.get_value()), |e| e.expires_at_ms)))
    });
    let attempts = move || live.desk.with(|desk| fact(desk.pending(&id.get_value()), |e| u64::from(e.attempts)));
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
                <AskList request=request.clone() />
                <dt>"When"</dt>
                <dd class="soft">{text(when)}</dd>
            </dl>
            <Decide request />
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
    let has_no_secret = request.evidence.as_ref().is_some_and(|evidence| !evidence.has_secret);
    late(view! {
        <p class="soft small tags">
            <span>{claim}</span>
            <span class="pill" title="The device says so itself; nobody checked.">"claimed"</span>
            {pill(note, "")}
            // In words that need no title to be understood: neither a keyboard nor a finger can open one.
            {pill(has_no_secret.then_some("no secret shown"), "It did not show the gateway's token or password.")}
        </p>
    })
}

fn pill(words: Option<&'static str>, title: &'static str) -> impl IntoView {
    words.map(|words| view! { <span class="pill warn" title=title>{words}</span> })
}

#[component]
fn Decide(request: PendingRequest) -> impl IntoView {
    let live = Live::here();
    let progress = RwSignal::new(Progress::Inert);
    let problem = RwSignal::new(None::<String>);
    let request = StoredValue::new(request);
    Effect::new(move |_| {
        let open = move || {
            // The card may be gone by then.
            let _ = progress.try_set(Progress::Open);
        };
        set_timeout(open, INERT);
    });
    let finished = move |done: &'static str| {
        // The card is gone before the answer comes: the event that takes it off the desk is quicker.
        let name = request.with_value(PendingRequest::shown_name);
        move |answer: Answer| match answer {
            Ok(_) => live.announce(format!("{name} {done}")),
            Err(error) => {
                let _ = progress.try_set(Progress::Open);
                let _ = problem.try_set(Some(advice(&error)));
            }
        }
    };
    let is_open = move || progress.get() == Progress::Open;
    let approve = move |_| {
        if progress.get_untracked() == Progress::Open {
            progress.set(Progress::Approving);
            problem.set(None);
            request.with_value(|request| live.approve(request, finished("is in.")));
        }
    };
    let reject = move |_| {
        if progress.get_untracked() == Progress::Open {
            progress.set(Progress::Rejecting);
            problem.set(None);
            request.with_value(|request| live.reject(&request.request_id, finished("was rejected.")));
        }
    };
    let put_aside = move |_| {
        if progress.get_untracked() == Progress::Open {
            let id = request.with_value(|request| request.request_id.clone());
            live.desk.update(|desk| desk.put_aside(&id));
        }
    };
    let disabled = move || (!is_open()).to_string();
    late(view! {
        {problem_line(problem)}
        <div class="actions">
            <button type="button" class="primary" data-testid="approve" aria-disabled=disabled on:click=approve>
                {text(move || if progress.get() == Progress::Approving { "Approving…" } else { "Approve" })}
            </button>
            <button type="button" data-testid="not-now" aria-disabled=disabled on:click=put_aside>
                "Not now"
            </button>
            <button type="button" class="ghost danger" data-testid="reject" aria-disabled=disabled on:click=reject>
                {text(move || if progress.get() == Progress::Rejecting { "Rejecting…" } else { "Reject" })}
            </button>
        </div>
    })
}
