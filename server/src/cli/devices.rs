//! `openclaw devices …`: who waits, who is in, and every decision about them.

use std::process::ExitCode;

use client::CallError;
use protocol::method::{ApproveParams, Approved, DeviceRef, RenameParams, RequestRef, Rotated, TokenParams};
use protocol::pairing::{PairedDevice, PairingList, PendingRequest};
use protocol::role::{ADMIN, PAIRING, READ};
use protocol::{Method, Role, WireError};
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::{Value, json};

use super::args::{ApproveArgs, DevicesCommand, ListArgs, RejectArgs, RemoveArgs, RenameArgs, TargetArgs, TokenArgs};
use super::output::{Failure, can_ask, confirm, count, data, json as print_json, say, shown};
use super::select::{self, Choice};
use super::target::{Target, role_and_scopes};
use super::{Outcome, listing, qr};
use crate::config::Environment;

/// The longest name a device may be given, in characters.
const LONGEST_LABEL: usize = 64;

pub async fn run(command: DevicesCommand, env: &Environment) -> Outcome {
    match command {
        DevicesCommand::JoinCode(args) => qr::join_code(&args, env).await,
        DevicesCommand::List(args) => list(&args, env).await,
        DevicesCommand::Approve(args) => approve(&args, env).await,
        DevicesCommand::Reject(args) => reject(&args, env).await,
        DevicesCommand::Remove(args) => remove(&args, env).await,
        DevicesCommand::Rename(args) => rename(&args, env).await,
        DevicesCommand::Rotate(args) => rotate(&args, env).await,
        DevicesCommand::Revoke(args) => revoke(&args, env).await,
    }
}

async fn list(args: &ListArgs, env: &Environment) -> Outcome {
    let desk = Desk::visit(&args.target, env).await?;
    if args.format.json {
        print_json(&desk.list);
    } else {
        data(&listing::both(&desk.list, desk.now_ms, &desk.target.command("devices approve")));
    }
    Ok(ExitCode::SUCCESS)
}

async fn approve(args: &ApproveArgs, env: &Environment) -> Outcome {
    let desk = Desk::visit(&args.target, env).await?;
    let Some(id) = &args.id else {
        return approve_newest(&desk, args.format.json).await;
    };
    desk.approve(desk.request(id)?, args.format.json).await
}

/// Asks about the newest request, or says how to approve it where nobody can be asked.
async fn approve_newest(desk: &Desk, as_json: bool) -> Outcome {
    let Some(newest) = desk.list.pending.first() else {
        return Err(Failure::new("No device waits for approval.")
            .hint("let the device connect, then run this again; a request waits for five minutes"));
    };
    let command = desk.target.command(&format!("devices approve {}", shown(&newest.request_id)));
    if as_json {
        print_json(&json!({"approved": false, "request": newest, "approveCommand": command}));
        return Ok(ExitCode::FAILURE);
    }
    say(&listing::request(newest, desk.now_ms).join("\n"));
    let others = desk.list.pending.len() - 1;
    if others > 0 {
        say(&format!("  and {} more: see `{}`", count(others, "request"), desk.target.command("devices list")));
    }
    if can_ask() {
        if confirm("\nApprove this device?") {
            return desk.approve(newest, false).await;
        }
        say("Nothing was approved.");
    } else {
        say("\nNothing was approved. If this is the device you expect, run:");
        data(&command);
    }
    Ok(ExitCode::FAILURE)
}

async fn reject(args: &RejectArgs, env: &Environment) -> Outcome {
    let desk = Desk::visit(&args.target, env).await?;
    let request = desk.request(&args.id)?;
    let params = RequestRef { request_id: request.request_id.clone() };
    let rejected: Value = desk.decide(Method::DevicePairReject, params).await?;
    let name = shown(&request.shown_name());
    Ok(tell(args.format.json, &rejected, &format!("Turned {name} away.")))
}

