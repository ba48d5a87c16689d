//! The connection itself: the handshake, then calls and events in the order they come.
//!
//! A connection has one owner, who either waits for an answer ([`Connection::call`]) or for the next
//! event ([`Connection::next_event`]). Events that arrive during a call wait for the next look.

use std::collections::VecDeque;
use std::time::Duration;

use futures_util::{SinkExt, StreamExt};
use protocol::event::{Event, PairPending};
use protocol::frame::{EventFrame, Incoming};
use protocol::{Challenge, Close, HelloOk, MAX_PAYLOAD, Method, Request, Response};
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::Value;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::time::{Instant, timeout, timeout_at};
use tokio_tungstenite::WebSocketStream;
use tokio_tungstenite::tungstenite::error::ProtocolError;
use tokio_tungstenite::tungstenite::protocol::WebSocketConfig;
use tokio_tungstenite::tungstenite::{Error as WebSocketError, Message};

use crate::endpoint::{ByteStream, Endpoint, OWNER_REQUEST_URL};
use crate::error::{CallError, ConnectError};
use crate::options::ConnectOptions;

/// How long a closing connection waits for the other side to agree.
const CLOSE_GRACE: Duration = Duration::from_secs(1);

/// How many events may wait while their owner makes calls. An owner this far behind has lost track,
/// and is better told so than left with gaps.
const MAX_WAITING_EVENTS: usize = 1024;

/// An open, authenticated connection.
pub struct Connection {
    link: Link,
    opened_at_ms: u64,
    hello: HelloOk,
    events: VecDeque<EventFrame>,
    timeout: Duration,
}

impl Connection {
    pub async fn open(endpoint: &Endpoint, options: &ConnectOptions) -> Result<Self, ConnectError> {
        Self::open_watched(endpoint, options, |_| {}).await
    }

    /// Opens a connection and calls `on_pending` when it has to wait for a person's approval, which
    /// happens only with [`ConnectOptions::waiting_for_approval`]. Whoever tires of waiting drops the
    /// future.
    pub async fn open_watched(
        endpoint: &Endpoint,
        options: &ConnectOptions,
        on_pending: impl FnMut(&PairPending),
    ) -> Result<Self, ConnectError> {
        let deadline = Instant::now() + options.timeout;
        let link = timeout_at(deadline, Link::dial(endpoint)).await.map_err(|_| ConnectError::TimedOut)??;
        Self::enter(link, &endpoint.to_string(), options, deadline, on_pending).await
    }

    /// Opens a connection over a stream that leads to a gateway already. `at` is what errors call it.
    pub async fn open_on<S>(stream: S, at: &str, options: &ConnectOptions) -> Result<Self, ConnectError>
    where
        S: AsyncRead + AsyncWrite + Send + Unpin + 'static,
    {
        let deadline = Instant::now() + options.timeout;
        let upgrade = Link::upgrade(Box::new(stream), OWNER_REQUEST_URL, at);
        let link = timeout_at(deadline, upgrade).await.map_err(|_| ConnectError::TimedOut)??;
        Self::enter(link, at, options, deadline, |_| {}).await
    }

    async fn enter(
        mut link: Link,
        at: &str,
        options: &ConnectOptions,
        deadline: Instant,
        on_pending: impl FnMut(&PairPending),
    ) -> Result<Self, ConnectError> {
        match link.shake_hands(options, deadline, on_pending).await {
            Ok((challenge, hello)) => {
                Ok(Self { link, opened_at_ms: challenge.ts, hello, events: VecDeque::new(), timeout: options.timeout })
            }
            Err(CallError::Refused(error)) => Err(ConnectError::Refused { error, close: link.close_said().await }),
            Err(other) => Err(other.while_connecting(at.to_owned())),
        }
    }

    /// What the gateway said when it let us in.
    pub fn hello(&self) -> &HelloOk {
        &self.hello
    }

    /// The gateway's clock at the moment it was dialled, Unix epoch milliseconds. Ages and expiries it
    /// tells are measured on this clock, whatever ours says.
    pub fn opened_at_ms(&self) -> u64 {
        self.opened_at_ms
    }

