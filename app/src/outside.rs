//! The browser around the page. The server renders the same components, with nothing around them: there these
//! functions do nothing, and nothing calls them, because effects and event handlers run in browsers only.

/// Why the browser brought no passkey.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PasskeyProblem {
    /// The person said no, had none, or let the time pass.
    NotShown,
    /// The browser has no passkeys for a page at this address.
    Unfit,
    /// The authenticator holds one already.
    Known,
}

#[cfg(feature = "hydrate")]
pub use crate::browser::{
    ask, attend_pushes, choose, copy, create_passkey, every, focus, get_passkey, host, listen, mark_connected, moment,
    new_secret, on_key, parse_json, push_endpoint, push_facts, push_permission, reload_page, renew_push, reveal, ring,
    save, set_icon, set_title, start, switch_push_off, switch_push_on, tell, user_agent, want_sound, wants_push,
    wants_sound,
};

#[cfg(not(feature = "hydrate"))]
pub use nowhere::{
    ask, attend_pushes, choose, copy, create_passkey, every, focus, get_passkey, host, listen, mark_connected, moment,
    new_secret, on_key, parse_json, push_endpoint, push_facts, push_permission, reload_page, renew_push, reveal, ring,
    save, set_icon, set_title, start, switch_push_off, switch_push_on, tell, user_agent, want_sound, wants_push,
    wants_sound,
};

#[cfg(not(feature = "hydrate"))]
mod nowhere {
    use protocol::Method;
    use protocol::event::Event;
    use serde_json::Value;

    use super::PasskeyProblem;
    use crate::language::Language;
    use crate::live::{Answer, Live};
    use crate::notifications::{Facts, Permission, SwitchProblem};
    use crate::session::Input;

    /// Loads the device key and opens the socket.
    pub fn start(_: Live) {}

    /// Takes one step of the session and does what follows from it.
    pub fn tell(_: Live, _: Input) {}

    /// Calls a method of the gateway; `then` gets its answer.
    pub fn ask(_: Method, _: Value, _: impl FnOnce(Answer) + 'static) {}

    /// Hears every event until the component that called this is gone.
    pub fn listen(_: impl Fn(Event, &Value) + 'static) {}

    /// Keeps the language somebody has chosen, and loads the page in it.
    pub fn choose(_: Language) {}

    pub fn set_title(_: &str) {}

    /// The icon of the tab, with a dot while somebody waits.
    pub fn set_icon(_: bool) {}

    /// Marks the card of a request and brings it into view, once it is there.
    pub fn reveal(_: &str) {}

    /// Rings, if that is wanted.
    pub fn ring() {}

    pub fn wants_sound() -> bool {
        false
    }

    pub fn want_sound(_: bool) {}

    /// Does what notifications want of an open page, from now on.
    pub fn attend_pushes(_: Live) {}

    /// Makes a subscription anew that was wanted and has ended; `then` is called once the gateway knows it.
    pub fn renew_push(_: impl FnOnce() + 'static) {}

    pub fn wants_push() -> bool {
        false
    }

    pub fn push_facts() -> Facts {
        Facts::default()
    }

    pub fn push_permission() -> Permission {
        Permission::Undecided
    }

    /// Where this browser is pushed to; `then` learns `None` if nowhere.
    pub fn push_endpoint(_: impl FnOnce(Option<String>) + 'static) {}

    /// Asks the person, subscribes, and tells the gateway.
    pub fn switch_push_on(_: impl FnOnce(Result<(), SwitchProblem>) + 'static) {}

    pub fn switch_push_off(_: impl FnOnce(Result<(), SwitchProblem>) + 'static) {}

    pub fn user_agent() -> String {
        String::new()
    }

    /// Has the person show a passkey; `then` gets the parameters of `stepUp.finish`.
    pub fn get_passkey(_: &Value, _: impl FnOnce(Result<Value, PasskeyProblem>) + 'static) {}

    /// Has a passkey made; `then` gets the parameters of `passkey.finish`.
    pub fn create_passkey(_: &Value, _: &str, _: impl FnOnce(Result<Value, PasskeyProblem>) + 'static) {}

    /// Puts text on the clipboard; `then` learns whether it worked.
    pub fn copy(_: &str, _: impl FnOnce(bool) + 'static) {}

    /// Does something every so many milliseconds until the component that called this is gone.
    pub fn every(_: u64, _: impl Fn() + 'static) {}

    /// A moment as this browser's clock and language put it.
    pub fn moment(_: u64) -> String {
        String::new()
    }

    /// Saves a text as a file of this name, where the browser saves files.
    pub fn save(_: &str, _: &str) {}

    /// A text as JSON, if it is that.
    pub fn parse_json(text: &str) -> Option<Value> {
        serde_json::from_str(text).ok()
    }

    /// The host and port this page was loaded from.
    pub fn host() -> String {
        String::new()
    }

    /// Moves the keyboard to the element with this id, once it is there.
    pub fn focus(_: &'static str) {}

    /// Hears every key that is pressed anywhere on the page.
    pub fn on_key(_: impl Fn(leptos::ev::KeyboardEvent) + 'static) {}

    pub fn reload_page() {}

    /// A long random text.
    pub fn new_secret() -> String {
        String::new()
    }

    /// Leaves a mark in the browser's timeline, for whoever measures how long a device waits after Approve.
    pub fn mark_connected() {}
}
