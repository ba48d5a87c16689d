//! `openclaw devices …`: who waits, who is in, and every decision about them.

use std::process::ExitCode;

use protocol::method::{ApproveParams, Approved, DeviceRef, RenameParams, RequestRef, Rotated, TokenParams};
use protocol::pairing::{PairedDevice, PairingList, PendingRequest};
use protocol::role::{PAIRING, READ};
use protocol::{Method, Role};
use serde_json::{Value, json};

use super::args::{ApproveArgs, DevicesCommand, ListArgs, RejectArgs, RemoveArgs, RenameArgs, TargetArgs, TokenArgs};
use super::output::{Failure, can_ask, confirm, count, data, json as print_json, say, shown, tell};
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
    let Some(id) = &args.id else {
        return approve_newest(&Desk::visit(&args.target, env).await?, args.format.json).await;
    };
    let desk = Desk::visit_to_decide(&args.target, env, id).await?;
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
    let desk = Desk::visit_to_decide(&args.target, env, &args.id).await?;
    let request = desk.request(&args.id)?;
    let params = RequestRef { request_id: request.request_id.clone() };
    let rejected: Value = desk.target.decide(Method::DevicePairReject, params).await?;
    let name = shown(&request.shown_name());
    Ok(tell(args.format.json, &rejected, &format!("Turned {name} away.")))
}

async fn remove(args: &RemoveArgs, env: &Environment) -> Outcome {
    let desk = Desk::visit(&args.target, env).await?;
    let device = desk.device(args.device.text())?;
    let params = DeviceRef { device_id: device.device_id.clone() };
    let removed: Value = desk.target.decide(Method::DevicePairRemove, params).await?;
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
    let renamed: Value = desk.target.decide(Method::DevicePairRename, params).await?;
    let before = shown(&device.shown_name());
    Ok(tell(args.format.json, &renamed, &format!("{before} is now called {}.", shown(&label))))
}

async fn rotate(args: &TokenArgs, env: &Environment) -> Outcome {
    let desk = Desk::visit(&args.target, env).await?;
    let (device, params) = desk.token(args)?;
    let rotated: Rotated = desk.target.decide(Method::DeviceTokenRotate, params).await?;
    let name = shown(&device.shown_name());
    let told = format!("{name} has a new {} token, which it gets when it connects again.", rotated.role);
    Ok(tell(args.format.json, &rotated, &told))
}

async fn revoke(args: &TokenArgs, env: &Environment) -> Outcome {
    let desk = Desk::visit(&args.target, env).await?;
    let (device, params) = desk.token(args)?;
    let role = params.role.clone();
    let revoked: Value = desk.target.decide(Method::DeviceTokenRevoke, params).await?;
    let name = shown(&device.shown_name());
    let told = format!("{name} is no {role} any more. It has to be approved again to come back.");
    Ok(tell(args.format.json, &revoked, &told))
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
        Self::look(Target::new(args, env)?).await
    }

    /// The same, to decide about a request. A device without admin rights is shown only itself,
    /// so one that does not find the request asks for them.
    async fn visit_to_decide(args: &TargetArgs, env: &Environment, request: &str) -> Result<Self, Failure> {
        let desk = Self::visit(args, env).await?;
        let is_shown = select::request(&desk.list, request) != Choice::Nothing;
        if is_shown || !desk.target.is_a_device() {
            return Ok(desk);
        }
        Self::look(desk.target.with_admin_rights()).await
    }

    async fn look(target: Target) -> Result<Self, Failure> {
        let mut connection = target.open_or_store(&[PAIRING, READ]).await?;
        let list = super::progress::asking(connection.ask(Method::DevicePairList, ())).await?;
        let now_ms = connection.opened_at_ms();
        connection.close().await;
        Ok(Self { target, list, now_ms })
    }

    /// The request that a text stands for; the failure lists those that wait.
    fn request(&self, text: &str) -> Result<&PendingRequest, Failure> {
        let line = |request: &PendingRequest| listing::request_line(request, self.now_ms);
        if let Some(request) = select::request(&self.list, text).one(text, "requests", line, "use more of the id")? {
            return Ok(request);
        }
        let failure = Failure::new(format!("The request `{}` is unknown, decided or expired.", shown(text)));
        Err(if self.list.pending.is_empty() {
            failure.hint("no device waits now; let it connect again, then see `openclaw devices list`")
        } else {
            failure
                .list(std::iter::once("These wait now:".to_owned()).chain(self.list.pending.iter().map(line)))
                .hint("approve or reject one of these by its id")
        })
    }

    /// The device that a text stands for.
    fn device(&self, text: &str) -> Result<&PairedDevice, Failure> {
        let found = select::device(&self.list, text);
        found.one(text, "devices", listing::device_line, "use the id, or more of it")?.ok_or_else(|| {
            Failure::new(format!("No paired device goes by `{}`.", shown(text)))
                .list(self.list.paired.iter().map(listing::device_line))
                .hint("use an id or a name from `openclaw devices list`")
        })
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
        let approved: Approved = self.target.decide(Method::DevicePairApprove, params).await?;
        let grants = shown(&request.shown_name());
        let words = format!("Approved {grants} as {}.", role_and_scopes(request.role, &request.scopes));
        Ok(tell(as_json, &approved, &words))
    }
}

fn ambiguous_role(device: &PairedDevice, roles: &[Role]) -> Failure {
    let roles: Vec<&str> = roles.iter().map(|role| role.as_str()).collect();
    Failure::new(format!("{} has several roles: {}.", shown(&device.shown_name()), roles.join(", ")))
        .hint("say which one with --role ROLE")
}
