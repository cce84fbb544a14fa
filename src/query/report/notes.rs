//! What each content of a file says: taken from what is stored, else made again. Nothing is written.

use std::collections::{BTreeSet, HashMap, HashSet};
use std::sync::Arc;
use std::time::Duration;

use super::super::{QueryError, Reader, verify};
use super::finding::{FoundBy, TracedFinding, in_order, of_analysis, unresolved};
use crate::analyzer::Analysis;
use crate::analyzer::llm::Withheld;
use crate::analyzer::local::LocalDraft;
use crate::cache::{RepoStore, analyses, outlines, view};
use crate::domain::{AnalysisType, FilePath, FileRecord, Hash, Links, ObjectId, SkipReason, Source};
use crate::impact::{Graph, Use};
use crate::index::links::links;
use crate::index::recipe::recipe_of;
use crate::language::Parsed;
use crate::outline::{self, Outline, StoredOutline};
use crate::plan::{AnalysisRecipe, Recipe, is_asked_about};
use crate::repo::registry::Registered;
use crate::repo::{Content, FileSelection, Repo, RepoError, TreeEntry, content, in_parallel};
use crate::store::StoreError;

/// Texts that are held at a time.
const BATCH: usize = 512;

/// The questions whose local answers are findings of a file by itself. What it uses of others comes from the graph.
const BY_ITSELF: [AnalysisType; 3] = [AnalysisType::Refactor, AnalysisType::Docs, AnalysisType::Todos];

/// The questions to a model whose answers are findings. What it says of documentation and notes, this machine says, too.
const ASKED: [AnalysisType; 2] = [AnalysisType::Refactor, AnalysisType::Analysis];

/// What a content says, whatever else is in the repository.
pub(super) struct FileNotes {
    record: FileRecord,
    pub outline: Arc<Outline>,
    found: Vec<TracedFinding>,
}

/// Why a file was not analysed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum NotLooked {
    /// Reading it crashed the worker twice.
    Quarantined,
    /// Its object is not in this clone, or cannot be read.
    Unreadable,
    /// The analyzer failed.
    Failed,
    /// No answer of the model is stored to this question.
    Unanswered(AnalysisType),
}

impl NotLooked {
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Quarantined => "reading it crashed the worker twice",
            Self::Unreadable => "its object is not in this clone, or cannot be read",
            Self::Failed => "the analyzer failed on it",
            Self::Unanswered(_) => "no answer of the model is stored",
        }
    }
}

/// All that is found in a file, in one state of the repository.
#[derive(Debug, Default)]
pub(super) struct FileFindings {
    pub found: Vec<TracedFinding>,
    /// The questions that a stored answer of the model is about.
    pub answered: BTreeSet<AnalysisType>,
    pub unanswered: BTreeSet<AnalysisType>,
}

/// Where findings come from.
pub(super) struct NoteSource<'a> {
    pub git: &'a Repo,
    pub selection: FileSelection,
    store: Option<&'a RepoStore>,
    recipe: Recipe,
    withheld: Withheld,
    context_bytes: usize,
    quarantined: HashSet<ObjectId>,
    /// What the store has of the files at the indexed commit.
    recorded: HashMap<FilePath, FileRecord>,
    packed: HashMap<FilePath, StoredOutline>,
    notes: HashMap<(FilePath, ObjectId), Arc<FileNotes>>,
    /// Contents whose findings were stored, and those that were analysed for this answer.
    pub stored: usize,
    pub made: usize,
    /// Contents that could not be analysed.
    pub failed: HashMap<(FilePath, ObjectId), NotLooked>,
}

impl<'a> NoteSource<'a> {
    pub fn new(
        reader: &Reader<'_>,
        repo: &Registered,
        git: &'a Repo,
        selection: FileSelection,
        store: Option<&'a RepoStore>,
    ) -> Result<Self, QueryError> {
        let (mut recorded, mut packed) = (HashMap::new(), HashMap::new());
        if let Some(store) = store {
            recorded.extend(view::files(store.db())?.into_iter().map(|file| (file.path.clone(), file)));
            packed.extend(outlines::all(store.db())?);
        }
        let recipe = recipe_of(reader.config, reader.home, repo);
        Ok(Self {
            git,
            selection,
            store,
            withheld: Withheld::new(&recipe.withhold),
            recipe,
            context_bytes: reader.config.llm.max_context_bytes,
            quarantined: verify::quarantined(reader)?,
            recorded,
            packed,
            notes: HashMap::new(),
            stored: 0,
            made: 0,
            failed: HashMap::new(),
        })
    }

    /// The model that is asked; `None`: none is set up.
    pub fn model(&self) -> Option<&str> {
        self.recipe.asks.first().map(|ask| ask.model_id.as_str())
    }

    pub fn is_wanted(&self, question: AnalysisType) -> bool {
        self.recipe.analyses.iter().any(|recipe| recipe.analysis_type == question)
    }

