//! Navigation: a rail on wide screens, a bar at the bottom of a phone. Only where there is somewhere to go.

use leptos::prelude::*;
use leptos_router::hooks::use_location;

use super::brand::Brand;
use crate::desk::Desk;
use crate::language::t;
use crate::late::late;
use crate::live::Live;
use crate::place::Place;

#[component]
pub(crate) fn Rail(is_finding: RwSignal<bool>) -> impl IntoView {
    let live = Live::here();
    let is_in = Memo::new(move |_| live.is_in());
    move || is_in.get().then(|| late(view! { <Pages is_finding /> }))
}

#[component]
fn Pages(is_finding: RwSignal<bool>) -> impl IntoView {
    let live = Live::here();
    let pathname = use_location().pathname;
    let here = move |path: &'static str| move || (pathname.get() == path).then_some("page");
    let badge = move || {
        let count = live.desk.with(Desk::count_open);
        (count > 0).then(|| {
            view! {
                <span class="badge">
                    {count} <span class="visually-hidden">" " {t("waiting")}</span>
                </span>
            }
        })
    };
    let place = move |place: Place| {
        let badge = (place == Place::Devices).then_some(badge);
        late(view! {
            <a href=place.path() aria-current=here(place.path())>
                {icon(place.icon())}
                {place.title()}
                {badge}
            </a>
        })
    };
    view! {
        <nav class="rail" aria-label=t("Pages")>
            <Brand />
            {Vec::from(Place::ALL.map(place))}
            <button
                type="button"
                class="rail-find"
                aria-keyshortcuts="Control+K Meta+K"
                data-testid="find"
                on:click=move |_| is_finding.set(true)
            >
                {icon("M10 4a6 6 0 1 0 0 12a6 6 0 1 0 0-12M15 15l5 5")}
                {t("Go to…")}
            </button>
        </nav>
    }
}

fn icon(strokes: &'static str) -> AnyView {
    late(view! {
        <svg class="icon" viewBox="0 0 24 24" aria-hidden="true">
            <path d=strokes />
        </svg>
    })
}
