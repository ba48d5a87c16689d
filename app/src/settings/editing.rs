//! Settings that are saved together, while somebody edits them.
//!
//! What the file said when editing began is remembered. So a change that somebody else makes meanwhile shows at once,
//! and a save never overwrites what nobody has looked at.

use protocol::settings::{Checked, CutOff, Described};
use serde_json::{Map, Value};

/// A key path of the settings.
pub type Path = &'static str;

/// Settings under edit. A missing value is null.
#[derive(Debug, Clone, PartialEq)]
pub struct Editing {
    fields: Vec<Field>,
    /// The version of the file that the change is for.
    hash: String,
    /// Whether somebody has changed the same in the file meanwhile.
    is_contested: bool,
    /// What the gateway said of it last.
    checked: Option<Checked>,
    check: Check,
    /// What is on its way to the file: the wish of each field, as it was when the save began.
    saving: Option<Vec<Value>>,
    outcome: Option<Outcome>,
}

#[derive(Debug, Clone, PartialEq)]
struct Field {
    path: Path,
    default: Value,
    /// What the file said when editing began.
    base: Value,
    wish: Value,
    /// What the file says now.
    theirs: Value,
    /// The flag or variable that overrules the file.
    overruled_by: Option<String>,
    needs_restart: bool,
}

/// Whether the gateway is asked what it thinks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Check {
    Idle,
    Asked,
    /// It was asked about something that is changed again.
    Stale,
}

/// What came of a save.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Outcome {
    Saved { requires_restart: bool },
    Failed(String),
}

impl Editing {
    pub fn new(paths: &[Path], described: &Described) -> Self {
        let fields = paths.iter().map(|path| Field::new(path, described)).collect();
        Self {
            fields,
            hash: described.hash.clone(),
            is_contested: false,
            checked: None,
            check: Check::Idle,
            saving: None,
            outcome: None,
        }
    }

    fn field(&self, path: Path) -> Option<&Field> {
        self.fields.iter().find(|field| field.path == path)
    }

    /// What holds if this is saved: the default where nothing is wished for.
    pub fn value(&self, path: Path) -> Value {
        let value = |field: &Field| if field.wish.is_null() { field.default.clone() } else { field.wish.clone() };
        self.field(path).map(value).unwrap_or_default()
    }

    /// The flag or variable that overrules the file for any of them.
    pub fn overruled_by(&self) -> Option<&str> {
        self.fields.iter().find_map(|field| field.overruled_by.as_deref())
    }

    pub fn needs_restart(&self) -> bool {
        self.fields.iter().any(|field| field.needs_restart)
    }

    pub fn is_changed(&self) -> bool {
        self.fields.iter().any(|field| field.wish != field.base)
    }

    pub fn is_saving(&self) -> bool {
        self.saving.is_some()
    }

    fn wishes(&self) -> Vec<Value> {
        self.fields.iter().map(|field| field.wish.clone()).collect()
    }

    pub fn outcome(&self) -> Option<&Outcome> {
        self.outcome.as_ref()
    }

    pub fn checked(&self) -> Option<&Checked> {
        self.checked.as_ref().filter(|_| self.is_changed())
    }

    /// Why a save would cut this browser off.
    pub fn cut_off(&self) -> Option<&CutOff> {
        self.checked()?.cut_off.as_ref()
    }

    /// Whether the gateway has something against it.
    pub fn is_refused(&self) -> bool {
        self.checked().is_some_and(|checked| !checked.problems.is_empty())
    }

    /// Takes what was typed. What says no more than the default is left out, unless the file says it.
    pub fn wish(&mut self, path: Path, value: Value) {
        self.outcome = None;
        if let Some(field) = self.fields.iter_mut().find(|field| field.path == path) {
            let says_nothing = value == field.default || value == "" || value == Value::Array(Vec::new());
            field.wish = if says_nothing && field.base.is_null() { Value::Null } else { value };
        }
    }

    /// What to ask the gateway about, if it is not being asked already. Call [`Self::heard`] with the answer.
    pub fn ask(&mut self) -> Option<String> {
        if !self.is_changed() {
            self.checked = None;
            return None;
        }
        match self.check {
            Check::Idle => {
                self.check = Check::Asked;
                Some(self.raw())
            }
            Check::Asked | Check::Stale => {
                self.check = Check::Stale;
                None
            }
        }
    }

