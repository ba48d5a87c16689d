//! `openclaw passkeys`: which there are, and away with one. On the gateway's machine this is the way back when the last
//! one is lost.

use std::process::ExitCode;

use protocol::Method;
use protocol::method::{Passkey, PasskeyList, PasskeyRef};
use serde_json::Value;

use super::Outcome;
use super::args::{ListArgs, PasskeysCommand, RemovePasskeyArgs};
use super::output::{Failure, ago, data, json as print_json, shown, table, tell};
use super::select;
use super::target::Target;
use crate::clock::Clock;
use crate::config::Environment;

/// How much of an id is shown: enough to mean one.
const SHOWN_ID: usize = 12;

pub async fn run(command: PasskeysCommand, env: &Environment) -> Outcome {
    match command {
        PasskeysCommand::List(args) => list(&args, env).await,
        PasskeysCommand::Remove(args) => remove(&args, env).await,
    }
}

async fn list(args: &ListArgs, env: &Environment) -> Outcome {
    let list = fetch(&Target::new(&args.target, env)?).await?;
    if args.format.json {
        print_json(&list);
    } else if list.passkeys.is_empty() {
        data("No passkey is registered. Add one in the Control UI, under Settings.");
    } else {
        data(&in_table(&list.passkeys, Clock::default().now_ms()));
    }
    Ok(ExitCode::SUCCESS)
}

async fn fetch(target: &Target) -> Result<PasskeyList, Failure> {
    target.decide(Method::PasskeyList, ()).await
}

async fn remove(args: &RemovePasskeyArgs, env: &Environment) -> Outcome {
    let target = Target::new(&args.target, env)?;
    let list = fetch(&target).await?;
    let found = select::passkey(&list.passkeys, &args.passkey);
    let passkey = found.one(&args.passkey, "passkeys", line, "use the id, or more of it")?.ok_or_else(|| {
        let failure = Failure::new(format!("No passkey goes by `{}`.", shown(&args.passkey)));
        failure.list(list.passkeys.iter().map(line)).hint("`openclaw passkeys list` lists them")
    })?;
    let removed: Value = target.decide(Method::PasskeyRemove, PasskeyRef { id: passkey.id.clone() }).await?;
    let rest = match list.passkeys.len() - 1 {
        0 => "It was the last one, so nothing takes a passkey until one is added (unless gateway.stepUp is `always`).",
        _ => "The others go on.",
    };
    Ok(tell(args.format.json, &removed, &format!("Removed the passkey {}. {rest}", shown(&passkey.name))))
}

fn short(passkey: &Passkey) -> String {
    passkey.id.chars().take(SHOWN_ID).collect()
}

fn line(passkey: &Passkey) -> String {
    format!("{}  {}  {}", short(passkey), shown(&passkey.name), shown(&passkey.host))
}

fn in_table(passkeys: &[Passkey], now_ms: u64) -> String {
    let heads = ["PASSKEY", "NAME", "WORKS AT", "ADDED", "LAST USED"].map(str::to_owned).to_vec();
    let row = |passkey: &Passkey| {
        vec![
            short(passkey),
            shown(&passkey.name),
            shown(&passkey.host),
            ago(now_ms, passkey.created_at_ms),
            passkey.last_used_at_ms.map_or_else(|| "never".to_owned(), |at_ms| ago(now_ms, at_ms)),
        ]
    };
    table(&std::iter::once(heads).chain(passkeys.iter().map(row)).collect::<Vec<_>>())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_table_cannot_be_broken_by_a_name() {
        let passkey = Passkey {
            id: "abcdefghijklmnop".to_owned(),
            name: "\u{1b}[2JPhone\nx".to_owned(),
            host: "gw.example.com".to_owned(),
            created_at_ms: 0,
            last_used_at_ms: None,
        };
        let expected = "PASSKEY       NAME         WORKS AT        ADDED     LAST USED\n\
                        abcdefghijkl  \u{fffd}[2JPhone\u{fffd}x  gw.example.com  just now  never";
        assert_eq!(in_table(&[passkey], 0), expected);
    }
}
