use super::*;
use crate::config::secrets::REDACTED;
use proptest::prelude::*;
use serde_json::json;

fn patch(current: &str, raw: &str) -> Edited {
    Edit::Patch { raw: raw.to_owned(), replace_paths: Vec::new() }.apply(current).unwrap()
}

fn set(current: &str, raw: &str) -> Edited {
    Edit::Set { raw: raw.to_owned() }.apply(current).unwrap()
}

#[track_caller]
fn patched(current: &str, raw: &str, expected: &str, changed: &[&str]) {
    let edited = patch(current, raw);
    assert_eq!(edited.text, expected);
    assert_eq!(edited.changed_paths, changed);
}

#[track_caller]
fn refused(edit: &Edit, current: &str, path: &str, part: &str) {
    let problems = edit.apply(current).unwrap_err();
    assert_eq!(problems[0].path, path, "{problems:?}");
    assert!(problems[0].message.contains(part), "{problems:?}");
}

const FILE: &str = "// Mine.\n{\n  gateway: {\n    port: 1, // the port\n    auth: { token: 't' },\n  },\n  \
                    /* of another program */ agents: { main:'x',   list: [ 1,2 ] },\n}\n";

#[test]
fn a_value_changes_and_every_other_byte_stays() {
    patched(FILE, r#"{"gateway":{"port":2}}"#, &FILE.replace("port: 1,", "port: 2,"), &["gateway.port"]);
    patched(FILE, "{gateway: {auth: {token: 'new'}}}", &FILE.replace("'t'", "\"new\""), &["gateway.auth.token"]);
    patched(FILE, "{}", FILE, &[]);
    patched(FILE, r#"{"gateway":{"port":1}}"#, FILE, &[]);
}

#[test]
fn line_ends_stay_as_they_are() {
    let dos = FILE.replace('\n', "\r\n");
    patched(&dos, "{gateway: {port: 2}}", &dos.replace("port: 1,", "port: 2,"), &["gateway.port"]);
    let added = patch(&dos, "{gateway: {bind: 'lan'}}").text;
    assert_eq!(added.matches('\n').count(), added.matches("\r\n").count());
    assert_eq!(file::parse(&added).unwrap()["gateway"]["bind"], "lan");
}

#[test]
fn what_is_missing_on_the_way_is_made() {
    let edited = patch(FILE, "{gateway: {nodes: {pairing: {autoApproveLocal: false}}}, new: {}}");
    assert_eq!(edited.changed_paths, ["gateway.nodes.pairing.autoApproveLocal", "new"]);
    assert!(edited.text.starts_with("// Mine.\n"), "{}", edited.text);
    assert!(edited.text.contains("port: 1, // the port"), "{}", edited.text);
    assert!(edited.text.contains("/* of another program */ agents: { main:'x',   list: [ 1,2 ] },"));
    let from_nothing = patch("", "{gateway: {port: 5}}");
    assert_eq!(file::parse(&from_nothing.text).unwrap(), json!({"gateway": {"port": 5}}));
}

#[test]
fn null_deletes() {
    let edited = patch(FILE, "{gateway: {port: null, none: null}, agents: null}");
    assert_eq!(edited.changed_paths, ["agents.list", "agents.main", "gateway.port"]);
    assert_eq!(file::parse(&edited.text).unwrap(), json!({"gateway": {"auth": {"token": "t"}}}));
    assert!(edited.text.starts_with("// Mine.\n"));
}

#[test]
fn lists_keep_what_is_the_same_with_its_comments() {
    let list = "{ a: [\n  'x', // first\n  'y', // second\n  'z' // third\n] }";
    let edited = patch(list, "{a: ['x', 'z']}");
    assert_eq!(file::parse(&edited.text).unwrap(), json!({"a": ["x", "z"]}));
    assert!(edited.text.contains("// first") && edited.text.contains("// third"), "{}", edited.text);
    patched(list, "{a: ['x', 'w', 'z']}", &list.replace("'y'", "\"w\""), &["a"]);
    let longer = patch(list, "{a: ['x', 'y', 'z', 'end']}").text;
    assert_eq!(file::parse(&longer).unwrap(), json!({"a": ["x", "y", "z", "end"]}));
    assert!(["// first", "// second", "// third"].iter().all(|comment| longer.contains(comment)), "{longer}");
    let inside = "{ a: [{ b: 1, /* c */ c: 2 }] }";
    patched(inside, "{a: [{b: 3, c: 2}]}", &inside.replace("b: 1", "b: 3"), &["a"]);
    patched(inside, "{a: []}", "{ a: [] }", &["a"]);
}

#[test]
fn keys_of_any_spelling_are_found() {
    let text = "{ 'schlüssel': 1, \"\\u0070ort\": 2, '鍵': { '\"': 3 } }";
    let edited = patch(text, r#"{"schlüssel": 4, "port": 5, "鍵": {"\"": 6, "ключ": 7}}"#);
    let expected = json!({"schlüssel": 4, "port": 5, "鍵": {"\"": 6, "ключ": 7}});
    assert_eq!(file::parse(&edited.text).unwrap(), expected);
    assert!(edited.text.contains("'schlüssel': 4") && edited.text.contains(r#""\u0070ort": 5"#), "{}", edited.text);
}

#[test]
fn a_path_that_is_to_be_replaced_is_not_merged() {
    let current = "{ a: { b: 1, c: 2 }, d: 3 }";
    let edit = |paths: &[&str]| Edit::Patch {
        raw: "{a: {b: 9}}".to_owned(),
        replace_paths: paths.iter().map(|path| (*path).to_owned()).collect(),
    };
    let value = |edit: Edit| file::parse(&edit.apply(current).unwrap().text).unwrap();
    assert_eq!(value(edit(&[])), json!({"a": {"b": 9, "c": 2}, "d": 3}));
    assert_eq!(value(edit(&["a"])), json!({"a": {"b": 9}, "d": 3}));
}

#[test]
fn a_persons_text_is_taken_as_it_is_and_a_programs_values_one_by_one() {
    let typed = "{ /* new */ gateway: { port: 7, auth: { token: '__OPENCLAW_REDACTED__' } } } // end";
    let edited = set(FILE, typed);
    assert_eq!(edited.text, typed.replace("'__OPENCLAW_REDACTED__'", "\"t\""));
    assert_eq!(edited.changed_paths, ["agents.list", "agents.main", "gateway.port"]);
    let program =
        format!(r#"{{"gateway":{{"port":7,"auth":{{"token":"{REDACTED}"}}}},"agents":{{"main":"x","list":[1,2]}}}}"#);
    let edited = set(FILE, &program);
    assert_eq!(edited.text, FILE.replace("port: 1,", "port: 7,"));
    assert_eq!(edited.changed_paths, ["gateway.port"]);
    assert_eq!(set("", r#"{"a":1}"#).text, r#"{"a":1}"#);
    assert_eq!(set("{ broken", r#"{"a":1}"#).text, r#"{"a":1}"#);
}

#[test]
fn secrets_that_nobody_saw_stay_word_for_word() {
    let env = "{ gateway: { auth: { token: '${GATEWAY_TOKEN}', password: \"p\" }, port: 1 } }";
    let all = format!("{{gateway: {{port: 2, auth: {{token: '{REDACTED}', password: '{REDACTED}'}}}}}}");
    patched(env, &all, &env.replace("port: 1", "port: 2"), &["gateway.port"]);
}

#[test]
fn what_cannot_be_understood_is_refused_with_its_path() {
    let patch = |raw: &str| Edit::Patch { raw: raw.to_owned(), replace_paths: Vec::new() };
    refused(&patch("{a: "), FILE, "", "");
    refused(&patch("[1]"), FILE, "", "one object");
    refused(&patch("{a: {b: 1, 'b': 2}}"), FILE, "a.b", "twice");
    refused(&patch(r#"{"a": [{"b": 1, "\u0062": 2}]}"#), FILE, "a.0.b", "twice");
    refused(&patch("{}"), "{a: 1, a: 2}", "a", "twice");
    let redacted = format!("{{gateway: {{auth: {{password: '{REDACTED}'}}}}}}");
    refused(&patch(&redacted), FILE, "gateway.auth.password", "which secret");
    refused(&Edit::Set { raw: redacted }, "{ broken", "gateway.auth.password", "which secret");
}

/// A setting on a line of its own: comment, key, value, comment.
#[derive(Debug, Clone)]
struct Line {
    key: String,
    before: String,
    after: String,
    quote: char,
    value: i64,
}

impl Line {
    fn text(&self) -> String {
        let Self { key, before, after, quote, value } = self;
        let quote = if *quote == ' ' { String::new() } else { quote.to_string() };
        format!("{before}{quote}{key}{quote}  :{value}, // {after}")
    }
}

fn document(lines: &[Line]) -> String {
    let lines: Vec<String> = lines.iter().map(|line| format!("\t  {}\n", line.text())).collect();
    format!("// Above.\n{{ other:{{  a:[ 1,2 ,],}},\n  group: {{\n{}  }},\n}}\n/* below */\n", lines.concat())
}

#[derive(Debug, Clone)]
enum Op {
    Change(prop::sample::Index, i64),
    Add(u8, i64),
    Remove(prop::sample::Index),
}

fn any_line() -> impl Strategy<Value = (String, String, char, i64)> {
    let quote = prop::sample::select(vec![' ', '\'', '"']);
    ("(/\\* [a-zé{},:]{0,8} \\*/)? {0,3}", "[ a-zé{},:'\"]{0,10}", quote, any::<i32>().prop_map(i64::from))
}

fn any_op() -> impl Strategy<Value = Op> {
    prop_oneof![
        (any::<prop::sample::Index>(), 0..1_000_i64).prop_map(|(which, value)| Op::Change(which, value)),
        (any::<u8>(), 0..1_000_i64).prop_map(|(name, value)| Op::Add(name, value)),
        any::<prop::sample::Index>().prop_map(Op::Remove),
    ]
}

proptest! {
    /// Whatever is changed one after the other: what was not meant stays byte for byte, and the values are what was
    /// asked for.
    #[test]
    fn what_is_not_changed_stays_byte_for_byte(
        parts in prop::collection::vec(any_line(), 1..6),
        ops in prop::collection::vec(any_op(), 1..12),
    ) {
        let line = |(index, (before, after, quote, value)): (usize, (String, String, char, i64))| {
            Line { key: format!("k{index}"), before, after, quote, value }
        };
        let mut lines: Vec<Line> = parts.into_iter().enumerate().map(line).collect();
        let mut text = document(&lines);
        let mut values: Map<String, Value> = lines.iter().map(|line| (line.key.clone(), line.value.into())).collect();
        let mut is_as_written = true;
        for op in ops {
            let (key, value) = match op {
                Op::Change(which, value) if !lines.is_empty() => {
                    let which = which.index(lines.len());
                    let line = &mut lines[which];
                    line.value = value;
                    (line.key.clone(), Some(value))
                }
                Op::Remove(which) if !lines.is_empty() => (lines.remove(which.index(lines.len())).key, None),
                Op::Add(name, value) => (format!("new{name}"), Some(value)),
                Op::Change(..) | Op::Remove(_) => continue,
            };
            is_as_written &= value.is_some() && !key.starts_with("new");
            let edited = patch(&text, &json!({"group": {&key: value}}).to_string());
            match value {
                Some(value) => drop(values.insert(key, value.into())),
                None => drop(values.remove(&key)),
            }
            text = edited.text;
            if is_as_written {
                prop_assert_eq!(&text, &document(&lines));
            }
            let parsed = file::parse(&text).unwrap();
            prop_assert_eq!(&parsed["group"], &Value::Object(values.clone()));
            let mut rest = text.as_str();
            for line in &lines {
                let (_, after) = rest.split_once(&line.text()).unwrap();
                rest = after;
            }
            let (above, below) = ("// Above.\n{ other:{  a:[ 1,2 ,],},\n  group: {", ",\n}\n/* below */\n");
            prop_assert!(text.starts_with(above) && text.ends_with(below), "{}", text);
        }
    }
}
