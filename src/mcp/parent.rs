//! The end of the client: its end of the pipe closes, unless another process has inherited it. So the kernel is asked to report the end of
//! the parent, too.

use std::io;

use rustix::process::{Pid, getppid};

/// The parent at the start, from whose end on this process has no purpose. Call it first of all.
pub(super) fn note() -> Option<Pid> {
    let parent = getppid();
    #[cfg(target_os = "linux")]
    {
        use rustix::process::{Signal, set_parent_process_death_signal};
        // A kernel that refuses leaves the pipe.
        let _ = set_parent_process_death_signal(Some(Signal::USR1));
    }
    parent
}

/// Returns when the parent is gone. The signal comes also when only the *thread* ends that started this process, so the parent is
/// looked for again.
///
/// # Errors
/// If signals cannot be received.
pub(super) async fn is_gone(parent: Option<Pid>) -> io::Result<()> {
    use tokio::signal::unix::{SignalKind, signal};
    let mut ended = signal(SignalKind::user_defined1())?;
    // It may have gone before the kernel was asked.
    while getppid() == parent {
        ended.recv().await;
    }
    Ok(())
}
