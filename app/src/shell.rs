//! The HTML around the page, rendered by the gateway only.

use leptos::config::LeptosOptions;
use leptos::prelude::*;

use crate::App;

/// What the gateway tells the page about itself.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct PageFacts {
    /// Names the build of page and gateway, so that an old page in a tab can be told to reload.
    pub build_id: String,
}

/// The name of the meta element that carries [`PageFacts::build_id`].
#[cfg(feature = "hydrate")]
pub(crate) const BUILD_ID_META: &str = "meta[name=openclaw-build]";

pub fn shell(options: LeptosOptions) -> impl IntoView {
    let facts = use_context::<PageFacts>().unwrap_or_default();
    view! {
        <!DOCTYPE html>
        <html lang="en">
            <head>
                <meta charset="utf-8" />
                <meta name="viewport" content="width=device-width, initial-scale=1, viewport-fit=cover" />
                <meta name="color-scheme" content="light dark" />
                <meta name="theme-color" content="#f7f5f2" media="(prefers-color-scheme: light)" />
                <meta name="theme-color" content="#14110f" media="(prefers-color-scheme: dark)" />
                <meta name="openclaw-build" content=facts.build_id />
                <title>"OpenClaw"</title>
                <link rel="stylesheet" href="/pkg/main.css" />
                <link rel="icon" href="/favicon.svg" type="image/svg+xml" />
                <link rel="apple-touch-icon" href="/apple-touch-icon.png" />
                <link rel="manifest" href="/manifest.webmanifest" />
                <HydrationScripts options />
            </head>
            <body>
                <App />
                // Inside the app it would not survive hydration (leptos#3360).
                <noscript>
                    <div class="without-script">
                        <p>
                            "This page needs JavaScript and WebAssembly, which are off in this browser. "
                            <a href="/plain" rel="external">"Decide about devices without them"</a>
                            ", or use these commands on the gateway's machine:"
                        </p>
                        <pre>
                            <code>"openclaw devices list\nopenclaw devices approve <requestId>"</code>
                        </pre>
                    </div>
                </noscript>
            </body>
        </html>
    }
}