    /// What an entry's content says; [`NoteSource::read`] was asked for it.
    pub fn notes(&self, path: &FilePath, blob: &ObjectId) -> Option<&Arc<FileNotes>> {
        self.notes.get(&(path.clone(), blob.clone()))
    }

    /// Reads what is not known of some entries.
    ///
    /// # Errors
    /// If the repository or the store cannot be read.
    pub fn read(&mut self, entries: &[TreeEntry]) -> Result<(), QueryError> {
        let is_unknown = |entry: &&TreeEntry| !self.notes.contains_key(&(entry.path.clone(), entry.id.clone()));
        let mut unread = Vec::new();
        for entry in entries.iter().filter(is_unknown).cloned().collect::<Vec<_>>() {
            match self.recorded_notes(&entry)? {
                Some(notes) => self.put(&entry, notes),
                None => unread.push(entry),
            }
        }
        for batch in unread.chunks(BATCH) {
            self.read_batch(batch)?;
        }
        Ok(())
    }

    fn put(&mut self, entry: &TreeEntry, notes: FileNotes) {
        self.notes.insert((entry.path.clone(), entry.id.clone()), Arc::new(notes));
    }

    /// What the store has of a file at the indexed commit, if it has all of it: nothing of it is read then.
    fn recorded_notes(&mut self, entry: &TreeEntry) -> Result<Option<FileNotes>, QueryError> {
        let is_it = |file: &&FileRecord| file.blob == entry.id && file.mode == entry.mode && file.skip.is_none();
        let Some(record) = self.recorded.get(&entry.path).filter(is_it).cloned() else { return Ok(None) };
        if self.selection.skip_by_name(&entry.path).is_some() {
            return Ok(None);
        }
        let outline = self.packed.get(&entry.path).filter(|packed| !packed.is_silent()).and_then(StoredOutline::unpack);
        // A file that says nothing to others has no outline in the store.
        let outline = match outline {
            None if record.language.has_dependents() => return Ok(None),
            outline => Arc::new(outline.unwrap_or_default()),
        };
        let Some(found) = self.stored_findings(&record)? else { return Ok(None) };
        self.stored += 1;
        Ok(Some(FileNotes { record, outline, found }))
    }

    /// The findings of a content, if every local answer about it is stored.
    fn stored_findings(&self, record: &FileRecord) -> Result<Option<Vec<TracedFinding>>, QueryError> {
        let mut found = Vec::new();
        for recipe in self.recipe.analyses.iter().filter(|recipe| BY_ITSELF.contains(&recipe.analysis_type)) {
            match self.stored_analysis(recipe, record)? {
                Some(analysis) => found.extend(of_analysis(&analysis, record.role, FoundBy::Local)),
                None => return Ok(None),
            }
        }
        Ok(Some(found))
    }

    /// A stored answer, in whatever way its question was asked; `None`: it was evicted, never made, or cannot be read.
    fn stored_analysis(&self, recipe: &AnalysisRecipe, file: &FileRecord) -> Result<Option<Analysis>, QueryError> {
        let Some(store) = self.store else { return Ok(None) };
        for key in recipe.stored_keys(file) {
            let stored = match analyses::get(store.db(), &key.hash()) {
                Err(error @ StoreError::Unreadable { .. }) => {
                    tracing::warn!(path = %file.path, %error, "a stored analysis is made again for this answer");
                    None
                }
                stored => stored?,
            };
            let read = stored.and_then(|stored| Analysis::from_json(stored.analysis_type, &stored.json).ok());
            if read.is_some() {
                return Ok(read);
            }
        }
        Ok(None)
    }

    /// Reads some contents, looks up what is stored of them, and makes the rest.
    fn read_batch(&mut self, batch: &[TreeEntry]) -> Result<(), QueryError> {
        let (selection, quarantined) = (&self.selection, &self.quarantined);
        let read = |git: &Repo, entry: &TreeEntry| match quarantined.contains(&entry.id) {
            true => Ok(Content::Skipped { reason: SkipReason::Quarantined, bytes: 0 }),
            false => content(git, entry, selection),
        };
        let contents: Result<Vec<Content>, RepoError> = in_parallel(None, self.git, batch, read);
        let mut unmade: Vec<(&TreeEntry, FileRecord, String)> = Vec::new();
        for (entry, content) in batch.iter().zip(contents?) {
            let text = match content {
                Content::Text(text) => text,
                Content::Skipped { reason, .. } => {
                    self.skip(entry, reason);
                    continue;
                }
            };
            let record = record_of(entry, Some(&text), None);
            match self.stored_notes(&record)? {
                Some(notes) => self.put(entry, notes),
                None => unmade.push((entry, record, text)),
            }
        }
        let makes = self.recipe.analyses.clone();
        let made: Vec<(Outline, Option<Vec<TracedFinding>>)> =
            in_parallel(None, self.git, &unmade, |_, (_, record, text)| make(&makes, record, text));
        for ((entry, record, _), (outline, found)) in unmade.into_iter().zip(made) {
            self.made += 1;
            if found.is_none() {
                self.failed.insert((entry.path.clone(), entry.id.clone()), NotLooked::Failed);
            }
            self.put(entry, FileNotes { record, outline: Arc::new(outline), found: found.unwrap_or_default() });
        }
        Ok(())
    }

