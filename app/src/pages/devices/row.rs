//! One paired device: what it is, what it may do, and what can be done about it.

use leptos::prelude::*;
use protocol::DeviceId;
use protocol::method::ListedDevice;
use protocol::pairing::PairedDevice;

use super::roster::Roster;
use crate::components::confirm::{Action, Confirmation};
use crate::components::inline_name::InlineName;
use crate::language::{fill, t};
use crate::late::{button, changing, late, text, when};
use crate::roster::{approved, is_node, is_revoked, is_unused, last_address, may, seen, what};
use crate::terms::ends_words;
use crate::time_words;

pub(super) fn row(roster: Roster, id: String) -> AnyView {
    let live = roster.live;
    let is_editing = RwSignal::new(false);
    let device_id = DeviceId::claimed(id.clone());
    let is_own = live.is_own(&device_id);
    let shown_id = id.clone();
    // A device that has left the page is still there until its row is gone.
    let listed = Memo::new(move |before: Option<&Option<ListedDevice>>| {
        roster.listed(&id).or_else(|| before.cloned().flatten())
    });
    // Times are told by the clock of the last answer: fifty rows that are told anew each second would be a burden.
    let now_ms = Memo::new(move |_| {
        roster.loads.get();
        live.gateway_now_untracked_ms()
    });
    let read = move |tell: fn(&ListedDevice, u64) -> String| {
        text(move || listed.with(|one| one.as_ref().map(|one| tell(one, now_ms.get()))).unwrap_or_default())
    };
    let about = move |is_so: fn(&PairedDevice, u64) -> bool| {
        move || listed.with(|one| one.as_ref().is_some_and(|one| is_so(&one.device, now_ms.get())))
    };
    let presence = Memo::new(move |_| {
        listed.with(|one| {
            let device = &one.as_ref()?.device;
            Some(match (device.connected, device.last_seen_at_ms) {
                (Some(true), _) if live.is_resuming() => ("pill", t("was connected").to_owned()),
                (Some(true), _) => ("pill ok", t("connected").to_owned()),
                (_, Some(seen_ms)) => ("pill", time_words::ago(seen_ms, now_ms.get())),
                (_, None) => ("pill", t("never seen").to_owned()),
            })
        })
    });
    let end = Memo::new(move |_| {
        listed.with(|one| {
            let device = &one.as_ref()?.device;
            let class = if device.has_ended(now_ms.get()) { "pill risk" } else { "pill warn" };
            Some((class, ends_words(device.expires_at_ms, now_ms.get())?))
        })
    });
    let name = move || {
        if let (true, Some(one)) = (is_editing.get(), listed.get_untracked()) {
            let name = one.device.shown_name();
            late(view! { <InlineName id=one.device.device_id name is_editing /> })
        } else {
            late(view! { <h3>{read(|one, _| one.device.shown_name())}</h3> })
        }
    };
    let pill = |class: &'static str, words: &'static str| move || late(view! { <span class=class>{words}</span> });
    let fact = move |label: &'static str, tell: fn(&ListedDevice, u64) -> String| {
        late(view! {
            <div>
                <dt>{label}</dt>
                <dd>{read(tell)}</dd>
            </div>
        })
    };
    late(view! {
        <li class="device" data-testid="paired-device" data-device-id=shown_id>
            <div class="device-name">
                {(!is_own).then(|| tick(roster, listed))}
                {changing(name)}
                <p class="tags">
                    {changing(move || late(presence.get().map(|(class, words)| view! { <span class=class>{words}</span> })))}
                    {is_own.then(|| view! { <span class="pill">{t("this browser")}</span> })}
                    {when(
                        about(|device, now_ms| is_revoked(device) && !device.has_ended(now_ms)),
                        pill("pill risk", t("revoked")),
                    )}
                    {changing(move || {
                        late(end.get().map(|(class, words)| view! { <span class=class data-testid="ends">{words}</span> }))
                    })}
                    {when(about(|device, _| is_node(device)), pill("pill", t("node")))}
                    {when(about(|device, _| device.pending_node_surface.is_some()), pill("pill warn", t("offers something new")))}
                    {when(about(is_unused), pill("pill warn", t("not seen for 90 days")))}
                </p>
            </div>
            <dl class="device-facts">
                {fact(t("What"), |one, _| what(&one.device))}
                {fact(t("Calls itself"), |one, _| called(&one.device))}
                {fact(t("May"), |one, _| may(&one.device))}
                {fact(t("Address"), |one, _| last_address(one))}
                {fact(t("Seen"), |one, now_ms| seen(&one.device, now_ms))}
                {fact(t("Approved"), |one, _| approved(one.device.approved_via).to_owned())}
            </dl>
            {actions(roster, listed, is_own, is_editing)}
        </li>
    })
}

/// What the device says of itself, which anybody could say.
fn called(device: &PairedDevice) -> String {
    device.display_name.as_deref().map_or_else(|| t("nothing").to_owned(), protocol::plain::name)
}

fn tick(roster: Roster, listed: Memo<Option<ListedDevice>>) -> AnyView {
    let device = move || listed.get_untracked().map(|one| one.device);
    let is_chosen = move || {
        listed.with(|one| {
            one.as_ref().is_some_and(|one| roster.chosen.with(|all| all.contains_key(one.device.device_id.as_str())))
        })
    };
    let label = move || {
        let name = listed.with(|one| one.as_ref().map(|one| one.device.shown_name())).unwrap_or_default();
        fill(t("Select {name}"), &[("name", &name)])
    };
    let change: Box<dyn FnMut(leptos::ev::Event)> =
        Box::new(move |event| roster.choose(device(), event_target_checked(&event)));
    late(view! {
        <input type="checkbox" data-testid="choose" aria-label=text(label) prop:checked=is_chosen on:change=change />
    })
}

fn actions(roster: Roster, listed: Memo<Option<ListedDevice>>, is_own: bool, is_editing: RwSignal<bool>) -> AnyView {
    let about = move |is_so: fn(&PairedDevice) -> bool| {
        move || listed.with(|one| one.as_ref().is_some_and(|one| is_so(&one.device)))
    };
    let has_token = about(|device| !is_revoked(device));
    let confirm = move |class, test_id, label: &'static str, action: Action| {
        let ask = move || {
            let device = listed.get_untracked().map(|one| one.device);
            roster.confirming.set(device.map(|device| Confirmation { device, action, is_own }));
        };
        button(class, test_id, move || label, ask)
    };
    let open = move || roster.opened.set(listed.get_untracked().map(|one| one.device.device_id));
    late(view! {
        <div class="device-actions">
            {button("ghost", "details", || t("Details"), open)}
            {button("ghost", "rename", || t("Rename"), move || is_editing.set(true))}
            {when(
                // This page keeps no token, so a new one for itself would change nothing but its connection.
                move || has_token() && !is_own,
                move || confirm("ghost", "rotate", t("New token"), Action::Rotate),
            )}
            {when(has_token, move || confirm("ghost", "revoke", t("Revoke"), Action::Revoke))}
            {when(
                about(|device| is_node(device) && device.roles.len() > 1),
                move || confirm("ghost", "unoffer", t("End its commands"), Action::RemoveNode),
            )}
            {confirm("ghost danger", "remove", t("Remove"), Action::Remove)}
        </div>
    })
}
