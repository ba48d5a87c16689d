//! The flags of `openclaw node`, `openclaw nodes` and `openclaw connect`.

use clap::Subcommand;
use protocol::Secret;

use super::{Format, TargetArgs, secret};

#[derive(Debug, clap::Args)]
pub struct NodeArgs {
    #[command(subcommand)]
    pub command: NodeCommand,
}

#[derive(Debug, Subcommand)]
pub enum NodeCommand {
    /// Offer this machine to a gateway, in this terminal until Ctrl-C
    ///
    /// The first time it waits until the owner of the gateway approves it, then it goes on by itself. It
    /// remembers its gateway. Programs run only if this machine's exec-approvals.json says so.
    Run(NodeRunArgs),
    /// Show the device id and public key of this node
    Identity(NodeIdentityArgs),
}

#[derive(Debug, Default, clap::Args)]
pub struct NodeRunArgs {
    /// The gateway's address [default: the one used last, or port 18789 of this machine]
    #[arg(long, value_name = "ws(s)://HOST:PORT", conflicts_with_all = ["host", "port", "tls"])]
    pub url: Option<String>,
    /// The gateway's host [default: 127.0.0.1]
    #[arg(long, value_name = "HOST")]
    pub host: Option<String>,
    /// The gateway's port [default: 18789]
    #[arg(long, value_name = "N")]
    pub port: Option<u16>,
    /// Connect encrypted to --host
    #[arg(long)]
    pub tls: bool,
    /// Believe only the certificate with this SHA-256, whoever has signed it
    #[arg(long, value_name = "SHA256")]
    pub tls_fingerprint: Option<String>,
    /// The gateway's access token, for the first contact [also: `OPENCLAW_GATEWAY_TOKEN`]
    #[arg(long, value_name = "TOKEN", value_parser = secret, conflicts_with = "password")]
    pub token: Option<Secret>,
    /// The gateway's password, for the first contact [also: `OPENCLAW_GATEWAY_PASSWORD`]
    #[arg(long, value_name = "PASSWORD", value_parser = secret)]
    pub password: Option<Secret>,
    /// A setup code from `openclaw qr` or `openclaw devices join-code`: it names the gateway and lets this node in
    #[arg(long, value_name = "CODE", conflicts_with_all = ["url", "host", "port", "tls", "tls_fingerprint", "token", "password"])]
    pub pair: Option<String>,
    #[command(flatten)]
    pub who: NodeWhoArgs,
}

/// Which node this is.
#[derive(Debug, Default, clap::Args)]
pub struct NodeWhoArgs {
    /// Use an identity of its own under this name, so that several nodes can live on one machine
    #[arg(long, value_name = "ID")]
    pub node_id: Option<String>,
    /// What to call this node [default: the machine's name]
    #[arg(long, value_name = "NAME")]
    pub display_name: Option<String>,
}

#[derive(Debug, clap::Args)]
pub struct NodeIdentityArgs {
    /// The name of the identity
    #[arg(long, value_name = "ID")]
    pub node_id: Option<String>,
    #[command(flatten)]
    pub format: Format,
}

#[derive(Debug, clap::Args)]
pub struct ConnectArgs {
    /// A join link (https://…/j/…), an oc-pair:// link, or a setup code
    #[arg(value_name = "LINK")]
    pub link: String,
    #[command(flatten)]
    pub who: NodeWhoArgs,
}

#[derive(Debug, clap::Args)]
pub struct NodesArgs {
    #[command(subcommand)]
    pub command: NodesCommand,
}

#[derive(Debug, Subcommand)]
pub enum NodesCommand {
    /// Show every node, whether it is connected, and what can be used of it
    Status(NodesListArgs),
    /// List the nodes whose offers wait and those that were approved
    List(NodesListArgs),
    /// List only the offers that wait
    Pending(NodesListArgs),
    /// Let the gateway use what a node offers
    ///
    /// With the whole id of a request this approves at once. Otherwise it shows what the node offers and asks;
    /// where nobody can be asked (no terminal), it approves nothing, prints the command that would, and exits 1.
    Approve(NodesDecideArgs),
    /// Turn down what a node offers
    Reject(NodesDecideArgs),
    /// Show one node in full
    Describe(NodesOneArgs),
    /// Ask a node to do something, and print its answer
    Invoke(NodesInvokeArgs),
    /// Give a node a name
    Rename(NodesRenameArgs),
    /// Forget a node and disconnect it
    Remove(NodesOneArgs),
}

#[derive(Debug, clap::Args)]
pub struct NodesListArgs {
    #[command(flatten)]
    pub format: Format,
    #[command(flatten)]
    pub target: TargetArgs,
}

#[derive(Debug, clap::Args)]
pub struct NodesDecideArgs {
    /// The request's id or its node's id, or the first 4 or more characters of either, as `openclaw nodes pending` shows them
    #[arg(value_name = "ID")]
    pub id: String,
    #[command(flatten)]
    pub format: Format,
    #[command(flatten)]
    pub target: TargetArgs,
}

/// A node, as the first argument or as --node.
#[derive(Debug, clap::Args)]
#[group(required = true, multiple = false)]
pub struct NodeArg {
    /// The node's id, the first 4 or more characters of it, or its name
    #[arg(value_name = "NODE")]
    id: Option<String>,
    /// The same, as an option
    #[arg(long = "node", value_name = "NODE")]
    node: Option<String>,
}

impl NodeArg {
    pub fn text(&self) -> &str {
        self.id.as_deref().or(self.node.as_deref()).unwrap_or_default()
    }
}

#[derive(Debug, clap::Args)]
pub struct NodesOneArgs {
    #[command(flatten)]
    pub node: NodeArg,
    #[command(flatten)]
    pub format: Format,
    #[command(flatten)]
    pub target: TargetArgs,
}

#[derive(Debug, clap::Args)]
pub struct NodesInvokeArgs {
    /// The node's id, the first 4 or more characters of it, or its name
    #[arg(long, value_name = "NODE")]
    pub node: String,
    /// What to do, such as system.which
    #[arg(long, value_name = "COMMAND")]
    pub command: String,
    /// Its parameters
    #[arg(long, value_name = "JSON")]
    pub params: Option<String>,
    /// How long the node may take, in milliseconds
    #[arg(long = "invoke-timeout", value_name = "MS", default_value_t = 15_000, value_parser = clap::value_parser!(u64).range(1..))]
    pub invoke_timeout: u64,
    /// Print the whole answer as JSON
    #[command(flatten)]
    pub format: Format,
    #[command(flatten)]
    pub target: TargetArgs,
}

#[derive(Debug, clap::Args)]
pub struct NodesRenameArgs {
    /// The node's id, the first 4 or more characters of it, or its present name
    #[arg(long, value_name = "NODE")]
    pub node: String,
    /// The new name
    #[arg(long, value_name = "NAME")]
    pub name: String,
    #[command(flatten)]
    pub format: Format,
    #[command(flatten)]
    pub target: TargetArgs,
}
