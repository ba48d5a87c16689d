//! All requests that wait, on top of every page: an owner who looks must see them at once.

use leptos::prelude::*;
use protocol::pairing::PendingRequest;

use super::node_card::node_card;
use super::pending_card::PendingCard;
use super::rare::rare;
use crate::desk::{Desk, offer_id, shown_digest};
use crate::language::t;
use crate::late::{button, each, late, text, when};
use crate::live::Live;

#[component]
pub(crate) fn PendingCards() -> impl IntoView {
    let live = Live::here();
    // A request that changes is a new card, which is inert again until it has been looked at.
    let devices = move || {
        each(
            move || live.desk.with(|desk| desk.open().map(key_of).collect()),
            move |key| {
                let shown =
                    live.desk.with_untracked(|desk| desk.open().find(|request| key_of(request) == key).cloned());
                late(shown.map(|request| view! { <PendingCard request /> }))
            },
        )
    };
    let nodes = move || {
        each(
            move || live.desk.with(|desk| desk.open_nodes().filter_map(offer_id).map(str::to_owned).collect()),
            move |id| {
                let device = live
                    .desk
                    .with_untracked(|desk| desk.open_nodes().find(|node| offer_id(node) == Some(&id)).cloned());
                let offered = device.and_then(|device| Some((device.pending_node_surface.clone()?, device)));
                late(offered.map(|(offer, device)| node_card(live, &device, offer)))
            },
        )
    };
    let put_aside = move || live.desk.with(Desk::count_put_aside);
    let has_open = move || live.desk.with(Desk::count_open) > 0;
    let has_put_aside = move || put_aside() > 0;
    let heading = move || heading(live.desk.with(|desk| (desk.open().count(), desk.open_nodes().count())));
    let are_several = move || live.desk.with(|desk| desk.open().count()) > 1;
    // The dialog stays until it is closed, however many still wait behind it.
    let is_deciding = RwSignal::new(false);
    let has_many = move || are_several() || is_deciding.get();
    let many = move || rare(Box::new(move |rare| (rare.many)(live, is_deciding)));
    let has_fresh = move || live.desk.with(Desk::has_fresh);
    let undo_list = move || rare(Box::new(move |rare| (rare.undo_list)(live)));
    let cards = move || {
        late(view! {
            <section aria-labelledby="want-in">
                <div class="section-head">
                    <h2 id="want-in">{text(heading)}</h2>
                    <p class="soft small">{t("Approve only what you expect")}</p>
                </div>
                <div class="cards">
                    {devices()} {nodes()}
                </div>
            </section>
        })
    };
    let bring_back = move || {
        late(view! {
            <p>
                {button(
                    "",
                    "show-hidden",
                    move || format!("Show {} hidden", put_aside()),
                    move || live.desk.update(Desk::bring_back_all),
                )}
            </p>
        })
    };
    (when(has_open, cards), when(has_many, many), when(has_put_aside, bring_back), when(has_fresh, undo_list))
}

fn key_of(request: &PendingRequest) -> String {
    format!("{} {}", request.request_id, shown_digest(request))
}

fn heading((devices, nodes): (usize, usize)) -> String {
    let count = |count: usize, one: &str, many: &str| format!("{count} {}", if count == 1 { one } else { many });
    let devices_want = count(devices, "device wants in", "devices want in");
    let nodes_offer = count(nodes, "node offers something new", "nodes offer something new");
    match (devices, nodes) {
        (_, 0) => devices_want,
        (0, _) => nodes_offer,
        _ => format!("{devices_want}, {nodes_offer}"),
    }
}

#[cfg(test)]
mod tests {
    use super::heading;

    #[test]
    fn the_heading_counts_who_waits() {
        assert_eq!(heading((1, 0)), "1 device wants in");
        assert_eq!(heading((0, 2)), "2 nodes offer something new");
        assert_eq!(heading((2, 1)), "2 devices want in, 1 node offers something new");
    }
}
