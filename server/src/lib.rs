//! The gateway: what is done.
//!
//! Reading order: [`config`], [`store`], [`keys`] (what it starts with), [`listen`] and [`http`] (who
//! comes in), [`gateway`] (the socket), [`service`] (started by whom), [`node`] (this machine as a node), [`cli`] (the commands).

pub mod advised;
pub mod backup;
pub mod cli;
pub mod clock;
pub mod config;
pub mod doctor;
pub mod gateway;
pub mod holder;
pub mod http;
pub mod keys;
pub mod listen;
pub mod log_file;
pub mod migration;
pub mod node;
pub mod notify;
pub mod owner;
pub mod passkey;
pub mod qr;
pub mod service;
pub mod start;
pub mod state;
pub mod store;
pub mod system;
pub mod tailscale;
pub mod takeover;
pub mod telemetry;
pub mod whole_file;

pub use start::{Gateway, GatewayOptions, run_gateway};

/// The version of this program.
pub const VERSION: &str = env!("CARGO_PKG_VERSION");
