//! A dialog over the page.

use leptos::html;
use leptos::prelude::*;

use crate::late::{follow, late, when};

/// The dialog, whose content is there only while it is open. `left` is called when it closes, however it does.
pub(super) fn modal(
    is_open: RwSignal<bool>,
    title_id: &'static str,
    left: impl Fn() + Send + Sync + 'static,
    content: impl Fn() -> AnyView + Send + 'static,
) -> AnyView {
    let dialog = NodeRef::<html::Dialog>::new();
    follow(move || {
        let Some(dialog) = dialog.get() else { return };
        match (is_open.get(), dialog.open()) {
            (true, false) => drop(dialog.show_modal()),
            (false, true) => dialog.close(),
            (true, true) | (false, false) => {}
        }
    });
    let closed: Box<dyn FnMut(leptos::ev::Event)> = Box::new(move |_| {
        is_open.set(false);
        left();
    });
    late(view! {
        <dialog node_ref=dialog class="settings-dialog" aria-labelledby=title_id on:close=closed>
            {when(move || is_open.get(), content)}
        </dialog>
    })
}
