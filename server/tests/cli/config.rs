//! The settings from the command line, with the gateway up and down.

use std::io::Write;
use std::os::unix::fs::{MetadataExt, PermissionsExt};
use std::path::{Path, PathBuf};
use std::process::Stdio;

use serde_json::{Value, json};
use tempfile::TempDir;

use super::gateway::{Done, Gateway, command, run};
use super::terminal::AtTerminal;

const FILE: &str = "// Mine.\n{\n  gateway: {\n    port: 18790, // the port\n    auth: { token: 's3cret-token-0123456789' },\n  },\n  \
                    /* of another program */ agents: { main:'x',   list: [ 1,{ apiKey: 'theirs' } ] },\n}\n";

pub fn file(home: &Path) -> PathBuf {
    home.join(".openclaw/openclaw.json")
}

fn text(home: &TempDir) -> String {
    std::fs::read_to_string(file(home.path())).unwrap()
}

pub fn home_with(text: &str) -> TempDir {
    let home = tempfile::tempdir().unwrap();
    std::fs::create_dir(home.path().join(".openclaw")).unwrap();
    std::fs::write(file(home.path()), text).unwrap();
    std::fs::set_permissions(file(home.path()), std::fs::Permissions::from_mode(0o600)).unwrap();
    home
}

fn run_with_input(home: &Path, line: &[&str], input: &str) -> Done {
    let mut process =
        command(home, line).stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    process.stdin.take().unwrap().write_all(input.as_bytes()).unwrap();
    let output = process.wait_with_output().unwrap();
    Done {
        code: output.status.code().unwrap(),
        stdout: String::from_utf8(output.stdout).unwrap(),
        stderr: String::from_utf8(output.stderr).unwrap(),
    }
}

#[test]
fn a_value_is_printed_bare_and_a_secret_only_where_it_is_asked_for() {
    let home = home_with(FILE);
    let get = |line: &[&str]| run(home.path(), &[&["config", "get"], line].concat());
    assert_eq!(get(&["gateway.auth.token"]).ok(), "s3cret-token-0123456789\n");
    assert_eq!(get(&["gateway.auth.token", "--json"]).ok(), "\"s3cret-token-0123456789\"\n");
    assert_eq!(get(&["gateway.port"]).ok(), "18790\n");
    assert_eq!(get(&["agents.list[1].apiKey"]).ok(), "theirs\n");
    assert_eq!(get(&["gateway.auth", "--json"]).json(), json!({"token": "__OPENCLAW_REDACTED__"}));
    assert_eq!(get(&["gateway.auth", "--show-secrets"]).json(), json!({"token": "s3cret-token-0123456789"}));
    for hides in [&["--json"][..], &[], &["agents"], &["gateway"]] {
        let shown = get(hides).ok();
        assert!(!shown.contains("s3cret") && !shown.contains("theirs") && shown.contains("REDACTED"), "{shown}");
    }
    assert_eq!(get(&["--show-secrets"]).ok(), FILE);
    let default = get(&["gateway.bind"]);
    assert!(default.stderr.contains("this is the default"), "{}", default.stderr);
    assert_eq!(default.ok(), "loopback\n");
    let unset = get(&["gateway.auth.password"]).refused();
    assert!(unset.stderr.contains("hint: `openclaw config set gateway.auth.password -`"), "{}", unset.stderr);
    let unknown = get(&["gateway.token"]).refused();
    assert!(unknown.stderr.contains("did you mean gateway.auth.token?"), "{}", unknown.stderr);
}

