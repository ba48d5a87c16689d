//! The three buttons under a card, and what follows from them.
//!
//! Invariant: a click decides about what was on the screen. The buttons are inert until a person can have looked.

use std::sync::Arc;
use std::time::Duration;

use leptos::prelude::*;

use super::words::{problem_line, words};
use crate::late::{follow, late, sleepy_button};
use crate::live::{Answer, Live, advice};

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

/// Asks the gateway to do something, and hands its answer on.
type Ask = Box<dyn Fn(Live, Box<dyn FnOnce(Answer)>) + Send + Sync>;

/// What the buttons of one card do.
pub(super) struct Choice {
    pub(super) request_id: String,
    /// Whom it is about.
    pub(super) name: String,
    /// What is said once it is approved: "is in."
    pub(super) approved: &'static str,
    pub(super) approve: Ask,
    pub(super) reject: Ask,
    /// What an approval takes.
    pub(super) required: Vec<String>,
    /// The command that approves it where this browser may not.
    pub(super) command: String,
}

#[component]
pub(super) fn Decide(choice: Choice) -> impl IntoView {
    let live = Live::here();
    let progress = RwSignal::new(Progress::Inert);
    let problem = RwSignal::new(None::<String>);
    let barred = live.may_not_approve(&choice.required);
    let word = barred.map(|barred| {
        let told = format!("{barred} Ask its owner, or run `{}` on the gateway's machine.", choice.command);
        view! {
            <p class="note" data-testid="barred">
                <span>{words(&told)}</span>
            </p>
        }
    });
    follow(move || {
        let open = move || {
            // The card may be gone by then.
            let _ = progress.try_set(Progress::Open);
        };
        set_timeout(open, INERT);
    });
    let choice = Arc::new(choice);
    // Takes a decision if the card is open for one.
    let take = move |next: Progress, choice: &Choice, done: &'static str| -> Option<Box<dyn FnOnce(Answer)>> {
        if progress.get_untracked() != Progress::Open {
            return None;
        }
        progress.set(next);
        problem.set(None);
        // The card is gone before the answer comes: the event that takes it off the desk is quicker.
        let name = choice.name.clone();
        Some(Box::new(move |answer| match answer {
            Ok(_) => live.announce(format!("{name} {done}")),
            Err(error) => {
                let _ = progress.try_set(Progress::Open);
                let _ = problem.try_set(Some(advice(&error)));
            }
        }))
    };
    let approved = Arc::clone(&choice);
    let approve = move || {
        let then = if barred.is_none() { take(Progress::Approving, &approved, approved.approved) } else { None };
        if let Some(then) = then {
            (approved.approve)(live, then);
        }
    };
    let rejected = Arc::clone(&choice);
    let reject = move || {
        if let Some(then) = take(Progress::Rejecting, &rejected, "was rejected.") {
            (rejected.reject)(live, then);
        }
    };
    let put_aside = move || {
        if progress.get_untracked() == Progress::Open {
            live.desk.update(|desk| desk.put_aside(&choice.request_id));
        }
    };
    let is_inert = move || progress.get() != Progress::Open;
    let during = move |now: Progress, doing: &'static str, otherwise: &'static str| {
        move || if progress.get() == now { doing } else { otherwise }
    };
    late(view! {
        {word}
        {problem_line(problem)}
        <div class="actions">
            {sleepy_button(
                "primary",
                "approve",
                move || is_inert() || barred.is_some(),
                during(Progress::Approving, "Approving…", "Approve"),
                approve,
            )} {sleepy_button("", "not-now", is_inert, || "Not now", put_aside)}
            {sleepy_button(
                "ghost danger",
                "reject",
                is_inert,
                during(Progress::Rejecting, "Rejecting…", "Reject"),
                reject,
            )}
        </div>
    })
}
