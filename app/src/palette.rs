//! What the command palette finds: a few letters of what somebody wants lead there.

/// Something the palette offers.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Command {
    /// What it is called, in the page's language.
    pub title: String,
    /// More words it is found by, and what stands beside the title.
    pub hint: String,
    pub target: Target,
}

/// Where a command leads.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Target {
    /// A page of the Control UI, with the place on it after `#`.
    Page(String),
    Language(crate::language::Language),
    Reload,
}

/// The commands that fit what was typed, the best first; all of them, in their order, for nothing typed.
pub fn find<'a>(query: &str, commands: &'a [Command]) -> Vec<&'a Command> {
    let query = query.trim().to_lowercase();
    let mut found: Vec<(u32, &Command)> =
        commands.iter().filter_map(|command| Some((distance(&query, command)?, command))).collect();
    found.sort_by_key(|(distance, _)| *distance);
    found.into_iter().map(|(_, command)| command).collect()
}

/// How far a command is from what was typed: the start of its title, the start of a word, somewhere in it, in its hint,
/// or its letters in that order. `None` where it is none of these.
fn distance(query: &str, command: &Command) -> Option<u32> {
    let (title, hint) = (command.title.to_lowercase(), command.hint.to_lowercase());
    let starts_word = |text: &str| text.split_whitespace().any(|word| word.starts_with(query));
    if title.starts_with(query) {
        Some(0)
    } else if starts_word(&title) {
        Some(1)
    } else if title.contains(query) {
        Some(2)
    } else if starts_word(&hint) || hint.contains(query) {
        Some(3)
    } else if has_letters(&title, query) {
        Some(4)
    } else {
        None
    }
}

fn has_letters(text: &str, query: &str) -> bool {
    let mut letters = text.chars();
    query.chars().filter(|c| !c.is_whitespace()).all(|wanted| letters.any(|letter| letter == wanted))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn command(title: &str, hint: &str) -> Command {
        Command { title: title.to_owned(), hint: hint.to_owned(), target: Target::Reload }
    }

    #[track_caller]
    fn check(query: &str, expected: &[&str]) {
        let commands = [
            command("Overview", ""),
            command("Devices", "who is paired"),
            command("Pair a device", "with a code"),
            command("Anna's phone", "device"),
            command("概览", "overview"),
        ];
        let found: Vec<_> = find(query, &commands).into_iter().map(|command| command.title.as_str()).collect();
        assert_eq!(found, expected, "{query}");
    }

    #[test]
    fn the_nearest_comes_first_and_what_does_not_fit_not_at_all() {
        check("", &["Overview", "Devices", "Pair a device", "Anna's phone", "概览"]);
        check("dev", &["Devices", "Pair a device", "Anna's phone"]);
        check(" PHONE ", &["Anna's phone"]);
        check("over", &["Overview", "概览"]);
        check("pdv", &["Pair a device"]);
        check("概", &["概览"]);
        check("xyz", &[]);
    }
}
