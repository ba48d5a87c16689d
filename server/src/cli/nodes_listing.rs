//! Nodes as people read them. Everything that a node says of itself is made harmless here.

use protocol::DeviceId;
use protocol::node::{ApprovalState, NodeList, NodePairingList, NodeView, PendingNode, Surface, describe_command};
use protocol::role::Risk;

use super::output::{ago, count, heading, shown, table};

/// Both lists, those that wait first. `approve` is the command that approves, without its id. `hidden` is how many
/// more wait that the caller is not shown.
pub fn both(pairings: &NodePairingList, nodes_now: &NodeList, approve: &str, hidden: usize) -> String {
    let more = if hidden == 0 { String::new() } else { format!(", and {hidden} shown only to admins") };
    let mut parts = vec![heading(&format!("Pending ({}{more})", pairings.pending.len()))];
    if !pairings.pending.is_empty() {
        parts.push(pending(&pairings.pending, nodes_now.ts, approve));
    }
    parts.push(format!("\n{}", heading(&format!("Nodes ({})", nodes_now.nodes.len()))));
    if !nodes_now.nodes.is_empty() {
        parts.push(format!("\n{}", nodes(nodes_now)));
    }
    parts.join("\n")
}

/// Every offer that waits, in full.
pub fn pending(waiting: &[PendingNode], now_ms: u64, approve: &str) -> String {
    let card = |one: &PendingNode| {
        let lines = request(one, now_ms).join("\n  ");
        format!("\n  {lines}\n    approve      {approve} {}", shown(&one.request_id))
    };
    waiting.iter().map(card).collect::<Vec<_>>().join("\n")
}

/// An offer in full: who, and everything that the gateway could then do there.
pub fn request(waiting: &PendingNode, now_ms: u64) -> Vec<String> {
    let mut lines = vec![format!("{}, asked {}", name_of(waiting), ago(now_ms, waiting.ts))];
    let mut add = |name: &str, value: String| lines.push(format!("  {name:11}  {value}"));
    add("request", shown(&waiting.request_id));
    add("node", format!("{}, {} on {}", short(&waiting.node_id), shown(&waiting.client_id), shown(&waiting.platform)));
    add("from", waiting.remote_ip.as_deref().map_or("this machine".to_owned(), shown));
    lines.push("  The gateway could then:".to_owned());
    lines.extend(powers(&waiting.surface));
    lines
}

/// Every command, and what it lets the gateway do.
fn powers(surface: &Surface) -> Vec<String> {
    if surface.commands.is_empty() {
        return vec!["    do nothing there; it offers no commands".to_owned()];
    }
    let rows = surface.commands.iter().map(|command| {
        let (words, risk) = describe_command(command);
        let mark = match risk {
            Risk::High => "!",
            Risk::Medium | Risk::Low => " ",
        };
        vec![format!("  {mark}"), shown(command), words.to_owned()]
    });
    table(&rows.collect::<Vec<_>>()).lines().map(str::to_owned).collect()
}

/// What may be used now, on one line.
pub fn in_words(surface: &Surface) -> String {
    if surface.commands.is_empty() {
        return "it offers nothing".to_owned();
    }
    surface.commands.iter().map(|command| shown(command)).collect::<Vec<_>>().join(", ")
}

/// The nodes in a table.
pub fn nodes(list: &NodeList) -> String {
    if list.nodes.is_empty() {
        return "No nodes. A machine becomes one with `openclaw node run`.".to_owned();
    }
    let heads = ["NODE", "NAME", "PLATFORM", "STATE", "OFFER", "COMMANDS"].map(str::to_owned).to_vec();
    let row = |node: &NodeView| {
        vec![
            short(&node.node_id),
            shown_name(node),
            shown(&node.platform),
            state(node, list.ts),
            approval(node.approval_state).to_owned(),
            in_words(&node.surface),
        ]
    };
    table(&std::iter::once(heads).chain(list.nodes.iter().map(row)).collect::<Vec<_>>())
}

