//! `openclaw devices …`: who waits, who is in, and every decision about them.

mod blocking;
mod changes;
mod clear;
mod desk;
mod explain;
mod keys;
mod screen;
mod watch;

use std::process::ExitCode;

use protocol::Method;
use protocol::method::{DeviceRef, RejectParams, RenameParams, Rotated, Terms};
use serde_json::{Value, json};

use super::args::{
    ApproveArgs, DevicesCommand, DevicesListArgs, ListForm, RejectArgs, RemoveArgs, RenameArgs, TokenArgs,
};
use super::output::{Failure, can_ask, confirm, count, data, json as print_json, say, shown, tell};
use super::{Outcome, flat, listing, qr, select};
use crate::config::Environment;

use desk::Desk;

/// The longest name a device may be given, in characters.
const LONGEST_LABEL: usize = 64;

pub async fn run(command: DevicesCommand, env: &Environment) -> Outcome {
    match command {
        DevicesCommand::JoinCode(args) => qr::join_code(&args, env).await,
        DevicesCommand::List(args) => list(&args, env).await,
        DevicesCommand::Approve(args) => approve(&args, env).await,
        DevicesCommand::Block(args) => blocking::block(&args, env).await,
        DevicesCommand::Blocked(args) => blocking::list(&args, env).await,
        DevicesCommand::Clear(args) => clear::run(&args, env).await,
        DevicesCommand::Explain(args) => explain::run(&args, env).await,
        DevicesCommand::Reject(args) => reject(&args, env).await,
        DevicesCommand::Remove(args) => remove(&args, env).await,
        DevicesCommand::Rename(args) => rename(&args, env).await,
        DevicesCommand::Rotate(args) => rotate(&args, env).await,
        DevicesCommand::Revoke(args) => revoke(&args, env).await,
        DevicesCommand::Unblock(args) => blocking::unblock(&args, env).await,
        DevicesCommand::Watch(args) => watch::run(&args, env).await,
    }
}

pub async fn list(args: &DevicesListArgs, env: &Environment) -> Outcome {
    let desk = Desk::visit(&args.target, env).await?;
    match args.json {
        Some(ListForm::Official) => print_json(&desk.list),
        Some(ListForm::Flat) => print_json(&flat::entries(&desk.list)),
        None => data(&listing::both(&desk.list, desk.now_ms, &desk.target.command("devices approve"))),
    }
    Ok(ExitCode::SUCCESS)
}

pub async fn approve(args: &ApproveArgs, env: &Environment) -> Outcome {
    let terms = args.terms.terms();
    if let Some(label) = &terms.label {
        check_label(label)?;
    }
    if let Some(words) = &args.words {
        let is_shown = |list: &_| select::request_by_words(list, words) != select::Choice::Nothing;
        let desk = Desk::visit_for(&args.target, env, is_shown).await?;
        return desk.approve(desk.matching(words)?, terms, args.format.json).await;
    }
    let Some(id) = &args.id else {
        let desk = Desk::visit_for(&args.target, env, |list| !list.pending.is_empty()).await?;
        return approve_newest(&desk, args, terms).await;
    };
    let desk = Desk::visit_for_request(&args.target, env, id).await?;
    desk.approve(desk.request(id)?, terms, args.format.json).await
}

/// Asks about the newest request, or says how to approve it where nobody can be asked.
async fn approve_newest(desk: &Desk, args: &ApproveArgs, terms: Terms) -> Outcome {
    let Some(newest) = desk.list.pending.first() else {
        return Err(Failure::new("No device waits for approval.")
            .hint(format!("{}, then run this again; a request waits for five minutes", desk.target.let_it_connect())));
    };
    let command = desk.target.command(&format!("devices approve {}", shown(&newest.request_id)));
    if args.format.json {
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
            return desk.approve(newest, terms, false).await;
        }
        say("Nothing was approved.");
    } else {
        say("\nNothing was approved. If this is the device you expect, run:");
        data(&command);
    }
    Ok(ExitCode::FAILURE)
}

async fn reject(args: &RejectArgs, env: &Environment) -> Outcome {
    let desk = Desk::visit_for_request(&args.target, env, &args.id).await?;
    let request = desk.request(&args.id)?;
    let digest = request.evidence.as_ref().map(|seen| seen.digest.clone());
    let params = RejectParams { request_id: request.request_id.clone(), digest };
    let rejected: Value = desk.target.decide(Method::DevicePairReject, params).await?;
    let name = shown(&request.shown_name());
    Ok(tell(args.format.json, &rejected, &format!("Turned {name} away.")))
}

async fn remove(args: &RemoveArgs, env: &Environment) -> Outcome {
    let desk = Desk::visit_for_device(&args.target, env, args.device.text()).await?;
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
            say(&format!("error: {problem}\n\nhint: `openclaw devices rename <DEVICE> <NAME>`"));
            return Ok(ExitCode::from(2));
        }
    };
    let label = label.trim().to_owned();
    check_label(&label)?;
    let desk = Desk::visit_for_device(&args.target, env, &text).await?;
    let device = desk.device(&text)?;
    let params = RenameParams { device_id: device.device_id.clone(), label: label.clone() };
    let renamed: Value = desk.target.decide(Method::DevicePairRename, params).await?;
    let before = shown(&device.shown_name());
    Ok(tell(args.format.json, &renamed, &format!("{before} is now called {}.", shown(&label))))
}

fn check_label(label: &str) -> Result<(), Failure> {
    let hint = format!("use 1 to {LONGEST_LABEL} characters");
    match label.chars().count() {
        0 => Err(Failure::new("A name needs at least one letter.").hint(hint)),
        1..=LONGEST_LABEL => Ok(()),
        _ => Err(Failure::new("That name is too long.").hint(hint)),
    }
}

async fn rotate(args: &TokenArgs, env: &Environment) -> Outcome {
    let desk = Desk::visit_for_device(&args.target, env, args.device()).await?;
    let (device, params) = desk.token(args)?;
    let rotated: Rotated = desk.target.decide(Method::DeviceTokenRotate, params).await?;
    let name = shown(&device.shown_name());
    let told = format!("{name} has a new {} token, which it gets when it connects again.", rotated.role);
    Ok(tell(args.format.json, &rotated, &told))
}

async fn revoke(args: &TokenArgs, env: &Environment) -> Outcome {
    let desk = Desk::visit_for_device(&args.target, env, args.device()).await?;
    let (device, params) = desk.token(args)?;
    let role = params.role.clone();
    let revoked: Value = desk.target.decide(Method::DeviceTokenRevoke, params).await?;
    let name = shown(&device.shown_name());
    let told = format!("{name} is no {role} any more. It has to be approved again to come back.");
    Ok(tell(args.format.json, &revoked, &told))
}
