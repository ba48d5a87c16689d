//! Listening: TCP for everyone, a unix socket for the owner.

use std::io;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::os::unix::fs::{MetadataExt, PermissionsExt};
use std::path::Path;
use std::time::Duration;

use access::locality::network_of;
use anyhow::{Context, bail};
use axum::Router;
use axum::body::Body;
use http::Request;
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use protocol::pairing::Network;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::{TcpListener, UnixListener, UnixStream};
use tower::ServiceExt;

use crate::advised::Advised;
use crate::config::Bind;
use crate::holder::holders;
use crate::http::peer::Peer;
use crate::state::AppState;

/// How long a client may take to send the head of a request.
const REQUEST_HEAD_TIMEOUT: Duration = Duration::from_secs(10);

/// The largest head of a request, in bytes. Hyper's smallest allowed value.
const MAX_REQUEST_HEAD: usize = 8 * 1024;

/// How long to wait before trying again when the process has no descriptor left for a new connection.
const ACCEPT_PAUSE: Duration = Duration::from_millis(100);

/// Opens the listeners for `gateway.bind`. All of them use the port of the first, which matters for
/// port 0.
pub async fn bind(bind: &Bind, port: u16) -> anyhow::Result<Vec<TcpListener>> {
    let mut listeners = Vec::new();
    let mut port = port;
    for (address, is_required) in addresses(bind)? {
        match TcpListener::bind(SocketAddr::new(address, port)).await {
            Ok(listener) => {
                port = listener.local_addr().context("a listener has no address")?.port();
                listeners.push(listener);
            }
            Err(error) if !is_required => {
                tracing::debug!(%address, %error, "Not listening there");
            }
            Err(error) if error.kind() == io::ErrorKind::AddrInUse => {
                bail!(taken(port).await);
            }
            Err(error) => return Err(error).with_context(|| format!("cannot listen on {address}, port {port}")),
        }
    }
    if listeners.is_empty() {
        bail!("there is no address to listen on");
    }
    Ok(listeners)
}

/// Who holds a port, and what to do about it.
async fn taken(port: u16) -> Advised {
    let holders = tokio::task::spawn_blocking(move || holders(port)).await.unwrap_or_default();
    match holders.first() {
        Some(holder) if holder.is_gateway => Advised::new(
            format!("port {port} is taken by {holder}"),
            "use that one, end it and start this one with --force, or choose another port with --port",
        ),
        Some(holder) => Advised::new(
            format!("port {port} is taken by {holder}"),
            format!("stop it (`kill {}`), or start the gateway with another --port", holder.pid),
        ),
        None => Advised::new(
            format!("port {port} is taken by a program of another user"),
            format!("find it with `sudo ss -ltnp sport = :{port}`, or start the gateway with another --port"),
        ),
    }
}

/// Where to listen, and whether the gateway makes sense without it.
fn addresses(bind: &Bind) -> anyhow::Result<Vec<(IpAddr, bool)>> {
    let v4: IpAddr = Ipv4Addr::LOCALHOST.into();
    let v6: IpAddr = Ipv6Addr::LOCALHOST.into();
    Ok(match bind {
        Bind::Loopback => vec![(v4, true), (v6, false)],
        // The IPv6 one takes IPv4 along where the system allows it; where it does, the second one fails.
        Bind::Lan => vec![(Ipv6Addr::UNSPECIFIED.into(), false), (Ipv4Addr::UNSPECIFIED.into(), false)],
        Bind::Tailnet => {
            let interfaces = if_addrs::get_if_addrs().context("the network interfaces cannot be listed")?;
            let tailnet = interfaces.iter().map(if_addrs::Interface::ip).find(|ip| network_of(*ip) == Network::Tailnet);
            let advice =
                || Advised::new("this machine has no tailnet address", "start Tailscale, or use --bind loopback");
            let tailnet = tailnet.with_context(advice)?;
            vec![(tailnet, true), (v4, true), (v6, false)]
        }
        Bind::Custom(address) => vec![(*address, true)],
    })
}

/// Accepts until the gateway stops. `as_peer` says what it means to come in here.
pub async fn serve_tcp(state: AppState, listener: TcpListener, as_peer: fn(SocketAddr) -> Peer, router: Router) {
    loop {
        let accepted = tokio::select! {
            accepted = listener.accept() => accepted,
            () = state.stopping.cancelled() => return,
        };
        match accepted {
            Ok((stream, address)) => {
                // Small frames must not wait for more; failing that, they are only slower.
                let _ = stream.set_nodelay(true);
                serve_connection(&state, stream, as_peer(address), router.clone());
            }
            Err(error) => pause_after(&error).await,
        }
    }
}

