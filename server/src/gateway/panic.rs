//! `owner.panic`: whoever has a secret of this gateway, or a connection to it, has neither a moment later.
//!
//! The records of the devices stay, so that their owner sees which there were and can let them in again one by
//! one. The gateway's own key stays too, because it opens nothing: devices know the gateway by it.

use access::pairing::Dropped;
use access::policy::AuthMode;
use protocol::event::Event;
use protocol::method::Panicked;
use protocol::{Close, DeviceId, Secret};
use serde_json::json;

use super::connection::Connection;
use super::registry::Wake;
use crate::config::{Config, live};
use crate::keys::new_secret;
use crate::state::AppState;
use crate::store::StoreError;

/// Makes everything worthless, in an order in which nobody gets back in with what is about to be worthless. What
/// cannot be done is reported and does not keep the rest from being done.
pub async fn panic(state: &AppState, caller: &Connection) -> Panicked {
    tracing::warn!(conn.id = %caller.id, "PANIC: the owner throws everyone out and replaces every secret");
    let keep = own_device(state);
    // Some of them end as soon as the secrets change.
    let closed = state.registry.count().saturating_sub(1);
    let mut done = Panicked { kept: keep.clone(), closed, ..Panicked::default() };
    if let Err(error) = state.server_key.replace(&state.paths.server_key) {
        done.problems.push(format!("the server key could not be replaced: {error:#}"));
    } else {
        done.rotated.push("server key".to_owned());
    }
    replace_secrets(state, &mut done).await;
    note(state.flush_seen().await, &mut done);
    note(renounce(state, keep.as_ref(), &mut done).await, &mut done);
    state.registry.throw_everyone_out(&caller.id, &Close::auth_changed());
    // Somebody may just have come in on the word of what was still good; with the connections closed, nobody can.
    note(renounce(state, keep.as_ref(), &mut done).await, &mut done);
    if state.config().policy.auth_mode == AuthMode::None {
        let open = "gateway.auth.mode is \"none\", so every program on this machine still gets in; set it to \"token\"";
        done.problems.push(open.to_owned());
    }
    state.notifier.forget_all();
    state.last_good.note_change();
    state.registry.broadcast(Event::DevicePairChanged, Some(&json!({})), None::<&()>);
    tracing::warn!(
        closed = done.closed,
        revoked = done.revoked.len(),
        requests = done.requests,
        codes = done.codes,
        rotated = done.rotated.join(", "),
        problems = done.problems.join("; "),
        "PANIC: done"
    );
    done
}

fn note(result: Result<(), StoreError>, done: &mut Panicked) {
    if let Err(error) = result {
        done.problems.push(format!("the pairing store could not be changed: {error}; stop the gateway until it can"));
    }
}

async fn renounce(state: &AppState, keep: Option<&DeviceId>, done: &mut Panicked) -> Result<(), StoreError> {
    let renounced = state.store.renounce(keep, state.clock.now_ms()).await?;
    for (device_id, request_id) in &renounced.requests {
        state.registry.wake(device_id, request_id, &Wake::Dropped(Dropped::Removed));
    }
    done.requests += u64::try_from(renounced.requests.len()).unwrap_or(u64::MAX);
    done.codes += renounced.codes;
    done.revoked.extend(renounced.revoked);
    Ok(())
}

/// The key of this machine's own command line, if it has one.
fn own_device(state: &AppState) -> Option<DeviceId> {
    let file = &state.paths.identity_file;
    let identity = file.exists().then(|| client::Identity::load_or_create(file, state.clock.now_ms()).ok());
    identity.flatten().map(|identity| identity.device_id())
}

/// Replaces the shared secrets: in force at once, then in the file.
async fn replace_secrets(state: &AppState, done: &mut Panicked) {
    let config = state.config();
    let (token, password) = match (new_secret(), new_secret()) {
        (Ok(token), Ok(password)) => (token, config.password.as_ref().map(|_| password)),
        (Err(error), _) | (_, Err(error)) => return done.problems.push(format!("there is no new secret: {error:#}")),
    };
    let replaced = Config { token: Some(token.clone()), password: password.clone(), ..(*config).clone() };
    state.live.publish_secrets(state, replaced);
    let writing = tokio::task::spawn_blocking({
        let (state, token, password) = (state.clone(), token.clone(), password.clone());
        move || live::write_secrets(&state, &token, password.as_ref())
    });
    match writing.await.map_err(anyhow::Error::from).and_then(|written| written) {
        Ok(overruled) => {
            for (name, by) in overruled {
                done.problems.push(format!("{name} is set by {by}, which comes before the file; set another one there and restart the gateway"));
            }
            done.rotated.push("gateway.auth.token".to_owned());
            done.rotated.extend(password.map(|_: Secret| "gateway.auth.password".to_owned()));
        }
        Err(error) => done.problems.push(format!(
            "the new access token could not be written to {}: {error:#}; it is not accepted any more while this gateway runs, so set another one before you start it again",
            state.paths.config_file.display()
        )),
    }
}
