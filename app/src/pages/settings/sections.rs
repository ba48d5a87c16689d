//! The page, section by section.

use leptos::prelude::*;
use leptos_router::hooks::use_location;
use protocol::settings::Limits;

use super::book::Book;
use super::editor::block;
use super::fields::{Word, choice, maybe, number, seconds, toggle};
use super::list::plain;
use super::passkeys::step_up;
use super::reach::Seen;
use super::secret::{Kind, secret};
use super::trial::notices;
use super::ways::{pages, proxies, ways};
use crate::language::{fill, t};
use crate::late::{button, late, when};
use crate::live::advice;
use crate::outside;
use crate::time_words;

const MODE: &str = "gateway.auth.mode";

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
