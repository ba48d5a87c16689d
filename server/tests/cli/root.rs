//! Files of one user and commands of another: what root does in somebody's directory, and what its owner is told.

use std::os::unix::fs::{MetadataExt, chown};
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::Command;

use super::doctor::state;
use super::gateway::{Done, start};

/// A user that is nobody else on a test machine.
pub const ADA: u32 = 12_345;

/// Root alone can give files away and act as somebody else.
pub fn needs_root() {
    let is_root = rustix::process::geteuid().is_root();
    assert!(is_root, "this test gives files to other users; run it as root, as CI does");
}

/// A home that belongs to Ada, with a copy of the program that she may run.
pub struct AdasHome {
    pub home: tempfile::TempDir,
}

impl AdasHome {
    pub fn new() -> Self {
        needs_root();
        let home = tempfile::tempdir().unwrap();
        let (built, program) = (env!("CARGO_BIN_EXE_openclaw"), home.path().join("openclaw"));
        std::fs::hard_link(built, &program).or_else(|_| std::fs::copy(built, &program).map(|_| ())).unwrap();
        chown(home.path(), Some(ADA), Some(ADA)).unwrap();
        Self { home }
    }

    pub fn path(&self) -> &Path {
        self.home.path()
    }

    /// A command as somebody: Ada or root.
    pub fn command(&self, uid: u32, line: &[&str]) -> Command {
        let mut command = Command::new(self.path().join("openclaw"));
        command.args(line).env_clear().env("HOME", self.path()).env("OPENCLAW_GATEWAY_PORT", "1").current_dir("/");
        command.stdin(std::process::Stdio::null()).uid(uid).gid(uid);
        command
    }

    pub fn run(&self, uid: u32, line: &[&str]) -> Done {
        let output = self.command(uid, line).output().unwrap();
        Done {
            code: output.status.code().unwrap(),
            stdout: String::from_utf8(output.stdout).unwrap(),
            stderr: String::from_utf8(output.stderr).unwrap(),
        }
    }

    /// Everything below the state directory, with its owner and mode.
    pub fn owners(&self) -> Vec<(PathBuf, u32, u32)> {
        let mut found = Vec::new();
        let mut folders = vec![state(self.path())];
        while let Some(folder) = folders.pop() {
            for file in std::fs::read_dir(&folder).unwrap().map(Result::unwrap) {
                let metadata = file.path().symlink_metadata().unwrap();
                if metadata.is_dir() {
                    folders.push(file.path());
                }
                found.push((file.path(), metadata.uid(), metadata.mode() & 0o777));
            }
        }
        found
    }
}

#[test]
fn whoever_starts_it_in_somebody_elses_directory_is_told_the_command_in_one_line() {
    let ada = AdasHome::new();
    std::fs::create_dir(state(ada.path())).unwrap();
    let folder = state(ada.path());
    let folder = folder.display();
    for line in [&["gateway", "run"][..], &["devices", "list"]] {
        let refused = ada.run(ADA, line).refused();
        let expected = format!(
            "error: {folder} belongs to user 0, but this runs as user {ADA}.\n\nhint: sudo chown -R {ADA}:{ADA} {folder}\n"
        );
        assert_eq!(refused.stderr, expected, "{line:?}");
    }
    let report = ada.run(ADA, &["doctor"]).refused();
    assert!(report.stdout.contains(&format!("fix: sudo chown -R {ADA}:{ADA} {folder}")), "{}", report.stdout);
}

#[test]
fn what_root_does_in_somebodys_directory_leaves_everything_theirs() {
    let ada = AdasHome::new();
    ada.run(ADA, &["devices", "list"]).ok();
    for line in [&["devices", "list"][..], &["node", "identity"], &["devices", "list", "--url", "ws://127.0.0.1:1"]] {
        ada.run(0, line);
    }
    let (mut gateway, heard) = start(&mut ada.command(0, &["gateway", "run", "--port", "0"]));
    while !heard.recv_timeout(super::gateway::PATIENCE).unwrap().contains("The gateway runs on") {}
    ada.run(ADA, &["devices", "list"]).ok();
    Command::new("kill").arg(gateway.id().to_string()).status().unwrap();
    assert!(gateway.wait().unwrap().success());
    let owners = ada.owners();
    assert!(owners.len() > 8, "{owners:?}");
    for (path, uid, mode) in owners {
        assert_eq!((uid, mode & 0o077), (ADA, 0), "{}", path.display());
    }
}

#[test]
fn the_doctor_as_root_gives_files_back_and_what_it_writes_is_theirs() {
    let ada = AdasHome::new();
    ada.run(ADA, &["devices", "list"]).ok();
    let store = state(ada.path()).join("state/gateway.sqlite");
    chown(&store, Some(0), Some(0)).unwrap();
    std::fs::write(state(ada.path()).join("gateway.yaml"), "port: 18999\n").unwrap();
    ada.run(ADA, &["devices", "list"]).refused();
    let fixed = ada.run(0, &["doctor", "--fix"]);
    assert!(fixed.stdout.contains("fixed    state-owner: gave"), "{}{}", fixed.stdout, fixed.stderr);
    for (path, uid, _) in ada.owners() {
        assert_eq!(uid, ADA, "{}", path.display());
    }
    ada.run(ADA, &["devices", "list"]).ok();
}
