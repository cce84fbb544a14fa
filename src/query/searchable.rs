//! How much can be searched by meaning already, and by which vectors.

use std::fmt;

use super::{QueryError, Reader, status};
use crate::cache::provisional;
use crate::domain::RepoId;

/// Files that are to have vectors, and those that have.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Searchable {
    /// A model is set up and installed.
    pub has_model: bool,
    pub files: u64,
    /// With the model's own vectors.
    pub own: u64,
    /// With vectors from the model's static table, until its own are made.
    pub provisional: u64,
}

impl Searchable {
    /// Nothing is left that waiting could make searchable.
    pub fn is_whole(&self) -> bool {
        !self.has_model || self.own + self.provisional >= self.files
    }
}

impl fmt::Display for Searchable {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("every file can be searched by words")?;
        if !self.has_model {
            return Ok(());
        }
        write!(f, ", {} of {} by meaning", self.own + self.provisional, self.files)?;
        if self.provisional > 0 {
            write!(f, " ({} provisionally)", self.provisional)?;
        }
        Ok(())
    }
}

/// Counts them, in one repository or in all.
///
/// # Errors
/// If a store cannot be read.
pub fn searchable_by_meaning(reader: &Reader<'_>, repo: Option<&RepoId>) -> Result<Searchable, QueryError> {
    let mut all = Searchable { has_model: status::installed_model(reader).is_some(), ..Searchable::default() };
    for one in reader.repos()?.iter().filter(|one| repo.is_none_or(|repo| one.id == *repo)) {
        let Some(store) = reader.store(one)? else { continue };
        let counts = provisional::counts(store.db())?;
        all.files += counts.files;
        all.own += counts.own;
        all.provisional += counts.provisional;
    }
    Ok(all)
}
