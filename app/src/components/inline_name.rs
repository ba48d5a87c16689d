//! Editing a device's name in place.

use leptos::ev::{KeyboardEvent, SubmitEvent};
use leptos::html;
use leptos::prelude::*;
use protocol::DeviceId;

use super::words::problem_line;
use crate::late::{button, follow};
use crate::live::{Live, advice};

/// The longest name the gateway keeps, in characters.
const LONGEST: &str = "64";

/// The form; `is_editing` turns false when the name is kept or the person gives up.
#[component]
pub(crate) fn InlineName(id: DeviceId, name: String, is_editing: RwSignal<bool>) -> impl IntoView {
    let live = Live::here();
    let field = NodeRef::<html::Input>::new();
    let problem = RwSignal::new(None::<String>);
    follow(move || {
        if let Some(field) = field.get() {
            let _ = field.focus();
            field.select();
        }
    });
    let keep = move |event: SubmitEvent| {
        event.prevent_default();
        let label = field.get_untracked().map(|field| field.value().trim().to_owned()).unwrap_or_default();
        live.rename(&id, label, move |answer| match answer {
            Ok(_) => drop(is_editing.try_set(false)),
            Err(error) => drop(problem.try_set(Some(advice(&error)))),
        });
    };
    let give_up = move |event: KeyboardEvent| {
        if event.key() == "Escape" {
            is_editing.set(false);
        }
    };
    view! {
        <form class="rename" on:submit=keep on:keydown=give_up>
            <input
                type="text"
                aria-label="New name"
                maxlength=LONGEST
                value=name
                data-testid="rename-input"
                node_ref=field
            />
            <button type="submit">"Save"</button>
            {button("ghost", "", || "Cancel", move || is_editing.set(false))}
            {problem_line(problem)}
        </form>
    }
}
