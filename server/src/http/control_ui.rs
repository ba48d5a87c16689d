//! The Control UI: pages rendered by the server, the browser bundle embedded in the program.

use std::sync::OnceLock;

use app::PageFacts;
use axum::body::Body;
use axum::response::{IntoResponse, Response};
use http::{HeaderMap, HeaderValue, StatusCode, header};
use leptos::config::LeptosOptions;
use leptos::nonce::use_nonce;
use leptos::prelude::{expect_context, provide_context};
use leptos_axum::ResponseOptions;
use rust_embed::{EmbeddedFile, RustEmbed};

use super::security_headers::{WORKER_POLICY, page_policy};

/// What Trunk built, with a brotli copy beside each file that gains by it.
#[derive(RustEmbed)]
#[folder = "../target/site"]
struct Site;

/// The service worker, which shows what the gateway pushes.
const WORKER: &str = "sw.js";

/// Names what `HydrationScripts` asks the browser to load.
pub fn options() -> LeptosOptions {
    LeptosOptions::builder().output_name("app").site_pkg_dir("pkg").build()
}

/// Tells one bundle from another: a page that an older program served says another one.
pub fn build_id() -> &'static str {
    static BUILD_ID: OnceLock<String> = OnceLock::new();
    BUILD_ID.get_or_init(|| {
        let bundle = Site::get("pkg/app_bg.wasm").map(|file| hex::encode(&file.metadata.sha256_hash()[..6]));
        format!("{}-{}", crate::VERSION, bundle.unwrap_or_else(|| "no-bundle".to_owned()))
    })
}

/// What every page is rendered with: its facts, and a policy with the nonce of its own scripts.
pub fn provide_page_facts() {
    provide_context(PageFacts { build_id: build_id().to_owned() });
    let response = expect_context::<ResponseOptions>();
    let policy = page_policy(&use_nonce().map(|nonce| nonce.to_string()).unwrap_or_default());
    if let Ok(policy) = HeaderValue::from_str(&policy) {
        response.insert_header(header::CONTENT_SECURITY_POLICY, policy);
    }
    response.insert_header(header::CACHE_CONTROL, HeaderValue::from_static("no-cache"));
}

/// A file of the bundle, if there is one at that path.
pub fn asset(path: &str, request: &HeaderMap) -> Option<Response> {
    let path = path.trim_start_matches('/');
    if path.is_empty() || path.rsplit('.').next() == Some("br") {
        return None;
    }
    let plain = Site::get(path)?;
    let etag = format!("\"{}\"", hex::encode(&plain.metadata.sha256_hash()[..16]));
    let mut response =
        if is_known(request, &etag) { StatusCode::NOT_MODIFIED.into_response() } else { body(path, plain, request) };
    let headers = response.headers_mut();
    if let Ok(etag) = HeaderValue::from_str(&etag) {
        headers.insert(header::ETAG, etag);
    }
    // Names do not change with content, so the browser asks each time; the answer is nearly always 304.
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-cache"));
    if path == WORKER {
        headers.insert(header::CONTENT_SECURITY_POLICY, HeaderValue::from_static(WORKER_POLICY));
    }
    headers.insert(header::VARY, HeaderValue::from_static("Accept-Encoding"));
    Some(response)
}

fn body(path: &str, plain: EmbeddedFile, request: &HeaderMap) -> Response {
    let accepts_brotli = request
        .get_all(header::ACCEPT_ENCODING)
        .iter()
        .filter_map(|value| value.to_str().ok())
        .flat_map(|value| value.split(','))
        .any(|coding| coding.trim().split(';').next() == Some("br"));
    let packed = accepts_brotli.then(|| Site::get(&format!("{path}.br"))).flatten();
    let is_packed = packed.is_some();
    let bytes = packed.unwrap_or(plain).data;
    let mut response = match bytes {
        std::borrow::Cow::Borrowed(bytes) => Body::from(bytes),
        std::borrow::Cow::Owned(bytes) => Body::from(bytes),
    }
    .into_response();
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(content_type(path)));
    if is_packed {
        headers.insert(header::CONTENT_ENCODING, HeaderValue::from_static("br"));
    }
    response
}

fn is_known(request: &HeaderMap, etag: &str) -> bool {
    let known = request.get(header::IF_NONE_MATCH).and_then(|value| value.to_str().ok());
    known.is_some_and(|known| known.split(',').any(|tag| tag.trim().trim_start_matches("W/") == etag))
}

fn content_type(path: &str) -> &'static str {
    match path.rsplit('.').next().unwrap_or_default() {
        "js" => "text/javascript; charset=utf-8",
        "wasm" => "application/wasm",
        "css" => "text/css; charset=utf-8",
        "svg" => "image/svg+xml",
        "png" => "image/png",
        "ico" => "image/x-icon",
        "json" => "application/json",
        "webmanifest" => "application/manifest+json",
        "txt" => "text/plain; charset=utf-8",
        _ => "application/octet-stream",
    }
}
