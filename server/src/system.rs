//! The machine that this program runs on: what a gateway and a node tell of it.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::Context;
use protocol::node::HostStats;
use sysinfo::{CpuRefreshKind, Disks, System};
use tokio::sync::Mutex;
use uuid::Uuid;

/// How long a measurement is good for.
const SHELF_LIFE: Duration = Duration::from_secs(1);

/// Measures the machine at most once a second.
#[derive(Debug)]
pub struct SystemProbe {
    process_instance_id: String,
    last: Mutex<Option<(Instant, Arc<Measured>)>>,
}

/// One measurement. Names are those of Node.js, which official clients know.
#[derive(Debug, Clone, PartialEq)]
pub struct Measured {
    pub hostname: String,
    pub platform: &'static str,
    pub release: String,
    pub arch: &'static str,
    pub os_label: String,
    pub cpu_model: Option<String>,
    /// How busy it is; the disk is the one that the state directory is on.
    pub stats: HostStats,
    pub disks: Vec<Disk>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Disk {
    pub path: PathBuf,
    pub total_bytes: u64,
    pub available_bytes: u64,
}

impl Default for SystemProbe {
    fn default() -> Self {
        Self { process_instance_id: Uuid::new_v4().to_string(), last: Mutex::default() }
    }
}

impl SystemProbe {
    /// Differs with every start.
    pub fn process_instance_id(&self) -> &str {
        &self.process_instance_id
    }

    /// The machine now, or as it was within the last second. Reading it takes some milliseconds of a thread
    /// of its own.
    pub async fn measure(&self, state_dir: &Path) -> anyhow::Result<Arc<Measured>> {
        let mut last = self.last.lock().await;
        if let Some((at, measured)) = last.as_ref()
            && at.elapsed() < SHELF_LIFE
        {
            return Ok(Arc::clone(measured));
        }
        let state_dir = state_dir.to_owned();
        let measured = tokio::task::spawn_blocking(move || measure(&state_dir)).await.context("it was given up")??;
        let measured = Arc::new(measured);
        *last = Some((Instant::now(), Arc::clone(&measured)));
        Ok(measured)
    }
}

/// What the system calls this machine.
pub fn host_name() -> Option<String> {
    let name = System::host_name().ok()?.trim().to_owned();
    Some(name).filter(|name| !name.is_empty())
}

/// The name of this machine, or `localhost` where it has none.
pub fn hostname() -> String {
    host_name().unwrap_or_else(|| "localhost".to_owned())
}

/// The release of the kernel, where the system tells.
pub fn release() -> Option<String> {
    System::kernel_version().ok()
}

/// How busy the machine is, as a node tells it. `None` where the system does not tell in a way we know. Reading
/// it takes some milliseconds of a thread of its own.
pub async fn stats(state_dir: &Path) -> Option<HostStats> {
    let state_dir = state_dir.to_owned();
    let measured = tokio::task::spawn_blocking(move || stats_of(&look()?, &state_dir)).await.ok()?;
    let measured = measured.inspect_err(|error| tracing::debug!(%error, "The machine cannot be measured"));
    measured.ok().filter(HostStats::is_plausible)
}

fn measure(state_dir: &Path) -> anyhow::Result<Measured> {
    let system = look()?;
    let release = System::kernel_version()?;
    let platform = platform(std::env::consts::OS);
    let cpu_model = system.cpus().first().map(|cpu| cpu.brand().trim().to_owned()).filter(|brand| !brand.is_empty());
    Ok(Measured {
        hostname: hostname(),
        platform,
        os_label: format!("{} {release}", os_name(platform)),
        release,
        arch: arch(std::env::consts::ARCH),
        cpu_model,
        stats: stats_of(&system, state_dir)?,
        disks: disks()?,
    })
}

fn look() -> anyhow::Result<System> {
    let mut system = System::new()?;
    system.refresh_memory();
    system.refresh_cpu_list(CpuRefreshKind::nothing());
    Ok(system)
}

fn stats_of(system: &System, state_dir: &Path) -> anyhow::Result<HostStats> {
    let load = System::load_average()?;
    // Asked of the directory itself: the list of disks leaves out those that are in memory or elsewhere.
    let disk = rustix::fs::statvfs(state_dir).ok();
    Ok(HostStats {
        cpu_count: u32::try_from(system.cpus().len())?,
        load_average: [load.one, load.five, load.fifteen],
        memory_total_bytes: system.total_memory(),
        memory_free_bytes: system.available_memory(),
        disk_total_bytes: disk.as_ref().map(|disk| disk.f_blocks.saturating_mul(disk.f_frsize)),
        disk_available_bytes: disk.as_ref().map(|disk| disk.f_bavail.saturating_mul(disk.f_frsize)),
        updated_at_ms: None,
    })
}

/// Every disk once, even where parts of it are mounted in several places.
fn disks() -> anyhow::Result<Vec<Disk>> {
    let found = Disks::new_with_refreshed_list()?;
    let mut names = std::collections::HashSet::new();
    let mut disks: Vec<&sysinfo::Disk> = found.iter().filter(|disk| disk.total_space() > 0).collect();
    disks.sort_by_key(|disk| disk.mount_point().as_os_str().len());
    disks.retain(|disk| names.insert(disk.name().to_owned()));
    let disks = disks.into_iter().map(|disk| Disk {
        path: disk.mount_point().to_owned(),
        total_bytes: disk.total_space(),
        available_bytes: disk.available_space(),
    });
    Ok(disks.collect())
}

fn platform(os: &'static str) -> &'static str {
    match os {
        "macos" => "darwin",
        "windows" => "win32",
        other => other,
    }
}

fn os_name(platform: &str) -> &str {
    match platform {
        "linux" => "Linux",
        "darwin" => "macOS",
        other => other,
    }
}

fn arch(arch: &'static str) -> &'static str {
    match arch {
        "x86_64" => "x64",
        "aarch64" => "arm64",
        "x86" => "ia32",
        other => other,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_measurement_is_made_once_a_second_and_agrees_with_the_system() {
        let probe = SystemProbe::default();
        let first = probe.measure(Path::new("/")).await.unwrap();
        let again = probe.measure(Path::new("/")).await.unwrap();
        assert!(Arc::ptr_eq(&first, &again));
        assert!(first.stats.is_plausible());
        assert!(!first.release.is_empty() && !first.hostname.is_empty());
    }

    #[cfg(target_os = "linux")]
    #[tokio::test]
    async fn the_numbers_are_those_of_the_kernel() {
        let told = stats(Path::new("/")).await.unwrap();
        let memory = std::fs::read_to_string("/proc/meminfo").unwrap();
        let total = memory.lines().find_map(|line| line.strip_prefix("MemTotal:")?.trim().strip_suffix(" kB")).unwrap();
        assert_eq!(told.memory_total_bytes, total.parse::<u64>().unwrap() * 1024);
        let cpus = std::fs::read_to_string("/proc/cpuinfo").unwrap();
        let cpus = cpus.lines().filter(|line| line.starts_with("processor")).count();
        assert_eq!(usize::try_from(told.cpu_count).unwrap(), cpus);
        assert!(told.memory_free_bytes > 0);
        assert!(told.disk_available_bytes.unwrap() <= told.disk_total_bytes.unwrap());
    }

    #[tokio::test]
    async fn a_directory_that_is_not_there_is_on_no_disk() {
        let told = stats(Path::new("/nowhere/at/all")).await.unwrap();
        assert_eq!((told.disk_total_bytes, told.disk_available_bytes), (None, None));
    }
}
