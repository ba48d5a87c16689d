//! A store that cannot be read is set aside, never deleted, and the last good copy takes its place. A row that
//! cannot be read is set aside by itself, so that it takes nobody else with it.

use std::fmt::Write as _;
use std::path::{Path, PathBuf};

use serde_json::{Value, json};
use sqlx::sqlite::SqliteConnectOptions;
use sqlx::{AssertSqlSafe, ConnectOptions, Connection, SqliteConnection};

use super::{Counts, SqliteStore, Store, StoreError};
use crate::backup::last_good;
use crate::clock::stamp;
use crate::config::Paths;
use crate::whole_file;

/// The files that `SQLite` keeps beside a database.
const COMPANIONS: [&str; 2] = ["-wal", "-shm"];

/// What had to be set aside, and where it is now.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Rescue {
    pub sentence: String,
    pub kept: PathBuf,
}

impl SqliteStore {
    /// Opens the store whatever it looks like. Everything that had to be set aside for that is named.
    pub async fn open_or_rescue(paths: &Paths, now_ms: u64) -> anyhow::Result<(Self, Vec<Rescue>)> {
        let mut rescues = Vec::new();
        let store = match Self::open_checked(&paths.store_file).await {
            Err(error) if is_unreadable(&error) => {
                rescues.push(replace_store(paths, &error, now_ms).await?);
                Self::open_checked(&paths.store_file).await?
            }
            opened => opened?,
        };
        rescues.extend(store.set_rows_aside(paths, now_ms).await?);
        for rescue in &rescues {
            tracing::error!(kept = %rescue.kept.display(), "{}", rescue.sentence);
        }
        Ok((store, rescues))
    }

    async fn open_checked(file: &Path) -> Result<Self, StoreError> {
        let store = Self::open(file).await?;
        let (found,): (String,) = sqlx::query_as("PRAGMA quick_check(1)").fetch_one(&store.pool).await?;
        if found == "ok" {
            return Ok(store);
        }
        store.close().await;
        Err(StoreError::Unreadable(found))
    }

    /// Takes rows out that this version cannot read.
    async fn set_rows_aside(&self, paths: &Paths, now_ms: u64) -> anyhow::Result<Option<Rescue>> {
        let mut rows = Vec::new();
        let mut kept_in = None;
        loop {
            let Err(error) = self.list_pairings().await else { break };
            let StoreError::Damaged { table, key, problem } = error else { return Err(error.into()) };
            let column = if table == "pending_requests" { "request_id" } else { "device_id" };
            let mut writing = self.begin_write().await?;
            rows.push(json!({
                "table": table, "key": key, "problem": &problem,
                "rows": rows_as_json(&mut writing, table, column, &key).await?,
            }));
            // Written before it is deleted, so that it is always somewhere.
            let kept = aside(paths, &format!("rows-{}.json", stamp(now_ms)))?;
            whole_file::replace(&kept, &serde_json::to_vec_pretty(&rows)?, None)?;
            let delete = format!("DELETE FROM {table} WHERE {column} = ?");
            let deleted = sqlx::query(AssertSqlSafe(delete)).bind(&key).execute(&mut *writing).await?;
            anyhow::ensure!(
                deleted.rows_affected() > 0,
                "the damaged record `{key}` in {table} cannot be found: {problem}"
            );
            writing.commit().await?;
            self.recent.forget_all();
            kept_in = Some(kept);
        }
        Ok(kept_in.map(|kept| Rescue {
            sentence: format!(
                "{} records could not be read and were set aside; everything else is as it was",
                rows.len()
            ),
            kept,
        }))
    }
}

/// Checks a database file thoroughly, without changing it, and counts what is in it.
pub async fn check(file: &Path) -> Result<Counts, StoreError> {
    let options = SqliteConnectOptions::new().filename(file).create_if_missing(false);
    let mut connection = options.connect().await?;
    let (found,): (String,) = sqlx::query_as("PRAGMA integrity_check(1)").fetch_one(&mut connection).await?;
    if found != "ok" {
        return Err(StoreError::Unreadable(found));
    }
    let (pending, paired): (i64, i64) =
        sqlx::query_as("SELECT (SELECT count(*) FROM pending_requests), (SELECT count(*) FROM devices)")
            .fetch_one(&mut connection)
            .await?;
    connection.close().await?;
    Ok(Counts { pending: pending.unsigned_abs(), paired: paired.unsigned_abs() })
}

