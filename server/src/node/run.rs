//! Runs one program to its end, its limit or its cancellation, and leaves nothing of it behind.

use std::collections::BTreeMap;
use std::io;
use std::os::unix::process::ExitStatusExt;
use std::path::PathBuf;
use std::process::{ExitStatus, Stdio};
use std::time::Duration;

use rustix::process::{Pid, Signal, kill_process_group};
use serde_json::{Value, json};
use tokio::process::{Child, Command};
use tokio::time::{sleep, timeout};
use tokio_util::sync::CancellationToken;

use super::capture::Captured;

/// How long the outputs of a program that has ended may stay open: something of it may have left its
/// process group.
const GRACE: Duration = Duration::from_secs(1);

/// A program and everything it is given. There is no shell in it.
#[derive(Debug, Clone)]
pub struct Job {
    /// The resolved path: what was decided about is what is started.
    pub program: PathBuf,
    /// With the name it was called by first; some programs go by that.
    pub argv: Vec<String>,
    pub environment: BTreeMap<String, String>,
    pub folder: PathBuf,
    pub limit: Duration,
}

/// What a program came to.
#[derive(Debug)]
pub struct Ended {
    /// Absent if it took longer than its limit.
    pub status: Option<ExitStatus>,
    pub stdout: Captured,
    pub stderr: Captured,
}

impl Ended {
    /// The result of `system.run`, as the reference spells it, and how much was cut.
    pub fn payload(&self) -> Value {
        let exit_code = self.status.and_then(|status| status.code());
        let error = match self.status {
            None => Some("it took longer than it may and was ended".to_owned()),
            Some(status) => status.signal().map(|signal| format!("it was ended by signal {signal}")),
        };
        json!({
            "exitCode": exit_code,
            "timedOut": self.status.is_none(),
            "success": exit_code == Some(0),
            "stdout": self.stdout.text(),
            "stderr": self.stderr.text(),
            "error": error,
            "truncated": self.stdout.cut + self.stderr.cut > 0,
            "stdoutTruncatedBytes": self.stdout.cut,
            "stderrTruncatedBytes": self.stderr.cut,
        })
    }
}

/// A process group that ends when this is dropped, whichever way that comes.
struct Group(Option<Pid>);

impl Group {
    fn of(child: &Child) -> Self {
        Self(child.id().and_then(|id| i32::try_from(id).ok()).and_then(Pid::from_raw))
    }
}

impl Drop for Group {
    fn drop(&mut self) {
        if let Some(group) = self.0.take() {
            let _gone_already = kill_process_group(group, Signal::KILL);
        }
    }
}

enum End {
    Exited(ExitStatus),
    TimedOut,
    Cancelled,
}

/// Runs it. `None` means that it was cancelled, and nobody waits for a result. A program takes everything
/// with it that it has started in its process group.
pub async fn run(job: &Job, cancelled: &CancellationToken) -> io::Result<Option<Ended>> {
    let mut command = Command::new(&job.program);
    if let Some((name, arguments)) = job.argv.split_first() {
        command.arg0(name).args(arguments);
    }
    command.env_clear().envs(&job.environment).current_dir(&job.folder).process_group(0).kill_on_drop(true);
    let mut child = command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn()?;
    let group = Group::of(&child);
    let (out, err) = (child.stdout.take(), child.stderr.take());
    let (mut stdout, mut stderr) = (Captured::default(), Captured::default());
    let end = {
        let mut reading = std::pin::pin!(async {
            tokio::join!(
                async {
                    if let Some(out) = out {
                        stdout.fill(out).await;
                    }
                },
                async {
                    if let Some(err) = err {
                        stderr.fill(err).await;
                    }
                }
            );
        });
        let mut ending = std::pin::pin!(async {
            tokio::select! {
                status = child.wait() => status.map(End::Exited),
                () = sleep(job.limit) => Ok(End::TimedOut),
                () = cancelled.cancelled() => Ok(End::Cancelled),
            }
        });
        let mut all_is_read = false;
        let end = loop {
            tokio::select! {
                end = &mut ending => break end?,
                () = &mut reading, if !all_is_read => all_is_read = true,
            }
        };
        drop(group);
        if !all_is_read {
            let _left_open = timeout(GRACE, reading).await;
        }
        end
    };
    let status = match end {
        End::Exited(status) => Some(status),
        End::TimedOut => None,
        End::Cancelled => return Ok(None),
    };
    Ok(Some(Ended { status, stdout, stderr }))
}

#[cfg(test)]
mod tests {
    use tokio::io::{AsyncBufReadExt, BufReader};
    use tokio::net::unix::pipe;

    use super::*;

    fn shell(script: &str) -> Job {
        Job {
            program: "/bin/sh".into(),
            argv: ["sh", "-c", script].map(str::to_owned).to_vec(),
            environment: BTreeMap::from([("PATH".to_owned(), "/usr/bin:/bin".to_owned())]),
            folder: "/".into(),
            limit: Duration::from_secs(30),
        }
    }

    async fn ran(job: &Job) -> Value {
        run(job, &CancellationToken::new()).await.unwrap().unwrap().payload()
    }

