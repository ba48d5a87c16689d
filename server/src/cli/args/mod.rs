//! The commands and their flags, as `--help` tells them.

use std::convert::Infallible;
use std::ffi::OsString;

use clap::{CommandFactory, FromArgMatches, Parser, Subcommand};
use protocol::Secret;

use crate::config::{Environment, Profile};

mod audit;
mod config;
mod devices;
mod doctor;
mod gateway;
mod logs;
mod nodes;
mod pairing;
mod passkeys;
mod recovery;
mod shell;

pub use audit::*;
pub use config::*;
pub use devices::*;
pub use doctor::*;
pub use gateway::*;
pub use logs::*;
pub use nodes::*;
pub use pairing::*;
pub use passkeys::*;
pub use recovery::*;
pub use shell::*;

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
    /// Print without colours and bold letters, as the environment variable `NO_COLOR` does
    #[arg(long, global = true)]
    pub no_color: bool,
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
    /// Reads what was typed, the program's name first.
    pub fn read(typed: impl IntoIterator<Item = impl Into<OsString> + Clone>) -> Result<Self, clap::Error> {
        let matches = Self::command().try_get_matches_from(typed)?;
        if let Some(("gateway", gateway)) = matches.subcommand() {
            GatewayArgs::refuse_lost_flags(gateway)?;
        }
        Self::from_arg_matches(&matches)
    }

    /// Whether it can be left to the owner of the state directory where root runs it. The doctor needs root's
    /// rights to give files back.
    pub fn is_for_the_owner(&self) -> bool {
        !matches!(self.command, Command::Doctor(_))
    }

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
    /// Print a script that lets your shell complete commands: `source <(openclaw completion bash)`
    Completion(CompletionArgs),
    /// Look at and change the settings
    Config(ConfigArgs),
    /// Walk through the settings that matter, and change them
    ///
    /// Nothing is written before the last question. Where there is no terminal, use `openclaw config set`.
    Configure,
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
    /// Devices by an older name, see `openclaw devices`
    Pairing(PairingArgs),
    /// List the passkeys that the Control UI asks for, and forget one
    Passkeys(PasskeysArgs),
    /// Show what was decided about devices and settings, by whom and from where
    ///
    /// Nothing in it is ever changed; the oldest of more than 10 000 decisions are forgotten.
    Audit(AuditArgs),
    /// Find what keeps devices out, and repair it
    ///
    /// Ends with 0 when nothing is wrong, or everything could be repaired; with 1 while something remains.
    Doctor(DoctorArgs),
    /// Show a QR code that lets one phone in
    ///
    /// The code works once, for ten minutes, and holds the gateway's address and a one-time code; never the access token.
    Qr(QrArgs),
    /// Make this machine a node with a join link or a setup code, and run it
    Connect(ConnectArgs),
    /// Print the manual page, or write one for every command
    Man(ManArgs),
    /// Offer this machine to a gateway as a node
    Node(NodeArgs),
    /// List, approve and use the nodes of the gateway
    Nodes(NodesArgs),
    /// Say where chat channels are looked after, which is not here
    Channels(OtherArgs),
    /// Say how this program is brought up to date
    Update(OtherArgs),
    /// Make, check and restore backups of this gateway
    Backup(BackupArgs),
    /// Take over the paired devices of an OpenClaw installation on this machine
    ///
    /// Its files are only read. Devices that this gateway knows already stay as they are, so it can be run twice.
    Migrate(MigrateArgs),
    /// Write the paired devices as OpenClaw's own files
    Export(ExportArgs),
    /// Throw everyone out and replace every secret, at once
    ///
    /// Closes every connection, revokes every device but this machine's own command line, deletes waiting requests
    /// and one-time codes, and replaces the access token and the server key. The records of the devices stay.
    Panic(PanicArgs),
}

#[derive(Debug, Default, clap::Args)]
pub struct StatusArgs {
    #[command(flatten)]
    pub format: Format,
    #[command(flatten)]
    pub target: TargetArgs,
}

/// A command of other versions of OpenClaw. It is understood, whatever its words, and answered with what to do.
#[derive(Debug, Default, clap::Args)]
#[command(disable_help_flag = true)]
pub struct OtherArgs {
    #[arg(value_name = "WORDS", trailing_var_arg = true, allow_hyphen_values = true)]
    pub words: Vec<String>,
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
    use super::*;

    fn parse(line: &str) -> Result<Args, clap::Error> {
        Args::read(line.split_whitespace())
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
            "openclaw gateway --profile work status",
            "openclaw gateway --dev status",
            "openclaw gateway --tailscale serve --force",
            "openclaw status",
            "openclaw dashboard --no-open",
            "openclaw audit --verify",
            "openclaw audit --json --action approved --about abcd",
            "openclaw audit --export decisions.jsonl",
            "openclaw doctor",
            "openclaw doctor --fix",
            "openclaw qr",
            "openclaw qr --limited --public-url https://gateway.example.com",
            "openclaw qr --setup-code-only",
            "openclaw devices join-code --json",
            "openclaw devices list",
            "openclaw devices list --json",
            "openclaw devices list --json=flat",
            "openclaw devices approve --match otter-lamp-river-stone",
            "openclaw devices clear --yes",
            "openclaw devices clear --yes --pending",
            "openclaw devices block abcd",
            "openclaw devices block --device abcd --address",
            "openclaw devices unblock abcd",
            "openclaw devices blocked --json",
            "openclaw devices watch",
            "openclaw devices explain abcd --json",
            "openclaw pairing list",
            "openclaw pairing list --channel discord",
            "openclaw pairing approve discord ABCD1234",
            "openclaw pairing approve --channel discord ABCD1234",
            "openclaw pairing approve abcd",
            "openclaw devices approve",
            "openclaw devices approve dev_a1b2c3d4",
            "openclaw devices approve --latest",
            "openclaw devices revoke abcd",
            "openclaw devices revoke --device abcd --role operator",
            "openclaw devices rotate abcd operator",
            "openclaw devices rename abcd Kitchen tablet",
            "openclaw devices rename --device abcd --name Kitchen",
            "openclaw devices list --url wss://gateway.example.com --token t",
            "openclaw config get gateway.auth.token",
            "openclaw config set gateway.controlUi.allowInsecureAuth true",
            "openclaw config set list[0] -5",
            "openclaw configure",
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
            "openclaw devices approve --match a-b-c-d --latest",
            "openclaw devices list --json flat",
            "openclaw devices list --json=tree",
            "openclaw devices block",
            "openclaw devices remove",
            "openclaw devices remove abcd --device abcd",
            "openclaw devices rotate",
            "openclaw devices rotate abcd boss",
            "openclaw devices rotate abcd node --role node",
            "openclaw gateway --bind everywhere",
            "openclaw gateway --port 65536",
            "openclaw gateway --port 19000 status",
            "openclaw gateway --force --profile work restart",
            "openclaw --profile ../x status",
            "openclaw --profile work --dev status",
            "openclaw gateway auth-token --show --rotate",
            "openclaw gateway install --token t",
            "openclaw devices list --token t --password p",
            "openclaw audit --action guessed",
            "openclaw audit --verify --export x",
            "openclaw config set gateway.port",
            "openclaw config get gateway..port",
            "openclaw config unset",
            "openclaw completion tcsh",
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
