//! Reading one file of the work tree: as HEAD has it, as it was read before, or what it is now.

use std::time::UNIX_EPOCH;

use super::Unreconciled;
use crate::cache::overlay::OverlayFile;
use crate::clock;
use crate::domain::{EntryMode, FilePath, FileRecord, Hash, Links, ObjectId, SkipReason, Source};
use crate::index::read::{FileParse, Reading};
use crate::outline;
use crate::repo::FileSelection;
use crate::repo::disk::{FileStat, OnDisk};
use crate::repo::tree::TreeEntry;
use crate::repo::worktree::{Candidate, Committable, WorkTree};

/// A file of the work tree that was read.
pub(super) struct SavedRead {
    pub file: OverlayFile,
    pub text: Option<String>,
    pub parse: FileParse,
}

/// What became of a file that may differ.
pub(super) enum SavedState {
    /// It is what HEAD has, or nothing that the view could have.
    AsHead,
    /// Its content is the recorded one.
    Kept(OverlayFile),
    /// Likewise, but its attributes are others.
    Touched(OverlayFile),
    Read(Box<SavedRead>),
}

/// Compares a file that may differ. `committed`: as HEAD has it; `recorded`: as the overlay has it.
///
/// # Errors
/// If it cannot be noted what is being parsed. What may not be read is taken for what it was.
pub(super) fn compare(
    tree: &mut WorkTree,
    reading: &Reading<'_>,
    candidate: Candidate,
    committed: Option<&TreeEntry>,
    recorded: Option<&OverlayFile>,
) -> Result<SavedState, Unreconciled> {
    let Candidate { path, on_disk } = candidate;
    let is_head = |id: &ObjectId| committed.is_some_and(|entry| entry.id == *id);
    if let (OnDisk::File(stat), Some(file)) = (on_disk, recorded)
        && file.is_as_read(&stat)
    {
        return Ok(if is_head(&file.record.blob) { SavedState::AsHead } else { SavedState::Kept(file.clone()) });
    }
    let since = clock::system_now().duration_since(UNIX_EPOCH);
    let read_ns = since.map_or(0, |since| i64::try_from(since.as_nanos()).unwrap_or(i64::MAX));
    let read = match on_disk {
        OnDisk::File(_) => tree.read(&path),
        OnDisk::Absent | OnDisk::Directory | OnDisk::Symlink | OnDisk::Special => Ok(Committable::NoFile),
    };
    let (stat, id, content) = match read {
        Ok(Committable::Content { id, .. }) if is_head(&id) => return Ok(SavedState::AsHead),
        Ok(Committable::Content { stat, id, bytes }) => (stat, id, Ok(bytes)),
        Ok(Committable::TooLarge(stat)) => (stat, ObjectId(Vec::new()), Err((SkipReason::Huge, stat.bytes))),
        Ok(Committable::NoFile) => match committed {
            Some(entry) => (FileStat::default(), entry.id.clone(), Err((SkipReason::Deleted, 0))),
            None => return Ok(SavedState::AsHead),
        },
        // What may not be read is taken for what it was.
        Err(error) => {
            tracing::debug!(%path, %error, "a file of the work tree cannot be read");
            return Ok(recorded.map_or(SavedState::AsHead, |file| SavedState::Kept(file.clone())));
        }
    };
    if let Some(recorded) = recorded.filter(|file| is_same(&file.record, &id, &content)) {
        return Ok(if recorded.record.skip == Some(SkipReason::Deleted) {
            SavedState::Kept(recorded.clone())
        } else {
            SavedState::Touched(OverlayFile { stat, read_ns, ..recorded.clone() })
        });
    }
    let (record, text, parse) = saved_read(reading, tree.selection(), path, committed, id, content)?;
    Ok(SavedState::Read(Box::new(SavedRead { file: OverlayFile { record, stat, read_ns }, text, parse })))
}

/// The bytes of a file, or why they are not read, and how many there are.
type SavedBytes = Result<Vec<u8>, (SkipReason, u64)>;

/// Whether a file that was read has the content that is recorded.
fn is_same(record: &FileRecord, id: &ObjectId, content: &SavedBytes) -> bool {
    let unread = |reason: &SkipReason| matches!(reason, SkipReason::Deleted | SkipReason::Huge);
    record.blob == *id && record.skip.filter(unread) == content.as_ref().err().map(|(reason, _)| *reason)
}

fn saved_read(
    reading: &Reading<'_>,
    selection: &FileSelection,
    path: FilePath,
    committed: Option<&TreeEntry>,
    blob: ObjectId,
    content: SavedBytes,
) -> Result<(FileRecord, Option<String>, FileParse), Unreconciled> {
    let language = outline::language_of(&path);
    let text = content.and_then(|bytes| {
        let size = bytes.len() as u64;
        if reading.quarantined.contains(&blob) {
            return Err((SkipReason::Quarantined, size));
        }
        selection.text(&path, bytes).map_err(|reason| (reason, size))
    });
    let role = outline::role_of(&path);
    let parse = match &text {
        Ok(text) => reading.parse(language, role, text, &blob)?,
        Err(_) => FileParse::default(),
    };
    let record = FileRecord {
        role,
        path,
        blob,
        mode: committed.map_or(EntryMode::File, |entry| entry.mode),
        source: Source::Worktree,
        size_bytes: text.as_ref().map_or_else(|(_, bytes)| *bytes, |text| text.len() as u64),
        language,
        skip: text.as_ref().err().map(|(reason, _)| *reason),
        content_hash: text.as_ref().ok().map(|text| Hash::of(text.as_bytes())),
        links: Links::default(),
    };
    Ok((record, text.ok(), parse))
}
