//! Navigation: a rail on wide screens, a bar at the bottom of a phone. Only where there is somewhere to go.

use leptos::prelude::*;
use leptos_router::hooks::use_location;

use super::brand::Brand;
use crate::desk::Desk;
use crate::language::t;
use crate::late::late;
use crate::live::Live;

#[component]
pub(crate) fn Rail(is_finding: RwSignal<bool>) -> impl IntoView {
    let live = Live::here();
    let is_in = Memo::new(move |_| live.welcome(|_| ()).is_some());
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
    view! {
        <nav class="rail" aria-label=t("Pages")>
            <Brand />
            <a href="/" aria-current=here("/")>
                <svg class="icon" viewBox="0 0 24 24" aria-hidden="true">
                    <path d="M4 11l8-7 8 7v9h-5v-6H9v6H4z" />
                </svg>
                {t("Overview")}
            </a>
            <a href="/devices" aria-current=here("/devices")>
                <svg class="icon" viewBox="0 0 24 24" aria-hidden="true">
                    <path d="M3 5h13v10H3zM7 19h6M18 9h3v10h-5v-4" />
                </svg>
                {t("Devices")}
                {badge}
            </a>
            <a href="/settings" aria-current=here("/settings")>
                <svg class="icon" viewBox="0 0 24 24" aria-hidden="true">
                    <path d="M4 7h9m4 0h3M4 17h3m4 0h9M13 4.5v5M7 14.5v5" />
                </svg>
                {t("Settings")}
            </a>
            <a href="/doctor" aria-current=here("/doctor")>
                <svg class="icon" viewBox="0 0 24 24" aria-hidden="true">
                    <path d="M3 12h4l3-7 4 14 3-7h4" />
                </svg>
                {t("Doctor")}
            </a>
            <a href="/audit" aria-current=here("/audit")>
                <svg class="icon" viewBox="0 0 24 24" aria-hidden="true">
                    <path d="M6 3h12v18H6zM9 8h6M9 12h6M9 16h3" />
                </svg>
                {t("Audit")}
            </a>
            <a href="/logs" aria-current=here("/logs")>
                <svg class="icon" viewBox="0 0 24 24" aria-hidden="true">
                    <path d="M4 6h16M4 10h10M4 14h16M4 18h8" />
                </svg>
                {t("Logs")}
            </a>
            <button
                type="button"
                class="rail-find"
                aria-keyshortcuts="Control+K Meta+K"
                data-testid="find"
                on:click=move |_| is_finding.set(true)
            >
                <svg class="icon" viewBox="0 0 24 24" aria-hidden="true">
                    <path d="M10 4a6 6 0 1 0 0 12a6 6 0 1 0 0-12M15 15l5 5" />
                </svg>
                {t("Go to…")}
            </button>
        </nav>
    }
}
