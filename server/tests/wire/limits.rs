//! How much a stranger and a client may send, and how many strangers may wait (wire.md §1.4).

use std::time::{Duration, Instant};

use protocol::event::Event;
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::tungstenite::protocol::frame::Frame as RawFrame;
use tokio_tungstenite::tungstenite::protocol::frame::coding::{Data, OpCode};

use crate::ask::Ask;
use crate::client::Frame;
use crate::gateway::{REMOTE, TOKEN, TestGateway};

const PREAUTH: usize = 65_536;
const MAX_PAYLOAD: usize = 26_214_400;

/// A request of exactly so many bytes.
fn padded(mut request: Value, field: &str, bytes: usize) -> Message {
    request["params"][field] = "".into();
    let rest = bytes - request.to_string().len();
    request["params"][field] = "x".repeat(rest).into();
    Message::text(request.to_string())
}

fn health(id: &str) -> Value {
    json!({"type": "req", "id": id, "method": "health", "params": {}})
}

#[tokio::test]
async fn a_first_frame_of_64_kib_is_read() {
    let gateway = TestGateway::start().await;
    let mut client = gateway.local().await;
    let request = Ask::admin().request(&client.challenge);
    client.send(padded(request, "pathEnv", PREAUTH)).await;
    assert_eq!(client.next().await.text()["ok"], true);
    assert!(client.is_open().await);
}

#[tokio::test]
async fn a_first_frame_of_one_byte_more_is_too_large() {
    let gateway = TestGateway::start().await;
    for bytes in [PREAUTH + 1, PREAUTH * 2, MAX_PAYLOAD] {
        let mut client = gateway.local().await;
        let request = Ask::admin().request(&client.challenge);
        client.try_send(padded(request, "pathEnv", bytes)).await;
        assert_eq!(client.next().await, Frame::close(1009, ""), "{bytes}");
    }
}

#[tokio::test]
async fn a_first_message_in_pieces_is_counted_as_a_whole() {
    let gateway = TestGateway::start().await;
    let mut client = gateway.local().await;
    let piece = |opcode, is_last| Message::Frame(RawFrame::message(vec![b' '; 40_000], OpCode::Data(opcode), is_last));
    client.try_send(piece(Data::Text, false)).await;
    client.try_send(piece(Data::Continue, true)).await;
    assert_eq!(client.next().await, Frame::close(1009, ""));
}

#[tokio::test]
async fn whoever_sends_too_much_can_still_read_why() {
    let gateway = TestGateway::start().await;
    let (mut from, mut to) = tokio::io::split(gateway.local().await.into_stream());
    let flood = async {
        // A masked text frame of 4 GiB, of which some arrives.
        to.write_all(&[0x81, 0xff, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0, 0]).await?;
        for _ in 0..200 {
            to.write_all(&[b' '; 4096]).await?;
        }
        to.shutdown().await
    };
    let mut heard = Vec::new();
    let (sent, read) = tokio::join!(flood, from.read_to_end(&mut heard));
    assert!(sent.is_ok() && read.is_ok(), "{sent:?} {read:?}");
    assert_eq!(heard, [0x88, 2, 0x03, 0xf1], "a close with 1009 and no reason");
}

#[tokio::test]
async fn a_client_may_send_25_mib_and_not_a_byte_more() {
    let gateway = TestGateway::start().await;
    let mut client = gateway.admin().await;
    client.send(padded(health("large"), "bogus", MAX_PAYLOAD)).await;
    assert_eq!(client.response("large").await["error"]["code"], "INVALID_REQUEST");
    client.try_send(padded(health("larger"), "bogus", MAX_PAYLOAD + 1)).await;
    assert_eq!(client.next().await, Frame::close(1009, ""));
}

