//! From an HTTP request to a WebSocket, on any path (wire.md §1.1–1.2).

use axum::body::Body;
use axum::response::{IntoResponse, Response};
use http::{HeaderMap, HeaderValue, Request, StatusCode, header};
use hyper_util::rt::TokioIo;
use protocol::Refusal;
use tokio_tungstenite::tungstenite::handshake::derive_accept_key;

use super::attempts;
use super::handshake::{self, Arrival, Entered};
use super::socket::Socket;
use crate::http::peer::{Ingress, Peer};
use crate::state::AppState;

/// Whether a request wants to leave HTTP behind.
pub fn is_upgrade(headers: &HeaderMap) -> bool {
    headers.contains_key(header::UPGRADE)
}

/// Sockets of the reference that we do not have: workers, desktops, portals, plugin surfaces. A client that
/// wants one must not end up in the ordinary handshake (wire.md §1.1).
const RESERVED: [&str; 4] = ["/__openclaw__/worker", "/desktop/observe", "/node-desktop/attach", "/node-portal/attach"];
const RESERVED_PREFIX: &str = "/__openclaw__/cap/";

/// Answers an upgrade request and serves the socket in a task of its own.
pub fn upgrade(state: &AppState, ingress: Ingress, peer: Peer, mut request: Request<Body>) -> Response {
    let path = request.uri().path();
    if RESERVED.contains(&path) || path.starts_with(RESERVED_PREFIX) {
        return (StatusCode::NOT_FOUND, [(header::CONNECTION, "close")], "Not Found").into_response();
    }
    let Some(accept) = accept_key(&request) else {
        return (StatusCode::BAD_REQUEST, [(header::CONNECTION, "close")], "Bad Request").into_response();
    };
    if state.stopping.is_cancelled() {
        return refuse(&Refusal::GatewayStopping);
    }
    // Strangers must not be able to keep the owner out.
    let mut place = None;
    if !ingress.is_owner {
        let limit = state.config().max_unauthenticated_per_address;
        place = state.unauthenticated.admit(ingress.attribution.client, limit);
        if place.is_none() {
            let arrival = Arrival::new(ingress, peer, request.headers(), None);
            attempts::note_refusal(state, &arrival, None, &Refusal::TooManyUnauthenticated);
            return refuse(&Refusal::TooManyUnauthenticated);
        }
    }
    let arrival = Arrival::new(ingress, peer, request.headers(), place);
    let upgraded = hyper::upgrade::on(&mut request);
    // Boxed, so that an idle session does not carry the memory its handshake needed.
    let entering = Box::pin(enter(state.clone(), arrival, upgraded));
    let state = state.clone();
    state.clone().tasks.spawn(async move {
        if let Some(entered) = entering.await {
            entered.serve(&state).await;
        }
    });
    switching_protocols(&accept)
}

async fn enter(
    state: AppState,
    arrival: Arrival,
    upgraded: hyper::upgrade::OnUpgrade,
) -> Option<Entered<TokioIo<hyper::upgrade::Upgraded>>> {
    let stream =
        upgraded.await.inspect_err(|error| tracing::debug!(%error, "A client left during its upgrade")).ok()?;
    handshake::enter(&state, arrival, Socket::accept(TokioIo::new(stream)).await).await
}

/// The answer to a valid WebSocket key (RFC 6455 §4.2.2), if the request is one.
fn accept_key(request: &Request<Body>) -> Option<String> {
    let headers = request.headers();
    let says = |name: header::HeaderName, word: &str| {
        let words =
            headers.get_all(name).into_iter().filter_map(|value| value.to_str().ok()).flat_map(|v| v.split(','));
        words.map(str::trim).any(|token| token.eq_ignore_ascii_case(word))
    };
    let is_websocket = request.method() == http::Method::GET
        && says(header::UPGRADE, "websocket")
        && says(header::CONNECTION, "upgrade")
        && says(header::SEC_WEBSOCKET_VERSION, "13");
    let key = headers.get(header::SEC_WEBSOCKET_KEY).filter(|_| is_websocket)?;
    Some(derive_accept_key(key.as_bytes()))
}

fn switching_protocols(accept: &str) -> Response {
    let mut response = StatusCode::SWITCHING_PROTOCOLS.into_response();
    let headers = response.headers_mut();
    headers.insert(header::UPGRADE, HeaderValue::from_static("websocket"));
    headers.insert(header::CONNECTION, HeaderValue::from_static("Upgrade"));
    if let Ok(accept) = HeaderValue::from_str(accept) {
        headers.insert(header::SEC_WEBSOCKET_ACCEPT, accept);
    }
    response
}

fn refuse(refusal: &Refusal) -> Response {
    let status = StatusCode::from_u16(refusal.http_status()).unwrap_or(StatusCode::BAD_REQUEST);
    (status, [(header::CONNECTION, "close")], refusal.message()).into_response()
}