    /// Calls a method and waits for its result.
    pub async fn call(&mut self, method: &str, params: impl Serialize) -> Result<Value, CallError> {
        let deadline = Instant::now() + self.timeout;
        let id = self.link.send(method, &params).await?;
        loop {
            match self.link.receive_before(deadline).await? {
                Incoming::Response(response) if response.id == id => return result_of(response),
                // The answer to a call whose owner stopped waiting.
                Incoming::Response(_) => {}
                Incoming::Event(event) if self.events.len() < MAX_WAITING_EVENTS => self.events.push_back(event),
                Incoming::Event(_) => return Err(CallError::Protocol("too many events at once".to_owned())),
            }
        }
    }

    /// Calls a method without waiting for its answer, which nobody will see.
    pub async fn tell(&mut self, method: &str, params: impl Serialize) -> Result<(), CallError> {
        self.link.send(method, &params).await.map(|_id| ())
    }

    /// Calls a method that we know and reads its result.
    pub async fn ask<T: DeserializeOwned>(&mut self, method: Method, params: impl Serialize) -> Result<T, CallError> {
        read(self.call(method.name(), params).await?)
    }

    /// Waits for the next event, however long that takes. Safe to cancel.
    pub async fn next_event(&mut self) -> Result<EventFrame, CallError> {
        if let Some(event) = self.events.pop_front() {
            return Ok(event);
        }
        loop {
            if let Incoming::Event(event) = self.link.receive().await? {
                return Ok(event);
            }
        }
    }

    /// Says goodbye and waits a moment for the other side to agree.
    pub async fn close(self) {
        self.link.leave().await;
    }
}

impl std::fmt::Debug for Connection {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Connection").field("hello", &self.hello.server).finish_non_exhaustive()
    }
}

/// A WebSocket that carries frames, authenticated or not yet.
pub(crate) struct Link {
    socket: WebSocketStream<Box<dyn ByteStream>>,
    last_id: u64,
}

impl Link {
    pub(crate) async fn dial(endpoint: &Endpoint) -> Result<Self, ConnectError> {
        let at = endpoint.to_string();
        match endpoint.dial().await {
            Ok(stream) => Self::upgrade(stream, &endpoint.request_url(), &at).await,
            Err(source) => Err(ConnectError::Unreachable { at, source }),
        }
    }

    pub(crate) async fn upgrade(stream: Box<dyn ByteStream>, url: &str, at: &str) -> Result<Self, ConnectError> {
        let at = at.to_owned();
        let config = WebSocketConfig::default()
            .read_buffer_size(8 * 1024)
            .write_buffer_size(0)
            .max_message_size(Some(MAX_PAYLOAD))
            .max_frame_size(Some(MAX_PAYLOAD));
        let upgrade = tokio_tungstenite::client_async_with_config(url, stream, Some(config));
        match upgrade.await {
            Ok((socket, _)) => Ok(Self { socket, last_id: 0 }),
            Err(WebSocketError::Http(response)) => Err(ConnectError::Rejected {
                at,
                status: response.status().as_u16(),
                body: String::from_utf8_lossy(response.body().as_deref().unwrap_or_default()).trim().to_owned(),
            }),
            Err(WebSocketError::Io(source)) => Err(ConnectError::Unreachable { at, source }),
            // Tunnels and proxies do that while nobody is behind them.
            Err(WebSocketError::Protocol(ProtocolError::HandshakeIncomplete)) => {
                Err(ConnectError::Closed { close: None })
            }
            Err(other) => Err(ConnectError::Protocol(other.to_string())),
        }
    }

    /// What a gateway says first.
    pub(crate) async fn challenge(&mut self, deadline: Instant) -> Result<Challenge, CallError> {
        loop {
            if let Incoming::Event(event) = self.receive_before(deadline).await?
                && event.event == Event::ConnectChallenge.name()
            {
                return read(event.payload);
            }
        }
    }

    /// Says goodbye and waits a moment for the other side to agree.
    pub(crate) async fn leave(mut self) {
        if self.socket.close(None).await.is_ok() {
            let _ = self.close_said().await;
        }
    }

