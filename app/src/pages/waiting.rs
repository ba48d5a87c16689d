//! Waiting for a person: what the owner will see, how long it lasts, and the command that does the same.

use leptos::prelude::*;
use protocol::event::PairPending;

use super::screens::Panel;
use crate::components::copy_command::CopyCommand;
use crate::components::proof::Proof;
use crate::language::t;
use crate::late::text;
use crate::live::Live;
use crate::session::Screen;
use crate::time_words;

#[component]
pub(super) fn Waiting() -> impl IntoView {
    let live = Live::here();
    let pending = move || live.screen(pending_of);
    let left_ms = move || live.left_ms(pending().map_or(0, |pending| pending.expires_at_ms));
    let name = move || live.identity.with(|identity| identity.as_ref().map(|own| own.name.clone()).unwrap_or_default());
    view! {
        <Panel>
            <p class="pill warn">
                <span class="dot"></span>
                {text(move || if live.is_resuming() { "Reconnecting…" } else { "Waiting for approval" })}
            </p>
            {move || {
                pending()
                    .map(|pending| {
                        view! {
                            <Proof fingerprint=pending.fingerprint hint="The owner's page shows the same six pictures." />
                            <p class="soft">
                                "They see this device as " <strong>{text(name)}</strong>
                                ". After Approve, this page goes on by itself. You may put this device away: "
                                "the request waits for five minutes."
                            </p>
                        }
                    })
            }} <p class="soft small" data-testid="private">
                {t("In a private window this lasts until the window is closed; then it has to ask again.")}
            </p> <div class="countdown">
                <progress
                    aria-label="Time left to decide"
                    max=protocol::PAIRING_LIFETIME_MS.to_string()
                    prop:value=move || left_ms().to_string()
                />
                <p class="soft small" role="timer">
                    {text(move || format!("{} left", time_words::clock(left_ms())))}
                </p>
            </div>
            {move || {
                pending().as_ref().map(approve_command)
                    .map(|(shown, copied)| {
                        view! {
                            <div class="stack">
                                <p class="soft small">"Or on the gateway's machine:"</p>
                                <CopyCommand shown copied />
                            </div>
                        }
                    })
            }}
        </Panel>
    }
}

fn pending_of(screen: &Screen) -> Option<PairPending> {
    if let Screen::Waiting(pending) = screen { Some(pending.clone()) } else { None }
}

/// The command as shown, short enough to type, and as copied, with the whole id.
fn approve_command(pending: &PairPending) -> (String, String) {
    let id = &pending.request_id;
    let short = id.get(..8).unwrap_or(id);
    (format!("openclaw devices approve {short}"), format!("openclaw devices approve {id}"))
}
