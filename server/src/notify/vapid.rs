//! Who sends a push (RFC 8292): a signature by the key that the browser subscribed to. Nobody else can push to it.

use anyhow::Context;
use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use p256::SecretKey;
use p256::elliptic_curve::sec1::ToEncodedPoint;
use ring::rand::SystemRandom;
use ring::signature::{ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair};
use serde_json::json;

use crate::keys::ServerKey;

/// How long a signature is good for. Push services take a day at most; a clock may be off by some hours.
const LIFETIME_MS: u64 = 12 * 60 * 60 * 1000;

/// What push services are told as the sender's address where the page has none that means something elsewhere: they
/// want one, and this leads to nobody (RFC 2606).
const NOBODY: &str = "mailto:owner@openclaw.invalid";

/// The key that pushes are signed with. It follows from the server key, so it is gone when that is replaced.
pub struct VapidKey {
    pair: EcdsaKeyPair,
    public: String,
}

impl VapidKey {
    pub fn of(server_key: &ServerKey) -> anyhow::Result<Self> {
        // About one number in four billion is none of the curve's.
        let secret = (0..=u8::MAX).find_map(|attempt| SecretKey::from_slice(&server_key.push_key(attempt)).ok());
        let secret = secret.context("the server key gives no push key")?;
        let public = secret.public_key().to_encoded_point(false);
        let random = SystemRandom::new();
        let pair = EcdsaKeyPair::from_private_key_and_public_key(
            &ECDSA_P256_SHA256_FIXED_SIGNING,
            &secret.to_bytes(),
            public.as_bytes(),
            &random,
        );
        let pair = pair.map_err(|error| anyhow::anyhow!("the push key cannot be used: {error}"))?;
        Ok(Self { pair, public: URL_SAFE_NO_PAD.encode(public.as_bytes()) })
    }

    /// The public key, an uncompressed point in base64url.
    pub fn public(&self) -> &str {
        &self.public
    }

    /// The value of `Authorization` for a push service. `audience` is its origin, `page` that of the page that
    /// subscribed.
    pub fn authorization(&self, audience: &str, page: Option<&str>, now_ms: u64) -> anyhow::Result<String> {
        let subject = page.filter(|page| page.starts_with("https://")).unwrap_or(NOBODY);
        let claims = json!({"aud": audience, "exp": (now_ms + LIFETIME_MS) / 1000, "sub": subject});
        let head = URL_SAFE_NO_PAD.encode(r#"{"typ":"JWT","alg":"ES256"}"#);
        let signed = format!("{head}.{}", URL_SAFE_NO_PAD.encode(claims.to_string()));
        let signature = self.pair.sign(&SystemRandom::new(), signed.as_bytes());
        let signature = signature.ok().context("the push cannot be signed")?;
        Ok(format!("vapid t={signed}.{}, k={}", URL_SAFE_NO_PAD.encode(signature.as_ref()), self.public))
    }
}

#[cfg(test)]
mod tests {
    use serde_json::Value;
    use web_push_native::p256::ecdsa::signature::Verifier;
    use web_push_native::p256::ecdsa::{Signature, VerifyingKey};

    use super::*;

    fn server_key(folder: &tempfile::TempDir, name: &str) -> ServerKey {
        ServerKey::load_or_create(&folder.path().join(name)).unwrap()
    }

    #[test]
    fn another_implementation_believes_the_signature_and_what_it_is_for() {
        let folder = tempfile::tempdir().unwrap();
        let key = VapidKey::of(&server_key(&folder, "key")).unwrap();
        let value = key.authorization("https://push.example", Some("https://gw.example"), 1_795_198_232_699).unwrap();
        let (token, public) = value.strip_prefix("vapid t=").unwrap().split_once(", k=").unwrap();
        assert_eq!(public, key.public());
        let public = VerifyingKey::from_sec1_bytes(&URL_SAFE_NO_PAD.decode(public).unwrap()).unwrap();
        let (signed, signature) = token.rsplit_once('.').unwrap();
        let signature = Signature::from_slice(&URL_SAFE_NO_PAD.decode(signature).unwrap()).unwrap();
        public.verify(signed.as_bytes(), &signature).unwrap();
        let (head, claims) = signed.split_once('.').unwrap();
        let read = |text: &str| serde_json::from_slice::<Value>(&URL_SAFE_NO_PAD.decode(text).unwrap()).unwrap();
        assert_eq!(read(head), json!({"typ": "JWT", "alg": "ES256"}));
        let expected = json!({"aud": "https://push.example", "exp": 1_795_241_432, "sub": "https://gw.example"});
        assert_eq!(read(claims), expected);
    }

    #[test]
    fn a_page_on_this_machine_is_nobodys_address() {
        let folder = tempfile::tempdir().unwrap();
        let key = VapidKey::of(&server_key(&folder, "key")).unwrap();
        let value = key.authorization("https://push.example", Some("http://127.0.0.1:18789"), 0).unwrap();
        let claims = value.split('.').nth(1).unwrap();
        let claims: Value = serde_json::from_slice(&URL_SAFE_NO_PAD.decode(claims).unwrap()).unwrap();
        assert_eq!(claims["sub"], NOBODY);
    }

    #[test]
    fn the_key_follows_from_the_server_key_and_goes_with_it() {
        let folder = tempfile::tempdir().unwrap();
        let server_key = server_key(&folder, "key");
        let before = VapidKey::of(&server_key).unwrap().public().to_owned();
        assert_eq!(VapidKey::of(&server_key).unwrap().public(), before);
        server_key.replace(&folder.path().join("key")).unwrap();
        assert_ne!(VapidKey::of(&server_key).unwrap().public(), before);
    }
}
