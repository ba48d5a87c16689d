//! `openclaw devices explain`: a device or a request in whole sentences.

use std::process::ExitCode;

use protocol::Method;
use protocol::method::{BlockedList, DeviceRef};
use protocol::pairing::{
    Approval, ApprovedVia, Approver, BlockedDevice, Explanation, LiveConnection, Network, PairedDevice, PendingRequest,
};
use protocol::role::describe_scope;
use serde::Serialize;

use super::super::args::ExplainArgs;
use super::super::output::{Failure, ago, ahead, count, data, duration, json as print_json, long, shown};
use super::super::select::{self, Choice};
use super::super::target::fingerprint_line;
use super::super::{Outcome, listing, nodes_listing};
use super::desk::Desk;
use crate::clock::rfc3339_seconds;
use crate::config::Environment;

/// What there is to know; for scripts.
#[derive(Debug, Default, Serialize)]
struct Found<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    device: Option<Explanation>,
    #[serde(skip_serializing_if = "Option::is_none")]
    request: Option<&'a PendingRequest>,
    #[serde(skip_serializing_if = "Option::is_none")]
    blocked: Option<BlockedDevice>,
}

pub async fn run(args: &ExplainArgs, env: &Environment) -> Outcome {
    let text = args.id.as_str();
    let is_shown =
        |list: &_| select::device(list, text) != Choice::Nothing || select::request(list, text) != Choice::Nothing;
    let desk = Desk::visit_for(&args.target, env, is_shown).await?;
    let found = find(&desk, text).await?;
    if args.format.json {
        print_json(&found);
    } else {
        data(&found.sentences(&desk).join("\n"));
    }
    Ok(ExitCode::SUCCESS)
}

async fn find<'a>(desk: &'a Desk, text: &str) -> Result<Found<'a>, Failure> {
    let line = |request: &_| listing::request_line(request, desk.now_ms);
    let request = select::request(&desk.list, text).one(text, "requests", line, "use more of the id")?;
    let device = match request {
        // What a device asks for and what it has belong together.
        Some(request) => desk.list.paired.iter().find(|device| device.device_id == request.device_id),
        None => select::device(&desk.list, text).one(text, "devices", listing::device_line, "use more of the id")?,
    };
    let asks_for = |device: &PairedDevice| desk.list.pending.iter().find(|r| r.device_id == device.device_id);
    let request = request.or_else(|| device.and_then(asks_for));
    if let Some(device) = device {
        let params = DeviceRef { device_id: device.device_id.clone() };
        let device = Some(desk.target.decide(Method::DevicePairExplain, params).await?);
        return Ok(Found { device, request, blocked: None });
    }
    if request.is_some() {
        return Ok(Found { request, ..Found::default() });
    }
    let list: BlockedList = desk.target.decide(Method::DevicePairBlocked, ()).await?;
    match select::blocked(&list, text) {
        Choice::One(blocked) => Ok(Found { blocked: Some(blocked.clone()), ..Found::default() }),
        Choice::Nothing | Choice::Several(_) => {
            let all = desk.list.pending.iter().map(line).chain(desk.list.paired.iter().map(listing::device_line));
            Err(Failure::new(format!(
                "Nothing goes by `{}`: no request, no paired device, no blocked one.",
                shown(text)
            ))
            .list(all)
            .hint("use an id from `openclaw devices list` or `openclaw devices blocked`"))
        }
    }
}

impl Found<'_> {
    fn sentences(&self, desk: &Desk) -> Vec<String> {
        let now_ms = desk.now_ms;
        let mut lines = self.device.as_ref().map(|device| device_sentences(device, now_ms)).unwrap_or_default();
        if let Some(request) = self.request {
            let commands = ["approve", "reject"]
                .map(|verb| desk.target.command(&format!("devices {verb} {}", shown(&request.request_id))));
            lines.extend(request_sentences(request, now_ms, &commands));
        }
        if let Some(blocked) = &self.blocked {
            let undo = desk.target.command(&format!("devices unblock {}", listing::short(&blocked.device_id)));
            lines.extend(blocked_sentences(blocked, now_ms, &undo));
        }
        lines
    }
}

