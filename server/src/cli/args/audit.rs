//! `openclaw audit`.

use std::path::PathBuf;

use protocol::audit::AuditAction;

use super::{Format, TargetArgs};

#[derive(Debug, Default, clap::Args)]
pub struct AuditArgs {
    /// Check that nothing was changed or taken out; ends with 1 if something was
    #[arg(long, conflicts_with = "export")]
    pub verify: bool,
    /// Write everything that fits, oldest first, to a file with one JSON object per line; - is standard output
    #[arg(long, value_name = "FILE")]
    pub export: Option<PathBuf>,
    /// How many decisions to show, the newest first
    #[arg(short = 'n', long, value_name = "N", default_value_t = 50, value_parser = clap::value_parser!(u64).range(1..=10_000))]
    pub limit: u64,
    /// Only decisions of this kind; may be given several times
    #[arg(long = "action", value_name = "KIND", value_parser = action)]
    pub actions: Vec<String>,
    /// Only decisions about this device: its id, or how that begins
    #[arg(long, value_name = "DEVICE")]
    pub about: Option<String>,
    /// Only decisions by owner, program, policy, file, or a device: its id, or how that begins
    #[arg(long, value_name = "WHO")]
    pub by: Option<String>,
    /// Only decisions with this text in a name, an id, an address or a detail
    #[arg(long, value_name = "TEXT")]
    pub search: Option<String>,
    #[command(flatten)]
    pub format: Format,
    #[command(flatten)]
    pub target: TargetArgs,
}

fn action(text: &str) -> Result<String, String> {
    let names = || AuditAction::ALL.iter().map(|action| action.as_str()).collect::<Vec<_>>().join(", ");
    AuditAction::parse(text).map(|action| action.as_str().to_owned()).ok_or_else(|| format!("use one of {}", names()))
}