    #[tokio::test]
    async fn tells_how_a_program_ended_and_what_it_said() {
        let done = ran(&shell("echo out; echo err >&2; exit 3")).await;
        assert_eq!((&done["exitCode"], &done["success"], &done["timedOut"]), (&json!(3), &json!(false), &json!(false)));
        assert_eq!((&done["stdout"], &done["stderr"]), (&json!("out\n"), &json!("err\n")));
        let killed = ran(&shell("kill -9 $$")).await;
        assert_eq!((&killed["exitCode"], &killed["error"]), (&Value::Null, &json!("it was ended by signal 9")));
        assert_eq!(ran(&shell("exit 0")).await["success"], true);
    }

    #[tokio::test]
    async fn a_program_sees_only_the_environment_it_is_given() {
        let mut job = shell("");
        job.program = "/usr/bin/env".into();
        job.argv = vec!["env".to_owned()];
        assert_eq!(ran(&job).await["stdout"], "PATH=/usr/bin:/bin\n");
    }

    #[tokio::test]
    async fn arguments_are_never_read_by_a_shell() {
        let mut job = shell("");
        job.program = "/bin/echo".into();
        job.argv = ["echo", "$(id); *", "a  b"].map(str::to_owned).to_vec();
        assert_eq!(ran(&job).await["stdout"], "$(id); * a  b\n");
    }

    #[tokio::test]
    async fn more_than_fits_is_cut_and_counted() {
        let done = ran(&shell("head -c 300000 /dev/zero")).await;
        assert_eq!((&done["truncated"], &done["stdoutTruncatedBytes"]), (&json!(true), &json!(100_000)));
    }

    /// A script whose grandchild holds the write end of a pipe open: the pipe ends when all of it is gone.
    fn with_grandchild(folder: &std::path::Path, and_then: &str) -> (Job, BufReader<pipe::Receiver>) {
        let path = folder.join("pipe");
        rustix::fs::mknodat(rustix::fs::CWD, &path, rustix::fs::FileType::Fifo, 0o600.into(), 0).unwrap();
        let receiver = pipe::OpenOptions::new().open_receiver(&path).unwrap();
        let there = folder.join("there");
        // The script goes on when the grandchild holds the pipe; before that its end could not be seen.
        let (path, there) = (path.display(), there.display());
        let script = format!(
            "(exec 9>'{path}'; echo here >&9; : >'{there}'; sleep 1000) & until [ -e '{there}' ]; do :; done; {and_then}"
        );
        (shell(&script), BufReader::new(receiver))
    }

    async fn first_line(pipe: &mut BufReader<pipe::Receiver>) -> String {
        let mut line = String::new();
        // Until the grandchild has opened its end, there is nothing to read and nothing that ends.
        while line.is_empty() {
            pipe.read_line(&mut line).await.unwrap();
            tokio::task::yield_now().await;
        }
        line
    }

    async fn ends(mut pipe: BufReader<pipe::Receiver>) {
        let mut rest = String::new();
        let read = timeout(Duration::from_secs(30), pipe.read_line(&mut rest)).await;
        assert_eq!(read.expect("the grandchild is still there").unwrap(), 0);
    }

    #[tokio::test]
    async fn too_long_ends_the_program_and_everything_it_started() {
        let folder = tempfile::tempdir().unwrap();
        let (mut job, mut pipe) = with_grandchild(folder.path(), "sleep 1000");
        job.limit = Duration::from_secs(1);
        let never = CancellationToken::new();
        let (done, line) = tokio::join!(run(&job, &never), first_line(&mut pipe));
        let done = done.unwrap().unwrap().payload();
        assert_eq!((line.as_str(), &done["timedOut"], &done["success"]), ("here\n", &json!(true), &json!(false)));
        ends(pipe).await;
    }

    #[tokio::test]
    async fn cancelling_ends_it_all_and_has_no_result() {
        let folder = tempfile::tempdir().unwrap();
        let (job, mut pipe) = with_grandchild(folder.path(), "sleep 1000");
        let cancelled = CancellationToken::new();
        let (done, ()) = tokio::join!(run(&job, &cancelled), async {
            first_line(&mut pipe).await;
            cancelled.cancel();
        });
        assert!(done.unwrap().is_none());
        ends(pipe).await;
    }

    #[tokio::test]
    async fn a_program_that_ends_leaves_nothing_running_and_nobody_waits_for_it() {
        let folder = tempfile::tempdir().unwrap();
        let (job, mut pipe) = with_grandchild(folder.path(), "exit 0");
        let never = CancellationToken::new();
        let (done, line) = tokio::join!(run(&job, &never), first_line(&mut pipe));
        assert!(done.unwrap().is_some());
        assert_eq!(line, "here\n");
        ends(pipe).await;
    }

    #[tokio::test]
    async fn dropping_the_run_ends_it_all() {
        let folder = tempfile::tempdir().unwrap();
        let (job, mut pipe) = with_grandchild(folder.path(), "sleep 1000");
        let never = CancellationToken::new();
        {
            let running = run(&job, &never);
            tokio::select! {
                done = running => panic!("{done:?}"),
                _line = first_line(&mut pipe) => {}
            }
        }
        ends(pipe).await;
    }
}
