//! `openclaw gateway`: run it, or ask how it is.

use std::os::unix::process::CommandExt;
use std::process::{Command, ExitCode};

use super::args::{GatewayArgs, GatewayCommand, RunArgs};
use super::output::Failure;
use super::{Outcome, auth_token, call, health, probe, service, status};
use crate::config::{Environment, Overrides};
use crate::service::program::Invocation;
use crate::state::Ending;
use crate::{GatewayOptions, run_gateway};

pub async fn run(args: GatewayArgs, env: &Environment) -> Outcome {
    match args.command {
        None => start(args.run, env).await,
        Some(GatewayCommand::Run(run)) => start(run, env).await,
        Some(GatewayCommand::Status(args)) if args.deep => status::run(&args.common, env, status::Detail::Deep).await,
        Some(GatewayCommand::Status(args)) => status::run(&args.common, env, status::Detail::Full).await,
        Some(GatewayCommand::Health(args)) => health::run(&args, env).await,
        Some(GatewayCommand::Probe(args)) => probe::run(&args, env).await,
        Some(GatewayCommand::Call(args)) => call::run(&args, env).await,
        Some(GatewayCommand::AuthToken(args)) => auth_token::run(&args, env).await,
        Some(GatewayCommand::Install(args)) => service::install(&args, env).await,
        Some(GatewayCommand::Start(format)) => service::start(format, env).await,
        Some(GatewayCommand::Stop(format)) => service::stop(format, env).await,
        Some(GatewayCommand::Restart(format)) => service::restart(format, env).await,
        Some(GatewayCommand::Uninstall(format)) => service::uninstall(format, env).await,
    }
}

async fn start(args: RunArgs, env: &Environment) -> Outcome {
    let RunArgs { port, bind, token, auth, tailscale, force, verbose, show_owner_link } = args;
    let flags = Overrides { port, bind, token, auth, tailscale };
    match run_gateway(GatewayOptions { flags, verbose, force, show_owner_link }, env).await? {
        Ending::Stop => Ok(ExitCode::SUCCESS),
        Ending::Restart => Err(start_again(env)),
    }
}

/// Puts the program, as it is now, in the place of this process: the same arguments, terminal and number. It only
/// comes back if that fails.
fn start_again(env: &Environment) -> Failure {
    let invocation = Invocation::capture();
    let program = match invocation.program(env) {
        Ok(program) => program,
        Err(error) => return error.into(),
    };
    let words = invocation.words.iter().filter(|word| *word != "--force");
    let error = Command::new(&program).args(words).exec();
    Failure::new(format!("The gateway has stopped, but {} cannot be started again: {error}.", program.display()))
        .hint("start it with `openclaw gateway run`")
}
