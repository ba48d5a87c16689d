//! All requests that wait, on top of every page: an owner who looks must see them at once.

use leptos::prelude::*;

use super::pending_card::PendingCard;
use crate::desk::{Desk, shown_digest};
use crate::late::{late, text, when};
use crate::live::Live;

#[component]
pub(crate) fn PendingCards() -> impl IntoView {
    let live = Live::here();
    // A request that changes is a new card, which is inert again until it has been looked at.
    let open = move || {
        live.desk.with(|desk| {
            desk.open().map(|request| (request.request_id.clone(), shown_digest(request))).collect::<Vec<_>>()
        })
    };
    let put_aside = move || live.desk.with(Desk::count_put_aside);
    let has_open = move || live.desk.with(Desk::count_open) > 0;
    let has_put_aside = move || put_aside() > 0;
    let heading = move || match live.desk.with(Desk::count_open) {
        1 => "1 device wants in".to_owned(),
        count => format!("{count} devices want in"),
    };
    let cards = move || {
        late(view! {
            <section aria-labelledby="want-in">
                <div class="section-head">
                    <h2 id="want-in">{text(heading)}</h2>
                    <p class="soft small">"Approve only what you expect"</p>
                </div>
                <div class="cards">
                    <For each=open key=Clone::clone let:card>
                        {live
                            .desk
                            .with_untracked(|desk| desk.pending(&card.0).cloned())
                            .map(|request| view! { <PendingCard request /> })}
                    </For>
                </div>
            </section>
        })
    };
    let bring_back = move || {
        late(view! {
            <p>
                <button
                    type="button"
                    data-testid="show-hidden"
                    on:click=move |_| live.desk.update(Desk::bring_back_all)
                >
                    {text(move || format!("Show {} hidden", put_aside()))}
                </button>
            </p>
        })
    };
    (when(has_open, cards), when(has_put_aside, bring_back))
}
