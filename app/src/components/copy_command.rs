//! A command to run elsewhere, and a button that puts it on the clipboard.

use leptos::prelude::*;

use crate::late::button;
use crate::outside;

#[component]
pub(crate) fn CopyCommand(shown: String, copied: String) -> impl IntoView {
    let label = RwSignal::new("Copy".to_owned());
    let copy = move || {
        outside::copy(&copied, move |worked| {
            // The page may have moved on while the clipboard was asked.
            let _ = label.try_set(if worked { "Copied" } else { "Not allowed" }.to_owned());
        });
    };
    view! {
        <div class="copy">
            <code>{shown}</code>
            <span aria-live="polite">{button("ghost", "copy", move || label.get(), copy)}</span>
        </div>
    }
}
