//! Letting a device in with a one-time code: for whom, how much it may do, the code, and who came.

use leptos::html;
use leptos::prelude::*;
use protocol::operations::{SetupConcern, SetupOutlook, ShutOut};
use protocol::role::ADMIN;
use protocol::{Method, WireError};
use serde_json::Value;
use wasm_split_helpers::wasm_split;

use super::pair_code::{has_expired, pair_code};
use super::words::words;
use crate::late::{button, changing, follow, late, sleepy_button, text, when};
use crate::live::{Live, advice};
use crate::part::{Fetched, part};
use crate::setup::{Arrival, Made, Whom, Wish};
use crate::{outside, reading};

/// The dialog as it is: what was chosen, and how far it has come.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Pairing {
    pub(super) wish: Wish,
    /// A code is on its way.
    is_making: bool,
    pub(super) stage: Stage,
}

#[derive(Debug, Clone, PartialEq)]
pub(super) enum Stage {
    Choosing,
    Shown(Made),
    Arrived(Arrival),
    /// Nothing was made: the reason, and the gateway's own words.
    Failed(String, String),
}

/// The heading above a code that nobody used in time.
const RUN_OUT: &str = "The code has run out";

impl Pairing {
    fn new() -> Self {
        let wish = Wish { whom: Whom::Phone, is_limited: false, by_url: true };
        Self { wish, is_making: false, stage: Stage::Choosing }
    }

    pub(super) fn made(&self) -> Option<&Made> {
        if let Stage::Shown(made) = &self.stage { Some(made) } else { None }
    }

    fn heading(&self) -> String {
        match (&self.stage, self.wish.whom) {
            (Stage::Choosing, _) => "Pair a device".to_owned(),
            (Stage::Shown(Made { handover: None, .. }), _) => "This needs an https address".to_owned(),
            (Stage::Shown(_), Whom::Phone) => "Point its camera here".to_owned(),
            (Stage::Shown(_), Whom::App) => "Scan this in the app".to_owned(),
            (Stage::Shown(_), Whom::Machine) => "Run this on the machine".to_owned(),
            (Stage::Arrived(arrival), _) => format!("{} is in", arrival.name),
            (Stage::Failed(..), _) => "No code was made".to_owned(),
        }
    }
}

/// The button that opens the dialog, and the dialog. Only for those who may make codes.
#[component]
pub(crate) fn PairDevice() -> impl IntoView {
    let live = Live::here();
    when(move || live.allows(ADMIN), || late(view! { <Opener /> }))
}

#[component]
fn Opener() -> impl IntoView {
    let is_open = RwSignal::new(false);
    let dialog = NodeRef::<html::Dialog>::new();
    follow(move || {
        let Some(dialog) = dialog.get() else { return };
        match (is_open.get(), dialog.open()) {
            (true, false) => drop(dialog.show_modal()),
            (false, true) => dialog.close(),
            (true, true) | (false, false) => {}
        }
    });
    // What the dialog shows exists only while it is open: closing it forgets the code.
    late(view! {
        {button("primary", "pair-device", || "Pair a device", move || is_open.set(true))}
        <dialog
            node_ref=dialog
            class="pair"
            data-testid="pair-dialog"
            aria-labelledby="pair-title"
            on:close=move |_| is_open.set(false)
        >
            {when(move || is_open.get(), move || part(steps, move |steps| steps(is_open)))}
        </dialog>
    })
}

#[wasm_split(devices, fallible)]
fn steps() -> Fetched<fn(RwSignal<bool>) -> AnyView> {
    Ok(|is_open| late(view! { <Steps is_open /> }))
}

#[component]
fn Steps(is_open: RwSignal<bool>) -> impl IntoView {
    let live = Live::here();
    let pairing = RwSignal::new(Pairing::new());
    let at = move |is_at: fn(&Stage) -> bool| move || pairing.with(|pairing| is_at(&pairing.stage));
    watch_for_arrival(live, pairing);
    late(view! {
        <div class="section-head">
            <h2 id="pair-title" tabindex="-1">
                {text(move || {
                    if has_expired(live, pairing) { RUN_OUT.to_owned() } else { pairing.with(Pairing::heading) }
                })}
            </h2>
            {button("ghost", "pair-close", || "Close", move || is_open.set(false))}
        </div>
        {when(at(|stage| matches!(stage, Stage::Choosing)), move || choosing(live, pairing))}
        {when(at(|stage| matches!(stage, Stage::Shown(_))), move || pair_code(live, pairing))}
        {when(at(|stage| matches!(stage, Stage::Arrived(_))), move || arrived(pairing, is_open))}
        {when(at(|stage| matches!(stage, Stage::Failed(..))), move || failed(pairing))}
    })
}

