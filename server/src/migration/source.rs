//! The files of OpenClaw, as plain records. Nothing here judges what a record says, and nothing writes to them:
//! a database is copied before it is opened, because `SQLite` leaves traces beside whatever it opens.

use std::fmt;
use std::path::{Path, PathBuf};
use std::time::SystemTime;

use anyhow::{Context, bail};
use futures_util::TryStreamExt;
use serde::de::{Deserialize, Deserializer, MapAccess, Visitor};
use serde_json::{Map, Value};
use sqlx::sqlite::{SqliteConnectOptions, SqliteRow};
use sqlx::{AssertSqlSafe, Column, ConnectOptions, Connection, Row, SqliteConnection, TypeInfo, ValueRef};

use super::Found;
use crate::config::Paths;

/// Larger files are not ours to read into memory, in bytes. Ten thousand devices need about 20 MB.
const MAX_JSON: u64 = 64 * 1024 * 1024;

/// A larger record is none that a gateway wrote, in bytes.
const MAX_RECORD: usize = 256 * 1024;

/// How often a database is copied again that changes meanwhile.
const ATTEMPTS: usize = 5;

const DATABASE: &str = "state/openclaw.sqlite";
const DEVICES: &str = "devices/paired.json";
const REQUESTS: &str = "devices/pending.json";
const NODES: &str = "nodes/paired.json";
const NODE_REQUESTS: &str = "nodes/pending.json";
const IDENTITY: &str = "identity/device.json";
const DEVICE_AUTH: &str = "identity/device-auth.json";

/// A record as it stands in its file.
#[derive(Debug, Clone, PartialEq)]
pub struct Entry {
    pub source: PathBuf,
    pub key: String,
    pub record: Map<String, Value>,
}

/// Everything that was found. What comes first wins.
#[derive(Debug, Default)]
pub struct Material {
    pub devices: Vec<Entry>,
    pub requests: Vec<Entry>,
    pub nodes: Vec<Entry>,
    pub identities: Vec<Entry>,
    /// Files and parts of files that could not be read, with the reason.
    pub unreadable: Vec<(PathBuf, String)>,
}

/// What there is to be migrated in a state directory.
pub fn find(dir: &Path) -> Found {
    let present = |name: &str| Some(dir.join(name)).filter(|file| file.is_file());
    let legacy = [DEVICES, REQUESTS, NODES, NODE_REQUESTS, IDENTITY, DEVICE_AUTH];
    Found { dir: dir.to_owned(), database: present(DATABASE), legacy: legacy.into_iter().filter_map(present).collect() }
}

/// Reads everything that can be read.
pub async fn read(found: &Found, paths: &Paths) -> Material {
    let mut material = Material::default();
    if let Some(database) = &found.database
        && let Err(error) = read_database(database, paths, &mut material).await
    {
        material.unreadable.push((database.clone(), format!("{error:#}")));
    }
    for file in &found.legacy {
        if let Err(error) = read_json(file, &found.dir, &mut material) {
            material.unreadable.push((file.clone(), format!("{error:#}")));
        }
    }
    material
}

async fn read_database(file: &Path, paths: &Paths, material: &mut Material) -> anyhow::Result<()> {
    let parent = paths.store_file.parent().unwrap_or(&paths.state_dir);
    let folder = tempfile::Builder::new().prefix(".reading-").tempdir_in(parent)?;
    let copy = folder.path().join("openclaw.sqlite");
    copy_quietly(file, &copy)?;
    let options = SqliteConnectOptions::new().filename(&copy).create_if_missing(false);
    let mut connection = options.connect().await?;
    for (table, key, into) in [
        ("device_pairing_paired", "deviceId", &mut material.devices),
        ("device_pairing_pending", "requestId", &mut material.requests),
        ("device_identities", "deviceId", &mut material.identities),
    ] {
        let is_there: Option<(i64,)> = sqlx::query_as("SELECT 1 FROM sqlite_master WHERE type = 'table' AND name = ?")
            .bind(table)
            .fetch_optional(&mut connection)
            .await?;
        if is_there.is_none() {
            // Older versions kept this in files.
            continue;
        }
        if let Err(error) = read_table(&mut connection, file, table, key, into).await {
            material.unreadable.push((file.to_owned(), format!("{table}: {error}")));
        }
    }
    let _ = connection.close().await;
    Ok(())
}

/// Copies a database and what has not been merged into it yet. If somebody writes meanwhile, it is tried again.
fn copy_quietly(file: &Path, copy: &Path) -> anyhow::Result<()> {
    let journal = |file: &Path| file.with_extension("sqlite-wal");
    for _ in 0..ATTEMPTS {
        let before = [stamp(file), stamp(&journal(file))];
        std::fs::copy(file, copy).context("it cannot be read")?;
        match std::fs::copy(journal(file), journal(copy)) {
            Err(error) if error.kind() != std::io::ErrorKind::NotFound => return Err(error.into()),
            Ok(_) | Err(_) => {}
        }
        if before == [stamp(file), stamp(&journal(file))] {
            return Ok(());
        }
    }
    bail!("it changes all the time; stop the OpenClaw gateway that uses it, and run this again")
}

