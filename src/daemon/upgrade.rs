//! A live upgrade: the file of the program is another one now. The daemon notices, has its worker finish, and becomes the new version
//! under its old pid; the scan of every repository at the start finds what happened meanwhile.

use std::io;
use std::os::unix::fs::MetadataExt;
use std::os::unix::process::CommandExt;
use std::path::PathBuf;
use std::process::{Command, Output, Stdio};
use std::time::Duration;

use crate::home::Home;
use crate::store::NEWER_STATE;

/// How long the new program may take to answer; one that cannot do that is not ready to take over.
const ANSWER_WAIT: Duration = Duration::from_secs(5);

/// What distinguishes a file from another, and from itself before a write.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct ProgramIdentity {
    device: u64,
    inode: u64,
    size: u64,
    modified: (i64, i64),
}

/// The file that this process was started from.
#[derive(Clone, Debug)]
pub struct Program {
    path: PathBuf,
    started_from: ProgramIdentity,
    /// Another file, found by the last check. It has to stay the same until the next: it may be in the middle of being written.
    candidate: Option<ProgramIdentity>,
    /// One that was tried and cannot take over.
    rejected: Option<ProgramIdentity>,
}

impl Program {
    /// To be called at the start: later the system may not name the file any more.
    ///
    /// # Errors
    /// If the system does not say which file it is.
    pub fn running() -> io::Result<Self> {
        Self::at(std::env::current_exe()?)
    }

    fn at(path: PathBuf) -> io::Result<Self> {
        let started_from = identity(&path)?;
        Ok(Self { path, started_from, candidate: None, rejected: None })
    }

    /// Whether another file has taken its place, the same at two checks in a row. A file that is gone is no upgrade.
    pub fn is_replaced(&mut self) -> bool {
        let Ok(found) = identity(&self.path) else { return false };
        if found == self.started_from || self.rejected == Some(found) {
            self.candidate = None;
            return false;
        }
        self.candidate.replace(found) == Some(found)
    }

    /// Whether the new file runs at all on this machine, which is asked by its version, and knows the state that this version has
    /// written: an older one may not. One that cannot take over is not asked again.
    pub async fn can_take_over(&mut self, home: &Home) -> bool {
        let runs = self.answer(&["--version"], home).await.is_some_and(|output| output.status.success());
        // It reads agent.db; that an earlier schema is not brought up to date yet is no reason.
        let listed = if runs { self.answer(&["repos"], home).await } else { None };
        let knows = listed.is_some_and(|output| !String::from_utf8_lossy(&output.stderr).contains(NEWER_STATE));
        if !knows {
            let why = if runs { "is older and does not know this state" } else { "does not run" };
            tracing::warn!(program = %self.path.display(), "the program was replaced by one that {why}; this version goes on");
            self.rejected = self.candidate;
        }
        knows
    }

    /// What the new program answers; `None`: nothing in time.
    #[expect(clippy::disallowed_methods, reason = "asks its own new version")]
    async fn answer(&self, args: &[&str], home: &Home) -> Option<Output> {
        let mut command = tokio::process::Command::new(&self.path);
        command.args(args).env("RA_AGENT_HOME", home.root()).stdin(Stdio::null()).kill_on_drop(true);
        tokio::time::timeout(ANSWER_WAIT, command.output()).await.ok()?.ok()
    }

    /// Becomes the new version, which keeps the pid. The locks are closed by the exec and taken again by the new version. Returns only
    /// if that fails.
    #[expect(clippy::disallowed_methods, reason = "becomes its own new version")]
    pub fn execute(&self, home: &Home, require_sandbox: bool) -> io::Error {
        let mut command = Command::new(&self.path);
        command.args(["daemon", "run"]).env("RA_AGENT_HOME", home.root());
        if require_sandbox {
            command.arg("--require-sandbox");
        }
        command.exec()
    }

    pub fn path(&self) -> &std::path::Path {
        &self.path
    }
}

fn identity(path: &std::path::Path) -> io::Result<ProgramIdentity> {
    let found = std::fs::metadata(path)?;
    let modified = (found.mtime(), found.mtime_nsec());
    Ok(ProgramIdentity { device: found.dev(), inode: found.ino(), size: found.len(), modified })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn f61_another_file_counts_once_it_stands_still() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("program");
        std::fs::write(&path, "old").unwrap();
        let mut program = Program::at(path.clone()).unwrap();
        assert!(!program.is_replaced());
        std::fs::remove_file(&path).unwrap();
        assert!(!program.is_replaced(), "gone is not replaced");
        std::fs::write(dir.path().join("new"), "half").unwrap();
        std::fs::rename(dir.path().join("new"), &path).unwrap();
        assert!(!program.is_replaced(), "it may still be written");
        std::fs::write(&path, "half and half").unwrap();
        assert!(!program.is_replaced(), "it was");
        assert!(program.is_replaced());
    }

    #[tokio::test]
    async fn f61_what_does_not_run_does_not_take_over() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("program");
        std::fs::write(&path, "old").unwrap();
        let mut program = Program::at(path.clone()).unwrap();
        std::fs::write(&path, "no program at all").unwrap();
        assert!(!program.is_replaced() && program.is_replaced());
        let home = Home::at(dir.path().join("home")).unwrap();
        assert!(!program.can_take_over(&home).await);
        assert!(!program.is_replaced() && !program.is_replaced(), "it is not tried again");
    }
}
