//! What the five guides have their readers type, as written there, in a fresh home with a gateway. Only a gap that
//! a guide leaves for the reader (`<requestId>`, `[device-id]`) is filled in. What the guide to fix gateway
//! connect failures types is in `tests/guide`, but for its commands about a channel; nothing of it is repeated here.
//!
//! | guide, by what it is about | its lines here |
//! |---|---|
//! | fixing failed gateway connections | `channels remove`, `channels add`, `channels login`, `update` |
//! | a pairing error that comes back: approving, and living with many pairings | `devices approve` alone, `pairing list`, `devices revoke`, `devices block` |
//! | "pairing required" explained: how pairing works, and Docker | `devices list` as an array, `devices approve` with an `id` of it, `config set … allowInsecureAuth`, `gateway restart`, `--version`, `gateway status`, `pairing list --channel`, `pairing approve discord` |
//! | the two-minute fix and the full workflow | `gateway status`, `devices list`, `devices approve --latest`, `status`, `config get`, `logs --follow`, `gateway restart` |
//! | causes and solutions for each way to deploy | `pairing list`, `devices list`, `devices approve` with a device id, `configure`, `gateway status` for the token |

use std::os::unix::fs::symlink;
use std::path::Path;
use std::process::{Command, Stdio};

use client::Identity;

use super::gateway::{Done, Gateway, Knock, PATIENCE, start, thrown_out};
use super::terminal::AtTerminal;

/// A line for the shell of the gateway's owner, who finds `openclaw` in the path.
fn shell(home: &Path, line: &str) -> Command {
    let programs = home.join("programs");
    if !programs.exists() {
        std::fs::create_dir(&programs).unwrap();
        symlink(env!("CARGO_BIN_EXE_openclaw"), programs.join("openclaw")).unwrap();
    }
    let mut command = Command::new("/bin/sh");
    command.args(["-c", line]).env_clear().env("HOME", home).stdin(Stdio::null());
    command.env("PATH", format!("{}:/usr/bin:/bin", programs.display()));
    command
}

fn types(gateway: &Gateway, line: &str) -> Done {
    let output = shell(gateway.home.path(), line).output().unwrap();
    let text = |bytes| String::from_utf8(bytes).unwrap();
    Done { code: output.status.code().unwrap(), stdout: text(output.stdout), stderr: text(output.stderr) }
}

fn device_id(seed: u8) -> String {
    Identity::from_seed([seed; 32]).device_id().as_str().to_owned()
}

async fn is_in(knock: Knock) {
    let mut phone = tokio::time::timeout(PATIENCE, knock.opening).await.unwrap().unwrap().unwrap();
    assert_eq!(phone.call("health", ()).await.unwrap()["ok"], true);
}

/// Lines that nothing has to be filled in for: what they end with, and what is printed where.
#[test]
fn lines_without_a_gap_print_what_they_promise() {
    let gateway = Gateway::start();
    let at = format!("running at http://127.0.0.1:{}", gateway.port);
    let token = types(&gateway, "openclaw config get gateway.auth.token").ok();
    let settings = std::fs::read_to_string(gateway.home.path().join(".openclaw/openclaw.json")).unwrap();
    assert!(token.trim().len() > 20 && settings.contains(token.trim()), "{token}");

    let not_ours = "OpenClaw's plugin for it";
    let rows: &[(&str, i32, &str, &str)] = &[
        ("openclaw --version", 0, "openclaw 0.1.0\n", ""),
        ("openclaw gateway status", 0, &at, ""),
        ("openclaw gateway status", 0, "`openclaw gateway auth-token --show` prints it", ""),
        ("openclaw status", 0, &at, ""),
        ("openclaw devices list", 0, "Pending (0)", ""),
        ("openclaw devices list", 0, "Paired (0)", ""),
        ("openclaw pairing list", 0, "Pending (0)", ""),
        ("openclaw devices approve", 1, "", "No device waits"),
        ("openclaw devices approve --latest", 1, "", "No device waits"),
        ("openclaw pairing list --channel discord", 1, "", not_ours),
        ("openclaw pairing list --channel discord", 1, "", "`openclaw devices list`"),
        ("openclaw pairing approve discord ABCD1234", 1, "", "`openclaw devices approve ID`"),
        ("openclaw config set gateway.controlUi.allowInsecureAuth true", 0, "", "is not obeyed"),
        ("openclaw gateway restart", 0, "Restarted the gateway", ""),
        ("openclaw channels remove whatsapp", 1, "", "run its own `openclaw channels remove whatsapp`"),
        ("openclaw channels add", 1, "", "run its own `openclaw channels add`"),
        ("openclaw channels login --channel whatsapp", 1, "", "run its own `openclaw channels login"),
        ("openclaw update", 1, "", "does not update itself"),
        ("openclaw configure", 1, "", "openclaw config set"),
    ];
    for (line, code, stdout, stderr) in rows {
        let done = types(&gateway, line);
        assert_eq!(done.code, *code, "{line}: {}{}", done.stdout, done.stderr);
        assert!(done.stdout.contains(stdout), "{line}: `{stdout}` is not in {}", done.stdout);
        assert!(done.stderr.contains(stderr), "{line}: `{stderr}` is not in {}", done.stderr);
        assert!(*code == 0 || done.stderr.contains("\nhint: "), "{line}: {}", done.stderr);
    }
}

