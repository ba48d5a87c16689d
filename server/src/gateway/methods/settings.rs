//! The settings as a page shows and changes them: extensions (docs/protocol.md, "Settings on a page").

use access::entries::Judged;
use access::locality::Ingress as Way;
use access::policy::AuthMode;
use access::step_up::Act;
use client::GatewayUrl;
use protocol::method::Purpose;
use protocol::refusal::{ConfigFile, ConfigRefusal};
use protocol::settings::{
    CertificateSeen, CheckParams, Checked, Described, Disconnects, Limits, Proxies, Reach, Remark, RestartState,
    Running, SecretState, SettingState, ShownSecret, TailscaleSeen, Trial, TrialRef, YourWay,
};
use protocol::{PAIRING_LIFETIME_MS, Refusal};
use serde_json::{Value, json};

use crate::config::edit::{Edit, Edited};
use crate::config::entries::{self, Remarkable, is_within};
use crate::config::secrets::conceal;
use crate::config::settings::{Reload, SETTINGS, Setting};
use crate::config::trial::{self, TrialError};
use crate::config::written::find_missing_secret;
use crate::config::{Config, Problem, file};
use crate::doctor::facts::{Certificate, CertificateState};
use crate::doctor::gather::certificates_of;
use crate::gateway::connection::Connection;
use crate::gateway::foresight;
use crate::gateway::step_up::demand;
use crate::state::{AppState, Ending};
use crate::store::crowding::{MAX_PENDING, MAX_PENDING_PER_ADDRESS};
use crate::tailscale;

/// A secret that is shorter can be guessed, in characters.
const SHORT_SECRET: usize = 16;

/// What `config.patch` would do, without doing it.
pub async fn check(state: &AppState, caller: &Connection, params: CheckParams) -> Result<Checked, Refusal> {
    let text = read(state)?;
    let edit = Edit::Patch { raw: params.raw, replace_paths: params.replace_paths };
    let foreseen = match edit.apply(&text) {
        Ok(edited) => foresee(state, &text, edited),
        Err(problems) => Err(remarks(problems)),
    };
    match foreseen {
        Err(problems) => Ok(Checked { problems, ..Checked::default() }),
        Ok(Foreseen { config, edited, warnings }) => Ok(Checked {
            problems: Vec::new(),
            warnings,
            requires_restart: state.live.needs_restart(&config),
            disconnects: if edited.changed_paths.is_empty() {
                Disconnects::default()
            } else {
                foresight::disconnects(state, caller, &config).await
            },
            cut_off: foresight::cut_off(state, caller, &config),
            changed_paths: edited.changed_paths,
        }),
    }
}

/// A change that would be made.
struct Foreseen {
    config: Config,
    edited: Edited,
    warnings: Vec<Remark>,
}

fn foresee(state: &AppState, text: &str, edited: Edited) -> Result<Foreseen, Vec<Remark>> {
    let resolved = state.live.resolve(&edited.text).map_err(remarks)?;
    if let Some(problem) = find_missing_secret(&resolved.config) {
        return Err(remarks([problem]));
    }
    let (before, after) = (file::parse(text).unwrap_or_default(), file::parse(&edited.text).unwrap_or_default());
    let useless = entries::find_new_useless(&before, &after);
    if !useless.is_empty() {
        return Err(useless.into_iter().map(remark).collect());
    }
    let concerns = |path: &str| edited.changed_paths.iter().any(|changed| is_within(changed, path));
    let judged = entries::find(&after).into_iter().filter(|one| concerns(one.path)).map(remark);
    let secret = short_secret(&resolved.config).into_iter().filter(|remark| concerns(&remark.path));
    let others = resolved.warnings.into_iter().filter(|one| concerns(&one.path));
    let warnings = warnings(judged.chain(secret).collect(), others);
    Ok(Foreseen { config: resolved.config, edited, warnings })
}

