//! `openclaw pairing …`: the older name, which OpenClaw also uses for its channels.

use clap::Subcommand;

use super::{Format, ListForm, TargetArgs};

#[derive(Debug, clap::Args)]
pub struct PairingArgs {
    #[command(subcommand)]
    pub command: PairingCommand,
}

#[derive(Debug, Subcommand)]
pub enum PairingCommand {
    /// List the devices that wait and those that are paired; the same as `openclaw devices list`
    List(PairingListArgs),
    /// Let a waiting device in; the same as `openclaw devices approve`
    Approve(PairingApproveArgs),
}

#[derive(Debug, clap::Args)]
pub struct PairingListArgs {
    /// A channel, whose pairings are not this gateway's
    #[arg(value_name = "CHANNEL")]
    positional: Option<String>,
    /// The same, as an option
    #[arg(long, value_name = "CHANNEL", conflicts_with = "positional")]
    channel: Option<String>,
    /// Print JSON for scripts
    #[arg(long, value_name = "FORM", num_args = 0..=1, require_equals = true, default_missing_value = "official")]
    pub json: Option<ListForm>,
    #[command(flatten)]
    pub target: TargetArgs,
}

impl PairingListArgs {
    pub fn channel(&self) -> Option<&str> {
        self.positional.as_deref().or(self.channel.as_deref())
    }
}

#[derive(Debug, clap::Args)]
pub struct PairingApproveArgs {
    /// A device's request; or a channel and its code, which are not this gateway's
    #[arg(value_name = "ID", num_args = 0..=2)]
    words: Vec<String>,
    /// A channel
    #[arg(long, value_name = "CHANNEL")]
    channel: Option<String>,
    /// Show the newest request and ask
    #[arg(long, conflicts_with = "words")]
    pub latest: bool,
    /// Tell whoever asked, where a channel can
    #[arg(long)]
    pub notify: bool,
    #[command(flatten)]
    pub format: Format,
    #[command(flatten)]
    pub target: TargetArgs,
}

impl PairingApproveArgs {
    /// The channel, however it was named.
    pub fn channel(&self) -> Option<&str> {
        let first = || self.words.first().filter(|_| self.words.len() > 1).map(String::as_str);
        self.channel.as_deref().or_else(first)
    }

    /// The one id that was given.
    pub fn id(&self) -> Option<String> {
        self.words.first().cloned()
    }
}
