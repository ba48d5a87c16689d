//! `openclaw qr` and `openclaw devices join-code`: one-time ways in, for a phone and for a machine.

use std::io::IsTerminal;
use std::process::ExitCode;

use protocol::method::{SetupCodeMade, SetupCodeParams};
use protocol::role::ADMIN;
use protocol::setup_code::SetupAccess;
use protocol::{BootstrapProfile, Method};
use serde_json::json;

use super::Outcome;
use super::args::{ListArgs, QrArgs, TargetArgs};
use super::output::{Failure, ahead, data, drawing, json as print_json, say, shown};
use super::target::Target;
use crate::config::Environment;
use crate::qr::Qr;

/// A code, and how long it lives in words.
struct Made {
    setup: SetupCodeMade,
    valid: String,
}

pub async fn run(args: &QrArgs, env: &Environment) -> Outcome {
    let params = SetupCodeParams {
        public_url: args.public_url.clone(),
        // The terminal draws its own.
        include_qr: Some(false),
        bootstrap_profile: args.limited.then_some(BootstrapProfile::Limited),
        ..SetupCodeParams::default()
    };
    let Made { setup, valid } = make(&args.target, env, params).await?;
    if args.setup_code_only {
        data(setup.setup_code.reveal());
        return Ok(ExitCode::SUCCESS);
    }
    if args.format.json {
        print_json(&json!({
            "setupCode": setup.setup_code,
            "gatewayUrl": setup.gateway_url,
            "auth": setup.auth,
            "urlSource": setup.url_source,
            "access": setup.access,
        }));
        return Ok(ExitCode::SUCCESS);
    }
    let page = setup.page.as_ref().map(|page| page.url.reveal());
    let text = match (args.page, page) {
        (false, _) => setup.setup_code.reveal(),
        (true, Some(link)) => link,
        (true, None) => return Err(no_page(&setup)),
    };
    if std::io::stdout().is_terminal() {
        drawing(&Qr::new(text)?.terminal());
    }
    data(text);
    for line in words(args.page, &setup, &valid) {
        say(&line);
    }
    Ok(ExitCode::SUCCESS)
}

/// What the code is, in the order a person needs it: what to do, what that gives, for how long.
fn words(is_page: bool, setup: &SetupCodeMade, valid: &str) -> Vec<String> {
    let with = if is_page { "the phone's camera; it opens a page" } else { "the OpenClaw app, or paste it there" };
    let mut lines = vec![format!("Scan this with {with}."), format!("It leads to {}.", shown(&setup.gateway_url))];
    lines.push(match setup.access {
        SetupAccess::Full => {
            "It lets one phone in without asking you again, to do everything, also let others in.".to_owned()
        }
        SetupAccess::Limited => {
            "It lets one phone in without asking you again, to read, write and approve; not to change settings."
                .to_owned()
        }
        SetupAccess::Node => "It lets one machine in without asking you again, as a node.".to_owned(),
    });
    if setup.access_downgraded == Some(true) {
        lines.push(
            "That address is not encrypted, so the code gives no admin rights; with --public-url https://HOST it does."
                .to_owned(),
        );
    }
    lines.push(format!("It works once, {valid}. Whoever sees it can use it."));
    if !is_page && setup.page.is_some() {
        lines.push("For a phone without the app: `openclaw qr --page`".to_owned());
    }
    lines
}

fn no_page(setup: &SetupCodeMade) -> Failure {
    let url = shown(&setup.gateway_url);
    Failure::new(format!("A phone's browser would open {url} without encryption, and then it has no key to show."))
        .hint("run `openclaw qr --page --public-url https://HOST`, with the address of your HTTPS proxy or tailnet")
}

pub async fn join_code(args: &ListArgs, env: &Environment) -> Outcome {
    let params = SetupCodeParams {
        include_qr: Some(false),
        bootstrap_profile: Some(BootstrapProfile::Node),
        join_url: Some(true),
        ..SetupCodeParams::default()
    };
    let Made { setup, valid } = make(&args.target, env, params).await?;
    let Some(url) = setup.join_url else {
        return Err(Failure::new("The gateway made no join URL.").hint("update the gateway"));
    };
    let command = format!("openclaw connect {}", url.reveal());
    if args.format.json {
        print_json(&json!({"joinUrl": url, "command": command}));
    } else {
        data(&command);
        say("Run this on the machine that should become a node.");
        say(&format!("It works once, {valid}. Whoever has it is in without asking you again."));
    }
    Ok(ExitCode::SUCCESS)
}

async fn make(target: &TargetArgs, env: &Environment, params: SetupCodeParams) -> Result<Made, Failure> {
    let mut connection = Target::new(target, env)?.open(&[ADMIN]).await?;
    let setup: SetupCodeMade = super::progress::asking(connection.ask(Method::DevicePairSetupCode, params)).await?;
    let valid = ahead(connection.opened_at_ms(), setup.expires_at_ms).replacen("in", "for", 1);
    connection.close().await;
    Ok(Made { setup, valid })
}