/// What holds with the gateway up as well as down.
fn changes_in_place(home: &Path) {
    let text = || std::fs::read_to_string(file(home)).unwrap();
    let before = text();
    run(home, &["config", "set", "agents.main", "y"]).ok();
    assert_eq!(text(), before.replace("main:'x'", "main:\"y\""));
    run(home, &["config", "set", "agents.list[0]", "-5"]).ok();
    run(home, &["config", "set", "agents.main", "x"]).ok();
    assert_eq!(text(), before.replace("main:'x'", "main:\"x\"").replace("[ 1,{", "[ -5,{"));
    let again = run(home, &["config", "set", "agents.list[0]", "-5"]).ok();
    assert_eq!(again, "agents.list.0 is -5 already.\n");
    run(home, &["config", "patch", "{agents: {list: [1, {apiKey: '__OPENCLAW_REDACTED__'}]}}"]).ok();
    assert_eq!(text(), before.replace("main:'x'", "main:\"x\""), "the secret that stayed was not written anew");
    let told = run_with_input(home, &["config", "patch", "--json"], "{gateway: {trustedProxies: ['10.0.0.1']}}").json();
    assert_eq!(told["changedPaths"], json!(["gateway.trustedProxies"]));
    assert_eq!(run(home, &["config", "get", "gateway.trustedProxies"]).json(), json!(["10.0.0.1"]));
    assert_eq!(
        run(home, &["config", "unset", "gateway.trustedProxies"]).ok(),
        "gateway.trustedProxies is not set any more; the default [] holds.\n"
    );
    assert_eq!(text(), before.replace("main:'x'", "main:\"x\""));
    let metadata = std::fs::metadata(file(home)).unwrap();
    assert_eq!(metadata.permissions().mode() & 0o777, 0o600);
    let kept = std::fs::read_to_string(home.join(".openclaw/openclaw.json.bak")).unwrap();
    assert!(kept.contains("trustedProxies") && kept.contains("// Mine."), "what it said before is kept: {kept}");
}

#[test]
fn one_value_changes_and_every_other_byte_stays() {
    let home = home_with(FILE);
    changes_in_place(home.path());
    let gateway = Gateway::start_in(home_with(FILE));
    changes_in_place(gateway.home.path());
}

#[test]
fn what_makes_no_sense_is_refused_with_its_key_path_the_reason_and_an_example() {
    let down = home_with(FILE);
    let up = Gateway::start_in(home_with(FILE));
    for home in [down.path(), up.home.path()] {
        for (line, path, reason, example) in [
            ("gateway.port many", "gateway.port: ", "a whole number from 1 to 65535", "config set gateway.port 18790`"),
            ("gateway.port 0", "gateway.port: ", "a whole number", "config set gateway.port 18790`"),
            ("gateway.bind everywhere", "gateway.bind: ", "\"loopback\", \"lan\"", "config set gateway.bind lan`"),
            (
                "gateway.trustedProxies 10.0.0.1",
                "gateway.trustedProxies: ",
                "a list",
                "config set gateway.trustedProxies '[\"10.0.0.2\"",
            ),
            (
                "gateway.auth.mode password",
                "gateway.auth.password: ",
                "must not be missing",
                "config set gateway.auth.password -`",
            ),
            ("gateway.port.x 1", "", "`gateway.port` is a single value", "config get`"),
            ("agents.list[7] 1", "", "is a list of 2", "config get`"),
        ] {
            let line: Vec<&str> = ["config", "set"].into_iter().chain(line.split(' ')).collect();
            let refused = run(home, &line).refused();
            assert_eq!(refused.stdout, "");
            for part in [path, reason, example] {
                assert!(refused.stderr.contains(part), "{part}: {}", refused.stderr);
            }
        }
        assert_eq!(std::fs::read_to_string(file(home)).unwrap(), FILE);
        let unset = run(home, &["config", "unset", "gateway.bind"]).refused();
        assert!(unset.stderr.contains("`gateway.bind` is not set"), "{}", unset.stderr);
    }
}

#[test]
fn letting_everyone_in_is_only_accepted_on_this_machine() {
    let home = home_with("{ gateway: { bind: 'lan', auth: { token: 't' } } }");
    let none = ["config", "set", "gateway.auth.mode", "none"];
    let refused = run(home.path(), &none).refused();
    for part in ["gateway.auth.mode: `none` lets everyone in", "gateway.bind \"loopback\""] {
        assert!(refused.stderr.contains(part), "{part}: {}", refused.stderr);
    }
    run(home.path(), &["config", "set", "gateway.bind", "loopback"]).ok();
    run(home.path(), &none).ok();
    let refused = run(home.path(), &["config", "set", "gateway.bind", "lan"]).refused();
    assert!(refused.stderr.contains("`none` lets everyone in"), "{}", refused.stderr);
}

