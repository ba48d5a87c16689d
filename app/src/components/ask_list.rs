//! What a request asks to be allowed, or a node offers to do, as sentences with their risk.

use leptos::prelude::*;
use protocol::node::{Offer, Surface};
use protocol::pairing::PendingRequest;
use protocol::role::{ADMIN, Risk};
use protocol::{Role, Scopes};

use crate::language::{fill, t};
use crate::late::late;
use crate::live::Live;
use crate::permissions::{self, Ask};
use crate::terms::{differences, ends_words, new_roles};
use crate::time_words;

/// The rows of the card's list that say what is asked: what the device has, if anything, and what the approval adds.
pub(super) fn ask_list(live: Live, request: &PendingRequest) -> AnyView {
    let (held, offer, known) = match request.evidence.as_ref() {
        Some(evidence) => (evidence.approved_scopes.clone(), evidence.node.clone(), evidence.known.clone()),
        None => (Scopes::default(), None, None),
    };
    let is_in = known.as_ref().is_some_and(|known| !known.roles.is_empty());
    let is_upgrade = is_in || !held.is_empty();
    let end_ms = known.as_ref().and_then(|known| known.expires_at_ms);
    let now_ms = live.gateway_now_untracked_ms();
    let had = if is_upgrade {
        let roles = known.as_ref().map_or(&[][..], |known| &known.roles);
        let ends = ends_words(end_ms, now_ms).map(|words| format!(", {words}")).unwrap_or_default();
        Some((t("Has"), format!("{}{ends}", permissions::has(roles, request.role, &held))))
    } else {
        let until = |end_ms| {
            fill(t("until {time}, and nothing of that is left"), &[("time", &time_words::ago(end_ms, now_ms))])
        };
        end_ms.map(|end_ms| (t("Was in"), until(end_ms)))
    };
    let had = had.map(|(name, words)| row(name, words));
    let changed = known.as_ref().map(|known| differences(request, known)).unwrap_or_default();
    let changed: Vec<_> = changed.into_iter().map(|(before, now)| view! { <li>{before} " → " {now}</li> }).collect();
    let changed = (!changed.is_empty()).then(|| {
        view! {
            <dt>{t("Now says")}</dt>
            <dd>
                <ul class="changes" data-testid="differences">{changed}</ul>
            </dd>
        }
    });
    let mut asked = permissions::asks(request.role, &request.scopes, &held);
    if is_in {
        // What it has stands above.
        asked.retain(|ask| !ask.is_held);
    }
    let role = match (request.role, offer) {
        (Role::Operator, _) => t("Be an operator: see and steer"),
        (Role::Node, Some(Offer { surface, .. })) if !surface.commands.is_empty() => {
            // A device that asks to be a node is none yet, so nothing of it is marked as new.
            asked.extend(permissions::offers(&surface, &surface));
            t("Be a node: this gateway may then")
        }
        (Role::Node, _) => t("Be a node. It offers nothing to do yet."),
    };
    let is_new_role = known.as_ref().is_none_or(|known| !new_roles(request, known).is_empty());
    let adds_nothing = is_in && asked.is_empty() && !is_new_role;
    let nothing = adds_nothing.then(|| view! { <p class="soft">{t("nothing that it may do")}</p> });
    late(view! {
        {had}
        {changed}
        <dt>{if is_upgrade { t("Adds") } else { t("Wants to") }}</dt>
        <dd data-testid="adds">
            {nothing}
            {is_new_role.then(|| view! { <p class="soft">{role}</p> })}
            // Where only what is new is listed, nothing needs to say so.
            {lines(asked, is_upgrade && !is_in)}
        </dd>
    })
}

fn row(name: &'static str, words: String) -> AnyView {
    late(view! {
        <dt>{name}</dt>
        <dd class="soft" data-testid="has">
            {words}
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
        {is_more.then(|| row(t("Has"), permissions::offer_summary(held)))}
        <dt>{if is_more { "New" } else { "Offers" }}</dt>
        <dd>{lines(asked, false)}</dd>
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
