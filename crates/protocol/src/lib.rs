//! What is said: the one vocabulary that browser, command line, node and server share.
//!
//! Plain data and bytes. Nothing here opens a socket, reads a file, asks the time or draws a random
//! number, and everything builds for `wasm32`. The wire format is the one the official OpenClaw
//! clients speak; `docs/protocol.md` describes it together with our extensions.
//!
//! ```
//! use protocol::{Role, Scopes};
//!
//! let approved = Scopes::from(["operator.write"]);
//! assert!(approved.allow(Role::Operator, "operator.read"));
//! assert!(!approved.allow(Role::Operator, "operator.pairing"));
//! ```
//!
//! Reading order: [`frame`] (the envelope), [`handshake`] (connect and hello), [`device`] (keys, ids,
//! fingerprints), [`role`] (who may do what), [`pairing`] (the records people decide on),
//! [`node`] (what machines offer), [`setup_code`] (a gateway's address and a one-time code as text), [`operations`]
//! (settings, log), [`audit`] (what was decided), [`doctor`] (who came, and what became of it), [`method`] and
//! [`event`], and [`refusal`] (every way to say no).

pub mod audit;
pub mod device;
pub mod doctor;
pub mod event;
pub mod fingerprint_words;
pub mod frame;
pub mod handshake;
pub mod method;
pub mod node;
pub mod operations;
pub mod pairing;
pub mod plain;
pub mod refusal;
pub mod role;
pub mod secret;
pub mod settings;
pub mod setup_code;
pub mod shape;

pub use device::{DeviceId, Fingerprint, PublicKey};
pub use frame::{Request, Response, WireError};
pub use handshake::{Challenge, Connect, HelloOk};
pub use method::Method;
pub use refusal::{Close, Refusal};
pub use role::{Role, Scopes};
pub use secret::Secret;
pub use setup_code::{BootstrapProfile, SetupCode};

/// The protocol version this gateway speaks (wire.md §2.3).
pub const PROTOCOL_VERSION: u32 = 4;

/// The oldest version a probe or a legacy node may offer (wire.md §2.3).
pub const MINIMUM_PROBE_PROTOCOL: u32 = 3;

/// The capability by which a client of ours says that it can wait on a held socket and read the
/// extension fields (docs/protocol.md, "Waiting on the socket").
pub const CAP_PAIRING_WAIT: &str = "pairing-wait";

/// The largest frame a client may send before it is authenticated, in bytes (wire.md §1.4).
pub const MAX_PREAUTH_FRAME: usize = 65_536;

/// The largest frame a client may send once it is authenticated, in bytes (wire.md §1.4).
pub const MAX_PAYLOAD: usize = 26_214_400;

/// How many bytes may wait for a slow reader before its socket is closed (wire.md §1.4).
pub const MAX_BUFFERED_BYTES: usize = 52_428_800;

/// How often every authenticated client hears a `tick`, in milliseconds (wire.md §1.4).
pub const TICK_INTERVAL_MS: u64 = 30_000;

/// How long a pairing request waits for a person, in milliseconds (wire.md §6.2).
/// Long enough to walk to the other machine, short enough to be forgotten.
pub const PAIRING_LIFETIME_MS: u64 = 300_000;

/// How long an approval can be undone, in milliseconds: long enough to see what one has done, too short to forget it.
pub const UNDO_LIFETIME_MS: u64 = 30_000;

/// In which time a device may make [`WRITE_LIMIT`] changes, in milliseconds (wire.md §7.1).
pub const WRITE_WINDOW_MS: u64 = 60_000;

/// How often one device at one address may change the settings in [`WRITE_WINDOW_MS`] (wire.md §7.1).
pub const WRITE_LIMIT: usize = 30;

/// How long an owner link or setup code can be redeemed, in milliseconds (wire.md §10.3).
pub const BOOTSTRAP_LIFETIME_MS: u64 = 600_000;

/// How long the outcome of a setup code can be asked for, in milliseconds (wire.md §10.2).
pub const SETUP_OUTCOME_LIFETIME_MS: u64 = 1_200_000;
