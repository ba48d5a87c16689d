//! The two screens of a browser that cannot have a key: because of the address, or because of itself.

use leptos::prelude::*;

use super::screens::Panel;
use crate::outside;

#[component]
pub(super) fn Insecure() -> impl IntoView {
    let host = outside::host();
    let (name, port) = split_host(&host);
    let forward = format!("ssh -L {port}:127.0.0.1:{port} user@{name}");
    let local = format!("http://localhost:{port}");
    let serve = format!("tailscale serve {port}");
    view! {
        <Panel>
            <p>
                "Over plain HTTP a browser gives a page no key of its own, and the gateway lets nobody in without one. "
                "Any one of these will do:"
            </p>
            <ul class="ways">
                <li>
                    <strong>"HTTPS"</strong>
                    <p class="soft">"Put a reverse proxy with a certificate (Caddy, nginx) before the gateway."</p>
                </li>
                <li>
                    <strong>"Tailscale"</strong>
                    <p class="soft">
                        "Run this on the gateway's machine, then open the https address it prints:"
                    </p>
                    <code class="command">{serve}</code>
                </li>
                <li>
                    <strong>"A tunnel from this computer"</strong>
                    <p class="soft">"Leave this running, then open " <a href=local.clone()>{local.clone()}</a> ":"</p>
                    <code class="command">{forward}</code>
                </li>
            </ul>
        </Panel>
    }
}

#[component]
pub(super) fn Unsupported(words: String) -> impl IntoView {
    view! {
        <Panel>
            <p>
                "The page signs with Ed25519 and keeps its key in IndexedDB. Chrome 137, Firefox 129, Safari 17 "
                "and newer can do that, outside private windows in some of them."
            </p>
            <p class="soft">"Update this browser, leave the private window, or use another browser."</p>
            <p class="soft small mono">{words}</p>
        </Panel>
    }
}

/// Name and port of a page's host; plain HTTP has port 80 where none is written.
fn split_host(host: &str) -> (&str, &str) {
    match host.rsplit_once(':') {
        Some((name, port)) if !port.ends_with(']') => (name, port),
        Some(_) | None => (host, "80"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_host_is_split_into_name_and_port() {
        assert_eq!(split_host("nas.local:18789"), ("nas.local", "18789"));
        assert_eq!(split_host("nas.local"), ("nas.local", "80"));
        assert_eq!(split_host("[fd00::1]:18789"), ("[fd00::1]", "18789"));
        assert_eq!(split_host("[fd00::1]"), ("[fd00::1]", "80"));
    }
}
