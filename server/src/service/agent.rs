//! A launchd agent as a property list, there and back (launchd.plist(5)).

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::{Installed, Plan};

/// How long launchd waits before it starts a gateway that failed again, in seconds.
const THROTTLE: u32 = 10;

#[derive(Debug, Default, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
struct Agent {
    label: String,
    program_arguments: Vec<String>,
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    environment_variables: BTreeMap<String, String>,
    run_at_load: bool,
    #[serde(skip_deserializing)]
    keep_alive: KeepAlive,
    throttle_interval: u32,
    umask: u32,
    #[serde(skip_serializing_if = "Option::is_none")]
    standard_error_path: Option<String>,
}

/// Started again unless it ended as it was told to.
#[derive(Debug, Default, Serialize)]
#[serde(rename_all = "PascalCase")]
struct KeepAlive {
    successful_exit: bool,
}

/// The agent file.
pub fn render(label: &str, plan: &Plan) -> Result<Vec<u8>, plist::Error> {
    let agent = Agent {
        label: label.to_owned(),
        program_arguments: plan.argv.clone(),
        environment_variables: plan.environment.clone(),
        run_at_load: true,
        keep_alive: KeepAlive { successful_exit: false },
        throttle_interval: THROTTLE,
        umask: 0o077,
        standard_error_path: Some(plan.log_folder.join("service.log").display().to_string()),
    };
    let mut bytes = Vec::new();
    plist::to_writer_xml(&mut bytes, &agent)?;
    Ok(bytes)
}

/// What an agent says, ours or another program's.
pub fn parse(bytes: &[u8]) -> Result<Installed, plist::Error> {
    let agent: Agent = plist::from_bytes(bytes)?;
    Ok(Installed { argv: agent.program_arguments, environment: agent.environment_variables, ..Installed::default() })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_written_is_read_back_and_restarts_only_after_a_failure() {
        let plan = Plan {
            description: String::new(),
            argv: ["/Users/a b/<openclaw>&", "gateway", "run"].map(str::to_owned).to_vec(),
            environment: BTreeMap::from([("OPENCLAW_PROFILE".to_owned(), "work".to_owned())]),
            env_file: "/x".into(),
            log_folder: "/Users/ada/.openclaw/logs".into(),
        };
        let bytes = render("ai.openclaw.work", &plan).unwrap();
        let read = parse(&bytes).unwrap();
        assert_eq!((read.argv, read.environment), (plan.argv, plan.environment));
        let value: plist::Value = plist::from_bytes(&bytes).unwrap();
        let agent = value.as_dictionary().unwrap();
        assert_eq!(agent["Label"].as_string(), Some("ai.openclaw.work"));
        let keep_alive = agent["KeepAlive"].as_dictionary().unwrap();
        assert_eq!(keep_alive["SuccessfulExit"].as_boolean(), Some(false));
        assert_eq!(agent["ThrottleInterval"].as_unsigned_integer(), Some(10));
    }

    #[test]
    fn an_agent_of_another_program_is_understood() {
        let text = r#"<?xml version="1.0"?><plist version="1.0"><dict><key>KeepAlive</key><true/>
            <key>ProgramArguments</key><array><string>/usr/bin/node</string></array></dict></plist>"#;
        assert_eq!(parse(text.as_bytes()).unwrap().argv, ["/usr/bin/node"]);
        assert!(parse(b"nonsense").is_err());
    }
}
