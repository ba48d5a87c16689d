//! `openclaw backup …`.

use std::path::Path;
use std::process::ExitCode;

use protocol::audit::{AuditAction, AuditAuthor, Audited};
use serde_json::json;

use super::Outcome;
use super::args::{BackupCommand, CreateArgs, RestoreArgs, VerifyArgs};
use super::output::{Failure, can_ask, confirm, count, data, json as print_json, say, tell};
use crate::backup::{Manifest, archive, restore};
use crate::clock::{Clock, stamp};
use crate::config::{Environment, Paths};
use crate::start;
use crate::store::{AuditStore, SqliteStore, Store};

pub async fn run(command: BackupCommand, env: &Environment) -> Outcome {
    let paths = Paths::resolve(env)?;
    match command {
        BackupCommand::Create(args) => create(&args, &paths).await,
        BackupCommand::Verify(args) => verify(&args).await,
        BackupCommand::Restore(args) => put_back(&args, &paths).await,
    }
}

async fn create(args: &CreateArgs, paths: &Paths) -> Outcome {
    let now_ms = Clock::default().now_ms();
    let out = args.out.clone().unwrap_or_else(|| format!("openclaw-backup-{}.tar", stamp(now_ms)).into());
    let manifest = archive::create(paths, &out, now_ms).await?;
    let shown = out.display();
    let done = tell(
        args.format.json,
        &json!({"ok": true, "file": out, "manifest": manifest}),
        &format!("Wrote {shown}: {}.", summary(&manifest)),
    );
    say("It holds keys and the access token: keep it where only you can read it.");
    say(&format!("Put it back with `openclaw backup restore {shown}`"));
    Ok(done)
}

async fn verify(args: &VerifyArgs) -> Outcome {
    let verified = archive::verify(&args.file).await?;
    let words = format!("{} is whole: {}.", args.file.display(), summary(&verified.manifest));
    Ok(tell(args.format.json, &json!({"ok": true, "manifest": verified.manifest}), &words))
}

async fn put_back(args: &RestoreArgs, paths: &Paths) -> Outcome {
    let verified = archive::verify(&args.file).await?;
    let manifest = &verified.manifest;
    say(&format!("{}: {}, made {}.", args.file.display(), summary(manifest), manifest.created_at));
    say(&format!(
        "It replaces what is in {}. Devices that were removed or revoked since then are in again.",
        paths.state_dir.display()
    ));
    let is_wanted = args.yes || (can_ask() && confirm("Put it back?"));
    if !is_wanted {
        return Err(not_without_a_yes(&format!("openclaw backup restore {} --yes", args.file.display())));
    }
    let now_ms = Clock::default().now_ms();
    start::prepare_folders(paths)?;
    let Some(_held) = start::try_lock(paths)? else {
        return Err(Failure::new(format!(
            "A gateway runs with the state directory {}; nothing was changed.",
            paths.state_dir.display()
        ))
        .hint("stop it (`openclaw gateway stop`, or Ctrl-C where it runs), then run this again"));
    };
    let replaced = restore::restore(&verified, paths, now_ms)?;
    note_restored(paths, &format!("{}, made {}", args.file.display(), manifest.created_at), now_ms).await;
    if args.format.json {
        let files = replaced.iter().map(|one| json!({"file": one.file, "before": one.before}));
        print_json(&json!({"ok": true, "manifest": manifest, "replaced": files.collect::<Vec<_>>()}));
    } else {
        data(&format!("Restored {}.", count(replaced.len(), "file")));
        for (now, before) in replaced.iter().filter_map(|one| Some((&one.file, one.before.as_ref()?))) {
            say(&format!("  {} (the one before: {})", now.display(), before.display()));
        }
    }
    say("Start the gateway, and look at `openclaw devices list`.");
    Ok(ExitCode::SUCCESS)
}

/// Goes on with the record of what was decided, where the restored one ends. What was restored stays restored if that
/// fails.
async fn note_restored(paths: &Paths, note: &str, now_ms: u64) {
    let what = Audited::new(AuditAction::BackupRestored, AuditAuthor::Owner).noting(note);
    let noting = async {
        let store = SqliteStore::open(&paths.store_file).await?;
        let noted = store.record(what, now_ms).await;
        store.close().await;
        noted
    };
    if let Err(error) = noting.await {
        say(&format!("warning: the restore could not be written into the audit: {error}"));
    }
}

/// Nothing was done, because nobody said yes.
pub fn not_without_a_yes(command: &str) -> Failure {
    Failure::new("Nothing was changed.").hint(format!("to do it without being asked: `{command}`"))
}

fn summary(manifest: &Manifest) -> String {
    let files = manifest.files.len();
    let devices = usize::try_from(manifest.devices).unwrap_or(usize::MAX);
    format!("{} and {} of openclaw {}", count(devices, "paired device"), count(files, "file"), manifest.version)
}

/// A path that means the same to a gateway, whose working directory is another.
pub fn absolute(path: &Path) -> Result<String, Failure> {
    let path = std::path::absolute(path)
        .map_err(|error| Failure::new(format!("{} is no usable path: {error}.", path.display())))?;
    Ok(path.to_string_lossy().into_owned())
}
