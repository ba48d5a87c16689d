//! The mark and the name.

use leptos::prelude::*;

#[component]
pub(crate) fn Brand() -> impl IntoView {
    view! {
        <p class="brand">
            <svg width="28" height="28" viewBox="0 0 32 32" aria-hidden="true">
                <path class="brand-claw" d="M7 12C3 9 3 5 6 3c0 3 2 4 4 5zM25 12c4-3 4-7 1-9 0 3-2 4-4 5z" />
                <path class="brand-body" d="M16 8c6 0 10 4 10 10s-4 11-10 11S6 24 6 18 10 8 16 8z" />
                <circle class="brand-eye" cx="12.5" cy="16" r="2" />
                <circle class="brand-eye" cx="19.5" cy="16" r="2" />
            </svg>
            "OpenClaw"
        </p>
    }
}
