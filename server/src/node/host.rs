//! The connection of a node: gets in, waits for its approval, does what it is asked, and comes back
//! whenever it is lost.

use std::collections::HashMap;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use client::{CallError, ConnectError, ConnectOptions, Connection, Endpoint, GatewayUrl, Identity};
use protocol::event::{Event, PairPending};
use protocol::frame::EventFrame;
use protocol::handshake::Auth;
use protocol::node::{
    InvokeCancel, InvokeRequest, InvokeResultParams, NodeDecision, NodeEventParams, NodeResolved, Surface,
};
use protocol::{Role, Scopes};
use serde::de::DeserializeOwned;
use serde_json::Value;
use tokio::task::JoinSet;
use tokio::time::{Instant, sleep, sleep_until};
use tokio_util::sync::CancellationToken;

use super::commands::{Desk, Outcome, unavailable};
use super::machine;
use super::pace::{Pace, detail_code, says_removed};
use super::repeats::{Repeats, Seen};
use super::settings::{DeviceToken, Files, Settings};
use crate::system;

/// How often the node tells how its machine does (wire.md §9.2).
const STATS_EVERY: Duration = Duration::from_mins(1);

/// How many commands run at once.
const MOST_AT_ONCE: usize = 8;

/// A connection that lasted this long was a good one, and the pauses begin anew.
const GOOD: Duration = Duration::from_secs(10);

/// What happens, for whoever watches.
#[derive(Debug)]
pub enum Told {
    Connecting,
    /// A person has to approve this node.
    Waiting(PairPending),
    In {
        version: String,
        surface: Surface,
    },
    /// This node is in, but what it offers waits for a person.
    SurfaceWaits,
    SurfaceDecided(NodeDecision),
    TurnedAway {
        error: ConnectError,
        again_in: Duration,
    },
    /// The connection is gone. `removed`: because somebody removed this node.
    Lost {
        error: CallError,
        removed: bool,
        again_in: Duration,
    },
    /// The gateway says that it stops.
    Stopping,
    /// The rules of this node have changed, and it says anew what it offers.
    OffersChanged,
    /// The token could not be stored. The node's key is enough to come back.
    TokenNotKept(anyhow::Error),
}

/// A node and its gateway.
pub struct Host {
    pub url: GatewayUrl,
    pub identity: Identity,
    pub files: Files,
    pub settings: Settings,
    /// Secrets given for this run. They are not stored.
    pub given: Auth,
    pub desk: Arc<Desk>,
    pub state_dir: PathBuf,
    /// Hears what happens.
    pub tell: Box<dyn FnMut(Told)>,
}

/// How a connection ended.
enum Ended {
    Stopped,
    OffersChanged,
    Lost { error: CallError, removed: bool },
}

/// What outlives a connection.
#[derive(Default)]
struct Memory {
    repeats: Repeats,
    /// The gateway did not take the stored token; the next hello brings another.
    distrusts_token: bool,
}

impl Host {
    /// Runs until it is told to stop.
    pub async fn run(mut self, stop: &CancellationToken) {
        let mut memory = Memory::default();
        let mut failures = 0;
        loop {
            (self.tell)(Told::Connecting);
            let surface = self.desk.surface();
            let options = self.options(&surface, &memory);
            let endpoint = Endpoint::Tcp(self.url.clone());
            let tell = &mut self.tell;
            let opening = Connection::open_watched(&endpoint, &options, |pending| tell(Told::Waiting(pending.clone())));
            let opened = tokio::select! {
                () = stop.cancelled() => return,
                opened = opening => opened,
            };
            let wait = match opened {
                Ok(connection) => {
                    let since = Instant::now();
                    memory.distrusts_token = false;
                    self.keep_token(&connection);
                    let ended = self.serve(connection, &surface, &mut memory.repeats, stop).await;
                    memory.repeats.abandon();
                    if since.elapsed() >= GOOD {
                        failures = 0;
                    }
                    match ended {
                        Ended::Stopped => return,
                        Ended::OffersChanged => {
                            (self.tell)(Told::OffersChanged);
                            Pace::Soon(1012).delay(failures, chance())
                        }
                        Ended::Lost { error, removed } => {
                            let again_in = Pace::after_loss(&error, removed).delay(failures, chance());
                            (self.tell)(Told::Lost { error, removed, again_in });
                            again_in
                        }
                    }
                }
                Err(error) => {
                    self.learn_from(&error, &mut memory);
                    let again_in = Pace::after_refusal(&error).delay(failures, chance());
                    (self.tell)(Told::TurnedAway { error, again_in });
                    again_in
                }
            };
            failures = failures.saturating_add(1);
            tokio::select! {
                () = stop.cancelled() => return,
                () = sleep(wait) => {}
            }
        }
    }

