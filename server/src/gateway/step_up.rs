//! What a connection was asked to prove, and what it has proved. Both end with the connection.

use std::collections::VecDeque;
use std::sync::{Mutex, PoisonError};

use access::step_up::{self, Act, Asker, Known, Verdict};
use protocol::Refusal;
use protocol::method::{Purpose, STEP_UP_LIFETIME_MS};
use protocol::refusal::StepUpRefusal;

use super::connection::Connection;
use crate::state::AppState;

/// How many challenges, and how many proofs, one connection may have open: more than one person does at a time.
const CAPACITY: usize = 8;

/// What a challenge was made for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Wanted {
    /// `is_first` where it was asked for without a proof, because there was none to prove anything with.
    NewPasskey {
        is_first: bool,
    },
    Proof(Purpose),
}

/// The open challenges and the unused proofs of one connection.
#[derive(Debug, Default)]
pub struct Open(Mutex<Lists>);

#[derive(Debug, Default)]
struct Lists {
    challenges: VecDeque<(String, Wanted, u64)>,
    proofs: VecDeque<(Purpose, u64)>,
}

impl Open {
    /// Notes a challenge that was sent.
    pub fn ask(&self, challenge: String, wanted: Wanted, now_ms: u64) {
        let mut lists = self.lists();
        lists.challenges.push_back((challenge, wanted, now_ms));
        if lists.challenges.len() > CAPACITY {
            lists.challenges.pop_front();
        }
    }

    /// What this challenge was made for. It is spent by that, whatever comes of it.
    pub fn spend(&self, challenge: &str, now_ms: u64) -> Option<Wanted> {
        let mut lists = self.lists();
        let index = lists.challenges.iter().position(|(sent, ..)| sent == challenge)?;
        let (_, wanted, at_ms) = lists.challenges.remove(index)?;
        (at_ms <= now_ms && now_ms - at_ms < STEP_UP_LIFETIME_MS).then_some(wanted)
    }

    /// Notes that the owner was there, for this.
    pub fn note_proof(&self, purpose: Purpose, now_ms: u64) {
        let mut lists = self.lists();
        lists.proofs.push_back((purpose, now_ms));
        if lists.proofs.len() > CAPACITY {
            lists.proofs.pop_front();
        }
    }

    /// When the owner was last there for exactly this. It counts once.
    fn use_proof(&self, purpose: &Purpose) -> Option<u64> {
        let mut lists = self.lists();
        let index = lists.proofs.iter().rposition(|(proved, _)| proved == purpose)?;
        lists.proofs.remove(index).map(|(_, at_ms)| at_ms)
    }

    fn lists(&self) -> std::sync::MutexGuard<'_, Lists> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The hosts of the passkeys, one for each.
async fn hosts(state: &AppState) -> Result<Vec<String>, Refusal> {
    let passkeys = state.store.list_passkeys().await.map_err(|error| error.refusal())?;
    Ok(passkeys.into_iter().map(|stored| stored.passkey.host).collect())
}

/// Refuses what takes a passkey that was not shown for exactly this.
pub async fn demand(state: &AppState, caller: &Connection, act: Act<'_>, purpose: Purpose) -> Result<(), Refusal> {
    let asker = Asker { is_owner: caller.is_owner, page: caller.introduction.page.as_deref() };
    let proved_at_ms = caller.step_up.use_proof(&purpose);
    match judge(state, act, asker, proved_at_ms).await? {
        Verdict::NotNeeded => Ok(()),
        Verdict::Needed => Err(Refusal::StepUp(StepUpRefusal::Required { purpose })),
        Verdict::Impossible(why) => Err(Refusal::StepUp(why)),
    }
}

/// Refuses what takes a passkey, where none can be shown.
pub async fn demand_without_a_page(state: &AppState, act: Act<'_>) -> Result<(), Refusal> {
    match judge(state, act, Asker { is_owner: false, page: None }, None).await? {
        Verdict::NotNeeded => Ok(()),
        Verdict::Needed => Err(Refusal::StepUp(StepUpRefusal::NotAPage)),
        Verdict::Impossible(why) => Err(Refusal::StepUp(why)),
    }
}

async fn judge(
    state: &AppState,
    act: Act<'_>,
    asker: Asker<'_>,
    proved_at_ms: Option<u64>,
) -> Result<Verdict, Refusal> {
    let policy = state.config().step_up;
    let hosts = hosts(state).await?;
    let known = Known { hosts: &hosts, proved_at_ms, now_ms: state.clock.now_ms() };
    Ok(step_up::decide(policy, act, asker, known))
}

/// Whether this went without a passkey only because there is none, so that the owner should add one.
pub async fn is_advised(state: &AppState, act: Act<'_>) -> Result<bool, Refusal> {
    Ok(step_up::concerns(state.config().step_up, act) && hosts(state).await?.is_empty())
}

#[cfg(test)]
mod tests {
    use super::*;

    const FIRST: Wanted = Wanted::NewPasskey { is_first: true };

    #[test]
    fn a_challenge_is_spent_once_and_in_time() {
        let open = Open::default();
        open.ask("a".to_owned(), FIRST, 1000);
        assert_eq!(open.spend("b", 1000), None);
        assert_eq!(open.spend("a", 1000), Some(FIRST));
        assert_eq!(open.spend("a", 1000), None);
        open.ask("c".to_owned(), FIRST, 1000);
        assert_eq!(open.spend("c", 1000 + STEP_UP_LIFETIME_MS), None);
        open.ask("d".to_owned(), FIRST, 1000);
        assert_eq!(open.spend("d", 999), None, "a clock that was set back");
    }

    #[test]
    fn a_proof_counts_once_and_only_for_what_it_was_given_for() {
        let open = Open::default();
        let approve = |digest: &str| Purpose::Approve { request_id: "r".to_owned(), digest: digest.to_owned() };
        open.note_proof(approve("d"), 7);
        assert_eq!(open.use_proof(&Purpose::Secret), None);
        assert_eq!(open.use_proof(&approve("e")), None);
        assert_eq!(open.use_proof(&approve("d")), Some(7));
        assert_eq!(open.use_proof(&approve("d")), None);
    }

    #[test]
    fn nobody_fills_the_memory_with_challenges() {
        let open = Open::default();
        for n in 0..100 {
            open.ask(n.to_string(), FIRST, 0);
            open.note_proof(Purpose::Secret, 0);
        }
        let lists = open.lists();
        assert_eq!((lists.challenges.len(), lists.proofs.len()), (CAPACITY, CAPACITY));
    }
}
