//! `openclaw migrate` and `openclaw export`: moving in from OpenClaw, and back.

use std::io::Write;
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::Path;
use std::process::ExitCode;

use protocol::Method;
use protocol::method::{Exported, MigrateParams, Migrated, MigratedItem, MigratedKind, MigratedOutcome};
use serde_json::json;

use super::Outcome;
use super::args::{ExportArgs, MigrateArgs};
use super::backup::absolute;
use super::output::{Failure, count, data, json as print_json, long, say, shown, tell};
use super::target::Target;
use crate::clock::{Clock, stamp};
use crate::config::Environment;

/// How many characters of an id are shown: enough to name a device with.
const SHOWN_ID: usize = 12;

pub async fn run(args: &MigrateArgs, env: &Environment) -> Outcome {
    let from = args.from.as_deref().map(absolute).transpose()?;
    let params = MigrateParams { from, dry_run: args.dry_run };
    let migrated: Migrated = Target::on_this_machine(env)?.decide(Method::OwnerMigrate, params).await?;
    if args.format.json {
        print_json(&migrated);
    }
    if migrated.sources.is_empty() {
        return Err(Failure::new(format!("There is nothing of OpenClaw's in {}.", long(&migrated.from)))
            .hint("name its state directory, usually ~/.openclaw: `openclaw migrate --from DIR`"));
    }
    if !args.format.json {
        tell_items(&migrated);
    }
    Ok(ExitCode::SUCCESS)
}

/// What `doctor --fix` does, in one line.
pub async fn take_over(env: &Environment) -> Result<String, Failure> {
    let params = MigrateParams { from: None, dry_run: false };
    let migrated: Migrated = Target::on_this_machine(env)?.decide(Method::OwnerMigrate, params).await?;
    Ok(summary(&migrated))
}

fn summary(migrated: &Migrated) -> String {
    let count = |outcome| migrated.count(outcome);
    let verb = if migrated.dry_run { "would be taken over" } else { "taken over" };
    format!(
        "{} {verb}, {} known already, {} skipped",
        count(MigratedOutcome::Imported),
        count(MigratedOutcome::Known),
        count(MigratedOutcome::Skipped)
    )
}

fn tell_items(migrated: &Migrated) {
    say(&format!(
        "Read, and left as they are: {}",
        migrated.sources.iter().map(|file| long(file)).collect::<Vec<_>>().join(", ")
    ));
    for item in &migrated.items {
        data(&line(item, migrated.dry_run));
    }
    data(&format!("{}.", summary(migrated)));
    if migrated.dry_run {
        say("Nothing was changed. Without --dry-run it is done.");
    } else if migrated.count(MigratedOutcome::Imported) > 0 {
        say("These devices come in as before. See them with `openclaw devices list`");
    }
}

fn line(item: &MigratedItem, dry_run: bool) -> String {
    let what = match item.kind {
        MigratedKind::Device => "device",
        MigratedKind::Request => "request",
        MigratedKind::Node => "node",
        MigratedKind::Identity => "key of this machine",
        MigratedKind::File => "file",
    };
    let outcome = match (item.outcome, dry_run) {
        (MigratedOutcome::Imported, false) => "taken over",
        (MigratedOutcome::Imported, true) => "new",
        (MigratedOutcome::Known, _) => "known",
        (MigratedOutcome::Skipped, _) => "skipped",
    };
    let id = if item.kind == MigratedKind::File {
        long(&item.id)
    } else {
        shown(item.id.get(..SHOWN_ID).unwrap_or(&item.id))
    };
    let name = item.name.as_deref().map(|name| format!(" {}", shown(name))).unwrap_or_default();
    let reason = item.reason.as_deref().map(|reason| format!(": {}", long(reason))).unwrap_or_default();
    format!("{outcome:<10}  {what} {id}{name}{reason}")
}

pub async fn export(args: &ExportArgs, env: &Environment) -> Outcome {
    let out = args.out.clone();
    let out = out.unwrap_or_else(|| format!("openclaw-export-{}", stamp(Clock::default().now_ms())).into());
    let exported: Exported = Target::on_this_machine(env)?.decide(Method::OwnerExport, ()).await?;
    if let Some(there) = exported.files.iter().map(|file| out.join(&file.path)).find(|file| file.exists()) {
        return Err(Failure::new(format!("{} is there already; nothing was written.", there.display()))
            .hint("name another directory with --out"));
    }
    for file in &exported.files {
        let path = out.join(&file.path);
        write_new(&path, file.text.reveal()).map_err(|error| {
            Failure::new(format!("{} cannot be written: {error}.", path.display()))
                .hint("name another directory with --out")
        })?;
    }
    let files: Vec<_> = exported.files.iter().map(|file| out.join(&file.path)).collect();
    let words = format!(
        "Wrote {} and {} to {}.",
        count(exported.devices, "device"),
        count(exported.requests, "request"),
        out.display()
    );
    let done = tell(
        args.format.json,
        &json!({"ok": true, "dir": out, "files": files, "devices": exported.devices, "requests": exported.requests}),
        &words,
    );
    say("The files hold device tokens: keep them where only you can read them.");
    say("OpenClaw takes them over from its state directory, usually ~/.openclaw, with its own: openclaw doctor --fix");
    Ok(done)
}

fn write_new(path: &Path, text: &str) -> std::io::Result<()> {
    if let Some(folder) = path.parent() {
        std::fs::DirBuilder::new().recursive(true).mode(0o700).create(folder)?;
    }
    let mut file = std::fs::OpenOptions::new().write(true).create_new(true).mode(0o600).open(path)?;
    file.write_all(text.as_bytes())?;
    file.sync_all()
}
