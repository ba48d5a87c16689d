//! Parts of the page whose code is fetched when they are first shown, so that the first load stays small.
//!
//! A part is one function in a piece of the bundle of its own: `#[wasm_split(name, fallible)]` on a function that
//! returns what builds the view. The piece holds whatever only it reaches; [`part`] fetches and shows it.

use std::future::Future;

use leptos::prelude::*;
use wasm_split_helpers::SplitLoaderError;

use crate::late::{button, changing, late};
use crate::outside;

/// What a part's code brings: a function that builds it. The piece of the bundle may also fail to arrive.
pub(crate) type Fetched<F> = Result<F, SplitLoaderError>;

/// Shows a part. `fetch` brings its code and may be called again after a failure; `build` calls it.
pub(crate) fn part<F, C>(
    fetch: impl Fn() -> C + Copy + Send + Sync + 'static,
    build: impl Fn(F) -> AnyView + Send + 'static,
) -> AnyView
where
    F: Copy + Send + Sync + 'static,
    C: Future<Output = Fetched<F>> + 'static,
{
    // `None` is on its way, an inner `None` has failed.
    let code = RwSignal::new(None::<Option<F>>);
    let bring = move || {
        code.set(None);
        leptos::task::spawn_local(async move {
            let fetched = fetch().await.ok();
            // The part may have been left before its code came.
            let _ = code.try_set(Some(fetched));
        });
    };
    bring();
    changing(move || match code.get() {
        None => late(view! { <p class="soft">"Loading…"</p> }),
        Some(Some(function)) => build(function),
        Some(None) => failed(bring),
    })
}

fn failed(again: impl FnMut() + 'static) -> AnyView {
    late(view! {
        <div class="note" role="alert" data-testid="part-failed">
            <p>
                "This part of the page could not be fetched. The gateway does not answer, or it is another version \
                 than this page."
            </p>
            <p class="actions">
                {button("", "part-again", || "Try again", again)}
                {button("ghost", "part-reload", || "Load the page anew", outside::reload_page)}
            </p>
        </div>
    })
}
