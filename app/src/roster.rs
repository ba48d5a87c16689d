//! The devices that are in: what somebody looks for among them, and what is known of one in words.

use protocol::method::{DevicePage, ListedDevice, UNUSED_AFTER_MS};
use protocol::pairing::{ApprovedVia, Approver, Explanation, PairedDevice, TokenSummary, client_kind};
use protocol::{DeviceId, Role, Scopes};
use serde_json::Value;

use crate::language::{fill, t};
use crate::permissions;
use crate::terms::ends_words;
use crate::time_words::ago;
use crate::writing::object;

/// How many devices a page shows.
pub const PAGE_SIZE: u64 = 50;

/// How many devices a clean-up shows at once, and so removes at once.
pub const CLEAN_UP_SIZE: u64 = 200;

const DAY_MS: u64 = 24 * 60 * 60 * 1000;

/// What the filter by state says for those that the gateway does not list as devices.
pub const BLOCKED: &str = "blocked";

/// What somebody looks for. The texts are those of `device.pair.page`; empty ones leave nothing out.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct View {
    pub query: String,
    pub role: String,
    /// A state of the gateway's, or [`BLOCKED`].
    pub state: String,
    pub seen: String,
    pub sort: String,
    pub offset: u64,
}

impl View {
    /// What the filters offer: the value, and what people read.
    pub fn roles() -> [(&'static str, &'static str); 3] {
        [("", t("Every role")), ("operator", t("Operators")), ("node", t("Nodes"))]
    }

    pub fn states() -> [(&'static str, &'static str); 7] {
        [
            ("", t("Any state")),
            ("online", t("Connected")),
            ("offline", t("Not connected")),
            ("offering", t("Offers something new")),
            ("ended", t("Time is over")),
            ("revoked", t("Revoked")),
            (BLOCKED, t("Blocked")),
        ]
    }

    pub fn spans() -> [(&'static str, &'static str); 6] {
        [
            ("", t("Any time")),
            ("1", t("Last day")),
            ("7", t("Last week")),
            ("31", t("Last month")),
            ("-30", t("Not for 30 days")),
            ("-90", t("Not for 90 days")),
        ]
    }

    pub fn orders() -> [(&'static str, &'static str); 4] {
        [
            ("recent", t("Seen last")),
            ("name", t("Name")),
            ("approved", t("Approved last")),
            ("idle", t("Unseen for longest")),
        ]
    }

    /// The parameters of `device.pair.page`.
    pub fn params(&self) -> Value {
        let given = |text: &str| if text.is_empty() { Value::Null } else { text.into() };
        let span = |days: Option<u64>| days.map(|days| days * DAY_MS).into();
        let state = if self.is_of_blocked() { "" } else { &self.state };
        object([
            ("query", given(self.query.trim())),
            ("role", given(&self.role)),
            ("state", given(state)),
            ("seenWithinMs", span(self.seen.parse().ok())),
            ("unseenForMs", span(self.seen.strip_prefix('-').and_then(|days| days.parse().ok()))),
            ("sort", given(&self.sort)),
            ("offset", self.offset.into()),
            ("limit", PAGE_SIZE.into()),
        ])
    }

    /// Whether the devices that are blocked are looked for, which are not in any more.
    pub fn is_of_blocked(&self) -> bool {
        self.state == BLOCKED
    }

    /// Whether anything is left out on purpose.
    pub fn is_narrow(&self) -> bool {
        [&self.query, &self.role, &self.state, &self.seen].into_iter().any(|text| !text.trim().is_empty())
    }
}

/// The parameters that find what nobody has seen for long, the longest first.
pub fn unused_params() -> Value {
    object([("unseenForMs", UNUSED_AFTER_MS.into()), ("sort", "idle".into()), ("limit", CLEAN_UP_SIZE.into())])
}

/// Which part of what fits is shown.
pub fn range(page: &DevicePage) -> String {
    let shown = u64::try_from(page.devices.len()).unwrap_or_default();
    let first = if shown == 0 { 0 } else { page.offset + 1 };
    let [first, last, all] = [first, page.offset + shown, page.matching].map(|number| number.to_string());
    fill(t("{first} to {last} of {all}"), &[("first", &first), ("last", &last), ("all", &all)])
}

/// Where the pages beside one begin, as far as there are such.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Neighbours {
    pub before: Option<u64>,
    pub next: Option<u64>,
}

pub fn neighbours(page: &DevicePage) -> Neighbours {
    let before = (page.offset > 0).then(|| page.offset.saturating_sub(PAGE_SIZE));
    let next = page.offset + PAGE_SIZE;
    Neighbours { before, next: (next < page.matching).then_some(next) }
}

/// Whether nobody has seen it for so long that it is offered for clean-up.
pub fn is_unused(device: &PairedDevice, now_ms: u64) -> bool {
    let seen_ms = device.last_seen_at_ms.unwrap_or_default().max(device.approved_at_ms);
    device.connected != Some(true) && now_ms.saturating_sub(seen_ms) >= UNUSED_AFTER_MS
}

