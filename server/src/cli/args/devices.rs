//! `openclaw devices …`.

use clap::Subcommand;
use protocol::Role;

use super::{Format, TargetArgs};

#[derive(Debug, clap::Args)]
pub struct DevicesArgs {
    #[command(subcommand)]
    pub command: DevicesCommand,
}

#[derive(Debug, Subcommand)]
pub enum DevicesCommand {
    /// List the devices that wait and those that are paired
    List(DevicesListArgs),
    /// Show live who waits, and approve in place
    ///
    /// At a terminal keys decide: a approves, r turns away, each after a question. Without one it prints a line
    /// for whatever happens, until Ctrl-C.
    Watch(ListArgs),
    /// Tell all there is to know about a device or a request
    ///
    /// Why it is paired, by whom, since when, on what evidence, what it may do and what it last did.
    Explain(ExplainArgs),
    /// Let a waiting device in
    ///
    /// With an id this approves at once. Without one, or with --latest, it shows the newest request and asks;
    /// where nobody can be asked (no terminal), it approves nothing, prints the command that would, and
    /// exits 1.
    Approve(ApproveArgs),
    /// Turn a waiting device away
    Reject(RejectArgs),
    /// Make a URL by which one machine joins as a node
    ///
    /// It works once, for ten minutes. Whoever has it is in, so send it only to that machine.
    JoinCode(ListArgs),
    /// Forget a paired device and disconnect it
    Remove(RemoveArgs),
    /// Forget all paired devices, or turn away all that wait
    Clear(ClearArgs),
    /// Hear nothing more of a device: throw it out and refuse what it asks
    ///
    /// It hears that it is blocked and how the owner undoes that; nobody is shown its requests.
    Block(BlockArgs),
    /// Let a blocked device ask again
    Unblock(RemoveArgs),
    /// List the blocked devices
    Blocked(ListArgs),
    /// Give a paired device a name
    Rename(RenameArgs),
    /// Give a device a new token and disconnect it; its old token stops working
    Rotate(TokenArgs),
    /// Take a device's token away and disconnect it; it has to be approved again
    Revoke(TokenArgs),
}

#[derive(Debug, clap::Args)]
pub struct DevicesListArgs {
    /// Print JSON for scripts; `--json=flat` prints requests and devices in one array
    #[arg(long, value_name = "FORM", num_args = 0..=1, require_equals = true, default_missing_value = "official")]
    pub json: Option<ListForm>,
    #[command(flatten)]
    pub target: TargetArgs,
}

/// How a list is written for scripts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub enum ListForm {
    /// As OpenClaw's own program prints it
    Official,
    /// One array of requests and devices
    Flat,
}

#[derive(Debug, clap::Args)]
pub struct ExplainArgs {
    /// The id of a device or a request, the first 4 or more characters of it, or a device's name
    #[arg(value_name = "ID")]
    pub id: String,
    #[command(flatten)]
    pub format: Format,
    #[command(flatten)]
    pub target: TargetArgs,
}

#[derive(Debug, clap::Args)]
pub struct ClearArgs {
    /// Do not ask
    #[arg(long)]
    pub yes: bool,
    /// Only turn away the requests that wait; paired devices stay
    #[arg(long)]
    pub pending: bool,
    #[command(flatten)]
    pub format: Format,
    #[command(flatten)]
    pub target: TargetArgs,
}

#[derive(Debug, clap::Args)]
pub struct BlockArgs {
    #[command(flatten)]
    pub device: DeviceArg,
    /// Let no new device from its address ask either; devices that are paired go on
    #[arg(long)]
    pub address: bool,
    #[command(flatten)]
    pub format: Format,
    #[command(flatten)]
    pub target: TargetArgs,
}

#[derive(Debug, clap::Args)]
pub struct ListArgs {
    #[command(flatten)]
    pub format: Format,
    #[command(flatten)]
    pub target: TargetArgs,
}

