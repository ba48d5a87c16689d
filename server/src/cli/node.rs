//! `openclaw node`: this machine as a node of some gateway.

use std::process::ExitCode;
use std::sync::Arc;

use client::{CallError, ConnectError, GatewayUrl, Identity};
use protocol::handshake::Auth;
use protocol::node::{NodeDecision, Surface, describe_command};
use protocol::{DeviceId, Secret};
use serde_json::{Value, json};
use tokio_util::sync::CancellationToken;

use super::args::{NodeCommand, NodeIdentityArgs, NodeRunArgs, NodeWhoArgs};
use super::output::{Failure, ahead, data, json as print_json, say, sentence, shown};
use super::target::fingerprint_line;
use super::{Outcome, connect};
use crate::clock::Clock;
use crate::config::{Environment, Paths};
use crate::node::approvals::Approvals;
use crate::node::ask::{Asker, Terminal};
use crate::node::commands::Desk;
use crate::node::host::{Host, Told};
use crate::node::notify::Notifier;
use crate::node::pace::detail_code;
use crate::node::settings::{Files, Settings};
use crate::node::surroundings::Surroundings;
use crate::system::host_name;

/// Where a gateway is if nothing else is said.
const USUAL_PORT: u16 = 18789;

pub async fn run(command: NodeCommand, env: &Environment) -> Outcome {
    match command {
        NodeCommand::Run(args) => start(args, env).await,
        NodeCommand::Identity(args) => identity(&args, env),
    }
}

fn identity(args: &NodeIdentityArgs, env: &Environment) -> Outcome {
    let files = Files::of(&Paths::resolve(env)?, args.node_id.as_deref())?;
    let identity = load_identity(&files)?;
    if args.format.json {
        print_json(&json!({"deviceId": identity.device_id(), "publicKey": identity.public_key().to_base64url()}));
    } else {
        data(&format!("device       {}", identity.device_id()));
        data(&format!("public key   {}", identity.public_key().to_base64url()));
        data(&format!("fingerprint  {}", fingerprint_line(&identity.public_key().fingerprint())));
    }
    Ok(ExitCode::SUCCESS)
}

fn load_identity(files: &Files) -> Result<Identity, Failure> {
    Identity::load_or_create(&files.identity, Clock::default().now_ms()).map_err(|error| {
        let hint = format!("see whose file it is: `ls -l {}`", files.identity.display());
        Failure::new(sentence(&error.to_string())).hint(hint)
    })
}

async fn start(args: NodeRunArgs, env: &Environment) -> Outcome {
    if let Some(code) = &args.pair {
        return connect::join(code, &args.who, env).await;
    }
    let files = Files::of(&Paths::resolve(env)?, args.who.node_id.as_deref())?;
    let before = Settings::load(&files)?;
    let (address, fingerprint) = address(&args, &before);
    let from_env = |name| env.get(name).map(Secret::new);
    let auth = match (&args.token, &args.password) {
        (None, None) => Auth {
            token: from_env("OPENCLAW_GATEWAY_TOKEN"),
            password: from_env("OPENCLAW_GATEWAY_PASSWORD"),
            ..Auth::default()
        },
        (token, password) => Auth { token: token.clone(), password: password.clone(), ..Auth::default() },
    };
    serve(Introduction { address, fingerprint, auth }, &args.who, env).await
}

/// The gateway's address and the fingerprint of its certificate: as told, or as remembered.
fn address(args: &NodeRunArgs, before: &Settings) -> (String, Option<String>) {
    let told = match (&args.url, &args.host, args.port) {
        (Some(url), _, _) => Some(url.clone()),
        (None, None, None) if !args.tls => None,
        (None, host, port) => {
            let scheme = if args.tls { "wss" } else { "ws" };
            let host = host.as_deref().unwrap_or("127.0.0.1");
            let host = if host.contains(':') { format!("[{host}]") } else { host.to_owned() };
            Some(format!("{scheme}://{host}:{}", port.unwrap_or(USUAL_PORT)))
        }
    };
    let is_remembered = told.is_none() || told == before.url;
    let address = told.or_else(|| before.url.clone()).unwrap_or_else(|| format!("ws://127.0.0.1:{USUAL_PORT}"));
    let remembered = before.tls_fingerprint.clone().filter(|_| is_remembered);
    (address, args.tls_fingerprint.clone().or(remembered))
}

/// A gateway, and what to show it.
pub struct Introduction {
    pub address: String,
    pub fingerprint: Option<String>,
    pub auth: Auth,
}

