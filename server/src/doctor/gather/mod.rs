//! Looks at this machine and changes nothing. No question leaves it.

mod certificates;
mod files;
mod gateway;
mod identities;
mod machine;
mod openclaw;
mod other_settings;
mod port;
mod refusals;
mod settings;
mod store;
mod unit;

use crate::clock::Clock;
use crate::config::{Environment, Paths};

use super::facts::{Facts, Shell};

pub use certificates::of as certificates_of;
pub use machine::container;

/// Everything that the checks want to know.
pub async fn gather(env: &Environment, clock: &Clock) -> anyhow::Result<Facts> {
    let paths = Paths::resolve(env)?;
    let unit = unit::find(env, &paths).await;
    let settings = settings::read(&paths, env);
    let gateway = gateway::ask(&paths, clock).await;
    let port = port::look(port::number(&gateway, unit.as_ref(), &settings)).await;
    let secret = |name| env.get(name).map(protocol::Secret::new);
    Ok(Facts {
        now_ms: clock.now_ms(),
        me: files::me(&paths, env),
        entries: files::entries(&paths),
        shell: Shell { token: secret("OPENCLAW_GATEWAY_TOKEN"), password: secret("OPENCLAW_GATEWAY_PASSWORD") },
        identities: identities::keys(&paths),
        logins: identities::logins(&paths, port.number),
        store: store::look(&paths).await,
        refused: refusals::recent(&paths.log_file, clock.now_ms()),
        machine: machine::look(env),
        certificates: certificates::look(&settings).await,
        other_settings: other_settings::find(&paths, env),
        openclaw: openclaw::look(&paths, clock.now_ms()).await,
        paths,
        unit,
        settings,
        gateway,
        port,
    })
}
