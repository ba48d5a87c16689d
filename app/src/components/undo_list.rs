//! What was approved on this page a moment ago, each with its Undo. It lies over the page, so that nothing moves when
//! it comes or goes.

use leptos::prelude::*;

use super::words::words;
use crate::desk::Fresh;
use crate::language::{fill, t};
use crate::late::{button, changing, each, late, text};
use crate::live::Live;

pub(super) fn undo_list(live: Live) -> AnyView {
    let keys = move || {
        let now_ms = live.gateway_now_ms();
        live.desk.with(|desk| desk.fresh(now_ms).map(|fresh| fresh.request_id.clone()).collect())
    };
    late(view! {
        <ul class="undo-list" aria-label=t("Approved a moment ago")>
            {each(keys, move |id| row(live, id))}
        </ul>
    })
}

fn row(live: Live, id: String) -> AnyView {
    let fresh = move || live.desk.with(|desk| desk.fresh(0).find(|fresh| fresh.request_id == id).cloned());
    let fresh = Memo::new(move |_| fresh());
    let is_on_its_way = RwSignal::new(false);
    let left_s = move || {
        let until_ms = fresh.with(|fresh| fresh.as_ref().map_or(0, |fresh| fresh.until_ms));
        until_ms.saturating_sub(live.gateway_now_ms()).div_ceil(1000)
    };
    let undo = move |_| {
        if let Some(fresh) = fresh.get_untracked().filter(|_| !is_on_its_way.get_untracked()) {
            is_on_its_way.set(true);
            live.undo(&fresh);
        }
    };
    let forget = move || {
        if let Some(Fresh { request_id, .. }) = fresh.get_untracked() {
            live.desk.update(|desk| desk.forget_approval(&request_id));
        }
    };
    let content = move || match fresh.get() {
        Some(Fresh { problem: Some(problem), .. }) => late(view! {
            <p role="alert">{words(&problem)}</p>
            {button("ghost", "undo-read", || t("Got it"), forget)}
        }),
        Some(Fresh { name, .. }) => late(view! {
            <p>{fill(t("{name} is in."), &[("name", &name)])}</p>
            // The seconds are for the eye: a screen reader would say them one by one.
            <button type="button" class="ghost" data-testid="undo" on:click=undo>
                {t("Undo")}
                <span aria-hidden="true">{text(move || format!(" ({})", left_s()))}</span>
            </button>
        }),
        None => late(()),
    };
    late(view! { <li data-testid="undo-row">{changing(content)}</li> })
}
