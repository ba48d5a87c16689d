//! One block of settings that are saved together: its words, its fields, what a save would do, and what came of it.

use leptos::prelude::*;
use protocol::settings::{Checked, CutOff, Remark};
use protocol::{Method, WireError};
use serde_json::{Map, Value};

use super::book::Book;
use crate::components::words::words;
use crate::language::t;
use crate::late::{button, changing, follow, late, sleepy_button, text, when};
use crate::live::{Answer, advice, connection_lost};
use crate::outside;
use crate::settings::editing::{Editing, Outcome, Path};
use crate::settings::words as say;
use crate::stepping;
use crate::writing::object;

/// How long a change waits for its confirmation, in milliseconds.
const WAY_BACK_MS: u64 = 60_000;

/// The same where the gateway has to be started again before anybody can say how it is.
const WAY_BACK_OVER_RESTART_MS: u64 = 180_000;

/// A block under edit.
#[derive(Debug, Clone, Copy)]
pub(super) struct Editor {
    pub(super) book: Book,
    pub(super) editing: RwSignal<Editing>,
    paths: &'static [Path],
    /// Counts what came from elsewhere than the fields, which then have to be built anew.
    pub(super) replaced: RwSignal<u64>,
}

impl Editor {
    /// To be built when the book has been read.
    pub(super) fn new(book: Book, paths: &'static [Path]) -> Option<Self> {
        let editing = book.described.with_untracked(|described| Some(Editing::new(paths, described.as_ref()?)))?;
        let editor = Self { book, editing: RwSignal::new(editing), paths, replaced: RwSignal::new(0) };
        follow(move || {
            book.described.with(|described| {
                let Some(described) = described else { return };
                let before = editor.values();
                editor.editing.update(|editing| editing.see(described));
                editor.note_replaced(&before);
            });
        });
        Some(editor)
    }

    pub(super) fn value(self, path: Path) -> Value {
        self.editing.with(|editing| editing.value(path))
    }

    fn values(self) -> Vec<Value> {
        self.editing.with_untracked(|editing| self.paths.iter().map(|path| editing.value(path)).collect())
    }

    fn note_replaced(self, before: &[Value]) {
        if self.values() != before {
            self.replaced.update(|count| *count += 1);
        }
    }

    /// Whether a flag or the environment overrules the file, which stays so as long as the gateway runs.
    pub(super) fn is_fixed(self) -> bool {
        self.editing.with_untracked(|editing| editing.overruled_by().is_some())
    }

    pub(super) fn wish(self, path: Path, value: Value) {
        self.editing.update(|editing| editing.wish(path, value));
        self.check();
    }

    /// Asks the gateway what it thinks of what is typed now.
    fn check(self) {
        let Some(raw) = self.editing.try_update(Editing::ask).flatten() else { return };
        outside::ask(Method::ConfigCheck, object([("raw", raw.into())]), move |answer| {
            let checked = answer.ok().and_then(|value| serde_json::from_value::<Checked>(value).ok());
            if self.editing.try_update(|editing| editing.heard(checked)) == Some(true) {
                self.check();
            }
        });
    }

    fn give_up(self) {
        let before = self.values();
        self.editing.update(Editing::take_theirs);
        self.note_replaced(&before);
    }

    fn save(self, with_way_back: bool) {
        if self.editing.with_untracked(|editing| editing.is_saving() || editing.is_refused()) {
            return;
        }
        let over_restart =
            self.editing.with_untracked(|editing| editing.checked().is_some_and(|checked| checked.requires_restart));
        let within_ms = if over_restart { WAY_BACK_OVER_RESTART_MS } else { WAY_BACK_MS };
        self.editing.update(Editing::begin_saving);
        let params = self.editing.with_untracked(|editing| {
            object([
                ("raw", editing.raw().into()),
                ("baseHash", editing.hash().into()),
                ("confirmWithinMs", if with_way_back { within_ms.into() } else { Value::Null }),
            ])
        });
        let way_back = with_way_back.then_some(within_ms);
        let then = move |answer| self.answered(answer, way_back);
        stepping::ask(Method::ConfigPatch, params, Box::new(then));
    }