/// A moment as people say it and as it is written down.
fn when(now_ms: u64, then_ms: u64) -> String {
    format!("{} ({})", ago(now_ms, then_ms), rfc3339_seconds(then_ms))
}

fn device_sentences(found: &Explanation, now_ms: u64) -> Vec<String> {
    let device = &found.device;
    let name = shown(&device.shown_name());
    let roles: Vec<&str> = device.roles.iter().map(|role| role.as_str()).collect();
    let mut lines = vec![
        format!("{name} is paired as {}.", roles.join(" and ")),
        format!("Its id is {}.", long(device.device_id.as_str())),
    ];
    lines.extend(device.fingerprint().map(|print| format!("Its fingerprint is {}.", fingerprint_line(&print))));
    lines.push(format!(
        "It says that it is {} on {}.",
        shown(&device.client_id),
        device.platform.as_deref().map_or("an unknown system".to_owned(), shown)
    ));
    lines.push(why(found, now_ms));
    lines.extend(found.approval.as_ref().map(evidence));
    lines.extend(powers(device, now_ms));
    lines.extend(presence(found, now_ms));
    lines.extend(as_node(device));
    lines
}

/// On whose word it is in.
fn why(found: &Explanation, now_ms: u64) -> String {
    let at = when(now_ms, found.device.approved_at_ms);
    let by = found.approval.as_ref().and_then(|approval| approval.by.as_ref());
    match (by, found.device.approved_via) {
        (Some(Approver::Owner), _) => {
            format!("The owner approved it at the command line of the gateway's machine, {at}.")
        }
        (Some(Approver::Program), _) => format!("A program with the gateway's token or password approved it, {at}."),
        (Some(Approver::Device { device_id }), _) => {
            let name = found.approved_by_name.as_deref().map_or("a device that is gone".to_owned(), shown);
            format!("It was approved from {name} ({}), {at}.", listing::short(device_id))
        }
        (None, ApprovedVia::Owner) => format!("A person approved it, {at}; from where was not written down."),
        (None, ApprovedVia::Bootstrap) => {
            format!("It came in with a one-time code that was made for it (a link, a QR code or a join URL), {at}.")
        }
        (None, ApprovedVia::Silent) => format!(
            "Nobody was asked: it came from the gateway's own machine with the gateway's token or password, {at}."
        ),
        (None, ApprovedVia::TrustedCidr) => {
            format!("Nobody was asked: gateway.nodes.pairing.autoApproveCidrs lists the address it came from, {at}.")
        }
    }
}

fn evidence(approval: &Approval) -> String {
    let origin = &approval.origin;
    let lock = if origin.encrypted { "encrypted" } else { "not encrypted" };
    let secret = if approval.has_secret {
        "had shown the gateway's token, password or a code"
    } else {
        "had shown no token and no password, only its key"
    };
    format!(
        "It then asked from {} ({}, {lock}) and {secret}; the reason was: {}.",
        shown(&origin.address),
        listing::network(origin.network, &origin.resolved),
        approval.reason.message()
    )
}

fn powers(device: &PairedDevice, now_ms: u64) -> Vec<String> {
    let mut lines = vec![match (device.scopes.is_empty(), device.has_ended(now_ms)) {
        (true, _) => "It holds no scopes.".to_owned(),
        (false, true) => "It was allowed:".to_owned(),
        (false, false) => "It may:".to_owned(),
    }];
    lines.extend(device.scopes.iter().map(|scope| format!("  {}  ({})", describe_scope(scope).0, shown(scope))));
    if !device.withheld_scopes.is_empty() {
        let left_out = listing::scopes(&device.withheld_scopes);
        lines.push(format!("Whoever approved it left out what it asked for besides: {left_out}."));
    }
    match device.expires_at_ms {
        Some(end_ms) if device.has_ended(now_ms) => {
            lines.push(format!("Its time was up {}; it has to ask again.", when(now_ms, end_ms)));
            return lines;
        }
        Some(end_ms) => lines.push(format!("That ends {} ({}).", ahead(now_ms, end_ms), rfc3339_seconds(end_ms))),
        None => {}
    }
    for token in &device.tokens {
        if let Some(revoked) = token.revoked_at_ms {
            let role = token.role;
            lines.push(format!(
                "Its token as {role} was taken away {}; as {role} it has to be approved again.",
                when(now_ms, revoked)
            ));
        }
    }
    lines
}

