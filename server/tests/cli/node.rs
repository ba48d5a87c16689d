//! `openclaw node`, `nodes` and `connect`: two programs and a gateway, as on two machines.

use std::path::Path;
use std::process::Child;
use std::sync::mpsc;

use serde_json::{Value, json};
use tempfile::TempDir;

use super::gateway::{Done, Gateway, PATIENCE, command, run, start};

/// A node on a machine of its own. It ends with the test.
pub struct Node {
    home: TempDir,
    process: Child,
    heard: mpsc::Receiver<String>,
}

impl Node {
    pub fn start(home: TempDir, gateway: &Gateway) -> Self {
        let line = ["node", "run", "--url", &gateway.url(), "--display-name", "Box"];
        let (process, heard) = start(
            command(home.path(), &line)
                .env("PATH", "/usr/bin:/bin")
                .env("OPENCLAW_GATEWAY_TOKEN", "")
                .env("NODE_SECRET", "secret"),
        );
        Self { home, process, heard }
    }

    /// The first line that begins with this, without it.
    #[track_caller]
    pub fn says(&self, beginning: &str) -> String {
        let mut before = Vec::new();
        loop {
            let line = self.heard.recv_timeout(PATIENCE).unwrap_or_else(|_| panic!("no `{beginning}` in {before:?}"));
            match line.trim_start().strip_prefix(beginning) {
                Some(rest) => return rest.to_owned(),
                None => before.push(line),
            }
        }
    }

    /// A node that was approved and is in.
    pub fn approved(home: TempDir, gateway: &Gateway) -> Self {
        let node = Self::start(home, gateway);
        let id = node.says("openclaw devices approve ");
        gateway.run(&["devices", "approve", &id]).ok();
        node.says("Connected to ");
        node
    }

    /// Starts again, and offers programs as well, which waits for a person. The result is the id it waits under.
    pub fn again_with_programs(mut self, gateway: &Gateway) -> (Self, String) {
        let pid = self.process.id().to_string();
        assert!(std::process::Command::new("kill").arg(pid).status().unwrap().success());
        self.says("Disconnected.");
        assert!(self.process.wait().unwrap().success());
        let home = std::mem::replace(&mut self.home, tempfile::tempdir().unwrap());
        write_rules(&home, &json!({"version": 1, "defaults": {"security": "full"}}));
        let node = Self::start(home, gateway);
        node.says("Connected to ");
        let pending = gateway.run(&["nodes", "pending", "--json"]).json();
        assert_eq!(pending[0]["commands"], json!(["device.info", "system.run", "system.which"]));
        (node, pending[0]["requestId"].as_str().unwrap().to_owned())
    }
}

