//! `device.pair.page`: devices found, sorted and cut into pages by the gateway; and who is superseded.

use protocol::DeviceId;
use serde_json::{Value, json};

use crate::ask::{Ask, Key};
use crate::client::{Client, patiently};
use crate::gateway::{NOW, REMOTE, TOKEN, TestGateway};

const DAY_MS: u64 = 24 * 60 * 60 * 1000;

fn named(seed: u8, name: &str) -> Ask {
    Ask::cli(&["operator.read"]).device(&Key::new(seed)).client("displayName", name)
}

fn names(page: &Value) -> Vec<&str> {
    page["devices"].as_array().unwrap().iter().map(|device| device["displayName"].as_str().unwrap()).collect()
}

#[tokio::test]
async fn a_page_holds_what_was_searched_for_and_tells_how_many_there_are() {
    let gateway = TestGateway::start().await;
    for (seed, name) in [(1, "Alpha"), (2, "beta"), (3, "Gamma")] {
        gateway.pair(&named(seed, name)).await;
    }
    let mut admin = gateway.admin().await;
    let page = admin.call("device.pair.page", json!({"sort": "name", "limit": 2})).await.unwrap();
    assert_eq!(names(&page), ["Alpha", "beta"]);
    let counts = ["offset", "matching", "paired", "unused"].map(|name| page[name].as_u64().unwrap());
    assert_eq!(counts, [0, 3, 3, 0]);
    let device = &page["devices"][0];
    assert_eq!((&device["deviceId"], &device["lastSeenAddress"]), (&json!(Key::new(1).id()), &json!(REMOTE)));
    assert!(device["tokens"][0]["lastUsedAtMs"].is_u64() && device["connected"].is_boolean());
    let page = admin.call("device.pair.page", json!({"sort": "name", "limit": 2, "offset": 2})).await.unwrap();
    assert_eq!(names(&page), ["Gamma"]);
    let page = admin.call("device.pair.page", json!({"query": "GAM"})).await.unwrap();
    assert_eq!((names(&page), page["matching"].as_u64()), (vec!["Gamma"], Some(1)));
    let page = admin.call("device.pair.page", json!({"state": "offline", "query": "nobody"})).await.unwrap();
    assert_eq!((names(&page), page["paired"].as_u64()), (vec![], Some(3)));
}

#[tokio::test]
async fn what_was_never_asked_for_is_refused_and_official_lists_stay_as_they_are() {
    let gateway = TestGateway::start().await;
    gateway.pair(&named(1, "Alpha")).await;
    let mut admin = gateway.admin().await;
    let refused = admin.denied("device.pair.page", json!({"limit": 201})).await;
    assert!(refused.starts_with("invalid device.pair.page params: "), "{refused}");
    let refused = admin.denied("device.pair.page", json!({"state": "blocked"})).await;
    assert!(refused.starts_with("invalid device.pair.page params: "), "{refused}");
    let list = admin.call("device.pair.list", json!({})).await.unwrap();
    let keys: Vec<&str> = list.as_object().unwrap().keys().map(String::as_str).collect();
    assert_eq!((keys, list["paired"].as_array().unwrap().len()), (vec!["paired", "pending"], 1));
    assert_eq!(list["paired"][0].get("lastSeenAddress"), None);
}

#[tokio::test]
async fn a_page_that_only_needs_what_waits_gets_no_other_device() {
    let gateway = TestGateway::start().await;
    gateway.pair(&named(1, "Alpha")).await;
    gateway.pair(&named(2, "beta")).await;
    let mut wants_more = gateway.remote().await;
    let scopes = json!(["operator.read", "operator.write"]);
    wants_more.enter(&named(2, "beta").param("scopes", scopes).waiting()).await;
    gateway.from("192.168.1.8").await.held(&named(3, "Gamma")).await;
    let list = gateway.admin().await.call("device.pair.list", json!({"only": "waiting"})).await.unwrap();
    assert_eq!((&list["paired"], &list["counts"]["paired"]), (&json!([]), &json!(2)));
    let waiting: Vec<&Value> = list["pending"].as_array().unwrap().iter().map(|one| &one["deviceId"]).collect();
    let expected = [3, 2].map(|seed| json!(Key::new(seed).id()));
    assert!(waiting.len() == 2 && expected.iter().all(|id| waiting.contains(&id)), "{list}");
    let again = gateway.list().await;
    assert_eq!(again["pending"], list["pending"]);
    assert_eq!(gateway.admin().await.call("device.pair.list", json!({"only": "waiting"})).await.unwrap(), list);
}

#[tokio::test]
async fn a_node_whose_offer_waits_is_among_what_waits() {
    let gateway = TestGateway::start().await;
    let node = Key::new(1);
    gateway.pair(&Ask::offering(&["device.info"]).device(&node)).await;
    gateway.pair(&named(2, "beta")).await;
    let mut admin = gateway.admin().await;
    let list = admin.call("device.pair.list", json!({"only": "waiting"})).await.unwrap();
    let offering: Vec<&Value> = list["paired"].as_array().unwrap().iter().map(|one| &one["deviceId"]).collect();
    assert_eq!(offering, [&json!(node.id())]);
    let page = admin.call("device.pair.page", json!({"state": "offering"})).await.unwrap();
    assert_eq!((&page["devices"][0]["deviceId"], &page["matching"]), (&json!(node.id()), &json!(1)));
    let page = admin.call("device.pair.page", json!({"role": "node"})).await.unwrap();
    assert_eq!(page["matching"], 1);
}

