//! Chooses what to show: the console once the gateway has let this browser in, and until then the screen of the
//! state the connection is in.

use std::mem::discriminant;

use leptos::prelude::*;

use super::away::Away;
use super::connecting::Connecting;
use super::insecure::{Insecure, Unsupported};
use super::refused::RefusedScreen;
use super::removed::Removed;
use super::secret::SecretForm;
use super::waiting::Waiting;
use crate::components::called::called_in_vain;
use crate::components::notices::Notices;
use crate::components::pending_cards::PendingCards;
use crate::components::status_pill::StatusPill;
use crate::late::{follow, late};
use crate::live::Live;
use crate::outside;
use crate::place::Place;
use crate::session::Screen;

/// A page of the console, once connected: its heading, what must be seen wherever the owner is, and `body`. `tools`
/// stand beside the heading.
pub(crate) fn console(place: Place, tools: fn() -> AnyView, body: fn() -> AnyView) -> impl IntoView {
    screens(move || {
        late(view! {
            <header class="page-head">
                <h1>{place.title()}</h1>
                <div class="tags">
                    <StatusPill />
                    {tools()}
                </div>
            </header>
            <Notices />
            {called_in_vain(Live::here())}
            <PendingCards />
            {body()}
        })
    })
}

/// Nothing beside the heading.
pub(crate) fn no_tools() -> AnyView {
    late(())
}

/// Shows `inside` once connected. A screen is built once per state and follows its details by itself, so that a field
/// keeps its focus and a countdown does not blink.
fn screens(inside: impl Fn() -> AnyView + Send + Sync + 'static) -> impl IntoView {
    let live = Live::here();
    let state = Memo::new(move |_| live.screen(discriminant));
    move || {
        // Reading is what makes a memo follow its sources; `track` alone would not.
        let _ = state.get();
        match live.session.get_untracked().screen() {
            Screen::Connecting => view! { <Connecting /> }.into_any(),
            Screen::Secret(_) => late(view! { <SecretForm /> }),
            Screen::Waiting(_) => late(view! { <Waiting /> }),
            Screen::Connected(welcome) => {
                if welcome.has_waited {
                    follow(outside::mark_connected);
                }
                inside()
            }
            Screen::Refused(_) => late(view! { <RefusedScreen /> }),
            Screen::Insecure => late(view! { <Insecure /> }),
            Screen::Unsupported(words) => late(view! { <Unsupported words=words.clone() /> }),
            Screen::Away { .. } => late(view! { <Away /> }),
            Screen::Removed { is_over } => late(view! { <Removed is_over=*is_over /> }),
        }
    }
}

/// The headings, for the screens themselves, the title and the live region. The console has its own.
pub(crate) fn heading(screen: &Screen) -> Option<&'static str> {
    match screen {
        Screen::Connecting => Some("Connecting to the gateway…"),
        Screen::Secret(_) => Some("The gateway asks for a secret"),
        Screen::Waiting(_) => Some("Ask the owner to let this device in"),
        Screen::Connected(_) => None,
        Screen::Refused(_) => Some("The gateway said no"),
        Screen::Insecure => Some("This page needs a secure address"),
        Screen::Unsupported(_) => Some("This browser cannot keep a device key"),
        Screen::Away { .. } => Some("The gateway does not answer"),
        Screen::Removed { .. } => Some("This device is no longer let in"),
    }
}

/// The frame of every screen: brand, a word on the state, the heading, and what the screen says.
#[component]
pub(crate) fn Panel<C: IntoView + 'static>(children: TypedChildren<C>) -> impl IntoView {
    let live = Live::here();
    let title = live.session.with_untracked(|session| heading(session.screen())).unwrap_or_default();
    view! {
        <section class="panel" aria-labelledby="panel-title">
            <crate::components::brand::Brand />
            <h1 id="panel-title">{title}</h1>
            {children.into_inner()()}
        </section>
    }
}
