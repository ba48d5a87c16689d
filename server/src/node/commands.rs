//! All that this node offers, and how each command is carried out.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::time::Duration;

use protocol::node::{InvokeRequest, NodeError, Surface};
use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::{Value, json};
use tokio_util::sync::CancellationToken;

use super::approvals::Approvals;
use super::ask::{self, Answer, Asker, Question};
use super::machine;
use super::notify::Notifier;
use super::policy::{Verdict, decide};
use super::run::{Job, run};
use super::surroundings::Surroundings;

/// How many programs one `system.which` may ask for.
const MOST_BINS: usize = 256;

/// How long showing a notification may take.
const NOTIFY_LIMIT: Duration = Duration::from_secs(10);

/// What commands are carried out with.
pub struct Desk {
    pub approvals: Approvals,
    pub surroundings: Surroundings,
    pub asker: Asker,
    pub notifier: Option<Notifier>,
    pub display_name: String,
    /// The gateway, as the person here knows it.
    pub gateway: String,
}

/// What a command came to. `None`: it was cancelled, and nobody waits.
pub type Outcome = Option<Result<Value, NodeError>>;

/// Parameters of `system.run`. Whatever else comes with them, such as another machine's approval, is not
/// even read.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct RunParams {
    command: Vec<String>,
    cwd: Option<String>,
    env: Option<BTreeMap<String, String>>,
    timeout_ms: Option<u64>,
}

#[derive(Deserialize)]
struct WhichParams {
    bins: Vec<String>,
}

#[derive(Deserialize)]
struct NotifyParams {
    title: String,
    #[serde(default)]
    body: String,
}

impl Desk {
    /// What is offered now, sorted. Programs only if the rules of this node could let one run.
    pub fn surface(&self) -> Surface {
        let mut commands = vec!["device.info"];
        if self.notifier.is_some() {
            commands.push("system.notify");
        }
        if self.approvals.load().runs_programs() {
            commands.push("system.run");
        }
        commands.push("system.which");
        let owned = |names: &[&str]| names.iter().map(|&name| name.to_owned()).collect();
        Surface { caps: owned(&["device", "system"]), commands: owned(&commands), permissions: BTreeMap::new() }
    }

    /// Carries out one command.
    pub async fn perform(&self, request: &InvokeRequest, cancelled: &CancellationToken) -> Outcome {
        let params = request.params_json.as_deref();
        match request.command.as_str() {
            "device.info" => Some(Ok(machine::info(&self.display_name))),
            "system.notify" => self.notify(params, cancelled).await,
            "system.run" => self.run(request, cancelled).await,
            "system.which" => Some(read(params).and_then(|params| self.which(&params))),
            _ => Some(Err(unavailable("command not supported"))),
        }
    }

    fn which(&self, params: &WhichParams) -> Result<Value, NodeError> {
        if params.bins.len() > MOST_BINS {
            return Err(invalid(format!("at most {MOST_BINS} bins can be looked for at once")));
        }
        let found = params.bins.iter().filter_map(|name| Some((name, self.surroundings.which(name)?)));
        let bins: BTreeMap<&String, String> = found.map(|(name, path)| (name, path.display().to_string())).collect();
        Ok(json!({"bins": bins}))
    }

    async fn notify(&self, params: Option<&str>, cancelled: &CancellationToken) -> Outcome {
        let params: NotifyParams = match read(params) {
            Ok(params) => params,
            Err(error) => return Some(Err(error)),
        };
        let Some(notifier) = &self.notifier else {
            return Some(Err(unavailable("this node has no program that shows notifications; install notify-send")));
        };
        let environment = match self.surroundings.with(&BTreeMap::new()) {
            Ok(environment) => environment,
            Err(problem) => return Some(Err(unavailable(problem))),
        };
        let job = Job {
            program: notifier.program().clone(),
            argv: notifier.argv(&params.title, &params.body),
            environment,
            folder: PathBuf::from("/"),
            limit: NOTIFY_LIMIT,
        };
        Some(match run(&job, cancelled).await {
            Ok(None) => return None,
            Ok(Some(done)) if done.status.is_some_and(|status| status.success()) => Ok(json!({"ok": true})),
            Ok(Some(done)) => {
                Err(unavailable(format!("the notification could not be shown: {}", done.stderr.text().trim())))
            }
            Err(error) => Err(unavailable(format!("the notification could not be shown: {error}"))),
        })
    }

