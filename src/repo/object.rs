//! Reading one object: from the object database, or, if that cannot give it, from any copy of it that there is.

use std::panic::{AssertUnwindSafe, catch_unwind};

use gix::objs::{CommitRef, Kind};

use super::open::{Blob, Repo, RepoError, native, plain};
use super::salvage::{RawObject, Salvage, is_named};
use super::tree::TreeEntry;
use crate::domain::{EntryMode, ObjectId};
use crate::tally::{self, Deed};

impl Repo {
    /// Reads a blob of at most `max_bytes` bytes; the size of a larger one is returned without loading it. Nothing converts the bytes:
    /// no filter, no line endings.
    ///
    /// # Errors
    /// If the object is missing, is no blob, or no copy of it can be read.
    pub fn blob(&self, id: &ObjectId, max_bytes: u64) -> Result<Blob, RepoError> {
        let native_id = native(id)?;
        if let Ok(Some(header)) = unless_it_panics(|| self.inner.try_find_header(native_id))
            && header.kind() == Kind::Blob
            && header.size() > max_bytes
        {
            return Ok(Blob::TooLarge { bytes: header.size() });
        }
        let data = self.object_of(id, Kind::Blob, "blob")?;
        let bytes = data.len() as u64;
        Ok(if bytes > max_bytes { Blob::TooLarge { bytes } } else { Blob::Content(data) })
    }

    /// Why an entry of a tree cannot be read; `None`: it can.
    pub fn why_unreadable(&self, entry: &TreeEntry) -> Option<RepoError> {
        match entry.mode {
            EntryMode::File | EntryMode::Executable => self.blob(&entry.id, super::MAX_FILE_BYTES).err(),
            EntryMode::Directory => self.read_tree(&entry.id).err(),
            EntryMode::Symlink | EntryMode::Submodule => None,
        }
    }

    /// The content of an object of one kind.
    pub(super) fn object_of(&self, id: &ObjectId, kind: Kind, expected: &'static str) -> Result<Vec<u8>, RepoError> {
        let found = self.object(id)?;
        if found.kind != kind {
            return Err(RepoError::WrongKind { id: id.clone(), found: found.kind.to_string(), expected });
        }
        Ok(found.data)
    }

    /// The tree of a commit, and its parents.
    pub(super) fn commit(&self, id: &ObjectId) -> Result<(ObjectId, Vec<ObjectId>), RepoError> {
        let data = self.object_of(id, Kind::Commit, "commit")?;
        let commit = CommitRef::from_bytes(&data, self.inner.object_hash())
            .map_err(|error| RepoError::Unreadable { id: id.clone(), reason: RepoError::chain(&error) })?;
        Ok((plain(&commit.tree()), commit.parents().map(|parent| plain(&parent)).collect()))
    }

    /// An object whose content has its name. A damaged pack index or delta can lead to another object, so this is checked.
    fn object(&self, id: &ObjectId) -> Result<RawObject, RepoError> {
        tally::add(Deed::Object, 1);
        let native_id = native(id)?;
        let found = unless_it_panics(|| self.inner.try_find_object(native_id));
        if let Ok(Some(mut object)) = found
            && is_named(&native_id, object.kind, &object.data)
        {
            return Ok(RawObject { kind: object.kind, data: std::mem::take(&mut object.data) });
        }
        let salvage = self.salvage.get_or_init(|| Salvage::open(&self.object_directories(), self.inner.object_hash()));
        salvage.read(&native_id)?.ok_or_else(|| RepoError::MissingObject { id: id.clone() })
    }

    /// The repository's own, then those that it borrows from.
    fn object_directories(&self) -> Vec<std::path::PathBuf> {
        let own = self.inner.objects.store_ref().path().to_owned();
        let borrowed = gix::odb::alternate::resolve(own.clone(), std::path::Path::new("/")).unwrap_or_default();
        std::iter::once(own).chain(borrowed).collect()
    }
}

/// Damage that the object database did not expect is damage of this one object.
fn unless_it_panics<T>(read: impl FnOnce() -> Result<Option<T>, gix::Error>) -> Result<Option<T>, gix::Error> {
    catch_unwind(AssertUnwindSafe(read)).unwrap_or(Ok(None))
}

#[cfg(test)]
mod tests;
