//! The rarer half of deciding: options, several at once, Undo. Its code is fetched when it is first needed, in one piece.

use leptos::prelude::*;
use wasm_split_helpers::wasm_split;

use super::pending_card::Options;
use crate::late::late;
use crate::live::Live;
use crate::part::{Fetched, part};

/// What the piece brings.
#[derive(Debug, Clone, Copy)]
pub(super) struct Rare {
    pub(super) options: fn(&Options) -> AnyView,
    pub(super) many: fn(Live, RwSignal<bool>) -> AnyView,
    pub(super) undo_list: fn(Live) -> AnyView,
}

/// Shows something of it. Takes its builder in a box, so that the bundle holds this once and not once for each.
pub(super) fn rare(build: Box<dyn Fn(Rare) -> AnyView + Send>) -> AnyView {
    late(view! { <div class="rare">{part(fetch, build)}</div> })
}

#[wasm_split(devices, fallible)]
fn fetch() -> Fetched<Rare> {
    Ok(Rare {
        options: super::card_options::card_options,
        many: super::bulk::many,
        undo_list: super::undo_list::undo_list,
    })
}