#[tokio::test]
async fn what_nobody_has_seen_for_ninety_days_is_counted_and_listed_but_never_who_asks() {
    let gateway = TestGateway::start().await;
    let owner = named(1, "Owner").param("scopes", json!(["operator.admin"]));
    let token = gateway.pair(&owner).await;
    gateway.pair(&named(2, "Old")).await;
    gateway.clock.advance_ms(30 * DAY_MS);
    gateway.pair(&named(3, "New")).await;
    gateway.clock.advance_ms(60 * DAY_MS);
    let mut line = gateway.remote().await;
    line.enter(&owner.auth("deviceToken", &token)).await;
    let page = line.call("device.pair.page", json!({"unseenForMs": 90 * DAY_MS, "sort": "idle"})).await.unwrap();
    assert_eq!((names(&page), &page["unused"]), (vec!["Old"], &json!(1)));
    let page = line.call("device.pair.page", json!({"unseenForMs": 0})).await.unwrap();
    assert!(!names(&page).contains(&"Owner"), "{page}");
    let page = line.call("device.pair.page", json!({"seenWithinMs": 60 * DAY_MS, "sort": "name"})).await.unwrap();
    assert_eq!(names(&page), ["New", "Owner"]);
}

#[tokio::test]
async fn who_sees_only_itself_gets_no_page_of_others() {
    let gateway = TestGateway::start().await;
    let confined = named(1, "Confined").param("scopes", json!(["operator.pairing"]));
    let token = gateway.pair(&confined).await;
    gateway.pair(&named(2, "Other")).await;
    let mut line = gateway.remote().await;
    line.enter(&confined.auth("deviceToken", &token)).await;
    let page = line.call("device.pair.page", json!({})).await.unwrap();
    assert_eq!((names(&page), &page["paired"], &page["matching"]), (vec!["Confined"], &json!(1), &json!(1)));
    let list = line.call("device.pair.list", json!({"only": "waiting"})).await.unwrap();
    assert_eq!(list["counts"], json!({"paired": 1, "connected": 1}));
    let reader = named(2, "Other").token(TOKEN);
    let mut reading = gateway.remote().await;
    reading.enter(&reader).await;
    assert_eq!(reading.denied("device.pair.page", json!({})).await, "missing scope: operator.pairing");
}

#[tokio::test]
async fn the_owners_name_for_a_device_stays_when_it_pairs_again_under_another_name_of_its_own() {
    let gateway = TestGateway::start().await;
    gateway.pair(&named(1, "Phone")).await;
    let mut admin = gateway.admin().await;
    let of_device = |more: Value| {
        let mut params = json!({"deviceId": Key::new(1).id()});
        params.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        params
    };
    admin.call("device.pair.rename", of_device(json!({"label": "Ada"}))).await.unwrap();
    admin.call("device.token.revoke", of_device(json!({"role": "operator"}))).await.unwrap();
    gateway.pair(&named(1, "Somebody else")).await;
    let page = admin.call("device.pair.page", json!({"query": "ada"})).await.unwrap();
    let device = &page["devices"][0];
    assert_eq!((&device["operatorLabel"], &device["displayName"]), (&json!("Ada"), &json!("Somebody else")));
    assert_eq!(device["tokens"][0].get("revokedAtMs"), None);
}

/// A browser on this machine that forgets its key with each visit.
fn forgetful(number: u8) -> Ask {
    Ask::cli(&["operator.read"]).device(&Key::new(number)).client("displayName", "Private window").token(TOKEN)
}

/// Closes the window, and waits until the gateway has noticed.
async fn leave(gateway: &TestGateway, visit: Client, number: u8) {
    drop(visit);
    let id = DeviceId::claimed(Key::new(number).id());
    patiently(async {
        while gateway.state().registry.connected_devices().contains(&id) {
            tokio::task::yield_now().await;
        }
    })
    .await;
}

#[tokio::test]
async fn of_two_hundred_visits_that_nobody_approved_only_the_last_stay() {
    let gateway = TestGateway::start().await;
    gateway.pair(&named(201, "Private window")).await;
    let mut named_by_owner = gateway.local().await;
    named_by_owner.enter(&forgetful(202)).await;
    let label = json!({"deviceId": Key::new(202).id(), "label": "Mine"});
    gateway.admin().await.call("device.pair.rename", label).await.unwrap();
    leave(&gateway, named_by_owner, 202).await;
    let mut open = gateway.local().await;
    open.enter(&forgetful(203)).await;
    for number in 1..=200 {
        gateway.clock.advance_ms(30_001);
        let mut visit = gateway.local().await;
        visit.enter(&forgetful(number)).await;
        leave(&gateway, visit, number).await;
    }
    let list = gateway.list().await;
    let ids: Vec<&Value> = list["paired"].as_array().unwrap().iter().map(|device| &device["deviceId"]).collect();
    let kept = [200, 199, 203, 202, 201].map(|number| json!(Key::new(number).id()));
    assert!(kept.iter().all(|id| ids.contains(&id)), "{ids:?}");
    assert_eq!(ids.len(), kept.len(), "{ids:?}");
    let params = json!({"actions": ["removed"], "limit": 1});
    let audit = gateway.admin().await.call("audit.list", params).await.unwrap();
    let entry = &audit["entries"][0];
    assert_eq!(entry["by"], json!({"kind": "policy", "via": "silent"}));
    assert!(entry["note"].as_str().unwrap().starts_with("superseded by "), "{entry}");
    assert!(entry["atMs"].as_u64().unwrap() > NOW);
}
