//! Fields: one of several words, yes or no, a line of text, a number.

use leptos::prelude::*;
use serde_json::Value;

use super::editor::Editor;
use crate::late::{changing, late, text};
use crate::settings::editing::Path;

/// One word a setting can be, and what it means.
pub(super) struct Word {
    pub(super) key: &'static str,
    pub(super) title: &'static str,
    pub(super) help: &'static str,
}

/// One of several words, as a list of choices.
pub(super) fn choice(editor: Editor, path: Path, label: &'static str, list: Vec<Word>) -> AnyView {
    let option = move |Word { key, title, help }: Word| {
        let is_picked = move || editor.value(path) == key;
        let pick: Box<dyn FnMut(leptos::ev::Event)> = Box::new(move |_| editor.wish(path, key.into()));
        late(view! {
            <label class="choice">
                <input
                    type="radio"
                    name=path
                    value=key
                    prop:checked=is_picked
                    disabled=editor.is_fixed()
                    on:change=pick
                />
                <span>
                    <strong>{title}</strong>
                    <span class="soft small">{help}</span>
                </span>
            </label>
        })
    };
    late(view! {
        <fieldset>
            <legend class="visually-hidden">{label}</legend>
            {list.into_iter().map(option).collect::<Vec<_>>()}
        </fieldset>
    })
}

/// Yes or no.
pub(super) fn toggle(editor: Editor, path: Path, label: &'static str) -> AnyView {
    let is_on = move || editor.value(path) == true;
    let flip: Box<dyn FnMut(leptos::ev::Event)> =
        Box::new(move |event| editor.wish(path, event_target_checked(&event).into()));
    late(view! {
        <label class="choice">
            <input
                type="checkbox"
                role="switch"
                data-testid=path
                prop:checked=is_on
                disabled=editor.is_fixed()
                on:change=flip
            />
            <span>{label}</span>
        </label>
    })
}

/// A line of text. What is empty says nothing.
pub(super) fn line(editor: Editor, path: Path, label: &'static str, example: &'static str) -> AnyView {
    typed(editor, path, label, example, "text", |text| if text.is_empty() { Value::Null } else { text.into() })
}

/// A whole number. What is none is left to the gateway to refuse.
pub(super) fn number(editor: Editor, path: Path, label: &'static str) -> AnyView {
    typed(editor, path, label, "", "numeric", |text| match text.parse::<u64>() {
        Ok(number) => number.into(),
        Err(_) if text.is_empty() => Value::Null,
        Err(_) => text.into(),
    })
}

/// A length of time, typed in seconds and kept in milliseconds.
pub(super) fn seconds(editor: Editor, path: Path, label: &'static str) -> AnyView {
    typed(editor, path, label, "", "numeric", |text| match text.parse::<u64>() {
        Ok(seconds) => seconds.saturating_mul(1000).into(),
        Err(_) if text.is_empty() => Value::Null,
        Err(_) => text.into(),
    })
}

fn typed(
    editor: Editor,
    path: Path,
    label: &'static str,
    example: &'static str,
    mode: &'static str,
    read: fn(&str) -> Value,
) -> AnyView {
    let is_seconds = path.ends_with("Ms");
    let shown = move || match editor.editing.with_untracked(|editing| editing.value(path)) {
        Value::String(text) => text,
        Value::Number(number) if is_seconds => {
            number.as_u64().map_or_else(|| number.to_string(), |number| (number / 1000).to_string())
        }
        Value::Number(number) => number.to_string(),
        Value::Null | Value::Bool(_) | Value::Array(_) | Value::Object(_) => String::new(),
    };
    let is_wrong = text(move || {
        let is_wrong = editor.editing.with(|editing| {
            editing.checked().is_some_and(|checked| checked.problems.iter().any(|problem| problem.path == path))
        });
        if is_wrong { "true" } else { "false" }
    });
    let take: Box<dyn FnMut(leptos::ev::Event)> =
        Box::new(move |event| editor.wish(path, read(event_target_value(&event).trim())));
    // The field is not written to while somebody types in it, only when the value comes from elsewhere.
    let value = move || {
        let _ = editor.replaced.get();
        shown()
    };
    late(view! {
        <label class="field">
            <span class="small">{label}</span>
            <input
                type="text"
                inputmode=mode
                autocomplete="off"
                spellcheck="false"
                placeholder=example
                data-testid=path
                aria-invalid=is_wrong
                disabled=editor.is_fixed()
                prop:value=value
                on:input=take
            />
        </label>
    })
}

/// Words that follow their signals, or nothing.
pub(super) fn maybe(read: impl Fn() -> Option<AnyView> + Send + 'static) -> AnyView {
    changing(move || read().unwrap_or_else(|| late(())))
}
