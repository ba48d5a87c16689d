//! "How to Fix OpenClaw Gateway Connect Failed": each of its numbered fixes where things are really broken like
//! that, with the guide's own commands, until a connection works. Fix 5 is about a channel, which is not ours.

mod approve;
mod container;
mod doctor;
mod service;

use client::{ConnectOptions, Connection, Endpoint, Identity};
use protocol::Scopes;
use protocol::event::PairPending;
use tokio::sync::mpsc;

use super::gateway::PATIENCE;

/// A phone with a key of its own.
pub struct Phone(pub u8);

impl Phone {
    fn options(&self) -> ConnectOptions {
        let mut options = ConnectOptions::command_line("1", Scopes::from(["operator.read"]))
            .with_identity(Identity::from_seed([self.0; 32]))
            .waiting_for_approval();
        options.client.display_name = Some("Phone".to_owned());
        options.timeout = PATIENCE;
        options
    }

    /// Asks to be let in, lets `approve` decide about the request id, and uses the connection.
    pub async fn is_let_in(&self, url: &str, approve: impl AsyncFnOnce(&str)) {
        let (endpoint, options) = (Endpoint::parse_url(url).unwrap(), self.options());
        let (told, mut pending) = mpsc::unbounded_channel();
        let opening = tokio::spawn(async move {
            let on_pending = |pending: &PairPending| told.send(pending.request_id.clone()).unwrap();
            Connection::open_watched(&endpoint, &options, on_pending).await
        });
        approve(&pending.recv().await.unwrap()).await;
        works(opening.await.unwrap().unwrap()).await;
    }

    /// Comes in without asking anybody.
    pub async fn is_known(&self, url: &str) {
        works(Connection::open(&Endpoint::parse_url(url).unwrap(), &self.options()).await.unwrap()).await;
    }
}

async fn works(mut connection: Connection) {
    assert_eq!(connection.call("health", ()).await.unwrap()["ok"], true);
}
