//! Whether the store can be read.

use std::collections::BTreeSet;
use std::path::Path;
use std::time::Duration;

use sqlx::Connection;
use sqlx::sqlite::{SqliteConnectOptions, SqliteConnection};

use crate::config::Paths;
use crate::doctor::backups::{self, LastGood};
use crate::doctor::facts::StoreState;

/// How long a gateway that is writing is waited for.
const BUSY_TIMEOUT: Duration = Duration::from_secs(2);

pub async fn look(paths: &Paths) -> StoreState {
    match std::fs::File::open(&paths.store_file) {
        Ok(_) => {}
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return StoreState::Missing,
        Err(_) => return StoreState::Forbidden,
    }
    match devices(&paths.store_file, "devices").await {
        Ok(devices) => StoreState::Sound { devices },
        Err(why) => StoreState::Broken { why, last_good: last_good(paths).await },
    }
}

/// The newest copy that is sound.
async fn last_good(paths: &Paths) -> Option<LastGood> {
    for copy in backups::candidates(paths) {
        if devices(&copy.path, "devices").await.is_ok() {
            return Some(copy);
        }
    }
    None
}

/// Checks a database and lists the devices in one of its tables. Changes nothing.
pub async fn devices(file: &Path, table: &'static str) -> Result<BTreeSet<String>, String> {
    let options = SqliteConnectOptions::new().filename(file).read_only(true).busy_timeout(BUSY_TIMEOUT);
    let look = async {
        let mut database = SqliteConnection::connect_with(&options).await?;
        let verdict: (String,) = sqlx::query_as("PRAGMA quick_check(1)").fetch_one(&mut database).await?;
        let sql = match table {
            "device_pairing_paired" => "SELECT device_id FROM device_pairing_paired",
            _ => "SELECT device_id FROM devices",
        };
        let rows: Vec<(String,)> = sqlx::query_as(sql).fetch_all(&mut database).await?;
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
