//! The three buttons under a card, and what follows from them.
//!
//! Invariant: a click decides about what was on the screen. The buttons are inert until a person can have looked.

use std::time::Duration;

use leptos::prelude::*;

use super::words::{problem_line, words};
use crate::late::{late, text};
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
    let choice = StoredValue::new(choice);
    Effect::new(move |_| {
        let open = move || {
            // The card may be gone by then.
            let _ = progress.try_set(Progress::Open);
        };
        set_timeout(open, INERT);
    });
    let finished = move |done: &'static str| -> Box<dyn FnOnce(Answer)> {
        // The card is gone before the answer comes: the event that takes it off the desk is quicker.
        let name = choice.with_value(|choice| choice.name.clone());
        Box::new(move |answer| match answer {
            Ok(_) => live.announce(format!("{name} {done}")),
            Err(error) => {
                let _ = progress.try_set(Progress::Open);
                let _ = problem.try_set(Some(advice(&error)));
            }
        })
    };
    let is_open = move || progress.get() == Progress::Open;
    let approve = move |_| {
        if progress.get_untracked() == Progress::Open && barred.is_none() {
            progress.set(Progress::Approving);
            problem.set(None);
            choice.with_value(|choice| (choice.approve)(live, finished(choice.approved)));
        }
    };
    let reject = move |_| {
        if progress.get_untracked() == Progress::Open {
            progress.set(Progress::Rejecting);
            problem.set(None);
            choice.with_value(|choice| (choice.reject)(live, finished("was rejected.")));
        }
    };
    let put_aside = move |_| {
        if progress.get_untracked() == Progress::Open {
            let id = choice.with_value(|choice| choice.request_id.clone());
            live.desk.update(|desk| desk.put_aside(&id));
        }
    };
    let disabled = move || (!is_open()).to_string();
    let cannot_approve = move || (!is_open() || barred.is_some()).to_string();
    late(view! {
        {word}
        {problem_line(problem)}
        <div class="actions">
            <button type="button" class="primary" data-testid="approve" aria-disabled=cannot_approve on:click=approve>
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
