//! `openclaw health`: one question, one answer, and an exit code for monitors.

use std::process::ExitCode;

use protocol::Method;
use protocol::role::READ;
use serde_json::Value;

use super::Outcome;
use super::args::StatusArgs;
use super::output::{Failure, data, duration, json, shown};
use super::target::Target;
use crate::config::Environment;

pub async fn run(args: &StatusArgs, env: &Environment) -> Outcome {
    let target = Target::new(&args.target, env)?;
    let mut connection = target.open(&[READ]).await?;
    let health = connection.call(Method::Health.name(), ()).await?;
    let hello = connection.hello();
    let words = format!(
        "The gateway is well: version {}, up {}",
        shown(&hello.server.version),
        duration(hello.snapshot.uptime_ms / 1000)
    );
    connection.close().await;
    let is_well = health.get("ok").and_then(Value::as_bool) == Some(true);
    if args.format.json {
        json(&health);
        return Ok(if is_well { ExitCode::SUCCESS } else { ExitCode::FAILURE });
    }
    if !is_well {
        return Err(
            Failure::new("The gateway says that it is not well.").hint(format!("see `{}`", target.command("logs")))
        );
    }
    data(&words);
    Ok(ExitCode::SUCCESS)
}
