//! What nodes may say, and what they hear (wire.md §8.2, §9.2, §9.6; pain S5-05).

use protocol::Method;
use protocol::method::Access;
use serde_json::{Value, json};

use crate::ask::{Ask, Key};
use crate::client::{Client, Frame};
use crate::gateway::{NOW, TOKEN, TestGateway};
use crate::nodes::{approved_node, described, local_node};

const WHICH: &[&str] = &["system.which"];

async fn operator(gateway: &TestGateway, scope: &str) -> Client {
    let mut operator = gateway.local().await;
    operator.enter(&Ask::cli(&[scope]).token(TOKEN)).await;
    operator
}

#[tokio::test]
async fn a_node_may_call_nothing_that_is_an_operators() {
    let gateway = TestGateway::start().await;
    let mut node = approved_node(&gateway, &Key::new(1), WHICH).await;
    let mut tried = 0;
    let others = ["connect", "no.such.method", "config.set", "agent", "sessions.list"];
    let operators = Method::ALL.iter().filter(|method| matches!(method.access(), Access::Operator(_) | Access::Owner));
    for name in operators.map(|method| method.name()).chain(others) {
        assert_eq!(node.denied(name, json!({})).await, "unauthorized role: node", "{name}");
        assert!(node.is_open().await, "which also starts the count anew");
        tried += 1;
    }
    assert!(tried > 20);
}

#[tokio::test]
async fn the_eleventh_question_in_a_row_from_one_node_to_another_ends_its_socket() {
    let gateway = TestGateway::start().await;
    let key = Key::new(1);
    let mut node = approved_node(&gateway, &key, WHICH).await;
    let ask = json!({"nodeId": key.id(), "command": "system.which", "idempotencyKey": "k"});
    for _ in 0..11 {
        assert_eq!(node.denied("node.invoke", ask.clone()).await, "unauthorized role: node");
    }
    assert_eq!(node.ended().await, Frame::close(1008, "repeated unauthorized calls"));
}

#[tokio::test]
async fn unknown_events_are_acknowledged_and_do_nothing() {
    let gateway = TestGateway::start().await;
    let key = Key::new(1);
    let mut node = approved_node(&gateway, &key, WHICH).await;
    let mut admin = gateway.admin().await;
    let before = described(&mut admin, &key).await;
    let names = [
        "exec.started",
        "exec.finished",
        "exec.denied",
        "agent.request",
        "chat.subscribe",
        "voice.transcript",
        "node.pair.resolved",
        "device.pair.resolved",
        "node.invoke.result",
        "notifications.changed",
        "tick",
    ];
    for name in names {
        let payload = json!({
            "sessionKey": "agent:main", "runId": "r", "nodeId": "other", "requestId": "x", "decision": "approved",
        });
        for params in [json!({"event": name, "payload": payload}), json!({"event": name, "payloadJSON": "{bad"})] {
            let said = node.call("node.event", params).await.unwrap();
            let ignored = json!({"ok": true, "event": name, "handled": false, "reason": "unsupported_event"});
            assert_eq!(said, ignored);
        }
    }
    assert_eq!(admin.heard_of_nodes().await, []);
    assert_eq!(described(&mut admin, &key).await, before);
    let empty = node.denied("node.event", json!({"event": ""})).await;
    assert_eq!(empty, "invalid node.event params: at /event: must not have fewer than 1 characters");
}

#[tokio::test]
async fn what_a_node_says_before_its_approval_has_no_effect() {
    let gateway = TestGateway::start().await;
    let key = Key::new(1);
    let mut node = local_node(&gateway, &key, WHICH).await;
    let mut admin = gateway.admin().await;
    let before = described(&mut admin, &key).await;
    gateway.clock.advance_ms(5);
    let changed = "node pairing changed while invocation was active";
    let rows = [
        ("node.event", json!({"event": "node.presence.alive", "payload": {"trigger": "forged"}}), changed),
        ("node.event", json!({"event": "node.host.stats", "payload": stats()}), changed),
        ("node.event", json!({"event": "foo.bar"}), changed),
        ("node.pending.pull", json!({}), changed),
        ("node.pending.ack", json!({"ids": ["x"]}), changed),
        ("node.pending.drain", json!({}), "node pairing changed while pending work was active"),
    ];
    for (method, params, message) in rows {
        let error = node.call(method, params).await.unwrap_err();
        let details = json!({"code": "PAIRING_CHANGED"});
        let expected = json!({"code": "UNAVAILABLE", "message": message, "retryable": true, "details": details});
        assert_eq!(error, expected, "{method}");
    }
    let tool = json!({"pluginId": "p", "name": "t", "description": "Says it is useful."});
    node.call("node.pluginTools.update", json!({"tools": [tool]})).await.unwrap();
    assert_eq!(admin.heard_of_nodes().await, []);
    let mut after = described(&mut admin, &key).await;
    after["ts"] = before["ts"].clone();
    assert_eq!(after, before);
}

