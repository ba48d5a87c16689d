//! A sentence in which `backticks` mark what to type.

use leptos::prelude::*;

pub(crate) fn words(text: &str) -> impl IntoView + use<> {
    let part = |(index, part): (usize, &str)| match index % 2 {
        0 => (Some(part.to_owned()), None),
        _ => (None, Some(view! { <code>{part.to_owned()}</code> })),
    };
    text.split('`').enumerate().map(part).collect::<Vec<_>>()
}
