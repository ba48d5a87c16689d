//! An authenticated connection: one loop over the few things that can happen to it.

use std::sync::Arc;
use std::time::Duration;

use futures_channel::mpsc;
use futures_util::StreamExt;
use protocol::frame::FrameError;
use protocol::refusal::NodeRefusal;
use protocol::{Close, Refusal, Request, Response};
use serde_json::json;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::time::Instant;

use super::connection::{Connection, Outgoing};
use super::methods;
use super::socket::{Inbound, Socket};
use crate::state::AppState;

/// How often the client is pinged, and how long it has to answer (wire.md §1.4).
const PING_INTERVAL: Duration = Duration::from_secs(25);

/// How long messages that were queued before a close may still take.
const DRAIN_GRACE: Duration = Duration::from_secs(1);

/// How many calls for the wrong role in a row end a connection (wire.md §1.5).
const MAX_UNAUTHORIZED_CALLS: u32 = 10;

/// Serves the connection until either side ends it. `backlog` holds what the client sent before its
/// hello.
pub async fn run<S: AsyncRead + AsyncWrite + Unpin>(
    state: &AppState,
    connection: &Arc<Connection>,
    mut queue: mpsc::UnboundedReceiver<Outgoing>,
    mut socket: Socket<S>,
    backlog: Vec<String>,
) {
    let mut caller = Caller { state, connection, unauthorized_calls: 0 };
    for text in backlog {
        caller.hear(&text).await;
    }
    let pulse = tokio::time::sleep(PING_INTERVAL);
    tokio::pin!(pulse);
    let mut is_alive = true;
    loop {
        tokio::select! {
            biased;
            close = connection.closed() => return end(connection, queue, socket, &close).await,
            Some(outgoing) = queue.next() => {
                if !write(connection, &mut socket, &outgoing).await {
                    return;
                }
            }
            inbound = socket.receive() => {
                is_alive = true;
                match inbound {
                    Inbound::Text(text) => caller.hear(&text).await,
                    Inbound::Ping | Inbound::Pong => {}
                    Inbound::TooLarge => return socket.close(&Close::silent(1009)).await,
                    Inbound::Gone => return,
                }
            }
            () = &mut pulse => {
                if !is_alive || socket.ping().await.is_err() {
                    tracing::info!(conn.id = %connection.id, "The client does not answer any more");
                    return;
                }
                is_alive = false;
                pulse.as_mut().reset(Instant::now() + PING_INTERVAL);
            }
        }
    }
}

/// Writes one queued message. False when the connection is beyond use: gone, or stuck for so long that
/// it could not have answered a ping either.
async fn write<S: AsyncRead + AsyncWrite + Unpin>(
    connection: &Connection,
    socket: &mut Socket<S>,
    outgoing: &Outgoing,
) -> bool {
    let pieces = outgoing.pieces();
    let written = tokio::select! {
        written = socket.send_pieces(&pieces) => written.is_ok(),
        // The library keeps the rest of the frame, so the close frame still comes after it; the socket sends
        // nothing else then.
        _ = connection.closed() => true,
        () = tokio::time::sleep(PING_INTERVAL) => false,
    };
    connection.written(outgoing);
    written
}

async fn end<S: AsyncRead + AsyncWrite + Unpin>(
    connection: &Connection,
    mut queue: mpsc::UnboundedReceiver<Outgoing>,
    mut socket: Socket<S>,
    close: &Close,
) {
    let drain = async {
        while let Ok(outgoing) = queue.try_recv() {
            if socket.send_pieces(&outgoing.pieces()).await.is_err() {
                return;
            }
        }
    };
    // Whoever does not read what is left within the grace does without it.
    let _ = tokio::time::timeout(DRAIN_GRACE, drain).await;
    tracing::info!(conn.id = %connection.id, close.code = close.code, "Closing: {}", close.reason);
    socket.close(close).await;
}

/// A response around a payload that is JSON text already (wire.md §1.3).
pub fn success(id: &str, payload: &str) -> String {
    format!(r#"{{"type":"res","id":{},"ok":true,"payload":{payload}}}"#, json!(id))
}

/// The client's requests, one after the other; those that wait for somebody else go beside the others.
struct Caller<'a> {
    state: &'a AppState,
    connection: &'a Arc<Connection>,
    unauthorized_calls: u32,
}

impl Caller<'_> {
    async fn hear(&mut self, text: &str) {
        if self.connection.closing().is_some() {
            return;
        }
        match Request::parse(text) {
            Ok(request) if methods::may_take_long(&request, self.connection.role) => self.hear_beside(request),
            Ok(request) => {
                let id = request.id.clone();
                // Boxed, so that an idle session does not carry the memory of its largest call.
                let answer = Box::pin(methods::call(self.state, self.connection, request)).await;
                self.answer(&id, answer);
            }
            Err(FrameError::NotJson) => {
                tracing::debug!(conn.id = %self.connection.id, "Ignored a message that is not JSON");
            }
            Err(FrameError::Invalid { id, problems }) => {
                let id = id.unwrap_or_else(|| "invalid".to_owned());
                self.answer(&id, Err(Refusal::RequestInvalid { problems }));
            }
        }
    }

    /// Serves a call that may take long while the connection goes on. It ends with the connection.
    fn hear_beside(&mut self, request: Request) {
        self.unauthorized_calls = 0;
        let id = request.id.clone();
        let Some(room) = self.connection.begin_slow_call() else {
            return self.answer(&id, Err(Refusal::Node(NodeRefusal::TooManyCalls)));
        };
        let (state, connection) = (self.state.clone(), Arc::clone(self.connection));
        self.state.tasks.spawn(async move {
            let _room = room;
            tokio::select! {
                biased;
                _ = connection.closed() => {}
                answer = methods::call(&state, &connection, request) => send_answer(&connection, &id, answer),
            }
        });
    }

    fn answer(&mut self, id: &str, answer: Result<String, Refusal>) {
        self.count(&answer);
        send_answer(self.connection, id, answer);
    }

    fn count<T>(&mut self, answer: &Result<T, Refusal>) {
        if matches!(answer, Err(Refusal::RoleUnauthorized { .. })) {
            self.unauthorized_calls += 1;
            if self.unauthorized_calls > MAX_UNAUTHORIZED_CALLS {
                self.connection.close(Close::repeated_unauthorized_calls());
            }
        } else {
            self.unauthorized_calls = 0;
        }
    }
}

fn send_answer(connection: &Connection, id: &str, answer: Result<String, Refusal>) {
    match answer {
        Ok(payload) => connection.send(success(id, &payload)),
        Err(refusal) => {
            if let Some(error) = refusal.wire_error() {
                connection.send(json!(Response::error(id, error)).to_string());
            }
        }
    }
}
