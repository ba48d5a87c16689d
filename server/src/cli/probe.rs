//! `openclaw gateway probe`: every address at which the gateway could be, tried as a stranger would.

use std::io::ErrorKind;
use std::net::{IpAddr, SocketAddr};
use std::process::ExitCode;
use std::time::Duration;

use access::locality::network_of;
use client::{ConnectError, Endpoint, probe, probe_on};
use protocol::Method;
use protocol::pairing::Network;
use protocol::role::READ;
use protocol::setup_code::gateway_url;
use serde::Serialize;
use serde_json::{Value, json};
use tokio::net::TcpStream;
use tokio::time::timeout;

use super::Outcome;
use super::args::StatusArgs;
use super::output::{data, json as print_json, long, say, table};
use super::target::{OpenError, Target};
use crate::config::{Bind, Config, Environment, Overrides, PUBLIC_URL, REMOTE_URL, file, live};
use crate::gateway::public_url::own_addresses;
use crate::holder::holders;

/// An address to try.
struct Candidate {
    url: String,
    /// Who names it.
    source: String,
    /// Dialled directly, whatever network it is in: nothing of ours is said there.
    socket: Option<SocketAddr>,
}

/// What came of it.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct Reached {
    url: String,
    source: String,
    reachable: bool,
    verdict: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    advice: Option<String>,
}

