use access::bootstrap::Presentation;
use access::pairing::{Ask, Decider};
use protocol::BootstrapProfile;
use protocol::Scopes;
use protocol::audit::{AuditAction, AuditAuthor, Audited};
use protocol::method::SetupStatus;
use protocol::pairing::{Network, Origin, PairingReason};
use protocol::role::ADMIN;

use super::*;

pub(super) const NOW: u64 = 1_000_000;

pub(super) async fn open() -> (tempfile::TempDir, SqliteStore) {
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

pub(super) fn approve(device: &str) -> PairingEvent {
    PairingEvent::Approve {
        request_id: format!("request-{device}"),
        digest: None,
        terms: protocol::method::Terms::default(),
        decider: Decider {
            scopes: Scopes::from([ADMIN]),
            device_id: None,
            by_device_credential: false,
            is_owner: false,
            from: None,
        },
        generation: "generation".to_owned(),
    }
}

pub(super) async fn request(store: &SqliteStore, device: &str, address: &str, now_ms: u64) -> Applied {
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

#[tokio::test]
async fn the_terms_of_an_approval_are_stored_and_its_end_is_found_once() {
    let (folder, store) = open().await;
    let id = DeviceId::claimed("a");
    request(&store, "a", "192.168.1.9", NOW).await;
    let PairingEvent::Approve { request_id, digest, decider, generation, .. } = approve("a") else { unreachable!() };
    let terms = protocol::method::Terms { expires_in_ms: Some(100), ..Default::default() };
    let event = PairingEvent::Approve { request_id, digest, decider, generation, terms };
    let mut approved = store.apply(&id, event, NOW).await.unwrap().pairing.paired.unwrap();
    approved.withheld = Scopes::from(["operator.write"]);
    store
        .import_device(
            &ImportedDevice { device: Device { device_id: DeviceId::claimed("b"), ..approved }, tokens: vec![] },
            NOW,
        )
        .await
        .unwrap();
    store.close().await;
    let store = SqliteStore::open(&folder.path().join("gateway.sqlite")).await.unwrap();
    assert_eq!(store.find_device(&id).await.unwrap().unwrap().expires_at_ms, Some(NOW + 100));
    let other = store.find_device(&DeviceId::claimed("b")).await.unwrap().unwrap();
    assert_eq!(other.withheld, Scopes::from(["operator.write"]));
    assert_eq!(store.find_ended_approvals(NOW + 99).await.unwrap(), []);
    assert_eq!(store.find_ended_approvals(NOW + 100).await.unwrap().len(), 2);
    store.apply(&id, PairingEvent::Sweep, NOW + 100).await.unwrap();
    assert_eq!(store.find_ended_approvals(NOW + 100).await.unwrap(), [DeviceId::claimed("b")]);
}

const PAIRING: u64 = protocol::PAIRING_LIFETIME_MS;

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

fn code(hash: &str, profile: BootstrapProfile) -> NewCode {
    let setup_id = format!("setup-{hash}");
    NewCode { code_hash: hash.to_owned(), setup_id, profile, expires_at_ms: NOW + 10 }
}

fn made() -> Audited {
    Audited::new(AuditAction::CodeMade, AuditAuthor::Owner)
}

fn used() -> Audited {
    Audited::new(AuditAction::CodeUsed, AuditAuthor::Owner)
}

fn by(device: &str) -> Presentation {
    Presentation { device_id: DeviceId::claimed(device), role: Role::Node, scopes: Scopes::default() }
}

#[tokio::test]
async fn a_code_belongs_to_the_first_that_shows_it_and_works_once() {
    let (_folder, store) = open().await;
    let (first, second) = (by("first"), by("second"));
    store.add_code(&code("hash", BootstrapProfile::Node), made(), NOW).await.unwrap();
    assert_eq!(store.claim_code("other", &first, NOW).await.unwrap(), None);
    assert_eq!(store.claim_code("hash", &first, NOW).await.unwrap(), Some(BootstrapProfile::Node));
    assert_eq!(store.claim_code("hash", &second, NOW).await.unwrap(), None);
    assert_eq!(store.claim_code("hash", &first, NOW).await.unwrap(), Some(BootstrapProfile::Node));
    assert!(!store.redeem_code("hash", &second.device_id, used(), NOW).await.unwrap());
    assert!(store.redeem_code("hash", &first.device_id, used(), NOW).await.unwrap());
    assert!(!store.redeem_code("hash", &first.device_id, used(), NOW).await.unwrap());
    assert_eq!(store.claim_code("hash", &first, NOW).await.unwrap(), None);
    store.add_code(&code("late", BootstrapProfile::Node), made(), NOW).await.unwrap();
    assert_eq!(store.claim_code("late", &first, NOW + 10).await.unwrap(), None);
}

#[tokio::test(flavor = "multi_thread")]
async fn of_a_thousand_devices_with_one_code_exactly_one_gets_in() {
    let (_folder, store) = open().await;
    let store = Arc::new(store);
    store.add_code(&code("hash", BootstrapProfile::Full), made(), NOW).await.unwrap();
    let mut race = tokio::task::JoinSet::new();
    for number in 0..1000 {
        let store = Arc::clone(&store);
        race.spawn(async move {
            let shown = by(&format!("device-{}", number % 500));
            let claimed = store.claim_code("hash", &shown, NOW).await.unwrap();
            claimed.is_some() && store.redeem_code("hash", &shown.device_id, used(), NOW).await.unwrap()
        });
    }
    let winners = race.join_all().await.into_iter().filter(|is_in| *is_in).count();
    assert_eq!(winners, 1);
}

#[tokio::test]
async fn the_outcome_of_a_setup_is_remembered_for_twenty_minutes() {
    let (_folder, store) = open().await;
    store.add_code(&code("hash", BootstrapProfile::Limited), made(), NOW).await.unwrap();
    let first = by("first");
    assert_eq!(store.find_setup("setup-hash", NOW).await.unwrap(), SetupStatus::default());
    store.claim_code("hash", &first, NOW).await.unwrap();
    assert_eq!(store.complete_setup("hash", Some("Pixel"), NOW).await.unwrap(), None);
    store.redeem_code("hash", &first.device_id, used(), NOW).await.unwrap();
    let uncertain = store.find_setup("setup-hash", NOW).await.unwrap();
    assert!(uncertain.completion.is_none() && uncertain.delivery_uncertain.is_some());
    let told = store.complete_setup("hash", Some("Pixel"), NOW + 5).await.unwrap().unwrap();
    assert_eq!((told.device_name.as_deref(), told.ts, told.access.as_str()), (Some("Pixel"), NOW + 5, "limited"));
    let status = |now_ms| store.find_setup("setup-hash", now_ms);
    assert_eq!(status(NOW + 5 + 1_199_999).await.unwrap().completion, Some(told));
    assert_eq!(status(NOW + 5 + 1_200_000).await.unwrap(), SetupStatus::default());
}

#[tokio::test]
async fn a_no_makes_the_code_worthless_that_the_device_holds() {
    let (_folder, store) = open().await;
    let device = DeviceId::claimed("phone");
    store.add_code(&code("hash", BootstrapProfile::Node), made(), NOW).await.unwrap();
    store.claim_code("hash", &by("phone"), NOW).await.unwrap();
    store.apply(&device, ask("phone", "192.168.1.9"), NOW).await.unwrap();
    let decider = Decider {
        scopes: Scopes::from([ADMIN]),
        device_id: None,
        by_device_credential: false,
        is_owner: false,
        from: None,
    };
    let reject = PairingEvent::Reject { request_id: "request-phone".to_owned(), digest: None, decider };
    store.apply(&device, reject, NOW).await.unwrap();
    assert_eq!(store.claim_code("hash", &by("phone"), NOW).await.unwrap(), None);
}

#[tokio::test]
async fn a_join_code_is_good_for_one_new_code_of_its_setup() {
    let (_folder, store) = open().await;
    let target = JoinTarget { url: "wss://gw".to_owned(), tls_fingerprint: Some("ab".to_owned()) };
    for hash in ["one", "two"] {
        store.add_code(&code(hash, BootstrapProfile::Node), made(), NOW).await.unwrap();
        let join = NewJoinCode {
            code_hash: format!("join-{hash}"),
            setup_id: format!("setup-{hash}"),
            target: target.clone(),
        };
        store.add_join_code(&join).await.unwrap();
    }
    let redeem = |join: &'static str, at| store.redeem_join_code(join, "new", at);
    assert_eq!(redeem("unknown", NOW).await.unwrap(), None);
    let spent = SpentJoinCode { setup_id: "setup-one".to_owned(), target, expires_at_ms: NOW + 10 };
    assert_eq!(redeem("join-one", NOW).await.unwrap(), Some(spent));
    assert_eq!(redeem("join-one", NOW).await.unwrap(), None);
    assert_eq!(store.claim_code("one", &by("a"), NOW).await.unwrap(), None);
    assert_eq!(store.claim_code("new", &by("a"), NOW).await.unwrap(), Some(BootstrapProfile::Node));
    // A setup code that was used, or is too old, makes its URL worthless too.
    store.claim_code("two", &by("a"), NOW).await.unwrap();
    assert_eq!(redeem("join-two", NOW).await.unwrap(), None);
}

#[tokio::test]
async fn an_older_gateways_links_live_on_and_a_newer_ones_store_is_opened() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("gateway.sqlite");
    let store = SqliteStore::open(&file).await.unwrap();
    // As it was before the second migration, with a link under way; and as it will be after a third.
    for statement in [
        "DROP TABLE join_codes",
        "DROP TABLE bootstrap_tokens",
        "DELETE FROM _sqlx_migrations WHERE version = 2",
        "INSERT INTO owner_links (code_hash, expires_at_ms) VALUES ('link', 9999999)",
        "INSERT INTO _sqlx_migrations (version, description, success, checksum, execution_time) VALUES (9999, 'later', 1, x'00', 1)",
    ] {
        sqlx::query(statement).execute(&store.pool).await.unwrap();
    }
    store.close().await;
    let store = SqliteStore::open(&file).await.unwrap();
    let shown = Presentation {
        device_id: DeviceId::claimed("browser"),
        role: Role::Operator,
        scopes: BootstrapProfile::Owner.scopes(),
    };
    assert_eq!(store.claim_code("link", &shown, NOW).await.unwrap(), Some(BootstrapProfile::Owner));
}

/// Tables and columns, each with whether a writer that does not know it gets by without it.
async fn layout(pool: &sqlx::SqlitePool) -> std::collections::BTreeMap<(String, String), bool> {
    let columns: Vec<(String, String, bool)> = sqlx::query_as(
        "SELECT t.name, c.name, c.\"notnull\" = 0 OR c.dflt_value IS NOT NULL FROM sqlite_master t \
         JOIN pragma_table_info(t.name) c WHERE t.type = 'table' AND t.name NOT LIKE '\\_sqlx%' ESCAPE '\\'",
    )
    .fetch_all(pool)
    .await
    .unwrap();
    columns.into_iter().map(|(table, column, is_optional)| ((table, column), is_optional)).collect()
}

/// A store remembers what made its layout (SHA-384), and is not opened by a program that says otherwise. So a migration
/// that was ever used stays as it is, to the letter; a change is a new one.
#[test]
fn what_made_the_older_layouts_is_what_it_was() {
    let all = sqlx::migrate!("./migrations");
    let found: Vec<(i64, String)> =
        all.iter().map(|migration| (migration.version, hex::encode(&migration.checksum[..8]))).collect();
    let known = [
        (1, "550d22fc0913196e"),
        (2, "5d9aa22bb01fbfd5"),
        (3, "d390ae6dc9bd88f1"),
        (4, "e8e9fb5973b2a631"),
        (10, "e6f1530ed39bdd5c"),
        (11, "b8473df5c2df2955"),
        (12, "c073add665eea8a5"),
        (13, "8db6f56e1a603e1c"),
        (14, "7bad4bc2029eec5b"),
        (15, "6beb39a1b3cf3fab"),
        (16, "bc40f532fdce9b5c"),
    ];
    assert_eq!(found, known.map(|(version, digest)| (version, digest.to_owned())));
}

/// Upgrade and downgrade: every layout that ever was becomes the present one with what is in it, and whoever
/// knows only that older layout finds everything in the present one and can write to it.
#[tokio::test]
async fn every_older_layout_is_read_and_can_still_be_written_to() {
    let all = sqlx::migrate!("./migrations");
    let versions: Vec<i64> = all.iter().map(|migration| migration.version).collect();
    let (_folder, newest) = open().await;
    let now = layout(&newest.pool).await;
    for known in 1..=versions.len() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("gateway.sqlite");
        let options = sqlx::sqlite::SqliteConnectOptions::new().filename(&file).create_if_missing(true);
        let pool = sqlx::SqlitePool::connect_with(options).await.unwrap();
        let mut older = sqlx::migrate::Migrator::with_migrations(all.iter().take(known).cloned().collect());
        older.set_ignore_missing(true);
        older.run(&pool).await.unwrap();
        let then = layout(&pool).await;
        write_as_at_first(&pool, "a").await;
        pool.close().await;

        let store = SqliteStore::open(&file).await.unwrap();
        let device = store.find_device(&DeviceId::claimed("a")).await.unwrap().unwrap();
        assert_eq!((device.display_name.as_deref(), device.tokens[0].generation.as_str()), (Some("Pixel"), "g"));
        assert_eq!(layout(&store.pool).await, now, "from version {}", versions[known - 1]);
        for column in then.keys() {
            assert!(now.contains_key(column), "{column:?} of version {} is gone", versions[known - 1]);
        }
        let tables: std::collections::BTreeSet<&String> = then.keys().map(|(table, _)| table).collect();
        for (column, is_optional) in
            now.iter().filter(|(column, _)| tables.contains(&column.0) && !then.contains_key(*column))
        {
            assert!(is_optional, "a writer of version {} does not know {column:?}", versions[known - 1]);
        }
        // The older program opens what the newer one has left.
        store.close().await;
        let options = sqlx::sqlite::SqliteConnectOptions::new().filename(&file);
        let pool = sqlx::SqlitePool::connect_with(options).await.unwrap();
        older.run(&pool).await.unwrap();
        write_as_at_first(&pool, "b").await;
        pool.close().await;
        let store = SqliteStore::open(&file).await.unwrap();
        let pairings = store.list_pairings().await.unwrap();
        assert_eq!((pairings.paired.len(), pairings.pending.len()), (2, 2));
        let decider = Decider {
            scopes: Scopes::from([ADMIN]),
            device_id: None,
            by_device_credential: false,
            is_owner: true,
            from: None,
        };
        let removed = PairingEvent::Remove { decider };
        store.apply(&DeviceId::claimed("b"), removed, NOW).await.unwrap();
        assert_eq!(store.list_pairings().await.unwrap().paired.len(), 1);
    }
}