/// Goes on when the event arrives, or after a lost line when the gateway says what was missed.
fn watch_for_arrival(live: Live, pairing: RwSignal<Pairing>) {
    let waited_for = move || pairing.with_untracked(|pairing| pairing.made().map(|made| made.setup_id.clone()));
    let accept = move |arrival: Arrival| {
        if waited_for().as_ref() == Some(&arrival.setup_id) {
            live.announce(format!("{} is in.", arrival.name));
            go(pairing, Stage::Arrived(arrival));
        }
    };
    follow(move || {
        if let Some(arrival) = live.desk.with(|desk| desk.arrival().cloned()) {
            accept(arrival);
        }
    });
    follow(move || {
        if let (false, Some(setup_id)) = (live.is_resuming(), waited_for()) {
            live.look_up_code(&setup_id, move |answer| {
                if let Some(arrival) = answer.ok().as_ref().and_then(Arrival::of_status) {
                    accept(arrival);
                }
            });
        }
    });
}

/// Takes the next step; the dialog may be closed by now. Whoever tabs or listens begins at its heading.
pub(super) fn go(pairing: RwSignal<Pairing>, stage: Stage) {
    let _ = pairing.try_update(|pairing| {
        pairing.is_making = false;
        pairing.stage = stage;
    });
    outside::focus("pair-title");
}

/// Asks for the code that was wished for.
pub(super) fn make(live: Live, pairing: RwSignal<Pairing>) {
    if !pairing.with_untracked(|pairing| pairing.is_making) {
        pairing.update(|pairing| pairing.is_making = true);
        ask(live, pairing.with_untracked(|pairing| pairing.wish), pairing);
    }
}

fn ask(live: Live, wish: Wish, pairing: RwSignal<Pairing>) {
    live.make_code(wish, move |answer| {
        let unread =
            || Stage::Failed("The gateway's answer has a shape this page does not know.".to_owned(), String::new());
        let stage = match answer {
            Ok(result) => Made::read(wish.whom, &result).map_or_else(unread, Stage::Shown),
            // Over plain HTTP a machine gets the code itself in place of a URL.
            Err(error) if wish.by_url && needs_https(&error) => {
                return ask(live, Wish { by_url: false, ..wish }, pairing);
            }
            Err(error) => Stage::Failed(advice(&error), error.message),
        };
        go(pairing, stage);
    });
}

fn needs_https(error: &WireError) -> bool {
    let code = error.details.as_ref().and_then(|details| details.get("code")).and_then(Value::as_str);
    code == Some("JOIN_URL_NEEDS_HTTPS")
}

fn choosing(live: Live, pairing: RwSignal<Pairing>) -> AnyView {
    let picked = pairing.with_untracked(|pairing| pairing.wish);
    let whom = move |whom: Whom, title, hint| {
        choice("whom", title, hint, picked.whom == whom, move || pairing.update(|pairing| pairing.wish.whom = whom))
    };
    let much = move |is_limited: bool, title, hint| {
        let is_picked = pairing.with_untracked(|pairing| pairing.wish.is_limited == is_limited);
        choice("much", title, hint, is_picked, move || pairing.update(|pairing| pairing.wish.is_limited = is_limited))
    };
    let how_much = move || {
        late(view! {
            <fieldset>
                <legend>"How much may it do?"</legend>
                {much(false, "Everything", "See, send, change settings, and let others in.")}
                {much(true, "See and send", "Settings stay as they are.")}
            </fieldset>
        })
    };
    let is_making = move || pairing.with(|pairing| pairing.is_making);
    let outlook = look_ahead();
    let choices = move || {
        late(view! {
            {concerns(outlook, pairing)}
            <div class="choices">
                <fieldset>
                    <legend>"Who is it for?"</legend>
                    {whom(Whom::Phone, "A phone or tablet", "Its camera opens a link.")}
                    {whom(Whom::App, "The OpenClaw app", "It scans a code.")}
                    {whom(Whom::Machine, "A machine that runs commands", "One command makes it a node.")}
                </fieldset>
                {when(move || pairing.with(|pairing| pairing.wish.whom != Whom::Machine), how_much)}
                <p class="soft small">
                    "The code works once, for ten minutes. Whoever has it gets in, so show it to nobody else."
                </p>
                <div class="actions">
                    {sleepy_button(
                        "primary",
                        "make-code",
                        is_making,
                        move || if is_making() { "Making a code…" } else { "Show the code" },
                        move || make(live, pairing),
                    )}
                </div>
            </div>
        })
    };
    // All at once, so that nothing moves under a finger.
    when(move || outlook.with(Option::is_some), choices)
}

