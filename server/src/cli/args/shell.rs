//! The flags of `openclaw completion` and `openclaw man`.

use std::path::PathBuf;

use clap::ValueEnum;

#[derive(Debug, clap::Args)]
pub struct CompletionArgs {
    /// Your shell
    #[arg(value_name = "SHELL")]
    pub shell: Shell,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Shell {
    Bash,
    Zsh,
    Fish,
}

#[derive(Debug, clap::Args)]
pub struct ManArgs {
    /// Write one page per command into this folder [default: print the page of openclaw itself]
    #[arg(long, value_name = "DIR")]
    pub out: Option<PathBuf>,
}
