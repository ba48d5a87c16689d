//! How the owner is told while no page is open.

use leptos::prelude::*;

use super::screens::Screens;
use crate::components::notifications::section;
use crate::components::pending_cards::PendingCards;
use crate::language::t;
use crate::part::part;

#[component]
pub(crate) fn Notifications() -> impl IntoView {
    view! {
        <Screens>
            <header class="page-head">
                <h1>{t("Notifications")}</h1>
            </header>
            <PendingCards />
            {part(section, |build| build())}
        </Screens>
    }
}
