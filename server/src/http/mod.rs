//! Everything that is said over HTTP: who asks, what is served, with which headers.

pub mod control_ui;
pub mod health;
pub mod join;
pub mod passed_on;
pub mod peer;
pub mod plain;
pub mod router;
pub mod security_headers;
