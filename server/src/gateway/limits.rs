//! Budgets for strangers: wrong secrets, silent sockets, bytes before authentication (wire.md §1.4,
//! §4.5).

use std::collections::{HashMap, VecDeque};
use std::io;
use std::net::IpAddr;
use std::pin::Pin;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll};
use std::time::Duration;

use protocol::{DeviceId, MAX_PREAUTH_FRAME, WRITE_LIMIT, WRITE_WINDOW_MS};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

use crate::config::RateLimit;

/// How many addresses are remembered; beyond that the stalest is forgotten.
const MAX_TRACKED: usize = 10_000;

/// Which kind of credential was wrong. Each has its own count.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Attempt {
    SharedSecret,
    DeviceToken,
    /// Owner links and setup codes.
    Bootstrap,
    /// Join URLs (wire.md §10.5, `device-join`).
    Join,
}

/// Who tried.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum Source {
    Address(IpAddr),
    /// A page in a browser on this machine: it must not lock the machine's own programs out, nor hide
    /// behind them.
    Page(String),
}

impl Source {
    pub fn new(address: IpAddr, page: Option<&str>) -> Self {
        match page {
            Some(page) if address.is_loopback() => Self::Page(page.to_owned()),
            Some(_) | None => Self::Address(address),
        }
    }

    fn is_exempt(&self, rules: &RateLimit) -> bool {
        rules.exempt_loopback && matches!(self, Self::Address(address) if address.is_loopback())
    }
}

#[derive(Debug, Default)]
struct Record {
    failures_ms: VecDeque<u64>,
    locked_until_ms: u64,
}

/// Counts wrong secrets in a sliding window and locks their source out for a while.
#[derive(Debug, Default)]
pub struct RateLimiter {
    records: Mutex<HashMap<(Attempt, Source), Record>>,
}

impl RateLimiter {
    /// How long the source still has to wait, in milliseconds.
    pub fn locked_for(&self, attempt: Attempt, source: &Source, now_ms: u64) -> Option<u64> {
        let records = lock(&self.records);
        let record = records.get(&(attempt, source.clone()))?;
        record.locked_until_ms.checked_sub(now_ms).filter(|wait| *wait > 0)
    }

    /// Notes a wrong secret. The result is how long the answer has to be held back: only for sources that
    /// are exempt from the lock.
    pub fn record_failure(&self, attempt: Attempt, source: &Source, rules: &RateLimit, now_ms: u64) -> Duration {
        let mut records = lock(&self.records);
        if records.len() >= MAX_TRACKED {
            forget_stalest(&mut records);
        }
        let record = records.entry((attempt, source.clone())).or_default();
        record.failures_ms.retain(|at| at + rules.window_ms > now_ms);
        record.failures_ms.push_back(now_ms);
        if source.is_exempt(rules) {
            return penalty(record.failures_ms.len());
        }
        if record.failures_ms.len() >= rules.max_attempts {
            record.locked_until_ms = now_ms + rules.lockout_ms;
            record.failures_ms.clear();
        }
        Duration::ZERO
    }

    pub fn forget(&self, attempt: Attempt, source: &Source) {
        lock(&self.records).remove(&(attempt, source.clone()));
    }
}

/// A quarter of a second, doubling with each failure, five seconds at most.
fn penalty(failures: usize) -> Duration {
    let doublings = u32::try_from(failures.saturating_sub(1)).unwrap_or(u32::MAX).min(5);
    Duration::from_millis(250 * 2_u64.pow(doublings)).min(Duration::from_secs(5))
}

fn forget_stalest(records: &mut HashMap<(Attempt, Source), Record>) {
    let last_use = |record: &Record| record.failures_ms.back().copied().unwrap_or_default().max(record.locked_until_ms);
    let stalest = records.iter().min_by_key(|(_, record)| last_use(record)).map(|(key, _)| key.clone());
    if let Some(key) = stalest {
        records.remove(&key);
    }
}

/// A device, if it is one, at an address.
type Writer = (Option<DeviceId>, IpAddr);

/// When something was done lately: so often within so long, and no more.
#[derive(Debug, Default)]
pub struct Lately(VecDeque<u64>);

