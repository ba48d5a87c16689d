//! A client that knows nothing of the protocol but frames.

use std::collections::VecDeque;
use std::time::Duration;

use futures_util::{SinkExt, StreamExt};
use serde_json::{Value, json};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio_tungstenite::WebSocketStream;
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::tungstenite::protocol::WebSocketConfig;

use crate::ask::Ask;

/// Longer than anything here takes, even on a busy machine.
const PATIENCE: Duration = Duration::from_mins(1);

/// Waits, but not forever, for what should come.
pub async fn patiently<T>(what: impl Future<Output = T>) -> T {
    tokio::time::timeout(PATIENCE, what).await.unwrap_or_else(|_| panic!("the gateway says nothing"))
}

pub trait Stream: AsyncRead + AsyncWrite + Unpin + Send {}
impl<T: AsyncRead + AsyncWrite + Unpin + Send> Stream for T {}

/// What came in.
#[derive(Debug, PartialEq)]
pub enum Frame {
    Text(Value),
    Close {
        code: u16,
        reason: String,
    },
    /// The connection broke off without a close.
    Gone,
}

impl Frame {
    pub fn close(code: u16, reason: &str) -> Self {
        Self::Close { code, reason: reason.to_owned() }
    }

    #[track_caller]
    pub fn text(self) -> Value {
        match self {
            Self::Text(value) => value,
            other @ (Self::Close { .. } | Self::Gone) => panic!("expected a frame, got {other:?}"),
        }
    }
}

/// The head of an HTTP response.
#[derive(Debug)]
pub struct Head {
    pub status: u16,
    /// Names in lower case, in the order sent.
    pub headers: Vec<(String, String)>,
}

impl Head {
    pub fn parse(text: &str) -> Self {
        let mut lines = text.split("\r\n");
        let status = lines.next().unwrap().split(' ').nth(1).unwrap().parse().unwrap();
        let headers = lines.map(|line| line.split_once(": ").unwrap());
        Self { status, headers: headers.map(|(name, value)| (name.to_ascii_lowercase(), value.to_owned())).collect() }
    }

    pub fn get(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(known, _)| known == name).map(|(_, value)| value.as_str())
    }
}

/// A `connect` that was refused: the error of its response, and how the socket ended.
#[derive(Debug)]
pub struct Refused {
    pub error: Value,
    pub code: u16,
    pub reason: String,
}

impl Refused {
    pub fn why(&self) -> &str {
        self.error["details"]["code"].as_str().unwrap_or_default()
    }

    pub fn request_id(&self) -> String {
        self.error["details"]["requestId"].as_str().unwrap().to_owned()
    }
}

pub struct Client {
    socket: WebSocketStream<Box<dyn Stream>>,
    /// The payload of the challenge.
    pub challenge: Value,
    /// What came while something else was awaited.
    events: VecDeque<Value>,
    calls: u32,
}

impl Client {
    pub async fn open(stream: Box<dyn Stream>, host: &str, path: &str, headers: &[(&str, &str)]) -> Self {
        let names_host = headers.iter().any(|(name, _)| *name == "host");
        let mut request = http::Request::get(format!("ws://{host}{path}"))
            .header("connection", "Upgrade")
            .header("upgrade", "websocket")
            .header("sec-websocket-version", "13")
            .header("sec-websocket-key", "dGhlIHNhbXBsZSBub25jZQ==");
        if !names_host {
            request = request.header("host", host);
        }
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        let limits = WebSocketConfig::default().max_frame_size(None).max_message_size(None);
        let request = request.body(()).unwrap();
        let (socket, _) = tokio_tungstenite::client_async_with_config(request, stream, Some(limits)).await.unwrap();
        let mut client = Self { socket, challenge: Value::Null, events: VecDeque::new(), calls: 0 };
        let greeting = client.next().await.text();
        assert_eq!((&greeting["event"], greeting.get("seq")), (&json!("connect.challenge"), None));
        client.challenge = greeting["payload"].clone();
        client
    }

    pub async fn next_message(&mut self) -> Option<Message> {
        patiently(self.socket.next()).await?.ok()
    }

    /// The next frame, in the order of the wire.
    pub async fn next(&mut self) -> Frame {
        loop {
            match self.next_message().await {
                Some(Message::Text(text)) => return Frame::Text(serde_json::from_str(&text).unwrap()),
                Some(Message::Close(Some(close))) => {
                    return Frame::Close { code: close.code.into(), reason: close.reason.to_string() };
                }
                Some(Message::Close(None)) => return Frame::close(1005, ""),
                Some(Message::Binary(_) | Message::Ping(_) | Message::Pong(_) | Message::Frame(_)) => {}
                None => return Frame::Gone,
            }
        }
    }

    pub async fn send(&mut self, message: Message) {
        self.socket.send(message).await.unwrap();
    }

    pub async fn say(&mut self, frame: &Value) {
        self.send(Message::text(frame.to_string())).await;
    }

    /// Sends all of it in one go.
    pub async fn say_at_once(&mut self, frames: &[Value]) {
        for frame in frames {
            self.socket.feed(Message::text(frame.to_string())).await.unwrap();
        }
        self.socket.flush().await.unwrap();
    }

    /// Sends what may break the connection before all of it is gone.
    pub async fn try_send(&mut self, message: Message) {
        // How it ended is read from the other direction.
        let _ = self.socket.send(message).await;
    }

    /// Says `connect`, as request `c1`.
    pub async fn ask(&mut self, ask: &Ask) {
        let request = ask.request(&self.challenge);
        self.say(&request).await;
    }