/// Whether the file itself is broken, rather than the disk full or somebody in the way.
fn is_unreadable(error: &StoreError) -> bool {
    use sqlx::migrate::MigrateError;
    // SQLITE_CORRUPT and SQLITE_NOTADB; the higher bits only say more.
    let is_broken = |error: &sqlx::Error| {
        let code = error.as_database_error().and_then(sqlx::error::DatabaseError::code);
        code.and_then(|code| code.parse::<u32>().ok()).is_some_and(|code| matches!(code & 0xff, 11 | 26))
    };
    match error {
        StoreError::Unreadable(_) => true,
        StoreError::Database(error)
        | StoreError::Migration(MigrateError::Execute(error) | MigrateError::ExecuteMigration(error, _)) => {
            is_broken(error)
        }
        StoreError::Refused(_) | StoreError::Migration(_) | StoreError::Damaged { .. } => false,
    }
}

/// Moves the store away with what belongs to it, and puts the last good copy in its place, if there is one.
async fn replace_store(paths: &Paths, error: &StoreError, now_ms: u64) -> anyhow::Result<Rescue> {
    let kept = aside(paths, &format!("gateway-{}.sqlite", stamp(now_ms)))?;
    let mut sentence = format!("The pairing store could not be read ({error}) and was set aside. ");
    let copy = last_good::newest_sound(paths).await;
    for companion in COMPANIONS.into_iter().rev() {
        move_if_there(&with_suffix(&paths.store_file, companion), &with_suffix(&kept, companion))?;
    }
    move_if_there(&paths.store_file, &kept)?;
    let content = if let Some(copy) = copy {
        let _ = write!(
            sentence,
            "The last good copy took its place: {} devices, as of {}. What was decided after that is missing; \
             look at `openclaw devices list`",
            copy.devices,
            crate::clock::rfc3339(copy.at_ms)
        );
        std::fs::read(&copy.file)?
    } else {
        sentence +=
            "There is no good copy of it, so no device is paired now; with a backup: `openclaw backup restore FILE`";
        Vec::new()
    };
    whole_file::replace(&paths.store_file, &content, None)?;
    Ok(Rescue { sentence, kept })
}

/// A new file name in the quarantine, which is made if needed.
fn aside(paths: &Paths, name: &str) -> std::io::Result<PathBuf> {
    crate::start::private_folder(&paths.quarantine)?;
    Ok(paths.quarantine.join(name))
}

fn with_suffix(file: &Path, suffix: &str) -> PathBuf {
    let mut name = file.as_os_str().to_owned();
    name.push(suffix);
    PathBuf::from(name)
}

fn move_if_there(from: &Path, to: &Path) -> std::io::Result<()> {
    match std::fs::rename(from, to) {
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(()),
        moved => moved,
    }
}

/// The rows of a key with every column, whatever is in them.
async fn rows_as_json(
    connection: &mut SqliteConnection,
    table: &str,
    column: &str,
    key: &str,
) -> Result<Vec<Value>, StoreError> {
    let mut found = Vec::new();
    // What hangs on a device goes with it.
    let tables: &[&str] = if table == "devices" { &["devices", "device_tokens"] } else { &[table] };
    for table in tables {
        let columns: Vec<(String,)> =
            sqlx::query_as("SELECT name FROM pragma_table_info(?)").bind(*table).fetch_all(&mut *connection).await?;
        let pairs: Vec<String> = columns.iter().map(|(name,)| format!("'{name}', \"{name}\"")).collect();
        let select = format!("SELECT json_object({}) FROM {table} WHERE {column} = ?", pairs.join(", "));
        let rows: Vec<(String,)> = sqlx::query_as(AssertSqlSafe(select)).bind(key).fetch_all(&mut *connection).await?;
        found.extend(rows.into_iter().map(|(text,)| serde_json::from_str(&text).unwrap_or(Value::String(text))));
    }
    Ok(found)
}
