//! The checks of `openclaw doctor`, run by the gateway.

use leptos::prelude::*;
use protocol::Method;
use protocol::doctor::CheckFinding;
use protocol::role::ADMIN;
use serde_json::{Map, Value};

use super::Shared;
use crate::components::words::words;
use crate::insight::attempts::findings;
use crate::language::{fill, t};
use crate::late::{button, changing, late, sleepy_button, text};
use crate::live::{Answer, advice};
use crate::outside;
use crate::reading::{number, texts};
use crate::stepping;
use crate::writing::object;

#[derive(Clone)]
struct Report {
    checks: u64,
    findings: Vec<CheckFinding>,
}

#[derive(Clone, Copy)]
struct Desk {
    report: RwSignal<Option<Report>>,
    is_running: RwSignal<bool>,
    /// What a repair came to, or what went wrong.
    said: RwSignal<Option<String>>,
}

impl Desk {
    fn run(self) {
        if self.is_running.get_untracked() {
            return;
        }
        self.is_running.set(true);
        outside::ask(Method::DoctorRun, Value::Object(Map::new()), move |answer| {
            if self.is_running.try_set(false).is_some() {
                return;
            }
            match answer {
                Ok(value) => self.report.set(Some(Report {
                    checks: number(&value, "checks").unwrap_or_default(),
                    findings: findings(&value),
                })),
                Err(error) => self.said.set(Some(advice(&error))),
            }
        });
    }

    fn repair(self, id: &str) {
        self.said.set(None);
        let then = move |answer: Answer| {
            let said = match answer {
                Ok(value) => {
                    let done = texts(&value, "done").into_iter().chain(texts(&value, "failed"));
                    done.collect::<Vec<_>>().join("; ")
                }
                Err(error) => advice(&error),
            };
            if self.said.try_set(Some(said)).is_none() {
                self.run();
            }
        };
        stepping::ask(Method::DoctorFix, object([("id", id.into())]), Box::new(then));
    }
}

#[component]
pub(super) fn Checks(shared: Shared) -> impl IntoView {
    let desk = Desk { report: RwSignal::new(None), is_running: RwSignal::new(false), said: RwSignal::new(None) };
    shared.live.whenever_connected(ADMIN, move || desk.run());
    let body = move || match desk.report.get() {
        None => late(view! { <p class="soft">{t("Looking…")}</p> }),
        Some(report) if report.findings.is_empty() => {
            let words =
                fill(t("Nothing is wrong: {count} checks found nothing."), &[("count", &report.checks.to_string())]);
            late(view! { <p data-testid="checks-fine"><span class="pill ok">{t("fine")}</span> " " {words}</p> })
        }
        Some(report) => {
            let rows = report.findings.into_iter().map(|finding| row(desk, finding)).collect_view();
            late(view! { <ul class="checks" data-testid="checks">{rows}</ul> })
        }
    };
    let label = move || if desk.is_running.get() { t("Looking…") } else { t("Look again") };
    late(view! {
        <section class="tile" aria-labelledby="checks-title">
            <div class="section-head">
                <h2 id="checks-title">{t("Checks")}</h2>
                {sleepy_button("", "checks-run", move || desk.is_running.get(), label, move || desk.run())}
            </div>
            <p class="soft" role="status" data-testid="checks-said">{text(move || desk.said.get().unwrap_or_default())}</p>
            {changing(body)}
        </section>
    })
}

fn row(desk: Desk, finding: CheckFinding) -> AnyView {
    let CheckFinding { id, severity, what, why, evidence, fix, fixable } = finding;
    let (class, word) = match severity.as_str() {
        "error" => ("pill risk", t("wrong")),
        "warning" => ("pill warn", t("look")),
        _ => ("pill", t("note")),
    };
    let seen = evidence.into_iter().map(|seen| view! { <li>{seen}</li> }).collect::<Vec<_>>();
    let repaired = id.clone();
    let repair = fixable.then(|| button("", "check-fix", || t("Repair"), move || desk.repair(&repaired)));
    late(view! {
        <li class="check" data-testid="check" data-check=id.clone()>
            <span class=class>{word}</span>
            <div class="check-body">
                <p><strong>{what}</strong></p>
                <p class="soft">{words(&why)}</p>
                <ul class="soft small">{seen}</ul>
                <p class="small">{words(&format!("{}: `{fix}`", t("What helps")))}</p>
            </div>
            {repair}
        </li>
    })
}
