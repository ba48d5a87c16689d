//! What has changed between two looks at those who wait.

use protocol::event::{Decision, PairResolved};
use protocol::pairing::PendingRequest;

/// One thing that happened to a request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Change<'a> {
    Waits(&'a PendingRequest),
    Decided(&'a PendingRequest, Decision),
    /// It ran out, was replaced, or the device was removed.
    Gone(&'a PendingRequest),
}

/// First what is over, then what is new, the oldest first. `decided` is what was heard in between.
pub fn changes<'a>(
    before: &'a [PendingRequest],
    after: &'a [PendingRequest],
    decided: &[PairResolved],
) -> Vec<Change<'a>> {
    let is_in = |list: &[PendingRequest], one: &PendingRequest| list.iter().any(|r| r.request_id == one.request_id);
    let ended = before.iter().filter(|request| !is_in(after, request)).map(|request| {
        let heard = decided.iter().find(|resolved| resolved.request_id == request.request_id);
        heard.map_or(Change::Gone(request), |resolved| Change::Decided(request, resolved.decision))
    });
    let new = after.iter().rev().filter(|request| !is_in(before, request)).map(Change::Waits);
    ended.chain(new).collect()
}

#[cfg(test)]
mod tests {
    use super::super::super::select::tests::sample;
    use super::*;

    #[test]
    fn who_is_new_who_was_decided_and_who_is_gone_without_a_word() {
        let list = sample().pending;
        let [first, second] = list.as_slice() else { panic!("{list:?}") };
        assert_eq!(changes(&[], &list, &[]), [Change::Waits(second), Change::Waits(first)]);
        assert_eq!(changes(&list, &list, &[]), []);
        assert_eq!(changes(&list, &list[1..], &[]), [Change::Gone(first)]);
        let approved = PairResolved {
            request_id: first.request_id.clone(),
            device_id: first.device_id.clone(),
            decision: Decision::Approved,
            ts: 1,
        };
        assert_eq!(
            changes(&list, &[], &[approved]),
            [Change::Decided(first, Decision::Approved), Change::Gone(second)]
        );
    }
}
