//! An address without a page.

use leptos::prelude::*;

#[component]
pub(crate) fn Missing() -> impl IntoView {
    view! {
        <section class="panel">
            <h1>"There is no such page"</h1>
            <p>
                <a href="/">"Go to the overview"</a>
            </p>
        </section>
    }
}
