//! Secrets that the settings only name (T-D07.1).

use client::{ConnectError, ConnectOptions, Connection, Endpoint, Identity};
use protocol::handshake::Auth;
use protocol::{Scopes, Secret};

use super::config::{file, home_with};
use super::gateway::{Gateway, PATIENCE, run};

const NAMED: &str = "// Mine.\n{ gateway: { auth: { token: '${MY_TOKEN}' } } }\n";

async fn shows(gateway: &Gateway, token: &str) -> Result<Connection, ConnectError> {
    let mut options = ConnectOptions::command_line("1", Scopes::from(["operator.read"]))
        .with_identity(Identity::from_seed([1; 32]))
        .with_auth(Auth { token: Some(Secret::new(token)), ..Auth::default() });
    options.timeout = PATIENCE;
    Connection::open(&Endpoint::parse_url(&gateway.url()).unwrap(), &options).await
}

#[test]
fn a_gateway_does_not_start_without_a_secret_that_is_named_and_says_which() {
    let home = home_with(NAMED);
    let refused = run(home.path(), &["gateway", "run", "--port", "0"]).refused();
    assert_eq!(refused.stderr.matches("the environment variable MY_TOKEN, which is not set").count(), 1);
    assert!(refused.stderr.contains("gateway.auth.token: ") && refused.stderr.contains("gateway.env"));
    assert_eq!(std::fs::read_to_string(file(home.path())).unwrap(), NAMED, "nothing was put in its place");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_gateway_goes_on_with_the_secret_it_had_when_another_one_cannot_be_had() {
    let line = ["gateway", "run", "--port", "0"];
    let gateway = Gateway::start_with(home_with(NAMED), &line, &[("MY_TOKEN", "named-token-0123456789")]);
    shows(&gateway, "named-token-0123456789").await.unwrap();
    let wrong = shows(&gateway, "${MY_TOKEN}").await;
    assert!(matches!(wrong, Err(ConnectError::Refused { .. })), "the name is not the secret");

    let other = NAMED.replace("MY_TOKEN", "ANOTHER");
    std::fs::write(file(gateway.home.path()), &other).unwrap();
    let log = gateway.home.path().join(".openclaw/logs/openclaw.log");
    // The gateway notices a change within a second or two.
    while !std::fs::read_to_string(&log).unwrap().contains("The settings stay as they were: ") {
        assert_eq!(gateway.run(&["health", "--json"]).json()["ok"], true);
    }
    assert!(std::fs::read_to_string(&log).unwrap().contains("the environment variable ANOTHER, which is not set"));
    shows(&gateway, "named-token-0123456789").await.unwrap();
    assert_eq!(std::fs::read_to_string(file(gateway.home.path())).unwrap(), other);
}
