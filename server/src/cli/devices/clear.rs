//! `openclaw devices clear`: start again without any device, or without anyone who waits.

use std::process::ExitCode;

use client::{CallError, Connection};
use protocol::method::{DeviceRef, RequestRef};
use protocol::role::{PAIRING, READ};
use protocol::{Method, Refusal};
use serde_json::{Value, json};

use super::super::args::ClearArgs;
use super::super::output::{Failure, can_ask, confirm, count, say, tell};
use super::super::{Outcome, listing};
use super::desk::Desk;
use crate::config::Environment;

pub async fn run(args: &ClearArgs, env: &Environment) -> Outcome {
    let desk = Desk::visit_for_all(&args.target, env).await?;
    if args.pending { reject_all(args, &desk).await } else { remove_all(args, &desk).await }
}

/// The owner's own access is no pairing; elsewhere it is this very device, which stays.
async fn remove_all(args: &ClearArgs, desk: &Desk) -> Outcome {
    let own = desk.target.own_device_id()?;
    let (kept, gone): (Vec<_>, Vec<_>) =
        desk.list.paired.iter().partition(|device| Some(&device.device_id) == own.as_ref());
    let what = format!("all {}", count(gone.len(), "paired device"));
    let lines = gone.iter().map(|device| listing::device_line(device)).collect();
    if !gone.is_empty() && !is_meant(args, desk, &format!("Remove {what}?"), lines)? {
        return Ok(ExitCode::FAILURE);
    }
    let calls = gone.iter().map(|device| json!(DeviceRef { device_id: device.device_id.clone() }));
    call_each(desk, Method::DevicePairRemove, calls, &Refusal::DeviceUnknown).await?;
    let removed: Vec<_> = gone.iter().map(|device| &device.device_id).collect();
    let words = match (gone.len(), kept.len()) {
        (0, 0) => "No device is paired.".to_owned(),
        (0, _) => "No other device is paired.".to_owned(),
        (_, 0) => format!("Removed {what}. A browser of yours gets back in with `openclaw dashboard`."),
        (_, _) => format!("Removed {what}; this one stays."),
    };
    Ok(tell(args.format.json, &json!({"removed": removed, "rejected": []}), &words))
}

async fn reject_all(args: &ClearArgs, desk: &Desk) -> Outcome {
    let waiting = &desk.list.pending;
    let what = format!("all {}", count(waiting.len(), "request"));
    let lines = waiting.iter().map(|request| listing::request_line(request, desk.now_ms)).collect();
    if !waiting.is_empty() && !is_meant(args, desk, &format!("Turn away {what}?"), lines)? {
        return Ok(ExitCode::FAILURE);
    }
    let calls = waiting.iter().map(|request| json!(RequestRef { request_id: request.request_id.clone() }));
    call_each(desk, Method::DevicePairReject, calls, &Refusal::RequestUnknown).await?;
    let rejected: Vec<_> = waiting.iter().map(|request| &request.request_id).collect();
    let words = if waiting.is_empty() { "No device waits.".to_owned() } else { format!("Turned away {what}.") };
    Ok(tell(args.format.json, &json!({"removed": [], "rejected": rejected}), &words))
}

/// Whether the person really wants it. Where nobody can be asked, only `--yes` says so.
fn is_meant(args: &ClearArgs, desk: &Desk, question: &str, lines: Vec<String>) -> Result<bool, Failure> {
    if args.yes {
        return Ok(true);
    }
    if args.format.json || !can_ask() {
        let only = if args.pending { " --pending" } else { "" };
        let command = desk.target.command(&format!("devices clear --yes{only}"));
        return Err(Failure::new(format!("{question} Nobody can be asked here, so nothing was changed."))
            .list(lines)
            .hint(format!("if you mean it, run `{command}`")));
    }
    for line in &lines {
        say(&format!("  {line}"));
    }
    let is_meant = confirm(&format!("\n{question}"));
    if !is_meant {
        say("Nothing was changed.");
    }
    Ok(is_meant)
}

/// Calls a method once for each. What somebody else did meanwhile is done.
async fn call_each(
    desk: &Desk,
    method: Method,
    calls: impl Iterator<Item = Value>,
    done: &Refusal,
) -> Result<(), Failure> {
    let calls: Vec<Value> = calls.collect();
    if calls.is_empty() {
        return Ok(());
    }
    let mut connection = desk.target.open_or_store(&[PAIRING, READ]).await?;
    let ended = each(&mut connection, method, calls, done).await;
    connection.close().await;
    Ok(ended?)
}

async fn each(connection: &mut Connection, method: Method, calls: Vec<Value>, done: &Refusal) -> Result<(), CallError> {
    for params in calls {
        match connection.ask::<Value>(method, params).await {
            Ok(_) => {}
            Err(CallError::Refused(error)) if error.message == done.message() => {}
            Err(error) => return Err(error),
        }
    }
    Ok(())
}