async fn remove(args: &RemoveArgs, env: &Environment) -> Outcome {
    let desk = Desk::visit(&args.target, env).await?;
    let device = desk.device(args.device.text())?;
    let params = DeviceRef { device_id: device.device_id.clone() };
    let removed: Value = desk.decide(Method::DevicePairRemove, params).await?;
    let name = shown(&device.shown_name());
    Ok(tell(args.format.json, &removed, &format!("Removed {name}. It has to pair again to come back.")))
}

async fn rename(args: &RenameArgs, env: &Environment) -> Outcome {
    let (text, label) = match args.device_and_name() {
        Ok(named) => named,
        Err(problem) => {
            say(&format!("error: {problem}\n\nhint: openclaw devices rename <DEVICE> <NAME>"));
            return Ok(ExitCode::from(2));
        }
    };
    let label = label.trim().to_owned();
    if label.chars().count() > LONGEST_LABEL {
        return Err(Failure::new("That name is too long.").hint(format!("use at most {LONGEST_LABEL} characters")));
    }
    let desk = Desk::visit(&args.target, env).await?;
    let device = desk.device(&text)?;
    let params = RenameParams { device_id: device.device_id.clone(), label: label.clone() };
    let renamed: Value = desk.decide(Method::DevicePairRename, params).await?;
    let before = shown(&device.shown_name());
    Ok(tell(args.format.json, &renamed, &format!("{before} is now called {}.", shown(&label))))
}

async fn rotate(args: &TokenArgs, env: &Environment) -> Outcome {
    let desk = Desk::visit(&args.target, env).await?;
    let (device, params) = desk.token(args)?;
    let rotated: Rotated = desk.decide(Method::DeviceTokenRotate, params).await?;
    let name = shown(&device.shown_name());
    let told = format!("{name} has a new {} token, which it gets when it connects again.", rotated.role);
    Ok(tell(args.format.json, &rotated, &told))
}

async fn revoke(args: &TokenArgs, env: &Environment) -> Outcome {
    let desk = Desk::visit(&args.target, env).await?;
    let (device, params) = desk.token(args)?;
    let role = params.role.clone();
    let revoked: Value = desk.decide(Method::DeviceTokenRevoke, params).await?;
    let name = shown(&device.shown_name());
    let told = format!("{name} is no {role} any more. It has to be approved again to come back.");
    Ok(tell(args.format.json, &revoked, &told))
}

fn tell(as_json: bool, result: &impl Serialize, words: &str) -> ExitCode {
    if as_json {
        print_json(result);
    } else {
        data(words);
    }
    ExitCode::SUCCESS
}

/// A gateway and what it listed a moment ago, to decide upon. No connection is held meanwhile: a person
/// may take minutes to answer.
struct Desk {
    target: Target,
    list: PairingList,
    /// The gateway's clock when it listed.
    now_ms: u64,
}

impl Desk {
    async fn visit(args: &TargetArgs, env: &Environment) -> Result<Self, Failure> {
        let target = Target::new(args, env)?;
        let mut connection = target.open(&[PAIRING, READ]).await?;
        let list = connection.ask(Method::DevicePairList, ()).await?;
        let now_ms = connection.opened_at_ms();
        connection.close().await;
        Ok(Self { target, list, now_ms })
    }

    /// The request that a text stands for; the failure lists those that wait.
    fn request(&self, text: &str) -> Result<&PendingRequest, Failure> {
        let lines = |several: &[&PendingRequest]| {
            several.iter().map(|r| listing::request_line(r, self.now_ms)).collect::<Vec<_>>()
        };
        match select::request(&self.list, text) {
            Choice::One(request) => Ok(request),
            Choice::Several(several) => Err(Failure::new(format!("`{}` could mean several requests:", shown(text)))
                .list(lines(&several))
                .hint("use more of the id")),
            Choice::Nothing => {
                let waiting: Vec<_> = self.list.pending.iter().collect();
                let failure = Failure::new(format!("The request `{}` is unknown, decided or expired.", shown(text)));
                Err(match waiting.as_slice() {
                    [] => failure.hint("no device waits now; let it connect again, then see `openclaw devices list`"),
                    waiting => failure
                        .list(std::iter::once("These wait now:".to_owned()).chain(lines(waiting)))
                        .hint("approve or reject one of these by its id"),
                })
            }
        }
    }