#[tokio::test]
async fn an_approved_node_publishes_what_the_reference_lets_it() {
    let gateway = TestGateway::start().await;
    let key = Key::new(1);
    let mut node = approved_node(&gateway, &key, WHICH).await;
    let (mut reader, mut pairer) =
        (operator(&gateway, "operator.read").await, operator(&gateway, "operator.pairing").await);
    let tool = json!({"pluginId": "p", "name": "t", "description": "Is useful."});
    let skill = json!({"name": "s", "description": "d", "content": "c"});
    let rows = [
        ("node.pending.pull", json!({}), json!({"nodeId": key.id(), "actions": []})),
        (
            "node.pending.ack",
            json!({"ids": ["x"]}),
            json!({"nodeId": key.id(), "ackedIds": ["x"], "remainingCount": 0}),
        ),
        (
            "node.pending.drain",
            json!({"maxItems": 4}),
            json!({"nodeId": key.id(), "revision": 0, "items": [], "hasMore": false}),
        ),
        ("skills.bins", json!({}), json!({"bins": []})),
        ("node.skills.update", json!({"skills": [skill]}), json!({"nodeId": key.id(), "skills": [skill]})),
        ("node.pluginTools.update", json!({"tools": [tool]}), json!({"nodeId": key.id(), "tools": [tool]})),
        (
            "node.runnerInventory.update",
            json!({"protocolFeatures": ["node-worker-supervisor-v6"], "workerHost": {"enabled": false}}),
            json!({"nodeId": key.id()}),
        ),
    ];
    for (method, params, expected) in rows {
        assert_eq!(node.call(method, params).await.unwrap(), expected, "{method}");
    }
    let error = node.call("node.pluginSurface.refresh", json!({"surface": "canvas"})).await.unwrap_err();
    assert_eq!(error, json!({"code": "UNAVAILABLE", "message": "canvas plugin surface unavailable"}));
    let heard = reader.heard_of_nodes().await;
    assert_eq!(heard, [("node.runnerInventory.changed".to_owned(), json!({"nodeId": key.id()}))]);
    assert_eq!(pairer.heard_of_nodes().await, []);
    assert_eq!(described(&mut gateway.admin().await, &key).await["nodePluginTools"], json!([tool]));
    drop(node);
    gateway.until_gone(&key).await;
    let gone = described(&mut gateway.admin().await, &key).await;
    assert_eq!((&gone["nodePluginTools"], &gone["connected"]), (&json!([]), &json!(false)));
}

fn stats() -> Value {
    json!({
        "cpuCount": 2, "loadAverage": [7.16, 5.08, 3.29], "memoryTotalBytes": 25_276_510_208_u64,
        "memoryFreeBytes": 18_995_277_824_u64, "diskTotalBytes": 270_553_174_016_u64,
        "diskAvailableBytes": 72_981_164_032_u64,
    })
}

