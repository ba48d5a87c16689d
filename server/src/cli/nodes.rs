//! `openclaw nodes …`: what nodes offer, what was approved of it, and asking them to do it.

use std::process::ExitCode;

use client::CallError;
use protocol::Method;
use protocol::method::RequestRef;
use protocol::node::{
    ApprovalState, ApprovedNode, InvokeParams, Invoked, NodeList, NodePairingList, NodeRef, NodeView, PendingNode,
    RenameNodeParams,
};
use protocol::role::{PAIRING, READ, WRITE};
use serde_json::{Value, json};

use super::args::TargetArgs;
use super::args::{NodesCommand, NodesDecideArgs, NodesInvokeArgs, NodesListArgs, NodesOneArgs, NodesRenameArgs};
use super::output::{Failure, can_ask, confirm, data, json as print_json, say, sentence, shown, tell};
use super::select::{self, Choice};
use super::target::Target;
use super::{Outcome, nodes_listing as listing};
use crate::config::Environment;

/// The longest name a node may be given, in characters.
const LONGEST_LABEL: usize = 64;

pub async fn run(command: NodesCommand, env: &Environment) -> Outcome {
    match command {
        NodesCommand::Status(args) => status(&args, env).await,
        NodesCommand::List(args) => list(&args, env).await,
        NodesCommand::Pending(args) => pending(&args, env).await,
        NodesCommand::Approve(args) => approve(&args, env).await,
        NodesCommand::Reject(args) => reject(&args, env).await,
        NodesCommand::Describe(args) => describe(&args, env).await,
        NodesCommand::Invoke(args) => invoke(args, env).await,
        NodesCommand::Rename(args) => rename(&args, env).await,
        NodesCommand::Remove(args) => remove(&args, env).await,
    }
}

async fn status(args: &NodesListArgs, env: &Environment) -> Outcome {
    let desk = Desk::visit(&args.target, env).await?;
    if args.format.json {
        print_json(&desk.nodes);
    } else {
        data(&listing::nodes(&desk.nodes));
        desk.say_who_waits();
    }
    Ok(ExitCode::SUCCESS)
}

async fn list(args: &NodesListArgs, env: &Environment) -> Outcome {
    let desk = Desk::visit(&args.target, env).await?;
    if args.format.json {
        print_json(&desk.pairings);
    } else {
        data(&listing::both(&desk.pairings, &desk.nodes, &desk.target.command("nodes approve"), desk.hidden()));
    }
    Ok(ExitCode::SUCCESS)
}

async fn pending(args: &NodesListArgs, env: &Environment) -> Outcome {
    let desk = Desk::visit(&args.target, env).await?;
    if args.format.json {
        print_json(&desk.pairings.pending);
    } else if desk.pairings.pending.is_empty() {
        say("No node waits for approval of what it offers.");
        say(&format!("A node that is new here waits in `{}` first.", desk.target.command("devices list")));
    } else {
        data(&listing::pending(&desk.pairings.pending, desk.nodes.ts, &desk.target.command("nodes approve")));
    }
    Ok(ExitCode::SUCCESS)
}

async fn approve(args: &NodesDecideArgs, env: &Environment) -> Outcome {
    let desk = Desk::visit_to_decide(args, env).await?;
    let request = desk.request(&args.id)?;
    if request.request_id != args.id {
        let command = desk.target.command(&format!("nodes approve {}", shown(&request.request_id)));
        if args.format.json {
            print_json(&json!({"approved": false, "request": request, "approveCommand": command}));
            return Ok(ExitCode::FAILURE);
        }
        say(&listing::request(request, desk.nodes.ts).join("\n"));
        if !can_ask() {
            say("\nNothing was approved. If the gateway may use all of this, run:");
            data(&command);
            return Ok(ExitCode::FAILURE);
        }
        if !confirm("\nLet the gateway use all of this?") {
            say("Nothing was approved.");
            return Ok(ExitCode::FAILURE);
        }
    }
    let params = RequestRef { request_id: request.request_id.clone() };
    let approved: ApprovedNode = desk.target.decide(Method::NodePairApprove, params).await?;
    let words = format!("Approved {}: {}.", listing::name_of(request), listing::in_words(&approved.node.surface));
    Ok(tell(args.format.json, &approved, &words))
}

