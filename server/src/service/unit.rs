//! A systemd unit as text, there and back (systemd.unit(5), systemd.service(5), systemd.syntax(7)).

use std::collections::BTreeMap;
use std::path::PathBuf;

use super::{Installed, Plan};

/// How the gateway is started again: after ten seconds, and not for ever, so that a mistake in the settings
/// does not fill the log. A network that is late at boot has time to come.
const RESTART: &str = "\
Restart=on-failure
RestartSec=10
RestartPreventExitStatus=2
TimeoutStopSec=15
";
const RESTART_LIMIT: &str = "\
StartLimitIntervalSec=300
StartLimitBurst=10
";

/// The unit file.
pub fn render(plan: &Plan) -> String {
    let words: Vec<String> = plan.argv.iter().map(|word| quoted(word, true)).collect();
    let variables = plan.environment.iter().map(|(name, value)| quoted(&format!("{name}={value}"), false));
    let environment = variables.fold(String::new(), |lines, pair| lines + "Environment=" + &pair + "\n");
    let env_file = escaped(&plan.env_file.display().to_string(), false);
    format!(
        "# Made by `openclaw gateway install`. Changes are lost with `openclaw gateway install --force`;\n\
         # use `systemctl --user edit` for your own. Secrets go into the EnvironmentFile, mode 600.\n\
         [Unit]\nDescription={description}\n{RESTART_LIMIT}\n\
         [Service]\nType=exec\nExecStart={start}\n{environment}EnvironmentFile=-{env_file}\nUMask=0077\n{RESTART}\n\
         [Install]\nWantedBy=default.target\n",
        description = escaped(&plan.description, false),
        start = words.join(" "),
    )
}

/// A word as it stands in a line. In a command `$` begins a variable; `%` begins a specifier everywhere.
fn quoted(word: &str, is_command: bool) -> String {
    let escaped = escaped(word, is_command).replace('"', "\\\"");
    let is_plain = |c: char| c.is_ascii_alphanumeric() || "/._-=:@%+,~$".contains(c);
    if !escaped.is_empty() && escaped.chars().all(is_plain) { escaped } else { format!("\"{escaped}\"") }
}

fn escaped(text: &str, is_command: bool) -> String {
    let text = text.replace('\\', "\\\\").replace('%', "%%");
    if is_command { text.replace('$', "$$") } else { text }
}

/// What a unit says, ours or another program's. Only the section `[Service]` is read.
pub fn parse(text: &str) -> Installed {
    let mut installed = Installed::default();
    let joined = text.replace("\\\n", " ");
    let mut is_service = false;
    for line in joined.lines().map(str::trim).filter(|line| !line.starts_with(['#', ';'])) {
        if line.starts_with('[') {
            is_service = line == "[Service]";
        } else if let Some((key, value)) = line.split_once('=').filter(|_| is_service) {
            read_line(&mut installed, key.trim(), value.trim());
        }
    }
    installed
}

fn read_line(installed: &mut Installed, key: &str, value: &str) {
    match key {
        // The letters in front change how it is run, not what.
        "ExecStart" => {
            let command = value.trim_start_matches(['@', '-', ':', '+', '!', '|']);
            installed.argv = words(command).into_iter().map(|word| word.replace("$$", "$")).collect();
        }
        "Environment" if value.is_empty() => installed.environment = BTreeMap::new(),
        "Environment" => {
            let pairs = words(value);
            let pairs = pairs.iter().filter_map(|pair| pair.split_once('='));
            installed.environment.extend(pairs.map(|(name, value)| (name.to_owned(), value.to_owned())));
        }
        "EnvironmentFile" => {
            let file = value.trim_start_matches('-').replace("%%", "%").replace("\\\\", "\\");
            installed.env_files.push(PathBuf::from(file));
        }
        _ => {}
    }
}