impl Lately {
    /// Forgets what is longer ago than `window_ms`.
    fn forget(&mut self, window_ms: u64, now_ms: u64) {
        self.0.retain(|at| at + window_ms > now_ms);
    }

    /// Notes one more, if it is at most the `limit`th within `window_ms`. The error is how long to wait, in
    /// milliseconds.
    pub fn take(&mut self, limit: usize, window_ms: u64, now_ms: u64) -> Result<(), u64> {
        self.forget(window_ms, now_ms);
        match self.0.front() {
            Some(oldest) if self.0.len() >= limit => Err(oldest + window_ms - now_ms),
            Some(_) | None => {
                self.0.push_back(now_ms);
                Ok(())
            }
        }
    }
}

/// Who changes the settings how often (wire.md §7.1).
#[derive(Debug, Default)]
pub struct WriteLimiter {
    writes: Mutex<HashMap<Writer, Lately>>,
}

impl WriteLimiter {
    /// Counts a change. The error is how long the caller has to wait, in milliseconds.
    pub fn admit(&self, device: Option<&DeviceId>, address: IpAddr, now_ms: u64) -> Result<(), u64> {
        let mut writes = lock(&self.writes);
        // Only who holds admin rights gets here, so these are few.
        writes.retain(|_, lately| {
            lately.forget(WRITE_WINDOW_MS, now_ms);
            !lately.0.is_empty()
        });
        writes.entry((device.cloned(), address)).or_default().take(WRITE_LIMIT, WRITE_WINDOW_MS, now_ms)
    }
}

/// Sockets that have not said who they are, by address.
#[derive(Debug, Default)]
pub struct Unauthenticated {
    sockets: Mutex<HashMap<IpAddr, usize>>,
}

/// One such socket; dropping it makes room.
#[derive(Debug)]
pub struct UnauthenticatedSocket {
    address: IpAddr,
    all: Arc<Unauthenticated>,
}

impl Unauthenticated {
    /// Takes a place, if the address has one left.
    pub fn admit(self: &Arc<Self>, address: IpAddr, limit: usize) -> Option<UnauthenticatedSocket> {
        let mut sockets = lock(&self.sockets);
        let taken = sockets.entry(address).or_default();
        if *taken >= limit {
            return None;
        }
        *taken += 1;
        Some(UnauthenticatedSocket { address, all: Arc::clone(self) })
    }
}

impl Drop for UnauthenticatedSocket {
    fn drop(&mut self) {
        let mut sockets = lock(&self.all.sockets);
        if let Some(taken) = sockets.get_mut(&self.address) {
            *taken -= 1;
            if *taken == 0 {
                sockets.remove(&self.address);
            }
        }
    }
}

/// The longest header of a WebSocket frame, in bytes (RFC 6455 §5.2).
const MAX_FRAME_HEADER: usize = 14;

/// How many more bytes a socket may send before it is authenticated.
#[derive(Debug, Clone)]
pub struct ReadBudget(Arc<AtomicUsize>);

impl ReadBudget {
    /// Room for one frame of the largest size that is allowed before authentication.
    pub fn one_frame() -> Self {
        Self(Arc::new(AtomicUsize::new(MAX_PREAUTH_FRAME + MAX_FRAME_HEADER)))
    }

    /// Room for one more frame, for a socket that is held.
    pub fn refill(&self) {
        self.0.store(MAX_PREAUTH_FRAME + MAX_FRAME_HEADER, Ordering::Relaxed);
    }

    pub fn lift(&self) {
        self.0.store(usize::MAX, Ordering::Relaxed);
    }

    pub fn is_spent(&self) -> bool {
        self.0.load(Ordering::Relaxed) == 0
    }
}

/// A stream that stops reading when its budget is spent. The WebSocket library knows one frame limit
/// for the whole life of a socket, and a stranger must not fill memory up to the larger one.
#[derive(Debug)]
pub struct Budgeted<S> {
    stream: S,
    budget: ReadBudget,
}

impl<S> Budgeted<S> {
    pub fn new(stream: S, budget: ReadBudget) -> Self {
        Self { stream, budget }
    }
}