#[derive(Debug, clap::Args)]
pub struct ApproveArgs {
    /// The request's id or its device's id, or the first 4 or more characters of either, as `openclaw devices list` shows them
    #[arg(value_name = "ID")]
    pub id: Option<String>,
    /// Show the newest request and ask
    #[arg(long, conflicts_with = "id")]
    pub latest: bool,
    /// Approve the request whose fingerprint has these words, all of them as the device shows them
    #[arg(long = "match", value_name = "WORD-WORD-WORD-WORD", conflicts_with_all = ["id", "latest"])]
    pub words: Option<String>,
    #[command(flatten)]
    pub format: Format,
    #[command(flatten)]
    pub target: TargetArgs,
}

#[derive(Debug, clap::Args)]
pub struct RejectArgs {
    /// The request's id or its device's id, or the first 4 or more characters of either
    #[arg(value_name = "ID")]
    pub id: String,
    #[command(flatten)]
    pub format: Format,
    #[command(flatten)]
    pub target: TargetArgs,
}

#[derive(Debug, clap::Args)]
pub struct RemoveArgs {
    #[command(flatten)]
    pub device: DeviceArg,
    #[command(flatten)]
    pub format: Format,
    #[command(flatten)]
    pub target: TargetArgs,
}

/// A device, as the first argument or as --device.
#[derive(Debug, clap::Args)]
#[group(required = true, multiple = false)]
pub struct DeviceArg {
    /// The device's id, the first 4 or more characters of it, or its name
    #[arg(value_name = "DEVICE")]
    id: Option<String>,
    /// The same, as an option
    #[arg(long = "device", value_name = "DEVICE")]
    device: Option<String>,
}

impl DeviceArg {
    pub fn text(&self) -> &str {
        self.id.as_deref().or(self.device.as_deref()).unwrap_or_default()
    }
}

#[derive(Debug, clap::Args)]
pub struct RenameArgs {
    /// The device's id, the first 4 or more characters of it, or its present name
    #[arg(value_name = "DEVICE", required_unless_present = "device")]
    positional: Vec<String>,
    /// The device, as an option
    #[arg(long, value_name = "DEVICE")]
    device: Option<String>,
    /// The new name, as an option
    #[arg(long, value_name = "NAME")]
    name: Option<String>,
    #[command(flatten)]
    pub format: Format,
    #[command(flatten)]
    pub target: TargetArgs,
}

impl RenameArgs {
    /// The device and its new name, or what is missing.
    pub fn device_and_name(&self) -> Result<(String, String), &'static str> {
        let mut words = self.positional.iter().map(String::as_str);
        let device = self.device.as_deref().or_else(|| words.next()).ok_or("No device was named.")?;
        let rest = words.collect::<Vec<_>>().join(" ");
        let name = match &self.name {
            Some(_) if !rest.is_empty() => return Err("The new name was given twice."),
            Some(name) => name.clone(),
            None => rest,
        };
        if name.trim().is_empty() { Err("No new name was given.") } else { Ok((device.to_owned(), name)) }
    }
}

#[derive(Debug, clap::Args)]
pub struct TokenArgs {
    /// The device's id, the first 4 or more characters of it, or its name
    #[arg(value_name = "DEVICE", required_unless_present = "device", conflicts_with = "device")]
    id: Option<String>,
    /// The role whose token is meant [default: the device's only one]
    #[arg(value_name = "ROLE", value_parser = role, conflicts_with_all = ["device", "role"])]
    id_role: Option<Role>,
    /// The device, as an option
    #[arg(long, value_name = "DEVICE")]
    device: Option<String>,
    /// The role, as an option
    #[arg(long, value_name = "ROLE", value_parser = role)]
    role: Option<Role>,
    #[command(flatten)]
    pub format: Format,
    #[command(flatten)]
    pub target: TargetArgs,
}

impl TokenArgs {
    pub fn device(&self) -> &str {
        self.id.as_deref().or(self.device.as_deref()).unwrap_or_default()
    }

    pub fn role(&self) -> Option<Role> {
        self.id_role.or(self.role)
    }
}

fn role(text: &str) -> Result<Role, &'static str> {
    Role::parse(text).ok_or("a role is `operator` or `node`")
}