/// Accepts the owner of the state directory, and root, until the gateway stops.
pub async fn serve_owner(state: AppState, listener: UnixListener, owner_uid: u32, router: Router) {
    loop {
        let accepted = tokio::select! {
            accepted = listener.accept() => accepted,
            () = state.stopping.cancelled() => return,
        };
        match accepted.and_then(|(stream, _)| Ok((stream.peer_cred()?.uid(), stream))) {
            Ok((uid, stream)) if uid == owner_uid || uid == 0 => {
                serve_connection(&state, stream, Peer::Owner, router.clone());
            }
            Ok((uid, _)) => tracing::warn!(peer.uid = uid, "Refused a user who does not own the state directory"),
            Err(error) => pause_after(&error).await,
        }
    }
}

/// Serves the owner over a stream that is open already.
pub fn serve_owner_stream(state: &AppState, stream: UnixStream, router: Router) {
    serve_connection(state, stream, Peer::Owner, router);
}

async fn pause_after(error: &io::Error) {
    tracing::warn!(%error, "A connection could not be accepted");
    tokio::time::sleep(ACCEPT_PAUSE).await;
}

fn serve_connection<S>(state: &AppState, stream: S, peer: Peer, router: Router)
where
    S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
{
    let service = service_fn(move |request: Request<Incoming>| {
        let mut request = request.map(Body::new);
        request.extensions_mut().insert(peer);
        router.clone().oneshot(request)
    });
    let connection = http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(REQUEST_HEAD_TIMEOUT)
        .max_buf_size(MAX_REQUEST_HEAD)
        .serve_connection(TokioIo::new(stream), service)
        .with_upgrades();
    let stopping = state.stopping.clone();
    state.tasks.spawn(async move {
        tokio::pin!(connection);
        tokio::select! {
            // Clients that break off or send nonsense are their own problem.
            _ = connection.as_mut() => {}
            () = stopping.cancelled() => {
                connection.as_mut().graceful_shutdown();
                let _ = connection.await;
            }
        }
    });
}

/// Opens the owner socket, for the owner of `state_dir` alone, and says who that is.
pub fn bind_owner_socket(socket: &Path, state_dir: &Path) -> anyhow::Result<(UnixListener, u32)> {
    let owner = std::fs::metadata(state_dir).with_context(|| format!("{} cannot be read", state_dir.display()))?.uid();
    match std::fs::remove_file(socket) {
        Ok(()) => {}
        Err(error) if error.kind() == io::ErrorKind::NotFound => {}
        Err(error) => return Err(error).with_context(|| format!("{} cannot be replaced", socket.display())),
    }
    let listener = UnixListener::bind(socket).with_context(|| {
        Advised::new(
            format!("the owner socket {} cannot be opened", socket.display()),
            "a path of more than 107 bytes is too long for it; set OPENCLAW_STATE_DIR to a shorter one",
        )
    })?;
    std::fs::set_permissions(socket, std::fs::Permissions::from_mode(0o600))
        .with_context(|| format!("{} cannot be protected", socket.display()))?;
    Ok((listener, owner))
}

#[cfg(test)]
mod tests {
    use super::*;

    async fn addresses_of(bind_to: &Bind) -> Vec<SocketAddr> {
        let listeners = bind(bind_to, 0).await.unwrap();
        listeners.iter().map(|listener| listener.local_addr().unwrap()).collect()
    }

    #[tokio::test]
    async fn loopback_means_loopback_in_both_families_on_one_port() {
        let addresses = addresses_of(&Bind::Loopback).await;
        assert!(addresses.iter().all(|address| address.ip().is_loopback()));
        assert!(addresses.iter().all(|address| address.port() == addresses[0].port()));
        assert_eq!(addresses[0].ip(), IpAddr::V4(Ipv4Addr::LOCALHOST));
    }

    #[tokio::test]
    async fn lan_means_every_address_and_custom_means_one() {
        let lan = addresses_of(&Bind::Lan).await;
        assert!(!lan.is_empty() && lan.iter().all(|address| address.ip().is_unspecified()));
        let one: IpAddr = "127.0.0.5".parse().unwrap();
        let custom: Vec<IpAddr> = addresses_of(&Bind::Custom(one)).await.iter().map(SocketAddr::ip).collect();
        assert_eq!(custom, [one]);
    }

    #[tokio::test]
    async fn a_taken_port_is_named_with_what_to_do() {
        let taken = bind(&Bind::Loopback, 0).await.unwrap();
        let port = taken[0].local_addr().unwrap().port();
        let error = bind(&Bind::Loopback, port).await.unwrap_err();
        let said = error.to_string();
        assert!(said.starts_with(&format!("port {port} is taken by ")), "{said}");
        assert!(said.ends_with(&format!(" (process {})", std::process::id())), "{said}");
        assert!(error.downcast_ref::<Advised>().unwrap().hint.contains("--port"));
    }
}
