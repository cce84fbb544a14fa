//! Reading changed files: blob → what it is, or why it is skipped → outline.

use std::collections::HashSet;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use globset::GlobSet;

use crate::domain::{FileRecord, Hash, Language, Links, ObjectId, SkipReason, Source};
use crate::embedder::chunk;
use crate::language::Parsed;
use crate::language::segment::Segment;
use crate::outline::{self, Outline};
use crate::repo::{Blob, Content, MAX_FILE_BYTES, Repo, RepoError, TreeEntry, content};

/// What reading one file gave.
pub struct FileRead {
    pub record: FileRecord,
    /// Empty for files that are skipped or say nothing to others.
    pub outline: Arc<Outline>,
    /// Where it is cut, from the same parse; `None`: it is to be read and parsed again for that.
    pub segments: Option<Vec<Segment>>,
}

/// Notes what is being parsed, so that a crash can be traced to it.
pub trait Trace: Sync {
    /// Runs `parse` while `blob` is noted.
    ///
    /// # Errors
    /// If it cannot be noted; nothing is parsed then.
    fn during(&self, blob: &ObjectId, parse: &mut dyn FnMut()) -> std::io::Result<()>;
}

/// Bytes of text whose segments are kept from reading to writing; they take about as much memory as the text. What exceeds them is
/// parsed twice.
pub(crate) const SEGMENTED_BYTES: usize = 32 << 20;

/// What may be read.
pub struct Reading<'a> {
    /// Where the blob that is being parsed is noted; `None`: nothing traces a crash.
    pub trace: Option<&'a dyn Trace>,
    pub deny: &'a GlobSet,
    /// Blobs that crashed the parser twice while alone.
    pub quarantined: &'a HashSet<ObjectId>,
    /// Bytes of text whose segments may still be kept.
    pub segmented: AtomicUsize,
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
        let (outline, segments) = match &content {
            Some(text) => self.outline_and_segments(language, text, &entry.id)?,
            None => (Outline::default(), None),
        };
        let record = FileRecord {
            path: entry.path.clone(),
            blob: entry.id.clone(),
            mode: entry.mode,
            source: Source::Commit,
            size_bytes,
            language,
            role: outline::role_of(&entry.path),
            skip,
            content_hash: content.as_ref().map(|text| Hash::of(text.as_bytes())),
            links: Links::default(),
        };
        Ok(FileRead { record, outline: Arc::new(outline), segments })
    }

    fn content(&self, repo: &Repo, entry: &TreeEntry) -> Result<Content, RepoError> {
        if self.quarantined.contains(&entry.id) {
            return Ok(Content::Skipped { reason: SkipReason::Quarantined, bytes: 0 });
        }
        content(repo, entry, self.deny)
    }

    /// What a text says to others.
    ///
    /// # Errors
    /// If it cannot be noted that it is being parsed.
    pub fn outline(&self, language: Language, text: &str, blob: &ObjectId) -> Result<Outline, RepoError> {
        self.parsed(blob, &Parsed::new(language, text), |parsed| outline::of(parsed).0)
    }

    /// What a text says to others and where it is cut, from one parse.
    fn outline_and_segments(
        &self,
        language: Language,
        text: &str,
        blob: &ObjectId,
    ) -> Result<(Outline, Option<Vec<Segment>>), RepoError> {
        self.parsed(blob, &Parsed::new(language, text), |parsed| {
            let left = |bytes: usize| bytes.checked_sub(text.len());
            let fits = self.segmented.fetch_update(Ordering::Relaxed, Ordering::Relaxed, left).is_ok();
            (outline::of(parsed).0, fits.then(|| chunk::segments(parsed)))
        })
    }

    fn parsed<T: Default>(
        &self,
        blob: &ObjectId,
        parsed: &Parsed<'_>,
        read: impl Fn(&Parsed<'_>) -> T,
    ) -> Result<T, RepoError> {
        let unwritten =
            |error: std::io::Error| RepoError::Unreadable { id: blob.clone(), reason: format!("its slot: {error}") };
        let mut found = None;
        let mut parse = || found = Some(read(parsed));
        match self.trace {
            Some(trace) => trace.during(blob, &mut parse).map_err(unwritten)?,
            None => parse(),
        }
        Ok(found.unwrap_or_default())
    }
}

/// The text of an indexed file of the tree at HEAD; `None` if its object is gone or is no text any more.
///
/// # Errors
/// If the repository is damaged.
pub fn text(repo: &Repo, blob: &ObjectId) -> Result<Option<String>, RepoError> {
    match repo.blob(blob, MAX_FILE_BYTES) {
        Ok(Blob::Content(bytes)) => Ok(String::from_utf8(bytes).ok()),
        Ok(Blob::TooLarge { .. }) | Err(RepoError::MissingObject { .. }) => Ok(None),
        Err(error) => Err(error),
    }
}
