//! A connection against a gateway that is only a script: what goes over the wire, and what comes of it.

#![expect(clippy::unwrap_used, reason = "a script that went wrong should stop the test")]

use client::{CallError, ConnectError, ConnectOptions, Connection, Endpoint, Identity};
use futures_util::{SinkExt, StreamExt};
use protocol::handshake::Auth;
use protocol::{Connect, Method, PublicKey, Scopes, Secret};
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream, UnixListener};
use tokio_tungstenite::WebSocketStream;
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::tungstenite::protocol::CloseFrame;

const HELLO: &str = r#"{"type":"hello-ok","protocol":4,"server":{"version":"1","connId":"c"},
    "features":{"methods":[],"events":[]},
    "snapshot":{"presence":[],"health":{},"stateVersion":{"presence":0,"health":0},"uptimeMs":1},
    "auth":{"method":"device-key","role":"operator","scopes":["operator.read"]},
    "policy":{"maxPayload":1,"maxBufferedBytes":1,"tickIntervalMs":1}}"#;

fn hello() -> Value {
    serde_json::from_str(HELLO).unwrap()
}

/// The gateway's end of one connection.
struct Script<S>(WebSocketStream<S>);

impl<S: tokio::io::AsyncRead + tokio::io::AsyncWrite + Unpin> Script<S> {
    async fn start(stream: S) -> Self {
        let mut script = Self(tokio_tungstenite::accept_async(stream).await.unwrap());
        script.event("connect.challenge", json!({"nonce": "n", "ts": 1_795_198_232_699_u64})).await;
        script
    }

    async fn event(&mut self, name: &str, payload: Value) {
        self.say(&json!({"type": "event", "event": name, "payload": payload})).await;
    }

    async fn say(&mut self, frame: &Value) {
        self.0.send(Message::text(frame.to_string())).await.unwrap();
    }

    /// Reads a request: its id and parameters.
    async fn heard(&mut self, method: &str) -> (String, Value) {
        loop {
            let Message::Text(text) = self.0.next().await.unwrap().unwrap() else { continue };
            let frame: Value = serde_json::from_str(&text).unwrap();
            assert_eq!(frame["method"], method);
            return (frame["id"].as_str().unwrap().to_owned(), frame["params"].clone());
        }
    }

    async fn answer(&mut self, id: &str, payload: Value) {
        self.say(&json!({"type": "res", "id": id, "ok": true, "payload": payload})).await;
    }
}

async fn listen() -> (TcpListener, Endpoint) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("ws://{}", listener.local_addr().unwrap());
    (listener, Endpoint::parse_url(&url).unwrap())
}

async fn accept(listener: &TcpListener) -> Script<TcpStream> {
    Script::start(listener.accept().await.unwrap().0).await
}

fn options() -> ConnectOptions {
    ConnectOptions::command_line("1", Scopes::from(["operator.read"]))
}

#[tokio::test]
async fn proves_its_device_and_signs_the_time_and_nonce_of_the_challenge() {
    let (listener, endpoint) = listen().await;
    let identity = Identity::from_seed([7; 32]);
    let options =
        options().with_identity(identity).with_auth(Auth { token: Some(Secret::new("t")), ..Auth::default() });
    let gateway = async {
        let mut script = accept(&listener).await;
        let (id, params) = script.heard("connect").await;
        script.answer(&id, hello()).await;
        (Connect::parse(&params).unwrap(), script)
    };
    let (opened, (connect, _script)) = tokio::join!(Connection::open(&endpoint, &options), gateway);

    assert_eq!(opened.unwrap().hello().auth.scopes, Scopes::from(["operator.read"]));
    let proof = connect.device.clone().unwrap();
    assert_eq!(proof.signed_at, 1_795_198_232_699);
    let payload = connect.signed_fields(&proof, "n").payload_v3();
    assert!(payload.contains("|t|n|"), "{payload}");
    assert!(PublicKey::parse(&proof.public_key).unwrap().verifies(&payload, &proof.signature));
}

#[tokio::test]
async fn waits_for_approval_past_its_timeout_and_says_so() {
    let (listener, endpoint) = listen().await;
    let identity = Identity::from_seed([7; 32]);
    let fingerprint = identity.public_key().fingerprint();
    let options = options().with_identity(identity).waiting_for_approval();
    let patience = options.timeout * 2;
    let (knocked, told) = tokio::sync::oneshot::channel();
    let mut knocked = Some(knocked);
    let gateway = async {
        let mut script = accept(&listener).await;
        let (id, params) = script.heard("connect").await;
        assert_eq!(params["caps"], json!(["pairing-wait"]));
        let pending = json!({
            "requestId": "r", "deviceId": params["device"]["id"], "reason": "not-paired",
            "expiresAtMs": 300_000, "nowMs": 0, "fingerprint": fingerprint, "role": "operator", "scopes": [],
        });
        script.event("device.pair.pending", pending).await;
        assert_eq!(told.await.unwrap(), "r");
        tokio::time::pause();
        tokio::time::advance(patience).await;
        tokio::time::resume();
        script.answer(&id, hello()).await;
        script
    };
    let opening = Connection::open_watched(&endpoint, &options, |pending| {
        knocked.take().unwrap().send(pending.request_id.clone()).unwrap();
    });
    let (opened, _script) = tokio::join!(opening, gateway);
    assert!(opened.is_ok());
}

