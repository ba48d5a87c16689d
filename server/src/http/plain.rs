//! `/plain`: who waits, and Approve and Reject, for browsers that run no WebAssembly.
//!
//! An owner link's code opens a session that lasts an hour, in this process's memory only. Its secret is in a cookie
//! that scripts cannot read and that no other site's request carries; every form repeats a value derived from it, and
//! the request must come from a page that may talk to the gateway (`access::origin`), as a socket must.

use std::collections::HashMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

use access::bootstrap::Presentation;
use access::locality::Ingress as Way;
use access::origin::{self, PageFacts};
use access::pairing::{Decider, PairingEvent};
use app::plain::{GUARD, PlainPage, plain_page};
use axum::body::{Body, to_bytes};
use axum::extract::Request;
use axum::response::{Html, IntoResponse, Redirect, Response};
use http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode, header};
use protocol::audit::{AuditAction, AuditAuthor, Audited};
use protocol::method::{ApproveParams, Terms};
use protocol::pairing::{Origin, PendingRequest};
use protocol::{BootstrapProfile, DeviceId, Refusal, Role, Secret};
use url::form_urlencoded;
use uuid::Uuid;

use super::peer::Ingress;
use crate::gateway::limits::{Attempt, Source};
use crate::gateway::methods::devices::{apply, waiting};
use crate::gateway::step_up::demand_without_a_page;
use crate::keys::{hash_code, new_secret};
use crate::state::AppState;

/// How long a session lasts, in milliseconds.
const LIFETIME_MS: u64 = 60 * 60 * 1000;

/// The most sessions at a time; a further one ends the oldest.
const MAX_SESSIONS: usize = 16;

/// No form of this page is longer, in bytes.
const MAX_FORM: usize = 4096;

const COOKIE: &str = "openclaw_plain";

/// The owner's sessions at the plain page, by the hash of their secret.
#[derive(Debug, Default)]
pub struct PlainSessions(Mutex<HashMap<String, PlainSession>>);

#[derive(Debug, Clone, Copy)]
struct PlainSession {
    expires_at_ms: u64,
    /// When everybody was thrown out last, so that it goes with them.
    expulsions: u64,
}

impl PlainSessions {
    fn lock(&self) -> MutexGuard<'_, HashMap<String, PlainSession>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn open(&self, hash: String, session: PlainSession) {
        let mut sessions = self.lock();
        if sessions.len() >= MAX_SESSIONS {
            let oldest = sessions.iter().min_by_key(|(_, session)| session.expires_at_ms).map(|(hash, _)| hash.clone());
            oldest.map(|hash| sessions.remove(&hash));
        }
        sessions.insert(hash, session);
    }

    fn is_open(&self, hash: &str, now_ms: u64, expulsions: u64) -> bool {
        let mut sessions = self.lock();
        sessions.retain(|_, session| session.expires_at_ms > now_ms && session.expulsions == expulsions);
        sessions.contains_key(hash)
    }

    fn close(&self, hash: &str) {
        self.lock().remove(hash);
    }
}

/// Answers whatever is asked below `/plain`.
pub async fn answer(state: AppState, request: Request) -> Response {
    let (parts, body) = request.into_parts();
    let Some(ingress) = parts.extensions.get::<Ingress>().cloned() else {
        return StatusCode::INTERNAL_SERVER_ERROR.into_response();
    };
    let visit = Visit { secret: cookie(&parts.headers), state, ingress, headers: parts.headers };
    match (parts.method, parts.uri.path()) {
        (Method::GET | Method::HEAD, "/plain") => visit.page(None).await,
        (Method::POST, path) => visit.submit(path, body).await,
        _ => (StatusCode::METHOD_NOT_ALLOWED, [(header::ALLOW, "GET, POST")]).into_response(),
    }
}

/// One request, and who seems to make it.
struct Visit {
    state: AppState,
    ingress: Ingress,
    headers: HeaderMap,
    /// What the cookie says, whatever that is worth.
    secret: Option<Secret>,
}

