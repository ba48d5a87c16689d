//! A gateway that is only a script, for what a real one never does to a node: falling silent.

use futures_util::{SinkExt, StreamExt};
use serde_json::{Value, json};
use tokio::net::{TcpListener, TcpStream};
use tokio_tungstenite::WebSocketStream;
use tokio_tungstenite::tungstenite::Message;

use crate::client::patiently;
use crate::gateway::NOW;

pub struct Scripted(TcpListener);

/// One connection that it let in.
pub struct Session {
    socket: WebSocketStream<TcpStream>,
    /// The parameters of the client's `connect`.
    pub connect: Value,
}

impl Scripted {
    pub async fn start() -> Self {
        Self(TcpListener::bind("127.0.0.1:0").await.unwrap())
    }

    pub fn url(&self) -> String {
        format!("ws://{}", self.0.local_addr().unwrap())
    }

    /// Lets the next client in as a node, with this device token, and promises to tick this often.
    pub async fn admit(&self, token: &str, tick_interval_ms: u64) -> Session {
        let (stream, _) = patiently(self.0.accept()).await.unwrap();
        let socket = patiently(tokio_tungstenite::accept_async(stream)).await.unwrap();
        let mut session = Session { socket, connect: Value::Null };
        session.tell("connect.challenge", json!({"nonce": "n", "ts": NOW})).await;
        let request = session.request("connect").await;
        let hello = json!({
            "type": "hello-ok", "protocol": 4, "server": {"version": "1", "connId": "c"},
            "features": {"methods": [], "events": []},
            "snapshot": {"presence": [], "health": {}, "stateVersion": {"presence": 0, "health": 0}, "uptimeMs": 1},
            "auth": {"method": "device-token", "role": "node", "scopes": [], "deviceToken": token},
            "policy": {"maxPayload": 1, "maxBufferedBytes": 1, "tickIntervalMs": tick_interval_ms},
        });
        session.answer(&request, hello).await;
        session.connect = request["params"].clone();
        session
    }
}

impl Session {
    pub async fn tell(&mut self, event: &str, payload: Value) {
        self.say(&json!({"type": "event", "event": event, "payload": payload})).await;
    }

    pub async fn answer(&mut self, request: &Value, payload: Value) {
        self.say(&json!({"type": "res", "id": request["id"], "ok": true, "payload": payload})).await;
    }

    /// The next request, which has to be this one.
    pub async fn request(&mut self, method: &str) -> Value {
        loop {
            let Message::Text(text) = self.next().await else { continue };
            let frame: Value = serde_json::from_str(&text).unwrap();
            assert_eq!(frame["method"], method, "{frame}");
            return frame;
        }
    }

    /// Returns when the client has read all that was said so far. It is no event, so to the client it is no
    /// sign of life.
    pub async fn until_read(&mut self) {
        self.socket.send(Message::Ping(Vec::new().into())).await.unwrap();
        while !matches!(self.next().await, Message::Pong(_)) {}
    }

    async fn say(&mut self, frame: &Value) {
        self.socket.send(Message::text(frame.to_string())).await.unwrap();
    }

    async fn next(&mut self) -> Message {
        patiently(self.socket.next()).await.unwrap().unwrap()
    }
}
