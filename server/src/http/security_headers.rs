//! Headers that go out with every response (wire.md §11).

use axum::response::Response;
use http::StatusCode;
use http::header::{self, HeaderName, HeaderValue};
use tower_http::set_header::SetResponseHeaderLayer;

use crate::state::AppState;

/// What goes out unless the handler has said otherwise. A response that is not a page may do nothing.
pub const FIXED: [(HeaderName, &str); 5] = [
    (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
    (header::REFERRER_POLICY, "no-referrer"),
    (header::X_FRAME_OPTIONS, "DENY"),
    (HeaderName::from_static("permissions-policy"), "camera=(), microphone=(self), geolocation=()"),
    (
        header::CONTENT_SECURITY_POLICY,
        "default-src 'none'; frame-ancestors 'none'; base-uri 'none'; form-action 'none'",
    ),
];

/// Adds one of them.
pub fn fixed(
    (name, value): (HeaderName, &'static str),
) -> SetResponseHeaderLayer<impl Fn(&Response) -> Option<HeaderValue> + Clone> {
    let value = HeaderValue::from_static(value);
    SetResponseHeaderLayer::if_not_present(name, move |response: &Response| {
        is_document(response).then(|| value.clone())
    })
}

/// Adds `Strict-Transport-Security` where it is set (`gateway.http.securityHeaders`).
pub fn strict_transport_security(
    state: AppState,
) -> SetResponseHeaderLayer<impl Fn(&Response) -> Option<HeaderValue> + Clone> {
    SetResponseHeaderLayer::overriding(header::STRICT_TRANSPORT_SECURITY, move |response: &Response| {
        let config = state.config();
        let value = config.strict_transport_security.as_deref().filter(|_| is_document(response))?;
        HeaderValue::from_str(value).ok()
    })
}

/// A socket is no document; the answer to its upgrade says only what WebSocket wants (wire.md §1.1).
fn is_document(response: &Response) -> bool {
    response.status() != StatusCode::SWITCHING_PROTOCOLS
}

/// The policy of the service worker: the pictures of its notifications, and nothing else.
pub const WORKER_POLICY: &str = "default-src 'none'; img-src 'self'; connect-src 'self'";

/// The policy of a page: its own scripts and styles, the scripts that carry this response's nonce,
/// WebAssembly, and sockets to its own origin.
pub fn page_policy(nonce: &str) -> String {
    format!(
        "default-src 'none'; script-src 'self' 'nonce-{nonce}' 'wasm-unsafe-eval'; style-src 'self'; \
         img-src 'self' data:; font-src 'self'; connect-src 'self'; manifest-src 'self'; worker-src 'self'; \
         base-uri 'none'; form-action 'self'; frame-ancestors 'none'; object-src 'none'"
    )
}
