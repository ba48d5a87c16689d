//! `openclaw gateway call`: any method, with the least rights that it needs.

use std::process::ExitCode;

use protocol::Method;
use protocol::method::Access;
use protocol::role::{ADMIN, READ};

use super::Outcome;
use super::args::CallArgs;
use super::output::{json, say, shown};
use super::target::Target;
use crate::config::Environment;

pub async fn run(args: &CallArgs, env: &Environment) -> Outcome {
    let target = Target::new(&args.target, env)?;
    let mut connection = target.open(&[scope(&args.method)]).await?;
    let answer = connection.call(&args.method, &args.params).await;
    connection.close().await;
    let answer = answer?;
    if !args.format.json {
        say(&format!("{} answered:", shown(&args.method)));
    }
    json(&answer);
    Ok(ExitCode::SUCCESS)
}

/// What a device has to ask for. A method that we do not know may be for admins.
fn scope(name: &str) -> &'static str {
    let known = Method::ALL.iter().find(|method| method.name() == name);
    match known.map(|method| method.access()) {
        Some(Access::Operator(scope)) => scope,
        Some(Access::Everyone | Access::AnyOperator | Access::Node) => READ,
        Some(Access::Owner) | None => ADMIN,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_call_asks_for_no_more_than_it_needs() {
        assert_eq!(
            ["health", "status", "device.pair.list"].map(scope),
            ["operator.read", "operator.read", "operator.pairing"]
        );
        assert_eq!(["config.set", "no.such"].map(scope), ["operator.admin"; 2]);
    }
}
