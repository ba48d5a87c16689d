//! Prints the table of refusals for `docs/protocol.md`: `cargo run -p protocol --example refusals`.

use protocol::Refusal;

#[expect(clippy::print_stdout, reason = "printing is what this program is for")]
fn main() {
    print!("{}", table());
}

/// One line for each refusal: what is on the wire, and what a person reads.
pub fn table() -> String {
    let mut lines = vec![
        "| code | details.code, reason | message | close | what it means, and what to do |".to_owned(),
        "|---|---|---|---|---|".to_owned(),
    ];
    for refusal in Refusal::examples() {
        let details = refusal.details().unwrap_or_default();
        let word = |key: &str| details.get(key).and_then(|value| value.as_str()).unwrap_or_default().to_owned();
        let reason = [word("reason"), word("authReason")].into_iter().find(|reason| !reason.is_empty());
        let detail = [Some(word("code")), reason].into_iter().flatten().filter(|w| !w.is_empty()).collect::<Vec<_>>();
        let close = match refusal.close() {
            Some(close) => close.code.to_string(),
            None if matches!(refusal.http_status(), 403 | 503) => format!("HTTP {}", refusal.http_status()),
            None => "stays open".to_owned(),
        };
        let code = if refusal.wire_error().is_some() { refusal.code() } else { "no answer" };
        let advice = refusal.advice();
        lines.push(format!(
            "| {code} | {} | {} | {close} | {} {} |",
            detail.join(", "),
            refusal.message(),
            advice.sentence,
            advice.next_step
        ));
    }
    lines.join("\n") + "\n"
}
