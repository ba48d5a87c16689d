//! The record of decisions in the store. It is written in the transaction of the decision itself.

use async_trait::async_trait;
use futures_util::TryStreamExt;
use protocol::audit::{
    AuditAction, AuditAuthor, AuditEntry, AuditPage, AuditQuery, AuditRow, AuditVerdict, Audited, DEFAULT_AUDIT_LIMIT,
    FIRST_HASH, MAX_AUDIT_LIMIT, canonical, chain,
};
use sqlx::{FromRow, QueryBuilder, Sqlite, SqliteConnection};
use tokio::sync::watch;

use super::rows::{Reader, sql_ms};
use super::{SqliteStore, StoreError};

/// How many entries are kept: years of what one household decides.
const MAX_ENTRIES: i64 = 10_000;

/// How many more there may be before the oldest are forgotten, so that not every decision does that.
const SLACK: i64 = 100;

/// What was decided. Entries are added with the decisions; see [`Store::apply`](super::Store::apply) and the others.
#[async_trait]
pub trait AuditStore: Send + Sync {
    /// Writes down what changes nothing else in the store.
    async fn record(&self, what: Audited, now_ms: u64) -> Result<(), StoreError>;

    async fn list_audit(&self, query: &AuditQuery) -> Result<AuditPage, StoreError>;

    /// Goes through everything that is kept, up to the first entry that does not fit.
    async fn verify_audit(&self) -> Result<AuditVerdict, StoreError>;

    /// The number of the newest entry since this store was opened; 0 while there is none.
    fn audit_news(&self) -> watch::Receiver<u64>;
}

#[derive(FromRow)]
struct Row {
    seq: i64,
    at_ms: i64,
    action: String,
    about: Option<String>,
    author: String,
    entry: String,
    hash: String,
}

impl Row {
    fn seq(&self) -> u64 {
        self.seq.unsigned_abs()
    }

    /// The entry as it is listed. One that cannot be read is shown as just that: the others must stay in reach.
    fn shown(self) -> AuditRow {
        let entry = serde_json::from_str(&self.entry).unwrap_or_else(|_| AuditEntry {
            seq: self.seq(),
            at_ms: self.at_ms.unsigned_abs(),
            what: Audited::new(AuditAction::Unreadable, AuditAuthor::Program),
        });
        AuditRow { entry, hash: self.hash }
    }

    /// What is wrong with it, if it should follow `previous` with the number `seq`.
    fn problem(&self, seq: u64, previous: &str) -> Option<&'static str> {
        if self.seq() != seq {
            return Some("an entry is missing here");
        }
        if chain(previous, &self.entry) != self.hash {
            return Some("its text or its hash was changed");
        }
        let Ok(entry) = serde_json::from_str::<AuditEntry>(&self.entry) else {
            return Some("its text cannot be read");
        };
        let about = entry.what.about.as_ref().map(|about| about.device_id.as_str());
        let says_the_same = entry.seq == seq
            && sql_ms(entry.at_ms) == self.at_ms
            && (entry.what.action == AuditAction::Unreadable || entry.what.action.as_str() == self.action)
            && about == self.about.as_deref()
            && entry.what.by.key() == self.author;
        (!says_the_same).then_some("it is filed under something else than it says")
    }
}

#[async_trait]
impl AuditStore for SqliteStore {
    async fn record(&self, what: Audited, now_ms: u64) -> Result<(), StoreError> {
        let mut transaction = self.begin_write().await?;
        let seq = append(&mut transaction, what, now_ms).await?;
        transaction.commit().await?;
        self.audited(Some(seq));
        Ok(())
    }

