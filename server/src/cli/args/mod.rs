//! The commands and their flags, as `--help` tells them.

use std::convert::Infallible;

use clap::{Parser, Subcommand};
use protocol::Secret;

use crate::config::{Environment, Profile};

mod devices;
mod gateway;
mod logs;
mod nodes;

pub use devices::*;
pub use gateway::*;
pub use logs::*;
pub use nodes::*;

/// The whole command line.
#[derive(Debug, Parser)]
#[command(name = "openclaw", version, long_about = None)]
#[command(
    about = "An OpenClaw gateway: reach this machine from browsers, phones and other machines, and decide who may"
)]
pub struct Args {
    #[command(flatten)]
    pub which: WhichGateway,
    #[command(subcommand)]
    pub command: Command,
}

/// Which of this user's gateways is meant. May stand before or after the command.
#[derive(Debug, Clone, Default, clap::Args)]
#[command(next_help_heading = "Several gateways on this machine")]
pub struct WhichGateway {
    /// Use the gateway of this profile: its files are in ~/.openclaw-NAME, its port and its service are its own
    #[arg(long, global = true, value_name = "NAME")]
    pub profile: Option<Profile>,
    /// The same as --profile dev, on port 19001
    #[arg(long, global = true, conflicts_with = "profile")]
    pub dev: bool,
}

impl WhichGateway {
    /// The environment as this gateway sees it.
    pub fn environment(&self, env: &Environment) -> Environment {
        let dev = self.dev.then(Profile::dev);
        self.profile.as_ref().or(dev.as_ref()).map_or_else(|| env.clone(), |profile| env.with_profile(profile))
    }
}

impl Args {
    /// Whether this starts a gateway. Everything else asks one, and gets by with one thread.
    pub fn runs_gateway(&self) -> bool {
        let Command::Gateway(gateway) = &self.command else {
            return false;
        };
        matches!(gateway.command, None | Some(GatewayCommand::Run(_)))
    }
}

#[derive(Debug, Subcommand)]
pub enum Command {
    /// Run the gateway, look after its service, ask how it is
    ///
    /// Without a command this is `openclaw gateway run`.
    Gateway(GatewayArgs),
    /// Ask the gateway whether it is well
    Health(StatusArgs),
    /// Show the gateway's log
    Logs(LogsArgs),
    /// Show the gateway, its devices and who waits
    Status(StatusArgs),
    /// Open the Control UI with a one-time link for its owner
    Dashboard(DashboardArgs),
    /// List, approve and manage devices
    Devices(DevicesArgs),
    /// Show a QR code that lets one phone in
    ///
    /// The code works once, for ten minutes, and holds the gateway's address and a one-time code; never the access token.
    Qr(QrArgs),
    /// Make this machine a node with a join link or a setup code, and run it
    Connect(ConnectArgs),
    /// Offer this machine to a gateway as a node
    Node(NodeArgs),
    /// List, approve and use the nodes of the gateway
    Nodes(NodesArgs),
}

#[derive(Debug, Default, clap::Args)]
pub struct StatusArgs {
    #[command(flatten)]
    pub format: Format,
    #[command(flatten)]
    pub target: TargetArgs,
}

#[derive(Debug, Default, clap::Args)]
pub struct DashboardArgs {
    /// Print the link, but open no browser
    #[arg(long)]
    pub no_open: bool,
    #[command(flatten)]
    pub format: Format,
}

#[derive(Debug, Clone, Copy, Default, clap::Args)]
pub struct Format {
    /// Print JSON for scripts
    #[arg(long)]
    pub json: bool,
}

/// Which gateway to ask. On its own machine none of this is needed.
#[derive(Debug, Clone, Default, clap::Args)]
#[command(next_help_heading = "Another gateway")]
pub struct TargetArgs {
    /// Ask the gateway at this address, as a device of its own, instead of the one on this machine
    #[arg(long, value_name = "ws(s)://HOST:PORT")]
    pub url: Option<String>,
    /// The access token of the gateway at --url
    #[arg(long, value_name = "TOKEN", value_parser = secret, conflicts_with = "password")]
    pub token: Option<Secret>,
    /// The password of the gateway at --url
    #[arg(long, value_name = "PASSWORD", value_parser = secret)]
    pub password: Option<Secret>,
    /// How long to wait for an answer; waiting for an approval is not counted
    #[arg(long, value_name = "SECONDS", default_value_t = 10, value_parser = clap::value_parser!(u64).range(1..))]
    pub timeout: u64,
}

