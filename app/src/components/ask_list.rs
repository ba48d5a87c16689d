//! What a request asks to be allowed, as sentences with their risk.

use leptos::prelude::*;
use protocol::Role;
use protocol::pairing::PendingRequest;
use protocol::role::{ADMIN, Risk};

use crate::late::late;
use crate::permissions::{self, Ask};

/// Two rows of the card's list: what the device has, if anything, and what it asks.
#[component]
pub(super) fn AskList(request: PendingRequest) -> impl IntoView {
    let held = request.evidence.map(|evidence| evidence.approved_scopes).unwrap_or_default();
    let is_upgrade = !held.is_empty();
    let has = is_upgrade.then(|| {
        view! {
            <dt>"Has"</dt>
            <dd class="soft">{permissions::summary(request.role, &held)}</dd>
        }
    });
    let (shown, folded) = permissions::fold(permissions::asks(request.role, &request.scopes, &held));
    let more = (!folded.is_empty()).then(|| {
        view! {
            <details class="more">
                <summary>{format!("and {} more", folded.len())}</summary>
                {sentences(folded, is_upgrade)}
            </details>
        }
    });
    let role = match request.role {
        Role::Operator => "Be an operator: see and steer",
        Role::Node => "Be a node: offer this machine's commands",
    };
    late(view! {
        {has}
        <dt>{if is_upgrade { "Asks" } else { "Wants to" }}</dt>
        <dd>
            <p class="soft">{role}</p>
            {sentences(shown, is_upgrade)}
            {more}
        </dd>
    })
}

fn sentences(asks: Vec<Ask>, is_upgrade: bool) -> AnyView {
    let lines: Vec<_> = asks.into_iter().map(|ask| view! { <Sentence ask is_upgrade /> }).collect();
    late(view! { <ul class="asks">{lines}</ul> })
}

#[component]
fn Sentence(ask: Ask, is_upgrade: bool) -> impl IntoView {
    let (class, spoken) = match ask.risk {
        Risk::Low => ("ask low", "low risk: "),
        Risk::Medium => ("ask medium", "medium risk: "),
        Risk::High => ("ask high", "high risk: "),
    };
    let (tone, mark) = match (ask.scope.as_str(), is_upgrade, ask.is_held) {
        (_, true, false) => ("pill warn", Some("new")),
        (ADMIN, _, _) => ("pill risk", Some("admin")),
        _ => ("", None),
    };
    view! {
        <li class=class title=ask.scope>
            <span class="visually-hidden">{spoken}</span>
            {ask.sentence}
            " "
            {mark.map(|mark| view! { <span class=tone>{mark}</span> })}
        </li>
    }
}
