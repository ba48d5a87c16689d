//! Two gateways of one user at once (pains.md T-D04.1).

use serde_json::{Value, json};
use tempfile::TempDir;

use super::gateway::{Done, Gateway, command, run};

/// Two gateways in one home. The first one holds the folder.
fn pair() -> (Gateway, Gateway) {
    let a =
        Gateway::start_with(tempfile::tempdir().unwrap(), &["--profile", "a", "gateway", "run", "--port", "0"], &[]);
    // The second one has the same home, and must not take it along when it ends.
    let link = tempfile::tempdir().unwrap();
    let env = [("HOME", a.home.path().to_str().unwrap())];
    let b = Gateway::start_with(link, &["gateway", "run", "--port", "0", "--profile", "b"], &env);
    (a, b)
}

fn ask(home: &TempDir, profile: &str, line: &[&str]) -> Done {
    run(home.path(), &[&["--profile", profile], line].concat())
}

fn identity(home: &TempDir, profile: &str) -> Value {
    ask(home, profile, &["gateway", "call", "gateway.identity.get", "--json"]).json()["deviceId"].clone()
}

#[tokio::test(flavor = "multi_thread")]
async fn every_command_reaches_the_gateway_of_its_profile_and_no_other() {
    let (a, mut b) = pair();
    let home = &a.home;
    assert_ne!(identity(home, "a"), identity(home, "b"));
    let _phone = {
        let knock = a.knock(1, "Phone").await;
        ask(home, "a", &["devices", "approve", &knock.pending.request_id]).ok();
        knock.opening.await.unwrap().unwrap()
    };
    for (profile, gateway, paired) in [("a", &a, 1), ("b", &b, 0)] {
        let status = ask(home, profile, &["gateway", "status", "--json"]).json();
        assert_eq!(status["url"], format!("http://127.0.0.1:{}", gateway.port));
        assert_eq!(status["pid"], gateway.process.id());
        assert_eq!(status["stateDir"], home.path().join(format!(".openclaw-{profile}")).to_str().unwrap());
        assert_eq!(status["devices"]["paired"], paired);
        let list = ask(home, profile, &["devices", "list", "--json"]).json();
        assert_eq!(list["paired"].as_array().unwrap().len(), paired);
        let short = ask(home, profile, &["status", "--json"]).json();
        assert_eq!(short["pid"], gateway.process.id());
        let link = ask(home, profile, &["dashboard", "--no-open", "--json"]).json();
        assert_eq!(link["httpUrl"], format!("http://127.0.0.1:{}/", gateway.port));
        let logged = ask(home, profile, &["logs"]).ok();
        assert!(logged.contains(&format!("port={}", gateway.port)), "{logged}");
        let probed = ask(home, profile, &["gateway", "probe", "--json"]).json();
        assert_eq!((&probed["ok"], &probed["port"]), (&json!(true), &json!(gateway.port)));
        ask(home, profile, &["health"]).ok();
    }
    let token = |profile: &str| ask(home, profile, &["gateway", "auth-token", "--show"]).ok();
    let (of_a, of_b) = (token("a"), token("b"));
    assert_ne!(of_a, of_b);
    ask(home, "a", &["gateway", "auth-token", "--rotate"]).ok();
    assert_ne!(token("a"), of_a);
    assert_eq!(token("b"), of_b);

    let noted = ask(home, "a", &["config", "set", "gateway.bind", "lan"]);
    assert!(noted.stderr.contains("`openclaw --profile a gateway restart`"), "{}", noted.stderr);
    let shown = ask(home, "a", &["config", "get", "note"]).refused();
    assert!(shown.stderr.contains("`openclaw --profile a config get`"), "{}", shown.stderr);

    ask(home, "b", &["gateway", "stop"]).ok();
    assert!(b.process.wait().unwrap().success());
    ask(home, "a", &["health"]).ok();
    let gone = ask(home, "b", &["health"]).refused();
    assert!(gone.stderr.contains("`openclaw --profile b gateway run`"), "{}", gone.stderr);
    let examined = ask(home, "b", &["doctor"]).refused().stdout;
    let run =
        "fix: openclaw --profile b gateway run, or as a service that starts by itself: openclaw --profile b gateway";
    assert!(examined.contains(run), "{examined}");
    assert!(!home.path().join(".openclaw").exists(), "nobody asked for the gateway without a profile");
}

#[test]
fn a_second_gateway_on_a_directory_or_port_names_who_is_there() {
    let (a, b) = pair();
    let home = &a.home;
    let folder = home.path().join(".openclaw-a").display().to_string();
    let process = a.process.id();
    let again = ask(home, "a", &["gateway", "run", "--port", "0"]).refused();
    for expected in [&folder, &format!("in process {process}"), "--force"] {
        assert!(again.stderr.contains(expected), "{expected}: {}", again.stderr);
    }
    let port = a.port.to_string();
    let taken = ask(home, "c", &["gateway", "run", "--port", &port]).refused();
    for expected in [&format!("Port {port} is taken by openclaw"), &format!("(process {process})"), &folder] {
        assert!(taken.stderr.contains(expected.as_str()), "{expected}: {}", taken.stderr);
    }
    drop(b);
}

#[test]
fn dev_is_a_profile_with_the_port_of_openclaw() {
    let home = tempfile::tempdir().unwrap();
    for line in
        [&["--dev", "gateway", "status", "--deep", "--json"][..], &["gateway", "status", "--deep", "--json", "--dev"]]
    {
        let output = command(home.path(), line).env("OPENCLAW_GATEWAY_PORT", "1").output().unwrap();
        let told: Value = serde_json::from_slice(&output.stdout).unwrap();
        assert_eq!(told["deep"]["port"], 19001);
    }
    let wrong = run(home.path(), &["--profile", "../x", "status"]);
    assert_eq!(wrong.code, 2);
}

#[test]
fn a_profile_may_stand_before_the_gateways_command_and_other_flags_may_not() {
    let home = tempfile::tempdir().unwrap();
    let plain = run(home.path(), &["gateway", "--profile", "work", "auth-token"]).ok();
    assert_eq!(plain, run(home.path(), &["--profile", "work", "gateway", "auth-token"]).ok());
    assert!(run(home.path(), &["gateway", "--profile", "work", "stop"]).ok().contains("was not running"));
    let refused = run(home.path(), &["gateway", "--port", "19000", "status"]);
    assert_eq!((refused.code, refused.stdout.as_str()), (2, ""));
    assert!(refused.stderr.contains("--port stands before `status`, where it does nothing"), "{}", refused.stderr);
    assert!(refused.stderr.contains("\nUsage: openclaw gateway status [OPTIONS]\n"), "{}", refused.stderr);
}

#[test]
fn what_destroys_is_hinted_at_for_this_profile() {
    let home = tempfile::tempdir().unwrap();
    let asked = run(home.path(), &["--profile", "work", "panic"]).refused();
    assert!(asked.stderr.contains("`openclaw --profile work panic --yes`"), "{}", asked.stderr);
}
