//! Whatever happens, the lists of devices and of nodes say the same (pains E01, E03).

use std::collections::BTreeSet;

use serde_json::{Value, json};

use crate::ask::{Ask, Key};
use crate::client::Client;
use crate::gateway::{TOKEN, TestGateway};
use crate::nodes::described;

const OFFERS: [&[&str]; 4] =
    [&[], &["system.which"], &["system.which", "system.run"], &["system.notify", "foo.bar", "camera.snap"]];

/// Numbers that look random and are the same every time.
struct Dice(u64);

impl Dice {
    fn roll(&mut self, sides: usize) -> usize {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        usize::try_from(self.0 >> 33).unwrap() % sides
    }
}

/// The gateway, its people and its machines.
struct World {
    gateway: TestGateway,
    page: Client,
    admin: Client,
    /// Those that are connected, by number.
    nodes: Vec<(u8, Client)>,
    /// Whom a person turned down since it last asked.
    turned_down: BTreeSet<u8>,
}

impl World {
    async fn act(&mut self, dice: &mut Dice) -> String {
        let number = u8::try_from(dice.roll(3)).unwrap() + 1;
        let key = Key::new(number);
        match dice.roll(11) {
            0..4 => self.connect(number, OFFERS[dice.roll(OFFERS.len())]).await,
            4 => {
                let list = self.page.call("device.pair.list", json!({})).await.unwrap();
                let Some(request) = list["pending"].get(0) else { return "nothing to approve".to_owned() };
                let mut params = json!({"requestId": request["requestId"]});
                if dice.roll(2) == 0 {
                    params["digest"] = request["evidence"]["digest"].clone();
                }
                self.page.call("device.pair.approve", params.clone()).await.unwrap();
                format!("approve device {params}")
            }
            5 | 6 => {
                let method = if dice.roll(4) == 0 { "node.pair.reject" } else { "node.pair.approve" };
                let list = self.admin.call("node.pair.list", json!({})).await.unwrap();
                let Some(pending) = list["pending"].get(0) else { return "nothing offered".to_owned() };
                self.admin.call(method, json!({"requestId": pending["requestId"]})).await.unwrap();
                if method == "node.pair.reject" {
                    let number = (1..=3).find(|number| pending["nodeId"] == Key::new(*number).id()).unwrap();
                    self.turned_down.insert(number);
                }
                format!("{method} {pending}")
            }
            7 => self.try_to("node.pair.remove", json!({"nodeId": key.id()})).await,
            8 => self.try_to("device.pair.remove", json!({"deviceId": key.id()})).await,
            9 => self.try_to("device.token.revoke", json!({"deviceId": key.id(), "role": "node"})).await,
            _ => self.try_to("node.rename", json!({"nodeId": key.id(), "displayName": format!("n{number}")})).await,
        }
    }

    async fn try_to(&mut self, method: &str, params: Value) -> String {
        let said = self.admin.call(method, params.clone()).await.is_ok();
        format!("{method} {params}: {said}")
    }

    /// A node comes, from far away half of the time; whoever is not let in is listed.
    async fn connect(&mut self, number: u8, offer: &[&str]) -> String {
        let ask = Ask::offering(offer).client("id", "openclaw-linux").device(&Key::new(number)).token(TOKEN);
        let mut node = if number == 1 { self.gateway.local().await } else { self.gateway.remote().await };
        node.ask(&ask).await;
        let response = node.next().await.text();
        let is_in = response["ok"] == true;
        if is_in {
            self.nodes.push((number, node));
            self.turned_down.remove(&number);
        } else {
            let id = &response["error"]["details"]["requestId"];
            let list = self.page.call("device.pair.list", json!({})).await.unwrap();
            let listed = list["pending"].as_array().unwrap().iter().any(|request| &request["requestId"] == id);
            assert!(listed, "{number} was refused with {id}, which is not listed: {list:#}");
        }
        format!("{number} offers {offer:?}: {is_in}")
    }

    async fn check(&mut self, history: &[String]) {
        let devices = self.page.call("device.pair.list", json!({})).await.unwrap();
        let pairings = self.admin.call("node.pair.list", json!({})).await.unwrap();
        let nodes = self.admin.call("node.list", json!({})).await.unwrap();
        let history = history.join("\n");
        let ids = |list: &Value, name: &str, keep: &dyn Fn(&Value) -> bool| -> BTreeSet<String> {
            let kept = list.as_array().unwrap().iter().filter(|one| keep(one));
            kept.map(|one| one[name].as_str().unwrap().to_owned()).collect()
        };
        let any = |_: &Value| true;
        let is_node = |device: &Value| device["roles"].as_array().unwrap().contains(&json!("node"));
        let listed = ids(&nodes["nodes"], "nodeId", &any);
        assert_eq!(ids(&devices["paired"], "deviceId", &is_node), listed, "{history}");
        let approved = ids(&pairings["paired"], "nodeId", &any);
        assert_eq!(ids(&devices["paired"], "deviceId", &|one| one["nodeSurface"].is_object()), approved, "{history}");
        let is_live = |token: &Value| token["role"] == "node" && token.get("revokedAtMs").is_none();
        let has_token = |one: &Value| one["tokens"].as_array().unwrap().iter().any(is_live);
        let paired = ids(&devices["paired"], "deviceId", &has_token);
        assert_eq!(ids(&nodes["nodes"], "nodeId", &|one| one["paired"] == true), paired, "{history}");
        let waiting = ids(&pairings["pending"], "nodeId", &any);
        let has_pending = |one: &Value| one["pendingNodeSurface"].is_object();
        assert_eq!(ids(&devices["paired"], "deviceId", &has_pending), waiting, "{history}");
        assert_eq!(ids(&nodes["nodes"], "nodeId", &|one| one["pendingRequestId"].is_string()), waiting, "{history}");
        for number in 1..=3 {
            let id = Key::new(number).id();
            if !listed.contains(&id) {
                continue;
            }
            let seen = described(&mut self.admin, &Key::new(number)).await;
            let name = &seen["displayName"];
            for list in [&pairings["pending"], &pairings["paired"], &nodes["nodes"]] {
                let same = list.as_array().unwrap().iter().filter(|one| one["nodeId"] == json!(id));
                assert!(same.into_iter().all(|one| &one["displayName"] == name), "{history}");
            }
            let expected = match (approved.contains(&id), waiting.contains(&id)) {
                (true, false) => "approved",
                (true, true) => "pending-reapproval",
                (false, _) => "pending-approval",
            };
            assert_eq!(seen["approvalState"], expected, "{history}");
            let is_decided = approved.contains(&id) || waiting.contains(&id) || self.turned_down.contains(&number);
            let is_denied = seen["connected"] == true && !is_decided;
            assert!(!is_denied, "{number} is denied something and nobody is asked: {seen:#}\n{history}");
        }
    }
}

async fn play(seed: u64, turns: usize) {
    let gateway = TestGateway::start().await;
    let mut page = gateway.local().await;
    page.enter(&Ask::admin().waiting()).await;
    let admin = gateway.admin().await;
    let mut world = World { gateway, page, admin, nodes: Vec::new(), turned_down: BTreeSet::new() };
    let mut dice = Dice(seed);
    let mut history = Vec::new();
    for _ in 0..turns {
        history.push(world.act(&mut dice).await);
        world.check(&history).await;
    }
}

#[tokio::test]
async fn the_lists_agree_after_every_one_of_many_random_steps() {
    for seed in 1..=8 {
        play(seed, 80).await;
    }
}