#[test]
fn a_running_gateway_takes_it_up_at_once_or_says_that_it_has_to_be_started_again() {
    let gateway = Gateway::start();
    let token = gateway.run(&["config", "get", "gateway.auth.token"]).ok();
    assert!(token.trim().len() > 20, "{token}");
    let told = gateway.run(&["config", "set", "gateway.auth.token", "another-token-0123456789", "--json"]);
    let told = told.json();
    assert_eq!((&told["gateway"], &told["requiresRestart"]), (&json!("running"), &json!(false)));
    let status = ["devices", "list", "--json", "--url", &gateway.url(), "--token"];
    // A client with the old token is told so: the new one is what the gateway compares with now.
    let refused = gateway.run(&[&status[..], &[token.trim()]].concat()).refused();
    assert!(refused.stderr.contains("token"), "{}", refused.stderr);
    gateway.run(&[&status[..], &["another-token-0123456789"]].concat()).ok();

    let bind = gateway.run(&["config", "set", "gateway.bind", "lan"]);
    assert!(bind.stderr.contains("`openclaw gateway restart`"), "{}", bind.stderr);
    assert_eq!(bind.ok(), "gateway.bind is \"lan\" now.\n");
    let hot = gateway.run(&["config", "set", "gateway.pairing.knock", "off"]);
    assert_eq!(hot.stderr, "");

    let home = gateway.stop();
    let down = run(home.path(), &["config", "set", "gateway.pairing.knock", "any"]);
    assert!(down.stderr.contains("it takes this up when it starts"), "{}", down.stderr);
}

#[test]
fn a_secret_comes_from_stdin_and_is_told_to_nobody() {
    let home = home_with(FILE);
    let set = ["config", "set", "gateway.auth.password", "-"];
    let done = run_with_input(home.path(), &set, "hunter2-hunter2\n");
    assert_eq!((done.code, done.stdout.as_str()), (0, "gateway.auth.password is set so now.\n"));
    assert!(!done.stderr.contains("hunter2"));
    assert_eq!(run(home.path(), &["config", "get", "gateway.auth.password"]).ok(), "hunter2-hunter2\n");

    let mut asked = AtTerminal::start(home.path(), &set);
    asked.shows("gateway.auth.password: ");
    asked.types("correct horse");
    let shown = asked.shows("is set so now.");
    assert!(!shown.contains("horse"), "{shown}");
    asked.ends_with(0);
    assert_eq!(run(home.path(), &["config", "get", "gateway.auth.password"]).ok(), "correct horse\n");
    let nothing = run(home.path(), &set);
    assert_eq!(nothing.code, 2, "{}", nothing.stderr);
}

#[test]
fn before_the_first_start_there_are_settings_too() {
    let home = tempfile::tempdir().unwrap();
    let path = run(home.path(), &["config", "file"]).ok();
    assert_eq!(path.trim_end(), file(home.path()).to_str().unwrap());
    assert!(run(home.path(), &["config", "validate"]).ok().is_empty());
    assert!(!home.path().join(".openclaw").exists(), "looking changes nothing");
    run(home.path(), &["config", "set", "gateway.pairing.knock", "any"]).ok();
    assert_eq!(std::fs::metadata(file(home.path())).unwrap().permissions().mode() & 0o777, 0o600);
    let gateway = Gateway::start_in(home);
    let settings = gateway.run(&["config", "get", "gateway", "--json"]).json();
    assert_eq!(
        (&settings["pairing"]["knock"], &settings["auth"]["token"]),
        (&json!("any"), &json!("__OPENCLAW_REDACTED__"))
    );
}

const ODD: &str = "{\n  // Typos and advice from elsewhere.\n  gatway: {},\n  pairingRequired: false,\n  gateway: {\n    prot: 1,\n    \
                   auth: { tokens: 'x', token: 'odd-token-0123456789' },\n    controlUi: { allowInsecureAuth: true },\n    \
                   tls: { enabled: true },\n  },\n  agents: { anything: { goes: 1 } },\n}\n";

