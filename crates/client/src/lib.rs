//! One authenticated connection to a gateway, for the command line, the node host and tests.
//!
//! It dials (`ws`, `wss`, or the owner's unix socket), answers the gateway's challenge with a signed
//! `connect`, waits for a person's approval where it may, and then carries calls and events.
//!
//! ```no_run
//! use client::{Connection, ConnectOptions, Endpoint};
//! use protocol::pairing::PairingList;
//! use protocol::{Method, Scopes};
//!
//! # async fn example() -> Result<(), Box<dyn std::error::Error>> {
//! let endpoint = Endpoint::Owner { socket: "/home/ada/.openclaw/owner.sock".into() };
//! let options = ConnectOptions::command_line("0.1.0", Scopes::from(["operator.admin"]));
//! let mut gateway = Connection::open(&endpoint, &options).await?;
//! let list: PairingList = gateway.ask(Method::DevicePairList, &()).await?;
//! println!("{} wait", list.pending.len());
//! gateway.close().await;
//! # Ok(())
//! # }
//! ```
//!
//! Reading order: [`endpoint`] (where to, and what may travel in clear), [`identity`] (the device
//! key), [`tls`] (which certificates are believed), [`join`] (setup codes from a URL), [`options`] (as whom),
//! [`connection`] (handshake, calls, events), [`probe`] (only a look), [`post`] (a request to somebody else's server),
//! [`error`] (everything that can go wrong).

pub mod connection;
pub mod endpoint;
pub mod error;
pub mod identity;
pub mod join;
pub mod options;
pub mod post;
pub mod probe;
pub mod tls;

pub use connection::Connection;
pub use endpoint::{Endpoint, GatewayUrl, UrlError};
pub use error::{CallError, ConnectError};
pub use identity::{Identity, IdentityError};
pub use join::{JoinError, fetch_join};
pub use options::ConnectOptions;
pub use post::{Answer, MayDial, PostError, WebUrl, WebUrlError, look_up, post};
pub use probe::{probe, probe_on};
pub use tls::CertificatePin;
