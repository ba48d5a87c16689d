//! `openclaw devices watch`: who waits, live, and deciding in place.

use std::process::ExitCode;
use std::sync::Arc;
use std::time::Duration;

use client::{CallError, Connection};
use futures_util::FutureExt;
use protocol::event::{Decision, Event, PairResolved};
use protocol::frame::EventFrame;
use protocol::method::{RejectParams, Terms};
use protocol::pairing::{PairingList, PendingRequest};
use protocol::role::{PAIRING, READ};
use protocol::{Method, TICK_INTERVAL_MS};
use serde_json::{Value, json};
use tokio::signal::unix::{SignalKind, signal};
use tokio::sync::mpsc;
use tokio::time::Instant;

use super::super::args::ListArgs;
use super::super::output::{Failure, can_ask, json_line, line, say, sentence, show_screen, shown};
use super::super::target::{OpenError, Target};
use super::super::{Outcome, listing, progress};
use super::changes::{Change, changes};
use super::desk::approve_as_shown;
use super::keys::Keyboard;
use super::screen::{Action, Screen};
use crate::config::Environment;

/// How long to wait before looking again for a gateway that is gone, at first and at most.
const FIRST_PAUSE: Duration = Duration::from_millis(200);
const LONGEST_PAUSE: Duration = Duration::from_secs(5);

/// How often the screen is drawn anew, because what it says of the time grows old.
const REDRAW: Duration = Duration::from_secs(10);

/// A gateway that says nothing for so long, not even that it lives, is gone.
const LONGEST_SILENCE: Duration = Duration::from_millis(3 * TICK_INTERVAL_MS);

/// What is heard of a gateway.
enum News {
    Here {
        waiting: Vec<PendingRequest>,
        decided: Vec<PairResolved>,
        now_ms: u64,
    },
    Away(String),
    /// It makes no sense to go on.
    Refused(Failure),
}

pub async fn run(args: &ListArgs, env: &Environment) -> Outcome {
    let target = Arc::new(Target::new(&args.target, env)?.with_all_rights());
    let mut ended = (
        signal(SignalKind::interrupt()).map_err(anyhow::Error::from)?,
        signal(SignalKind::terminate()).map_err(anyhow::Error::from)?,
    );
    let (tell, news) = mpsc::channel(16);
    tokio::spawn(follow(Arc::clone(&target), tell));
    let watching = async {
        if can_ask() && !args.format.json {
            at_terminal(&target, news).await
        } else {
            in_lines(args, &target, news).await
        }
    };
    tokio::select! {
        done = watching => done,
        _ = ended.0.recv() => Ok(ExitCode::SUCCESS),
        _ = ended.1.recv() => Ok(ExitCode::SUCCESS),
    }
}

/// Keeps a connection and tells what it hears, until nobody listens any more.
async fn follow(target: Arc<Target>, tell: mpsc::Sender<News>) {
    let (mut pause, mut was_here) = (FIRST_PAUSE, false);
    loop {
        let why = match target.open(&[PAIRING, READ]).await {
            Ok(connection) => {
                (pause, was_here) = (FIRST_PAUSE, true);
                match listen(connection, &tell).await {
                    Some(error) => sentence(&error.to_string()),
                    None => return,
                }
            }
            Err(OpenError::NotRunning) => "The gateway is not running.".to_owned(),
            // Somebody who cannot get in at all is told so; who was in waits for the gateway to come back.
            Err(OpenError::Failed(failure)) if !was_here => {
                let _ = tell.send(News::Refused(failure)).await;
                return;
            }
            Err(OpenError::Failed(failure)) => failure.lines().concat(),
        };
        if tell.send(News::Away(why)).await.is_err() {
            return;
        }
        tokio::time::sleep(pause).await;
        pause = (pause * 2).min(LONGEST_PAUSE);
    }
}

/// Tells what one connection hears. The result is how it ended; `None` when nobody listens any more.
async fn listen(mut connection: Connection, tell: &mpsc::Sender<News>) -> Option<CallError> {
    let (opened, opened_at_ms) = (Instant::now(), connection.opened_at_ms());
    let mut decided = Vec::new();
    loop {
        let list: PairingList = match progress::asking(connection.ask(Method::DevicePairList, ())).await {
            Ok(list) => list,
            Err(error) => return Some(error),
        };
        // How a request ended may have been said while the list was on its way.
        let mut is_outdated = false;
        while let Some(event) = connection.next_event().now_or_never() {
            match event {
                Ok(event) => is_outdated |= concerns_list(event, &mut decided),
                Err(error) => return Some(error),
            }
        }
        let now_ms = opened_at_ms + u64::try_from(opened.elapsed().as_millis()).unwrap_or_default();
        let news = News::Here { waiting: list.pending, decided: std::mem::take(&mut decided), now_ms };
        tell.send(news).await.ok()?;
        while !is_outdated {
            let event = tokio::select! {
                event = tokio::time::timeout(LONGEST_SILENCE, connection.next_event()) => event,
                () = tell.closed() => return None,
            };
            match event {
                Ok(Ok(event)) => is_outdated = concerns_list(event, &mut decided),
                Ok(Err(error)) => return Some(error),
                Err(_) => return Some(CallError::TimedOut),
            }
        }
    }
}

