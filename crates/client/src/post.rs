//! One request to a server that is no gateway: a push service, or wherever the owner wants to be told.
//!
//! **Invariant:** what is dialled is the address that was looked at, not a name that may lead elsewhere a moment
//! later, and a redirect is an answer like any other: nobody is sent on to a place that was not looked at.

use std::fmt;
use std::io;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::time::Duration;

use http_body_util::{BodyExt, Full, Limited};
use hyper::body::Bytes;
use hyper::{Request, Response, Uri, header};
use hyper_util::rt::TokioIo;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpStream;

use crate::tls;

/// How long a request may take from looking its name up to its answer.
pub const POST_PATIENCE: Duration = Duration::from_secs(10);

/// How much of an answer is read, in bytes. It is only shown to people.
const MAX_ANSWER: usize = 4096;

/// An `http` or `https` address without a user in it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WebUrl {
    encrypted: bool,
    /// A name in lower case, or an address without brackets.
    host: String,
    port: u16,
    path: String,
}

/// Why a text is no address that something could be sent to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum WebUrlError {
    #[error("write https://HOST/PATH")]
    Malformed,
    #[error("it must not contain a user or a password")]
    HasUser,
}

impl WebUrl {
    pub fn parse(text: &str) -> Result<Self, WebUrlError> {
        let uri: Uri = text.trim().parse().map_err(|_| WebUrlError::Malformed)?;
        let encrypted = match uri.scheme_str() {
            Some("https") => true,
            Some("http") => false,
            Some(_) | None => return Err(WebUrlError::Malformed),
        };
        let authority = uri.authority().ok_or(WebUrlError::Malformed)?;
        if authority.as_str().contains('@') {
            return Err(WebUrlError::HasUser);
        }
        let host = authority.host().trim_start_matches('[').trim_end_matches(']').to_ascii_lowercase();
        let port = match authority.as_str().strip_prefix(authority.host()) {
            Some("") => Some(if encrypted { 443 } else { 80 }),
            Some(rest) => rest.strip_prefix(':').and_then(|port| port.parse().ok()).filter(|port| *port > 0),
            None => None,
        };
        let port = port.filter(|_| !host.is_empty()).ok_or(WebUrlError::Malformed)?;
        let path = uri.path_and_query().map_or("/", |path| path.as_str()).to_owned();
        Ok(Self { encrypted, host, port, path })
    }

    pub fn is_encrypted(&self) -> bool {
        self.encrypted
    }

    pub fn host(&self) -> &str {
        &self.host
    }

    /// The address, where the host is one and no name.
    pub fn address(&self) -> Option<IpAddr> {
        self.host.parse().ok().map(|address: IpAddr| address.to_canonical())
    }

    /// Scheme, host, and the port unless it is the usual one (RFC 6454 §6.2).
    pub fn origin(&self) -> String {
        format!("{}://{}", if self.encrypted { "https" } else { "http" }, self.authority())
    }

    fn authority(&self) -> String {
        let (open, close) = if self.host.contains(':') { ("[", "]") } else { ("", "") };
        let usual = if self.encrypted { 443 } else { 80 };
        let port = if self.port == usual { String::new() } else { format!(":{}", self.port) };
        format!("{open}{}{close}{port}", self.host)
    }

    /// Where it leads now. `localhost` is this machine by definition and never looked up.
    async fn resolve(&self) -> io::Result<Vec<SocketAddr>> {
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

impl fmt::Display for WebUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}{}", self.origin(), self.path)
    }
}

/// Which addresses may be dialled.
pub type MayDial = fn(IpAddr) -> bool;

/// What the other side said.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Answer {
    pub status: u16,
    /// The beginning of its body, as far as it is text.
    pub body: String,
}

impl Answer {
    pub fn is_success(&self) -> bool {
        (200..300).contains(&self.status)
    }
}

/// Why there was no answer.
#[derive(Debug, thiserror::Error)]
pub enum PostError {
    #[error("{host} cannot be found: {source}")]
    NotFound { host: String, source: io::Error },
    #[error("{host} leads to {address}, where nothing may be sent")]
    Forbidden { host: String, address: IpAddr },
    #[error("{host} cannot be reached: {source}")]
    Unreachable { host: String, source: io::Error },
    #[error("{0} did not answer in time")]
    TimedOut(String),
    #[error("{host} does not speak HTTP as expected: {problem}")]
    Protocol { host: String, problem: String },
}

/// Looks up where an address leads, and whether that may be dialled. One place where it may not is enough to refuse.
pub async fn look_up(url: &WebUrl, may_dial: MayDial) -> Result<Vec<SocketAddr>, PostError> {
    let host = || url.host.clone();
    let looking = tokio::time::timeout(POST_PATIENCE, url.resolve());
    let found = looking.await.map_err(|_| PostError::TimedOut(host()))?;
    let addresses = found.map_err(|source| PostError::NotFound { host: host(), source })?;
    match addresses.iter().map(|address| address.ip().to_canonical()).find(|address| !may_dial(*address)) {
        Some(address) => Err(PostError::Forbidden { host: host(), address }),
        None => Ok(addresses),
    }
}

