//! The one program: gateway, command line and node host.

use std::process::ExitCode;

use clap::Parser;
use server::cli::{self, args::Args};
use server::config::{Environment, Paths};
use server::ownership;

fn main() -> ExitCode {
    let args = Args::parse();
    let env = args.which.environment(&Environment::capture());
    // Where the state directory is unknown, the command itself says so.
    if let Ok(paths) = Paths::resolve(&env)
        && let Err(error) = ownership::work_as_owner_of(&paths.state_dir)
    {
        eprintln!("error: This process cannot work as the owner of {}: {error}", paths.state_dir.display());
        return ExitCode::FAILURE;
    }
    // A command asks one question; threads would only make it slower.
    let mut runtime = if args.runs_gateway() {
        tokio::runtime::Builder::new_multi_thread()
    } else {
        tokio::runtime::Builder::new_current_thread()
    };
    match runtime.enable_all().build() {
        Ok(runtime) => runtime.block_on(cli::run(args, &env)),
        Err(error) => {
            eprintln!("The program cannot start: {error}");
            ExitCode::FAILURE
        }
    }
}
