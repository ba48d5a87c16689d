//! From where the gateway can be reached.

use leptos::prelude::*;
use protocol::pairing::Network;
use protocol::{Method, operations::Reach};
use serde_json::Value;

use crate::language::t;
use crate::late::{changing, late};
use crate::outside;
use crate::reading;

/// The networks with the way from each, as tags; nothing before the gateway has said.
#[component]
pub(crate) fn Exposure() -> impl IntoView {
    let reach = RwSignal::new(Vec::<Reach>::new());
    outside::ask(Method::Status, Value::Object(serde_json::Map::new()), move |answer| {
        if let Ok(status) = answer {
            // The page may have been left by now.
            let _ = reach.try_set(reading::reach(&status));
        }
    });
    changing(move || {
        let ways = reach.get();
        late((!ways.is_empty()).then(|| {
            let ways = ways.into_iter().map(way).collect::<Vec<_>>();
            view! {
                <dt>{t("Reachable from")}</dt>
                <dd>
                    <ul class="reach" data-testid="reach">
                        {ways}
                    </ul>
                </dd>
            }
        }))
    })
}

fn way(reach: Reach) -> impl IntoView {
    let (class, from) = match reach.network {
        Network::ThisMachine => ("pill ok", t("this machine")),
        Network::Lan => ("pill warn", t("LAN")),
        Network::Tailnet => ("pill ok", t("tailnet")),
        Network::Public => ("pill risk", t("internet")),
    };
    view! {
        <li>
            <span class=class>{from}</span>
            " "
            <span class="soft small">{reach.how}</span>
        </li>
    }
}
