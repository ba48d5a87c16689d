//! What is decided: who is how far away, who is who, who waits, who gets in.
//!
//! Pure functions over facts and a clock value. Nothing here does IO, asks the time or draws a random
//! number, so every rule of admission is tested by calling a function.
//!
//! ```
//! use access::locality::{self, Forwarded, TrustedProxies};
//!
//! let peer = "127.0.0.1".parse().unwrap();
//! let headers = Forwarded::collect([("x-forwarded-for", "10.0.0.7")]);
//! // A forwarding header from a peer nobody told us to trust never makes anyone local.
//! assert!(locality::resolve(peer, &headers, &TrustedProxies::default(), false).is_err());
//! ```
//!
//! Reading order: [`locality`] and [`origin`] (where from), [`identity`] (who), [`pairing`] (what a
//! device was granted and what it asks for), [`surface`] (what a node may be asked to do), [`bootstrap`] (one-time
//! codes), [`admission`] (the verdict), [`diagnosis`] (why, and what to do about it), [`audit`] (what is remembered of a
//! decision), [`roster`] (which devices somebody wants to see), [`policy`] (the settings that decisions may see),
//! [`step_up`] (what takes a passkey besides), [`destination`] (where something may be sent).

pub mod admission;
pub mod audit;
pub mod bootstrap;
pub mod destination;
pub mod diagnosis;
pub mod entries;
pub mod identity;
pub mod locality;
pub mod metadata;
pub mod origin;
pub mod pairing;
pub mod policy;
pub mod roster;
pub mod step_up;
pub mod surface;

pub use admission::{Facts, Grant, Verdict, decide};
pub use identity::VerifiedDevice;
pub use locality::{Attribution, TrustedProxies, Unattributable};
pub use pairing::{DevicePairing, Effect, PairingEvent};
pub use policy::Policy;
