//! Settings that change while the gateway runs (wire.md §1.6, §5.3).

use std::time::Duration;

use access::locality::TrustedProxies;
use serde_json::json;

use crate::ask::{Ask, Key};
use crate::client::{Client, Frame};
use crate::gateway::{TOKEN, TestGateway};

fn device() -> Ask {
    Ask::cli(&["operator.read"]).device(&Key::new(1))
}

async fn owner(gateway: &TestGateway) -> Client {
    let mut owner = gateway.owner().await;
    owner.enter(&Ask::cli(&["operator.admin"])).await;
    owner
}

#[tokio::test]
async fn a_new_list_of_proxies_closes_everyone_it_may_concern() {
    let gateway = TestGateway::start().await;
    let token = gateway.pair(&device()).await;
    let (mut admin, mut phone, mut owner) = (gateway.admin().await, gateway.remote().await, owner(&gateway).await);
    phone.enter(&device().auth("deviceToken", &token)).await;
    gateway.change(|config| config.policy.trusted_proxies = TrustedProxies::parse(["10.0.0.1"]).0);
    for client in [&mut admin, &mut phone] {
        assert_eq!(client.next().await, Frame::close(4001, "gateway policy changed"));
    }
    assert!(owner.is_open().await);
    assert_eq!(gateway.upgrade_refused(&["x-forwarded-for: 192.0.2.2"]).await.status, 403);
}

#[tokio::test]
async fn a_new_token_closes_those_who_came_by_the_old_one() {
    let gateway = TestGateway::start().await;
    let token = gateway.pair(&device()).await;
    let (mut admin, mut phone, mut owner) = (gateway.admin().await, gateway.remote().await, owner(&gateway).await);
    phone.enter(&device().auth("deviceToken", &token)).await;
    gateway.change_token("another-token-0123456789abcdef");
    assert_eq!(admin.next().await, Frame::close(4001, "gateway auth changed"));
    assert!(phone.is_open().await && owner.is_open().await);
    assert_eq!(gateway.remote().await.refused(&Ask::admin()).await.why(), "AUTH_TOKEN_MISMATCH");
    gateway.remote().await.enter(&device().auth("deviceToken", &token)).await;
}

#[tokio::test]
async fn the_token_of_a_page_that_only_the_secret_vouched_for_dies_with_the_secret() {
    let gateway = TestGateway::start().await;
    let origin = format!("http://{}", gateway.address());
    let page = || Ask::page(&["operator.read"]).device(&Key::new(1));
    let hello = gateway.open(&[("origin", &origin)]).await.enter(&page().token(TOKEN)).await;
    let token = hello["auth"]["deviceToken"].as_str().unwrap();
    gateway.open(&[("origin", &origin)]).await.enter(&page().auth("deviceToken", token)).await;

    gateway.change_token("another-token-0123456789abcdef");
    let refused = gateway.open(&[("origin", &origin)]).await.refused(&page().auth("deviceToken", token)).await;
    assert_eq!(refused.why(), "AUTH_DEVICE_TOKEN_MISMATCH");
    let fresh = gateway.open(&[("origin", &origin)]).await.enter(&page().token("another-token-0123456789abcdef")).await;
    assert_ne!(fresh["auth"]["deviceToken"], token);
}

#[tokio::test]
async fn what_concerns_nobody_closes_nobody() {
    let gateway = TestGateway::start().await;
    let mut admin = gateway.admin().await;
    gateway.change(|_| {});
    gateway.change(|config| config.rate_limit.max_attempts = 2);
    assert!(admin.is_open().await);
}

#[tokio::test]
async fn a_changed_file_goes_live_by_itself_and_a_broken_one_does_not() {
    let gateway = TestGateway::start().await;
    let mut admin = gateway.admin().await;
    let path = gateway.state().paths.config_file.clone();
    let mut live = gateway.state().config.clone();
    // The file is looked at every second; with the clock stopped, those seconds pass as soon as nothing
    // else happens.
    tokio::time::pause();
    for unfit in ["{ gateway: ", "", "\n"] {
        std::fs::write(&path, unfit).unwrap();
        for _ in 0..3 {
            tokio::time::advance(Duration::from_secs(1)).await;
        }
        assert!(!live.has_changed().unwrap(), "{unfit:?}");
    }
    std::fs::write(&path, json!({"gateway": {"auth": {"token": "from-the-file"}}}).to_string()).unwrap();
    live.changed().await.unwrap();
    tokio::time::resume();
    assert_eq!(admin.next().await, Frame::close(4001, "gateway auth changed"));
    gateway.local().await.enter(&Ask::cli(&["operator.read"]).token("from-the-file")).await;
}
