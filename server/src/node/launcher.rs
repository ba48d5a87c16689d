//! Programs whose arguments are programs. Allowing such a program allows everything, so no pattern that
//! was meant for others may let one through.

/// Shells, and programs that run what they are given.
const LAUNCHERS: [&str; 71] = [
    "ash",
    "awk",
    "bash",
    "bun",
    "busybox",
    "bwrap",
    "chroot",
    "csh",
    "dash",
    "deno",
    "doas",
    "docker",
    "elvish",
    "env",
    "expect",
    "find",
    "fish",
    "flock",
    "gawk",
    "gdb",
    "git-shell",
    "ionice",
    "java",
    "ksh",
    "lua",
    "luajit",
    "make",
    "mawk",
    "mksh",
    "nawk",
    "nice",
    "node",
    "nodejs",
    "nohup",
    "nsenter",
    "nu",
    "osascript",
    "parallel",
    "perl",
    "php",
    "podman",
    "pwsh",
    "pypy",
    "python",
    "rscript",
    "ruby",
    "runuser",
    "screen",
    "script",
    "setpriv",
    "setsid",
    "sh",
    "ssh",
    "stdbuf",
    "strace",
    "su",
    "sudo",
    "systemd-run",
    "taskset",
    "tclsh",
    "tcsh",
    "time",
    "timeout",
    "tmux",
    "toybox",
    "unshare",
    "watch",
    "wish",
    "xargs",
    "xonsh",
    "zsh",
];

/// Whether a program, named by its path or by what it was called, runs others. Versions in a name do not
/// disguise it: `python3.12` is `python`.
pub fn is_launcher(name: &str) -> bool {
    let base = name.rsplit('/').next().unwrap_or(name).to_ascii_lowercase();
    let plain = base.trim_end_matches(|c: char| c.is_ascii_digit() || c == '.' || c == '-');
    [base.as_str(), plain].iter().any(|name| LAUNCHERS.contains(name))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shells_wrappers_and_interpreters_are_known_by_any_name() {
        for name in ["sh", "/bin/bash", "/usr/bin/env", "xargs", "python3.12", "/usr/bin/perl5.36", "Node", "lua5.4"] {
            assert!(is_launcher(name), "{name}");
        }
        for name in ["ls", "/usr/bin/uname", "shred", "pythonic", "", "/", "envsubst"] {
            assert!(!is_launcher(name), "{name}");
        }
    }
}
