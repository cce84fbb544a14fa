//! What was installed where: the agent's own note, by which an uninstallation leaves each file as it was. It holds what we wrote, and
//! nothing of the user's.

use std::collections::BTreeMap;
use std::io;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use super::insertion::Insertion;
use crate::domain::Hash;
use crate::file;

/// By the path of the file: a client may have several, of which a variable names one at a time.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Installations(BTreeMap<String, Installation>);

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Installation {
    /// The id of the client.
    pub(super) client: String,
    pub(super) file: PathBuf,
    /// The file was not there before.
    pub(super) made_file: bool,
    /// Directories that were not there before, the outermost first.
    pub(super) made_directories: Vec<PathBuf>,
    pub(super) made_tables: usize,
    /// What was put in; `None` if a part of the entry was replaced.
    pub(super) insertion: Option<Insertion>,
    /// SHA-256 of the file with our entry, in hex.
    pub(super) written: String,
}

impl Installation {
    /// The text before the installation, if the file is still what was written then.
    pub(super) fn undone(&self, content: &[u8], body: &str) -> Option<String> {
        let insertion = self.insertion.as_ref().filter(|_| self.written == hash(content))?;
        insertion.undo(body)
    }
}

pub(super) fn hash(content: &[u8]) -> String {
    Hash::of(content).to_string()
}

impl Installations {
    /// Reads the note; one that is missing or damaged holds nothing, and files are then edited by what stands in them.
    pub(super) fn load(path: &Path) -> Self {
        std::fs::read(path).ok().and_then(|content| serde_json::from_slice(&content).ok()).unwrap_or_default()
    }

    pub(super) fn of(&self, file: &Path) -> Option<&Installation> {
        self.0.get(&key(file))
    }

    pub(super) fn files_of(&self, client: &str) -> impl Iterator<Item = &PathBuf> {
        self.0.values().filter(move |installation| installation.client == client).map(|installation| &installation.file)
    }

    /// Has another installation below it remove a directory that we made, once that is empty.
    pub(super) fn hand_over(&mut self, directory: &Path) {
        if let Some(heir) = self.0.values_mut().find(|other| other.file.starts_with(directory)) {
            heir.made_directories.insert(0, directory.to_path_buf());
        }
    }

    /// Notes an installation in a file, or that there is none any more.
    pub(super) fn set(&mut self, file: &Path, installation: Option<Installation>) {
        match installation {
            Some(installation) => self.0.insert(key(file), installation),
            None => self.0.remove(&key(file)),
        };
    }

    /// Writes the note. An empty one is no file.
    pub(super) fn save(&self, path: &Path) -> io::Result<()> {
        if self.0.is_empty() {
            return match std::fs::remove_file(path) {
                Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
                _ => Ok(()),
            };
        }
        let content = serde_json::to_vec_pretty(self).map_err(io::Error::other)?;
        file::replace(path, &content, 0o600)
    }
}

fn key(file: &Path) -> String {
    file.to_string_lossy().into_owned()
}
