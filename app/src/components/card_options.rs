//! The rarer half of an approve card: how much of what is asked, for how long, under which name; and never again.

use std::sync::Arc;

use leptos::html;
use leptos::prelude::*;
use protocol::Scopes;
use protocol::pairing::{Network, PendingRequest};
use protocol::role::{Risk, describe_scope};

use super::decide::Progress;
use super::pending_card::Options;
use crate::language::{fill, t};
use crate::late::{changing, late, sleepy_button, when};
use crate::live::Live;
use crate::terms::{Fixed, LENGTHS_MS, Tickbox, boxes, can_choose, ends_words, length_words, required, tick, within};

/// The longest name the gateway keeps, in characters.
const LONGEST: &str = "64";

pub(super) fn card_options(options: &Options) -> AnyView {
    let Options { request, terms, .. } = options;
    let (terms, live) = (*terms, Live::here());
    let own = live.welcome(|welcome| welcome.hello.scopes.clone()).unwrap_or_default();
    if can_choose(request) && live.may_not_approve(&required(request, &terms.get_untracked())).is_some() {
        // Whoever may not give all of it may give a part.
        terms.update(|terms| *terms = within(request, terms, &own));
    }
    let scopes = can_choose(request).then(|| scope_boxes(options, own));
    late(view! {
        <div class="card-options">
            {name_field(options)}
            {scopes}
            {lengths(live, options)}
            {block_buttons(live, options)}
        </div>
    })
}

fn name_field(options: &Options) -> AnyView {
    let Options { request, terms, .. } = options;
    let (terms, id) = (*terms, format!("name-{}", request.request_id));
    let field = NodeRef::<html::Input>::new();
    let evidence = request.evidence.as_ref();
    let name =
        evidence.and_then(|seen| seen.known.as_ref()).map_or_else(|| request.shown_name(), |known| known.name.clone());
    let proposed = name.clone();
    let take = move |_| {
        let typed = field.get_untracked().map(|field| field.value().trim().to_owned()).unwrap_or_default();
        // An empty field is the name that stands there otherwise, not a device without one.
        terms.update(|terms| terms.label = (!typed.is_empty() && typed != proposed).then_some(typed));
    };
    late(view! {
        <p class="field">
            <label for=id.clone()>{t("Call it")}</label>
            <input id=id type="text" maxlength=LONGEST value=name autocomplete="off" data-testid="card-name" node_ref=field on:input=take />
        </p>
    })
}

fn scope_boxes(options: &Options, own: Scopes) -> AnyView {
    let Options { request, terms, .. } = options.clone();
    let legend = format!("scopes-{}", request.request_id);
    let labelled_by = legend.clone();
    let list = move || {
        let rows: Vec<_> = terms
            .with(|terms| boxes(&request, terms, &own))
            .into_iter()
            .map(|one| scope_box(Arc::clone(&request), terms, one))
            .collect();
        late(rows)
    };
    late(view! {
        <fieldset class="scopes" aria-labelledby=labelled_by>
            <legend id=legend>{t("It may")}</legend>
            {changing(list)}
        </fieldset>
    })
}

fn scope_box(request: Arc<PendingRequest>, terms: RwSignal<protocol::method::Terms>, one: Tickbox) -> AnyView {
    let Tickbox { scope, is_ticked, fixed } = one;
    let (sentence, risk) = describe_scope(&scope);
    let class = match risk {
        Risk::Low => "ask low",
        Risk::Medium => "ask medium",
        Risk::High => "ask high",
    };
    let why = fixed.map(|fixed| match fixed {
        Fixed::Held => t("has it"),
        Fixed::Implied => t("included"),
        Fixed::NotYours => t("not yours to give"),
    });
    let name = scope.clone();
    let change = move |_| terms.update(|terms| *terms = tick(&request, terms, &scope, !is_ticked));
    late(view! {
        <label class="scope">
            <input type="checkbox" name=name checked=is_ticked disabled=fixed.is_some() on:change=change />
            <span class=class>{sentence}</span>
            {why.map(|why| view! { <span class="pill">{why}</span> })}
        </label>
    })
}

fn lengths(live: Live, options: &Options) -> AnyView {
    let Options { request, terms, .. } = options;
    let (terms, group) = (*terms, format!("length-{}", request.request_id));
    let known = request.evidence.as_ref().and_then(|seen| seen.known.as_ref());
    let is_in = known.is_some_and(|known| !known.roles.is_empty());
    let end_ms = known.filter(|_| is_in).and_then(|known| known.expires_at_ms);
    let choice = |lasts_ms: Option<u64>, words: String| {
        let is_chosen = move || terms.with(|terms| terms.expires_in_ms == lasts_ms);
        let choose = move |_| terms.update(|terms| terms.expires_in_ms = lasts_ms);
        let value = lasts_ms.map_or_else(String::new, |lasts_ms| lasts_ms.to_string());
        view! {
            <label class="length">
                <input type="radio" name=group.clone() value=value prop:checked=is_chosen on:change=choose />
                <span>{words}</span>
            </label>
        }
    };
    // Who is in with an end keeps it, unless somebody says otherwise.
    let as_before = end_ms.map(|end_ms| {
        let when = ends_words(Some(end_ms), live.gateway_now_untracked_ms()).unwrap_or_default();
        choice(None, fill(t("as before: {when}"), &[("when", &when)]))
    });
    let others: Vec<_> = LENGTHS_MS
        .into_iter()
        .map(|lasts_ms| choice((lasts_ms > 0 || end_ms.is_some()).then_some(lasts_ms), length_words(lasts_ms)))
        .collect();
    let is_limited = move || is_in && terms.with(|terms| terms.expires_in_ms.is_some_and(|lasts_ms| lasts_ms > 0));
    let whole =
        || late(view! { <p class="soft small">{t("Then all that it may do ends, also what it has already.")}</p> });
    late(view! {
        <fieldset class="lengths">
            <legend>{t("For how long")}</legend>
            <div class="choices-row">{as_before} {others}</div>
            {when(is_limited, whole)}
        </fieldset>
    })
}

fn block_buttons(live: Live, options: &Options) -> AnyView {
    let Options { request, decision, .. } = options.clone();
    let address =
        request.evidence.as_ref().map(|seen| &seen.origin).filter(|origin| origin.network != Network::ThisMachine);
    let address = address.map(|origin| origin.address.clone());
    let is_known = request.evidence.as_ref().is_some_and(|seen| seen.known.is_some());
    let button = |test_id, label: String, with_address: bool| {
        let request = Arc::clone(&request);
        let press = move || {
            let done = fill(t("{name} is blocked. The page Devices lists it."), &[("name", &request.shown_name())]);
            if let Some(then) = decision.take(Progress::Blocking, done) {
                live.block(&request.device_id, with_address, then);
            }
        };
        sleepy_button("ghost danger", test_id, move || decision.is_inert(), move || label.clone(), press)
    };
    let effect = if is_known {
        t("Blocked, it loses what it has, and what it asks is refused and not shown. You can unblock it under Devices.")
    } else {
        t("Blocked, whatever it asks is refused and not shown. You can unblock it under Devices.")
    };
    let from_there =
        address.map(|address| button("block-address", fill(t("Block {address}, too"), &[("address", &address)]), true));
    late(view! {
        <fieldset class="never">
            <legend>{t("Never again")}</legend>
            <p class="soft small">{effect}</p>
            <div class="actions">{button("block-device", t("Block this device").to_owned(), false)} {from_there}</div>
        </fieldset>
    })
}