#[tokio::test]
async fn a_refusal_carries_the_error_and_the_close() {
    let (listener, endpoint) = listen().await;
    let gateway = async {
        let mut script = accept(&listener).await;
        let (id, _) = script.heard("connect").await;
        let error = json!({"code": "NOT_PAIRED", "message": "no", "details": {"code": "PAIRING_REQUIRED"}});
        script.say(&json!({"type": "res", "id": id, "ok": false, "error": error})).await;
        script.0.close(Some(CloseFrame { code: 1008.into(), reason: "no (requestId: r)".into() })).await.unwrap();
        script
    };
    let options = options();
    let (opened, _script) = tokio::join!(Connection::open(&endpoint, &options), gateway);
    let Err(ConnectError::Refused { error, close }) = opened else { panic!("{opened:?}") };
    assert_eq!((error.code.as_str(), close.unwrap().reason.as_str()), ("NOT_PAIRED", "no (requestId: r)"));
}

#[tokio::test]
async fn an_http_answer_is_told_with_its_status_and_body() {
    let (listener, endpoint) = listen().await;
    let gateway = async {
        let (mut stream, _) = listener.accept().await.unwrap();
        let mut request = [0; 1024];
        let _ = stream.read(&mut request).await.unwrap();
        let answer = "HTTP/1.1 503 Service Unavailable\r\ncontent-length: 9\r\n\r\ntoo many\n";
        stream.write_all(answer.as_bytes()).await.unwrap();
        stream
    };
    let options = options();
    let (opened, _stream) = tokio::join!(Connection::open(&endpoint, &options), gateway);
    let Err(ConnectError::Rejected { status, body, .. }) = opened else { panic!("{opened:?}") };
    assert_eq!((status, body.as_str()), (503, "too many"));
}

#[tokio::test]
async fn events_during_a_call_wait_pings_are_answered_and_refused_calls_leave_it_open() {
    let folder = tempfile::tempdir().unwrap();
    let socket = folder.path().join("owner.sock");
    let listener = UnixListener::bind(&socket).unwrap();
    let gateway = async {
        let mut script = Script::start(listener.accept().await.unwrap().0).await;
        let (id, params) = script.heard("connect").await;
        assert_eq!(params.get("device"), None);
        script.answer(&id, hello()).await;
        let (id, _) = script.heard("status").await;
        script.event("tick", json!({"ts": 1})).await;
        script.0.send(Message::Ping("p".into())).await.unwrap();
        script.answer("not asked", json!({})).await;
        script.say(&json!({"type": "res", "id": id, "ok": false, "error": {"code": "X", "message": "no"}})).await;
        let Message::Pong(pong) = script.0.next().await.unwrap().unwrap() else { panic!("no pong") };
        assert_eq!(pong.as_ref(), b"p");
        let (id, params) = script.heard("health").await;
        assert_eq!(params, Value::Null);
        script.answer(&id, json!({"ok": true})).await;
        assert!(matches!(script.0.next().await.unwrap().unwrap(), Message::Close(None)));
        while script.0.next().await.is_some() {}
    };
    let client = async {
        let mut connection = Connection::open(&Endpoint::Owner { socket: socket.clone() }, &options()).await.unwrap();
        let refused = connection.call("status", json!({})).await;
        assert!(matches!(refused, Err(CallError::Refused(error)) if error.code == "X"));
        assert_eq!(connection.ask::<Value>(Method::Health, ()).await.unwrap(), json!({"ok": true}));
        assert_eq!(connection.next_event().await.unwrap().event, "tick");
        connection.close().await;
    };
    tokio::join!(client, gateway);
}

#[tokio::test]
async fn silence_is_a_timeout_and_nobody_there_is_unreachable() {
    let (listener, endpoint) = listen().await;
    let mut options = options();
    options.timeout = std::time::Duration::from_millis(50);
    assert!(matches!(Connection::open(&endpoint, &options).await, Err(ConnectError::TimedOut)));
    drop(listener);
    assert!(matches!(Connection::open(&endpoint, &options).await, Err(ConnectError::Unreachable { .. })));
}

#[tokio::test]
async fn one_that_hangs_up_during_the_upgrade_has_closed_and_is_no_stranger() {
    let (listener, endpoint) = listen().await;
    let tunnel = async {
        let mut stream = listener.accept().await.unwrap().0;
        let mut request = Vec::new();
        while !request.ends_with(b"\r\n\r\n") {
            stream.read_buf(&mut request).await.unwrap();
        }
    };
    let options = options();
    let (opened, ()) = tokio::join!(Connection::open(&endpoint, &options), tunnel);
    assert!(matches!(opened, Err(ConnectError::Closed { close: None })), "{opened:?}");
}