    async fn list_audit(&self, query: &AuditQuery) -> Result<AuditPage, StoreError> {
        let limit = query.limit.unwrap_or(DEFAULT_AUDIT_LIMIT).clamp(1, MAX_AUDIT_LIMIT);
        let mut select = selection(query);
        // One more than is wanted tells whether there is more.
        select.push(" ORDER BY seq DESC LIMIT ").push_bind(sql_ms(limit + 1));
        let mut connection = self.pool.acquire().await?;
        let mut rows: Vec<Row> = select.build_query_as().fetch_all(&mut *connection).await?;
        let (kept,): (i64,) = sqlx::query_as("SELECT count(*) FROM audit").fetch_one(&mut *connection).await?;
        let has_more = rows.len() as u64 > limit;
        if has_more {
            rows.pop();
        }
        let next_cursor = rows.last().map(Row::seq).filter(|_| has_more);
        Ok(AuditPage { entries: rows.into_iter().map(Row::shown).collect(), next_cursor, kept: kept.unsigned_abs() })
    }

    async fn verify_audit(&self) -> Result<AuditVerdict, StoreError> {
        // One snapshot, so that what is forgotten meanwhile is not missed.
        let mut snapshot = self.pool.begin().await?;
        let (anchor, mut previous) = anchor(&mut snapshot).await?;
        let mut verdict = AuditVerdict {
            ok: true,
            checked: 0,
            first_bad: None,
            problem: None,
            oldest: None,
            newest: None,
            newest_hash: None,
        };
        let mut expected = anchor + 1;
        let mut rows = sqlx::query_as::<_, Row>("SELECT * FROM audit ORDER BY seq").fetch(&mut *snapshot);
        while let Some(row) = rows.try_next().await? {
            verdict.checked += 1;
            if let Some(problem) = row.problem(expected, &previous) {
                return Ok(AuditVerdict {
                    ok: false,
                    first_bad: Some(expected),
                    problem: Some(problem.to_owned()),
                    ..verdict
                });
            }
            verdict.oldest.get_or_insert(expected);
            verdict.newest = Some(expected);
            verdict.newest_hash = Some(row.hash.clone());
            expected += 1;
            previous = row.hash;
        }
        Ok(verdict)
    }

    fn audit_news(&self) -> watch::Receiver<u64> {
        self.audit_news.subscribe()
    }
}

impl SqliteStore {
    /// To be called after the commit with the number of the entry that it brought.
    pub(super) fn audited(&self, seq: Option<u64>) {
        if let Some(seq) = seq {
            self.audit_news.send_replace(seq);
        }
    }
}

/// Adds an entry, and forgets the oldest if there are too many. The result is its number.
pub(super) async fn append(
    connection: &mut SqliteConnection,
    mut what: Audited,
    now_ms: u64,
) -> Result<u64, StoreError> {
    name_author(connection, &mut what).await?;
    let newest: Option<(i64, String)> = sqlx::query_as("SELECT seq, hash FROM audit ORDER BY seq DESC LIMIT 1")
        .fetch_optional(&mut *connection)
        .await?;
    let (newest, previous) = match newest {
        Some((seq, hash)) => (seq.unsigned_abs(), hash),
        None => anchor(connection).await?,
    };
    let entry = AuditEntry { seq: newest + 1, at_ms: now_ms, what };
    let text = canonical(&entry).map_err(|error| sqlx::Error::Encode(error.into()))?;
    let about = entry.what.about.as_ref().map(|about| about.device_id.as_str());
    sqlx::query("INSERT INTO audit (seq, at_ms, action, about, author, entry, hash) VALUES (?, ?, ?, ?, ?, ?, ?)")
        .bind(sql_ms(entry.seq))
        .bind(sql_ms(now_ms))
        .bind(entry.what.action.as_str())
        .bind(about)
        .bind(entry.what.by.key())
        .bind(&text)
        .bind(chain(&previous, &text))
        .execute(&mut *connection)
        .await?;
    forget_oldest(connection, MAX_ENTRIES, SLACK).await?;
    Ok(entry.seq)
}

