//! What this machine is and how it does.

use std::path::Path;

use protocol::handshake::Client;
use protocol::node::HostStats;
use serde_json::{Value, json};

use crate::VERSION;

/// What the system calls this machine.
pub fn host_name() -> Option<String> {
    let name = rustix::system::uname().nodename().to_string_lossy().trim().to_owned();
    Some(name).filter(|name| !name.is_empty())
}

/// How this node introduces itself.
pub fn client(display_name: &str, instance: &str) -> Client {
    Client {
        id: "node-host".to_owned(),
        mode: "node".to_owned(),
        version: VERSION.to_owned(),
        platform: std::env::consts::OS.to_owned(),
        device_family: Some(client::connection::device_family().to_owned()),
        display_name: Some(display_name.to_owned()),
        instance_id: Some(instance.to_owned()),
        ..Client::default()
    }
}

/// The result of `device.info`.
pub fn info(display_name: &str) -> Value {
    let release = std::fs::read_to_string("/proc/sys/kernel/osrelease").ok();
    json!({
        "deviceName": display_name,
        "systemName": std::env::consts::OS,
        "systemVersion": release.map(|release| release.trim().to_owned()),
        "architecture": std::env::consts::ARCH,
        "appVersion": VERSION,
    })
}

/// How busy the machine is. `None` where the system does not tell in a way we know.
pub fn stats(state_dir: &Path) -> Option<HostStats> {
    let read = |file: &str| std::fs::read_to_string(file).ok();
    let (memory_total_bytes, memory_free_bytes) = memory(&read("/proc/meminfo")?)?;
    let disk = rustix::fs::statvfs(state_dir).ok();
    Some(HostStats {
        cpu_count: std::thread::available_parallelism().ok().and_then(|count| u32::try_from(count.get()).ok())?,
        load_average: load(&read("/proc/loadavg")?)?,
        memory_total_bytes,
        memory_free_bytes,
        disk_total_bytes: disk.as_ref().map(|disk| disk.f_blocks.saturating_mul(disk.f_frsize)),
        disk_available_bytes: disk.as_ref().map(|disk| disk.f_bavail.saturating_mul(disk.f_frsize)),
        updated_at_ms: None,
    })
}

fn load(text: &str) -> Option<[f64; 3]> {
    let mut numbers = text.split_whitespace().map(str::parse);
    Some([numbers.next()?.ok()?, numbers.next()?.ok()?, numbers.next()?.ok()?])
}

/// Total and available memory in bytes.
fn memory(text: &str) -> Option<(u64, u64)> {
    let bytes = |name: &str| {
        let line = text.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(':'))?;
        line.split_whitespace().next()?.parse::<u64>().ok()?.checked_mul(1024)
    };
    Some((bytes("MemTotal")?, bytes("MemAvailable")?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_numbers_of_the_system_are_read() {
        assert_eq!(load("0.52 0.58 0.59 1/617 12345\n"), Some([0.52, 0.58, 0.59]));
        assert_eq!(load("0.52 x"), None);
        let text = "MemTotal:       2000 kB\nMemFree:  10 kB\nMemAvailable:    1000 kB\n";
        assert_eq!(memory(text), Some((2_048_000, 1_024_000)));
        assert_eq!(memory("MemTotal: 1 kB"), None);
        if cfg!(target_os = "linux") {
            assert!(stats(Path::new("/")).unwrap().is_plausible());
        }
    }
}
