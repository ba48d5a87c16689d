//! A line that moves at the terminal while something takes long, so that nobody wonders whether it hangs.

use std::io::{IsTerminal, Write};
use std::pin::Pin;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

/// What is done by then needs no word.
const SILENCE: Duration = Duration::from_millis(500);

const STEP: Duration = Duration::from_millis(120);

const PICTURES: [char; 8] = ['⠋', '⠙', '⠸', '⠴', '⠦', '⠧', '⠇', '⠏'];

/// Whether the line stands there now.
static IS_SHOWN: AtomicBool = AtomicBool::new(false);

/// Waits for `work`. If that takes more than half a second, a person at the terminal sees `what` is done meanwhile;
/// the line is gone in the end.
pub fn during<T>(what: &str, work: impl Future<Output = T>) -> impl Future<Output = T> {
    // In a box, because what waits for this would otherwise carry it twice.
    watched(what, Box::pin(work))
}

async fn watched<T>(what: &str, mut work: Pin<Box<impl Future<Output = T>>>) -> T {
    if !std::io::stderr().is_terminal() {
        return work.await;
    }
    if let Ok(done) = tokio::time::timeout(SILENCE, &mut work).await {
        return done;
    }
    let mut steps = tokio::time::interval(STEP);
    for picture in PICTURES.into_iter().cycle() {
        tokio::select! {
            biased;
            done = &mut work => {
                clear();
                return done;
            }
            _ = steps.tick() => draw(&format!("\r\u{1b}[K{picture} {what}…"), true),
        }
    }
    work.await
}

/// As [`during`], for an answer of the gateway.
pub fn asking<T>(answer: impl Future<Output = T>) -> impl Future<Output = T> {
    during("Asking the gateway", answer)
}

/// Takes the line away, for something that has to be said. It comes back below.
pub fn clear() {
    if IS_SHOWN.load(Ordering::Relaxed) {
        draw("\r\u{1b}[K", false);
    }
}

fn draw(text: &str, is_shown: bool) {
    IS_SHOWN.store(is_shown, Ordering::Relaxed);
    let mut terminal = std::io::stderr().lock();
    let _ = terminal.write_all(text.as_bytes()).and_then(|()| terminal.flush());
}
