//! Join URLs: fetching the setup code that one hands out, once (wire.md §10.5).

use std::io;
use std::time::Duration;

use http_body_util::{BodyExt, Empty, LengthLimitError, Limited};
use hyper::body::Bytes;
use hyper::header;
use hyper_util::rt::TokioIo;
use protocol::SetupCode;
use protocol::setup_code::{MAX_SETUP_CODE, SetupCodeError};
use serde_json::Value;

use crate::endpoint::{Endpoint, GatewayUrl, UrlError};

/// How long the whole fetch may take.
const PATIENCE: Duration = Duration::from_secs(15);

/// Why a join URL gave no setup code.
#[derive(Debug, thiserror::Error)]
pub enum JoinError {
    #[error("`{0}` is no join URL; it looks like https://HOST/j/CODE")]
    Malformed(String),
    /// The code would cross a network that others may listen to.
    #[error(
        "the join URL leads to {host} unencrypted, so anyone on the way could take its code; it must begin with https://"
    )]
    NeedsHttps { host: String },
    #[error("cannot reach the gateway at {at}: {source}")]
    Unreachable { at: String, source: io::Error },
    #[error("the gateway did not answer in time")]
    TimedOut,
    /// The gateway does not tell one from the other.
    #[error(
        "this join URL was used already, or it is too old; make a new one with `openclaw devices join-code` on the gateway's machine"
    )]
    Spent,
    #[error("too many wrong join URLs came from here; wait a few minutes")]
    RateLimited,
    #[error("what answers at {at} is no gateway: HTTP status {status}")]
    Rejected { at: String, status: u16 },
    #[error("what answers at {at} is no gateway: {problem}")]
    Protocol { at: String, problem: String },
    #[error("the gateway's answer makes no sense: {0}")]
    Payload(#[from] SetupCodeError),
}

/// Fetches the setup code of a join URL. That spends the URL, so ask only when the answer will be used. The
/// gateway has just looked at its clock, so ours is not asked whether the code has expired.
pub async fn fetch_join(url: &str) -> Result<SetupCode, JoinError> {
    let target = parse(url)?;
    tokio::time::timeout(PATIENCE, fetch(target)).await.map_err(|_| JoinError::TimedOut)?
}

fn parse(url: &str) -> Result<GatewayUrl, JoinError> {
    let malformed = || JoinError::Malformed(url.trim().to_owned());
    let scheme = url.trim().split_once("://").map(|(scheme, _)| scheme.to_ascii_lowercase());
    let target = GatewayUrl::parse(url).map_err(|error| match error {
        UrlError::Malformed(_) => malformed(),
        UrlError::InClear { host } => JoinError::NeedsHttps { host },
    })?;
    let names_code = target.path().rsplit_once("/j/").is_some_and(|(_, code)| !code.is_empty() && !code.contains('?'));
    if !names_code || !matches!(scheme.as_deref(), Some("http" | "https")) {
        return Err(malformed());
    }
    if !target.is_encrypted() && target.leaves_this_machine() {
        return Err(JoinError::NeedsHttps { host: target.authority() });
    }
    Ok(target)
}

async fn fetch(target: GatewayUrl) -> Result<SetupCode, JoinError> {
    let at = target.authority();
    let unreachable = |source| JoinError::Unreachable { at: at.clone(), source };
    let broken = |error: hyper::Error| JoinError::Protocol { at: at.clone(), problem: error.to_string() };
    let request = hyper::Request::get(target.path())
        .header(header::HOST, &at)
        .header(header::ACCEPT, "application/json")
        .body(Empty::<Bytes>::new())
        .map_err(|_| JoinError::Malformed(at.clone()))?;
    let stream = Endpoint::Tcp(target).dial().await.map_err(unreachable)?;
    let (mut sender, connection) = hyper::client::conn::http1::handshake(TokioIo::new(stream)).await.map_err(broken)?;
    let driving = tokio::spawn(connection);
    let answer = async {
        let response = sender.send_request(request).await.map_err(broken)?;
        match response.status().as_u16() {
            200 => {}
            404 => return Err(JoinError::Spent),
            429 => return Err(JoinError::RateLimited),
            status => return Err(JoinError::Rejected { at: at.clone(), status }),
        }
        let body = Limited::new(response.into_body(), MAX_SETUP_CODE).collect().await;
        let body = body.map_err(|error| {
            let is_too_long = error.downcast_ref::<LengthLimitError>().is_some();
            let problem = if is_too_long { "its answer is too long".to_owned() } else { error.to_string() };
            JoinError::Protocol { at: at.clone(), problem }
        })?;
        let payload: Value = serde_json::from_slice(&body.to_bytes()).map_err(|_| SetupCodeError::Payload)?;
        Ok(SetupCode::from_payload(&payload)?)
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
    fn check(url: &str, expected: &str) {
        let said = match parse(url) {
            Ok(target) => target.path().to_owned(),
            Err(error) => error.to_string(),
        };
        assert!(said.contains(expected), "{url}: {said}");
    }

    #[test]
    fn a_code_is_never_fetched_in_clear_from_elsewhere() {
        check("https://gw.example/claw/j/u-tD_WFQ09P_3Bygd8SLyw", "/claw/j/u-tD_WFQ09P_3Bygd8SLyw");
        check("http://127.0.0.1:1/j/abc", "/j/abc");
        check("http://localhost:1/j/abc", "/j/abc");
        check("http://192.168.1.5:18789/j/abc", "must begin with https://");
        check("http://gw.example/j/abc", "must begin with https://");
        for url in
            ["https://gw.example/", "https://gw.example/j/", "https://gw.example/j/abc?x=1", "wss://gw/j/a", "abc"]
        {
            check(url, "is no join URL");
        }
    }

    /// What comes of this answer.
    async fn fetched(answer: String) -> Result<SetupCode, JoinError> {
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
        let fetched = fetch_join(&format!("http://127.0.0.1:{port}/a/j/code")).await;
        let request = serving.await.unwrap();
        assert!(
            request.starts_with("GET /a/j/code HTTP/1.1\r\n") && request.contains(&format!("host: 127.0.0.1:{port}"))
        );
        fetched
    }

    fn http(status: &str, body: &str) -> String {
        format!("HTTP/1.1 {status}\r\ncontent-length: {}\r\n\r\n{body}", body.len())
    }

    #[tokio::test]
    async fn the_answer_is_a_setup_code_or_says_what_is_wrong() {
        let setup =
            fetched(http("200 OK", r#"{"url":"wss://gw.example","bootstrapToken":"t","later":1}"#)).await.unwrap();
        assert_eq!((setup.url.as_str(), setup.bootstrap_token.reveal()), ("wss://gw.example", "t"));
        let failed = async |answer| fetched(answer).await.unwrap_err().to_string();
        assert!(failed(http("404 Not Found", r#"{"error":"not_found"}"#)).await.contains("used already"));
        assert!(failed(http("429 Too Many Requests", "")).await.contains("wait a few minutes"));
        assert!(failed(http("302 Found", "")).await.contains("HTTP status 302"));
        assert!(failed(http("200 OK", "[]")).await.contains("Invalid pairing setup payload."));
        assert!(failed(http("200 OK", &" ".repeat(MAX_SETUP_CODE + 1))).await.contains("too long"));
        assert!(failed("nonsense".to_owned()).await.contains("is no gateway"));
    }
}
