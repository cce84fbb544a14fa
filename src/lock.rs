//! Advisory locks on files under `run/`: held for a process's life, released by the kernel however it ends.

use std::fs::{File, OpenOptions};
use std::io;
use std::os::unix::fs::{FileExt, OpenOptionsExt};
use std::path::Path;

use rustix::fs::{FlockOperation, flock};

/// How often, and at what interval, a busy lock is tried again before it counts as taken. A daemon that was killed holds its own
/// until the kernel has taken its watches down: some 20 ms with a thousand of them on a quiet machine.
const TRIES: u32 = 50;
const TRY_EVERY: std::time::Duration = std::time::Duration::from_millis(10);

/// Takes a lock if it is free. The file holds the owner's pid, for display only: a pid proves nothing.
///
/// # Errors
/// If the file cannot be opened or written.
pub fn try_take(path: &Path) -> io::Result<Option<File>> {
    let file = open(path)?;
    // `holder` takes the lock for an instant when it checks; that must not pass for an owner.
    for _ in 0..TRIES {
        match flock(&file, FlockOperation::NonBlockingLockExclusive) {
            Ok(()) => {
                sign(&file)?;
                return Ok(Some(file));
            }
            Err(rustix::io::Errno::WOULDBLOCK) => std::thread::sleep(TRY_EVERY),
            Err(error) => return Err(error.into()),
        }
    }
    Ok(None)
}

/// Waits for a lock.
///
/// # Errors
/// If the file cannot be opened or written.
pub fn wait(path: &Path) -> io::Result<File> {
    let file = open(path)?;
    while let Err(error) = flock(&file, FlockOperation::LockExclusive) {
        if error != rustix::io::Errno::INTR {
            return Err(error.into());
        }
    }
    sign(&file)?;
    Ok(file)
}

/// The pid of a holder that does not go away, as one that was just killed does.
pub fn lasting_holder(path: &Path) -> Option<u32> {
    for _ in 1..TRIES {
        holder(path)?;
        std::thread::sleep(TRY_EVERY);
    }
    holder(path)
}

/// The pid that the holder wrote, if a process holds the lock.
pub fn holder(path: &Path) -> Option<u32> {
    let file = File::open(path).ok()?;
    match flock(&file, FlockOperation::NonBlockingLockShared) {
        Err(rustix::io::Errno::WOULDBLOCK) => signed(path),
        _ => None,
    }
}

/// The pid of the last holder, if that process runs a daemon still: one that becomes another version of its program lets go of the lock by the exec, and
/// is about to take it again. `None` where the system does not show what a process runs.
pub fn heir(path: &Path) -> Option<u32> {
    const BECOME: &[u8] = b"\0daemon\0run\0";
    let pid = signed(path)?;
    let read = || std::fs::read(format!("/proc/{pid}/cmdline")).ok();
    let mut command = read()?;
    for _ in 1..TRIES {
        // In the middle of the exec it has none; nor has it once it has ended, and is not yet waited for.
        if !command.is_empty() || has_ended(pid) {
            break;
        }
        std::thread::sleep(TRY_EVERY);
        command = read()?;
    }
    command.windows(BECOME.len()).any(|part| part == BECOME).then_some(pid)
}

/// Whether a process is only waited for, as /proc has it: the state follows the name, which may hold anything.
fn has_ended(pid: u32) -> bool {
    let stat = std::fs::read_to_string(format!("/proc/{pid}/stat")).unwrap_or_default();
    stat.rsplit_once(')').is_none_or(|(_, rest)| rest.trim_start().starts_with(['Z', 'X']))
}

/// The pid that was written last. What is behind its line may be left of a longer one.
fn signed(path: &Path) -> Option<u32> {
    std::fs::read_to_string(path).ok()?.lines().next()?.trim().parse().ok()
}

fn open(path: &Path) -> io::Result<File> {
    // Opened close-on-exec, as the standard library does: a child must not inherit the lock.
    OpenOptions::new().read(true).write(true).create(true).truncate(false).mode(0o600).open(path)
}

fn sign(file: &File) -> io::Result<()> {
    let line = format!("{}\n", std::process::id());
    // In this order: who reads it in between finds a pid.
    file.write_all_at(line.as_bytes(), 0)?;
    file.set_len(line.len() as u64)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_lock_has_one_holder_and_is_free_when_that_is_gone() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("agent.lock");
        assert_eq!(holder(&path), None);
        let held = try_take(&path).unwrap().unwrap();
        assert!(try_take(&path).unwrap().is_none());
        assert_eq!(holder(&path), Some(std::process::id()));
        assert_eq!(lasting_holder(&path), Some(std::process::id()));
        drop(held);
        assert_eq!(holder(&path), None);
        assert!(try_take(&path).unwrap().is_some());
    }

    #[cfg(target_os = "linux")]
    #[test]
    fn an_heir_is_a_process_that_runs_a_daemon() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("agent.lock");
        assert_eq!(heir(&path), None);
        let mut running = std::process::Command::new("sh");
        let running = running.args(["-c", "read wait", "daemon", "run", "it"]).stdin(std::process::Stdio::piped());
        let mut running = running.spawn().unwrap();
        std::fs::write(&path, format!("{}\n", running.id())).unwrap();
        assert_eq!(heir(&path), Some(running.id()));
        running.kill().unwrap();
        running.wait().unwrap();
        assert_eq!(heir(&path), None, "it is gone");
        std::fs::write(&path, format!("{}\n", std::process::id())).unwrap();
        assert_eq!(heir(&path), None, "this is a test");
    }

    #[cfg(target_os = "linux")]
    #[test]
    fn a_process_that_ended_and_is_not_waited_for_is_no_heir() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("agent.lock");
        let mut ended = std::process::Command::new("sh").args(["-c", ":", "daemon", "run", "it"]).spawn().unwrap();
        std::fs::write(&path, format!("{}\n", ended.id())).unwrap();
        let id = rustix::process::Pid::from_child(&ended);
        let how = rustix::process::WaitIdOptions::EXITED | rustix::process::WaitIdOptions::NOWAIT;
        rustix::process::waitid(rustix::process::WaitId::Pid(id), how).unwrap();
        assert!(has_ended(ended.id()));
        assert_eq!(heir(&path), None);
        ended.wait().unwrap();
    }

    #[test]
    fn a_pid_is_read_also_while_another_is_written_over_it() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("agent.lock");
        std::fs::write(&path, "123\n5678\n").unwrap();
        assert_eq!(signed(&path), Some(123));
        let held = try_take(&path).unwrap().unwrap();
        assert_eq!(std::fs::read_to_string(&path).unwrap(), format!("{}\n", std::process::id()));
        drop(held);
    }

    #[test]
    fn a_holder_that_is_going_does_not_last() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("agent.lock");
        let held = try_take(&path).unwrap().unwrap();
        let going = std::thread::spawn(move || {
            std::thread::sleep(3 * TRY_EVERY);
            drop(held);
        });
        assert_eq!(lasting_holder(&path), None);
        going.join().unwrap();
    }
}
