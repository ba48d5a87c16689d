//! A list as lines to type in: each line keeps its place while it is typed in, and there is always an empty one more.

use serde_json::Value;

/// The lines. Each has a number of its own, so that a field is never taken away from under a cursor.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Rows {
    lines: Vec<(u64, String)>,
    next: u64,
}

impl Rows {
    /// The lines of a list, and an empty one.
    pub fn of(list: &Value) -> Self {
        let mut rows = Self::default();
        for entry in list.as_array().into_iter().flatten().filter_map(Value::as_str) {
            rows.push(entry);
        }
        rows.push("");
        rows
    }

    fn push(&mut self, text: &str) {
        self.lines.push((self.next, text.to_owned()));
        self.next += 1;
    }

    pub fn numbers(&self) -> Vec<u64> {
        self.lines.iter().map(|(number, _)| *number).collect()
    }

    pub fn text(&self, number: u64) -> &str {
        self.lines.iter().find(|(known, _)| *known == number).map_or("", |(_, text)| text)
    }

    /// Whether a line is the empty one at the end.
    pub fn is_spare(&self, number: u64) -> bool {
        self.lines.last().is_some_and(|(last, text)| *last == number && text.trim().is_empty())
    }

    pub fn write(&mut self, number: u64, text: &str) {
        if let Some((_, line)) = self.lines.iter_mut().find(|(known, _)| *known == number) {
            text.clone_into(line);
        }
        if self.lines.last().is_none_or(|(_, last)| !last.trim().is_empty()) {
            self.push("");
        }
    }

    pub fn remove(&mut self, number: u64) {
        self.lines.retain(|(known, _)| *known != number);
        if self.lines.is_empty() {
            self.push("");
        }
    }

    /// Adds a line before the empty one, unless it is there already.
    pub fn add(&mut self, text: &str) {
        if !self.lines.iter().any(|(_, known)| known.trim() == text) {
            let at = self.lines.len().saturating_sub(1);
            self.lines.insert(at, (self.next, text.to_owned()));
            self.next += 1;
        }
    }

    /// The list that the lines make.
    pub fn list(&self) -> Value {
        let entries = self.lines.iter().map(|(_, text)| text.trim()).filter(|text| !text.is_empty());
        Value::Array(entries.map(Value::from).collect())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn there_is_always_one_empty_line_and_lines_keep_their_numbers() {
        let mut rows = Rows::of(&json!(["a", "b"]));
        assert_eq!(rows.numbers(), [0, 1, 2]);
        assert!(rows.is_spare(2) && !rows.is_spare(1));
        rows.write(2, "c");
        assert_eq!((rows.numbers(), rows.list()), (vec![0, 1, 2, 3], json!(["a", "b", "c"])));
        rows.remove(1);
        rows.add("d");
        rows.add("a");
        assert_eq!((rows.numbers(), rows.list()), (vec![0, 2, 4, 3], json!(["a", "c", "d"])));
        rows.write(0, " x ");
        assert_eq!((rows.text(0), &rows.list()[0]), (" x ", &json!("x")));
        for number in rows.numbers() {
            rows.remove(number);
        }
        assert_eq!((rows.list(), rows.numbers().len()), (json!([]), 1));
    }
}
