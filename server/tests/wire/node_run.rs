//! The node host of this program over a real socket (wire.md §9): what it is told to stop, what it is told
//! twice, and how it comes back.

use std::time::Duration;

use client::ConnectError;
use serde_json::{Value, json};
use server::node::host::Told;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;
use tokio_util::task::AbortOnDropHandle;

use crate::client::Client;
use crate::gateway::{TOKEN, TestGateway};
use crate::machine::{Lifeline, Machine, Watch, pass};
use crate::nodes::waiting_id;
use crate::scripted::Scripted;

/// Approves what a node offers, and waits until the node knows.
async fn approve(gateway: &TestGateway, node: &mut Watch) -> Client {
    node.until_in().await;
    let mut admin = gateway.admin().await;
    let id = waiting_id(&mut admin).await;
    admin.call("node.pair.approve", json!({"requestId": id})).await.unwrap();
    node.until(|news| matches!(news, Told::SurfaceDecided(_)).then_some(())).await;
    admin
}

fn run(machine: &Machine, key: &str, params: &Value) -> Value {
    let node_id = machine.identity().device_id();
    json!({"nodeId": node_id, "command": "system.run", "params": params, "idempotencyKey": key})
}

/// A program that counts how often it was run, and says the count.
fn counter(machine: &Machine) -> Value {
    let file = machine.folder().join("runs");
    json!({"command": ["sh", "-c", format!("echo >> '{0}'; wc -l < '{0}'", file.display())]})
}

fn lost(news: &Told) -> Option<Duration> {
    if let Told::Lost { again_in, removed: false, .. } = news { Some(*again_in) } else { None }
}

#[tokio::test]
async fn a_call_that_is_taken_back_ends_the_program_and_nothing_else() {
    let (gateway, machine) = (TestGateway::start().await, Machine::new());
    let url = format!("ws://{}", gateway.address());
    let scenario = async |node: &mut Watch| {
        let mut admin = approve(&gateway, node).await;
        let mut lifeline = Lifeline::new(machine.folder());
        let mut caller = gateway.admin().await;
        let mut endless = run(&machine, "k1", &lifeline.endless());
        endless["timeoutMs"] = 3_600_000.into();
        caller.begin("node.invoke", endless).await;
        lifeline.says("runs").await;
        drop(caller);
        lifeline.ends().await;
        let done = admin.call("node.invoke", run(&machine, "k2", &counter(&machine))).await.unwrap();
        assert_eq!(done["payload"]["stdout"], "1\n");
    };
    machine.runs(&url, Some(TOKEN), scenario).await;
}

#[tokio::test]
async fn a_repeated_key_is_answered_with_the_first_result_and_nothing_runs_twice() {
    let (gateway, machine) = (TestGateway::start().await, Machine::new());
    let url = format!("ws://{}", gateway.address());
    let scenario = async |node: &mut Watch| {
        let mut admin = approve(&gateway, node).await;
        let counter = counter(&machine);
        let first = admin.call("node.invoke", run(&machine, "k1", &counter)).await.unwrap();
        assert_eq!(first["payload"]["stdout"], "1\n");
        assert_eq!(admin.call("node.invoke", run(&machine, "k1", &counter)).await.unwrap(), first);
        let other = json!({"command": ["true"]});
        let misused = admin.denied("node.invoke", run(&machine, "k1", &other)).await;
        assert!(misused.ends_with("this idempotency key was used for another call"), "{misused}");
        let second = admin.call("node.invoke", run(&machine, "k2", &counter)).await.unwrap();
        assert_eq!(second["payload"]["stdout"], "2\n");
    };
    machine.runs(&url, Some(TOKEN), scenario).await;
}

