//! Questions at a terminal: they appear, only a clear yes counts, and without a terminal nothing happens.

use std::fs::File;
use std::io::{Read, Write};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::mpsc;

use rustix::fs::{Mode, OFlags};
use rustix::pty::{OpenptFlags, grantpt, openpt, ptsname, unlockpt};
use serde_json::{Value, json};

use super::gateway::{Gateway, PATIENCE, command};
use super::node::{Node, home, home_that_asks, invoke};

/// A program at a terminal of its own. It ends with the test.
pub struct AtTerminal {
    process: Child,
    keyboard: File,
    screen: mpsc::Receiver<String>,
    /// What was on the screen and not looked at yet.
    seen: String,
}

impl AtTerminal {
    pub fn start(home: &Path, line: &[&str]) -> Self {
        Self::start_command(command(home, line))
    }

    pub fn start_command(mut command: Command) -> Self {
        let keyboard = openpt(OpenptFlags::RDWR | OpenptFlags::NOCTTY | OpenptFlags::CLOEXEC).unwrap();
        grantpt(&keyboard).unwrap();
        unlockpt(&keyboard).unwrap();
        let name = ptsname(&keyboard, Vec::new()).unwrap();
        let flags = OFlags::RDWR | OFlags::NOCTTY | OFlags::CLOEXEC;
        let terminal = || Stdio::from(rustix::fs::open(&name, flags, Mode::empty()).unwrap());
        let process = command.stdin(terminal()).stdout(terminal()).stderr(terminal()).spawn().unwrap();
        // Its hold on the terminal goes with it, so that reading ends when the program does.
        drop(command);
        let keyboard = File::from(keyboard);
        let mut glass = keyboard.try_clone().unwrap();
        let (shown, screen) = mpsc::channel();
        std::thread::spawn(move || {
            let mut bytes = [0; 4096];
            // Reading fails when the program and its terminal are gone.
            while let Ok(length) = glass.read(&mut bytes) {
                if shown.send(String::from_utf8_lossy(&bytes[..length]).into_owned()).is_err() {
                    return;
                }
            }
        });
        Self { process, keyboard, screen, seen: String::new() }
    }

    /// Waits for a text on the screen. The result is what stands before it.
    #[track_caller]
    pub fn shows(&mut self, expected: &str) -> String {
        loop {
            if let Some((before, after)) = self.seen.split_once(expected) {
                let (before, after) = (before.to_owned(), after.to_owned());
                self.seen = after;
                return before;
            }
            let more = self.screen.recv_timeout(PATIENCE);
            self.seen += &more.unwrap_or_else(|_| panic!("no `{expected}` in {}", self.seen));
        }
    }

    /// Everything that comes until the program and its terminal are gone.
    pub fn rest(&mut self) -> String {
        let mut rest = std::mem::take(&mut self.seen);
        while let Ok(more) = self.screen.recv_timeout(PATIENCE) {
            rest += &more;
        }
        rest
    }

    pub fn types(&mut self, line: &str) {
        self.keyboard.write_all(format!("{line}\n").as_bytes()).unwrap();
    }

    pub fn ends_with(&mut self, code: i32) {
        assert_eq!(self.process.wait().unwrap().code(), Some(code));
    }
}

impl Drop for AtTerminal {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_device_is_approved_at_a_terminal_by_a_clear_yes_alone() {
    let gateway = Gateway::start();
    let knock = gateway.knock(1, "Phone").await;
    for answer in ["", "n", "yess"] {
        let mut asked = AtTerminal::start(gateway.home.path(), &["devices", "approve", "--latest"]);
        let shown = asked.shows("Approve this device? [y/N] ");
        for expected in ["Phone", &knock.pending.fingerprint.words.join(" ")] {
            assert!(shown.contains(expected), "{expected}: {shown}");
        }
        asked.types(answer);
        asked.shows("Nothing was approved.");
        asked.ends_with(1);
    }
    assert_eq!(gateway.list()["pending"].as_array().unwrap().len(), 1);

