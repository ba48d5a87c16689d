//! Where a connection goes, and the one rule about plain text: a secret never crosses a public network
//! unencrypted. The rule is checked on what will be dialled, before anything is sent.

use std::fmt;
use std::io;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::path::PathBuf;

use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::{TcpStream, UnixStream};
use tokio_tungstenite::tungstenite::http::Uri;

use crate::tls::{self, CertificatePin};

/// The address in an upgrade request to a gateway that has no address.
pub(crate) const OWNER_REQUEST_URL: &str = "ws://localhost/";

/// The other end of a connection.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Endpoint {
    /// The owner socket of a gateway on this machine.
    Owner { socket: PathBuf },
    /// A gateway's address.
    Tcp(GatewayUrl),
}

/// A gateway's address that may be dialled: encrypted, or near enough to be trusted without.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct GatewayUrl {
    encrypted: bool,
    /// A name, or an address without brackets.
    host: String,
    port: u16,
    path: String,
    /// The only certificate that is accepted there.
    pin: Option<CertificatePin>,
}

/// Why an address is not dialled.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum UrlError {
    #[error("`{0}` is not a gateway address; write ws://HOST:PORT or wss://HOST")]
    Malformed(String),
    #[error("`{host}` would be reached unencrypted, so anyone on the way could read your secret")]
    InClear { host: String },
    #[error("`{0}` is not encrypted, so it has no certificate to compare with a fingerprint")]
    NothingToPin(String),
}

impl GatewayUrl {
    /// Reads `ws://…` or `wss://…`. Plain `ws` is for `localhost` and for literal private addresses:
    /// a name could point anywhere by the time it is dialled.
    pub fn parse(text: &str) -> Result<Self, UrlError> {
        let malformed = || UrlError::Malformed(text.to_owned());
        let uri: Uri = text.trim().parse().map_err(|_| malformed())?;
        let encrypted = match uri.scheme_str() {
            Some("wss" | "https") => true,
            Some("ws" | "http") => false,
            _ => return Err(malformed()),
        };
        let authority = uri.authority().filter(|authority| !authority.as_str().contains('@')).ok_or_else(malformed)?;
        let host = authority.host().trim_start_matches('[').trim_end_matches(']').to_ascii_lowercase();
        let port = match authority.as_str().strip_prefix(authority.host()) {
            Some("") => {
                if encrypted {
                    443
                } else {
                    80
                }
            }
            Some(rest) => rest.strip_prefix(':').and_then(|port| port.parse().ok()).unwrap_or(0),
            None => 0,
        };
        if host.is_empty() || port == 0 {
            return Err(malformed());
        }
        let path = uri.path_and_query().map_or("/", |path| path.as_str()).to_owned();
        let url = Self { encrypted, host, port, path, pin: None };
        let is_near = url.host == "localhost" || url.address().is_some_and(is_private);
        if encrypted || is_near { Ok(url) } else { Err(UrlError::InClear { host: url.host }) }
    }

    /// Accepts only the certificate with this fingerprint there, whoever has signed it.
    pub fn pinned(mut self, pin: CertificatePin) -> Result<Self, UrlError> {
        if !self.encrypted {
            return Err(UrlError::NothingToPin(self.to_string()));
        }
        self.pin = Some(pin);
        Ok(self)
    }

    pub fn is_encrypted(&self) -> bool {
        self.encrypted
    }

    /// Whether what is sent crosses a network that others may listen to.
    pub fn leaves_this_machine(&self) -> bool {
        self.host != "localhost" && !self.address().is_some_and(|address| address.is_loopback())
    }

    pub fn port(&self) -> u16 {
        self.port
    }

    /// `localhost` or a name, or an address without brackets.
    pub(crate) fn host(&self) -> &str {
        &self.host
    }

    /// The path, and the query if there is one.
    pub(crate) fn path(&self) -> &str {
        &self.path
    }

    /// Host and port, as they stand in the address.
    pub(crate) fn authority(&self) -> String {
        let (open, close) = if self.host.contains(':') { ("[", "]") } else { ("", "") };
        format!("{open}{}{close}:{}", self.host, self.port)
    }

    /// The address, where the host is one and no name.
    pub fn address(&self) -> Option<IpAddr> {
        self.host.parse().ok().map(|address: IpAddr| address.to_canonical())
    }

    /// What may be dialled. `localhost` is this machine by definition and never looked up; a literal
    /// address is dialled as it was checked.
    pub(crate) async fn resolve(&self) -> io::Result<Vec<SocketAddr>> {
        if self.host == "localhost" {
            let here = [IpAddr::from(Ipv4Addr::LOCALHOST), Ipv6Addr::LOCALHOST.into()];
            return Ok(here.map(|address| (address, self.port).into()).to_vec());
        }
        match self.address() {
            Some(address) => Ok(vec![(address, self.port).into()]),
            None => Ok(tokio::net::lookup_host((self.host.as_str(), self.port)).await?.collect()),
        }
    }
}

impl fmt::Display for GatewayUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let scheme = if self.encrypted { "wss" } else { "ws" };
        let path = if self.path == "/" { "" } else { &self.path };
        write!(f, "{scheme}://{}{path}", self.authority())
    }
}

impl Endpoint {
    pub fn parse_url(text: &str) -> Result<Self, UrlError> {
        GatewayUrl::parse(text).map(Self::Tcp)
    }

    /// The address in the upgrade request.
    pub(crate) fn request_url(&self) -> String {
        match self {
            Self::Owner { .. } => OWNER_REQUEST_URL.to_owned(),
            Self::Tcp(url) => url.to_string(),
        }
    }