/// Whether the list is another one after this event. How a request ended is noted.
fn concerns_list(event: EventFrame, decided: &mut Vec<PairResolved>) -> bool {
    let is = |known: Event| event.event == known.name();
    let is_decision = is(Event::DevicePairResolved);
    let concerns = is_decision || is(Event::DevicePairRequested) || is(Event::DevicePairChanged);
    if is_decision {
        decided.extend(serde_json::from_value::<PairResolved>(event.payload).ok());
    }
    concerns
}

/// A line for whatever happens.
async fn in_lines(args: &ListArgs, target: &Target, mut news: mpsc::Receiver<News>) -> Outcome {
    let mut known: Vec<PendingRequest> = Vec::new();
    let mut away: Option<String> = None;
    while let Some(one) = news.recv().await {
        let lines = match one {
            News::Refused(failure) => return Err(failure),
            News::Away(why) => {
                let is_new = away.is_none();
                if is_new && args.format.json {
                    json_line(&json!({"event": "gateway-away", "message": why}))?;
                } else if is_new {
                    say(&format!("{why} Waiting for it to come back…"));
                }
                away = Some(why);
                continue;
            }
            News::Here { waiting, decided, .. } => {
                if away.take().is_some() {
                    if args.format.json {
                        json_line(&json!({"event": "gateway-back"}))?;
                    } else {
                        say("The gateway is back.");
                    }
                }
                let lines: Vec<_> = changes(&known, &waiting, &decided)
                    .iter()
                    .map(|change| if args.format.json { Err(in_json(change)) } else { Ok(in_words(change, target)) })
                    .collect();
                known = waiting;
                lines
            }
        };
        for one in lines {
            match one {
                Ok(words) => line(&words)?,
                Err(value) => json_line(&value)?,
            }
        }
    }
    Ok(ExitCode::SUCCESS)
}

fn in_words(change: &Change<'_>, target: &Target) -> String {
    let known = |request: &PendingRequest| format!("{}  {}", shown(&request.request_id), shown(&request.shown_name()));
    match change {
        Change::Waits(request) => {
            let from = request.remote_ip.as_deref().map_or("this machine".to_owned(), shown);
            let words = request.fingerprint().map(|print| print.words.join("-")).unwrap_or_default();
            let id = shown(&request.request_id);
            let approve = target.command(&format!("devices approve {id}"));
            format!(
                "waits     {id}  {}, from {from}, asks for {}, fingerprint {words}: {approve}",
                shown(&request.shown_name()),
                listing::scopes(&request.scopes)
            )
        }
        Change::Decided(request, Decision::Approved) => format!("approved  {}", known(request)),
        Change::Decided(request, Decision::Rejected) => format!("rejected  {}", known(request)),
        Change::Gone(request) => format!("gone      {}", known(request)),
    }
}

fn in_json(change: &Change<'_>) -> Value {
    let (event, request) = match change {
        Change::Waits(request) => ("waits", request),
        Change::Decided(request, Decision::Approved) => ("approved", request),
        Change::Decided(request, Decision::Rejected) => ("rejected", request),
        Change::Gone(request) => ("gone", request),
    };
    json!({"event": event, "request": request})
}

/// The list on the whole screen, with keys that decide.
async fn at_terminal(target: &Target, mut news: mpsc::Receiver<News>) -> Outcome {
    let mut keyboard = Keyboard::open().map_err(anyhow::Error::from)?;
    let mut screen = Screen::default();
    let mut clock = (Instant::now(), 0_u64);
    // Before the first word of the gateway there is nothing to draw but that it is waited for.
    let mut is_heard = false;
    let mut redraw = tokio::time::interval(REDRAW);
    loop {
        tokio::select! {
            one = news.recv() => {
                is_heard = true;
                match one {
                    Some(News::Here { waiting, now_ms, .. }) => {
                        clock = (Instant::now(), now_ms);
                        screen.update(waiting);
                    }
                    Some(News::Away(why)) => screen.lose(why),
                    Some(News::Refused(failure)) => return Err(failure),
                    None => return Ok(ExitCode::SUCCESS),
                }
            }
            key = keyboard.next() => match key.map(|key| screen.key(key)) {
                None | Some(Action::Quit) => return Ok(ExitCode::SUCCESS),
                Some(Action::Nothing) => {}
                Some(Action::Approve(request)) => screen.note(approve(target, &request).await),
                Some(Action::Reject(request)) => screen.note(reject(target, &request).await),
            },
            _ = redraw.tick() => {}
        }
        let (at, then_ms) = clock;
        let now_ms = then_ms + u64::try_from(at.elapsed().as_millis()).unwrap_or_default();
        if is_heard {
            show_screen(&screen.text(now_ms));
        }
    }
}

async fn approve(target: &Target, request: &PendingRequest) -> String {
    match approve_as_shown(target, request, Terms::default()).await {
        Ok(_) => format!("Approved {}.", shown(&request.shown_name())),
        Err(failure) => failure.lines().join("\n"),
    }
}

async fn reject(target: &Target, request: &PendingRequest) -> String {
    let digest = request.evidence.as_ref().map(|seen| seen.digest.clone());
    let params = RejectParams { request_id: request.request_id.clone(), digest };
    match target.decide::<Value>(Method::DevicePairReject, params).await {
        Ok(_) => format!("Turned {} away.", shown(&request.shown_name())),
        Err(failure) => failure.lines().join("\n"),
    }
}
