//! `openclaw panic`: everyone out, every secret new.

use std::process::ExitCode;

use protocol::Method;
use protocol::method::Panicked;

use super::Outcome;
use super::args::PanicArgs;
use super::backup::not_without_a_yes;
use super::output::{Failure, can_ask, confirm, count, data, json as print_json, say, shown};
use super::target::Target;
use crate::config::{Environment, Paths};
use crate::telemetry;

pub async fn run(args: &PanicArgs, env: &Environment) -> Outcome {
    if !args.yes {
        say("This closes every connection, revokes every device, and replaces the access token and the server key.");
        if !(can_ask() && confirm("Do it?")) {
            return Err(not_without_a_yes("openclaw panic --yes"));
        }
    }
    // While no gateway runs, this process does it, and the log has to tell of it all the same.
    let _log = telemetry::to_file_only(&Paths::resolve(env)?.log_file);
    let done: Panicked = Target::on_this_machine(env)?.decide(Method::OwnerPanic, ()).await?;
    if args.format.json {
        print_json(&done);
    } else {
        tell(&done);
    }
    if done.problems.is_empty() {
        return Ok(ExitCode::SUCCESS);
    }
    Err(Failure::new("Not everything could be done.")
        .list(done.problems)
        .hint("do what these lines say, then run `openclaw panic --yes` again"))
}

fn tell(done: &Panicked) {
    data(&format!("Closed {}.", count(done.closed, "connection")));
    data(&format!("Revoked {}.", count(done.revoked.len(), "device")));
    for device in &done.revoked {
        data(&format!("  {}  {}", device.device_id.as_str().get(..12).unwrap_or_default(), shown(&device.name)));
    }
    let several = |number: u64, noun: &str| count(usize::try_from(number).unwrap_or(usize::MAX), noun);
    let (requests, codes) = (several(done.requests, "waiting request"), several(done.codes, "one-time code"));
    data(&format!("Deleted {requests} and {codes}."));
    data(&format!("Replaced: {}.", done.rotated.join(", ")));
    say("To get back in:");
    say("  `openclaw dashboard`: a new link for your own browser, while the gateway runs");
    say("  `openclaw gateway auth-token --show`: the new access token, for devices that ask with it");
    say("  `openclaw devices list`: each device asks again when it comes back; approve those you know");
}
