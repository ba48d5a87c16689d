//! How the gateway of this state directory answers its owner.

use std::fs::TryLockError;
use std::io;
use std::os::unix::fs::MetadataExt;
use std::time::Duration;

use client::{CallError, ConnectError, ConnectOptions, Connection, Endpoint};
use protocol::pairing::PairingList;
use protocol::role::{ADMIN, PAIRING};
use protocol::{Method, Scopes};
use serde_json::Value;

use crate::clock::Clock;
use crate::config::Paths;
use crate::doctor::facts::{Answer, Running, Waiting};

/// How long a gateway on this very machine may take for one answer.
const PATIENCE: Duration = Duration::from_secs(3);

pub async fn ask(paths: &Paths, clock: &Clock) -> Running {
    let mut options = ConnectOptions::command_line(crate::VERSION, Scopes::from([ADMIN]));
    options.timeout = PATIENCE;
    let endpoint = Endpoint::Owner { socket: paths.owner_socket.clone() };
    match Connection::open(&endpoint, &options.waiting_for_approval()).await {
        Ok(connection) => match answer(connection, clock).await {
            Ok(answer) => Running::Answers(Box::new(answer)),
            Err(error) => Running::Silent { why: error.to_string() },
        },
        Err(ConnectError::Unreachable { source, .. }) if source.kind() == io::ErrorKind::PermissionDenied => {
            let uid =
                paths.owner_socket.metadata().or_else(|_| paths.state_dir.metadata()).ok().map(|found| found.uid());
            Running::Foreign { uid }
        }
        Err(ConnectError::Unreachable { .. }) if !is_locked(paths) => Running::Stopped,
        Err(error) => Running::Silent { why: error.to_string() },
    }
}

async fn answer(mut connection: Connection, clock: &Clock) -> Result<Answer, CallError> {
    let (its_clock_ms, our_clock_ms) = (connection.opened_at_ms(), clock.now_ms());
    let status = connection.call(Method::Status.name(), ()).await?;
    let list: PairingList = connection.ask(Method::DevicePairList, ()).await?;
    connection.close().await;
    let own = |key: &str| status.pointer(&format!("/gateway/{key}")).and_then(Value::as_u64);
    let decides = |scopes: &Scopes| scopes.contains(ADMIN) || scopes.contains(PAIRING);
    let waiting = list.pending.iter().map(|request| Waiting {
        request_id: request.request_id.clone(),
        name: request.shown_name(),
        address: request
            .evidence
            .as_ref()
            .map(|evidence| evidence.origin.address.clone())
            .or(request.remote_ip.clone()),
        asked_at_ms: request.ts,
    });
    Ok(Answer {
        pid: own("pid"),
        port: own("port").and_then(|port| u16::try_from(port).ok()),
        its_clock_ms,
        our_clock_ms,
        waiting: waiting.collect(),
        has_decider: list.paired.iter().any(|device| device.connected == Some(true) && decides(&device.scopes)),
        devices: list.paired.into_iter().map(|device| device.device_id.as_str().to_owned()).collect(),
    })
}

/// Whether somebody holds the state directory.
fn is_locked(paths: &Paths) -> bool {
    let Ok(file) = std::fs::File::open(paths.store_file.with_file_name("gateway.lock")) else { return false };
    matches!(file.try_lock_shared(), Err(TryLockError::WouldBlock))
}
