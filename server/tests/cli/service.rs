//! The gateway as a service, with a `systemctl` that does what systemd does and writes down what it was asked.

use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

use serde_json::Value;
use tempfile::TempDir;

use super::gateway::{Done, Gateway, command};

/// Starts and stops what a unit names, as the user's systemd does.
const SYSTEMCTL: &str = r#"#!/bin/sh
echo "$*" >> "$HOME/asked"
shift
unit=$2
file="$HOME/.config/systemd/user/$unit"
pidfile="$HOME/$unit.pid"
lives() { [ -e "$pidfile" ] && grep -q '^State:.[^Z]' "/proc/$(cat "$pidfile")/status" 2>/dev/null; }
case $1 in
show)
    if [ "$unit" = --property=Version ]; then
        [ ! -e "$HOME/no-bus" ] || { echo "Failed to connect to bus: No medium found" >&2; exit 1; }
        echo Version=255
    elif lives; then
        printf 'ActiveState=active\nSubState=running\nMainPID=%s\nResult=success\n' "$(cat "$pidfile")"
    elif [ -e "$HOME/fails" ]; then
        printf 'ActiveState=failed\nSubState=failed\nMainPID=0\nResult=exit-code\n'
    else
        printf 'ActiveState=inactive\nSubState=dead\nMainPID=0\nResult=success\n'
    fi ;;
start)
    [ ! -e "$HOME/fails" ] || exit 0
    env -i HOME="$HOME" PATH="$PATH" $(sed -n 's/^Environment=//p' "$file") \
        $(sed -n 's/^ExecStart=//p' "$file") </dev/null >/dev/null 2>&1 &
    echo $! > "$pidfile" ;;
stop)
    if lives; then kill "$(cat "$pidfile")"; while lives; do sleep 0.02; done; fi ;;
restart)
    "$0" --user stop "$unit" && "$0" --user start "$unit" ;;
disable)
    unit=$3; "$0" --user stop "$unit" ;;
esac
"#;

/// A user with a systemd, and with the program on the PATH.
struct Machine {
    home: TempDir,
    port: String,
}

impl Machine {
    fn new() -> Self {
        let home = tempfile::tempdir().unwrap();
        let bin = home.path().join("bin");
        std::fs::create_dir(&bin).unwrap();
        let systemctl = bin.join("systemctl");
        std::fs::write(&systemctl, SYSTEMCTL).unwrap();
        std::fs::set_permissions(&systemctl, std::fs::Permissions::from_mode(0o755)).unwrap();
        std::os::unix::fs::symlink(env!("CARGO_BIN_EXE_openclaw"), bin.join("openclaw")).unwrap();
        let port = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port().to_string();
        Self { home, port }
    }

    fn run_with(&self, line: &[&str], env: &[(&str, &str)]) -> Done {
        let path = format!("{}:/usr/bin:/bin", self.home.path().join("bin").display());
        let mut command = command(self.home.path(), line);
        let output = command.env("PATH", path).env("USER", "nobody-here").envs(env.iter().copied()).output().unwrap();
        Done {
            code: output.status.code().unwrap(),
            stdout: String::from_utf8(output.stdout).unwrap(),
            stderr: String::from_utf8(output.stderr).unwrap(),
        }
    }

    fn run(&self, line: &[&str]) -> Done {
        self.run_with(line, &[])
    }

    fn install(&self, more: &[&str]) -> Done {
        self.run(&[&["gateway", "install", "--port", &self.port], more].concat())
    }

    fn file(&self, unit: &str) -> PathBuf {
        self.home.path().join(".config/systemd/user").join(unit)
    }

    fn unit(&self) -> String {
        std::fs::read_to_string(self.file("openclaw-gateway.service")).unwrap()
    }

    fn write_unit(&self, text: &str) {
        let file = self.file("openclaw-gateway.service");
        std::fs::create_dir_all(file.parent().unwrap()).unwrap();
        std::fs::write(file, text).unwrap();
    }

    fn mark(&self, name: &str) {
        std::fs::write(self.home.path().join(name), "").unwrap();
    }

    fn asked(&self) -> String {
        std::fs::read_to_string(self.home.path().join("asked")).unwrap_or_default()
    }

    fn status(&self) -> Value {
        let done = self.run(&["gateway", "status", "--json"]);
        serde_json::from_str(&done.stdout).unwrap()
    }
}

impl Drop for Machine {
    fn drop(&mut self) {
        for unit in ["openclaw-gateway.service", "openclaw-gateway-work.service"] {
            if self.home.path().join(format!("{unit}.pid")).exists() {
                let stop = self.home.path().join("bin/systemctl");
                let _ = std::process::Command::new(stop)
                    .args(["--user", "stop", unit])
                    .env("HOME", self.home.path())
                    .status();
            }
        }
    }
}

#[track_caller]
fn has(text: &str, expected: &[&str]) {
    for words in expected {
        assert!(text.contains(words), "{words}: {text}");
    }
}

