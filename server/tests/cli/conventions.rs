//! What holds for every command: misuse does nothing and ends with 2, a refusal ends with 1 and with what to do next,
//! data is on stdout and words on stderr, and whoever waits sees that something happens.

use std::collections::BTreeSet;
use std::fmt::Write;
use std::net::TcpListener;
use std::os::unix::net::UnixListener;
use std::path::Path;

use clap::{Command as Definition, CommandFactory};
use server::cli::args::Args;

use super::gateway::{Gateway, command, run};
use super::terminal::AtTerminal;

/// Every command below this one, as it is typed, and its definition.
fn walk(definition: &Definition, typed: &[String], found: &mut Vec<(Vec<String>, Definition)>) {
    for inner in definition.get_subcommands().filter(|inner| inner.get_name() != "help") {
        let typed = [typed, &[inner.get_name().to_owned()]].concat();
        found.push((typed.clone(), inner.clone()));
        walk(inner, &typed, found);
    }
}

fn commands() -> Vec<(Vec<String>, Definition)> {
    let mut found = Vec::new();
    walk(&Args::command(), &[], &mut found);
    assert!(found.len() > 20, "{found:?}");
    found
}

/// Commands of other versions take any words at all, and say what to do instead.
fn takes_anything(definition: &Definition) -> bool {
    definition.get_arguments().any(clap::Arg::is_trailing_var_arg_set)
}

fn is_untouched(home: &Path) -> bool {
    std::fs::read_dir(home).unwrap().next().is_none()
}

#[test]
fn misuse_ends_with_2_and_does_nothing() {
    let home = tempfile::tempdir().unwrap();
    for (typed, definition) in commands().into_iter().filter(|(_, definition)| !takes_anything(definition)) {
        let mut line: Vec<&str> = typed.iter().map(String::as_str).collect();
        line.push("--no-such-flag");
        let done = run(home.path(), &line);
        assert_eq!(done.code, 2, "{line:?}: {}{}", done.stdout, done.stderr);
        assert_eq!(done.stdout, "", "{line:?}");
        assert!(done.stderr.contains("Usage: openclaw") && done.stderr.contains("--help"), "{line:?}: {}", done.stderr);
        if definition.is_subcommand_required_set() {
            line.pop();
            assert_eq!(run(home.path(), &line).code, 2, "{line:?}");
        }
    }
    for line in [&[][..], &["no-such-command"], &["devices", "no-such-command"], &["config", "set", "a..b", "1"]] {
        let done = run(home.path(), line);
        assert_eq!((done.code, done.stdout.as_str()), (2, ""), "{line:?}: {}", done.stderr);
    }
    assert!(is_untouched(home.path()));
}

#[test]
fn every_command_explains_itself_on_stdout() {
    let home = tempfile::tempdir().unwrap();
    for (typed, definition) in commands().into_iter().filter(|(_, definition)| !takes_anything(definition)) {
        let line: Vec<&str> = typed.iter().map(String::as_str).chain(["--help"]).collect();
        let done = run(home.path(), &line);
        assert_eq!((done.code, done.stderr.as_str()), (0, ""), "{line:?}");
        let about = definition.get_about().unwrap_or_else(|| panic!("{line:?} has no words")).to_string();
        assert!(done.stdout.starts_with(&about), "{line:?}: {}", done.stdout);
    }
    assert!(is_untouched(home.path()));
}

#[test]
fn a_refusal_ends_with_1_and_with_what_to_do_next() {
    let gateway = Gateway::start();
    let empty = tempfile::tempdir().unwrap();
    let refused = |home: &Path, line: &str| {
        let done = run(home, &line.split(' ').collect::<Vec<_>>()).refused();
        assert_eq!(done.stdout, "", "{line}");
        let last = done.stderr.trim_end().rsplit("\n\n").next().unwrap();
        assert!(done.stderr.starts_with("error: ") && last.starts_with("hint: "), "{line}: {}", done.stderr);
    };
    for line in
        ["dashboard", "config get gateway.nope", "config unset gateway.port", "config set gateway.port x", "configure"]
    {
        refused(empty.path(), line);
    }
    for line in [
        "config get gateway.nope",
        "config unset gateway.trustedProxies",
        "config set gateway.port x",
        "configure",
        "devices approve 00000000-0000-4000-8000-000000000000",
        "devices reject nobody",
        "devices remove nobody",
        "devices rename nobody name",
        "devices rotate nobody operator",
        "devices revoke nobody",
        "nodes approve nobody",
        "nodes describe nobody",
        "nodes rename --node nobody --name name",
        "nodes remove nobody",
        "devices list --url ws://127.0.0.1:1",
        "connect nonsense",
    ] {
        refused(gateway.home.path(), line);
    }
}

#[test]
fn completions_know_every_command() {
    let home = tempfile::tempdir().unwrap();
    for shell in ["bash", "zsh", "fish"] {
        let script = run(home.path(), &["completion", shell]).ok();
        for (typed, definition) in commands() {
            let name = typed.last().unwrap();
            assert!(definition.is_hide_set() || script.contains(name.as_str()), "{shell} does not know {typed:?}");
        }
    }
    let script = run(home.path(), &["completion", "bash"]).ok();
    let file = home.path().join("openclaw.bash");
    std::fs::write(&file, script).unwrap();
    let ask = "source openclaw.bash; COMP_WORDS=(openclaw config se); COMP_CWORD=2; \
               _openclaw openclaw se config; echo \"${COMPREPLY[@]}\"";
    let bash =
        std::process::Command::new("bash").args(["--norc", "-c", ask]).current_dir(home.path()).output().unwrap();
    assert_eq!(String::from_utf8_lossy(&bash.stdout), "set\n", "{}", String::from_utf8_lossy(&bash.stderr));
}

