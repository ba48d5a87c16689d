//! The browser's question for a passkey, in the middle of something else. One at a time: browsers ask no two.

use std::cell::{Cell, RefCell};
use std::collections::VecDeque;

use protocol::Method;
use serde_json::Value;

use crate::outside::{self, PasskeyProblem};
use crate::stepping::{Then, refused};
use crate::writing::object;

thread_local! {
    static IS_ASKING: Cell<bool> = const { Cell::new(false) };
    static WAITING: RefCell<VecDeque<(Value, Then)>> = const { RefCell::new(VecDeque::new()) };
}

/// Has a passkey shown for this purpose; `then` hears whether the gateway took it.
pub(crate) fn prompt(purpose: Value, then: Then) {
    WAITING.with_borrow_mut(|waiting| waiting.push_back((purpose, then)));
    next();
}

fn next() {
    if IS_ASKING.get() {
        return;
    }
    let Some((purpose, then)) = WAITING.with_borrow_mut(VecDeque::pop_front) else { return };
    IS_ASKING.set(true);
    prove(
        purpose,
        Box::new(move |answer| {
            IS_ASKING.set(false);
            then(answer);
            next();
        }),
    );
}

fn prove(purpose: Value, then: Then) {
    outside::ask(Method::StepUpBegin, object([("purpose", purpose)]), move |answer| match answer {
        Err(error) => then(Err(error)),
        Ok(offer) => outside::get_passkey(&offer, move |shown| match shown {
            Err(problem) => then(Err(refused(code_of(problem)))),
            Ok(proof) => outside::ask(Method::StepUpFinish, proof, then),
        }),
    });
}

/// How the gateway would call it.
pub(crate) fn code_of(problem: PasskeyProblem) -> &'static str {
    match problem {
        PasskeyProblem::NotShown => "PASSKEY_NOT_SHOWN",
        PasskeyProblem::Unfit => "STEP_UP_ADDRESS_UNFIT",
        PasskeyProblem::Known => "PASSKEY_KNOWN",
    }
}
