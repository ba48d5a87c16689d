//! `openclaw devices block`, `unblock` and `blocked`: never again, and its undoing.

use std::process::ExitCode;

use protocol::method::{BlockParams, BlockedList, DeviceRef};
use protocol::pairing::{Approver, BlockedDevice};
use protocol::{DeviceId, Method, PublicKey};
use serde_json::Value;

use super::super::args::{BlockArgs, ListArgs, RemoveArgs};
use super::super::output::{Failure, ago, data, json as print_json, shown, table, tell};
use super::super::select::{self, Choice};
use super::super::target::Target;
use super::super::{Outcome, listing};
use super::desk::Desk;
use crate::clock::Clock;
use crate::config::Environment;

pub async fn block(args: &BlockArgs, env: &Environment) -> Outcome {
    let text = args.device.text();
    let is_whole = PublicKey::could_have(&DeviceId::claimed(text));
    let is_shown = |list: &_| {
        is_whole || select::device(list, text) != Choice::Nothing || select::request(list, text) != Choice::Nothing
    };
    let desk = Desk::visit_for(&args.target, env, is_shown).await?;
    let (device_id, name) = meant(&desk, text)?;
    let params = BlockParams { device_id, address: args.address };
    let blocked: BlockedDevice = desk.target.decide(Method::DevicePairBlock, params).await?;
    let undo = desk.target.command(&format!("devices unblock {}", listing::short(&blocked.device_id)));
    let too = blocked.address.as_deref().map(|address| format!(" New devices from {} stay out too.", shown(address)));
    let words = format!(
        "Blocked {name}. It is thrown out, and what it asks is refused and not shown.{}\nUndo it with `{undo}`.",
        too.unwrap_or_default()
    );
    Ok(tell(args.format.json, &blocked, &words))
}

/// The device that is to be blocked: paired, waiting, or one that only its whole id names.
fn meant(desk: &Desk, text: &str) -> Result<(DeviceId, String), Failure> {
    let found = select::device(&desk.list, text);
    if let Some(device) = found.one(text, "devices", listing::device_line, "use the id, or more of it")? {
        return Ok((device.device_id.clone(), shown(&device.shown_name())));
    }
    let line = |request: &_| listing::request_line(request, desk.now_ms);
    if let Some(request) = select::request(&desk.list, text).one(text, "requests", line, "use more of the id")? {
        return Ok((request.device_id.clone(), shown(&request.shown_name())));
    }
    let stranger = DeviceId::claimed(text);
    if PublicKey::could_have(&stranger) {
        let name = listing::short(&stranger);
        return Ok((stranger, name));
    }
    let all = desk.list.pending.iter().map(line).chain(desk.list.paired.iter().map(listing::device_line));
    Err(Failure::new(format!("No device goes by `{}`.", shown(text)))
        .list(all)
        .hint("use an id or a name from `openclaw devices list`, or the whole id of a device that is not there"))
}

pub async fn unblock(args: &RemoveArgs, env: &Environment) -> Outcome {
    let target = Target::new(&args.target, env)?;
    let list: BlockedList = target.decide(Method::DevicePairBlocked, ()).await?;
    let text = args.device.text();
    let found = select::blocked(&list, text).one(text, "blocked devices", line, "use the id, or more of it")?;
    let device = found.ok_or_else(|| {
        let failure = Failure::new(format!("No blocked device goes by `{}`.", shown(text)));
        failure.list(list.blocked.iter().map(line)).hint("`openclaw devices blocked` lists them")
    })?;
    let params = DeviceRef { device_id: device.device_id.clone() };
    let unblocked: Value = target.decide(Method::DevicePairUnblock, params).await?;
    let words = format!("{} may ask again. It is not let in by that.", name(device));
    Ok(tell(args.format.json, &unblocked, &words))
}

pub async fn list(args: &ListArgs, env: &Environment) -> Outcome {
    let target = Target::new(&args.target, env)?;
    let list: BlockedList = target.decide(Method::DevicePairBlocked, ()).await?;
    if args.format.json {
        print_json(&list);
    } else if list.blocked.is_empty() {
        data("No device is blocked.");
    } else {
        data(&in_table(&list, Clock::default().now_ms()));
    }
    Ok(ExitCode::SUCCESS)
}

fn in_table(list: &BlockedList, now_ms: u64) -> String {
    let heads = ["DEVICE", "NAME", "BLOCKED", "BY", "KNOCKS", "LAST", "ADDRESS"].map(str::to_owned).to_vec();
    let row = |device: &BlockedDevice| {
        vec![
            listing::short(&device.device_id),
            device.name.as_deref().map(shown).unwrap_or_default(),
            ago(now_ms, device.blocked_at_ms),
            by(device.by.as_ref()),
            device.knocks.to_string(),
            device.last_knock_at_ms.map(|at_ms| ago(now_ms, at_ms)).unwrap_or_default(),
            device.address.as_deref().map(shown).unwrap_or_default(),
        ]
    };
    table(&std::iter::once(heads).chain(list.blocked.iter().map(row)).collect::<Vec<_>>())
}

fn by(approver: Option<&Approver>) -> String {
    match approver {
        Some(Approver::Owner) => "the owner".to_owned(),
        Some(Approver::Program) => "a program".to_owned(),
        Some(Approver::Device { device_id }) => listing::short(device_id),
        None => String::new(),
    }
}

fn line(device: &BlockedDevice) -> String {
    format!("{}  {}", listing::short(&device.device_id), name(device))
}

fn name(device: &BlockedDevice) -> String {
    device.name.as_deref().map_or_else(|| listing::short(&device.device_id), shown)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_table_cannot_be_broken_by_a_name() {
        let blocked = vec![BlockedDevice {
            device_id: DeviceId::claimed("be9db4f8b04636fa"),
            name: Some("\u{1b}[2JPhone\nx".to_owned()),
            address: Some("192.0.2.2".to_owned()),
            blocked_at_ms: 0,
            by: Some(Approver::Owner),
            knocks: 7,
            last_knock_at_ms: Some(60_000),
        }];
        let text = in_table(&BlockedList { blocked }, 60_000);
        let expected = "DEVICE        NAME         BLOCKED    BY         KNOCKS  LAST      ADDRESS\n\
                        be9db4f8b046  \u{fffd}[2JPhone\u{fffd}x  1 min ago  the owner  7       just now  192.0.2.2";
        assert_eq!(text, expected);
    }
}
