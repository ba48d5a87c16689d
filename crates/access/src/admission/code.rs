//! A one-time code in place of a person (wire.md §10.3).

use protocol::pairing::ApprovedVia;
use protocol::{BootstrapProfile, Refusal, Role, Scopes};

use super::ask::new_ask;
use super::{Facts, Grant, Proof, Verdict, Waiting, approved, missing};
use crate::bootstrap::{self, Redemption};
use crate::identity::VerifiedDevice;
use crate::policy::Policy;

/// A device that shows a one-time code: the code answers for a person, or only lets it ask.
pub(super) fn by_code(
    facts: &Facts<'_>,
    policy: &Policy,
    device: &VerifiedDevice,
    profile: BootstrapProfile,
    grant: Grant,
) -> Verdict {
    let proof = Proof::Bootstrap(profile);
    match bootstrap::redemption(profile, facts.connect) {
        Redemption::Unfit => Verdict::Refuse(Refusal::BootstrapTokenInvalid),
        Redemption::ByPerson => match missing(facts.paired, facts.connect, grant.role, &grant.scopes) {
            None => Verdict::Admit(grant),
            Some(reason) => Verdict::Pair(Box::new(Waiting {
                ask: new_ask(facts, policy, device, grant.role, &grant.scopes, reason, proof),
                approved: approved(facts.paired),
                wait_then_retry: true,
            })),
        },
        Redemption::Silent { roles, scopes } => {
            let other = roles.iter().copied().find(|role| *role != grant.role);
            let grant = Grant { issues_token_also_for: other, ..grant };
            let lacks = |role: &Role| {
                let asked = if *role == Role::Operator { scopes.clone() } else { Scopes::default() };
                missing(facts.paired, facts.connect, *role, &asked)
            };
            match roles.iter().find_map(lacks) {
                None => Verdict::Admit(grant),
                Some(reason) => {
                    let ask = Box::new(new_ask(facts, policy, device, grant.role, &scopes, reason, proof));
                    Verdict::Approve { ask, roles, via: ApprovedVia::Bootstrap, grant }
                }
            }
        }
    }
}
