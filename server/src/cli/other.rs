//! Commands that guides for OpenClaw use and that have no business here: understood, and answered with what to do.

use super::args::OtherArgs;
use super::output::{Failure, shown};

/// Chat channels belong to the OpenClaw that talks on them.
pub fn channels(args: &OtherArgs) -> Failure {
    let words: Vec<String> = args.words.iter().map(|word| shown(word)).collect();
    Failure::new("This gateway lets devices in; it has no chat channels.").hint(format!(
        "on the machine whose OpenClaw talks on the channel, run its own `openclaw channels {}`",
        words.join(" ")
    ))
}

/// The program is one file; whoever put it there replaces it.
pub fn update() -> Failure {
    Failure::new("This program does not update itself.").hint(
        "replace its file with the new version, without `sudo` where the file is yours, then run `openclaw gateway restart`",
    )
}
