//! Answers that were made while files were read, until their jobs come.

use std::collections::HashMap;

use crate::analyzer::local::{DraftAnswer, LocalDraft};
use crate::domain::{AnalysisType, FileRecord, Language, ObjectId, Role};

/// What an answer depends on but for what the file uses of others.
type DraftKey = (ObjectId, Language, Role);

/// Bytes of text whose drafts are kept; they are packed. What exceeds them, as when many repositories are registered at once, is read again.
const DRAFTED_BYTES: u64 = 256 << 20;

/// The drafts of files that were read.
#[derive(Default)]
pub(in crate::worker) struct Drafts {
    by_file: HashMap<DraftKey, LocalDraft>,
    /// Of their texts.
    bytes: u64,
}

impl Drafts {
    pub fn keep(&mut self, file: &FileRecord, draft: Option<LocalDraft>) {
        let Some(draft) = draft.filter(|_| self.bytes + file.size_bytes <= DRAFTED_BYTES) else { return };
        if self.by_file.insert(key(file), draft).is_none() {
            self.bytes += file.size_bytes;
        }
    }

    /// Takes the answer to one question out; `None`: it is still to be made.
    pub fn take(&mut self, file: &FileRecord, analysis_type: AnalysisType) -> Option<DraftAnswer> {
        let key = key(file);
        let draft = self.by_file.get_mut(&key)?;
        let answer = draft.take(analysis_type);
        if draft.is_empty() {
            self.by_file.remove(&key);
            self.bytes -= file.size_bytes;
        }
        answer
    }

    pub fn is_empty(&self) -> bool {
        self.by_file.is_empty()
    }

    /// Drops what no job has asked for.
    pub fn clear(&mut self) {
        *self = Self::default();
    }
}

fn key(file: &FileRecord) -> DraftKey {
    (file.blob.clone(), file.language, file.role)
}
