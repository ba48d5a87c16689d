//! Asking the gateway for what may take a passkey: where it does, the browser asks for one, and the same click goes on.

use leptos::task::spawn_local;
use protocol::{Method, WireError};
use serde_json::Value;
use wasm_split_helpers::wasm_split;

use crate::components::passkey_prompt::prompt;
use crate::live::Answer;
use crate::outside;
use crate::part::Fetched;
use crate::writing::object;

pub(crate) type Then = Box<dyn FnOnce(Answer)>;

/// Calls a method; if that takes a passkey, once more when the owner has shown one for exactly this.
pub(crate) fn ask(method: Method, params: Value, then: Then) {
    let again = params.clone();
    outside::ask(method, params, move |answer| match answer {
        Err(error) if detail(&error) == Some("STEP_UP_REQUIRED") => step_up(method, again, &error, then),
        answer => then(answer),
    });
}

fn step_up(method: Method, params: Value, error: &WireError, then: Then) {
    let purpose = error.details.as_ref().and_then(|details| details.get("purpose")).cloned().unwrap_or_default();
    spawn_local(async move {
        match fetch().await {
            Ok(prompt) => prompt(
                purpose,
                Box::new(move |shown| match shown {
                    Ok(_) => outside::ask(method, params, then),
                    Err(error) => then(Err(error)),
                }),
            ),
            Err(_) => then(Err(crate::live::connection_lost())),
        }
    });
}

/// What asks the browser, which few clicks need.
#[wasm_split(devices, fallible)]
fn fetch() -> Fetched<fn(Value, Then)> {
    Ok(prompt)
}

/// What a refusal is, by the word that programs branch on.
pub(crate) fn detail(error: &WireError) -> Option<&str> {
    error.details.as_ref()?.get("code")?.as_str()
}

/// A refusal that this page gives itself, in place of the browser.
pub(crate) fn refused(code: &'static str) -> WireError {
    WireError {
        code: "UNAVAILABLE".to_owned(),
        message: code.to_owned(),
        details: Some(object([("code", code.into())])),
        retryable: None,
        retry_after_ms: None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::live::advice;
    use protocol::Refusal;
    use protocol::refusal::StepUpRefusal;

    #[test]
    fn what_the_page_says_itself_reads_like_the_gateways_own_words() {
        for (code, refusal) in
            [("PASSKEY_NOT_SHOWN", StepUpRefusal::NotShown), ("STEP_UP_ADDRESS_UNFIT", StepUpRefusal::AddressUnfit)]
        {
            let words = Refusal::StepUp(refusal).advice();
            assert_eq!(advice(&refused(code)), format!("{} {}", words.sentence, words.next_step));
        }
    }
}
