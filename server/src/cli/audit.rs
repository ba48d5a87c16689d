//! `openclaw audit`: what was decided, by whom and from where; also while no gateway runs.

use std::io::Write;
use std::path::Path;
use std::process::ExitCode;

use anyhow::Context;
use client::Connection;
use protocol::Method;
use protocol::audit::{AuditAuthor, AuditPage, AuditQuery, AuditRow, AuditVerdict, MAX_AUDIT_LIMIT};
use protocol::pairing::ApprovedVia;
use protocol::role::ADMIN;
use serde_json::Value;

use super::Outcome;
use super::args::AuditArgs;
use super::output::{Failure, count, data, json as print_json, json_line, say, shown, table};
use super::target::Target;
use super::{listing, progress};
use crate::clock::rfc3339;
use crate::config::Environment;

pub async fn run(args: &AuditArgs, env: &Environment) -> Outcome {
    let target = Target::new(&args.target, env)?.with_all_rights();
    let mut connection = target.open_or_store(&[ADMIN]).await?;
    let outcome = if args.verify {
        verify(&mut connection, args.format.json).await
    } else if let Some(file) = &args.export {
        export(&mut connection, args, file).await
    } else {
        list(&mut connection, args).await
    };
    connection.close().await;
    outcome
}

async fn list(connection: &mut Connection, args: &AuditArgs) -> Outcome {
    let rows = pages(connection, &query(args), args.limit).await?;
    if args.format.json {
        print_json(&rows);
        return Ok(ExitCode::SUCCESS);
    }
    let rows: Vec<AuditRow> = rows.into_iter().filter_map(|row| serde_json::from_value(row).ok()).collect();
    if rows.is_empty() {
        data("Nothing was decided that fits.");
    } else {
        data(&in_table(&rows));
    }
    Ok(ExitCode::SUCCESS)
}

async fn verify(connection: &mut Connection, as_json: bool) -> Outcome {
    let verdict: AuditVerdict = progress::asking(connection.ask(Method::AuditVerify, ())).await?;
    if as_json {
        print_json(&verdict);
    } else if verdict.ok {
        let entries = count(usize::try_from(verdict.checked).unwrap_or(usize::MAX), "decision");
        data(&format!("Nothing was changed or taken out: {entries} follow from each other."));
        if let (Some(newest), Some(hash)) = (verdict.newest, &verdict.newest_hash) {
            say(&format!("The newest is number {newest} with the hash {hash}."));
            say("Keep both elsewhere: what is cut off at the end leaves no other trace.");
        }
    }
    match (verdict.ok, verdict.first_bad) {
        (true, _) => Ok(ExitCode::SUCCESS),
        (false, _) if as_json => Ok(ExitCode::FAILURE),
        (false, first_bad) => {
            let number = first_bad.unwrap_or_default();
            let problem = verdict.problem.unwrap_or_default();
            Err(Failure::new(format!("The record does not fit together at number {number}: {problem}."))
                .hint("somebody wrote into the store; compare with `openclaw audit --export` of before, or a backup"))
        }
    }
}

async fn export(connection: &mut Connection, args: &AuditArgs, file: &Path) -> Outcome {
    let mut rows = pages(connection, &query(args), u64::MAX).await?;
    rows.reverse();
    if file.as_os_str() == "-" {
        for row in &rows {
            json_line(row)?;
        }
        return Ok(ExitCode::SUCCESS);
    }
    let mut text = Vec::new();
    for row in &rows {
        writeln!(text, "{row}").map_err(anyhow::Error::from)?;
    }
    crate::whole_file::replace(file, &text, None).with_context(|| format!("{} cannot be written", file.display()))?;
    say(&format!("Wrote {} to {}.", count(rows.len(), "decision"), file.display()));
    Ok(ExitCode::SUCCESS)
}

fn query(args: &AuditArgs) -> AuditQuery {
    AuditQuery {
        actions: args.actions.clone(),
        about: args.about.clone(),
        by: args.by.clone(),
        search: args.search.clone(),
        ..AuditQuery::default()
    }
}

/// Up to so many entries, newest first, exactly as the gateway has them.
async fn pages(connection: &mut Connection, query: &AuditQuery, limit: u64) -> Result<Vec<Value>, Failure> {
    let mut rows = Vec::new();
    let mut cursor = None;
    loop {
        let wanted = limit.saturating_sub(rows.len() as u64).min(MAX_AUDIT_LIMIT);
        let query = AuditQuery { cursor, limit: Some(wanted), ..query.clone() };
        let page: Value = progress::asking(connection.ask(Method::AuditList, query)).await?;
        let next: AuditPage = serde_json::from_value(page.clone()).context("the gateway's answer cannot be read")?;
        rows.extend(page.get("entries").and_then(Value::as_array).into_iter().flatten().cloned());
        match next.next_cursor {
            Some(next) if (rows.len() as u64) < limit => cursor = Some(next),
            Some(_) | None => return Ok(rows),
        }
    }
}

fn in_table(rows: &[AuditRow]) -> String {
    let heads = ["NO", "WHEN", "WHAT", "ABOUT", "BY", "FROM", "DETAIL"].map(str::to_owned).to_vec();
    let lines = rows.iter().map(|row| {
        let what = &row.entry.what;
        let about = what.about.as_ref().map(|about| {
            let name = about.name.as_deref().map(shown).unwrap_or_default();
            format!("{} {name}", listing::short(&about.device_id)).trim_end().to_owned()
        });
        vec![
            row.entry.seq.to_string(),
            rfc3339(row.entry.at_ms),
            what.action.as_str().to_owned(),
            about.unwrap_or_default(),
            by(&what.by),
            what.from.as_ref().map(|from| shown(&from.address)).unwrap_or_default(),
            what.note.as_deref().map(shown).unwrap_or_default(),
        ]
    });
    table(&std::iter::once(heads).chain(lines).collect::<Vec<_>>())
}

fn by(author: &AuditAuthor) -> String {
    match author {
        AuditAuthor::Owner => "the owner".to_owned(),
        AuditAuthor::Program => "a program".to_owned(),
        AuditAuthor::File => "the settings file".to_owned(),
        AuditAuthor::Policy { via: ApprovedVia::Bootstrap } => "a one-time code".to_owned(),
        AuditAuthor::Policy { via: ApprovedVia::TrustedCidr } => "a rule for its network".to_owned(),
        AuditAuthor::Policy { via: ApprovedVia::Silent | ApprovedVia::Owner } => "a rule".to_owned(),
        AuditAuthor::Device { device_id, name } => name.as_deref().map_or_else(|| listing::short(device_id), shown),
    }
}

#[cfg(test)]
mod tests {
    use protocol::DeviceId;
    use protocol::audit::{AuditAction, AuditEntry, Audited};

    use super::*;

    #[test]
    fn the_table_cannot_be_broken_by_a_name() {
        let what = Audited::new(AuditAction::Renamed, AuditAuthor::Owner)
            .about(DeviceId::claimed("be9db4f8b04636fa"), Some("\u{1b}[2JPhone\nx".to_owned()))
            .noting("Küche");
        let row = AuditRow { entry: AuditEntry { seq: 7, at_ms: 0, what }, hash: "h".to_owned() };
        let text = in_table(&[row]);
        let line = text.lines().nth(1).unwrap();
        assert_eq!(text.lines().count(), 2);
        assert!(
            line.contains("renamed") && line.contains("\u{fffd}[2JPhone\u{fffd}x") && line.ends_with("Küche"),
            "{line}"
        );
    }
}
