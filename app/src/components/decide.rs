//! The three buttons under a card, and what follows from them.
//!
//! Invariant: a click decides about what was on the screen. The buttons are inert until a person can have looked.

use std::sync::Arc;
use std::time::Duration;

use leptos::prelude::*;

use super::words::{problem_line, words};
use crate::language::{fill, t};
use crate::late::{changing, follow, late, sleepy_button};
use crate::live::{Answer, Live, advice};

/// How long a card stays inert after it appears or changes: longer than a click that was meant for something else
/// on the same spot.
pub(super) const INERT: Duration = Duration::from_millis(600);

/// How far a decision has come.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Progress {
    Inert,
    Open,
    Approving,
    Rejecting,
    Blocking,
}

/// One card's decision as it is taken. Copied freely.
#[derive(Debug, Clone, Copy)]
pub(super) struct Decision {
    live: Live,
    progress: RwSignal<Progress>,
    problem: RwSignal<Option<String>>,
}

impl Decision {
    /// Inert at first, and open a moment later.
    pub(super) fn new(live: Live) -> Self {
        let progress = RwSignal::new(Progress::Inert);
        follow(move || {
            let open = move || {
                // The card may be gone by then.
                let _ = progress.try_set(Progress::Open);
            };
            set_timeout(open, INERT);
        });
        Self { live, progress, problem: RwSignal::new(None) }
    }

    pub(super) fn is_inert(self) -> bool {
        self.progress.get() != Progress::Open
    }

    /// Takes a decision if the card is open for one. What comes back hears how it ended, and says `done` if it was
    /// carried out: the card is gone before the answer comes, because the event that takes it off the desk is quicker.
    pub(super) fn take(self, next: Progress, done: String) -> Option<Box<dyn FnOnce(Answer)>> {
        if self.progress.get_untracked() != Progress::Open {
            return None;
        }
        self.progress.set(next);
        self.problem.set(None);
        Some(Box::new(move |answer| match answer {
            Ok(_) => self.live.announce(done),
            Err(error) => {
                let _ = self.progress.try_set(Progress::Open);
                let _ = self.problem.try_set(Some(advice(&error)));
            }
        }))
    }
}

/// Asks the gateway to do something, and hands its answer on.
type Ask = Box<dyn Fn(Live, Box<dyn FnOnce(Answer)>) + Send + Sync>;

/// What the buttons of one card do.
pub(super) struct Choice {
    pub(super) request_id: String,
    /// Whom it is about.
    pub(super) name: String,
    /// What is said once it is approved, about `{name}`.
    pub(super) approved: &'static str,
    /// What stands on the button that approves.
    pub(super) approve_words: Box<dyn Fn() -> String + Send + Sync>,
    pub(super) approve: Ask,
    pub(super) reject: Ask,
    /// What an approval takes.
    pub(super) required: Box<dyn Fn() -> Vec<String> + Send + Sync>,
    /// Why it cannot be approved as it is, whoever tries.
    pub(super) hitch: Box<dyn Fn() -> Option<&'static str> + Send + Sync>,
    /// The command that approves it where this browser may not.
    pub(super) command: String,
}

pub(super) fn decide(decision: Decision, choice: Choice) -> AnyView {
    let Decision { live, progress, problem } = decision;
    let choice = Arc::new(choice);
    let judged = Arc::clone(&choice);
    // Why it cannot be approved as it is now, and whether somebody else could.
    let barred = move || match (judged.hitch)() {
        Some(why) => Some((why, false)),
        None => live.may_not_approve(&(judged.required)()).map(|why| (why, true)),
    };
    let barred: Arc<dyn Fn() -> Option<(&'static str, bool)> + Send + Sync> = Arc::new(barred);
    let (barred_now, is_barred) = (Arc::clone(&barred), Arc::clone(&barred));
    let command = choice.command.clone();
    let word = move || {
        let told = barred().map(|(why, others_may)| {
            let others = t("Ask its owner, or run `{command}` on the gateway's machine.");
            let others = if others_may { fill(others, &[("command", &command)]) } else { String::new() };
            view! {
                <p class="note" data-testid="barred">
                    <span>{words(&format!("{why} {others}"))}</span>
                </p>
            }
        });
        late(told)
    };
    let approved = Arc::clone(&choice);
    let approve = move || {
        if barred_now().is_some() {
            return;
        }
        let done = fill(approved.approved, &[("name", &approved.name)]);
        if let Some(then) = decision.take(Progress::Approving, done) {
            (approved.approve)(live, then);
        }
    };
    let rejected = Arc::clone(&choice);
    let reject = move || {
        let done = fill(t("{name} was rejected."), &[("name", &rejected.name)]);
        if let Some(then) = decision.take(Progress::Rejecting, done) {
            (rejected.reject)(live, then);
        }
    };
    let put_off = choice.request_id.clone();
    let put_aside = move || {
        if progress.get_untracked() == Progress::Open {
            live.desk.update(|desk| desk.put_aside(&put_off));
        }
    };
    let approve_words = move || match progress.get() {
        Progress::Approving => t("Approving…").to_owned(),
        Progress::Inert | Progress::Open | Progress::Rejecting | Progress::Blocking => (choice.approve_words)(),
    };
    let reject_words = move || if progress.get() == Progress::Rejecting { t("Rejecting…") } else { t("Reject") };
    late(view! {
        {changing(word)}
        {problem_line(problem)}
        <div class="actions">
            {sleepy_button(
                "primary",
                "approve",
                move || decision.is_inert() || is_barred().is_some(),
                approve_words,
                approve,
            )} {sleepy_button("", "not-now", move || decision.is_inert(), || t("Not now"), put_aside)}
            {sleepy_button("ghost danger", "reject", move || decision.is_inert(), reject_words, reject)}
        </div>
    })
}
