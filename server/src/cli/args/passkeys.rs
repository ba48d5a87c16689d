//! `openclaw passkeys …`.

use clap::Subcommand;

use super::{Format, ListArgs, TargetArgs};

#[derive(Debug, clap::Args)]
pub struct PasskeysArgs {
    #[command(subcommand)]
    pub command: PasskeysCommand,
}

#[derive(Debug, Subcommand)]
pub enum PasskeysCommand {
    /// List the passkeys, and the address at which each works
    List(ListArgs),
    /// Forget a passkey, for instance one that is lost
    ///
    /// On the gateway's machine this takes no passkey. A new one is added in the Control UI, under Settings.
    Remove(RemovePasskeyArgs),
}

#[derive(Debug, clap::Args)]
pub struct RemovePasskeyArgs {
    /// The passkey's name, its id, or the first 4 or more characters of that
    #[arg(value_name = "PASSKEY")]
    pub passkey: String,
    #[command(flatten)]
    pub format: Format,
    #[command(flatten)]
    pub target: TargetArgs,
}