/// Asks what a code would lead to. A gateway that does not say has nothing against it.
fn look_ahead() -> RwSignal<Option<SetupOutlook>> {
    let outlook = RwSignal::new(None);
    outside::ask(Method::Status, Value::Object(serde_json::Map::new()), move |answer| {
        let told = answer.map(|status| reading::setup_outlook(&status)).unwrap_or_default();
        // The dialog may be closed by now.
        let _ = outlook.try_set(Some(told));
    });
    outlook
}

/// What keeps whom from coming in by the address in a code, said before one is made.
fn concerns(outlook: RwSignal<Option<SetupOutlook>>, pairing: RwSignal<Pairing>) -> AnyView {
    let shown = move || {
        let whom = pairing.with(|pairing| pairing.wish.whom);
        let row = |concern: SetupConcern| {
            let shuts_out_them = match concern.shuts_out {
                ShutOut::Everyone => true,
                ShutOut::Browsers => whom == Whom::Phone,
                ShutOut::Elsewhere => false,
            };
            let class = if shuts_out_them { "note" } else { "soft small" };
            let shuts_out = match concern.shuts_out {
                ShutOut::Everyone => "everyone",
                ShutOut::Browsers => "browsers",
                ShutOut::Elsewhere => "elsewhere",
            };
            view! {
                <div class=class data-testid="concern" data-shuts-out=shuts_out>
                    <p>{words(&concern.sentence)}</p>
                    <p>{words(&concern.next_step)}</p>
                </div>
            }
        };
        let concerns = outlook.get().unwrap_or_default().concerns;
        let rows = concerns.into_iter().map(row).collect::<Vec<_>>();
        late(view! { {rows} })
    };
    late(view! { <div class="outlook" role="status">{changing(shown)}</div> })
}

fn choice(
    group: &'static str,
    title: &'static str,
    hint: &'static str,
    is_picked: bool,
    pick: impl Fn() + 'static,
) -> AnyView {
    let pick: Box<dyn FnMut(leptos::ev::Event)> = Box::new(move |_| pick());
    late(view! {
        <label class="choice">
            <input type="radio" name=group checked=is_picked on:change=pick />
            <span>
                <strong>{title}</strong>
                <span class="soft small">{hint}</span>
            </span>
        </label>
    })
}

/// The end of it.
fn arrived(pairing: RwSignal<Pairing>, is_open: RwSignal<bool>) -> AnyView {
    let consequence = pairing.with_untracked(|pairing| match &pairing.stage {
        Stage::Arrived(arrival) => arrival.consequence(),
        Stage::Choosing | Stage::Shown(_) | Stage::Failed(..) => "",
    });
    late(view! {
        <p class="note good" data-testid="arrived">
            <span>{consequence}</span>
        </p>
        <div class="actions">
            {button("", "", || "Pair another", move || go(pairing, Stage::Choosing))}
            {button("primary", "pair-done", || "Done", move || is_open.set(false))}
        </div>
    })
}

fn failed(pairing: RwSignal<Pairing>) -> AnyView {
    let (reason, technical) = pairing.with_untracked(|pairing| match &pairing.stage {
        Stage::Failed(reason, technical) => (reason.clone(), technical.clone()),
        Stage::Choosing | Stage::Shown(_) | Stage::Arrived(_) => Default::default(),
    });
    late(view! {
        <p role="alert" data-testid="pair-failed">
            {words(&reason)}
        </p>
        <p class="soft small mono">{technical}</p>
        <div class="actions">{button("primary", "", || "Back", move || go(pairing, Stage::Choosing))}</div>
    })
}
