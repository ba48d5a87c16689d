//! The machine the gateway runs on, measured at most once a second.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::Context;
use sysinfo::{CpuRefreshKind, Disks, System};
use tokio::sync::Mutex;
use uuid::Uuid;

/// How long a measurement is good for.
const SHELF_LIFE: Duration = Duration::from_secs(1);

/// Measures the machine.
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
    pub cpu_count: usize,
    pub cpu_model: Option<String>,
    /// Over 1, 5 and 15 minutes.
    pub load_average: [f64; 3],
    pub memory_total_bytes: u64,
    /// What programs could still have without swapping.
    pub memory_free_bytes: u64,
    pub disks: Vec<Disk>,
    /// The disk that the state directory is on.
    pub state_disk: Option<Disk>,
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

/// The name of this machine, or `localhost` where it has none.
pub fn hostname() -> String {
    System::host_name().unwrap_or_else(|_| "localhost".to_owned())
}

fn measure(state_dir: &Path) -> anyhow::Result<Measured> {
    let mut system = System::new()?;
    system.refresh_memory();
    system.refresh_cpu_list(CpuRefreshKind::nothing());
    let load = System::load_average()?;
    let release = System::kernel_version()?;
    let platform = platform(std::env::consts::OS);
    let disks = disks()?;
    let cpu_model = system.cpus().first().map(|cpu| cpu.brand().trim().to_owned()).filter(|brand| !brand.is_empty());
    Ok(Measured {
        hostname: hostname(),
        platform,
        os_label: format!("{} {release}", os_name(platform)),
        release,
        arch: arch(std::env::consts::ARCH),
        cpu_count: system.cpus().len(),
        cpu_model,
        load_average: [load.one, load.five, load.fifteen],
        memory_total_bytes: system.total_memory(),
        memory_free_bytes: system.available_memory(),
        state_disk: disk_of(&disks, state_dir).cloned(),
        disks,
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

/// The disk with the longest mount point above a path.
fn disk_of<'a>(disks: &'a [Disk], path: &Path) -> Option<&'a Disk> {
    let above = disks.iter().filter(|disk| path.starts_with(&disk.path));
    above.max_by_key(|disk| disk.path.components().count())
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

    #[test]
    fn a_path_is_on_the_disk_that_is_mounted_closest_above_it() {
        let disk = |path: &str| Disk { path: path.into(), total_bytes: 1, available_bytes: 1 };
        let disks = [disk("/"), disk("/home"), disk("/home/ada2")];
        assert_eq!(disk_of(&disks, Path::new("/home/ada/.openclaw")), Some(&disks[1]));
        assert_eq!(disk_of(&disks, Path::new("/var")), Some(&disks[0]));
        assert_eq!(disk_of(&[], Path::new("/var")), None);
    }

    #[tokio::test]
    async fn a_measurement_is_made_once_a_second_and_agrees_with_the_system() {
        let probe = SystemProbe::default();
        let first = probe.measure(Path::new("/")).await.unwrap();
        let again = probe.measure(Path::new("/")).await.unwrap();
        assert!(Arc::ptr_eq(&first, &again));
        assert!(first.memory_free_bytes > 0 && first.memory_free_bytes <= first.memory_total_bytes);
        assert!(first.cpu_count >= 1 && !first.release.is_empty() && !first.hostname.is_empty());
    }
}
