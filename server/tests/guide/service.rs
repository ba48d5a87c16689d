//! Fixes 2, 7 and 8: files of root after an update, another token, a gateway that is gone. A gateway that runs as
//! a service of its user.

use std::os::unix::fs::{PermissionsExt, chown};
use std::os::unix::process::CommandExt;
use std::path::PathBuf;
use std::process::Command;

use super::Phone;
use crate::doctor::state;
use crate::gateway::Done;
use crate::root::{ADA, AdasHome};

/// Stands in for systemd where there is none, as in containers: it starts and ends what the installed unit says.
const SYSTEMCTL: &str = r#"#!/bin/sh
[ "$1" = --user ] && shift
verb=$1
unit=$HOME/.config/systemd/user/openclaw-gateway.service
pid=$HOME/service.pid log=$HOME/service.log
running() { p=$(cat "$pid" 2>/dev/null) && [ -r "/proc/$p/status" ] && ! grep -q '^State:.Z' "/proc/$p/status"; }
stop() { running && kill "$p"; while running; do sleep 0.02; done; }
start() {
  running && return 0
  environment=$(sed -n 's/^Environment=//p' "$unit" | tr '\n' ' ')
  : >"$log" # What the run before has said is not said again.
  eval "exec setsid env $environment $(sed -n 's/^ExecStart=//p' "$unit")" >"$log" 2>&1 </dev/null &
  echo $! >"$pid"
  while running && ! grep -q 'The gateway runs on' "$log"; do sleep 0.02; done
  running
}
case $verb in
  start) start ;;
  stop) stop ;;
  restart) stop; start ;;
  show) if running; then echo "ActiveState=active
SubState=running
MainPID=$p"; else echo "ActiveState=inactive
SubState=dead"; fi; echo Version=257 ;;
  daemon-reload | enable | disable | reset-failed) ;;
  *) exit 1 ;;
esac
"#;

/// Ada's machine: her gateway is a service. It ends with the test.
pub struct Machine {
    pub ada: AdasHome,
    port: u16,
}

impl Machine {
    /// A gateway that was installed, and runs. `settings` go into `gateway: {…}`.
    pub fn new(settings: impl FnOnce(u16) -> String) -> Self {
        let ada = AdasHome::new();
        let free = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        let port = free.local_addr().unwrap().port();
        drop(free);
        let machine = Self { ada, port };
        let home = machine.ada.path();
        let program = home.join("openclaw");
        let unit = format!(
            "[Service]\nExecStart={} gateway run\nEnvironment=HOME={}\n\n[Install]\nWantedBy=default.target\n",
            program.display(),
            home.display()
        );
        machine.write(".config/systemd/user/openclaw-gateway.service", &unit);
        machine.write("systemctl", SYSTEMCTL);
        std::fs::set_permissions(home.join("systemctl"), std::fs::Permissions::from_mode(0o755)).unwrap();
        let text = format!("{{ gateway: {{ port: {port}, auth: {{ token: 'right' }}, {} }} }}", settings(port));
        machine.write(".openclaw/openclaw.json", &text);
        std::fs::set_permissions(state(home).join("openclaw.json"), std::fs::Permissions::from_mode(0o600)).unwrap();
        std::fs::set_permissions(state(home), std::fs::Permissions::from_mode(0o700)).unwrap();
        machine.guide("systemctl --user start openclaw-gateway.service");
        machine
    }

    /// A file of Ada's.
    pub fn write(&self, path: &str, text: &str) {
        let home = self.ada.path();
        let path = PathBuf::from(path);
        let folders: Vec<_> = path.ancestors().skip(1).filter(|folder| !folder.as_os_str().is_empty()).collect();
        for folder in folders.into_iter().rev() {
            let folder = home.join(folder);
            std::fs::create_dir_all(&folder).unwrap();
            chown(&folder, Some(ADA), Some(ADA)).unwrap();
        }
        std::fs::write(home.join(&path), text).unwrap();
        chown(home.join(&path), Some(ADA), Some(ADA)).unwrap();
    }

    pub fn url(&self) -> String {
        format!("ws://127.0.0.1:{}", self.port)
    }

