//! `doctor.*`: extensions (docs/protocol.md, "The doctor"). The checks and repairs are those of `openclaw doctor`;
//! the lab asks the functions that decide about real requests.

use std::net::{IpAddr, SocketAddr};

use access::diagnosis::{self, Circumstances, Diagnosis, of_refusal, of_unattributable};
use access::locality::{self, Forwarded, Ingress as Way, TrustedProxies};
use access::origin;
use access::policy::Policy;
use access::step_up::Act;
use protocol::audit::AuditAction;
use protocol::doctor::{
    Attempts, AttemptsParams, CheckFinding, Checked, ExplainParams, Explained, ExplainedClient, ExplainedRefusal,
    ExplainedStep, FixParams, MAX_ATTEMPTS, OwnConnection, Repaired, Tone,
};
use protocol::method::Purpose;
use protocol::{Method, Refusal};

use super::devices::decider;
use crate::clock::stamp;
use crate::doctor::{CHECKS, Change, Finding, Repair, Severity, examine, gather};
use crate::gateway::admit::page_facts;
use crate::gateway::auditing;
use crate::gateway::connection::Connection;
use crate::gateway::step_up::demand;
use crate::http::peer::{Ingress, Peer};
use crate::http::router::UNATTRIBUTABLE;
use crate::migration;
use crate::state::AppState;

/// Who came lately. A device without admin rights sees only itself.
pub fn attempts(state: &AppState, caller: &Connection, params: AttemptsParams) -> Attempts {
    let limit = usize::try_from(params.limit.unwrap_or(MAX_ATTEMPTS)).unwrap_or(usize::MAX);
    let mut attempts = state.attempts.latest(limit);
    if decider(caller).is_confined_to_itself() {
        attempts.retain(|attempt| attempt.device_id.is_some() && attempt.device_id == caller.device_id);
    }
    Attempts { attempts }
}

/// What a request would come to, now or with other settings.
pub fn explain(state: &AppState, caller: &Connection, params: ExplainParams) -> Result<Explained, Refusal> {
    let peer: IpAddr = params.peer.trim().parse().map_err(|_| Refusal::ParamsInvalid {
        method: Method::DoctorExplainRequest.name(),
        problems: "at /peer: must be an IP address".to_owned(),
    })?;
    let config = state.config();
    let mut policy = config.policy.clone();
    let mut unusable = Vec::new();
    if let Some(entries) = &params.trusted_proxies {
        let parsed = TrustedProxies::parse(entries.iter().map(String::as_str));
        (policy.trusted_proxies, unusable) = parsed;
    }
    if let Some(allowed) = params.allowed_origins {
        policy.origins.allowed = allowed;
    }
    let named: Vec<(String, String)> = params
        .headers
        .into_iter()
        .map(|header| (header.name.trim().to_ascii_lowercase(), header.value.trim().to_owned()))
        .collect();
    let find = |name: &str| named.iter().find(|(known, _)| known == name).map(|(_, value)| value.as_str());
    let forwarded = Forwarded::collect(named.iter().map(|(name, value)| (name.as_str(), value.as_str())));
    let mut steps = Vec::new();
    let peer = Peer::Tcp(SocketAddr::new(peer, 0));
    let resolved = Ingress::resolve_watched(peer, &forwarded, &policy, &mut |look| steps.push(diagnosis::step(&look)));
    let own = Box::new(own_connection(caller, &config.policy, &policy));
    let ingress = match resolved {
        Ok(ingress) => ingress,
        Err(why) => {
            let address = peer.address().unwrap_or(caller.introduction.attribution.client);
            let Diagnosis { cause, fix } = of_unattributable(why, address, &forwarded);
            let refused = ExplainedRefusal { code: UNATTRIBUTABLE.to_owned(), cause, fix };
            return Ok(Explained { steps, client: None, refused: Some(refused), unusable, own });
        }
    };
    let attribution = &ingress.attribution;
    let place = attribution.origin(ingress.is_encrypted, find("origin"));
    steps.push(encryption(&ingress));
    let (page, host) = (find("origin"), find("host"));
    let verdict = page.map(|_| origin::check(page_facts(attribution, page, host), &policy.origins));
    let mut refused = None;
    match verdict {
        None => steps.push(plain("No page: without an Origin header it is a program, which needs no allowed origin.")),
        Some(Ok(())) => steps.push(ExplainedStep {
            words: format!("The page {} may talk to the gateway.", page.unwrap_or_default()),
            tone: Tone::Good,
        }),
        Some(Err(refusal)) => {
            let around = Circumstances { client: attribution.client, page, host, device_id: None, port: state.port };
            let Diagnosis { cause, fix } = of_refusal(&refusal, &around);
            steps.push(ExplainedStep { words: cause.clone(), tone: Tone::Bad });
            let code = refusal.detail_code().unwrap_or(refusal.code()).to_owned();
            refused = Some(ExplainedRefusal { code, cause, fix });
        }
    }
    let client = ExplainedClient {
        address: place.address,
        network: place.network,
        resolved: place.resolved,
        encrypted: place.encrypted,
    };
    Ok(Explained { steps, client: Some(client), refused, unusable, own })
}

fn plain(words: &str) -> ExplainedStep {
    ExplainedStep { words: words.to_owned(), tone: Tone::Plain }
}

fn encryption(ingress: &Ingress) -> ExplainedStep {
    match (ingress.is_encrypted, ingress.attribution.ingress) {
        (true, _) => {
            ExplainedStep { words: "The proxy says that the client speaks https.".to_owned(), tone: Tone::Good }
        }
        (false, Way::DirectLocal) => plain("Not encrypted, and it need not be: nothing leaves this machine."),
        (false, Way::DirectRemote) => {
            plain("Not encrypted as far as the gateway can tell: nobody it trusts stands in between.")
        }
        (false, Way::TrustedProxy { .. }) => plain(
            "The proxy does not say that the client speaks https: X-Forwarded-Proto is missing or says something else.",
        ),
    }
}

