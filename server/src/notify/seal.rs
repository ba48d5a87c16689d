//! Encryption for one browser (RFC 8291): its push service carries what only the browser can read.

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use ring::agreement::{ECDH_P256, EphemeralPrivateKey, UnparsedPublicKey, agree_ephemeral};
use ring::error::Unspecified;
use ring::rand::{SecureRandom, SystemRandom};
use ring::{aead, hkdf};

/// An uncompressed point of P-256, in bytes.
const POINT: usize = 65;
const SALT: usize = 16;
const AUTH: usize = 16;

/// The record size that is announced. What is sent is one record, and push services take at most 4096 bytes.
const RECORD: u32 = 4096;

/// What follows the last record's text (RFC 8188 §2).
const LAST_RECORD: u8 = 2;

/// The longest message that fits: a record less its tag, the byte behind the text and the header before it.
pub const MAX_MESSAGE: usize = 4096 - 16 - 1 - (SALT + 4 + 1 + POINT);

/// A browser's keys, from its `PushSubscription`.
#[derive(Clone, PartialEq, Eq)]
pub struct Recipient {
    p256dh: [u8; POINT],
    auth: [u8; AUTH],
}

impl std::fmt::Debug for Recipient {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Recipient(…)")
    }
}

/// Why nothing can be encrypted for a browser.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum SealError {
    #[error("p256dh must be an uncompressed point of P-256 in base64url")]
    Key,
    #[error("auth must be {AUTH} bytes in base64url")]
    Auth,
    #[error("the message is too long")]
    TooLong,
    #[error("the encryption failed")]
    Failed,
}

impl Recipient {
    pub fn parse(p256dh: &str, auth: &str) -> Result<Self, SealError> {
        let bytes = |text: &str| URL_SAFE_NO_PAD.decode(text.trim_end_matches('=')).ok();
        let p256dh = bytes(p256dh).and_then(|bytes| bytes.try_into().ok()).ok_or(SealError::Key)?;
        let auth = bytes(auth).and_then(|bytes| bytes.try_into().ok()).ok_or(SealError::Auth)?;
        Ok(Self { p256dh, auth })
    }

    /// The body of a push, in the content encoding `aes128gcm`. A key that is no point of the curve is found out here.
    pub fn seal(&self, message: &[u8]) -> Result<Vec<u8>, SealError> {
        if message.len() > MAX_MESSAGE {
            return Err(SealError::TooLong);
        }
        let random = SystemRandom::new();
        let mut salt = [0; SALT];
        random.fill(&mut salt).map_err(|_| SealError::Failed)?;
        let private = EphemeralPrivateKey::generate(&ECDH_P256, &random).map_err(|_| SealError::Failed)?;
        let public = private.compute_public_key().map_err(|_| SealError::Failed)?;
        let peer = UnparsedPublicKey::new(&ECDH_P256, &self.p256dh);
        agree_ephemeral(private, &peer, |shared| self.seal_with(shared, public.as_ref(), salt, message))
            .map_err(|_| SealError::Key)?
            .map_err(|_| SealError::Failed)
    }

    /// Everything after the key agreement (RFC 8291 §3.3 and §3.4, RFC 8188 §2).
    fn seal_with(
        &self,
        shared: &[u8],
        sender: &[u8],
        salt: [u8; SALT],
        message: &[u8],
    ) -> Result<Vec<u8>, Unspecified> {
        let mut secret = [0; 32];
        let info: [&[u8]; 3] = [b"WebPush: info\0", &self.p256dh, sender];
        hkdf::Salt::new(hkdf::HKDF_SHA256, &self.auth)
            .extract(shared)
            .expand(&info, hkdf::HKDF_SHA256)?
            .fill(&mut secret)?;
        let derived = hkdf::Salt::new(hkdf::HKDF_SHA256, &salt).extract(&secret);
        let key = aead::UnboundKey::from(derived.expand(&[b"Content-Encoding: aes128gcm\0"], &aead::AES_128_GCM)?);
        let mut nonce = [0; aead::NONCE_LEN];
        derived.expand(&[b"Content-Encoding: nonce\0"], NonceLength)?.fill(&mut nonce)?;

        let mut record = message.to_vec();
        record.push(LAST_RECORD);
        // A nonce of its own for each key, because each message has a salt of its own.
        let nonce = aead::Nonce::assume_unique_for_key(nonce);
        aead::LessSafeKey::new(key).seal_in_place_append_tag(nonce, aead::Aad::empty(), &mut record)?;

        let mut body = Vec::with_capacity(SALT + 5 + sender.len() + record.len());
        body.extend_from_slice(&salt);
        body.extend_from_slice(&RECORD.to_be_bytes());
        body.push(u8::try_from(sender.len()).map_err(|_| Unspecified)?);
        body.extend_from_slice(sender);
        body.extend_from_slice(&record);
        Ok(body)
    }
}

