use access::pairing::{Ask, Decider};
use protocol::pairing::{Network, Origin, PairingReason};
use protocol::role::ADMIN;

use super::*;

const NOW: u64 = 1_000_000;

async fn open() -> (tempfile::TempDir, SqliteStore) {
    let folder = tempfile::tempdir().unwrap();
    let store = SqliteStore::open(&folder.path().join("gateway.sqlite")).await.unwrap();
    (folder, store)
}

fn ask(device: &str, address: &str) -> PairingEvent {
    PairingEvent::Ask {
        request_id: format!("request-{device}"),
        ask: Box::new(Ask {
            device_id: DeviceId::claimed(device),
            public_key: "key".to_owned(),
            display_name: Some("Pixel".to_owned()),
            platform: "Android".to_owned(),
            device_family: Some("Phone".to_owned()),
            client_id: "openclaw-control-ui".to_owned(),
            client_mode: "webchat".to_owned(),
            role: Role::Operator,
            scopes: Scopes::from(["operator.read"]),
            reason: PairingReason::NotPaired,
            has_secret: false,
            is_direct_local: false,
            origin: Origin {
                address: address.to_owned(),
                network: Network::Lan,
                resolved: "directly".to_owned(),
                encrypted: true,
                page: Some("https://gw.local".to_owned()),
            },
            user_agent: Some("Chrome".to_owned()),
            node: None,
        }),
    }
}

fn approve(device: &str) -> PairingEvent {
    PairingEvent::Approve {
        request_id: format!("request-{device}"),
        digest: None,
        decider: Decider { scopes: Scopes::from([ADMIN]), device_id: None, by_device_credential: false },
        generation: "generation".to_owned(),
    }
}

async fn request(store: &SqliteStore, device: &str, address: &str, now_ms: u64) -> Applied {
    store.apply(&DeviceId::claimed(device), ask(device, address), now_ms).await.unwrap()
}

async fn stored(store: &SqliteStore, device: &DeviceId) -> DevicePairing {
    store.apply(device, PairingEvent::Sweep, NOW).await.unwrap().pairing
}

async fn waiting(store: &SqliteStore) -> Vec<String> {
    let pairings = store.list_pairings().await.unwrap();
    pairings.pending.iter().map(|(pending, _)| pending.ask.device_id.to_string()).collect()
}

#[tokio::test]
async fn what_was_stored_is_there_after_a_restart() {
    let (folder, store) = open().await;
    let before = request(&store, "a", "192.168.1.9", NOW).await.pairing;
    let id = DeviceId::claimed("a");
    store.close().await;
    let store = SqliteStore::open(&folder.path().join("gateway.sqlite")).await.unwrap();
    assert_eq!(stored(&store, &id).await, before);
    let approved = store.apply(&id, approve("a"), NOW + 1).await.unwrap().pairing;
    store.close().await;
    let store = SqliteStore::open(&folder.path().join("gateway.sqlite")).await.unwrap();
    assert_eq!(stored(&store, &id).await, approved);
    assert_eq!(store.find_device(&id).await.unwrap(), approved.paired);
    assert_eq!(approved.paired.unwrap().tokens[0].generation, "generation");
}

#[tokio::test]
async fn a_refused_change_changes_nothing() {
    let (_folder, store) = open().await;
    let before = request(&store, "a", "192.168.1.9", NOW).await.pairing;
    let refused = store.apply(&DeviceId::claimed("a"), approve("b"), NOW).await.unwrap_err();
    assert_eq!(refused.refusal(), Refusal::RequestUnknown);
    assert_eq!(stored(&store, &DeviceId::claimed("a")).await, before);
}

#[tokio::test]
async fn the_ninth_request_of_an_address_crowds_out_the_oldest_unseen() {
    let (_folder, store) = open().await;
    for number in 0..8 {
        request(&store, &format!("d{number}"), "192.168.1.9", NOW + number).await;
    }
    request(&store, "elsewhere", "192.168.1.10", NOW).await;
    store.mark_seen(&["request-d0".to_owned()], NOW).await.unwrap();
    let applied = request(&store, "d8", "192.168.1.9", NOW + 8).await;
    let dropped = Effect::Drop { request_id: "request-d1".to_owned(), why: access::pairing::Dropped::CrowdedOut };
    assert!(applied.effects.contains(&(DeviceId::claimed("d1"), dropped)));
    let left = waiting(&store).await;
    assert_eq!(left.len(), 9);
    assert!(
        left.contains(&"d0".to_owned()) && !left.contains(&"d1".to_owned()) && left.contains(&"elsewhere".to_owned())
    );
}

#[tokio::test]
async fn never_more_than_256_requests_wait() {
    let (_folder, store) = open().await;
    for number in 0..260_u64 {
        request(&store, &format!("d{number}"), &format!("10.0.{number}.1"), NOW + number).await;
    }
    let left = waiting(&store).await;
    assert_eq!(left.len(), 256);
    assert_eq!(left.last().unwrap(), "d4");
}

#[tokio::test]
async fn expired_requests_are_found() {
    let (_folder, store) = open().await;
    request(&store, "a", "192.168.1.9", NOW).await;
    assert_eq!(store.find_expired_requests(NOW + PAIRING - 1).await.unwrap(), []);
    assert_eq!(store.find_expired_requests(NOW + PAIRING).await.unwrap(), [DeviceId::claimed("a")]);
}

const PAIRING: u64 = protocol::PAIRING_LIFETIME_MS;

#[tokio::test]
async fn an_owner_link_belongs_to_the_first_that_shows_it_and_works_once() {
    let (_folder, store) = open().await;
    let (first, second) = (DeviceId::claimed("first"), DeviceId::claimed("second"));
    store.add_owner_link("hash", NOW + 10).await.unwrap();
    assert!(!store.claim_owner_link("other", &first, NOW).await.unwrap());
    assert!(store.claim_owner_link("hash", &first, NOW).await.unwrap());
    assert!(!store.claim_owner_link("hash", &second, NOW).await.unwrap());
    assert!(store.claim_owner_link("hash", &first, NOW).await.unwrap());
    assert!(store.redeem_owner_link("hash", NOW).await.unwrap());
    assert!(!store.redeem_owner_link("hash", NOW).await.unwrap());
    assert!(!store.claim_owner_link("hash", &first, NOW).await.unwrap());
    store.add_owner_link("late", NOW + 10).await.unwrap();
    assert!(!store.claim_owner_link("late", &first, NOW + 10).await.unwrap());
}

#[tokio::test]
async fn being_seen_updates_the_device_and_its_token() {
    let (_folder, store) = open().await;
    request(&store, "a", "192.168.1.9", NOW).await;
    let id = DeviceId::claimed("a");
    store.apply(&id, approve("a"), NOW).await.unwrap();
    let seen =
        Seen { platform: Some("Android 16".to_owned()), ..Seen::new(id.clone(), Role::Operator, NOW + 7, "connect") };
    store.record_seen(&[seen]).await.unwrap();
    let device = store.find_device(&id).await.unwrap().unwrap();
    assert_eq!((device.last_seen_at_ms, device.platform.as_str()), (Some(NOW + 7), "Android 16"));
    assert_eq!(device.display_name.as_deref(), Some("Pixel"));
    assert_eq!(device.tokens[0].last_used_at_ms, Some(NOW + 7));
}
