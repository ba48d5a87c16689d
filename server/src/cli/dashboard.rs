//! `openclaw dashboard`: a one-time link by which a browser becomes the owner's.

use std::process::{Command, ExitCode, Stdio};

use protocol::Method;
use protocol::method::OwnerLink;
use serde_json::{Value, json};

use super::Outcome;
use super::args::DashboardArgs;
use super::output::{ahead, data, json as print_json, say};
use super::target::Target;
use crate::config::Environment;

pub async fn run(args: &DashboardArgs, env: &Environment) -> Outcome {
    let mut connection = Target::on_this_machine(env)?.open(&[]).await?;
    let link: OwnerLink = super::progress::asking(connection.ask(Method::OwnerLink, ())).await?;
    let valid = ahead(connection.opened_at_ms(), link.expires_at_ms).replacen("in", "for", 1);
    connection.close().await;
    if args.format.json {
        print_json(&for_scripts(&link));
        return Ok(ExitCode::SUCCESS);
    }
    data(&browser_url(&link));
    say(&format!("This link works once, {valid}, and makes the browser that opens it yours."));
    if let Some(tunnel) = tunnel(env, link.port) {
        say(&format!("You are logged in from another machine. There, run this first and keep it open:\n  {tunnel}"));
    } else if !args.no_open && has_desktop(env) {
        open_browser(&browser_url(&link));
    }
    Ok(ExitCode::SUCCESS)
}

fn authority(link: &OwnerLink) -> String {
    let host = if link.host.contains(':') { format!("[{}]", link.host) } else { link.host.clone() };
    format!("{host}:{}", link.port)
}

fn http_url(link: &OwnerLink) -> String {
    format!("http{}://{}/", if link.tls { "s" } else { "" }, authority(link))
}

/// The secret stands in the fragment, which browsers keep to themselves.
fn browser_url(link: &OwnerLink) -> String {
    format!("{}#bootstrapToken={}", http_url(link), link.bootstrap_token.reveal())
}

fn for_scripts(link: &OwnerLink) -> Value {
    json!({
        "ok": true,
        "url": http_url(link),
        "httpUrl": http_url(link),
        "wsUrl": format!("ws{}://{}", if link.tls { "s" } else { "" }, authority(link)),
        "port": link.port,
        "tokenIncluded": false,
        "browserUrl": browser_url(link),
        "browserBootstrapExpiresAtMs": link.expires_at_ms,
    })
}

/// Over SSH the link leads to the wrong machine: how to bring the port along.
fn tunnel(env: &Environment, port: u16) -> Option<String> {
    let here = env.get("SSH_CONNECTION")?.split_whitespace().nth(2).unwrap_or("HOST");
    let user = env.get("USER").or(env.get("LOGNAME")).unwrap_or("USER");
    Some(format!("ssh -N -L {port}:127.0.0.1:{port} {user}@{here}"))
}

fn has_desktop(env: &Environment) -> bool {
    cfg!(target_os = "macos") || env.get("DISPLAY").or(env.get("WAYLAND_DISPLAY")).is_some()
}

/// Asks the desktop to open a link. If it cannot, the printed link is there.
fn open_browser(url: &str) {
    let opener = if cfg!(target_os = "macos") { "open" } else { "xdg-open" };
    let started =
        Command::new(opener).arg(url).stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null()).spawn();
    match started {
        Ok(_) => say("Opening it in your browser…"),
        Err(_) => say("No browser could be opened here; copy the link into one."),
    }
}

#[cfg(test)]
mod tests {
    use protocol::Secret;

    use super::*;

    fn link(host: &str, tls: bool) -> OwnerLink {
        OwnerLink { bootstrap_token: Secret::new("s3cret"), expires_at_ms: 7, port: 18789, tls, host: host.to_owned() }
    }

    #[test]
    fn the_secret_is_in_the_fragment_and_nowhere_else() {
        let told = for_scripts(&link("127.0.0.1", false));
        assert_eq!(told["browserUrl"], "http://127.0.0.1:18789/#bootstrapToken=s3cret");
        assert_eq!(told["wsUrl"], "ws://127.0.0.1:18789");
        assert_eq!(told.to_string().matches("s3cret").count(), 1);
        assert_eq!(http_url(&link("::1", true)), "https://[::1]:18789/");
    }

    #[test]
    fn over_ssh_it_says_how_to_bring_the_port_along() {
        let env = Environment::from_pairs(&[("SSH_CONNECTION", "192.0.2.9 50122 192.0.2.2 22"), ("USER", "ada")]);
        assert_eq!(tunnel(&env, 18789).as_deref(), Some("ssh -N -L 18789:127.0.0.1:18789 ada@192.0.2.2"));
        assert_eq!(tunnel(&Environment::from_pairs(&[]), 1), None);
    }
}
