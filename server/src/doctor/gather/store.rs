//! Whether the store can be read.

use std::collections::BTreeSet;
use std::path::Path;
use std::time::Duration;

use sqlx::Connection;
use sqlx::sqlite::{SqliteConnectOptions, SqliteConnection};

use crate::backup::last_good;
use crate::config::Paths;
use crate::doctor::facts::StoreState;

/// How long a gateway that is writing is waited for.
const BUSY_TIMEOUT: Duration = Duration::from_secs(2);

pub async fn look(paths: &Paths) -> StoreState {
    match std::fs::File::open(&paths.store_file) {
        Ok(_) => {}
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return StoreState::Missing,
        Err(_) => return StoreState::Forbidden,
    }
    let devices = match devices(&paths.store_file).await {
        Ok(devices) => devices,
        Err(why) => return StoreState::Broken { why, last_good: last_good::newest_sound(paths).await },
    };
    // A store that no gateway has opened since an update may lack a column or a table; that is nothing to complain about.
    let damaged = damaged_rows(&paths.store_file).await.unwrap_or_default();
    let removed = removed_devices(&paths.store_file).await.unwrap_or_default();
    StoreState::Sound { devices, removed, damaged }
}

/// Rows that no gateway can read: what should be JSON is none, or a role is none.
async fn damaged_rows(file: &Path) -> Result<Vec<String>, sqlx::Error> {
    let mut database = SqliteConnection::connect_with(&read_only(file)).await?;
    let rows: Vec<(String,)> = sqlx::query_as(
        "SELECT 'device ' || device_id FROM devices WHERE NOT json_valid(roles) OR NOT json_valid(scopes) \
         OR role NOT IN ('operator', 'node') \
         UNION ALL SELECT 'token of ' || device_id FROM device_tokens WHERE NOT json_valid(scopes) \
         OR role NOT IN ('operator', 'node') \
         UNION ALL SELECT 'request ' || request_id FROM pending_requests WHERE NOT json_valid(roles) \
         OR NOT json_valid(scopes)",
    )
    .fetch_all(&mut database)
    .await?;
    database.close().await?;
    Ok(rows.into_iter().map(|(row,)| row).collect())
}

async fn removed_devices(file: &Path) -> Result<BTreeSet<String>, sqlx::Error> {
    let mut database = SqliteConnection::connect_with(&read_only(file)).await?;
    let rows: Vec<(String,)> = sqlx::query_as("SELECT device_id FROM removed_devices").fetch_all(&mut database).await?;
    database.close().await?;
    Ok(rows.into_iter().map(|(id,)| id).collect())
}

/// Opens a database so that nothing beside it is made or changed.
fn read_only(file: &Path) -> SqliteConnectOptions {
    let mut log = file.as_os_str().to_owned();
    log.push("-wal");
    // Without a write-ahead log nobody is writing, and none has to be made to read.
    let is_quiet = !Path::new(&log).exists();
    SqliteConnectOptions::new().filename(file).read_only(true).immutable(is_quiet).busy_timeout(BUSY_TIMEOUT)
}

/// Checks a database and lists the devices in it. Changes nothing.
async fn devices(file: &Path) -> Result<BTreeSet<String>, String> {
    let look = async {
        let mut database = SqliteConnection::connect_with(&read_only(file)).await?;
        let verdict: (String,) = sqlx::query_as("PRAGMA quick_check(1)").fetch_one(&mut database).await?;
        let rows: Vec<(String,)> = sqlx::query_as("SELECT device_id FROM devices").fetch_all(&mut database).await?;
        database.close().await?;
        Ok::<_, sqlx::Error>((verdict.0, rows))
    };
    match look.await {
        Ok((verdict, rows)) if verdict == "ok" => Ok(rows.into_iter().map(|(id,)| id).collect()),
        Ok((verdict, _)) => Err(verdict),
        // A store that was made but never used has no tables yet.
        Err(_) if file.metadata().is_ok_and(|found| found.len() == 0) => Ok(BTreeSet::new()),
        Err(error) => Err(error.to_string()),
    }
}
