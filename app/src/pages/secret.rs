//! The form for the gateway's token or password. What is typed lives in memory until the gateway has answered.

use leptos::ev::SubmitEvent;
use leptos::html;
use leptos::prelude::*;
use protocol::Secret;
use protocol::refusal::SecretKind;

use super::screens::Panel;
use crate::components::words::words;
use crate::late::{follow, text};
use crate::live::Live;
use crate::session::{Input, Screen, SecretProblem, SecretPrompt};
use crate::time_words;

#[component]
pub(super) fn SecretForm() -> impl IntoView {
    let live = Live::here();
    let field = NodeRef::<html::Input>::new();
    let prompt = Memo::new(move |_| live.screen(prompt_of));
    let word = move || match prompt.with(|prompt| prompt.as_ref().map(|prompt| prompt.kind)) {
        Some(SecretKind::Password) => "password",
        Some(SecretKind::Token) | None => "token",
    };
    let is_checking = move || prompt.with(|prompt| prompt.as_ref().is_some_and(|prompt| prompt.is_checking));
    let problem = move || prompt.with(|prompt| prompt.as_ref().and_then(|prompt| prompt.problem));
    let is_wrong = move || problem().is_some();
    // The person came to type, and after a wrong secret will type again.
    follow(move || {
        prompt.track();
        if let Some(field) = field.get() {
            let _ = field.focus();
            field.select();
        }
    });
    let submit = move |event: SubmitEvent| {
        event.prevent_default();
        let typed = field.get_untracked().map(|field| field.value()).unwrap_or_default();
        if !typed.is_empty() && !is_checking() {
            live.tell(Input::SecretTyped(Secret::new(typed)));
        }
    };
    view! {
        <Panel>
            <p class="soft">
                {move || words(&format!(
                    "It does not know this browser yet. Enter its {}, or open a link from `openclaw dashboard` on its machine.",
                    word(),
                ))}
            </p>
            <form class="secret" on:submit=submit>
                <label for="secret">{text(move || format!("Gateway {}", word()))}</label>
                <input
                    id="secret"
                    type="password"
                    autocomplete="off"
                    spellcheck="false"
                    data-testid="secret-input"
                    aria-invalid=text(move || is_wrong().to_string())
                    aria-describedby="secret-problem"
                    node_ref=field
                />
                <p id="secret-problem" class="problem" role="alert">
                    {move || problem().map(|problem| words(&say(problem, word(), live.now_ms.get())))}
                </p>
                <button class="primary" type="submit" aria-disabled=text(move || is_checking().to_string())>
                    {text(move || if is_checking() { "Checking…" } else { "Continue" })}
                </button>
            </form>
            <p class="soft small">"It is sent to this gateway only and not stored in the browser."</p>
        </Panel>
    }
}

fn prompt_of(screen: &Screen) -> Option<SecretPrompt> {
    if let Screen::Secret(prompt) = screen { Some(prompt.clone()) } else { None }
}

fn say(problem: SecretProblem, word: &str, now_ms: u64) -> String {
    match problem {
        SecretProblem::Wrong => format!(
            "That is not the gateway's {word}. It stands in `gateway.auth.{word}` of `openclaw.json` on the gateway's machine."
        ),
        SecretProblem::TooMany { until_ms } if until_ms > now_ms => {
            format!("Too many wrong secrets from this address. Try again in {}.", time_words::clock(until_ms - now_ms))
        }
        SecretProblem::TooMany { .. } => "You can try again now.".to_owned(),
    }
}
