//! The Control UI: one page that the gateway renders and the browser brings to life.
//!
//! The server renders the first frame ("Connecting to the gateway…"); the browser hydrates exactly that, then opens
//! its socket. All the rest is a function of what the socket said:
//!
//! ```
//! use app::session::{Input, Session};
//!
//! let mut session = Session::new(None, None);
//! let retry = session.step(Input::Closed { code: 1006, reason: String::new() }, 0, 0.5);
//! assert_eq!((session.state(), retry.len()), ("away", 1));
//! ```
//!
//! Reading order: [`session`] (the connection as a state machine), [`desk`] (what waits and who is in), [`live`]
//! (both as signals), [`outside`] (the browser around the page, or nothing at all on the server), [`shell`] and
//! [`App`], then `pages` and `components`; [`insight`] is what the pages for the owner's questions show. Everything that needs no browser is a plain function with its tests.

#![expect(clippy::unnecessary_wraps, reason = "the code of a part may fail to arrive, so it comes as a `Result`")]

pub mod backoff;
pub mod browser_name;
pub mod desk;
pub mod hello;
pub mod insight;
pub mod introduction;
pub mod language;
pub mod live;
pub mod notifications;
pub mod outside;
pub mod palette;
pub mod permissions;
pub mod place;
pub mod reading;
pub mod roster;
pub mod session;
pub mod settings;
pub mod setup;
pub mod terms;
pub mod time_words;
pub mod writing;

mod app;
#[cfg(feature = "hydrate")]
mod browser;
mod components;
mod late;
mod pages;
mod part;
#[cfg(not(feature = "hydrate"))]
pub mod plain;
mod shell;
mod stepping;

pub use app::App;
pub use shell::{PageFacts, shell};

/// Brings the server's page to life. `HydrationScripts` calls this once the bundle is loaded.
#[cfg(feature = "hydrate")]
#[wasm_bindgen::prelude::wasm_bindgen]
pub fn hydrate() {
    console_error_panic_hook::set_once();
    browser::take_link();
    browser::learn(|| leptos::mount::hydrate_body(App));
}
