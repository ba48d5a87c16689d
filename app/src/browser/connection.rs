//! Carries out what the session decides: dials, proves, asks, and reports back what the socket says.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::rc::Rc;
use std::time::Duration;

use leptos::leptos_dom::helpers::TimeoutHandle;
use leptos::prelude::*;
use protocol::event::Event;
use protocol::role::ADMIN;
use protocol::{BootstrapProfile, Challenge, Method, TICK_INTERVAL_MS};
use serde_json::Value;
use wasm_bindgen_futures::spawn_local;

use super::device_key::DeviceKey;
use super::json::parse_json;
use super::page;
use super::socket::Socket;
use super::sound::ring;
use crate::browser_name::BrowserName;
use crate::hello::Hello;
use crate::introduction::introduce;
use crate::live::{Answer, Identity, Live, connection_lost};
use crate::reading;
use crate::session::{Credential, Effect, Input, Session};
use crate::setup::Arrival;
use crate::writing::{self, object};

/// Without a word for this long, the gateway is gone even if the browser has not noticed.
const SILENCE_MS: u64 = 2 * TICK_INTERVAL_MS + 15_000;

/// The page's one line to the gateway.
#[derive(Default)]
struct Line {
    key: Option<DeviceKey>,
    socket: Option<Socket>,
    redial: Option<TimeoutHandle>,
    asked: u64,
    answers: BTreeMap<String, Box<dyn FnOnce(Answer)>>,
    /// The number of the last numbered event (wire.md §8.1).
    last_seq: Option<u64>,
    heard_at_ms: u64,
}

thread_local! {
    static LINE: RefCell<Line> = RefCell::default();
    static LISTENERS: RefCell<BTreeMap<u64, Listener>> = RefCell::default();
}

type Listener = Rc<dyn Fn(Event, &Value)>;

fn with_line<T>(change: impl FnOnce(&mut Line) -> T) -> T {
    LINE.with_borrow_mut(change)
}

fn clock_ms() -> u64 {
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a time after 1970 in milliseconds")]
    let now_ms = js_sys::Date::now() as u64;
    now_ms
}

pub fn start(live: Live) {
    live.session.set(Session::new(page::link(), page::remembered()));
    live.now_ms.set(clock_ms());
    set_interval(move || every_second(live), Duration::from_secs(1));
    window_event_listener_untyped("online", move |_| tell(live, Input::Woken));
    window_event_listener_untyped("visibilitychange", move |_| {
        if document().visibility_state() == web_sys::VisibilityState::Visible {
            tell(live, Input::Woken);
        }
    });
    spawn_local(async move {
        match DeviceKey::open().await {
            Ok(key) => {
                let name = BrowserName::of(&page::surroundings().user_agent).proposed();
                live.identity.set(Some(Identity { name, key: key.public }));
                with_line(|line| line.key = Some(key));
                tell(live, Input::AskedAgain);
            }
            Err(problem) => tell(live, Input::NoKey(problem)),
        }
    });
}

pub fn tell(live: Live, input: Input) {
    let (now_ms, chance) = (clock_ms(), js_sys::Math::random());
    let effects = live.session.try_update(|session| session.step(input, now_ms, chance));
    for effect in effects.unwrap_or_default() {
        match effect {
            Effect::Dial { after_ms } => dial(live, after_ms),
            Effect::Prove(challenge, credential, profile) => prove(live, challenge, credential, profile),
            Effect::Remember(profile) => page::remember(profile),
            Effect::Load => {
                if live.may_pair() {
                    live.reload();
                }
            }
        }
    }
}

pub fn ask(method: Method, params: Value, then: impl FnOnce(Answer) + 'static) {
    ask_by_name(method.name(), params, Box::new(then));
}

pub fn listen(hear: impl Fn(Event, &Value) + 'static) {
    add_listener(Rc::new(hear));
}

fn add_listener(hear: Listener) {
    let id = with_line(|line| {
        line.asked += 1;
        line.asked
    });
    LISTENERS.with_borrow_mut(|listeners| listeners.insert(id, hear));
    on_cleanup(move || {
        LISTENERS.with_borrow_mut(|listeners| listeners.remove(&id));
    });
}