#[test]
fn a_service_is_installed_restarted_stopped_started_and_removed() {
    let machine = Machine::new();
    let installed =
        machine.run_with(&["gateway", "install", "--port", &machine.port], &[("OPENCLAW_GATEWAY_TOKEN", "canary")]);
    has(&installed.stderr, &["does not see OPENCLAW_GATEWAY_TOKEN", "gateway.env", "loginctl enable-linger"]);
    has(&installed.ok(), &["Installed the service openclaw-gateway.service; its gateway runs"]);
    let start =
        format!("ExecStart={}/bin/openclaw gateway run --port {}\n", machine.home.path().display(), machine.port);
    has(&machine.unit(), &[&start, "Restart=on-failure", "RestartSec=10", "StartLimitBurst="]);
    assert!(!machine.unit().contains("canary"));
    has(&machine.asked(), &["--user daemon-reload\n", "--user enable openclaw-gateway.service\n"]);

    let before = machine.status();
    assert_eq!((&before["running"], &before["service"]["state"]), (&true.into(), &"running".into()));
    assert_eq!(before["pid"], before["service"]["pid"]);
    assert_eq!(before["url"], format!("http://127.0.0.1:{}", machine.port));
    has(&machine.install(&[]).ok(), &["is installed already"]);
    has(&machine.run(&["gateway", "start"]).ok(), &["runs already, in process"]);

    has(&machine.run(&["gateway", "restart"]).ok(), &["Restarted the service"]);
    let after = machine.status();
    assert_ne!(before["pid"], after["pid"]);

    has(&machine.run(&["gateway", "stop"]).ok(), &["Stopped the service openclaw-gateway.service"]);
    let stopped = machine.run(&["gateway", "status"]).refused();
    has(&stopped.stdout, &["Service  openclaw-gateway.service: stopped"]);
    has(&stopped.stderr, &["hint: start its service with `openclaw gateway start`"]);
    machine.run(&["gateway", "start"]).ok();
    machine.run(&["health"]).ok();

    let gone = machine.run(&["gateway", "uninstall", "--json"]).json();
    assert_eq!((&gone["ok"], &gone["action"]), (&true.into(), &"uninstall".into()));
    assert!(!machine.file("openclaw-gateway.service").exists());
    assert!(machine.home.path().join(".openclaw/openclaw.json").exists());
    has(&machine.run(&["gateway", "start"]).refused().stderr, &["is not installed", "openclaw gateway install"]);
}

#[test]
fn where_services_cannot_be_had_it_says_so_and_writes_nothing() {
    let machine = Machine::new();
    machine.mark("no-bus");
    let refused = machine.install(&["--force"]).refused();
    has(
        &refused.stderr,
        &["No medium found", "systemd of this user cannot be reached", "openclaw gateway run", "docker"],
    );
    assert!(!machine.file("openclaw-gateway.service").exists());

    std::fs::remove_file(machine.home.path().join("bin/systemctl")).unwrap();
    let refused = machine.run_with(&["gateway", "install"], &[("PATH", "/nowhere")]).refused();
    has(&refused.stderr, &["no systemd on this machine", "openclaw gateway run"]);
}

#[test]
fn a_service_that_fails_is_told_with_where_to_look() {
    let machine = Machine::new();
    machine.mark("fails");
    let failed = machine.install(&[]).refused();
    has(&failed.stderr, &["has failed (exit-code)", "journalctl --user -u openclaw-gateway.service"]);
}

#[test]
fn a_service_of_an_older_program_is_noticed_and_replaced() {
    let machine = Machine::new();
    machine.write_unit("[Service]\nExecStart=/usr/bin/node /usr/lib/node_modules/openclaw/dist/gone.js gateway --port 18789\nEnvironment=OPENCLAW_GATEWAY_TOKEN=old-secret\n");
    let told = machine.run(&["gateway", "status"]).refused();
    has(&told.stdout, &["openclaw-gateway.service: stopped", "OPENCLAW_GATEWAY_TOKEN, which wins over"]);
    assert!(!told.stdout.contains("old-secret"));

    let refused = machine.install(&[]).refused();
    has(
        &refused.stderr,
        &["starts something else", "now:  /usr/bin/node", "new:  ", "openclaw gateway install --force"],
    );
    let replaced = machine.install(&["--force"]);
    has(&replaced.stderr, &["held OPENCLAW_GATEWAY_TOKEN", "openclaw-gateway.replaced"]);
    replaced.ok();
    assert!(!machine.unit().contains("old-secret"));
    let kept = machine.file("openclaw-gateway.replaced");
    assert_eq!(std::fs::metadata(&kept).unwrap().permissions().mode() & 0o777, 0o600);
    assert!(std::fs::read_to_string(kept).unwrap().contains("old-secret"));

    // The program moves; the service still starts the old place.
    let moved = machine.unit().replace("/bin/openclaw", "/bin/openclaw-0.0.1");
    machine.write_unit(&moved);
    let told = machine.run(&["gateway", "status"]);
    has(&told.stdout, &["running", "/bin/openclaw-0.0.1, which is not there"]);
    has(&told.stderr, &["openclaw gateway install --force"]);
    let refused = machine.install(&[]).refused();
    has(&refused.stderr, &["starts something else", "now:  "]);
    machine.install(&["--force"]).ok();
    assert!(!machine.unit().contains("openclaw-0.0.1"));
}

