//! From where the gateway can be reached, and through what.

use leptos::prelude::*;

use super::book::Book;
use super::editor::{Editor, block, sentence};
use super::fields::{choice, line, maybe, number, toggle};
use super::list::{Lines, has, plain};
use super::reach::Seen;
use super::sections::word;
use crate::language::{fill, t};
use crate::late::{button, changing, late, when};
use crate::settings::words as say;

const BIND: &str = "gateway.bind";
const CUSTOM_BIND: &str = "gateway.customBindHost";
const TRUSTED: &str = "gateway.trustedProxies";

pub(super) fn ways(book: Book, seen: Seen) -> Vec<AnyView> {
    const PORT: &str = "gateway.port";
    const PUBLIC: &str = "plugins.entries.device-pair.config.publicUrl";
    const TAILSCALE: &str = "gateway.tailscale.mode";
    const RESET: &str = "gateway.tailscale.resetOnExit";
    const HSTS: &str = "gateway.http.securityHeaders.strictTransportSecurity";
    let running = move || {
        let running = book.with(|described| described.running.clone());
        let values = running.map(|running| (running.port.to_string(), running.bind)).unwrap_or_default();
        fill(t("Running now: port {port}, {bind}."), &[("port", &values.0), ("bind", &values.1)])
    };
    let bind = block(
        book,
        "bind",
        t("Reachable from"),
        t("On which addresses the gateway listens."),
        &[BIND, CUSTOM_BIND],
        move |editor| {
            let list = vec![
                word("loopback", t("This machine"), t("And through a proxy or Tailscale on it.")),
                word(
                    "lan",
                    t("The network"),
                    t("Every address of this machine. Browsers elsewhere need HTTPS from a proxy."),
                ),
                word("tailnet", t("The tailnet"), t("The Tailscale address of this machine, and this machine.")),
                word("custom", t("One address"), t("The one below.")),
            ];
            let is_custom = move || editor.value(BIND) == "custom";
            late(view! {
                {choice(editor, BIND, t("Reachable from"), list)}
                {when(is_custom, move || line(editor, CUSTOM_BIND, t("Address"), "192.168.1.5"))}
                {sentence(running)}
            })
        },
    );
    let port =
        block(book, "port", t("Port"), t("Where the gateway and this page are found."), &[PORT], move |editor| {
            late(view! { {number(editor, PORT, t("Port"))} {sentence(running)} })
        });
    let public = block(
        book,
        "public-url",
        t("Public address"),
        t("What setup codes and their links name. It changes nothing about where the gateway listens."),
        &[PUBLIC],
        move |editor| {
            late(view! { {line(editor, PUBLIC, t("Address"), "https://gateway.example.com")} {seen.certificate()} })
        },
    );
    let tailscale = block(
        book,
        "tailscale-mode",
        t("Tailscale"),
        t("Lets Tailscale lead here, with a certificate of its own. The same as `openclaw gateway --tailscale serve`."),
        &[TAILSCALE, RESET],
        move |editor| {
            let list = vec![
                word("off", t("Off"), t("Tailscale does not lead here, or you have set that up yourself.")),
                word("serve", t("For your tailnet"), t("Your own devices reach an encrypted address.")),
                word(
                    "funnel",
                    t("For everybody"),
                    t("The whole internet reaches it. Takes a password, because a token lies in files."),
                ),
            ];
            late(view! {
                {choice(editor, TAILSCALE, t("Tailscale"), list)}
                {toggle(editor, RESET, t("Tailscale stops leading here when the gateway ends"))}
                {seen.tailscale()}
            })
        },
    );
    let hsts = block(
        book,
        "hsts",
        t("Only with encryption"),
        t(
            "The header Strict-Transport-Security: browsers then never come back without HTTPS. Only for a gateway that always has it.",
        ),
        &[HSTS],
        |editor| line(editor, HSTS, t("Value"), "max-age=31536000"),
    );
    vec![bind, port, public, tailscale, hsts]
}

pub(super) fn proxies(book: Book) -> Vec<AnyView> {
    const REAL_IP: &str = "gateway.allowRealIpFallback";
    let trusted = block(
        book,
        "trusted-proxies",
        t("Trusted proxies"),
        t(
            "Addresses and ranges whose X-Forwarded-For is believed. Whoever is at one of them can claim to come from anywhere.",
        ),
        &[TRUSTED],
        move |editor| {
            let lines = Lines::new(editor, TRUSTED);
            late(view! {
                {lines.fields(t("Address or range"), "172.18.0.0/16", came_through)}
                {strangers(book, editor, lines)} {your_way(book)}
            })
        },
    );
    let real_ip = block(
        book,
        "real-ip",
        "X-Real-IP",
        t("For proxies that name the client there and nowhere else."),
        &[REAL_IP],
        |editor| toggle(editor, REAL_IP, t("Believe a trusted proxy where X-Forwarded-For names nobody")),
    );
    vec![trusted, real_ip]
}

