//! A one-time code on the screen: as a picture, as text to copy, and how long it lasts.

use leptos::prelude::*;

use super::copy_command::CopyCommand;
use super::pair_dialog::{Pairing, Stage, go, make};
use super::words::words;
use crate::desk::Desk;
use crate::late::{button, late, text, when};
use crate::live::Live;
use crate::setup::{Handover, Made, Qr, Whom};
use crate::time_words;

/// How long a code lasts, in milliseconds (wire.md §10.3).
const LIFETIME_MS: u64 = 600_000;

/// What is left of the code. Never more than it began with, whatever a clock that is being set says.
fn left_ms(live: Live, pairing: RwSignal<Pairing>) -> u64 {
    let expires_at_ms = pairing.with(|pairing| pairing.made().map_or(0, |made| made.expires_at_ms));
    expires_at_ms.saturating_sub(live.gateway_now_ms()).min(LIFETIME_MS)
}

/// Whether a code was shown and is too old by now. Where none was shown, nothing expires.
pub(super) fn has_expired(live: Live, pairing: RwSignal<Pairing>) -> bool {
    let is_shown = pairing.with(|pairing| pairing.made().is_some_and(|made| made.handover.is_some()));
    is_shown && left_ms(live, pairing) == 0
}

/// The code for as long as it lasts, then a way to a new one.
pub(super) fn pair_code(live: Live, pairing: RwSignal<Pairing>) -> AnyView {
    let left_ms = move || left_ms(live, pairing);
    let code = move || {
        pairing.with_untracked(|pairing_now| match pairing_now.made() {
            Some(Made { handover: Some(handover), is_downgraded, gateway_url, .. }) => {
                shown(live, handover, *is_downgraded, gateway_url, pairing_now.wish.whom, left_ms)
            }
            Some(Made { gateway_url, .. }) => needs_https(gateway_url, pairing),
            None => late(()),
        })
    };
    let expired = move || {
        late(view! {
            <p role="alert">"This code has expired. Nobody used it."</p>
            <div class="actions">
                {button("primary", "new-code", || "Make a new one", move || make(live, pairing))}
            </div>
        })
    };
    late(view! {
        {when(move || !has_expired(live, pairing), code)}
        {when(move || has_expired(live, pairing), expired)}
    })
}

fn shown(
    live: Live,
    handover: &Handover,
    is_downgraded: bool,
    gateway_url: &str,
    whom: Whom,
    left_ms: impl Fn() -> u64 + Copy + Send + 'static,
) -> AnyView {
    let (hint, or_copy) = match whom {
        Whom::Phone => ("It opens a link, and the phone is in.", "Or open this link on it:"),
        Whom::App => ("In the OpenClaw app, choose to scan a setup code.", "Or paste this code there:"),
        Whom::Machine => ("It joins as a node and offers its commands. It needs `openclaw` installed.", "The command:"),
    };
    let copied = handover.text.reveal().to_owned();
    let less = is_downgraded.then(|| {
        view! {
            <p class="note">
                <span>"This code gives limited rights: the address is not encrypted, and others could listen."</span>
            </p>
        }
    });
    let waits = || {
        late(view! {
            <p class="note" role="status">
                <span>"A device waits for your decision. Close this to see it."</span>
            </p>
        })
    };
    late(view! {
        {handover.qr.as_ref().map(picture)}
        <p class="soft">{words(hint)}</p>
        {less}
        <div class="stack">
            <p class="soft small">{or_copy}</p>
            <CopyCommand shown=copied.clone() copied />
        </div>
        <div class="countdown">
            <progress
                aria-label="Time left"
                max=LIFETIME_MS.to_string()
                prop:value=text(move || left_ms().to_string())
            />
            <p class="soft small split">
                <span>{format!("Works once, at {gateway_url}")}</span>
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
fn needs_https(gateway_url: &str, pairing: RwSignal<Pairing>) -> AnyView {
    let told = format!(
        "Over `{gateway_url}` a phone's browser gets no key of its own. Give the gateway an https address, with \
         `tailscale serve` or a reverse proxy, and name it in `plugins.entries.device-pair.config.publicUrl`."
    );
    late(view! {
        <p>{words(&told)}</p>
        <p class="soft">"The OpenClaw app works without."</p>
        <div class="actions">{button("primary", "", || "Back", move || go(pairing, Stage::Choosing))}</div>
    })
}