/// What other settings make of the connection that asks. One that the present settings say nothing about came
/// through Tailscale's own port, where they do not count.
fn own_connection(caller: &Connection, now: &Policy, then: &Policy) -> OwnConnection {
    let attribution = &caller.introduction.attribution;
    let (peer, headers) = match attribution.ingress {
        Way::DirectLocal | Way::DirectRemote => (attribution.client, Forwarded::default()),
        Way::TrustedProxy { proxy } => {
            (proxy, Forwarded::collect([("x-forwarded-for", attribution.client.to_string().as_str())]))
        }
    };
    let resolve =
        |policy: &Policy| locality::resolve(peer, &headers, &policy.trusted_proxies, policy.allow_real_ip_fallback);
    let is_untouched = resolve(now).ok().as_ref() != Some(attribution);
    match resolve(then) {
        Ok(found) => OwnConnection {
            survives: true,
            words: format!("This page's own connection would come from {} {}.", found.client, found.resolved()),
        },
        Err(_) if is_untouched => OwnConnection {
            survives: true,
            words: format!("This page's own connection comes from {} and does not depend on this.", attribution.client),
        },
        Err(why) => OwnConnection { survives: false, words: of_unattributable(why, peer, &headers).cause },
    }
}

/// Looks at this machine as `openclaw doctor` does.
pub async fn run(state: &AppState) -> Result<Checked, Refusal> {
    let findings = look(state).await?;
    Ok(Checked {
        ok: findings.iter().all(|finding| finding.severity == Severity::Note),
        checks: CHECKS.len() as u64,
        findings: findings.iter().map(shown).collect(),
        at_ms: state.clock.now_ms(),
    })
}

/// Repairs what one check has found, as far as a running gateway can.
pub async fn fix(state: &AppState, caller: &Connection, params: FixParams) -> Result<Repaired, Refusal> {
    let mut repaired = Repaired { done: Vec::new(), failed: Vec::new() };
    let found = look(state).await?;
    let meant: Vec<&Finding> = found.iter().filter(|finding| finding.id == params.id).collect();
    let paths: Vec<String> = meant.iter().flat_map(|finding| changed_settings(finding)).collect();
    let purpose = Purpose::Settings { digest: params.id.clone() };
    demand(state, caller, Act::ChangeSettings { paths: &paths }, purpose).await?;
    for finding in meant {
        match carry_out(state, finding).await {
            Ok(done) => repaired.done.push(done),
            Err(why) => repaired.failed.push(why),
        }
    }
    for done in &repaired.done {
        tracing::info!(conn.id = %caller.id, check = params.id, "The doctor repaired something: {done}");
        let what = auditing::of(AuditAction::Repaired, Some(caller)).noting(format!("{}: {done}", params.id));
        auditing::record(state, what).await;
    }
    Ok(repaired)
}

fn changed_settings(finding: &Finding) -> Vec<String> {
    match &finding.repair {
        Some(Repair::Change(Change::Set(assignments))) => assignments.0.iter().map(|(path, _)| path.clone()).collect(),
        Some(
            Repair::Change(Change::Own { .. } | Change::Protect { .. } | Change::MoveAside(_))
            | Repair::RescueStore
            | Repair::Migrate
            | Repair::StartService,
        )
        | None => Vec::new(),
    }
}

/// Gathering waits for the disk, for other programs, and for this very gateway; so it has a thread of its own.
async fn look(state: &AppState) -> Result<Vec<Finding>, Refusal> {
    let (env, clock) = (state.live.environment().clone(), state.clock.clone());
    let runtime = tokio::runtime::Handle::current();
    let gathering = tokio::task::spawn_blocking(move || runtime.block_on(gather(&env, &clock)));
    let gathered = gathering.await.map_err(anyhow::Error::from).and_then(|gathered| gathered);
    let facts = gathered.map_err(|error| {
        tracing::error!("The doctor could not look: {error:#}");
        Refusal::StoreUnavailable
    })?;
    Ok(examine(&facts))
}

async fn carry_out(state: &AppState, finding: &Finding) -> Result<String, String> {
    match &finding.repair {
        Some(Repair::Change(change)) => {
            let (change, paths, env) = (change.clone(), state.paths.clone(), state.live.environment().clone());
            let stamp = stamp(state.clock.now_ms());
            let applying = tokio::task::spawn_blocking(move || change.apply(&paths, &env, &stamp));
            let applied = applying.await.map_err(anyhow::Error::from).and_then(|applied| applied);
            applied.map_err(|error| format!("{error:#}"))
        }
        Some(Repair::Migrate) => {
            let migrated = migration::migrate(state, &protocol::method::MigrateParams::default()).await;
            let migrated = migrated.map_err(|error| error.to_string())?;
            let taken = migrated.count(protocol::method::MigratedOutcome::Imported);
            Ok(format!("took {taken} records over from {}", migrated.from))
        }
        // These are for a gateway that does not run, and this one does.
        Some(Repair::RescueStore | Repair::StartService) | None => Err(format!("{} {}", finding.what, finding.fix)),
    }
}

fn shown(finding: &Finding) -> CheckFinding {
    CheckFinding {
        id: finding.id.to_owned(),
        severity: finding.severity.as_str().to_owned(),
        what: finding.what.clone(),
        why: finding.why.clone(),
        evidence: finding.evidence.clone(),
        fix: finding.fix.clone(),
        fixable: matches!(finding.repair, Some(Repair::Change(_) | Repair::Migrate)),
    }
}
