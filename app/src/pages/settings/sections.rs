//! The page, section by section.

use leptos::prelude::*;
use leptos_router::hooks::use_location;
use protocol::settings::Limits;

use super::book::Book;
use super::editor::{Editor, block, sentence};
use super::fields::{Word, choice, line, maybe, number, seconds, toggle};
use super::list::{Lines, has, plain};
use super::passkeys::step_up;
use super::reach::Seen;
use super::secret::{Kind, secret};
use super::trial::notices;
use crate::language::{fill, t};
use crate::late::{button, changing, late, when};
use crate::live::advice;
use crate::outside;
use crate::settings::words as say;
use crate::time_words;

const BIND: &str = "gateway.bind";
const CUSTOM_BIND: &str = "gateway.customBindHost";
const MODE: &str = "gateway.auth.mode";
const TRUSTED: &str = "gateway.trustedProxies";

/// Everything, once the gateway has said how it is.
pub(super) fn sections() -> AnyView {
    let book = Book::open();
    let is_known = Memo::new(move |_| book.described.with(Option::is_some));
    let has_failed = move || !is_known.get() && book.problem.with(Option::is_some);
    late(view! {
        {when(move || is_known.get(), move || untrack(|| all(book)))}
        {when(
            move || !is_known.get() && !has_failed(),
            || late(view! { <p class="soft">{t("Asking the gateway for its settings…")}</p> }),
        )}
        {when(has_failed, move || failed(book))}
    })
}

fn failed(book: Book) -> AnyView {
    let why = book.problem.with_untracked(|problem| problem.as_ref().map(advice)).unwrap_or_default();
    late(view! {
        <div class="note" role="alert">
            <p>{why}</p>
            {button("", "", || t("Try again"), move || book.reload(|_| {}))}
        </div>
    })
}

fn all(book: Book) -> AnyView {
    let file = move || book.with(|described| described.path.clone()).unwrap_or_default();
    let seen = Seen::look(book);
    // What stands above has its height now, so a link from another page can lead there.
    if use_location().hash.get_untracked() == "#notifications" {
        outside::focus("notifications");
    }
    late(view! {
        <p class="soft small settings-file">
            {t("Each setting is saved alone, into the file, whose comments stay:")} " "
            <code data-testid="settings-file">{file}</code>
        </p>
        {notices(book)}
        {section("settings-access", t("Access"), access(book))}
        {section("settings-pairing", t("Who may ask"), pairing(book))}
        {section("settings-passkeys", t("Passkeys"), step_up(book))}
        {section("settings-ways", t("Ways in"), ways(book, seen))}
        {section("settings-proxies", t("Behind a proxy"), proxies(book))}
        {section("settings-pages", t("Pages from elsewhere"), pages(book))}
        {section("settings-nodes", t("Nodes"), nodes(book))}
    })
}

fn section(id: &'static str, title: &'static str, blocks: Vec<AnyView>) -> AnyView {
    late(view! {
        <section class="settings-section" aria-labelledby=id>
            <h2 id=id>{title}</h2>
            <div class="settings-list">{blocks}</div>
        </section>
    })
}

pub(super) fn word(key: &'static str, title: &'static str, help: &'static str) -> Word {
    Word { key, title, help }
}

