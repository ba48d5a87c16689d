//! The settings as they are, whatever they are.

use serde_json::json;

use crate::config::{Config, Environment, Overrides, Paths, file};
use crate::doctor::facts::{Resolved, Settings};

pub fn read(paths: &Paths, env: &Environment) -> Settings {
    let exists = paths.config_file.exists();
    let value = match file::read(&paths.config_file) {
        Ok(value) => value,
        Err(error) => {
            let unreadable = Some(format!("{error:#}"));
            return Settings { exists, unreadable, value: json!({}), ..Settings::default() };
        }
    };
    match Config::resolve(&value, env, &Overrides::default()) {
        Ok(found) => {
            let resolved = Some(Resolved { port: found.config.port, bind: found.config.bind });
            Settings { exists, value, warnings: found.warnings, resolved, ..Settings::default() }
        }
        Err(problems) => Settings { exists, value, problems, ..Settings::default() },
    }
}