    /// One line of the guide, as Ada types it. `sudo` makes her root for that line.
    pub fn type_line(&self, line: &str) -> Done {
        let (line, uid) = line.strip_prefix("sudo ").map_or((line, ADA), |line| (line, 0));
        let home = self.ada.path();
        let path = format!("{}:/usr/bin:/bin", home.display());
        let mut command = Command::new("timeout");
        command
            .args(["60", "/bin/sh", "-c", line])
            .env_clear()
            .env("HOME", home)
            .env("PATH", path)
            .env("USER", ADA.to_string());
        command.uid(uid).gid(uid);
        let output = command.stdin(std::process::Stdio::null()).current_dir(home).output().unwrap();
        let text = |bytes| String::from_utf8(bytes).unwrap();
        Done { code: output.status.code().unwrap(), stdout: text(output.stdout), stderr: text(output.stderr) }
    }

    /// Lines of the guide that have to work.
    #[track_caller]
    pub fn guide(&self, lines: &str) -> String {
        let typed = lines.lines().map(str::trim).filter(|line| !line.is_empty() && !line.starts_with('#'));
        typed.map(|line| self.type_line(line).ok()).collect()
    }

    pub async fn let_in(&self, phone: &Phone) {
        let approve = async |request: &str| {
            assert!(self.guide("openclaw devices list").contains(request));
            self.guide(&format!("openclaw devices approve {request}"));
        };
        phone.is_let_in(&self.url(), approve).await;
    }

    /// Ends the gateway as a crash does.
    fn crash(&self) {
        self.guide(
            "kill -9 $(cat service.pid)\nwhile grep -qs '^State:.[^Z]' /proc/$(cat service.pid)/status; do :; done",
        );
    }
}

impl Drop for Machine {
    fn drop(&mut self) {
        self.type_line("systemctl --user stop openclaw-gateway.service");
    }
}

fn nothing(_port: u16) -> String {
    String::new()
}

#[tokio::test(flavor = "multi_thread")]
async fn fix_2_files_of_root_and_an_old_identity_after_an_update_with_sudo() {
    let machine = Machine::new(nothing);
    let phone = Phone(1);
    machine.let_in(&phone).await;
    machine.write(".openclaw/identity/device.json", "{}");
    machine.write(".openclaw/devices/paired.json", "{}");
    machine.guide(
        "systemctl --user stop openclaw-gateway.service\nsudo chown -R 0:0 ~/.openclaw/state ~/.openclaw/identity",
    );
    machine.type_line("systemctl --user start openclaw-gateway.service").refused();
    let refused = machine.type_line("openclaw devices list").refused();
    assert!(refused.stderr.contains(&format!("sudo chown -R {ADA}:{ADA} ")), "{}", refused.stderr);

    machine.guide(
        "sudo chown -R $USER:$USER ~/.openclaw
         systemctl --user stop openclaw-gateway.service
         rm -rf ~/.openclaw/devices/
         rm -rf ~/.openclaw/identity/
         openclaw gateway install --force
         systemctl --user daemon-reload
         systemctl --user start openclaw-gateway.service
         openclaw devices list",
    );
    // What the guide clears is not where pairings are: nobody has to ask again.
    phone.is_known(&machine.url()).await;
    machine.let_in(&Phone(2)).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn fix_7_another_token_than_the_gateway_accepts() {
    let remote = |token: &str, port: u16| {
        format!("mode: 'remote', remote: {{ url: 'ws://127.0.0.1:{port}', token: '{token}' }}")
    };
    let machine = Machine::new(|port| remote("wrong", port));
    let refused = machine.type_line("openclaw devices list").refused();
    assert!(refused.stderr.contains("token mismatch"), "{}", refused.stderr);
    let found = machine.type_line("openclaw doctor").refused();
    assert!(found.stdout.contains("gateway.remote.token does not match gateway.auth.token."), "{}", found.stdout);

    let settings = state(machine.ada.path()).join("openclaw.json");
    let text = std::fs::read_to_string(&settings).unwrap();
    std::fs::write(&settings, text.replace("'wrong'", "'right'")).unwrap();
    machine.guide("systemctl --user restart openclaw-gateway.service");
    assert!(machine.guide("openclaw devices list").contains("Paired (1)"));
}

#[tokio::test(flavor = "multi_thread")]
async fn fix_8_a_gateway_that_is_gone() {
    let machine = Machine::new(nothing);
    let phone = Phone(1);
    machine.let_in(&phone).await;
    for restart in ["systemctl --user restart openclaw-gateway.service", "openclaw gateway restart"] {
        machine.crash();
        let told = machine.type_line("openclaw status").refused();
        assert!(told.stderr.contains("The gateway is not running."), "{}", told.stderr);
        machine.guide(restart);
        phone.is_known(&machine.url()).await;
    }
}
