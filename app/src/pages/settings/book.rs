//! What the gateway says of its settings, kept up to date.

use leptos::prelude::*;
use protocol::event::Event;
use protocol::settings::{Described, Trial, TrialState};
use protocol::{Method, WireError};
use serde_json::{Map, Value};

use crate::late::follow;
use crate::live::Live;
use crate::outside;
use crate::reading;

/// The settings as this page knows them. Copied freely; there is one per page.
#[derive(Debug, Clone, Copy)]
pub(super) struct Book {
    pub(super) live: Live,
    /// `None` until the first answer.
    pub(super) described: RwSignal<Option<Described>>,
    /// Why there is none.
    pub(super) problem: RwSignal<Option<WireError>>,
    /// The change that waits for a confirmation, or how the last one ended.
    pub(super) trial: RwSignal<Option<Trial>>,
}

thread_local! {
    /// The change that was tried from this page, also while another screen is shown because the line is lost.
    static TRIED: std::cell::RefCell<Option<Trial>> = const { std::cell::RefCell::new(None) };
}

impl Book {
    /// Opens it, and listens for changes until the page is left.
    pub(super) fn open() -> Self {
        let live = Live::here();
        let (described, problem, trial) = (RwSignal::new(None), RwSignal::new(None), RwSignal::new(None));
        let book = Self { live, described, problem, trial };
        outside::listen(move |event, payload| {
            if event == Event::ConfigChanged {
                book.reload(|_| {});
            }
            if event == Event::ConfigTrial
                && let Ok(trial) = serde_json::from_value::<Trial>(payload.clone())
            {
                book.heard_of(trial);
            }
        });
        // Now, and whenever the gateway has let this browser in again.
        let came_in = Memo::new(move |_| live.welcome(|welcome| welcome.at_ms));
        follow(move || {
            if came_in.get().is_some() {
                book.reload(|_| {});
            }
        });
        book
    }

    /// Asks for everything anew; `then` may look at it.
    pub(super) fn reload(self, then: impl FnOnce(&Described) + 'static) {
        let then: Box<dyn FnOnce(&Described)> = Box::new(then);
        outside::ask(Method::ConfigDescribe, Value::Object(Map::new()), move |answer| {
            match answer.and_then(|value| serde_json::from_value::<Described>(value).map_err(|_| unreadable())) {
                Ok(described) => {
                    then(&described);
                    self.compare(&described);
                    let _ = self.problem.try_set(None);
                    let _ = self.described.try_set(Some(described));
                }
                Err(error) => drop(self.problem.try_set(Some(error))),
            }
        });
    }

    /// What became of a trial while nobody could tell this page.
    fn compare(self, described: &Described) {
        if let Some(waiting) = &described.trial {
            return self.heard_of(waiting.clone());
        }
        let tried = TRIED.with_borrow_mut(Option::take);
        if let Some(tried) = tried {
            let stays = tried.hash == described.hash;
            let state = if stays { TrialState::Confirmed } else { TrialState::RolledBack };
            let _ = self.trial.try_set(Some(Trial { state, ..tried }));
        }
    }

    /// Remembers a change that this page has made with a way back: the line may be lost before anybody tells of it.
    pub(super) fn tried(self, written: &Value, within_ms: u64) {
        let paths = written.get("changedPaths").and_then(Value::as_array).into_iter().flatten();
        self.heard_of(Trial {
            hash: reading::text(written, "hash").unwrap_or_default(),
            state: TrialState::Waits,
            changed_paths: paths.filter_map(Value::as_str).map(str::to_owned).collect(),
            deadline_ms: untrack(|| self.live.gateway_now_ms()) + within_ms,
        });
    }

    pub(super) fn heard_of(self, trial: Trial) {
        TRIED.with_borrow_mut(|tried| *tried = (trial.state == TrialState::Waits).then(|| trial.clone()));
        let _ = self.trial.try_set(Some(trial));
    }

    /// A list, or whatever else is in what the gateway said; `None` before it said anything.
    pub(super) fn with<T>(self, read: impl FnOnce(&Described) -> T) -> Option<T> {
        self.described.with(|described| described.as_ref().map(read))
    }
}

/// An answer of a gateway that is newer than this page.
pub(super) fn unreadable() -> WireError {
    WireError {
        code: "UNAVAILABLE".to_owned(),
        message: "the gateway's answer has a shape this page does not know".to_owned(),
        details: None,
        retryable: None,
        retry_after_ms: None,
    }
}
