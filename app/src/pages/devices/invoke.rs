//! A try: one command of a node that changes nothing there, and what came of it.

use leptos::prelude::*;
use protocol::{DeviceId, Method};
use serde_json::Value;

use super::roster::Roster;
use crate::components::words::words;
use crate::language::{fill, t};
use crate::late::{changing, follow, late, sleepy_button};
use crate::live::advice;
use crate::outside;
use crate::reading;
use crate::roster::harmless;
use crate::writing::object;

/// How long the node may take, in milliseconds: somebody looks on.
const PATIENCE_MS: u64 = 10_000;

#[derive(Debug, Clone, PartialEq, Eq)]
enum Trial {
    Ready,
    Asking,
    Answered(String),
    Failed { reason: String, technical: String },
}

/// Asks what the node can be asked to do now, and offers what of that does no harm.
pub(super) fn invoke(roster: Roster, node_id: DeviceId) -> AnyView {
    let commands = RwSignal::new(None::<Vec<String>>);
    let params = object([("nodeId", node_id.as_str().into())]);
    follow(move || {
        roster.loads.get();
        outside::ask(Method::NodeDescribe, params.clone(), move |answer| {
            let usable = answer.map(|node| reading::texts(&node, "commands")).unwrap_or_default();
            let usable: Vec<String> = usable.into_iter().filter(|command| harmless(command).is_some()).collect();
            if commands.try_with_untracked(|known| known.as_ref() != Some(&usable)) == Some(true) {
                commands.set(Some(usable));
            }
        });
    });
    changing(move || match commands.get() {
        None => late(()),
        Some(usable) if usable.is_empty() => late(view! {
            <p class="soft small">{t("None of its commands can be tried without doing something there.")}</p>
        }),
        Some(usable) => trial(node_id.clone(), usable),
    })
}

fn trial(node_id: DeviceId, usable: Vec<String>) -> AnyView {
    let trial = RwSignal::new(Trial::Ready);
    let command = RwSignal::new(usable.first().cloned().unwrap_or_default());
    let options: Vec<_> =
        usable.into_iter().map(|name| view! { <option value=name.clone()>{name.clone()}</option> }).collect();
    let choose: Box<dyn FnMut(leptos::ev::Event)> = Box::new(move |event| {
        command.set(event_target_value(&event));
        trial.set(Trial::Ready);
    });
    let is_asking = move || trial.with(|trial| *trial == Trial::Asking);
    let ask = move || {
        if is_asking() {
            return;
        }
        trial.set(Trial::Asking);
        let name = command.get_untracked();
        let params = object([
            ("nodeId", node_id.as_str().into()),
            ("command", name.as_str().into()),
            ("params", harmless(&name).unwrap_or_default()),
            ("idempotencyKey", outside::new_secret().into()),
            ("timeoutMs", PATIENCE_MS.into()),
        ]);
        outside::ask(Method::NodeInvoke, params, move |answer| {
            let became = match answer {
                Ok(done) => Trial::Answered(shown(&done)),
                Err(error) => Trial::Failed { reason: advice(&error), technical: error.message },
            };
            let _ = trial.try_set(became);
        });
    };
    let result = move || match trial.get() {
        Trial::Ready => late(()),
        Trial::Asking => late(view! { <p class="soft">{t("Asking the node…")}</p> }),
        Trial::Answered(text) => {
            late(view! { <pre class="answer" tabindex="0" data-testid="trial-answer">{text}</pre> })
        }
        Trial::Failed { reason, technical } => {
            let technical = fill(t("The gateway's words: {words}"), &[("words", &technical)]);
            late(view! {
                <p class="problem" data-testid="trial-failed">{words(&reason)}</p>
                <p class="soft small mono">{technical}</p>
            })
        }
    };
    late(view! {
        <div class="trial">
            <label>
                {t("Try a command that changes nothing")}
                <select data-testid="trial-command" on:change=choose>
                    {options}
                </select>
            </label>
            {sleepy_button("", "trial", is_asking, || t("Try it"), ask)}
        </div>
        <div aria-live="polite">{changing(result)}</div>
    })
}

/// What the node answered, laid out for people.
fn shown(done: &Value) -> String {
    let payload = done.get("payload").cloned().unwrap_or_default();
    // Some nodes answer with text that is JSON again.
    let text = done.get("payloadJSON").and_then(Value::as_str);
    let payload = text.and_then(|text| serde_json::from_str(text).ok()).unwrap_or(payload);
    serde_json::to_string_pretty(&payload).unwrap_or_default()
}
