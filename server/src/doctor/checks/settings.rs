//! Whether the settings can be read and make sense.

use crate::config::retired::explanation;
use crate::config::settings::find;
use crate::doctor::{Facts, Finding};

pub fn unreadable(facts: &Facts) -> Vec<Finding> {
    let Some(why) = &facts.settings.unreadable else { return Vec::new() };
    vec![
        Finding::error(format!("The settings in {} cannot be read.", facts.paths.config_file.display()))
            .because("The gateway does not start; one that runs goes on with the settings it had.")
            .seen([why.clone()])
            .fix("correct the file where it is broken, then check it: openclaw config validate"),
    ]
}

pub fn invalid(facts: &Facts) -> Vec<Finding> {
    let found = facts.settings.problems.iter().map(|problem| {
        let example = find(&problem.path).map(|setting| setting.example);
        Finding::error(format!("{} makes no sense.", problem.path))
            .because("The gateway does not start with it; one that runs goes on with the settings it had.")
            .seen([problem.message.clone()])
            .fix(match example {
                Some(example) => format!("openclaw config set {} '{example}'", problem.path),
                None => format!("openclaw config unset {}", problem.path),
            })
    });
    found.collect()
}

pub fn odd(facts: &Facts) -> Vec<Finding> {
    // Keys that are not obeyed are explained by a check of their own.
    let others = facts.settings.warnings.iter().filter(|warning| explanation(&warning.path).is_none());
    let found = others.map(|warning| {
        Finding::warning(format!("{} has no effect as it stands.", warning.path))
            .because("Whoever wrote it expects something that does not happen.")
            .seen([warning.message.clone()])
            .fix(format!("openclaw config unset {}, or correct it", warning.path))
    });
    found.collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::Problem;
    use crate::doctor::checks::healthy;

    #[test]
    fn each_problem_comes_with_its_path_and_a_command() {
        let mut facts = healthy::facts();
        let problem = |path: &str| Problem { path: path.to_owned(), message: "expected 1".to_owned() };
        facts.settings.problems = vec![problem("gateway.port"), problem("OPENCLAW_X")];
        facts.settings.warnings = vec![problem("gateway.tls"), problem("gateway.trustedProxies")];
        let fixes: Vec<String> = invalid(&facts).into_iter().map(|finding| finding.fix).collect();
        assert_eq!(fixes, ["openclaw config set gateway.port '18790'", "openclaw config unset OPENCLAW_X"]);
        assert!(odd(&facts)[0].what.starts_with("gateway.trustedProxies"));
        facts.settings.unreadable = Some("line 3".to_owned());
        assert_eq!(unreadable(&facts)[0].evidence, ["line 3"]);
    }
}
