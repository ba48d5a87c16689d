//! The socket as signals: what the page knows, and the few ways to change it.

use leptos::prelude::*;
use protocol::method::Terms;
use protocol::pairing::{PairedDevice, PendingRequest};
use protocol::refusal::Advice;
use protocol::role::PAIRING;
use protocol::{DeviceId, Method, PAIRING_LIFETIME_MS, PublicKey, Refusal, Scopes, WireError};
use serde_json::Value;

use crate::desk::{Desk, Fresh, shown_digest};
use crate::language::{fill, t};
use crate::late::follow;
use crate::outside;
use crate::permissions::who_may_approve;
use crate::reading;
use crate::session::{Input, Screen, Session, UNKNOWN_REFUSAL, Welcome};
use crate::setup::Wish;
use crate::stepping;
use crate::writing::{object, texts};

/// The gateway's answer to one call.
pub type Answer = Result<Value, WireError>;

/// This browser as the gateway knows it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Identity {
    /// The name it proposes.
    pub name: String,
    pub key: PublicKey,
}

/// Everything the page shows, as signals. Copied freely; there is one per page.
#[derive(Debug, Clone, Copy)]
pub struct Live {
    pub session: RwSignal<Session>,
    pub desk: RwSignal<Desk>,
    pub identity: RwSignal<Option<Identity>>,
    /// This browser's clock, once a second.
    pub now_ms: RwSignal<u64>,
    /// How far the gateway's clock is ahead of this browser's.
    pub gateway_ahead_ms: RwSignal<i64>,
    /// What a screen reader should say now.
    pub announcement: RwSignal<String>,
    /// The request that a notification led to, until its card is in view.
    pub called: RwSignal<Option<String>>,
}

impl Live {
    pub fn new() -> Self {
        Self {
            session: RwSignal::new(Session::new(None, None)),
            desk: RwSignal::default(),
            identity: RwSignal::new(None),
            now_ms: RwSignal::new(0),
            gateway_ahead_ms: RwSignal::new(0),
            announcement: RwSignal::default(),
            called: RwSignal::default(),
        }
    }

    /// The page's one. Every component is below [`App`](crate::App), which provides it.
    pub fn here() -> Self {
        expect_context()
    }

    /// Now, by the gateway's clock: its times mean nothing by any other.
    pub fn gateway_now_ms(self) -> u64 {
        self.now_ms.get().saturating_add_signed(self.gateway_ahead_ms.get())
    }

    /// The same, for what is not told anew every second.
    pub fn gateway_now_untracked_ms(self) -> u64 {
        untrack(|| self.gateway_now_ms())
    }

    /// What is left of a request. Never more than it began with, whatever a clock that is being set says.
    pub fn left_ms(self, expires_at_ms: u64) -> u64 {
        expires_at_ms.saturating_sub(self.gateway_now_ms()).min(PAIRING_LIFETIME_MS)
    }

    pub fn screen<T>(self, read: impl FnOnce(&Screen) -> T) -> T {
        self.session.with(|session| read(session.screen()))
    }

    pub fn welcome<T>(self, read: impl FnOnce(&Welcome) -> T) -> Option<T> {
        self.session.with(|session| session.welcome().map(read))
    }

    /// Whether the gateway has let this browser in.
    pub fn is_in(self) -> bool {
        self.welcome(|_| ()).is_some()
    }

    /// Whether the line is lost for the moment, and what is on the page may have changed.
    pub fn is_resuming(self) -> bool {
        self.session.with(Session::is_resuming)
    }

    /// Whether this browser may see and decide about devices.
    pub fn may_pair(self) -> bool {
        self.allows(PAIRING)
    }

    pub fn allows(self, scope: &str) -> bool {
        self.welcome(|welcome| welcome.hello.allows(scope)).unwrap_or_default()
    }

