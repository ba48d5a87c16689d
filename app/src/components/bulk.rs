//! One decision about several requests: exactly about those that the dialog lists, as it lists them. What changes
//! meanwhile is not decided, and the dialog says so.

use std::sync::Arc;

use leptos::html;
use leptos::prelude::*;
use protocol::method::Terms;
use protocol::pairing::PendingRequest;

use super::decide::{Decision, Progress};
use crate::language::{fill, t};
use crate::late::{button, changing, follow, late, sleepy_button, when};
use crate::live::{Answer, Live, advice};
use crate::permissions;

/// What is about to be done to whom. The requests are as they were when the dialog opened.
#[derive(Debug, Clone)]
struct Bulk {
    is_approval: bool,
    requests: Vec<PendingRequest>,
}

/// What became of one of them.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Outcome {
    Open,
    Done,
    Failed(String),
}

/// The buttons that decide about all that is shown, and their dialog.
pub(super) fn many(live: Live, is_deciding: RwSignal<bool>) -> AnyView {
    let bulk = RwSignal::new(None::<Bulk>);
    follow(move || is_deciding.set(bulk.with(Option::is_some)));
    let for_all = move |test_id, words: &'static str, is_approval: bool| {
        // The dialog shows what waits now, and decides about nothing else.
        let open = move || {
            let requests = live.desk.with_untracked(|desk| desk.open().cloned().collect());
            bulk.set(Some(Bulk { is_approval, requests }));
        };
        button("ghost", test_id, move || words, open)
    };
    late(view! {
        <p class="tags">
            {for_all("approve-all", t("Approve all shown…"), true)}
            {for_all("reject-all", t("Reject all shown…"), false)}
        </p>
        {when(move || bulk.with(Option::is_some), move || bulk_dialog(live, bulk))}
    })
}

/// The dialog. It is there as long as there is something to decide.
fn bulk_dialog(live: Live, asked: RwSignal<Option<Bulk>>) -> AnyView {
    let Some(Bulk { is_approval, requests }) = asked.get_untracked() else {
        return late(());
    };
    let dialog = NodeRef::<html::Dialog>::new();
    follow(move || {
        if let Some(dialog) = dialog.get().filter(|dialog| !dialog.open()) {
            let _ = dialog.show_modal();
        }
    });
    let decision = Decision::new(live);
    let rows: Vec<_> = requests.into_iter().map(|request| (Arc::new(request), RwSignal::new(Outcome::Open))).collect();
    let count = rows.len().to_string();
    let (question, verb) = if is_approval {
        (
            fill(t("Approve these {count} devices?"), &[("count", &count)]),
            fill(t("Approve {count}"), &[("count", &count)]),
        )
    } else {
        (
            fill(t("Reject these {count} devices?"), &[("count", &count)]),
            fill(t("Reject {count}"), &[("count", &count)]),
        )
    };
    let effect = if is_approval { t("Each as it asks, until it is revoked.") } else { t("They may ask again.") };
    let outcomes: Vec<_> = rows.iter().map(|(_, outcome)| *outcome).collect();
    let is_over = Memo::new(move |_| outcomes.iter().all(|outcome| outcome.with(|outcome| *outcome != Outcome::Open)));
    let shown: Vec<_> = rows.iter().map(|(request, outcome)| row(request, *outcome, is_approval)).collect();
    let carry_out = move || {
        let next = if is_approval { Progress::Approving } else { Progress::Rejecting };
        if decision.take(next, String::new()).is_none() {
            return;
        }
        for (request, outcome) in &rows {
            let outcome = *outcome;
            let then: Box<dyn FnOnce(Answer)> = Box::new(move |answer| {
                let became = match answer {
                    Ok(_) => Outcome::Done,
                    Err(error) => Outcome::Failed(advice(&error)),
                };
                let _ = outcome.try_set(became);
            });
            if is_approval {
                live.approve(request, &Terms::default(), then);
            } else {
                live.reject(request, then);
            }
        }
    };
    let close = move || asked.set(None);
    let class = if is_approval { "primary" } else { "primary danger" };
    late(view! {
        <dialog
            node_ref=dialog
            class=if is_approval { "bulk" } else { "bulk harm" }
            aria-labelledby="bulk-title"
            data-testid="bulk"
            on:close=move |_| asked.set(None)
        >
            <h2 id="bulk-title">{question}</h2>
            <p class="soft">{effect}</p>
            <ul class="bulk-list" aria-live="polite">
                {shown}
            </ul>
            <div class="actions">
                {button(
                    "",
                    "bulk-close",
                    move || if is_over.get() { t("Close") } else { t("Cancel") },
                    close,
                )}
                <span hidden=move || is_over.get()>
                    {sleepy_button(class, "bulk-confirm", move || decision.is_inert(), move || verb.clone(), carry_out)}
                </span>
            </div>
        </dialog>
    })
}

fn row(request: &PendingRequest, outcome: RwSignal<Outcome>, is_approval: bool) -> AnyView {
    let origin = request.evidence.as_ref().map(|seen| &seen.origin);
    let from = origin.map(|origin| format!("{} {}", origin.network.label(), origin.address)).unwrap_or_default();
    let wants = permissions::summary(request.role, &request.scopes);
    let emoji = request.fingerprint().map(|print| (print.emoji.join(" "), print.spoken_emoji()));
    let emoji =
        emoji.map(|(shown, spoken)| view! { <span role="img" aria-label=spoken class="bulk-proof">{shown}</span> });
    let became = move || match outcome.get() {
        Outcome::Open => late(()),
        Outcome::Done if is_approval => late(view! { <span class="pill ok">{t("is in")}</span> }),
        Outcome::Done => late(view! { <span class="pill">{t("was rejected")}</span> }),
        Outcome::Failed(why) => {
            late(view! { <span class="problem">{fill(t("Not decided. {why}"), &[("why", &why)])}</span> })
        }
    };
    let id = request.request_id.clone();
    late(view! {
        <li data-testid="bulk-row" data-request-id=id>
            <p class="tags">
                <strong>{request.shown_name()}</strong>
                {emoji}
            </p>
            <p class="soft small">{format!("{from}; {wants}")}</p>
            {changing(became)}
        </li>
    })
}
