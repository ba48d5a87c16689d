//! Text that somebody else chose, made safe to show, and remarks made sentences.

use protocol::plain::is_harmful;
use serde::Serialize;

use super::style::is_style;

/// Names longer than this are cut, in characters.
const MAX_SHOWN: usize = 48;

/// A technical remark as a sentence. A file's name or a setting's stays as it is at the beginning, too.
pub fn sentence(remark: &str) -> String {
    let remark = long(remark);
    let is_word = remark.split(' ').next().is_some_and(|first| first.chars().all(|c| c.is_alphabetic() || c == ','));
    let mut letters = remark.chars();
    let first = letters.next().map(|letter| if is_word { letter.to_uppercase().to_string() } else { letter.into() });
    let stop = if remark.ends_with('.') { "" } else { "." };
    format!("{}{}{stop}", first.unwrap_or_default(), letters.as_str())
}

/// Text that a device or a stranger chose, safe to show on a line: no control characters, no tricks with
/// the direction of writing, not too long.
pub fn shown(text: &str) -> String {
    let mut shown = one_line(text);
    if let Some((end, _)) = shown.char_indices().nth(MAX_SHOWN) {
        shown.truncate(end);
        shown.push('…');
    }
    shown
}

/// As [`shown`], for text that may be long.
pub fn long(text: &str) -> String {
    one_line(text).chars().take(1024).collect()
}

fn one_line(text: &str) -> String {
    text.trim().chars().map(|c| if is_harmful(c) || is_style(c) || c == '\n' { '\u{fffd}' } else { c }).collect()
}

/// The last gate before the terminal. Line breaks are ours by now.
pub fn neutral(text: &str) -> String {
    text.chars().map(|c| if is_harmful(c) { '\u{fffd}' } else { c }).collect()
}

/// A value as JSON text that no terminal obeys.
pub fn json_text(value: &impl Serialize) -> String {
    without_orders(&serde_json::to_string_pretty(value).unwrap_or_default())
}

/// A value as one line of JSON that no terminal obeys.
pub fn compact_json(value: &impl Serialize) -> String {
    without_orders(&serde_json::to_string(value).unwrap_or_default())
}

/// Text of JSON with what terminals obey written out.
pub fn without_orders(json: &str) -> String {
    let mut escaped = String::new();
    for c in json.chars() {
        if is_harmful(c) {
            let units =
                c.encode_utf16(&mut [0; 2]).iter().fold(String::new(), |text, unit| text + &format!("\\u{unit:04x}"));
            escaped.push_str(&units);
        } else {
            escaped.push(c);
        }
    }
    escaped
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_remark_becomes_a_sentence_and_a_name_stays_itself() {
        for (remark, expected) in [
            ("the file is gone", "The file is gone."),
            ("no, it is not.", "No, it is not."),
            ("backup-1.tar is there already", "backup-1.tar is there already."),
            ("gateway.port is taken", "gateway.port is taken."),
        ] {
            assert_eq!(sentence(remark), expected);
        }
    }

    #[test]
    fn names_cannot_command_the_terminal() {
        assert_eq!(shown("\u{1b}[2J\u{1b}]0;owned\u{7}phone"), "\u{fffd}[2J\u{fffd}]0;owned\u{fffd}phone");
        assert_eq!(shown("a\r\nb\tc"), "a\u{fffd}\u{fffd}b\u{fffd}c");
        assert_eq!(shown("\u{9b}31mred"), "\u{fffd}31mred");
        assert_eq!(shown("gnp\u{202e}exe.\u{200b}"), "gnp\u{fffd}exe.\u{fffd}");
        assert_eq!(shown("  Łucja's 📱 "), "Łucja's 📱");
        assert_eq!(shown(&"x".repeat(60)), format!("{}…", "x".repeat(48)));
        assert_eq!(shown(&super::super::style::heading("bold")), "\u{fffd}bold\u{fffd}");
        assert_eq!(neutral("one\n\u{1b}[31mtwo"), "one\n\u{fffd}[31mtwo");
    }

    #[test]
    fn json_keeps_the_value_and_escapes_what_terminals_obey() {
        let escaped = json_text(&"\u{1b}\u{9b}\u{202e}\u{e0041}");
        assert_eq!(escaped, r#""\u001b\u009b\u202e\udb40\udc41""#);
        assert_eq!(serde_json::from_str::<String>(&escaped).unwrap(), "\u{1b}\u{9b}\u{202e}\u{e0041}");
    }
}
