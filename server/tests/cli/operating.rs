//! Looking after a gateway: health, calls, the log, the access token.

use client::{ConnectOptions, Connection, Endpoint, Identity};
use protocol::handshake::Auth;
use protocol::{Scopes, Secret};
use serde_json::{Value, json};

use super::gateway::{Gateway, PATIENCE, command, run, start, thrown_out};

#[test]
fn health_answers_and_ends_with_what_a_monitor_needs() {
    let mut gateway = Gateway::start();
    for line in [&["health"][..], &["gateway", "health"]] {
        assert!(gateway.run(line).ok().starts_with("The gateway is well: version "));
    }
    assert_eq!(gateway.run(&["health", "--json"]).json()["ok"], true);
    gateway.process.kill().unwrap();
    gateway.process.wait().unwrap();
    let down = gateway.run(&["health", "--json"]).refused();
    assert!(down.stderr.contains("not running") && down.stdout.is_empty());
}

#[test]
fn call_reaches_any_method_and_tells_what_the_gateway_objects_to() {
    let gateway = Gateway::start();
    let call = |line: &[&str]| gateway.run(&[&["gateway", "call"], line].concat());
    assert_eq!(call(&["health"]).json()["ok"], true);
    let tail = call(&["logs.tail", "--params", r#"{"limit": 1}"#, "--json"]).json();
    assert_eq!(tail["lines"].as_array().unwrap().len(), 1);
    let unknown = call(&["no.such"]).refused();
    assert!(unknown.stderr.contains("unknown method: no.such"), "{}", unknown.stderr);
    let closed = call(&["health", "--params", r#"{"bogus": 1}"#]).refused();
    assert!(closed.stderr.contains("unexpected property"), "{}", closed.stderr);
    for params in ["{", "[1]", "1"] {
        assert_eq!(call(&["health", "--params", params]).code, 2, "{params}");
    }
}

#[test]
fn an_empty_log_is_named_once() {
    let home = tempfile::tempdir().unwrap();
    let said = run(home.path(), &["logs"]).stderr;
    assert_eq!(said.matches("openclaw.log").count(), 1, "{said}");
    assert!(said.ends_with("\nIt is empty.\n"), "{said}");
}

#[test]
fn the_log_is_shown_whether_the_gateway_runs_or_not() {
    let mut gateway = Gateway::start();
    let up = gateway.run(&["logs"]).ok();
    assert!(up.contains("  info  start  The gateway runs "), "{up}");
    assert_eq!(gateway.run(&["logs", "-n", "1"]).ok().lines().count(), 1);
    let entry: Value = serde_json::from_str(gateway.run(&["logs", "--json"]).ok().lines().next().unwrap()).unwrap();
    assert_eq!((&entry["type"], &entry["level"]), (&json!("log"), &json!("info")));
    gateway.process.kill().unwrap();
    gateway.process.wait().unwrap();

    let file = gateway.home.path().join(".openclaw/logs/openclaw.log");
    let mut text = std::fs::read_to_string(&file).unwrap();
    text.push_str("{\"message\": \"one\\u001b[2Jtwo\\nthree\\u009b\"}\n\u{1b}]0;raw\u{7}\n");
    std::fs::write(&file, text).unwrap();
    let down = gateway.run(&["logs"]);
    assert!(down.stderr.contains("not running") && down.stderr.contains("openclaw.log"), "{}", down.stderr);
    let down = down.ok();
    assert!(down.starts_with(&up), "{down}");
    assert!(down.contains(r"one\u{1b}[2Jtwo\u{a}three\u{9b}") && down.contains(r"\u{1b}]0;raw\u{7}"), "{down}");
    assert!(!down.contains(['\u{1b}', '\u{9b}', '\u{7}']));
    let scripted = gateway.run(&["logs", "--json"]).ok();
    assert!(!scripted.contains(['\u{1b}', '\u{9b}', '\u{7}']));
}

#[test]
fn a_log_that_is_followed_goes_on_when_the_gateway_ends() {
    let mut gateway = Gateway::start();
    let (mut follower, heard) = start(&mut command(gateway.home.path(), &["logs", "--follow", "--interval", "50"]));
    let mut lines = Vec::new();
    let mut until = |expected: &str| {
        while !lines.last().is_some_and(|line: &String| line.contains(expected)) {
            lines.push(heard.recv_timeout(PATIENCE).unwrap());
        }
    };
    until("The gateway runs");
    gateway.run(&["gateway", "stop"]).ok();
    gateway.process.wait().unwrap();
    until("The gateway has stopped");
    let starts = lines.iter().filter(|line| line.contains("The gateway runs")).count();
    assert_eq!(starts, 1, "what was shown is not shown again: {lines:?}");
    follower.kill().unwrap();
    follower.wait().unwrap();
}

/// A program that shows the token.
async fn shows(gateway: &Gateway, token: &str, seed: u8) -> Option<Connection> {
    let options = ConnectOptions::command_line("1", Scopes::from(["operator.read"]))
        .with_identity(Identity::from_seed([seed; 32]))
        .with_auth(Auth { token: Some(Secret::new(token)), ..Auth::default() });
    Connection::open(&Endpoint::parse_url(&gateway.url()).unwrap(), &options).await.ok()
}

#[tokio::test(flavor = "multi_thread")]
async fn the_token_is_told_about_shown_and_made_new() {
    let gateway = Gateway::start();
    let file = gateway.home.path().join(".openclaw/openclaw.json");
    let text = || std::fs::read_to_string(&file).unwrap();
    let told = gateway.run(&["gateway", "auth-token"]);
    let token = gateway.run(&["gateway", "auth-token", "--show"]).ok().trim().to_owned();
    assert!(text().contains(&token) && token.len() > 20);
    assert!(!told.stderr.contains(&token));
    let told = told.ok();
    assert!(told.contains("gateway.auth.token") && !told.contains(&token), "{told}");
    let json = gateway.run(&["gateway", "auth-token", "--json"]).json();
    assert_eq!((&json["set"], &json["source"], json.get("token")), (&json!(true), &json!("config"), None));

    let program = shows(&gateway, &token, 1).await.unwrap();
    let before = text();
    let rotated = gateway.run(&["gateway", "auth-token", "--rotate", "--json"]).json();
    assert_eq!((&rotated["ok"], &rotated["endedConnections"]), (&json!(true), &json!(1)));
    assert_eq!(thrown_out(program).await, 4001);
    let new = gateway.run(&["gateway", "auth-token", "--show"]).ok().trim().to_owned();
    assert_eq!(text(), before.replace(&token, &new));
    assert!(new != token && shows(&gateway, &token, 2).await.is_none() && shows(&gateway, &new, 2).await.is_some());
}

#[test]
fn the_token_can_be_made_new_while_no_gateway_runs() {
    let mut gateway = Gateway::start();
    let before = gateway.run(&["gateway", "auth-token", "--show"]).ok();
    gateway.run(&["gateway", "stop"]).ok();
    gateway.process.wait().unwrap();
    assert_eq!(gateway.run(&["gateway", "auth-token", "--show"]).ok(), before);
    gateway.run(&["gateway", "auth-token", "--rotate"]).ok();
    assert_ne!(gateway.run(&["gateway", "auth-token", "--show"]).ok(), before);
}

#[test]
fn a_token_of_the_environment_is_explained_and_not_pretended_to_be_changed() {
    let env = [("OPENCLAW_GATEWAY_TOKEN", "canary-token")];
    let gateway = Gateway::start_with(tempfile::tempdir().unwrap(), &["gateway", "run", "--port", "0"], &env);
    let file = gateway.home.path().join(".openclaw/openclaw.json");
    let before = std::fs::read_to_string(&file).unwrap();
    let told = gateway.run(&["gateway", "auth-token"]).ok();
    assert!(told.contains("in the environment of the running gateway (OPENCLAW_GATEWAY_TOKEN)"), "{told}");
    let refused = gateway.run(&["gateway", "auth-token", "--rotate"]).refused();
    assert!(refused.stderr.contains("nothing was changed") && refused.stderr.contains("hint: "), "{}", refused.stderr);
    assert_eq!(std::fs::read_to_string(&file).unwrap(), before);
    let unseen = gateway.run(&["gateway", "auth-token", "--show"]).refused();
    assert!(unseen.stderr.contains("not in the environment of this command"), "{}", unseen.stderr);
}
