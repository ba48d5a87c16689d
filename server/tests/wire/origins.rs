//! Which pages may open a socket (wire.md §5.5).

use serde_json::{Value, json};

use crate::ask::{Ask, Key};
use crate::gateway::{TOKEN, TestGateway};

#[derive(Debug, PartialEq)]
enum Said {
    Fine,
    Invalid,
    NotAllowed,
}

async fn ask(gateway: &TestGateway, page: bool, headers: &[(&str, &str)]) -> Said {
    let scopes = ["operator.read"];
    let ask = if page { Ask::page(&scopes) } else { Ask::cli(&scopes) };
    let mut client = gateway.open(headers).await;
    client.ask(&ask.device(&Key::new(1)).token(TOKEN)).await;
    let details = client.next().await.text()["error"]["details"].clone();
    if details["code"] != "CONTROL_UI_ORIGIN_NOT_ALLOWED" {
        return Said::Fine;
    }
    match details["reason"].as_str().unwrap() {
        "origin missing or invalid" => Said::Invalid,
        "origin not allowed" => Said::NotAllowed,
        other => panic!("{other}"),
    }
}

async fn with(control_ui: Value) -> TestGateway {
    let settings = json!({"auth": {"token": TOKEN}, "trustedProxies": ["127.0.0.1"], "controlUi": control_ui});
    TestGateway::start_with(&settings, &[]).await
}

#[tokio::test]
async fn a_page_must_say_where_it_comes_from_and_a_program_need_not() {
    let gateway = TestGateway::start().await;
    assert_eq!(ask(&gateway, true, &[]).await, Said::Invalid);
    assert_eq!(ask(&gateway, false, &[]).await, Said::Fine);
    for origin in ["null", "", "http://127.0.0.1/path", "http://user@localhost", "localhost", "http://", "//localhost"]
    {
        assert_eq!(ask(&gateway, true, &[("origin", origin)]).await, Said::Invalid, "{origin}");
        assert_eq!(ask(&gateway, false, &[("origin", origin)]).await, Said::Invalid, "{origin}");
    }
}

#[tokio::test]
async fn on_this_machine_any_local_page_will_do_and_no_other() {
    let gateway = TestGateway::start().await;
    let rows = [
        ("http://localhost:3000", Said::Fine),
        ("http://LOCALHOST:3000/", Said::Fine),
        ("https://127.0.0.1", Said::Fine),
        ("http://[::1]:8080", Said::Fine),
        ("https://evil.example", Said::NotAllowed),
        ("http://localhost.evil.example", Said::NotAllowed),
        ("http://127.0.0.1.nip.io", Said::NotAllowed),
        ("http://192.168.1.7", Said::NotAllowed),
    ];
    for (origin, expected) in rows {
        for page in [true, false] {
            assert_eq!(ask(&gateway, page, &[("origin", origin)]).await, expected, "{origin}");
        }
    }
}

#[tokio::test]
async fn a_page_that_was_rebound_to_this_machine_is_refused() {
    let gateway = TestGateway::start().await;
    let port = gateway.state().port;
    let (host, origin) = (format!("evil.example:{port}"), format!("http://evil.example:{port}"));
    assert_eq!(ask(&gateway, true, &[("host", &host), ("origin", &origin)]).await, Said::NotAllowed);
}

#[tokio::test]
async fn from_elsewhere_a_page_must_be_the_gateways_own() {
    let gateway = TestGateway::start().await;
    let rows = [
        ("192.168.1.5:18789", "http://192.168.1.5:18789", Said::Fine),
        ("[fd00::2]:28796", "http://[fd00::2]:28796", Said::Fine),
        ("box.local:18789", "http://box.local:18789", Said::Fine),
        ("box.tail1234.ts.net", "https://box.tail1234.ts.net", Said::Fine),
        ("192.168.1.5:18789", "http://192.168.1.5:3000", Said::NotAllowed),
        ("192.168.1.5:18789", "http://192.168.1.6:18789", Said::NotAllowed),
        ("192.168.1.5:18789", "http://localhost:18789", Said::NotAllowed),
        ("gw.example.com", "https://evil.example", Said::NotAllowed),
    ];
    for (host, origin, expected) in rows {
        let headers = [("x-forwarded-for", "192.0.2.2"), ("host", host), ("origin", origin)];
        assert_eq!(ask(&gateway, true, &headers).await, expected, "{host} {origin}");
    }
}

#[tokio::test]
async fn the_owner_may_list_pages_literally() {
    let gateway = with(json!({"allowedOrigins": ["https://Gw.Example.com", "https://slash.example/"]})).await;
    let rows = [
        ("https://gw.example.com", Said::Fine),
        ("https://GW.example.com/", Said::Fine),
        ("http://gw.example.com", Said::NotAllowed),
        ("https://gw.example.com:8443", Said::NotAllowed),
        ("https://slash.example", Said::NotAllowed),
    ];
    for (origin, expected) in rows {
        assert_eq!(
            ask(&gateway, true, &[("x-forwarded-for", "192.0.2.2"), ("origin", origin)]).await,
            expected,
            "{origin}"
        );
    }
    let open = with(json!({"allowedOrigins": ["*"]})).await;
    assert_eq!(ask(&open, true, &[("origin", "https://anything.example")]).await, Said::Fine);
    assert_eq!(ask(&open, true, &[("origin", "null")]).await, Said::Invalid);
}
