//! `openclaw status` and `openclaw gateway status`: is it running, where, who is in and who waits.

use std::process::ExitCode;

use client::Connection;
use protocol::Method;
use protocol::pairing::PairingList;
use protocol::role::{PAIRING, READ};
use serde::Serialize;
use serde_json::{Value, json};

use super::Outcome;
use super::args::StatusArgs;
use super::deep::{Deep, ServiceReport, status_of};
use super::output::{Failure, ago, data, duration, json as print_json, say, shown};
use super::target::{OpenError, Target};
use crate::config::{Config, Environment, Overrides, Paths, file};

/// How much a person wants to know.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Detail {
    Short,
    Full,
    /// As a stranger sees it, too.
    Deep,
}

/// What there is to know about a running gateway.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct Overview {
    running: bool,
    version: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pid: Option<u64>,
    uptime_ms: u64,
    #[serde(skip_serializing_if = "Option::is_none")]
    url: Option<String>,
    /// What `/healthz` answers; absent where nobody could ask.
    #[serde(skip_serializing_if = "Option::is_none")]
    healthy: Option<bool>,
    #[serde(skip_serializing_if = "Option::is_none")]
    bind: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    auth_mode: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    config_path: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    state_dir: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    log_path: Option<String>,
    devices: Counts,
    #[serde(skip_serializing_if = "Option::is_none")]
    service: Option<ServiceReport>,
    #[serde(skip_serializing_if = "Option::is_none")]
    deep: Option<Deep>,
    #[serde(skip)]
    waiting: Vec<String>,
    /// What prints the access token, where there is one and it can be read from here.
    #[serde(skip)]
    token_command: Option<String>,
}

#[derive(Debug, Clone, Copy, Serialize)]
struct Counts {
    paired: usize,
    connected: usize,
    pending: usize,
}

impl Counts {
    /// As our gateway counts them.
    fn told(own: &Value) -> Option<Self> {
        let number = |key: &str| own.get(key).and_then(Value::as_u64).and_then(|number| usize::try_from(number).ok());
        Some(Self { paired: number("paired")?, connected: number("connectedDevices")?, pending: number("pending")? })
    }

    fn of(list: &PairingList) -> Self {
        let connected = list.paired.iter().filter(|device| device.connected == Some(true)).count();
        Self { paired: list.paired.len(), connected, pending: list.pending.len() }
    }
}

pub async fn run(args: &StatusArgs, env: &Environment, detail: Detail) -> Outcome {
    let target = Target::new(&args.target, env)?;
    let mut connection = match target.open(&[READ, PAIRING]).await {
        Ok(connection) => connection,
        Err(OpenError::NotRunning) => return not_running(args, env, detail).await,
        Err(OpenError::Failed(failure)) => return Err(failure),
    };
    let mut overview = Overview::ask(&mut connection, &target).await?;
    connection.close().await;
    if detail != Detail::Short && !target.is_a_device() {
        overview.look_around(env, target.paths(), detail).await;
    }
    if args.format.json {
        print_json(&overview);
        return Ok(ExitCode::SUCCESS);
    }
    data(&match detail {
        Detail::Short => overview.short(),
        Detail::Full | Detail::Deep => overview.full(),
    });
    overview.say_what_to_do(&target);
    Ok(ExitCode::SUCCESS)
}

impl Overview {
    async fn ask(connection: &mut Connection, target: &Target) -> Result<Self, Failure> {
        let status = super::progress::asking(connection.call(Method::Status.name(), ())).await?;
        let own = status.get("gateway").cloned().unwrap_or_default();
        let devices = match Counts::told(&own) {
            Some(counts) => counts,
            None => Counts::of(&super::progress::asking(connection.ask(Method::DevicePairList, ())).await?),
        };
        // The list can be long; it is only needed for the names of those who wait.
        let waiting = if devices.pending == 0 {
            Vec::new()
        } else {
            let list: PairingList = super::progress::asking(connection.ask(Method::DevicePairList, ())).await?;
            let now = connection.opened_at_ms();
            list.pending.iter().map(|r| format!("{} ({})", shown(&r.shown_name()), ago(now, r.ts))).collect()
        };
        let (url, healthy) = match target.url() {
            Some(url) => (Some(url), None),
            None => match local_authority(&own) {
                Some(authority) => (Some(format!("http://{authority}")), Some(is_healthy(&authority).await)),
                None => (None, None),
            },
        };
        let hello = connection.hello();
        let snapshot = &hello.snapshot;
        let text = |key: &str| own.get(key).and_then(Value::as_str).map(str::to_owned);
        let auth_mode = snapshot.auth_mode.clone().or(text("authMode"));
        let has_token = auth_mode.as_deref() == Some("token") && !target.is_a_device();
        Ok(Self {
            running: true,
            version: hello.server.version.clone(),
            pid: own.get("pid").and_then(Value::as_u64),
            uptime_ms: snapshot.uptime_ms,
            url,
            healthy,
            bind: text("bind"),
            token_command: has_token.then(|| target.command("gateway auth-token --show")),
            auth_mode,
            config_path: snapshot.config_path.clone(),
            state_dir: snapshot.state_dir.clone(),
            log_path: (!target.is_a_device()).then(|| target.paths().log_file.display().to_string()),
            devices,
            service: None,
            deep: None,
            waiting,
        })
    }

