//! `openclaw gateway`: run it, or ask how it is.

use std::process::ExitCode;

use super::args::{GatewayArgs, GatewayCommand, RunArgs};
use super::{Outcome, status};
use crate::config::Environment;
use crate::{GatewayOptions, run_gateway};

pub async fn run(args: GatewayArgs, env: &Environment) -> Outcome {
    match args.command {
        None => start(args.run, env).await,
        Some(GatewayCommand::Run(run)) => start(run, env).await,
        Some(GatewayCommand::Status(args)) => status::run(&args, env, status::Detail::Full).await,
    }
}

async fn start(args: RunArgs, env: &Environment) -> Outcome {
    let RunArgs { port, bind, token, auth, verbose, show_owner_link } = args;
    run_gateway(GatewayOptions { port, bind, token, auth, verbose, show_owner_link }, env).await?;
    Ok(ExitCode::SUCCESS)
}
