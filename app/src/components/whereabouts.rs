//! Where a request comes from, and how the gateway knows.

use leptos::prelude::*;
use protocol::pairing::{Network, Origin, PendingRequest};

use crate::late::late;
use crate::outside;

#[component]
pub(super) fn Whereabouts(request: PendingRequest) -> impl IntoView {
    let (network, address, path) = match request.evidence.map(|evidence| evidence.origin) {
        Some(origin) => {
            let path = path(&origin, &outside::host());
            (Some(origin.network), Some(origin.address), path)
        }
        None if request.remote_ip.is_some() => (None, request.remote_ip, None),
        None => (Some(Network::ThisMachine), None, None),
    };
    late(view! {
        <p class="tags">
            {network.map(|network| view! { <span class=tone(network)>{network.label()}</span> })}
            {address.map(|address| view! { <span class="mono">{address}</span> })}
        </p>
        {path.map(|path| view! { <p class="soft small">{path}</p> })}
    })
}

/// The farther away, the louder.
fn tone(network: Network) -> &'static str {
    match network {
        Network::ThisMachine | Network::Tailnet => "pill ok",
        Network::Lan => "pill warn",
        Network::Public => "pill risk",
    }
}

/// How it travelled, and from a page of which address, each only where that says something new: what never left this
/// machine took no way, and a page from `own_host` is this very page.
fn path(origin: &Origin, own_host: &str) -> Option<String> {
    let way = match (origin.network, origin.encrypted) {
        (Network::ThisMachine, _) => None,
        (_, true) => Some(format!("{}, over HTTPS", origin.resolved)),
        (_, false) => Some(format!("{}, over plain HTTP", origin.resolved)),
    };
    let is_strange = |page: &&String| page.split_once("://").is_none_or(|(_, host)| host != own_host);
    let page = origin.page.as_ref().filter(is_strange).map(|page| format!("page {page}"));
    match (way, page) {
        (Some(way), Some(page)) => Some(format!("{way}, {page}")),
        (way, page) => way.or(page),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(network: Network, encrypted: bool, page: Option<&str>, expected: Option<&str>) {
        let (address, resolved) = ("10.0.0.7".to_owned(), "directly".to_owned());
        let origin = Origin { address, network, resolved, encrypted, page: page.map(str::to_owned) };
        assert_eq!(path(&origin, "localhost:18789").as_deref(), expected);
    }

    #[test]
    fn tells_how_the_request_travelled() {
        check(Network::Lan, true, None, Some("directly, over HTTPS"));
        check(Network::Public, false, None, Some("directly, over plain HTTP"));
    }

    #[test]
    fn says_nothing_of_a_request_from_this_machine_and_this_address() {
        check(Network::ThisMachine, false, None, None);
        check(Network::ThisMachine, false, Some("http://localhost:18789"), None);
    }

    #[test]
    fn names_the_page_that_came_from_elsewhere() {
        let elsewhere = "https://claw.example";
        check(Network::ThisMachine, false, Some(elsewhere), Some("page https://claw.example"));
        check(Network::Lan, true, Some(elsewhere), Some("directly, over HTTPS, page https://claw.example"));
    }
}
