//! `openclaw doctor`: looks, tells, and with `--fix` repairs.

use std::collections::BTreeSet;
use std::process::ExitCode;

use serde::Serialize;

use super::args::DoctorArgs;
use super::output::{Failure, count, data, json as print_json, long, say};
use super::{Outcome, migrate, service, typed};
use crate::clock::{Clock, stamp};
use crate::config::Environment;
use crate::config::Paths;
use crate::doctor::{Finding, Repair, Severity, examine, gather};
use crate::start;

/// A repair can uncover what it hid; more rounds than this are never needed.
const MAX_ROUNDS: usize = 4;

/// A repair that was tried.
#[derive(Debug, Serialize)]
struct Repaired {
    id: &'static str,
    done: bool,
    /// What was done, or why it was not.
    what: String,
}

/// What scripts read.
#[derive(Debug, Serialize)]
struct Report<'a> {
    /// Whether nothing is wrong (any more). Notes do not count.
    ok: bool,
    findings: &'a [Finding],
    repairs: &'a [Repaired],
}

pub async fn run(args: &DoctorArgs, env: &Environment) -> Outcome {
    let clock = Clock::default();
    let mut findings = look(env, &clock).await?;
    let mut repairs = Vec::new();
    if args.fix {
        let mut failed = BTreeSet::new();
        for _ in 0..MAX_ROUNDS {
            let before = repairs.len();
            repair(&findings, env, &clock, &mut failed, &mut repairs).await?;
            if repairs.len() == before {
                break;
            }
            findings = look(env, &clock).await?;
        }
    }
    let ok = findings.iter().all(|finding| finding.severity == Severity::Note);
    if args.format.json {
        print_json(&Report { ok, findings: &findings, repairs: &repairs });
    } else {
        for repaired in &repairs {
            let word = if repaired.done { "fixed  " } else { "failed " };
            data(&format!("{word}  {}: {}", repaired.id, long(&repaired.what)));
        }
        for finding in &findings {
            data(&told(finding));
        }
        say(&summary(&findings));
    }
    Ok(if ok { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

/// What is wrong, with commands as they have to be typed for this profile.
async fn look(env: &Environment, clock: &Clock) -> anyhow::Result<Vec<Finding>> {
    let mut findings = examine(&gather(env, clock).await?);
    for finding in &mut findings {
        finding.fix = typed::bare(&finding.fix);
        // Other evidence is of what was seen, which may be a command that somebody has typed.
        for seen in finding.evidence.iter_mut().filter(|seen| seen.contains("openclaw config set ")) {
            *seen = typed::bare(seen);
        }
    }
    Ok(findings)
}

/// Repairs one by one. What has failed once is not tried again.
async fn repair(
    findings: &[Finding],
    env: &Environment,
    clock: &Clock,
    failed: &mut BTreeSet<String>,
    done: &mut Vec<Repaired>,
) -> anyhow::Result<()> {
    let paths = Paths::resolve(env)?;
    for finding in findings {
        let Some(repair) = finding.repair.as_ref().filter(|_| !failed.contains(&finding.what)) else { continue };
        let result = carry_out(repair, &paths, env, clock.now_ms()).await;
        if result.is_err() {
            failed.insert(finding.what.clone());
        }
        let is_done = result.is_ok();
        let what = result.unwrap_or_else(|failure| failure.lines().join(" "));
        done.push(Repaired { id: finding.id, done: is_done, what });
    }
    Ok(())
}

/// Does it, and says what was done.
async fn carry_out(repair: &Repair, paths: &Paths, env: &Environment, now_ms: u64) -> Result<String, Failure> {
    match repair {
        Repair::Change(change) => Ok(change.apply(paths, env, &stamp(now_ms))?),
        Repair::RescueStore => {
            let rescues = start::rescue_store(paths, now_ms).await?;
            let said = rescues.iter().map(|rescue| format!("{} ({})", rescue.sentence, rescue.kept.display()));
            Ok(said.collect::<Vec<_>>().join("; "))
        }
        Repair::Migrate => migrate::take_over(env).await,
        Repair::StartService => service::start_installed(env).await,
    }
}

fn told(finding: &Finding) -> String {
    let mut lines = vec![format!("{:7}  {}  [{}]", finding.severity.as_str(), long(&finding.what), finding.id)];
    lines.push(format!("         {}", long(&finding.why)));
    lines.extend(finding.evidence.iter().map(|seen| format!("         - {}", long(seen))));
    let fix = long(&finding.fix);
    lines.push(if finding.fixable {
        format!("         fix: {}  ({fix})", typed::bare("openclaw doctor --fix"))
    } else {
        format!("         fix: {fix}")
    });
    lines.join("\n")
}

fn summary(findings: &[Finding]) -> String {
    let of = |severity: Severity| findings.iter().filter(|finding| finding.severity == severity).count();
    let [errors, warnings, notes] = [Severity::Error, Severity::Warning, Severity::Note].map(of);
    if errors + warnings + notes == 0 {
        return "Nothing is wrong.".to_owned();
    }
    let counted = format!("{}, {}, {}.", count(errors, "error"), count(warnings, "warning"), count(notes, "note"));
    let fixable = findings.iter().filter(|finding| finding.fixable).count();
    if errors + warnings == 0 {
        format!("\nNothing is wrong. {counted}")
    } else if fixable == 0 {
        format!("\n{counted}")
    } else {
        format!("\n{counted}\n\nhint: `openclaw doctor --fix` repairs {fixable} of them")
    }
}
