//! Who is at the other end. This is the only place where addresses and forwarding headers are read;
//! sockets, pages, limits and the log all get their answer from here.

use std::net::{IpAddr, Ipv4Addr, SocketAddr};

use access::locality::{self, Attribution, Forwarded, Ingress as Way, Look, TrustedProxies, Unattributable};
use access::policy::Policy;
use http::HeaderMap;

/// The other end of a connection, as the operating system names it.
#[derive(Debug, Clone, Copy)]
pub enum Peer {
    Tcp(SocketAddr),
    /// Tailscale on this machine, at the port that only it was told.
    Tailscale(SocketAddr),
    /// The owner of the state directory, or root, on the owner socket.
    Owner,
}

impl Peer {
    /// Its address, if it has one.
    pub fn address(self) -> Option<IpAddr> {
        match self {
            Self::Tcp(address) | Self::Tailscale(address) => Some(address.ip().to_canonical()),
            Self::Owner => None,
        }
    }
}

/// Where a request comes from.
#[derive(Debug, Clone)]
pub struct Ingress {
    pub attribution: Attribution,
    pub is_owner: bool,
    /// Whether the client spoke TLS, as far as somebody we trust says so.
    pub is_encrypted: bool,
}

impl Ingress {
    pub fn resolve(peer: Peer, headers: &HeaderMap, policy: &Policy) -> Result<Self, Unattributable> {
        Self::of(peer, &forwarded(headers), policy)
    }

    fn of(peer: Peer, forwarded: &Forwarded, policy: &Policy) -> Result<Self, Unattributable> {
        Self::resolve_watched(peer, forwarded, policy, &mut |_| {})
    }

    /// As [`Ingress::resolve`], and tells what it looks at.
    pub fn resolve_watched(
        peer: Peer,
        forwarded: &Forwarded,
        policy: &Policy,
        watch: &mut impl FnMut(Look<'_>),
    ) -> Result<Self, Unattributable> {
        let attribution = match peer {
            Peer::Owner => return Ok(Self::owner()),
            Peer::Tcp(address) => {
                let (trusted, real_ip) = (&policy.trusted_proxies, policy.allow_real_ip_fallback);
                locality::resolve_watched(address.ip(), forwarded, trusted, real_ip, watch)?
            }
            // Tailscale always names the client. Whoever does not is another program that found the port.
            Peer::Tailscale(_) if forwarded.for_chain.is_none() => return Err(Unattributable::NoClientAddress),
            Peer::Tailscale(address) => locality::resolve_watched(address.ip(), forwarded, &loopback(), false, watch)?,
        };
        let is_encrypted = matches!(attribution.ingress, Way::TrustedProxy { .. })
            && forwarded.proto.as_deref().is_some_and(|proto| proto.eq_ignore_ascii_case("https"));
        Ok(Self { attribution, is_owner: false, is_encrypted })
    }

    /// The other end of the connection: the proxy, if there is one.
    pub fn peer(&self) -> IpAddr {
        match self.attribution.ingress {
            Way::TrustedProxy { proxy } => proxy,
            Way::DirectLocal | Way::DirectRemote => self.attribution.client,
        }
    }

    fn owner() -> Self {
        let attribution = Attribution { ingress: Way::DirectLocal, client: IpAddr::V4(Ipv4Addr::LOCALHOST) };
        Self { attribution, is_owner: true, is_encrypted: false }
    }
}

/// What a socket said when it came, so that it can be told how it would fare under other settings.
#[derive(Debug, Clone)]
pub struct Arrived {
    peer: Peer,
    forwarded: Forwarded,
    host: Option<String>,
}

impl Arrived {
    pub fn new(peer: Peer, headers: &HeaderMap) -> Self {
        let host = headers.get(http::header::HOST).and_then(|value| value.to_str().ok()).map(str::to_owned);
        Self { peer, forwarded: forwarded(headers), host }
    }

    /// The other end, as the operating system names it; nothing for the owner socket.
    pub fn peer(&self) -> Peer {
        self.peer
    }

    pub fn host(&self) -> Option<&str> {
        self.host.as_deref()
    }

    /// Who it would come from under this policy.
    pub fn again(&self, policy: &Policy) -> Result<Ingress, Unattributable> {
        Ingress::of(self.peer, &self.forwarded, policy)
    }
}

/// The only proxy at the port for Tailscale.
fn loopback() -> TrustedProxies {
    TrustedProxies::parse(["127.0.0.1"]).0
}

pub fn forwarded(headers: &HeaderMap) -> Forwarded {
    // A value that is not text is evidence all the same.
    Forwarded::collect(headers.iter().map(|(name, value)| (name.as_str(), value.to_str().unwrap_or_default())))
}
