//! What others see of the ways to the gateway: its certificate, and Tailscale.

use leptos::prelude::*;
use protocol::Method;
use protocol::settings::{CertificateSeen, Reach, TailscaleSeen};

use super::book::Book;
use super::editor::nothing;
use crate::components::words::words;
use crate::language::{fill, t};
use crate::late::{button, changing, follow, late};
use crate::outside;
use crate::time_words;

/// What was found out, asked for once and again on demand.
#[derive(Clone, Copy)]
pub(super) struct Seen {
    book: Book,
    /// `None` is on its way.
    reach: RwSignal<Option<Result<Reach, String>>>,
}

impl Seen {
    pub(super) fn look(book: Book) -> Self {
        let seen = Self { book, reach: RwSignal::new(None) };
        // Other settings, other ways.
        let version = Memo::new(move |_| book.with(|described| described.hash.clone()));
        follow(move || {
            let _ = version.get();
            seen.ask();
        });
        seen
    }

    fn ask(self) {
        outside::ask(Method::ConfigReach, nothing(), move |answer| {
            let reach = match answer {
                Ok(value) => serde_json::from_value(value).map_err(|error| error.to_string()),
                Err(error) => Err(crate::live::advice(&error)),
            };
            let _ = self.reach.try_set(Some(reach));
        });
    }

    fn shown(self, show: fn(&Reach, u64) -> AnyView) -> AnyView {
        changing(move || {
            let now_ms =
                self.book.live.gateway_ahead_ms.get().saturating_add_unsigned(self.book.live.now_ms.get_untracked());
            self.reach.with(|reach| match reach {
                None => late(view! { <p class="soft small">{t("Looking…")}</p> }),
                Some(Ok(reach)) => show(reach, now_ms.try_into().unwrap_or_default()),
                Some(Err(problem)) => late(view! { <p class="problem small">{problem.clone()}</p> }),
            })
        })
    }

    /// What certificate people see.
    pub(super) fn certificate(self) -> AnyView {
        late(view! {
            <div class="facts" data-testid="certificate">
                {self.shown(certificate)}
                {button("ghost", "look-again", || t("Look again"), move || {
                    self.reach.set(None);
                    self.ask();
                })}
            </div>
        })
    }

    /// How Tailscale is.
    pub(super) fn tailscale(self) -> AnyView {
        late(view! { <div class="facts" data-testid="tailscale">{self.shown(tailscale)}</div> })
    }
}

fn certificate(reach: &Reach, now_ms: u64) -> AnyView {
    let said: Vec<String> = reach.certificates.iter().map(|one| certificate_words(one, now_ms)).collect();
    if !said.is_empty() {
        return late(said.into_iter().map(|line| view! { <p class="small">{line}</p> }).collect::<Vec<_>>());
    }
    let none = match &reach.public_url {
        None => t(
            "The gateway itself speaks plain HTTP. A proxy in front of it, or Tailscale, brings the certificate; name the public address above and its certificate is shown here.",
        ),
        Some(url) if url.starts_with("https:") || url.starts_with("wss:") => {
            t("The certificate of the public address is not on this machine, so nothing is known of it here.")
        }
        Some(_) => t("The public address is without encryption: whoever is on the way can listen."),
    };
    late(view! { <p class="soft small">{none}</p> })
}

fn certificate_words(one: &CertificateSeen, now_ms: u64) -> String {
    let of = one.of.as_str();
    match (&one.problem, one.until_ms) {
        (Some(problem), _) => {
            fill(t("The certificate of {of} cannot be read: {problem}"), &[("of", of), ("problem", problem)])
        }
        (None, Some(until_ms)) if until_ms <= now_ms => {
            let ago = time_words::ago(until_ms, now_ms);
            fill(t("The certificate of {of} has expired, {ago}."), &[("of", of), ("ago", &ago)])
        }
        (None, until_ms) => {
            let span = time_words::span(until_ms.unwrap_or(now_ms) - now_ms);
            fill(t("The certificate of {of} is good for another {span}."), &[("of", of), ("span", &span)])
        }
    }
}

fn tailscale(reach: &Reach, _: u64) -> AnyView {
    let TailscaleSeen { is_installed, address, problem, leads_here } = &reach.tailscale;
    let said = match (is_installed, problem, address) {
        (false, _, _) => t("There is no Tailscale on the gateway's machine. With it, `openclaw gateway --tailscale serve` gives your own devices an encrypted address.").to_owned(),
        (true, Some(problem), _) => fill(t("Tailscale is installed, but of no use now: {problem}"), &[("problem", problem)]),
        (true, None, address) => {
            let values = [("address", address.as_deref().unwrap_or_default())];
            if *leads_here {
                fill(t("Tailscale leads here: {address}"), &values)
            } else {
                fill(t("Tailscale is connected. With `serve`, your own devices reach the gateway at {address}."), &values)
            }
        }
    };
    late(view! { <p class="soft small">{words(&said)}</p> })
}