/// Remembers the gateway and runs the node until it is stopped.
pub async fn serve(to: Introduction, who: &NodeWhoArgs, env: &Environment) -> Outcome {
    let paths = Paths::resolve(env)?;
    let files = Files::of(&paths, who.node_id.as_deref())?;
    let url = Settings::gateway(&to.address, to.fingerprint.as_deref())?;
    // Makes the folder, too.
    let identity = load_identity(&files)?;
    let before = Settings::load(&files)?;
    let settings = Settings {
        url: Some(url.to_string()),
        tls_fingerprint: to.fingerprint,
        display_name: who.display_name.clone().or_else(|| before.display_name.clone()),
        token: before.token.clone(),
    };
    if settings != before {
        settings.save(&files)?;
    }
    let surroundings = Surroundings::of(env);
    let home = env.get("HOME").map(std::path::PathBuf::from);
    let asks = std::io::IsTerminal::is_terminal(&std::io::stdin());
    let desk = Desk {
        approvals: Approvals { file: paths.exec_approvals.clone(), home },
        notifier: Notifier::find(&surroundings),
        surroundings,
        asker: if asks { Asker::Terminal(Terminal::here(say)) } else { Asker::Nobody },
        display_name: settings.display_name.clone().or_else(host_name).unwrap_or_else(|| "Node".to_owned()),
        gateway: format!("The gateway at {url}"),
    };
    if let Some(trouble) = desk.approvals.load().trouble {
        say(&format!("note: {}", sentence(&trouble)));
    }
    if url.leaves_this_machine() && !url.is_encrypted() {
        say(&format!("warning: {url} is not encrypted; anyone on that network can read what is sent"));
    }
    let narrator = Narrator { url: url.clone(), device: identity.device_id(), last: Vec::new() };
    let stop = CancellationToken::new();
    let host = Host {
        url,
        identity,
        files,
        settings,
        given: to.auth,
        desk: Arc::new(desk),
        state_dir: paths.state_dir,
        tell: narrator.into_teller(),
    };
    let running = host.run(&stop);
    tokio::pin!(running);
    tokio::select! {
        () = &mut running => {}
        signal = told_to_stop() => {
            signal.map_err(|error| Failure::new(sentence(&error.to_string())))?;
            stop.cancel();
            running.await;
        }
    }
    say("Disconnected.");
    Ok(ExitCode::SUCCESS)
}

async fn told_to_stop() -> std::io::Result<()> {
    let mut terminate = tokio::signal::unix::signal(tokio::signal::unix::SignalKind::terminate())?;
    tokio::select! {
        interrupted = tokio::signal::ctrl_c() => interrupted,
        _ = terminate.recv() => Ok(()),
    }
}

/// Turns what happens into lines, each state once: a node that tries every half minute does not say so
/// every half minute.
struct Narrator {
    url: GatewayUrl,
    device: DeviceId,
    last: Vec<String>,
}

impl Narrator {
    fn into_teller(mut self) -> Box<dyn FnMut(Told)> {
        Box::new(move |told| {
            let lines = self.words(told);
            if !lines.is_empty() && lines != self.last {
                say(&lines.join("\n"));
                self.last = lines;
            }
        })
    }

    fn words(&self, told: Told) -> Vec<String> {
        match told {
            Told::Connecting if self.last.is_empty() => {
                vec![format!("Connecting to {} as device {}…", self.url, short(&self.device))]
            }
            Told::Connecting => Vec::new(),
            Told::Waiting(pending) => vec![
                "Waiting for approval…".to_owned(),
                format!("  fingerprint  {}", fingerprint_line(&pending.fingerprint)),
                format!("  expires      {}", ahead(pending.now_ms, pending.expires_at_ms)),
                "On the gateway's machine, if the fingerprint is the same there:".to_owned(),
                format!("  openclaw devices approve {}", shown(&pending.request_id)),
            ],
            Told::In { version, surface } => {
                let mut lines = vec![format!("Connected to {} (gateway {}). Offers:", self.url, shown(&version))];
                lines.extend(offers(&surface));
                lines
            }
            Told::SurfaceWaits => vec![
                "The gateway's owner has yet to approve what this node offers. On the gateway's machine:".to_owned(),
                format!("  openclaw nodes approve {}", short(&self.device)),
            ],
            Told::SurfaceDecided(NodeDecision::Approved) => {
                vec!["Approved: the gateway may use what is offered.".to_owned()]
            }
            Told::SurfaceDecided(NodeDecision::Rejected) => {
                vec!["The gateway's owner turned down what this node offers.".to_owned()]
            }
            Told::SurfaceDecided(NodeDecision::Removed) | Told::Lost { removed: true, .. } => vec![REMOVED.to_owned()],
            Told::Lost { error, .. } => vec![format!("{} Coming back…", lost(&error))],
            Told::TurnedAway { error, .. } => self.turned_away(error),
            Told::Stopping => vec!["The gateway stops.".to_owned()],
            Told::OffersChanged => vec!["The rules of this node have changed.".to_owned()],
            Told::TokenNotKept(error) => vec![format!("warning: {}", sentence(&format!("{error:#}")))],
        }
    }

