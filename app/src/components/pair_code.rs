//! A one-time code on the screen: as a picture, as text to copy, and how long it lasts.

use leptos::prelude::*;

use super::copy_command::CopyCommand;
use super::pair_dialog::{Stage, make};
use crate::desk::Desk;
use crate::late::{late, text, when};
use crate::live::Live;
use crate::setup::{Arrival, Handover, Made, Qr, Whom, Wish};
use crate::time_words;

/// How long a code lasts, in milliseconds (wire.md §10.3).
const LIFETIME_MS: u64 = 600_000;

#[component]
pub(super) fn PairCode(made: Made, wish: RwSignal<Wish>, stage: RwSignal<Stage>) -> impl IntoView {
    let live = Live::here();
    let expires_at_ms = made.expires_at_ms;
    // Never more than it began with, whatever a clock that is being set says.
    let left_ms = move || expires_at_ms.saturating_sub(live.gateway_now_ms()).min(LIFETIME_MS);
    let is_over = move || left_ms() == 0;
    let made = StoredValue::new(made);
    let code = move || {
        made.with_value(|made| match &made.handover {
            Some(handover) => shown(made, handover, wish.get_untracked().whom, left_ms),
            None => needs_https(&made.gateway_url, stage),
        })
    };
    let expired = move || {
        late(view! {
            <p role="alert">"This code has expired. Nobody used it."</p>
            <div class="actions">
                <button
                    type="button"
                    class="primary"
                    data-testid="new-code"
                    on:click=move |_| make(live, wish.get_untracked(), stage)
                >
                    "Make a new one"
                </button>
            </div>
        })
    };
    (when(move || !is_over(), code), when(is_over, expired))
}

fn shown(made: &Made, handover: &Handover, whom: Whom, left_ms: impl Fn() -> u64 + Copy + Send + Sync + 'static) -> AnyView {
    let live = Live::here();
    let (hint, or_copy) = match whom {
        Whom::Phone => ("It opens a link, and the phone is in.", "Or open this link on it:"),
        Whom::App => ("In the OpenClaw app, choose to scan a setup code.", "Or paste this code there:"),
        Whom::Machine => ("It joins as a node and offers its commands. It needs `openclaw` installed.", ""),
    };
    let copied = handover.text.reveal().to_owned();
    let less = made.is_downgraded.then(|| {
        view! {
            <p class="note">
                <span>
                    "This code gives limited rights: the address is not encrypted, and others could listen."
                </span>
            </p>
        }
    });
    let waits = move || {
        late(view! {
            <p class="note" role="status">
                <span>"A device waits for your decision. Close this to see it."</span>
            </p>
        })
    };
    late(view! {
        {handover.qr.as_ref().map(picture)}
        <p class="soft">{super::words::words(hint)}</p>
        {less}
        <div class="stack">
            <p class="soft small">{or_copy}</p>
            <CopyCommand shown=copied.clone() copied />
        </div>
        <div class="countdown">
            <progress
                aria-label="Time left"
                max=LIFETIME_MS.to_string()
                prop:value=move || left_ms().to_string()
            />
            <p class="soft small split">
                <span>{format!("Works once, at {}", made.gateway_url)}</span>
                <span role="timer">{text(move || format!("{} left", time_words::clock(left_ms())))}</span>
            </p>
        </div>
        {when(move || live.desk.with(Desk::count_open) > 0, waits)}
    })
}

/// Dark on light in both colour schemes: not every camera reads the other way round.
fn picture(qr: &Qr) -> AnyView {
    let size = qr.size;
    late(view! {
        <svg
            class="qr"
            data-testid="qr"
            role="img"
            aria-label="QR code; the same stands below as text"
            viewBox=format!("0 0 {size} {size}")
        >
            <rect class="qr-light" width="100%" height="100%" />
            <path class="qr-dark" shape-rendering="crispEdges" d=qr.path.reveal().to_owned() />
        </svg>
    })
}

/// What a phone's browser needs, and what works without.
fn needs_https(gateway_url: &str, stage: RwSignal<Stage>) -> AnyView {
    late(view! {
        <p>
            "Over " <code>{gateway_url.to_owned()}</code>
            " a phone's browser gets no key of its own. Give the gateway an https address, with "
            <code>"tailscale serve"</code> " or a reverse proxy, and name it in "
            <code>"plugins.entries.device-pair.config.publicUrl"</code> "."
        </p>
        <p class="soft">"The OpenClaw app works without."</p>
        <div class="actions">
            <button type="button" class="primary" on:click=move |_| stage.set(Stage::Choosing)>
                "Back"
            </button>
        </div>
    })
}

/// The end of it.
pub(super) fn arrived(arrival: &Arrival, stage: RwSignal<Stage>, is_open: RwSignal<bool>) -> AnyView {
    late(view! {
        <p role="status" data-testid="arrived">
            {arrival.consequence()}
        </p>
        <div class="actions">
            <button type="button" on:click=move |_| stage.set(Stage::Choosing)>
                "Pair another"
            </button>
            <button type="button" class="primary" data-testid="pair-done" on:click=move |_| is_open.set(false)>
                "Done"
            </button>
        </div>
    })
}
