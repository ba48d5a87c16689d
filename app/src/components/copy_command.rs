//! A command to run elsewhere, and a button that puts it on the clipboard.

use leptos::prelude::*;

use crate::late::text;
use crate::outside;

#[component]
pub(crate) fn CopyCommand(shown: String, copied: String) -> impl IntoView {
    let label = RwSignal::new("Copy");
    let copy = move |_| {
        outside::copy(&copied, move |worked| {
            // The page may have moved on while the clipboard was asked.
            let _ = label.try_set(if worked { "Copied" } else { "Not allowed" });
        });
    };
    view! {
        <div class="copy">
            <code>{shown}</code>
            <button type="button" class="ghost" on:click=copy>
                <span aria-live="polite">{text(move || label.get())}</span>
            </button>
        </div>
    }
}