    fn turned_away(&self, error: ConnectError) -> Vec<String> {
        if let ConnectError::Refused { error, .. } = &error {
            let request = error.details.as_ref().and_then(|details| details.get("requestId")).and_then(Value::as_str);
            match (detail_code(error), request) {
                (Some("PAIRING_REQUIRED"), Some(id)) => {
                    return vec![
                        "Waiting for approval. On the gateway's machine:".to_owned(),
                        format!("  openclaw devices approve {}", shown(id)),
                    ];
                }
                (Some("PAIRING_EXPIRED" | "PAIRING_SUPERSEDED"), _) => {
                    return vec!["Nobody has approved this node yet. Asking again…".to_owned()];
                }
                (Some("PAIRING_REJECTED"), _) => {
                    return vec![
                        "The gateway's owner turned this node away. It asks again in ten minutes, or when it is \
                         started again."
                            .to_owned(),
                    ];
                }
                (Some("AUTH_BOOTSTRAP_TOKEN_INVALID"), _) => {
                    return vec![
                        "The setup code was used already or has expired. Going on without it; for a new one, run \
                         `openclaw devices join-code` on the gateway's machine."
                            .to_owned(),
                    ];
                }
                (Some(_) | None, _) => {}
            }
        }
        let mut lines = Failure::from(error).lines();
        lines.push(format!("Trying {} again until it works; stop with Ctrl-C.", self.url));
        lines
    }
}

/// What a person reads when their node was removed.
const REMOVED: &str = "The gateway's owner removed this node. It asks to be let in again in ten minutes, or when it is \
                       started again.";

fn lost(error: &CallError) -> String {
    match error {
        CallError::TimedOut => "The gateway has fallen silent.".to_owned(),
        CallError::Closed(_) | CallError::Broken(_) | CallError::Protocol(_) | CallError::Refused(_) => {
            sentence(&error.to_string())
        }
    }
}

fn offers(surface: &Surface) -> impl Iterator<Item = String> + '_ {
    surface.commands.iter().map(|command| format!("  {command:13}  {}", describe_command(command).0))
}

fn short(id: &DeviceId) -> String {
    id.as_str().chars().take(12).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn args(url: Option<&str>, host: Option<&str>, port: Option<u16>, tls: bool) -> NodeRunArgs {
        NodeRunArgs { url: url.map(str::to_owned), host: host.map(str::to_owned), port, tls, ..NodeRunArgs::default() }
    }

    #[test]
    fn the_gateway_is_the_one_told_or_the_one_remembered_with_its_own_fingerprint() {
        let before = Settings {
            url: Some("wss://old.example:443".to_owned()),
            tls_fingerprint: Some("ab".repeat(32)),
            ..Settings::default()
        };
        let check = |args: NodeRunArgs, before: &Settings, expected: &str, pinned: bool| {
            let (address, fingerprint) = address(&args, before);
            assert_eq!((address.as_str(), fingerprint.is_some()), (expected, pinned));
        };
        check(args(None, None, None, false), &Settings::default(), "ws://127.0.0.1:18789", false);
        check(args(None, None, None, false), &before, "wss://old.example:443", true);
        check(args(Some("wss://new.example"), None, None, false), &before, "wss://new.example", false);
        check(args(None, Some("10.0.0.7"), None, true), &before, "wss://10.0.0.7:18789", false);
        check(args(None, Some("::1"), Some(7), false), &before, "ws://[::1]:7", false);
    }

    #[test]
    fn the_same_news_is_told_once() {
        let url = GatewayUrl::parse("ws://127.0.0.1:1").unwrap();
        let mut narrator = Narrator { url, device: DeviceId::claimed("0123456789abcdef"), last: Vec::new() };
        let first = narrator.words(Told::Connecting);
        assert_eq!(first, ["Connecting to ws://127.0.0.1:1 as device 0123456789ab…"]);
        narrator.last = first;
        assert!(narrator.words(Told::Connecting).is_empty());
        let timed_out = || Told::TurnedAway { error: ConnectError::TimedOut, again_in: std::time::Duration::ZERO };
        let lines = narrator.words(timed_out());
        assert!(lines.last().unwrap().contains("Ctrl-C"), "{lines:?}");
        assert_eq!(narrator.words(timed_out()), lines);
    }
}