#[test]
fn unknown_and_retired_keys_warn_and_never_stop_the_gateway() {
    let expected = [
        ("gatway", "did you mean gateway?"),
        ("pairingRequired", "is not obeyed"),
        ("gateway.prot", "did you mean gateway.port?"),
        ("gateway.auth.tokens", "did you mean gateway.auth.token?"),
        ("gateway.controlUi.allowInsecureAuth", "is not obeyed"),
        ("gateway.tls", "is not obeyed"),
    ];
    let home = home_with(ODD);
    let told = run(home.path(), &["config", "validate", "--json"]).json();
    assert_eq!((&told["valid"], &told["issues"]), (&json!(true), &json!([])));
    let warnings = told["warnings"].as_array().unwrap();
    assert_eq!(warnings.len(), expected.len(), "{told}");
    for (path, part) in expected {
        let warning = warnings.iter().find(|warning| warning["path"] == path).unwrap();
        assert!(warning["message"].as_str().unwrap().contains(part), "{warning}");
    }
    let gateway = Gateway::start_in(home);
    assert_eq!(gateway.run(&["gateway", "status", "--json"]).json()["healthy"], true);
    let log = std::fs::read_to_string(gateway.home.path().join(".openclaw/logs/openclaw.log")).unwrap();
    for (path, part) in expected {
        let told = log.lines().filter(|line| line.contains(&format!(": {path}: ")) && line.contains(part));
        assert_eq!(told.count(), 1, "{path} in {log}");
    }
    assert_eq!(text(&gateway.home), ODD);
}

#[test]
fn the_guides_command_works_as_written_and_says_that_it_is_not_obeyed() {
    let gateway = Gateway::start_in(home_with(FILE));
    let done = gateway.run(&["config", "set", "gateway.controlUi.allowInsecureAuth", "true"]);
    assert!(done.stderr.contains("warning: gateway.controlUi.allowInsecureAuth: is not obeyed"), "{}", done.stderr);
    assert!(done.stderr.contains("openclaw devices approve"), "{}", done.stderr);
    done.ok();
}

#[test]
fn validate_lists_every_problem_with_its_key_path() {
    let home = home_with("{ gateway: { port: 'x', bind: 'y', prot: 1 } }");
    let refused = run(home.path(), &["config", "validate"]).refused();
    for part in ["problem  gateway.port: ", "problem  gateway.bind: ", "warning  gateway.prot: "] {
        assert!(refused.stdout.contains(part), "{part}: {}", refused.stdout);
    }
    assert!(
        refused.stderr.contains("hint: for example: `openclaw config set gateway.port 18790`"),
        "{}",
        refused.stderr
    );
    // One after the other can be put right.
    run(home.path(), &["config", "set", "gateway.port", "18790"]).ok();
    run(home.path(), &["config", "validate"]).refused();
    run(home.path(), &["config", "set", "gateway.bind", "lan"]).ok();
    run(home.path(), &["config", "validate"]).ok();

    let broken = home_with("{ gateway: { port: 1,, } ");
    for line in [&["config", "validate"][..], &["config", "get"], &["config", "set", "gateway.port", "5"]] {
        let refused = run(broken.path(), line).refused();
        assert!(refused.stderr.contains("openclaw.json") && refused.stderr.contains("hint: "), "{}", refused.stderr);
    }
    assert_eq!(text(&broken), "{ gateway: { port: 1,, } ");
}

#[test]
fn the_schema_is_one_that_describes_the_settings() {
    let home = tempfile::tempdir().unwrap();
    let schema: Value = run(home.path(), &["config", "schema"]).json();
    assert_eq!(schema.pointer("/properties/gateway/properties/port/maximum"), Some(&json!(65_535)));
}

#[test]
fn the_gateway_never_writes_its_settings_by_itself() {
    let mut home = Gateway::start().stop();
    let stamp = |home: &TempDir| {
        let metadata = std::fs::metadata(file(home.path())).unwrap();
        (text(home), metadata.ino(), metadata.mtime(), metadata.mtime_nsec())
    };
    let before = stamp(&home);
    for _ in 0..10 {
        home = Gateway::start_in(home).stop();
    }
    assert_eq!(stamp(&home), before);
    assert!(!home.path().join(".openclaw/openclaw.json.bak").exists());
}

