use super::*;
use crate::config::secrets::REDACTED;
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
