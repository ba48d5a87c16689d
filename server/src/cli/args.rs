//! The commands and their flags, as `--help` tells them.

use std::convert::Infallible;

use clap::{Parser, Subcommand};
use protocol::{Role, Secret};

/// The whole command line.
#[derive(Debug, Parser)]
#[command(name = "openclaw", version, long_about = None)]
#[command(
    about = "An OpenClaw gateway: reach this machine from browsers, phones and other machines, and decide who may"
)]
pub struct Args {
    #[command(subcommand)]
    pub command: Command,
}

impl Args {
    /// Whether this starts a gateway. Everything else asks one, and gets by with one thread.
    pub fn runs_gateway(&self) -> bool {
        match &self.command {
            Command::Gateway(gateway) => {
                gateway.command.is_none() || matches!(gateway.command, Some(GatewayCommand::Run(_)))
            }
            Command::Dashboard(_) | Command::Devices(_) | Command::Qr(_) | Command::Status(_) => false,
        }
    }
}

#[derive(Debug, Subcommand)]
pub enum Command {
    /// Run the gateway, or ask how it is
    ///
    /// Without a command this is `openclaw gateway run`.
    Gateway(GatewayArgs),
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
}

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

#[derive(Debug, clap::Args)]
pub struct DevicesArgs {
    #[command(subcommand)]
    pub command: DevicesCommand,
}

#[derive(Debug, Subcommand)]
pub enum DevicesCommand {
    /// List the devices that wait and those that are paired
    List(ListArgs),
    /// Let a waiting device in
    ///
    /// With an id this approves at once. Without one, or with --latest, it shows the newest request and asks;
    /// where nobody can be asked (no terminal), it approves nothing, prints the command that would, and
    /// exits 1.
    Approve(ApproveArgs),
    /// Turn a waiting device away
    Reject(RejectArgs),
    /// Make a URL by which one machine joins as a node
    ///
    /// It works once, for ten minutes. Whoever has it is in, so send it only to that machine.
    JoinCode(ListArgs),
    /// Forget a paired device and disconnect it
    Remove(RemoveArgs),
    /// Give a paired device a name
    Rename(RenameArgs),
    /// Give a device a new token and disconnect it; its old token stops working
    Rotate(TokenArgs),
    /// Take a device's token away and disconnect it; it has to be approved again
    Revoke(TokenArgs),
}

#[derive(Debug, clap::Args)]
pub struct ListArgs {
    #[command(flatten)]
    pub format: Format,
    #[command(flatten)]
    pub target: TargetArgs,
}

#[derive(Debug, clap::Args)]
pub struct ApproveArgs {
    /// The request's id or its device's id, or the first 4 or more characters of either, as `openclaw devices list` shows them
    #[arg(value_name = "ID")]
    pub id: Option<String>,
    /// Show the newest request and ask
    #[arg(long, conflicts_with = "id")]
    pub latest: bool,
    #[command(flatten)]
    pub format: Format,
    #[command(flatten)]
    pub target: TargetArgs,
}

#[derive(Debug, clap::Args)]
pub struct RejectArgs {
    /// The request's id or its device's id, or the first 4 or more characters of either
    #[arg(value_name = "ID")]
    pub id: String,
    #[command(flatten)]
    pub format: Format,
    #[command(flatten)]
    pub target: TargetArgs,
}

#[derive(Debug, clap::Args)]
pub struct RemoveArgs {
    #[command(flatten)]
    pub device: DeviceArg,
    #[command(flatten)]
    pub format: Format,
    #[command(flatten)]
    pub target: TargetArgs,
}

/// A device, as the first argument or as --device.
#[derive(Debug, clap::Args)]
#[group(required = true, multiple = false)]
pub struct DeviceArg {
    /// The device's id, the first 4 or more characters of it, or its name
    #[arg(value_name = "DEVICE")]
    id: Option<String>,
    /// The same, as an option
    #[arg(long = "device", value_name = "DEVICE")]
    device: Option<String>,
}

impl DeviceArg {
    pub fn text(&self) -> &str {
        self.id.as_deref().or(self.device.as_deref()).unwrap_or_default()
    }
}

#[derive(Debug, clap::Args)]
pub struct RenameArgs {
    /// The device's id, the first 4 or more characters of it, or its present name
    #[arg(value_name = "DEVICE", required_unless_present = "device")]
    positional: Vec<String>,
    /// The device, as an option
    #[arg(long, value_name = "DEVICE")]
    device: Option<String>,
    /// The new name, as an option
    #[arg(long, value_name = "NAME")]
    name: Option<String>,
    #[command(flatten)]
    pub format: Format,
    #[command(flatten)]
    pub target: TargetArgs,
}

impl RenameArgs {
    /// The device and its new name, or what is missing.
    pub fn device_and_name(&self) -> Result<(String, String), &'static str> {
        let mut words = self.positional.iter().map(String::as_str);
        let device = self.device.as_deref().or_else(|| words.next()).ok_or("No device was named.")?;
        let rest = words.collect::<Vec<_>>().join(" ");
        let name = match &self.name {
            Some(_) if !rest.is_empty() => return Err("The new name was given twice."),
            Some(name) => name.clone(),
            None => rest,
        };
        if name.trim().is_empty() { Err("No new name was given.") } else { Ok((device.to_owned(), name)) }
    }
}

#[derive(Debug, clap::Args)]
pub struct TokenArgs {
    /// The device's id, the first 4 or more characters of it, or its name
    #[arg(value_name = "DEVICE", required_unless_present = "device", conflicts_with = "device")]
    id: Option<String>,
    /// The role whose token is meant [default: the device's only one]
    #[arg(value_name = "ROLE", value_parser = role, conflicts_with_all = ["device", "role"])]
    id_role: Option<Role>,
    /// The device, as an option
    #[arg(long, value_name = "DEVICE")]
    device: Option<String>,
    /// The role, as an option
    #[arg(long, value_name = "ROLE", value_parser = role)]
    role: Option<Role>,
    #[command(flatten)]
    pub format: Format,
    #[command(flatten)]
    pub target: TargetArgs,
}

impl TokenArgs {
    pub fn device(&self) -> &str {
        self.id.as_deref().or(self.device.as_deref()).unwrap_or_default()
    }

    pub fn role(&self) -> Option<Role> {
        self.id_role.or(self.role)
    }
}

#[expect(clippy::unnecessary_wraps, reason = "clap's parsers return results")]
fn secret(text: &str) -> Result<Secret, Infallible> {
    Ok(Secret::new(text))
}

fn role(text: &str) -> Result<Role, &'static str> {
    Role::parse(text).ok_or("a role is `operator` or `node`")
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
    }

    #[test]
    fn the_commands_of_the_guides_parse_as_written() {
        for line in [
            "openclaw gateway",
            "openclaw gateway status",
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
