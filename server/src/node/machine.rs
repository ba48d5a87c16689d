//! What a node says of itself and its machine.

use protocol::handshake::Client;
use serde_json::{Value, json};

use crate::VERSION;
use crate::system::release;

/// How this node introduces itself.
pub fn client(display_name: &str, instance: &str) -> Client {
    Client {
        id: "node-host".to_owned(),
        mode: "node".to_owned(),
        version: VERSION.to_owned(),
        platform: std::env::consts::OS.to_owned(),
        device_family: Some(client::options::device_family().to_owned()),
        display_name: Some(display_name.to_owned()),
        instance_id: Some(instance.to_owned()),
        ..Client::default()
    }
}

/// The result of `device.info`.
pub fn info(display_name: &str) -> Value {
    json!({
        "deviceName": display_name,
        "systemName": std::env::consts::OS,
        "systemVersion": release(),
        "architecture": std::env::consts::ARCH,
        "appVersion": VERSION,
    })
}
