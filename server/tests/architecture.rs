//! Arrows point inward only: what is said knows nothing of what is decided, and both know nothing of
//! what is done (docs/architecture.md).

#![expect(clippy::unwrap_used, reason = "a test that cannot be set up has to fail")]

use std::collections::{BTreeMap, BTreeSet};
use std::process::Command;

use serde_json::Value;

/// The crates of this workspace that each crate may use.
const INWARD: [(&str, &[&str]); 5] = [
    ("protocol", &[]),
    ("access", &["protocol"]),
    ("client", &["protocol"]),
    ("app", &["protocol"]),
    ("openclaw", &["access", "app", "client", "protocol"]),
];

/// What the inner circles must never use: sockets, tasks, pages, databases, randomness.
const NEVER_INSIDE: [&str; 8] = ["tokio", "axum", "leptos", "sqlx", "hyper", "getrandom", "uuid", "rand"];

fn dependencies() -> BTreeMap<String, BTreeSet<String>> {
    let output = Command::new(env!("CARGO"))
        .args(["metadata", "--no-deps", "--format-version", "1", "--offline"])
        .current_dir(env!("CARGO_MANIFEST_DIR"))
        .output()
        .unwrap();
    let metadata: Value = serde_json::from_slice(&output.stdout).unwrap();
    let packages = metadata["packages"].as_array().unwrap();
    packages
        .iter()
        .map(|package| {
            let used = package["dependencies"].as_array().unwrap().iter();
            let used = used.filter(|dependency| dependency["kind"].is_null());
            let names = used.map(|dependency| dependency["name"].as_str().unwrap().to_owned()).collect();
            (package["name"].as_str().unwrap().to_owned(), names)
        })
        .collect()
}

#[test]
fn every_crate_uses_only_crates_further_in() {
    let dependencies = dependencies();
    assert_eq!(dependencies.len(), INWARD.len());
    for (name, allowed) in INWARD {
        for (other, _) in INWARD {
            let uses = dependencies[name].contains(other);
            assert!(!uses || allowed.contains(&other), "{name} must not use {other}");
        }
    }
}

#[test]
fn the_inner_circles_do_no_io() {
    let dependencies = dependencies();
    for inner in ["protocol", "access"] {
        for outer in NEVER_INSIDE {
            assert!(!dependencies[inner].contains(outer), "{inner} must not use {outer}");
        }
    }
    assert!(dependencies["access"].contains("ipnet"));
}
