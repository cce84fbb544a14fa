//! Reading changed files: blob → what it is, or why it is skipped → outline.

use std::collections::HashSet;
use std::sync::atomic::{AtomicUsize, Ordering};

use crate::analyzer::local::LocalDraft;
use crate::clock;
use crate::domain::{FilePath, FileRecord, Hash, Language, Links, ObjectId, Role, SkipReason, Source};
use crate::embedder::chunk;
use crate::language::Parsed;
use crate::language::segment::PackedSegments;
use crate::outline::{self, StoredOutline};
use crate::repo::{Blob, Content, FileSelection, MAX_FILE_BYTES, Repo, RepoError, TreeEntry, content, decode};

/// What reading one file gave.
pub struct FileRead {
    pub record: FileRecord,
    pub parse: FileParse,
}

/// What one parse of a file gave.
#[derive(Default)]
pub struct FileParse {
    /// Silent for files that are skipped or say nothing to others.
    pub outline: StoredOutline,
    /// Where it is cut; `None`: it is to be read and parsed again for that.
    pub segments: Option<PackedSegments>,
    /// The local answers about it, for the jobs that will ask; `None`: they parse it themselves.
    pub draft: Option<LocalDraft>,
}

/// Notes what is being parsed, so that a crash can be traced to it.
pub trait Trace: Sync {
    /// Runs `parse` while `blob` is noted.
    ///
    /// # Errors
    /// If it cannot be noted; nothing is parsed then.
    fn during(&self, blob: &ObjectId, parse: &mut dyn FnMut()) -> std::io::Result<()>;
}

/// Bytes of text of which segments and drafts are kept, packed: they take about a tenth of that. What exceeds them is parsed again when
/// it is needed.
pub(crate) const KEPT_BYTES: usize = 256 << 20;

/// What may be read.
pub struct Reading<'a> {
    /// Where the blob that is being parsed is noted; `None`: nothing traces a crash.
    pub trace: Option<&'a dyn Trace>,
    pub selection: &'a FileSelection,
    /// Blobs that crashed the parser twice while alone.
    pub quarantined: &'a HashSet<ObjectId>,
    /// Bytes of text of which more than the outline may still be kept.
    pub kept: AtomicUsize,
    /// Whether the local answers are made from the same parse: their jobs are about to come.
    pub drafts: bool,
}

impl Reading<'_> {
    /// Reads one entry of the tree.
    ///
    /// # Errors
    /// If it cannot be noted what is being parsed. An object that is not there (a partial clone), or cannot be read, is a reason to skip.
    pub fn read(&self, repo: &Repo, entry: &TreeEntry) -> Result<FileRead, RepoError> {
        let language = outline::language_of(&entry.path);
        let (skip, size_bytes, content) = match self.content(repo, entry)? {
            Content::Text(text) => (None, text.len() as u64, Some(text)),
            Content::Skipped { reason, bytes } => (Some(reason), bytes, None),
        };
        let role = outline::role_of(&entry.path);
        let parse = match &content {
            Some(text) => self.parse(language, role, text, &entry.id)?,
            None => FileParse::default(),
        };
        let record = FileRecord {
            path: entry.path.clone(),
            blob: entry.id.clone(),
            mode: entry.mode,
            source: Source::Commit,
            size_bytes,
            language,
            role,
            skip,
            content_hash: content.as_ref().map(|text| Hash::of(text.as_bytes())),
            links: Links::default(),
        };
        Ok(FileRead { record, parse })
    }

    fn content(&self, repo: &Repo, entry: &TreeEntry) -> Result<Content, RepoError> {
        if self.quarantined.contains(&entry.id) {
            return Ok(Content::Skipped { reason: SkipReason::Quarantined, bytes: 0 });
        }
        content(repo, entry, self.selection)
    }

    /// What a text says to others, where it is cut and what the local analyzer says of it, from one parse.
    ///
    /// # Errors
    /// If it cannot be noted that it is being parsed.
    pub fn parse(&self, language: Language, role: Role, text: &str, blob: &ObjectId) -> Result<FileParse, RepoError> {
        let unwritten =
            |error: std::io::Error| RepoError::Unreadable { id: blob.clone(), reason: format!("its slot: {error}") };
        let left = |bytes: usize| bytes.checked_sub(text.len());
        let fits = self.kept.fetch_update(Ordering::Relaxed, Ordering::Relaxed, left).is_ok();
        let mut found = FileParse::default();
        let mut parse = || {
            let parsed = Parsed::new(language, text);
            let begun = clock::monotonic();
            found.outline = (&outline::of(&parsed).0).into();
            if fits {
                found.segments = Some(PackedSegments::new(chunk::segments(&parsed)));
            }
            if fits && self.drafts {
                found.draft = LocalDraft::make(&parsed, role, || clock::since(begun));
            }
        };
        match self.trace {
            Some(trace) => trace.during(blob, &mut parse).map_err(unwritten)?,
            None => parse(),
        }
        Ok(found)
    }
}

/// The text of an indexed file of the tree at HEAD; `None` if its object is gone or is no text any more.
///
/// # Errors
/// If the repository is damaged.
pub fn text(repo: &Repo, path: &FilePath, blob: &ObjectId) -> Result<Option<String>, RepoError> {
    match repo.blob(blob, MAX_FILE_BYTES) {
        Ok(Blob::Content(bytes)) => Ok(decode(path, bytes)),
        Ok(Blob::TooLarge { .. }) | Err(RepoError::MissingObject { .. }) => Ok(None),
        Err(error) => Err(error),
    }
}
