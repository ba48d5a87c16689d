//! A look at what answers somewhere: whether it is a gateway, without saying who we are.

use std::time::Duration;

use protocol::Challenge;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::time::{Instant, timeout_at};

use crate::connection::Link;
use crate::endpoint::Endpoint;
use crate::error::ConnectError;

/// Dials, waits for the gateway's challenge, and leaves. Only a gateway sends one; it gets no answer, so it
/// counts no attempt and shows nobody waiting.
pub async fn probe(endpoint: &Endpoint, patience: Duration) -> Result<Challenge, ConnectError> {
    let deadline = Instant::now() + patience;
    let link = timeout_at(deadline, Link::dial(endpoint)).await.map_err(|_| ConnectError::TimedOut)??;
    look(link, &endpoint.to_string(), deadline).await
}

/// As [`probe`], over a stream that is open already. `authority` is the host and port it leads to.
pub async fn probe_on<S>(stream: S, authority: &str, patience: Duration) -> Result<Challenge, ConnectError>
where
    S: AsyncRead + AsyncWrite + Send + Unpin + 'static,
{
    let deadline = Instant::now() + patience;
    let url = format!("ws://{authority}/");
    let upgrade = Link::upgrade(Box::new(stream), &url, authority);
    let link = timeout_at(deadline, upgrade).await.map_err(|_| ConnectError::TimedOut)??;
    look(link, authority, deadline).await
}

async fn look(mut link: Link, at: &str, deadline: Instant) -> Result<Challenge, ConnectError> {
    let challenge = link.challenge(deadline).await.map_err(|error| error.while_connecting(at.to_owned()));
    link.leave().await;
    challenge
}