    fn options(&self, surface: &Surface, memory: &Memory) -> ConnectOptions {
        let client = machine::client(&self.desk.display_name, self.identity.device_id().as_str());
        let mut auth = self.given.clone();
        if auth.is_empty() && !memory.distrusts_token {
            auth.device_token = self.settings.token_for(&self.url).cloned();
        }
        let mut options = ConnectOptions::new(client, Role::Node, Scopes::default())
            .with_identity(self.identity.clone())
            .with_auth(auth)
            .waiting_for_approval();
        options.surface = surface.clone();
        options.path_env = Some(self.desk.surroundings.path().to_owned());
        options
    }

    /// Stores the token of the hello in place of the one before. A one-time code has done its work.
    fn keep_token(&mut self, connection: &Connection) {
        self.given.bootstrap_token = None;
        let Some(secret) = connection.hello().auth.device_token.clone() else { return };
        let token = Some(DeviceToken { url: self.url.to_string(), secret });
        if self.settings.token != token {
            let settings = Settings { token, ..self.settings.clone() };
            match settings.save(&self.files) {
                Ok(()) => self.settings = settings,
                Err(error) => (self.tell)(Told::TokenNotKept(error)),
            }
        }
    }

    /// What a gateway does not take is not shown again; this node's key may be enough. The stored token
    /// stays until a better one is there.
    fn learn_from(&mut self, error: &ConnectError, memory: &mut Memory) {
        let ConnectError::Refused { error, .. } = error else { return };
        match detail_code(error) {
            Some("AUTH_BOOTSTRAP_TOKEN_INVALID") => self.given.bootstrap_token = None,
            Some("AUTH_DEVICE_TOKEN_MISMATCH") => memory.distrusts_token = true,
            Some(_) | None => {}
        }
    }

    async fn serve(
        &mut self,
        connection: Connection,
        surface: &Surface,
        repeats: &mut Repeats,
        stop: &CancellationToken,
    ) -> Ended {
        let hello = connection.hello();
        let silence = Duration::from_millis(hello.policy.tick_interval_ms.max(1)) * 2;
        (self.tell)(Told::In { version: hello.server.version.clone(), surface: surface.clone() });
        let mut visit = Visit {
            host: self,
            connection,
            repeats,
            jobs: JoinSet::new(),
            running: HashMap::new(),
            stats_at: Instant::now(),
            surface_waits: false,
            removed: false,
        };
        let mut heard_at = Instant::now();
        let error = loop {
            let happened = tokio::select! {
                () = stop.cancelled() => {
                    visit.connection.close().await;
                    return Ended::Stopped;
                }
                event = visit.connection.next_event() => match event {
                    Ok(event) => {
                        heard_at = Instant::now();
                        visit.hear(event).await
                    }
                    Err(error) => Err(error),
                },
                Some(done) = visit.jobs.join_next(), if !visit.jobs.is_empty() => match done {
                    Ok((key, id, outcome)) => visit.finish(&key, &id, &outcome).await,
                    Err(_ended_early) => Ok(()),
                },
                () = sleep_until(visit.stats_at) => {
                    if visit.host.desk.surface() != *surface {
                        visit.connection.close().await;
                        return Ended::OffersChanged;
                    }
                    visit.report().await
                }
                () = sleep_until(heard_at + silence) => Err(CallError::TimedOut),
            };
            if let Err(error) = happened {
                break error;
            }
        };
        let removed = visit.removed || says_removed(&error);
        Ended::Lost { error, removed }
    }
}

/// One connection, from the hello to its end. Its programs end with it.
struct Visit<'a> {
    host: &'a mut Host,
    connection: Connection,
    repeats: &'a mut Repeats,
    jobs: JoinSet<(String, String, Outcome)>,
    /// How to end the commands that run, by the ids of their calls.
    running: HashMap<String, CancellationToken>,
    stats_at: Instant,
    surface_waits: bool,
    removed: bool,
}

