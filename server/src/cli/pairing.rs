//! `openclaw pairing …`: devices by an older name. Channels have pairings of their own, which are not ours.

use super::args::{
    ApproveArgs, DevicesListArgs, PairingApproveArgs, PairingArgs, PairingCommand, PairingListArgs, TermsArgs,
};
use super::output::{Failure, shown};
use super::{Outcome, devices};
use crate::config::Environment;

pub async fn run(args: PairingArgs, env: &Environment) -> Outcome {
    match args.command {
        PairingCommand::List(args) => list(args, env).await,
        PairingCommand::Approve(args) => approve(args, env).await,
    }
}

async fn list(args: PairingListArgs, env: &Environment) -> Outcome {
    if let Some(channel) = args.channel() {
        return Err(of_a_channel(channel, "openclaw devices list"));
    }
    devices::list(&DevicesListArgs { json: args.json, target: args.target }, env).await
}

async fn approve(args: PairingApproveArgs, env: &Environment) -> Outcome {
    if let Some(channel) = args.channel() {
        return Err(of_a_channel(channel, "openclaw devices approve ID"));
    }
    let id = args.id();
    let terms = TermsArgs::default();
    let args = ApproveArgs { id, latest: args.latest, words: None, terms, format: args.format, target: args.target };
    devices::approve(&args, env).await
}

/// What to do about a person who asks in a chat. `instead` is the command for devices.
fn of_a_channel(channel: &str, instead: &str) -> Failure {
    let channel = shown(channel);
    Failure::new(format!(
        "Pairings of the channel `{channel}` belong to OpenClaw's plugin for it, and this gateway has no channels."
    ))
    .hint(format!(
        "for a person who asks in a chat, run the same command with OpenClaw's own program, where that plugin is set \
         up; for a device, browser or node: `{instead}`"
    ))
}