#[tokio::test]
async fn a_silent_socket_is_closed_without_a_word() {
    let gateway =
        TestGateway::start_with(&json!({"auth": {"token": TOKEN}}), &[("OPENCLAW_HANDSHAKE_TIMEOUT_MS", "60")]).await;
    let opened = Instant::now();
    let mut silent = gateway.local().await;
    let mut client = gateway.admin().await;
    assert_eq!(silent.next().await, Frame::close(1000, ""));
    assert!(opened.elapsed() >= Duration::from_millis(60));
    assert!(client.is_open().await, "whoever said hello in time may be silent");
}

#[tokio::test]
async fn the_33rd_stranger_of_an_address_is_turned_away() {
    let gateway = TestGateway::start().await;
    let mut strangers = Vec::new();
    for _ in 0..32 {
        strangers.push(gateway.remote().await);
    }
    let from_remote = format!("x-forwarded-for: {REMOTE}");
    let refused = gateway.upgrade_refused(&[&from_remote]).await;
    assert_eq!((refused.status, refused.body.as_str()), (503, "Too many unauthenticated sockets"));
    gateway.from("192.0.2.3").await;
    gateway.local().await;

    let mut known = strangers.pop().unwrap();
    known.enter(&Ask::cli(&[]).token(TOKEN)).await;
    strangers.push(gateway.remote().await);
    assert_eq!(gateway.upgrade_refused(&[&from_remote]).await.status, 503, "the one who came in made one place");
}

#[tokio::test]
async fn a_stranger_who_leaves_makes_room() {
    let env = [("OPENCLAW_MAX_PREAUTH_CONNECTIONS_PER_IP", "1")];
    let gateway = TestGateway::start_with(&json!({"auth": {"token": TOKEN}}), &env).await;
    for _ in 0..3 {
        let stranger = gateway.local().await;
        assert_eq!(gateway.upgrade_refused(&[]).await.status, 503);
        drop(stranger);
        let left = async {
            while gateway.state().unauthenticated.admit("127.0.0.1".parse().unwrap(), 1).is_none() {
                tokio::task::yield_now().await;
            }
        };
        tokio::time::timeout(Duration::from_secs(20), left).await.unwrap();
    }
}

#[tokio::test]
async fn the_owner_is_not_kept_out_by_strangers() {
    let env = [("OPENCLAW_MAX_PREAUTH_CONNECTIONS_PER_IP", "1")];
    let gateway = TestGateway::start_with(&json!({"auth": {"token": TOKEN}}), &env).await;
    let _stranger = gateway.local().await;
    for _ in 0..3 {
        gateway.owner().await.enter(&Ask::cli(&["operator.admin"])).await;
    }
}

#[tokio::test]
async fn requests_sent_behind_connect_are_answered_after_the_hello() {
    let gateway = TestGateway::start().await;
    for behind in [5, 14] {
        let mut client = gateway.local().await;
        let mut frames = vec![Ask::admin().request(&client.challenge)];
        frames.extend((0..behind).map(|n| health(&n.to_string())));
        client.say_at_once(&frames).await;
        assert_eq!(client.next().await.text()["payload"]["type"], "hello-ok");
        for n in 0..behind {
            assert_eq!(client.next().await.text()["id"], n.to_string());
        }
    }
}

#[tokio::test]
async fn fifteen_requests_behind_connect_are_too_many() {
    let gateway = TestGateway::start().await;
    let mut client = gateway.local().await;
    let mut frames = vec![Ask::admin().request(&client.challenge)];
    frames.extend((0..15).map(|n| health(&n.to_string())));
    client.say_at_once(&frames).await;
    assert_eq!(client.next().await, Frame::close(1008, "too many pending handshake frames"));
}

#[tokio::test]
async fn a_reader_that_lets_too_much_pile_up_is_closed() {
    let gateway = TestGateway::start().await;
    let mut slow = gateway.admin().await;
    let registry = &gateway.state().registry;
    let large = "x".repeat(20_000_000);
    for _ in 0..3 {
        registry.broadcast(Event::Tick, Some(&large), None::<&()>);
    }
    assert_eq!(slow.ended().await, Frame::close(1008, "slow consumer"));
}
