//! Who is told of, and when: each device that waits once, however often it asks, and strangers who come in crowds
//! together.

use std::collections::{HashMap, HashSet, VecDeque};

use protocol::DeviceId;

/// How many notices may go out in [`WINDOW_MS`]. Whoever makes up devices must not ring a telephone all night.
const MAX_NOTICES: usize = 6;
const WINDOW_MS: u64 = 60_000;

/// Whether a request is told.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Due {
    Now,
    /// Too many were told lately; this one is counted in [`Told::take_held_back`].
    Later,
    /// This device's request was told already.
    Already,
}

/// What was told and what was not.
#[derive(Debug, Default)]
pub struct Told {
    /// The devices that wait, and the request that each waits with.
    waiting: HashMap<DeviceId, Waiting>,
    /// Those of them that nobody was told of yet.
    held_back: HashSet<DeviceId>,
    /// When notices went out in the last [`WINDOW_MS`].
    sent_ms: VecDeque<u64>,
}

#[derive(Debug)]
struct Waiting {
    request_id: String,
    /// Its device asks for something else now, and waits on.
    is_superseded: bool,
}

impl Told {
    /// A device has a new request.
    pub fn ask(&mut self, device_id: &DeviceId, request_id: &str, now_ms: u64) -> Due {
        let waiting = Waiting { request_id: request_id.to_owned(), is_superseded: false };
        if self.waiting.insert(device_id.clone(), waiting).is_some() {
            return Due::Already;
        }
        if self.has_room(now_ms) {
            self.sent_ms.push_back(now_ms);
            Due::Now
        } else {
            self.held_back.insert(device_id.clone());
            Due::Later
        }
    }

    /// A device has asked for something else than before. Its next request belongs to the same wait.
    pub fn supersede(&mut self, device_id: &DeviceId) {
        if let Some(waiting) = self.waiting.get_mut(device_id) {
            waiting.is_superseded = true;
        }
    }

    /// A request was decided, ran out, or made room.
    pub fn end(&mut self, device_id: &DeviceId, request_id: &str) {
        let ends = |waiting: &Waiting| waiting.request_id == request_id && !waiting.is_superseded;
        if self.waiting.get(device_id).is_some_and(ends) {
            self.waiting.remove(device_id);
            self.held_back.remove(device_id);
        }
    }

    /// How many wait that nobody was told of, once there is room to tell of them. They count as told then.
    pub fn take_held_back(&mut self, now_ms: u64) -> Option<usize> {
        if self.held_back.is_empty() || !self.has_room(now_ms) {
            return None;
        }
        self.sent_ms.push_back(now_ms);
        Some(std::mem::take(&mut self.held_back).len())
    }

    /// Nobody waits any more.
    pub fn clear(&mut self) {
        self.waiting.clear();
        self.held_back.clear();
    }

    fn has_room(&mut self, now_ms: u64) -> bool {
        while self.sent_ms.front().is_some_and(|sent_ms| sent_ms + WINDOW_MS <= now_ms) {
            self.sent_ms.pop_front();
        }
        self.sent_ms.len() < MAX_NOTICES
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn device(name: &str) -> DeviceId {
        DeviceId::claimed(name)
    }

    #[test]
    fn a_device_is_told_once_until_its_request_has_ended() {
        let mut told = Told::default();
        assert_eq!(told.ask(&device("a"), "r1", 0), Due::Now);
        assert_eq!(told.ask(&device("a"), "r1", 1), Due::Already);
        assert_eq!(told.ask(&device("b"), "r2", 1), Due::Now);
        told.end(&device("a"), "another");
        assert_eq!(told.ask(&device("a"), "r1", 2), Due::Already);
        told.end(&device("a"), "r1");
        assert_eq!(told.ask(&device("a"), "r3", 3), Due::Now);
    }

    #[test]
    fn a_device_that_asks_for_something_else_is_not_told_again() {
        let mut told = Told::default();
        assert_eq!(told.ask(&device("a"), "r1", 0), Due::Now);
        told.supersede(&device("a"));
        told.end(&device("a"), "r1");
        assert_eq!(told.ask(&device("a"), "r2", 1), Due::Already);
        told.end(&device("a"), "r2");
        assert_eq!(told.ask(&device("a"), "r3", 2), Due::Now);
    }

    #[test]
    fn a_crowd_is_told_of_together_and_only_those_who_still_wait() {
        let mut told = Told::default();
        let names: Vec<String> = (0..10).map(|number| number.to_string()).collect();
        let now = names.iter().filter(|name| told.ask(&device(name), name, 1000) == Due::Now).count();
        assert_eq!(now, MAX_NOTICES);
        assert_eq!(told.take_held_back(1000 + WINDOW_MS - 1), None);
        told.end(&device("9"), "9");
        assert_eq!(told.take_held_back(1000 + WINDOW_MS), Some(3));
        assert_eq!(told.take_held_back(1000 + WINDOW_MS), None);
        assert_eq!(told.ask(&device("8"), "8", 1000 + WINDOW_MS), Due::Already);
    }

    #[test]
    fn after_everyone_was_thrown_out_who_comes_back_is_new() {
        let mut told = Told::default();
        told.ask(&device("a"), "r1", 0);
        told.clear();
        assert_eq!(told.ask(&device("a"), "r2", 1), Due::Now);
    }
}