/// What is said of single entries, and all else. What a warning says of an entry is said better beside the entry.
fn warnings(judged: Vec<Remark>, others: impl IntoIterator<Item = Problem>) -> Vec<Remark> {
    let is_said = |path: &str| judged.iter().any(|remark| remark.entry.is_some() && remark.path == path);
    let others: Vec<Problem> = others.into_iter().filter(|one| !is_said(&one.path)).collect();
    judged.into_iter().chain(remarks(others)).collect()
}

fn remarks(problems: impl IntoIterator<Item = Problem>) -> Vec<Remark> {
    let remark = |Problem { path, message }| Remark { path, message, ..Remark::default() };
    problems.into_iter().map(remark).collect()
}

fn remark(one: Remarkable) -> Remark {
    let (message, suggestion) = match one.judged {
        Judged::Fine => (String::new(), None),
        Judged::Wide(why) => (why, None),
        Judged::Useless { why, suggestion } => (format!("this entry can never match: {why}"), suggestion),
    };
    Remark { path: one.path.to_owned(), message, entry: Some(one.entry), suggestion }
}

fn short_secret(config: &Config) -> Option<Remark> {
    let path = match config.policy.auth_mode {
        AuthMode::Token => "gateway.auth.token",
        AuthMode::Password => "gateway.auth.password",
        AuthMode::None => return None,
    };
    let is_short = config.shared_secret()?.reveal().chars().count() < SHORT_SECRET;
    let message = format!("a secret of fewer than {SHORT_SECRET} characters can be guessed");
    is_short.then(|| Remark { path: path.to_owned(), message, ..Remark::default() })
}

fn read(state: &AppState) -> Result<String, Refusal> {
    file::read_text(&state.paths.config_file).map_err(|error| {
        tracing::error!("The settings were not read: {error:#}");
        Refusal::Config(ConfigRefusal::FileUnavailable { file: ConfigFile::Settings })
    })
}

/// Everything that the page of settings shows.
pub fn describe(state: &AppState, caller: &Connection) -> Result<Described, Refusal> {
    let text = read(state)?;
    let parsed = file::parse(&text).unwrap_or_default();
    let (problems, others) = match state.live.resolve(&text) {
        Ok(resolved) => (Vec::new(), resolved.warnings),
        Err(problems) => (problems, Vec::new()),
    };
    let judged = entries::find(&parsed).into_iter().map(remark).collect();
    let config = state.config();
    let started_with = state.live.started_with();
    let let_in = state.registry.connections().iter().filter(|connection| connection.came_by_secret()).count();
    Ok(Described {
        path: state.paths.config_file.display().to_string(),
        hash: state.server_key.opaque_hash(&text),
        problems: remarks(problems),
        warnings: warnings(judged, others),
        settings: SETTINGS.iter().map(|setting| shown(state, setting, &parsed)).collect(),
        secret: SecretState {
            mode: config.policy.auth_mode.as_str().to_owned(),
            is_set: config.shared_secret().is_some(),
            connections: let_in,
        },
        restart: RestartState { is_due: state.live.needs_restart(&config), is_possible: trial::can_restart(state) },
        trial: trial::waiting(state),
        running: Running { port: state.port, bind: started_with.bind.as_str().to_owned() },
        you: your_way(caller),
        proxies: proxies(state, &parsed),
        limits: Limits {
            waiting_per_address: MAX_PENDING_PER_ADDRESS,
            waiting: MAX_PENDING,
            waiting_ms: PAIRING_LIFETIME_MS,
        },
    })
}

fn shown(state: &AppState, setting: &Setting, parsed: &Value) -> SettingState {
    let value = setting.path.split('.').try_fold(parsed, |value, key| value.get(key));
    let name = setting.path.rsplit('.').next().unwrap_or_default();
    SettingState {
        path: setting.path.to_owned(),
        value: value.map(|value| conceal(name, value)),
        default: setting.default_value(),
        overruled_by: state.live.overruled_by(setting.path).map(str::to_owned),
        needs_restart: setting.reload == Reload::Restart,
    }
}

