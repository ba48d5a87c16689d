//! One WebSocket, with the few ways in which the gateway reads and ends it.

use std::borrow::Cow;
use std::io;
use std::time::Duration;

use futures_util::{SinkExt, StreamExt};
use protocol::refusal::Close;
use protocol::{MAX_PAYLOAD, Refusal, Response};
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio_tungstenite::WebSocketStream;
use tokio_tungstenite::tungstenite::error::CapacityError;
use tokio_tungstenite::tungstenite::protocol::frame::Frame;
use tokio_tungstenite::tungstenite::protocol::frame::coding::{CloseCode, Data, OpCode};
use tokio_tungstenite::tungstenite::protocol::{CloseFrame, Role, WebSocketConfig};
use tokio_tungstenite::tungstenite::{Error, Message};

use super::limits::{Budgeted, ReadBudget};

/// How long the other end has to answer a close before the connection is cut (wire.md §1.4).
const CLOSE_GRACE: Duration = Duration::from_secs(1);

/// Small buffers: with the library's own defaults an idle connection costs twenty times as much.
const READ_BUFFER_BYTES: usize = 2048;

/// The largest piece that is written at once, in bytes. The library keeps a buffer as large as the largest
/// frame it ever wrote, for as long as the connection lives; longer messages go out as several frames of one
/// message (RFC 6455 §5.4).
const FRAGMENT_BYTES: usize = 2048;

/// What came in.
#[derive(Debug)]
pub enum Inbound {
    Text(String),
    /// Any sign of life that carries nothing to act on.
    Pong,
    Ping,
    /// More bytes than allowed.
    TooLarge,
    /// The connection has ended.
    Gone,
}

pub struct Socket<S> {
    /// Boxed, because a future that hands it on has room for it twice.
    stream: Box<WebSocketStream<Budgeted<S>>>,
    budget: ReadBudget,
    /// The sender was stopped in the middle of a message. Only a close can follow.
    is_mid_message: bool,
}

impl<S: AsyncRead + AsyncWrite + Unpin> Socket<S> {
    /// Speaks WebSocket over a stream that has been upgraded already.
    pub async fn accept(stream: S) -> Self {
        let budget = ReadBudget::one_frame();
        let config = WebSocketConfig::default()
            .read_buffer_size(READ_BUFFER_BYTES)
            .write_buffer_size(0)
            .max_message_size(Some(MAX_PAYLOAD))
            .max_frame_size(Some(MAX_PAYLOAD));
        let budgeted = Budgeted::new(stream, budget.clone());
        let stream = WebSocketStream::from_raw_socket(budgeted, Role::Server, Some(config)).await;
        Self { stream: Box::new(stream), budget, is_mid_message: false }
    }

    /// Lets an authenticated client send frames up to the full size.
    pub fn trust(&self) {
        self.budget.lift();
    }

    /// Lets a socket go on sending a little before it is authenticated.
    pub fn allow_one_more_frame(&self) {
        self.budget.refill();
    }

    /// The next message. Cancel-safe.
    pub async fn receive(&mut self) -> Inbound {
        match self.stream.next().await {
            Some(Ok(Message::Text(text))) => Inbound::Text(text.as_str().to_owned()),
            // Bytes that are not UTF-8 cannot be JSON, which is what the reader finds out.
            Some(Ok(Message::Binary(bytes))) => Inbound::Text(String::from_utf8_lossy(&bytes).into_owned()),
            Some(Ok(Message::Ping(_) | Message::Frame(_))) => Inbound::Ping,
            Some(Ok(Message::Pong(_))) => Inbound::Pong,
            Some(Err(Error::Capacity(CapacityError::MessageTooLong { .. }))) => Inbound::TooLarge,
            Some(Err(Error::Io(error))) if error.kind() == io::ErrorKind::Other && self.budget.is_spent() => {
                Inbound::TooLarge
            }
            Some(Ok(Message::Close(_)) | Err(_)) | None => Inbound::Gone,
        }
    }

    pub async fn send_text(&mut self, text: &str) -> Result<(), Error> {
        self.send_pieces(&[Cow::Borrowed(text)]).await
    }

    /// Sends one message that is kept in pieces. If this is cancelled, nothing but a close can be sent any
    /// more.
    pub async fn send_pieces(&mut self, pieces: &[Cow<'_, str>]) -> Result<(), Error> {
        if self.is_mid_message {
            return Err(Error::ConnectionClosed);
        }
        if pieces.iter().map(|piece| piece.len()).sum::<usize>() <= FRAGMENT_BYTES {
            return self.stream.send(Message::text(pieces.concat())).await;
        }
        self.is_mid_message = true;
        let mut kind = Data::Text;
        for chunk in pieces.iter().flat_map(|piece| piece.as_bytes().chunks(FRAGMENT_BYTES)) {
            self.stream.send(Message::Frame(Frame::message(chunk.to_vec(), OpCode::Data(kind), false))).await?;
            kind = Data::Continue;
        }
        self.stream.send(Message::Frame(Frame::message(Vec::new(), OpCode::Data(kind), true))).await?;
        self.is_mid_message = false;
        Ok(())
    }

    pub async fn send_json(&mut self, value: &impl serde::Serialize) -> Result<(), Error> {
        let text = serde_json::to_string(value).map_err(|error| Error::Io(io::Error::other(error)))?;
        self.send_text(&text).await
    }

    pub async fn ping(&mut self) -> Result<(), Error> {
        self.stream.send(Message::Ping(Vec::new().into())).await
    }

    /// Says why, then ends the connection. `id` is the request that is refused.
    pub async fn refuse(mut self, id: Option<&str>, refusal: &Refusal) {
        if let (Some(id), Some(error)) = (id, refusal.wire_error()) {
            let _ = tokio::time::timeout(CLOSE_GRACE, self.send_json(&Response::error(id, error))).await;
        }
        let close = refusal.close().unwrap_or_else(|| Close::new(1008, &refusal.message()));
        self.close(&close).await;
    }

    /// Sends a close frame and waits a moment for the answer.
    pub async fn close(mut self, close: &Close) {
        // What the other end still sends is read and thrown away, or its answer would never come.
        self.budget.lift();
        let frame = CloseFrame { code: CloseCode::from(close.code), reason: close.reason.as_str().into() };
        let goodbye = async {
            if self.stream.as_mut().close(Some(frame)).await.is_ok() {
                while let Some(Ok(_)) = self.stream.next().await {}
            }
            // After a frame that is too large the library reads no more. What is left unread would turn the
            // end into a reset, and the close frame could be lost with it.
            let stream = self.stream.get_mut();
            let mut waste = vec![0; READ_BUFFER_BYTES];
            if stream.shutdown().await.is_ok() {
                while stream.read(&mut waste).await.is_ok_and(|bytes| bytes > 0) {}
            }
        };
        // Whether it answers or not, the connection ends here.
        let _ = tokio::time::timeout(CLOSE_GRACE, goodbye).await;
    }
}
