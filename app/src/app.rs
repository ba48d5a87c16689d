//! The page: navigation, the pages behind it, and what a screen reader hears.

#![expect(unreachable_pub, reason = "`#[component]` writes `pub` on what it makes, whatever the function says")]

use leptos::prelude::*;
use leptos_router::components::{FlatRoutes, Route, Router};
use leptos_router::hooks::use_location;
use leptos_router::path;

use crate::components::called::{attend, called_in};
use crate::components::palette::Palette;
use crate::components::rail::Rail;
use crate::desk::Desk;
use crate::late::{follow, late, text};
use crate::live::Live;
use crate::outside;
use crate::pages::audit::Audit;
use crate::pages::devices::Devices;
use crate::pages::doctor::Doctor;
use crate::pages::logs::Logs;
use crate::pages::missing::Missing;
use crate::pages::overview::Overview;
use crate::pages::screens::heading;
use crate::pages::settings::Settings;
use crate::place::Place;
use crate::session::Session;

#[component]
pub fn App() -> impl IntoView {
    let live = Live::new();
    provide_context(live);
    // Effects run in the browser only, after hydration: the first frame is the server's.
    follow(move || outside::start(live));
    let is_finding = RwSignal::new(false);
    let is_in = Memo::new(move |_| live.is_in());
    // Not `when`: this stands in the first frame, which is hydrated.
    let palette = move || is_in.get().then(|| late(view! { <Palette is_open=is_finding /> }));
    view! {
        <Router>
            <a class="skip" href="#main">"Skip to content"</a>
            <div class="frame" class=("frame-console", move || is_in.get())>
                <Rail is_finding />
                <main id="main" tabindex="-1" data-state=move || live.session.with(Session::state)>
                    <FlatRoutes fallback=Missing>
                        <Route path=path!("/") view=Overview />
                        <Route path=path!("/devices") view=Devices />
                        <Route path=path!("/doctor") view=Doctor />
                        <Route path=path!("/audit") view=Audit />
                        <Route path=path!("/logs") view=Logs />
                        <Route path=path!("/settings") view=Settings />
                    </FlatRoutes>
                </main>
            </div>
            {palette}
            <Announcer />
        </Router>
    }
}

/// Says in words and in the title what the eye sees change.
#[component]
fn Announcer() -> impl IntoView {
    let live = Live::here();
    let location = use_location();
    let pathname = location.pathname;
    let screen = move || live.screen(heading);
    follow(move || {
        let page = screen().unwrap_or_else(|| Place::at(&pathname.get()).unwrap_or(Place::Overview).title());
        let count = live.desk.with(Desk::count_open);
        outside::set_icon(count > 0 && screen().is_none());
        let count = if count > 0 && screen().is_none() { format!("({count}) ") } else { String::new() };
        outside::set_title(&format!("{count}{page} · OpenClaw"));
    });
    follow(move || called_in(live, &location.hash.get()));
    attend(live);
    Effect::new(move |before: Option<Option<&'static str>>| {
        let now = screen();
        if before.is_some_and(|before| before != now) {
            live.announce(now.unwrap_or("Connected.").to_owned());
        }
        now
    });
    view! {
        <p class="visually-hidden" role="status" aria-live="polite">
            {text(move || live.announcement.get())}
        </p>
    }
}
