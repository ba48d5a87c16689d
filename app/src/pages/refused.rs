//! A refusal: what happened, what to do now, and the button that does it.

use leptos::prelude::*;

use super::screens::Panel;
use crate::components::words::words;
use crate::late::button;
use crate::live::Live;
use crate::outside;
use crate::session::{Input, RefusedNotice, Screen, WayOut};

#[component]
pub(super) fn RefusedScreen() -> impl IntoView {
    let live = Live::here();
    // Between two refusals there is always another screen, so this one never changes.
    let notice = live.session.with_untracked(|session| notice_of(session.screen()));
    notice.map(|notice| {
        let RefusedNotice { sentence, next_step, technical, way_out } = notice;
        let (label, act): (&'static str, fn(Live)) = match way_out {
            WayOut::TryAgain => ("Try again", |live| live.tell(Input::AskedAgain)),
            WayOut::Reload => ("Reload this page", |_| outside::reload_page()),
            WayOut::WithoutLink => ("Continue without the link", |live| live.tell(Input::AskedWithoutLink)),
        };
        view! {
            <Panel>
                <p class="lead" role="alert">
                    {sentence}
                </p>
                <p class="soft">
                {words(&next_step)}
            </p>
                {button("primary", "", move || label, move || act(live))}
                <p class="soft small mono">{technical}</p>
            </Panel>
        }
    })
}

fn notice_of(screen: &Screen) -> Option<RefusedNotice> {
    if let Screen::Refused(notice) = screen { Some(*notice.clone()) } else { None }
}
