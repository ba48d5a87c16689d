//! `GET …/j/<code>`: hands a setup code out once (wire.md §10.5).

use axum::Json;
use axum::extract::Request;
use axum::response::{IntoResponse, Response};
use http::{HeaderMap, Method, StatusCode, header};
use protocol::{Secret, SetupCode};
use serde_json::json;

use super::peer::Ingress;
use crate::gateway::limits::{Attempt, Source};
use crate::keys::{hash_code, new_secret};
use crate::state::AppState;

/// 16 bytes as base64url.
const CODE_LENGTH: usize = 22;

/// The code that a path asks for, whatever a proxy has put before it.
pub fn code_in(path: &str) -> Option<&str> {
    let (before, code) = path.rsplit_once('/')?;
    let is_code = code.len() == CODE_LENGTH
        && code.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_'));
    (before.ends_with("/j") && is_code).then_some(code)
}

/// What is answered without looking at the code. Only a real `GET` spends one: a preview of the link must
/// not.
pub fn refuse(request: &Request) -> Option<Response> {
    if request.method() != Method::GET {
        return Some((StatusCode::METHOD_NOT_ALLOWED, [(header::ALLOW, "GET"), NO_STORE]).into_response());
    }
    let is_odd = request.uri().query().is_some() || is_prefetch(request.headers());
    is_odd.then(not_found)
}

/// Answers whoever asks with a code.
pub async fn answer(state: &AppState, ingress: &Ingress, code: &str) -> Response {
    let source = Source::new(ingress.attribution.client, None);
    let now_ms = state.clock.now_ms();
    if state.limiter.locked_for(Attempt::Join, &source, now_ms).is_some() {
        return (StatusCode::TOO_MANY_REQUESTS, [NO_STORE], Json(json!({"error": "rate_limited"}))).into_response();
    }
    match redeem(state, ingress, code, now_ms).await {
        Ok(Some(setup)) => ([NO_STORE], Json(setup)).into_response(),
        Ok(None) => {
            let rules = state.config().rate_limit;
            // Nothing is held back here: a code has 128 bits, and guesses from this machine cost nobody else.
            let _ = state.limiter.record_failure(Attempt::Join, &source, &rules, now_ms);
            not_found()
        }
        Err(error) => {
            tracing::error!(%error, "A join URL could not be answered");
            (StatusCode::SERVICE_UNAVAILABLE, [NO_STORE], Json(json!({"error": "unavailable"}))).into_response()
        }
    }
}

async fn redeem(state: &AppState, ingress: &Ingress, code: &str, now_ms: u64) -> anyhow::Result<Option<SetupCode>> {
    let bootstrap_token = new_secret()?;
    let (code, new_code) = (hash_code(&Secret::new(code)), hash_code(&bootstrap_token));
    let Some(spent) = state.store.redeem_join_code(&code, &new_code, now_ms).await? else {
        return Ok(None);
    };
    tracing::info!(setup.id = spent.setup_id, peer.address = %ingress.attribution.client, "A join URL was used");
    Ok(Some(SetupCode {
        url: spent.target.url,
        urls: None,
        bootstrap_token,
        expires_at_ms: Some(spent.expires_at_ms),
        tls_fingerprint: spent.target.tls_fingerprint,
    }))
}

const NO_STORE: (header::HeaderName, &str) = (header::CACHE_CONTROL, "no-store");

fn not_found() -> Response {
    (StatusCode::NOT_FOUND, [NO_STORE], Json(json!({"error": "not_found"}))).into_response()
}

/// Whether a browser only looks ahead (Fetch, `Sec-Purpose`; older ones say `Purpose` or `X-Moz`).
fn is_prefetch(headers: &HeaderMap) -> bool {
    ["sec-purpose", "purpose", "x-moz"].iter().any(|name| {
        headers.get(*name).and_then(|value| value.to_str().ok()).is_some_and(|value| value.contains("prefetch"))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_code_stands_behind_j_whatever_comes_before() {
        assert_eq!(code_in("/j/u-tD_WFQ09P_3Bygd8SLyw"), Some("u-tD_WFQ09P_3Bygd8SLyw"));
        assert_eq!(code_in("/a/b/j/u-tD_WFQ09P_3Bygd8SLyw"), Some("u-tD_WFQ09P_3Bygd8SLyw"));
        for path in
            ["/j/short", "/jj/u-tD_WFQ09P_3Bygd8SLyw", "/j/u-tD_WFQ09P_3Bygd8SLy%", "/j/u-tD_WFQ09P_3Bygd8SLyw/", "/"]
        {
            assert_eq!(code_in(path), None, "{path}");
        }
    }
}
