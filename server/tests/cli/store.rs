//! Commands while no gateway runs: they work on the store itself.

use std::os::unix::fs::{MetadataExt, PermissionsExt, chown};
use std::path::{Path, PathBuf};

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
