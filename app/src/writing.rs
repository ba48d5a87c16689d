//! Writes what the gateway reads, by name: derived serialization would cost the bundle three times as much.

use protocol::{Connect, Secret};
use serde_json::{Map, Value};

/// An object of these fields, without those that are null.
pub fn object<const N: usize>(fields: [(&str, Value); N]) -> Value {
    build(&mut fields.into_iter())
}

fn build(fields: &mut dyn Iterator<Item = (&str, Value)>) -> Value {
    let mut map = Map::new();
    for (key, value) in fields {
        if !value.is_null() {
            map.insert(key.to_owned(), value);
        }
    }
    Value::Object(map)
}

fn secret(secret: Option<&Secret>) -> Value {
    secret.map(Secret::reveal).into()
}

/// A list of texts.
pub fn texts(list: &[String]) -> Value {
    Value::Array(list.iter().map(|text| text.as_str().into()).collect())
}

/// The parameters of `connect`, as far as a page has them: pages offer no commands.
pub fn connect(connect: &Connect) -> Value {
    let client = &connect.client;
    let device = connect.device.as_ref().map(|device| {
        object([
            ("id", device.id.as_str().into()),
            ("publicKey", device.public_key.as_str().into()),
            ("signature", device.signature.as_str().into()),
            ("signedAt", device.signed_at.into()),
            ("nonce", device.nonce.as_str().into()),
        ])
    });
    let auth = connect.auth.as_ref().map(|auth| {
        object([
            ("token", secret(auth.token.as_ref())),
            ("bootstrapToken", secret(auth.bootstrap_token.as_ref())),
            ("password", secret(auth.password.as_ref())),
        ])
    });
    object([
        ("minProtocol", connect.min_protocol.into()),
        ("maxProtocol", connect.max_protocol.into()),
        (
            "client",
            object([
                ("id", client.id.as_str().into()),
                ("version", client.version.as_str().into()),
                ("platform", client.platform.as_str().into()),
                ("mode", client.mode.as_str().into()),
                ("displayName", client.display_name.as_deref().into()),
                ("buildId", client.build_id.as_deref().into()),
            ]),
        ),
        ("role", connect.role.as_deref().into()),
        ("scopes", connect.scopes.as_deref().map(texts).into()),
        ("caps", texts(&connect.caps)),
        ("device", device.into()),
        ("auth", auth.into()),
        ("locale", connect.locale.as_deref().into()),
        ("userAgent", connect.user_agent.as_deref().into()),
    ])
}

#[cfg(test)]
mod tests {
    use protocol::{BootstrapProfile, Challenge, PublicKey};
    use serde_json::{json, to_value};

    use super::*;
    use crate::introduction::{Surroundings, introduce};
    use crate::session::Credential;

    #[track_caller]
    fn check(credential: Credential) {
        let surroundings = Surroundings {
            build_id: Some("b1".to_owned()),
            user_agent: "Mozilla/5.0".to_owned(),
            platform: "Linux x86_64".to_owned(),
            locale: Some("en".to_owned()),
        };
        let challenge = Challenge { nonce: "n".to_owned(), ts: 42 };
        let (said, _) =
            introduce(&surroundings, PublicKey::from_bytes([7; 32]), &challenge, credential, BootstrapProfile::Owner);
        assert_eq!(connect(&said), to_value(&said).unwrap());
    }

    #[test]
    fn says_everything_that_a_page_introduces_itself_with() {
        check(Credential::Nothing);
        check(Credential::Link(Secret::new("l"), BootstrapProfile::Owner));
        check(Credential::Typed(Secret::new("t")));
    }

    #[test]
    fn leaves_out_what_is_null() {
        assert_eq!(object([("a", 1.into()), ("b", Value::Null)]), json!({"a": 1}));
    }
}
