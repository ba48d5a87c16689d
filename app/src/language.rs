//! The page's words in the language of whoever looks at it.
//!
//! English is written where it is used and is its own key; another language is a table from English, which the browser
//! fetches before the page comes to life. What a table lacks is shown in English. The server renders English only: its
//! one frame is gone before anybody has read it.

use std::sync::OnceLock;

use serde_json::{Map, Value};

/// A language the page speaks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Language {
    English,
    Chinese,
}

impl Language {
    pub const ALL: [Self; 2] = [Self::English, Self::Chinese];

    /// The tag of the language, for `lang` attributes (BCP 47) and the name of its table.
    pub fn tag(self) -> &'static str {
        match self {
            Self::English => "en",
            Self::Chinese => "zh",
        }
    }

    /// What its speakers call it.
    pub fn name(self) -> &'static str {
        match self {
            Self::English => "English",
            Self::Chinese => "中文",
        }
    }

    /// The language for the tags that a browser prefers, best first.
    pub fn preferred<'a>(tags: impl IntoIterator<Item = &'a str>) -> Self {
        let known = |tag: &str| {
            let primary = tag.split('-').next().unwrap_or_default();
            Self::ALL.into_iter().find(|language| primary.eq_ignore_ascii_case(language.tag()))
        };
        tags.into_iter().find_map(known).unwrap_or(Self::English)
    }
}

static SPOKEN: OnceLock<(Language, Map<String, Value>)> = OnceLock::new();

/// Speaks a language from now on; only the first call counts. `table` has a sentence for each English one.
pub fn speak(language: Language, table: Map<String, Value>) {
    let _ = SPOKEN.set((language, table));
}

/// The language the page speaks.
pub fn spoken() -> Language {
    SPOKEN.get().map_or(Language::English, |(language, _)| *language)
}

/// The sentence in the page's language.
pub fn t(english: &'static str) -> &'static str {
    SPOKEN.get().and_then(|(_, table)| table.get(english)?.as_str()).unwrap_or(english)
}

/// Puts what changes into a sentence: each `{name}` gives way to the value of that name.
pub fn fill(sentence: &str, values: &[(&str, &str)]) -> String {
    let mut filled = String::with_capacity(sentence.len());
    let mut rest = sentence;
    // One pass, so that a value with braces in it stays as it is.
    while let Some((before, after)) = rest.split_once('{') {
        filled.push_str(before);
        let value = after.split_once('}').and_then(|(name, after)| {
            values.iter().find(|(known, _)| *known == name).map(|(_, value)| (*value, after))
        });
        if let Some((value, after)) = value {
            filled.push_str(value);
            rest = after;
        } else {
            filled.push('{');
            rest = after;
        }
    }
    filled.push_str(rest);
    filled
}

#[cfg(test)]
mod tests;
