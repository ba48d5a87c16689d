//! What a request asks to be allowed, or a node offers to do, as sentences with their risk.

use leptos::prelude::*;
use protocol::node::{Offer, Surface};
use protocol::pairing::PendingRequest;
use protocol::role::{ADMIN, Risk};
use protocol::{Role, Scopes};

use crate::late::late;
use crate::permissions::{self, Ask};

/// Two rows of the card's list: what the device has, if anything, and what it asks.
#[component]
pub(super) fn AskList(request: PendingRequest) -> impl IntoView {
    let (held, offer) = match request.evidence {
        Some(evidence) => (evidence.approved_scopes, evidence.node),
        None => (Scopes::default(), None),
    };
    let is_upgrade = !held.is_empty();
    let has = is_upgrade.then(|| has(permissions::summary(request.role, &held)));
    let mut asked = permissions::asks(request.role, &request.scopes, &held);
    let role = match (request.role, offer) {
        (Role::Operator, _) => "Be an operator: see and steer",
        (Role::Node, Some(Offer { surface, .. })) if !surface.commands.is_empty() => {
            // A device that asks to be a node is none yet, so nothing of it is marked as new.
            asked.extend(permissions::offers(&surface, &surface));
            "Be a node: this gateway may then"
        }
        (Role::Node, _) => "Be a node. It offers nothing to do yet.",
    };
    late(view! {
        {has}
        <dt>{if is_upgrade { "Asks" } else { "Wants to" }}</dt>
        <dd>
            <p class="soft">{role}</p>
            {lines(asked, is_upgrade)}
        </dd>
    })
}

/// The same two rows for a node that offers more than it may do already.
pub(super) fn offer_list(offered: &Surface, held: &Surface) -> AnyView {
    let is_more = !held.commands.is_empty();
    let mut asked = permissions::offers(offered, held);
    let unheld = asked.iter().filter(|ask| !ask.is_held).count();
    if unheld > 0 {
        // What it may do already stands above.
        asked.retain(|ask| !ask.is_held);
    }
    late(view! {
        {is_more.then(|| has(permissions::offer_summary(held)))}
        <dt>{if is_more { "New" } else { "Offers" }}</dt>
        <dd>{lines(asked, false)}</dd>
    })
}

fn has(what: String) -> AnyView {
    late(view! {
        <dt>"Has"</dt>
        <dd class="soft">{what}</dd>
    })
}

fn lines(asks: Vec<Ask>, is_upgrade: bool) -> AnyView {
    let (shown, folded) = permissions::fold(asks);
    let more = (!folded.is_empty()).then(|| {
        view! {
            <details class="more">
                <summary>{format!("and {} more", folded.len())}</summary>
                {sentences(folded, is_upgrade)}
            </details>
        }
    });
    late(view! {
        {sentences(shown, is_upgrade)}
        {more}
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
    let (tone, mark) = match (ask.name.as_str(), is_upgrade, ask.is_held) {
        (_, true, false) => ("pill warn", Some("new")),
        (ADMIN, _, _) => ("pill risk", Some("admin")),
        _ => ("", None),
    };
    view! {
        <li class=class title=ask.name>
            <span class="visually-hidden">{spoken}</span>
            {ask.sentence.into_owned()}
            " "
            {mark.map(|mark| view! { <span class=tone>{mark}</span> })}
        </li>
    }
}
