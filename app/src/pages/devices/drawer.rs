//! The details of one device: how to know it, what it holds, where it was, and on whose word it is in.

use leptos::html;
use leptos::prelude::*;
use protocol::node::Surface;
use protocol::pairing::{Explanation, LiveConnection, Network, PairedDevice, TokenSummary};
use protocol::role::{Risk, WRITE};
use protocol::{DeviceId, Method, Role};

use super::invoke::invoke;
use super::roster::Roster;
use crate::components::confirm::{Action, Confirmation};
use crate::components::inline_name::InlineName;
use crate::components::proof::Proof;
use crate::components::words::{problem_line, words};
use crate::language::{fill, t};
use crate::late::{button, changing, follow, late, when};
use crate::live::advice;
use crate::outside;
use crate::permissions::{Ask, offers};
use crate::reading;
use crate::roster::{approved_by, is_node, is_revoked, seen, sentences, token_facts, what};
use crate::time_words::ago;
use crate::writing::object;

pub(super) fn drawer(roster: Roster) -> AnyView {
    let dialog = NodeRef::<html::Dialog>::new();
    follow(move || {
        let Some(dialog) = dialog.get() else { return };
        match (roster.opened.with(Option::is_some), dialog.open()) {
            (true, false) => drop(dialog.show_modal()),
            (false, true) => dialog.close(),
            (true, true) | (false, false) => {}
        }
    });
    let content = move || match roster.opened.get() {
        Some(id) => details(roster, &id),
        None => late(()),
    };
    late(view! {
        <dialog
            node_ref=dialog
            class="drawer"
            aria-labelledby="device-title"
            data-testid="device-details"
            on:close=move |_| roster.opened.set(None)
        >
            {changing(content)}
        </dialog>
    })
}

/// Fetches what is known of the device, and again whenever the list is.
fn details(roster: Roster, id: &DeviceId) -> AnyView {
    let known = RwSignal::new(None::<Explanation>);
    let problem = RwSignal::new(None::<String>);
    let is_editing = RwSignal::new(false);
    let params = object([("deviceId", id.as_str().into())]);
    follow(move || {
        roster.loads.get();
        outside::ask(Method::DevicePairExplain, params.clone(), move |answer| match answer {
            // It may be closed by now.
            Ok(value) => {
                let found = reading::explanation(&value);
                let _ = problem.try_set(None);
                // What has not changed stays as it is, with the keyboard and whatever was typed in it.
                if known.try_with_untracked(|known| *known != found) == Some(true) {
                    known.set(found);
                }
            }
            Err(error) => {
                let _ = problem.try_set(Some(advice(&error)));
                let _ = known.try_set(None);
            }
        });
    });
    let name = Memo::new(move |_| known.with(|known| known.as_ref().map(|known| known.device.shown_name())));
    let title = move || {
        let name = name.get();
        match name {
            Some(name) if is_editing.get() => {
                let id = untrack(|| known.with(|known| known.as_ref().map(|known| known.device.device_id.clone())));
                late(id.map(|id| view! { <InlineName id name is_editing /> }))
            }
            Some(name) => late(view! { <h2 id="device-title">{name}</h2> }),
            None => late(view! { <h2 id="device-title">{t("Device")}</h2> }),
        }
    };
    let shown = move || match known.get() {
        Some(known) => about(roster, &known, is_editing),
        None => late(()),
    };
    let is_loading = move || known.with(Option::is_none) && problem.with(Option::is_none);
    let close = move || roster.opened.set(None);
    late(view! {
        <div class="section-head">
            {changing(title)} {button("ghost", "details-close", || t("Close"), close)}
        </div>
        {when(move || problem.with(Option::is_some), move || problem_line(problem))}
        {when(is_loading, || late(view! { <p class="soft">{t("Loading…")}</p> }))}
        {changing(shown)}
    })
}

