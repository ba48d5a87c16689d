//! Commands in words, as they have to be typed for the gateway at hand: with `--profile` where one is selected.

use std::sync::OnceLock;

use crate::config::Profile;

/// The profile of this run, once it is known.
static PROFILE: OnceLock<Profile> = OnceLock::new();

/// From here on every command that is said is one for this profile.
pub fn for_profile(profile: Option<Profile>) {
    if let Some(profile) = profile {
        PROFILE.get_or_init(|| profile);
    }
}

/// Words with commands in backticks. One for another machine stands there without them, and stays as it is.
pub fn in_words(words: &str) -> String {
    named(words, "`", PROFILE.get())
}

/// A command, or several in a sentence, without backticks.
pub fn bare(commands: &str) -> String {
    let padded = format!(" {}", in_words(commands));
    named(&padded, " ", PROFILE.get()).split_off(1)
}

fn named(words: &str, before: &str, profile: Option<&Profile>) -> String {
    let Some(profile) = profile else { return words.to_owned() };
    let (plain, named) = (format!("{before}openclaw "), format!("{before}openclaw --profile {profile} "));
    // One that names its profile is for that.
    words.replace(&plain, &named).replace(&format!("{named}--profile "), &format!("{plain}--profile "))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn commands_are_named_and_nothing_else() {
        let work = "work".parse().unwrap();
        let check = |words: &str, expected: &str| assert_eq!(named(words, "`", Some(&work)), expected);
        check("run `openclaw gateway restart`", "run `openclaw --profile work gateway restart`");
        check("`openclaw --profile NAME gateway install`", "`openclaw --profile NAME gateway install`");
        check("openclaw devices approve", "openclaw devices approve");
        assert_eq!(named(" openclaw status", " ", Some(&work)), " openclaw --profile work status");
        assert_eq!(named(" ~/openclaw status", " ", Some(&work)), " ~/openclaw status");
        assert_eq!(named("`openclaw status`", "`", None), "`openclaw status`");
    }
}