#[tokio::test]
async fn a_gateway_that_falls_silent_is_dialled_anew_with_the_token_it_gave() {
    let (gateway, machine) = (Scripted::start().await, Machine::new());
    let scenario = async |node: &mut Watch| {
        let mut session = gateway.admit("first-token", 5_000).await;
        assert_eq!(session.connect["auth"], Value::Null);
        node.until_in().await;
        let stats = session.request("node.event").await;
        session.answer(&stats, json!({"ok": true})).await;
        session.until_read().await;

        // A tick in time is enough: twice the interval has passed, but not since the last tick.
        pass(Duration::from_secs(6)).await;
        session.tell("tick", json!({"ts": 1})).await;
        session.until_read().await;
        pass(Duration::from_secs(6)).await;
        session.until_read().await;

        pass(Duration::from_secs(4)).await;
        let again_in = tokio::select! {
            biased;
            again_in = node.until(lost) => again_in,
            asked = session.request("node.event") => panic!("it still believes in the gateway: {asked}"),
        };
        assert!(again_in < Duration::from_secs(2), "{again_in:?}");
        pass(again_in).await;
        let again = gateway.admit("second-token", 5_000).await;
        assert_eq!(again.connect["auth"]["deviceToken"], "first-token");
        node.until_in().await;
    };
    machine.runs(&gateway.url(), None, scenario).await;
}

/// A tunnel to a gateway, which stays when the gateway goes: whoever comes then is hung up on.
struct Tunnel {
    url: String,
    leads_to: watch::Sender<Option<String>>,
    _open: AbortOnDropHandle<()>,
}

impl Tunnel {
    async fn to(gateway: &TestGateway) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("ws://{}", listener.local_addr().unwrap());
        let (leads_to, address) = watch::channel(Some(gateway.address()));
        let open = tokio::spawn(async move {
            loop {
                let (mut near, _) = listener.accept().await.unwrap();
                let address = address.borrow().clone();
                if let Some(address) = address {
                    let mut far = TcpStream::connect(address).await.unwrap();
                    tokio::spawn(async move { tokio::io::copy_bidirectional(&mut near, &mut far).await });
                }
            }
        });
        Self { url, leads_to, _open: AbortOnDropHandle::new(open) }
    }
}

#[tokio::test]
async fn a_node_outlives_its_gateway_and_still_knows_what_it_has_done() {
    let (gateway, machine) = (TestGateway::start().await, Machine::new());
    let tunnel = Tunnel::to(&gateway).await;
    let scenario = async |node: &mut Watch| {
        let mut admin = approve(&gateway, node).await;
        let counter = counter(&machine);
        let first = admin.call("node.invoke", run(&machine, "k1", &counter)).await.unwrap();

        tunnel.leads_to.send_replace(None);
        let gateway = gateway.restart().await;
        node.until(|news| matches!(news, Told::Stopping).then_some(())).await;
        let mut pause = node.until(lost).await;
        assert!(pause < Duration::from_secs(1), "a gateway that restarts is back in a moment: {pause:?}");
        for seconds in [1, 2, 4] {
            pass(pause).await;
            pause = node
                .until(|news| {
                    let Told::TurnedAway { error, again_in } = news else { return None };
                    // Depending on who is faster, the connection is reset or ends in the middle of the upgrade.
                    let hung_up = matches!(error, ConnectError::Closed { .. } | ConnectError::Unreachable { .. });
                    assert!(hung_up, "{error}");
                    Some(*again_in)
                })
                .await;
            let (least, most) = (Duration::from_secs(seconds), Duration::from_secs(seconds * 3));
            assert!(pause > least && pause < most, "{pause:?} after {seconds}");
        }
        tunnel.leads_to.send_replace(Some(gateway.address()));
        pass(pause).await;
        node.until_in().await;
        let mut admin = gateway.admin().await;
        assert_eq!(admin.call("node.invoke", run(&machine, "k1", &counter)).await.unwrap(), first);
        let second = admin.call("node.invoke", run(&machine, "k2", &counter)).await.unwrap();
        assert_eq!(second["payload"]["stdout"], "2\n");
    };
    Box::pin(machine.runs(&tunnel.url, Some(TOKEN), scenario)).await;
}
