//! What happens by itself, on a clock that runs as fast as nothing else happens (wire.md §1.4).

use std::time::Duration;

use tokio::io::AsyncReadExt;
use tokio::time::Instant;
use tokio_tungstenite::tungstenite::Message;

use crate::ask::{Ask, Key};
use crate::gateway::TestGateway;

/// Longer than the few milliseconds that pass before the clock is stopped.
const SLACK: Duration = Duration::from_secs(2);

#[track_caller]
fn assert_about(elapsed: Duration, seconds: u64) {
    let expected = Duration::from_secs(seconds);
    assert!(elapsed <= expected + SLACK && elapsed + SLACK >= expected, "{elapsed:?} is not {seconds} s");
}

#[tokio::test]
async fn pings_every_25_seconds_and_ticks_every_30() {
    let gateway = TestGateway::start().await;
    let mut client = gateway.admin().await;
    tokio::time::pause();
    let start = Instant::now();
    let mut pings = Vec::new();
    let mut ticks = Vec::new();
    let mut seq = 0;
    while ticks.len() < 2 {
        match client.next_message().await.unwrap() {
            Message::Ping(payload) => {
                assert!(payload.is_empty());
                pings.push(start.elapsed());
            }
            Message::Text(text) => {
                seq += 1;
                if text.contains(r#""event":"health""#) {
                    continue;
                }
                let tick = format!(
                    r#"{{"type":"event","event":"tick","payload":{{"ts":{}}},"seq":{seq}}}"#,
                    gateway.clock.now_ms()
                );
                assert_eq!(text.as_str(), tick);
                ticks.push(start.elapsed());
            }
            other @ (Message::Binary(_) | Message::Pong(_) | Message::Close(_) | Message::Frame(_)) => {
                panic!("{other}")
            }
        }
    }
    assert_eq!((pings.len(), ticks.len()), (2, 2));
    assert_about(pings[0], 25);
    assert_about(pings[1], 50);
    assert_about(ticks[0], 30);
    assert_about(ticks[1], 60);
}

#[tokio::test]
async fn who_answers_no_ping_is_cut_off() {
    let gateway = TestGateway::start().await;
    let mut deaf = gateway.admin().await.into_stream();
    tokio::time::pause();
    let start = Instant::now();
    let mut heard = Vec::new();
    deaf.read_to_end(&mut heard).await.unwrap();
    assert_about(start.elapsed(), 50);
    assert!(heard.starts_with(&[0x89, 0]), "a ping comes first");
    assert!(!heard.contains(&0x88), "and no close comes after it");
}

#[tokio::test]
async fn a_held_socket_is_pinged_and_cut_off_likewise() {
    let gateway = TestGateway::start().await;
    let mut waiting = gateway.from("192.168.1.7").await;
    waiting.held(&Ask::cli(&["operator.read"]).device(&Key::new(1))).await;
    let mut deaf = waiting.into_stream();
    tokio::time::pause();
    let start = Instant::now();
    let mut heard = Vec::new();
    deaf.read_to_end(&mut heard).await.unwrap();
    assert_about(start.elapsed(), 50);
    assert_eq!(heard, [0x89, 0]);
}

#[tokio::test]
async fn a_silent_socket_has_15_seconds() {
    let gateway = TestGateway::start().await;
    let mut silent = gateway.local().await;
    tokio::time::pause();
    let start = Instant::now();
    let close = silent.next_message().await;
    assert!(matches!(close, Some(Message::Close(_))), "{close:?}");
    assert_about(start.elapsed(), 15);
}
