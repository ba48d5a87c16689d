//! A sentence in which `backticks` mark what to type.

use leptos::prelude::*;

use crate::late::{changing, late};

/// What went wrong after a click, if anything did. It is read out when it appears.
pub(crate) fn problem_line(problem: RwSignal<Option<String>>) -> AnyView {
    late(view! {
        <p class="problem" role="alert">
            {changing(move || late(problem.get().map(|text| words(&text))))}
        </p>
    })
}

pub(crate) fn words(text: &str) -> impl IntoView + use<> {
    let part = |(index, part): (usize, &str)| match index % 2 {
        0 => (Some(part.to_owned()), None),
        _ => (None, Some(view! { <code>{part.to_owned()}</code> })),
    };
    text.split('`').enumerate().map(part).collect::<Vec<_>>()
}
