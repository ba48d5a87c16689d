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

    // What other nodes offer is shown to admins alone, so this device asks for that.
    let narrower = run(elsewhere.path(), &approve).refused();
    assert!(narrower.stderr.contains("This needs admin rights"), "{}", narrower.stderr);
    let hint = narrower.stderr.split_once("run `openclaw devices approve ").unwrap().1;
    gateway.run(&["devices", "approve", hint.split_once('`').unwrap().0]).ok();
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
    let hint = narrower.stderr.split_once("run `openclaw devices approve ").unwrap().1;
    gateway.run(&["devices", "approve", hint.split_once('`').unwrap().0]).ok();
    assert_eq!(run(elsewhere.path(), &approve).ok(), "Approved Phone as operator: operator.read.\n");
    knock.opening.await.unwrap().unwrap();
}
