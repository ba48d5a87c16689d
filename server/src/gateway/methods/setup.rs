//! `device.pair.setupCode` and `device.pair.setupStatus` (wire.md §10.2).

use access::policy::AuthMode;
use access::step_up::Act;
use protocol::method::{PageLink, Purpose, QrPath, SetupCodeMade, SetupCodeParams, SetupRef, SetupStatus};
use protocol::refusal::SetupRefusal;
use protocol::setup_code::{http_url, is_loopback_url};
use protocol::{BootstrapProfile, Refusal, Secret, SetupCode};

use crate::gateway::connection::Connection;
use crate::gateway::minting::{self, Minted};
use crate::gateway::public_url::{self, PublicUrl, Wish};
use crate::gateway::step_up::demand;
use crate::keys::{hash_code, new_short_code};
use crate::qr::Qr;
use crate::state::AppState;
use crate::store::{JoinTarget, NewJoinCode};

/// Makes a setup code, with what shows it: a picture, a link for a phone's browser, a URL to join by.
pub async fn code(state: &AppState, caller: &Connection, params: SetupCodeParams) -> Result<SetupCodeMade, Refusal> {
    let wanted = params.bootstrap_profile.unwrap_or(BootstrapProfile::Full);
    let wants_join = params.join_url.is_some();
    if wants_join && wanted != BootstrapProfile::Node {
        return Err(Refusal::Setup(SetupRefusal::JoinNeedsNode));
    }
    let config = state.config();
    let wish = Wish {
        public_url: params.public_url.as_deref(),
        prefer_remote_url: params.prefer_remote_url.unwrap_or_default(),
        tailscale: state.exposed.get(),
    };
    let PublicUrl { url, source } = public_url::choose(wish, &config, state.port, &public_url::own_addresses())?;
    let is_encrypted = url.starts_with("wss:");
    let may_be_overheard = !is_encrypted && !is_loopback_url(&url);
    if wants_join && may_be_overheard {
        return Err(Refusal::Setup(SetupRefusal::JoinNeedsHttps));
    }
    // What others may listen to must not hand out an owner's rights.
    let is_downgraded = may_be_overheard && wanted == BootstrapProfile::Full;
    let profile = if is_downgraded { BootstrapProfile::Limited } else { wanted };
    demand(state, caller, Act::MakeCode { scopes: &profile.scopes() }, Purpose::Code).await?;
    let Minted { code, setup_id, expires_at_ms } = minting::mint(state, Some(caller), profile).await?;
    let join_url = if wants_join { Some(join_url(state, &setup_id, &url).await?) } else { None };
    let setup = SetupCode {
        url: url.clone(),
        urls: None,
        bootstrap_token: code.clone(),
        expires_at_ms: Some(expires_at_ms),
        tls_fingerprint: None,
    };
    let setup_code = setup.encode().map_err(|error| fail(&error))?;
    let shows_qr = params.include_qr.unwrap_or(true);
    let qr = if shows_qr { Some(Qr::new(&setup_code).map_err(|error| fail(&error))?) } else { None };
    let picture = qr.as_ref().map(Qr::png_data_url).transpose().map_err(|error| fail(&error))?;
    let page = if caller.is_extended && is_encrypted { page_link(&url, profile, &code, shows_qr)? } else { None };
    Ok(SetupCodeMade {
        setup_id,
        expires_at_ms,
        setup_code: Secret::new(setup_code),
        join_url,
        qr_data_url: picture.map(Secret::new),
        gateway_url: url,
        auth: auth_word(config.policy.auth_mode).to_owned(),
        url_source: source.to_owned(),
        access: profile.access(),
        access_downgraded: is_downgraded.then_some(true),
        qr: qr.as_ref().filter(|_| caller.is_extended).map(path),
        page,
    })
}

/// What came of a setup code.
pub async fn status(state: &AppState, params: SetupRef) -> Result<SetupStatus, Refusal> {
    let found = state.store.find_setup(&params.setup_id, state.clock.now_ms()).await;
    found.map_err(|error| error.refusal())
}

/// A URL that hands the code out once. It stands beside the setup code; whichever is used first counts.
async fn join_url(state: &AppState, setup_id: &str, url: &str) -> Result<Secret, Refusal> {
    let code = new_short_code().map_err(|error| fail(&error))?;
    let join = NewJoinCode {
        code_hash: hash_code(&code),
        setup_id: setup_id.to_owned(),
        target: JoinTarget { url: url.to_owned(), tls_fingerprint: None },
    };
    state.store.add_join_code(&join).await.map_err(|error| error.refusal())?;
    tracing::info!(setup.id = setup_id, "A join URL was made for a one-time code");
    Ok(Secret::new(format!("{}/j/{}", http_url(url), code.reveal())))
}

/// A link that a phone's camera opens; the code stands in the fragment, which browsers never send.
fn page_link(url: &str, profile: BootstrapProfile, code: &Secret, shows_qr: bool) -> Result<Option<PageLink>, Refusal> {
    if !matches!(profile, BootstrapProfile::Full | BootstrapProfile::Limited) {
        return Ok(None);
    }
    let base = http_url(url);
    let link = format!("{base}/#bootstrapToken={}&bootstrapProfile={}", code.reveal(), profile.as_str());
    let qr = if shows_qr { Some(Qr::new(&link).map_err(|error| fail(&error))?) } else { None };
    Ok(Some(PageLink { url: Secret::new(link), qr: qr.as_ref().map(path) }))
}

fn path(qr: &Qr) -> QrPath {
    QrPath { qr_svg_path: Secret::new(qr.svg_path()), qr_size: qr.size() }
}

fn auth_word(mode: AuthMode) -> &'static str {
    match mode {
        AuthMode::Token | AuthMode::None => "token",
        AuthMode::Password => "password",
    }
}

fn fail(error: &impl std::fmt::Display) -> Refusal {
    tracing::error!(%error, "No setup code could be made");
    Refusal::StoreUnavailable
}
