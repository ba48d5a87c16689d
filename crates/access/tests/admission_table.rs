//! Who gets in. One row is one sentence.

#![expect(clippy::unwrap_used, reason = "a test that cannot be set up has to fail")]

use access::admission::{Blocked, BootstrapProof, Facts, Presented, SharedSecret, Verdict, decide};
use access::identity::{self, VerifiedDevice};
use access::locality::{Attribution, Ingress};
use access::pairing::{Device, Token};
use access::policy::{AuthMode, Knock, Policy};
use base64::Engine;
use ed25519_dalek::{Signer, SigningKey};
use protocol::pairing::{ApprovedVia, PairingReason};
use protocol::role::OWNER_SCOPES;
use protocol::{BootstrapProfile, Connect, PublicKey, Role, Scopes};
use serde_json::{Value, json};

const NOW: u64 = 1_795_198_232_699;
const NONCE: &str = "nonce";

/// The facts of one row. The default is a remote command line that proved its key and showed nothing.
struct Row {
    client: (&'static str, &'static str),
    role: &'static str,
    scopes: &'static [&'static str],
    caps: &'static [&'static str],
    auth: Value,
    shows_device: bool,
    is_owner: bool,
    ingress: Ingress,
    address: &'static str,
    page: Option<&'static str>,
    secret: SharedSecret,
    device_token: Presented,
    bootstrap: BootstrapProof,
    blocked: Blocked,
    approved: Option<&'static [&'static str]>,
    is_revoked: bool,
    platform: &'static str,
    family: Option<&'static str>,
    policy: Policy,
}

impl Default for Row {
    fn default() -> Self {
        Self {
            client: ("cli", "cli"),
            role: "operator",
            scopes: &["operator.read"],
            caps: &[],
            auth: json!({}),
            shows_device: true,
            is_owner: false,
            ingress: Ingress::DirectRemote,
            address: "192.168.1.9",
            page: None,
            secret: SharedSecret::NotGiven,
            device_token: Presented::NotGiven,
            bootstrap: BootstrapProof::NotGiven,
            blocked: Blocked::No,
            approved: None,
            is_revoked: false,
            platform: "linux",
            family: None,
            policy: Policy { auto_approve_local: true, ..Policy::default() },
        }
    }
}

const LOCAL: (Ingress, &str) = (Ingress::DirectLocal, "127.0.0.1");

impl Row {
    fn local(self) -> Self {
        Self { ingress: LOCAL.0, address: LOCAL.1, ..self }
    }

    fn page(self) -> Self {
        Self { client: ("openclaw-control-ui", "webchat"), page: Some("http://127.0.0.1:18789"), ..self }
    }

    fn connect(&self) -> (Connect, Option<VerifiedDevice>) {
        let key = SigningKey::from_bytes(&[7; 32]);
        let public = PublicKey::from_bytes(key.verifying_key().to_bytes());
        let mut params = json!({
            "minProtocol": 4, "maxProtocol": 4,
            "client": {"id": self.client.0, "mode": self.client.1, "version": "1", "platform": self.platform},
            "role": self.role, "scopes": self.scopes, "caps": self.caps, "auth": self.auth,
        });
        if let Some(family) = self.family {
            params["client"]["deviceFamily"] = family.into();
        }
        if !self.shows_device {
            return (Connect::parse(&params).unwrap(), None);
        }
        params["device"] = json!({
            "id": public.device_id().as_str(), "publicKey": public.to_base64url(),
            "signature": "-", "signedAt": NOW, "nonce": NONCE,
        });
        let mut connect = Connect::parse(&params).unwrap();
        let proof = connect.device.clone().unwrap();
        let payload = connect.signed_fields(&proof, NONCE).payload_v3();
        let signature =
            base64::engine::general_purpose::URL_SAFE_NO_PAD.encode(key.sign(payload.as_bytes()).to_bytes());
        connect.device.as_mut().unwrap().signature = signature;
        let device = identity::verify(&connect, NONCE, NOW).unwrap();
        (connect, device)
    }