fn access(book: Book) -> Vec<AnyView> {
    let mode = block(
        book,
        "auth-mode",
        t("What a device shows"),
        t("To be allowed to ask. It is never enough to be let in."),
        &[MODE],
        |editor| {
            let list = vec![
                word("token", t("The access token"), t("A long random text that this gateway has made.")),
                word("password", t("A password"), t("One that you have chosen; set it below first.")),
                word("none", t("Nothing"), t("Only on this machine, and only for gateways that nobody else reaches.")),
            ];
            choice(editor, MODE, t("What a device shows"), list)
        },
    );
    let wrong = block(
        book,
        "wrong-secrets",
        t("Wrong secrets"),
        t("How many lock an address out, and for how long."),
        &[
            "gateway.auth.rateLimit.maxAttempts",
            "gateway.auth.rateLimit.windowMs",
            "gateway.auth.rateLimit.lockoutMs",
            "gateway.auth.rateLimit.exemptLoopback",
        ],
        |editor| {
            late(view! {
                <div class="field-row">
                    {number(editor, "gateway.auth.rateLimit.maxAttempts", t("Wrong secrets"))}
                    {seconds(editor, "gateway.auth.rateLimit.windowMs", t("Within, in seconds"))}
                    {seconds(editor, "gateway.auth.rateLimit.lockoutMs", t("Locked out for, in seconds"))}
                </div>
                {toggle(
                    editor,
                    "gateway.auth.rateLimit.exemptLoopback",
                    t("Programs on this machine are slowed down instead"),
                )}
            })
        },
    );
    vec![mode, secret(book, Kind::Token), secret(book, Kind::Password), wrong]
}

fn pairing(book: Book) -> Vec<AnyView> {
    const KNOCK: &str = "gateway.pairing.knock";
    const LOCAL: &str = "gateway.nodes.pairing.autoApproveLocal";
    const RANGES: &str = "gateway.nodes.pairing.autoApproveCidrs";
    let limits = move || {
        let Limits { waiting_per_address, waiting, waiting_ms } = book.with(|described| described.limits)?;
        let values = [
            ("per", waiting_per_address.to_string()),
            ("all", waiting.to_string()),
            ("span", time_words::span(waiting_ms)),
        ];
        let values: Vec<(&str, &str)> = values.iter().map(|(name, value)| (*name, value.as_str())).collect();
        let words = fill(t("At most {per} requests of one address wait, {all} in all, each for {span}."), &values);
        Some(late(view! { <p class="soft small">{words}</p> }))
    };
    let knock = block(
        book,
        "knock",
        t("Asking without a secret"),
        t("From where a device may ask that shows nothing. You decide about it like about any other."),
        &[KNOCK],
        move |editor| {
            let list = vec![
                word("private", t("From near"), t("This machine, private networks and your tailnet.")),
                word("any", t("From anywhere"), t("Strangers on the internet may ask, too.")),
                word("off", t("From nowhere"), t("Without the secret nobody may ask.")),
            ];
            late(view! { {choice(editor, KNOCK, t("Asking without a secret"), list)} {maybe(limits)} })
        },
    );
    let local = block(
        book,
        "approve-local",
        t("This machine"),
        t("Programs and pages on the gateway's own machine. Never through a proxy."),
        &[LOCAL],
        |editor| toggle(editor, LOCAL, t("Approved without asking where they show the secret")),
    );
    let ranges = block(
        book,
        "approve-ranges",
        t("Nodes of these networks"),
        t(
            "New nodes that come from there and show the secret are approved without asking, with no rights but to be a node.",
        ),
        &[RANGES],
        |editor| plain(editor, RANGES, t("Address or range"), "192.168.7.0/24"),
    );
    vec![knock, local, ranges]
}

fn ways(book: Book, seen: Seen) -> Vec<AnyView> {
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

fn proxies(book: Book) -> Vec<AnyView> {
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

fn pages(book: Book) -> Vec<AnyView> {
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

fn nodes(book: Book) -> Vec<AnyView> {
    const ALLOW: &str = "gateway.nodes.commands.allow";
    const DENY: &str = "gateway.nodes.commands.deny";
    let allow = block(
        book,
        "node-commands",
        t("More commands"),
        t("That nodes may offer besides those usual for their platform. You still approve them for each node."),
        &[ALLOW],
        |editor| plain(editor, ALLOW, t("Command"), "camera.snap"),
    );
    let deny = block(
        book,
        "no-node-commands",
        t("Never these commands"),
        t("No node may offer them, whatever was approved."),
        &[DENY],
        |editor| plain(editor, DENY, t("Command"), "system.run"),
    );
    vec![allow, deny]
}