/// Who came through an entry of the list lately.
fn came_through(book: Book, entry: &str) -> Option<String> {
    let now_ms = book.live.gateway_now_ms();
    book.with(|described| {
        let is_saved = described
            .settings
            .iter()
            .any(|one| one.path == TRUSTED && one.value.as_ref().is_some_and(|list| has(list, entry)));
        let through = described.proxies.trusted.iter().filter(|one| one.entry.as_deref().map(str::trim) == Some(entry));
        let lines: Vec<String> = through.map(|one| say::passed_on(one, now_ms)).collect();
        match (lines.is_empty(), is_saved) {
            (false, _) => Some(lines.join(" ")),
            (true, true) => Some(t("Nobody came through it lately.").to_owned()),
            (true, false) => None,
        }
    })
    .flatten()
}

/// Addresses that behave like proxies, with what would trust them.
fn strangers(book: Book, editor: Editor, lines: Lines) -> AnyView {
    changing(move || {
        let wished = editor.value(TRUSTED);
        let now_ms = book.live.gateway_ahead_ms.get().saturating_add_unsigned(book.live.now_ms.get_untracked());
        let now_ms = u64::try_from(now_ms).unwrap_or_default();
        let offer = |one: &protocol::settings::PassedOn| {
            let is_taken =
                [Some(&one.address), one.range.as_ref()].into_iter().flatten().any(|entry| has(&wished, entry));
            if is_taken || editor.is_fixed() {
                return None;
            }
            let trust = |entry: &String| {
                let (label, entry) = (entry.clone(), entry.clone());
                button("", "trust", move || fill(t("Trust {entry}"), &[("entry", &label)]), move || lines.add(&entry))
            };
            let buttons: Vec<AnyView> = one.range.iter().chain([&one.address]).map(trust).collect();
            Some(view! {
                <div class="note" data-testid="stranger">
                    <p>
                        {say::stranger(one, now_ms)} " "
                        {t("If it is your proxy, trust it; if not, somebody tries to look like one.")}
                    </p>
                    <div class="actions">{buttons}</div>
                </div>
            })
        };
        let offers = book.with(|described| described.proxies.strangers.iter().filter_map(offer).collect::<Vec<_>>());
        late(offers.unwrap_or_default())
    })
}

/// How this browser comes in, which is what a wrong list would cut off.
fn your_way(book: Book) -> AnyView {
    let words = move || {
        let you = book.with(|described| described.you.clone())?;
        let words = match &you.proxy {
            Some(proxy) => {
                fill(t("You come in from {address}, through {proxy}."), &[("address", &you.address), ("proxy", proxy)])
            }
            None => fill(t("You come in from {address}, without a proxy."), &[("address", &you.address)]),
        };
        Some(late(view! { <p class="soft small" data-testid="your-way">{words}</p> }))
    };
    maybe(words)
}

pub(super) fn pages(book: Book) -> Vec<AnyView> {
    const ALLOWED: &str = "gateway.controlUi.allowedOrigins";
    const HOST: &str = "gateway.controlUi.dangerouslyAllowHostHeaderOriginFallback";
    let yours = move || {
        let page = book.with(|described| described.you.page.clone()).flatten()?;
        let words = fill(t("This page is {page}."), &[("page", &page)]);
        Some(late(view! { <p class="soft small">{words}</p> }))
    };
    let allowed = block(
        book,
        "allowed-origins",
        t("Allowed pages"),
        t(
            "Pages from elsewhere that may connect. The gateway's own page needs no entry on this machine, in private networks, and behind a trusted proxy.",
        ),
        &[ALLOWED],
        move |editor| late(view! { {plain(editor, ALLOWED, t("Page"), "https://gateway.example.com")} {maybe(yours)} }),
    );
    let host = block(
        book,
        "host-header",
        t("The Host header"),
        t(
            "Accepts every page whose address is the one it asked for. A name that leads here by a trick is accepted then, too.",
        ),
        &[HOST],
        |editor| toggle(editor, HOST, t("Believe the Host header")),
    );
    vec![allowed, host]
}
