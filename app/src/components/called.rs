//! A notification leads to a card: `/devices#request-ID`.

use leptos::prelude::*;

use super::notifications;
use crate::desk::Desk;
use crate::language::t;
use crate::late::{button, follow, late, when};
use crate::live::Live;
use crate::outside;

/// Looks for the card that the fragment of an address names.
pub(crate) fn called_in(live: Live, fragment: &str) {
    if let Some(request_id) = fragment.trim_start_matches('#').strip_prefix("request-") {
        live.called.set(Some(request_id.to_owned()));
    }
}

/// Brings the card that was called for into view once it is there, and hears what notifications say as long as this
/// browser is told by them.
pub(crate) fn attend(live: Live) {
    follow(move || {
        let waiting = live.called.get().filter(|id| live.desk.with(|desk| desk.pending(id).is_some()));
        if let Some(request_id) = waiting {
            live.called.set(None);
            live.desk.update(|desk| desk.bring_back(&request_id));
            outside::reveal(&request_id);
        }
    });
    let mut is_attended = false;
    follow(move || {
        if live.may_pair() && outside::wants_push() && !is_attended {
            is_attended = true;
            leptos::task::spawn_local(async move {
                // Without this code a notification still leads here, by loading the page anew.
                if let Ok(attend) = notifications::attendant().await {
                    attend(live);
                }
            });
        }
    });
}

/// Says that there is no card any more where a notification led.
pub(crate) fn called_in_vain(live: Live) -> AnyView {
    let is_gone = move || live.called.with(Option::is_some) && live.desk.with(Desk::is_loaded);
    when(is_gone, move || {
        late(view! {
            <p class="note" role="status" data-testid="called-in-vain">
                <span>{t("That request waits no longer: it was decided, or it expired.")}</span>
                {button("ghost", "", || t("Got it"), move || live.called.set(None))}
            </p>
        })
    })
}