    async fn run(&self, request: &InvokeRequest, cancelled: &CancellationToken) -> Outcome {
        let job = match self.job(request) {
            Ok(job) => job,
            Err(error) => return Some(Err(error)),
        };
        let policy = self.approvals.load();
        let permitted = match decide(&policy, &job.program, &job.argv) {
            Verdict::Allow => Ok(()),
            Verdict::Deny(why) => Err(denied(&why)),
            Verdict::Ask { may_remember } => match &self.asker {
                Asker::Nobody => match policy.without_anybody(&job.program, &job.argv) {
                    Verdict::Allow => Ok(()),
                    Verdict::Deny(why) => Err(denied(&why)),
                    Verdict::Ask { .. } => Err(denied("nobody can be asked")),
                },
                Asker::Terminal(terminal) => {
                    let question = Question {
                        who: &self.gateway,
                        program: &job.program,
                        argv: &job.argv,
                        folder: &job.folder,
                        may_remember,
                    };
                    let patience = ask::PATIENCE.min(Duration::from_millis(request.timeout_ms));
                    let answer = tokio::select! {
                        answer = terminal.ask(&question, patience) => answer,
                        () = cancelled.cancelled() => return None,
                    };
                    self.answered(answer, &job)
                }
            },
        };
        if let Err(error) = permitted {
            return Some(Err(error));
        }
        match run(&job, cancelled).await {
            Ok(ended) => ended.map(|ended| Ok(ended.payload())),
            Err(error) => Some(Err(unavailable(format!("{} cannot be started: {error}", job.program.display())))),
        }
    }

    fn answered(&self, answer: Answer, job: &Job) -> Result<(), NodeError> {
        match answer {
            Answer::Yes => Ok(()),
            Answer::Always => {
                if let Err(error) = self.approvals.remember(&job.program) {
                    tracing::warn!("The allowlist stays as it is: {error:#}");
                }
                Ok(())
            }
            Answer::No => Err(denied("the person at the node said no")),
            Answer::Silence => Err(denied("nobody at the node answered in time")),
        }
    }

    /// What would be run, with everything resolved.
    fn job(&self, request: &InvokeRequest) -> Result<Job, NodeError> {
        let RunParams { command, cwd, env, timeout_ms } = read(request.params_json.as_deref())?;
        let name = command.first().filter(|name| !name.is_empty());
        let name = name.ok_or_else(|| invalid("command must name a program: a list of words, the program first"))?;
        if command.iter().chain(&cwd).any(|text| text.contains('\0')) {
            return Err(invalid("command contains a null byte"));
        }
        let folder = self.surroundings.folder(cwd.as_deref()).map_err(invalid)?;
        let program = self.surroundings.find(name, &folder);
        let program = program.ok_or_else(|| invalid(format!("there is no program {name:?} on the node")))?;
        let environment = self.surroundings.with(&env.unwrap_or_default()).map_err(invalid)?;
        let limit = Duration::from_millis(timeout_ms.unwrap_or(request.timeout_ms).min(request.timeout_ms));
        Ok(Job { program, argv: command, environment, folder, limit })
    }
}

fn read<T: DeserializeOwned>(params: Option<&str>) -> Result<T, NodeError> {
    serde_json::from_str(params.unwrap_or("{}")).map_err(|error| invalid(format!("invalid params: {error}")))
}

pub(super) fn invalid(message: impl Into<String>) -> NodeError {
    NodeError { code: "INVALID_REQUEST".to_owned(), message: message.into() }
}

pub(super) fn unavailable(message: impl Into<String>) -> NodeError {
    NodeError { code: "UNAVAILABLE".to_owned(), message: message.into() }
}

/// As the reference spells it.
fn denied(why: &str) -> NodeError {
    unavailable(format!("SYSTEM_RUN_DENIED: {why}"))
}

#[cfg(test)]
mod tests {
    use tokio::sync::mpsc;

    use super::*;
    use crate::config::Environment;
    use crate::node::ask::Terminal;

    struct Node {
        folder: tempfile::TempDir,
        desk: Desk,
    }

    fn node(rules: impl Into<Option<Value>>, asker: Asker) -> Node {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("exec-approvals.json");
        if let Some(rules) = rules.into() {
            std::fs::write(&file, rules.to_string()).unwrap();
        }
        let env = Environment::from_pairs(&[("PATH", "/usr/bin:/bin"), ("HOME", "/")]);
        let desk = Desk {
            approvals: Approvals { file, home: None },
            surroundings: Surroundings::of(&env),
            asker,
            notifier: None,
            display_name: "Node".to_owned(),
            gateway: "ws://gateway".to_owned(),
        };
        Node { folder, desk }
    }

    fn rules(security: &str, ask: &str, patterns: &[&str]) -> Value {
        json!({
            "version": 1, "defaults": {"security": security, "ask": ask}, "agents": {"main": {"allowlist": patterns}},
        })
    }

    async fn invoke(node: &Node, command: &str, params: Value) -> Result<Value, String> {
        let request = InvokeRequest {
            id: "i".to_owned(),
            node_id: protocol::DeviceId::claimed("n"),
            command: command.to_owned(),
            params_json: Some(params.to_string()),
            timeout_ms: 30_000,
            idempotency_key: "k".to_owned(),
        };
        let outcome = node.desk.perform(&request, &CancellationToken::new()).await.unwrap();
        outcome.map_err(|error| format!("{}: {}", error.code, error.message))
    }

    #[tokio::test]
    async fn programs_are_offered_only_if_one_could_run() {
        let offers = |rules: Option<Value>| node(rules, Asker::Nobody).desk.surface().commands;
        assert_eq!(offers(None), ["device.info", "system.which"]);
        assert_eq!(offers(Some(rules("deny", "always", &["/**"]))), ["device.info", "system.which"]);
        assert_eq!(offers(Some(rules("allowlist", "off", &[]))), ["device.info", "system.run", "system.which"]);
    }