#[tokio::test]
async fn the_load_of_a_node_is_checked_and_told_only_to_those_who_may_read() {
    let gateway = TestGateway::start().await;
    let key = Key::new(1);
    let mut node = approved_node(&gateway, &key, WHICH).await;
    let (mut reader, mut pairer) =
        (operator(&gateway, "operator.read").await, operator(&gateway, "operator.pairing").await);
    let with = |field: &str, value: Value| {
        let mut stats = stats();
        stats[field] = value;
        stats
    };
    let implausible = [
        json!({"cpuCount": 0}),
        json!("hello"),
        json!(null),
        with("cpuCount", json!(0)),
        with("cpuCount", json!(-1)),
        with("loadAverage", json!([1.0, 2.0])),
        with("loadAverage", json!([-1.0, 2.0, 3.0])),
        with("memoryTotalBytes", json!(0)),
        with("memoryFreeBytes", json!(26_000_000_000_u64)),
        with("diskAvailableBytes", json!("much")),
    ];
    let told = |is_handled: bool, reason: &str| json!({"ok": true, "event": "node.host.stats", "handled": is_handled, "reason": reason});
    for payload in implausible {
        let said = node.call("node.event", json!({"event": "node.host.stats", "payload": payload})).await.unwrap();
        assert_eq!(said, told(false, "invalid_payload"), "{payload}");
    }
    assert_eq!(reader.heard_of_nodes().await, []);
    let mut forged = stats();
    forged["updatedAtMs"] = 1.into();
    forged["nodeId"] = "another".into();
    let said = json!({"event": "node.host.stats", "payloadJSON": forged.to_string()});
    assert_eq!(node.call("node.event", said).await.unwrap(), told(true, "updated"));
    let expected = with("updatedAtMs", json!(NOW));
    let news = json!({"nodeId": key.id(), "hostStats": expected});
    assert_eq!(reader.heard_of_nodes().await, [("node.hostStats".to_owned(), news)]);
    assert_eq!(pairer.heard_of_nodes().await, []);
    assert_eq!(node.heard_of_nodes().await, []);
    assert_eq!(described(&mut reader, &key).await["hostStats"], expected);
}

#[tokio::test]
async fn a_sign_of_life_is_written_down_with_its_reason() {
    let gateway = TestGateway::start().await;
    let key = Key::new(1);
    let mut node = approved_node(&gateway, &key, WHICH).await;
    gateway.clock.advance_ms(60_000);
    let trigger = format!("bg\u{7}-{}", "x".repeat(100));
    let alive = json!({"event": "node.presence.alive", "payload": {"trigger": trigger, "nodeId": "another"}});
    assert_eq!(node.call("node.event", alive).await.unwrap()["reason"], "persisted");
    drop(node);
    gateway.until_gone(&key).await;
    let gateway = gateway.restart().await;
    let list = gateway.admin().await.call("node.pair.list", json!({})).await.unwrap();
    let seen = &list["paired"][0];
    assert_eq!(seen["lastSeenAtMs"], NOW + 60_000);
    assert_eq!((&seen["lastConnectedAtMs"], &seen["lastDisconnectedAtMs"]), (&json!(NOW), &json!(NOW + 60_000)));
}

#[tokio::test]
async fn a_node_hears_of_itself_and_of_nobody_else() {
    let gateway = TestGateway::start().await;
    let (key, other) = (Key::new(1), Key::new(2));
    let mut node = gateway.local().await;
    let hello = node.enter(&Ask::offering(WHICH).device(&key).token(TOKEN)).await;
    assert_eq!(hello["snapshot"]["presence"], json!([]));
    assert_eq!(hello["snapshot"].get("configPath"), None);
    assert_eq!(hello["auth"]["scopes"], json!([]));
    let mut admin = gateway.admin().await;
    // Others come, ask, are approved, named and removed.
    let mut neighbour = approved_other(&gateway, &mut admin, &other).await;
    neighbour.call("node.event", json!({"event": "node.host.stats", "payload": stats()})).await.unwrap();
    admin.call("node.rename", json!({"nodeId": other.id(), "displayName": "x"})).await.unwrap();
    admin.call("node.pair.remove", json!({"nodeId": other.id()})).await.unwrap();
    gateway.remote().await.refused(&Ask::cli(&["operator.read"]).device(&Key::new(4)).token(TOKEN)).await;
    let heard = node.heard().await;
    let allowed = ["tick", "health"];
    assert!(heard.iter().all(|(name, _)| allowed.contains(&name.as_str())), "{heard:?}");
    gateway.stop().await;
    let frame = node.event_frame("shutdown").await;
    assert_eq!((&frame["payload"]["reason"], frame["seq"].is_u64()), (&json!("gateway stopping"), true));
    assert_eq!(node.ended().await, Frame::close(1012, "service restart"));
}

async fn approved_other(gateway: &TestGateway, admin: &mut Client, key: &Key) -> Client {
    let mut node = local_node(gateway, key, WHICH).await;
    let list = admin.call("node.pair.list", json!({})).await.unwrap();
    let pending = list["pending"].as_array().unwrap().iter().find(|pending| pending["nodeId"] == key.id()).unwrap();
    admin.call("node.pair.approve", json!({"requestId": pending["requestId"]})).await.unwrap();
    node.event("node.pair.resolved").await;
    node
}
