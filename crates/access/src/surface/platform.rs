//! The kinds of machine, and the commands that each may offer (wire.md §9.4).

use protocol::handshake::Client;

use crate::metadata;

/// The kinds of machine that have a list of commands of their own.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Platform {
    Linux,
    MacOs,
    Windows,
    Ios,
    Android,
    WatchOs,
    Unknown,
}

/// Commands of every desktop.
const DESKTOP: [&str; 15] = [
    "system.run.prepare",
    "system.run",
    "system.which",
    "system.execApprovals.get",
    "system.execApprovals.set",
    "fs.listDir",
    "terminal.upload",
    "system.notify",
    "browser.proxy",
    "browser.proxy.upload.v1",
    "mcp.tools.call.v1",
    "agent.cli.claude.run.v1",
    "screen.snapshot",
    "desktop.stream",
    "computer.act",
];

const DEVICE: [&str; 2] = ["device.info", "device.status"];

const MAC: [&str; 10] = [
    "camera.list",
    "camera.ptz.status",
    "location.get",
    "device.apps",
    "contacts.search",
    "calendar.events",
    "reminders.list",
    "photos.latest",
    "motion.activity",
    "motion.pedometer",
];

const IOS: [&str; 12] = [
    "camera.list",
    "location.get",
    "device.info",
    "device.status",
    "contacts.search",
    "calendar.events",
    "reminders.list",
    "photos.latest",
    "motion.activity",
    "motion.pedometer",
    "system.notify",
    "watch.status",
];

const ANDROID: [&str; 19] = [
    "camera.list",
    "location.get",
    "notifications.list",
    "notifications.actions",
    "system.notify",
    "device.info",
    "device.status",
    "device.permissions",
    "device.health",
    "device.apps",
    "contacts.search",
    "calendar.events",
    "callLog.search",
    "reminders.list",
    "photos.latest",
    "motion.activity",
    "motion.pedometer",
    "mobile.ui.observe",
    "mobile.ui.act",
];

const UNKNOWN: [&str; 3] = ["camera.list", "location.get", "system.notify"];

/// Push to talk, for nodes with the cap `talk` that people carry or sit at.
const TALK: [&str; 4] = ["talk.ptt.start", "talk.ptt.stop", "talk.ptt.cancel", "talk.ptt.once"];

impl Platform {
    /// What a client says that it runs on, by the names that are stored.
    pub fn of_client(client: &Client) -> Self {
        let (platform, family) = metadata::described(client);
        Self::of(&platform, family.as_deref())
    }

    /// Reads what a client says of itself (wire.md §9.4). The family must agree with the platform.
    pub fn of(platform: &str, family: Option<&str>) -> Self {
        let platform = platform.trim().to_ascii_lowercase();
        let family = family.unwrap_or_default().trim().to_ascii_lowercase();
        if platform.is_empty() {
            return Self::of_family(&family);
        }
        let (name, version) = platform.split_once(' ').unwrap_or((&platform, ""));
        let is_versioned = version.starts_with(|c: char| c.is_ascii_digit());
        if !version.is_empty() && !is_versioned {
            return Self::Unknown;
        }
        let (kind, families): (Self, &[&str]) = match (name, is_versioned) {
            ("ios", false) => (Self::Ios, &["", "iphone", "ipad", "ios"]),
            ("ios" | "ipados", true) => (Self::Ios, &["iphone", "ipad", "ios"]),
            ("watchos", _) => (Self::WatchOs, &["apple watch", "watchos"]),
            ("android", false) => (Self::Android, &["", "android"]),
            ("android", true) => (Self::Android, &["android"]),
            ("macos", _) => (Self::MacOs, &["mac"]),
            ("windows", false) => (Self::Windows, &["windows"]),
            ("linux", false) => (Self::Linux, &["linux"]),
            _ => return Self::Unknown,
        };
        if families.contains(&family.as_str()) { kind } else { Self::Unknown }
    }

    fn of_family(family: &str) -> Self {
        match family {
            "iphone" | "ipad" | "ios" => Self::Ios,
            "apple watch" | "watchos" => Self::WatchOs,
            "android" => Self::Android,
            "mac" => Self::MacOs,
            "windows" => Self::Windows,
            "linux" => Self::Linux,
            _ => Self::Unknown,
        }
    }

    pub fn as_str(self) -> &'static str {
        match self {
            Self::Linux => "linux",
            Self::MacOs => "macos",
            Self::Windows => "windows",
            Self::Ios => "ios",
            Self::Android => "android",
            Self::WatchOs => "watchos",
            Self::Unknown => "unknown",
        }
    }

    /// Whether machines of this kind may offer the command. `has_talk` is whether this one has the cap `talk`.
    pub(super) fn lists(self, command: &str, has_talk: bool) -> bool {
        let in_any = |lists: &[&[&str]]| lists.iter().any(|list| list.contains(&command));
        let can_talk = has_talk && matches!(self, Self::MacOs | Self::Ios | Self::Android | Self::WatchOs);
        let listed = match self {
            // The reference has no `device.info` here; our node host describes a Linux machine like any other.
            Self::Linux => in_any(&[&DESKTOP, &["device.info"]]),
            Self::MacOs => in_any(&[&DESKTOP, &DEVICE, &MAC]),
            Self::Windows => in_any(&[&DESKTOP, &DEVICE, &["camera.list", "location.get"]]),
            Self::Ios => in_any(&[&IOS, &["watch.notify"]]),
            Self::Android => in_any(&[&ANDROID]),
            Self::WatchOs => in_any(&[&DEVICE, &["system.notify"]]),
            Self::Unknown => in_any(&[&UNKNOWN]),
        };
        listed || (can_talk && TALK.contains(&command))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check_platform(platform: &str, family: Option<&str>, expected: Platform) {
        assert_eq!(Platform::of(platform, family), expected, "{platform} {family:?}");
    }

    #[test]
    fn the_platform_is_read_from_platform_and_family_together() {
        check_platform("linux", Some("Linux"), Platform::Linux);
        check_platform(" Linux ", Some("linux"), Platform::Linux);
        check_platform("linux", Some("Mac"), Platform::Unknown);
        check_platform("linux", None, Platform::Unknown);
        check_platform("macOS 26.4", Some("Mac"), Platform::MacOs);
        check_platform("windows", Some("Windows"), Platform::Windows);
        check_platform("iOS 18.4.0", Some("iPhone"), Platform::Ios);
        check_platform("iPadOS 18.4", Some("iPad"), Platform::Ios);
        check_platform("ios", None, Platform::Ios);
        check_platform("ios 18", None, Platform::Unknown);
        check_platform("Android 16 (sdk 36)", Some("Android"), Platform::Android);
        check_platform("watchOS 11", Some("Apple Watch"), Platform::WatchOs);
        check_platform("", Some("iPhone"), Platform::Ios);
        check_platform("linux server", Some("linux"), Platform::Unknown);
        check_platform("plan9", Some("plan9"), Platform::Unknown);
    }
}