    /// Finds out what the gateway itself cannot know.
    async fn look_around(&mut self, env: &Environment, paths: &Paths, detail: Detail) {
        self.service = ServiceReport::find(env, paths).await;
        let authority = self.url.as_deref().and_then(|url| url.strip_prefix("http://"));
        let port = authority.and_then(|authority| authority.rsplit_once(':')?.1.parse().ok());
        if let (Detail::Deep, Some(authority), Some(port)) = (detail, authority, port) {
            self.deep = Some(Deep::look(paths, authority, port).await);
        }
    }

    fn say_what_to_do(&self, target: &Target) {
        if !self.waiting.is_empty() {
            say(&format!("\nhint: look at them with `{}`, then approve", target.command("devices list")));
        }
        if self.version != crate::VERSION && !target.is_a_device() {
            let command = target.command("gateway restart");
            say(&format!("\nhint: this program is version {}; the gateway follows with `{command}`", crate::VERSION));
        }
        if self.service.as_ref().is_some_and(|service| !service.problems().is_empty()) {
            say(&format!("\nhint: make the service new with `{}`", target.command("gateway install --force")));
        }
    }

    fn place(&self) -> String {
        let at = self.url.as_deref().map(|url| format!(" at {}", shown(url))).unwrap_or_default();
        let ill = if self.healthy == Some(false) { ", but its port does not answer" } else { "" };
        format!("running{at}{ill}")
    }

    fn devices(&self) -> String {
        let Counts { paired, connected, pending } = self.devices;
        format!("{paired} paired, {connected} connected, {pending} waiting for approval")
    }

    fn short(&self) -> String {
        let mut lines = vec![
            format!(
                "Gateway  {}, version {}, up {}",
                self.place(),
                shown(&self.version),
                duration(self.uptime_ms / 1000)
            ),
            format!("Devices  {}", self.devices()),
        ];
        lines.extend(self.waiting_line().map(|names| format!("Waiting  {names}")));
        lines.join("\n")
    }

    fn full(&self) -> String {
        let process = self.pid.map(|pid| format!(", process {pid}"));
        let access = self.auth_mode.as_deref().map(|mode| match &self.token_command {
            Some(command) => format!("{mode}; `{command}` prints it"),
            None => shown(mode),
        });
        let mut lines = vec![
            format!("Gateway  {}", self.place()),
            format!("Version  {}", shown(&self.version)),
            format!("Uptime   {}{}", duration(self.uptime_ms / 1000), process.unwrap_or_default()),
        ];
        let mut add = |name: &str, value: Option<&str>| {
            lines.extend(value.map(|value| format!("{name:7}  {value}")));
        };
        add("Bind", self.bind.as_deref().map(shown).as_deref());
        add("Access", access.as_deref());
        add("Devices", Some(&self.devices()));
        add("Waiting", self.waiting_line().as_deref());
        add("Config", self.config_path.as_deref());
        add("State", self.state_dir.as_deref());
        add("Log", self.log_path.as_deref());
        add("Service", self.service.as_ref().map(ServiceReport::words).as_deref());
        lines.extend(self.deep.iter().flat_map(Deep::lines));
        lines.join("\n")
    }

    fn waiting_line(&self) -> Option<String> {
        (!self.waiting.is_empty()).then(|| self.waiting.join(", "))
    }
}