#[test]
fn each_profile_has_a_service_of_its_own_and_no_other_is_touched() {
    let machine = Machine::new();
    machine.run(&["--profile", "work", "gateway", "install", "--port", &machine.port]).ok();
    let work = std::fs::read_to_string(machine.file("openclaw-gateway-work.service")).unwrap();
    has(&work, &["openclaw --profile work gateway run --port ", "Environment=OPENCLAW_PROFILE=work\n"]);
    assert!(!machine.file("openclaw-gateway.service").exists());
    has(&machine.run(&["gateway", "stop"]).ok(), &["was not running"]);
    let status = machine.run(&["gateway", "status", "--profile", "work", "--json"]).json();
    assert_eq!(
        (&status["running"], &status["service"]["name"]),
        (&true.into(), &"openclaw-gateway-work.service".into())
    );

    let elsewhere = [("OPENCLAW_STATE_DIR", "/elsewhere"), ("OPENCLAW_PROFILE", "work")];
    for line in [
        &["gateway", "stop"][..],
        &["gateway", "restart"],
        &["gateway", "uninstall"],
        &["gateway", "install", "--force"],
    ] {
        let refused = machine.run_with(line, &elsewhere).refused();
        has(&refused.stderr, &["openclaw-gateway-work.service runs the gateway of", "not the one of /elsewhere"]);
    }
    machine.run(&["--profile", "work", "health"]).ok();
    has(&machine.run(&["--profile", "work", "gateway", "stop"]).ok(), &["Stopped the service openclaw-gateway-work"]);
}

#[test]
fn a_gateway_in_a_terminal_is_not_run_over_by_a_service() {
    let mut machine = Machine::new();
    let home = std::mem::replace(&mut machine.home, tempfile::tempdir().unwrap());
    let mut gateway = Gateway::start_with(home, &["gateway", "run", "--port", "0"], &[]);
    machine.home = std::mem::replace(&mut gateway.home, tempfile::tempdir().unwrap());
    let installed = machine.install(&[]).ok();
    has(&installed, &["not started yet", &format!("process {}", gateway.process.id()), "openclaw gateway stop"]);
    has(&machine.run(&["gateway", "start"]).refused().stderr, &["and not as the service", "openclaw gateway stop"]);
    machine.run(&["gateway", "stop"]).ok();
    assert!(gateway.process.wait().unwrap().success());
    machine.run(&["gateway", "start"]).ok();
    assert_eq!(machine.status()["service"]["state"], "running");
}

#[test]
fn the_path_in_the_unit_survives_an_update() {
    let machine = Machine::new();
    machine.install(&[]).ok();
    let link = machine.home.path().join("bin/openclaw");
    let version = machine.home.path().join("openclaw-2");
    std::fs::copy(env!("CARGO_BIN_EXE_openclaw"), &version).unwrap();
    std::fs::remove_file(&link).unwrap();
    std::os::unix::fs::symlink(&version, &link).unwrap();
    machine.run(&["gateway", "restart"]).ok();
    let pid = machine.status()["pid"].as_u64().unwrap();
    assert_eq!(std::fs::read_link(Path::new("/proc").join(pid.to_string()).join("exe")).unwrap(), version);
}

#[test]
fn the_doctor_starts_a_service_that_is_down_and_sees_the_secret_in_its_file() {
    let machine = Machine::new();
    machine.install(&[]).ok();
    machine.run(&["gateway", "stop"]).ok();
    let down = machine.run(&["doctor"]).refused();
    has(&down.stdout, &["the service openclaw-gateway.service is stopped", "fix: openclaw doctor --fix"]);
    let fixed = machine.run(&["doctor", "--fix"]).ok();
    has(&fixed, &["fixed    gateway-down: Started the service openclaw-gateway.service."]);
    assert_eq!(machine.status()["running"], true);

    let file = machine.home.path().join(".openclaw/gateway.env");
    std::fs::write(&file, "OPENCLAW_GATEWAY_TOKEN=another\n").unwrap();
    let drift = machine.run(&["doctor"]).refused().stdout;
    has(&drift, &["[token-drift]", &format!("OPENCLAW_GATEWAY_TOKEN in {} differs", file.display())]);
    assert!(!drift.contains("another\n") && !drift.contains("[service-unit]"), "{drift}");
    let fix = drift.split("fix: ").nth(1).unwrap().lines().next().unwrap().split(" && ").next().unwrap();
    assert!(std::process::Command::new("sh").args(["-c", fix]).status().unwrap().success());
    machine.run(&["doctor"]).ok();
}