/// Takes its callback in a box, so that the bundle holds this once and not once for each caller.
fn ask_by_name(method: &str, params: Value, then: Box<dyn FnOnce(Answer)>) {
    let sent = with_line(|line| {
        line.asked += 1;
        let id = line.asked.to_string();
        let request =
            object([("type", "req".into()), ("id", id.as_str().into()), ("method", method.into()), ("params", params)]);
        match &line.socket {
            Some(socket) if socket.send(&request.to_string()) => {
                line.answers.insert(id, then);
                None
            }
            Some(_) | None => Some(then),
        }
    });
    if let Some(then) = sent {
        then(Err(connection_lost()));
    }
}

/// Hangs up, whatever there is, and opens a new socket after a while.
fn dial(live: Live, after_ms: u64) {
    let timer = (after_ms > 0)
        .then(|| set_timeout_with_handle(move || tell(live, Input::RetryDue), Duration::from_millis(after_ms)).ok());
    let unanswered = with_line(|line| {
        if let Some(old) = std::mem::replace(&mut line.redial, timer.flatten()) {
            old.clear();
        }
        line.socket = None;
        line.last_seq = None;
        line.heard_at_ms = clock_ms();
        std::mem::take(&mut line.answers)
    });
    for answer in unanswered.into_values() {
        answer(Err(connection_lost()));
    }
    if after_ms == 0 {
        let on_close = move |code, reason| tell(live, Input::Closed { code, reason });
        let socket = Socket::open(&page::socket_address(), move |text| heard(live, &text), on_close);
        let is_open = socket.is_some();
        with_line(|line| line.socket = socket);
        if !is_open {
            tell(live, Input::Closed { code: 1006, reason: "no socket".to_owned() });
        }
    }
}

fn prove(live: Live, challenge: Challenge, credential: Credential, profile: BootstrapProfile) {
    let Some(key) = with_line(|line| line.key.clone()) else { return };
    spawn_local(async move {
        let (mut connect, payload) = introduce(&page::surroundings(), key.public, &challenge, credential, profile);
        match key.sign(&payload).await {
            Ok(signature) => {
                if let Some(proof) = &mut connect.device {
                    proof.signature = signature;
                }
                ask_by_name("connect", writing::connect(&connect), Box::new(move |answer| answered(live, &answer)));
            }
            Err(problem) => tell(live, Input::NoKey(problem)),
        }
    });
}

/// The answer to `connect`, minutes later if a person had to decide first.
fn answered(live: Live, answer: &Answer) {
    match answer.as_ref().map(Hello::read) {
        Ok(Some(hello)) => tell(live, Input::Welcomed(Box::new(hello))),
        // A gateway whose hello we cannot read is newer than this page.
        Ok(None) => tell(live, Input::Refused(unreadable_hello())),
        Err(error) if *error == connection_lost() => {}
        Err(error) => tell(live, Input::Refused(error.clone())),
    }
}

fn unreadable_hello() -> protocol::WireError {
    protocol::WireError {
        code: "INVALID_REQUEST".to_owned(),
        message: "the gateway's hello has a shape this page does not know".to_owned(),
        details: Some(object([("code", "PROTOCOL_MISMATCH".into()), ("reloadRequired", true.into())])),
        retryable: None,
        retry_after_ms: None,
    }
}

