//! `passkey.*` and `stepUp.*`: extensions (docs/protocol.md, "Step-up").

use access::step_up::{self, Act, passkey_host};
use protocol::audit::AuditAction;
use protocol::method::{
    NewPasskeyParams, Passkey, PasskeyList, PasskeyOffer, PasskeyRef, ProofParams, Purpose, STEP_UP_LIFETIME_MS,
    StepUpDone, StepUpOffer, StepUpParams,
};
use protocol::refusal::StepUpRefusal;
use protocol::{Refusal, Secret};
use serde_json::{Value, json};

use crate::gateway::auditing;
use crate::gateway::connection::Connection;
use crate::gateway::step_up::{Wanted, demand};
use crate::keys::new_secret;
use crate::passkey::{self, ALGORITHMS, Asked, Problem, PublicKey, challenge_of, counts_on, decode};
use crate::state::AppState;
use crate::store::StoredPasskey;

/// A page that can have passkeys.
struct Page<'a> {
    origin: &'a str,
    /// The host name that its passkeys are for.
    host: String,
}

fn page_of(caller: &Connection) -> Result<Page<'_>, Refusal> {
    let origin = caller.introduction.page.as_deref().ok_or(Refusal::StepUp(StepUpRefusal::NotAPage))?;
    let host = passkey_host(origin).ok_or(Refusal::StepUp(StepUpRefusal::AddressUnfit))?;
    Ok(Page { origin, host })
}

fn invalid(Problem(problem): Problem) -> Refusal {
    Refusal::StepUp(StepUpRefusal::Invalid { problem })
}

fn new_challenge() -> Result<String, Refusal> {
    new_secret().map(|challenge: Secret| challenge.reveal().to_owned()).map_err(|error| {
        tracing::error!(%error, "No challenge could be made");
        Refusal::StoreUnavailable
    })
}

/// What a challenge in an answer was for, if this connection was asked it just now.
fn spent(state: &AppState, caller: &Connection, client_data: &[u8]) -> Result<(String, Wanted), Refusal> {
    let challenge = challenge_of(client_data).map_err(invalid)?;
    let wanted = caller.step_up.spend(&challenge, state.clock.now_ms());
    wanted.map(|wanted| (challenge, wanted)).ok_or(Refusal::StepUp(StepUpRefusal::ChallengeStale))
}

async fn stored(state: &AppState) -> Result<Vec<StoredPasskey>, Refusal> {
    state.store.list_passkeys().await.map_err(|error| error.refusal())
}

pub async fn list(state: &AppState, caller: &Connection) -> Result<PasskeyList, Refusal> {
    Ok(PasskeyList {
        passkeys: stored(state).await?.into_iter().map(|stored| stored.passkey).collect(),
        host: caller.introduction.page.as_deref().and_then(passkey_host),
        step_up: state.config().step_up.as_str().to_owned(),
    })
}

/// Asks the browser for a new passkey.
pub async fn begin(state: &AppState, caller: &Connection) -> Result<PasskeyOffer, Refusal> {
    let page = page_of(caller)?;
    demand(state, caller, Act::AddPasskey, Purpose::AddPasskey).await?;
    let challenge = new_challenge()?;
    let known = stored(state).await?;
    let wanted = Wanted::NewPasskey { is_first: known.is_empty() };
    caller.step_up.ask(challenge.clone(), wanted, state.clock.now_ms());
    Ok(PasskeyOffer {
        challenge,
        user_id: passkey::encode(&state.server_key.passkey_user(&page.host)),
        algorithms: ALGORITHMS.to_vec(),
        known: known.iter().filter(|stored| stored.passkey.host == page.host).map(StoredPasskey::known).collect(),
        host: page.host,
        timeout_ms: STEP_UP_LIFETIME_MS,
    })
}

/// Takes the passkey that the browser made.
pub async fn finish(state: &AppState, caller: &Connection, params: NewPasskeyParams) -> Result<Passkey, Refusal> {
    let NewPasskeyParams { name, client_data, attestation, transports } = params;
    let name = name.trim();
    if name.is_empty() {
        return Err(Refusal::LabelRequired);
    }
    let client_data = decode(&client_data).map_err(invalid)?;
    let (challenge, wanted) = spent(state, caller, &client_data)?;
    let Wanted::NewPasskey { is_first } = wanted else {
        return Err(Refusal::StepUp(StepUpRefusal::ChallengeStale));
    };
    // Whoever asked while there was none has proved nothing, and now there is one to prove it with.
    if is_first && !stored(state).await?.is_empty() {
        return Err(Refusal::StepUp(StepUpRefusal::ChallengeStale));
    }
    let page = page_of(caller)?;
    let asked = Asked { challenge: &challenge, page: page.origin, host: &page.host };
    let attestation = decode(&attestation).map_err(invalid)?;
    let made = passkey::register(asked, &client_data, &attestation).map_err(invalid)?;
    let passkey = Passkey {
        id: made.id,
        name: name.to_owned(),
        host: page.host,
        created_at_ms: state.clock.now_ms(),
        last_used_at_ms: None,
    };
    let stored = StoredPasskey {
        passkey: passkey.clone(),
        public_key: made.public_key,
        sign_count: made.sign_count,
        transports: transports.into_iter().filter(|word| is_transport(word)).take(MAX_TRANSPORTS).collect(),
    };
    let what = auditing::of(AuditAction::PasskeyAdded, Some(caller)).noting(noted(&passkey));
    state.store.add_passkey(&stored, what).await.map_err(|error| error.refusal())?;
    tracing::info!(conn.id = %caller.id, host = passkey.host, "A passkey was added");
    Ok(passkey)
}

