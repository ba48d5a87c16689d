//! Who connects, as what, and how patiently.

use std::time::Duration;

use protocol::handshake::{Auth, Client, DeviceProof};
use protocol::node::Surface;
use protocol::{CAP_PAIRING_WAIT, Challenge, Connect, PROTOCOL_VERSION, Role, Scopes};

use crate::identity::Identity;

/// What a client says of itself when it connects.
#[derive(Debug, Clone)]
pub struct ConnectOptions {
    pub client: Client,
    pub role: Role,
    pub scopes: Scopes,
    /// Capabilities of the client; a node's stand in `surface`.
    pub caps: Vec<String>,
    /// What a node offers.
    pub surface: Surface,
    /// Where a node looks for programs.
    pub path_env: Option<String>,
    pub auth: Auth,
    /// The device key to prove. The owner socket needs none.
    pub identity: Option<Identity>,
    /// For the handshake and for each call; waiting for a person's approval is not counted.
    pub timeout: Duration,
}

impl ConnectOptions {
    /// A client without credentials that waits ten seconds for an answer.
    pub fn new(client: Client, role: Role, scopes: Scopes) -> Self {
        let timeout = Duration::from_secs(10);
        Self {
            client,
            role,
            scopes,
            caps: Vec::new(),
            surface: Surface::default(),
            path_env: None,
            auth: Auth::default(),
            identity: None,
            timeout,
        }
    }

    /// An operator at a terminal.
    pub fn command_line(version: &str, scopes: Scopes) -> Self {
        let client = Client {
            id: "cli".to_owned(),
            mode: "cli".to_owned(),
            version: version.to_owned(),
            platform: std::env::consts::OS.to_owned(),
            device_family: Some(device_family().to_owned()),
            ..Client::default()
        };
        Self::new(client, Role::Operator, scopes)
    }

    #[must_use]
    pub fn with_identity(mut self, identity: Identity) -> Self {
        self.identity = Some(identity);
        self
    }

    #[must_use]
    pub fn with_auth(mut self, auth: Auth) -> Self {
        self.auth = auth;
        self
    }

    /// Lets the gateway hold the socket until a person has decided, instead of sending us away.
    #[must_use]
    pub fn waiting_for_approval(mut self) -> Self {
        self.caps.push(CAP_PAIRING_WAIT.to_owned());
        self
    }

    pub(crate) fn connect_params(&self, challenge: &Challenge) -> Connect {
        let mut connect = Connect {
            min_protocol: PROTOCOL_VERSION,
            max_protocol: PROTOCOL_VERSION,
            client: self.client.clone(),
            role: Some(self.role.as_str().to_owned()),
            scopes: Some(self.scopes.as_slice().to_vec()),
            caps: self.caps.iter().chain(&self.surface.caps).cloned().collect(),
            commands: self.surface.commands.clone(),
            permissions: self.surface.permissions.clone(),
            path_env: self.path_env.clone(),
            device: None,
            auth: (!self.auth.is_empty()).then(|| self.auth.clone()),
            locale: None,
            user_agent: None,
        };
        connect.device = self.identity.as_ref().map(|identity| {
            let mut proof = DeviceProof {
                id: identity.device_id().as_str().to_owned(),
                public_key: identity.public_key().to_base64url(),
                signature: String::new(),
                signed_at: challenge.ts,
                nonce: challenge.nonce.clone(),
            };
            let payload = connect.signed_fields(&proof, &challenge.nonce).payload_v3();
            proof.signature = identity.sign(&payload);
            proof
        });
        connect
    }
}

/// What kind of machine this is, by the name that clients say it with (wire.md §6.2).
pub fn device_family() -> &'static str {
    match std::env::consts::OS {
        "macos" => "Mac",
        "windows" => "Windows",
        _ => "Linux",
    }
}
