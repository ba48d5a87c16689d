//! Locality and origins against test data taken from the reference gateway.

#![expect(clippy::unwrap_used, reason = "a test that cannot be set up has to fail")]

use access::locality::{Forwarded, Ingress, TrustedProxies, resolve};
use access::origin::{OriginPolicy, PageFacts, check};
use protocol::Refusal;
use serde_json::Value;

fn vectors(name: &str) -> Vec<Value> {
    let all: Value = serde_json::from_str(include_str!("../../protocol/tests/data/vectors.json")).unwrap();
    all[name].as_array().unwrap().clone()
}

fn strings(value: &Value) -> Vec<String> {
    value.as_array().map(|list| list.iter().map(|item| item.as_str().unwrap().to_owned()).collect()).unwrap_or_default()
}

#[test]
fn clients_resolve_as_in_the_reference() {
    let (mut resolved, mut matched) = (0, 0);
    for vector in vectors("trustedProxyClientIp") {
        if let Some(case) = vector.get("isTrustedProxyAddress") {
            let entries = strings(&case["trustedProxies"]);
            let (trusted, _) = TrustedProxies::parse(entries.iter().map(String::as_str));
            let contains = trusted.contains(case["ip"].as_str().unwrap().parse().unwrap());
            assert_eq!(contains, case["result"].as_bool().unwrap(), "{case}");
            matched += 1;
            continue;
        }
        let entries = strings(&vector["trustedProxies"]);
        let (trusted, _) = TrustedProxies::parse(entries.iter().map(String::as_str));
        let headers = vector["headers"].as_object().unwrap();
        let headers = Forwarded::collect(headers.iter().map(|(name, value)| (name.as_str(), value.as_str().unwrap())));
        let peer = vector["remoteAddress"].as_str().unwrap().parse().unwrap();
        let found = resolve(peer, &headers, &trusted, vector["allowRealIpFallback"].as_bool().unwrap());
        let (kind, client) = match &found {
            Ok(attribution) => {
                let kind = match attribution.ingress {
                    Ingress::DirectLocal => "direct-local",
                    Ingress::DirectRemote => "direct-remote",
                    Ingress::TrustedProxy { .. } => "trusted-proxy",
                };
                (kind, Some(attribution.client.to_string()))
            }
            Err(_) => ("unattributable-proxy", None),
        };
        assert_eq!(kind, vector["kind"], "{vector}");
        assert_eq!(client.as_deref(), vector["clientIp"].as_str(), "{vector}");
        resolved += 1;
    }
    assert!(resolved > 30 && matched > 15);
}

#[test]
fn pages_are_judged_as_in_the_reference() {
    for vector in vectors("originCheck") {
        let policy = OriginPolicy {
            allowed: strings(&vector["allowedOrigins"]),
            allow_host_fallback: vector["allowHostHeaderOriginFallback"].as_bool().unwrap_or_default(),
        };
        let page = PageFacts {
            origin: vector["origin"].as_str(),
            host: vector["requestHost"].as_str(),
            is_direct_local: vector["isLocalClient"].as_bool().unwrap(),
            is_behind_trusted_proxy: false,
        };
        let expected = match vector["result"]["reason"].as_str() {
            None => Ok(()),
            Some("origin not allowed") => Err(Refusal::OriginNotAllowed),
            Some("origin missing or invalid") => Err(Refusal::OriginInvalid),
            Some(other) => panic!("{other}"),
        };
        assert_eq!(check(page, &policy), expected, "{vector}");
    }
}