#[derive(Debug, Default, clap::Args)]
pub struct QrArgs {
    /// The address at which the phone reaches the gateway [default: plugins.entries.device-pair.config.publicUrl, or this machine's own where gateway.bind allows it]
    #[arg(long, value_name = "https://HOST")]
    pub public_url: Option<String>,
    /// Let it do everything but change settings
    #[arg(long)]
    pub limited: bool,
    /// Show the code of a link for the phone's browser instead of the code for the app; needs an https address
    #[arg(long, conflicts_with = "setup_code_only")]
    pub page: bool,
    /// Print the setup code and nothing else
    #[arg(long)]
    pub setup_code_only: bool,
    #[command(flatten)]
    pub format: Format,
    #[command(flatten)]
    pub target: TargetArgs,
}

#[expect(clippy::unnecessary_wraps, reason = "clap's parsers return results")]
pub(super) fn secret(text: &str) -> Result<Secret, Infallible> {
    Ok(Secret::new(text))
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory;

    use super::*;

    fn parse(line: &str) -> Result<Args, clap::Error> {
        Args::try_parse_from(line.split_whitespace())
    }

    #[track_caller]
    fn runs(line: &str, expected: bool) {
        assert_eq!(parse(line).unwrap().runs_gateway(), expected, "{line}");
    }

    #[test]
    fn the_definition_is_sound() {
        Args::command().debug_assert();
    }

    #[test]
    fn gateway_alone_runs_it() {
        runs("openclaw gateway", true);
        runs("openclaw gateway --port 19000 --verbose", true);
        runs("openclaw gateway run --bind lan", true);
        runs("openclaw gateway status --json", false);
        runs("openclaw devices list", false);
        runs("openclaw status", false);
        runs("openclaw --profile work gateway", true);
        runs("openclaw gateway --dev", true);
        runs("openclaw gateway restart", false);
    }

    #[test]
    fn the_commands_of_the_guides_parse_as_written() {
        for line in [
            "openclaw gateway",
            "openclaw gateway status",
            "openclaw gateway install --force",
            "openclaw gateway restart",
            "openclaw logs --follow",
            "openclaw health --json",
            "openclaw gateway call devices.list --params {}",
            "openclaw --profile work gateway status --deep",
            "openclaw gateway status --profile work",
            "openclaw gateway --tailscale serve --force",
            "openclaw status",
            "openclaw dashboard --no-open",
            "openclaw qr",
            "openclaw qr --limited --public-url https://gateway.example.com",
            "openclaw qr --setup-code-only",
            "openclaw devices join-code --json",
            "openclaw devices list",
            "openclaw devices list --json",
            "openclaw devices approve",
            "openclaw devices approve dev_a1b2c3d4",
            "openclaw devices approve --latest",
            "openclaw devices revoke abcd",
            "openclaw devices revoke --device abcd --role operator",
            "openclaw devices rotate abcd operator",
            "openclaw devices rename abcd Kitchen tablet",
            "openclaw devices rename --device abcd --name Kitchen",
            "openclaw devices list --url wss://gateway.example.com --token t",
        ] {
            assert!(parse(line).is_ok(), "{line}");
        }
    }

    #[test]
    fn misuse_is_refused_before_anything_happens() {
        for line in [
            "openclaw",
            "openclaw devices",
            "openclaw devices approve abcd --latest",
            "openclaw devices remove",
            "openclaw devices remove abcd --device abcd",
            "openclaw devices rotate",
            "openclaw devices rotate abcd boss",
            "openclaw devices rotate abcd node --role node",
            "openclaw gateway --bind everywhere",
            "openclaw gateway --port 65536",
            "openclaw --profile ../x status",
            "openclaw --profile work --dev status",
            "openclaw gateway auth-token --show --rotate",
            "openclaw gateway install --token t",
            "openclaw devices list --token t --password p",
        ] {
            assert!(parse(line).is_err(), "{line}");
        }
    }

    #[test]
    fn a_new_name_may_have_several_words_but_only_one_place() {
        let named = |line: &str| {
            let Command::Devices(DevicesArgs { command: DevicesCommand::Rename(args) }) = parse(line).unwrap().command
            else {
                panic!("not a rename: {line}");
            };
            args.device_and_name()
        };
        let kitchen = Ok(("abcd".to_owned(), "Kitchen tablet".to_owned()));
        assert_eq!(named("openclaw devices rename abcd Kitchen tablet"), kitchen);
        assert_eq!(named("openclaw devices rename --device abcd Kitchen tablet"), kitchen);
        assert!(named("openclaw devices rename abcd").is_err());
        assert!(named("openclaw devices rename abcd Kitchen --name Bath").is_err());
    }
}
