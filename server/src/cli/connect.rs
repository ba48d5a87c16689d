//! `openclaw connect`, and `openclaw node run --pair`: becoming a node with a join link or a setup code.

use client::{JoinError, fetch_join};
use protocol::SetupCode;
use protocol::handshake::Auth;

use super::Outcome;
use super::args::{ConnectArgs, NodeWhoArgs};
use super::node::{Introduction, serve};
use super::output::{Failure, say, sentence};
use crate::clock::Clock;
use crate::config::Environment;

/// How a new code is made.
const ANOTHER: &str = "make a new one with `openclaw devices join-code` on the gateway's machine";

pub async fn run(args: &ConnectArgs, env: &Environment) -> Outcome {
    join(&args.link, &args.who, env).await
}

/// Reads the link or code, and runs the node that it makes of this machine.
pub async fn join(link: &str, who: &NodeWhoArgs, env: &Environment) -> Outcome {
    let code = if is_join_url(link) {
        say("Fetching the setup code…");
        fetch_join(link).await.map_err(|error| explain(&error))?
    } else {
        SetupCode::decode(link, Clock::default().now_ms())
            .map_err(|error| Failure::new(error.to_string()).hint(ANOTHER))?
    };
    serve(introduction(code), who, env).await
}

/// A link that nobody has answered is as good as before.
fn explain(error: &JoinError) -> Failure {
    let hint = match error {
        JoinError::Unreachable { .. } | JoinError::RateLimited => {
            "the link was not used: run this again when the gateway can be reached"
        }
        JoinError::Malformed(_)
        | JoinError::NeedsHttps { .. }
        | JoinError::TimedOut
        | JoinError::Spent
        | JoinError::Rejected { .. }
        | JoinError::Protocol { .. }
        | JoinError::Payload(_) => ANOTHER,
    };
    Failure::new(sentence(&error.to_string())).hint(hint)
}

/// Whether a text is an address to fetch the code from, rather than the code.
fn is_join_url(link: &str) -> bool {
    let scheme = link.trim().split_once("://").map(|(scheme, _)| scheme.to_ascii_lowercase());
    matches!(scheme.as_deref(), Some("http" | "https"))
}

fn introduction(code: SetupCode) -> Introduction {
    Introduction {
        address: code.url,
        fingerprint: code.tls_fingerprint,
        auth: Auth { bootstrap_token: Some(code.bootstrap_token), ..Auth::default() },
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn links_are_fetched_and_codes_are_read() {
        for link in ["https://gateway.example/j/abc", " HTTP://127.0.0.1:1/j/abc"] {
            assert!(is_join_url(link), "{link}");
        }
        for code in ["oc-pair://eyJ1cmwi", "eyJ1cmwi", ""] {
            assert!(!is_join_url(code), "{code}");
        }
    }
}
