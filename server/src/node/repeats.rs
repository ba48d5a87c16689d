//! Nothing is done twice: a call that comes again with the same idempotency key gets the answer of the
//! first one.

use std::collections::HashMap;
use std::time::Duration;

use protocol::node::{InvokeRequest, NodeError};
use serde_json::Value;
use sha2::{Digest, Sha256};
use tokio::time::Instant;

use super::commands::{Outcome, invalid, unavailable};

/// How long a key is remembered: longer than any caller repeats itself.
const MEMORY: Duration = Duration::from_mins(10);

/// How many keys are remembered. More calls than this in ten minutes are not made by people.
const MOST: usize = 4096;

/// How many answers are kept with their keys; an answer can be large.
const MOST_ANSWERS: usize = 32;

/// The calls of the last minutes.
#[derive(Debug, Default)]
pub struct Repeats {
    calls: HashMap<String, Call>,
}

#[derive(Debug)]
struct Call {
    since: Instant,
    /// Of command and parameters: the same key for something else is a mistake.
    what: [u8; 32],
    state: State,
}

#[derive(Debug)]
enum State {
    /// The other calls that wait for its answer.
    Running(Vec<String>),
    Done(Option<Result<Value, NodeError>>),
}

/// What to do about a call.
#[derive(Debug, PartialEq)]
pub enum Seen {
    /// Do it.
    New,
    /// It will be answered together with the first one.
    Running,
    /// This is the answer.
    Answered(Result<Value, NodeError>),
}

impl Repeats {
    pub fn begin(&mut self, request: &InvokeRequest, now: Instant) -> Seen {
        self.calls.retain(|_, call| matches!(call.state, State::Running(_)) || now - call.since < MEMORY);
        let what = Sha256::new()
            .chain_update(request.command.as_bytes())
            .chain_update([0])
            .chain_update(request.params_json.as_deref().unwrap_or_default())
            .finalize()
            .into();
        if let Some(call) = self.calls.get_mut(&request.idempotency_key) {
            if call.what != what {
                return Seen::Answered(Err(invalid("this idempotency key was used for another call")));
            }
            return match &mut call.state {
                State::Running(waiting) => {
                    waiting.push(request.id.clone());
                    Seen::Running
                }
                State::Done(Some(answer)) => Seen::Answered(answer.clone()),
                State::Done(None) => {
                    Seen::Answered(Err(unavailable("this was done already, and its result is not kept any more")))
                }
            };
        }
        if self.calls.len() >= MOST {
            return Seen::Answered(Err(unavailable("too many calls in a few minutes; try again later")));
        }
        self.calls.insert(
            request.idempotency_key.clone(),
            Call { since: now, what, state: State::Running(vec![request.id.clone()]) },
        );
        Seen::New
    }

    /// Notes how a call ended, and tells which ids get this answer.
    pub fn finish(&mut self, key: &str, outcome: &Outcome, now: Instant) -> Vec<String> {
        let Some(call) = self.calls.get_mut(key) else { return Vec::new() };
        let before = std::mem::replace(&mut call.state, State::Done(outcome.clone()));
        call.since = now;
        self.forget_old_answers();
        match before {
            State::Running(waiting) => waiting,
            State::Done(_) => Vec::new(),
        }
    }

    /// The connection is gone and took everything with it that was running.
    pub fn abandon(&mut self) {
        for call in self.calls.values_mut() {
            if matches!(call.state, State::Running(_)) {
                call.state = State::Done(None);
            }
        }
    }

    fn forget_old_answers(&mut self) {
        let mut kept: Vec<(Instant, &mut State)> = self
            .calls
            .values_mut()
            .filter(|call| matches!(call.state, State::Done(Some(_))))
            .map(|call| (call.since, &mut call.state))
            .collect();
        kept.sort_by_key(|(since, _)| *since);
        let surplus = kept.len().saturating_sub(MOST_ANSWERS);
        for (_, state) in kept.into_iter().take(surplus) {
            *state = State::Done(None);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn call(id: &str, key: &str, params: &str) -> InvokeRequest {
        InvokeRequest {
            id: id.to_owned(),
            node_id: protocol::DeviceId::claimed("n"),
            command: "system.run".to_owned(),
            params_json: Some(params.to_owned()),
            timeout_ms: 1,
            idempotency_key: key.to_owned(),
        }
    }

    #[test]
    fn a_repeated_key_gets_the_first_answer_and_runs_nothing() {
        let (mut repeats, now) = (Repeats::default(), Instant::now());
        assert_eq!(repeats.begin(&call("1", "k", "a"), now), Seen::New);
        assert_eq!(repeats.begin(&call("2", "k", "a"), now), Seen::Running);
        let answer = Ok(Value::Bool(true));
        assert_eq!(repeats.finish("k", &Some(answer.clone()), now), ["1", "2"]);
        assert_eq!(repeats.begin(&call("3", "k", "a"), now + MEMORY / 2), Seen::Answered(answer));
        assert_eq!(repeats.begin(&call("4", "k", "a"), now + MEMORY), Seen::New);
    }

    #[test]
    fn a_key_belongs_to_one_call_and_a_cancelled_one_is_not_done_again() {
        let (mut repeats, now) = (Repeats::default(), Instant::now());
        repeats.begin(&call("1", "k", "a"), now);
        assert!(matches!(repeats.begin(&call("2", "k", "b"), now), Seen::Answered(Err(_))));
        repeats.finish("k", &None, now);
        assert!(matches!(repeats.begin(&call("3", "k", "a"), now), Seen::Answered(Err(_))));
        repeats.begin(&call("4", "lost", "a"), now);
        repeats.abandon();
        assert!(matches!(repeats.begin(&call("5", "lost", "a"), now), Seen::Answered(Err(_))));
    }

    #[test]
    fn old_answers_go_before_their_keys() {
        let (mut repeats, now) = (Repeats::default(), Instant::now());
        for number in 0..=MOST_ANSWERS {
            let key = number.to_string();
            repeats.begin(&call(&key, &key, "a"), now);
            repeats.finish(&key, &Some(Ok(Value::Null)), now + Duration::from_millis(number as u64));
        }
        assert!(matches!(repeats.begin(&call("x", "0", "a"), now), Seen::Answered(Err(_))));
        assert_eq!(repeats.begin(&call("x", "1", "a"), now), Seen::Answered(Ok(Value::Null)));
    }
}