/// More than there are words for it.
const MAX_TRANSPORTS: usize = 8;

/// A word such as `internal` or `smart-card`; browsers take those they know.
fn is_transport(word: &str) -> bool {
    (1..=16).contains(&word.len()) && word.bytes().all(|byte| byte.is_ascii_lowercase() || byte == b'-')
}

fn noted(passkey: &Passkey) -> String {
    format!("{} ({})", passkey.name, passkey.host)
}

pub async fn remove(state: &AppState, caller: &Connection, params: PasskeyRef) -> Result<Value, Refusal> {
    let unknown = || Refusal::StepUp(StepUpRefusal::PasskeyUnknown);
    let found = stored(state).await?.into_iter().find(|stored| stored.passkey.id == params.id);
    let passkey = found.ok_or_else(unknown)?.passkey;
    demand(state, caller, Act::RemovePasskey, Purpose::RemovePasskey { id: passkey.id.clone() }).await?;
    let what = auditing::of(AuditAction::PasskeyRemoved, Some(caller)).noting(noted(&passkey));
    let removed = state.store.remove_passkey(&passkey.id, what, state.clock.now_ms()).await;
    if !removed.map_err(|error| error.refusal())? {
        return Err(unknown());
    }
    tracing::info!(conn.id = %caller.id, host = passkey.host, "A passkey was removed");
    Ok(json!({"id": passkey.id}))
}

/// Asks the browser for a proof. Whether anything is needed for that purpose is decided when it is done.
pub async fn ask_proof(state: &AppState, caller: &Connection, params: StepUpParams) -> Result<StepUpOffer, Refusal> {
    let page = page_of(caller)?;
    let passkeys = stored(state).await?;
    let known: Vec<_> =
        passkeys.iter().filter(|stored| stored.passkey.host == page.host).map(StoredPasskey::known).collect();
    if known.is_empty() {
        return Err(Refusal::StepUp(if passkeys.is_empty() {
            StepUpRefusal::NoPasskey
        } else {
            step_up::elsewhere(passkeys.into_iter().map(|stored| stored.passkey.host))
        }));
    }
    let challenge = new_challenge()?;
    caller.step_up.ask(challenge.clone(), Wanted::Proof(params.purpose), state.clock.now_ms());
    Ok(StepUpOffer { challenge, host: page.host, known, timeout_ms: STEP_UP_LIFETIME_MS })
}

/// Takes a proof. It counts for what it was asked for, on this connection, once.
pub async fn prove(state: &AppState, caller: &Connection, params: ProofParams) -> Result<StepUpDone, Refusal> {
    let ProofParams { id, client_data, authenticator_data, signature } = params;
    let client_data = decode(&client_data).map_err(invalid)?;
    let (challenge, wanted) = spent(state, caller, &client_data)?;
    let Wanted::Proof(purpose) = wanted else { return Err(Refusal::StepUp(StepUpRefusal::ChallengeStale)) };
    let page = page_of(caller)?;
    let found = stored(state).await?.into_iter().find(|stored| stored.passkey.id == id);
    let found = found.filter(|stored| stored.passkey.host == page.host);
    let known = found.ok_or(Refusal::StepUp(StepUpRefusal::PasskeyUnknown))?;
    let key = PublicKey::parse(&known.public_key).ok_or(Refusal::StoreUnavailable)?;
    let asked = Asked { challenge: &challenge, page: page.origin, host: &page.host };
    let (data, signature) = (decode(&authenticator_data).map_err(invalid)?, decode(&signature).map_err(invalid)?);
    let count = passkey::prove(asked, &key, &client_data, &data, &signature).map_err(invalid)?;
    let (now_ms, name) = (state.clock.now_ms(), known.passkey.name.clone());
    let what = auditing::of(AuditAction::PasskeyUsed, Some(caller));
    let what = what.noting(format!("{} for {}", noted(&known.passkey), said(&purpose)));
    let counts = counts_on(known.sign_count, count);
    let is_used = counts && state.store.use_passkey(&id, count, what, now_ms).await.map_err(|error| error.refusal())?;
    if !is_used {
        let what = auditing::of(AuditAction::PasskeyRefused, Some(caller));
        auditing::record(state, what.noting(format!("{}: its counter went back", noted(&known.passkey)))).await;
        tracing::warn!(conn.id = %caller.id, passkey = name, "The counter of a passkey went back");
        return Err(Refusal::StepUp(StepUpRefusal::CounterWentBack { name }));
    }
    caller.step_up.note_proof(purpose, now_ms);
    Ok(StepUpDone { until_ms: now_ms + STEP_UP_LIFETIME_MS })
}

/// What it was shown for, as the record names it.
fn said(purpose: &Purpose) -> String {
    match purpose {
        Purpose::Approve { request_id, .. } => format!("{} {request_id}", purpose.word()),
        Purpose::Secret
        | Purpose::Code
        | Purpose::Settings { .. }
        | Purpose::AddPasskey
        | Purpose::RemovePasskey { .. } => purpose.word().to_owned(),
    }
}
