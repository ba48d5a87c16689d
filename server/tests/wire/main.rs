//! The gateway on the wire: a real listener, a real store, raw frames. What is expected here is what the
//! official clients rely on, word for word, and what our own extensions promise.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on should stop")]

mod ask;
mod client;
mod gateway;
mod machine;
mod passkey;
mod push_service;
mod scripted;

mod approving;
mod attempts;
mod auditing;
mod blocking;
mod config_writes;
mod credentials;
mod explaining;
mod first_frames;
mod invoke_ends;
mod invoke_refusals;
mod invoking;
mod joining;
mod knocking;
mod limits;
mod live_settings;
mod local_devices;
mod lockout;
mod methods;
mod migrating;
mod nearness;
mod node_admission;
mod node_approvals;
mod node_hosts;
mod node_lists;
mod node_offers;
mod node_races;
mod node_removals;
mod node_run;
mod node_words;
mod nodes;
mod operations;
mod origins;
mod owner;
mod pages;
mod panicking;
mod presence;
mod pushing;
mod recording;
mod recovering;
mod replay;
mod requests;
mod restart;
mod revoking;
mod roster;
mod settings_page;
mod setup;
mod stepping_up;
mod terms;
mod timers;
mod transcripts;
mod upgrade;
mod upgrades;
mod waiting;
mod widening;
