//! Which commands of a node may be used: what its kind of machine may offer at all, what the owner
//! allows and denies, what was approved, what it declares now (wire.md §9.3, §9.4).
//!
//! **Invariant:** a command reaches a node only through [`may_invoke`].

mod platform;

use protocol::node::{NodeSurface, Surface, is_host_command};
use protocol::refusal::{CommandBarred, NodeRefusal, Work};

pub use platform::Platform;

/// `gateway.nodes.commands.allow` and `.deny`.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct CommandPolicy {
    pub allow: Vec<String>,
    pub deny: Vec<String>,
}

/// Only through `gateway.nodes.commands.allow`, because they reach into somebody's privacy.
const DANGEROUS: [&str; 10] = [
    "camera.snap",
    "camera.clip",
    "camera.ptz.control",
    "screen.record",
    "contacts.add",
    "calendar.add",
    "reminders.add",
    "sms.send",
    "sms.search",
    "health.summary",
];

/// Never invoked: they change the node's own rules.
const RESERVED: [&str; 2] = ["system.execApprovals.get", "system.execApprovals.set"];

impl CommandPolicy {
    /// Whether a node of this kind may offer the command at all.
    fn permits(&self, platform: Platform, has_talk: bool, command: &str) -> bool {
        let named = |list: &[String]| list.iter().any(|one| one == command);
        !named(&self.deny) && (named(&self.allow) || platform.lists(command, has_talk))
    }

    /// What a node declares, without the commands it may not offer. Those are dropped without a word
    /// (wire.md §9.4).
    #[must_use]
    pub fn permitted(&self, platform: Platform, declared: &Surface) -> Surface {
        let has_talk = declared.caps.iter().any(|cap| cap == "talk");
        let commands = declared.commands.iter().filter(|command| self.permits(platform, has_talk, command));
        Surface { commands: commands.cloned().collect(), ..declared.clone() }
    }
}

/// What can be used of a live node: declared, permitted and approved.
#[must_use]
pub fn effective(
    policy: &CommandPolicy,
    platform: Platform,
    declared: &Surface,
    approved: Option<&NodeSurface>,
) -> Surface {
    let Some(approved) = approved else {
        return Surface::default();
    };
    policy.permitted(platform, declared).within(&approved.surface)
}

/// Everything that decides about one invocation.
#[derive(Debug, Clone, Copy)]
pub struct InvokeFacts<'a> {
    pub command: &'a str,
    pub platform: Platform,
    /// What was approved, if the node is still paired as one.
    pub approved: Option<&'a NodeSurface>,
    /// What the live node declares; `None` when it is not connected.
    pub declared: Option<&'a Surface>,
}

/// Whether a command may be sent to a node, in the order of wire.md §7.4. The caller's scopes were checked
/// before.
pub fn may_invoke(facts: InvokeFacts<'_>, policy: &CommandPolicy) -> Result<(), NodeRefusal> {
    let InvokeFacts { command, platform, approved, declared } = facts;
    let Some(approved) = approved else {
        return Err(NodeRefusal::NotApproved { what: Work::Invocation });
    };
    let barred = |why| Err(NodeRefusal::CommandNotAllowed { command: command.to_owned(), why });
    if RESERVED.contains(&command) {
        return barred(CommandBarred::Reserved);
    }
    let Some(declared) = declared else {
        return Err(NodeRefusal::Offline);
    };
    let has_talk = declared.caps.iter().any(|cap| cap == "talk");
    let is_approved = approved.surface.commands.iter().any(|known| known == command);
    if !policy.permits(platform, has_talk, command) || (is_host_command(command) && !is_approved) {
        let is_denied = policy.deny.iter().any(|denied| denied == command);
        return barred(if DANGEROUS.contains(&command) && !is_denied {
            CommandBarred::Dangerous
        } else {
            CommandBarred::NotListed { platform: platform.as_str() }
        });
    }
    if declared.commands.is_empty() {
        return barred(CommandBarred::NothingDeclared);
    }
    if !declared.commands.iter().any(|offered| offered == command) {
        return barred(CommandBarred::NotDeclared);
    }
    if !is_approved {
        return Err(NodeRefusal::NotApproved { what: Work::Invocation });
    }
    Ok(())
}