    fn answered(self, answer: Answer, way_back: Option<u64>) {
        match answer {
            Ok(written) => {
                let requires_restart = written.pointer("/sentinel/payload/stats/requiresRestart");
                let requires_restart = requires_restart.and_then(Value::as_bool).unwrap_or_default();
                let _ = self.editing.try_update(|editing| editing.saved(requires_restart));
                self.book.live.announce(t("Saved.").to_owned());
                if let Some(within_ms) = way_back {
                    self.book.tried(&written, within_ms);
                }
                self.book.reload(|_| {});
            }
            Err(error) if is_stale(&error) => self.book.reload(move |described| {
                if self.editing.try_update(|editing| editing.was_stale(described)) == Some(true) {
                    self.save(way_back.is_some());
                }
            }),
            Err(error) => {
                let _ = self.editing.try_update(|editing| match cut_off(&error) {
                    Some(why) => editing.would_cut_off(why),
                    None => editing.failed(problem(&error)),
                });
            }
        }
    }
}

/// Whether somebody else was faster.
pub(super) fn is_stale(error: &WireError) -> bool {
    error.message.starts_with("config changed since last load")
}

fn cut_off(error: &WireError) -> Option<CutOff> {
    serde_json::from_value(error.details.as_ref()?.get("cutOff")?.clone()).ok()
}

/// Why a save was refused, in the gateway's words where it named the values.
pub(super) fn problem(error: &WireError) -> String {
    if *error == connection_lost() {
        return t("The line was lost before the gateway answered. Nothing is lost here: look at what the file says now, then save again.").to_owned();
    }
    let issues = error.details.as_ref().and_then(|details| details.get("issues")).and_then(Value::as_array);
    let issues: Vec<&str> =
        issues.into_iter().flatten().filter_map(|issue| issue.get("message").and_then(Value::as_str)).collect();
    if issues.is_empty() { advice(error) } else { issues.join(" ") }
}

/// The parameters of a call that has none.
pub(super) fn nothing() -> Value {
    Value::Object(Map::new())
}

/// A block: what it is about, and beside that what `fields` builds.
pub(super) fn block(
    book: Book,
    id: &'static str,
    title: &'static str,
    help: &'static str,
    paths: &'static [Path],
    fields: impl Fn(Editor) -> AnyView + Send + 'static,
) -> AnyView {
    let Some(editor) = Editor::new(book, paths) else { return late(()) };
    let fields: Box<dyn Fn(Editor) -> AnyView + Send> = Box::new(fields);
    build(editor, id, title, help, &fields)
}

fn build(
    editor: Editor,
    id: &'static str,
    title: &'static str,
    help: &'static str,
    fields: &(dyn Fn(Editor) -> AnyView + Send),
) -> AnyView {
    let overruled = move || {
        let by = editor.editing.with(|editing| editing.overruled_by().map(say::overruled));
        late(by.map(|by| view! { <p class="small setting-fixed">{words(&by)}</p> }))
    };
    late(view! {
        <section class="setting" aria-labelledby=id data-testid=id>
            <div class="setting-about">
                <h3 id=id>{title}</h3>
                <p class="soft small">{words(help)}</p>
            </div>
            <div class="setting-body">
                {changing(overruled)} {fields(editor)}
                <div class="setting-after" aria-live="polite">{after(editor)}</div>
            </div>
        </section>
    })
}

/// What stands below the fields.
fn after(editor: Editor) -> AnyView {
    let editing = editor.editing;
    let is_changed = move || editing.with(Editing::is_changed);
    let is_contested = move || editing.with(Editing::is_contested);
    let outcome = move || match editing.with(|editing| editing.outcome().cloned()) {
        None => late(()),
        Some(Outcome::Saved { requires_restart }) => {
            let words = if requires_restart {
                t("Saved. It works after a restart of the gateway.")
            } else {
                t("Saved. It works now.")
            };
            late(view! { <p class="small setting-saved" data-testid="saved">{words}</p> })
        }
        Some(Outcome::Failed(reason)) => late(view! {
            <p class="problem" role="alert">
                {words(&reason)}
            </p>
        }),
    };
    late(view! {
        {when(move || is_changed() && !is_contested(), move || preview(editor))}
        {when(move || is_changed() && !is_contested(), move || actions(editor))}
        {when(is_contested, move || contested(editor))}
        {changing(outcome)}
    })
}

