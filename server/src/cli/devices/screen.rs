//! What `openclaw devices watch` shows at a terminal, and what its keys do. Pure: the terminal is elsewhere.

use protocol::pairing::PendingRequest;

use super::super::listing;
use super::super::output::{count, shown};

/// What a key leads to.
#[derive(Debug, PartialEq, Eq)]
pub enum Action {
    Nothing,
    Quit,
    Approve(Box<PendingRequest>),
    Reject(Box<PendingRequest>),
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Verb {
    Approve,
    Reject,
}

/// The list as it is shown.
#[derive(Debug, Default)]
pub struct Screen {
    waiting: Vec<PendingRequest>,
    /// The request the keys are about. It stays the same, whoever comes or goes beside it.
    chosen: Option<String>,
    /// What was asked, about a request exactly as it was shown.
    question: Option<(Verb, Box<PendingRequest>)>,
    /// What happened last.
    note: String,
    /// Why there is no gateway to show anything of.
    away: Option<String>,
}

impl Screen {
    /// Takes a fresh list. A question about something that is not as it was shown is withdrawn.
    pub fn update(&mut self, waiting: Vec<PendingRequest>) {
        self.away = None;
        let is_still_so = |asked: &PendingRequest| waiting.iter().any(|request| is_as_shown(request, asked));
        if self.question.take_if(|(_, asked)| !is_still_so(asked)).is_some() {
            "The request has changed or is gone; nothing was decided.".clone_into(&mut self.note);
        }
        if !waiting.iter().any(|request| Some(&request.request_id) == self.chosen.as_ref()) {
            self.chosen = waiting.first().map(|request| request.request_id.clone());
        }
        self.waiting = waiting;
    }

    /// The gateway is gone.
    pub fn lose(&mut self, why: String) {
        self.question = None;
        self.away = Some(why);
    }

    pub fn note(&mut self, note: impl Into<String>) {
        self.note = note.into();
    }

    pub fn key(&mut self, key: u8) -> Action {
        if matches!(key, b'\n' | b'\r') {
            return Action::Nothing;
        }
        if let Some((verb, request)) = self.question.take() {
            return match (key, verb) {
                (b'y' | b'Y', Verb::Approve) => Action::Approve(request),
                (b'y' | b'Y', Verb::Reject) => Action::Reject(request),
                _ => {
                    self.note("Nothing was decided.");
                    Action::Nothing
                }
            };
        }
        match key {
            b'q' => return Action::Quit,
            b'a' => self.ask(Verb::Approve),
            b'r' => self.ask(Verb::Reject),
            b'n' => self.choose(1),
            b'p' => self.choose(self.waiting.len().saturating_sub(1)),
            _ => {}
        }
        Action::Nothing
    }

    fn ask(&mut self, verb: Verb) {
        let chosen = self.chosen_at().filter(|_| self.away.is_none()).and_then(|at| self.waiting.get(at));
        self.question = chosen.map(|request| (verb, Box::new(request.clone())));
        self.note.clear();
    }

    fn choose(&mut self, steps: usize) {
        let next = self.chosen_at().map(|at| (at + steps) % self.waiting.len());
        self.chosen = next.and_then(|at| self.waiting.get(at)).map(|request| request.request_id.clone());
    }

    fn chosen_at(&self) -> Option<usize> {
        self.waiting.iter().position(|request| Some(&request.request_id) == self.chosen.as_ref())
    }

    /// Everything, as lines.
    pub fn text(&self, now_ms: u64) -> String {
        let mut parts = Vec::new();
        match (&self.away, self.waiting.len()) {
            (Some(why), _) => parts.push(format!("{why}\nWaiting for the gateway; it goes on by itself.")),
            (None, 0) => parts.push("Nobody waits for approval.".to_owned()),
            (None, number) => {
                parts.push(format!(
                    "{} for approval:",
                    if number == 1 { "One waits".to_owned() } else { format!("{number} wait") }
                ));
                parts.extend(self.waiting.iter().map(|request| self.entry(request, now_ms)));
            }
        }
        if !self.note.is_empty() {
            parts.push(self.note.clone());
        }
        parts.push(match &self.question {
            Some((Verb::Approve, request)) => format!("Approve {}? [y/N]", shown(&request.shown_name())),
            Some((Verb::Reject, request)) => format!("Turn {} away? [y/N]", shown(&request.shown_name())),
            None if self.waiting.is_empty() || self.away.is_some() => "q quit".to_owned(),
            None => {
                format!("a approve   r turn away   n, p choose among {}   q quit", count(self.waiting.len(), "request"))
            }
        });
        parts.join("\n\n")
    }