fn stamp(file: &Path) -> Option<(SystemTime, u64)> {
    let metadata = std::fs::metadata(file).ok()?;
    Some((metadata.modified().ok()?, metadata.len()))
}

/// Reads a table up to the first row that the file does not give away any more.
async fn read_table(
    connection: &mut SqliteConnection,
    file: &Path,
    table: &str,
    key: &str,
    into: &mut Vec<Entry>,
) -> anyhow::Result<()> {
    let mut rows = sqlx::query(AssertSqlSafe(format!("SELECT * FROM {table}"))).fetch(connection);
    while let Some(row) = rows.try_next().await? {
        let record = as_record(&row)?;
        let key = record.get(key).and_then(Value::as_str).unwrap_or_default().to_owned();
        into.push(Entry { source: file.to_owned(), key, record });
    }
    Ok(())
}

/// A row under the names that the JSON files use. A list that cannot be parsed stays text, which is no list.
fn as_record(row: &SqliteRow) -> anyhow::Result<Map<String, Value>> {
    let mut record = Map::new();
    for (index, column) in row.columns().iter().enumerate() {
        let raw = row.try_get_raw(index)?;
        if raw.is_null() {
            continue;
        }
        let value = match raw.type_info().name() {
            "INTEGER" => Value::from(row.try_get::<i64, _>(index)?),
            _ => Value::from(row.try_get::<String, _>(index)?),
        };
        let value = match (column.name().strip_suffix("_json"), value) {
            (Some(_), Value::String(text)) => serde_json::from_str(&text).unwrap_or(Value::String(text)),
            (_, value) => value,
        };
        record.insert(camel(column.name().strip_suffix("_json").unwrap_or(column.name())), value);
    }
    Ok(record)
}

fn camel(name: &str) -> String {
    let mut words = name.split('_');
    let first = words.next().unwrap_or_default().to_owned();
    words.fold(first, |name, word| {
        let mut letters = word.chars();
        let head = letters.next().map(|letter| letter.to_ascii_uppercase());
        name + &head.into_iter().chain(letters).collect::<String>()
    })
}

fn read_json(file: &Path, dir: &Path, material: &mut Material) -> anyhow::Result<()> {
    let name = file.strip_prefix(dir).unwrap_or(file).to_string_lossy().into_owned();
    if std::fs::metadata(file)?.len() > MAX_JSON {
        bail!("it is too large to be a list of devices");
    }
    let text = std::fs::read_to_string(file)?;
    if name == IDENTITY {
        let record: Map<String, Value> = serde_json::from_str(&text)?;
        let key = record.get("deviceId").and_then(Value::as_str).unwrap_or_default().to_owned();
        material.identities.push(Entry { source: file.to_owned(), key, record });
        return Ok(());
    }
    if name == DEVICE_AUTH {
        bail!("it holds tokens for other gateways, which give this machine new ones when it comes back with its key");
    }
    if name == NODE_REQUESTS {
        bail!("a node asks again by itself when it connects, so its old requests are left");
    }
    let Pairs(pairs) = serde_json::from_str(&text)?;
    for (key, value) in pairs {
        let key = key.trim().to_owned();
        let size = value.to_string().len();
        let record = match value {
            Value::Object(record) if size <= MAX_RECORD => record,
            Value::Object(_) => {
                material.unreadable.push((file.to_owned(), format!("the record `{key}` is too large ({size} bytes)")));
                continue;
            }
            Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) | Value::Array(_) => {
                material.unreadable.push((file.to_owned(), format!("the record `{key}` is no object")));
                continue;
            }
        };
        let entry = Entry { source: file.to_owned(), key, record };
        match name.as_str() {
            DEVICES => material.devices.push(entry),
            REQUESTS => material.requests.push(entry),
            _ => material.nodes.push(entry),
        }
    }
    Ok(())
}

/// A JSON object whose keys may stand there twice, in the order of the file.
struct Pairs(Vec<(String, Value)>);

impl<'de> Deserialize<'de> for Pairs {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Collect;
        impl<'de> Visitor<'de> for Collect {
            type Value = Pairs;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an object of records")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Pairs, A::Error> {
                let mut pairs = Vec::new();
                while let Some(pair) = map.next_entry()? {
                    pairs.push(pair);
                }
                Ok(Pairs(pairs))
            }
        }
        deserializer.deserialize_map(Collect)
    }
}