/// One node in full.
pub fn node(node: &NodeView, now_ms: u64, approve: &str) -> Vec<String> {
    let mut lines = vec![shown_name(node)];
    let mut add = |name: &str, value: String| lines.push(format!("  {name:10}  {value}"));
    add("node", shown(node.node_id.as_str()));
    add("state", state(node, now_ms));
    add("program", format!("{} {}", shown(&node.client_id), node.version.as_deref().map(shown).unwrap_or_default()));
    add("platform", shown(&node.platform));
    add("from", node.remote_ip.as_deref().map_or("this machine".to_owned(), shown));
    add("offer", approval(node.approval_state).to_owned());
    if let Some(stats) = &node.host_stats {
        let gigabytes = |bytes: u64| bytes / 1_000_000_000;
        add(
            "machine",
            format!(
                "{}, load {:.2}, {} of {} GB memory free",
                count(stats.cpu_count as usize, "processor"),
                stats.load_average[0],
                gigabytes(stats.memory_free_bytes),
                gigabytes(stats.memory_total_bytes)
            ),
        );
    }
    lines.push("  The gateway can:".to_owned());
    lines.extend(powers(&node.surface));
    if let Some(declared) = &node.pending_declared_commands {
        lines.push("  Waiting for approval:".to_owned());
        lines.extend(powers(&Surface { commands: declared.clone(), ..Surface::default() }));
    }
    if let Some(id) = &node.pending_request_id {
        lines.push(format!("  approve     {approve} {}", shown(id)));
    }
    lines
}

fn state(node: &NodeView, now_ms: u64) -> String {
    match (node.connected, node.last_seen_at_ms.or(node.last_connected_at_ms)) {
        (true, _) => "connected".to_owned(),
        (false, Some(then)) => format!("away, seen {}", ago(now_ms, then)),
        (false, None) => "never connected".to_owned(),
    }
}

fn approval(state: ApprovalState) -> &'static str {
    match state {
        ApprovalState::Approved => "approved",
        ApprovalState::PendingApproval => "waits",
        ApprovalState::PendingReapproval => "more waits",
    }
}

/// What people call a node.
pub fn shown_name(node: &NodeView) -> String {
    node.display_name.as_deref().map_or_else(|| short(&node.node_id), shown)
}

/// What people call a node that waits.
pub fn name_of(waiting: &PendingNode) -> String {
    waiting.display_name.as_deref().map_or_else(|| short(&waiting.node_id), shown)
}

/// As much of an id as a person needs to point at a node.
pub fn short(id: &DeviceId) -> String {
    shown(&id.as_str().chars().take(12).collect::<String>())
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn waiting(name: &str, commands: &[&str]) -> PendingNode {
        serde_json::from_value(json!({
            "requestId": "8f4d6985-4409", "nodeId": "a9b91153aaaabbbbcccc", "clientId": "node-host",
            "clientMode": "node", "displayName": name, "platform": "linux", "version": "1", "caps": [],
            "commands": commands, "requiredApproveScopes": [], "ts": 60_000,
        }))
        .unwrap()
    }

    #[test]
    fn an_offer_is_shown_whole_and_says_what_it_means() {
        let many: Vec<String> = (0..40).map(|number| format!("odd.command{number}")).collect();
        let mut commands: Vec<&str> = many.iter().map(String::as_str).collect();
        commands.extend(["system.run", "system.which"]);
        let text = pending(&[waiting("Box", &commands)], 180_000, "openclaw nodes approve");
        for command in &commands {
            assert!(text.contains(command), "{command}: {text}");
        }
        assert!(text.contains("!  system.run") && text.contains("Run programs there"), "{text}");
        assert!(text.ends_with("approve      openclaw nodes approve 8f4d6985-4409"), "{text}");
    }

    #[test]
    fn nothing_a_node_chose_can_break_out_of_its_line() {
        for field in ["Box\n    approve      openclaw nodes approve evil", "\u{1b}[1A\u{1b}[2K"] {
            let mut node = waiting(field, &[field]);
            node.platform = field.to_owned();
            let text = pending(&[node], 0, "openclaw nodes approve");
            assert!(!text.contains('\u{1b}') && text.matches("\n    approve ").count() == 1, "{text}");
        }
    }
}
