//! `openclaw devices …`.

use clap::Subcommand;
use protocol::method::{LONGEST_APPROVAL_MS, Terms};
use protocol::role::OPERATOR_SCOPES;
use protocol::{Role, Scopes};

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
    pub terms: TermsArgs,
    #[command(flatten)]
    pub format: Format,
    #[command(flatten)]
    pub target: TargetArgs,
}

/// On what terms a device is let in.
#[derive(Debug, Default, clap::Args)]
pub struct TermsArgs {
    /// Give it only these of the scopes it asks for, without or with `operator.`; it is not asked about the others again
    #[arg(long, value_name = "SCOPE,SCOPE", value_delimiter = ',', value_parser = scope)]
    scopes: Option<Vec<String>>,
    /// How long it is let in: 30m, 1h, 1d, 90d, or forever, which is until it is revoked
    #[arg(long = "for", value_name = "TIME", value_parser = lasting_ms)]
    lasts_ms: Option<u64>,
    /// Give it this name
    #[arg(long, value_name = "NAME")]
    name: Option<String>,
}

impl TermsArgs {
    pub fn terms(&self) -> Terms {
        Terms {
            scopes: self.scopes.clone().map(Scopes::from),
            label: self.name.as_deref().map(|name| name.trim().to_owned()),
            expires_in_ms: self.lasts_ms,
        }
    }
}

/// A scope by its whole name or by what comes after `operator.`.
fn scope(text: &str) -> Result<String, String> {
    let whole = if text.contains("operator.") { text.trim().to_owned() } else { format!("operator.{}", text.trim()) };
    if OPERATOR_SCOPES.contains(&whole.as_str()) {
        return Ok(whole);
    }
    let names: Vec<_> = OPERATOR_SCOPES.iter().filter_map(|scope| scope.strip_prefix("operator.")).collect();
    Err(format!("the scopes are {}", names.join(", ")))
}

/// A length of time in milliseconds; `forever` is 0.
fn lasting_ms(text: &str) -> Result<u64, &'static str> {
    let problem = "say how long, as in 30m, 1h, 1d, 90d or forever";
    if text == "forever" {
        return Ok(0);
    }
    let (number, unit) = text.split_at_checked(text.len().saturating_sub(1)).ok_or(problem)?;
    let minutes = match unit {
        "m" => 1,
        "h" => 60,
        "d" => 24 * 60,
        _ => return Err(problem),
    };
    let number: u64 = number.parse().map_err(|_| problem)?;
    let lasts_ms = number.checked_mul(minutes * 60_000).filter(|lasts_ms| *lasts_ms <= LONGEST_APPROVAL_MS);
    match lasts_ms {
        Some(0) => Err(problem),
        Some(lasts_ms) => Ok(lasts_ms),
        None => Err("that is too long; `forever` is until it is revoked"),
    }
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_length_of_time_is_a_number_and_a_unit() {
        let hour = 60 * 60 * 1000;
        for (text, expected) in [("30m", hour / 2), ("1h", hour), ("90d", 90 * 24 * hour), ("forever", 0)] {
            assert_eq!(lasting_ms(text), Ok(expected), "{text}");
        }
        for wrong in ["", "0h", "h", "1", "1w", "-1h", "1.5h", "99999999999999999999d", "4000d", "\u{e9}"] {
            assert!(lasting_ms(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn a_scope_may_be_written_without_what_all_begin_with() {
        assert_eq!(scope("read").as_deref(), Ok("operator.read"));
        assert_eq!(scope("operator.talk.secrets").as_deref(), Ok("operator.talk.secrets"));
        assert!(scope("everything").unwrap_err().contains("talk.secrets"));
    }
}
