//! Parameters and results of `passkey.*` and `stepUp.*`: extensions, by which an owner shows that a person is there
//! (docs/protocol.md, "Step-up").
//!
//! Bytes travel as base64url without padding, as `WebAuthn`'s own JSON does it.

use serde::{Deserialize, Serialize};

/// How long a browser may take to answer a challenge, and how long its answer counts, in milliseconds.
pub const STEP_UP_LIFETIME_MS: u64 = 120_000;

/// How many passkeys there can be.
pub const MAX_PASSKEYS: usize = 32;

/// What a passkey is shown for. A proof counts for this and nothing else, once.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "kebab-case", rename_all_fields = "camelCase")]
pub enum Purpose {
    /// Letting a device in, as it was displayed.
    Approve {
        request_id: String,
        digest: String,
    },
    /// Looking at the gateway's secret.
    Secret,
    /// Making a one-time code.
    Code,
    /// Changing settings that decide who gets in: the digest of the change.
    Settings {
        digest: String,
    },
    AddPasskey,
    RemovePasskey {
        id: String,
    },
}

impl Purpose {
    /// What the record says that it was for.
    pub fn word(&self) -> &'static str {
        match self {
            Self::Approve { .. } => "approve",
            Self::Secret => "secret",
            Self::Code => "code",
            Self::Settings { .. } => "settings",
            Self::AddPasskey => "add-passkey",
            Self::RemovePasskey { .. } => "remove-passkey",
        }
    }
}

/// A passkey as people see it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Passkey {
    /// The credential's id.
    pub id: String,
    pub name: String,
    /// The host name of the pages that it works on (`WebAuthn`'s RP ID).
    pub host: String,
    /// Unix epoch milliseconds.
    pub created_at_ms: u64,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub last_used_at_ms: Option<u64>,
}

/// Result of `passkey.list`.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct PasskeyList {
    /// The oldest first.
    pub passkeys: Vec<Passkey>,
    /// The host name that a passkey of the page that asks is for; absent where its address cannot have any.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub host: Option<String>,
    /// `gateway.stepUp`.
    pub step_up: String,
}

/// Result of `passkey.begin`: what the page hands to `navigator.credentials.create`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct PasskeyOffer {
    pub challenge: String,
    pub host: String,
    /// Says nothing but that it is this gateway's owner.
    pub user_id: String,
    /// COSE numbers of the signatures that can be checked, the best first.
    pub algorithms: Vec<i64>,
    /// Passkeys that are known: an authenticator that holds one makes no other.
    pub known: Vec<KnownCredential>,
    pub timeout_ms: u64,
}

/// A credential that a browser may look for.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct KnownCredential {
    pub id: String,
    /// How its authenticator is reached, in `WebAuthn`'s words.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub transports: Vec<String>,
}

/// Parameters of `passkey.finish`: what the browser made.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct NewPasskeyParams {
    /// What the owner calls it.
    pub name: String,
    pub client_data: String,
    pub attestation: String,
    #[serde(default)]
    pub transports: Vec<String>,
}

/// Parameters of `passkey.remove`.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct PasskeyRef {
    pub id: String,
}

/// Parameters of `stepUp.begin`.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct StepUpParams {
    pub purpose: Purpose,
}

/// Result of `stepUp.begin`: what the page hands to `navigator.credentials.get`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct StepUpOffer {
    pub challenge: String,
    pub host: String,
    pub known: Vec<KnownCredential>,
    pub timeout_ms: u64,
}

/// Parameters of `stepUp.finish`: what the browser signed.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ProofParams {
    pub id: String,
    pub client_data: String,
    pub authenticator_data: String,
    pub signature: String,
}

/// Result of `stepUp.finish`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct StepUpDone {
    /// Until when the proof counts for what it was given for, Unix epoch milliseconds.
    pub until_ms: u64,
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn a_purpose_says_exactly_what_it_is_for() {
        let approve = Purpose::Approve { request_id: "r".to_owned(), digest: "d".to_owned() };
        let written = json!({"kind": "approve", "requestId": "r", "digest": "d"});
        assert_eq!(serde_json::to_value(&approve).unwrap(), written);
        assert_eq!(serde_json::from_value::<Purpose>(written).unwrap(), approve);
        for wrong in [json!({"kind": "approve", "requestId": "r"}), json!({"kind": "anything"}), json!({})] {
            assert!(serde_json::from_value::<Purpose>(wrong.clone()).is_err(), "{wrong}");
        }
    }
}