    /// Asks and gets in. The result is the hello.
    #[track_caller]
    pub fn enter(&mut self, ask: &Ask) -> impl Future<Output = Value> {
        let request = ask.request(&self.challenge);
        let caller = std::panic::Location::caller();
        async move {
            self.say(&request).await;
            let response = self.next().await.text();
            assert_eq!((&response["id"], &response["ok"]), (&json!("c1"), &json!(true)), "{response:#} at {caller}");
            response["payload"].clone()
        }
    }

    /// Asks and is turned away.
    pub async fn refused(mut self, ask: &Ask) -> Refused {
        self.ask(ask).await;
        self.refusal().await
    }

    /// The answer to a `connect` that is turned away.
    pub async fn refusal(&mut self) -> Refused {
        let response = self.next().await.text();
        assert_eq!((&response["id"], &response["ok"]), (&json!("c1"), &json!(false)), "{response:#}");
        let Frame::Close { code, reason } = self.next().await else { panic!("the socket was not closed") };
        Refused { error: response["error"].clone(), code, reason }
    }

    /// Asks with the cap to wait, and is held. The result is the payload of `device.pair.pending`.
    pub async fn held(&mut self, ask: &Ask) -> Value {
        self.ask(&ask.clone().waiting()).await;
        let event = self.next().await.text();
        assert_eq!((&event["event"], event.get("seq")), (&json!("device.pair.pending"), None), "{event:#}");
        event["payload"].clone()
    }

    /// Calls a method: its payload, or its error.
    pub async fn call(&mut self, method: &str, params: Value) -> Result<Value, Value> {
        let id = self.begin(method, params).await;
        self.answer(&id).await
    }

    /// Calls a method without waiting for the answer; the result is the call's id.
    pub async fn begin(&mut self, method: &str, params: Value) -> String {
        self.calls += 1;
        let id = format!("r{}", self.calls);
        self.say(&json!({"type": "req", "id": id, "method": method, "params": params})).await;
        id
    }

    /// The answer to a call: its payload, or its error.
    pub async fn answer(&mut self, id: &str) -> Result<Value, Value> {
        let response = self.response(id).await;
        if response["ok"] == true { Ok(response["payload"].clone()) } else { Err(response["error"].clone()) }
    }

    /// Calls a method and fails; the result is the message.
    pub async fn denied(&mut self, method: &str, params: Value) -> String {
        let error = self.call(method, params).await.unwrap_err();
        error["message"].as_str().unwrap().to_owned()
    }

    pub async fn response(&mut self, id: &str) -> Value {
        let is_meant = |frame: &Value| frame["type"] == "res" && frame["id"] == id;
        if let Some(early) = self.events.iter().position(is_meant) {
            return self.events.remove(early).unwrap();
        }
        patiently(async {
            loop {
                let frame = self.next().await.text();
                if is_meant(&frame) {
                    return frame;
                }
                self.events.push_back(frame);
            }
        })
        .await
    }

    /// The payload of the next event of that name; others are left out.
    pub async fn event(&mut self, name: &str) -> Value {
        self.event_frame(name).await["payload"].take()
    }

    /// The next event of that name, all of it; others are left out.
    pub async fn event_frame(&mut self, name: &str) -> Value {
        patiently(async {
            let mut early = 0;
            loop {
                let frame = match self.events.get(early) {
                    Some(_) => self.events.remove(early).unwrap(),
                    None => self.next().await.text(),
                };
                if frame["event"] == name {
                    return frame;
                }
                if frame["type"] == "res" {
                    self.events.insert(early, frame);
                    early += 1;
                }
            }
        })
        .await
    }

    /// The next event, whatever it is called, in the order of the wire.
    pub async fn next_event(&mut self) -> Value {
        patiently(async {
            loop {
                let early = self.events.iter().position(|frame| frame["type"] == "event");
                let frame = match early {
                    Some(index) => self.events.remove(index).unwrap(),
                    None => self.next().await.text(),
                };
                if frame["type"] == "event" {
                    return frame;
                }
            }
        })
        .await
    }

    /// What was announced to this client so far and not looked at yet: names and payloads.
    pub async fn heard(&mut self) -> Vec<(String, Value)> {
        self.call("health", json!({})).await.unwrap();
        let is_event = |frame: &Value| frame["type"] == "event";
        let (events, others): (Vec<_>, Vec<_>) = self.events.drain(..).partition(is_event);
        self.events.extend(others);
        let name = |frame: &Value| frame["event"].as_str().unwrap().to_owned();
        events.into_iter().map(|mut frame| (name(&frame), frame["payload"].take())).collect()
    }

    /// The same, only what is about nodes.
    pub async fn heard_of_nodes(&mut self) -> Vec<(String, Value)> {
        let mut heard = self.heard().await;
        heard.retain(|(name, _)| name.starts_with("node."));
        heard
    }

    /// How the socket ends, whatever comes before.
    pub async fn ended(&mut self) -> Frame {
        patiently(async {
            loop {
                match self.next().await {
                    Frame::Text(_) => {}
                    end @ (Frame::Close { .. } | Frame::Gone) => return end,
                }
            }
        })
        .await
    }

    /// Answers as long as it is asked, which shows that it is open.
    pub async fn is_open(&mut self) -> bool {
        self.call("health", json!({})).await.is_ok_and(|health| health["ok"] == true)
    }

    pub fn into_stream(self) -> Box<dyn Stream> {
        self.socket.into_inner()
    }
}
