//! The log's size: one file that is written, one that was.

use std::fs::{File, OpenOptions};
use std::io;
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;

/// Bytes after which the log is rotated. Two files of this size hold years of ordinary use.
const LOG_MAX: u64 = 4 << 20;

/// Rotates a large log: renames it to `<name>.1`, which replaces the previous one, and starts an empty one.
///
/// It is copied and emptied, not renamed: a worker that runs writes into the same open file. What is written between the two
/// is lost, which a log may be.
///
/// # Errors
/// If the copy cannot be written; the log stays as it is then.
pub fn rotate(log: &Path) -> io::Result<()> {
    rotate_above(log, LOG_MAX)
}

fn rotate_above(log: &Path, limit: u64) -> io::Result<()> {
    let size = match std::fs::metadata(log) {
        Ok(metadata) => metadata.len(),
        // A daemon in the foreground writes none.
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
        Err(error) => return Err(error),
    };
    if size <= limit {
        return Ok(());
    }
    let old = log.with_added_extension("1");
    let mut copy = OpenOptions::new().create(true).write(true).truncate(true).mode(0o600).open(old)?;
    io::copy(&mut File::open(log)?, &mut copy)?;
    OpenOptions::new().write(true).open(log)?.set_len(0)
}

#[cfg(test)]
mod tests {
    use std::io::Write;

    use super::*;

    #[test]
    fn a_large_log_is_set_aside_and_its_writers_go_on() {
        let dir = tempfile::tempdir().unwrap();
        let log = dir.path().join("agent.log");
        rotate_above(&log, 10).unwrap();
        let mut writer = OpenOptions::new().create(true).append(true).open(&log).unwrap();
        writer.write_all(b"0123456789").unwrap();
        rotate_above(&log, 10).unwrap();
        assert_eq!(std::fs::read(&log).unwrap(), b"0123456789", "it is not too large yet");
        writer.write_all(b"x").unwrap();
        rotate_above(&log, 10).unwrap();
        writer.write_all(b"new").unwrap();
        assert_eq!(std::fs::read(&log).unwrap(), b"new");
        assert_eq!(std::fs::read(dir.path().join("agent.log.1")).unwrap(), b"0123456789x");
    }
}
