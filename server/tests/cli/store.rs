//! Commands while no gateway runs: they work on the store itself.

use std::os::unix::fs::{MetadataExt, PermissionsExt, chown};
use std::path::{Path, PathBuf};

use client::{ConnectError, ConnectOptions, Connection, Endpoint, Identity};
use protocol::handshake::Auth;
use protocol::{Scopes, Secret};
use serde_json::json;

use crate::gateway::{Gateway, run};

#[tokio::test(flavor = "multi_thread")]
async fn devices_are_listed_and_let_in_while_no_gateway_runs() {
    let gateway = Gateway::start();
    let knock = gateway.knock(1, "Phone").await;
    let home = gateway.stop();

    let listed = run(home.path(), &["devices", "list"]);
    assert!(listed.stderr.contains("note: the gateway is not running; this works on its store"), "{}", listed.stderr);
    let shown = listed.ok();
    assert!(shown.contains("Pending (1)") && shown.contains(&knock.pending.request_id), "{shown}");
    let approved = run(home.path(), &["devices", "approve", &knock.pending.request_id]);
    assert_eq!(approved.ok(), "Approved Phone as operator: operator.read.\n");

    let log = std::fs::read_to_string(home.path().join(".openclaw/logs/openclaw.log")).unwrap();
    let approval = log.lines().rfind(|line| line.contains("Approved")).unwrap();
    assert!(approval.contains(&knock.pending.device_id.as_str()[..8]), "{approval}");

    let gateway = Gateway::start_in(home);
    assert_eq!(gateway.list()["pending"], json!([]));
    assert_eq!(gateway.list()["paired"][0]["displayName"], "Phone");
}

#[tokio::test(flavor = "multi_thread")]
async fn who_waits_is_turned_away_while_no_gateway_runs() {
    let gateway = Gateway::start();
    let phone = gateway.knock(1, "Phone").await;
    let tablet = gateway.knock(2, "Tablet").await;
    let home = gateway.stop();
    let rejected = run(home.path(), &["devices", "reject", &phone.pending.request_id]);
    assert!(rejected.stderr.contains("this works on its store"), "{}", rejected.stderr);
    assert_eq!(rejected.ok(), "Turned Phone away.\n");
    let gone = run(home.path(), &["devices", "reject", &phone.pending.request_id]).refused();
    assert!(gone.stderr.contains("unknown, decided or expired"), "{}", gone.stderr);
    let gateway = Gateway::start_in(home);
    let pending = gateway.list()["pending"].as_array().unwrap().clone();
    assert_eq!((pending.len(), &pending[0]["requestId"]), (1, &json!(tablet.pending.request_id)));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_device_keeps_its_name_and_loses_its_token_while_no_gateway_runs() {
    let gateway = Gateway::start();
    let id = Identity::from_seed([1; 32]).device_id().as_str().to_owned();
    let issued = |connection: &Connection| connection.hello().auth.device_token.clone().unwrap();
    let first = issued(&gateway.pair(1, "Phone").await);
    let home = gateway.stop();
    let renamed = run(home.path(), &["devices", "rename", "Phone", "Kitchen"]);
    assert!(renamed.stderr.contains("this works on its store"), "{}", renamed.stderr);
    assert_eq!(renamed.ok(), "Phone is now called Kitchen.\n");
    let rotated = run(home.path(), &["devices", "rotate", &id, "operator", "--json"]).json();
    assert_eq!((&rotated["role"], rotated.get("token")), (&json!("operator"), None));

    let gateway = Gateway::start_in(home);
    assert_eq!(gateway.list()["paired"][0]["operatorLabel"], "Kitchen");
    assert_eq!(code(with_token(&gateway, first).await), "AUTH_DEVICE_TOKEN_MISMATCH");
    // Without a token the paired device gets a new one, and that is what is revoked next.
    let second = issued(&gateway.ask(1, "Phone").await.unwrap());
    let home = gateway.stop();
    let revoked =
        run(home.path(), &["devices", "revoke", "--device", "Kitchen", "--role", "operator", "--json"]).json();
    assert_eq!((&revoked["deviceId"], &revoked["role"]), (&json!(id), &json!("operator")));
    let gateway = Gateway::start_in(home);
    assert_eq!(code(with_token(&gateway, second).await), "AUTH_DEVICE_TOKEN_MISMATCH");
    let home = gateway.stop();
    run(home.path(), &["devices", "remove", "Kitchen"]).ok();
    assert_eq!(run(home.path(), &["devices", "list", "--json"]).json()["paired"], json!([]));
}

/// Device 1 comes with a token and does not wait.
async fn with_token(gateway: &Gateway, token: Secret) -> Result<Connection, ConnectError> {
    let auth = Auth { device_token: Some(token), ..Auth::default() };
    let options = ConnectOptions::command_line("1", Scopes::from(["operator.read"]));
    let options = options.with_identity(Identity::from_seed([1; 32])).with_auth(auth);
    Connection::open(&Endpoint::parse_url(&gateway.url()).unwrap(), &options).await
}

fn code(opened: Result<Connection, ConnectError>) -> String {
    let Err(ConnectError::Refused { error, .. }) = opened else { panic!("was let in") };
    error.details.unwrap()["code"].as_str().unwrap().to_owned()
}

#[test]
fn settings_that_make_no_sense_keep_nobody_from_looking_after_devices() {
    let home = tempfile::tempdir().unwrap();
    std::fs::create_dir(home.path().join(".openclaw")).unwrap();
    std::fs::write(home.path().join(".openclaw/openclaw.json"), "{ gateway: { port: 'far' ").unwrap();
    let shown = run(home.path(), &["devices", "list"]).ok();
    assert!(shown.contains("Paired (0)"), "{shown}");
}

/// As root in a home of somebody else, as after `sudo`; as anybody else in a home of one's own.
#[test]
fn what_a_command_writes_belongs_to_the_owner_of_the_home() {
    let home = tempfile::tempdir().unwrap();
    std::fs::set_permissions(home.path(), std::fs::Permissions::from_mode(0o755)).unwrap();
    let me = home.path().metadata().unwrap().uid();
    let owner = if me == 0 { 4242 } else { me };
    chown(home.path(), Some(owner), None).unwrap();

    run(home.path(), &["devices", "list"]).ok();
    let made = everything_in(home.path());
    assert!(made.iter().any(|path| path.ends_with(".openclaw")), "{made:?}");
    for path in made {
        assert_eq!(path.metadata().unwrap().uid(), owner, "{}", path.display());
    }
}

fn everything_in(folder: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            found.extend(everything_in(&path));
        }
        found.push(path);
    }
    found
}
