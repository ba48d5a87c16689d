//! `system.info`, `gateway.identity.get` and `update.status` (wire.md §7.5).

use protocol::Refusal;
use protocol::refusal::{ConfigFile, ConfigRefusal};
use serde_json::{Value, json};

use crate::state::AppState;

/// The machine and this process. Fields that only make sense for Node.js are left out where the shape lets
/// us; `nodeVersion` must be there and names this program.
pub async fn info(state: &AppState) -> Result<Value, Refusal> {
    let measured = state.system.measure(&state.paths.state_dir).await.map_err(|error| {
        tracing::error!(%error, "The machine cannot be measured");
        Refusal::Config(ConfigRefusal::FileUnavailable { file: ConfigFile::System })
    })?;
    let now = &measured.stats;
    let mut info = json!({
        "machineName": measured.hostname,
        "hostname": measured.hostname,
        "platform": measured.platform,
        "release": measured.release,
        "arch": measured.arch,
        "osLabel": measured.os_label,
        "port": state.port,
        "nodeVersion": format!("openclaw {}", crate::VERSION),
        "pid": std::process::id(),
        "processInstanceId": state.system.process_instance_id(),
        "uptimeMs": state.uptime_ms(),
        "cpuCount": now.cpu_count,
        "loadAverage": now.load_average,
        "memoryTotalBytes": now.memory_total_bytes,
        "memoryFreeBytes": now.memory_free_bytes,
        "disks": measured.disks.iter().map(|disk| json!({
            "path": disk.path, "totalBytes": disk.total_bytes, "availableBytes": disk.available_bytes,
        })).collect::<Vec<Value>>(),
    });
    if let Some(model) = &measured.cpu_model {
        info["cpuModel"] = model.as_str().into();
    }
    if let (Some(total), Some(available)) = (now.disk_total_bytes, now.disk_available_bytes) {
        info["diskPath"] = json!(state.paths.state_dir);
        info["diskTotalBytes"] = total.into();
        info["diskAvailableBytes"] = available.into();
    }
    Ok(info)
}

/// The gateway's own key.
pub fn identity(state: &AppState) -> Value {
    json!({"deviceId": state.identity.device_id(), "publicKey": state.identity.public_key().to_base64url()})
}

/// This gateway does not look for updates and never installs any, so none is known and none is planned. The
/// channel is what the version says of itself.
pub fn update_status() -> Value {
    let channel = channel(crate::VERSION);
    json!({
        "sentinel": null,
        "updateAvailable": null,
        "effectiveChannel": channel,
        "schedule": {"channel": channel, "autoEnabled": false},
    })
}

fn channel(version: &str) -> &'static str {
    if version.contains('-') { "beta" } else { "stable" }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_version_before_its_time_is_beta() {
        assert_eq!([channel("1.2.3"), channel("1.2.3-rc.1")], ["stable", "beta"]);
    }
}
