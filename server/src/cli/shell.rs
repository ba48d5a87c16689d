//! `openclaw completion` and `openclaw man`, made from the definition of the command line.

use std::fs::Permissions;
use std::io::Write;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::process::ExitCode;

use anyhow::Context;
use clap::CommandFactory;
use clap_complete::aot::{Bash, Fish, Zsh, generate};

use super::Outcome;
use super::args::{Args, CompletionArgs, ManArgs, Shell};
use super::output::{say, write_bytes};
use crate::whole_file;

const PROGRAM: &str = "openclaw";

pub fn completion(args: &CompletionArgs) -> ExitCode {
    let (mut command, mut script) = (Args::command(), Vec::new());
    match args.shell {
        Shell::Bash => generate(Bash, &mut command, PROGRAM, &mut script),
        Shell::Zsh => generate(Zsh, &mut command, PROGRAM, &mut script),
        Shell::Fish => generate(Fish, &mut command, PROGRAM, &mut script),
    }
    write_bytes(&script);
    ExitCode::SUCCESS
}

pub fn man(args: &ManArgs) -> Outcome {
    let mut command = Args::command().disable_help_subcommand(true);
    command.build();
    match &args.out {
        None => write_bytes(&page(&command)?),
        Some(folder) => {
            std::fs::create_dir_all(folder).with_context(|| format!("{} cannot be made", folder.display()))?;
            let count = pages(&command, PROGRAM, folder)?;
            say(&format!("Wrote {count} pages. Read one with `man {}`.", folder.join("openclaw.1").display()));
        }
    }
    Ok(ExitCode::SUCCESS)
}

/// One page for the command and each one below it, except those that are hidden.
fn pages(command: &clap::Command, name: &str, folder: &Path) -> anyhow::Result<usize> {
    let file = folder.join(format!("{name}.1"));
    whole_file::replace(&file, &page(command)?, Some(Permissions::from_mode(0o644)))
        .with_context(|| format!("{} cannot be written", file.display()))?;
    let mut count = 1;
    for inner in command.get_subcommands().filter(|inner| !inner.is_hide_set()) {
        count += pages(inner, &format!("{name}-{}", inner.get_name()), folder)?;
    }
    Ok(count)
}

fn page(command: &clap::Command) -> anyhow::Result<Vec<u8>> {
    let mut page = Vec::new();
    clap_mangen::Man::new(command.clone()).render(&mut page)?;
    page.flush()?;
    Ok(page)
}