    pub(crate) async fn dial(&self) -> io::Result<Box<dyn ByteStream>> {
        match self {
            Self::Owner { socket } => Ok(Box::new(UnixStream::connect(socket).await?)),
            Self::Tcp(url) => {
                let addresses = url.resolve().await?;
                let stream = TcpStream::connect(addresses.as_slice()).await?;
                stream.set_nodelay(true)?;
                if url.encrypted {
                    Ok(Box::new(tls::encrypt(stream, &url.host, url.pin).await?))
                } else {
                    Ok(Box::new(stream))
                }
            }
        }
    }
}

impl fmt::Display for Endpoint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Owner { socket } => write!(f, "{}", socket.display()),
            Self::Tcp(url) => url.fmt(f),
        }
    }
}

/// Anything that carries bytes both ways.
pub(crate) trait ByteStream: AsyncRead + AsyncWrite + Send + Unpin {}

impl<T: AsyncRead + AsyncWrite + Send + Unpin> ByteStream for T {}

/// Loopback, private, link-local and carrier-grade NAT (where Tailscale lives) addresses.
fn is_private(address: IpAddr) -> bool {
    match address {
        IpAddr::V4(v4) => {
            let [first, second, ..] = v4.octets();
            let is_shared = first == 100 && (64..128).contains(&second);
            v4.is_loopback() || v4.is_private() || v4.is_link_local() || is_shared
        }
        IpAddr::V6(v6) => v6.is_loopback() || v6.is_unique_local() || v6.is_unicast_link_local(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(text: &str, expected: &str) {
        let said = match GatewayUrl::parse(text) {
            Ok(url) => url.to_string(),
            Err(UrlError::Malformed(_)) => "malformed".to_owned(),
            Err(UrlError::InClear { host }) => format!("in clear: {host}"),
            Err(UrlError::NothingToPin(url)) => format!("nothing to pin: {url}"),
        };
        assert_eq!(said, expected, "{text}");
    }

    #[test]
    fn plain_text_is_for_this_machine_and_private_literals() {
        check("ws://127.0.0.1:18789", "ws://127.0.0.1:18789");
        check("ws://localhost:18789/ws", "ws://localhost:18789/ws");
        check("ws://LOCALHOST:1", "ws://localhost:1");
        check("ws://[::1]:18789/", "ws://[::1]:18789");
        check("ws://10.0.0.7", "ws://10.0.0.7:80");
        check("ws://172.31.255.1:1", "ws://172.31.255.1:1");
        check("ws://192.168.1.5:18789", "ws://192.168.1.5:18789");
        check("ws://100.64.0.1:1", "ws://100.64.0.1:1");
        check("ws://169.254.3.4:1", "ws://169.254.3.4:1");
        check("ws://[fd7a:115c:a1e0::1]:1", "ws://[fd7a:115c:a1e0::1]:1");
        check("ws://[::ffff:10.0.0.7]:1", "ws://[::ffff:10.0.0.7]:1");
        check("http://127.0.0.1:18789/", "ws://127.0.0.1:18789");
    }

    #[test]
    fn plain_text_to_a_name_or_a_public_address_is_refused() {
        check("ws://gateway.example.com", "in clear: gateway.example.com");
        check("ws://localhost.example.com", "in clear: localhost.example.com");
        check("ws://gateway", "in clear: gateway");
        check("ws://8.8.8.8:18789", "in clear: 8.8.8.8");
        check("ws://172.32.0.1", "in clear: 172.32.0.1");
        check("ws://100.128.0.1", "in clear: 100.128.0.1");
        check("ws://0.0.0.0:1", "in clear: 0.0.0.0");
        check("ws://[2001:db8::1]:1", "in clear: 2001:db8::1");
        check("ws://[::ffff:8.8.8.8]:1", "in clear: ::ffff:8.8.8.8");
        check("ws://2130706433:1", "in clear: 2130706433");
        check("ws://127.1:1", "in clear: 127.1");
        check("http://gateway.local", "in clear: gateway.local");
    }

    #[test]
    fn encrypted_goes_anywhere() {
        check("wss://gateway.example.com", "wss://gateway.example.com:443");
        check("https://gateway.tailnet.ts.net/claw/", "wss://gateway.tailnet.ts.net:443/claw/");
        check("wss://8.8.8.8:8443", "wss://8.8.8.8:8443");
    }

    #[test]
    fn nonsense_is_malformed() {
        for text in
            ["", "gateway", "127.0.0.1:18789", "ftp://127.0.0.1", "ws://", "ws://user@127.0.0.1", "ws://127.0.0.1:x"]
        {
            check(text, "malformed");
        }
        check("ws://127.0.0.1:99999", "malformed");
        check("ws://127.0.0.1@evil.example.com", "malformed");
    }

    #[test]
    fn only_an_encrypted_address_can_be_pinned() {
        let pin = CertificatePin::parse(&"ab".repeat(32)).unwrap();
        assert!(GatewayUrl::parse("wss://10.0.0.7").unwrap().pinned(pin).is_ok());
        let refused = GatewayUrl::parse("ws://10.0.0.7").unwrap().pinned(pin);
        assert!(matches!(refused, Err(UrlError::NothingToPin(_))));
    }

    #[test]
    fn only_loopback_stays_on_this_machine() {
        for (text, leaves) in [("ws://localhost:1", false), ("ws://127.9.9.9:1", false), ("ws://10.0.0.1:1", true)] {
            assert_eq!(GatewayUrl::parse(text).unwrap().leaves_this_machine(), leaves, "{text}");
        }
    }
}
