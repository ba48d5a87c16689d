//! A change of the settings that an attempt asks for: what it does is shown before it is done.

use leptos::html;
use leptos::prelude::*;
use protocol::Method;
use protocol::doctor::{Attempt, SettingFix};
use serde_json::{Map, Value};

use super::Shared;
use crate::components::words::{problem_line, words};
use crate::insight::attempts::{listed, offer, patch, with};
use crate::insight::lab::{self, Outcome, headers, params, pasted};
use crate::language::{fill, t};
use crate::late::{button, changing, follow, late, sleepy_button, text};
use crate::live::advice;
use crate::outside;
use crate::reading::text as read_text;
use crate::writing::object;

/// The change, thought through.
#[derive(Clone)]
struct Preview {
    hash: Option<String>,
    before: Vec<String>,
    after: Vec<String>,
    outcome: Outcome,
}

/// The dialog. It opens when there is something to fix and closes when there is not.
#[component]
pub(super) fn FixDialog(shared: Shared) -> impl IntoView {
    let fixing = shared.fixing;
    let dialog = NodeRef::<html::Dialog>::new();
    let preview = RwSignal::new(None::<Preview>);
    let problem = RwSignal::new(None::<String>);
    follow(move || {
        let Some(dialog) = dialog.get() else { return };
        match (fixing.get(), dialog.open()) {
            (Some((attempt, setting)), false) => {
                problem.set(None);
                preview.set(None);
                think(&attempt, &setting, preview, problem);
                let _ = dialog.show_modal();
            }
            (None, true) => dialog.close(),
            (Some(_), true) | (None, false) => {}
        }
    });
    let label = move || fixing.with(|fixing| fixing.as_ref().map(|(_, setting)| offer(setting)).unwrap_or_default());
    let may_do = move || preview.with(|preview| preview.as_ref().is_some_and(|preview| preview.outcome.own.0));
    let carry_out =
        move || {
            let (Some(preview), Some((_, setting))) = (preview.get_untracked(), fixing.get_untracked()) else { return };
            if !preview.outcome.own.0 {
                return;
            }
            let raw = patch(&setting.path, &preview.after).to_string();
            let hash = preview.hash.as_deref().into();
            outside::ask(Method::ConfigPatch, object([("raw", raw.into()), ("baseHash", hash)]), move |answer| {
                match answer {
                    Ok(_) => {
                        shared.live.announce(t("The settings were changed and are live.").to_owned());
                        let _ = fixing.try_set(None);
                    }
                    Err(error) => drop(problem.try_set(Some(advice(&error)))),
                }
            });
        };
    let body = move || match (preview.get(), fixing.get()) {
        (Some(preview), Some((_, setting))) => shown(preview, setting),
        (None, _) | (_, None) => late(view! { <p class="soft">{t("Looking what it would change…")}</p> }),
    };
    late(view! {
        <dialog node_ref=dialog class="fix" aria-labelledby="fix-title" on:close=move |_| fixing.set(None)>
            <h2 id="fix-title">{text(label)}</h2>
            <div class="stack" data-testid="fix-preview">{changing(body)}</div>
            {problem_line(problem)}
            <div class="actions">
                {button("", "", || t("Cancel"), move || fixing.set(None))}
                {sleepy_button("primary", "fix-confirm", move || !may_do(), label, carry_out)}
            </div>
        </dialog>
    })
}

fn shown(preview: Preview, setting: SettingFix) -> AnyView {
    let Preview { before, after, outcome, .. } = preview;
    let list = |list: &[String]| if list.is_empty() { t("nothing").to_owned() } else { list.join(", ") };
    let (class, verdict) = outcome.verdict;
    let (survives, own) = outcome.own;
    let own = if survives {
        late(view! { <p class="soft small">{own}</p> })
    } else {
        let cut = t("This would cut your own connection off, so it is not done here: {why}");
        late(view! { <p class="note">{fill(cut, &[("why", &own)])}</p> })
    };
    late(view! {
        {setting.warning.map(|warning| view! { <p class="note">{warning}</p> })}
        <dl>
            <dt>{t("In the file")}</dt>
            <dd class="mono">{setting.path}</dd>
            <dt>{t("Now")}</dt>
            <dd class="mono">{list(&before)}</dd>
            <dt>{t("Then")}</dt>
            <dd class="mono">{list(&after)}</dd>
            <dt>{t("Such a request")}</dt>
            <dd><span class=class>{verdict}</span></dd>
        </dl>
        {outcome.fix.map(|fix| view! { <p>{words(&fix)}</p> })}
        {own}
        <p class="soft small">{t("Applies at once, without a restart. Open connections end and come back by themselves.")}</p>
    })
}

/// Asks for the settings as they are, then what they would make of the request with the change.
fn think(
    attempt: &Attempt,
    setting: &SettingFix,
    preview: RwSignal<Option<Preview>>,
    problem: RwSignal<Option<String>>,
) {
    let (attempt, setting) = (attempt.clone(), setting.clone());
    outside::ask(Method::ConfigGet, Value::Object(Map::new()), move |answer| {
        let config = match answer {
            Ok(config) => config,
            Err(error) => return drop(problem.try_set(Some(advice(&error)))),
        };
        let before = match listed(&config, &setting.path) {
            Ok(before) => before,
            Err(why) => return drop(problem.try_set(Some(why))),
        };
        let hash = read_text(&config, "hash").filter(|_| crate::reading::flag(&config, "exists"));
        let after = with(&before, &setting.add);
        let is_proxies = setting.path.ends_with("trustedProxies");
        let (proxies, origins) =
            if is_proxies { (Some(after.as_slice()), None) } else { (None, Some(after.as_slice())) };
        let question = params(&attempt.peer, &headers(&pasted(&attempt)), proxies, origins);
        outside::ask(Method::DoctorExplainRequest, question, move |answer| match answer {
            Ok(value) => {
                let outcome = lab::outcome(&value);
                let _ = preview.try_set(Some(Preview { hash, before, after, outcome }));
            }
            Err(error) => drop(problem.try_set(Some(advice(&error)))),
        });
    });
}
