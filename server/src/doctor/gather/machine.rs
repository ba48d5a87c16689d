//! What kind of machine this is.

use std::path::Path;

use crate::config::Environment;
use crate::doctor::facts::Machine;

pub fn look(env: &Environment) -> Machine {
    let version = std::fs::read_to_string("/proc/sys/kernel/osrelease").unwrap_or_default();
    Machine { container: container(env), is_wsl: is_wsl(&version) }
}

/// By what one sees that this is a container; `None` elsewhere.
pub fn container(env: &Environment) -> Option<String> {
    let marks = ["/.dockerenv", "/run/.containerenv"];
    let mark = marks.iter().find(|mark| Path::new(mark).exists()).map(|mark| (*mark).to_owned());
    // What systemd and podman set for everything in a container.
    let variable = || env.get("container").map(|kind| format!("container={kind}"));
    mark.or_else(variable).or_else(|| {
        let groups = std::fs::read_to_string("/proc/1/cgroup").unwrap_or_default();
        of_groups(&groups).map(|group| format!("/proc/1/cgroup: {group}"))
    })
}

/// The line that names a container's runtime.
fn of_groups(groups: &str) -> Option<&str> {
    const RUNTIMES: [&str; 5] = ["docker", "kubepods", "containerd", "libpod", "lxc"];
    groups.lines().find(|line| RUNTIMES.iter().any(|runtime| line.contains(runtime)))
}

/// Kernels of the Windows Subsystem for Linux say so in their release.
fn is_wsl(release: &str) -> bool {
    release.to_ascii_lowercase().contains("microsoft")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn containers_and_wsl_are_known_by_what_the_kernel_says() {
        assert_eq!(of_groups("0::/\n"), None);
        assert_eq!(of_groups("2:cpu:/\n1:name=systemd:/docker/3a\n"), Some("1:name=systemd:/docker/3a"));
        assert!(is_wsl("5.15.167.4-microsoft-standard-WSL2\n") && !is_wsl("6.12.38+deb13-amd64\n"));
    }
}
