//! The node host: this machine, offering a few commands to a gateway.
//!
//! What may run is the node's own decision, taken here and from this machine's files, whatever the gateway
//! says. Reading order: [`policy`] and [`launcher`] (may it run), [`surroundings`] (with which environment,
//! where), [`run`] and [`capture`] (running it), [`ask`] (asking the person here), [`commands`] (all that is
//! offered), [`repeats`] (nothing twice), [`settings`] (what is kept), [`pace`] (when to come back),
//! [`host`] (the connection).

pub mod approvals;
pub mod ask;
pub mod capture;
pub mod commands;
pub mod host;
pub mod launcher;
pub mod machine;
pub mod notify;
pub mod pace;
pub mod policy;
pub mod repeats;
pub mod run;
pub mod settings;
pub mod surroundings;
