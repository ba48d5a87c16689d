//! One decision about several devices: exactly about those that the dialog lists and that are ticked in it.

use std::collections::BTreeMap;
use std::sync::Arc;

use leptos::html;
use leptos::prelude::*;
use protocol::pairing::PairedDevice;
use protocol::{Method, Role};
use serde_json::Value;

use super::roster::Roster;
use crate::language::{fill, t};
use crate::late::{button, changing, follow, late, sleepy_button, text};
use crate::live::advice;
use crate::outside;
use crate::roster::{approved, live_roles};
use crate::time_words::ago;
use crate::writing::object;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Deed {
    Remove,
    Revoke,
    /// Remove what nobody has seen for long.
    CleanUp,
}

/// What is about to be done to whom. The devices are as they were when the dialog opened.
#[derive(Debug, Clone)]
pub(super) struct Many {
    pub(super) deed: Deed,
    pub(super) devices: Vec<PairedDevice>,
}

/// What became of one of them.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Outcome {
    Open,
    Done,
    Failed(String),
}

#[derive(Clone)]
struct Line {
    device: Arc<PairedDevice>,
    is_ticked: RwSignal<bool>,
    outcome: RwSignal<Outcome>,
}

/// How far the dialog has come.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Stage {
    Asking,
    Acting,
    Over,
}

/// The dialog. It is there as long as there is something to decide.
pub(super) fn many_dialog(roster: Roster, asked: RwSignal<Option<Many>>) -> AnyView {
    let Some(Many { deed, devices }) = asked.get_untracked() else {
        return late(());
    };
    let dialog = NodeRef::<html::Dialog>::new();
    follow(move || {
        if let Some(dialog) = dialog.get().filter(|dialog| !dialog.open()) {
            let _ = dialog.show_modal();
        }
    });
    let line = |device| Line {
        device: Arc::new(device),
        is_ticked: RwSignal::new(true),
        outcome: RwSignal::new(Outcome::Open),
    };
    let lines: Vec<Line> = devices.into_iter().map(line).collect();
    let stage = RwSignal::new(Stage::Asking);
    let ticks: Vec<_> = lines.iter().map(|line| line.is_ticked).collect();
    let count = Memo::new(move |_| ticks.iter().filter(|tick| tick.get()).count());
    let verb = move || {
        let sentence = if deed == Deed::Revoke { t("Revoke {count}") } else { t("Remove {count}") };
        fill(sentence, &[("count", &count.get().to_string())])
    };
    let (question, effect) = match deed {
        Deed::Remove => (
            t("Remove these devices?"),
            t(
                "Their connections end at once and the gateway forgets them. If one comes back, it has to ask like a new device.",
            ),
        ),
        Deed::Revoke => (
            t("Revoke the access of these devices?"),
            t("Their connections end at once. They stay in the list and have to ask again."),
        ),
        Deed::CleanUp => (
            t("Remove what nobody has seen for 90 days?"),
            t("Those that are ticked are forgotten and have to ask like new devices. This browser is not among them."),
        ),
    };
    let rows: Vec<_> = lines.iter().map(|line| row(roster, line, stage)).collect();
    let carry_out = move || {
        if stage.get_untracked() == Stage::Asking && count.get_untracked() > 0 {
            stage.set(Stage::Acting);
            let ticked = lines.iter().rev().filter(|line| line.is_ticked.get_untracked());
            next(roster, deed, ticked.cloned().collect(), stage);
        }
    };
    let close = move || asked.set(None);
    late(view! {
        <dialog
            node_ref=dialog
            class="bulk harm"
            aria-labelledby="many-title"
            data-testid="many"
            on:close=move |_| asked.set(None)
        >
            <h2 id="many-title">{question}</h2>
            <p class="soft">{effect}</p>
            <ul class="bulk-list" aria-live="polite">
                {rows}
            </ul>
            <div class="actions">
                {button("", "many-close", move || if stage.get() == Stage::Over { t("Close") } else { t("Cancel") }, close)}
                <span hidden=move || stage.get() == Stage::Over>
                    {sleepy_button(
                        "primary danger",
                        "many-confirm",
                        move || stage.get() != Stage::Asking || count.get() == 0,
                        verb,
                        carry_out,
                    )}
                </span>
            </div>
        </dialog>
    })
}

/// Does it to the last of what is left, then to the others, one after the other.
fn next(roster: Roster, deed: Deed, mut left: Vec<Line>, stage: RwSignal<Stage>) {
    let Some(line) = left.pop() else {
        // The dialog may have been closed meanwhile; the list is to be right all the same.
        let _ = stage.try_set(Stage::Over);
        roster.chosen.update(BTreeMap::clear);
        roster.load();
        return;
    };
    let id = line.device.device_id.as_str();
    let calls = match deed {
        Deed::Remove | Deed::CleanUp => vec![(Method::DevicePairRemove, object([("deviceId", id.into())]))],
        Deed::Revoke => {
            let revoke = |role: Role| object([("deviceId", id.into()), ("role", role.as_str().into())]);
            live_roles(&line.device).into_iter().map(|role| (Method::DeviceTokenRevoke, revoke(role))).collect()
        }
    };
    call(
        calls,
        Box::new(move |problem| {
            let _ = line.outcome.try_set(problem.map_or(Outcome::Done, Outcome::Failed));
            next(roster, deed, left, stage);
        }),
    );
}

/// Makes the calls one after the other, until one fails.
fn call(mut calls: Vec<(Method, Value)>, then: Box<dyn FnOnce(Option<String>)>) {
    let Some((method, params)) = calls.pop() else { return then(None) };
    outside::ask(method, params, move |answer| match answer {
        Ok(_) => call(calls, then),
        Err(error) => then(Some(advice(&error))),
    });
}

fn row(roster: Roster, line: &Line, stage: RwSignal<Stage>) -> AnyView {
    let Line { device, is_ticked, outcome } = line.clone();
    let now_ms = roster.live.gateway_now_untracked_ms();
    let seen = match (device.connected, device.last_seen_at_ms) {
        (Some(true), _) => t("connected").to_owned(),
        (_, Some(at_ms)) => fill(t("seen {time}"), &[("time", &ago(at_ms, now_ms))]),
        (_, None) => t("never seen").to_owned(),
    };
    let by = fill(t("approved {how}"), &[("how", approved(device.approved_via))]);
    let became = move || match outcome.get() {
        Outcome::Open => late(()),
        Outcome::Done => late(view! { <span class="pill ok">{t("done")}</span> }),
        Outcome::Failed(why) => late(view! { <span class="problem">{why}</span> }),
    };
    let change: Box<dyn FnMut(leptos::ev::Event)> = Box::new(move |event| is_ticked.set(event_target_checked(&event)));
    let id = device.device_id.to_string();
    let label = text(move || if is_ticked.get() { "many-row" } else { "many-row left-out" });
    late(view! {
        <li data-testid="many-row" data-device-id=id class=label>
            <label class="tick">
                <input
                    type="checkbox"
                    prop:checked=move || is_ticked.get()
                    disabled=move || stage.get() != Stage::Asking
                    on:change=change
                />
                <strong>{device.shown_name()}</strong>
            </label>
            <p class="soft small">{format!("{seen}; {by}")}</p>
            {changing(became)}
        </li>
    })
}
