//! The one port: who may ask what.

use access::Unattributable;
use access::locality::Ingress as Way;
use axum::body::Body;
use axum::extract::Request;
use axum::middleware::{self, Next};
use axum::response::{Html, IntoResponse, Response};
use axum::routing::{any, get};
use axum::{Json, Router};
use http::{Method, StatusCode, header};
use leptos_axum::{LeptosRoutes, generate_route_list, render_app_to_stream_with_context};
use protocol::Refusal;
use serde_json::json;

use super::passed_on::Passed;
use super::peer::{Ingress, Peer};
use super::security_headers::{FIXED, fixed, strict_transport_security};
use super::{control_ui, health, join, plain};
use crate::gateway::{attempts, upgrade};
use crate::state::AppState;

pub fn router(state: &AppState) -> Router {
    let options = control_ui::options();
    let pages = generate_route_list(app::App);
    let shell = {
        let options = options.clone();
        move || app::shell(options.clone())
    };
    let ready = {
        let state = state.clone();
        move || health::ready(state.clone())
    };
    let answer_plain = {
        let state = state.clone();
        move |request| plain::answer(state.clone(), request)
    };
    let arrive_state = state.clone();
    let [content_type_options, referrer_policy, frame_options, permissions_policy, content_security_policy] = FIXED;
    Router::new()
        // Probes.
        .route("/health", get(health::live))
        .route("/healthz", get(health::live))
        .route("/ready", get(ready.clone()))
        .route("/readyz", get(ready))
        .route("/startup", get(health::started))
        .route("/startupz", get(health::started))
        // For browsers without WebAssembly.
        .route("/plain", any(answer_plain.clone()))
        .route("/plain/{*action}", any(answer_plain))
        // The Control UI.
        .leptos_routes_with_context(&options, pages, control_ui::provide_page_facts, shell)
        .fallback(file_or_page)
        .with_state(options)
        // Who asks is found out before anything is answered; sockets leave here, on any path.
        .layer(middleware::from_fn(move |request, next| arrive(arrive_state.clone(), request, next)))
        .layer((
            fixed(content_type_options),
            fixed(referrer_policy),
            fixed(frame_options),
            fixed(permissions_policy),
            fixed(content_security_policy),
            strict_transport_security(state.clone()),
        ))
}

/// Sockets and nothing else, for the one command that a gateway may be there for: to know its pages, the whole one has
/// to render them.
pub fn sockets_only(state: &AppState) -> Router {
    let state = state.clone();
    let nothing = async || (StatusCode::NOT_FOUND, "Not Found");
    Router::new()
        .fallback(nothing)
        .layer(middleware::from_fn(move |request, next| arrive(state.clone(), request, next)))
}

/// Probes that answer even through a proxy we know nothing about: they say nothing.
const OPEN_PROBES: [&str; 2] = ["/health", "/healthz"];

async fn arrive(state: AppState, mut request: Request, next: Next) -> Response {
    let Some(peer) = request.extensions().get::<Peer>().copied() else {
        // Requests that reach the router without a connection have nobody to answer to.
        return StatusCode::INTERNAL_SERVER_ERROR.into_response();
    };
    let ingress = Ingress::resolve(peer, request.headers(), &state.config().policy);
    note_passed_on(&state, peer, &ingress);
    match ingress {
        Ok(ingress) if upgrade::is_upgrade(request.headers()) => upgrade::upgrade(&state, ingress, peer, request),
        Ok(ingress) => {
            if let Some(code) = join::code_in(request.uri().path()).map(str::to_owned) {
                return match join::refuse(&request) {
                    Some(refused) => refused,
                    None => join::answer(&state, &ingress, &code).await,
                };
            }
            request.extensions_mut().insert(ingress);
            next.run(request).await
        }
        Err(_) if OPEN_PROBES.contains(&request.uri().path()) => next.run(request).await,
        Err(why) => {
            attempts::note_unattributable(&state, peer, why, request.headers());
            refuse_unattributable(peer, why, &request)
        }
    }
}

/// Remembers who passes requests on, for whoever looks after the list of proxies.
fn note_passed_on(state: &AppState, peer: Peer, ingress: &Result<Ingress, Unattributable>) {
    let Peer::Tcp(address) = peer else { return };
    let passed = match ingress {
        Ok(Ingress { attribution, .. }) if matches!(attribution.ingress, Way::TrustedProxy { .. }) => {
            Passed::For(attribution.client)
        }
        Ok(_) => return,
        Err(Unattributable::NoClientAddress) => Passed::Nameless,
        Err(Unattributable::UntrustedPeer) => Passed::Unbelieved,
    };
    state.passed_on.note(address.ip(), passed, state.clock.now_ms());
}

/// What the log and the refused client call it.
pub const UNATTRIBUTABLE: &str = "proxy_attribution_required";

/// Tells the log which proxy it was and what to write where; tells the visitor as much as is theirs to
/// know (wire.md §1.2).
fn refuse_unattributable(peer: Peer, why: Unattributable, request: &Request) -> Response {
    if let Peer::Tcp(address) | Peer::Tailscale(address) = peer {
        let address = address.ip().to_canonical();
        let fix = match why {
            Unattributable::UntrustedPeer => {
                format!("it is not a trusted proxy; if it is yours, add \"{address}\" to gateway.trustedProxies")
            }
            Unattributable::NoClientAddress => {
                "it is a trusted proxy but names no client; let it set X-Forwarded-For to the client's address"
                    .to_owned()
            }
        };
        tracing::warn!(
            peer.address = %address,
            refusal.code = UNATTRIBUTABLE,
            "Refused a request that {address} passed on: {fix}"
        );
    }
    let refusal = Refusal::ProxyUnattributable;
    let wants_page = request
        .headers()
        .get(header::ACCEPT)
        .and_then(|accept| accept.to_str().ok())
        .is_some_and(|accept| accept.contains("text/html"));
    if wants_page {
        let advice = refusal.advice();
        let page = format!(
            "<!DOCTYPE html><html lang=\"en\"><meta charset=\"utf-8\"><meta name=\"viewport\" content=\"width=device-width\">\
             <title>The gateway does not know this proxy</title><h1>The gateway does not know this proxy</h1><p>{}</p><p>{}</p>",
            advice.sentence, advice.next_step
        );
        return (StatusCode::FORBIDDEN, Html(page)).into_response();
    }
    let body = json!({"error": {"message": refusal.message(), "type": UNATTRIBUTABLE}});
    (StatusCode::FORBIDDEN, [(header::CONNECTION, "close")], Json(body)).into_response()
}

/// A file of the bundle, the page for a path that looks like one, or nothing.
async fn file_or_page(request: Request<Body>) -> Response {
    let path = request.uri().path().to_owned();
    let is_read = matches!(*request.method(), Method::GET | Method::HEAD);
    if is_read && let Some(file) = control_ui::asset(&path, request.headers()) {
        return file;
    }
    let looks_like_page = !path.rsplit('/').next().unwrap_or_default().contains('.');
    let is_api = path.starts_with("/api/") || path.starts_with("/v1/");
    if !is_read || is_api || !looks_like_page {
        return (StatusCode::NOT_FOUND, "Not Found").into_response();
    }
    let render =
        render_app_to_stream_with_context(control_ui::provide_page_facts, || app::shell(control_ui::options()));
    render(request).await.into_response()
}
