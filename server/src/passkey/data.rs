//! The authenticator's data: a fixed layout (Web Authentication Level 3, §6.1).

use minicbor::Decoder;

use super::Problem;

const PRESENT: u8 = 0x01;
const VERIFIED: u8 = 0x04;
const HAS_CREDENTIAL: u8 = 0x40;

const SHORT: Problem = Problem("the authenticator's data is too short");

/// What the authenticator says, and signs.
#[derive(Debug)]
pub(super) struct AuthenticatorData<'a> {
    /// SHA-256 of the host name that it believes to serve.
    pub(super) host_hash: &'a [u8],
    flags: u8,
    pub(super) sign_count: u32,
    pub(super) credential: Option<Credential<'a>>,
}

/// A new credential.
#[derive(Debug)]
pub(super) struct Credential<'a> {
    pub(super) id: &'a [u8],
    /// A COSE key.
    pub(super) key: &'a [u8],
}

impl<'a> AuthenticatorData<'a> {
    pub(super) fn parse(bytes: &'a [u8]) -> Result<Self, Problem> {
        let (host_hash, rest) = bytes.split_at_checked(32).ok_or(SHORT)?;
        let ([flags, counter @ ..], rest) = rest.split_first_chunk::<5>().ok_or(SHORT)?;
        let credential = if flags & HAS_CREDENTIAL == 0 { None } else { Some(credential(rest)?) };
        Ok(Self { host_hash, flags: *flags, sign_count: u32::from_be_bytes(*counter), credential })
    }

    pub(super) fn is_user_present(&self) -> bool {
        self.flags & PRESENT != 0
    }

    /// Whether it asked for a PIN, a finger or a face.
    pub(super) fn is_user_verified(&self) -> bool {
        self.flags & VERIFIED != 0
    }
}

/// The make of the authenticator, which nobody asks, the id, and the key; extensions may follow.
fn credential(bytes: &[u8]) -> Result<Credential<'_>, Problem> {
    let (_, rest) = bytes.split_at_checked(16).ok_or(SHORT)?;
    let (length, rest) = rest.split_first_chunk::<2>().ok_or(SHORT)?;
    let (id, rest) = rest.split_at_checked(usize::from(u16::from_be_bytes(*length))).ok_or(SHORT)?;
    let mut decoder = Decoder::new(rest);
    decoder.skip().map_err(|_| Problem("its key cannot be read"))?;
    let key = rest.get(..decoder.position()).ok_or(SHORT)?;
    if id.is_empty() || id.len() > 1023 {
        return Err(Problem("its id has no fitting length"));
    }
    Ok(Credential { id, key })
}

/// The authenticator's data in an attestation (§6.5.4): a CBOR map with the keys `fmt`, `attStmt` and `authData`.
pub(super) fn attested(attestation: &[u8]) -> Result<&[u8], Problem> {
    find(attestation).ok().flatten().ok_or(Problem("the attestation cannot be read"))
}

fn find(attestation: &[u8]) -> Result<Option<&[u8]>, minicbor::decode::Error> {
    let mut decoder = Decoder::new(attestation);
    let mut found = None;
    for _ in 0..decoder.map()?.unwrap_or_default() {
        if decoder.str()? == "authData" {
            found = Some(decoder.bytes()?);
        } else {
            decoder.skip()?;
        }
    }
    Ok(found)
}