/// Forgets the oldest entries beyond `keep`, once there are `slack` more. The chain goes on from the last of them.
pub(super) async fn forget_oldest(connection: &mut SqliteConnection, keep: i64, slack: i64) -> Result<(), StoreError> {
    let forgotten: Option<(i64,)> = sqlx::query_as(
        "SELECT max(seq) - ?1 FROM audit HAVING max(seq) - coalesce((SELECT seq FROM audit_anchor), 0) > ?1 + ?2",
    )
    .bind(keep)
    .bind(slack)
    .fetch_optional(&mut *connection)
    .await?;
    let Some((forgotten,)) = forgotten else {
        return Ok(());
    };
    sqlx::query("INSERT OR REPLACE INTO audit_anchor (only, seq, hash) SELECT 1, seq, hash FROM audit WHERE seq = ?")
        .bind(forgotten)
        .execute(&mut *connection)
        .await?;
    sqlx::query("DELETE FROM audit WHERE seq <= ?").bind(forgotten).execute(&mut *connection).await?;
    Ok(())
}

/// The number and the hash that the oldest entry follows.
async fn anchor(connection: &mut SqliteConnection) -> Result<(u64, String), StoreError> {
    let anchor: Option<(i64, String)> =
        sqlx::query_as("SELECT seq, hash FROM audit_anchor").fetch_optional(connection).await?;
    anchor.map_or_else(
        || Ok((0, FIRST_HASH.to_owned())),
        |(seq, hash)| Ok((Reader { table: "audit_anchor", key: "1" }.ms(seq)?, hash)),
    )
}

/// Adds what the device that decides is called.
async fn name_author(connection: &mut SqliteConnection, what: &mut Audited) -> Result<(), StoreError> {
    let AuditAuthor::Device { device_id, name } = &mut what.by else {
        return Ok(());
    };
    let found: Option<(String,)> =
        sqlx::query_as("SELECT coalesce(operator_label, display_name, client_id) FROM devices WHERE device_id = ?")
            .bind(device_id.as_str())
            .fetch_optional(connection)
            .await?;
    if let Some((found,)) = found {
        *name = Some(found);
    }
    Ok(())
}

/// What a search looks through: names, ids, addresses and details.
const WORDS: &str = "CASE WHEN json_valid(entry) THEN concat_ws(char(10), \
     json_extract(entry, '$.about.name'), about, json_extract(entry, '$.by.name'), author, \
     json_extract(entry, '$.from.address'), json_extract(entry, '$.note'), json_extract(entry, '$.setupId'), \
     json_extract(entry, '$.shown.requestId'), json_extract(entry, '$.shown.evidence.origin.address'), \
     json_extract(entry, '$.shown.evidence.userAgent')) END";

fn selection(query: &AuditQuery) -> QueryBuilder<Sqlite> {
    let AuditQuery { limit: _, cursor, actions, about, by, since, until, search } = query;
    let mut select = QueryBuilder::new("SELECT * FROM audit WHERE 1");
    if let Some(cursor) = cursor {
        select.push(" AND seq < ").push_bind(sql_ms(*cursor));
    }
    if !actions.is_empty() {
        select.push(" AND action IN (");
        let mut list = select.separated(", ");
        for action in actions {
            list.push_bind(action.clone());
        }
        select.push(")");
    }
    for (column, begin) in [("about", about), ("author", by)] {
        if let Some(begin) = begin {
            // Ids are hexadecimal, so nothing has to be escaped as LIKE would want it.
            select.push(format!(" AND substr({column}, 1, length(")).push_bind(begin.clone());
            select.push(")) = ").push_bind(begin.clone());
        }
    }
    if let Some(since) = since {
        select.push(" AND at_ms >= ").push_bind(sql_ms(*since));
    }
    if let Some(until) = until {
        select.push(" AND at_ms < ").push_bind(sql_ms(*until));
    }
    if let Some(search) = search {
        select.push(format!(" AND instr(lower({WORDS}), lower(")).push_bind(search.trim().to_owned());
        select.push(")) > 0");
    }
    select
}

#[cfg(test)]
mod tests;
