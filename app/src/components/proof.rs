//! The fingerprint that two people compare: pictures, words, digits.

use leptos::prelude::*;
use protocol::Fingerprint;

use crate::late::late;

#[component]
pub(crate) fn Proof(fingerprint: Fingerprint, hint: &'static str) -> impl IntoView {
    let spoken = fingerprint.spoken_emoji();
    let emoji = fingerprint.emoji.into_iter().map(|emoji| view! { <span>{emoji}</span> }).collect_view();
    late(view! {
        <div class="proof">
            <p class="emoji" role="img" aria-label=spoken data-testid="fingerprint-emoji">
                {emoji}
            </p>
            <p class="words" data-testid="fingerprint-words">
                {fingerprint.words.join(" ")}
            </p>
            <p class="soft small">
                {hint} " " <span class="mono" data-testid="fingerprint-hex">
                    {fingerprint.hex}
                </span>
            </p>
        </div>
    })
}