/// Sends a body with these headers, and waits for the answer.
pub async fn post(
    url: &WebUrl,
    may_dial: MayDial,
    headers: &[(&'static str, String)],
    body: Vec<u8>,
) -> Result<Answer, PostError> {
    let sending = send(url, may_dial, headers, body);
    tokio::time::timeout(POST_PATIENCE, sending).await.map_err(|_| PostError::TimedOut(url.host.clone()))?
}

async fn send(
    url: &WebUrl,
    may_dial: MayDial,
    headers: &[(&'static str, String)],
    body: Vec<u8>,
) -> Result<Answer, PostError> {
    let host = || url.host.clone();
    let unreachable = |source| PostError::Unreachable { host: host(), source };
    let protocol = |problem: String| PostError::Protocol { host: host(), problem };
    let mut request = Request::post(url.path.as_str()).header(header::HOST, url.authority());
    for (name, value) in headers {
        request = request.header(*name, value);
    }
    let request = request.body(Full::new(Bytes::from(body))).map_err(|error| protocol(error.to_string()))?;
    let addresses = look_up(url, may_dial).await?;
    let stream = TcpStream::connect(addresses.as_slice()).await.map_err(unreachable)?;
    let response = if url.encrypted {
        let stream = tls::encrypt(stream, &url.host, None).await.map_err(unreachable)?;
        exchange(stream, request).await
    } else {
        exchange(stream, request).await
    };
    response.map_err(|error| protocol(error.to_string()))
}

async fn exchange<S>(stream: S, request: Request<Full<Bytes>>) -> hyper::Result<Answer>
where
    S: AsyncRead + AsyncWrite + Send + Unpin + 'static,
{
    let (mut sender, connection) = hyper::client::conn::http1::handshake(TokioIo::new(stream)).await?;
    let driving = tokio::spawn(connection);
    let answer = async {
        let response: Response<_> = sender.send_request(request).await?;
        let status = response.status().as_u16();
        // What is too long to be read, or breaks off, still has its status.
        let body = Limited::new(response.into_body(), MAX_ANSWER).collect().await;
        let body = body.map(|body| String::from_utf8_lossy(&body.to_bytes()).into_owned()).unwrap_or_default();
        Ok(Answer { status, body })
    }
    .await;
    driving.abort();
    answer
}

#[cfg(test)]
mod tests {
    use tokio::io::{AsyncReadExt, AsyncWriteExt};
    use tokio::net::TcpListener;

    use super::*;

    #[track_caller]
    fn check(text: &str, expected: Result<(&str, &str), WebUrlError>) {
        let parsed = WebUrl::parse(text);
        let said = parsed.as_ref().map(|url| (url.to_string(), url.origin()));
        let said = said.as_ref().map(|(url, origin)| (url.as_str(), origin.as_str())).map_err(|error| **error);
        assert_eq!(said, expected, "{text}");
    }

    #[test]
    fn an_address_is_a_scheme_a_host_and_a_path() {
        check("https://Push.Example/a?b=c", Ok(("https://push.example/a?b=c", "https://push.example")));
        check("https://push.example:443", Ok(("https://push.example/", "https://push.example")));
        check("https://push.example:8443/a", Ok(("https://push.example:8443/a", "https://push.example:8443")));
        check("http://[::1]:80/a", Ok(("http://[::1]/a", "http://[::1]")));
        check("https://ada:secret@push.example/", Err(WebUrlError::HasUser));
        for text in
            ["", "push.example", "ftp://push.example", "https://", "https://push.example:0", "file:///etc/passwd"]
        {
            check(text, Err(WebUrlError::Malformed));
        }
    }

    /// What comes of this answer, and what was asked.
    async fn posted(answer: &'static str, may_dial: MayDial) -> (Result<Answer, PostError>, String) {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let serving = tokio::spawn(async move {
            let (mut stream, _) = listener.accept().await.unwrap();
            let mut request = vec![0; 4096];
            let length = stream.read(&mut request).await.unwrap();
            stream.write_all(answer.as_bytes()).await.unwrap();
            stream.shutdown().await.unwrap();
            String::from_utf8_lossy(&request[..length]).into_owned()
        });
        let url = WebUrl::parse(&format!("http://127.0.0.1:{port}/push/x")).unwrap();
        let answer = post(&url, may_dial, &[("ttl", "60".to_owned())], b"body".to_vec()).await;
        if answer.is_err() {
            serving.abort();
        }
        (answer, serving.await.unwrap_or_default())
    }

    #[tokio::test]
    async fn the_request_goes_out_and_the_answer_comes_back() {
        let (answer, request) = posted("HTTP/1.1 201 Created\r\ncontent-length: 2\r\n\r\nok", |_| true).await;
        assert_eq!(answer.unwrap(), Answer { status: 201, body: "ok".to_owned() });
        assert!(request.starts_with("POST /push/x HTTP/1.1\r\n") && request.contains("ttl: 60\r\n"), "{request}");
    }

    #[tokio::test]
    async fn a_redirect_is_an_answer() {
        let redirect = "HTTP/1.1 307 Temporary Redirect\r\nlocation: http://127.0.0.1:1/\r\ncontent-length: 0\r\n\r\n";
        let answer = posted(redirect, |_| true).await.0.unwrap();
        assert_eq!((answer.status, answer.is_success()), (307, false));
    }

    #[tokio::test]
    async fn an_address_that_may_not_be_dialled_is_not_dialled() {
        let (answer, request) = posted("", |address| !address.is_loopback()).await;
        assert!(matches!(answer, Err(PostError::Forbidden { .. })), "{answer:?}");
        assert_eq!(request, "");
        let name = WebUrl::parse("https://localhost/").unwrap();
        let found = look_up(&name, |address| !address.is_loopback()).await;
        assert!(matches!(found, Err(PostError::Forbidden { .. })), "{found:?}");
    }
}