#[test]
fn configure_asks_and_writes_only_at_the_end() {
    let gateway = Gateway::start_in(home_with(FILE));
    let home = gateway.home.path();
    let answer_up_to_the_end = |last: &str| {
        let mut asked = AtTerminal::start(home, &["configure"]);
        let question = asked.shows("gateway.bind [loopback]: ");
        assert!(question.contains("Who can reach the gateway?") && !question.contains('\u{fdd0}'), "{question:?}");
        asked.types("everywhere");
        asked.shows("expected \"loopback\"");
        asked.shows("gateway.bind [loopback]: ");
        asked.types("");
        asked.shows("gateway.auth.mode [token]: ");
        asked.types("password");
        let shown = asked.shows("gateway.auth.password [none]: ");
        assert!(!shown.contains("gateway.auth.token"), "{shown}");
        asked.types("hunter2");
        asked.shows("again: ");
        asked.types("hunter3");
        asked.shows("That was not the same");
        asked.shows("gateway.auth.password [none]: ");
        asked.types("hunter2");
        asked.shows("again: ");
        asked.types("hunter2");
        asked.shows("publicUrl [none]: ");
        asked.types("https://gateway.example.com");
        asked.shows("gateway.trustedProxies [none]: ");
        asked.types("127.0.0.1, 10.0.0.0/8");
        asked.shows("gateway.controlUi.allowedOrigins [none]: ");
        asked.types("");
        assert_eq!(std::fs::read_to_string(file(home)).unwrap(), FILE, "nothing is written before the end");
        let shown = asked.shows("Write this? [y/N] ");
        assert!(
            !shown.contains(['\u{fdd0}', '\u{1b}']),
            "a terminal that can do nothing is sent nothing odd: {shown:?}"
        );
        for part in [
            "gateway.auth.mode  token → password",
            "gateway.auth.password  none → hidden",
            "none → 127.0.0.1, 10.0.0.0/8",
        ] {
            assert!(shown.contains(part), "{part}: {shown}");
        }
        assert!(!shown.contains("hunter"), "{shown}");
        asked.types(last);
        asked
    };
    let mut declined = answer_up_to_the_end("");
    declined.shows("Nothing was changed.");
    declined.ends_with(1);
    assert_eq!(std::fs::read_to_string(file(home)).unwrap(), FILE);

    let mut done = answer_up_to_the_end("y");
    done.shows("Changed gateway.auth.mode, gateway.auth.password, gateway.trustedProxies");
    done.ends_with(0);
    let written = text(&gateway.home);
    for kept in [
        "// Mine.",
        "port: 18790, // the port",
        "/* of another program */ agents: { main:'x',   list: [ 1,{ apiKey: 'theirs' } ] },",
    ] {
        assert!(written.contains(kept), "{kept} in {written}");
    }
    gateway.run(&["devices", "list", "--url", &gateway.url(), "--password", "hunter2"]).ok();
}

#[test]
fn configure_without_a_terminal_says_what_to_use_instead() {
    let home = home_with(FILE);
    let refused = run(home.path(), &["configure"]).refused();
    assert!(
        refused.stderr.contains("no terminal") && refused.stderr.contains("openclaw config set"),
        "{}",
        refused.stderr
    );
    assert_eq!(text(&home), FILE);
}

#[test]
fn a_file_that_is_broken_is_named_with_the_place_and_what_checks_it() {
    let home = tempfile::tempdir().unwrap();
    std::fs::create_dir(home.path().join(".openclaw")).unwrap();
    std::fs::write(home.path().join(".openclaw/openclaw.json"), "{gateway: {port: }").unwrap();
    for line in [&["gateway", "run", "--port", "0"][..], &["config", "get", "gateway.port"]] {
        let done = run(home.path(), line).refused();
        for expected in ["openclaw.json cannot be read as JSON5: ", "line 1 column 18", "`openclaw config validate`"] {
            assert!(done.stderr.contains(expected), "{line:?}: {}", done.stderr);
        }
    }
}
