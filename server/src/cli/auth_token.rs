//! `openclaw gateway auth-token`: where the access token is set, what it is, a new one.

use std::process::ExitCode;

use client::Connection;
use protocol::role::{ADMIN, READ};
use protocol::{Method, Secret};
use serde_json::{Value, json};

use super::Outcome;
use super::args::AuthTokenArgs;
use super::output::{Failure, count, say, tell};
use super::target::{OpenError, Target};
use crate::config::reference::Reference;
use crate::config::{Config, Environment, Overrides, Paths, SecretSource, file};
use crate::keys::new_secret;

/// What is known about the token without showing it.
struct Known {
    mode: String,
    source: Option<SecretSource>,
    is_running: bool,
    /// Connections that it has let in.
    connections: usize,
}

pub async fn run(args: &AuthTokenArgs, env: &Environment) -> Outcome {
    let target = Target::on_this_machine(env)?;
    let known = Known::find(&target, env).await?;
    if known.mode != "token" {
        let failure = Failure::new(format!("The gateway uses no token: gateway.auth.mode is \"{}\".", known.mode));
        return Err(failure.hint(format!("look at gateway.auth in {}", target.paths().config_file.display())));
    }
    if args.rotate {
        rotate(args, &target, &known).await
    } else if args.show {
        show(args, &target, &known, env)
    } else {
        Ok(describe(args, &target, &known))
    }
}

impl Known {
    /// Asks the gateway; while none runs, finds out what one would use that is started from here.
    async fn find(target: &Target, env: &Environment) -> Result<Self, Failure> {
        match target.open(&[READ]).await {
            Ok(mut connection) => {
                let status = connection.call(Method::Status.name(), ()).await?;
                connection.close().await;
                Ok(Self::told(status.get("gateway").unwrap_or(&Value::Null)))
            }
            Err(OpenError::NotRunning) => Self::read(target.paths(), env),
            Err(OpenError::Failed(failure)) => Err(failure),
        }
    }

    fn told(own: &Value) -> Self {
        let text = |key: &str| own.get(key).and_then(Value::as_str).unwrap_or_default();
        let sources = [SecretSource::Flag, SecretSource::Environment, SecretSource::File];
        let source = sources.into_iter().find(|source| source.as_str() == text("authSource"));
        let connections = own.get("bySecret").and_then(Value::as_u64).and_then(|number| usize::try_from(number).ok());
        Self {
            mode: text("authMode").to_owned(),
            source,
            is_running: true,
            connections: connections.unwrap_or_default(),
        }
    }

    fn read(paths: &Paths, env: &Environment) -> Result<Self, Failure> {
        let flags = Overrides::default();
        let config = resolve(paths, env)?;
        let mode = config.policy.auth_mode.as_str().to_owned();
        Ok(Self { mode, source: config.secret_source(env, &flags), is_running: false, connections: 0 })
    }

    /// Where the token is set, as words.
    fn place(&self, paths: &Paths) -> String {
        let whose = if self.is_running { "the running gateway" } else { "this shell" };
        match self.source {
            Some(SecretSource::Flag) => format!("on the command line of {whose} (--token)"),
            Some(SecretSource::Environment) => format!("in the environment of {whose} (OPENCLAW_GATEWAY_TOKEN)"),
            Some(SecretSource::File) => format!("in {} (gateway.auth.token)", paths.config_file.display()),
            None => "nowhere yet; the first start makes one".to_owned(),
        }
    }
}

fn resolve(paths: &Paths, env: &Environment) -> Result<Config, Failure> {
    let content = file::read(&paths.config_file)?;
    Config::resolve(&content, env, &Overrides::default()).map(|resolved| resolved.config).map_err(|problems| {
        let lines = problems.iter().map(ToString::to_string);
        Failure::new(format!("{} has settings that make no sense:", paths.config_file.display()))
            .list(lines)
            .hint("correct them there")
    })
}

