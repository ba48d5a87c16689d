//! Single keys of a person at a terminal.

use std::io::Read;

use rustix::termios::{LocalModes, OptionalActions, Termios, tcgetattr, tcsetattr};
use tokio::sync::mpsc;

/// A terminal that hands over each key at once and does not show it. Dropping it puts things back.
pub struct Keyboard {
    before: Termios,
    keys: mpsc::Receiver<u8>,
}

impl Keyboard {
    pub fn open() -> std::io::Result<Self> {
        let before = tcgetattr(std::io::stdin())?;
        let mut direct = before.clone();
        // Ctrl-C still ends the program.
        direct.local_modes.remove(LocalModes::ICANON | LocalModes::ECHO);
        tcsetattr(std::io::stdin(), OptionalActions::Now, &direct)?;
        let (typed, keys) = mpsc::channel(16);
        // Reading cannot be interrupted, so the thread ends with the program.
        std::thread::spawn(move || {
            std::io::stdin().lock().bytes().map_while(Result::ok).try_for_each(|key| typed.blocking_send(key))
        });
        Ok(Self { before, keys })
    }

    /// The next key; `None` when the terminal is gone.
    pub async fn next(&mut self) -> Option<u8> {
        self.keys.recv().await
    }
}

impl Drop for Keyboard {
    fn drop(&mut self) {
        // A terminal that is gone needs nothing put back.
        let _ = tcsetattr(std::io::stdin(), OptionalActions::Now, &self.before);
    }
}