impl Visit {
    /// The session's hash, if there is a session.
    fn session(&self) -> Option<String> {
        let hash = hash_code(self.secret.as_ref()?);
        let (now_ms, expulsions) = (self.state.clock.now_ms(), self.state.registry.expulsions());
        self.state.plain_sessions.is_open(&hash, now_ms, expulsions).then_some(hash)
    }

    async fn page(&self, said: Option<String>) -> Response {
        let Some(session) = self.session() else {
            return show(PlainPage::SignIn { problem: said });
        };
        match self.pending().await {
            Ok(pending) => {
                let now_ms = self.state.clock.now_ms();
                show(PlainPage::Desk { pending, now_ms, guard: guard(&session), said })
            }
            Err(refusal) => show(PlainPage::SignIn { problem: Some(sentence(&refusal)) }),
        }
    }

    async fn pending(&self) -> Result<Vec<PendingRequest>, Refusal> {
        let pairings = self.state.store.list_pairings().await.map_err(|error| error.refusal())?;
        let now_ms = self.state.clock.now_ms();
        let open = pairings.pending.iter().filter(|(pending, _)| pending.expires_at_ms() > now_ms);
        Ok(open.map(|(pending, approved)| pending.shown(approved.as_ref())).collect())
    }

    /// Does what a form says, then shows the page anew.
    async fn submit(&self, path: &str, body: Body) -> Response {
        if self.check_origin().is_err() {
            return (StatusCode::FORBIDDEN, show(PlainPage::SignIn { problem: Some(FOREIGN.to_owned()) }))
                .into_response();
        }
        let Ok(body) = to_bytes(body, MAX_FORM).await else {
            return StatusCode::PAYLOAD_TOO_LARGE.into_response();
        };
        let form: HashMap<String, String> = form_urlencoded::parse(&body).into_owned().collect();
        if path == "/plain/sign-in" {
            return self.sign_in(form.get("code").map_or("", String::as_str)).await;
        }
        let Some(session) = self.session() else {
            return show(PlainPage::SignIn {
                problem: Some("Your hour here is over. Open a new owner link.".to_owned()),
            });
        };
        if form.get(GUARD) != Some(&guard(&session)) {
            return (StatusCode::FORBIDDEN, self.page(Some(FOREIGN.to_owned())).await).into_response();
        }
        match path {
            "/plain/decide" => {
                let said = self.decide(&form).await;
                self.page(Some(said)).await
            }
            "/plain/sign-out" => {
                self.state.plain_sessions.close(&session);
                Redirect::to("/plain").into_response()
            }
            _ => StatusCode::NOT_FOUND.into_response(),
        }
    }

    /// Cross-site requests are refused by what the browser says of them; one that says nothing is no browser's.
    fn check_origin(&self) -> Result<(), Refusal> {
        let text = |name: HeaderName| self.headers.get(name).and_then(|value| value.to_str().ok());
        let page = PageFacts {
            origin: text(header::ORIGIN),
            host: text(header::HOST),
            is_direct_local: self.ingress.attribution.is_direct_local(),
            is_behind_trusted_proxy: matches!(self.ingress.attribution.ingress, Way::TrustedProxy { .. }),
        };
        origin::check(page, &self.state.config().policy.origins)
    }

    /// Where this is, for the record.
    fn origin(&self) -> Origin {
        self.ingress.attribution.origin(self.ingress.is_encrypted, None)
    }

