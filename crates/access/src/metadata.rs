//! When a device that proves its old key has become something else (wire.md §6.2, metadata pinning).
//!
//! An update of an operating system must not throw its devices out; a phone's key on a server must.

use protocol::device::plain;
use protocol::handshake::Client;

/// Platform and device family as they are stored and compared. Node hosts name their platform as their
/// runtime does, and often no family; they are given the names that everybody else uses (wire.md §6.2).
pub fn described(client: &Client) -> (String, Option<String>) {
    let (platform, family) = (client.platform.clone(), client.device_family.clone());
    if client.id != "node-host" {
        return (platform, family);
    }
    let (platform, usual_family) = match plain(&platform).as_str() {
        "linux" => ("linux".to_owned(), Some("Linux")),
        "darwin" | "macos" => ("macos".to_owned(), Some("Mac")),
        "win32" | "windows" => ("windows".to_owned(), Some("Windows")),
        _ => (platform, None),
    };
    (platform, family.or(usual_family.map(str::to_owned)))
}

/// Whether what was stored and what is claimed now describe the same kind of device. Fields that were
/// never stored pin nothing.
pub fn is_same_kind(stored_platform: &str, stored_family: &str, platform: &str, family: &str) -> bool {
    same_platform(stored_platform, platform) && same_family(stored_family, family)
}

fn same_platform(stored: &str, claimed: &str) -> bool {
    let stored = platform_family(stored);
    stored.is_empty() || stored == platform_family(claimed)
}

/// The platform without its version, under the name that all spellings share.
fn platform_family(platform: &str) -> String {
    let platform = plain(platform);
    let (name, rest) = platform.split_once(' ').unwrap_or((&platform, ""));
    let is_versioned = rest.is_empty() || rest.starts_with(|c: char| c.is_ascii_digit());
    match name {
        "darwin" | "macos" if is_versioned => "macos".to_owned(),
        "win32" | "windows" if is_versioned => "windows".to_owned(),
        "ios" | "ipados" if is_versioned => "ios".to_owned(),
        "android" | "watchos" if is_versioned => name.to_owned(),
        _ => platform,
    }
}

fn same_family(stored: &str, claimed: &str) -> bool {
    let (stored, claimed) = (plain(stored), plain(claimed));
    stored.is_empty() || stored == claimed
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(stored: (&str, &str), claimed: (&str, &str), expected: bool) {
        assert_eq!(is_same_kind(stored.0, stored.1, claimed.0, claimed.1), expected, "{stored:?} {claimed:?}");
    }

    #[test]
    fn node_hosts_are_described_as_everybody_else() {
        let client =
            |id: &str, platform: &str| Client { id: id.to_owned(), platform: platform.to_owned(), ..Client::default() };
        let described = |id, platform| described(&client(id, platform));
        assert_eq!(described("node-host", "darwin"), ("macos".to_owned(), Some("Mac".to_owned())));
        assert_eq!(described("node-host", "linux"), ("linux".to_owned(), Some("Linux".to_owned())));
        assert_eq!(described("node-host", "plan9"), ("plan9".to_owned(), None));
        assert_eq!(described("cli", "linux"), ("linux".to_owned(), None));
    }

    #[test]
    fn a_new_version_is_the_same_device_and_a_new_platform_is_not() {
        check(("linux", ""), ("Linux ", ""), true);
        check(("linux", ""), ("darwin", ""), false);
        check(("macOS 26.3.1", "Mac"), ("macOS 26.4.0", "mac"), true);
        check(("darwin", ""), ("macos", ""), true);
        check(("win32", ""), ("windows", ""), true);
        check(("iOS 18.2", "iPhone"), ("iPadOS 18.3", "iPhone"), true);
        check(("android 15", "Android"), ("android 16 (sdk 36)", "Android"), true);
        check(("iOS 18.2", "iPhone"), ("iOS 18.2", "iPad"), false);
        check(("", ""), ("anything", "at all"), true);
    }
}
