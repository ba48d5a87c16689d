//! Learns the page's language before the page comes to life.

use leptos::prelude::{document, window};
use serde_json::Value;
use wasm_bindgen::JsCast;
use wasm_bindgen_futures::{JsFuture, spawn_local};
use web_sys::Response;

use super::json::parse_json;
use crate::language::{Language, speak};

/// Where this browser keeps the language that somebody has chosen.
const CHOICE: &str = "openclaw.language";

/// Calls `then` with the language learnt, or in English if its table cannot be had.
pub(crate) fn learn(then: fn()) {
    let language = wanted();
    if language == Language::English {
        return then();
    }
    spawn_local(async move {
        let table = fetch(&format!("/lang/{}.json", language.tag())).await;
        if let Some(Value::Object(table)) = table.as_deref().and_then(parse_json) {
            speak(language, table);
            if let Some(page) = document().document_element() {
                let _ = page.set_attribute("lang", language.tag());
            }
        }
        then();
    });
}

pub fn choose(language: Language) {
    if let Ok(Some(storage)) = window().local_storage() {
        // Without room for it the page goes on speaking what the browser prefers.
        let _ = storage.set_item(CHOICE, language.tag());
    }
    super::reload_page();
}

fn wanted() -> Language {
    let chosen = window().local_storage().ok().flatten().and_then(|storage| storage.get_item(CHOICE).ok().flatten());
    let preferred = window().navigator().languages();
    let tags = chosen.into_iter().chain(preferred.iter().filter_map(|tag| tag.as_string()));
    Language::preferred(tags.collect::<Vec<_>>().iter().map(String::as_str))
}

async fn fetch(path: &str) -> Option<String> {
    let response: Response = JsFuture::from(window().fetch_with_str(path)).await.ok()?.dyn_into().ok()?;
    if !response.ok() {
        return None;
    }
    JsFuture::from(response.text().ok()?).await.ok()?.as_string()
}
