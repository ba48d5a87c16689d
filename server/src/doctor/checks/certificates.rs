//! Certificates that clients see.

use crate::doctor::Finding;
use crate::doctor::facts::{Certificate, CertificateState, Facts};

/// How soon an end is worth a word: two weeks, in seconds.
const SOON_S: i64 = 14 * 24 * 60 * 60;

pub fn expiry(facts: &Facts) -> Vec<Finding> {
    let now_s = i64::try_from(facts.now_ms / 1000).unwrap_or(i64::MAX);
    facts.certificates.iter().filter_map(|certificate| judge(certificate, now_s)).collect()
}

fn judge(certificate: &Certificate, now_s: i64) -> Option<Finding> {
    let from = &certificate.from;
    let why = "Browsers and devices refuse to connect, or will.";
    let renew = "renew it where it comes from, for instance: certbot renew, or tailscale cert HOST";
    let finding = match &certificate.state {
        CertificateState::Unreadable(problem) => {
            Finding::error(format!("The certificate {from} cannot be read.")).seen([problem.clone()])
        }
        CertificateState::Good { until_s, .. } if *until_s <= now_s => {
            Finding::error(format!("The certificate of {from} has expired."))
                .seen([format!("good until {}", date(*until_s))])
        }
        CertificateState::Good { from_s, .. } if *from_s > now_s => {
            Finding::error(format!("The certificate of {from} is not good yet."))
                .seen([format!("good from {}", date(*from_s))])
        }
        CertificateState::Good { until_s, .. } if *until_s <= now_s.saturating_add(SOON_S) => {
            Finding::warning(format!("The certificate of {from} expires soon."))
                .seen([format!("good until {}", date(*until_s))])
        }
        CertificateState::Good { .. } => return None,
    };
    Some(finding.because(why).fix(renew))
}

fn date(at_s: i64) -> String {
    chrono::DateTime::from_timestamp(at_s, 0).unwrap_or_default().format("%Y-%m-%d").to_string()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::doctor::checks::healthy;

    #[test]
    fn a_certificate_counts_between_its_dates() {
        let now = i64::try_from(healthy::NOW_MS / 1000).unwrap();
        let day = 24 * 60 * 60;
        let check = |from: i64, until: i64, expected: Option<&str>| {
            let mut facts = healthy::facts();
            let state = CertificateState::Good { from_s: now + from * day, until_s: now + until * day };
            facts.certificates = vec![Certificate { from: "X".to_owned(), state }];
            assert_eq!(expiry(&facts).first().map(|finding| finding.what.as_str()), expected);
        };
        check(-1, 90, None);
        check(-1, 13, Some("The certificate of X expires soon."));
        check(-90, 0, Some("The certificate of X has expired."));
        check(1, 90, Some("The certificate of X is not good yet."));
    }
}
