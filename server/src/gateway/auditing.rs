//! What is decided outside the pairing machine, for the record; and telling those who look at it.

use std::time::Duration;

use access::audit;
use protocol::BootstrapProfile;
use protocol::audit::{AuditAction, AuditAppended, AuditAuthor, Audited};
use protocol::doctor::AttemptNoted;
use protocol::event::Event;
use protocol::pairing::ApprovedVia;

use super::admit::Candidate;
use super::connection::Connection;
use super::methods::devices::decider;
use crate::state::AppState;

/// How long a page that looks is left alone after it was told: a flood must not keep it busy.
const PACE: Duration = Duration::from_secs(1);

/// Somebody had a one-time code made; without a connection it was the owner, at the terminal.
pub fn code_made(by: Option<&Connection>, profile: BootstrapProfile) -> Audited {
    let action = match profile {
        BootstrapProfile::Owner => AuditAction::OwnerLinkMade,
        BootstrapProfile::Full | BootstrapProfile::Limited | BootstrapProfile::Node | BootstrapProfile::VoiceNode => {
            AuditAction::CodeMade
        }
    };
    of(action, by).noting(profile.as_str())
}

/// A device used one.
pub fn code_used(candidate: &Candidate<'_>, profile: BootstrapProfile) -> Audited {
    let action = if profile == BootstrapProfile::Owner { AuditAction::OwnerLinkUsed } else { AuditAction::CodeUsed };
    let mut used = Audited::new(action, AuditAuthor::Policy { via: ApprovedVia::Bootstrap }).noting(profile.as_str());
    let ingress = &candidate.arrival.ingress;
    used.from = Some(ingress.attribution.origin(ingress.is_encrypted, candidate.arrival.page.as_deref()));
    match candidate.device {
        Some(device) => used.about(device.id().clone(), candidate.connect.client.display_name.clone()),
        None => used,
    }
}

/// Something that a connection did; without one, the owner did it.
pub fn of(action: AuditAction, by: Option<&Connection>) -> Audited {
    by.map_or_else(|| Audited::new(action, AuditAuthor::Owner), |caller| audit::by(action, &decider(caller)))
}

/// Writes down what is done already. It stays done if that fails.
pub async fn record(state: &AppState, what: Audited) {
    let action = what.action.as_str();
    if let Err(error) = state.store.record(what, state.clock.now_ms()).await {
        tracing::error!(%error, action, "A decision could not be written down");
    }
}

/// Tells everyone who may know that something was decided, until the gateway stops.
pub async fn announce_decisions(state: AppState) {
    let mut news = state.store.audit_news();
    loop {
        tokio::select! {
            changed = news.changed() => if changed.is_err() { return },
            () = state.stopping.cancelled() => return,
        }
        let payload = AuditAppended { seq: *news.borrow_and_update() };
        state.registry.broadcast(Event::AuditAppended, None::<&()>, Some(&payload));
    }
}

/// Tells them that somebody came, at most once in a while.
pub async fn announce_attempts(state: AppState) {
    let mut news = state.attempts.news();
    loop {
        tokio::select! {
            changed = news.changed() => if changed.is_err() { return },
            () = state.stopping.cancelled() => return,
        }
        let payload = AttemptNoted { id: *news.borrow_and_update() };
        state.registry.broadcast(Event::DoctorAttempt, None::<&()>, Some(&payload));
        tokio::select! {
            () = tokio::time::sleep(PACE) => {}
            () = state.stopping.cancelled() => return,
        }
    }
}