    let mut asked = AtTerminal::start(gateway.home.path(), &["devices", "approve"]);
    asked.shows("Approve this device? [y/N] ");
    asked.types("y");
    asked.shows("Approved Phone as operator: operator.read.");
    asked.ends_with(0);
    knock.opening.await.unwrap().unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_yes_is_for_what_was_shown_and_not_for_what_took_its_place() {
    let gateway = Gateway::start();
    let _knock = gateway.knock(1, "Phone").await;
    let mut asked = AtTerminal::start(gateway.home.path(), &["devices", "approve", "--latest"]);
    asked.shows("Approve this device? [y/N] ");
    let _again = gateway.knock(1, "The owner's phone").await;
    asked.types("y");
    asked.shows("not what was displayed any more");
    asked.ends_with(1);
    assert_eq!(gateway.list()["paired"], json!([]));
}

#[tokio::test(flavor = "multi_thread")]
async fn who_waits_is_shown_live_and_decided_in_place() {
    let gateway = Gateway::start();
    let mut watch = AtTerminal::start(gateway.home.path(), &["devices", "watch"]);
    watch.shows("Nobody waits for approval.");
    let phone = gateway.knock(1, "Phone").await;
    watch.shows(&phone.pending.fingerprint.words.join(" "));
    watch.shows("a approve");
    watch.types("a");
    watch.shows("Approve Phone? [y/N]");
    watch.types("n");
    watch.shows("Nothing was decided.");
    watch.types("a");
    watch.shows("Approve Phone? [y/N]");
    watch.types("y");
    watch.shows("Approved Phone.");
    phone.opening.await.unwrap().unwrap();

    let tablet = gateway.knock(2, "Tablet").await;
    watch.shows(&tablet.pending.request_id);
    watch.types("r");
    watch.shows("Turn Tablet away? [y/N]");
    watch.types("y");
    watch.shows("Turned Tablet away.");
    assert!(tablet.opening.await.unwrap().is_err());
    watch.types("q");
    watch.ends_with(0);
}

#[tokio::test(flavor = "multi_thread")]
async fn clear_asks_at_a_terminal() {
    let gateway = Gateway::start();
    let _phone = gateway.pair(1, "Phone").await;
    for (answer, said) in [("", "Nothing was changed."), ("y", "Removed all 1 paired device.")] {
        let mut asked = AtTerminal::start(gateway.home.path(), &["devices", "clear"]);
        asked.shows("Remove all 1 paired device? [y/N] ");
        asked.types(answer);
        asked.shows(said);
    }
    assert_eq!(gateway.list()["paired"], json!([]));
}

#[test]
fn what_a_node_offers_is_approved_at_a_terminal_by_a_clear_yes_alone() {
    let gateway = Gateway::start();
    let (node, id) = Node::approved(home(None), &gateway).again_with_programs(&gateway);
    let line = ["nodes", "approve", &id[..8]];
    let mut asked = AtTerminal::start(gateway.home.path(), &line);
    let shown = asked.shows("Let the gateway use all of this? [y/N] ");
    assert!(shown.contains("Box") && shown.contains("Run programs there"), "{shown}");
    asked.types("no");
    asked.shows("Nothing was approved.");
    asked.ends_with(1);
    assert_eq!(gateway.run(&["nodes", "pending", "--json"]).json()[0]["requestId"], json!(id));

    let mut asked = AtTerminal::start(gateway.home.path(), &line);
    asked.shows("Let the gateway use all of this? [y/N] ");
    asked.types("YES");
    asked.shows("Approved Box: ");
    asked.ends_with(0);
    node.says("Approved: ");
}

fn uname() -> Value {
    json!({"command": ["uname"]})
}

#[test]
fn a_node_asks_the_person_at_its_terminal_before_it_runs_a_program() {
    let gateway = Gateway::start();
    let elsewhere = home_that_asks();
    let mut node =
        AtTerminal::start(elsewhere.path(), &["node", "run", "--url", &gateway.url(), "--display-name", "Box"]);
    node.shows("openclaw devices approve ");
    let id = node.shows("\r\n");
    gateway.run(&["devices", "approve", id.trim()]).ok();
    node.shows("Connected to ");
    // Typed before the question, this answers nothing.
    node.types("y");

    std::thread::scope(|others| {
        let gateway = &gateway;
        let caller = others.spawn(move || invoke(gateway, "system.run", &uname()));
        let shown = node.shows("Let it run? ");
        for expected in ["asks to run a program on this machine", r#""/usr/bin/uname""#, r#"argv[0]   "uname""#] {
            assert!(shown.contains(expected), "{expected}: {shown}");
        }
        node.types("n");
        node.shows("It does not run.");
        let refused = caller.join().unwrap().refused();
        assert!(refused.stderr.contains("the person at the node said no"), "{}", refused.stderr);

        let caller = others.spawn(move || invoke(gateway, "system.run", &uname()));
        node.shows("Let it run? ");
        node.types("y");
        assert_eq!(caller.join().unwrap().json()["stdout"], "Linux\n");
    });
}

#[test]
fn where_a_node_has_no_terminal_nobody_is_asked_and_the_caller_reads_what_would_help() {
    let gateway = Gateway::start();
    let _node = Node::approved(home_that_asks(), &gateway);
    let refused = invoke(&gateway, "system.run", &uname()).refused();
    for expected in ["there is no terminal to ask at", "openclaw node run", "exec-approvals.json"] {
        assert!(refused.stderr.contains(expected), "{expected}: {}", refused.stderr);
    }
}
