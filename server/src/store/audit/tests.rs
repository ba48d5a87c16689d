use protocol::audit::{AuditAction, AuditAuthor, AuditQuery, Audited};
use protocol::{DeviceId, Scopes};

use super::*;
use crate::store::Store;
use crate::store::tests::{NOW, approve, open, request};

const NONE: [u64; 0] = [];

async fn renamed(store: &SqliteStore, count: u64) {
    for number in 0..count {
        let what = Audited::new(AuditAction::Renamed, AuditAuthor::Owner)
            .about(DeviceId::claimed(format!("device-{}", number % 3)), Some(format!("Pixel {number}")));
        store.record(what.noting(format!("Note {number}")), NOW + number).await.unwrap();
    }
}

async fn found(store: &SqliteStore, query: AuditQuery) -> Vec<u64> {
    store.list_audit(&query).await.unwrap().entries.iter().map(|row| row.entry.seq).collect()
}

#[tokio::test]
async fn a_decision_is_written_down_with_what_was_displayed_and_what_came_of_it() {
    let (_folder, store) = open().await;
    request(&store, "a", "192.168.1.9", NOW).await;
    let before = store.list_audit(&AuditQuery::default()).await.unwrap();
    assert_eq!((before.entries.len(), before.kept), (0, 0), "asking is no decision");
    let mut news = store.audit_news();
    store.apply(&DeviceId::claimed("a"), approve("a"), NOW + 5).await.unwrap();
    assert_eq!(*news.borrow_and_update(), 1);
    let page = store.list_audit(&AuditQuery::default()).await.unwrap();
    let row = &page.entries[0];
    let what = &row.entry.what;
    assert_eq!((row.entry.seq, row.entry.at_ms, what.action), (1, NOW + 5, AuditAction::Approved));
    assert_eq!(what.by, AuditAuthor::Program);
    assert_eq!(what.about.as_ref().unwrap().name.as_deref(), Some("Pixel"));
    let shown = what.shown.as_ref().unwrap();
    assert_eq!(shown.evidence.as_ref().unwrap().origin.address, "192.168.1.9");
    assert_eq!(what.granted.as_ref().unwrap().scopes, Scopes::from(["operator.read"]));
    assert_eq!((page.next_cursor, page.kept), (None, 1));
}

#[tokio::test]
async fn a_refused_decision_leaves_no_trace() {
    let (_folder, store) = open().await;
    store.apply(&DeviceId::claimed("nobody"), approve("nobody"), NOW).await.unwrap_err();
    assert_eq!(store.list_audit(&AuditQuery::default()).await.unwrap().kept, 0);
}

#[tokio::test]
async fn pages_and_filters() {
    let (_folder, store) = open().await;
    renamed(&store, 7).await;
    store.record(Audited::new(AuditAction::Panic, AuditAuthor::Owner).noting("a \"quote\""), NOW + 50).await.unwrap();
    let first = store.list_audit(&AuditQuery { limit: Some(3), ..AuditQuery::default() }).await.unwrap();
    assert_eq!((first.entries.len(), first.next_cursor, first.kept), (3, Some(6), 8));
    let query = || AuditQuery::default();
    assert_eq!(found(&store, AuditQuery { limit: Some(3), cursor: Some(6), ..query() }).await, [5, 4, 3]);
    assert_eq!(found(&store, AuditQuery { actions: vec!["panic".to_owned()], ..query() }).await, [8]);
    assert_eq!(found(&store, AuditQuery { about: Some("device-1".to_owned()), ..query() }).await, [5, 2]);
    assert_eq!(found(&store, AuditQuery { by: Some("own".to_owned()), ..query() }).await.len(), 8);
    assert_eq!(found(&store, AuditQuery { by: Some("policy".to_owned()), ..query() }).await, NONE);
    assert_eq!(found(&store, AuditQuery { since: Some(NOW + 5), until: Some(NOW + 50), ..query() }).await, [7, 6]);
    assert_eq!(found(&store, AuditQuery { search: Some("pixel 3".to_owned()), ..query() }).await, [4]);
    assert_eq!(found(&store, AuditQuery { search: Some("\"QUOTE".to_owned()), ..query() }).await, [8]);
    // What a search is for stands in values, not in the names of fields, and is never a pattern.
    for search in ["action", "kind", "%", "device_"] {
        assert_eq!(found(&store, AuditQuery { search: Some(search.to_owned()), ..query() }).await, NONE, "{search}");
    }
    // An owner who injects SQL only looks for it.
    assert_eq!(found(&store, AuditQuery { about: Some("' OR 1=1 --".to_owned()), ..query() }).await, NONE);
}

