//! Gets a notice to everybody who is to be told.

use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

use access::destination::is_public;
use access::pairing::Device;
use client::{Answer, MayDial, PostError, WebUrl};
use protocol::Role;
use protocol::role::PAIRING;
use protocol::setup_code::http_url;

use super::message::Notice;
use super::seal::Recipient;
use super::vapid::VapidKey;
use crate::config::notify::{Notify, NotifyFormat};
use crate::gateway::public_url;
use crate::state::AppState;
use crate::store::{StoreError, Subscription};

/// When something that may have been a hiccup is tried again.
const RETRIES: [Duration; 2] = [Duration::from_secs(2), Duration::from_secs(10)];

/// For how long a push service keeps what does not say itself when it is worth nothing any more, in seconds.
const DEFAULT_TTL: u64 = 300;

/// What came of one attempt.
#[derive(Debug)]
pub enum Outcome {
    Taken(u16),
    /// The browser has left its push service, or the gateway has another key now.
    Gone(String),
    Refused(Answer),
    Failed(PostError),
    /// Nothing could be sent at all.
    Unsendable(String),
}

impl Outcome {
    fn of(answered: Result<Answer, PostError>) -> Self {
        match answered {
            Ok(answer) if answer.is_success() => Self::Taken(answer.status),
            Ok(answer) if matches!(answer.status, 404 | 410) => Self::Gone(format!("HTTP status {}", answer.status)),
            Ok(answer) => Self::Refused(answer),
            Err(error) => Self::Failed(error),
        }
    }

    pub fn is_taken(&self) -> bool {
        matches!(self, Self::Taken(_))
    }

    /// Whether the same might succeed a moment later.
    fn may_pass(&self) -> bool {
        match self {
            Self::Refused(answer) => answer.status == 429 || answer.status >= 500,
            Self::Failed(error) => !matches!(error, PostError::Forbidden { .. }),
            Self::Taken(_) | Self::Gone(_) | Self::Unsendable(_) => false,
        }
    }

    /// What happened, in a sentence.
    pub fn said(&self) -> String {
        match self {
            Self::Taken(status) => format!("it was taken (HTTP status {status})"),
            Self::Gone(why) => format!("nobody is there any more ({why})"),
            Self::Refused(answer) => {
                let body: String =
                    answer.body.split_whitespace().collect::<Vec<_>>().join(" ").chars().take(200).collect();
                format!(
                    "it was refused with HTTP status {}{}{body}",
                    answer.status,
                    if body.is_empty() { "" } else { ": " }
                )
            }
            Self::Failed(error) => error.to_string(),
            Self::Unsendable(problem) => problem.clone(),
        }
    }
}

/// Somebody who is to be told.
enum Target {
    Url,
    Browser(Arc<VapidKey>, Box<Subscription>),
}

/// Starts a task for everybody who is to be told.
pub(super) async fn deliver(state: &AppState, notice: &Notice) {
    if state.config().notify.url.is_some() {
        state.tasks.spawn(insist(state.clone(), Target::Url, notice.clone()));
    }
    let subscriptions = match told_browsers(state).await {
        Ok(subscriptions) => subscriptions,
        Err(error) => return tracing::warn!(%error, "No browser is told of a request"),
    };
    if subscriptions.is_empty() {
        return;
    }
    let key = match VapidKey::of(&state.server_key) {
        Ok(key) => Arc::new(key),
        Err(error) => return tracing::error!("No browser is told of a request: {error:#}"),
    };
    for subscription in subscriptions {
        let target = Target::Browser(Arc::clone(&key), Box::new(subscription));
        state.tasks.spawn(insist(state.clone(), target, notice.clone()));
    }
}

/// Tries until it was taken, or cannot be, or the gateway stops.
async fn insist(state: AppState, target: Target, notice: Notice) {
    let trying = async {
        for pause in RETRIES.into_iter().map(Some).chain([None]) {
            let outcome = match &target {
                // Looked at each time, because settings go live.
                Target::Url => tell_url(&state, &state.config().notify, &notice).await,
                Target::Browser(key, subscription) => push(&state, key, subscription, &notice).await,
            };
            match (outcome, pause) {
                (Some(outcome), Some(pause)) if outcome.may_pass() => tokio::time::sleep(pause).await,
                (Some(outcome), _) if !outcome.is_taken() => {
                    return tracing::warn!(to = target.host(&state), "A request could not be told: {}", outcome.said());
                }
                (Some(_) | None, _) => return,
            }
        }
    };
    tokio::select! {
        () = trying => {}
        () = state.stopping.cancelled() => {}
    }
}

impl Target {
    /// Never the whole address: whoever has that can send there.
    fn host(&self, state: &AppState) -> String {
        let url = match self {
            Self::Url => state.config().notify.url.clone(),
            Self::Browser(_, subscription) => WebUrl::parse(&subscription.endpoint).ok(),
        };
        url.map(|url| url.host().to_owned()).unwrap_or_default()
    }
}