/// What a save would do, as the gateway sees it.
fn preview(editor: Editor) -> AnyView {
    changing(move || {
        let Some(checked) = editor.editing.with(|editing| editing.checked().cloned()) else {
            return late(view! { <p class="soft small">{t("Asking the gateway what this would do…")}</p> });
        };
        if !checked.problems.is_empty() {
            return remarks("problem", editor, checked.problems);
        }
        let why = checked.cut_off.as_ref().map(say::cut_off);
        let effects = say::effects(&checked);
        late(view! {
            {remarks("setting-warning", editor, checked.warnings)}
            <ul class="effects soft small" data-testid="effects">
                {effects.into_iter().map(|effect| view! { <li>{effect}</li> }).collect::<Vec<_>>()}
            </ul>
            {why
                .map(|why| {
                    view! {
                        <p class="note" data-testid="cut-off">
                            <span>
                                <strong>{t("This would cut off your own connection.")}</strong>
                                " "
                                {why}
                                " "
                                {t("Save it with a way back: it is taken back by itself unless you come back here and keep it.")}
                            </span>
                        </p>
                    }
                })}
        })
    })
}

/// What the gateway has to say about single values; what concerns an entry stands beside that.
fn remarks(class: &'static str, editor: Editor, list: Vec<Remark>) -> AnyView {
    let is_list = editor.paths.first().is_some_and(|path| editor.editing.with_untracked(|e| e.value(path).is_array()));
    let shown = list.into_iter().filter(|remark| remark.entry.is_none() || !is_list);
    late(
        shown
            .map(|remark| view! { <p class=format!("small {class}")>{words(&say::capital(&remark.message))}</p> })
            .collect::<Vec<_>>(),
    )
}

fn actions(editor: Editor) -> AnyView {
    let editing = editor.editing;
    let is_cutting = Memo::new(move |_| editing.with(|editing| editing.cut_off().is_some()));
    let is_inert = move || editing.with(|editing| editing.is_saving() || editing.is_refused());
    let label = move || match (editing.with(Editing::is_saving), is_cutting.get()) {
        (true, _) => t("Saving…"),
        (false, true) => t("Save with a way back"),
        (false, false) => t("Save"),
    };
    late(view! {
        <div class="actions">
            {sleepy_button("primary", "save", is_inert, label, move || editor.save(is_cutting.get_untracked()))}
            {button("", "give-up", || t("Undo"), move || editor.give_up())}
        </div>
    })
}

/// Both versions, and which of them to keep.
fn contested(editor: Editor) -> AnyView {
    let both = move || {
        let both = editor.editing.with(Editing::both);
        let is_one = both.len() < 2;
        let row = |(path, theirs, mine): (Path, Value, Value)| {
            let name = if is_one { String::new() } else { format!("{path}: ") };
            view! {
                <dt>{t("In the file now")}</dt>
                <dd class="mono" data-testid="theirs">{name.clone()}{say::value(&theirs)}</dd>
                <dt>{t("Yours")}</dt>
                <dd class="mono" data-testid="yours">{name}{say::value(&mine)}</dd>
            }
        };
        late(both.into_iter().map(row).collect::<Vec<_>>())
    };
    let is_saving = move || editor.editing.with(Editing::is_saving);
    late(view! {
        <div class="note conflict" role="group" data-testid="conflict">
            <p>
                <strong>{t("Somebody else has changed this meanwhile.")}</strong>
                " "
                {t("Nothing was saved yet.")}
            </p>
            <dl>{changing(both)}</dl>
            <div class="actions">
                {button("", "take-theirs", || t("Take theirs"), move || editor.give_up())}
                {sleepy_button("", "save-mine", is_saving, || t("Save mine on top"), move || {
                    let cuts = editor.editing.with_untracked(|editing| editing.cut_off().is_some());
                    editor.save(cuts);
                })}
            </div>
        </div>
    })
}

/// A sentence that follows its signals.
pub(super) fn sentence(read: impl Fn() -> String + Send + 'static) -> AnyView {
    late(view! { <p class="soft small">{text(read)}</p> })
}