impl<S: AsyncRead + Unpin> AsyncRead for Budgeted<S> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let left = self.budget.0.load(Ordering::Relaxed);
        if left == usize::MAX {
            return Pin::new(&mut self.stream).poll_read(context, buffer);
        }
        if left == 0 {
            return Poll::Ready(Err(io::Error::other("too many bytes before authentication")));
        }
        let room = left.min(buffer.remaining());
        let mut limited = ReadBuf::new(buffer.initialize_unfilled_to(room));
        let polled = Pin::new(&mut self.stream).poll_read(context, &mut limited);
        let read = limited.filled().len();
        buffer.advance(read);
        self.budget.0.store(left - read, Ordering::Relaxed);
        polled
    }
}

impl<S: AsyncWrite + Unpin> AsyncWrite for Budgeted<S> {
    fn poll_write(mut self: Pin<&mut Self>, context: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.stream).poll_write(context, bytes)
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(context)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(context)
    }
}

/// A poisoned lock only means that another task panicked while it counted.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use super::*;

    const RULES: RateLimit = RateLimit { max_attempts: 3, window_ms: 100, lockout_ms: 1000, exempt_loopback: true };

    fn remote() -> Source {
        Source::new("203.0.113.9".parse().unwrap(), None)
    }

    #[test]
    fn locks_after_too_many_failures_within_the_window() {
        let limiter = RateLimiter::default();
        let fail = |at| limiter.record_failure(Attempt::SharedSecret, &remote(), &RULES, at);
        let locked = |at| limiter.locked_for(Attempt::SharedSecret, &remote(), at);
        fail(0);
        fail(50);
        fail(120);
        assert_eq!(locked(120), None, "the first one is out of the window");
        fail(130);
        assert_eq!(locked(130), Some(1000));
        assert_eq!(limiter.locked_for(Attempt::DeviceToken, &remote(), 130), None);
        assert_eq!(locked(1130), None);
    }

    #[test]
    fn this_machine_is_slowed_down_instead_but_its_pages_are_not_exempt() {
        let limiter = RateLimiter::default();
        let local = Source::new("127.0.0.1".parse().unwrap(), None);
        let waits: Vec<u128> =
            (0..7).map(|at| limiter.record_failure(Attempt::SharedSecret, &local, &RULES, at).as_millis()).collect();
        assert_eq!(waits, [250, 500, 1000, 2000, 4000, 5000, 5000]);
        assert_eq!(limiter.locked_for(Attempt::SharedSecret, &local, 7), None);
        let page = Source::new("127.0.0.1".parse().unwrap(), Some("http://evil.test"));
        for at in 0..3 {
            limiter.record_failure(Attempt::SharedSecret, &page, &RULES, at);
        }
        assert!(limiter.locked_for(Attempt::SharedSecret, &page, 3).is_some());
        assert_eq!(limiter.locked_for(Attempt::SharedSecret, &local, 3), None);
    }

    #[test]
    fn silent_sockets_are_counted_by_address() {
        let all = Arc::new(Unauthenticated::default());
        let address = "203.0.113.9".parse().unwrap();
        let first = all.admit(address, 2).unwrap();
        let _second = all.admit(address, 2).unwrap();
        assert!(all.admit(address, 2).is_none());
        assert!(all.admit("203.0.113.10".parse().unwrap(), 2).is_some());
        drop(first);
        assert!(all.admit(address, 2).is_some());
    }

    #[tokio::test]
    async fn a_spent_budget_stops_reading() {
        use tokio::io::AsyncReadExt;
        let budget = ReadBudget::one_frame();
        let bytes = vec![0_u8; MAX_PREAUTH_FRAME + MAX_FRAME_HEADER + 1];
        let mut stream = Budgeted::new(io::Cursor::new(bytes), budget.clone());
        let mut read = vec![0; MAX_PREAUTH_FRAME + MAX_FRAME_HEADER];
        stream.read_exact(&mut read).await.unwrap();
        assert!(budget.is_spent());
        assert!(stream.read_u8().await.is_err());
        budget.lift();
        assert_eq!(stream.read_u8().await.unwrap(), 0);
    }
}
