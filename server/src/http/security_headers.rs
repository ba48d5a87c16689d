//! Headers that go out with every response (wire.md §11).

use axum::extract::Request;
use axum::middleware::Next;
use axum::response::Response;
use http::StatusCode;
use http::header::{self, HeaderMap, HeaderName, HeaderValue};

use crate::state::AppState;

/// What a response may do that is not a page: nothing.
const NOTHING: &str = "default-src 'none'; frame-ancestors 'none'; base-uri 'none'; form-action 'none'";

/// Adds what the handler has not set itself.
pub async fn add(state: AppState, request: Request, next: Next) -> Response {
    let mut response = next.run(request).await;
    // A socket is no document; its answer says only what WebSocket wants (wire.md §1.1).
    if response.status() == StatusCode::SWITCHING_PROTOCOLS {
        return response;
    }
    let headers = response.headers_mut();
    set(headers, header::X_CONTENT_TYPE_OPTIONS, "nosniff");
    set(headers, header::REFERRER_POLICY, "no-referrer");
    set(headers, header::X_FRAME_OPTIONS, "DENY");
    set(headers, HeaderName::from_static("permissions-policy"), "camera=(), microphone=(self), geolocation=()");
    set(headers, header::CONTENT_SECURITY_POLICY, NOTHING);
    if let Some(value) = &state.config().strict_transport_security
        && let Ok(value) = HeaderValue::from_str(value)
    {
        headers.insert(header::STRICT_TRANSPORT_SECURITY, value);
    }
    response
}

fn set(headers: &mut HeaderMap, name: HeaderName, value: &'static str) {
    headers.entry(name).or_insert(HeaderValue::from_static(value));
}

/// The policy of a page: its own scripts and styles, the scripts that carry this response's nonce,
/// WebAssembly, and sockets to its own origin.
pub fn page_policy(nonce: &str) -> String {
    format!(
        "default-src 'none'; script-src 'self' 'nonce-{nonce}' 'wasm-unsafe-eval'; style-src 'self'; \
         img-src 'self' data:; font-src 'self'; connect-src 'self'; manifest-src 'self'; worker-src 'self'; \
         base-uri 'none'; form-action 'self'; frame-ancestors 'none'; object-src 'none'"
    )
}