/// The gateway of this state directory does not run; perhaps another one does.
async fn not_running(args: &StatusArgs, env: &Environment, detail: Detail) -> Outcome {
    let paths = Paths::resolve(env)?;
    let service = if detail == Detail::Short { None } else { ServiceReport::find(env, &paths).await };
    let port = configured_port(env);
    let authority = port.map(|port| format!("127.0.0.1:{port}"));
    let stranger = match &authority {
        Some(authority) => is_healthy(authority).await.then(|| format!("http://{authority}")),
        None => None,
    };
    let deep = match (detail, &authority, port) {
        (Detail::Deep, Some(authority), Some(port)) => Some(Deep::look(&paths, authority, port).await),
        (Detail::Short | Detail::Full | Detail::Deep, _, _) => None,
    };
    if args.format.json {
        let mut told = json!({"running": false, "otherGatewayUrl": stranger});
        told["service"] = serde_json::to_value(&service).unwrap_or_default();
        told["deep"] = serde_json::to_value(&deep).unwrap_or_default();
        print_json(&told);
        return Ok(ExitCode::FAILURE);
    }
    let lines = service.iter().map(|service| format!("Service  {}", service.words()));
    let lines: Vec<String> = lines.chain(deep.iter().flat_map(Deep::lines)).collect();
    if !lines.is_empty() {
        data(&lines.join("\n"));
    }
    let intruder = deep.as_ref().and_then(Deep::intruder);
    Err(match (stranger, intruder, service) {
        (Some(url), _, _) => Failure::new(format!("The gateway of this state directory is not running, but another one answers at {url}."))
            .hint("it belongs to another user, another profile or another OPENCLAW_STATE_DIR; ask it there, or start yours with `openclaw gateway run --port N`"),
        (None, Some(intruder), _) => Failure::new(format!("The gateway is not running, and its port is taken by {intruder}."))
            .hint(format!("stop that program (`kill {}`), or give the gateway another gateway.port", intruder.pid)),
        (None, None, Some(service)) if !service.is_running() => {
            Failure::new("The gateway is not running.").hint("start its service with `openclaw gateway start`")
        }
        (None, None, Some(_) | None) => Failure::from(OpenError::NotRunning),
    })
}

fn configured_port(env: &Environment) -> Option<u16> {
    let file = file::read(&Paths::resolve(env).ok()?.config_file).unwrap_or_else(|_| json!({}));
    Config::resolve(&file, env, &Overrides::default()).ok().map(|resolved| resolved.config.port)
}

/// Where this machine reaches its own gateway. Only a custom address does not include loopback.
fn local_authority(own: &Value) -> Option<String> {
    let port = own.get("port")?.as_u64()?;
    match (own.get("host").and_then(Value::as_str), own.get("bind").and_then(Value::as_str)) {
        (Some(host), _) => Some(format!("{host}:{port}")),
        (None, Some("custom")) => None,
        (None, _) => Some(format!("127.0.0.1:{port}")),
    }
}

/// Asks `/healthz` as any monitor would.
async fn is_healthy(authority: &str) -> bool {
    matches!(status_of(authority, "/healthz").await, Ok(200))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn overview(pending: usize) -> Overview {
        Overview {
            running: true,
            version: "0.1.0".to_owned(),
            pid: Some(42),
            uptime_ms: 3 * 3_600_000,
            url: Some("http://127.0.0.1:18789".to_owned()),
            healthy: Some(true),
            bind: Some("loopback".to_owned()),
            auth_mode: Some("token".to_owned()),
            config_path: None,
            state_dir: Some("/home/ada/.openclaw".to_owned()),
            log_path: Some("/home/ada/.openclaw/logs/openclaw.log".to_owned()),
            devices: Counts { paired: 2, connected: 1, pending },
            service: None,
            deep: None,
            waiting: vec!["Phone (2 min ago)".to_owned(); pending],
            token_command: None,
        }
    }

    #[test]
    fn the_short_form_fits_on_a_few_lines() {
        assert_eq!(
            overview(1).short(),
            "Gateway  running at http://127.0.0.1:18789, version 0.1.0, up 3 h\n\
             Devices  2 paired, 1 connected, 1 waiting for approval\n\
             Waiting  Phone (2 min ago)"
        );
        assert_eq!(overview(0).short().lines().count(), 2);
    }

    #[test]
    fn the_full_form_leaves_out_what_is_not_known() {
        let full = overview(0).full();
        assert!(full.contains("\nAccess   token\n") && full.contains("\nState    /home/ada/.openclaw\n"), "{full}");
        assert!(!full.contains("Config"), "{full}");
    }

    #[test]
    fn this_machine_reaches_its_gateway_over_loopback_or_the_address_it_names() {
        let at = |own: Value| local_authority(&own);
        assert_eq!(at(json!({"port": 1, "bind": "lan"})).as_deref(), Some("127.0.0.1:1"));
        assert_eq!(at(json!({"port": 1, "bind": "custom", "host": "192.0.2.2"})).as_deref(), Some("192.0.2.2:1"));
        assert_eq!(at(json!({"port": 1, "bind": "custom"})), None);
        assert_eq!(at(json!({})), None);
    }

    #[test]
    fn scripts_get_the_counts() {
        let told = serde_json::to_value(overview(1)).unwrap();
        assert_eq!(told["devices"], json!({"paired": 2, "connected": 1, "pending": 1}));
        assert_eq!(told["uptimeMs"], 10_800_000);
    }
}
