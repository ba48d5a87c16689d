//! The gateway on the wire: a real listener, a real store, raw frames. What is expected here is what the
//! official clients rely on, word for word, and what our own extensions promise.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on should stop")]

mod ask;
mod client;
mod gateway;

mod approving;
mod credentials;
mod first_frames;
mod invoking;
mod joining;
mod knocking;
mod limits;
mod live_settings;
mod local_devices;
mod lockout;
mod methods;
mod nearness;
mod nodes;
mod origins;
mod owner;
mod pages;
mod recording;
mod replay;
mod requests;
mod restart;
mod revoking;
mod setup;
mod timers;
mod transcripts;
mod upgrade;
mod waiting;
mod widening;
