//! How this page introduces itself: the `connect` request and the text its key signs (wire.md §2.2, §3.2).

use std::collections::BTreeMap;

use protocol::handshake::{Auth, CONTROL_UI, Client, DeviceProof};
use protocol::{BootstrapProfile, CAP_PAIRING_WAIT, Challenge, Connect, PROTOCOL_VERSION, PublicKey};

use crate::browser_name::BrowserName;
use crate::session::Credential;

/// What the browser says about itself and the page it runs.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Surroundings {
    pub build_id: Option<String>,
    pub user_agent: String,
    /// `navigator.platform`, as the browser puts it.
    pub platform: String,
    pub locale: Option<String>,
}

/// The request without its signature, and the text to sign. The time signed is the gateway's own, from its
/// challenge: a phone whose clock is wrong gets in all the same. It asks for what `profile` gives, no more and no less,
/// as a one-time code demands (wire.md §10.3).
pub fn introduce(
    surroundings: &Surroundings,
    key: PublicKey,
    challenge: &Challenge,
    credential: Credential,
    profile: BootstrapProfile,
) -> (Connect, String) {
    let name = BrowserName::of(&surroundings.user_agent);
    let proof = DeviceProof {
        id: key.device_id().as_str().to_owned(),
        public_key: key.to_base64url(),
        signature: String::new(),
        signed_at: challenge.ts,
        nonce: challenge.nonce.clone(),
    };
    let connect = Connect {
        min_protocol: PROTOCOL_VERSION,
        max_protocol: PROTOCOL_VERSION,
        client: Client {
            id: CONTROL_UI.to_owned(),
            version: env!("CARGO_PKG_VERSION").to_owned(),
            platform: name.platform(&surroundings.platform),
            mode: "webchat".to_owned(),
            display_name: Some(name.proposed()),
            build_id: surroundings.build_id.clone(),
            ..Client::default()
        },
        role: Some("operator".to_owned()),
        scopes: Some(profile.scopes().iter().map(str::to_owned).collect()),
        caps: vec![CAP_PAIRING_WAIT.to_owned()],
        commands: Vec::new(),
        permissions: BTreeMap::new(),
        path_env: None,
        device: Some(proof.clone()),
        auth: auth(credential),
        locale: surroundings.locale.clone(),
        user_agent: Some(surroundings.user_agent.clone()),
    };
    let payload = connect.signed_fields(&proof, &proof.nonce).payload_v3();
    (connect, payload)
}

/// A typed secret goes into both fields: the page need not know which of the two the gateway uses.
fn auth(credential: Credential) -> Option<Auth> {
    match credential {
        Credential::Nothing => None,
        Credential::Link(token, _) => Some(Auth { bootstrap_token: Some(token), ..Auth::default() }),
        Credential::Typed(secret) => {
            Some(Auth { token: Some(secret.clone()), password: Some(secret), ..Auth::default() })
        }
    }
}

#[cfg(test)]
mod tests {
    use protocol::Secret;
    use protocol::role::OWNER_SCOPES;

    use super::*;

    fn introduced(credential: Credential) -> (Connect, String) {
        let surroundings = Surroundings {
            build_id: Some("b1".to_owned()),
            user_agent: "Mozilla/5.0 (X11; Linux x86_64) Chrome/149.0.0.0 Safari/537.36".to_owned(),
            platform: "Linux x86_64".to_owned(),
            locale: Some("en".to_owned()),
        };
        let challenge = Challenge { nonce: "n".to_owned(), ts: 42 };
        let profile = BootstrapProfile::Owner;
        introduce(&surroundings, PublicKey::from_bytes([7; 32]), &challenge, credential, profile)
    }

    #[test]
    fn the_gateway_accepts_the_shape_of_the_request() {
        let (mut connect, _) = introduced(Credential::Nothing);
        if let Some(proof) = &mut connect.device {
            proof.signature = "s".to_owned();
        }
        let parsed = Connect::parse(&serde_json::to_value(&connect).unwrap()).unwrap();
        assert_eq!(parsed, connect);
        assert!(parsed.protocol_fits() && parsed.has_cap(CAP_PAIRING_WAIT));
    }

    #[test]
    fn the_signed_text_covers_the_scopes_in_order_the_secret_and_the_platform() {
        let (connect, payload) = introduced(Credential::Typed(Secret::new("t")));
        let id = PublicKey::from_bytes([7; 32]).device_id();
        let scopes = OWNER_SCOPES.join(",");
        let expected = format!("v3|{id}|openclaw-control-ui|webchat|operator|{scopes}|42|t|n|linux x86_64|");
        assert_eq!(payload, expected);
        assert_eq!(connect.auth.unwrap().password, Some(Secret::new("t")));
    }

    #[test]
    fn an_owner_link_is_sent_as_one() {
        let (connect, _) = introduced(Credential::Link(Secret::new("l"), BootstrapProfile::Owner));
        assert_eq!(connect.auth.unwrap().bootstrap_token, Some(Secret::new("l")));
    }
}
