//! `openclaw devices` and `openclaw pairing`: each with a gateway that runs and with the store alone.

use std::process::Child;
use std::sync::mpsc;

use client::{ConnectError, Identity};
use rustix::process::{Pid, Signal};
use serde_json::{Value, json};

use super::gateway::{Gateway, Knock, PATIENCE, command, run, start, thrown_out};

fn id(seed: u8) -> String {
    Identity::from_seed([seed; 32]).device_id().as_str().to_owned()
}

async fn refused(knock: Knock) -> Value {
    let Err(ConnectError::Refused { error, .. }) = knock.opening.await.unwrap() else { panic!("was let in") };
    error.details.unwrap()
}

/// Why a device that asks is refused at once.
async fn turned_away(gateway: &Gateway, seed: u8) -> Value {
    let Err(ConnectError::Refused { error, .. }) = gateway.ask(seed, "Phone").await else { panic!("was let in") };
    error.details.unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn the_flat_list_has_the_keys_of_the_guide_and_an_id_that_approves() {
    let gateway = Gateway::start();
    let knock = gateway.knock(1, "my-laptop").await;
    let list = gateway.run(&["devices", "list", "--json=flat"]).json();
    let requested = list[0]["requestedAt"].as_str().unwrap();
    let expected = json!([{
        "id": knock.pending.request_id, "name": "my-laptop", "status": "pending", "ip": "127.0.0.1",
        "requestedAt": requested,
    }]);
    assert_eq!(list, expected);
    assert!(requested.len() == 20 && requested.ends_with('Z'), "{requested}");
    gateway.run(&["devices", "approve", list[0]["id"].as_str().unwrap()]).ok();
    knock.opening.await.unwrap().unwrap();
    let home = gateway.stop();
    let stored = run(home.path(), &["devices", "list", "--json=flat"]).json();
    assert_eq!((&stored[0]["id"], &stored[0]["status"]), (&json!(id(1)), &json!("paired")));
}

#[tokio::test(flavor = "multi_thread")]
async fn approves_by_all_the_words_of_the_fingerprint_and_by_nothing_less() {
    let gateway = Gateway::start();
    let knock = gateway.knock(1, "Phone").await;
    let words = &knock.pending.fingerprint.words;
    let less = gateway.run(&["devices", "approve", "--match", &words[..3].join("-")]).refused();
    for expected in ["No request that waits has the fingerprint", &words.join("-"), "do not approve it"] {
        assert!(less.stderr.contains(expected), "{expected}: {}", less.stderr);
    }
    assert_eq!(gateway.list()["paired"], json!([]));
    let approved = gateway.run(&["devices", "approve", "--match", &words.join("-").to_uppercase()]).ok();
    assert_eq!(approved, "Approved Phone as operator: operator.read.\n");
    knock.opening.await.unwrap().unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_blocked_device_is_thrown_out_and_cannot_ask_until_it_is_unblocked() {
    let gateway = Gateway::start();
    let phone = gateway.pair(1, "\u{1b}[2JPhone").await;
    let said = gateway.run(&["devices", "block", &id(1)[..12]]).ok();
    let undo = format!("openclaw devices unblock {}", &id(1)[..12]);
    assert!(said.contains("Blocked \u{fffd}[2JPhone") && said.contains(&undo) && !said.contains('\u{1b}'), "{said:?}");
    assert_eq!(thrown_out(phone).await, 4001);
    assert_eq!(turned_away(&gateway, 1).await, json!({"code": "DEVICE_BLOCKED", "unblockCommand": undo}));
    assert_eq!(gateway.list(), json!({"pending": [], "paired": []}));

    let table = gateway.run(&["devices", "blocked"]).ok();
    assert!(table.contains(&id(1)[..12]) && table.contains("the owner") && !table.contains('\u{1b}'), "{table:?}");
    let explained = gateway.run(&["devices", "explain", &id(1)[..12]]).ok();
    assert!(explained.contains("is blocked since") && explained.contains(&undo), "{explained}");
    let unknown = gateway.run(&["devices", "unblock", "ffff"]).refused();
    assert!(unknown.stderr.contains("openclaw devices blocked"), "{}", unknown.stderr);

    gateway.run(&["devices", "unblock", &id(1)[..12]]).ok();
    assert_eq!(gateway.run(&["devices", "blocked", "--json"]).json(), json!({"blocked": []}));
    gateway.knock(1, "Phone").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_device_of_this_machine_has_no_address_to_block_and_a_name_has_an_end() {
    let gateway = Gateway::start();
    let _phone = gateway.pair(1, "Phone").await;
    let refused = gateway.run(&["devices", "block", "Phone", "--address"]).refused();
    assert!(refused.stderr.contains("no address that could be blocked"), "{}", refused.stderr);
    let long = gateway.run(&["devices", "rename", "Phone", &"x".repeat(65)]).refused();
    assert!(long.stderr.contains("too long") && long.stderr.contains("1 to 64 characters"), "{}", long.stderr);
    assert_eq!(gateway.list()["paired"][0].get("operatorLabel"), None);
    gateway.run(&["devices", "rename", "Phone", &"x".repeat(64)]).ok();
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_blocked_while_no_gateway_runs_stays_out_when_it_does() {
    let gateway = Gateway::start();
    drop(gateway.pair(1, "Phone").await);
    let home = gateway.stop();
    let done = run(home.path(), &["devices", "block", "Phone"]);
    assert!(done.stderr.contains("works on its store"), "{}", done.stderr);
    done.ok();
    // One that is not known here is named by its whole id.
    run(home.path(), &["devices", "block", &id(2)]).ok();
    let slip = run(home.path(), &["devices", "block", "Tablet"]).refused();
    assert!(slip.stderr.contains("No device goes by `Tablet`"), "{}", slip.stderr);
    let blocked = run(home.path(), &["devices", "blocked", "--json"]).json();
    assert_eq!(blocked["blocked"].as_array().unwrap().len(), 2);

    let gateway = Gateway::start_in(home);
    for seed in [1, 2] {
        assert_eq!(turned_away(&gateway, seed).await["code"], "DEVICE_BLOCKED");
    }
    let home = gateway.stop();
    run(home.path(), &["devices", "unblock", "Phone"]).ok();
    let gateway = Gateway::start_in(home);
    gateway.knock(1, "Phone").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn clear_wants_a_clear_word_and_takes_only_what_was_meant() {
    let gateway = Gateway::start();
    let phone = gateway.pair(1, "Phone").await;
    let waiting = gateway.knock(2, "Tablet").await;
    for (line, command) in [
        (&["devices", "clear"][..], "openclaw devices clear --yes`"),
        (&["devices", "clear", "--pending"], "openclaw devices clear --yes --pending`"),
        (&["devices", "clear", "--json"], "openclaw devices clear --yes`"),
    ] {
        let asked = gateway.run(line).refused();
        assert!(asked.stderr.contains(command) && asked.stderr.contains("nothing was changed"), "{}", asked.stderr);
    }
    let list = gateway.list();
    assert_eq!((list["pending"].as_array().unwrap().len(), list["paired"].as_array().unwrap().len()), (1, 1));

    let rejected = gateway.run(&["devices", "clear", "--yes", "--pending", "--json"]).json();
    assert_eq!(rejected, json!({"removed": [], "rejected": [waiting.pending.request_id]}));
    assert_eq!(refused(waiting).await["code"], "PAIRING_REJECTED");
    assert_eq!(gateway.list()["paired"].as_array().unwrap().len(), 1);

    let removed = gateway.run(&["devices", "clear", "--yes"]).ok();
    assert!(removed.starts_with("Removed all 1 paired device."), "{removed}");
    assert_eq!(thrown_out(phone).await, 4001);
    // The owner needs no pairing and goes on.
    assert_eq!(gateway.list(), json!({"pending": [], "paired": []}));
    assert_eq!(gateway.run(&["devices", "clear", "--yes"]).ok(), "No device is paired.\n");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_store_alone_is_cleared_too() {
    let gateway = Gateway::start();
    drop(gateway.pair(1, "Phone").await);
    let home = gateway.stop();
    run(home.path(), &["devices", "clear", "--yes", "--pending"]).ok();
    assert_eq!(run(home.path(), &["devices", "list", "--json"]).json()["paired"].as_array().unwrap().len(), 1);
    run(home.path(), &["devices", "clear", "--yes"]).ok();
    assert_eq!(run(home.path(), &["devices", "list", "--json"]).json()["paired"], json!([]));
}

#[tokio::test(flavor = "multi_thread")]
async fn approves_less_for_a_while_and_under_a_name_and_says_so() {
    let gateway = Gateway::start();
    let knock = gateway.knock(1, "Phone").await;
    let id_of_it = knock.pending.request_id.clone();
    for (line, expected) in [
        (&["--for", "soon"][..], "30m, 1h, 1d, 90d or forever"),
        (&["--scopes", "everything"], "the scopes are admin, read, write"),
        (&["--scopes", "admin"], "An approval can give less than the device asks for, not more."),
        (&["--name", " "], "A name needs at least one letter."),
    ] {
        let line: Vec<&str> = ["devices", "approve", &id_of_it].into_iter().chain(line.iter().copied()).collect();
        let done = gateway.run(&line);
        assert!(done.code != 0 && done.stderr.contains(expected), "{line:?}: {}", done.stderr);
    }
    let line = ["devices", "approve", &id_of_it, "--scopes", "read", "--for", "1h", "--name", "Kitchen"];
    assert_eq!(gateway.run(&line).ok(), "Approved Kitchen as operator: operator.read, for 1 h.\n");
    knock.opening.await.unwrap().unwrap();
    let table = gateway.run(&["devices", "list"]).ok();
    assert!(table.contains("ENDS") && table.contains("in 59 min") && table.contains("Kitchen"), "{table}");
    let told = gateway.run(&["devices", "explain", "Kitchen"]).ok();
    assert!(told.contains("That ends in 59 min ("), "{told}");

    // What was set while a gateway ran holds in the store, and the other way round.
    let knock = gateway.knock(2, "Tablet").await;
    let home = gateway.stop();
    assert!(knock.opening.await.unwrap().is_err());
    let forever = ["devices", "approve", &knock.pending.request_id, "--for", "90d"];
    assert_eq!(run(home.path(), &forever).ok(), "Approved Tablet as operator: operator.read, for 90 days.\n");
    let listed = run(home.path(), &["devices", "list", "--json"]).json();
    let ends: Vec<_> =
        listed["paired"].as_array().unwrap().iter().map(|device| device["expiresAtMs"].is_u64()).collect();
    assert_eq!(ends, [true, true]);
}

#[tokio::test(flavor = "multi_thread")]
async fn explains_a_device_and_a_request_in_sentences() {
    let gateway = Gateway::start();
    let phone = gateway.pair(1, "Phone\u{1b}[2J").await;
    let knock = gateway.knock(2, "Tablet").await;
    let told = gateway.run(&["devices", "explain", &id(1)]).ok();
    for expected in [
        "is paired as operator.",
        "The owner approved it at the command line of the gateway's machine, ",
        "It then asked from 127.0.0.1 (on this machine, ",
        "had shown no token and no password",
        "See devices, status and logs  (operator.read)",
        "It is connected now, 1 connection:\n  as operator from this machine",
    ] {
        assert!(told.contains(expected), "{expected}: {told}");
    }
    assert!(!told.contains('\u{1b}'), "{told:?}");
    let waiting = gateway.run(&["devices", "explain", &knock.pending.request_id]).ok();
    let approve = format!("`openclaw devices approve {}`", knock.pending.request_id);
    for expected in ["A request waits:", "Tablet", "device is not approved yet", &approve] {
        assert!(waiting.contains(expected), "{expected}: {waiting}");
    }
    let json = gateway.run(&["devices", "explain", &id(1), "--json"]).json();
    assert_eq!(json["device"]["approval"]["by"], json!({"kind": "owner"}));
    let unknown = gateway.run(&["devices", "explain", "ffff0000"]).refused();
    assert!(unknown.stderr.contains("Nothing goes by `ffff0000`"), "{}", unknown.stderr);

    drop(phone);
    let home = gateway.stop();
    let stored = run(home.path(), &["devices", "explain", &id(1)]).ok();
    assert!(stored.contains("It is not connected. It was last seen"), "{stored}");
    assert!(stored.contains(" from 127.0.0.1"), "{stored}");
}

#[tokio::test(flavor = "multi_thread")]
async fn pairing_is_an_older_name_and_channels_are_somebody_elses() {
    let gateway = Gateway::start();
    let knock = gateway.knock(1, "Phone").await;
    assert!(gateway.run(&["pairing", "list"]).ok().contains("Pending (1)"));
    assert_eq!(gateway.run(&["pairing", "list", "--json"]).json(), gateway.list());
    for line in [
        &["pairing", "list", "--channel", "discord"][..],
        &["pairing", "list", "discord"],
        &["pairing", "approve", "discord", "ABCD1234"],
        &["pairing", "approve", "--channel", "discord", "ABCD1234"],
    ] {
        let done = gateway.run(line).refused();
        assert!(done.stderr.contains("the channel `discord` belong to OpenClaw's plugin"), "{}", done.stderr);
        assert!(done.stderr.contains("openclaw devices "), "{}", done.stderr);
    }
    gateway.run(&["pairing", "approve", &knock.pending.request_id]).ok();
    knock.opening.await.unwrap().unwrap();
    let home = gateway.stop();
    assert!(run(home.path(), &["pairing", "list"]).ok().contains("Paired (1)"));
}

/// `openclaw devices watch` without a terminal. It ends with the test, however that ends.
struct Watch {
    process: Child,
    heard: mpsc::Receiver<String>,
}

impl Watch {
    fn start(gateway: &Gateway, line: &[&str]) -> Self {
        let (process, heard) = start(&mut command(gateway.home.path(), line));
        Self { process, heard }
    }

    fn next(&self) -> String {
        self.heard.recv_timeout(PATIENCE).unwrap()
    }

    fn ends_with_ctrl_c(mut self) {
        rustix::process::kill_process(Pid::from_child(&self.process), Signal::INT).unwrap();
        assert_eq!(self.process.wait().unwrap().code(), Some(0));
    }
}

impl Drop for Watch {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn watch_tells_a_line_for_whatever_happens_and_survives_a_restart() {
    let gateway = Gateway::start();
    let watch = Watch::start(&gateway, &["devices", "watch"]);
    let next = || watch.next();
    let knock = gateway.knock(1, "Phone\u{1b}[2J").await;
    let line = next();
    let request = knock.pending.request_id.as_str();
    let words = knock.pending.fingerprint.words.join("-");
    assert!(line.starts_with(&format!("waits     {request}  Phone")), "{line}");
    assert!(line.contains(&words) && line.ends_with(&format!("openclaw devices approve {request}")), "{line}");
    assert!(!line.contains('\u{1b}'), "{line:?}");
    gateway.run(&["devices", "approve", request]).ok();
    assert!(next().starts_with(&format!("approved  {request}  Phone")));
    drop(knock.opening.await.unwrap().unwrap());

    let home = gateway.stop();
    assert!(next().contains("Waiting for it to come back"));
    let gateway = Gateway::start_in(home);
    assert_eq!(next(), "The gateway is back.");
    let again = gateway.knock(2, "Tablet").await;
    assert!(next().contains(&again.pending.request_id));
    gateway.run(&["devices", "reject", &again.pending.request_id]).ok();
    assert!(next().starts_with("rejected  "));
    watch.ends_with_ctrl_c();
}

#[tokio::test(flavor = "multi_thread")]
async fn watch_tells_scripts_one_json_value_a_line() {
    let gateway = Gateway::start();
    let knock = gateway.knock(1, "Phone").await;
    let watch = Watch::start(&gateway, &["devices", "watch", "--json"]);
    let next = || serde_json::from_str::<Value>(&watch.next()).unwrap();
    let waits = next();
    assert_eq!((&waits["event"], &waits["request"]["displayName"]), (&json!("waits"), &json!("Phone")));
    gateway.run(&["devices", "block", &knock.pending.request_id]).ok();
    assert_eq!(next()["event"], "rejected");
    let home = gateway.stop();
    assert_eq!(next()["event"], "gateway-away");
    let _gateway = Gateway::start_in(home);
    assert_eq!(next()["event"], "gateway-back");
    watch.ends_with_ctrl_c();
}
