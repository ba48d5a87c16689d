//! The card of a node that is in and offers something nobody has decided about: what is new, and what it may do
//! already.

use leptos::prelude::*;
use protocol::Method;
use protocol::node::PendingNodeSurface;
use protocol::pairing::{PairedDevice, client_kind};

use super::ask_list::offer_list;
use super::decide::{Choice, Decision, decide};
use crate::language::t;
use crate::late::{late, text};
use crate::live::Live;
use crate::time_words;

pub(super) fn node_card(live: Live, device: &PairedDevice, offer: PendingNodeSurface) -> AnyView {
    let title = format!("card-{}", offer.request_id);
    let labelled_by = title.clone();
    let held = device.node_surface.as_ref().map(|held| held.surface.clone()).unwrap_or_default();
    let claim = format!("{} {} on {}", client_kind(&device.client_id), offer.version, offer.platform);
    let from = device.remote_ip.clone().unwrap_or_else(|| "this machine".to_owned());
    let declared_at_ms = offer.ts;
    let when = move || format!("First offered {}", time_words::ago(declared_at_ms, live.gateway_now_ms()));
    let by_itself = offer.silent.then(|| view! { <span class="pill">"let in by itself"</span> });
    let call = |method: Method, id: &str| {
        let id = id.to_owned();
        move |live: Live, then: Box<dyn FnOnce(crate::live::Answer)>| live.decide_node(method, &id, then)
    };
    let choice = Choice {
        name: device.shown_name(),
        approved: t("{name} may now do what it offers."),
        approve_words: Box::new(|| t("Approve").to_owned()),
        hitch: Box::new(|| None),
        approve: Box::new(call(Method::NodePairApprove, &offer.request_id)),
        reject: Box::new(call(Method::NodePairReject, &offer.request_id)),
        required: {
            let required = offer.surface.required_approve_scopes();
            Box::new(move || required.clone())
        },
        command: format!("openclaw nodes approve {}", offer.request_id),
        request_id: offer.request_id.clone(),
    };
    late(view! {
        <article class="card" aria-labelledby=labelled_by data-testid="node-card" data-request-id=offer.request_id>
            <header class="card-head">
                <div>
                    <h3 id=title>{choice.name.clone()}</h3>
                    <p class="soft small tags">
                        <span>{claim}</span>
                        <span class="pill ok">"paired"</span>
                        {by_itself}
                    </p>
                </div>
            </header>
            <dl>
                <dt>"Where"</dt>
                <dd class="mono">{from}</dd>
                {offer_list(&offer.surface, &held)}
                <dt>"When"</dt>
                <dd class="soft">{text(when)}</dd>
            </dl>
            {decide(Decision::new(live), choice)}
        </article>
    })
}