async fn reject(args: &NodesDecideArgs, env: &Environment) -> Outcome {
    let desk = Desk::visit_to_decide(args, env).await?;
    let request = desk.request(&args.id)?;
    let params = RequestRef { request_id: request.request_id.clone() };
    let rejected: Value = desk.target.decide(Method::NodePairReject, params).await?;
    Ok(tell(args.format.json, &rejected, &format!("Turned down what {} offers.", listing::name_of(request))))
}

async fn describe(args: &NodesOneArgs, env: &Environment) -> Outcome {
    let desk = Desk::visit(&args.target, env).await?;
    let node = desk.node(args.node.text())?;
    let mut connection = desk.target.open_or_store(&[PAIRING, READ]).await?;
    let params = NodeRef { node_id: node.node_id.clone() };
    let answer = connection.ask::<Value>(Method::NodeDescribe, &params).await;
    connection.close().await;
    let described = answer?;
    if args.format.json {
        print_json(&described);
    } else {
        data(&listing::node(node, desk.nodes.ts, &desk.target.command("nodes approve")).join("\n"));
    }
    Ok(ExitCode::SUCCESS)
}

async fn invoke(args: NodesInvokeArgs, env: &Environment) -> Outcome {
    let params = match args.params.as_deref().map(serde_json::from_str::<Value>) {
        None => None,
        Some(Ok(params)) => Some(params),
        Some(Err(error)) => {
            let failure = Failure::misused(format!("--params is not JSON: {error}"));
            return Err(failure.hint("quote it for the shell: --params '{\"bins\":[\"git\"]}'"));
        }
    };
    // The gateway itself watches the node's time; its answer needs a moment more.
    let patience = args.target.timeout.max(args.invoke_timeout / 1000 + 5);
    let desk = Desk::visit(&TargetArgs { timeout: patience, ..args.target }, env).await?;
    let node = desk.node(&args.node)?;
    let params = InvokeParams {
        node_id: node.node_id.clone(),
        command: args.command,
        idempotency_key: uuid::Uuid::new_v4().to_string(),
        params,
        timeout_ms: Some(args.invoke_timeout),
    };
    let mut connection = desk.target.open(&[PAIRING, READ, WRITE]).await?;
    let answer = connection.ask::<Invoked>(Method::NodeInvoke, &params).await;
    connection.close().await;
    let invoked = answer.map_err(|error| explain(error, &desk.target.command("nodes describe")))?;
    if args.format.json {
        print_json(&invoked);
    } else {
        print_json(&invoked.payload);
    }
    Ok(ExitCode::SUCCESS)
}

/// What it means that the gateway lets a command not through. `describe` is the command that shows a node.
fn explain(error: CallError, describe: &str) -> Failure {
    if let CallError::Refused(refusal) = &error
        && refusal.message.starts_with("node command not allowed")
    {
        return Failure::new(sentence(&refusal.message)).hint(format!(
            "see what the node offers with `{describe} NODE`; it offers system.run once its own \
             exec-approvals.json lets programs run"
        ));
    }
    error.into()
}

async fn rename(args: &NodesRenameArgs, env: &Environment) -> Outcome {
    let label = args.name.trim().to_owned();
    if label.is_empty() || label.chars().count() > LONGEST_LABEL {
        return Err(Failure::new("That is no name.").hint(format!("use 1 to {LONGEST_LABEL} characters")));
    }
    let desk = Desk::visit(&args.target, env).await?;
    let node = desk.node(&args.node)?;
    let params = RenameNodeParams { node_id: node.node_id.clone(), display_name: label.clone() };
    let renamed: Value = desk.target.decide(Method::NodeRename, params).await?;
    let words = format!("{} is now called {}.", listing::shown_name(node), shown(&label));
    Ok(tell(args.format.json, &renamed, &words))
}

