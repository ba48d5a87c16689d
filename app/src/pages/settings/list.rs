//! A list of entries, each a line to type in, with what there is to say about it below it.

use leptos::prelude::*;
use protocol::settings::{Checked, Remark};
use serde_json::Value;

use super::book::Book;
use super::editor::Editor;
use super::fields::maybe;
use crate::components::words::words;
use crate::language::{fill, t};
use crate::late::{button, each, follow, late, text, when};
use crate::settings::editing::Path;
use crate::settings::rows::Rows;
use crate::settings::words::capital;

/// What is known of an entry besides, as a sentence.
pub(super) type About = fn(Book, &str) -> Option<String>;

/// The lines of a list.
#[derive(Clone, Copy)]
pub(super) struct Lines {
    editor: Editor,
    path: Path,
    rows: RwSignal<Rows>,
}

impl Lines {
    pub(super) fn new(editor: Editor, path: Path) -> Self {
        let read = move || Rows::of(&editor.editing.with_untracked(|editing| editing.value(path)));
        let rows = RwSignal::new(read());
        // What came from elsewhere, or was undone, is built anew.
        follow(move || {
            if editor.replaced.get() > 0 && rows.with_untracked(Rows::list) != read().list() {
                rows.set(read());
            }
        });
        Self { editor, path, rows }
    }

    fn changed(self) {
        self.editor.wish(self.path, self.rows.with_untracked(Rows::list));
    }

    /// Adds an entry that somebody picked instead of typing it.
    pub(super) fn add(self, entry: &str) {
        self.rows.update(|rows| rows.add(entry));
        self.changed();
    }

    fn write(self, number: u64, entry: &str) {
        self.rows.update(|rows| rows.write(number, entry));
        self.changed();
    }

    fn remove(self, number: u64) {
        self.rows.update(|rows| rows.remove(number));
        self.changed();
    }

    /// The fields. `label` names one, `example` stands in the empty one.
    pub(super) fn fields(self, label: &'static str, example: &'static str, about: About) -> AnyView {
        let numbers = move || self.rows.with(Rows::numbers).iter().map(ToString::to_string).collect();
        let row = move |number: String| row(self, number.parse().unwrap_or_default(), label, example, about);
        late(view! {
            <ul class="lines" data-testid=self.path>
                {each(numbers, row)}
            </ul>
        })
    }
}

/// What the gateway says of this very entry: whether it refuses it, and the words.
fn remark(lines: Lines, entry: &str) -> Option<(bool, Remark)> {
    if entry.is_empty() {
        return None;
    }
    let find = |list: &[Remark]| {
        let is_meant =
            |remark: &&Remark| remark.path == lines.path && remark.entry.as_deref().map(str::trim) == Some(entry);
        list.iter().find(is_meant).cloned()
    };
    let checked = lines.editor.editing.with(|editing| editing.checked().cloned());
    let of_check = checked.as_ref().and_then(|Checked { problems, warnings, .. }| {
        find(problems).map(|remark| (true, remark)).or_else(|| find(warnings).map(|remark| (false, remark)))
    });
    // Before anything is typed there is what the gateway says of the file as it is.
    of_check.or_else(|| lines.editor.book.with(|described| find(&described.warnings)).flatten().map(|one| (false, one)))
}

fn row(lines: Lines, number: u64, label: &'static str, example: &'static str, about: About) -> AnyView {
    let entry = move || lines.rows.with(|rows| rows.text(number).trim().to_owned());
    let is_spare = move || lines.rows.with(|rows| rows.is_spare(number));
    let take: Box<dyn FnMut(leptos::ev::Event)> =
        Box::new(move |event| lines.write(number, &event_target_value(&event)));
    let value = move || lines.rows.with(|rows| rows.text(number).to_owned());
    let is_wrong = text(move || {
        let is_refused = remark(lines, &entry()).is_some_and(|(is_refused, _)| is_refused);
        if is_refused { "true" } else { "false" }
    });
    let said = move || {
        let (is_refused, Remark { message, suggestion, .. }) = remark(lines, &entry())?;
        let class = if is_refused { "problem small" } else { "setting-warning small" };
        Some(late(view! {
            <p class=class>{words(&capital(&message))}</p>
            {suggestion
                .map(|meant| {
                    let press = {
                        let meant = meant.clone();
                        move || lines.write(number, &meant)
                    };
                    button("", "use-suggestion", move || fill(t("Write {entry}"), &[("entry", &meant)]), press)
                })}
        }))
    };
    let known =
        move || about(lines.editor.book, &entry()).map(|known| late(view! { <p class="soft small">{known}</p> }));
    let remove = move || {
        late(view! {
            <button
                type="button"
                class="ghost"
                data-testid="remove-entry"
                aria-label=text(move || fill(t("Remove {entry}"), &[("entry", &entry())]))
                on:click=move |_| lines.remove(number)
            >
                {t("Remove")}
            </button>
        })
    };
    late(view! {
        <li class="line">
            <div class="line-entry">
                <input
                    type="text"
                    class="mono"
                    autocomplete="off"
                    autocapitalize="none"
                    spellcheck="false"
                    aria-label=label
                    placeholder=example
                    aria-invalid=is_wrong
                    disabled=lines.editor.is_fixed()
                    prop:value=value
                    on:input=take
                />
                {when(move || !is_spare(), remove)}
            </div>
            <div aria-live="polite">{maybe(said)}</div>
            {maybe(known)}
        </li>
    })
}

/// A list about whose entries nothing more is known.
pub(super) fn plain(editor: Editor, path: Path, label: &'static str, example: &'static str) -> AnyView {
    Lines::new(editor, path).fields(label, example, |_, _| None)
}

/// Whether two ways to write a list mean the same.
pub(super) fn has(list: &Value, entry: &str) -> bool {
    list.as_array().into_iter().flatten().filter_map(Value::as_str).any(|known| known.trim() == entry)
}