    /// Takes the gateway's answer. True if what it is about has changed since, so that it has to be asked again.
    pub fn heard(&mut self, checked: Option<Checked>) -> bool {
        let is_stale = std::mem::replace(&mut self.check, Check::Idle) == Check::Stale;
        if checked.is_some() && !is_stale {
            self.checked = checked;
        }
        is_stale
    }

    /// The change as a merge patch.
    pub fn raw(&self) -> String {
        let mut patch = Value::Object(Map::new());
        for field in self.fields.iter().filter(|field| field.wish != field.base || field.wish != field.theirs) {
            let mut at = &mut patch;
            for key in field.path.split('.') {
                if !at.is_object() {
                    *at = Value::Object(Map::new());
                }
                let Some(object) = at.as_object_mut() else { return String::new() };
                at = object.entry(key).or_insert(Value::Null);
            }
            // An empty text or list says the same as none.
            *at = field.wish.clone();
        }
        patch.to_string()
    }

    /// The version of the file that the change is for.
    pub fn hash(&self) -> &str {
        &self.hash
    }

    /// Takes a new look at the file. What nobody edits follows it.
    pub fn see(&mut self, described: &Described) {
        self.hash.clone_from(&described.hash);
        let was_changed = self.is_changed();
        for field in &mut self.fields {
            let now = Field::new(field.path, described);
            if was_changed {
                field.theirs = now.theirs;
            } else {
                *field = now;
            }
        }
        if self.fields.iter().all(|field| field.wish == field.theirs) {
            for field in &mut self.fields {
                field.base = field.theirs.clone();
            }
        }
        self.is_contested = self.is_changed() && self.fields.iter().any(|field| field.theirs != field.base);
    }

    /// Whether the file says neither what it said when editing began, nor what is wished for.
    pub fn is_contested(&self) -> bool {
        self.is_contested
    }

    /// What the file says now, and what is wished for, where they differ.
    pub fn both(&self) -> Vec<(Path, Value, Value)> {
        let differs = |field: &&Field| field.theirs != field.wish;
        self.fields.iter().filter(differs).map(|f| (f.path, f.theirs.clone(), f.wish.clone())).collect()
    }

    /// Gives up what was typed.
    pub fn take_theirs(&mut self) {
        for field in &mut self.fields {
            field.base = field.theirs.clone();
            field.wish = field.theirs.clone();
        }
        self.is_contested = false;
        self.saving = None;
        self.checked = None;
        self.outcome = None;
    }

    /// A save is on its way.
    pub fn begin_saving(&mut self) {
        self.saving = Some(self.wishes());
        self.outcome = None;
    }

    /// What was sent is in the file. What was typed meanwhile is a change to that.
    pub fn saved(&mut self, requires_restart: bool) {
        for (field, sent) in self.fields.iter_mut().zip(self.saving.take().unwrap_or_default()) {
            field.base = sent.clone();
            field.theirs = sent;
        }
        self.is_contested = false;
        self.checked = None;
        self.outcome = Some(Outcome::Saved { requires_restart });
    }

    pub fn failed(&mut self, words: String) {
        self.saving = None;
        self.outcome = Some(Outcome::Failed(words));
    }

    /// The gateway refused it because this browser could not come back.
    pub fn would_cut_off(&mut self, why: CutOff) {
        self.saving = None;
        self.checked.get_or_insert_default().cut_off = Some(why);
    }

    /// The save was for an older version of the file. True if it may simply be repeated, because nobody has changed
    /// the same, here or there.
    pub fn was_stale(&mut self, described: &Described) -> bool {
        let is_still_wished = self.saving.take().is_some_and(|sent| sent == self.wishes());
        self.see(described);
        is_still_wished && self.is_changed() && !self.is_contested
    }
}

impl Field {
    fn new(path: Path, described: &Described) -> Self {
        let state = described.settings.iter().find(|setting| setting.path == path);
        let value = state.and_then(|setting| setting.value.clone()).unwrap_or_default();
        Self {
            path,
            default: state.and_then(|setting| setting.default.clone()).unwrap_or_default(),
            base: value.clone(),
            wish: value.clone(),
            theirs: value,
            overruled_by: state.and_then(|setting| setting.overruled_by.clone()),
            needs_restart: state.is_some_and(|setting| setting.needs_restart),
        }
    }
}

#[cfg(test)]
mod tests;
