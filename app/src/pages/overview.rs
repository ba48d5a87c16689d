//! Is it healthy, who is connected, how can others reach it.

use leptos::prelude::*;

use super::screens::{console, no_tools};
use crate::components::exposure::Exposure;
use crate::components::pair_dialog::PairDevice;
use crate::components::proof::Proof;
use crate::desk::Desk;
use crate::language::t;
use crate::late::{late, text, when};
use crate::live::Live;
use crate::place::Place;
use crate::time_words;

#[component]
pub(crate) fn Overview() -> impl IntoView {
    console(Place::Overview, no_tools, || {
        late(view! {
            <div class="tiles">
                <Gateway />
                <DeviceCount />
                <ThisBrowser />
                <Reach />
            </div>
        })
    })
}

#[component]
fn Gateway() -> impl IntoView {
    let live = Live::here();
    let version = move || live.welcome(|welcome| welcome.hello.version.clone()).unwrap_or_default();
    let state_dir = move || live.welcome(|welcome| welcome.hello.state_dir.clone()).flatten();
    let up = move || {
        live.welcome(|welcome| {
            let since_ms = live.now_ms.get().saturating_sub(welcome.at_ms);
            time_words::span(welcome.hello.uptime_ms + since_ms)
        })
        .unwrap_or_default()
    };
    late(view! {
        <section class="tile" aria-labelledby="gateway">
            <h2 id="gateway">"Gateway"</h2>
            <dl>
                <dt>"Health"</dt>
                <dd>
                    <Health />
                </dd>
                <dt>"Version"</dt>
                <dd>{text(version)}</dd>
                <dt>"Up for"</dt>
                <dd>{text(up)}</dd>
                {move || {
                    state_dir()
                        .map(|path| {
                            view! {
                                <dt>"State in"</dt>
                                <dd class="mono">{path}</dd>
                            }
                        })
                }}
                <Exposure />
            </dl>
        </section>
    })
}

/// What the gateway said of itself when it let this browser in; a gateway that is away says nothing.
#[component]
fn Health() -> impl IntoView {
    let live = Live::here();
    let is_well = move || live.welcome(|welcome| welcome.hello.is_healthy).unwrap_or_default();
    move || {
        let (class, words) = match (live.is_resuming(), is_well()) {
            (true, _) => ("pill warn", "does not answer"),
            (false, true) => ("pill ok", "healthy"),
            (false, false) => ("pill risk", "reports a problem"),
        };
        view! { <span class=class>{words}</span> }
    }
}

#[component]
fn DeviceCount() -> impl IntoView {
    let live = Live::here();
    let paired = move || live.desk.with(Desk::counts).paired.to_string();
    let connected = move || live.desk.with(Desk::counts).connected.to_string();
    let barred = || late(view! { <p class="soft">"This browser may not see the other devices."</p> });
    let counts = move || {
        late(view! {
            <p>
                <strong class="figure">{text(paired)}</strong>
                " paired, "
                <strong class="figure">{text(connected)}</strong>
                {text(move || if live.is_resuming() { " connected before" } else { " connected now" })}
            </p>
            <p>
                <a href="/devices">"See them all"</a>
            </p>
            <p>
                <a href="/settings#notifications">{t("Be told when one wants in")}</a>
            </p>
        })
    };
    late(view! {
        <section class="tile" aria-labelledby="device-count">
            <h2 id="device-count">"Devices"</h2>
            {when(move || !live.may_pair(), barred)} {when(move || live.may_pair(), counts)}
        </section>
    })
}

#[component]
fn ThisBrowser() -> impl IntoView {
    let live = Live::here();
    move || {
        live.identity.get().map(|identity| {
            view! {
                <section class="tile" aria-labelledby="this-browser">
                    <h2 id="this-browser">"This browser"</h2>
                    <p>{identity.name}</p>
                    <Proof fingerprint=identity.key.fingerprint() hint="An owner compares these." />
                </section>
            }
        })
    }
}

#[component]
fn Reach() -> impl IntoView {
    late(view! {
        <section class="tile" aria-labelledby="reach">
            <h2 id="reach">"Let a device in"</h2>
            <ol class="steps">
                <li>
                    "Give the gateway an https address: " <code>"tailscale serve 18789"</code>
                    ", or a reverse proxy named in " <code>"gateway.trustedProxies"</code> "."
                </li>
                <li>"Pair a device with a code, or open that address on it: it waits with six pictures."</li>
                <li>"Its card appears here. Compare the pictures and approve."</li>
            </ol>
            <p>
                <PairDevice />
            </p>
        </section>
    })
}
