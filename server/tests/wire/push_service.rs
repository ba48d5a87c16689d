//! A stand-in for a push service, or for whatever `gateway.notify.url` names: it keeps what it gets. The keys of its
//! browser are the example's in RFC 8291, and another implementation than ours decrypts and verifies.

use std::sync::Arc;
use std::sync::atomic::{AtomicU16, Ordering};

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::mpsc;
use web_push_native::p256::SecretKey;
use web_push_native::p256::ecdsa::signature::Verifier;
use web_push_native::p256::ecdsa::{Signature, VerifyingKey};

use crate::client::{Head, patiently};

const PRIVATE: &str = "q1dXpw3UpT5VOmu_cf_v6ih07Aems3njxI-JWgLcM94";
const P256DH: &str = "BCVxsr7N_eNgVRqvHtD0zTZsEc6-VV-JvLexhqUzORcxaOzi6-AYWXvTBHm4bjyPjs7Vd8pZGH6SRpkNtoIAiw4";
const AUTH: &str = "BTBZMqHH6r4Tts7J_aSIgg";

pub struct PushService {
    port: u16,
    /// What it answers from now on.
    status: Arc<AtomicU16>,
    inbox: mpsc::UnboundedReceiver<Delivered>,
}

/// One message as it arrived.
#[derive(Debug)]
pub struct Delivered {
    pub path: String,
    pub head: Head,
    pub body: Vec<u8>,
}

impl PushService {
    pub async fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let (outbox, inbox) = mpsc::unbounded_channel();
        let status = Arc::new(AtomicU16::new(201));
        let answered = Arc::clone(&status);
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                tokio::spawn(serve(stream, answered.load(Ordering::SeqCst), outbox.clone()));
            }
        });
        Self { port, status, inbox }
    }

    pub fn answer(&self, status: u16) {
        self.status.store(status, Ordering::SeqCst);
    }

    pub fn url(&self, path: &str) -> String {
        format!("http://127.0.0.1:{}/{path}", self.port)
    }

    /// The parameters of `push.subscribe` for a browser of this service.
    pub fn subscription(&self, name: &str) -> Value {
        json!({"endpoint": self.url(name), "p256dh": P256DH, "auth": AUTH})
    }

    pub async fn next(&mut self) -> Delivered {
        patiently(self.inbox.recv()).await.unwrap()
    }

    /// Whether nothing has come that was not looked at. Ask only when what could have come would be here.
    pub fn is_empty(&self) -> bool {
        self.inbox.is_empty()
    }
}

async fn serve(mut stream: TcpStream, status: u16, outbox: mpsc::UnboundedSender<Delivered>) {
    let mut bytes = Vec::new();
    let end = loop {
        if stream.read_buf(&mut bytes).await.unwrap() == 0 {
            return;
        }
        if let Some(end) = bytes.windows(4).position(|window| window == b"\r\n\r\n") {
            break end;
        }
    };
    let text = String::from_utf8(bytes[..end].to_vec()).unwrap();
    let (request, headers) = text.split_once("\r\n").unwrap();
    // `Head` reads the head of a response; only the first line differs.
    let head = Head::parse(&format!("HTTP/1.1 200 OK\r\n{headers}"));
    let length: usize = head.get("content-length").unwrap().parse().unwrap();
    while bytes.len() < end + 4 + length {
        assert_ne!(stream.read_buf(&mut bytes).await.unwrap(), 0, "the body breaks off");
    }
    let answer = format!("HTTP/1.1 {status} Answer\r\nlocation: http://127.0.0.1:1/\r\ncontent-length: 0\r\n\r\n");
    stream.write_all(answer.as_bytes()).await.unwrap();
    let path = request.split(' ').nth(1).unwrap().to_owned();
    outbox.send(Delivered { path, head, body: bytes[end + 4..].to_vec() }).unwrap();
}

impl Delivered {
    /// What the browser reads in it.
    pub fn opened(&self) -> Value {
        assert_eq!(self.head.get("content-encoding"), Some("aes128gcm"));
        let private = SecretKey::from_slice(&URL_SAFE_NO_PAD.decode(PRIVATE).unwrap()).unwrap();
        let auth = web_push_native::Auth::clone_from_slice(&URL_SAFE_NO_PAD.decode(AUTH).unwrap());
        let text = web_push_native::decrypt(self.body.clone(), &private, &auth).unwrap();
        serde_json::from_slice(&text).unwrap()
    }

    /// What the sender signed, once the signature is seen to be by this key.
    pub fn claims(&self, key: &str) -> Value {
        let value = self.head.get("authorization").unwrap();
        let (token, public) = value.strip_prefix("vapid t=").unwrap().split_once(", k=").unwrap();
        assert_eq!(public, key);
        let key = VerifyingKey::from_sec1_bytes(&URL_SAFE_NO_PAD.decode(public).unwrap()).unwrap();
        let (signed, signature) = token.rsplit_once('.').unwrap();
        let signature = Signature::from_slice(&URL_SAFE_NO_PAD.decode(signature).unwrap()).unwrap();
        key.verify(signed.as_bytes(), &signature).unwrap();
        let claims = URL_SAFE_NO_PAD.decode(signed.split('.').nth(1).unwrap()).unwrap();
        serde_json::from_slice(&claims).unwrap()
    }

    pub fn json(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap()
    }
}