async fn remove(args: &NodesOneArgs, env: &Environment) -> Outcome {
    let desk = Desk::visit(&args.target, env).await?;
    let node = desk.node(args.node.text())?;
    let params = NodeRef { node_id: node.node_id.clone() };
    let removed: Value = desk.target.decide(Method::NodePairRemove, params).await?;
    let words = format!("Removed {}. It has to be approved again to come back.", listing::shown_name(node));
    Ok(tell(args.format.json, &removed, &words))
}

/// A gateway and the nodes it listed a moment ago. No connection is held meanwhile: a person may take
/// minutes to answer.
struct Desk {
    target: Target,
    pairings: NodePairingList,
    nodes: NodeList,
}

impl Desk {
    async fn visit(args: &TargetArgs, env: &Environment) -> Result<Self, Failure> {
        Self::look(Target::new(args, env)?).await
    }

    /// The same, to decide about a request. A device without admin rights is shown only itself,
    /// so one that does not find the request asks for them.
    async fn visit_to_decide(args: &NodesDecideArgs, env: &Environment) -> Result<Self, Failure> {
        let desk = Self::visit(&args.target, env).await?;
        let is_shown = select::surface_request(&desk.pairings, &args.id) != Choice::Nothing;
        if is_shown || !desk.target.is_a_device() {
            return Ok(desk);
        }
        Self::look(desk.target.with_admin_rights()).await
    }

    async fn look(target: Target) -> Result<Self, Failure> {
        let mut connection = target.open_or_store(&[PAIRING, READ]).await?;
        let pairings = super::progress::asking(connection.ask(Method::NodePairList, ())).await?;
        let nodes = super::progress::asking(connection.ask(Method::NodeList, ())).await?;
        connection.close().await;
        Ok(Self { target, pairings, nodes })
    }

    /// How many offers wait that are not in the list, because a device without admin rights is shown only its own.
    fn hidden(&self) -> usize {
        let is_shown = |node: &NodeView| self.pairings.pending.iter().any(|one| one.node_id == node.node_id);
        let waits = |node: &&NodeView| node.approval_state != ApprovalState::Approved && !is_shown(node);
        if self.target.is_a_device() { self.nodes.nodes.iter().filter(waits).count() } else { 0 }
    }

    fn say_who_waits(&self) {
        if !self.pairings.pending.is_empty() {
            say(&format!("\nSome of what nodes offer waits for you: see `{}`", self.target.command("nodes pending")));
        }
    }

    fn request(&self, text: &str) -> Result<&PendingNode, Failure> {
        let line = |one: &PendingNode| format!("{}  {}", shown(&one.request_id), listing::name_of(one));
        let found = select::surface_request(&self.pairings, text);
        if let Some(request) = found.one(text, "requests", line, "use more of the id")? {
            return Ok(request);
        }
        let failure = Failure::new(format!("The request `{}` is unknown or decided.", shown(text)));
        Err(if self.pairings.pending.is_empty() {
            let devices = self.target.command("devices list");
            failure.hint(format!("no node's offer waits now; a node that is new here waits in `{devices}` first"))
        } else {
            failure
                .list(std::iter::once("These wait now:".to_owned()).chain(self.pairings.pending.iter().map(line)))
                .hint("approve or reject one of these by its id")
        })
    }

    fn node(&self, text: &str) -> Result<&NodeView, Failure> {
        let line = |node: &NodeView| format!("{}  {}", listing::short(&node.node_id), listing::shown_name(node));
        let found = select::node(&self.nodes, text);
        found.one(text, "nodes", line, "use the id, or more of it")?.ok_or_else(|| {
            Failure::new(format!("No node goes by `{}`.", shown(text))).list(self.nodes.nodes.iter().map(line)).hint(
                "use an id or a name from `openclaw nodes status`; a machine becomes a node with `openclaw node run`",
            )
        })
    }
}
