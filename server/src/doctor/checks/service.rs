//! The service that starts the gateway.

use crate::doctor::{Facts, Finding};

/// What writes the unit anew.
const REINSTALL: &str = "openclaw gateway install --force";

pub fn unit(facts: &Facts) -> Vec<Finding> {
    let Some(unit) = &facts.unit else { return Vec::new() };
    let file = unit.file.display();
    let program = unit.program.as_ref().map(|program| program.display().to_string()).unwrap_or_default();
    let mut found = Vec::new();
    if !unit.program_exists {
        found.push(
            Finding::error("The service starts a program that is not there any more.")
                .because("The gateway does not come up by itself, as after an update that has moved it.")
                .seen([format!("{file}: {program}")])
                .fix(REINSTALL),
        );
    } else if !unit.is_this_program {
        found.push(
            Finding::warning("The service starts another program than this one.")
                .because("After an update the old program goes on running.")
                .seen([format!("{file}: {program}")])
                .fix(REINSTALL),
        );
    }
    if unit.token.is_some() || unit.password.is_some() {
        found.push(
            Finding::warning("The service's unit holds a secret of the gateway.")
                .because("It wins over the settings, so a new token there has no effect, and systemd shows it to whoever asks.")
                .seen([file.to_string()])
                .fix(REINSTALL),
        );
    }
    found
}

#[cfg(test)]
mod tests {
    use protocol::Secret;

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
        let good = Unit { program_exists: true, is_this_program: true, ..Unit::default() };
        check(good.clone(), &[]);
        check(Unit { is_this_program: false, ..good.clone() }, &["The service starts another program than this one."]);
        check(
            Unit { program_exists: false, ..good.clone() },
            &["The service starts a program that is not there any more."],
        );
        let secret = Some(Secret::new("t"));
        check(Unit { token: secret, ..good }, &["The service's unit holds a secret of the gateway."]);
    }
}