    async fn sign_in(&self, link: &str) -> Response {
        let now_ms = self.state.clock.now_ms();
        let source = Source::new(self.ingress.attribution.client, Some("plain"));
        if self.state.limiter.locked_for(Attempt::Bootstrap, &source, now_ms).is_some() {
            let problem = Some("Too many wrong links came from here. Wait a few minutes.".to_owned());
            return (StatusCode::TOO_MANY_REQUESTS, show(PlainPage::SignIn { problem })).into_response();
        }
        match self.redeem(&code_of(link), now_ms).await {
            Ok(Some(secret)) => {
                let hash = hash_code(&secret);
                let expulsions = self.state.registry.expulsions();
                self.state.plain_sessions.open(hash, PlainSession { expires_at_ms: now_ms + LIFETIME_MS, expulsions });
                tracing::info!(
                    peer.address = %self.ingress.attribution.client,
                    "An owner link opened the page without WebAssembly for an hour"
                );
                (self.set_cookie(&secret), Redirect::to("/plain")).into_response()
            }
            Ok(None) => {
                let rules = self.state.config().rate_limit;
                let penalty = self.state.limiter.record_failure(Attempt::Bootstrap, &source, &rules, now_ms);
                tokio::time::sleep(penalty).await;
                let problem = Some("This is not an owner link that still works.".to_owned());
                (StatusCode::FORBIDDEN, show(PlainPage::SignIn { problem })).into_response()
            }
            Err(error) => {
                tracing::error!(%error, "An owner link could not be used at the plain page");
                let problem = Some("The gateway could not check that just now. Try again.".to_owned());
                (StatusCode::SERVICE_UNAVAILABLE, show(PlainPage::SignIn { problem })).into_response()
            }
        }
    }

    /// Spends an owner's code. The result is the secret of the new session, which stands where a device would.
    async fn redeem(&self, code: &Secret, now_ms: u64) -> anyhow::Result<Option<Secret>> {
        let secret = new_secret()?;
        let device_id = DeviceId::claimed(hash_code(&secret));
        let shown = Presentation {
            device_id: device_id.clone(),
            role: Role::Operator,
            scopes: BootstrapProfile::Owner.scopes(),
        };
        let hash = hash_code(code);
        let profile = self.state.store.claim_code(&hash, &shown, now_ms).await?;
        let is_owners = profile == Some(BootstrapProfile::Owner);
        let mut used =
            Audited::new(AuditAction::OwnerLinkUsed, AuditAuthor::Owner).noting("the page without WebAssembly");
        used.from = Some(self.origin());
        Ok((is_owners && self.state.store.redeem_code(&hash, &device_id, used, now_ms).await?).then_some(secret))
    }

    fn set_cookie(&self, secret: &Secret) -> [(HeaderName, String); 1] {
        let secure = if self.ingress.is_encrypted { "; Secure" } else { "" };
        let value = format!(
            "{COOKIE}={}; Path=/plain; Max-Age={}; HttpOnly; SameSite=Strict{secure}",
            secret.reveal(),
            LIFETIME_MS / 1000
        );
        [(header::SET_COOKIE, value)]
    }

    /// Approves or rejects, and says what came of it.
    async fn decide(&self, form: &HashMap<String, String>) -> String {
        let text = |name: &str| form.get(name).cloned().unwrap_or_default();
        let (request_id, digest) = (text("requestId"), text("digest"));
        let decider = Decider {
            scopes: BootstrapProfile::Owner.scopes(),
            device_id: None,
            by_device_credential: false,
            is_owner: true,
            from: Some(self.origin()),
        };
        let is_approved = match form.get("decision").map(String::as_str) {
            Some("approve") => true,
            Some("reject") => false,
            _ => return "Nothing was decided: press Approve or Reject.".to_owned(),
        };
        if is_approved {
            let params =
                ApproveParams { request_id: request_id.clone(), digest: Some(digest.clone()), terms: Terms::default() };
            if let Err(refusal) = self.check_step_up(&params).await {
                return sentence(&refusal);
            }
        }
        let event = if is_approved {
            let generation = Uuid::new_v4().to_string();
            PairingEvent::Approve {
                request_id: request_id.clone(),
                digest: Some(digest),
                terms: Terms::default(),
                decider,
                generation,
            }
        } else {
            PairingEvent::Reject { request_id: request_id.clone(), digest: Some(digest), decider }
        };
        match self.carry_out(&request_id, event).await {
            Ok(()) if is_approved => "Approved. The device is in.".to_owned(),
            Ok(()) => "Rejected.".to_owned(),
            Err(refusal) => sentence(&refusal),
        }
    }