#[tokio::test]
async fn nothing_is_changed_or_taken_out_unnoticed() {
    let (_folder, store) = open().await;
    renamed(&store, 5).await;
    let verdict = store.verify_audit().await.unwrap();
    assert!(verdict.ok, "{verdict:?}");
    assert_eq!((verdict.checked, verdict.oldest, verdict.newest), (5, Some(1), Some(5)));
    let change = |sql: &'static str| {
        let pool = store.pool.clone();
        async move { sqlx::query(sql).execute(&pool).await }
    };
    // The store itself refuses; whoever edits the file does without that.
    assert!(change("UPDATE audit SET entry = '{}' WHERE seq = 3").await.is_err());
    assert!(change("DELETE FROM audit WHERE seq = 3").await.is_err());
    change("DROP TRIGGER audit_is_never_changed").await.unwrap();
    change("DROP TRIGGER audit_is_forgotten_from_its_beginning").await.unwrap();
    let bad = async || {
        let verdict = store.verify_audit().await.unwrap();
        assert_eq!(verdict.ok, verdict.first_bad.is_none());
        verdict.first_bad
    };
    change("UPDATE audit SET entry = replace(entry, 'Pixel 2', 'Pixel 9') WHERE seq = 3").await.unwrap();
    assert_eq!(bad().await, Some(3));
    change("UPDATE audit SET entry = replace(entry, 'Pixel 9', 'Pixel 2') WHERE seq = 3").await.unwrap();
    assert_eq!(bad().await, None);
    change("UPDATE audit SET action = 'approved' WHERE seq = 2").await.unwrap();
    assert_eq!(bad().await, Some(2));
    change("UPDATE audit SET action = 'renamed' WHERE seq = 2").await.unwrap();
    change("DELETE FROM audit WHERE seq = 1").await.unwrap();
    assert_eq!(bad().await, Some(1));
    change("UPDATE audit SET entry = 'no json' WHERE seq = 4").await.unwrap();
    // What cannot be read is still listed, and hides nothing else.
    let listed = store.list_audit(&AuditQuery { search: None, ..AuditQuery::default() }).await.unwrap();
    let actions: Vec<_> = listed.entries.iter().map(|row| row.entry.what.action).collect();
    assert_eq!(
        actions.iter().map(|action| action.as_str()).collect::<Vec<_>>(),
        ["renamed", "unreadable", "renamed", "renamed"]
    );
    assert_eq!(
        found(&store, AuditQuery { search: Some("pixel".to_owned()), ..AuditQuery::default() }).await,
        [5, 3, 2]
    );
}

#[tokio::test]
async fn the_oldest_are_forgotten_and_the_rest_still_follows() {
    let (_folder, store) = open().await;
    renamed(&store, 9).await;
    let mut writing = store.begin_write().await.unwrap();
    forget_oldest(&mut writing, 4, 5).await.unwrap();
    writing.commit().await.unwrap();
    assert_eq!(store.list_audit(&AuditQuery::default()).await.unwrap().kept, 9, "there is slack");
    renamed(&store, 1).await;
    let mut writing = store.begin_write().await.unwrap();
    forget_oldest(&mut writing, 4, 5).await.unwrap();
    writing.commit().await.unwrap();
    renamed(&store, 1).await;
    assert_eq!(found(&store, AuditQuery::default()).await, [11, 10, 9, 8, 7]);
    let verdict = store.verify_audit().await.unwrap();
    assert_eq!((verdict.ok, verdict.checked, verdict.oldest, verdict.newest), (true, 5, Some(7), Some(11)));
}