fn about(roster: Roster, known: &Explanation, is_editing: RwSignal<bool>) -> AnyView {
    let live = roster.live;
    let now_ms = live.gateway_now_untracked_ms();
    let device = &known.device;
    let is_own = live.is_own(&device.device_id);
    let proof = device.fingerprint();
    let proof =
        proof.map(|fingerprint| view! { <Proof fingerprint hint=t("The device shows the same six pictures.") /> });
    let called = device.display_name.as_deref().map_or_else(|| t("nothing").to_owned(), protocol::plain::name);
    let kind = what(device);
    let kind = if is_own { format!("{kind}, {}", t("this browser")) } else { kind };
    let tokens: Vec<_> = device.tokens.iter().map(|one| token(roster, device, one, is_own, now_ms)).collect();
    let no_token = device.tokens.is_empty().then(|| view! { <p class="soft">{t("It holds no token.")}</p> });
    let withheld: Vec<_> = sentences(Role::Operator, &device.withheld_scopes).into_iter().map(sentence).collect();
    let withheld = (!withheld.is_empty()).then(|| {
        view! {
            <h4>{t("It asked for this and was not given it")}</h4>
            <ul class="asked">{withheld}</ul>
        }
    });
    late(view! {
        {proof}
        <dl class="facts">
            <dt>{t("What")}</dt>
            <dd>{kind}</dd>
            <dt>{t("Calls itself")}</dt>
            <dd>{called}</dd>
            <dt>{t("Approved")}</dt>
            <dd data-testid="approved-by">{format!("{}, {}", approved_by(known), ago(device.approved_at_ms, now_ms))}</dd>
            <dt>{t("Seen")}</dt>
            <dd>{seen(device, now_ms)}</dd>
            <dt>{t("Id")}</dt>
            <dd class="mono">{device.device_id.to_string()}</dd>
        </dl>
        <section aria-labelledby="device-tokens">
            <h3 id="device-tokens">{t("What it may do")}</h3>
            {no_token}
            {tokens}
            {withheld}
        </section>
        <section aria-labelledby="device-addresses">
            <h3 id="device-addresses">{t("Where it was")}</h3>
            {addresses(known, now_ms)}
        </section>
        {is_node(device).then(|| node(roster, device))}
        {deeds(roster, device, is_own, is_editing)}
    })
}

fn sentence(ask: Ask) -> AnyView {
    let class = match ask.risk {
        Risk::High => "risky",
        Risk::Medium | Risk::Low => "",
    };
    late(view! {
        <li class=class>
            {ask.sentence.into_owned()} " " <code class="soft">{ask.name}</code>
        </li>
    })
}

/// The token of one role, what it allows, and its two buttons.
fn token(roster: Roster, device: &PairedDevice, token: &TokenSummary, is_own: bool, now_ms: u64) -> AnyView {
    let role = token.role;
    let facts = token_facts(token, device.expires_at_ms, now_ms);
    let facts = facts.into_iter().map(|(label, fact)| view! { <dt>{label}</dt> <dd>{fact}</dd> }).collect_view();
    let allowed: Vec<_> = match role {
        Role::Operator => sentences(role, &token.scopes).into_iter().map(sentence).collect(),
        Role::Node => Vec::new(),
    };
    let title = match role {
        Role::Operator => t("As an operator"),
        Role::Node => t("As a node"),
    };
    // What is confirmed is about this role, whichever the device has besides.
    let confirm = move |device: PairedDevice, class, test_id, label: &'static str, action: Action| {
        let confirmation = Confirmation { device: PairedDevice { role, ..device }, action, is_own };
        button(class, test_id, move || label, move || roster.confirming.set(Some(confirmation.clone())))
    };
    let is_live = token.revoked_at_ms.is_none();
    let renew =
        (is_live && !is_own).then(|| confirm(device.clone(), "ghost", "token-rotate", t("New token"), Action::Rotate));
    let revoke = is_live.then(|| confirm(device.clone(), "ghost", "token-revoke", t("Revoke"), Action::Revoke));
    late(view! {
        <article class="token" data-testid="token" data-role=role.as_str()>
            <h4>{title}</h4>
            <ul class="asked">{allowed}</ul>
            <dl class="facts">{facts}</dl>
            <p class="tags">{renew} {revoke}</p>
        </article>
    })
}