    /// The chosen one in full, the others on a line each.
    fn entry(&self, request: &PendingRequest, now_ms: u64) -> String {
        if Some(&request.request_id) == self.chosen.as_ref() {
            format!("> {}", listing::request(request, now_ms).join("\n  "))
        } else {
            format!("  {}", listing::request_line(request, now_ms))
        }
    }
}

fn is_as_shown(request: &PendingRequest, shown: &PendingRequest) -> bool {
    let digest = |request: &PendingRequest| request.evidence.as_ref().map(|seen| seen.digest.clone());
    request.request_id == shown.request_id && digest(request) == digest(shown)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::super::super::select::tests::sample;
    use super::*;

    fn screen() -> (Screen, Vec<PendingRequest>) {
        let waiting = sample().pending;
        let mut screen = Screen::default();
        screen.update(waiting.clone());
        (screen, waiting)
    }

    fn press(screen: &mut Screen, keys: &str) -> Action {
        keys.bytes().map(|key| screen.key(key)).last().unwrap()
    }

    #[test]
    fn only_a_clear_yes_after_the_question_decides() {
        for keys in ["a", "aa", "an", "a\n", "y", "ry\u{1b}", "aYy"] {
            let (mut screen, _) = screen();
            assert_eq!(press(&mut screen, keys), Action::Nothing, "{keys:?}");
        }
        let (mut screen, waiting) = screen();
        assert_eq!(press(&mut screen, "a\ny"), Action::Approve(Box::new(waiting[0].clone())));
        assert_eq!(press(&mut screen, "nry"), Action::Reject(Box::new(waiting[1].clone())));
        assert_eq!(press(&mut screen, "q"), Action::Quit);
    }

    #[test]
    fn whoever_comes_meanwhile_does_not_take_the_place_of_the_one_that_is_looked_at() {
        let (mut screen, mut waiting) = screen();
        waiting.insert(0, PendingRequest { request_id: "new".to_owned(), ..waiting[0].clone() });
        screen.update(waiting.clone());
        assert_eq!(press(&mut screen, "ay"), Action::Approve(Box::new(waiting[1].clone())));
    }

    #[test]
    fn a_question_about_what_has_changed_is_withdrawn() {
        let (mut screen, mut waiting) = screen();
        press(&mut screen, "a");
        let origin = json!({"address": "192.0.2.2", "network": "lan", "resolved": "directly", "encrypted": true});
        waiting[0].evidence = serde_json::from_value(json!({
            "digest": "other", "reason": "not-paired", "expiresAtMs": 1, "attempts": 1, "hasSecret": false, "origin": origin,
        }))
        .unwrap();
        screen.update(waiting);
        assert_eq!(press(&mut screen, "y"), Action::Nothing);
        assert!(screen.text(0).contains("nothing was decided"));
        press(&mut screen, "a");
        screen.lose("It is gone.".to_owned());
        assert_eq!(press(&mut screen, "y"), Action::Nothing);
    }

    #[test]
    fn names_cannot_command_the_terminal() {
        let (mut screen, mut waiting) = screen();
        for request in &mut waiting {
            request.display_name = Some("\u{1b}[2J\nApprove Phone? [y/N]".to_owned());
        }
        screen.update(waiting);
        press(&mut screen, "a");
        let text = screen.text(0);
        assert!(!text.contains('\u{1b}') && !text.contains("\nApprove Phone?"), "{text}");
    }
}
