//! The keys that passkeys sign with, as authenticators write them (COSE, RFC 9052 §7 and RFC 8230 §4).

use minicbor::Decoder;
use minicbor::data::Type;
use ring::signature::{
    ECDSA_P256_SHA256_ASN1, ED25519, RSA_PKCS1_2048_8192_SHA256, RsaPublicKeyComponents, UnparsedPublicKey,
};

const ES256: i64 = -7;
const EDDSA: i64 = -8;
const RS256: i64 = -257;

/// The signatures that are understood, the best first; the last is what Windows Hello makes on older machines.
pub const ALGORITHMS: [i64; 3] = [ES256, EDDSA, RS256];

/// A key to check signatures with.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum PublicKey {
    /// An uncompressed point.
    P256(Vec<u8>),
    Ed25519(Vec<u8>),
    Rsa {
        n: Vec<u8>,
        e: Vec<u8>,
    },
}

/// The parameters of a COSE key that matter here; what -1 to -3 mean depends on its kind.
#[derive(Debug, Default)]
struct Parameters<'a> {
    kind: Option<i64>,
    algorithm: Option<i64>,
    curve: Option<i64>,
    first: Option<&'a [u8]>,
    second: Option<&'a [u8]>,
    third: Option<&'a [u8]>,
}

impl PublicKey {
    /// `None` for kinds that [`ALGORITHMS`] does not name, and for what is no key.
    pub fn parse(cose: &[u8]) -> Option<Self> {
        let Parameters { kind, algorithm, curve, first, second, third } = read(cose).ok()?;
        match (kind?, algorithm?) {
            (2, ES256) if curve == Some(1) => {
                let (x, y) = (second?, third?);
                let is_fit = x.len() == 32 && y.len() == 32;
                is_fit.then(|| Self::P256([&[4], x, y].concat()))
            }
            (1, EDDSA) if curve == Some(6) => second.filter(|x| x.len() == 32).map(|x| Self::Ed25519(x.to_vec())),
            (3, RS256) => Some(Self::Rsa { n: first?.to_vec(), e: second?.to_vec() }),
            _ => None,
        }
    }

    pub fn has_signed(&self, message: &[u8], signature: &[u8]) -> bool {
        let checked = match self {
            Self::P256(point) => UnparsedPublicKey::new(&ECDSA_P256_SHA256_ASN1, point).verify(message, signature),
            Self::Ed25519(point) => UnparsedPublicKey::new(&ED25519, point).verify(message, signature),
            Self::Rsa { n, e } => {
                RsaPublicKeyComponents { n, e }.verify(&RSA_PKCS1_2048_8192_SHA256, message, signature)
            }
        };
        checked.is_ok()
    }
}

fn read(cose: &[u8]) -> Result<Parameters<'_>, minicbor::decode::Error> {
    let mut decoder = Decoder::new(cose);
    let mut found = Parameters::default();
    for _ in 0..decoder.map()?.unwrap_or_default() {
        let label = decoder.i64()?;
        let is_bytes = decoder.datatype()? == Type::Bytes;
        match label {
            1 => found.kind = Some(decoder.i64()?),
            3 => found.algorithm = Some(decoder.i64()?),
            -1 if is_bytes => found.first = Some(decoder.bytes()?),
            -1 => found.curve = Some(decoder.i64()?),
            -2 if is_bytes => found.second = Some(decoder.bytes()?),
            -3 if is_bytes => found.third = Some(decoder.bytes()?),
            _ => decoder.skip()?,
        }
    }
    Ok(found)
}

#[cfg(test)]
mod tests {
    use super::*;
    use ring::signature::{Ed25519KeyPair, KeyPair};

    /// {1: 1, 3: -8, -1: 6, -2: x}.
    fn ed25519(x: &[u8]) -> Vec<u8> {
        [&[0xa4, 0x01, 0x01, 0x03, 0x27, 0x20, 0x06, 0x21, 0x58, 0x20], x].concat()
    }

    #[test]
    fn an_ed25519_key_checks_what_it_has_signed() {
        let pair = Ed25519KeyPair::from_seed_unchecked(&[7; 32]).unwrap();
        let key = PublicKey::parse(&ed25519(pair.public_key().as_ref())).unwrap();
        let signature = pair.sign(b"hello");
        assert!(key.has_signed(b"hello", signature.as_ref()));
        assert!(!key.has_signed(b"hallo", signature.as_ref()));
    }

    #[test]
    fn what_is_no_key_of_ours_is_none() {
        let good = ed25519(&[1; 32]);
        assert!(PublicKey::parse(&good).is_some());
        assert_eq!(PublicKey::parse(&good[..20]), None, "cut off");
        let mut other = good.clone();
        other[4] = 0x26;
        assert_eq!(PublicKey::parse(&other), None, "ES256 on the wrong kind of key");
        assert_eq!(PublicKey::parse(&[0xa0]), None);
        assert_eq!(PublicKey::parse(b""), None);
    }
}
