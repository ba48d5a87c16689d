//! The command line. On the gateway's own machine every command speaks over the owner socket, which needs
//! no pairing and no secret; with `--url` it is a device like any other.

mod amounts;
pub mod args;
mod audit;
mod auth_token;
mod backup;
mod call;
mod columns;
mod config;
mod configure;
mod connect;
mod dashboard;
mod deep;
mod devices;
mod doctor;
mod failure;
mod flat;
mod gateway;
mod greeting;
mod health;
mod listing;
mod logs;
mod migrate;
mod node;
mod nodes;
mod nodes_listing;
mod other;
mod output;
mod pairing;
mod panic;
mod passkeys;
mod probe;
mod progress;
mod prompt;
mod qr;
mod select;
mod service;
mod settings_file;
mod shell;
mod status;
mod style;
mod target;
mod text;
mod typed;

use std::process::ExitCode;

use self::args::{Args, Command};
use self::output::Failure;
use crate::config::{Environment, Profile};
use crate::owner;

pub use self::greeting::greet;

/// Runs one command: 0 when it did its job, 1 when it was refused or failed. Misuse ended before, with 2.
pub async fn run(args: Args, env: &Environment) -> ExitCode {
    typed::for_profile(Profile::selected(env).ok().flatten());
    if args.no_color {
        style::without_color();
    }
    let done = match args.command {
        Command::Gateway(args) => gateway::run(args, env).await,
        Command::Update(_) => Err(other::update()),
        Command::Health(args) => health::run(&args, env).await,
        Command::Logs(args) => logs::run(&args, env).await,
        Command::Status(args) => status::run(&args, env, status::Detail::Short).await,
        Command::Completion(args) => Ok(shell::completion(&args)),
        Command::Config(args) => config::run(args.command, env).await,
        Command::Configure => configure::run(env).await,
        Command::Channels(args) => Err(other::channels(&args)),
        Command::Backup(args) => backup::run(args.command, env).await,
        Command::Connect(args) => connect::run(&args, env).await,
        Command::Dashboard(args) => dashboard::run(&args, env).await,
        Command::Devices(args) => devices::run(args.command, env).await,
        Command::Export(args) => migrate::export(&args, env).await,
        Command::Migrate(args) => migrate::run(&args, env).await,
        Command::Man(args) => shell::man(&args),
        Command::Audit(args) => audit::run(&args, env).await,
        Command::Doctor(args) => doctor::run(&args, env).await,
        Command::Node(args) => node::run(args.command, env).await,
        Command::Nodes(args) => nodes::run(args.command, env).await,
        Command::Pairing(args) => pairing::run(args, env).await,
        Command::Panic(args) => panic::run(&args, env).await,
        Command::Passkeys(args) => passkeys::run(args.command, env).await,
        Command::Qr(args) => qr::run(&args, env).await,
    };
    done.unwrap_or_else(|failure| failure.report())
}

/// Root goes on as the owner of the state directory; the end of the program where it cannot.
pub fn step_down(args: &Args, env: &Environment) -> Result<(), ExitCode> {
    typed::for_profile(Profile::selected(env).ok().flatten());
    if !args.is_for_the_owner() {
        return Ok(());
    }
    owner::step_down(env).map_err(|error| Failure::from(error).report())
}

/// What a command came to.
type Outcome = Result<ExitCode, Failure>;