fn your_way(caller: &Connection) -> YourWay {
    let introduction = &caller.introduction;
    YourWay {
        address: introduction.attribution.client.to_string(),
        proxy: match introduction.attribution.ingress {
            Way::TrustedProxy { proxy } => Some(proxy.to_string()),
            Way::DirectLocal | Way::DirectRemote => None,
        },
        page: introduction.page.clone(),
        is_encrypted: introduction.is_encrypted,
    }
}

fn proxies(state: &AppState, parsed: &Value) -> Proxies {
    let list = parsed.pointer("/gateway/trustedProxies").and_then(Value::as_array);
    let entries: Vec<String> = list.into_iter().flatten().filter_map(Value::as_str).map(str::to_owned).collect();
    state.passed_on.list(&entries, state.clock.now_ms())
}

/// Certificates and Tailscale.
pub async fn reach(state: &AppState) -> Reach {
    let config = state.config();
    let url = config.public_url.as_ref().and_then(|url| GatewayUrl::parse(url).ok());
    let (certificates, tailscale) = tokio::join!(certificates_of(url), tailscale::look(state.live.env()));
    let seen = |certificate: Certificate| {
        let (until_ms, problem) = match certificate.state {
            CertificateState::Good { until_s, .. } => (u64::try_from(until_s).ok().map(|seconds| seconds * 1000), None),
            CertificateState::Unreadable(problem) => (None, Some(problem)),
        };
        CertificateSeen { of: certificate.from, until_ms, problem }
    };
    let shown_url = config.public_url.as_ref().map(|url| conceal("publicUrl", &json!(url)));
    Reach {
        public_url: shown_url.as_ref().and_then(Value::as_str).map(str::to_owned),
        certificates: certificates.into_iter().map(seen).collect(),
        tailscale: TailscaleSeen { leads_here: state.exposed.get().is_some(), ..tailscale },
    }
}

/// The secret that is in force. That somebody looked at it is written down.
pub async fn secret(state: &AppState, caller: &Connection) -> Result<ShownSecret, Refusal> {
    demand(state, caller, Act::ShowSecret, Purpose::Secret).await?;
    let config = state.config();
    let secret = config.shared_secret().ok_or(Refusal::Config(ConfigRefusal::NoSecret))?;
    tracing::info!(
        conn.id = %caller.id,
        device.id = caller.device_id.as_ref().and_then(|id| id.as_str().get(..8)),
        "The access secret was shown"
    );
    Ok(ShownSecret { mode: config.policy.auth_mode.as_str().to_owned(), secret: secret.clone() })
}

/// The gateway starts again once this has been answered.
pub fn restart(state: &AppState, caller: &Connection) -> Result<Value, Refusal> {
    if !trial::can_restart(state) {
        return Err(Refusal::Config(ConfigRefusal::RestartImpossible));
    }
    tracing::info!(conn.id = %caller.id, "The gateway starts again because a page asked for it");
    state.ending.send_replace(Some(Ending::Restart));
    Ok(json!({"ok": true}))
}

/// Keeps a change that waits.
pub async fn confirm(state: &AppState, params: TrialRef) -> Result<Trial, Refusal> {
    decide(state, params, trial::confirm).await
}

/// Takes a change back that waits.
pub async fn roll_back(state: &AppState, params: TrialRef) -> Result<Trial, Refusal> {
    decide(state, params, trial::roll_back).await
}

type Decide = fn(&AppState, &str) -> Result<Trial, TrialError>;

async fn decide(state: &AppState, params: TrialRef, decide: Decide) -> Result<Trial, Refusal> {
    let deciding = tokio::task::spawn_blocking({
        let state = state.clone();
        move || decide(&state, &params.hash)
    });
    let decided = deciding.await.map_err(anyhow::Error::from).unwrap_or_else(|error| Err(error.into()));
    decided.map_err(|error| match error {
        TrialError::Unknown => Refusal::Config(ConfigRefusal::TrialUnknown),
        TrialError::File(error) => {
            tracing::error!("The settings were not changed: {error:#}");
            Refusal::Config(ConfigRefusal::FileUnavailable { file: ConfigFile::Settings })
        }
    })
}
