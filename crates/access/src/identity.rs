//! Who a device is: the only place where a claim becomes a proof (wire.md §3.3).

use protocol::{Connect, DeviceId, PublicKey, Refusal};

/// How far a signature's time may be off, in milliseconds, either way (wire.md §3.3).
const MAX_SIGNATURE_AGE_MS: u64 = 120_000;

/// A device that proved its key over our nonce. Only [`verify`] makes one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct VerifiedDevice {
    id: DeviceId,
    key: PublicKey,
}

impl VerifiedDevice {
    pub fn id(&self) -> &DeviceId {
        &self.id
    }

    pub fn key(&self) -> PublicKey {
        self.key
    }
}

/// Checks the device of a connect request against the nonce of this very socket, in the order of
/// wire.md §3.3. `Ok(None)` when the request shows no device.
pub fn verify(connect: &Connect, nonce: &str, now_ms: u64) -> Result<Option<VerifiedDevice>, Refusal> {
    let Some(proof) = &connect.device else {
        return Ok(None);
    };
    let key = PublicKey::parse(&proof.public_key).ok_or(Refusal::DeviceIdMismatch)?;
    let id = key.device_id();
    if id.as_str() != proof.id {
        return Err(Refusal::DeviceIdMismatch);
    }
    if now_ms.abs_diff(proof.signed_at) > MAX_SIGNATURE_AGE_MS {
        return Err(Refusal::SignatureExpired);
    }
    match proof.nonce.trim() {
        "" => return Err(Refusal::NonceMissing),
        given if given != nonce => return Err(Refusal::NonceMismatch),
        _ => {}
    }
    let fields = connect.signed_fields(proof, nonce);
    let signed =
        key.verifies(&fields.payload_v3(), &proof.signature) || key.verifies(&fields.payload_v2(), &proof.signature);
    if signed { Ok(Some(VerifiedDevice { id, key })) } else { Err(Refusal::SignatureInvalid) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use ed25519_dalek::{Signer, SigningKey};
    use serde_json::{Value, json};

    const NOW: u64 = 1_795_198_232_699;
    const NONCE: &str = "5c3780cc-c533-4a4a-964c-cfc65e225701";

    /// A connect request that is signed by the key made from `seed`, after `change` had its way.
    fn signed_connect(seed: u8, change: impl FnOnce(&mut Value)) -> Connect {
        let key = SigningKey::from_bytes(&[seed; 32]);
        let public = PublicKey::from_bytes(key.verifying_key().to_bytes());
        let mut params = json!({
            "minProtocol": 4, "maxProtocol": 4,
            "client": {"id": "cli", "version": "1", "platform": "linux", "mode": "cli"},
            "role": "operator", "scopes": ["operator.read"],
            "device": {
                "id": public.device_id().as_str(), "publicKey": public.to_base64url(),
                "signature": "-", "signedAt": NOW, "nonce": NONCE,
            },
        });
        change(&mut params);
        let mut connect = Connect::parse(&params).unwrap();
        let proof = connect.device.clone().unwrap();
        let payload = connect.signed_fields(&proof, proof.nonce.trim()).payload_v3();
        let signature = key.sign(payload.as_bytes()).to_bytes();
        if proof.signature == "-" {
            connect.device.as_mut().unwrap().signature = to_base64(&signature);
        }
        connect
    }

    fn to_base64(bytes: &[u8]) -> String {
        base64::Engine::encode(&base64::engine::general_purpose::URL_SAFE_NO_PAD, bytes)
    }

    #[track_caller]
    fn check(change: impl FnOnce(&mut Value), expected: Option<&Refusal>) {
        let connect = signed_connect(7, change);
        let refused = verify(&connect, NONCE, NOW).map(|device| assert!(device.is_some())).err();
        assert_eq!(refused.as_ref(), expected);
    }

    #[test]
    fn accepts_a_fresh_signature_over_our_nonce() {
        check(|_| {}, None);
        check(|p| p["device"]["nonce"] = format!(" {NONCE} ").into(), None);
        check(|p| p["device"]["signedAt"] = (NOW - 120_000).into(), None);
    }

    #[test]
    fn refuses_each_flaw_with_its_own_reason_in_order() {
        check(|p| p["device"]["id"] = "00".into(), Some(&Refusal::DeviceIdMismatch));
        check(|p| p["device"]["publicKey"] = "garbage".into(), Some(&Refusal::DeviceIdMismatch));
        check(|p| p["device"]["signedAt"] = (NOW - 120_001).into(), Some(&Refusal::SignatureExpired));
        check(|p| p["device"]["signedAt"] = (NOW + 120_001).into(), Some(&Refusal::SignatureExpired));
        check(|p| p["device"]["nonce"] = "  ".into(), Some(&Refusal::NonceMissing));
        check(|p| p["device"]["nonce"] = "another".into(), Some(&Refusal::NonceMismatch));
        check(|p| p["device"]["signature"] = "AAAA".into(), Some(&Refusal::SignatureInvalid));
    }

    #[test]
    fn a_signature_does_not_carry_over_to_other_scopes_or_tokens() {
        let mut connect = signed_connect(7, |_| {});
        connect.scopes = Some(vec!["operator.admin".to_owned()]);
        assert_eq!(verify(&connect, NONCE, NOW), Err(Refusal::SignatureInvalid));
        let mut connect = signed_connect(7, |p| p["auth"] = json!({"token": "a"}));
        connect.auth.as_mut().unwrap().token = Some(protocol::Secret::new("b"));
        assert_eq!(verify(&connect, NONCE, NOW), Err(Refusal::SignatureInvalid));
    }
}
