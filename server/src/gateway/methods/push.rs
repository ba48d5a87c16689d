//! `push.*`: extensions (docs/protocol.md, "Notifications").

use client::{PostError, WebUrl};
use protocol::method::{
    EndpointRef, NotifyUrl, PushKey, PushList, PushOutcome, PushSubscribeParams, PushTarget, PushTestParams,
    PushTested, SubscribedBrowser,
};
use protocol::refusal::PushRefusal;
use protocol::{DeviceId, Refusal};
use serde_json::{Value, json};

use super::devices::decider;
use crate::gateway::connection::Connection;
use crate::notify::{self, Notice, Outcome, Recipient, VapidKey, may_dial};
use crate::state::AppState;
use crate::store::Subscription;

/// What a browser subscribes to.
pub fn key(state: &AppState) -> Result<PushKey, Refusal> {
    Ok(PushKey { public_key: vapid_key(state)?.public().to_owned() })
}

/// Who is told while no page is open. A device without admin rights sees itself.
pub async fn list(state: &AppState, caller: &Connection) -> Result<PushList, Refusal> {
    let decider = decider(caller);
    let mut subscriptions = Vec::new();
    for subscription in state.store.list_subscriptions().await.map_err(|error| error.refusal())? {
        let is_own = caller.device_id.as_ref() == Some(&subscription.device_id);
        if !is_own && decider.is_confined_to_itself() {
            continue;
        }
        let device = state.store.find_device(&subscription.device_id).await.map_err(|error| error.refusal())?;
        subscriptions.push(SubscribedBrowser {
            name: device.map(|device| device.shown(None).shown_name()).unwrap_or_default(),
            service: host(&subscription.endpoint),
            created_at_ms: subscription.created_at_ms,
            device_id: subscription.device_id,
            endpoint: is_own.then_some(subscription.endpoint),
        });
    }
    let notify = &state.config().notify;
    let url = notify.url.as_ref();
    let url = url.map(|url| NotifyUrl { host: url.host().to_owned(), format: notify.format.as_str().to_owned() });
    Ok(PushList { subscriptions, url })
}

/// Tells this device from now on. Nothing is sent yet, but where it would be sent to is looked at.
pub async fn subscribe(state: &AppState, caller: &Connection, params: PushSubscribeParams) -> Result<Value, Refusal> {
    let device_id = device_of(caller)?;
    if decider(caller).is_confined_to_itself() {
        return Err(Refusal::Push(PushRefusal::Denied));
    }
    let PushSubscribeParams { endpoint, p256dh, auth } = params;
    let invalid = |problem: String| Refusal::Push(PushRefusal::SubscriptionInvalid { problem });
    let sealed = Recipient::parse(&p256dh, &auth).and_then(|recipient| recipient.seal(b""));
    sealed.map_err(|error| invalid(error.to_string()))?;
    let url = WebUrl::parse(&endpoint).map_err(|error| invalid(format!("endpoint: {error}")))?;
    let allows_private = state.config().notify.allow_private;
    if !url.is_encrypted() && !allows_private {
        return Err(invalid("endpoint: it must begin with https://".to_owned()));
    }
    client::look_up(&url, may_dial(&state.config().notify)).await.map_err(|error| unreachable(&url, &error))?;
    let subscription = Subscription {
        endpoint,
        device_id: device_id.clone(),
        p256dh,
        auth,
        server_key: vapid_key(state)?.public().to_owned(),
        page: caller.introduction.page.clone(),
        created_at_ms: state.clock.now_ms(),
    };
    state.store.add_subscription(&subscription).await.map_err(|error| error.refusal())?;
    tracing::info!(conn.id = %caller.id, service = url.host(), "A browser is told of requests from now on");
    Ok(json!({"service": url.host()}))
}

/// Tells this browser nothing more. That it was told nothing before is no reason to say no.
pub async fn unsubscribe(state: &AppState, caller: &Connection, params: EndpointRef) -> Result<Value, Refusal> {
    let removed = state.store.remove_subscription(&params.endpoint, Some(device_of(caller)?)).await;
    let removed = removed.map_err(|error| error.refusal())?;
    Ok(json!({"removed": removed}))
}

/// Sends a test and says what came of it.
pub async fn test(state: &AppState, caller: &Connection, params: PushTestParams) -> Result<PushTested, Refusal> {
    let results = match params.target {
        PushTarget::Browser => test_browsers(state, device_of(caller)?).await?,
        PushTarget::Url => test_url(state).await.into_iter().collect(),
    };
    if results.is_empty() { Err(Refusal::Push(PushRefusal::NobodyToTell)) } else { Ok(PushTested { results }) }
}

async fn test_browsers(state: &AppState, device_id: &DeviceId) -> Result<Vec<PushOutcome>, Refusal> {
    let key = vapid_key(state)?;
    let mut results = Vec::new();
    for subscription in state.store.list_subscriptions().await.map_err(|error| error.refusal())? {
        if subscription.device_id == *device_id
            && let Some(outcome) = notify::push(state, &key, &subscription, &Notice::Test).await
        {
            results.push(told(host(&subscription.endpoint), &outcome));
        }
    }
    Ok(results)
}

async fn test_url(state: &AppState) -> Option<PushOutcome> {
    let notify = state.config().notify.clone();
    let outcome = notify::tell_url(state, &notify, &Notice::Test).await?;
    notify.url.map(|url| told(url.host().to_owned(), &outcome))
}

fn told(service: String, outcome: &Outcome) -> PushOutcome {
    PushOutcome { service, ok: outcome.is_taken(), said: outcome.said() }
}

fn device_of(caller: &Connection) -> Result<&DeviceId, Refusal> {
    caller.device_id.as_ref().ok_or(Refusal::Push(PushRefusal::NoDevice))
}

fn vapid_key(state: &AppState) -> Result<VapidKey, Refusal> {
    VapidKey::of(&state.server_key).map_err(|error| {
        tracing::error!("There is no key to sign pushes with: {error:#}");
        Refusal::StoreUnavailable
    })
}

fn unreachable(url: &WebUrl, error: &PostError) -> Refusal {
    let host = url.host().to_owned();
    Refusal::Push(match error {
        PostError::Forbidden { .. } => PushRefusal::EndpointPrivate { host },
        PostError::NotFound { .. }
        | PostError::Unreachable { .. }
        | PostError::TimedOut(_)
        | PostError::Protocol { .. } => PushRefusal::EndpointUnknown { host },
    })
}

/// Never the whole address: whoever has that can send there.
fn host(endpoint: &str) -> String {
    WebUrl::parse(endpoint).map(|url| url.host().to_owned()).unwrap_or_default()
}
