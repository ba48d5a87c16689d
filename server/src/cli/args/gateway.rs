//! `openclaw gateway …`.

use clap::Subcommand;
use protocol::Secret;

use super::{StatusArgs, secret};

#[derive(Debug, clap::Args)]
#[command(args_conflicts_with_subcommands = true)]
pub struct GatewayArgs {
    #[command(subcommand)]
    pub command: Option<GatewayCommand>,
    #[command(flatten)]
    pub run: RunArgs,
}

#[derive(Debug, Subcommand)]
pub enum GatewayCommand {
    /// Run the gateway in this terminal until Ctrl-C
    Run(RunArgs),
    /// Show whether the gateway runs, where, and who is connected
    Status(StatusArgs),
}

#[derive(Debug, Default, clap::Args)]
pub struct RunArgs {
    /// Port to listen on; 0 takes a free one [default: gateway.port, or 18789]
    #[arg(long, value_name = "N")]
    pub port: Option<u16>,
    /// Who can reach it: this machine (loopback, auto), every network (lan), the tailnet, or gateway.customBindHost (custom) [default: gateway.bind, or loopback]
    #[arg(long, value_name = "WHERE", value_parser = ["loopback", "lan", "tailnet", "auto", "custom"])]
    pub bind: Option<String>,
    /// Access token that devices show to ask for access, for this run [default: gateway.auth.token, made on first start]
    #[arg(long, value_name = "TOKEN", value_parser = secret)]
    pub token: Option<Secret>,
    /// Which secret devices show [default: gateway.auth.mode, or token]
    #[arg(long, value_name = "MODE", value_parser = ["token", "password"])]
    pub auth: Option<String>,
    /// Log more
    #[arg(short, long)]
    pub verbose: bool,
    /// Print a one-time link for the owner's browser once the gateway runs
    #[arg(long, hide = true)]
    pub show_owner_link: bool,
}