struct NonceLength;

impl hkdf::KeyType for NonceLength {
    fn len(&self) -> usize {
        aead::NONCE_LEN
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn bytes(text: &str) -> Vec<u8> {
        URL_SAFE_NO_PAD.decode(text).unwrap()
    }

    const P256DH: &str = "BCVxsr7N_eNgVRqvHtD0zTZsEc6-VV-JvLexhqUzORcxaOzi6-AYWXvTBHm4bjyPjs7Vd8pZGH6SRpkNtoIAiw4";
    const AUTH: &str = "BTBZMqHH6r4Tts7J_aSIgg";
    const PRIVATE: &str = "q1dXpw3UpT5VOmu_cf_v6ih07Aems3njxI-JWgLcM94";
    const TEXT: &[u8] = b"When I grow up, I want to be a watermelon";

    #[test]
    fn the_example_of_rfc_8291_comes_out_as_it_stands_there() {
        let recipient = Recipient::parse(P256DH, AUTH).unwrap();
        let shared = bytes("kyrL1jIIOHEzg3sM2ZWRHDRB62YACZhhSlknJ672kSs");
        let sender = bytes("BP4z9KsN6nGRTbVYI_c7VJSPQTBtkgcy27mlmlMoZIIgDll6e3vCYLocInmYWAmS6TlzAC8wEqKK6PBru3jl7A8");
        let salt = bytes("DGv6ra1nlYgDCS1FRnbzlw").try_into().unwrap();
        let expected = "DGv6ra1nlYgDCS1FRnbzlwAAEABBBP4z9KsN6nGRTbVYI_c7VJSPQTBtkgcy27mlmlMoZIIgDll6e3vCYLocInmYWAmS\
                        6TlzAC8wEqKK6PBru3jl7A_yl95bQpu6cVPTpK4Mqgkf1CXztLVBSt2Ks3oZwbuwXPXLWyouBWLVWGNWQexSgSxsj_Qulcy4a-fN";
        let sealed = recipient.seal_with(&shared, &sender, salt, TEXT).unwrap();
        assert_eq!(URL_SAFE_NO_PAD.encode(sealed), expected);
    }

    #[test]
    fn another_implementation_reads_what_was_sealed_and_no_two_look_alike() {
        let recipient = Recipient::parse(P256DH, AUTH).unwrap();
        let private = web_push_native::p256::SecretKey::from_slice(&bytes(PRIVATE)).unwrap();
        let auth = web_push_native::Auth::clone_from_slice(&bytes(AUTH));
        let long = vec![b'x'; MAX_MESSAGE];
        for text in [TEXT, b"", &long] {
            let sealed = recipient.seal(text).unwrap();
            assert!(sealed.len() <= 4096);
            assert_eq!(web_push_native::decrypt(sealed, &private, &auth).unwrap(), text);
        }
        assert_ne!(recipient.seal(TEXT), recipient.seal(TEXT));
    }

    #[test]
    fn keys_that_make_no_sense_are_refused() {
        let padded = Recipient::parse(&format!("{P256DH}="), &format!("{AUTH}=="));
        assert!(padded.is_ok(), "{padded:?}");
        assert_eq!(Recipient::parse("", AUTH), Err(SealError::Key));
        assert_eq!(Recipient::parse(P256DH, "c2hvcnQ"), Err(SealError::Auth));
        let nowhere = URL_SAFE_NO_PAD.encode([4; POINT]);
        assert_eq!(Recipient::parse(&nowhere, AUTH).unwrap().seal(TEXT), Err(SealError::Key));
        let recipient = Recipient::parse(P256DH, AUTH).unwrap();
        assert_eq!(recipient.seal(&vec![0; MAX_MESSAGE + 1]), Err(SealError::TooLong));
    }
}
