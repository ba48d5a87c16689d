//! One paired device: what it is, what it may do, and what can be done about it.

use leptos::prelude::*;
use protocol::pairing::{ApprovedVia, PairedDevice, client_kind};
use protocol::{DeviceId, Role};

use super::confirm::{Action, Confirmation};
use super::inline_name::InlineName;
use crate::late::{button, changing, late, text, when};
use crate::live::Live;
use crate::permissions;
use crate::terms::ends_words;
use crate::time_words;

#[component]
pub(crate) fn DeviceRow(id: DeviceId, confirming: RwSignal<Option<Confirmation>>) -> impl IntoView {
    let live = Live::here();
    let is_editing = RwSignal::new(false);
    let is_own = live.is_own(&id);
    let shown_id = id.to_string();
    let device = Memo::new(move |_| live.desk.with(|desk| desk.device(&id).cloned()));
    let read = move |tell: fn(&PairedDevice) -> String| {
        text(move || device.with(|device| device.as_ref().map(tell)).unwrap_or_default())
    };
    let presence = move || {
        device.with(|device| {
            device.as_ref().map(|device| match (device.connected, device.last_seen_at_ms) {
                (Some(true), _) if live.is_resuming() => ("pill", "was connected".to_owned()),
                (Some(true), _) => ("pill ok", "connected".to_owned()),
                (_, Some(seen_ms)) => ("pill", time_words::ago(seen_ms, live.gateway_now_ms())),
                (_, None) => ("pill", "never seen".to_owned()),
            })
        })
    };
    let has_ended = move |device: &PairedDevice| device.has_ended(live.gateway_now_ms());
    let end = move || {
        let now_ms = live.gateway_now_ms();
        device.with(|device| {
            let device = device.as_ref()?;
            let class = if device.has_ended(now_ms) { "pill risk" } else { "pill warn" };
            Some((class, ends_words(device.expires_at_ms, now_ms)?))
        })
    };
    let end = Memo::new(move |_| end());
    let end = move || end.get();
    let name = move || {
        if let (true, Some(device)) = (is_editing.get(), device.get_untracked()) {
            let name = device.shown_name();
            late(view! { <InlineName id=device.device_id name is_editing /> })
        } else {
            late(view! { <h3>{read(PairedDevice::shown_name)}</h3> })
        }
    };
    late(view! {
        <li class="device" data-testid="paired-device" data-device-id=shown_id>
            <div class="device-name">
                {changing(name)}
                <p class="tags">
                    {changing(move || late(presence().map(|(class, words)| view! { <span class=class>{words}</span> })))}
                    {is_own.then(|| view! { <span class="pill">"this browser"</span> })}
                    {when(
                        move || device.with(|device| device.as_ref().is_some_and(|device| is_revoked(device) && !has_ended(device))),
                        || late(view! { <span class="pill risk">"revoked"</span> }),
                    )}
                    {changing(move || late(end().map(|(class, words)| view! { <span class=class data-testid="ends">{words}</span> })))}
                    {when(
                        move || device.with(|device| device.as_ref().is_some_and(is_node)),
                        || late(view! { <span class="pill">"node"</span> }),
                    )}
                </p>
            </div>
            <dl class="device-facts">
                <div>
                    <dt>"What"</dt>
                    <dd>{read(what)}</dd>
                </div>
                <div>
                    <dt>"May"</dt>
                    <dd>{read(may)}</dd>
                </div>
                <div>
                    <dt>"From"</dt>
                    <dd>{read(|device| device.remote_ip.clone().unwrap_or_else(|| "this machine".to_owned()))}</dd>
                </div>
                <div>
                    <dt>"Approved"</dt>
                    <dd>{read(approved)}</dd>
                </div>
            </dl>
            <Actions device is_own is_editing confirming />
        </li>
    })
}

#[component]
fn Actions(
    device: Memo<Option<PairedDevice>>,
    is_own: bool,
    is_editing: RwSignal<bool>,
    confirming: RwSignal<Option<Confirmation>>,
) -> impl IntoView {
    let has_token = move || device.with(|device| device.as_ref().is_some_and(|device| !is_revoked(device)));
    let confirm = move |class, test_id, label: &'static str, action: Action| {
        let ask = move || confirming.set(device.get_untracked().map(|device| Confirmation { device, action, is_own }));
        button(class, test_id, move || label, ask)
    };
    let is_also_node =
        move || device.with(|device| device.as_ref().is_some_and(|device| is_node(device) && device.roles.len() > 1));
    late(view! {
        <div class="device-actions">
            {button("ghost", "rename", || "Rename", move || is_editing.set(true))}
            {when(
                // This page keeps no token, so a new one for itself would change nothing but its connection.
                move || has_token() && !is_own,
                move || confirm("ghost", "rotate", "New token", Action::Rotate),
            )} {when(has_token, move || confirm("ghost", "revoke", "Revoke", Action::Revoke))}
            {when(is_also_node, move || confirm("ghost", "unoffer", "End its commands", Action::RemoveNode))}
            {confirm("ghost danger", "remove", "Remove", Action::Remove)}
        </div>
    })
}

fn what(device: &PairedDevice) -> String {
    let mut kind = client_kind(&device.client_id).to_owned();
    if let Some(surface) = device.node_surface.as_ref().filter(|surface| !surface.version.is_empty()) {
        kind = format!("{kind} {}", surface.version);
    }
    match device.platform.as_deref().filter(|platform| !platform.is_empty()) {
        Some(platform) => format!("{kind} on {platform}"),
        None => kind,
    }
}

fn may(device: &PairedDevice) -> String {
    if is_revoked(device) {
        return "nothing any more".to_owned();
    }
    let is_operator = device.roles.contains(&Role::Operator) || !is_node(device);
    let operator = is_operator.then(|| permissions::summary(Role::Operator, &device.scopes));
    let held = device.node_surface.as_ref().map(|held| held.surface.clone()).unwrap_or_default();
    let node = is_node(device).then(|| permissions::offer_summary(&held));
    let words: Vec<String> = operator.into_iter().chain(node).collect();
    words.join("; ")
}

fn is_node(device: &PairedDevice) -> bool {
    device.role == Role::Node || device.roles.contains(&Role::Node)
}

fn approved(device: &PairedDevice) -> String {
    match device.approved_via {
        ApprovedVia::Owner => "by the owner",
        ApprovedVia::Bootstrap => "by a one-time code",
        ApprovedVia::Silent => "by itself, on this machine",
        ApprovedVia::TrustedCidr => "by its address range",
    }
    .to_owned()
}

/// Nothing it held is valid any more; it has to ask again.
fn is_revoked(device: &PairedDevice) -> bool {
    !device.tokens.is_empty() && device.tokens.iter().all(|token| token.revoked_at_ms.is_some())
}
