//! Navigation: a rail on wide screens, a bar at the bottom of a phone. Only where there is somewhere to go.

use leptos::prelude::*;
use leptos_router::components::A;

use super::brand::Brand;
use crate::desk::Desk;
use crate::live::Live;

#[component]
pub(crate) fn Rail() -> impl IntoView {
    let live = Live::here();
    let is_in = Memo::new(move |_| live.welcome(|_| ()).is_some());
    let waiting = Memo::new(move |_| live.desk.with(Desk::count_open));
    view! {
        <Show when=move || is_in.get()>
            <nav class="rail" aria-label="Pages">
                <Brand />
                <A href="/" exact=true>
                    <svg class="icon" viewBox="0 0 24 24" aria-hidden="true">
                        <path d="M4 11l8-7 8 7v9h-5v-6H9v6H4z" />
                    </svg>
                    "Overview"
                </A>
                <A href="/devices">
                    <svg class="icon" viewBox="0 0 24 24" aria-hidden="true">
                        <path d="M3 5h13v10H3zM7 19h6M18 9h3v10h-5v-4" />
                    </svg>
                    "Devices"
                    <Show when=move || waiting.get().ge(&1)>
                        <span class="badge">
                            {move || waiting.get()} <span class="visually-hidden">" waiting"</span>
                        </span>
                    </Show>
                </A>
            </nav>
        </Show>
    }
}
