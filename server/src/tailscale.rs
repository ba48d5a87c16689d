//! Lets Tailscale lead to this gateway: `tailscale serve` for the tailnet, `tailscale funnel` for everyone.
//!
//! Tailscale is told a port of its own on this machine, and only what arrives there is believed to come from
//! it ([`crate::http::peer::Peer::Tailscale`]).

use std::process::Stdio;
use std::time::Duration;

use anyhow::{Context, bail};
use protocol::settings::TailscaleSeen;
use serde_json::Value;
use tokio::process::Command;
use tokio::time::timeout;

use crate::advised::Advised;
use crate::config::Environment;
use crate::config::tailscale::TailscaleMode;
use crate::node::surroundings::Surroundings;

/// How long the program may take. It asks its daemon, which asks nobody else.
const PATIENCE: Duration = Duration::from_secs(15);

/// Where people reach the gateway through Tailscale. Another port would need more rights in the tailnet.
const HTTPS: &str = "--https=443";

/// A way through Tailscale that is open.
#[derive(Debug, Clone)]
pub struct Exposed {
    program: std::path::PathBuf,
    mode: TailscaleMode,
    /// Where others reach the gateway now.
    pub url: String,
}

/// Opens the way to `port` on this machine.
pub async fn expose(mode: TailscaleMode, port: u16, env: &Environment) -> anyhow::Result<Exposed> {
    let verb = mode.as_str();
    let program = Surroundings::of(env).which("tailscale").with_context(|| {
        Advised::new(
            format!("gateway.tailscale.mode is \"{verb}\", but there is no program `tailscale` on the PATH"),
            "install Tailscale (https://tailscale.com/download), or start the gateway with --tailscale off",
        )
    })?;
    let exposed = Exposed { program, mode, url: String::new() };
    let status = exposed.run(&["status", "--json"]).await.with_context(|| {
        Advised::new("Tailscale does not say how it is", "start it with `sudo tailscale up`, or use --tailscale off")
    })?;
    let url = own_url(&status)?;
    exposed.run(&[verb, "--bg", "--yes", HTTPS, &port.to_string()]).await.with_context(|| {
        Advised::new(
            format!("`tailscale {verb}` was refused"),
            "allow it in the tailnet's admin console (HTTPS certificates; for funnel the node attribute `funnel`), let \
             this user run it with `sudo tailscale set --operator=$USER`, or use --tailscale off",
        )
    })?;
    tracing::info!(mode = verb, %url, "Tailscale leads to the gateway");
    Ok(Exposed { url, ..exposed })
}

/// How Tailscale is on this machine. Only its own program is asked.
pub async fn look(env: &Environment) -> TailscaleSeen {
    let Some(program) = Surroundings::of(env).which("tailscale") else { return TailscaleSeen::default() };
    let asked = Exposed { program, mode: TailscaleMode::Off, url: String::new() };
    let address = asked.run(&["status", "--json"]).await.and_then(|status| own_url(&status));
    let (address, problem) = match address {
        Ok(address) => (Some(address), None),
        Err(error) => (None, Some(error.to_string())),
    };
    TailscaleSeen { is_installed: true, address, problem, leads_here: false }
}

impl Exposed {
    /// For whom the way is open.
    pub fn mode(&self) -> TailscaleMode {
        self.mode
    }

    /// The address for a setup code.
    pub fn socket_url(&self) -> String {
        self.url.replacen("https", "wss", 1)
    }

    /// What names that address, in the words of the reference (`urlSource`).
    pub fn source(&self) -> &'static str {
        match self.mode {
            TailscaleMode::Off => "gateway.tailscale.mode",
            TailscaleMode::Serve => "gateway.tailscale.mode=serve",
            TailscaleMode::Funnel => "gateway.tailscale.mode=funnel",
        }
    }

    /// Closes the way, and no other that leads through Tailscale.
    pub async fn close(&self) {
        let verb = self.mode.as_str();
        match self.run(&[verb, HTTPS, "off"]).await {
            Ok(_) => tracing::info!("Tailscale does not lead to the gateway any more"),
            Err(error) => {
                tracing::warn!("Tailscale still leads here; end that with `tailscale {verb} reset`: {error:#}");
            }
        }
    }

    /// Runs the program. The result is what it prints.
    async fn run(&self, words: &[&str]) -> anyhow::Result<String> {
        let mut command = Command::new(&self.program);
        command.args(words).stdin(Stdio::null()).kill_on_drop(true);
        let output = timeout(PATIENCE, command.output()).await.context("it does not come to an end")??;
        if !output.status.success() {
            let said = [output.stderr, output.stdout].concat();
            let said = String::from_utf8_lossy(&said);
            bail!("{}", said.split_whitespace().collect::<Vec<_>>().join(" "));
        }
        Ok(String::from_utf8_lossy(&output.stdout).into_owned())
    }
}

/// What this machine is called in its tailnet, from `tailscale status --json`.
fn own_url(status: &str) -> anyhow::Result<String> {
    let status: Value = serde_json::from_str(status).context("`tailscale status --json` is not JSON")?;
    let state = status.get("BackendState").and_then(Value::as_str).unwrap_or("Running");
    if state != "Running" {
        bail!(Advised::new(
            format!("Tailscale is not connected ({state})"),
            "start it with `sudo tailscale up`, or use --tailscale off"
        ));
    }
    let name = status.pointer("/Self/DNSName").and_then(Value::as_str).map(|name| name.trim_end_matches('.'));
    match name.filter(|name| !name.is_empty()) {
        Some(name) => Ok(format!("https://{name}")),
        None => bail!(Advised::new(
            "this machine has no name in its tailnet",
            "switch MagicDNS on in the tailnet's admin console, or use --tailscale off"
        )),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_connected_tailscale_with_a_name_is_of_use() {
        let name = |status: &str| own_url(status).map_err(|error| error.to_string());
        let running = r#"{"BackendState": "Running", "Self": {"DNSName": "box.tail1.ts.net."}}"#;
        assert_eq!(name(running).unwrap(), "https://box.tail1.ts.net");
        assert!(name(r#"{"BackendState": "NeedsLogin"}"#).unwrap_err().contains("NeedsLogin"));
        assert!(name(r#"{"BackendState": "Running", "Self": {"DNSName": ""}}"#).unwrap_err().contains("no name"));
        assert!(name("Tailscale is stopped.").is_err());
    }
}