impl Visit<'_> {
    async fn hear(&mut self, event: EventFrame) -> Result<(), CallError> {
        let is = |known: Event| event.event == known.name();
        if is(Event::NodeInvokeRequest) {
            if let Some(request) = self.addressed::<InvokeRequest>(event.payload, |request| &request.node_id) {
                return self.begin(request).await;
            }
        } else if is(Event::NodeInvokeCancel) {
            let cancel = self.addressed::<InvokeCancel>(event.payload, |cancel| &cancel.node_id);
            if let Some(running) = cancel.and_then(|cancel| self.running.get(&cancel.invoke_id)) {
                running.cancel();
            }
        } else if is(Event::NodePairResolved) {
            if let Some(resolved) = self.addressed::<NodeResolved>(event.payload, |resolved| &resolved.node_id) {
                self.decided(resolved.decision);
            }
        } else if is(Event::Shutdown) {
            (self.host.tell)(Told::Stopping);
        }
        Ok(())
    }

    /// A payload that makes sense and is meant for this node.
    fn addressed<T: DeserializeOwned>(&self, payload: Value, node: impl Fn(&T) -> &protocol::DeviceId) -> Option<T> {
        let read: T = serde_json::from_value(payload).ok()?;
        let ours = *node(&read) == self.host.identity.device_id();
        ours.then_some(read)
    }

    fn decided(&mut self, decision: NodeDecision) {
        match decision {
            NodeDecision::Approved => {
                self.surface_waits = false;
                self.stats_at = Instant::now();
            }
            NodeDecision::Rejected => {}
            NodeDecision::Removed => self.removed = true,
        }
        (self.host.tell)(Told::SurfaceDecided(decision));
    }

    async fn begin(&mut self, request: InvokeRequest) -> Result<(), CallError> {
        if self.running.contains_key(&request.id) {
            return Ok(());
        }
        if self.jobs.len() >= MOST_AT_ONCE {
            let busy = Err(unavailable(format!("this node does {MOST_AT_ONCE} things already; try again in a moment")));
            return self.answer(&request.id, &busy).await;
        }
        match self.repeats.begin(&request, Instant::now()) {
            Seen::Running => Ok(()),
            Seen::Answered(answer) => self.answer(&request.id, &answer).await,
            Seen::New => {
                let cancelled = CancellationToken::new();
                self.running.insert(request.id.clone(), cancelled.clone());
                let desk = Arc::clone(&self.host.desk);
                self.jobs.spawn(async move {
                    let outcome = desk.perform(&request, &cancelled).await;
                    (request.idempotency_key, request.id, outcome)
                });
                Ok(())
            }
        }
    }

    async fn finish(&mut self, key: &str, id: &str, outcome: &Outcome) -> Result<(), CallError> {
        self.running.remove(id);
        for waiting in self.repeats.finish(key, outcome, Instant::now()) {
            match outcome {
                Some(answer) => self.answer(&waiting, answer).await?,
                // The gateway knows: it cancelled this call. The others wait for it in vain.
                None if waiting == id => {}
                None => self.answer(&waiting, &Err(unavailable("the same call was cancelled"))).await?,
            }
        }
        Ok(())
    }

    async fn answer(&mut self, id: &str, answer: &Result<Value, protocol::node::NodeError>) -> Result<(), CallError> {
        let result = InvokeResultParams {
            id: id.to_owned(),
            node_id: self.host.identity.device_id().as_str().to_owned(),
            ok: answer.is_ok(),
            payload: None,
            payload_json: answer.as_ref().ok().map(Value::to_string),
            error: answer.as_ref().err().cloned(),
        };
        self.connection.tell("node.invoke.result", &result).await
    }

    /// Tells how the machine does. What comes back tells whether this node's offer was approved.
    async fn report(&mut self) -> Result<(), CallError> {
        self.stats_at = Instant::now() + STATS_EVERY;
        let (event, payload) = match system::stats(&self.host.state_dir).await {
            Some(stats) => ("node.host.stats", serde_json::to_string(&stats).ok()),
            None => ("node.presence.alive", Some(r#"{"reason":"interval"}"#.to_owned())),
        };
        let params = NodeEventParams { event: event.to_owned(), payload: None, payload_json: payload };
        match self.connection.call("node.event", &params).await {
            Ok(_) => {
                if std::mem::take(&mut self.surface_waits) {
                    (self.host.tell)(Told::SurfaceDecided(NodeDecision::Approved));
                }
                Ok(())
            }
            Err(CallError::Refused(error)) => {
                if detail_code(&error) == Some("PAIRING_CHANGED") && !std::mem::replace(&mut self.surface_waits, true) {
                    (self.host.tell)(Told::SurfaceWaits);
                }
                Ok(())
            }
            Err(error) => Err(error),
        }
    }
}

/// A number from 0 to 1. Where there is no randomness, many nodes come back at once.
fn chance() -> f64 {
    getrandom::u32().map_or(0.5, |number| f64::from(number) / f64::from(u32::MAX))
}