/// The addresses it is at, was at last, and was let in from.
fn addresses(known: &Explanation, now_ms: u64) -> AnyView {
    let connection = |one: &LiveConnection| {
        let since = fill(t("connected since {time}"), &[("time", &ago(one.connected_at_ms, now_ms))]);
        // What never left this machine took no way on which others could listen.
        let way = match (one.network, one.encrypted) {
            (Network::ThisMachine, _) => since,
            (_, true) => format!("{since}, {}", t("encrypted")),
            (_, false) => format!("{since}, {}", t("not encrypted")),
        };
        let label = one.network.label();
        let page = one.page.clone().map(|page| view! { <span class="soft small">{page}</span> });
        late(view! {
            <li>
                <span class="mono">{one.address.clone()}</span>
                <span class="pill">{label}</span>
                <span class="soft small">{way}</span>
                {page}
            </li>
        })
    };
    let open: Vec<_> = known.connections.iter().map(connection).collect();
    let once = |address: String, words: String| {
        late(view! {
            <li>
                <span class="mono">{address}</span>
                <span class="soft small">{words}</span>
            </li>
        })
    };
    let last = known.last_seen_address.clone().map(|address| {
        let time = known.device.last_seen_at_ms.map_or_else(|| t("never").to_owned(), |at_ms| ago(at_ms, now_ms));
        once(address, fill(t("seen last, {time}"), &[("time", &time)]))
    });
    let origin = known.approval.as_ref().map(|approval| approval.origin.clone());
    let asked = origin.map(|origin| {
        let way = fill(t("asked from here, {way}"), &[("way", &origin.resolved)]);
        once(origin.address, way)
    });
    let is_empty = open.is_empty() && last.is_none() && asked.is_none();
    late(view! {
        <ul class="addresses" data-testid="addresses">
            {open}
            {last}
            {asked}
        </ul>
        {is_empty.then(|| view! { <p class="soft">{t("Nothing is known of that.")}</p> })}
    })
}

/// What it offers as a node: what was approved, what waits, and a try.
fn node(roster: Roster, device: &PairedDevice) -> AnyView {
    let held = device.node_surface.as_ref().map(|held| held.surface.clone()).unwrap_or_default();
    let commands: Vec<_> = offers(&held, &held).into_iter().map(sentence).collect();
    let is_empty = commands.is_empty();
    let waits = device.pending_node_surface.as_ref().map(|offer| {
        let new = offer.surface.commands.iter().filter(|command| !held.commands.contains(command));
        let new = Surface { commands: new.cloned().collect(), ..Surface::default() };
        let new: Vec<_> = offers(&new, &Surface::default()).into_iter().map(sentence).collect();
        let command = format!("`openclaw nodes approve {}`", offer.request_id);
        let told = fill(
            t("It offers more, which waits for approval: its card is at the top of this page, or run {command}."),
            &[("command", &command)],
        );
        view! {
            <div class="note">
                <p>{words(&told)}</p>
                <ul class="asked">{new}</ul>
            </div>
        }
    });
    let id = device.device_id.clone();
    let may_try = roster.live.allows(WRITE);
    late(view! {
        <section aria-labelledby="device-commands">
            <h3 id="device-commands">{t("Its commands")}</h3>
            {is_empty.then(|| view! { <p class="soft">{t("None is approved.")}</p> })}
            <ul class="asked" data-testid="commands">
                {commands}
            </ul>
            {waits}
            {may_try.then(|| invoke(roster, id))}
        </section>
    })
}

fn deeds(roster: Roster, device: &PairedDevice, is_own: bool, is_editing: RwSignal<bool>) -> AnyView {
    let confirm = |class, test_id, label: &'static str, action: Action| {
        let confirmation = Confirmation { device: device.clone(), action, is_own };
        button(class, test_id, move || label, move || roster.confirming.set(Some(confirmation.clone())))
    };
    let unoffer = (is_node(device) && device.roles.len() > 1 && !is_revoked(device))
        .then(|| confirm("", "details-unoffer", t("End its commands"), Action::RemoveNode));
    let block = (!is_own).then(|| confirm("danger", "details-block", t("Block"), Action::Block));
    late(view! {
        <div class="actions drawer-deeds">
            {button("", "details-rename", || t("Rename"), move || is_editing.set(true))}
            {unoffer}
            {confirm("danger", "details-remove", t("Remove"), Action::Remove)}
            {block}
        </div>
    })
}