    /// What is stored of a content of the past.
    fn stored_notes(&mut self, record: &FileRecord) -> Result<Option<FileNotes>, QueryError> {
        let (Some(store), Some(content)) = (self.store, &record.content_hash) else { return Ok(None) };
        let outline = outlines::outline(store.db(), content, record.language)?.and_then(|stored| stored.unpack());
        let Some(outline) = outline else { return Ok(None) };
        let Some(found) = self.stored_findings(record)? else { return Ok(None) };
        self.stored += 1;
        Ok(Some(FileNotes { record: record.clone(), outline: Arc::new(outline), found }))
    }

    fn skip(&mut self, entry: &TreeEntry, reason: SkipReason) {
        let not_looked = match reason {
            SkipReason::Quarantined => Some(NotLooked::Quarantined),
            SkipReason::Unavailable | SkipReason::Unreadable => Some(NotLooked::Unreadable),
            _ => None,
        };
        if let Some(why) = not_looked {
            self.failed.insert((entry.path.clone(), entry.id.clone()), why);
        }
        let record = record_of(entry, None, Some(reason));
        self.put(entry, FileNotes { record, outline: Arc::default(), found: Vec::new() });
    }

    /// All that is found in a file of one state, in its order. `uses`: what it uses of others in that state.
    ///
    /// # Errors
    /// If the store cannot be read.
    pub fn findings(&self, path: &FilePath, blob: &ObjectId, uses: &FileUses) -> Result<FileFindings, QueryError> {
        let Some(notes) = self.notes(path, blob) else { return Ok(FileFindings::default()) };
        let mut findings = FileFindings { found: notes.found.clone(), ..FileFindings::default() };
        if self.is_wanted(AnalysisType::Analysis) && notes.record.skip.is_none() {
            findings.found.extend(unresolved(&uses.uses));
        }
        if is_asked_about(&notes.record) && !self.withheld.holds(path) {
            let record = FileRecord { links: uses.links.clone(), ..notes.record.clone() };
            for recipe in self.recipe.asks.iter().filter(|recipe| ASKED.contains(&recipe.analysis_type)) {
                let question = recipe.analysis_type;
                match self.stored_analysis(recipe, &record)? {
                    Some(analysis) => {
                        findings.found.extend(of_analysis(&analysis, record.role, FoundBy::Model(question)));
                        findings.answered.insert(question);
                    }
                    None => drop(findings.unanswered.insert(question)),
                }
            }
        }
        findings.found = in_order(findings.found);
        Ok(findings)
    }

    /// What a graph says that a file uses.
    pub fn uses_of(&self, graph: &Graph, path: &FilePath) -> FileUses {
        // Only a model's keys have the links in them.
        let links = if self.recipe.asks.is_empty() { Links::default() } else { links(graph, path, self.context_bytes) };
        FileUses { uses: graph.uses(path).to_vec(), links }
    }
}

/// What a file uses of others in one state.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct FileUses {
    pub uses: Vec<Use>,
    pub links: Links,
}

fn record_of(entry: &TreeEntry, text: Option<&str>, skip: Option<SkipReason>) -> FileRecord {
    FileRecord {
        path: entry.path.clone(),
        blob: entry.id.clone(),
        mode: entry.mode,
        source: Source::Commit,
        size_bytes: text.map_or(0, |text| text.len() as u64),
        language: outline::language_of(&entry.path),
        role: outline::role_of(&entry.path),
        skip,
        content_hash: text.map(|text| Hash::of(text.as_bytes())),
        links: Links::default(),
    }
}

/// The outline and the findings of a text, from one parse. No findings: the analyzer failed.
fn make(recipes: &[AnalysisRecipe], record: &FileRecord, text: &str) -> (Outline, Option<Vec<TracedFinding>>) {
    let parsed = Parsed::new(record.language, text);
    let outline = outline::of(&parsed).0;
    let Some(mut draft) = LocalDraft::make(&parsed, record.role, Duration::default) else { return (outline, None) };
    let wanted = |question: &&AnalysisType| recipes.iter().any(|recipe| recipe.analysis_type == **question);
    let answers = BY_ITSELF.iter().filter(wanted).filter_map(|&question| draft.take(question));
    let answers = answers.filter_map(|answer| answer.complete(&[]));
    let found = answers.flat_map(|answer| of_analysis(&answer, record.role, FoundBy::Local)).collect();
    (outline, Some(found))
}
