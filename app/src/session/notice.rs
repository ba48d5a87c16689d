//! What a refusal says to the person, and the way out that it leaves.

use protocol::refusal::Advice;
use protocol::{Refusal, WireError};
use serde_json::Value;

use super::{RefusedNotice, WayOut};

/// For refusals of a gateway newer than this page.
pub const UNKNOWN_REFUSAL: Advice =
    Advice { sentence: "The gateway said no.", next_step: "The line below is its reason; its log says more." };

/// What helps against a used link, for whoever did not make it.
pub(super) const SPENT_LINK: &str = "Ask whoever gave it to you for a new one: Devices, then Pair a device.";

pub(super) fn way_out(code: &str, error: &WireError) -> WayOut {
    match code {
        "AUTH_BOOTSTRAP_TOKEN_INVALID" => WayOut::WithoutLink,
        "PROTOCOL_MISMATCH" if detail(error, "reloadRequired") == Some(&Value::Bool(true)) => WayOut::Reload,
        _ => WayOut::TryAgain,
    }
}

pub(super) fn notice(error: &WireError, way_out: WayOut) -> RefusedNotice {
    // The gateway's update and a plain version mismatch share one code; only the first is cured by reloading.
    let advice = match way_out {
        WayOut::Reload => Some(Refusal::ControlUiOutdated { gateway_build_id: String::new() }.advice()),
        WayOut::TryAgain | WayOut::WithoutLink => Refusal::advice_for(error),
    };
    let Advice { sentence, next_step } = advice.unwrap_or(UNKNOWN_REFUSAL);
    RefusedNotice {
        sentence: sentence.to_owned(),
        next_step: next_step.to_owned(),
        technical: error.message.clone(),
        way_out,
    }
}

pub(super) fn detail<'a>(error: &'a WireError, key: &str) -> Option<&'a Value> {
    error.details.as_ref()?.get(key)
}
