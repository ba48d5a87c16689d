//! Text that strangers chose, made safe to stand beside other text.

/// The longest name that is shown of a stranger, in characters: what fits a card, and what the owner may give itself.
const LONGEST_NAME: usize = 64;

/// Characters that command a terminal, or disguise what stands beside them on a page: control characters, invisible
/// ones, and those that turn the direction of writing round. A line break is none of them.
pub fn is_harmful(c: char) -> bool {
    let disguises = matches!(c,
        '\u{ad}' | '\u{61c}' | '\u{180e}' | '\u{200b}' | '\u{200c}' | '\u{200e}' | '\u{200f}' | '\u{2028}'..='\u{202e}'
        | '\u{2060}'..='\u{206f}' | '\u{feff}' | '\u{fff9}'..='\u{fffb}' | '\u{e0000}'..='\u{e007f}');
    (c.is_control() && c != '\n') || disguises
}

/// A name on one line, and not longer than a card is wide.
pub fn name(text: &str) -> String {
    let harmless = |c| if is_harmful(c) || c == '\n' { '\u{fffd}' } else { c };
    let mut shown: String = text.trim().chars().map(harmless).take(LONGEST_NAME + 1).collect();
    if let Some((end, _)) = shown.char_indices().nth(LONGEST_NAME) {
        shown.truncate(end);
        shown.push('…');
    }
    shown
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_cannot_disguise_itself_or_crowd_out_what_stands_beside_it() {
        assert_eq!(
            name(" Ada\u{2019}s Pixel 9 \u{1f469}\u{200d}\u{1f4bb} "),
            "Ada\u{2019}s Pixel 9 \u{1f469}\u{200d}\u{1f4bb}"
        );
        assert_eq!(name("Phone\u{202e}xile\nApproved"), "Phone\u{fffd}xile\u{fffd}Approved");
        assert_eq!(name("\u{200b}Phone\u{1b}[2J"), "\u{fffd}Phone\u{fffd}[2J");
        let long = name(&"\u{00e4}".repeat(10_000));
        assert_eq!((long.chars().count(), long.ends_with('…')), (65, true));
    }
}