    fn paired(&self, device: Option<&VerifiedDevice>) -> Option<Device> {
        let (approved, device) = self.approved.zip(device)?;
        let scopes: Scopes = approved.iter().copied().collect();
        let token = Token {
            role: Role::Operator,
            generation: "g".to_owned(),
            scopes: scopes.normalized(),
            issuer: None,
            created_at_ms: NOW,
            rotated_at_ms: None,
            revoked_at_ms: self.is_revoked.then_some(NOW),
            last_used_at_ms: None,
        };
        Some(Device {
            device_id: device.id().clone(),
            public_key: device.key().to_base64url(),
            display_name: None,
            operator_label: None,
            platform: "linux".to_owned(),
            device_family: None,
            client_id: "cli".to_owned(),
            client_mode: "cli".to_owned(),
            role: Role::Operator,
            roles: vec![Role::Operator],
            scopes,
            remote_ip: None,
            approved_via: ApprovedVia::Owner,
            created_at_ms: NOW,
            approved_at_ms: NOW,
            last_seen_at_ms: None,
            last_seen_reason: None,
            surface: None,
            pending_surface: None,
            last_connected_at_ms: None,
            last_disconnected_at_ms: None,
            approval: None,
            last_seen_address: None,
            expires_at_ms: None,
            withheld: Scopes::default(),
            tokens: vec![token],
        })
    }

    fn verdict(&self) -> Verdict {
        let (connect, device) = self.connect();
        let attribution = Attribution { ingress: self.ingress, client: self.address.parse().unwrap() };
        let paired = self.paired(device.as_ref());
        let facts = Facts {
            connect: &connect,
            device: device.as_ref(),
            is_owner: self.is_owner,
            attribution: &attribution,
            is_encrypted: false,
            page: self.page,
            shared_secret: self.secret,
            device_token: self.device_token,
            bootstrap: self.bootstrap,
            paired: paired.as_ref(),
            blocked: self.blocked,
        };
        decide(&facts, &self.policy)
    }
}

fn describe(verdict: &Verdict) -> String {
    match verdict {
        Verdict::Admit(grant) => {
            let more = grant.pending.as_ref().map(|ask| format!(", asking for {}", list(&ask.scopes)));
            format!("in with [{}]{}", list(&grant.scopes), more.unwrap_or_default())
        }
        Verdict::Approve { ask, roles, via, grant } => {
            let roles: Vec<&str> = roles.iter().map(|role| role.as_str()).collect();
            let stored = if ask.scopes == grant.scopes && roles == [ask.role.as_str()] {
                String::new()
            } else {
                format!(" as {} for [{}]", roles.join(" and "), list(&ask.scopes))
            };
            format!("approved {} with [{}]{stored}", via.as_str(), list(&grant.scopes))
        }
        Verdict::Pair(waiting) => {
            let secret = if waiting.ask.has_secret { "" } else { " without a secret" };
            format!("waits: {}{secret}", waiting.ask.reason.as_str())
        }
        Verdict::Refuse(refusal) => {
            let details = refusal.details().and_then(|details| details["code"].as_str().map(str::to_owned));
            format!("refused: {}", details.unwrap_or_default())
        }
    }
}

fn list(scopes: &Scopes) -> String {
    scopes.iter().map(|scope| scope.trim_start_matches("operator.")).collect::<Vec<_>>().join(" ")
}

#[track_caller]
fn check(row: &Row, expected: &str) {
    assert_eq!(describe(&row.verdict()), expected);
}

const WAITS: &[&str] = &["pairing-wait"];
const MATCH: SharedSecret = SharedSecret::Match;

#[test]
fn a_stranger_with_the_secret_may_ask_and_no_more() {
    check(&Row { secret: MATCH, ..Row::default() }, "waits: not-paired");
    check(&Row { secret: MATCH, ..Row::default() }.page(), "waits: not-paired");
    check(&Row { secret: MATCH, role: "node", scopes: &[], ..Row::default() }, "waits: not-paired");
}