/// What kind of program on what kind of system.
pub fn what(device: &PairedDevice) -> String {
    let mut kind = client_kind(&device.client_id).to_owned();
    if let Some(surface) = device.node_surface.as_ref().filter(|surface| !surface.version.is_empty()) {
        kind = format!("{kind} {}", surface.version);
    }
    match (device.device_family.as_deref(), device.platform.as_deref()) {
        (Some(family), Some(platform)) if !family.is_empty() && !family.eq_ignore_ascii_case(platform) => {
            fill(t("{kind} on {family} ({platform})"), &[("kind", &kind), ("family", family), ("platform", platform)])
        }
        (_, Some(platform)) if !platform.is_empty() => {
            fill(t("{kind} on {platform}"), &[("kind", &kind), ("platform", platform)])
        }
        (_, Some(_) | None) => kind,
    }
}

/// What it may do, in a few words.
pub fn may(device: &PairedDevice) -> String {
    if is_revoked(device) {
        return t("nothing any more").to_owned();
    }
    let is_operator = device.roles.contains(&Role::Operator) || !is_node(device);
    let operator = is_operator.then(|| permissions::summary(Role::Operator, &device.scopes));
    let held = device.node_surface.as_ref().map(|held| held.surface.clone()).unwrap_or_default();
    let node = is_node(device).then(|| permissions::offer_summary(&held));
    let words: Vec<String> = operator.into_iter().chain(node).collect();
    words.join("; ")
}

pub fn is_node(device: &PairedDevice) -> bool {
    device.role == Role::Node || device.roles.contains(&Role::Node)
}

/// Nothing it held is valid any more; it has to ask again.
pub fn is_revoked(device: &PairedDevice) -> bool {
    !device.tokens.is_empty() && device.tokens.iter().all(|token| token.revoked_at_ms.is_some())
}

/// The roles in which it holds a token that counts.
pub fn live_roles(device: &PairedDevice) -> Vec<Role> {
    device.tokens.iter().filter(|token| token.revoked_at_ms.is_none()).map(|token| token.role).collect()
}

/// On what grounds it is in.
pub fn approved(via: ApprovedVia) -> &'static str {
    match via {
        ApprovedVia::Owner => t("by the owner"),
        ApprovedVia::Bootstrap => t("by a one-time code"),
        ApprovedVia::Silent => t("by itself, on this machine"),
        ApprovedVia::TrustedCidr => t("by its address range"),
    }
}

/// The same with everything that is remembered of it.
pub fn approved_by(known: &Explanation) -> String {
    let by = known.approval.as_ref().and_then(|approval| approval.by.as_ref());
    match (known.device.approved_via, by) {
        (ApprovedVia::Owner, Some(Approver::Owner)) => t("by the owner, at the command line").to_owned(),
        (ApprovedVia::Owner, Some(Approver::Program)) => t("by a program with the gateway's secret").to_owned(),
        (ApprovedVia::Owner, Some(Approver::Device { device_id })) => {
            let short = || device_id.as_str().chars().take(8).collect::<String>();
            let name = known.approved_by_name.clone().unwrap_or_else(short);
            fill(t("by the owner, on {name}"), &[("name", &name)])
        }
        (via, _) => approved(via).to_owned(),
    }
}

/// From where it was seen last.
pub fn last_address(listed: &ListedDevice) -> String {
    let address = listed.last_seen_address.as_ref().or(listed.device.remote_ip.as_ref());
    address.cloned().unwrap_or_else(|| t("this machine").to_owned())
}

/// When it was let in first, and seen last.
pub fn seen(device: &PairedDevice, now_ms: u64) -> String {
    let first = ago(device.created_at_ms, now_ms);
    match device.last_seen_at_ms {
        Some(last_ms) => fill(t("first {first}, last {last}"), &[("first", &first), ("last", &ago(last_ms, now_ms))]),
        None => fill(t("let in {first}, never seen"), &[("first", &first)]),
    }
}

/// What is known of a token, each with its name.
pub fn token_facts(token: &TokenSummary, ends_at_ms: Option<u64>, now_ms: u64) -> Vec<(&'static str, String)> {
    let used = token.last_used_at_ms.map_or_else(|| t("never").to_owned(), |at_ms| ago(at_ms, now_ms));
    let mut facts = vec![(t("Created"), ago(token.created_at_ms, now_ms))];
    facts.extend(token.rotated_at_ms.map(|at_ms| (t("Renewed"), ago(at_ms, now_ms))));
    facts.push((t("Last used"), used));
    if let Some(at_ms) = token.revoked_at_ms {
        facts.push((t("Revoked"), ago(at_ms, now_ms)));
    } else {
        let end = ends_words(ends_at_ms, now_ms).unwrap_or_else(|| t("when it is revoked").to_owned());
        facts.push((t("Expires"), end));
    }
    facts
}

/// What a role's token allows, one sentence each, the riskiest first.
pub fn sentences(role: Role, scopes: &Scopes) -> Vec<permissions::Ask> {
    permissions::asks(role, scopes, &Scopes::default())
}

/// What to send along with a command that changes nothing on a node; `None` for every other command.
pub fn harmless(command: &str) -> Option<Value> {
    match command {
        "device.info" | "device.status" | "device.health" => Some(object([])),
        "system.which" => Some(object([("bins", Value::Array(vec!["sh".into()]))])),
        _ => None,
    }
}

/// Where the address of a page points to a device: `/devices#device-ID`.
pub fn device_in(fragment: &str) -> Option<DeviceId> {
    let id = fragment.trim_start_matches('#').strip_prefix("device-").filter(|id| !id.is_empty())?;
    Some(DeviceId::claimed(id))
}

#[cfg(test)]
mod tests;
