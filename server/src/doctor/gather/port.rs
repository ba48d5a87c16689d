//! What is at the gateway's port.

use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::time::timeout;

use crate::doctor::facts::{Port, PortAnswer, Running, Settings, Unit};
use crate::holder::holders;

/// How long a program on this very machine may take to answer.
const PATIENCE: Duration = Duration::from_secs(2);

/// As much of an answer as tells who it is from.
const MAX_ANSWER: u64 = 4096;

/// The port that counts: the one that is in use, or the one that would be.
pub fn number(gateway: &Running, unit: Option<&Unit>, settings: &Settings) -> u16 {
    let running = match gateway {
        Running::Answers(answer) => answer.port,
        Running::Stopped | Running::Silent { .. } | Running::Foreign { .. } => None,
    };
    let configured = settings.resolved.as_ref().map(|resolved| resolved.port);
    running.or(unit.and_then(|unit| unit.port)).or(configured).unwrap_or(crate::config::DEFAULT_PORT)
}

pub async fn look(number: u16) -> Port {
    let answer = timeout(PATIENCE, ask(number)).await.unwrap_or(PortAnswer::Mute);
    if answer == PortAnswer::Nothing {
        return Port { number, holder: None, answer };
    }
    let all = tokio::task::spawn_blocking(move || holders(number)).await.unwrap_or_default();
    Port { number, holder: all.into_iter().next(), answer }
}

async fn ask(port: u16) -> PortAnswer {
    let Ok(mut stream) = TcpStream::connect(("127.0.0.1", port)).await else { return PortAnswer::Nothing };
    let request = format!("GET /healthz HTTP/1.1\r\nhost: 127.0.0.1:{port}\r\nconnection: close\r\n\r\n");
    let mut answer = Vec::new();
    let asked = async {
        stream.write_all(request.as_bytes()).await?;
        (&mut stream).take(MAX_ANSWER).read_to_end(&mut answer).await
    };
    // What came before it broke off says enough.
    let _ = timeout(PATIENCE / 2, asked).await;
    judge(&String::from_utf8_lossy(&answer))
}

fn judge(answer: &str) -> PortAnswer {
    let mut lines = answer.lines();
    let Some(status) = lines.next().filter(|line| line.starts_with("HTTP/")) else { return PortAnswer::Mute };
    if answer.contains(r#""status":"live""#) {
        return PortAnswer::Gateway;
    }
    let is_server = |line: &str| line.get(..7).is_some_and(|name| name.eq_ignore_ascii_case("server:"));
    let server = lines.find(|line| is_server(line)).and_then(|line| line.get(7..)).map(str::trim);
    PortAnswer::Other(server.unwrap_or(status).to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_gateway_is_told_from_other_servers_and_from_silence() {
        let check = |answer: &str, expected: PortAnswer| assert_eq!(judge(answer), expected, "{answer}");
        check("HTTP/1.1 200 OK\r\n\r\n{\"ok\":true,\"status\":\"live\"}", PortAnswer::Gateway);
        check("HTTP/1.1 404 Not Found\r\nServer: nginx/1.26\r\n\r\n", PortAnswer::Other("nginx/1.26".to_owned()));
        check("HTTP/1.0 200 OK\r\n\r\nhello", PortAnswer::Other("HTTP/1.0 200 OK".to_owned()));
        check("SSH-2.0-OpenSSH_9\r\n", PortAnswer::Mute);
        check("", PortAnswer::Mute);
    }
}
