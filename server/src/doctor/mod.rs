//! `openclaw doctor`: what is wrong with the gateway of this machine, why it matters, and what repairs it.
//!
//! [`gather`] looks (and nothing else does), [`checks`] decide over the facts, [`repair`] acts. A repair never
//! deletes anything: it changes owners, modes and single settings, moves files aside, and runs what a command
//! would run. No repair takes a pairing away.

pub mod checks;
pub mod facts;
pub mod finding;
pub mod gather;
pub mod repair;

pub use checks::{CHECKS, examine};
pub use facts::Facts;
pub use finding::{Finding, Severity};
pub use gather::gather;
pub use repair::{Change, Repair};
