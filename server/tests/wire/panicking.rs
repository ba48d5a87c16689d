//! `owner.panic`: whoever had a secret or a connection has neither (docs/recovery.md).

use serde_json::{Value, json};

use crate::ask::{Ask, Key};
use crate::client::{Client, Frame};
use crate::gateway::{TOKEN, TestGateway};

async fn owner(gateway: &TestGateway) -> Client {
    let mut owner = gateway.owner().await;
    owner.enter(&Ask::cli(&["operator.admin"])).await;
    owner
}

fn device(seed: u8) -> Ask {
    Ask::cli(&["operator.read"]).device(&Key::new(seed))
}

fn settings(gateway: &TestGateway) -> Value {
    serde_json::from_str(&std::fs::read_to_string(gateway.home.path().join("openclaw.json")).unwrap()).unwrap()
}

#[tokio::test]
async fn everyone_is_thrown_out_and_nothing_that_let_them_in_is_good_any_more() {
    let gateway = TestGateway::start().await;
    let token = gateway.pair(&device(1)).await;
    let by_token = device(1).auth("deviceToken", &token);
    let mut owner = owner(&gateway).await;
    let link = owner.call("owner.link", json!({})).await.unwrap()["bootstrapToken"].as_str().unwrap().to_owned();
    let setup = json!({"publicUrl": "https://gw.example.com", "joinUrl": true, "bootstrapProfile": "node"});
    let mut admin = gateway.admin().await;
    admin.call("device.pair.setupCode", setup).await.unwrap();
    let (mut paired, mut waiting) = (gateway.remote().await, gateway.remote().await);
    paired.enter(&by_token).await;
    waiting.held(&device(2).token(TOKEN)).await;

    let done = owner.call("owner.panic", json!({})).await.unwrap();
    assert_eq!(done["problems"], json!([]));
    assert_eq!((&done["revoked"][0]["deviceId"], &done["requests"]), (&json!(Key::new(1).id()), &json!(1)));
    assert_eq!(done["codes"], 3, "the link, the setup code, and its URL: {done}");
    assert_eq!(done["rotated"], json!(["server key", "gateway.auth.token"]));

    for client in [&mut admin, &mut paired] {
        assert_eq!(client.ended().await, Frame::close(4001, "gateway auth changed"));
    }
    assert!(matches!(waiting.ended().await, Frame::Close { .. }));
    assert_eq!(gateway.remote().await.refused(&Ask::admin()).await.why(), "AUTH_TOKEN_MISMATCH");
    assert_eq!(gateway.local().await.refused(&Ask::admin()).await.why(), "AUTH_TOKEN_MISMATCH");
    assert_eq!(gateway.remote().await.refused(&by_token).await.why(), "AUTH_DEVICE_TOKEN_MISMATCH");
    let browser = Ask::page(&crate::ask::OWNER_SCOPES).device(&Key::new(3)).auth("bootstrapToken", &link);
    let origin = format!("http://{}", gateway.address());
    let page = gateway.open(&[("origin", &origin)]).await;
    assert_eq!(page.refused(&browser).await.why(), "AUTH_BOOTSTRAP_TOKEN_INVALID");

    // The record stays for the owner to see, and whoever has the new token may ask again.
    let list = owner.call("device.pair.list", json!({})).await.unwrap();
    assert_eq!((list["paired"].as_array().unwrap().len(), &list["pending"]), (1, &json!([])));
    let new_token = settings(&gateway)["gateway"]["auth"]["token"].as_str().unwrap().to_owned();
    assert_ne!(new_token, TOKEN);
    let again = gateway.remote().await.refused(&device(1).token(&new_token)).await;
    assert_eq!(again.error["details"]["reason"], "role-upgrade");
}

#[tokio::test]
async fn it_lasts_through_a_restart() {
    let gateway = TestGateway::start().await;
    let token = gateway.pair(&device(1)).await;
    let key_file = gateway.home.path().join("state/gateway.key");
    let key = std::fs::read(&key_file).unwrap();
    owner(&gateway).await.call("owner.panic", json!({})).await.unwrap();
    assert_ne!(std::fs::read(&key_file).unwrap(), key);
    let gateway = gateway.restart().await;
    assert_eq!(gateway.remote().await.refused(&Ask::admin()).await.why(), "AUTH_TOKEN_MISMATCH");
    let by_token = device(1).auth("deviceToken", &token);
    assert_eq!(gateway.remote().await.refused(&by_token).await.why(), "AUTH_DEVICE_TOKEN_MISMATCH");
}

#[tokio::test]
async fn this_machines_own_command_line_stays_approved_but_not_its_token() {
    let gateway = TestGateway::start().await;
    let own = ::client::Identity::from_seed([1; 32]);
    own.save(&gateway.state().paths.identity_file, 0).unwrap();
    let token = gateway.pair(&device(1)).await;
    gateway.pair(&device(2)).await;
    let done = owner(&gateway).await.call("owner.panic", json!({})).await.unwrap();
    assert_eq!((&done["kept"], done["revoked"].as_array().unwrap().len()), (&json!(own.device_id()), 1));
    let old = gateway.remote().await.refused(&device(1).auth("deviceToken", &token)).await;
    assert_eq!(old.why(), "AUTH_DEVICE_TOKEN_MISMATCH");
    let new_token = settings(&gateway)["gateway"]["auth"]["token"].as_str().unwrap().to_owned();
    gateway.remote().await.enter(&device(1).token(&new_token)).await;
}

#[tokio::test]
async fn settings_that_cannot_be_written_do_not_keep_the_rest_from_being_done() {
    let gateway = TestGateway::start().await;
    let token = gateway.pair(&device(1)).await;
    std::fs::write(gateway.home.path().join("openclaw.json"), "{ gateway: ").unwrap();
    let done = owner(&gateway).await.call("owner.panic", json!({})).await.unwrap();
    let problem = done["problems"][0].as_str().unwrap();
    assert!(problem.contains("could not be written") && done["revoked"].as_array().unwrap().len() == 1, "{done}");
    assert_eq!(gateway.remote().await.refused(&Ask::admin()).await.why(), "AUTH_TOKEN_MISMATCH");
    let by_token = device(1).auth("deviceToken", &token);
    assert_eq!(gateway.remote().await.refused(&by_token).await.why(), "AUTH_DEVICE_TOKEN_MISMATCH");
}

#[tokio::test]
async fn a_secret_that_comes_before_the_file_is_refused_now_and_named() {
    let settings = json!({"auth": {"mode": "token"}, "trustedProxies": ["127.0.0.1"]});
    let gateway = TestGateway::start_with(&settings, &[("OPENCLAW_GATEWAY_TOKEN", TOKEN)]).await;
    let done = owner(&gateway).await.call("owner.panic", json!({})).await.unwrap();
    assert!(done["problems"][0].as_str().unwrap().contains("OPENCLAW_GATEWAY_TOKEN"), "{done}");
    assert_eq!(gateway.remote().await.refused(&Ask::admin()).await.why(), "AUTH_TOKEN_MISMATCH");
}

#[tokio::test]
async fn nobody_but_the_owner_can_do_any_of_it() {
    let gateway = TestGateway::start().await;
    let mut admin = gateway.admin().await;
    for method in ["owner.panic", "owner.migrate", "owner.export"] {
        assert_eq!(admin.denied(method, json!({})).await, format!("unknown method: {method}"));
    }
}