fn describe(args: &AuthTokenArgs, target: &Target, known: &Known) -> ExitCode {
    let paths = target.paths();
    let source = known.source.map(SecretSource::as_str);
    let is_set = source.is_some();
    let words = format!("The access token is set {}.", known.place(paths));
    let told = tell(
        args.format.json,
        &json!({"mode": known.mode, "set": is_set, "source": source, "path": paths.config_file}),
        &words,
    );
    if is_set && !args.format.json {
        say(&format!(
            "\nhint: print it with `{}`, make a new one with `{}`",
            target.command("gateway auth-token --show"),
            target.command("gateway auth-token --rotate")
        ));
    }
    told
}

fn show(args: &AuthTokenArgs, target: &Target, known: &Known, env: &Environment) -> Outcome {
    let paths = target.paths();
    let unseen = |why: &str| {
        Failure::new(format!("The token is set {}, {why}.", known.place(paths))).hint("look where it was started from")
    };
    let token: Secret = match known.source {
        None => {
            return Err(
                Failure::new("There is no access token yet.").hint("the first `openclaw gateway run` makes one")
            );
        }
        Some(SecretSource::Flag) => return Err(unseen("where this command cannot see it")),
        Some(SecretSource::Environment) => match env.get("OPENCLAW_GATEWAY_TOKEN") {
            None => return Err(unseen("and not in the environment of this command")),
            Some(_) if known.is_running => {
                say(
                    "note: this is OPENCLAW_GATEWAY_TOKEN of this shell; the gateway may have been started with another",
                );
                Secret::new(env.get("OPENCLAW_GATEWAY_TOKEN").unwrap_or_default())
            }
            Some(token) => Secret::new(token),
        },
        Some(SecretSource::File) => {
            let content = file::read(&paths.config_file)?;
            match content.pointer("/gateway/auth/token").map(|value| (Reference::read(value), value.as_str())) {
                Some((Some(named), _)) => named.resolve(env).map(Secret::new).map_err(|why| {
                    Failure::new(format!("gateway.auth.token {why}.")).hint("run this where the variable is set")
                })?,
                Some((None, Some(token))) => Secret::new(token.trim()),
                Some((None, None)) | None => return Err(unseen("but the file does not hold it any more")),
            }
        }
    };
    let source = known.source.map(SecretSource::as_str);
    Ok(tell(args.format.json, &json!({"token": token.reveal(), "source": source}), token.reveal()))
}

/// Writes a new token the way every change of the settings goes: in place, atomically, and only if nobody else
/// has changed the file since it was read.
async fn rotate(args: &AuthTokenArgs, target: &Target, known: &Known) -> Outcome {
    let paths = target.paths();
    if let Some(SecretSource::Flag | SecretSource::Environment) = known.source {
        return Err(Failure::new(format!(
            "The token is set {}, which wins over the settings; nothing was changed.",
            known.place(paths)
        ))
        .hint("change it there and restart the gateway, or remove it there to use gateway.auth.token"));
    }
    let mut connection = target.open_or_store(&[ADMIN]).await?;
    let written = write(&mut connection, &new_secret()?).await;
    connection.close().await;
    written?;
    let path = paths.config_file.display();
    let ended = count(known.connections, "connection");
    let words = if known.is_running {
        format!(
            "Made a new access token and wrote it to {path}. It is in force; {ended} that came in with the old one ended."
        )
    } else {
        format!("Made a new access token and wrote it to {path}.")
    };
    let result = json!({
        "ok": true, "rotated": true, "source": SecretSource::File.as_str(), "path": paths.config_file,
        "endedConnections": known.connections,
    });
    let told = tell(args.format.json, &result, &words);
    if !args.format.json {
        say(&format!(
            "Paired devices have keys of their own and need nothing. Programs that show the token need the new one:\n  {}",
            target.command("gateway auth-token --show")
        ));
    }
    Ok(told)
}

async fn write(connection: &mut Connection, token: &Secret) -> Result<(), Failure> {
    let config = connection.call(Method::ConfigGet.name(), ()).await?;
    let raw = json!({"gateway": {"auth": {"token": token.reveal()}}}).to_string();
    let params = json!({"raw": raw, "baseHash": config["hash"], "note": "openclaw gateway auth-token --rotate"});
    connection.call(Method::ConfigPatch.name(), params).await?;
    Ok(())
}