#[test]
fn a_stranger_with_a_wrong_secret_or_none_is_refused() {
    check(&Row { secret: SharedSecret::Mismatch, ..Row::default() }, "refused: AUTH_TOKEN_MISMATCH");
    check(&Row::default(), "refused: AUTH_TOKEN_MISSING");
    check(&Row { secret: SharedSecret::NotConfigured, ..Row::default() }, "refused: AUTH_TOKEN_NOT_CONFIGURED");
    let password = Policy { auth_mode: AuthMode::Password, ..Policy::default() };
    check(&Row { policy: password, ..Row::default() }, "refused: AUTH_PASSWORD_MISSING");
}

#[test]
fn a_stranger_without_a_secret_may_knock_from_near_only() {
    let row =
        |address, knock| Row { caps: WAITS, address, policy: Policy { knock, ..Policy::default() }, ..Row::default() };
    check(&row("192.168.1.9", Knock::Private), "waits: not-paired without a secret");
    check(&row("100.101.1.2", Knock::Private), "waits: not-paired without a secret");
    check(&row("203.0.113.9", Knock::Private), "refused: AUTH_TOKEN_MISSING");
    check(&row("192.168.1.9", Knock::Off), "refused: AUTH_TOKEN_MISSING");
    check(&row("203.0.113.9", Knock::Any), "waits: not-paired without a secret");
    check(
        &Row { auth: json!({"token": "wrong"}), secret: SharedSecret::Mismatch, ..row("192.168.1.9", Knock::Private) },
        "refused: AUTH_TOKEN_MISMATCH",
    );
}

#[test]
fn a_knock_from_this_machine_is_never_approved_by_itself() {
    check(&Row { caps: WAITS, ..Row::default() }.local(), "waits: not-paired without a secret");
    check(&Row { caps: WAITS, ..Row::default() }.local().page(), "waits: not-paired without a secret");
}

#[test]
fn this_machine_vouches_for_devices_that_show_the_secret() {
    check(&Row { secret: MATCH, ..Row::default() }.local(), "approved silent with [read]");
    check(&Row { secret: MATCH, ..Row::default() }.local().page(), "approved silent with [read]");
    let off = Policy { auto_approve_local: false, ..Policy::default() };
    check(&Row { secret: MATCH, policy: off, ..Row::default() }.local(), "waits: not-paired");
    let foreign_page = Row { secret: MATCH, page: Some("http://localhost:5173"), ..Row::default() }.local();
    check(&foreign_page, "waits: not-paired");
}

#[test]
fn a_forwarded_client_is_never_approved_by_itself() {
    let ingress = Ingress::TrustedProxy { proxy: "127.0.0.1".parse().unwrap() };
    check(&Row { secret: MATCH, ingress, ..Row::default() }, "waits: not-paired");
}

#[test]
fn a_paired_device_gets_what_was_approved() {
    let row = || Row { secret: MATCH, approved: Some(&["operator.write"]), ..Row::default() };
    check(&row(), "in with [read]");
    check(&Row { scopes: &["operator.admin"], ..row() }, "waits: scope-upgrade");
    check(&Row { scopes: &["operator.admin"], ..row() }.local(), "approved silent with [admin]");
    check(&Row { platform: "darwin", ..row() }, "waits: metadata-upgrade");
    check(&Row { platform: "darwin", ..row() }.local(), "waits: metadata-upgrade");
    check(&Row { is_revoked: true, ..row() }, "waits: role-upgrade");
    check(&Row { role: "node", scopes: &[], ..row() }.local(), "waits: role-upgrade");
}

#[test]
fn a_device_token_is_enough_for_its_scopes() {
    let row = || Row { device_token: Presented::Valid, approved: Some(&["operator.read"]), ..Row::default() };
    check(&row(), "in with [read]");
    check(&Row { scopes: &["operator.admin"], ..row() }, "refused: AUTH_SCOPE_MISMATCH");
    check(&Row { scopes: &["operator.admin"], ..row() }.local(), "refused: AUTH_SCOPE_MISMATCH");
    let stale = Row { device_token: Presented::Invalid, auth: json!({"deviceToken": "old"}), ..row() };
    check(&stale, "refused: AUTH_DEVICE_TOKEN_MISMATCH");
}