impl Drop for Node {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

/// A home whose rules let these programs run.
pub fn home(allowed: Option<&[&str]>) -> TempDir {
    let home = tempfile::tempdir().unwrap();
    if let Some(allowed) = allowed {
        let rules = json!({
            "version": 1, "defaults": {"security": "allowlist"}, "agents": {"main": {"allowlist": allowed}},
        });
        write_rules(&home, &rules);
    }
    home
}

/// A home whose rules let nothing run that the person there does not agree to.
pub fn home_that_asks() -> TempDir {
    let home = tempfile::tempdir().unwrap();
    write_rules(&home, &json!({"version": 1, "defaults": {"security": "allowlist", "ask": "on-miss"}}));
    home
}

fn write_rules(home: &TempDir, rules: &Value) {
    let folder = home.path().join(".openclaw");
    std::fs::create_dir_all(&folder).unwrap();
    std::fs::write(folder.join("exec-approvals.json"), rules.to_string()).unwrap();
}

pub fn invoke(gateway: &Gateway, command: &str, params: &Value) -> Done {
    gateway.run(&["nodes", "invoke", "--node", "box", "--command", command, "--params", &params.to_string()])
}

#[test]
fn first_contact_leaves_a_visible_request_and_one_approval_lets_the_node_in_at_once() {
    let gateway = Gateway::start();
    let node = Node::start(home(None), &gateway);
    let words = node.says("fingerprint ");
    let id = node.says("openclaw devices approve ");
    let listed = gateway.run(&["devices", "list"]).ok();
    for expected in ["Box", "node", id.as_str(), words.trim()] {
        assert!(listed.contains(expected), "{expected}: {listed}");
    }
    gateway.run(&["devices", "approve", &id]).ok();
    node.says("Connected to ");
    let offered = node.says("system.which");
    assert!(offered.contains("See which programs are installed"), "{offered}");
    let status = gateway.run(&["nodes", "status"]).ok();
    for expected in ["Box", "connected", "approved", "system.which"] {
        assert!(status.contains(expected), "{expected}: {status}");
    }
    let found = invoke(&gateway, "system.which", &json!({"bins": ["sh", "no-such-program"]})).json();
    assert_eq!(found, json!({"bins": {"sh": "/usr/bin/sh"}}));
}

#[test]
fn without_rules_of_its_own_a_node_runs_nothing() {
    let gateway = Gateway::start();
    let node = Node::start(home(None), &gateway);
    assert!(node.says("note: ").contains("no program may run"));
    let id = node.says("openclaw devices approve ");
    gateway.run(&["devices", "approve", &id]).ok();
    node.says("Connected to ");
    let refused = invoke(&gateway, "system.run", &json!({"command": ["uname"]})).refused();
    assert!(refused.stderr.contains("system.run") && refused.stderr.contains("hint: "), "{}", refused.stderr);
}

#[test]
fn what_is_on_the_nodes_list_runs_and_nothing_else() {
    let gateway = Gateway::start();
    let _node = Node::approved(home(Some(&["/usr/bin/uname", "/usr/bin/*v"])), &gateway);
    let done = invoke(&gateway, "system.run", &json!({"command": ["uname"]})).json();
    assert_eq!((&done["exitCode"], &done["stdout"]), (&json!(0), &json!("Linux\n")));
    for (argv, why) in [
        (json!(["id"]), "is not on the allowlist"),
        (json!(["sh", "-c", "uname"]), "runs whatever it is given"),
        (json!(["env", "uname"]), "runs whatever it is given"),
        (json!(["no-such-program"]), "no program"),
    ] {
        let refused = invoke(&gateway, "system.run", &json!({"command": argv})).refused();
        assert!(refused.stderr.contains(why), "{why}: {}", refused.stderr);
    }
}

#[test]
fn a_removed_node_is_told_and_says_so() {
    let gateway = Gateway::start();
    let node = Node::approved(home(None), &gateway);
    let removed = gateway.run(&["nodes", "remove", "Box"]).ok();
    assert!(removed.starts_with("Removed Box."), "{removed}");
    node.says("The gateway's owner removed this node.");
    assert_eq!(gateway.run(&["nodes", "status", "--json"]).json()["nodes"], json!([]));
}

#[test]
fn a_restarted_node_needs_nobody_and_more_than_was_approved_waits() {
    let gateway = Gateway::start();
    let (node, id) = Node::approved(home(None), &gateway).again_with_programs(&gateway);
    let asked = gateway.run(&["nodes", "approve", &id[..8]]).refused();
    assert!(asked.stderr.contains("Run programs there"), "{}", asked.stderr);
    assert_eq!(asked.stdout, format!("openclaw nodes approve {id}\n"));
    let approved = gateway.run(&["nodes", "approve", &id]).ok();
    assert!(approved.starts_with("Approved Box: "), "{approved}");
    node.says("Approved: ");
    let params = json!({"command": ["sh", "-c", "echo $NODE_SECRET$OPENCLAW_GATEWAY_TOKEN."]});
    assert_eq!(invoke(&gateway, "system.run", &params).json()["stdout"], ".\n");
}

#[test]
fn what_a_node_offers_can_be_turned_down_and_it_can_be_renamed_and_described() {
    let gateway = Gateway::start();
    let _node = Node::approved(home(None), &gateway);
    gateway.run(&["nodes", "rename", "--node", "Box", "--name", "Kitchen"]).ok();
    let described = gateway.run(&["nodes", "describe", "kitchen"]).ok();
    for expected in ["Kitchen", "node-host", "connected", "system.which"] {
        assert!(described.contains(expected), "{expected}: {described}");
    }
    let list = gateway.run(&["nodes", "list", "--json"]).json();
    assert_eq!((&list["pending"], &list["paired"][0]["displayName"]), (&json!([]), &json!("Kitchen")));
    let unknown = gateway.run(&["nodes", "reject", "abcdef"]).refused();
    assert!(unknown.stderr.contains("unknown or decided") && unknown.stderr.contains("hint: "), "{}", unknown.stderr);
    let unknown = gateway.run(&["nodes", "describe", "Bath"]).refused();
    assert!(unknown.stderr.contains("No node goes by `Bath`"), "{}", unknown.stderr);
}

#[test]
fn a_node_keeps_its_identity_and_each_name_has_its_own() {
    let home = tempfile::tempdir().unwrap();
    let identity = |line: &[&str]| run(home.path(), line).json();
    let first = identity(&["node", "identity", "--json"]);
    assert_eq!(first, identity(&["node", "identity", "--json"]));
    let other = identity(&["node", "identity", "--json", "--node-id", "kitchen"]);
    assert_ne!(first["deviceId"], other["deviceId"]);
    assert!(keys(home.path()).iter().all(|mode| *mode == 0o600));
    let refused = run(home.path(), &["node", "identity", "--node-id", "../x"]).refused();
    assert!(refused.stderr.contains("hint: "), "{}", refused.stderr);
}

/// Setting a node up fails at one step and then at another (T-D08.1).
#[test]
fn a_setup_that_failed_halfway_goes_on_where_it_was_and_takes_nothing_away() {
    let gateway = Gateway::start();
    let url = format!("http://127.0.0.1:{}", gateway.port);
    gateway.run(&["config", "set", "plugins.entries.device-pair.config.publicUrl", &url]).ok();
    let link = gateway.run(&["devices", "join-code", "--json"]).json()["joinUrl"].as_str().unwrap().to_owned();
    let elsewhere = home(Some(&["/usr/bin/uname"]));
    let rules = elsewhere.path().join(".openclaw/exec-approvals.json");
    let written = std::fs::read(&rules).unwrap();
    let key = || run(elsewhere.path(), &["node", "identity", "--json"]).json();
    let before = key();

    let port = gateway.port.to_string();
    let gateways = gateway.stop();
    let failed = run(elsewhere.path(), &["connect", &link]).refused();
    assert!(failed.stderr.contains("hint: the link was not used: run this again"), "{}", failed.stderr);
    let gateway = Gateway::start_with(gateways, &["gateway", "run", "--port", &port], &[]);
    let join = |link: &str| {
        let (process, heard) = start(&mut command(elsewhere.path(), &["connect", link, "--display-name", "Box"]));
        Node { home: tempfile::tempdir().unwrap(), process, heard }
    };
    let node = join(&link);
    node.says("Connected to ");
    // Killed right after it came in, and started once more with a link that is spent by now.
    drop(node);
    let spent = run(elsewhere.path(), &["connect", &link]).refused();
    assert!(spent.stderr.contains("openclaw devices join-code"), "{}", spent.stderr);
    let (process, heard) = start(&mut command(elsewhere.path(), &["node", "run", "--url", &gateway.url()]));
    Node { home: tempfile::tempdir().unwrap(), process, heard }.says("Connected to ");

    let list = gateway.list();
    assert_eq!((list["paired"].as_array().unwrap().len(), &list["pending"]), (1, &json!([])));
    assert_eq!((&list["paired"][0]["deviceId"], key()), (&before["deviceId"], before.clone()));
    assert_eq!(std::fs::read(&rules).unwrap(), written);
}

/// The permissions of what a node keeps.
fn keys(home: &Path) -> Vec<u32> {
    use std::os::unix::fs::PermissionsExt;
    let files = std::fs::read_dir(home.join(".openclaw/state")).unwrap();
    let modes: Vec<u32> = files.map(|file| file.unwrap().metadata().unwrap().permissions().mode() & 0o777).collect();
    assert_eq!(modes.len(), 2);
    modes
}

#[test]
fn a_code_that_leads_nowhere_is_explained() {
    let home = tempfile::tempdir().unwrap();
    for (line, why) in [
        (&["connect", "oc-pair://nonsense"][..], "Invalid pairing setup"),
        (&["node", "run", "--pair", "nonsense!"], "Invalid pairing setup"),
        (&["connect", "http://gateway.example.com/j/abc"], "https://"),
        (&["connect", "http://127.0.0.1:1/j/AAAAAAAAAAAAAAAAAAAAAA"], "cannot reach"),
    ] {
        let refused = run(home.path(), line).refused();
        let said = refused.stderr.to_lowercase();
        assert!(said.contains(&why.to_lowercase()) && said.contains("hint: "), "{said}");
    }
}