pub async fn run(args: &StatusArgs, env: &Environment) -> Outcome {
    let target = Target::new(&args.target, env)?;
    let patience = Duration::from_secs(args.target.timeout);
    let (config, problem) = settings(&target, env)?;
    let port = running_port(env).await.unwrap_or(config.port);
    let mut reached = Vec::new();
    for candidate in candidates(args.target.url.as_deref(), &config, port, &own_addresses()) {
        let outcome = attempt(&candidate, patience).await;
        reached.push(judge(candidate, outcome, port).await);
    }
    let is_reachable = reached.iter().any(|one| one.reachable);
    if args.format.json {
        print_json(&json!({"ok": is_reachable, "port": port, "bind": config.bind.as_str(), "targets": reached}));
    } else {
        let rows: Vec<Vec<String>> =
            reached.iter().map(|one| vec![long(&one.url), one.source.clone(), one.verdict.clone()]).collect();
        data(&table(&rows));
        if let Some(problem) = problem {
            say(&format!("note: {problem}, so this goes by the defaults"));
        }
        let advice = reached.iter().filter_map(|one| Some(format!("{}: {}", long(&one.url), one.advice.as_ref()?)));
        let advice: Vec<String> = advice.collect();
        if !advice.is_empty() {
            say(&format!("\nhint: {}", advice.join("\n      ")));
        }
    }
    Ok(if is_reachable { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

/// The settings, or the default ones and what is wrong.
fn settings(target: &Target, env: &Environment) -> anyhow::Result<(Config, Option<String>)> {
    let path = &target.paths().config_file;
    let content = file::read(path);
    let problem = content.as_ref().err().map(|error| format!("{error:#}"));
    let flags = Overrides::default();
    let read = content.ok().and_then(|content| Config::resolve(&content, env, &flags).ok());
    let wrong = format!("{} has settings that make no sense", path.display());
    Ok(match read {
        Some(resolved) => (resolved.config, problem),
        None => (live::defaults()?, problem.or(Some(wrong))),
    })
}

/// Where the gateway of this machine really listens.
async fn running_port(env: &Environment) -> Option<u16> {
    let mut connection = match Target::on_this_machine(env).ok()?.open(&[READ]).await {
        Ok(connection) => connection,
        Err(OpenError::NotRunning | OpenError::Failed(_)) => return None,
    };
    let status = connection.call(Method::Status.name(), ()).await.ok()?;
    connection.close().await;
    status.pointer("/gateway/port").and_then(Value::as_u64).and_then(|port| u16::try_from(port).ok())
}

/// What to try, the nearest first.
fn candidates(url: Option<&str>, config: &Config, port: u16, own: &[IpAddr]) -> Vec<Candidate> {
    let at = |address: IpAddr, source: &str| {
        let socket = SocketAddr::new(address, port);
        Candidate { url: format!("ws://{socket}"), source: source.to_owned(), socket: Some(socket) }
    };
    let named = |url: &str, source: &str| Candidate {
        url: gateway_url(url).unwrap_or_else(|_| url.to_owned()),
        source: source.to_owned(),
        socket: None,
    };
    let mut all: Vec<Candidate> = url.map(|url| named(url, "--url")).into_iter().collect();
    let tailnet = || own.iter().copied().filter(|address| network_of(*address) == Network::Tailnet);
    match &config.bind {
        Bind::Loopback => all.push(at(IpAddr::from([127, 0, 0, 1]), "this machine")),
        Bind::Lan => {
            all.push(at(IpAddr::from([127, 0, 0, 1]), "this machine"));
            let others = own.iter().copied().filter(|address| !address.is_loopback());
            all.extend(others.map(|address| at(address, "gateway.bind=lan")));
        }
        Bind::Tailnet => {
            all.push(at(IpAddr::from([127, 0, 0, 1]), "this machine"));
            all.extend(tailnet().map(|address| at(address, "gateway.bind=tailnet")));
        }
        Bind::Custom(address) => all.push(at(*address, "gateway.bind=custom")),
    }
    all.extend(config.public_url.as_deref().map(|url| named(url, PUBLIC_URL)));
    all.extend(config.remote_url.as_deref().map(|url| named(url, REMOTE_URL)));
    all
}

async fn attempt(candidate: &Candidate, patience: Duration) -> Result<(), Problem> {
    let challenge = match candidate.socket {
        None => {
            let endpoint = Endpoint::parse_url(&candidate.url).map_err(|error| Problem::Unusable(error.to_string()))?;
            probe(&endpoint, patience).await
        }
        Some(socket) => match timeout(patience, TcpStream::connect(socket)).await {
            Err(_) => Err(ConnectError::TimedOut),
            Ok(Err(source)) => Err(ConnectError::Unreachable { at: socket.to_string(), source }),
            Ok(Ok(stream)) => probe_on(stream, &socket.to_string(), patience).await,
        },
    };
    challenge.map(drop).map_err(Problem::Connect)
}

/// Why there is no gateway to be had at an address.
enum Problem {
    Unusable(String),
    Connect(ConnectError),
}

async fn judge(candidate: Candidate, outcome: Result<(), Problem>, port: u16) -> Reached {
    let Candidate { url, source, socket } = candidate;
    let (reachable, verdict, advice) = match outcome {
        Ok(()) => (true, "a gateway answers".to_owned(), None),
        Err(problem) => {
            let holder = match socket {
                Some(_) => tokio::task::spawn_blocking(move || holders(port)).await.unwrap_or_default(),
                None => Vec::new(),
            };
            let (verdict, advice) = explain(&problem, holder.first().map(ToString::to_string).as_deref());
            (false, verdict, Some(advice))
        }
    };
    Reached { url, source, reachable, verdict, advice }
}

/// What a failure means and what to do about it. `holder` is the program on the port of this machine.
fn explain(problem: &Problem, holder: Option<&str>) -> (String, String) {
    let say = |verdict: &str, advice: &str| (verdict.to_owned(), advice.to_owned());
    let error = match problem {
        Problem::Unusable(why) => return (long(why), "correct the address where it is set".to_owned()),
        Problem::Connect(error) => error,
    };
    match error {
        ConnectError::Unreachable { source, .. } if source.kind() == ErrorKind::ConnectionRefused => say(
            "nobody listens there",
            "start the gateway: `openclaw gateway run`, or `openclaw gateway start` where it is a service",
        ),
        ConnectError::Unreachable { source, .. } if source.kind() == ErrorKind::InvalidData => (
            format!("its certificate is not believed: {}", long(&source.to_string())),
            "let this machine trust the certificate's authority, or renew the certificate".to_owned(),
        ),
        ConnectError::Unreachable { source, .. } => (
            format!("cannot be reached: {}", long(&source.to_string())),
            "check the name, the network and the firewall in between".to_owned(),
        ),
        ConnectError::TimedOut => {
            say("does not answer in time", "check the firewall in between, and whether the gateway hangs")
        }
        ConnectError::Rejected { status: 403, .. } => say(
            "a gateway, but it does not know the proxy in between (HTTP status 403)",
            "add the proxy to gateway.trustedProxies; the log names its address",
        ),
        ConnectError::Rejected { status: 503, .. } => {
            say("a gateway, but it takes no more strangers now (HTTP status 503)", "wait a moment and try again")
        }
        ConnectError::Rejected { status, .. } => match holder {
            Some(holder) => (
                format!("another program is on the port: {}", long(holder)),
                "stop that program, or give the gateway another gateway.port".to_owned(),
            ),
            None => (
                format!("no gateway answers (HTTP status {status})"),
                "check the address and its path, and what the proxy in between leads to".to_owned(),
            ),
        },
        ConnectError::Closed { .. } => say(
            "a proxy or tunnel answers, but nobody is behind it",
            "start the gateway, and check where the proxy leads to",
        ),
        ConnectError::Protocol(_) | ConnectError::Refused { .. } => match holder {
            Some(holder) => (
                format!("another program is on the port: {}", long(holder)),
                "stop that program, or give the gateway another gateway.port".to_owned(),
            ),
            None => say("what answers is no gateway", "check the address"),
        },
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_address_that_the_settings_name_is_tried() {
        let own = ["127.0.0.1", "192.168.1.5", "100.100.1.1"].map(|address| address.parse().unwrap());
        let tried = |bind: &str| -> Vec<String> {
            let plugin = json!({"config": {"publicUrl": "https://gw.example"}});
            let file = json!({
                "gateway": {"bind": bind, "customBindHost": "192.168.1.5"}, "plugins": {"entries": {"device-pair": plugin}},
            });
            let config = Config::resolve(&file, &Environment::default(), &Overrides::default()).unwrap().config;
            candidates(None, &config, 1, &own).into_iter().map(|candidate| candidate.url).collect()
        };
        let (here, lan, tailnet, public) =
            ("ws://127.0.0.1:1", "ws://192.168.1.5:1", "ws://100.100.1.1:1", "wss://gw.example");
        assert_eq!(tried("loopback"), [here, public]);
        assert_eq!(tried("lan"), [here, lan, tailnet, public]);
        assert_eq!(tried("tailnet"), [here, tailnet, public]);
        assert_eq!(tried("custom"), [lan, public]);
    }
}
