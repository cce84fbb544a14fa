//! What was installed as a model: its files with their hashes, written next to them. What is not pinned in this program is checked by it.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use crate::file;

const RECORD: &str = "installed.json";

#[derive(Debug, thiserror::Error)]
pub enum RecordError {
    #[error("the record {path} of what was installed cannot be read: {source}; install the model again")]
    Unreadable { path: PathBuf, source: std::io::Error },
    #[error("the record {path} of what was installed is damaged: {source}; install the model again")]
    Damaged { path: PathBuf, source: serde_json::Error },
    #[error("the record {path} cannot be written: {source}; check the space on its disk")]
    Unwritable { path: PathBuf, source: std::io::Error },
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct RecordedFile {
    pub name: String,
    pub bytes: u64,
    /// Lower-case hex.
    pub sha256: String,
}

/// A model's files as they were when it was installed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ModelRecord {
    /// The directory or the hub's repository that they are from.
    pub from: String,
    pub dimensions: usize,
    pub files: Vec<RecordedFile>,
}

impl ModelRecord {
    /// Size of all files.
    pub fn bytes(&self) -> u64 {
        self.files.iter().map(|file| file.bytes).sum()
    }
}

/// # Errors
/// If there is none, or it is damaged.
pub fn read(dir: &Path) -> Result<ModelRecord, RecordError> {
    let path = dir.join(RECORD);
    let bytes = std::fs::read(&path).map_err(|source| RecordError::Unreadable { path: path.clone(), source })?;
    serde_json::from_slice(&bytes).map_err(|source| RecordError::Damaged { path, source })
}

/// # Errors
/// If it cannot be written.
pub(super) fn write(dir: &Path, record: &ModelRecord) -> Result<(), RecordError> {
    let path = dir.join(RECORD);
    let json =
        serde_json::to_vec_pretty(record).map_err(|source| RecordError::Damaged { path: path.clone(), source })?;
    file::replace(&path, &json, 0o600).map_err(|source| RecordError::Unwritable { path, source })
}

/// What is recorded of the models below a directory, by their ids.
pub fn installed(models: &Path) -> BTreeMap<String, ModelRecord> {
    let entries = std::fs::read_dir(models).into_iter().flatten().flatten();
    let one = |entry: std::fs::DirEntry| {
        let name = entry.file_name().into_string().ok().filter(|name| !name.starts_with('.'))?;
        Some((name, read(&entry.path()).ok()?))
    };
    entries.filter_map(one).collect()
}