/// Whether invoking the command takes an admin and not just somebody who may write (wire.md §7.4).
pub fn takes_admin_to_invoke(command: &str) -> bool {
    command.starts_with("browser.proxy") || command == "fs.listDir" || command == "terminal.upload"
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(list: &[&str]) -> Vec<String> {
        list.iter().map(|&name| name.to_owned()).collect()
    }

    fn surface(commands: &[&str]) -> Surface {
        Surface { commands: names(commands), ..Surface::default() }
    }

    fn approved(commands: &[&str]) -> NodeSurface {
        let surface = surface(commands);
        NodeSurface { display_name: None, version: "1".to_owned(), surface, created_at_ms: 1, approved_at_ms: 1 }
    }

    #[track_caller]
    fn check_permitted(policy: &CommandPolicy, platform: Platform, declared: &[&str], expected: &[&str]) {
        assert_eq!(policy.permitted(platform, &surface(declared)).commands, names(expected));
    }

    #[test]
    fn a_declaration_keeps_only_what_the_platform_and_the_owner_permit() {
        let usual = CommandPolicy::default();
        check_permitted(&usual, Platform::Linux, &["system.run", "foo.bar", "device.status"], &["system.run"]);
        check_permitted(&usual, Platform::Linux, &["device.info"], &["device.info"]);
        check_permitted(&usual, Platform::Ios, &["system.run", "location.get", "camera.snap"], &["location.get"]);
        check_permitted(&usual, Platform::Unknown, &["system.run", "system.notify"], &["system.notify"]);
        let own = CommandPolicy { allow: names(&["camera.snap", "foo.bar"]), deny: names(&["system.run"]) };
        check_permitted(&own, Platform::Linux, &["system.run", "foo.bar", "camera.snap"], &["foo.bar", "camera.snap"]);
        let both = CommandPolicy { allow: names(&["system.run"]), deny: names(&["system.run"]) };
        check_permitted(&both, Platform::Linux, &["system.run"], &[]);
    }

    #[test]
    fn push_to_talk_is_for_those_who_can_talk() {
        let usual = CommandPolicy::default();
        let talks = |caps: &[&str]| Surface { caps: names(caps), ..surface(&["talk.ptt.start"]) };
        assert_eq!(usual.permitted(Platform::Ios, &talks(&["talk"])).commands.len(), 1);
        assert_eq!(usual.permitted(Platform::Ios, &talks(&[])).commands.len(), 0);
        assert_eq!(usual.permitted(Platform::Linux, &talks(&["talk"])).commands.len(), 0);
    }

    #[track_caller]
    fn check(command: &str, was_approved: Option<&[&str]>, offers: Option<&[&str]>, expected: &str) {
        let (approved, declared) = (was_approved.map(approved), offers.map(surface));
        let facts = InvokeFacts {
            command,
            platform: Platform::Linux,
            approved: approved.as_ref(),
            declared: declared.as_ref(),
        };
        let policy = CommandPolicy { allow: names(&["foo.bar"]), deny: names(&["system.notify"]) };
        let said = may_invoke(facts, &policy).err().map(|refusal| protocol::Refusal::Node(refusal).message());
        assert_eq!(said.as_deref().unwrap_or("yes"), expected);
    }

    #[test]
    fn only_what_is_listed_declared_and_approved_is_invoked() {
        let which: &[&str] = &["system.which"];
        check("system.which", Some(which), Some(which), "yes");
        check("system.which", None, Some(which), "node pairing changed while invocation was active");
        check("system.which", Some(which), None, "node not connected");
        check("system.which", Some(which), Some(&[]), "node command not allowed: the node offers no commands");
        check(
            "system.which",
            Some(which),
            Some(&["foo.bar"]),
            "node command not allowed: the node does not offer \"system.which\"",
        );
        check(
            "system.run",
            Some(which),
            Some(&["system.run", "system.which"]),
            "node command not allowed: \"system.run\" is not in the allowlist for platform \"linux\"",
        );
        check("foo.bar", Some(which), Some(&["foo.bar"]), "node pairing changed while invocation was active");
        check(
            "system.notify",
            Some(&["system.notify"]),
            Some(&["system.notify"]),
            "node command not allowed: \"system.notify\" is not in the allowlist for platform \"linux\"",
        );
        check(
            "camera.snap",
            Some(which),
            Some(which),
            "node command not allowed: \"camera.snap\" requires explicit gateway.nodes.commands.allow opt-in",
        );
        check(
            "system.execApprovals.set",
            Some(&["system.execApprovals.set"]),
            Some(&["system.execApprovals.set"]),
            "node command not allowed: \"system.execApprovals.set\" is not for invoking",
        );
    }

    #[test]
    fn what_is_effective_is_declared_permitted_and_approved() {
        let declared = surface(&["system.which", "system.run", "foo.bar"]);
        let policy = CommandPolicy { allow: names(&["foo.bar"]), deny: Vec::new() };
        let approved = approved(&["foo.bar", "system.which", "gone"]);
        let effective = |approved| effective(&policy, Platform::Linux, &declared, approved).commands;
        assert_eq!(effective(Some(&approved)), names(&["system.which", "foo.bar"]));
        assert_eq!(effective(None), Vec::<String>::new());
    }
}
