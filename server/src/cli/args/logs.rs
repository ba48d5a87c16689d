//! `openclaw logs`.

use super::{Format, TargetArgs};

#[derive(Debug, Default, clap::Args)]
pub struct LogsArgs {
    /// Go on and show what is logged from now on
    #[arg(short, long)]
    pub follow: bool,
    /// How many lines to begin with
    #[arg(short = 'n', long, value_name = "N", default_value_t = 200, value_parser = clap::value_parser!(u64).range(1..=5000))]
    pub limit: u64,
    /// How often to look with --follow
    #[arg(long, value_name = "MILLISECONDS", default_value_t = 1000, value_parser = clap::value_parser!(u64).range(50..))]
    pub interval: u64,
    #[command(flatten)]
    pub format: Format,
    #[command(flatten)]
    pub target: TargetArgs,
}