fn presence(found: &Explanation, now_ms: u64) -> Vec<String> {
    if !found.connections.is_empty() {
        let mut lines = vec![format!("It is connected now, {}:", count(found.connections.len(), "connection"))];
        lines.extend(found.connections.iter().map(|connection| format!("  {}", connection_line(connection, now_ms))));
        return lines;
    }
    let device = &found.device;
    let Some(seen) = device.last_seen_at_ms else {
        return vec!["It is not connected, and has not been since it was approved.".to_owned()];
    };
    let from = found.last_seen_address.as_deref().map(|address| format!(" from {}", shown(address)));
    let did = device.last_seen_reason.as_deref().map(|reason| format!("; the last thing it did: {}", shown(reason)));
    vec![format!(
        "It is not connected. It was last seen {}{}{}.",
        when(now_ms, seen),
        from.unwrap_or_default(),
        did.unwrap_or_default()
    )]
}

fn connection_line(connection: &LiveConnection, now_ms: u64) -> String {
    let network = match connection.network {
        Network::ThisMachine => "this machine".to_owned(),
        Network::Lan | Network::Tailnet | Network::Public => {
            format!("{}, {}", shown(&connection.address), connection.network.label())
        }
    };
    let lock = if connection.encrypted { "encrypted" } else { "not encrypted" };
    let page = connection.page.as_deref().map(|page| format!(", page {}", long(page))).unwrap_or_default();
    format!(
        "as {} from {network} ({lock}){page}, for {}, version {}",
        connection.role,
        duration(now_ms.saturating_sub(connection.connected_at_ms) / 1000),
        shown(&connection.version)
    )
}

fn as_node(device: &PairedDevice) -> Vec<String> {
    let mut lines = Vec::new();
    if let Some(approved) = &device.node_surface {
        lines.push(format!("As a node the gateway may use of it: {}.", nodes_listing::in_words(&approved.surface)));
    }
    if let Some(waiting) = &device.pending_node_surface {
        let id = shown(&waiting.request_id);
        let offer = nodes_listing::in_words(&waiting.surface);
        lines.push(format!(
            "As a node it offers, and nobody has approved yet: {offer}; see `openclaw nodes approve {id}`."
        ));
    }
    lines
}

fn request_sentences(request: &PendingRequest, now_ms: u64, [approve, reject]: &[String; 2]) -> Vec<String> {
    let mut lines = vec!["A request waits:".to_owned()];
    lines.extend(listing::request(request, now_ms).iter().map(|line| format!("  {line}")));
    if let Some(seen) = &request.evidence {
        let times = if seen.attempts == 1 { "once".to_owned() } else { count(seen.attempts as usize, "time") };
        lines.push(format!("It waits because: {}. It asked {times}.", seen.reason.message()));
    }
    lines.push("If you approve it, it may:".to_owned());
    lines.extend(request.scopes.iter().map(|scope| format!("  {}  ({})", describe_scope(scope).0, shown(scope))));
    if let Some(offer) = request.evidence.as_ref().and_then(|seen| seen.node.as_ref()) {
        lines.push(format!("  be used as a node: {}", nodes_listing::in_words(&offer.surface)));
    }
    lines.push(format!("Approve it with `{approve}`, or turn it away with `{reject}`."));
    lines
}

