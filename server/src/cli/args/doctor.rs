//! `openclaw doctor`.

use super::Format;

#[derive(Debug, Default, clap::Args)]
pub struct DoctorArgs {
    /// Repair what can be repaired; nothing is deleted, and no pairing is touched
    #[arg(long, alias = "repair")]
    pub fix: bool,
    /// As scripts for OpenClaw say it; this doctor never asks
    #[arg(long, hide = true, alias = "yes")]
    pub non_interactive: bool,
    #[command(flatten)]
    pub format: Format,
}
