//! Many programs change the settings at once, some of them die halfway (T-G01.1).

use std::collections::BTreeMap;
use std::path::Path;
use std::process::Stdio;

use serde_json::{Value, json};
use server::config::file::parse;

use super::config::{file, home_with};
use super::gateway::{Gateway, command, run};

const FILE: &str = "// Mine.\n{ gateway: { auth: { token: 'writers-token-0123456789' }, port: 18790 /* the port */ },\n  \
                    // Theirs.\n  agents: { main:'x',   list: [ 1,2 ,] }, }\n// The end.\n";

const WRITERS: usize = 4;
const CHANGES: usize = 12;

/// What each key may say in the end: what was acknowledged last, or what a program wanted that died later.
type Wanted = BTreeMap<String, May>;

#[derive(Default)]
struct May {
    say: Vec<Value>,
    /// Whether what it said before is no choice any more.
    is_acknowledged: bool,
}

/// Numbers that look random and are the same in every run.
fn next(seed: &mut u64) -> u64 {
    *seed = seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
    *seed >> 33
}

/// One after the other, as a script does; every fourth program is killed at some moment.
fn write(home: &Path, writer: usize, round: usize) -> Wanted {
    let (mut seed, mut wanted) = ((writer * 97 + round * 31 + 1) as u64, Wanted::new());
    for change in 0..CHANGES {
        let path = format!("theirs.w{writer}.k{}", next(&mut seed) % 3);
        let value = format!("{round}-{change}");
        let merge = json!({"theirs": {format!("w{writer}"): {path.rsplit('.').next().unwrap(): value}}}).to_string();
        let line = if next(&mut seed).is_multiple_of(2) {
            vec!["config", "set", &path, &value]
        } else {
            vec!["config", "patch", &merge]
        };
        let mut process = command(home, &line).stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
        let is_killed = next(&mut seed).is_multiple_of(4);
        if is_killed {
            // Whenever the machine comes to it: before, while or after it writes.
            (0..next(&mut seed) % 20_000).for_each(|_| std::thread::yield_now());
            process.kill().unwrap();
        }
        let ended = process.wait().unwrap();
        assert!(is_killed || ended.success(), "{line:?} failed");
        let may = wanted.entry(path).or_default();
        if ended.success() {
            *may = May { say: Vec::new(), is_acknowledged: true };
        }
        may.say.push(value.into());
    }
    wanted
}

/// All writers at once; the result is what everything may say afterwards.
fn write_at_once(home: &Path, round: usize, wanted: &mut Wanted) {
    let rounds: Vec<Wanted> = std::thread::scope(|scope| {
        let writers: Vec<_> = (0..WRITERS).map(|writer| scope.spawn(move || write(home, writer, round))).collect();
        writers.into_iter().map(|writer| writer.join().unwrap()).collect()
    });
    let text = std::fs::read_to_string(file(home)).unwrap();
    let parsed = parse(&text).unwrap();
    for (path, mut may) in rounds.into_iter().flatten() {
        let found = parsed.pointer(&format!("/{}", path.replace('.', "/"))).cloned().unwrap_or_default();
        let before = wanted.remove(&path).map_or_else(|| vec![Value::Null], |before| before.say);
        if !may.is_acknowledged {
            may.say.extend(before);
        }
        assert!(may.say.contains(&found), "{path} is {found}, not one of {:?}", may.say);
        wanted.insert(path, may);
    }
    for kept in [
        "// Mine.\n{ gateway: {",
        "port: 18790 /* the port */",
        "// Theirs.\n  agents: { main:'x',   list: [ 1,2 ,] },",
        "// The end.\n",
    ] {
        assert!(text.contains(kept), "{kept} in {text}");
    }
}

#[test]
fn nothing_is_lost_when_many_write_at_once_and_some_die() {
    let mut wanted = Wanted::new();
    let home = home_with(FILE);
    write_at_once(home.path(), 0, &mut wanted);
    let gateway = Gateway::start_in(home);
    write_at_once(gateway.home.path(), 1, &mut wanted);
    let home = gateway.stop();
    write_at_once(home.path(), 2, &mut wanted);

    run(home.path(), &["config", "set", "theirs.last", "1"]).ok();
    let folder = std::fs::read_dir(home.path().join(".openclaw")).unwrap();
    let names: Vec<String> = folder.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
    assert!(names.iter().all(|name| !name.contains("unfinished")), "{names:?}");
    parse(&std::fs::read_to_string(home.path().join(".openclaw/openclaw.json.bak")).unwrap()).unwrap();
}
