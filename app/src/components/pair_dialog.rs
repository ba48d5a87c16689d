//! Letting a device in with a one-time code: for whom, how much it may do, the code, and who came.

use leptos::ev::SubmitEvent;
use leptos::html;
use leptos::prelude::*;
use protocol::WireError;
use protocol::role::ADMIN;
use serde_json::Value;

use super::pair_code::{PairCode, arrived};
use super::words::words;
use crate::late::{late, text, when};
use crate::live::{Live, advice};
use crate::setup::{Arrival, Made, Whom, Wish};

/// Where the dialog is.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Stage {
    Choosing,
    Making,
    Shown(Made),
    Arrived(Arrival),
    /// Nothing was made; the reason, and the gateway's own words.
    Failed(String, String),
}

impl Stage {
    fn heading(&self, whom: Whom) -> String {
        match (self, whom) {
            (Self::Choosing | Self::Making, _) => "Pair a device".to_owned(),
            (Self::Shown(Made { handover: None, .. }), _) => "This needs an https address".to_owned(),
            (Self::Shown(_), Whom::Phone) => "Point its camera here".to_owned(),
            (Self::Shown(_), Whom::App) => "Scan this in the app".to_owned(),
            (Self::Shown(_), Whom::Machine) => "Run this on the machine".to_owned(),
            (Self::Arrived(arrival), _) => format!("{} is in", arrival.name),
            (Self::Failed(..), _) => "No code was made".to_owned(),
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
    Effect::new(move |_| {
        let Some(dialog) = dialog.get() else { return };
        match (is_open.get(), dialog.open()) {
            (true, false) => drop(dialog.show_modal()),
            (false, true) => dialog.close(),
            (true, true) | (false, false) => {}
        }
    });
    // What the dialog shows exists only while it is open: closing it forgets the code.
    late(view! {
        <button type="button" class="primary" data-testid="pair-device" on:click=move |_| is_open.set(true)>
            "Pair a device"
        </button>
        <dialog
            node_ref=dialog
            class="pair"
            data-testid="pair-dialog"
            aria-labelledby="pair-title"
            on:close=move |_| is_open.set(false)
        >
            {when(move || is_open.get(), move || late(view! { <Steps is_open /> }))}
        </dialog>
    })
}

#[component]
fn Steps(is_open: RwSignal<bool>) -> impl IntoView {
    let live = Live::here();
    let wish = RwSignal::new(Wish { whom: Whom::Phone, is_limited: false, by_url: true });
    let stage = RwSignal::new(Stage::Choosing);
    let title = NodeRef::<html::H2>::new();
    let heading = Memo::new(move |_| stage.with(|stage| stage.heading(wish.get().whom)));
    // A new heading is a new step; whoever listens or tabs begins there.
    Effect::new(move |before: Option<()>| {
        heading.track();
        if let (Some(()), Some(title)) = (before, title.get_untracked()) {
            let _ = title.focus();
        }
    });
    watch_for_arrival(live, stage);
    // While the code is made the form stays as it is, with its focus.
    let shown = Memo::new(move |_| stage.with(|stage| if *stage == Stage::Making { Stage::Choosing } else { stage.clone() }));
    let step = move || match shown.get() {
        Stage::Choosing | Stage::Making => late(view! { <Choosing wish stage /> }),
        Stage::Shown(made) => late(view! { <PairCode made wish stage /> }),
        Stage::Arrived(arrival) => arrived(&arrival, stage, is_open),
        Stage::Failed(reason, technical) => failed(&reason, technical, stage),
    };
    late(view! {
        <div class="section-head">
            <h2 id="pair-title" tabindex="-1" node_ref=title>
                {text(move || heading.get())}
            </h2>
            <button type="button" class="ghost" data-testid="pair-close" on:click=move |_| is_open.set(false)>
                "Close"
            </button>
        </div>
        {step}
    })
}

/// Goes on when the event arrives, or after a lost line when the gateway says what was missed.
fn watch_for_arrival(live: Live, stage: RwSignal<Stage>) {
    let waited_for = move || match stage.get_untracked() {
        Stage::Shown(made) => Some(made.setup_id),
        Stage::Choosing | Stage::Making | Stage::Arrived(_) | Stage::Failed(..) => None,
    };
    let accept = move |arrival: Arrival| {
        if waited_for().as_ref() == Some(&arrival.setup_id) {
            let _ = stage.try_set(Stage::Arrived(arrival));
        }
    };
    Effect::new(move |_| {
        if let Some(arrival) = live.arrival.get() {
            accept(arrival);
        }
    });
    Effect::new(move |_| {
        if let (false, Some(setup_id)) = (live.is_resuming(), waited_for()) {
            live.look_up_code(setup_id, move |answer| {
                if let Some(arrival) = answer.ok().as_ref().and_then(Arrival::of_status) {
                    accept(arrival);
                }
            });
        }
    });
}

/// Asks for the code that was wished for.
pub(super) fn make(live: Live, wish: Wish, stage: RwSignal<Stage>) {
    if stage.with_untracked(|stage| *stage == Stage::Choosing) {
        stage.set(Stage::Making);
    }
    live.make_code(wish, move |answer| {
        let next = match answer {
            Ok(result) => match Made::read(wish.whom, &result) {
                Some(made) => Stage::Shown(made),
                None => Stage::Failed("The gateway's answer has a shape this page does not know.".to_owned(), String::new()),
            },
            // Over plain HTTP a machine gets the code itself in place of a URL.
            Err(error) if wish.by_url && needs_https(&error) => {
                return make(live, Wish { by_url: false, ..wish }, stage);
            }
            Err(error) => Stage::Failed(advice(&error), error.message),
        };
        // The dialog may be closed by now.
        let _ = stage.try_set(next);
    });
}

fn needs_https(error: &WireError) -> bool {
    let code = error.details.as_ref().and_then(|details| details.get("code")).and_then(Value::as_str);
    code == Some("JOIN_URL_NEEDS_HTTPS")
}

#[component]
fn Choosing(wish: RwSignal<Wish>, stage: RwSignal<Stage>) -> impl IntoView {
    let live = Live::here();
    let submit = move |event: SubmitEvent| {
        event.prevent_default();
        if stage.with_untracked(|stage| *stage == Stage::Choosing) {
            make(live, wish.get_untracked(), stage);
        }
    };
    let whom = move |whom: Whom, title, hint| {
        let is_picked = wish.get_untracked().whom == whom;
        choice("whom", title, hint, is_picked, Box::new(move || wish.update(|wish| wish.whom = whom)))
    };
    let much = move |is_limited: bool, title, hint| {
        let is_picked = wish.get_untracked().is_limited == is_limited;
        choice("much", title, hint, is_picked, Box::new(move || wish.update(|wish| wish.is_limited = is_limited)))
    };
    let how_much = move || {
        late(view! {
            <fieldset>
                <legend>"How much may it do?"</legend>
                {much(false, "Everything but let others in", "See, send, and change settings.")}
                {much(true, "See and send", "Settings stay as they are.")}
            </fieldset>
        })
    };
    let is_making = move || stage.with(|stage| *stage == Stage::Making);
    late(view! {
        <form class="choices" on:submit=submit>
            <fieldset>
                <legend>"Who is it for?"</legend>
                {whom(Whom::Phone, "A phone or tablet", "Its camera opens a link.")}
                {whom(Whom::App, "The OpenClaw app", "It scans a code.")}
                {whom(Whom::Machine, "A machine that runs commands", "One command makes it a node.")}
            </fieldset>
            {when(move || wish.get().whom != Whom::Machine, how_much)}
            <p class="soft small">"The code works once, for ten minutes. Whoever has it gets in, so show it to nobody else."</p>
            <div class="actions">
                <button
                    type="submit"
                    class="primary"
                    data-testid="make-code"
                    aria-disabled=move || is_making().to_string()
                >
                    {text(move || if is_making() { "Making a code…" } else { "Show the code" })}
                </button>
            </div>
        </form>
    })
}

fn choice(group: &'static str, title: &'static str, hint: &'static str, is_picked: bool, pick: Box<dyn Fn()>) -> AnyView {
    late(view! {
        <label class="choice">
            <input type="radio" name=group checked=is_picked on:change=move |_| pick() />
            <span>
                <strong>{title}</strong>
                <span class="soft small">{hint}</span>
            </span>
        </label>
    })
}

fn failed(reason: &str, technical: String, stage: RwSignal<Stage>) -> AnyView {
    late(view! {
        <p role="alert">{words(reason)}</p>
        <p class="soft small mono">{technical}</p>
        <div class="actions">
            <button type="button" class="primary" on:click=move |_| stage.set(Stage::Choosing)>
                "Back"
            </button>
        </div>
    })
}