#[test]
fn a_paired_device_of_ours_needs_only_its_key() {
    let row = || Row { caps: WAITS, approved: Some(&["operator.read"]), ..Row::default() };
    check(&row(), "in with [read]");
    check(&Row { address: "203.0.113.9", ..row() }, "in with [read]");
    let stale = Row { device_token: Presented::Invalid, auth: json!({"deviceToken": "old"}), ..row() };
    check(&stale, "in with [read]");
    check(&Row { is_revoked: true, ..row() }, "waits: role-upgrade without a secret");
    check(&Row { caps: &[], ..row() }, "refused: AUTH_TOKEN_MISSING");
}

#[test]
fn a_device_of_ours_goes_on_with_what_it_has_while_more_is_decided() {
    let row = Row {
        caps: WAITS,
        approved: Some(&["operator.read"]),
        scopes: &["operator.read", "operator.admin"],
        ..Row::default()
    };
    check(&row, "in with [read], asking for read admin");
}

#[test]
fn a_lock_holds_back_secrets_but_not_proven_devices() {
    let locked = SharedSecret::Locked { retry_after_ms: 1000 };
    check(&Row { secret: locked, ..Row::default() }, "refused: AUTH_RATE_LIMITED");
    let paired =
        Row { secret: locked, device_token: Presented::Valid, approved: Some(&["operator.read"]), ..Row::default() };
    check(&paired, "in with [read]");
    let ours = Row { secret: locked, caps: WAITS, approved: Some(&["operator.read"]), ..Row::default() };
    check(&ours, "in with [read]");
}

#[test]
fn an_owner_link_lets_exactly_the_owners_page_in() {
    let row = || {
        Row { bootstrap: BootstrapProof::Valid(BootstrapProfile::Owner), scopes: &OWNER_SCOPES, ..Row::default() }
            .page()
    };
    let everything = "approved bootstrap with [admin approvals pairing questions read talk.secrets write]";
    check(&row(), everything);
    check(&row().local(), everything);
    check(&Row { scopes: &["operator.admin"], ..row() }, "refused: AUTH_BOOTSTRAP_TOKEN_INVALID");
    check(&Row { client: ("cli", "cli"), ..row() }, "refused: AUTH_BOOTSTRAP_TOKEN_INVALID");
    check(&Row { bootstrap: BootstrapProof::Invalid, ..row() }, "refused: AUTH_BOOTSTRAP_TOKEN_INVALID");
    check(&Row { bootstrap: BootstrapProof::Invalid, secret: MATCH, ..row() }, "waits: not-paired");
}

/// A row that shows a code of this profile from far away.
fn with_code(profile: BootstrapProfile, client: (&'static str, &'static str), role: &'static str) -> Row {
    let scopes: &[&str] = if role == "node" { &[] } else { &["operator.read"] };
    Row { bootstrap: BootstrapProof::Valid(profile), client, role, scopes, address: "203.0.113.9", ..Row::default() }
}

const INVALID: &str = "refused: AUTH_BOOTSTRAP_TOKEN_INVALID";
const IOS: (&str, &str) = ("openclaw-ios", "node");
const ANDROID: (&str, &str) = ("openclaw-android", "node");
const NODE_HOST: (&str, &str) = ("node-host", "node");

