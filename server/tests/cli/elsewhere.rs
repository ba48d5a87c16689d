//! `--url`: the same commands from another machine, which is a device there like any other.

use std::path::Path;
use std::process::Stdio;
use std::sync::mpsc;

use serde_json::{Value, json};

use super::gateway::{Done, Gateway, command, lines, run};
use super::node::{Node, home};

/// Runs a command on another machine. Whenever it has to wait for its own approval, the gateway's owner
/// gives it. The result tells how often that was.
fn approving(gateway: &Gateway, elsewhere: &Path, line: &[&str]) -> (Done, usize) {
    let mut process = command(elsewhere, line).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    let (said, heard) = mpsc::channel();
    lines(process.stderr.take().unwrap(), said);
    let (mut stderr, mut approvals) = (String::new(), 0);
    for line in heard {
        if let Some(id) = line.trim().strip_prefix("openclaw devices approve ") {
            gateway.run(&["devices", "approve", id]).ok();
            approvals += 1;
        }
        stderr += &line;
        stderr.push('\n');
    }
    let output = process.wait_with_output().unwrap();
    let stdout = String::from_utf8(output.stdout).unwrap();
    (Done { code: output.status.code().unwrap(), stdout, stderr }, approvals)
}

#[test]
fn lists_approves_and_invokes_nodes_once_the_owner_has_let_it_do_so() {
    let gateway = Gateway::start();
    let (_node, id) = Node::approved(home(None), &gateway).again_with_programs(&gateway);
    let elsewhere = tempfile::tempdir().unwrap();
    let url = gateway.url();
    let (list, approve) = (["nodes", "list", "--url", &url], ["nodes", "approve", &id, "--url", &url]);

    let (listed, approvals) = approving(&gateway, elsewhere.path(), &list);
    let listed = listed.ok();
    assert_eq!(approvals, 1);
    assert!(listed.contains("Box") && listed.contains("more waits"), "{listed}");
    assert!(listed.starts_with("Pending (0, and 1 shown only to admins)"), "{listed}");

    // What other nodes offer is shown to admins alone, so this device asks for that.
    let narrower = run(elsewhere.path(), &approve).refused();
    assert!(narrower.stderr.contains("This needs admin rights"), "{}", narrower.stderr);
    let hint = narrower.stderr.split_once("again: openclaw devices approve ").unwrap().1;
    gateway.run(&["devices", "approve", hint.trim()]).ok();
    let approved = run(elsewhere.path(), &approve).ok();
    assert!(approved.starts_with("Approved Box: "), "{approved}");

    let params = json!({"command": ["uname"]}).to_string();
    let invoke = ["nodes", "invoke", "--node", "box", "--command", "system.run", "--params", &params, "--url", &url];
    let (done, approvals) = approving(&gateway, elsewhere.path(), &invoke);
    let done: Value = done.json();
    assert_eq!((&done["stdout"], approvals), (&json!("Linux\n"), 0));
    let unknown = run(elsewhere.path(), &["nodes", "describe", "Bath", "--url", &url]).refused();
    assert!(unknown.stderr.contains("No node goes by `Bath`"), "{}", unknown.stderr);
}

#[tokio::test(flavor = "multi_thread")]
async fn approves_a_device_once_the_owner_has_let_it_do_so() {
    let gateway = Gateway::start();
    let elsewhere = tempfile::tempdir().unwrap();
    let url = gateway.url();
    approving(&gateway, elsewhere.path(), &["devices", "list", "--url", &url]).0.ok();
    let knock = gateway.knock(1, "Phone").await;
    let approve = ["devices", "approve", &knock.pending.request_id, "--url", &url];
    let narrower = run(elsewhere.path(), &approve).refused();
    assert!(narrower.stderr.contains("This needs admin rights"), "{}", narrower.stderr);
    let hint = narrower.stderr.split_once("again: openclaw devices approve ").unwrap().1;
    gateway.run(&["devices", "approve", hint.trim()]).ok();
    assert_eq!(run(elsewhere.path(), &approve).ok(), "Approved Phone as operator: operator.read.\n");
    knock.opening.await.unwrap().unwrap();
}

/// What a command says that is refused because this device waits for admin rights, and grants them.
fn granted_admin(gateway: &Gateway, elsewhere: &Path, line: &[&str]) -> String {
    let narrower = run(elsewhere, line).refused();
    assert!(narrower.stderr.contains("This needs admin rights"), "{}", narrower.stderr);
    let hint = narrower.stderr.split_once("again: openclaw devices approve ").unwrap().1;
    gateway.run(&["devices", "approve", hint.trim()]).ok();
    narrower.stderr
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_shown_to_admins_alone_leads_to_asking_for_that() {
    let words = "devices approve,devices remove Phone,devices rename Phone Den,devices rotate Phone,devices revoke Phone,\
                 devices block Phone,devices explain Phone,devices blocked,devices clear --yes";
    for line in words.split(',') {
        let gateway = Gateway::start();
        let elsewhere = tempfile::tempdir().unwrap();
        let url = gateway.url();
        approving(&gateway, elsewhere.path(), &["devices", "list", "--url", &url]).0.ok();
        let _phone = gateway.pair(1, "Phone").await;
        let _waiting = gateway.knock(2, "Tablet").await;
        let line: Vec<&str> = line.split(' ').chain(["--url", &url]).collect();
        let said = granted_admin(&gateway, elsewhere.path(), &line);
        assert!(!said.contains("No device") && !said.contains("goes by"), "{line:?}: {said}");
        let done = run(elsewhere.path(), &line);
        assert_eq!(done.code, i32::from(line[1] == "approve"), "{line:?}: {}{}", done.stdout, done.stderr);
        if line[1] == "clear" {
            // This very device stays.
            assert_eq!(gateway.list()["paired"].as_array().unwrap().len(), 1);
        }
    }
}