/// A device, its token and a request, as the first version of the program wrote them.
async fn write_as_at_first(pool: &sqlx::SqlitePool, id: &str) {
    for statement in [
        "INSERT INTO devices (device_id, public_key, display_name, platform, client_id, client_mode, role, roles, scopes, \
         approved_via, created_at_ms, approved_at_ms) VALUES (?, 'k', 'Pixel', 'Android', 'cli', 'cli', 'operator', \
         '[\"operator\"]', '[\"operator.read\"]', 'owner', 1, 2)",
        "INSERT INTO device_tokens (device_id, role, generation, scopes, created_at_ms) VALUES (?, 'operator', 'g', '[]', 1)",
        "INSERT INTO pending_requests (request_id, device_id, public_key, platform, client_id, client_mode, role, roles, \
         scopes, reason, has_secret, is_direct_local, is_repair, address, origin, attempts, ts) VALUES ('request-' || ?1, \
         ?1, 'k', 'Android', 'cli', 'cli', 'operator', '[\"operator\"]', '[\"operator.admin\"]', 'scope-upgrade', 0, 0, 1, \
         '192.0.2.1', '{\"address\": \"192.0.2.1\", \"network\": \"lan\", \"resolved\": \"directly\", \"encrypted\": true}', 1, 1)",
    ] {
        sqlx::query(statement).bind(id).execute(pool).await.unwrap();
    }
}
