//! The flags of `openclaw config` and `openclaw configure`.

use clap::Subcommand;

use super::Format;
use crate::config::key_path::KeyPath;

#[derive(Debug, clap::Args)]
pub struct ConfigArgs {
    #[command(subcommand)]
    pub command: ConfigCommand,
}

#[derive(Debug, Subcommand)]
pub enum ConfigCommand {
    /// Print a setting, a group of settings, or the whole file
    ///
    /// A single value is printed as it is, a group as JSON. In a group and in the whole file secrets are hidden.
    Get(ConfigGetArgs),
    /// Change a setting; comments and everything else in the file stay
    ///
    /// With a running gateway the change is live at once, except where it says that a restart is needed.
    Set(ConfigSetArgs),
    /// Remove a setting, so that its default holds
    Unset(ConfigUnsetArgs),
    /// Change several settings at once
    Patch(ConfigPatchArgs),
    /// Say what is wrong with the settings; exits 1 if something is
    Validate(ConfigFileArgs),
    /// Print the JSON schema of the settings
    Schema,
    /// Print where the settings are
    File(ConfigFileArgs),
}

#[derive(Debug, clap::Args)]
pub struct ConfigGetArgs {
    /// Which, such as gateway.auth.token or list[0].name [default: the whole file]
    #[arg(value_name = "PATH")]
    pub path: Option<KeyPath>,
    /// Show the secrets of a group or the whole file too
    #[arg(long)]
    pub show_secrets: bool,
    #[command(flatten)]
    pub format: Format,
}

#[derive(Debug, clap::Args)]
pub struct ConfigSetArgs {
    /// Which, such as gateway.bind
    #[arg(value_name = "PATH")]
    pub path: KeyPath,
    /// JSON5 if it can be read as that, otherwise the text itself; - reads a line from stdin, which keeps secrets out of the shell's history
    #[arg(value_name = "VALUE", allow_hyphen_values = true)]
    pub value: String,
    /// Accept VALUE only as JSON5
    #[arg(long, conflicts_with = "string")]
    pub strict_json: bool,
    /// Take VALUE as text, whatever it looks like
    #[arg(long)]
    pub string: bool,
    #[command(flatten)]
    pub format: Format,
}

#[derive(Debug, clap::Args)]
pub struct ConfigUnsetArgs {
    /// Which, such as gateway.trustedProxies
    #[arg(value_name = "PATH")]
    pub path: KeyPath,
    #[command(flatten)]
    pub format: Format,
}

#[derive(Debug, clap::Args)]
pub struct ConfigPatchArgs {
    /// A JSON5 merge patch: what it names is as it says, null removes [default: read it from stdin]
    #[arg(value_name = "PATCH")]
    pub patch: Option<String>,
    #[command(flatten)]
    pub format: Format,
}

#[derive(Debug, clap::Args)]
pub struct ConfigFileArgs {
    #[command(flatten)]
    pub format: Format,
}