fn blocked_sentences(blocked: &BlockedDevice, now_ms: u64, undo: &str) -> Vec<String> {
    let name = blocked.name.as_deref().map_or_else(|| listing::short(&blocked.device_id), shown);
    let mut lines =
        vec![format!("{name} is blocked since {}; what it asks is refused.", when(now_ms, blocked.blocked_at_ms))];
    if let Some(address) = &blocked.address {
        lines.push(format!("New devices from {} stay out too.", shown(address)));
    }
    if let Some(last_at_ms) = blocked.last_knock_at_ms {
        let times = count(usize::try_from(blocked.knocks).unwrap_or(usize::MAX), "time");
        lines.push(format!("It was turned away {times} since, the last time {}.", when(now_ms, last_at_ms)));
    }
    lines.push(format!("`{undo}` lets it ask again."));
    lines
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::super::super::select::tests::sample;
    use super::*;

    fn explained(more: &serde_json::Value) -> Explanation {
        let mut value = json!({"device": sample().paired[2], "connections": []});
        for (key, part) in more.as_object().unwrap() {
            value[key] = part.clone();
        }
        serde_json::from_value(value).unwrap()
    }

    fn approval(by: &serde_json::Value) -> serde_json::Value {
        let origin = json!({"address": "192.0.2.2", "network": "lan", "resolved": "directly", "encrypted": true});
        json!({"approval": {"by": by, "reason": "not-paired", "hasSecret": false, "origin": origin}})
    }

    #[track_caller]
    fn check(found: &Explanation, expected: &str) {
        let text = device_sentences(found, 180_000).join("\n");
        assert!(text.contains(expected), "{expected}\n--\n{text}");
    }

    #[test]
    fn it_says_on_whose_word_and_on_what_evidence() {
        let owner = explained(&approval(&json!({"kind": "owner"})));
        check(&owner, "Laptop is paired as operator.");
        check(
            &owner,
            "The owner approved it at the command line of the gateway's machine, 2 min ago (1970-01-01T00:00:00Z).",
        );
        check(&owner, "asked from 192.0.2.2 (LAN, directly, encrypted) and had shown no token");
        let device = explained(&approval(&json!({"kind": "device", "deviceId": "be9db4f8b04636fa392d"})));
        check(&device, "It was approved from a device that is gone (be9db4f8b046), 2 min ago");
        check(&explained(&json!({})), "A person approved it, 2 min ago");
        let mut code = explained(&approval(&json!(null)));
        code.device.approved_via = ApprovedVia::Bootstrap;
        check(&code, "It came in with a one-time code");
    }

    #[test]
    fn it_says_what_it_may_do_and_where_it_was() {
        let found = explained(&json!({"lastSeenAddress": "192.0.2.9"}));
        check(&found, "It may:\n  See devices, status and logs  (operator.read)");
        check(&found, "It was last seen 2 min ago (1970-01-01T00:01:00Z) from 192.0.2.9.");
        let connection = json!({
            "role": "operator", "scopes": [], "version": "1", "address": "192.0.2.2", "network": "lan",
            "encrypted": true, "connectedAtMs": 60_000,
        });
        let live = explained(&json!({"connections": [connection]}));
        check(
            &live,
            "It is connected now, 1 connection:\n  as operator from 192.0.2.2, LAN (encrypted), for 2 min, version 1",
        );
    }

    #[test]
    fn it_says_when_it_ends_and_what_was_left_out() {
        let mut found = explained(&json!({}));
        found.device.withheld_scopes = ["operator.admin"].into();
        found.device.expires_at_ms = Some(240_000);
        check(&found, "Whoever approved it left out what it asked for besides: operator.admin.");
        check(&found, "That ends in 1 min (1970-01-01T00:04:00Z).");
        found.device.expires_at_ms = Some(120_000);
        check(&found, "It was allowed:\n");
        check(&found, "Its time was up 1 min ago (1970-01-01T00:02:00Z); it has to ask again.");
    }

    #[test]
    fn nothing_a_device_chose_breaks_out_of_its_line() {
        let mut found = explained(&json!({"lastSeenAddress": "\u{1b}[2J\nx"}));
        found.device.display_name = Some("\u{1b}[2J\nIt may: everything".to_owned());
        found.device.last_seen_reason = Some("\u{1b}[2J\nIt may: everything".to_owned());
        let text = device_sentences(&found, 180_000).join("\n");
        assert!(!text.contains('\u{1b}') && !text.contains("\nIt may: everything"), "{text}");
    }
}
