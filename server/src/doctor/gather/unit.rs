//! The service that starts the gateway of this state directory.

use std::path::PathBuf;

use protocol::Secret;

use crate::config::{Environment, Paths};
use crate::doctor::facts::{GivenByUnit, Unit};
use crate::service::program::Invocation;
use crate::service::{Inspection, inspect};

pub async fn find(env: &Environment, paths: &Paths) -> Option<Unit> {
    let program = Invocation::capture().program(env).ok()?;
    let found = inspect(env, &program).await.ok().flatten()?;
    found.installed.is_for(env, &paths.state_dir).then(|| read(found))
}

fn read(found: Inspection) -> Unit {
    let Inspection { name, installed, state, drift } = found;
    let secret = |name: &str| {
        let (value, file) = installed.variable(name)?;
        Some(GivenByUnit { secret: Secret::new(value), file })
    };
    let flag = installed.argv.iter().skip_while(|word| *word != "--port").nth(1).cloned();
    let port = flag.or_else(|| installed.variable("OPENCLAW_GATEWAY_PORT").map(|(port, _)| port));
    Unit {
        name,
        program: installed.argv.first().map(PathBuf::from).unwrap_or_default(),
        drift,
        state,
        secrets: installed.secrets().into_iter().map(str::to_owned).collect(),
        token: secret("OPENCLAW_GATEWAY_TOKEN"),
        password: secret("OPENCLAW_GATEWAY_PASSWORD"),
        port: port.and_then(|port| port.parse().ok()),
        file: installed.path,
    }
}
