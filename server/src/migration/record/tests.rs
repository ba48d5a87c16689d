use serde_json::json;

use super::*;

const NOW: u64 = 1_795_282_100_000;

/// The device of the seed 1, as the fixture has it.
fn laptop() -> Value {
    json!({
        "deviceId": "34750f98bd59fcfc946da45aaabe933be154a4b5094e1c4abf42866505f3c97e",
        "publicKey": "iojj3XQJ8ZX9UtstPLpdcspnCb8dlBIb83SIAbQPb1w",
        "role": "operator", "roles": ["operator"], "scopes": ["operator.read"],
        "tokens": {"operator": {"token": "t", "role": "operator", "scopes": ["operator.read"], "createdAtMs": 7}},
        "createdAtMs": 7, "approvedAtMs": 8,
    })
}

fn read(record: &Value) -> Result<Reading<ImportedDevice>, String> {
    let issuer = |generation: &str| format!("ours for {generation}");
    let record = record.as_object().unwrap();
    let id = record["deviceId"].as_str().unwrap();
    device(id, record, None, &Context { now_ms: NOW, issuer: &issuer })
}

#[track_caller]
fn skipped(change: impl FnOnce(&mut Value), expected: &str) {
    let mut record = laptop();
    change(&mut record);
    assert_eq!(read(&record).unwrap_err(), expected);
}

#[test]
fn what_makes_a_record_worthless_is_named() {
    skipped(|record| record["publicKey"] = json!("AAAA"), "its public key is none");
    skipped(|record| record["deviceId"] = json!("ab"), "its id does not belong to its key");
    skipped(|record| record["createdAtMs"] = json!(null), "its createdAtMs is missing or no number");
    skipped(|record| record["approvedAtMs"] = json!("yesterday"), "its approvedAtMs is missing or no number");
    skipped(|record| record["roles"] = json!("operator"), "its roles are no list");
    skipped(|record| record["scopes"] = json!([7]), "its scopes holds something that is no scope");
    let nobody = json!({"role": "boss", "roles": ["boss"]});
    skipped(
        |record| record.as_object_mut().unwrap().extend(nobody.as_object().unwrap().clone()),
        "it has no role that there is here",
    );
}

#[test]
fn what_nobody_needs_is_left_out_and_named() {
    let mut record = laptop();
    record["lastSeenAtMs"] = json!("soon");
    record["displayName"] = json!(7);
    record["roles"] = json!(["operator", "boss"]);
    record["tokens"]["boss"] = json!({"token": "x"});
    record["somethingNew"] = json!({"a": 1});
    let reading = read(&record).unwrap();
    assert_eq!(reading.taken.device.roles, [Role::Operator]);
    let left_out = reading.left_out().unwrap();
    for expected in ["lastSeenAtMs", "displayName", "its role \"boss\"", "its token as `boss`"] {
        assert!(left_out.contains(expected), "{expected}: {left_out}");
    }
}

#[test]
fn a_revoked_token_stays_revoked_even_if_nobody_knows_since_when() {
    let mut record = laptop();
    record["tokens"]["operator"]["revokedAtMs"] = json!("then");
    let device = read(&record).unwrap().taken.device;
    assert_eq!(device.tokens[0].revoked_at_ms, Some(NOW));
    assert!(device.live_token(Role::Operator).is_none());
}

#[test]
fn approved_scopes_count_more_than_those_asked_for_last() {
    let mut record = laptop();
    record["approvedScopes"] = json!(["operator.read", "operator.write"]);
    assert_eq!(read(&record).unwrap().taken.device.scopes, Scopes::from(["operator.read", "operator.write"]));
}

#[test]
fn a_tokens_plain_text_is_not_kept() {
    let imported = read(&laptop()).unwrap().taken;
    assert_eq!(imported.tokens[0].token_hash, hash_code(&Secret::new("t")));
    assert_eq!(imported.tokens[0].generation, imported.device.tokens[0].generation);
    assert!(imported.device.tokens[0].issuer.is_none());
    let mut of_a_page = laptop();
    of_a_page["tokens"]["operator"]["issuer"] = json!({"kind": "shared-gateway-auth", "generation": "g"});
    assert_eq!(read(&of_a_page).unwrap().taken.device.tokens[0].issuer.as_deref(), Some("ours for g"));
}

#[test]
fn a_request_lives_as_long_here_as_there() {
    let mut record = laptop();
    record["ts"] = json!(NOW - 300_000);
    let asked = |record: &Value| request("r-1", record.as_object().unwrap(), NOW);
    assert!(asked(&record).unwrap_err().contains("run out"));
    record["refreshedAtMs"] = json!(NOW - 1);
    assert_eq!(asked(&record).unwrap().ask.origin.network, Network::ThisMachine);
    record["remoteIp"] = json!("192.168.1.9");
    assert_eq!(asked(&record).unwrap().ask.origin.network, Network::Lan);
    assert!(request("../x", record.as_object().unwrap(), NOW).is_err());
}