    /// Does something once the gateway is there for a browser that holds this scope, and again whenever the line was
    /// lost meanwhile: something may have been missed.
    pub(crate) fn whenever_connected(self, scope: &'static str, act: impl Fn() + 'static) {
        self.follow_connection(scope, Box::new(act));
    }

    fn follow_connection(self, scope: &'static str, act: Box<dyn Fn()>) {
        let is_there = Memo::new(move |_| !self.is_resuming() && self.allows(scope));
        follow(move || {
            if is_there.get() {
                untrack(&act);
            }
        });
    }

    /// Why this browser may not approve something that takes these scopes; `None` if it may.
    pub fn may_not_approve(self, required: &[String]) -> Option<&'static str> {
        self.welcome(|welcome| who_may_approve(required, &welcome.hello.scopes)).flatten()
    }

    pub fn is_own(self, id: &DeviceId) -> bool {
        self.identity.with(|identity| identity.as_ref().is_some_and(|own| own.key.device_id() == *id))
    }

    pub fn tell(self, input: Input) {
        outside::tell(self, input);
    }

    pub fn announce(self, words: String) {
        self.announcement.set(words);
    }

    /// Fetches what waits anew. A failure leaves the last list: the session says why on its own.
    pub fn reload(self) {
        let news = self.desk.with_untracked(Desk::news);
        outside::ask(Method::DevicePairList, object([("only", "waiting".into())]), move |answer| {
            if let Ok(list) = answer {
                // The gateway may have made the list before it told what came meanwhile.
                if self.desk.with_untracked(Desk::news) != news {
                    return self.reload();
                }
                self.desk.update(|desk| desk.replace(reading::pairing_list(&list)));
            }
        });
    }

    /// Lets a device in, exactly as it was shown and on these terms. For a while that can be undone.
    pub fn approve(self, request: &PendingRequest, terms: &Terms, then: Box<dyn FnOnce(Answer)>) {
        let request_id = request.request_id.clone();
        let name = terms.label.clone().unwrap_or_else(|| request.shown_name());
        let params = object([
            ("requestId", request_id.as_str().into()),
            ("digest", shown_digest(request).into()),
            ("scopes", terms.scopes.as_ref().map(Scopes::as_slice).map(texts).into()),
            ("label", terms.label.as_deref().into()),
            ("expiresInMs", terms.expires_in_ms.into()),
        ]);
        let noted = move |answer: Answer| {
            if let Ok(done) = &answer
                && let Some(until_ms) = reading::number(done, "undoUntilMs")
            {
                let wants_passkey = done.get("passkeyAdvised").is_some();
                let fresh = Fresh { request_id, name, until_ms, problem: None, wants_passkey };
                self.desk.update(|desk| desk.note_approval(fresh));
            }
            then(answer);
        };
        self.change(Method::DevicePairApprove, params, Box::new(noted));
    }

    /// Turns a device away, exactly as it was shown.
    pub fn reject(self, request: &PendingRequest, then: Box<dyn FnOnce(Answer)>) {
        let id = request.request_id.as_str().into();
        let params = object([("requestId", id), ("digest", shown_digest(request).into())]);
        self.change(Method::DevicePairReject, params, then);
    }

    /// Takes back what was approved on this page a moment ago.
    pub fn undo(self, fresh: &Fresh) {
        let Fresh { request_id, name, .. } = fresh.clone();
        let params = object([("requestId", request_id.as_str().into())]);
        let then = move |answer: Answer| match answer {
            Ok(_) => {
                self.desk.update(|desk| desk.forget_approval(&request_id));
                self.announce(fill(t("The approval of {name} was undone."), &[("name", &name)]));
            }
            Err(error) => self.desk.update(|desk| desk.note_problem(&request_id, advice(&error))),
        };
        self.change(Method::DevicePairUndo, params, Box::new(then));
    }

    /// Hears nothing more of a device; with its address of no new device from there either.
    pub fn block(self, device_id: &DeviceId, with_address: bool, then: Box<dyn FnOnce(Answer)>) {
        let id = device_id.as_str().into();
        self.change(Method::DevicePairBlock, object([("deviceId", id), ("address", with_address.into())]), then);
    }

    pub fn unblock(self, device_id: &DeviceId, then: Box<dyn FnOnce(Answer)>) {
        self.change(Method::DevicePairUnblock, object([("deviceId", device_id.as_str().into())]), then);
    }

    /// Asks who is blocked.
    pub fn look_up_blocked(self, then: impl FnOnce(Answer) + 'static) {
        outside::ask(Method::DevicePairBlocked, object([]), then);
    }

    /// Decides about what a node offers.
    pub fn decide_node(self, method: Method, request_id: &str, then: impl FnOnce(Answer) + 'static) {
        self.change(method, object([("requestId", request_id.into())]), Box::new(then));
    }

    pub fn remove_node(self, node_id: &DeviceId, then: impl FnOnce(Answer) + 'static) {
        self.change(Method::NodePairRemove, object([("nodeId", node_id.as_str().into())]), Box::new(then));
    }

    /// Asks for a one-time code.
    pub fn make_code(self, wish: Wish, then: impl FnOnce(Answer) + 'static) {
        stepping::ask(Method::DevicePairSetupCode, wish.params(), Box::new(then));
    }

    /// Asks what came of a one-time code.
    pub fn look_up_code(self, setup_id: &str, then: impl FnOnce(Answer) + 'static) {
        outside::ask(Method::DevicePairSetupStatus, object([("setupId", setup_id.into())]), then);
    }

    pub fn rename(self, device_id: &DeviceId, label: String, then: impl FnOnce(Answer) + 'static) {
        let params = object([("deviceId", device_id.as_str().into()), ("label", label.into())]);
        self.change(Method::DevicePairRename, params, Box::new(then));
    }

    pub fn remove(self, device_id: &DeviceId, then: impl FnOnce(Answer) + 'static) {
        self.change(Method::DevicePairRemove, object([("deviceId", device_id.as_str().into())]), Box::new(then));
    }

    pub fn rotate(self, device: &PairedDevice, then: impl FnOnce(Answer) + 'static) {
        self.change(Method::DeviceTokenRotate, token_of(device), Box::new(then));
    }

    pub fn revoke(self, device: &PairedDevice, then: impl FnOnce(Answer) + 'static) {
        self.change(Method::DeviceTokenRevoke, token_of(device), Box::new(then));
    }

    /// Calls a method that changes something, and fetches the lists again whatever came of it: a refusal often
    /// means that they are stale.
    fn change(self, method: Method, params: Value, then: Box<dyn FnOnce(Answer)>) {
        let then = move |answer| {
            then(answer);
            self.reload();
        };
        stepping::ask(method, params, Box::new(then));
    }
}

impl Default for Live {
    fn default() -> Self {
        Self::new()
    }
}

fn token_of(device: &PairedDevice) -> Value {
    object([("deviceId", device.device_id.as_str().into()), ("role", device.role.as_str().into())])
}

/// What to tell the person whose click failed: the sentence and the next step.
pub fn advice(error: &WireError) -> String {
    let Advice { sentence, next_step } = Refusal::advice_for(error).unwrap_or(UNKNOWN_REFUSAL);
    format!("{sentence} {next_step}")
}

/// The error of a call whose connection went away before the answer came: what a stopping gateway would say, put
/// together here, because `Refusal::wire_error` would bring the details of every refusal into the bundle.
pub fn connection_lost() -> WireError {
    WireError {
        code: "UNAVAILABLE".to_owned(),
        message: Refusal::GatewayStopping.message(),
        details: None,
        retryable: None,
        retry_after_ms: None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_lost_connection_is_told_like_a_stopping_gateway() {
        assert_eq!(Refusal::advice_for(&connection_lost()), Some(Refusal::GatewayStopping.advice()));
    }
}
