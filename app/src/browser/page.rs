//! The page around the app: its address, title, clipboard and timeline.

use std::cell::RefCell;
use std::time::Duration;

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use leptos::prelude::{
    document, on_cleanup, request_animation_frame, set_interval_with_handle, window, window_event_listener,
};
use protocol::{BootstrapProfile, Secret};
use wasm_bindgen::JsCast;
use wasm_bindgen_futures::{JsFuture, spawn_local};
use web_sys::{Blob, HtmlElement, Url};

use crate::introduction::Surroundings;
use crate::language::spoken;
use crate::shell::BUILD_ID_META;

thread_local! {
    static LINK: RefCell<Option<(Secret, BootstrapProfile)>> = const { RefCell::new(None) };
}

/// Takes the one-time code out of the address before anything else reads that: it must not stay in the address
/// bar, the history, or the router's idea of where we are.
pub(crate) fn take_link() {
    let location = window().location();
    let fragment = location.hash().unwrap_or_default();
    let find = |key: &str| {
        let mut pairs = fragment.trim_start_matches('#').split('&');
        pairs.find_map(|pair| pair.strip_prefix(key)).filter(|value| !value.is_empty())
    };
    let Some(code) = find("bootstrapToken=") else { return };
    let profile = find("bootstrapProfile=").and_then(BootstrapProfile::parse).unwrap_or(BootstrapProfile::Owner);
    LINK.set(Some((Secret::new(code), profile)));
    let address = location.pathname().unwrap_or_else(|_| "/".to_owned());
    if let Ok(history) = window().history() {
        let _ = history.replace_state_with_url(&wasm_bindgen::JsValue::NULL, "", Some(&address));
    }
}

/// The code that [`take_link`] found, and what it gives; once.
pub(super) fn link() -> Option<(Secret, BootstrapProfile)> {
    LINK.take()
}

/// Where this browser keeps what it asks for; never what it asks with.
const PROFILE: &str = "openclaw.profile";

pub(super) fn remembered() -> Option<BootstrapProfile> {
    let kept = window().local_storage().ok().flatten()?.get_item(PROFILE).ok().flatten()?;
    BootstrapProfile::parse(&kept)
}

pub(super) fn remember(profile: BootstrapProfile) {
    if let Ok(Some(storage)) = window().local_storage() {
        // Without room for it the browser asks for everything again, and an owner decides.
        let _ = storage.set_item(PROFILE, profile.as_str());
    }
}

/// Whether this browser keeps a wish under this name.
pub(super) fn is_kept(name: &str) -> bool {
    window().local_storage().ok().flatten().and_then(|storage| storage.get_item(name).ok().flatten()).is_some()
}

pub(super) fn keep(name: &str, is_wanted: bool) {
    if let Ok(Some(storage)) = window().local_storage() {
        // Without room for it the wish is forgotten when the page is closed.
        let _ = if is_wanted { storage.set_item(name, "on") } else { storage.remove_item(name) };
    }
}

pub(super) fn surroundings() -> Surroundings {
    let navigator = window().navigator();
    let meta = document().query_selector(BUILD_ID_META).ok().flatten();
    Surroundings {
        build_id: meta.and_then(|meta| meta.get_attribute("content")).filter(|id| !id.is_empty()),
        user_agent: navigator.user_agent().unwrap_or_default(),
        platform: navigator.platform().unwrap_or_default(),
        locale: navigator.language(),
    }
}

/// The gateway is where the page came from, whatever the address says after the host.
pub(super) fn socket_address() -> String {
    let scheme = match window().location().protocol().as_deref() {
        Ok("https:") => "wss",
        _ => "ws",
    };
    format!("{scheme}://{}/", host())
}

pub fn host() -> String {
    window().location().host().unwrap_or_default()
}

pub fn set_title(title: &str) {
    document().set_title(title);
}

/// The icon of the tab, with a dot while somebody waits.
pub fn set_icon(is_dotted: bool) {
    let address = if is_dotted { "/favicon-dot.svg" } else { "/favicon.svg" };
    if let Ok(Some(icon)) = document().query_selector("link[rel=icon]")
        // Said again, the same address would be fetched again.
        && icon.get_attribute("href").as_deref() != Some(address)
    {
        let _ = icon.set_attribute("href", address);
    }
}

/// Marks the card of a request and brings it into view, once it is there.
pub fn reveal(request_id: &str) {
    let selector = format!("[data-request-id=\"{request_id}\"]");
    request_animation_frame(move || {
        let Some(card) = document().query_selector(&selector).ok().flatten() else { return };
        let _ = card.set_attribute("data-called", "");
        let _ = card.set_attribute("tabindex", "-1");
        card.scroll_into_view();
        if let Ok(card) = card.dyn_into::<HtmlElement>() {
            let _ = card.focus();
        }
    });
}

pub fn focus(id: &'static str) {
    request_animation_frame(move || {
        let element = document().get_element_by_id(id).and_then(|element| element.dyn_into::<HtmlElement>().ok());
        if let Some(element) = element {
            let _ = element.focus();
        }
    });
}

pub fn on_key(hear: impl Fn(leptos::ev::KeyboardEvent) + 'static) {
    window_event_listener(leptos::ev::keydown, hear);
}

/// Goes to another page of this one, as a click in its navigation does.
pub(super) fn go_to(path: &str) {
    let link = document().query_selector(&format!("nav a[href=\"{path}\"]")).ok().flatten();
    if let Some(link) = link.and_then(|link| link.dyn_into::<HtmlElement>().ok()) {
        link.click();
    }
}

pub fn reload_page() {
    let _ = window().location().reload();
}

/// Empty where the browser gives no random numbers.
pub fn new_secret() -> String {
    let mut bytes = [0; 32];
    let crypto = window().crypto().ok();
    match crypto.and_then(|crypto| crypto.get_random_values_with_u8_array(&mut bytes).ok()) {
        Some(_) => URL_SAFE_NO_PAD.encode(bytes),
        None => String::new(),
    }
}

pub fn mark_connected() {
    if let Some(performance) = window().performance() {
        let _ = performance.mark("openclaw:connected");
    }
}

pub fn copy(text: &str, then: impl FnOnce(bool) + 'static) {
    let written = window().navigator().clipboard().write_text(text);
    spawn_local(async move { then(JsFuture::from(written).await.is_ok()) });
}

pub fn every(interval_ms: u64, act: impl Fn() + 'static) {
    if let Ok(timer) = set_interval_with_handle(act, Duration::from_millis(interval_ms)) {
        on_cleanup(move || timer.clear());
    }
}

pub fn moment(at_ms: u64) -> String {
    #[expect(clippy::cast_precision_loss, reason = "a time in milliseconds is far below 2^53")]
    let date = js_sys::Date::new(&wasm_bindgen::JsValue::from_f64(at_ms as f64));
    date.to_locale_string(spoken().tag(), &wasm_bindgen::JsValue::UNDEFINED).into()
}

pub fn save(name: &str, text: &str) {
    let parts = js_sys::Array::of1(&text.into());
    let Ok(address) = Blob::new_with_str_sequence(&parts).and_then(|blob| Url::create_object_url_with_blob(&blob))
    else {
        return;
    };
    if let Some(link) = document().create_element("a").ok().and_then(|link| link.dyn_into::<HtmlElement>().ok()) {
        let _ = link.set_attribute("href", &address);
        let _ = link.set_attribute("download", name);
        link.click();
    }
    // The download has begun, and holds what it needs.
    let _ = Url::revoke_object_url(&address);
}
