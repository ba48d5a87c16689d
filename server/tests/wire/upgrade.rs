//! From HTTP to a socket, and what is in the way (wire.md §1.1–1.2, §5.1).

use std::collections::BTreeSet;

use serde_json::{Value, json};
use tokio::io::{AsyncReadExt, AsyncWriteExt};

use crate::ask::Ask;
use crate::client::Head;
use crate::gateway::{TOKEN, TestGateway};

/// The head of the answer to an upgrade with these further lines.
async fn switch(gateway: &TestGateway, lines: &str) -> Head {
    let mut stream = gateway.tcp().await;
    let request = format!(
        "GET / HTTP/1.1\r\nhost: {}\r\nconnection: keep-alive, Upgrade\r\nupgrade: WebSocket\r\n\
         sec-websocket-version: 13\r\nsec-websocket-key: dGhlIHNhbXBsZSBub25jZQ==\r\n{lines}\r\n",
        gateway.address()
    );
    stream.write_all(request.as_bytes()).await.unwrap();
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        head.push(stream.read_u8().await.unwrap());
    }
    Head::parse(String::from_utf8(head).unwrap().trim_end())
}

#[tokio::test]
async fn the_answer_to_an_upgrade_says_no_more_than_it_must() {
    let gateway = TestGateway::start().await;
    let offers =
        "sec-websocket-extensions: permessage-deflate; client_max_window_bits\r\nsec-websocket-protocol: a, b\r\n";
    for lines in ["", offers] {
        let head = switch(&gateway, lines).await;
        assert_eq!(head.status, 101);
        assert_eq!(head.get("sec-websocket-accept"), Some("s3pPLMBiTxaQ9kYGzzhZRbK+xOo="));
        let names: BTreeSet<&str> = head.headers.iter().map(|(name, _)| name.as_str()).collect();
        // The reference leaves out the date, which no client minds.
        assert_eq!(names, BTreeSet::from(["connection", "date", "sec-websocket-accept", "upgrade"]));
    }
}

#[tokio::test]
async fn a_socket_opens_on_any_path() {
    let gateway = TestGateway::start().await;
    for path in ["/", "/ws", "/foo/bar?x=1", "/healthz", "/pkg/app.js", "/api/x"] {
        let hello = gateway.open_at(path, &[]).await.enter(&Ask::admin()).await;
        assert_eq!(hello["type"], "hello-ok", "{path}");
    }
}

#[tokio::test]
async fn paths_of_sockets_that_we_do_not_have_are_not_found() {
    const UPGRADE: [&str; 4] = [
        "connection: Upgrade",
        "upgrade: websocket",
        "sec-websocket-key: dGhlIHNhbXBsZSBub25jZQ==",
        "sec-websocket-version: 13",
    ];
    let gateway = TestGateway::start().await;
    for path in ["/__openclaw__/worker", "/__openclaw__/cap/x/y", "/desktop/observe", "/node-desktop/attach"] {
        let answer = gateway.http(&format!("GET {path}"), &UPGRADE).await;
        assert_eq!(answer.status, 404, "{path}");
    }
}

#[tokio::test]
async fn an_upgrade_that_is_none_is_a_bad_request() {
    const KEY: &str = "sec-websocket-key: dGhlIHNhbXBsZSBub25jZQ==";
    const VERSION: &str = "sec-websocket-version: 13";
    let gateway = TestGateway::start().await;
    let rows: [(&str, &[&str]); 5] = [
        ("GET /", &["connection: Upgrade", "upgrade: websocket", VERSION]),
        ("GET /", &["connection: Upgrade", "upgrade: websocket", KEY, "sec-websocket-version: 8"]),
        ("GET /", &["connection: close", "upgrade: websocket", KEY, VERSION]),
        ("GET /", &["connection: Upgrade", "upgrade: h2c", KEY, VERSION]),
        ("POST /", &["connection: Upgrade", "upgrade: websocket", KEY, VERSION, "content-length: 0"]),
    ];
    for (request, lines) in rows {
        let answer = gateway.http(request, lines).await;
        assert_eq!(answer.status, 400, "{request} {lines:?}");
        assert!(answer.head.get("content-type").unwrap().starts_with("text/plain"));
        assert_eq!(answer.head.get("connection"), Some("close"));
    }
}

#[tokio::test]
async fn a_client_that_nobody_vouches_for_is_forbidden_everywhere() {
    let without_proxies = TestGateway::start_with(&json!({"auth": {"token": TOKEN}}), &[]).await;
    let with_proxies = TestGateway::start().await;
    let rows = [
        (&without_proxies, "x-forwarded-for: 127.0.0.1"),
        (&without_proxies, "forwarded: for=127.0.0.1"),
        (&without_proxies, "x-real-ip: 127.0.0.1"),
        (&without_proxies, "x-forwarded-proto: https"),
        (&without_proxies, "tailscale-user-login: ada@example.com"),
        (&with_proxies, "x-forwarded-for: 127.0.0.1"),
        (&with_proxies, "x-forwarded-for: nonsense"),
        (&with_proxies, "x-forwarded-proto: https"),
        (&with_proxies, "x-real-ip: 192.0.2.2"),
    ];
    let error = json!({"error": {
        "message": "Proxy client attribution is required. Configure gateway.trustedProxies narrowly and make the proxy overwrite or safely rebuild forwarded client headers.",
        "type": "proxy_attribution_required",
    }});
    for (gateway, evidence) in rows {
        for request in ["GET /", "GET /readyz", "GET /devices", "GET /nope.txt", "POST /api/x"] {
            let answer = gateway.http(request, &[evidence]).await;
            assert_eq!(answer.status, 403, "{request} {evidence}");
            assert_eq!(serde_json::from_str::<Value>(&answer.body).unwrap(), error);
        }
        let socket = gateway.upgrade_refused(&[evidence]).await;
        assert_eq!((socket.status, serde_json::from_str::<Value>(&socket.body).unwrap()), (403, error.clone()));
        for probe in ["GET /health", "GET /healthz"] {
            assert_eq!(gateway.http(probe, &[evidence]).await.status, 200, "{probe} {evidence}");
        }
    }
}

#[tokio::test]
async fn a_trusted_proxy_that_is_silent_about_its_client_is_this_machine() {
    let gateway = TestGateway::start().await;
    let hello = gateway.local().await.enter(&Ask::admin()).await;
    assert_eq!(hello["auth"]["scopes"], json!(["operator.admin"]));
}
