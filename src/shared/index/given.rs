//! Which files of a repository this machine has given to the shared index, and in which state. Kept in a small file, so that nothing new
//! costs no request.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use super::super::entry::EntryName;
use super::super::key::{KEY_BYTES, PublicKey};
use crate::file;

/// Files by name, each with the state of its rows.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct GivenFiles {
    path: PathBuf,
    signer: PublicKey,
    pub files: BTreeMap<EntryName, EntryName>,
}

impl GivenFiles {
    /// The record of one repository in one table. `None`: there is none, it cannot be read, or another key has signed what it says.
    pub fn open(dir: &Path, table: &str, repo: &EntryName, signer: PublicKey) -> Option<Self> {
        let mut given = Self::new(dir, table, repo, signer);
        let bytes = std::fs::read(&given.path).ok()?;
        let (of, rest) = bytes.split_first_chunk::<KEY_BYTES>()?;
        let (pairs, rest) = rest.as_chunks::<{ 2 * EntryName::BYTES }>();
        if *of != signer.0 || !rest.is_empty() {
            return None;
        }
        let pair = |pair: &[u8; 2 * EntryName::BYTES]| {
            let (file, state) = pair.split_at(EntryName::BYTES);
            (EntryName::first_of(file), EntryName::first_of(state))
        };
        given.files.extend(pairs.iter().map(pair));
        Some(given)
    }

    /// A record that says that nothing was given.
    pub fn new(dir: &Path, table: &str, repo: &EntryName, signer: PublicKey) -> Self {
        let path = dir.join("index").join(format!("{table}-{repo}.given"));
        Self { path, signer, files: BTreeMap::new() }
    }

    /// Writes it. What cannot be written is read from the store the next time.
    pub fn save(&self) {
        let pairs = self.files.iter().flat_map(|(file, state)| [file.0, state.0]);
        let bytes: Vec<u8> = self.signer.0.into_iter().chain(pairs.flatten()).collect();
        let made = self.path.parent().map_or(Ok(()), std::fs::create_dir_all);
        if let Err(error) = made.and_then(|()| file::replace_entry(&self.path, &bytes, 0o600)) {
            tracing::debug!(%error, "what was given to the shared index is not recorded");
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_record_comes_back_for_the_key_that_signed() {
        let dir = tempfile::tempdir().unwrap();
        let name = |byte: u8| EntryName([byte; EntryName::BYTES]);
        let (one, other) = (PublicKey([1; KEY_BYTES]), PublicKey([2; KEY_BYTES]));
        let mut given = GivenFiles::new(dir.path(), "table", &name(7), one);
        assert_eq!(GivenFiles::open(dir.path(), "table", &name(7), one), None);
        given.files.extend([(name(1), name(2)), (name(3), name(4))]);
        given.save();
        assert_eq!(GivenFiles::open(dir.path(), "table", &name(7), one), Some(given.clone()));
        assert_eq!(GivenFiles::open(dir.path(), "table", &name(7), other), None);
        assert_eq!(GivenFiles::open(dir.path(), "table", &name(8), one), None);
        std::fs::write(&given.path, [1; 40]).unwrap();
        assert_eq!(GivenFiles::open(dir.path(), "table", &name(7), one), None);
    }
}
