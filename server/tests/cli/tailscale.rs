//! `--tailscale`, with a `tailscale` that writes down what it was asked.

use std::io::{Read, Write};
use std::net::TcpStream;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;

use serde_json::json;
use tempfile::TempDir;

use super::gateway::{Done, Gateway, command};

const STATUS: &str = r#"{"BackendState": "Running", "Self": {"DNSName": "box.tail1.ts.net."}}"#;

/// A home with a `tailscale` that does this when it is asked for anything but its status.
fn home(does: &str, settings: &str) -> TempDir {
    let home = tempfile::tempdir().unwrap();
    let program = home.path().join("tailscale");
    let asked = home.path().join("asked");
    let script = format!(
        "#!/bin/sh\nif [ $1 = status ]; then echo '{STATUS}'; exit; fi\necho \"$*\" >> {}\n{does}\n",
        asked.display()
    );
    std::fs::write(&program, script).unwrap();
    std::fs::set_permissions(&program, std::fs::Permissions::from_mode(0o755)).unwrap();
    std::fs::create_dir(home.path().join(".openclaw")).unwrap();
    std::fs::write(home.path().join(".openclaw/openclaw.json"), settings).unwrap();
    home
}

fn path(home: &Path) -> String {
    format!("{}:/usr/bin:/bin", home.display())
}

fn asked(home: &Path) -> Vec<String> {
    std::fs::read_to_string(home.join("asked")).unwrap_or_default().lines().map(str::to_owned).collect()
}

fn start(home: TempDir, line: &[&str]) -> Gateway {
    let path = path(home.path());
    Gateway::start_with(home, &[&["gateway", "run", "--port", "0"], line].concat(), &[("PATH", &path)])
}

fn refused(home: &TempDir, line: &[&str]) -> String {
    let mut command = command(home.path(), &[&["gateway", "run", "--port", "0"], line].concat());
    let output = command.env("PATH", path(home.path())).output().unwrap();
    let text = |bytes| String::from_utf8(bytes).unwrap();
    Done { code: output.status.code().unwrap(), stdout: text(output.stdout), stderr: text(output.stderr) }
        .refused()
        .stderr
}

fn get(port: &str, header: &str) -> String {
    let mut stream = TcpStream::connect(format!("127.0.0.1:{port}")).unwrap();
    write!(stream, "GET / HTTP/1.1\r\nhost: box.tail1.ts.net\r\nconnection: close\r\n{header}\r\n").unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).unwrap();
    answer.lines().next().unwrap().to_owned()
}

#[test]
fn serve_leads_to_a_port_of_its_own_and_lets_go_at_the_end() {
    let mut gateway = start(home("", "{}"), &["--tailscale", "serve"]);
    let home = gateway.home.path().to_owned();
    let opened = asked(&home);
    let port = opened[0].strip_prefix("serve --bg --yes --https=443 ").unwrap().to_owned();
    assert_ne!(port, gateway.port.to_string());
    // What Tailscale passes on is believed there, and nowhere else.
    let from_a_phone =
        "x-forwarded-for: 100.101.1.2\r\nx-forwarded-proto: https\r\ntailscale-user-login: ada@example.com\r\n";
    assert_eq!(get(&port, from_a_phone), "HTTP/1.1 200 OK");
    assert_eq!(get(&port, ""), "HTTP/1.1 403 Forbidden");
    assert_eq!(get(&gateway.port.to_string(), from_a_phone), "HTTP/1.1 403 Forbidden");
    let code = gateway.run(&["qr", "--json"]).json();
    assert_eq!(
        (&code["gatewayUrl"], &code["urlSource"]),
        (&json!("wss://box.tail1.ts.net"), &json!("gateway.tailscale.mode=serve"))
    );
    gateway.run(&["gateway", "stop"]).ok();
    gateway.process.wait().unwrap();
    assert_eq!(asked(&home)[1..], ["serve --https=443 off"]);
}

#[test]
fn funnel_takes_a_password_and_nothing_gets_around_either() {
    let token_only = home("", "{}");
    let said = refused(&token_only, &["--tailscale", "funnel"]);
    assert!(said.contains("gateway.auth.mode \"password\""), "{said}");
    let said = refused(&token_only, &["--tailscale", "serve", "--bind", "lan"]);
    assert!(said.contains("gateway.bind \"loopback\""), "{said}");
    assert_eq!(asked(token_only.path()), Vec::<String>::new());

    let settings = json!({"gateway": {
        "auth": {"mode": "password", "password": "a password"}, "tailscale": {"mode": "funnel", "resetOnExit": false},
    }});
    let mut gateway = start(home("", &settings.to_string()), &[]);
    let home = gateway.home.path().to_owned();
    gateway.run(&["gateway", "stop"]).ok();
    gateway.process.wait().unwrap();
    let asked = asked(&home);
    assert!(asked.len() == 1 && asked[0].starts_with("funnel --bg --yes --https=443 "), "{asked:?}");
}

#[test]
fn a_tailscale_that_refuses_or_is_not_there_is_told_with_what_to_do() {
    let refusing = home("echo 'Access denied: serve config denied' >&2; exit 1", "{}");
    let said = refused(&refusing, &["--tailscale", "serve"]);
    for expected in ["Access denied", "hint: ", "--operator=$USER", "--tailscale off"] {
        assert!(said.contains(expected), "{expected}: {said}");
    }
    std::fs::remove_file(refusing.path().join("tailscale")).unwrap();
    let said = refused(&refusing, &["--tailscale", "serve"]);
    assert!(said.contains("no program `tailscale`") && said.contains("--tailscale off"), "{said}");
}
