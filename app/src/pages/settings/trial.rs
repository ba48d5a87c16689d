//! The change that waits for its confirmation, and the restart that settings wait for.

use leptos::prelude::*;
use protocol::Method;
use protocol::settings::{RestartState, Trial, TrialState};

use super::book::Book;
use super::editor::{nothing, problem};
use crate::components::words::{problem_line, words};
use crate::language::t;
use crate::late::{button, changing, late, sleepy_button, text, when};
use crate::outside;
use crate::settings::words::{self as say, Standing};
use crate::writing::object;

/// Everything that holds for the page as a whole.
pub(super) fn notices(book: Book) -> AnyView {
    let waits = move || book.trial.with(|trial| trial.as_ref().is_some_and(|trial| trial.state == TrialState::Waits));
    let has_ended =
        move || book.trial.with(|trial| trial.as_ref().is_some_and(|trial| trial.state != TrialState::Waits));
    let is_due = move || book.with(|described| described.restart.is_due).unwrap_or_default();
    let is_broken = move || book.with(|described| !described.problems.is_empty()).unwrap_or_default();
    late(view! {
        <div class="settings-notices" role="status">
            {when(is_broken, move || broken(book))} {when(is_due, move || restart(book))}
            {when(waits, move || waiting(book))} {when(has_ended, move || ended(book))}
        </div>
    })
}

fn waiting(book: Book) -> AnyView {
    let is_due = move || book.with(|described| described.restart.is_due).unwrap_or_default();
    let standing = move || match (book.live.is_resuming(), is_due()) {
        (true, _) => Standing::Away,
        (false, true) => Standing::BeforeRestart,
        (false, false) => Standing::Here,
    };
    let said = move || {
        let left_ms = book.trial.with(|trial| trial.as_ref().map_or(0, |trial| trial.deadline_ms));
        let left_ms = left_ms.saturating_sub(book.live.gateway_now_ms());
        book.trial.with(|trial| trial.as_ref().map(|trial| say::trial(trial, left_ms, standing()))).unwrap_or_default()
    };
    let failed = RwSignal::new(None::<String>);
    let decide = move |method: Method| {
        let hash = book.trial.with_untracked(|trial| trial.as_ref().map(|trial| trial.hash.clone()));
        outside::ask(method, object([("hash", hash.unwrap_or_default().into())]), move |answer| match answer {
            Ok(value) => {
                if let Ok(trial) = serde_json::from_value::<Trial>(value) {
                    book.live.announce(say::trial(&trial, 0, Standing::Here));
                    book.heard_of(trial);
                }
            }
            Err(error) => drop(failed.try_set(Some(problem(&error)))),
        });
    };
    let is_away = move || book.live.is_resuming();
    late(view! {
        <div class="note" data-testid="trial">
            <p role="timer" aria-live="off">
                {text(said)}
            </p>
            <div class="actions">
                {when(move || !is_due(), move || {
                    sleepy_button("primary", "keep", is_away, || t("Keep it"), move || decide(Method::ConfigConfirm))
                })}
                {sleepy_button("", "take-back", is_away, || t("Take it back"), move || decide(Method::ConfigRollback))}
            </div>
            {problem_line(failed)}
        </div>
    })
}

fn ended(book: Book) -> AnyView {
    let said = move || {
        book.trial.with(|trial| trial.as_ref().map(|trial| say::trial(trial, 0, Standing::Here))).unwrap_or_default()
    };
    late(view! {
        <div class="note good" data-testid="trial-ended">
            <p>{text(said)}</p>
            {button("ghost", "", || t("Got it"), move || book.trial.set(None))}
        </div>
    })
}

/// What runs differs from the file.
fn restart(book: Book) -> AnyView {
    let state = book.described.with_untracked(|described| described.as_ref().map(|described| described.restart));
    let is_possible = state.is_some_and(|RestartState { is_possible, .. }| is_possible);
    let failed = RwSignal::new(None::<String>);
    let start = move || {
        outside::ask(Method::GatewayRestart, nothing(), move |answer| {
            if let Err(error) = answer {
                let _ = failed.try_set(Some(problem(&error)));
            }
        });
    };
    let way = if is_possible {
        late(view! {
            <div class="actions">
                {sleepy_button("", "restart", move || book.live.is_resuming(), || t("Restart now"), start)}
            </div>
        })
    } else {
        late(
            view! { <p>{words(t("Restart it where it was started, for instance with `openclaw gateway restart`."))}</p> },
        )
    };
    late(view! {
        <div class="note" data-testid="restart-due">
            <p>
                <strong>{t("Some settings wait for a restart.")}</strong>
                " "
                {t("Everybody is disconnected for a moment and comes back.")}
            </p>
            {way}
            {problem_line(failed)}
        </div>
    })
}

/// The file makes no sense, so something older is in force.
fn broken(book: Book) -> AnyView {
    let list = move || {
        let line = |problem: &protocol::settings::Remark| {
            let line = format!("{} {}", problem.path, problem.message);
            view! { <li class="mono small">{line}</li> }
        };
        let lines = book.with(|described| described.problems.iter().map(line).collect::<Vec<_>>());
        late(lines.unwrap_or_default())
    };
    late(view! {
        <div class="note" data-testid="broken-file">
            <p>
                <strong>{t("The file makes no sense as it is, so what was live before is still in force.")}</strong>
            </p>
            <ul>{changing(list)}</ul>
        </div>
    })
}
