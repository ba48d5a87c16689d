use std::collections::BTreeMap;

use protocol::PublicKey;
use protocol::method::{DevicePage, ListedDevice};
use protocol::operations::{SetupConcern, SetupOutlook, ShutOut};
use protocol::pairing::{Approval, Approver, Explanation, LiveConnection};
use serde_json::{json, to_value};

use super::*;

fn device() -> DeviceId {
    DeviceId::claimed("d")
}

fn all_of(commands: &[&str]) -> Surface {
    Surface {
        caps: vec!["system".to_owned()],
        commands: commands.iter().map(|&command| command.to_owned()).collect(),
        permissions: BTreeMap::from([("camera".to_owned(), true), ("screen".to_owned(), false)]),
    }
}

fn request() -> PendingRequest {
    PendingRequest {
        request_id: "r".to_owned(),
        device_id: device(),
        public_key: "k".to_owned(),
        display_name: Some("Pixel".to_owned()),
        platform: "Android".to_owned(),
        device_family: Some("phone".to_owned()),
        client_id: "openclaw-android".to_owned(),
        client_mode: "ui".to_owned(),
        role: Role::Node,
        roles: vec![Role::Node, Role::Operator],
        scopes: Scopes::from(["operator.read", "operator.write"]),
        remote_ip: Some("10.0.0.7".to_owned()),
        silent: true,
        is_repair: true,
        ts: 1,
        evidence: Some(Evidence {
            digest: "x".to_owned(),
            reason: PairingReason::RoleUpgrade,
            expires_at_ms: 2,
            attempts: 3,
            has_secret: true,
            origin: Origin {
                address: "10.0.0.7".to_owned(),
                network: Network::Lan,
                resolved: "directly".to_owned(),
                encrypted: true,
                page: Some("https://claw.example".to_owned()),
            },
            approved_scopes: Scopes::from(["operator.read"]),
            user_agent: Some("Mozilla/5.0".to_owned()),
            node: Some(Offer { version: "1".to_owned(), surface: all_of(&["system.run"]) }),
            known: Some(Known {
                name: "Ada's".to_owned(),
                platform: "Android".to_owned(),
                device_family: Some("phone".to_owned()),
                client_id: "openclaw-android".to_owned(),
                roles: vec![Role::Operator],
                expires_at_ms: Some(9),
            }),
        }),
    }
}

fn paired() -> PairedDevice {
    PairedDevice {
        device_id: device(),
        public_key: "k".to_owned(),
        display_name: Some("Pixel".to_owned()),
        operator_label: Some("Ada's".to_owned()),
        platform: Some("Android".to_owned()),
        device_family: Some("phone".to_owned()),
        client_id: "openclaw-android".to_owned(),
        client_mode: "ui".to_owned(),
        role: Role::Operator,
        roles: vec![Role::Operator, Role::Node],
        scopes: Scopes::from(["operator.read"]),
        remote_ip: Some("10.0.0.7".to_owned()),
        approved_via: ApprovedVia::Bootstrap,
        created_at_ms: 1,
        approved_at_ms: 2,
        last_seen_at_ms: Some(3),
        last_seen_reason: Some("connect".to_owned()),
        connected: Some(true),
        tokens: vec![TokenSummary {
            role: Role::Operator,
            scopes: Scopes::from(["operator.read"]),
            created_at_ms: 1,
            rotated_at_ms: Some(2),
            revoked_at_ms: Some(3),
            last_used_at_ms: Some(4),
        }],
        node_surface: Some(NodeSurface {
            display_name: Some("Pixel".to_owned()),
            version: "1".to_owned(),
            surface: all_of(&["location.get"]),
            created_at_ms: 5,
            approved_at_ms: 6,
        }),
        pending_node_surface: Some(PendingNodeSurface {
            request_id: "n".to_owned(),
            display_name: Some("Pixel".to_owned()),
            version: "2".to_owned(),
            platform: "Android".to_owned(),
            device_family: Some("phone".to_owned()),
            surface: all_of(&["location.get", "camera.snap"]),
            silent: true,
            ts: 7,
        }),
        expires_at_ms: Some(8),
        withheld_scopes: Scopes::from(["operator.admin"]),
    }
}

#[test]
fn reads_who_is_blocked() {
    let blocked = BlockedDevice {
        device_id: device(),
        name: Some("Pixel".to_owned()),
        address: Some("10.0.0.7".to_owned()),
        blocked_at_ms: 1,
        by: None,
        knocks: 2,
        last_knock_at_ms: Some(3),
    };
    let list = protocol::method::BlockedList { blocked: vec![blocked] };
    assert_eq!(blocked_list(&to_value(&list).unwrap()), list.blocked);
}

