//! What a restart must not change, and what must not happen on one state directory at once.

use serde_json::json;
use server::Gateway;
use server::clock::Clock;
use server::config::{Environment, Overrides};

use crate::ask::{Ask, Key};
use crate::client::Frame;
use crate::gateway::{NOW, TOKEN, TestGateway};

fn device(seed: u8) -> Ask {
    Ask::cli(&["operator.read"]).device(&Key::new(seed))
}

#[tokio::test]
async fn a_restart_keeps_pairings_tokens_and_requests_with_their_ids() {
    let gateway = TestGateway::start().await;
    let token = gateway.pair(&device(1)).await;
    let waiting = gateway.remote().await.refused(&device(2).token(TOKEN)).await.request_id();
    let before = gateway.list().await;
    let gateway = gateway.restart().await;
    assert_eq!(gateway.list().await, before);
    let hello = gateway.remote().await.enter(&device(1).auth("deviceToken", &token)).await;
    assert_eq!((&hello["auth"]["deviceToken"], &hello["auth"]["issuedAtMs"]), (&json!(token), &json!(NOW)));
    assert_eq!(gateway.remote().await.refused(&device(2).token(TOKEN)).await.request_id(), waiting);
    gateway.approve(&waiting).await;
}

#[tokio::test]
async fn a_request_does_not_outlive_its_time_because_of_a_restart() {
    let gateway = TestGateway::start().await;
    let waiting = gateway.remote().await.refused(&device(1).token(TOKEN)).await.request_id();
    gateway.clock.advance_ms(300_000);
    let gateway = gateway.restart().await;
    assert_eq!(gateway.list().await["pending"], json!([]));
    let late = gateway.admin().await.denied("device.pair.approve", json!({"requestId": waiting})).await;
    assert_eq!(late, "unknown requestId");
}

#[tokio::test]
async fn everyone_hears_that_it_stops_and_is_closed() {
    let gateway = TestGateway::start().await;
    let (mut admin, mut nobody, mut owner) = (gateway.admin().await, gateway.remote().await, gateway.owner().await);
    nobody.enter(&Ask::cli(&[]).token(TOKEN)).await;
    owner.enter(&Ask::cli(&["operator.admin"])).await;
    let mut silent = gateway.local().await;
    let (address, socket) = (gateway.address(), gateway.state().paths.owner_socket.clone());
    gateway.stop().await;
    for client in [&mut admin, &mut nobody, &mut owner] {
        let shutdown =
            json!({"type": "event", "event": "shutdown", "payload": {"reason": "gateway stopping"}, "seq": 1});
        assert_eq!(client.next().await.text(), shutdown);
        assert_eq!(client.next().await, Frame::close(1012, "service restart"));
    }
    assert_eq!(silent.next().await, Frame::close(1012, "service restart"));
    assert!(tokio::net::TcpStream::connect(address).await.is_err());
    assert!(!socket.exists());
}

#[tokio::test]
async fn a_second_gateway_on_the_same_directory_is_refused() {
    let gateway = TestGateway::start().await;
    let environment = Environment::from_pairs(&[("OPENCLAW_STATE_DIR", gateway.home.path().to_str().unwrap())]);
    let paths = (*gateway.state().paths).clone();
    let flags = Overrides { port: Some(0), ..Overrides::default() };
    let Err(error) = Gateway::start(paths, &environment, flags, Clock::default()).await else { panic!("it runs") };
    assert!(error.to_string().contains("a gateway runs already"), "{error}");
    gateway.owner().await.enter(&Ask::cli(&["operator.admin"])).await;
}

#[tokio::test]
async fn what_it_keeps_is_for_its_owner_alone() {
    use std::os::unix::fs::PermissionsExt;
    let gateway = TestGateway::start().await;
    let token = gateway.pair(&device(1)).await;
    let home = gateway.home.path().to_owned();
    let mode = |path: &std::path::Path| std::fs::metadata(path).unwrap().permissions().mode() & 0o777;
    assert_eq!((mode(&home), mode(&home.join("state"))), (0o700, 0o700));
    assert_eq!(mode(&home.join("gateway.sock")), 0o600);
    for entry in std::fs::read_dir(home.join("state")).unwrap() {
        let path = entry.unwrap().path();
        assert_eq!(mode(&path), 0o600, "{}", path.display());
        let content = String::from_utf8_lossy(&std::fs::read(&path).unwrap()).into_owned();
        assert!(!content.contains(&token) && !content.contains(TOKEN), "{} holds a secret", path.display());
    }
}