/// What a file with variables says (`EnvironmentFile=`).
pub fn parse_variables(text: &str) -> BTreeMap<String, String> {
    let lines = text.lines().map(str::trim).filter(|line| !line.starts_with(['#', ';']));
    let pairs = lines.filter_map(|line| line.split_once('='));
    pairs.map(|(name, value)| (name.trim().to_owned(), unquoted(value.trim()).to_owned())).collect()
}

fn unquoted(value: &str) -> &str {
    let inside = |quote: char| value.strip_prefix(quote)?.strip_suffix(quote);
    inside('"').or_else(|| inside('\'')).unwrap_or(value)
}

/// The words of a value: quotes hold together, backslashes escape, `%%` is one `%`.
fn words(value: &str) -> Vec<String> {
    let mut words = Vec::new();
    let mut word: Option<String> = None;
    let mut quote = None;
    let mut letters = value.chars();
    while let Some(c) = letters.next() {
        if c == '\\' {
            word.get_or_insert_default().extend(letters.next());
        } else if quote == Some(c) {
            quote = None;
        } else if quote.is_none() && matches!(c, '"' | '\'') {
            quote = Some(c);
            word.get_or_insert_default();
        } else if quote.is_none() && c.is_whitespace() {
            words.extend(word.take());
        } else {
            word.get_or_insert_default().push(c);
        }
    }
    words.extend(word);
    words.into_iter().map(|word| word.replace("%%", "%")).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn plan(program: &str, pairs: &[(&str, &str)]) -> Plan {
        Plan {
            description: "OpenClaw gateway".to_owned(),
            argv: [program, "gateway", "run"].map(str::to_owned).to_vec(),
            environment: pairs.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect(),
            env_file: "/home/ada/.openclaw/gateway.env".into(),
            log_folder: "/home/ada/.openclaw/logs".into(),
        }
    }

    #[test]
    fn it_restarts_with_patience_and_gives_up() {
        let unit = render(&plan("/usr/bin/openclaw", &[]));
        let (head, service) = unit.split_once("[Service]\n").unwrap();
        for line in ["StartLimitIntervalSec=300", "StartLimitBurst=10"] {
            assert!(head.contains(line), "{line}");
        }
        for line in
            ["ExecStart=/usr/bin/openclaw gateway run\n", "Restart=on-failure\n", "RestartSec=10\n", "UMask=0077\n"]
        {
            assert!(service.contains(line), "{line}: {service}");
        }
        assert!(service.contains("WantedBy=default.target"));
    }

    #[test]
    fn what_is_written_is_read_back_whatever_the_path() {
        for program in
            ["/usr/bin/openclaw", "/home/a b/open\"claw", "/opt/50%/o", "/opt/$HOME/o", "/opt/a\\b'c/o", "/opt/ü/o"]
        {
            let plan = plan(program, &[("OPENCLAW_STATE_DIR", "/srv/my \"50%\" $files"), ("OPENCLAW_PROFILE", "a")]);
            let read = parse(&render(&plan));
            assert_eq!((read.argv, read.environment), (plan.argv, plan.environment), "{program}");
            assert_eq!(read.env_files, [plan.env_file]);
        }
    }

    #[test]
    fn a_unit_of_openclaw_on_node_is_understood() {
        let unit = "[Unit]\nDescription=OpenClaw Gateway (v2026.2.20)\n[Service]\n\
                    ExecStart=/usr/bin/node \\\n  /usr/lib/node_modules/openclaw/dist/index.js gateway --port 18789\n\
                    Restart=always\nEnvironment=HOME=/home/ada \"OPENCLAW_GATEWAY_TOKEN=a b\"\n\
                    Environment='OPENCLAW_PROFILE=work'\n[Install]\nWantedBy=default.target\n";
        let read = parse(unit);
        assert_eq!(
            read.argv.join(" "),
            "/usr/bin/node /usr/lib/node_modules/openclaw/dist/index.js gateway --port 18789"
        );
        assert_eq!(read.environment["OPENCLAW_GATEWAY_TOKEN"], "a b");
        assert_eq!(read.environment["OPENCLAW_PROFILE"], "work");
    }
}
