//! The gateway's socket: upgrade, handshake, session, and what decisions set in motion.

pub mod admit;
pub mod attempts;
pub mod auditing;
pub mod connection;
pub mod credentials;
pub mod effects;
pub mod exposure;
pub mod foresight;
pub mod handshake;
pub mod hello;
pub mod limits;
pub mod methods;
pub mod minting;
pub mod nodes;
pub mod outlook;
pub mod panic;
pub mod presence;
pub mod public_url;
pub mod recent_approvals;
pub mod registry;
pub mod session;
pub mod socket;
pub mod superseding;
pub mod sweeper;
pub mod upgrade;
pub mod waiting;