#[test]
fn one_code_sets_a_phone_up_as_node_and_operator() {
    use BootstrapProfile::{Full, Limited};
    let full =
        "approved bootstrap with [] as node and operator for [admin approvals questions read talk.secrets write]";
    let limited = "approved bootstrap with [] as node and operator for [approvals questions read talk.secrets write]";
    let phone = |profile, client, platform, family| Row { platform, family, ..with_code(profile, client, "node") };
    check(&phone(Full, IOS, "iOS 18.4.0", Some("iPhone")), full);
    check(&phone(Full, IOS, "iPadOS 18", Some("iPad")), full);
    check(&phone(Limited, IOS, "ios", Some("iOS")), limited);
    check(&phone(Limited, ANDROID, "Android 15", Some("Android")), limited);
    for row in [
        phone(Full, IOS, "linux", Some("iPhone")),
        phone(Full, IOS, "iOS 18", Some("Linux")),
        phone(Full, IOS, "iOS 18", None),
        phone(Full, ANDROID, "iOS 18", Some("iPhone")),
        phone(Full, ANDROID, "Android 15", None),
        phone(Full, NODE_HOST, "iOS 18", Some("iPhone")),
        phone(Limited, NODE_HOST, "linux", Some("Linux")),
        phone(Full, ("openclaw-control-ui", "webchat"), "iOS 18", Some("iPhone")),
    ] {
        check(&row, "waits: not-paired");
    }
    let operator = Row { platform: "iOS 18", family: Some("iPhone"), ..with_code(Full, IOS, "operator") };
    check(&operator, "approved bootstrap with [read]");
}

#[test]
fn a_phone_that_has_less_gets_the_rest_and_one_that_has_it_all_is_just_in() {
    let phone = |approved| Row { approved, ..with_code(BootstrapProfile::Limited, IOS, "operator") };
    let row = Row { platform: "iOS 18", family: Some("iPhone"), ..phone(None) };
    check(&Row { approved: Some(&["operator.pairing"]), ..row }, "approved bootstrap with [read]");
    let linux = Row { approved: Some(&["operator.admin"]), ..phone(None) };
    check(&linux, "in with [read]");
}

#[test]
fn a_machine_joins_with_a_node_code_and_as_nothing_else() {
    use BootstrapProfile::{Node, VoiceNode};
    check(&with_code(Node, NODE_HOST, "node"), "approved bootstrap with []");
    check(&with_code(Node, ("cli", "cli"), "node"), "waits: not-paired");
    check(&with_code(Node, ("cli", "cli"), "operator"), INVALID);
    check(&with_code(Node, NODE_HOST, "operator"), INVALID);
    let voice = |platform| Row { platform, ..with_code(VoiceNode, NODE_HOST, "node") };
    check(&voice("ESP32-S3"), "approved bootstrap with [] as node and operator for [read talk]");
    check(&voice("linux"), "waits: not-paired");
}

#[test]
fn a_page_may_use_a_phones_code_but_not_for_more_than_it_gives() {
    use BootstrapProfile::{Full, Limited, Node, VoiceNode};
    let page = |profile, scopes| Row { scopes, ..with_code(profile, ("cli", "cli"), "operator") }.page();
    check(&page(Full, &["operator.admin", "operator.read"]), "approved bootstrap with [admin read]");
    check(&page(Limited, &["operator.read", "operator.write"]), "approved bootstrap with [read write]");
    check(&page(Limited, &["operator.admin"]), INVALID);
    check(&page(Full, &["operator.admin", "operator.pairing"]), INVALID);
    check(&page(Node, &["operator.read"]), INVALID);
    check(&page(VoiceNode, &["operator.read"]), "waits: not-paired");
    check(&Row { role: "node", scopes: &[], ..page(Limited, &[]) }, "waits: not-paired");
    check(&Row { client: ("webchat", "webchat"), ..page(Full, &["operator.read"]) }, "waits: not-paired");
}

#[test]
fn other_programs_with_a_code_wait_for_a_person_and_are_told_to_come_back() {
    let row = with_code(BootstrapProfile::Full, ("cli", "cli"), "operator");
    let Verdict::Pair(waiting) = row.verdict() else { panic!("{:?}", row.verdict()) };
    assert!(waiting.wait_then_retry && waiting.ask.has_secret);
    check(
        &Row { scopes: &["operator.pairing"], ..with_code(BootstrapProfile::Full, ("cli", "cli"), "operator") },
        INVALID,
    );
    let approved = Row { approved: Some(&["operator.read"]), ..row };
    check(&approved, "in with [read]");
    let locked = BootstrapProof::Locked { retry_after_ms: 1 };
    check(&Row { bootstrap: locked, ..Row::default() }, "refused: AUTH_RATE_LIMITED");
}

