//! `--force`: ends the gateway that is in the way, and nothing else.

use std::path::Path;
use std::time::{Duration, Instant};

use anyhow::bail;
use client::{ConnectOptions, Connection, Endpoint};
use protocol::method::OwnerStop;
use protocol::role::ADMIN;
use protocol::{Method, Scopes};
use rustix::process::{Pid, Signal, kill_process};
use tokio::net::UnixStream;

use crate::advised::Advised;
use crate::config::Paths;
use crate::holder::{self, Holder};

/// How long a gateway may take to say goodbye, and how long a process that is killed may take to be gone.
const GRACE: Duration = Duration::from_secs(8);
const LAST_GRACE: Duration = Duration::from_secs(2);

/// How often to look whether it has ended.
const INTERVAL: Duration = Duration::from_millis(20);

/// Ends the gateways that hold this state directory or this port. Another program on the port is left alone,
/// and then so is everything else.
pub async fn make_room(paths: &Paths, port: u16) -> anyhow::Result<()> {
    let others = look_up(port).await;
    if let Some(other) = others.iter().find(|holder| !holder.is_gateway) {
        bail!(Advised::new(
            format!("port {port} is taken by {other}, which is no gateway; --force leaves it alone"),
            format!("stop it yourself, for example with `kill {}`, or choose another port with --port", other.pid)
        ));
    }
    if let Some(pid) = holder::behind(&paths.owner_socket).await {
        tracing::warn!(pid, "Ending the gateway that holds the state directory");
        let asked = ask_to_stop(&paths.owner_socket).await.is_ok() && until(GRACE, || !holder::lives(pid)).await;
        if !asked {
            end(pid).await?;
        }
    }
    // Those that went with the first are not looked for again by a number that may be somebody else's now.
    for holder in look_up(port).await.iter().filter(|holder| holder.is_gateway) {
        tracing::warn!(pid = holder.pid, "Ending the gateway that holds the port");
        end(holder.pid).await?;
    }
    Ok(())
}

async fn look_up(port: u16) -> Vec<Holder> {
    tokio::task::spawn_blocking(move || holder::holders(port)).await.unwrap_or_default()
}

/// Asks the gateway behind an owner socket to end.
async fn ask_to_stop(socket: &Path) -> anyhow::Result<()> {
    let options = ConnectOptions::command_line(crate::VERSION, Scopes::from([ADMIN]));
    let mut connection = Connection::open(&Endpoint::Owner { socket: socket.to_owned() }, &options).await?;
    connection.call(Method::OwnerStop.name(), OwnerStop::default()).await?;
    Ok(())
}

/// Ends a process, politely first.
async fn end(pid: u32) -> anyhow::Result<()> {
    for (signal, grace) in [(Signal::TERM, GRACE), (Signal::KILL, LAST_GRACE)] {
        let raw = i32::try_from(pid).ok().and_then(Pid::from_raw);
        let sent = raw.map(|pid| kill_process(pid, signal));
        if let Some(Err(error)) = sent
            && error != rustix::io::Errno::SRCH
        {
            bail!(Advised::new(
                format!("the gateway in process {pid} cannot be ended: {error}"),
                format!("it may be another user's; try `sudo kill {pid}`")
            ));
        }
        if until(grace, || !holder::lives(pid)).await {
            return Ok(());
        }
    }
    bail!(Advised::new(
        format!("the gateway in process {pid} does not end"),
        "look at it with `ps`, or restart the machine"
    ));
}

/// Waits until nobody listens on an owner socket any more. False if somebody still does in the end.
pub async fn until_silent(socket: &Path, patience: Duration) -> bool {
    let deadline = Instant::now() + patience;
    while UnixStream::connect(socket).await.is_ok() {
        if Instant::now() > deadline {
            return false;
        }
        tokio::time::sleep(INTERVAL).await;
    }
    true
}

async fn until(patience: Duration, holds: impl Fn() -> bool) -> bool {
    let deadline = Instant::now() + patience;
    while !holds() {
        if Instant::now() > deadline {
            return false;
        }
        tokio::time::sleep(INTERVAL).await;
    }
    true
}