/// The browsers whose devices may be told now.
async fn told_browsers(state: &AppState) -> Result<Vec<Subscription>, StoreError> {
    let mut told = Vec::new();
    for subscription in state.store.list_subscriptions().await? {
        if state.store.find_device(&subscription.device_id).await?.is_some_and(|device| may_be_told(&device)) {
            told.push(subscription);
        }
    }
    Ok(told)
}

/// Whether a device may still decide about others, as far as its own rights go.
fn may_be_told(device: &Device) -> bool {
    device.live_token(Role::Operator).is_some() && device.scopes.allow(Role::Operator, PAIRING)
}

/// Which addresses a browser's push service may be at.
pub fn may_dial(notify: &Notify) -> MayDial {
    fn anything(_: IpAddr) -> bool {
        true
    }
    if notify.allow_private { anything } else { is_public }
}

/// Sends one push. A browser that is not there any more is forgotten.
pub async fn push(state: &AppState, key: &VapidKey, subscription: &Subscription, notice: &Notice) -> Option<Outcome> {
    let _permit = state.notifier.under_way.acquire().await.ok()?;
    let now_ms = state.clock.now_ms();
    let ttl = match notice {
        Notice::Request(asked) => asked.expires_at_ms.saturating_sub(now_ms) / 1000,
        Notice::Crowd { .. } | Notice::Test => DEFAULT_TTL,
    };
    if ttl == 0 {
        return None;
    }
    let outcome = if subscription.server_key == key.public() {
        match prepare(state, key, subscription, notice, ttl) {
            Ok((url, headers, body)) => {
                Outcome::of(client::post(&url, may_dial(&state.config().notify), &headers, body).await)
            }
            Err(error) => Outcome::Unsendable(format!("{error:#}")),
        }
    } else {
        Outcome::Gone("the gateway has another key now".to_owned())
    };
    if let Outcome::Gone(why) = &outcome {
        tracing::info!(device.id = subscription.device_id.as_str().get(..8), "A browser is not told any more: {why}");
        if let Err(error) = state.store.remove_subscription(&subscription.endpoint, None).await {
            tracing::warn!(%error, "A browser that is gone could not be forgotten");
        }
    }
    Some(outcome)
}

type Prepared = (WebUrl, Vec<(&'static str, String)>, Vec<u8>);

/// The request to the push service (RFC 8030 §5, RFC 8291 §2).
fn prepare(
    state: &AppState,
    key: &VapidKey,
    subscription: &Subscription,
    notice: &Notice,
    ttl: u64,
) -> anyhow::Result<Prepared> {
    let url = WebUrl::parse(&subscription.endpoint)?;
    let body =
        Recipient::parse(&subscription.p256dh, &subscription.auth)?.seal(notice.payload().to_string().as_bytes())?;
    let authorization = key.authorization(&url.origin(), subscription.page.as_deref(), state.clock.now_ms())?;
    let mut headers = vec![
        ("authorization", authorization),
        ("content-encoding", "aes128gcm".to_owned()),
        ("content-type", "application/octet-stream".to_owned()),
        ("ttl", ttl.to_string()),
        ("urgency", "high".to_owned()),
    ];
    if let Notice::Request(asked) = notice {
        headers.push(("topic", state.server_key.push_topic(&asked.device_id)));
    }
    Ok((url, headers, body))
}

/// Tells the address of the owner's own choice; `None` where there is none.
pub async fn tell_url(state: &AppState, notify: &Notify, notice: &Notice) -> Option<Outcome> {
    let url = notify.url.as_ref()?;
    let _permit = state.notifier.under_way.acquire().await.ok()?;
    let base = page_address(state);
    let mut headers = vec![("user-agent", format!("openclaw/{}", crate::VERSION))];
    if let Some(token) = &notify.token {
        headers.push(("authorization", format!("Bearer {}", token.reveal())));
    }
    let body = match notify.format {
        NotifyFormat::Json => {
            headers.push(("content-type", "application/json".to_owned()));
            notice.object(base.as_deref()).to_string()
        }
        NotifyFormat::Ntfy => {
            headers.push(("content-type", "text/plain; charset=utf-8".to_owned()));
            headers.extend(notice.ntfy_headers(base.as_deref()));
            notice.text()
        }
    };
    // The owner's own setting, so it may lead anywhere.
    Some(Outcome::of(client::post(url, |_| true, &headers, body.into_bytes()).await))
}

/// Where others find the page, if that is known.
fn page_address(state: &AppState) -> Option<String> {
    let wish = public_url::Wish { tailscale: state.exposed.get(), ..public_url::Wish::default() };
    let found = public_url::choose(wish, &state.config(), state.port, &public_url::own_addresses());
    found.ok().map(|found| http_url(&found.url).trim_end_matches('/').to_owned())
}
