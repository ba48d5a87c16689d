//! The fingerprint that two people compare: pictures, words, digits.

use leptos::prelude::*;
use protocol::Fingerprint;

#[component]
pub(crate) fn Proof(fingerprint: Fingerprint, children: Children) -> impl IntoView {
    let spoken = fingerprint.spoken_emoji();
    let emoji = fingerprint.emoji.into_iter().map(|emoji| view! { <span>{emoji}</span> }).collect_view();
    view! {
        <div class="proof">
            <p class="emoji" role="img" aria-label=spoken data-testid="fingerprint-emoji">
                {emoji}
            </p>
            <p class="words" data-testid="fingerprint-words">
                {fingerprint.words.join(" ")}
            </p>
            <p class="soft small">
                {children()} " " <span class="mono" data-testid="fingerprint-hex">
                    {fingerprint.hex}
                </span>
            </p>
        </div>
    }
    .into_any()
}
