//! A gateway and what it listed a moment ago, to decide upon.

use protocol::method::{ApproveParams, Approved, Terms, TokenParams};
use protocol::pairing::{PairedDevice, PairingList, PendingRequest};
use protocol::role::{PAIRING, READ};
use protocol::{Method, Role};

use super::super::args::{TargetArgs, TokenArgs};
use super::super::output::{Failure, duration, shown, tell};
use super::super::select::{self, Choice};
use super::super::target::{Target, role_and_scopes};
use super::super::{Outcome, listing, progress};
use crate::config::Environment;

/// A gateway and its lists. No connection is held meanwhile: a person may take minutes to answer.
pub(super) struct Desk {
    pub target: Target,
    pub list: PairingList,
    /// The gateway's clock when it listed.
    pub now_ms: u64,
}

impl Desk {
    pub async fn visit(args: &TargetArgs, env: &Environment) -> Result<Self, Failure> {
        Self::look(Target::new(args, env)?).await
    }

    /// The same, to decide about something in the lists. A device without admin rights is shown only itself,
    /// so one that does not find what it looks for asks for them.
    pub async fn visit_for(
        args: &TargetArgs,
        env: &Environment,
        is_shown: impl Fn(&PairingList) -> bool,
    ) -> Result<Self, Failure> {
        let desk = Self::visit(args, env).await?;
        if is_shown(&desk.list) || !desk.target.is_a_device() {
            return Ok(desk);
        }
        Self::look(desk.target.with_admin_rights()).await
    }

    pub async fn visit_for_request(args: &TargetArgs, env: &Environment, id: &str) -> Result<Self, Failure> {
        Self::visit_for(args, env, |list| select::request(list, id) != Choice::Nothing).await
    }

    pub async fn visit_for_device(args: &TargetArgs, env: &Environment, text: &str) -> Result<Self, Failure> {
        Self::visit_for(args, env, |list| select::device(list, text) != Choice::Nothing).await
    }

    /// The same, to decide about everything there is.
    pub async fn visit_for_all(args: &TargetArgs, env: &Environment) -> Result<Self, Failure> {
        Self::look(Target::new(args, env)?.with_all_rights()).await
    }

    async fn look(target: Target) -> Result<Self, Failure> {
        let mut connection = target.open_or_store(&[PAIRING, READ]).await?;
        let list = progress::asking(connection.ask(Method::DevicePairList, ())).await?;
        let now_ms = connection.opened_at_ms();
        connection.close().await;
        Ok(Self { target, list, now_ms })
    }

    /// The request that a text stands for; the failure lists those that wait.
    pub fn request(&self, text: &str) -> Result<&PendingRequest, Failure> {
        let line = |request: &PendingRequest| listing::request_line(request, self.now_ms);
        if let Some(request) = select::request(&self.list, text).one(text, "requests", line, "use more of the id")? {
            return Ok(request);
        }
        let failure = Failure::new(format!("The request `{}` is unknown, decided or expired.", shown(text)));
        Err(if self.list.pending.is_empty() {
            let connect = self.target.let_it_connect();
            failure.hint(format!("no device waits now; {connect}, then see `openclaw devices list`"))
        } else {
            failure
                .list(std::iter::once("These wait now:".to_owned()).chain(self.list.pending.iter().map(line)))
                .hint("approve or reject one of these by its id")
        })
    }

    /// The request whose fingerprint has these words.
    pub fn matching(&self, words: &str) -> Result<&PendingRequest, Failure> {
        let line = |request: &PendingRequest| listing::request_line(request, self.now_ms);
        let found = select::request_by_words(&self.list, words);
        let hint = "these keys are made to look alike; compare the device ids in `openclaw devices list`";
        found.one(words, "requests", line, hint)?.ok_or_else(|| {
            Failure::new(format!("No request that waits has the fingerprint `{}`.", shown(words)))
                .list(self.list.pending.iter().map(listing::fingerprint_words))
                .hint("give all of its words, as the device shows them; if they differ, do not approve it")
        })
    }

    /// The device that a text stands for.
    pub fn device(&self, text: &str) -> Result<&PairedDevice, Failure> {
        let found = select::device(&self.list, text);
        found.one(text, "devices", listing::device_line, "use the id, or more of it")?.ok_or_else(|| {
            Failure::new(format!("No paired device goes by `{}`.", shown(text)))
                .list(self.list.paired.iter().map(listing::device_line))
                .hint("use an id or a name from `openclaw devices list`")
        })
    }

    /// The device and role whose token is meant.
    pub fn token(&self, args: &TokenArgs) -> Result<(&PairedDevice, TokenParams), Failure> {
        let device = self.device(args.device())?;
        let role = role_meant(args.role(), device)?;
        let params = TokenParams { device_id: device.device_id.clone(), role: role.as_str().to_owned(), scopes: None };
        Ok((device, params))
    }

    /// Approves exactly what was listed: the gateway refuses if the request has changed since.
    pub async fn approve(&self, request: &PendingRequest, terms: Terms, as_json: bool) -> Outcome {
        let granted = terms.scopes.clone().unwrap_or_else(|| request.scopes.clone());
        let lasts_ms = terms.expires_in_ms.filter(|lasts_ms| *lasts_ms > 0);
        let name = terms.label.clone().unwrap_or_else(|| request.shown_name());
        let approved = approve_as_shown(&self.target, request, terms).await?;
        let lasts = lasts_ms.map(|lasts_ms| format!(", for {}", duration(lasts_ms / 1000))).unwrap_or_default();
        let words = format!("Approved {} as {}{lasts}.", shown(&name), role_and_scopes(request.role, &granted));
        Ok(tell(as_json, &approved, &words))
    }
}

/// Approves exactly what was shown of a request.
pub(super) async fn approve_as_shown(
    target: &Target,
    request: &PendingRequest,
    terms: Terms,
) -> Result<Approved, Failure> {
    let params = ApproveParams {
        request_id: request.request_id.clone(),
        digest: request.evidence.as_ref().map(|seen| seen.digest.clone()),
        terms,
    };
    target.decide(Method::DevicePairApprove, params).await
}

/// The role that is named, or the only one there is.
fn role_meant(named: Option<Role>, device: &PairedDevice) -> Result<Role, Failure> {
    match (named, device.roles.as_slice()) {
        (Some(role), _) => Ok(role),
        (None, [only]) => Ok(*only),
        (None, []) => Ok(device.role),
        (None, several) => Err(ambiguous_role(device, several)),
    }
}

fn ambiguous_role(device: &PairedDevice, roles: &[Role]) -> Failure {
    let roles: Vec<&str> = roles.iter().map(|role| role.as_str()).collect();
    Failure::new(format!("{} has several roles: {}.", shown(&device.shown_name()), roles.join(", ")))
        .hint("say which one with --role ROLE")
}

#[cfg(test)]
mod tests {
    use super::super::super::select::tests::sample;
    use super::*;

    #[test]
    fn of_several_roles_none_is_taken_that_was_not_named() {
        let mut device = sample().paired.swap_remove(0);
        device.roles = vec![Role::Operator, Role::Node];
        let told = role_meant(None, &device).unwrap_err().lines().concat();
        assert!(told.contains("several roles: operator, node") && told.contains("--role ROLE"), "{told}");
        assert_eq!(role_meant(Some(Role::Node), &device), Ok(Role::Node));
        device.roles = vec![Role::Node];
        assert_eq!(role_meant(None, &device), Ok(Role::Node));
    }
}
