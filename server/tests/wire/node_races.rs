//! Whoever wins, a node never holds more than was approved last (pains S4-05, E07).

use serde_json::{Value, json};
use tokio::task::JoinSet;

use crate::ask::{Ask, Key};
use crate::client::Frame;
use crate::gateway::{TOKEN, TestGateway};
use crate::invoking::ask_for;
use crate::nodes::waiting_id;

const ROUNDS: usize = 1000;

fn offer(key: &Key) -> Ask {
    Ask::offering(&["system.which"]).device(key).token(TOKEN)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn revoking_wins_over_whoever_reconnects_or_approves_at_the_same_time() {
    let gateway = TestGateway::start().await;
    let mut admin = gateway.admin().await;
    let (mut first, mut second) = (gateway.admin().await, gateway.admin().await);
    for round in 0..ROUNDS {
        let mut seed = [0; 32];
        seed[..8].copy_from_slice(&(round as u64).to_le_bytes());
        let key = Key::from_seed(seed);
        let mut node = gateway.local().await;
        node.enter(&offer(&key)).await;
        let id = waiting_id(&mut admin).await;
        let mut again = gateway.local().await;
        let request = offer(&key).request(&again.challenge);

        let revoke = json!({"deviceId": key.id(), "role": "node"});
        let (revoked, approved, ()) = tokio::join!(
            first.call("device.token.revoke", revoke),
            second.call("node.pair.approve", json!({"requestId": id})),
            again.say(&request),
        );
        revoked.unwrap();
        let invoked = admin.call("node.invoke", ask_for(&key, "system.which")).await.unwrap_err();
        assert_eq!(invoked["details"]["code"], "PAIRING_CHANGED", "{round}: {approved:?}");
        assert_eq!(node.ended().await, Frame::close(4001, "device removed"), "{round}");
        // Let in before and thrown out, or told to ask again: not a node any more either way.
        let mut end = again.next().await;
        if let Frame::Text(answer) = &end {
            let is_refused = answer["error"]["details"]["reason"] == "role-upgrade";
            assert!(is_refused || answer["ok"] == true, "{round}: {answer}");
            end = again.ended().await;
            let expected = if is_refused { 1008 } else { 4001 };
            assert!(matches!(end, Frame::Close { code, .. } if code == expected), "{round}: {end:?}");
        } else {
            panic!("{round}: {end:?}");
        }
        admin.call("device.pair.remove", json!({"deviceId": key.id()})).await.unwrap();
        let list = admin.call("node.pair.list", json!({})).await.unwrap();
        assert_eq!(list, json!({"pending": [], "paired": []}), "{round}");
        let waiting = admin.call("device.pair.list", json!({})).await.unwrap()["pending"].clone();
        for request in waiting.as_array().unwrap() {
            let request = json!({"requestId": request["requestId"]});
            admin.call("device.pair.reject", request).await.unwrap();
        }
        admin.heard().await;
        for busy in [&mut first, &mut second] {
            busy.heard().await;
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_approval_covers_only_what_it_named_whatever_the_node_declares_meanwhile() {
    let gateway = TestGateway::start().await;
    let key = Key::new(1);
    let mut admin = gateway.admin().await;
    let narrow: Value = json!(["system.notify"]);
    for round in 0..200 {
        let mut node = gateway.local().await;
        node.enter(&Ask::offering(&["system.notify"]).device(&key).token(TOKEN)).await;
        let id = waiting_id(&mut admin).await;
        let mut wide = gateway.local().await;
        let request =
            Ask::offering(&["system.notify", "system.run"]).device(&key).token(TOKEN).request(&wide.challenge);
        let (approved, ()) =
            tokio::join!(admin.call("node.pair.approve", json!({"requestId": id})), wide.say(&request));
        assert_eq!(wide.next().await.text()["ok"], true);
        let list = admin.call("node.pair.list", json!({})).await.unwrap();
        match approved {
            Ok(answer) => {
                assert_eq!(answer["node"]["commands"], narrow, "{round}");
                assert_eq!(list["paired"][0]["commands"], narrow, "{round}");
            }
            Err(error) => {
                assert_eq!(error["message"], "unknown requestId", "{round}");
                assert_eq!(list["paired"], json!([]), "{round}");
            }
        }
        assert_eq!(list["pending"][0]["commands"], json!(["system.notify", "system.run"]), "{round}");
        let ask = ask_for(&key, "system.run");
        admin.call("node.invoke", ask).await.unwrap_err();
        admin.call("device.pair.remove", json!({"deviceId": key.id()})).await.unwrap();
        admin.heard().await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn of_many_who_approve_at_once_one_is_right_and_the_others_hear_so() {
    let gateway = TestGateway::start().await;
    let mut node = gateway.local().await;
    node.enter(&offer(&Key::new(1))).await;
    let id = waiting_id(&mut gateway.admin().await).await;
    let mut approvers = JoinSet::new();
    for _ in 0..8 {
        let (mut admin, id) = (gateway.admin().await, id.clone());
        approvers.spawn(async move { admin.call("node.pair.approve", json!({"requestId": id})).await });
    }
    let answers = approvers.join_all().await;
    assert_eq!(answers.iter().filter(|answer| answer.is_ok()).count(), 1);
    assert!(answers.iter().filter_map(|answer| answer.as_ref().err()).all(|e| e["message"] == "unknown requestId"));
    let heard = node.heard_of_nodes().await;
    assert_eq!(heard.len(), 1, "{heard:?}");
}
