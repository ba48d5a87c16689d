//! No gateway answers: when the next attempt comes, and a button for the impatient.

use leptos::prelude::*;

use super::screens::Panel;
use crate::late::{button, text};
use crate::live::Live;
use crate::session::{Input, Screen};
use crate::time_words;

#[component]
pub(super) fn Away() -> impl IntoView {
    let live = Live::here();
    let retry_at_ms =
        move || live.screen(|screen| if let Screen::Away { retry_at_ms } = screen { *retry_at_ms } else { None });
    let next = move || match retry_at_ms() {
        Some(at_ms) => {
            format!("Trying again in {}.", time_words::span(at_ms.saturating_sub(live.now_ms.get()).max(1_000)))
        }
        None => "Trying now…".to_owned(),
    };
    view! {
        <Panel>
            <p class="soft">
                "It may be restarting, or this device may be off the network. The page comes back by itself."
            </p>
            <p>{text(next)}</p>
            {button("primary", "", || "Try now", move || live.tell(Input::Woken))}
            <p class="soft small">
                "On the gateway's machine, " <code>"openclaw gateway status"</code> " says whether it runs."
            </p>
        </Panel>
    }
}
