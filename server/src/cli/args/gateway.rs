//! `openclaw gateway …`.

use clap::error::ErrorKind;
use clap::parser::ValueSource;
use clap::{ArgMatches, Args as _, Command, CommandFactory, Subcommand};
use protocol::Secret;
use serde_json::Value;

use super::{Args, Format, StatusArgs, TargetArgs, secret};

#[derive(Debug, clap::Args)]
pub struct GatewayArgs {
    #[command(subcommand)]
    pub command: Option<GatewayCommand>,
    #[command(flatten)]
    pub run: RunArgs,
}

impl GatewayArgs {
    /// Refuses flags of `run` that stand before another command, where they would do nothing. Clap's own way to
    /// refuse them refuses `--profile` in that place as well.
    pub(super) fn refuse_lost_flags(gateway: &ArgMatches) -> Result<(), clap::Error> {
        let Some(command) = gateway.subcommand_name() else {
            return Ok(());
        };
        let run = RunArgs::augment_args(Command::new("run"));
        let typed = |id| gateway.value_source(id) == Some(ValueSource::CommandLine);
        let Some(flag) = run.get_arguments().find(|argument| typed(argument.get_id().as_str())) else {
            return Ok(());
        };
        let flag = flag.get_long().unwrap_or_default();
        let told = format!("--{flag} stands before `{command}`, where it does nothing; write it after the command");
        // With the usage of the command that was meant.
        let mut whole = Args::command();
        whole.build();
        let meant = whole.find_subcommand_mut("gateway").and_then(|gateway| gateway.find_subcommand_mut(command));
        Err(match meant {
            Some(meant) => meant.error(ErrorKind::ArgumentConflict, told),
            None => whole.error(ErrorKind::ArgumentConflict, told),
        })
    }
}

#[derive(Debug, Subcommand)]
pub enum GatewayCommand {
    /// Run the gateway in this terminal until Ctrl-C
    Run(RunArgs),
    /// Show whether the gateway runs, where, and who is connected
    Status(GatewayStatusArgs),
    /// Ask the gateway whether it is well
    Health(StatusArgs),
    /// Try every address of the gateway, and say what is reachable where
    Probe(StatusArgs),
    /// Call any method of the gateway
    Call(CallArgs),
    /// Say where the access token is set; show it, or make a new one
    AuthToken(AuthTokenArgs),
    /// Run the gateway as a service of this user, now and whenever this user's services start
    Install(InstallArgs),
    /// Start the service
    Start(Format),
    /// Stop the service, or the gateway that runs in a terminal
    Stop(Format),
    /// Restart the service, or the gateway that runs in a terminal
    Restart(Format),
    /// Remove the service; settings, devices and the log stay
    Uninstall(Format),
}

#[derive(Debug, Default, clap::Args)]
pub struct GatewayStatusArgs {
    /// Also try its port as a stranger would, and say who holds it
    #[arg(long)]
    pub deep: bool,
    #[command(flatten)]
    pub common: StatusArgs,
}

#[derive(Debug, clap::Args)]
pub struct CallArgs {
    /// The method, as in `openclaw gateway call health`
    #[arg(value_name = "METHOD")]
    pub method: String,
    /// Its parameters, a JSON object
    #[arg(long, value_name = "JSON", default_value = "{}", value_parser = object)]
    pub params: Value,
    #[command(flatten)]
    pub format: Format,
    #[command(flatten)]
    pub target: TargetArgs,
}

#[derive(Debug, Default, clap::Args)]
pub struct AuthTokenArgs {
    /// Print the token
    #[arg(long)]
    pub show: bool,
    /// Make a new token; connections that came in with the old one end
    #[arg(long, conflicts_with = "show")]
    pub rotate: bool,
    #[command(flatten)]
    pub format: Format,
}

/// Settings of the service. Secrets are none of them: a service file is no place for those.
#[derive(Debug, Default, clap::Args)]
pub struct InstallArgs {
    /// Replace the service that is there, as after an update from elsewhere
    #[arg(long)]
    pub force: bool,
    /// Port to listen on [default: gateway.port, or 18789]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u16).range(1..))]
    pub port: Option<u16>,
    #[command(flatten)]
    pub format: Format,
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
    /// Let Tailscale make it reachable: in the tailnet (serve), or for everyone (funnel) [default: gateway.tailscale.mode, or off]
    #[arg(long, value_name = "HOW", value_parser = ["off", "serve", "funnel"])]
    pub tailscale: Option<String>,
    /// First end the gateway that holds the state directory or the port
    #[arg(long)]
    pub force: bool,
    /// Log more
    #[arg(short, long)]
    pub verbose: bool,
    /// Print a one-time link for the owner's browser once the gateway runs
    #[arg(long, hide = true)]
    pub show_owner_link: bool,
}

fn object(text: &str) -> Result<Value, String> {
    let value: Value = serde_json::from_str(text).map_err(|error| error.to_string())?;
    if value.is_object() { Ok(value) } else { Err("a JSON object is expected, as in '{\"limit\": 10}'".to_owned()) }
}
