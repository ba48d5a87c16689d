//! Who is here, and who hears of it (wire.md §8.3).

use serde_json::{Value, json};

use crate::ask::{Ask, Key};
use crate::client::Client;
use crate::gateway::{NOW, REMOTE, TOKEN, TestGateway};

/// A program that reads and is itself not named, because it is a command line.
async fn watcher(gateway: &TestGateway) -> Client {
    let mut watcher = gateway.local().await;
    watcher.enter(&Ask::cli(&["operator.read"]).token(TOKEN)).await;
    watcher
}

fn node(seed: u8) -> Ask {
    Ask::offering(&["system.which"]).device(&Key::new(seed)).client("displayName", "Garage").token(TOKEN)
}

/// The next list that names this many others.
async fn announced(watcher: &mut Client, others: usize) -> Value {
    loop {
        let frame = watcher.event_frame("presence").await;
        if frame["payload"]["presence"].as_array().unwrap().len() == others + 1 {
            return frame;
        }
    }
}

#[tokio::test]
async fn a_node_that_comes_and_goes_is_announced_with_what_it_says_of_itself() {
    let gateway = TestGateway::start().await;
    let mut watcher = watcher(&gateway).await;
    let token = gateway.pair(&node(1)).await;
    let mut garage = gateway.remote().await;
    let ask = node(1).auth("deviceToken", &token);
    garage.enter(&ask.client("modelIdentifier", "Pi 5").client("timeZone", "UTC")).await;
    let frame = announced(&mut watcher, 1).await;
    let list = frame["payload"]["presence"].clone();
    let (gateway_entry, entry) = (&list[0], &list[1]);
    assert_eq!((&gateway_entry["mode"], &gateway_entry["reason"]), (&json!("gateway"), &json!("self")));
    let expected = json!({
        "host": "Garage", "clientId": "node-host", "ip": REMOTE, "version": "1.0.0", "platform": "linux",
        "deviceFamily": "Linux", "modelIdentifier": "Pi 5", "mode": "node", "timeZone": "UTC",
        "deviceId": Key::new(1).id(), "instanceId": Key::new(1).id(), "reason": "connect",
        "text": "Node: Garage · mode node", "roles": ["node"], "onlineSince": NOW, "ts": NOW,
    });
    assert_eq!(entry, &expected);
    assert_eq!(watcher.call("system-presence", json!({})).await.unwrap(), list);
    let version = frame["stateVersion"]["presence"].as_u64().unwrap();
    drop(garage);
    let gone = announced(&mut watcher, 0).await;
    assert!(gone["stateVersion"]["presence"].as_u64().unwrap() > version);
}

#[tokio::test]
async fn command_lines_probes_and_the_owner_are_not_named_and_announce_nothing() {
    let gateway = TestGateway::start().await;
    let mut watcher = watcher(&gateway).await;
    let mut owner = gateway.owner().await;
    owner.enter(&Ask::cli(&["operator.admin"]).client("mode", "ui")).await;
    let mut probe = gateway.local().await;
    probe.enter(&Ask::cli(&["operator.read"]).client("mode", "probe").token(TOKEN).device(&Key::new(3))).await;
    let list = watcher.call("system-presence", json!({})).await.unwrap();
    assert_eq!(list.as_array().unwrap().len(), 1, "{list}");
    // A node comes last; the first announcement is about it.
    let mut garage = gateway.local().await;
    garage.enter(&node(1)).await;
    let frame = watcher.event_frame("presence").await;
    let named = frame["payload"]["presence"].as_array().unwrap();
    assert_eq!(named.len(), 2);
    assert_eq!(named[1].get("ip"), None, "on this machine");
}

#[tokio::test]
async fn only_those_who_may_read_hear_who_is_here_and_none_of_them_misses_a_number() {
    let gateway = TestGateway::start().await;
    let mut reader = watcher(&gateway).await;
    let mut pairer = gateway.local().await;
    let hello = pairer.enter(&Ask::cli(&["operator.pairing"]).token(TOKEN)).await;
    assert_eq!(hello["snapshot"]["presence"], json!([]));
    assert_eq!(pairer.denied("system-presence", json!({})).await, "missing scope: operator.read");
    let mut listener = gateway.local().await;
    listener.enter(&node(9)).await;
    let mut previous = 0;
    for turn in 1..=5_u8 {
        let mut garage = gateway.local().await;
        garage.enter(&node(turn)).await;
        for others in [2, 1] {
            let frame = announced(&mut reader, others).await;
            let version = frame["stateVersion"]["presence"].as_u64().unwrap();
            assert!(version > previous);
            previous = version;
            if others == 2 {
                let bye = std::mem::replace(&mut garage, gateway.local().await);
                drop(bye);
            }
        }
    }
    let heard = pairer.heard().await;
    assert!(heard.iter().all(|(name, _)| name != "presence"), "{heard:?}");
    let heard = listener.heard().await;
    assert!(heard.iter().all(|(name, _)| name != "presence"), "{heard:?}");
}

#[tokio::test]
async fn the_numbers_of_what_a_client_hears_have_no_gap() {
    let gateway = TestGateway::start().await;
    let mut admin = gateway.admin().await;
    let mut garage = gateway.local().await;
    let hello = garage.enter(&node(1)).await;
    assert_eq!(hello["type"], "hello-ok");
    for _ in 0..3 {
        gateway.state().registry.broadcast_health(&json!({"ok": true}));
    }
    gateway.remote().await.refused(&Ask::cli(&["operator.read"]).device(&Key::new(4)).token(TOKEN)).await;
    let id = crate::nodes::waiting_id(&mut admin).await;
    admin.call("node.pair.approve", json!({"requestId": id})).await.unwrap();
    let mut garage = Some(garage);
    let (mut numbers, mut is_alone) = (Vec::new(), false);
    // Until it was announced that the node came, and then that it went.
    while !is_alone {
        let frame = admin.next_event().await;
        numbers.push(frame["seq"].as_u64().unwrap());
        let named = frame["payload"]["presence"].as_array().map(Vec::len);
        if named == Some(2) {
            garage = None;
        }
        is_alone = garage.is_none() && named == Some(1);
    }
    let expected: Vec<u64> = (1..=numbers.len() as u64).collect();
    assert_eq!(numbers, expected);
}

#[tokio::test]
async fn the_list_is_the_same_however_often_it_is_made() {
    let gateway = TestGateway::start().await;
    let mut here = Vec::new();
    for seed in 1..=12 {
        let mut garage = gateway.local().await;
        garage.enter(&node(seed)).await;
        here.push(garage);
    }
    let mut watcher = watcher(&gateway).await;
    let first = watcher.call("system-presence", json!({})).await.unwrap();
    assert_eq!(first.as_array().unwrap().len(), 13);
    // Whoever comes and goes changes how the gateway holds the others, which nobody sees.
    let mut passers = Vec::new();
    for seed in 20..40 {
        let mut passing = gateway.local().await;
        passing.enter(&Ask::cli(&["operator.read"]).device(&Key::new(seed)).token(TOKEN)).await;
        passers.push(passing);
        assert_eq!(watcher.call("system-presence", json!({})).await.unwrap(), first);
    }
}