    /// Challenge, connect, hello. A wait for approval moves the deadline to the end of the request.
    async fn shake_hands(
        &mut self,
        options: &ConnectOptions,
        mut deadline: Instant,
        mut on_pending: impl FnMut(&PairPending),
    ) -> Result<(Challenge, HelloOk), CallError> {
        let challenge = self.challenge(deadline).await?;
        let id = self.send("connect", &options.connect_params(&challenge)).await?;
        loop {
            match self.receive_before(deadline).await? {
                Incoming::Response(response) if response.id == id => {
                    return Ok((challenge, read(result_of(response)?)?));
                }
                Incoming::Event(event) if event.event == Event::DevicePairPending.name() => {
                    let pending: PairPending = read(event.payload)?;
                    let left = Duration::from_millis(pending.expires_at_ms.saturating_sub(pending.now_ms));
                    deadline = Instant::now() + left + options.timeout;
                    on_pending(&pending);
                }
                Incoming::Response(_) | Incoming::Event(_) => {}
            }
        }
    }

    /// Reads on until the connection ends: how the gateway closed it, if it does so soon.
    async fn close_said(&mut self) -> Option<Close> {
        let ended = timeout(CLOSE_GRACE, async {
            loop {
                if let Err(error) = self.receive().await {
                    return error;
                }
            }
        });
        match ended.await {
            Ok(CallError::Closed(close)) => close,
            Ok(_) | Err(_) => None,
        }
    }

    async fn send(&mut self, method: &str, params: &impl Serialize) -> Result<String, CallError> {
        self.last_id += 1;
        let id = self.last_id.to_string();
        let encode = |error: serde_json::Error| CallError::Protocol(error.to_string());
        let params = Some(serde_json::to_value(params).map_err(encode)?).filter(|params| !params.is_null());
        let text = serde_json::to_string(&Request::new(&id, method, params)).map_err(encode)?;
        self.socket.send(Message::text(text)).await.map_err(broken)?;
        Ok(id)
    }

    async fn receive_before(&mut self, deadline: Instant) -> Result<Incoming, CallError> {
        timeout_at(deadline, self.receive()).await.map_err(|_| CallError::TimedOut)?
    }

    /// The next frame that we understand; others are ignored (wire.md §1.3). Pings are answered below.
    async fn receive(&mut self) -> Result<Incoming, CallError> {
        loop {
            let message = self.socket.next().await.ok_or(CallError::Closed(None))?.map_err(broken)?;
            let incoming = match &message {
                Message::Text(text) => Incoming::parse(text),
                Message::Binary(bytes) => std::str::from_utf8(bytes).ok().and_then(Incoming::parse),
                Message::Close(frame) => {
                    let close = frame.as_ref().map(|f| Close { code: f.code.into(), reason: f.reason.to_string() });
                    return Err(CallError::Closed(close));
                }
                Message::Ping(_) | Message::Pong(_) | Message::Frame(_) => None,
            };
            if let Some(incoming) = incoming {
                return Ok(incoming);
            }
        }
    }
}

fn result_of(response: Response) -> Result<Value, CallError> {
    match response {
        Response { ok: true, payload, .. } => Ok(payload.unwrap_or_default()),
        Response { error: Some(error), .. } => Err(CallError::Refused(Box::new(error))),
        Response { .. } => Err(CallError::Protocol("a refusal without an error".to_owned())),
    }
}

fn read<T: DeserializeOwned>(value: Value) -> Result<T, CallError> {
    serde_json::from_value(value).map_err(|error| CallError::Protocol(error.to_string()))
}

fn broken(error: WebSocketError) -> CallError {
    if let WebSocketError::Io(source) = error {
        return CallError::Broken(source);
    }
    let hung_up = matches!(
        error,
        WebSocketError::ConnectionClosed
            | WebSocketError::AlreadyClosed
            | WebSocketError::Protocol(ProtocolError::ResetWithoutClosingHandshake)
    );
    if hung_up { CallError::Closed(None) } else { CallError::Protocol(error.to_string()) }
}
