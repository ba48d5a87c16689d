//! The second look before something that throws a device out.

use leptos::html;
use leptos::prelude::*;
use protocol::pairing::PairedDevice;

use super::words::{problem_line, words};
use crate::language::{fill, t};
use crate::late::{button, changing, follow, late, text};
use crate::live::{Answer, Live, advice};

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Action {
    Rotate,
    Revoke,
    /// It stays as an operator, and is a node no more.
    RemoveNode,
    Remove,
    /// Nothing more is to be heard of it.
    Block,
}

/// What is about to be done to whom.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Confirmation {
    pub(crate) device: PairedDevice,
    pub(crate) action: Action,
    pub(crate) is_own: bool,
}

impl Confirmation {
    fn question(&self) -> String {
        let name = self.device.shown_name();
        match self.action {
            Action::Rotate => format!("Give {name} a new token?"),
            Action::Revoke => format!("Revoke the access of {name}?"),
            Action::RemoveNode => format!("End the commands of {name}?"),
            Action::Remove => format!("Remove {name}?"),
            Action::Block => fill(t("Block {name}?"), &[("name", &name)]),
        }
    }

    fn consequence(&self) -> &'static str {
        match (self.is_own, self.action) {
            (true, Action::Remove | Action::Revoke) => {
                "This is the browser you are using. It is thrown out at once, and somebody else, or \
                 `openclaw dashboard` on the gateway's machine, has to let it in again."
            }
            (_, Action::Block) => t(
                "Its connections end at once, and whatever it asks from now on is refused and not shown. It is listed under Blocked, where that can be undone.",
            ),
            (_, Action::Rotate) => {
                "Its connections end and its old token is worthless. It gets the new one when it comes back."
            }
            (_, Action::RemoveNode) => {
                "It may still see and steer what you allowed it, but the gateway cannot ask it to do anything."
            }
            (false, Action::Revoke) => "Its connections end at once. It stays in this list and has to ask again.",
            (false, Action::Remove) => {
                "Its connections end at once and the gateway forgets it. If it comes back, it has to ask like a new device."
            }
        }
    }

    fn verb(&self) -> &'static str {
        match self.action {
            Action::Rotate => "New token",
            Action::Revoke => "Revoke",
            Action::RemoveNode => "End its commands",
            Action::Remove => "Remove",
            Action::Block => t("Block"),
        }
    }

    fn carry_out(&self, live: Live, then: impl FnOnce(Answer) + 'static) {
        match self.action {
            Action::Rotate => live.rotate(&self.device, then),
            Action::Revoke => live.revoke(&self.device, then),
            Action::RemoveNode => live.remove_node(&self.device.device_id, then),
            Action::Remove => live.remove(&self.device.device_id, then),
            Action::Block => live.block(&self.device.device_id, false, Box::new(then)),
        }
    }
}

/// The dialog. It opens when there is something to confirm and closes when there is not.
#[component]
pub(crate) fn Confirm(confirming: RwSignal<Option<Confirmation>>) -> impl IntoView {
    let live = Live::here();
    let dialog = NodeRef::<html::Dialog>::new();
    let problem = RwSignal::new(None::<String>);
    follow(move || {
        let Some(dialog) = dialog.get() else { return };
        match (confirming.with(Option::is_some), dialog.open()) {
            (true, false) => {
                problem.set(None);
                let _ = dialog.show_modal();
            }
            (false, true) => dialog.close(),
            (true, true) | (false, false) => {}
        }
    });
    let say = move |tell: fn(&Confirmation) -> String| {
        text(move || confirming.with(|asked| asked.as_ref().map(tell)).unwrap_or_default())
    };
    let class = move || {
        let asked = confirming.with(|asked| asked.as_ref().map(|asked| asked.action));
        if asked == Some(Action::Rotate) { "" } else { "harm" }
    };
    let carry_out = move || {
        if let Some(asked) = confirming.get_untracked() {
            asked.carry_out(live, move |answer| match answer {
                Ok(_) => drop(confirming.try_set(None)),
                Err(error) => drop(problem.try_set(Some(advice(&error)))),
            });
        }
    };
    let consequence = move || {
        let asked = confirming.with(|asked| asked.as_ref().map(Confirmation::consequence));
        late(asked.map(words))
    };
    late(view! {
        <dialog
            node_ref=dialog
            class=text(class)
            aria-labelledby="confirm-title"
            aria-describedby="confirm-effect"
            on:close=move |_| confirming.set(None)
        >
            <h2 id="confirm-title">{say(Confirmation::question)}</h2>
            <p id="confirm-effect" class="soft">
                {changing(consequence)}
            </p>
            {problem_line(problem)}
            <div class="actions">
                {button("", "", || "Cancel", move || confirming.set(None))}
                {button(
                    "primary",
                    "confirm",
                    move || confirming.with(|asked| asked.as_ref().map(Confirmation::verb)).unwrap_or_default(),
                    carry_out,
                )}
            </div>
        </dialog>
    })
}
