//! What the page reads from the gateway's hello. It reads by name and leaves the rest alone, so that a gateway that
//! says more, or something differently, is still understood.

use protocol::{Role, Scopes};
use serde_json::Value;

#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Hello {
    /// What this connection may do.
    pub scopes: Scopes,
    /// What was asked for as well and now waits for a person.
    pub pending_scopes: Scopes,
    pub version: String,
    pub uptime_ms: u64,
    pub is_healthy: bool,
    /// Told to admins only.
    pub state_dir: Option<String>,
}

impl Hello {
    /// `None` if this is no hello at all.
    pub fn read(payload: &Value) -> Option<Self> {
        let text = |pointer| payload.pointer(pointer).and_then(Value::as_str).map(str::to_owned);
        let scopes = |pointer| -> Option<Scopes> {
            let list = payload.pointer(pointer)?.as_array()?;
            Some(list.iter().filter_map(Value::as_str).collect())
        };
        Some(Self {
            scopes: scopes("/auth/scopes")?,
            pending_scopes: scopes("/auth/pendingScopes").unwrap_or_default(),
            version: text("/server/version").unwrap_or_default(),
            uptime_ms: payload.pointer("/snapshot/uptimeMs").and_then(Value::as_u64).unwrap_or_default(),
            is_healthy: payload.pointer("/snapshot/health/ok") != Some(&Value::Bool(false)),
            state_dir: text("/snapshot/stateDir"),
        })
    }

    pub fn allows(&self, scope: &str) -> bool {
        self.scopes.allow(Role::Operator, scope)
    }
}

#[cfg(test)]
mod tests {
    use protocol::HelloOk;
    use protocol::handshake::{
        AuthMethod, Features, HelloAuth, ServerIdentity, Snapshot, StateVersion, TransportPolicy,
    };
    use serde_json::json;

    use super::*;

    fn said() -> HelloOk {
        HelloOk {
            kind: "hello-ok".to_owned(),
            protocol: 4,
            server: ServerIdentity { version: "0.1.0".to_owned(), conn_id: "c".to_owned() },
            features: Features::default(),
            snapshot: Snapshot {
                presence: Vec::new(),
                health: json!({"ok": true}),
                state_version: StateVersion::default(),
                uptime_ms: 5,
                config_path: None,
                state_dir: Some("/state".to_owned()),
                auth_mode: None,
            },
            auth: HelloAuth {
                method: AuthMethod::DeviceKey,
                role: Role::Operator,
                scopes: Scopes::from(["operator.read"]),
                device_token: None,
                issued_at_ms: None,
                device_tokens: Vec::new(),
                pending_scopes: Some(Scopes::from(["operator.admin"])),
                pending_request_id: None,
            },
            policy: TransportPolicy::default(),
        }
    }

    #[test]
    fn reads_what_the_gateway_says() {
        let hello = Hello {
            scopes: Scopes::from(["operator.read"]),
            pending_scopes: Scopes::from(["operator.admin"]),
            version: "0.1.0".to_owned(),
            uptime_ms: 5,
            is_healthy: true,
            state_dir: Some("/state".to_owned()),
        };
        assert_eq!(Hello::read(&serde_json::to_value(said()).unwrap()), Some(hello));
    }

    #[test]
    fn a_hello_without_scopes_is_none() {
        assert_eq!(Hello::read(&json!({"type": "hello-ok", "auth": {}})), None);
    }
}