    /// The device that a text stands for.
    fn device(&self, text: &str) -> Result<&PairedDevice, Failure> {
        let lines =
            |several: &[&PairedDevice]| several.iter().map(|device| listing::device_line(device)).collect::<Vec<_>>();
        match select::device(&self.list, text) {
            Choice::One(device) => Ok(device),
            Choice::Several(several) => Err(Failure::new(format!("`{}` could mean several devices:", shown(text)))
                .list(lines(&several))
                .hint("use the id, or more of it")),
            Choice::Nothing => {
                let failure = Failure::new(format!("No paired device goes by `{}`.", shown(text)));
                let paired: Vec<_> = self.list.paired.iter().collect();
                Err(failure.list(lines(&paired)).hint("use an id or a name from `openclaw devices list`"))
            }
        }
    }

    /// The device and role whose token is meant.
    fn token(&self, args: &TokenArgs) -> Result<(&PairedDevice, TokenParams), Failure> {
        let device = self.device(args.device())?;
        let role = match (args.role(), device.roles.as_slice()) {
            (Some(role), _) => role,
            (None, [only]) => *only,
            (None, []) => device.role,
            (None, several) => return Err(ambiguous_role(device, several)),
        };
        let params = TokenParams { device_id: device.device_id.clone(), role: role.as_str().to_owned(), scopes: None };
        Ok((device, params))
    }

    /// Approves exactly what was listed: the gateway refuses if the request has changed since.
    async fn approve(&self, request: &PendingRequest, as_json: bool) -> Outcome {
        let params = ApproveParams {
            request_id: request.request_id.clone(),
            digest: request.evidence.as_ref().map(|seen| seen.digest.clone()),
        };
        let approved: Approved = self.decide(Method::DevicePairApprove, params).await?;
        let grants = shown(&request.shown_name());
        let words = format!("Approved {grants} as {}.", role_and_scopes(request.role, &request.scopes));
        Ok(tell(as_json, &approved, &words))
    }

    /// Carries a decision to the gateway. A device that may not decide this asks for admin rights once, as
    /// the official command line does.
    async fn decide<T: DeserializeOwned>(&self, method: Method, params: impl Serialize) -> Result<T, Failure> {
        let mut connection = self.target.open(&[PAIRING, READ]).await?;
        let answer = connection.ask(method, &params).await;
        connection.close().await;
        match answer {
            Err(CallError::Refused(error)) if self.target.is_a_device() && needs_admin(&error) => {
                say("This needs admin rights; asking for them…");
                let mut connection = self.target.open(&[ADMIN, PAIRING, READ]).await?;
                let answer = connection.ask(method, &params).await;
                connection.close().await;
                Ok(answer?)
            }
            answer => Ok(answer?),
        }
    }
}

fn ambiguous_role(device: &PairedDevice, roles: &[Role]) -> Failure {
    let roles: Vec<&str> = roles.iter().map(|role| role.as_str()).collect();
    Failure::new(format!("{} has several roles: {}.", shown(&device.shown_name()), roles.join(", ")))
        .hint("say which one with --role ROLE")
}

/// Whether a refusal is one that more rights would change (wire.md §7.6).
fn needs_admin(error: &WireError) -> bool {
    error.message.ends_with(" denied") || error.message.starts_with("missing scope:")
}

#[cfg(test)]
mod tests {
    use protocol::Refusal;

    use super::*;

    #[test]
    fn only_missing_rights_lead_to_asking_for_more() {
        let asks = |refusal: Refusal| needs_admin(&refusal.wire_error().unwrap());
        assert!(asks(Refusal::ApprovalDenied));
        assert!(asks(Refusal::RotationDenied));
        assert!(asks(Refusal::ApproverLacksScope { scope: "operator.write".to_owned() }));
        assert!(!asks(Refusal::RequestUnknown));
        assert!(!asks(Refusal::RequestChanged));
    }
}
