//! The command line. On the gateway's own machine every command speaks over the owner socket, which needs
//! no pairing and no secret; with `--url` it is a device like any other.

pub mod args;
mod connect;
mod dashboard;
mod devices;
mod doctor;
mod gateway;
mod greeting;
mod listing;
mod node;
mod nodes;
mod nodes_listing;
mod output;
mod qr;
mod select;
mod status;
mod target;

use std::process::ExitCode;

use self::args::{Args, Command};
use self::output::Failure;
use crate::config::Environment;
use crate::owner;

pub use self::greeting::greet;

/// Runs one command: 0 when it did its job, 1 when it was refused or failed. Misuse ended before, with 2.
pub async fn run(args: Args, env: &Environment) -> ExitCode {
    let done = match args.command {
        Command::Gateway(args) => gateway::run(args, env).await,
        Command::Status(args) => status::run(&args, env, status::Detail::Short).await,
        Command::Connect(args) => connect::run(&args, env).await,
        Command::Dashboard(args) => dashboard::run(&args, env).await,
        Command::Devices(args) => devices::run(args.command, env).await,
        Command::Doctor(args) => doctor::run(&args, env).await,
        Command::Node(args) => node::run(args.command, env).await,
        Command::Nodes(args) => nodes::run(args.command, env).await,
        Command::Qr(args) => qr::run(&args, env).await,
    };
    done.unwrap_or_else(|failure| failure.report())
}

/// Root goes on as the owner of the state directory; the end of the program where it cannot.
pub fn step_down(args: &Args, env: &Environment) -> Result<(), ExitCode> {
    if !args.is_for_the_owner() {
        return Ok(());
    }
    owner::step_down(env).map_err(|error| Failure::from(error).report())
}

/// What a command came to.
type Outcome = Result<ExitCode, Failure>;