/// Each way in which a guide writes down what is to be approved.
#[tokio::test(flavor = "multi_thread")]
async fn every_kind_of_id_that_a_guide_copies_lets_its_device_in() {
    let gateway = Gateway::start();
    let in_the_array = |list: Done| list.json()[0]["id"].as_str().unwrap().to_owned();
    for (seed, gap) in (1..).zip(["<requestId>", "<device-id>", "dev_a1b2c3d4"]) {
        let knock = gateway.knock(seed, "my-laptop").await;
        let id = match gap {
            "<requestId>" => knock.pending.request_id.clone(),
            "<device-id>" => device_id(seed),
            _ => in_the_array(types(&gateway, "openclaw devices list --json=flat")),
        };
        let listed = types(&gateway, "openclaw devices list").ok();
        assert!(listed.contains("Pending (1)") && listed.contains(&knock.pending.request_id), "{listed}");
        let line = format!("openclaw devices approve {gap}").replace(gap, &id);
        assert!(types(&gateway, &line).ok().starts_with("Approved my-laptop"), "{gap}");
        is_in(knock).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn at_a_terminal_approve_and_latest_show_who_waits_and_ask() {
    let gateway = Gateway::start();
    for (seed, line) in (1..).zip(["openclaw devices approve", "openclaw devices approve --latest"]) {
        let knock = gateway.knock(seed, "Phone").await;
        let mut asked = AtTerminal::start_command(shell(gateway.home.path(), line));
        let shown = asked.shows("Approve this device? [y/N] ");
        assert!(shown.contains(&knock.pending.fingerprint.words.join(" ")), "{shown}");
        asked.types("y");
        asked.shows("Approved Phone");
        asked.ends_with(0);
        is_in(knock).await;
    }
    let status = types(&gateway, "openclaw status").ok();
    assert!(status.contains("2 paired") && status.contains("0 waiting"), "{status}");
}

#[tokio::test(flavor = "multi_thread")]
async fn revoke_and_block_throw_a_device_out() {
    let gateway = Gateway::start();
    let phone = gateway.pair(1, "Phone").await;
    let line = "openclaw devices revoke [device-id]".replace("[device-id]", &device_id(1));
    types(&gateway, &line).ok();
    assert_eq!(thrown_out(phone).await, 4001);

    let tablet = gateway.pair(2, "Tablet").await;
    let line = "openclaw devices block [device-id]".replace("[device-id]", &device_id(2));
    types(&gateway, &line).ok();
    assert_eq!(thrown_out(tablet).await, 4001);
    assert!(gateway.ask(2, "Tablet").await.is_err(), "it may ask no more");
    assert_eq!(gateway.list()["pending"], serde_json::json!([]));
}

#[test]
fn the_log_is_followed_while_somebody_reads_it() {
    let gateway = Gateway::start();
    // `exec` makes the shell become the program, so that the test ends the program and not only the shell.
    let (mut follower, heard) = start(&mut shell(gateway.home.path(), "exec openclaw logs --follow"));
    while !heard.recv_timeout(PATIENCE).unwrap().contains("The gateway runs") {}
    types(&gateway, "openclaw devices list --url ws://127.0.0.1:1").refused();
    assert!(follower.try_wait().unwrap().is_none());
    follower.kill().unwrap();
    follower.wait().unwrap();
}

#[test]
fn configure_walks_through_the_settings_at_a_terminal() {
    let gateway = Gateway::start();
    let mut asked = AtTerminal::start_command(shell(gateway.home.path(), "openclaw configure"));
    asked.shows("Who can reach the gateway?");
    for setting in ["gateway.bind", "gateway.auth.mode", "gateway.auth.token", "publicUrl", "gateway.trustedProxies"] {
        asked.shows(setting);
        asked.shows("]: ");
        asked.types("");
    }
    asked.shows("gateway.controlUi.allowedOrigins [");
    asked.types("");
    asked.shows("Everything stays as it is.");
    asked.ends_with(0);
}
