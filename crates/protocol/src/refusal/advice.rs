//! What a refusal says to a person.

use serde_json::Value;

use super::{Refusal, SecretKind};
use crate::frame::WireError;

/// What a refusal says to a person.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Advice {
    /// What happened, in one sentence.
    pub sentence: &'static str,
    /// What to do now.
    pub next_step: &'static str,
}

impl Refusal {
    /// What to tell the person behind the client.
    #[expect(clippy::too_many_lines, reason = "this is a table with a row for each refusal")]
    pub fn advice(&self) -> Advice {
        match self {
            Self::NotJson
            | Self::NotARequest
            | Self::ConnectExpected
            | Self::ConnectInvalid { .. }
            | Self::TooManyPendingFrames
            | Self::FrameTooLarge => advice(
                "The program did not speak the gateway's protocol.",
                "Update the program, or check that it is an OpenClaw client.",
            ),
            Self::HandshakeTimeout => {
                advice("The connection stayed silent for too long.", "Check the network and connect again.")
            }
            Self::WorkerUnsupported => advice("This gateway has no workers.", "Connect as an operator or as a node."),
            Self::ProtocolMismatch { .. } | Self::ClientVersionMismatch { .. } => advice(
                "The program and the gateway speak different versions of the protocol.",
                "Update the older of the two.",
            ),
            Self::RoleInvalid => {
                advice("The program asked for a role that does not exist.", "Use the role operator or node.")
            }
            Self::OriginInvalid | Self::OriginNotAllowed => advice(
                "The gateway does not know the address this page was loaded from.",
                "On the gateway's machine, add this page's address to gateway.controlUi.allowedOrigins.",
            ),
            Self::DeviceRequired => {
                advice("The program has no device key to show.", "Update it, or give it the gateway's token.")
            }
            Self::ControlUiDeviceRequired => advice(
                "The browser gives a page no device key over plain HTTP.",
                "Open the page over HTTPS, over Tailscale, or on localhost.",
            ),
            Self::DeviceIdMismatch | Self::SignatureInvalid | Self::PublicKeyInvalid => advice(
                "The device could not prove that its key is its own.",
                "Connect again; if it stays so, forget the device's key and pair it anew.",
            ),
            Self::SignatureExpired => advice(
                "The device signed with a time that is more than two minutes off.",
                "Set the clock of the device, or of the gateway's machine, and connect again.",
            ),
            Self::NonceMissing | Self::NonceMismatch => {
                advice("The device answered another connection's challenge.", "Connect again.")
            }
            Self::SecretMissing { kind: SecretKind::Token, .. } => advice(
                "The gateway wants its access token from a device it does not know.",
                "Enter the token, or open a link from `openclaw dashboard` on the gateway's machine.",
            ),
            Self::SecretMissing { kind: SecretKind::Password, .. } => advice(
                "The gateway wants its password from a device it does not know.",
                "Enter the password, or open a link from `openclaw dashboard` on the gateway's machine.",
            ),
            Self::SecretMismatch { kind: SecretKind::Token, .. } => advice(
                "That is not the gateway's access token.",
                "Copy it again from gateway.auth.token on the gateway's machine.",
            ),
            Self::SecretMismatch { kind: SecretKind::Password, .. } => advice(
                "That is not the gateway's password.",
                "Enter it again; it stands in gateway.auth.password on the gateway's machine.",
            ),
            Self::SecretNotConfigured { .. } => advice(
                "The gateway has no secret to compare with.",
                "On the gateway's machine, set gateway.auth.token and start it again.",
            ),
            Self::DeviceTokenMismatch => advice(
                "The device's own token is not valid any more.",
                "Connect with the gateway's token once; the device then gets a new one.",
            ),
            Self::DeviceTokenScopeMismatch => advice(
                "The device asks for more than its token allows.",
                "Connect with the gateway's token, then approve the wider request.",
            ),
            Self::BootstrapTokenInvalid => advice(
                "This one-time code was used already, belongs to another device, or is too old.",
                "On the gateway's machine, run `openclaw qr` for a new one, or `openclaw dashboard` for a browser of your own.",
            ),
            Self::RateLimited { .. } => advice(
                "Too many wrong secrets came from this address.",
                "Wait a few minutes; devices that are paired still get in.",
            ),
            Self::ControlUiOutdated { .. } => advice("The gateway was updated.", "Reload this page."),
            Self::PairingRequired(_) | Self::PairingStillRequired { .. } => advice(
                "The owner has to let this device in.",
                "Approve it on the owner's page, or run `openclaw devices approve` on the gateway's machine.",
            ),
            Self::IdentityHeaderMissing { .. } | Self::IdentityRefused { .. } | Self::VerifiedUserRequired => advice(
                "The proxy in front of the gateway did not vouch for you.",
                "Sign in at the proxy again, or ask the owner to check gateway.auth.",
            ),
            Self::PairingRejected { .. } => {
                advice("The owner said no to this device.", "If that was a mistake, ask again from this page.")
            }
            Self::PairingExpired { .. } => {
                advice("Nobody decided within five minutes.", "Ask again when the owner is there.")
            }
            Self::PairingSuperseded { .. } => advice(
                "This device has asked again in another window or for something else.",
                "Go on in the newer window.",
            ),
            Self::RequestInvalid { .. } | Self::ParamsInvalid { .. } | Self::UnknownMethod { .. } => advice(
                "The gateway did not understand the request.",
                "Update the program or the gateway, whichever is older.",
            ),
            Self::MissingScope { .. } | Self::RoleUnauthorized { .. } => {
                advice("This device may not do that.", "Ask the owner to approve more for it.")
            }
            Self::RequestUnknown => advice(
                "There is no such request: it was decided, replaced, or it expired.",
                "Run `openclaw devices list` for those that wait now.",
            ),
            Self::RequestChanged => {
                advice("The request is not what was displayed any more.", "Look at it again, then decide.")
            }
            Self::ApprovalDenied
            | Self::RejectionDenied
            | Self::RemovalDenied
            | Self::RenameDenied
            | Self::RotationDenied
            | Self::RevocationDenied => advice(
                "This device may not decide that.",
                "Do it from a device with admin rights, or with `openclaw devices` on the gateway's machine.",
            ),
            Self::ApproverLacksScope { .. } => advice(
                "You cannot give more than you hold yourself.",
                "Approve it from a device with admin rights, or with `openclaw devices` on the gateway's machine.",
            ),
            Self::ScopeOutsideRoles { .. } => {
                advice("The request mixes a role with scopes of another.", "Reject it and let the device ask again.")
            }
            Self::DeviceUnknown => advice("There is no such device.", "Run `openclaw devices list`."),
            Self::LabelRequired => advice("A name needs at least one letter.", "Type a name of 1 to 64 characters."),
            Self::StoreUnavailable => advice(
                "The gateway could not read or write its store, so nothing was changed.",
                "Check free space and permissions of the state directory; the log names the cause.",
            ),
            Self::TooManyRequestsWaiting => {
                advice("Too many requests wait from this address.", "Decide on those first, or wait five minutes.")
            }
            Self::Approve(refusal) => refusal.advice(),
            Self::Block(refusal) => refusal.advice(),
            Self::Config(refusal) => refusal.advice(),
            Self::Node(refusal) => refusal.advice(),
            Self::Push(refusal) => refusal.advice(),
            Self::Setup(refusal) => refusal.advice(),
            Self::StepUp(refusal) => refusal.advice(),
            Self::Upgrade(refusal) => refusal.advice(),
            Self::ProxyUnattributable => advice(
                "The request came through a proxy that the gateway was not told to trust, or that does not say for whom it speaks.",
                "On the gateway's machine, add the proxy's address to gateway.trustedProxies and let it set X-Forwarded-For.",
            ),
            Self::TooManyUnauthenticated => advice(
                "Too many connections from this address have not said who they are.",
                "Close some of them and try again.",
            ),
            Self::GatewayStopping => advice("The gateway is restarting.", "It will be back in a moment."),
        }
    }

    /// Finds the refusal that a client was given, as far as its advice goes, from the wire error.
    pub fn advice_for(error: &WireError) -> Option<Advice> {
        let code = error.details.as_ref().and_then(|details| details.get("code")).and_then(Value::as_str);
        let examples = Self::examples();
        let found = match code {
            Some(_) => examples.iter().find(|refusal| refusal.detail_code() == code),
            None => examples.iter().find(|refusal| refusal.message() == error.message),
        };
        found.map(Self::advice)
    }
}

pub(super) fn advice(sentence: &'static str, next_step: &'static str) -> Advice {
    Advice { sentence, next_step }
}