#[test]
fn reads_every_field_of_a_list() {
    let counts = Some(PairingCounts { paired: 9, connected: 3 });
    let list = PairingList { pending: vec![request()], paired: vec![paired()], counts };
    assert_eq!(pairing_list(&to_value(&list).unwrap()), list);
}

#[test]
fn reads_every_network() {
    for network in [Network::ThisMachine, Network::Lan, Network::Tailnet, Network::Public] {
        let mut said = request();
        if let Some(evidence) = &mut said.evidence {
            evidence.origin.network = network;
        }
        assert_eq!(pending_request(&to_value(&said).unwrap()), Some(said));
    }
}

#[test]
fn what_may_be_absent_may_be_absent() {
    let mut said = request();
    said.evidence = None;
    (said.display_name, said.device_family, said.remote_ip) = (None, None, None);
    assert_eq!(pending_request(&to_value(&said).unwrap()), Some(said));
    let mut said = paired();
    (said.node_surface, said.pending_node_surface, said.connected) = (None, None, None);
    assert_eq!(paired_device(&to_value(&said).unwrap()), Some(said));
}

#[test]
fn a_row_that_is_none_does_not_take_the_list_along() {
    let list = json!({"pending": [{"requestId": 1}, to_value(request()).unwrap()], "paired": [null]});
    let read = pairing_list(&list);
    assert_eq!((read.pending.as_slice(), read.paired.as_slice()), ([request()].as_slice(), [].as_slice()));
}

#[test]
fn reads_what_a_held_socket_is_told() {
    let said = PairPending {
        request_id: "r".to_owned(),
        device_id: device(),
        reason: PairingReason::NotPaired,
        expires_at_ms: 2,
        now_ms: 1,
        fingerprint: PublicKey::from_bytes([7; 32]).fingerprint(),
        role: Role::Operator,
        scopes: Scopes::from(["operator.read"]),
    };
    assert_eq!(pair_pending(&to_value(&said).unwrap()), Some(said));
    let said = Challenge { nonce: "n".to_owned(), ts: 42 };
    assert_eq!(challenge(&to_value(&said).unwrap()), Some(said));
}

#[test]
fn reads_every_field_of_an_error() {
    let said = WireError {
        code: "UNAVAILABLE".to_owned(),
        message: "later".to_owned(),
        details: Some(json!({"code": "X"})),
        retryable: Some(true),
        retry_after_ms: Some(5),
    };
    assert_eq!(error(&to_value(&said).unwrap()), Some(said));
}

#[test]
fn reads_a_page_of_devices() {
    let listed = ListedDevice { device: paired(), last_seen_address: Some("10.0.0.9".to_owned()) };
    let page = DevicePage { devices: vec![listed], offset: 1, matching: 2, paired: 3, connected: 4, unused: 5 };
    assert_eq!(device_page(&to_value(&page).unwrap()), page);
}

#[test]
fn reads_all_that_is_known_of_a_device() {
    let origin = request().evidence.unwrap().origin;
    for by in [None, Some(Approver::Owner), Some(Approver::Program), Some(Approver::Device { device_id: device() })] {
        let approval = Approval {
            by,
            reason: PairingReason::NotPaired,
            has_secret: true,
            origin: origin.clone(),
            user_agent: Some("Mozilla/5.0".to_owned()),
        };
        let connection = LiveConnection {
            role: Role::Operator,
            scopes: Scopes::from(["operator.read"]),
            version: "1".to_owned(),
            address: "10.0.0.9".to_owned(),
            network: Network::Lan,
            encrypted: true,
            page: Some("https://claw.example".to_owned()),
            connected_at_ms: 9,
        };
        let known = Explanation {
            device: paired(),
            approval: Some(approval),
            approved_by_name: Some("Laptop".to_owned()),
            last_seen_address: Some("10.0.0.9".to_owned()),
            last_connected_at_ms: Some(1),
            last_disconnected_at_ms: Some(2),
            connections: vec![connection],
        };
        assert_eq!(explanation(&to_value(&known).unwrap()), Some(known));
    }
}

#[test]
fn reads_what_a_code_would_lead_to() {
    let concern = |shuts_out| SetupConcern { shuts_out, sentence: "s".to_owned(), next_step: "n".to_owned() };
    let concerns = [ShutOut::Everyone, ShutOut::Browsers, ShutOut::Elsewhere].map(concern).to_vec();
    let outlook = SetupOutlook { url: Some("ws://10.0.0.7:1".to_owned()), concerns };
    assert_eq!(setup_outlook(&json!({"gateway": {"setup": outlook}})), outlook);
    assert_eq!(setup_outlook(&json!({"gateway": {}})), SetupOutlook::default());
}
