//! Slot files: what each thread is at work on, so that the next worker knows what may have caused a crash.
//!
//! Nothing is synced: a slot has to outlive the process, not the machine.

use std::fs::{File, OpenOptions};
use std::io;
use std::os::unix::fs::FileExt;
use std::path::Path;

use crate::domain::ObjectId;
use crate::index::read::Trace;
use crate::queue::SuspectUnit;

/// One file per thread of the pool, and one for the thread that drives it.
pub struct Slots {
    files: Vec<File>,
}

impl Slots {
    /// Reads what the slots of an earlier worker hold, and empties them.
    ///
    /// # Errors
    /// If the directory cannot be read or written.
    pub fn take(dir: &Path) -> io::Result<Vec<SuspectUnit>> {
        let mut found = Vec::new();
        for entry in std::fs::read_dir(dir)? {
            let path = entry?.path();
            // A slot that holds no subject was being written when its process died: nothing had begun.
            found.extend(std::fs::read_to_string(&path).ok().as_deref().and_then(SuspectUnit::parse));
            std::fs::remove_file(&path)?;
        }
        found.sort();
        found.dedup();
        Ok(found)
    }

    /// Slots for a pool of `threads` threads.
    ///
    /// # Errors
    /// If the files cannot be created.
    pub fn create(dir: &Path, threads: usize) -> io::Result<Self> {
        let open =
            |index: usize| OpenOptions::new().write(true).create(true).truncate(true).open(dir.join(index.to_string()));
        Ok(Self { files: (0..=threads).map(open).collect::<io::Result<_>>()? })
    }

    /// Marks this thread as at work on `subject` until the guard is dropped.
    ///
    /// # Errors
    /// If the slot cannot be written; work that could not be traced is not begun.
    pub fn enter(&self, subject: &SuspectUnit) -> io::Result<Occupied<'_>> {
        let last = self.files.len() - 1;
        let file = &self.files[rayon::current_thread_index().unwrap_or(last).min(last)];
        file.write_all_at(subject.to_string().as_bytes(), 0)?;
        Ok(Occupied { file })
    }
}

impl Trace for Slots {
    fn during(&self, blob: &ObjectId, parse: &mut dyn FnMut()) -> io::Result<()> {
        let _slot = self.enter(&SuspectUnit::Blob(blob.clone()))?;
        parse();
        Ok(())
    }
}

/// A slot in use.
pub struct Occupied<'a> {
    file: &'a File,
}

impl Drop for Occupied<'_> {
    fn drop(&mut self) {
        if let Err(error) = self.file.set_len(0) {
            tracing::warn!(%error, "a slot file cannot be emptied; after a crash its last subject would be suspected");
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_entered_and_not_left_is_found_once() {
        let dir = tempfile::tempdir().unwrap();
        let slots = Slots::create(dir.path(), 2).unwrap();
        drop(slots.enter(&SuspectUnit::Blob(ObjectId(vec![1; 20]))).unwrap());
        let crashed = SuspectUnit::Blob(ObjectId(vec![2; 20]));
        std::mem::forget(slots.enter(&crashed).unwrap());
        assert_eq!(Slots::take(dir.path()).unwrap(), [crashed]);
        assert_eq!(Slots::take(dir.path()).unwrap(), []);
    }
}