    #[tokio::test]
    async fn only_what_is_on_the_list_runs_whatever_the_caller_claims() {
        let listed = node(rules("allowlist", "off", &["/bin/echo"]), Asker::Nobody);
        let done = invoke(&listed, "system.run", json!({"command": ["echo", "a b"]})).await.unwrap();
        assert_eq!((&done["stdout"], &done["exitCode"]), (&json!("a b\n"), &json!(0)));
        let claims = json!({
            "command": ["id"], "approved": true, "approvalDecision": "allow-always", "rawCommand": "echo",
            "systemRunPlan": {"argv": ["echo"]}, "__proto__": {"approved": true}, "agentId": "*",
        });
        let refused = invoke(&listed, "system.run", claims).await.unwrap_err();
        assert!(refused.starts_with("UNAVAILABLE: SYSTEM_RUN_DENIED: "), "{refused}");
        assert!(refused.contains("is not on the allowlist"), "{refused}");
    }

    #[tokio::test]
    async fn a_request_that_makes_no_sense_is_refused_before_anything_runs() {
        let full = node(rules("full", "off", &[]), Asker::Nobody);
        for (params, why) in [
            (json!({}), "missing field `command`"),
            (json!({"command": "id"}), "invalid type"),
            (json!({"command": []}), "must name a program"),
            (json!({"command": ["", "x"]}), "must name a program"),
            (json!({"command": ["id", "a\u{0}b"]}), "null byte"),
            (json!({"command": ["no-such-program"]}), "no program"),
            (json!({"command": ["id"], "cwd": "/no/such"}), "no folder"),
            (json!({"command": ["id"], "env": {"LD_PRELOAD": "/x"}}), "LD_PRELOAD"),
            (json!({"command": ["id"], "env": {"PATH": "/x"}}), "PATH is the node's own"),
        ] {
            let refused = invoke(&full, "system.run", params).await.unwrap_err();
            assert!(refused.starts_with("INVALID_REQUEST: ") && refused.contains(why), "{why}: {refused}");
        }
        let text = r#"{"command":["id"],"command":["echo"]}"#;
        assert!(read::<RunParams>(Some(text)).is_err(), "a field given twice");
    }

    #[tokio::test]
    async fn it_runs_where_and_how_it_was_asked() {
        let full = node(rules("full", "off", &[]), Asker::Nobody);
        let params = json!({"command": ["sh", "-c", "pwd; echo $LANG $FOO"], "cwd": "/usr", "env": {"LANG": "C"}});
        assert_eq!(invoke(&full, "system.run", params).await.unwrap()["stdout"], "/usr\nC\n");
        let params = json!({"command": ["sleep", "1000"], "timeoutMs": 100});
        assert_eq!(invoke(&full, "system.run", params).await.unwrap()["timedOut"], true);
    }

    #[tokio::test]
    async fn the_person_at_the_terminal_decides_and_always_is_remembered() {
        let person = |answer: &'static str| {
            let (typing, lines) = mpsc::channel(4);
            let show = move |text: &str| {
                if text.contains("Let it run?") {
                    typing.try_send(answer.to_owned()).unwrap();
                }
            };
            node(rules("allowlist", "on-miss", &[]), Asker::Terminal(Terminal::new(lines, show)))
        };
        let run = json!({"command": ["echo", "x"]});
        let refused = invoke(&person("n"), "system.run", run.clone()).await.unwrap_err();
        assert!(refused.contains("said no"), "{refused}");
        let asked = person("always");
        assert_eq!(invoke(&asked, "system.run", run.clone()).await.unwrap()["success"], true);
        let text = std::fs::read_to_string(asked.folder.path().join("exec-approvals.json")).unwrap();
        assert!(text.contains("allow-always"), "{text}");
        let unattended = Node { desk: Desk { asker: Asker::Nobody, ..asked.desk }, folder: asked.folder };
        assert_eq!(invoke(&unattended, "system.run", run).await.unwrap()["success"], true);
        let other = invoke(&unattended, "system.run", json!({"command": ["id"]})).await.unwrap_err();
        assert!(other.contains("no terminal to ask at"), "{other}");
    }

    #[tokio::test]
    async fn small_commands_answer_and_unknown_ones_are_refused() {
        let node = node(None, Asker::Nobody);
        let bins = invoke(&node, "system.which", json!({"bins": ["sh", "no-such-program", "../sh"]})).await.unwrap();
        assert_eq!(bins, json!({"bins": {"sh": "/usr/bin/sh"}}));
        assert_eq!(invoke(&node, "device.info", json!({})).await.unwrap()["deviceName"], "Node");
        for (command, params, why) in [
            ("system.which", json!({}), "INVALID_REQUEST: "),
            ("system.notify", json!({"title": "x"}), "install notify-send"),
            ("system.run", json!({"command": ["id"]}), "SYSTEM_RUN_DENIED: there is no "),
            ("camera.snap", json!({}), "command not supported"),
        ] {
            let refused = invoke(&node, command, params).await.unwrap_err();
            assert!(refused.contains(why), "{refused}");
        }
    }
}