    /// This page cannot show a passkey, so it does not do what takes one.
    async fn check_step_up(&self, params: &ApproveParams) -> Result<(), Refusal> {
        let found =
            self.state.store.find_device_of_request(&params.request_id).await.map_err(|error| error.refusal())?;
        let Some(device_id) = found else { return Ok(()) };
        match waiting(&self.state, &device_id, params).await? {
            Some(waiting) => demand_without_a_page(&self.state, waiting.act()).await,
            None => Ok(()),
        }
    }

    async fn carry_out(&self, request_id: &str, event: PairingEvent) -> Result<(), Refusal> {
        let found = self.state.store.find_device_of_request(request_id).await.map_err(|error| error.refusal())?;
        let device_id = found.ok_or(Refusal::RequestUnknown)?;
        apply(&self.state, &device_id, event).await.map(|_| ())
    }
}

const FOREIGN: &str = "This came from another page than this one, so nothing was done. Open this page anew.";

fn sentence(refusal: &Refusal) -> String {
    let advice = refusal.advice();
    format!("{} {}", advice.sentence, advice.next_step)
}

/// What the forms of a session carry.
fn guard(session: &str) -> String {
    hash_code(&Secret::new(format!("form {session}")))
}

/// The code, from the whole link or by itself.
fn code_of(link: &str) -> Secret {
    let code = link.trim().rsplit_once("bootstrapToken=").map_or(link.trim(), |(_, code)| code);
    Secret::new(code.split('&').next().unwrap_or_default())
}

fn cookie(headers: &HeaderMap) -> Option<Secret> {
    let cookies = headers.get_all(header::COOKIE).iter().filter_map(|value| value.to_str().ok());
    let mut pairs = cookies.flat_map(|value| value.split(';')).filter_map(|pair| pair.trim().split_once('='));
    pairs.find(|(name, _)| *name == COOKIE).map(|(_, value)| Secret::new(value))
}

fn show(page: PlainPage) -> Response {
    let policy = "default-src 'none'; style-src 'self'; img-src 'self'; form-action 'self'; base-uri 'none'; \
                  frame-ancestors 'none'";
    let headers = [
        (header::CONTENT_SECURITY_POLICY, HeaderValue::from_static(policy)),
        (header::CACHE_CONTROL, HeaderValue::from_static("no-store")),
        // Under `no-referrer` a browser would not say which page a form comes from.
        (header::REFERRER_POLICY, HeaderValue::from_static("same-origin")),
    ];
    (headers, Html(plain_page(page))).into_response()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_code_is_found_in_the_link_or_alone() {
        for link in ["http://127.0.0.1:18789/#bootstrapToken=abc&x=1", " abc ", "bootstrapToken=abc"] {
            assert_eq!(code_of(link).reveal(), "abc", "{link}");
        }
    }

    #[test]
    fn a_session_ends_after_its_time_with_everybody_else_and_when_there_are_too_many() {
        let sessions = PlainSessions::default();
        let until = |expires_at_ms| PlainSession { expires_at_ms, expulsions: 1 };
        sessions.open("a".to_owned(), until(100));
        assert!(sessions.is_open("a", 99, 1) && !sessions.is_open("a", 100, 1));
        sessions.open("a".to_owned(), until(100));
        assert!(!sessions.is_open("a", 99, 2));
        sessions.open("oldest".to_owned(), until(100));
        for n in 0..MAX_SESSIONS {
            sessions.open(n.to_string(), until(200));
        }
        assert!(!sessions.is_open("oldest", 0, 1) && sessions.is_open("0", 0, 1));
    }
}
