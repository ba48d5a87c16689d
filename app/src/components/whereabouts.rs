//! Where a request comes from, and how the gateway knows.

use leptos::prelude::*;
use protocol::pairing::{Network, Origin, PendingRequest};

use crate::late::late;

#[component]
pub(super) fn Whereabouts(request: PendingRequest) -> impl IntoView {
    match request.evidence.map(|evidence| evidence.origin) {
        Some(origin) => {
            let path = path(&origin);
            let page = origin.page.map(|page| view! { <p class="soft small">"page " {page}</p> });
            late(view! {
                <p>
                    <span class=tone(origin.network)>{origin.network.label()}</span>
                    " "
                    <span class="mono">{origin.address}</span>
                </p>
                <p class="soft small">{path}</p>
                {page}
            })
        }
        None => match request.remote_ip {
            Some(address) => late(view! { <p class="mono">{address}</p> }),
            None => late(view! { <p>{Network::ThisMachine.label()}</p> }),
        },
    }
}

/// The farther away, the louder.
fn tone(network: Network) -> &'static str {
    match network {
        Network::ThisMachine | Network::Tailnet => "pill ok",
        Network::Lan => "pill warn",
        Network::Public => "pill risk",
    }
}

fn path(origin: &Origin) -> String {
    let transport = if origin.encrypted { "over HTTPS" } else { "over plain HTTP" };
    format!("{}, {transport}", origin.resolved)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(encrypted: bool, expected: &str) {
        let resolved = "directly".to_owned();
        let origin = Origin { address: "10.0.0.7".to_owned(), network: Network::Lan, resolved, encrypted, page: None };
        assert_eq!(path(&origin), expected);
    }

    #[test]
    fn tells_how_the_request_travelled() {
        check(true, "directly, over HTTPS");
        check(false, "directly, over plain HTTP");
    }
}
