//! `openclaw backup …`, `openclaw migrate`, `openclaw export` and `openclaw panic`.

use std::path::PathBuf;

use clap::Subcommand;

use super::Format;

#[derive(Debug, clap::Args)]
pub struct BackupArgs {
    #[command(subcommand)]
    pub command: BackupCommand,
}

#[derive(Debug, Subcommand)]
pub enum BackupCommand {
    /// Write everything that makes this gateway itself into one file
    ///
    /// Works while the gateway runs. The file holds keys and the access token: keep it where only you can read it.
    Create(CreateArgs),
    /// Check that a backup is whole and can be restored
    Verify(VerifyArgs),
    /// Put a backup back in place; the gateway must be stopped
    ///
    /// Everything is checked before anything changes. What is replaced is moved aside, never deleted.
    Restore(RestoreArgs),
}

#[derive(Debug, clap::Args)]
pub struct CreateArgs {
    /// The file to write, which must not be there yet [default: openclaw-backup-<time>.tar here]
    #[arg(long, short, value_name = "FILE")]
    pub out: Option<PathBuf>,
    #[command(flatten)]
    pub format: Format,
}

#[derive(Debug, clap::Args)]
pub struct VerifyArgs {
    /// The backup
    #[arg(value_name = "FILE")]
    pub file: PathBuf,
    #[command(flatten)]
    pub format: Format,
}

#[derive(Debug, clap::Args)]
pub struct RestoreArgs {
    /// The backup
    #[arg(value_name = "FILE")]
    pub file: PathBuf,
    /// Do not ask
    #[arg(long, short)]
    pub yes: bool,
    #[command(flatten)]
    pub format: Format,
}

#[derive(Debug, clap::Args)]
pub struct MigrateArgs {
    /// The state directory of OpenClaw [default: this gateway's own]
    #[arg(long, value_name = "DIR")]
    pub from: Option<PathBuf>,
    /// Only say what would happen
    #[arg(long)]
    pub dry_run: bool,
    #[command(flatten)]
    pub format: Format,
}

#[derive(Debug, clap::Args)]
pub struct ExportArgs {
    /// The directory to write to [default: openclaw-export-<time> here]
    #[arg(long, short, value_name = "DIR")]
    pub out: Option<PathBuf>,
    #[command(flatten)]
    pub format: Format,
}

#[derive(Debug, clap::Args)]
pub struct PanicArgs {
    /// Do not ask
    #[arg(long, short)]
    pub yes: bool,
    #[command(flatten)]
    pub format: Format,
}