#[test]
fn without_a_device_only_local_tools_keep_their_scopes() {
    let row = || Row { shows_device: false, secret: MATCH, ..Row::default() };
    check(&row().local(), "in with [read]");
    check(&row(), "in with []");
    check(&Row { page: Some("http://localhost"), ..row() }.local(), "in with []");
    check(&Row { client: ("gateway-client", "backend"), ..row() }.local(), "in with [read]");
    check(&Row { client: ("test", "test"), ..row() }.local(), "in with []");
    check(&Row { role: "node", scopes: &[], ..row() }.local(), "refused: DEVICE_IDENTITY_REQUIRED");
    check(&row().local().page(), "refused: CONTROL_UI_DEVICE_IDENTITY_REQUIRED");
    check(&Row { secret: SharedSecret::NotGiven, ..row() }, "refused: DEVICE_IDENTITY_REQUIRED");
    check(&Row { secret: SharedSecret::Mismatch, ..row() }, "refused: AUTH_TOKEN_MISMATCH");
}

#[test]
fn the_owner_of_the_machine_needs_no_pairing_and_is_no_node() {
    let row = || Row { is_owner: true, shows_device: false, scopes: &["operator.admin"], ..Row::default() }.local();
    check(&row(), "in with [admin]");
    check(&Row { role: "node", scopes: &[], ..row() }, "refused: DEVICE_IDENTITY_REQUIRED");
}

#[test]
fn listed_networks_let_fresh_nodes_in_but_not_through_a_loopback_proxy() {
    let policy = || Policy { auto_approve_cidrs: vec!["192.168.1.0/24".parse().unwrap()], ..Policy::default() };
    let row = || Row { role: "node", scopes: &[], secret: MATCH, policy: policy(), ..Row::default() };
    check(&row(), "approved trusted-cidr with []");
    let ingress = Ingress::TrustedProxy { proxy: "127.0.0.1".parse().unwrap() };
    check(&Row { ingress, ..row() }, "waits: not-paired");
    check(&Row { role: "operator", ..row() }, "waits: not-paired");
}

#[test]
fn official_clients_get_told_to_come_back_only_where_the_reference_does() {
    let waits = |row: Row| match row.verdict() {
        Verdict::Pair(waiting) => (waiting.ask.reason, waiting.wait_then_retry),
        other @ (Verdict::Admit(_) | Verdict::Approve { .. } | Verdict::Refuse(_)) => panic!("{other:?}"),
    };
    assert_eq!(waits(Row { secret: MATCH, ..Row::default() }), (PairingReason::NotPaired, false));
    assert_eq!(waits(Row { secret: MATCH, ..Row::default() }.page()), (PairingReason::NotPaired, true));
}

#[test]
fn a_blocked_device_stays_out_whatever_it_shows() {
    let row = || Row { blocked: Blocked::Device, ..Row::default() };
    let blocked = "refused: DEVICE_BLOCKED";
    check(&Row { caps: WAITS, ..row() }, blocked);
    check(&Row { secret: MATCH, ..row() }.local(), blocked);
    check(&Row { secret: SharedSecret::Mismatch, ..row() }, blocked);
    check(&Row { approved: Some(&["operator.read"]), device_token: Presented::Valid, ..row() }, blocked);
    check(&Row { bootstrap: BootstrapProof::Valid(BootstrapProfile::Full), ..row() }, blocked);
    check(&Row { client: ("gateway-client", "backend"), secret: MATCH, ..row() }.local(), blocked);
    check(&Row { is_owner: true, shows_device: false, ..row() }, "in with [read]");
}

#[test]
fn from_a_blocked_address_only_those_come_in_who_were_in() {
    let row = || Row { blocked: Blocked::Address, caps: WAITS, ..Row::default() };
    check(&row(), "refused: ADDRESS_BLOCKED");
    check(&Row { secret: MATCH, ..row() }, "refused: ADDRESS_BLOCKED");
    check(&Row { approved: Some(&["operator.read"]), ..row() }, "in with [read]");
    check(&Row { approved: Some(&["operator.read"]), is_revoked: true, ..row() }, "refused: ADDRESS_BLOCKED");
}
