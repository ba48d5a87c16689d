//! On what terms a device is let in: how much of what it asks for, for how long, under which name. What is ticked and
//! what follows from it.

use protocol::method::Terms;
use protocol::pairing::{Known, PendingRequest};
use protocol::role::ADMIN;
use protocol::{Role, Scopes};

use crate::language::{fill, t};
use crate::time_words;

const HOUR_MS: u64 = 60 * 60 * 1000;
const DAY_MS: u64 = 24 * HOUR_MS;

/// How long an approval can be made to last, the longest first; 0 is until it is revoked.
pub const LENGTHS_MS: [u64; 4] = [0, 90 * DAY_MS, DAY_MS, HOUR_MS];

/// One right that a device asks for, as a box to tick.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Tickbox {
    pub scope: String,
    pub is_ticked: bool,
    /// Why it cannot be changed, if it cannot.
    pub fixed: Option<Fixed>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fixed {
    /// The device has it already; an approval takes nothing away.
    Held,
    /// Another one that is ticked is worth this one, too.
    Implied,
    /// Whoever approves does not hold it.
    NotYours,
}

/// Whether there is a choice: what a node asks for is approved as a whole.
pub fn can_choose(request: &PendingRequest) -> bool {
    !request.roles.contains(&Role::Node) && request.role != Role::Node && !request.scopes.is_empty()
}

/// The boxes of a request. `own` is what whoever approves may do.
pub fn boxes(request: &PendingRequest, terms: &Terms, own: &Scopes) -> Vec<Tickbox> {
    let held = held(request);
    let ticked = ticked(request, terms);
    let all = request.scopes.merged_with(&request.scopes.normalized());
    let boxed = |scope: &str| {
        let others: Scopes = ticked.iter().filter(|other| *other != scope).collect();
        let fixed = if held.allow(Role::Operator, scope) {
            Some(Fixed::Held)
        } else if !own.allow(Role::Operator, scope) {
            Some(Fixed::NotYours)
        } else {
            others.allow(Role::Operator, scope).then_some(Fixed::Implied)
        };
        let is_ticked = fixed != Some(Fixed::NotYours) && (fixed.is_some() || ticked.contains(scope));
        Tickbox { scope: scope.to_owned(), is_ticked, fixed }
    };
    all.iter().map(boxed).collect()
}

/// The terms after a box was ticked, or unticked.
pub fn tick(request: &PendingRequest, terms: &Terms, scope: &str, is_ticked: bool) -> Terms {
    let before = ticked(request, terms);
    let others = before.iter().filter(|other| *other != scope);
    let scopes: Scopes = others.chain(is_ticked.then_some(scope)).collect();
    with_scopes(request, terms, scopes)
}

/// The terms without what whoever approves cannot give.
pub fn within(request: &PendingRequest, terms: &Terms, own: &Scopes) -> Terms {
    let scopes = own.allowed_part(Role::Operator, &ticked(request, terms));
    with_scopes(request, terms, scopes)
}

fn with_scopes(request: &PendingRequest, terms: &Terms, scopes: Scopes) -> Terms {
    let is_all = scopes.allow_all(Role::Operator, &request.scopes);
    Terms { scopes: (!is_all).then_some(scopes), ..terms.clone() }
}

/// What is ticked: what was chosen, or all of it with what that implies.
fn ticked(request: &PendingRequest, terms: &Terms) -> Scopes {
    terms.scopes.clone().unwrap_or_else(|| request.scopes.merged_with(&request.scopes.normalized()))
}

fn held(request: &PendingRequest) -> Scopes {
    request.evidence.as_ref().map(|evidence| evidence.approved_scopes.clone()).unwrap_or_default()
}

/// What whoever approves on these terms has to hold.
pub fn required(request: &PendingRequest, terms: &Terms) -> Vec<String> {
    if request.roles.contains(&Role::Node) || request.role == Role::Node {
        // Nodes run commands, so letting one in takes full rights (wire.md §6.4).
        return vec![ADMIN.to_owned()];
    }
    // Nobody gives more than they hold.
    let granted = terms.scopes.as_ref().unwrap_or(&request.scopes);
    granted.iter().filter(|scope| scope.starts_with("operator.")).map(str::to_owned).collect()
}

/// Whether nothing would be left that the device may do.
pub fn is_nothing(terms: &Terms) -> bool {
    terms.scopes.as_ref().is_some_and(Scopes::is_empty)
}

/// What stands on the button that approves.
pub fn approve_words(terms: &Terms) -> String {
    match (terms.scopes.is_some(), terms.expires_in_ms.filter(|lasts_ms| *lasts_ms > 0)) {
        (false, None) => t("Approve").to_owned(),
        (true, None) => t("Approve this much").to_owned(),
        (false, Some(lasts_ms)) => fill(t("Approve for {time}"), &[("time", &length_words(lasts_ms))]),
        (true, Some(lasts_ms)) => fill(t("Approve this much for {time}"), &[("time", &length_words(lasts_ms))]),
    }
}

/// A length that can be chosen, in words.
pub fn length_words(lasts_ms: u64) -> String {
    match lasts_ms {
        0 => t("until revoked").to_owned(),
        HOUR_MS => t("1 hour").to_owned(),
        DAY_MS => t("1 day").to_owned(),
        _ => fill(t("{count} days"), &[("count", &(lasts_ms / DAY_MS).to_string())]),
    }
}

/// When the approval of a device ends that is in, in words; `None` if nobody has set an end.
pub fn ends_words(expires_at_ms: Option<u64>, now_ms: u64) -> Option<String> {
    let end_ms = expires_at_ms?;
    Some(if end_ms <= now_ms {
        fill(t("ended {time}"), &[("time", &time_words::ago(end_ms, now_ms))])
    } else {
        fill(t("ends in {time}"), &[("time", &time_words::span(end_ms - now_ms))])
    })
}

/// What a device says of itself now and said otherwise when it was let in: before and now.
pub fn differences(request: &PendingRequest, known: &Known) -> Vec<(String, String)> {
    let family = |family: &Option<String>| family.clone().unwrap_or_default();
    let pairs = [
        (known.platform.clone(), request.platform.clone()),
        (family(&known.device_family), family(&request.device_family)),
        (client_kind(&known.client_id), client_kind(&request.client_id)),
    ];
    pairs.into_iter().filter(|(before, now)| before != now && !before.is_empty() && !now.is_empty()).collect()
}

fn client_kind(client_id: &str) -> String {
    protocol::pairing::client_kind(client_id).to_owned()
}

/// The roles that the approval would add.
pub fn new_roles(request: &PendingRequest, known: &Known) -> Vec<Role> {
    request.roles.iter().copied().filter(|role| !known.roles.contains(role)).collect()
}

#[cfg(test)]
mod tests;
