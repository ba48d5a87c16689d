//! The protocol against test data taken from the reference gateway.

#![expect(clippy::unwrap_used, reason = "a test that cannot be set up has to fail")]

use protocol::device::SignedFields;
use protocol::setup_code::SETUP_LINK_PREFIX;
use protocol::{Close, PublicKey, Refusal, Role, Scopes, SetupCode};
use serde_json::Value;

fn vectors(name: &str) -> Vec<Value> {
    let all: Value = serde_json::from_str(include_str!("data/vectors.json")).unwrap();
    let list = all[name].as_array().unwrap().clone();
    assert!(!list.is_empty());
    list
}

fn text<'a>(vector: &'a Value, field: &str) -> &'a str {
    vector[field].as_str().unwrap_or_else(|| panic!("{field} is missing in {vector}"))
}

fn scopes(vector: &Value) -> Scopes {
    serde_json::from_value(vector.clone()).unwrap()
}

#[test]
fn derives_device_ids_from_every_spelling_of_a_key() {
    for vector in vectors("deviceId") {
        for spelling in ["publicKeyBase64Url", "publicKeyPem"] {
            let key = PublicKey::parse(text(&vector, spelling)).unwrap();
            assert_eq!(key.device_id().as_str(), text(&vector, "deviceId"), "{spelling}");
            assert_eq!(key.to_base64url(), text(&vector, "publicKeyBase64Url"));
        }
    }
}

#[test]
fn builds_and_verifies_what_devices_sign() {
    for vector in vectors("signature") {
        let signed_scopes: Vec<String> = serde_json::from_value(vector["scopes"].clone()).unwrap();
        let optional = |field: &str| vector[field].as_str().unwrap_or_default().to_owned();
        let (token, platform, family) = (optional("token"), optional("platform"), optional("deviceFamily"));
        let fields = SignedFields {
            device_id: text(&vector, "deviceId"),
            client_id: text(&vector, "clientId"),
            client_mode: text(&vector, "clientMode"),
            role: text(&vector, "role"),
            scopes: &signed_scopes,
            signed_at_ms: vector["signedAtMs"].as_u64().unwrap(),
            token: &token,
            nonce: text(&vector, "nonce"),
            platform: &platform,
            device_family: &family,
        };
        let payload = if vector["version"] == "v2" { fields.payload_v2() } else { fields.payload_v3() };
        assert_eq!(payload, text(&vector, "payload"));

        let keys = vectors("deviceId");
        let key = keys.iter().find(|key| key["deviceId"] == vector["deviceId"]).unwrap();
        let key = PublicKey::parse(text(key, "publicKeyBase64Url")).unwrap();
        let signature = text(&vector, "signatureBase64Url");
        assert!(key.verifies(&payload, signature));
        assert!(!key.verifies(&format!("{payload} "), signature));
    }
}

#[test]
fn scopes_satisfy_as_in_the_reference() {
    for vector in vectors("scopeSatisfaction") {
        let role = Role::parse(text(&vector, "role")).unwrap();
        let allowed = scopes(&vector["allowedScopes"]).allow_all(role, &scopes(&vector["requestedScopes"]));
        assert_eq!(allowed, vector["allowed"].as_bool().unwrap(), "{vector}");
    }
}

#[test]
fn scopes_normalize_as_in_the_reference() {
    for vector in vectors("normalizeScopes") {
        assert_eq!(scopes(&vector["input"]).normalized(), scopes(&vector["output"]), "{vector}");
    }
}

#[test]
fn close_reasons_are_cut_as_in_the_reference() {
    for vector in vectors("closeReasonTruncation") {
        let close = Close::new(1008, text(&vector, "input"));
        assert_eq!(close.reason, text(&vector, "output"));
        assert_eq!(close.reason.len() as u64, vector["bytes"].as_u64().unwrap());
    }
}

/// Every error the reference was seen to send exists here with the same code, message and details.
/// Fields that differ from case to case (ids, times, numbers) are compared by presence.
#[test]
fn every_recorded_error_is_one_of_our_refusals() {
    use protocol::refusal::{Audience, SecretKind};
    let mut known = Refusal::examples();
    for kind in [SecretKind::Token, SecretKind::Password] {
        for audience in [Audience::LocalCli, Audience::RemoteCli, Audience::ControlUi, Audience::Other] {
            known.push(Refusal::SecretMissing { kind, audience });
            for can_retry_with_device_token in [false, true] {
                known.push(Refusal::SecretMismatch { kind, audience, can_retry_with_device_token });
            }
        }
    }
    for role in [Role::Node, Role::Operator] {
        known.push(Refusal::IdentityHeaderMissing { header: "x-forwarded-proto".to_owned(), role });
    }
    for reason in [protocol::refusal::IdentityReason::UserMissing, protocol::refusal::IdentityReason::UserNotAllowed] {
        known.push(Refusal::IdentityRefused { reason });
    }
    let known: Vec<(Value, Option<u16>)> = known
        .iter()
        .filter_map(|refusal| {
            Some((serde_json::to_value(refusal.wire_error()?).unwrap(), refusal.close().map(|c| c.code)))
        })
        .collect();

    for vector in vectors("errorTable") {
        let error = &vector["error"];
        if error.is_null() {
            continue;
        }
        let message = text(error, "message");
        let prefix =
            ["invalid connect params: ", "invalid request frame: "].into_iter().find(|p| message.starts_with(p));
        let found = known.iter().any(|(ours, close)| {
            let same_message = match prefix {
                Some(prefix) => text(ours, "message").starts_with(prefix),
                None => ours["message"] == error["message"],
            };
            let same_close = vector["close"]["code"].as_u64().is_none_or(|code| *close == u16::try_from(code).ok());
            same_message
                && same_close
                && ours["code"] == error["code"]
                && same_identity(&ours["details"], &error["details"])
        });
        assert!(found, "no refusal for {vector}");
    }
}

fn same_identity(ours: &Value, theirs: &Value) -> bool {
    ["code", "reason", "authReason", "remediationHint", "canRetryWithDeviceToken"]
        .iter()
        .all(|field| ours.get(*field) == theirs.get(*field))
}

#[test]
fn encodes_and_decodes_setup_codes() {
    for vector in vectors("setupCode") {
        if let Some(code) = vector["code"].as_str() {
            let setup = SetupCode::from_payload(&vector["payload"]).unwrap();
            assert_eq!(setup.encode().unwrap(), code);
            assert_eq!(format!("{SETUP_LINK_PREFIX}{code}"), text(&vector, "url"));
            continue;
        }
        let decoded = SetupCode::decode(text(&vector, "input"), vector["nowMs"].as_u64().unwrap());
        match decoded {
            Ok(setup) => assert_eq!(serde_json::to_value(setup).unwrap(), vector["payload"], "{vector}"),
            Err(error) => assert_eq!(error.to_string(), text(&vector, "error"), "{vector}"),
        }
    }
}
