//! Requests and devices as people read them. Everything that a device says of itself is made harmless here.

use protocol::pairing::{Evidence, Network, PairedDevice, PairingList, PendingRequest};
use protocol::{DeviceId, Role, Scopes};

use super::output::{ago, ahead, heading, long, shown, table};
use super::target::fingerprint_line;

/// Both lists, those that wait first. `approve` is the command that approves, without its id.
pub fn both(list: &PairingList, now_ms: u64, approve: &str) -> String {
    let mut parts = vec![heading(&format!("Pending ({})", list.pending.len()))];
    parts.extend(list.pending.iter().map(|waiting| {
        let card = request(waiting, now_ms).join("\n  ");
        format!("\n  {card}\n    approve      {approve} {}", shown(&waiting.request_id))
    }));
    parts.push(format!("\n{}", heading(&format!("Paired ({})", list.paired.len()))));
    if !list.paired.is_empty() {
        parts.push(format!("\n{}", devices(&list.paired, now_ms)));
    }
    parts.join("\n")
}

/// A request in full: who, where from, what for, and the proof to compare.
pub fn request(waiting: &PendingRequest, now_ms: u64) -> Vec<String> {
    let evidence = waiting.evidence.as_ref();
    let expires = evidence.map(|seen| format!(", expires {}", ahead(now_ms, seen.expires_at_ms)));
    let mut lines = vec![format!(
        "{}, asked {}{}",
        shown(&waiting.shown_name()),
        ago(now_ms, waiting.ts),
        expires.unwrap_or_default()
    )];
    let mut add = |name: &str, value: String| lines.push(format!("  {name:11}  {value}"));
    add("request", shown(&waiting.request_id));
    add(
        "device",
        format!(
            "{}, claims to be {} on {}",
            short(&waiting.device_id),
            shown(&waiting.client_id),
            shown(&waiting.platform)
        ),
    );
    add("from", origin(waiting));
    let roles: Vec<&str> = waiting.roles.iter().map(|role| role.as_str()).collect();
    add("role", roles.join(", "));
    add("asks for", scopes(&waiting.scopes));
    add("approved", approved(waiting.is_repair, evidence, now_ms));
    if let Some(print) = waiting.fingerprint() {
        add("fingerprint", fingerprint_line(&print));
    }
    if evidence.is_some_and(|seen| !seen.has_secret) {
        add("note", "it showed no token or password".to_owned());
    }
    lines
}

/// A request on one line, to tell it from others.
pub fn request_line(waiting: &PendingRequest, now_ms: u64) -> String {
    let from = waiting.remote_ip.as_deref().map_or("this machine".to_owned(), shown);
    format!(
        "{}  {}, from {from}, asked {}",
        shown(&waiting.request_id),
        shown(&waiting.shown_name()),
        ago(now_ms, waiting.ts)
    )
}

/// A request's fingerprint in words, to compare.
pub fn fingerprint_words(waiting: &PendingRequest) -> String {
    let words = waiting.fingerprint().map(|print| print.words.join("-")).unwrap_or_default();
    format!("{words}  {}", shown(&waiting.shown_name()))
}

/// A device on one line, to tell it from others.
pub fn device_line(device: &PairedDevice) -> String {
    format!("{}  {}", short(&device.device_id), shown(&device.shown_name()))
}

fn origin(waiting: &PendingRequest) -> String {
    let Some(Evidence { origin, .. }) = &waiting.evidence else {
        return waiting.remote_ip.as_deref().map_or("this machine".to_owned(), shown);
    };
    let page = origin.page.as_deref().map(|page| format!(", page {}", long(page))).unwrap_or_default();
    let lock = if origin.encrypted { "encrypted" } else { "not encrypted" };
    format!("{} ({}, {lock}){page}", shown(&origin.address), network(origin.network, &origin.resolved))
}

/// Where a device is and how that is known, told once where both are the same.
pub fn network(network: Network, resolved: &str) -> String {
    let label = network.label();
    if resolved.to_lowercase().ends_with(&label.to_lowercase()) {
        return long(resolved);
    }
    format!("{label}, {}", long(resolved))
}

fn approved(was_paired: bool, evidence: Option<&Evidence>, now_ms: u64) -> String {
    let ends = evidence.and_then(|seen| seen.known.as_ref()?.expires_at_ms);
    match (evidence, ends) {
        (_, Some(end_ms)) if end_ms <= now_ms => format!("it was allowed until {}", ago(now_ms, end_ms)),
        (Some(seen), Some(end_ms)) if !seen.approved_scopes.is_empty() => {
            format!("{}, ends {}", scopes(&seen.approved_scopes), ahead(now_ms, end_ms))
        }
        (Some(seen), None) if !seen.approved_scopes.is_empty() => scopes(&seen.approved_scopes),
        (Some(_) | None, _) if was_paired => "paired before".to_owned(),
        (Some(_) | None, _) => "nothing yet".to_owned(),
    }
}

pub fn scopes(scopes: &Scopes) -> String {
    let names: Vec<String> = scopes.iter().map(shown).collect();
    if names.is_empty() { "no scopes".to_owned() } else { names.join(", ") }
}

