//! The page for browsers that run no WebAssembly: who waits, and two buttons each, as plain forms.
//!
//! Rendered whole by the gateway for every visit. It does the one thing that cannot wait, and names the commands for
//! the rest.

use leptos::prelude::*;
use protocol::pairing::{PendingRequest, client_kind};

use crate::browser_name::BrowserName;
use crate::permissions;
use crate::time_words;

/// The name of the form field that proves that the form is this page's own.
pub const GUARD: &str = "guard";

/// What the page shows.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum PlainPage {
    /// It is not known yet who looks. `problem` says why the last try failed.
    SignIn { problem: Option<String> },
    /// The owner looks.
    Desk {
        pending: Vec<PendingRequest>,
        /// By the gateway's clock: Unix epoch, milliseconds.
        now_ms: u64,
        /// What every form carries.
        guard: String,
        /// What came of the last click.
        said: Option<String>,
    },
}

/// The whole document.
pub fn plain_page(page: PlainPage) -> String {
    let owner = Owner::new();
    let html = owner.with(|| {
        let body = match page {
            PlainPage::SignIn { problem } => sign_in(problem).into_any(),
            PlainPage::Desk { pending, now_ms, guard, said } => desk(&pending, now_ms, &guard, said).into_any(),
        };
        view! {
            <html lang="en">
                <head>
                    <meta charset="utf-8" />
                    <meta name="viewport" content="width=device-width, initial-scale=1, viewport-fit=cover" />
                    <meta name="color-scheme" content="light dark" />
                    <title>"Devices · OpenClaw"</title>
                    <link rel="stylesheet" href="/pkg/main.css" />
                    <link rel="icon" href="/favicon.svg" type="image/svg+xml" />
                </head>
                <body>
                    <main id="main" class="plain">{body}</main>
                </body>
            </html>
        }
        .to_html()
    });
    format!("<!DOCTYPE html>{html}")
}

fn sign_in(problem: Option<String>) -> impl IntoView {
    let problem = problem.map(|words| {
        view! {
            <p class="note" role="alert">
                {words}
            </p>
        }
    });
    view! {
        <section class="card" aria-labelledby="sign-in">
            <h1 id="sign-in">"Decide without WebAssembly"</h1>
            <p class="soft">
                "The gateway's usual page needs WebAssembly, which this browser does not run. Here you can approve and \
                 reject devices all the same."
            </p>
            {problem}
            <form method="post" action="/plain/sign-in" class="plain-form">
                <label for="code">"Owner link"</label>
                <input id="code" name="code" type="password" autocomplete="off" required="required" />
                <p class="soft small">
                    "On the gateway's machine, " <code>"openclaw dashboard --no-open"</code>
                    " prints one. It works once."
                </p>
                <div class="actions">
                    <button type="submit" class="primary">
                        "Continue"
                    </button>
                </div>
            </form>
        </section>
    }
}

fn desk(pending: &[PendingRequest], now_ms: u64, guard: &str, said: Option<String>) -> impl IntoView + use<> {
    let said = said.map(|words| {
        view! {
            <p class="note" role="status">
                {words}
            </p>
        }
    });
    let heading = match pending.len() {
        0 => "Nobody waits".to_owned(),
        1 => "1 device wants in".to_owned(),
        count => format!("{count} devices want in"),
    };
    let cards = pending.iter().map(|request| card(request, now_ms, guard)).collect_view();
    view! {
        <h1>{heading}</h1>
        {said}
        <p class="soft">
            "Approve only what you expect. " <a href="/plain">"Look again"</a>
            " · what else there is to do: " <code>"openclaw devices --help"</code>
        </p>
        <div class="cards">{cards}</div>
        <form method="post" action="/plain/sign-out">
            <input type="hidden" name=GUARD value=guard.to_owned() />
            <button type="submit" class="ghost">
                "Sign out"
            </button>
        </form>
    }
}

fn card(request: &PendingRequest, now_ms: u64, guard: &str) -> impl IntoView + use<> {
    let title = format!("card-{}", request.request_id);
    let labelled_by = title.clone();
    let evidence = request.evidence.as_ref();
    let claim = match evidence.and_then(|evidence| evidence.user_agent.as_deref()) {
        Some(user_agent) => BrowserName::of(user_agent).described(),
        None => format!("{} on {}", client_kind(&request.client_id), request.platform),
    };
    let from = evidence.map(|evidence| {
        let origin = &evidence.origin;
        format!("{}, {} ({})", origin.network.label(), origin.address, origin.resolved)
    });
    let held = evidence.map(|evidence| evidence.approved_scopes.clone()).unwrap_or_default();
    let asks = permissions::asks(request.role, &request.scopes, &held)
        .into_iter()
        .map(|ask| view! { <li>{ask.sentence.into_owned()} {ask.is_held.then_some(" (has it)")}</li> })
        .collect_view();
    let proof = request.fingerprint().map(|proof| {
        let spoken = proof.spoken_emoji();
        view! {
            <p class="emoji" role="img" aria-label=spoken>
                {proof.emoji.join(" ")}
            </p>
            <p class="words">{proof.words.join(" ")}</p>
            <p class="soft small mono">{proof.hex}</p>
        }
    });
    let when = format!("First asked {}", time_words::ago(request.ts, now_ms));
    let digest = evidence.map(|evidence| evidence.digest.clone()).unwrap_or_default();
    view! {
        <article class="card" aria-labelledby=labelled_by>
            <h2 id=title>{request.shown_name()}</h2>
            <p class="soft small">{claim} " (claimed) · " {when}</p>
            <div class="proof">{proof}</div>
            <p>{from}</p>
            <ul>{asks}</ul>
            <form method="post" action="/plain/decide" class="actions">
                <input type="hidden" name=GUARD value=guard.to_owned() />
                <input type="hidden" name="requestId" value=request.request_id.clone() />
                <input type="hidden" name="digest" value=digest />
                <button type="submit" name="decision" value="approve" class="primary">
                    "Approve"
                </button>
                <button type="submit" name="decision" value="reject" class="ghost danger">
                    "Reject"
                </button>
            </form>
        </article>
    }
}
