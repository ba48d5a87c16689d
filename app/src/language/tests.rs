use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::Path;

use super::*;

#[test]
fn the_language_is_the_first_that_the_browser_prefers_and_the_page_speaks() {
    assert_eq!(Language::preferred(["fr-FR", "zh-CN", "en"]), Language::Chinese);
    assert_eq!(Language::preferred(["en-GB", "zh"]), Language::English);
    assert_eq!(Language::preferred(["fr", "de-CH"]), Language::English);
    assert_eq!(Language::preferred(["ZH-hant"]), Language::Chinese);
}

#[test]
fn gaps_are_filled_once_and_values_are_left_as_they_are() {
    assert_eq!(fill("{name} is in", &[("name", "A {name}")]), "A {name} is in");
    assert_eq!(fill("{b}{a} {c} {", &[("a", "1"), ("b", "2")]), "21 {c} {");
}

/// Every sentence that goes through `t` in the sources of this crate.
fn sentences() -> BTreeSet<String> {
    let mut found = BTreeSet::new();
    let mut folders = vec![Path::new(env!("CARGO_MANIFEST_DIR")).join("src")];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path);
            } else if !path.ends_with("language/tests.rs") {
                collect(&fs::read_to_string(path).unwrap(), &mut found);
            }
        }
    }
    found
}

fn collect(source: &str, found: &mut BTreeSet<String>) {
    for (at, _) in source.match_indices("t(") {
        let is_called = !source[..at].ends_with(|c: char| c.is_alphanumeric() || c == '_' || c == '.');
        // A long sentence stands on a line of its own.
        if let Some(sentence) = source[at + 2..].trim_start().strip_prefix('"').filter(|_| is_called) {
            found.insert(literal(sentence));
        }
    }
}

/// A string literal up to its closing quote: escapes, and lines joined by a backslash.
fn literal(source: &str) -> String {
    let mut text = String::new();
    let mut chars = source.chars().peekable();
    while let Some(c) = chars.next().filter(|c| *c != '"') {
        match (c, chars.peek()) {
            ('\\', Some('\n')) => while chars.next_if(|c| c.is_whitespace()).is_some() {},
            ('\\', Some(_)) => text.extend(chars.next()),
            _ => text.push(c),
        }
    }
    text
}

fn gaps(sentence: &str) -> BTreeSet<&str> {
    sentence.split('{').skip(1).filter_map(|rest| rest.split_once('}')).map(|(name, _)| name).collect()
}

#[test]
fn the_chinese_table_has_every_sentence_of_the_page_with_the_same_gaps_and_no_other() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../public/lang/zh.json");
    let table: BTreeMap<String, String> = serde_json::from_str(&fs::read_to_string(path).unwrap()).unwrap();
    let sentences = sentences();
    let missing: Vec<_> = sentences.iter().filter(|sentence| !table.contains_key(*sentence)).collect();
    let unused: Vec<_> = table.keys().filter(|key| !sentences.contains(*key)).collect();
    let torn: Vec<_> = table.iter().filter(|(english, other)| gaps(english) != gaps(other)).collect();
    assert!(missing.is_empty() && unused.is_empty() && torn.is_empty(), "{missing:#?} {unused:#?} {torn:#?}");
}