fn devices(paired: &[PairedDevice], now_ms: u64) -> String {
    // Most devices are let in until they are revoked; a column that says so of all of them says nothing.
    let has_ends = paired.iter().any(|device| device.expires_at_ms.is_some());
    let ends_head = has_ends.then_some("ENDS");
    let heads = ["DEVICE", "NAME", "ROLE", "LAST SEEN", "ADDRESS"].into_iter().chain(ends_head).chain(["SCOPES"]);
    let heads = heads.map(str::to_owned).collect();
    let row = |device: &PairedDevice| {
        let roles: Vec<String> = device.roles.iter().map(|role| held(device, *role)).collect();
        let seen = match (device.connected, device.last_seen_at_ms) {
            (Some(true), _) => "connected".to_owned(),
            (Some(false) | None, Some(then)) => ago(now_ms, then),
            (Some(false) | None, None) => "never".to_owned(),
        };
        let mut cells = vec![
            short(&device.device_id),
            shown(&device.shown_name()),
            roles.join("+"),
            seen,
            device.remote_ip.as_deref().map_or("this machine".to_owned(), shown),
        ];
        if has_ends {
            cells.push(device.expires_at_ms.map_or_else(String::new, |end_ms| ends(now_ms, end_ms)));
        }
        cells.push(scopes(&device.scopes));
        cells
    };
    table(&std::iter::once(heads).chain(paired.iter().map(row)).collect::<Vec<_>>())
}

/// When an approval ends or ended.
pub fn ends(now_ms: u64, end_ms: u64) -> String {
    if end_ms <= now_ms { format!("ended {}", ago(now_ms, end_ms)) } else { ahead(now_ms, end_ms) }
}

/// A role, and whether its token still opens the door: after `openclaw panic` the record stays, the token does not.
fn held(device: &PairedDevice, role: Role) -> String {
    let is_revoked = device.tokens.iter().any(|token| token.role == role && token.revoked_at_ms.is_some());
    if is_revoked { format!("{role} (revoked)") } else { role.to_string() }
}

/// As much of an id as a person needs to point at a device.
pub fn short(id: &DeviceId) -> String {
    shown(&id.as_str().chars().take(12).collect::<String>())
}

#[cfg(test)]
mod tests {
    use super::super::select::tests::sample;
    use super::super::style::{BOLD, PLAIN};
    use super::*;

    #[test]
    fn the_list_shows_who_waits_and_how_to_approve_first() {
        let text = both(&sample(), 180_000, "openclaw devices approve").replace([BOLD, PLAIN], "");
        let expected = "Pending (2)

  Phone, asked 2 min ago
    request      a1ba6ee7-ebe6-4d46
    device       72cd6e8422c4, claims to be openclaw-android on android
    from         192.0.2.2
    role         operator
    asks for     operator.read, operator.write
    approved     nothing yet
    fingerprint  ";
        assert!(text.starts_with(expected), "{text}");
        assert!(text.contains("    approve      openclaw devices approve a1ba6ee7-ebe6-4d46\n"), "{text}");
        assert!(
            text.contains("\nPaired (3)\n\nDEVICE        NAME    ROLE      LAST SEEN  ADDRESS       SCOPES\n"),
            "{text}"
        );
        assert!(text.contains("  Laptop  operator  connected  this machine  operator.read"), "{text}");
    }

    #[test]
    fn the_list_says_when_an_approval_ends() {
        let mut list = sample();
        list.paired[0].expires_at_ms = Some(120_000);
        list.paired[1].expires_at_ms = Some(3_780_000);
        let text = both(&list, 180_000, "openclaw devices approve");
        assert!(text.contains("ADDRESS       ENDS             SCOPES"), "{text}");
        assert!(text.contains("this machine  ended 1 min ago  operator.read"), "{text}");
        assert!(text.contains("this machine  in 1 h           operator.read"), "{text}");
    }

    #[test]
    fn evidence_tells_where_from_what_is_new_and_how_long() {
        let mut waiting = sample().pending.remove(0);
        waiting.evidence = serde_json::from_value(serde_json::json!({
            "digest": "d", "reason": "scope-upgrade", "expiresAtMs": 420_000, "attempts": 2, "hasSecret": false,
            "origin": {"address": "192.0.2.2", "network": "lan", "resolved": "through the trusted proxy 10.0.0.2", "encrypted": true},
            "approvedScopes": ["operator.read"],
        }))
        .unwrap();
        let text = request(&waiting, 180_000).join("\n");
        assert!(text.starts_with("Phone, asked 2 min ago, expires in 4 min\n"), "{text}");
        assert!(text.contains("192.0.2.2 (LAN, through the trusted proxy 10.0.0.2, encrypted)"), "{text}");
        assert!(text.contains("approved     operator.read\n"), "{text}");
        assert_eq!(network(Network::ThisMachine, "on this machine"), "on this machine");
        assert!(text.contains("it showed no token or password"), "{text}");
    }

    #[test]
    fn nothing_a_device_chose_can_break_out_of_its_line() {
        let mut list = sample();
        for field in ["Phone\n  approve  openclaw devices approve evil", "\u{1b}[1A\u{1b}[2K"] {
            list.pending[0].display_name = Some(field.to_owned());
            list.pending[0].platform = field.to_owned();
            list.pending[0].scopes = Scopes::from([field]);
            list.paired[0].display_name = Some(field.to_owned());
            let text = both(&list, 0, "openclaw devices approve");
            assert!(!text.contains('\u{1b}') && !text.contains("\n  approve  "), "{text}");
        }
    }
}
