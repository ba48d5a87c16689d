//! A machine where nothing is wrong, for the tests of the checks.

use std::collections::BTreeSet;
use std::path::PathBuf;

use serde_json::json;

use crate::config::{Bind, Environment, Paths};
use crate::doctor::facts::{
    Answer, Entry, Facts, Machine, Me, OpenclawState, Port, PortAnswer, Resolved, Running, Settings, Shell, StoreState,
};
use crate::holder::Holder;

pub const NOW_MS: u64 = 1_800_000_000_000;

pub fn facts() -> Facts {
    let paths = Paths::resolve(&Environment::from_pairs(&[("HOME", "/home/ada")])).unwrap();
    let entry = |path: &str, mode: u32| Entry {
        path: PathBuf::from("/home/ada/.openclaw").join(path),
        uid: 1000,
        mode,
        is_folder: mode & 0o100 != 0,
        changed_at_ms: NOW_MS - 1000,
    };
    Facts {
        now_ms: NOW_MS,
        me: Me { uid: 1000, wanted_uid: 1000, wanted_gid: 1000 },
        entries: vec![entry("", 0o700), entry("openclaw.json", 0o600), entry("state/gateway.sqlite", 0o600)],
        settings: Settings {
            exists: true,
            value: json!({"gateway": {"auth": {"token": "right"}}}),
            resolved: Some(Resolved { port: 18789, bind: Bind::Loopback }),
            ..Settings::default()
        },
        shell: Shell::default(),
        unit: None,
        identities: Vec::new(),
        logins: Vec::new(),
        gateway: Running::Answers(Box::new(answer())),
        port: Port { number: 18789, holder: Some(holder(42, "openclaw")), answer: PortAnswer::Gateway },
        store: StoreState::Sound {
            devices: BTreeSet::from(["d1".to_owned()]),
            removed: BTreeSet::new(),
            damaged: Vec::new(),
        },
        refused: Vec::new(),
        machine: Machine::default(),
        certificates: Vec::new(),
        other_settings: Vec::new(),
        openclaw: OpenclawState::default(),
        paths,
    }
}

pub fn holder(pid: u32, name: &str) -> Holder {
    let address = ([127, 0, 0, 1], 18789).into();
    Holder { pid, name: name.to_owned(), address, is_gateway: name == "openclaw", state_dir: None }
}

pub fn answer() -> Answer {
    Answer {
        pid: Some(42),
        port: Some(18789),
        its_clock_ms: NOW_MS,
        our_clock_ms: NOW_MS,
        devices: BTreeSet::from(["d1".to_owned()]),
        ..Answer::default()
    }
}
