//! Gateways that are stopped, restarted, and pushed aside.

use std::net::TcpListener;
use std::process::Command;

use serde_json::{Value, json};

use super::gateway::{Gateway, command, run};

fn status(gateway: &Gateway) -> Value {
    gateway.run(&["gateway", "status", "--json"]).json()
}

#[test]
fn stop_ends_the_gateway_in_a_terminal() {
    let mut gateway = Gateway::start();
    let stopped = gateway.run(&["gateway", "stop"]).ok();
    assert_eq!(stopped, format!("Stopped the gateway in process {}.\n", gateway.process.id()));
    assert!(gateway.process.wait().unwrap().success());
    assert_eq!(gateway.run(&["gateway", "stop"]).ok(), "The gateway was not running.\n");
    let nothing = gateway.run(&["gateway", "restart"]).refused();
    assert!(nothing.stderr.contains("openclaw gateway install"), "{}", nothing.stderr);
}

#[tokio::test(flavor = "multi_thread")]
async fn restart_brings_the_same_gateway_back_in_its_terminal() {
    let mut gateway = Gateway::start();
    drop(gateway.pair(1, "Phone").await);
    let before = status(&gateway);
    let told = gateway.run(&["gateway", "restart", "--json"]).json();
    assert_eq!(told["action"], "restart");
    let after = status(&gateway);
    assert_eq!((&before["pid"], &after["devices"]["paired"]), (&after["pid"], &json!(1)));
    assert_ne!(before["url"], after["url"], "port 0 is another one each time");
    assert!(gateway.process.try_wait().unwrap().is_none());
}

#[test]
fn force_ends_the_gateway_that_is_in_the_way() {
    let mut first = Gateway::start();
    let home = std::mem::replace(&mut first.home, tempfile::tempdir().unwrap());
    let port = first.port.to_string();
    // The same directory and the same port.
    let second = Gateway::start_with(home, &["gateway", "run", "--port", &port, "--force"], &[]);
    assert!(first.process.wait().unwrap().success());
    assert_eq!(status(&second)["pid"], second.process.id());
    // Another directory, but the port.
    let third = Gateway::start_with(
        tempfile::tempdir().unwrap(),
        &["gateway", "--force", "--port", &port, "--profile", "x"],
        &[],
    );
    assert_eq!(third.port, second.port);
    second.run(&["health"]).refused();
}

#[test]
fn force_ends_a_gateway_that_hangs() {
    let mut first = Gateway::start();
    let home = std::mem::replace(&mut first.home, tempfile::tempdir().unwrap());
    assert!(Command::new("kill").args(["-STOP", &first.process.id().to_string()]).status().unwrap().success());
    let second = Gateway::start_with(home, &["gateway", "run", "--port", "0", "--force"], &[]);
    assert!(!first.process.wait().unwrap().success());
    second.run(&["health"]).ok();
}

#[test]
fn force_leaves_another_program_and_everything_else_alone() {
    let gateway = Gateway::start();
    let other = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = other.local_addr().unwrap().port().to_string();
    let refused = gateway.run(&["gateway", "run", "--port", &port, "--force"]).refused();
    let us = format!("(process {})", std::process::id());
    for expected in [&port, &us, "is no gateway", "kill"] {
        assert!(refused.stderr.contains(expected), "{expected}: {}", refused.stderr);
    }
    gateway.run(&["health"]).ok();
    let without = gateway.run(&["gateway", "run", "--port", &port]).refused();
    assert!(without.stderr.contains("A gateway runs already"), "{}", without.stderr);
    let elsewhere = tempfile::tempdir().unwrap();
    let taken = run(elsewhere.path(), &["gateway", "run", "--port", &port]).refused();
    assert!(taken.stderr.contains(&us) && taken.stderr.contains("--port"), "{}", taken.stderr);
}

#[test]
fn only_settings_that_make_sense_are_worth_ending_a_gateway_for() {
    let gateway = Gateway::start();
    let output =
        command(gateway.home.path(), &["gateway", "run", "--force"]).env("OPENCLAW_GATEWAY_PORT", "x").output();
    assert_eq!(output.unwrap().status.code(), Some(1));
    gateway.run(&["health"]).ok();
}
