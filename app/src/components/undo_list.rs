//! What was approved on this page a moment ago, each with its Undo. It lies over the page, so that nothing moves when
//! it comes or goes.

use leptos::prelude::*;
use protocol::UNDO_LIFETIME_MS;

use super::words::words;
use crate::desk::Fresh;
use crate::language::{fill, t};
use crate::late::{button, each, late, text};
use crate::live::Live;

/// Marks the key of what could not be undone, so that its row is built anew.
const FAILED: &str = " failed";

pub(super) fn undo_list(live: Live) -> AnyView {
    let keys = move || {
        let now_ms = live.gateway_now_ms();
        live.desk.with(|desk| desk.fresh(now_ms).map(key_of).collect())
    };
    late(view! {
        <ul class="undo-list" aria-label=t("Approved a moment ago")>
            {each(keys, move |key| row(live, &key))}
        </ul>
    })
}

fn key_of(fresh: &Fresh) -> String {
    format!("{}{}", fresh.request_id, if fresh.problem.is_some() { FAILED } else { "" })
}

fn row(live: Live, key: &str) -> AnyView {
    let fresh = live.desk.with_untracked(|desk| desk.fresh(0).find(|fresh| key_of(fresh) == key).cloned());
    late(fresh.map(|fresh| view! { <li data-testid="undo-row">{content(live, fresh)}</li> }))
}

fn content(live: Live, fresh: Fresh) -> AnyView {
    if let Some(problem) = fresh.problem {
        let forget = move || live.desk.update(|desk| desk.forget_approval(&fresh.request_id));
        return late(view! {
            <p role="alert">{words(&problem)}</p>
            {button("ghost", "undo-read", || t("Got it"), forget)}
        });
    }
    let until_ms = fresh.until_ms;
    // The clock of the page moves once a second, so it may be a little behind.
    let left_s = move || until_ms.saturating_sub(live.gateway_now_ms()).min(UNDO_LIFETIME_MS).div_ceil(1000);
    let is_on_its_way = StoredValue::new(false);
    let name = fresh.name.clone();
    let advice = fresh.wants_passkey.then(|| {
        view! {
            <a class="small" href="/settings" data-testid="passkey-advice">
                {t("Next time with a passkey: add one")}
            </a>
        }
    });
    let undo = move |_| {
        if !is_on_its_way.get_value() {
            is_on_its_way.set_value(true);
            live.undo(&fresh);
        }
    };
    late(view! {
        <div>
            <p>{fill(t("{name} is in."), &[("name", &name)])}</p>
            {advice}
        </div>
        // The seconds are for the eye: a screen reader would say them one by one.
        <button type="button" class="ghost" data-testid="undo" on:click=undo>
            {t("Undo")}
            <span aria-hidden="true">{text(move || format!(" ({})", left_s()))}</span>
        </button>
    })
}
