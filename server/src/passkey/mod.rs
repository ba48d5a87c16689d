//! What a browser and its authenticator answer to a challenge (Web Authentication Level 3, §7.1 and §7.2).
//!
//! Libraries that do all of it bring a second set of curves, or OpenSSL: `webauthn_rp` adds 650 KB to the program. What is
//! left of `WebAuthn` where nobody asks which make an authenticator is: two JSON fields, a fixed layout, one CBOR map, and a
//! signature, which `ring` checks. Attestation is not looked at: whoever registers a passkey is the owner already.

mod data;
mod key;

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use serde::Deserialize;
use sha2::{Digest, Sha256};

pub use key::{ALGORITHMS, PublicKey};

/// What was asked of the browser.
#[derive(Debug, Clone, Copy)]
pub struct Asked<'a> {
    /// The challenge in base64url, as it was sent.
    pub challenge: &'a str,
    /// The origin of the page that was asked.
    pub page: &'a str,
    /// The host name that the passkey is for.
    pub host: &'a str,
}

/// A new passkey.
#[derive(Debug, PartialEq, Eq)]
pub struct Made {
    /// The credential's id in base64url.
    pub id: String,
    /// Its COSE key.
    pub public_key: Vec<u8>,
    pub sign_count: u32,
}

/// Why an answer does not count.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Problem(pub &'static str);

/// What the browser says it was asked (§5.8.1). More may be added to it.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct ClientData {
    #[serde(rename = "type")]
    kind: String,
    challenge: String,
    origin: String,
    #[serde(default)]
    cross_origin: bool,
}

pub fn decode(text: &str) -> Result<Vec<u8>, Problem> {
    URL_SAFE_NO_PAD.decode(text.trim_end_matches('=')).map_err(|_| Problem("not base64url"))
}

pub fn encode(bytes: &[u8]) -> String {
    URL_SAFE_NO_PAD.encode(bytes)
}

/// The challenge that an answer is to, whatever else it says.
pub fn challenge_of(client_data: &[u8]) -> Result<String, Problem> {
    Ok(read(client_data)?.challenge)
}

fn read(client_data: &[u8]) -> Result<ClientData, Problem> {
    serde_json::from_slice(client_data).map_err(|_| Problem("the client data cannot be read"))
}

fn check_client_data(client_data: &[u8], kind: &str, asked: Asked<'_>) -> Result<(), Problem> {
    let said = read(client_data)?;
    if said.kind != kind {
        return Err(Problem("it answers something else"));
    }
    if said.challenge != asked.challenge {
        return Err(Problem("it answers another challenge"));
    }
    if !said.origin.eq_ignore_ascii_case(asked.page) || said.cross_origin {
        return Err(Problem("another page was asked"));
    }
    Ok(())
}

fn check_presence(data: &data::AuthenticatorData<'_>, asked: Asked<'_>) -> Result<(), Problem> {
    if data.host_hash != Sha256::digest(asked.host.as_bytes()).as_slice() {
        return Err(Problem("it is for another host"));
    }
    if !data.is_user_present() {
        return Err(Problem("nobody was there"));
    }
    if !data.is_user_verified() {
        return Err(Problem("the user was not verified"));
    }
    Ok(())
}

/// Reads a new passkey (§7.1).
pub fn register(asked: Asked<'_>, client_data: &[u8], attestation: &[u8]) -> Result<Made, Problem> {
    check_client_data(client_data, "webauthn.create", asked)?;
    let data = data::attested(attestation)?;
    let data = data::AuthenticatorData::parse(data)?;
    check_presence(&data, asked)?;
    let credential = data.credential.ok_or(Problem("it holds no key"))?;
    PublicKey::parse(credential.key).ok_or(Problem("its key is of an unknown kind"))?;
    Ok(Made { id: encode(credential.id), public_key: credential.key.to_vec(), sign_count: data.sign_count })
}

/// Checks a signature by a known passkey (§7.2). The result is its counter.
pub fn prove(
    asked: Asked<'_>,
    key: &PublicKey,
    client_data: &[u8],
    authenticator_data: &[u8],
    signature: &[u8],
) -> Result<u32, Problem> {
    check_client_data(client_data, "webauthn.get", asked)?;
    let data = data::AuthenticatorData::parse(authenticator_data)?;
    check_presence(&data, asked)?;
    let mut signed = authenticator_data.to_vec();
    signed.extend_from_slice(&Sha256::digest(client_data));
    if key.has_signed(&signed, signature) { Ok(data.sign_count) } else { Err(Problem("its signature is wrong")) }
}

/// Whether a passkey may count so after it counted that. One that stays at zero does not count at all (§6.1.1).
pub fn counts_on(before: u32, now: u32) -> bool {
    (before == 0 && now == 0) || now > before
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_counter_goes_up_or_stays_at_zero() {
        for (before, now, is_fine) in
            [(0, 0, true), (0, 1, true), (1, 2, true), (1, 1, false), (2, 1, false), (1, 0, false)]
        {
            assert_eq!(counts_on(before, now), is_fine, "{before} → {now}");
        }
    }

    /// The test vector "ES256 Credential with No Attestation" of the specification, which has no user verification.
    #[test]
    fn the_example_of_the_specification_is_read() {
        let attestation = hex::decode("a363666d74646e6f6e656761747453746d74a068617574684461746158a4bfabc37432958b063360d3ad6461c9c4735ae7f8edd46592a5e0f01452b2e4b559000000008446ccb9ab1db374750b2367ff6f3a1f0020f91f391db4c9b2fde0ea70189cba3fb63f579ba6122b33ad94ff3ec330084be4a5010203262001215820afefa16f97ca9b2d23eb86ccb64098d20db90856062eb249c33a9b672f26df61225820930a56b87a2fca66334b03458abf879717c12cc68ed73290af2e2664796b9220").unwrap();
        let client_data = hex::decode("7b2274797065223a22776562617574686e2e637265617465222c226368616c6c656e6765223a22414d4d507434557878475453746e63647134313759447742466938767049612d7077386f4f755657345441222c226f726967696e223a2268747470733a2f2f6578616d706c652e6f7267222c2263726f73734f726967696e223a66616c73652c22657874726144617461223a22636c69656e74446174614a534f4e206d617920626520657874656e6465642077697468206164646974696f6e616c206669656c647320696e20746865206675747572652c207375636820617320746869733a205f6b79676f5f6f776e69626f6b227d").unwrap();
        let challenge = challenge_of(&client_data);
        // Its flags are 0x59: a person was there, and was not verified beyond that.
        let asked = |challenge| Asked { challenge, page: "https://example.org", host: "example.org" };
        if let Ok(challenge) = challenge {
            assert_eq!(
                register(asked(&challenge), &client_data, &attestation),
                Err(Problem("the user was not verified"))
            );
        }
    }
}
