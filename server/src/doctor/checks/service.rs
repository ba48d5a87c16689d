//! The service that starts the gateway.

use crate::doctor::{Facts, Finding};
use crate::service::Drift;

/// What writes the unit anew.
const REINSTALL: &str = "openclaw gateway install --force";

pub fn unit(facts: &Facts) -> Vec<Finding> {
    let Some(unit) = &facts.unit else { return Vec::new() };
    let file = unit.file.display();
    let program = unit.program.display();
    let mut found = Vec::new();
    match &unit.drift {
        Some(Drift::Missing(_)) => found.push(
            Finding::error("The service starts a program that is not there any more.")
                .because("The gateway does not come up by itself, as after an update that has moved it.")
                .seen([format!("{file}: {program}")])
                .fix(REINSTALL),
        ),
        Some(Drift::Elsewhere(_)) => found.push(
            Finding::warning("The service starts another program than this one.")
                .because("After an update the old program goes on running.")
                .seen([format!("{file}: {program}")])
                .fix(REINSTALL),
        ),
        None => {}
    }
    if !unit.secrets.is_empty() {
        found.push(
            Finding::warning("The service's unit holds a secret of the gateway.")
                .because("It wins over the settings, so a new token there has no effect, and systemd shows it to whoever asks.")
                .seen([format!("{file}: {}", unit.secrets.join(", "))])
                .fix(REINSTALL),
        );
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::doctor::checks::healthy;
    use crate::doctor::facts::Unit;

    #[test]
    fn a_unit_that_is_out_of_date_is_written_anew() {
        let check = |unit: Unit, expected: &[&str]| {
            let facts = Facts { unit: Some(unit), ..healthy::facts() };
            let found: Vec<String> = super::unit(&facts).into_iter().map(|finding| finding.what).collect();
            assert_eq!(found, expected);
        };
        check(Unit::default(), &[]);
        let drift = |drift: Drift| Unit { drift: Some(drift), ..Unit::default() };
        check(drift(Drift::Elsewhere("/old".into())), &["The service starts another program than this one."]);
        check(drift(Drift::Missing("/old".into())), &["The service starts a program that is not there any more."]);
        let secrets = vec!["OPENCLAW_GATEWAY_TOKEN".to_owned()];
        check(Unit { secrets, ..Unit::default() }, &["The service's unit holds a secret of the gateway."]);
    }
}
