//! Where a gateway is to be reached, and who is there instead.

use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};

use serde_json::{Value, json};

use super::gateway::{Done, Gateway, command};

fn home_with(settings: &Value) -> tempfile::TempDir {
    let home = tempfile::tempdir().unwrap();
    std::fs::create_dir(home.path().join(".openclaw")).unwrap();
    std::fs::write(home.path().join(".openclaw/openclaw.json"), settings.to_string()).unwrap();
    home
}

fn answers(address: &str, port: u16) -> bool {
    TcpStream::connect((address, port)).is_ok()
}

#[test]
fn each_bind_is_reachable_where_it_says() {
    // 127.0.0.5 is an address of this machine that is not the usual loopback one.
    for (bind, usual, other) in
        [("loopback", true, false), ("auto", true, false), ("lan", true, true), ("custom", false, true)]
    {
        let home = home_with(&json!({"gateway": {"customBindHost": "127.0.0.5", "auth": {"token": "a-token"}}}));
        let gateway = Gateway::start_with(home, &["gateway", "run", "--port", "0", "--bind", bind], &[]);
        assert_eq!((answers("127.0.0.1", gateway.port), answers("127.0.0.5", gateway.port)), (usual, other), "{bind}");
        assert_eq!(gateway.run(&["gateway", "status", "--json"]).json()["healthy"], true, "{bind}");
    }
    let home = home_with(&json!({}));
    let done = command(home.path(), &["gateway", "run", "--port", "0", "--bind", "custom"]).output().unwrap();
    assert!(String::from_utf8(done.stderr).unwrap().contains("gateway.customBindHost"));
}

#[test]
fn deep_status_and_probe_find_the_gateway_as_strangers_do() {
    let home = home_with(&json!({"gateway": {"bind": "lan", "auth": {"token": "a-token"}}}));
    let gateway = Gateway::start_with(home, &["gateway", "run", "--port", "0"], &[]);
    let deep = gateway.run(&["gateway", "status", "--deep", "--json"]).json()["deep"].clone();
    assert_eq!((&deep["http"]["ok"], &deep["webSocket"]["ok"]), (&json!(true), &json!(true)));
    assert_eq!(deep["holders"][0]["pid"], gateway.process.id());
    assert_eq!(deep["holders"][0]["isGateway"], true);
    assert_eq!(deep["ownerSocket"]["pid"], gateway.process.id());
    let words = gateway.run(&["gateway", "status", "--deep"]).ok();
    for expected in ["Socket   process", "Port     ", "the gateway of", "WebSock  a gateway sends its challenge"] {
        assert!(words.contains(expected), "{expected}: {words}");
    }
    let url = gateway.url();
    let probed = gateway.run(&["gateway", "probe", "--json", "--url", &url]).json();
    let targets = probed["targets"].as_array().unwrap();
    let verdicts: Vec<&Value> = targets.iter().map(|target| &target["verdict"]).collect();
    assert_eq!((&targets[0]["url"], &targets[0]["source"]), (&json!(url), &json!("--url")));
    assert!(verdicts.len() >= 2 && verdicts.iter().all(|verdict| *verdict == "a gateway answers"), "{probed}");
    // A look is nothing that anybody has to decide about.
    assert_eq!(gateway.list()["pending"], json!([]));
}

#[test]
fn another_program_on_the_port_is_named() {
    let other = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = other.local_addr().unwrap().port();
    std::thread::spawn(move || {
        for stream in other.incoming() {
            let mut stream = stream.unwrap();
            let _ = stream.read(&mut [0; 1024]);
            let _ = stream.write_all(b"HTTP/1.1 404 Not Found\r\ncontent-length: 0\r\nconnection: close\r\n\r\n");
        }
    });
    let home = home_with(&json!({"gateway": {"port": port}}));
    let ask = |line: &[&str]| {
        let output = command(home.path(), line).output().unwrap();
        let text = |bytes| String::from_utf8(bytes).unwrap();
        Done { code: output.status.code().unwrap(), stdout: text(output.stdout), stderr: text(output.stderr) }.refused()
    };
    let us = format!("(process {})", std::process::id());
    let deep = ask(&["gateway", "status", "--deep"]);
    assert!(
        deep.stdout.contains("Socket   nobody listens") && deep.stdout.contains("that is no gateway"),
        "{}",
        deep.stdout
    );
    assert!(deep.stderr.contains(&us) && deep.stderr.contains("gateway.port"), "{}", deep.stderr);
    let probed = ask(&["gateway", "probe"]);
    assert!(
        probed.stdout.contains("another program is on the port") && probed.stdout.contains(&us),
        "{}",
        probed.stdout
    );
    assert!(probed.stderr.contains("stop that program"), "{}", probed.stderr);
}

#[test]
fn a_probe_of_nothing_says_what_to_start() {
    let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    let home = home_with(&json!({"gateway": {"port": port, "remote": {"url": "ws://gateway.example.com"}}}));
    let output = command(home.path(), &["gateway", "probe", "--json"]).output().unwrap();
    assert_eq!(output.status.code(), Some(1));
    let probed: Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!((&probed["ok"], &probed["targets"][0]["verdict"]), (&json!(false), &json!("nobody listens there")));
    assert!(probed["targets"][0]["advice"].as_str().unwrap().contains("openclaw gateway run"));
    assert_eq!(probed["targets"][1]["source"], "gateway.remote.url");
    assert_eq!(probed["targets"][1]["reachable"], false);
}
