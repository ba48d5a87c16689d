//! Plays a recording of the reference gateway against ours: the same frames from the same clients, signed
//! by keys of our own, and every answer compared.

use std::collections::{BTreeSet, HashMap};

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use ed25519_dalek::{Signature, VerifyingKey};
use serde_json::{Map, Value, json};
use sha2::{Digest, Sha256};
use tokio_tungstenite::tungstenite::Message;

use crate::ask::{Key, Version, signed_text};
use crate::client::{Client, Frame};
use crate::gateway::TestGateway;
use crate::recording::{Names, Row, What};

pub struct Replay {
    gateways: Vec<(&'static str, TestGateway)>,
    names: Names,
    clients: HashMap<String, Client>,
    /// The challenge that each recorded client got.
    challenges: HashMap<String, Value>,
    seqs: HashMap<String, u64>,
    problems: Vec<String>,
}

impl Replay {
    pub fn new(gateways: Vec<(&'static str, TestGateway)>) -> Self {
        Self {
            gateways,
            names: Names::default(),
            clients: HashMap::new(),
            challenges: HashMap::new(),
            seqs: HashMap::new(),
            problems: Vec::new(),
        }
    }

    /// Plays it all. The result is how many connections were compared.
    pub async fn play(mut self, recording: &str) -> usize {
        let rows: Vec<Row> = recording.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
        let mut now = rows[0].t;
        for (index, row) in rows.iter().enumerate() {
            for (_, gateway) in &self.gateways {
                gateway.clock.advance_ms(row.t.saturating_sub(now));
            }
            now = now.max(row.t);
            let next = rows[index + 1..].iter().find(|next| next.conn == row.conn).map(|next| &next.what);
            self.play_row(row, next).await;
        }
        assert!(self.problems.is_empty(), "\n{}", self.problems.join("\n"));
        rows.iter().map(|row| &row.conn).collect::<BTreeSet<_>>().len()
    }

    async fn play_row(&mut self, row: &Row, next: Option<&What>) {
        match &row.what {
            What::Open { open, gateway, from, headers } => {
                let headers = self.headers(gateway, from.as_deref(), headers);
                let headers: Vec<(&str, &str)> =
                    headers.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
                let gateway = &self.gateways.iter().find(|(name, _)| name == gateway).unwrap().1;
                if let Some(What::Rejected { rejected, body }) = next {
                    let lines: Vec<String> = headers.iter().map(|(name, value)| format!("{name}: {value}")).collect();
                    let lines: Vec<&str> = lines.iter().map(String::as_str).collect();
                    let answer = gateway.upgrade_refused(&lines).await;
                    assert_eq!(
                        (answer.status, &serde_json::from_str::<Value>(&answer.body).unwrap()),
                        (*rejected, body)
                    );
                } else {
                    let client = gateway.open_at(open, &headers).await;
                    self.clients.insert(row.conn.clone(), client);
                }
            }
            // Compared when it was opened.
            What::Rejected { .. } => {}
            What::In { r#in: recorded } => self.compare(&row.conn, recorded).await,
            What::Out { out } => {
                let frame = self.outgoing(&row.conn, out);
                self.client(&row.conn).say(&frame).await;
            }
            What::Raw { raw } => self.client(&row.conn).send(Message::text(raw.clone())).await,
            What::Binary { binary } => {
                let bytes = binary.clone().into_bytes();
                self.client(&row.conn).send(Message::Binary(bytes.into())).await;
            }
            What::Padding { pad } => self.client(&row.conn).try_send(Message::text("x".repeat(*pad))).await,
            What::Close { close, reason } => {
                let expected = Frame::close(*close, &self.names.translate_reason(reason));
                let ours = self.client(&row.conn).next().await;
                if ours != expected {
                    self.problems.push(format!("{}: {ours:?} instead of {expected:?}", row.conn));
                }
                self.clients.remove(&row.conn);
            }
            What::Leave { leave } => {
                assert!(leave);
                self.clients.remove(&row.conn);
            }
        }
    }

    fn client(&mut self, conn: &str) -> &mut Client {
        self.clients.get_mut(conn).unwrap()
    }

    fn headers(&self, gateway: &str, from: Option<&str>, recorded: &Map<String, Value>) -> Vec<(String, String)> {
        let port = match gateway {
            "A" => "28789",
            "B" => "38789",
            "C" => "48789",
            other => panic!("no gateway {other}"),
        };
        let gateway = &self.gateways.iter().find(|(name, _)| *name == gateway).unwrap().1;
        let here = |text: &str| text.replace(&format!("127.0.0.1:{port}"), &gateway.address());
        let from = from.map(|address| ("x-forwarded-for".to_owned(), address.to_owned()));
        recorded.iter().map(|(name, value)| (name.clone(), here(value.as_str().unwrap()))).chain(from).collect()
    }

    /// The recorded frame with our names, our time, and a signature of ours where theirs was good.
    fn outgoing(&mut self, conn: &str, recorded: &Value) -> Value {
        let theirs = &recorded["params"];
        let key = theirs["device"].is_object().then(|| self.stand_in(&theirs["device"]));
        let mut frame = self.names.translate(recorded);
        if frame["params"]["client"]["buildId"].is_string() {
            frame["params"]["client"]["buildId"] = "dev".into();
        }
        if let Some(key) = key {
            let (theirs_at, ours_at) = (&self.challenges[conn]["ts"], &self.clients[conn].challenge["ts"]);
            let offset = theirs["device"]["signedAt"].as_i64().unwrap() - theirs_at.as_i64().unwrap();
            frame["params"]["device"]["signedAt"] = (ours_at.as_i64().unwrap() + offset).into();
            let good = [Version::V3, Version::V2].into_iter().find(|version| is_signed(theirs, *version));
            if let Some(version) = good {
                frame["params"]["device"]["signature"] = key.sign(&frame["params"], version).into();
            }
        }
        frame
    }

    /// The key that plays a recorded device.
    fn stand_in(&mut self, device: &Value) -> Key {
        let public = device["publicKey"].as_str().unwrap();
        let key = Key::from_seed(Sha256::digest(public).into());
        if let Ok(bytes) = URL_SAFE_NO_PAD.decode(public) {
            assert!(self.names.bind(public, &key.public()));
            assert!(self.names.bind(&hex::encode(&Sha256::digest(bytes)[..]), &key.id()));
        }
        key
    }

    async fn compare(&mut self, conn: &str, recorded: &Value) {
        if recorded["event"] == "connect.challenge" {
            let ours = self.client(conn).challenge.clone();
            self.challenges.insert(conn.to_owned(), recorded["payload"].clone());
            return self.check(conn, "", &recorded["payload"], &ours);
        }
        let mut ours = self.client(conn).next().await.text();
        self.count(conn, &ours);
        let mut recorded = recorded.clone();
        for frame in [&mut recorded, &mut ours] {
            if let Some(frame) = frame.as_object_mut() {
                frame.remove("seq");
            }
        }
        if let Some(details) =
            recorded.pointer_mut("/error/details").filter(|details| details["requestedRole"] == "node")
            && details["code"] == "PAIRING_REQUIRED"
        {
            // The reference sends node hosts away for good; ours are told to come back.
            details["recommendedNextStep"] = "wait_then_retry".into();
            details["retryable"] = true.into();
            details["pauseReconnect"] = false.into();
        }
        if recorded["payload"]["type"] == "hello-ok" {
            let payload = &ours["payload"];
            for required in ["server", "features", "snapshot", "policy"] {
                assert!(payload[required].is_object(), "{conn}: the hello has no {required}");
            }
            ours["payload"] =
                json!({"type": payload["type"], "protocol": payload["protocol"], "auth": payload["auth"]});
        }
        self.check(conn, "", &recorded, &ours);
    }

    /// Every broadcast is one more than the one before, whichever the reference had.
    fn count(&mut self, conn: &str, frame: &Value) {
        if frame["type"] == "event" {
            let seq = self.seqs.entry(conn.to_owned()).or_default();
            *seq += 1;
            assert_eq!(frame["seq"], *seq, "{conn}");
        }
    }

    fn check(&mut self, conn: &str, name: &str, recorded: &Value, ours: &Value) {
        match (recorded, ours) {
            (Value::Object(recorded), Value::Object(ours)) => {
                for (name, value) in recorded {
                    match ours.get(name) {
                        Some(ours) => self.check(conn, name, value, ours),
                        None => self.problems.push(format!("{conn}: no {name}, expected {value}")),
                    }
                }
                for (name, value) in ours.iter().filter(|(name, _)| !recorded.contains_key(*name)) {
                    self.problems.push(format!("{conn}: unexpected {name}: {value}"));
                }
            }
            (Value::Array(recorded), Value::Array(ours)) if recorded.len() == ours.len() => {
                for (recorded, ours) in recorded.iter().zip(ours) {
                    self.check(conn, name, recorded, ours);
                }
            }
            (Value::Number(_), Value::Number(ours)) if name == "ts" || name.ends_with("Ms") => {
                assert!(ours.as_u64().is_some_and(|at| at > 1_700_000_000_000), "{conn}: {name} is {ours}");
            }
            (Value::String(recorded), Value::String(ours)) => {
                let is_ours_to_choose = ["requestId", "deviceToken", "token", "nonce"].contains(&name);
                let known = self.names.0.get(recorded);
                let fits = match name {
                    "gatewayBuildId" => true,
                    _ if is_ours_to_choose || known.is_some() => self.names.bind(recorded, ours),
                    _ => recorded == ours,
                };
                if !fits {
                    self.problems.push(format!("{conn}: {name} is {ours:?}, expected {recorded:?}"));
                }
            }
            _ if recorded == ours => {}
            _ => self.problems.push(format!("{conn}: {name} is {ours}, expected {recorded}")),
        }
    }
}

fn is_signed(params: &Value, version: Version) -> bool {
    let bytes = |name: &str| URL_SAFE_NO_PAD.decode(params["device"][name].as_str().unwrap()).ok();
    let key = bytes("publicKey").and_then(|key| VerifyingKey::from_bytes(&key.try_into().ok()?).ok());
    let signature = bytes("signature").and_then(|signature| Signature::from_slice(&signature).ok());
    let (Some(key), Some(signature)) = (key, signature) else { return false };
    key.verify_strict(signed_text(params, version).as_bytes(), &signature).is_ok()
}
