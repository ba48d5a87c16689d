//! Bold headlines, where a terminal can show them.

/// Stand for bold letters from here, and plain ones. Unicode promises that these are no characters of anybody's text,
/// and [`super::output::shown`] takes them out of names.
pub const BOLD: char = '\u{fdd0}';
pub const PLAIN: char = '\u{fdd1}';

/// A headline for [`super::output::data`]: bold at a terminal, unless `NO_COLOR` or `TERM=dumb` is set.
pub fn heading(text: &str) -> String {
    format!("{BOLD}{text}{PLAIN}")
}

/// From here on nothing is bold.
pub fn without_color() {
    anstream::ColorChoice::Never.write_global();
}

/// Bold letters as terminals understand them. Streams that are none take the commands out again.
pub fn styled(text: &str) -> String {
    text.replace(BOLD, "\u{1b}[1m").replace(PLAIN, "\u{1b}[0m")
}

/// Whether this stands for a style, which nobody's name may.
pub fn is_style(c: char) -> bool {
    matches!(c, BOLD | PLAIN)
}
