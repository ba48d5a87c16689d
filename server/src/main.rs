//! The one program: gateway, command line and node host.

use std::process::ExitCode;

use server::cli::{self, args::Args};
use server::config::Environment;

fn main() -> ExitCode {
    let args = Args::read(std::env::args_os()).unwrap_or_else(|error| error.exit());
    let env = args.which.environment(&Environment::capture());
    if let Err(end) = cli::step_down(&args, &env) {
        return end;
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
