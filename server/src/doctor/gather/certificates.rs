//! The certificate that something on this machine shows for the gateway's public address. No other machine is
//! asked, and the gateway itself has none.

use std::net::IpAddr;
use std::time::Duration;

use client::{GatewayUrl, tls};
use serde_json::Value;
use x509_parser::parse_x509_certificate;

use crate::config::PUBLIC_URL;
use crate::doctor::facts::{Certificate, CertificateState, Settings};

/// How long a proxy on this machine may take to show its certificate.
const PATIENCE: Duration = Duration::from_secs(2);

pub async fn look(settings: &Settings) -> Vec<Certificate> {
    let text = |path: &str| {
        let found = path.split('.').try_fold(&settings.value, |value, key| value.get(key));
        found.and_then(Value::as_str).map(str::to_owned)
    };
    of(text(PUBLIC_URL).and_then(|url| GatewayUrl::parse(&url).ok())).await
}

/// The one that this machine shows for an address, if it is this machine's.
pub async fn of(url: Option<GatewayUrl>) -> Vec<Certificate> {
    let Some(url) = url.filter(is_own).filter(GatewayUrl::is_encrypted) else { return Vec::new() };
    match tokio::time::timeout(PATIENCE, tls::certificate_at(&url)).await {
        Ok(Ok(der)) => vec![Certificate { from: url.to_string(), state: of_der(&der) }],
        // That nobody answers there is for whoever looks after the proxy.
        Ok(Err(_)) | Err(_) => Vec::new(),
    }
}

/// Whether an address is one of this machine's, without asking anybody for it.
fn is_own(url: &GatewayUrl) -> bool {
    let addresses = if_addrs::get_if_addrs().unwrap_or_default();
    let is_listed = |address: IpAddr| addresses.iter().any(|interface| interface.ip() == address);
    !url.leaves_this_machine() || url.address().is_some_and(is_listed)
}

fn of_der(der: &[u8]) -> CertificateState {
    match parse_x509_certificate(der) {
        Ok((_, certificate)) => {
            let validity = certificate.validity();
            let (from_s, until_s) = (validity.not_before.timestamp(), validity.not_after.timestamp());
            CertificateState::Good { from_s, until_s }
        }
        Err(error) => CertificateState::Unreadable(error.to_string()),
    }
}