fn heard(live: Live, text: &str) {
    with_line(|line| line.heard_at_ms = clock_ms());
    let Some(mut frame) = parse_json(text) else { return };
    let payload = frame.get_mut("payload").map(Value::take).unwrap_or_default();
    match frame.get("type").and_then(Value::as_str) {
        Some("res") => {
            let id = reading::text(&frame, "id").unwrap_or_default();
            if let Some(answer) = with_line(|line| line.answers.remove(&id)) {
                let error = || frame.get("error").and_then(reading::error).unwrap_or_else(connection_lost);
                answer(if reading::flag(&frame, "ok") { Ok(payload) } else { Err(error()) });
            }
        }
        Some("event") => {
            if has_gap(reading::number(&frame, "seq")) {
                live.reload();
            }
            let name = frame.get("event").and_then(Value::as_str);
            if let Some(event) = Event::ALL.iter().find(|known| Some(known.name()) == name) {
                announced(live, *event, &payload);
                // Copied first: whoever hears it may begin or cease to listen.
                let listeners: Vec<Listener> = LISTENERS.with_borrow(|listeners| listeners.values().cloned().collect());
                for hear in listeners {
                    hear(*event, &payload);
                }
            }
        }
        Some(_) | None => {}
    }
}

fn announced(live: Live, event: Event, payload: &Value) {
    match event {
        Event::ConnectChallenge => {
            if let Some(challenge) = reading::challenge(payload) {
                set_clock(live, challenge.ts);
                tell(live, Input::Challenged(challenge));
            }
        }
        Event::DevicePairPending => {
            if let Some(pending) = reading::pair_pending(payload) {
                tell(live, Input::Pending(Box::new(pending)));
            }
        }
        // Everybody who may pair hears of it; the list says which requests are this browser's business.
        Event::DevicePairRequested if !live.allows(ADMIN) => live.reload(),
        Event::DevicePairRequested => {
            if let Some(request) = reading::pending_request(payload) {
                live.announce(format!("New device wants in: {}", request.shown_name()));
                live.desk.update(|desk| desk.add(request));
                ring();
            }
        }
        Event::DevicePairResolved => {
            if let Some(id) = payload.get("requestId").and_then(Value::as_str) {
                live.desk.update(|desk| desk.take_off(id));
                live.reload();
            }
        }
        Event::DevicePairSetupCompleted => {
            if let Some(arrival) = Arrival::read(payload) {
                live.desk.update(|desk| desk.note_arrival(arrival));
            }
        }
        Event::NodePairRequested => {
            let name = reading::text(payload, "displayName").unwrap_or_default();
            live.announce(format!("A node offers something new: {name}"));
            live.reload();
        }
        Event::NodePairResolved => {
            if let Some(id) = payload.get("requestId").and_then(Value::as_str) {
                live.desk.update(|desk| desk.take_off(id));
            }
            live.reload();
        }
        Event::DevicePairChanged => live.reload(),
        Event::Tick => {
            if let Some(ts) = reading::number(payload, "ts") {
                set_clock(live, ts);
            }
            // Last-seen times move without an event of their own.
            if live.may_pair() {
                live.reload();
            }
        }
        // Who is connected is part of the list.
        Event::Presence if live.may_pair() => live.reload(),
        // Pages that show these listen for themselves; the rest is for nodes.
        Event::AuditAppended
        | Event::ConfigChanged
        | Event::ConfigTrial
        | Event::DoctorAttempt
        | Event::Health
        | Event::NodeHostStats
        | Event::NodeInvokeCancel
        | Event::NodeInvokeRequest
        | Event::NodeRunnerInventoryChanged
        | Event::Presence
        | Event::Shutdown => {}
    }
}

fn has_gap(seq: Option<u64>) -> bool {
    seq.is_some_and(|seq| {
        let last = with_line(|line| line.last_seq.replace(seq));
        last.is_some_and(|last| seq != last + 1)
    })
}

fn set_clock(live: Live, gateway_ms: u64) {
    live.gateway_ahead_ms.set(gateway_ms.cast_signed().saturating_sub(clock_ms().cast_signed()));
}

fn every_second(live: Live) {
    let now_ms = clock_ms();
    live.now_ms.set(now_ms);
    let silent_ms = now_ms.saturating_sub(with_line(|line| line.heard_at_ms));
    let is_live = live.session.with_untracked(|session| session.welcome().is_some() && !session.is_resuming());
    if is_live && silent_ms > SILENCE_MS {
        tell(live, Input::Closed { code: 1006, reason: "silence".to_owned() });
    }
}