#[test]
fn every_command_has_a_manual_page() {
    let home = tempfile::tempdir().unwrap();
    let folder = home.path().join("man/man1");
    let done = run(home.path(), &["man", "--out", folder.to_str().unwrap()]);
    assert!(done.stderr.contains("man "), "{}", done.stderr);
    assert_eq!(done.ok(), "");
    let written: BTreeSet<String> =
        std::fs::read_dir(&folder).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
    let mut expected = BTreeSet::from(["openclaw.1".to_owned()]);
    for (typed, definition) in commands() {
        if definition.is_hide_set() {
            continue;
        }
        let name = format!("openclaw-{}.1", typed.join("-"));
        let page = std::fs::read_to_string(folder.join(&name)).unwrap();
        let usage = format!("openclaw {}", typed.join(" ")).replace('-', "\\-");
        let about = definition.get_about().unwrap().to_string().replace('-', "\\-");
        let first_word = about.split([' ', '\'']).next().unwrap();
        assert!(page.contains(&usage) && page.contains(first_word), "{name}: {page}");
        expected.insert(name);
    }
    assert_eq!(written, expected);
    assert!(run(home.path(), &["man"]).ok().contains(".TH openclaw 1"));
}

/// The table of docs/cli.md.
fn table() -> String {
    let mut table = "| command | what it does |\n|---|---|\n".to_owned();
    for (typed, definition) in commands() {
        if definition.is_hide_set() || definition.has_subcommands() && definition.is_subcommand_required_set() {
            continue;
        }
        let about = definition.get_about().unwrap().to_string().replace('|', "\\|");
        writeln!(table, "| `openclaw {}` | {about} |", typed.join(" ")).unwrap();
    }
    table
}

#[test]
fn the_table_in_the_docs_has_every_command() {
    let docs = include_str!("../../../docs/cli.md");
    assert!(docs.contains(&table()), "docs/cli.md is out of date; this belongs there:\n{}", table());
}

#[test]
fn headlines_are_bold_at_a_terminal_that_can_and_nowhere_else() {
    let gateway = Gateway::start();
    let home = gateway.home.path();
    let list = ["devices", "list"];
    let shown = |line: &[&str], env: &[(&str, &str)]| {
        let mut command = command(home, line);
        command.envs(env.iter().copied());
        AtTerminal::start_command(command).rest()
    };
    let color = ("TERM", "xterm-256color");
    assert!(shown(&list, &[color]).contains("\u{1b}[1mPending (0)\u{1b}[0m"));
    for (line, env) in [
        (&list[..], &[color, ("NO_COLOR", "1")][..]),
        (&["devices", "list", "--no-color"], &[color]),
        (&["--no-color", "devices", "list"], &[color]),
        (&list, &[("TERM", "dumb")]),
    ] {
        let shown = shown(line, env);
        assert!(shown.contains("Pending (0)") && !shown.contains('\u{1b}'), "{line:?} {env:?}: {shown:?}");
    }
    let piped = run(home, &list).ok();
    assert!(piped.starts_with("Pending (0)\n"), "{piped:?}");
}

/// A gateway that takes connections and never says a word.
fn silent() -> (TcpListener, String) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("ws://{}", listener.local_addr().unwrap());
    (listener, url)
}

#[test]
fn whoever_waits_at_a_terminal_sees_that_something_happens() {
    let home = tempfile::tempdir().unwrap();
    let (listener, url) = silent();
    let mut waiting = AtTerminal::start(home.path(), &["devices", "list", "--url", &url]);
    waiting.shows("Waiting for the gateway…");
    waiting.shows("\r\u{1b}[K");
    // It is away, and the program is told so at once.
    drop(listener.accept().unwrap());
    drop(listener);
    let rest = waiting.rest();
    let (_, after) = rest.rsplit_once("\r\u{1b}[K").unwrap_or(("", &rest));
    assert!(after.starts_with("error: "), "the line is gone before anything is said: {rest:?}");
    waiting.ends_with(1);
}

#[test]
fn whoever_watches_sees_that_it_connects_and_no_list_before_there_is_one() {
    let home = tempfile::tempdir().unwrap();
    let folder = home.path().join(".openclaw");
    std::fs::create_dir(&folder).unwrap();
    let _silent = UnixListener::bind(folder.join("gateway.sock")).unwrap();
    let mut watch = AtTerminal::start(home.path(), &["devices", "watch"]);
    let before = watch.shows("Connecting to the gateway…");
    assert!(!before.contains("Nobody waits"), "{before}");
    watch.types("q");
    watch.ends_with(0);
}

#[test]
fn a_script_sees_no_moving_line() {
    let home = tempfile::tempdir().unwrap();
    let (_listener, url) = silent();
    let done = run(home.path(), &["devices", "list", "--url", &url, "--timeout", "1"]).refused();
    let expected = "error: The gateway did not answer in time.\n\nhint: allow more with --timeout SECONDS\n";
    assert_eq!((done.stdout.as_str(), done.stderr.as_str()), ("", expected));
}
