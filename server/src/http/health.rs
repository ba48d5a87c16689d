//! Probes for people and machines that watch the gateway (wire.md §11).

use axum::Json;
use axum::response::{IntoResponse, Response};
use http::{StatusCode, header};
use serde_json::json;

use crate::state::AppState;

/// The process lives.
pub async fn live() -> Response {
    ([(header::CACHE_CONTROL, "no-store")], Json(json!({"ok": true, "status": "live"}))).into_response()
}

/// The process can decide about devices: its store answers.
pub async fn ready(state: AppState) -> Response {
    let (status, body) = match state.store.count_pairings().await {
        Ok(_) => (StatusCode::OK, json!({"ready": true})),
        Err(error) => {
            tracing::error!(%error, "The gateway is not ready");
            (StatusCode::SERVICE_UNAVAILABLE, json!({"ready": false, "failing": ["store"]}))
        }
    };
    (status, [(header::CACHE_CONTROL, "no-store")], Json(body)).into_response()
}

pub async fn started() -> Response {
    ([(header::CACHE_CONTROL, "no-store")], Json(json!({"ok": true, "status": "started"}))).into_response()
}
