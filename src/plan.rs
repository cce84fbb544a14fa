//! Impact and what the cache holds → jobs, each with its reason and priority. Pure: what it needs to know is handed in.

mod recipe;

pub use recipe::{AnalysisRecipe, EmbeddingRecipe, PARTS_FROM, Recipe, Sees};

use crate::cache::key::{AnalysisKey, StoredParts};
use crate::domain::{FilePath, FileRecord, Hash, JobKind, Origin, Priority, Role, StaleReason};
use crate::queue::NewJob;

/// How a file came to be planned.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum PlanCause {
    /// It changed in this event.
    Changed,
    /// It uses a symbol that changed.
    Dependent { symbol: String, file: FilePath },
    /// Its place in the module tree is another.
    Moved,
    /// The whole repository is planned.
    Backfill,
}

/// What the stores hold.
pub trait Stored {
    type Error;
    /// Whether there is an analysis under this key.
    fn has(&self, key: &Hash) -> Result<bool, Self::Error>;
    /// What the newest result of this path and kind was made from.
    fn newest(&self, path: &FilePath, kind: JobKind) -> Result<Option<StoredParts>, Self::Error>;
    /// The key that the view has now for this path and kind.
    fn current(&self, path: &FilePath, kind: JobKind) -> Result<Option<Hash>, Self::Error>;
    /// What the vectors of this path were made from.
    fn embedded(&self, path: &FilePath) -> Result<Option<Hash>, Self::Error>;
}

/// What is to be done for one file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FilePlan {
    pub path: FilePath,
    /// The key that each result of the file has now.
    pub keys: Vec<(JobKind, Hash)>,
    /// Results that are there.
    pub settled: Vec<(JobKind, Hash)>,
    pub jobs: Vec<NewJob>,
    /// Jobs whose results were stored before they are enqueued.
    pub made: Vec<NewJob>,
}

/// Whether a model is asked about a file at all: about code that a person wrote and that is not empty. Data and settings have
/// nothing to judge, and no person edits generated code by hand.
pub fn is_asked_about(file: &FileRecord) -> bool {
    file.language.class().is_judged() && file.role != Role::Generated && file.skip.is_none() && file.size_bytes > 0
}

/// Plans one file of the view. `withheld`: no model may be shown it.
///
/// # Errors
/// Whatever `stored` answers.
pub fn plan<S: Stored>(
    recipe: &Recipe,
    file: &FileRecord,
    cause: &PlanCause,
    withheld: bool,
    stored: &S,
) -> Result<FilePlan, S::Error> {
    let mut plan =
        FilePlan { path: file.path.clone(), keys: Vec::new(), settled: Vec::new(), jobs: Vec::new(), made: Vec::new() };
    if file.skip.is_some() {
        return Ok(plan);
    }
    let priority = priority(file, cause);
    let job = |kind, key, reason| NewJob {
        path: file.path.clone(),
        kind,
        key,
        blob: file.blob.clone(),
        priority,
        origin: origin(cause),
        reason,
    };
    let asks: &[AnalysisRecipe] = if withheld || !is_asked_about(file) { &[] } else { &recipe.asks };
    let local = recipe.analyses.iter().map(|analysis| (JobKind::Analyze(analysis.analysis_type), analysis));
    let remote = asks.iter().map(|ask| (JobKind::Ask(ask.analysis_type), ask));
    let choice = |(kind, analysis)| Ok((kind, KeyChoice::of(analysis, kind, file, stored)?));
    let choices: Vec<(JobKind, KeyChoice)> = local.chain(remote).map(choice).collect::<Result<_, S::Error>>()?;
    let is_together = choices.iter().filter(|(_, choice)| choice.is_due() && choice.together.is_some()).count() > 1;
    for (kind, choice) in choices {
        let Some(key) = choice.key(is_together) else { continue };
        let hash = key.hash();
        plan.keys.push((kind, hash));
        if choice.stored.is_some() {
            plan.settled.push((kind, hash));
        } else {
            plan.jobs.push(job(kind, hash, analysis_reason(&choice, choice.newest.as_ref(), cause)));
        }
    }
    let embedding = recipe.embedding.as_ref().filter(|embedding| !(withheld && embedding.is_remote));
    if let Some(key) = embedding.and_then(|embedding| embedding.key(file)) {
        plan.keys.push((JobKind::Embed, key));
        match stored.embedded(&file.path)? {
            Some(embedded) if embedded == key => plan.settled.push((JobKind::Embed, key)),
            Some(_) => plan.jobs.push(job(JobKind::Embed, key, embed_reason(cause))),
            None => plan.jobs.push(job(JobKind::Embed, key, StaleReason::Missing)),
        }
    }
    Ok(plan)
}

/// The keys that a result may have: an answer is as good whether its question was asked alone, together with others, or about what has
/// changed, but the prompt is another, so the key is. Several questions that are due about one file are asked together; one that is asked
/// for already stays as it is.
struct KeyChoice {
    alone: Option<AnalysisKey>,
    together: Option<AnalysisKey>,
    /// `None`: it is not to be asked about in parts.
    in_parts: Option<AnalysisKey>,
    /// The one that has a result.
    stored: Option<AnalysisKey>,
    /// The one that the view has.
    current: Option<AnalysisKey>,
    /// What the newest result was made from, where it was looked up.
    newest: Option<StoredParts>,
}

impl KeyChoice {
    fn of<S: Stored>(
        analysis: &AnalysisRecipe,
        kind: JobKind,
        file: &FileRecord,
        stored: &S,
    ) -> Result<Self, S::Error> {
        let (alone, together) = (analysis.key(file), analysis.key_together(file));
        let mut choice = Self { alone, together, in_parts: None, stored: None, current: None, newest: None };
        for key in analysis.stored_keys(file) {
            if choice.stored.is_none() && stored.has(&key.hash())? {
                choice.stored = Some(key);
            }
        }
        if choice.stored.is_some() {
            return Ok(choice);
        }
        if choice.together.is_some() {
            let current = stored.current(&file.path, kind)?;
            choice.current = analysis.keys(file).find(|key| Some(key.hash()) == current);
        }
        choice.newest = stored.newest(&file.path, kind)?;
        let has_parts = |earlier: &StoredParts| earlier.has_items && analysis.is_like(earlier);
        if choice.newest.as_ref().is_some_and(has_parts) {
            choice.in_parts = analysis.key_in_parts(file);
        }
        Ok(choice)
    }

    const fn is_due(&self) -> bool {
        self.stored.is_none()
    }

    /// The key of the result that is there, or that is to be made.
    fn key(&self, is_together: bool) -> Option<&AnalysisKey> {
        let whole = if is_together { self.together.as_ref().or(self.alone.as_ref()) } else { self.alone.as_ref() };
        self.stored.as_ref().or(self.current.as_ref()).or(self.in_parts.as_ref()).or(whole)
    }

    /// The key that an earlier result is compared with: one that was asked for in the same way, if it can be.
    fn like(&self, earlier: &StoredParts) -> Option<&AnalysisKey> {
        let is_like = |key: &&AnalysisKey| key.prompt_hash == earlier.prompt_hash;
        let in_parts = self.in_parts.as_ref().filter(is_like);
        in_parts.or_else(|| self.together.as_ref().filter(is_like)).or(self.alone.as_ref())
    }
}

/// A file of the view: what HEAD has of it, and what the overlay has of it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Layers {
    pub committed: Option<FileRecord>,
    pub overlaid: Option<FileRecord>,
}

/// Plans one file of the view: what is made on this machine, of what lies on top; what a model is asked, of what is committed.
/// `None`: there is no such file.
///
/// # Errors
/// Whatever `stored` answers.
pub fn plan_layers<S: Stored>(
    recipe: &Recipe,
    layers: &Layers,
    cause: &PlanCause,
    withheld: bool,
    stored: &S,
) -> Result<Option<FilePlan>, S::Error> {
    match layers {
        Layers { committed: None, overlaid: None } => Ok(None),
        Layers { committed: Some(file), overlaid: None } => plan(recipe, file, cause, withheld, stored).map(Some),
        Layers { committed, overlaid: Some(file) } => {
            let mut top = plan(&recipe.of_saved(), file, cause, withheld, stored)?;
            if let Some(covered) = committed {
                let below = plan(&recipe.of_covered(), covered, cause, withheld, stored)?;
                top.keys.extend(below.keys);
                top.settled.extend(below.settled);
                top.jobs.extend(below.jobs);
            }
            Ok(Some(top))
        }
    }
}

/// For each result of a file the keys that it may have: what is looked for on other machines before it is planned. One of them is enough.
/// `withheld`: no model may be shown it.
pub fn possible_keys(recipe: &Recipe, layers: &Layers, withheld: bool) -> Vec<Vec<AnalysisKey>> {
    match layers {
        Layers { committed: Some(file), overlaid: None } => keys_of(recipe, file, withheld),
        Layers { committed: Some(file), overlaid: Some(_) } => keys_of(&recipe.of_covered(), file, withheld),
        // What is only saved is on no other machine.
        Layers { committed: None, .. } => Vec::new(),
    }
}

/// As [`possible_keys`], with those of what is only saved: what is looked for in other repositories of this machine.
pub fn possible_keys_here(recipe: &Recipe, layers: &Layers, withheld: bool) -> Vec<Vec<AnalysisKey>> {
    let mut keys = possible_keys(recipe, layers, withheld);
    keys.extend(layers.overlaid.iter().flat_map(|file| keys_of(&recipe.of_saved(), file, withheld)));
    keys
}

fn keys_of(recipe: &Recipe, file: &FileRecord, withheld: bool) -> Vec<Vec<AnalysisKey>> {
    if file.skip.is_some() {
        return Vec::new();
    }
    let asks: &[AnalysisRecipe] = if withheld || !is_asked_about(file) { &[] } else { &recipe.asks };
    let local = recipe.analyses.iter().map(|analysis| analysis.key(file).into_iter().collect());
    local.chain(asks.iter().map(|ask| ask.stored_keys(file).collect())).collect()
}

fn analysis_reason(choice: &KeyChoice, newest: Option<&StoredParts>, cause: &PlanCause) -> StaleReason {
    let Some((newest, key)) = newest.and_then(|newest| Some((newest, choice.like(newest)?))) else {
        return StaleReason::Missing;
    };
    match (key.stale_reason(newest), cause) {
        (StaleReason::Missing, PlanCause::Dependent { symbol, file }) => {
            StaleReason::DependencyChanged { symbol: symbol.clone(), file: file.clone() }
        }
        (reason, _) => reason,
    }
}

/// Vectors of the path are there, made from something else: its content, or (planned in full) the model or the chunker.
const fn embed_reason(cause: &PlanCause) -> StaleReason {
    match cause {
        PlanCause::Changed | PlanCause::Dependent { .. } | PlanCause::Moved => StaleReason::ContentChanged,
        PlanCause::Backfill => StaleReason::ModelChanged,
    }
}

/// Place of a file's jobs in the order of work.
pub fn priority(file: &FileRecord, cause: &PlanCause) -> Priority {
    match (file.role, cause) {
        // Each file of tests is the root of a crate, too; it is not what others build on.
        (Role::Test | Role::Generated, _) => Priority::Low,
        (Role::Library, _) if file.links.crate_root => Priority::Critical,
        (_, PlanCause::Changed) => Priority::High,
        _ => Priority::Normal,
    }
}

const fn origin(cause: &PlanCause) -> Origin {
    match cause {
        PlanCause::Changed => Origin::Changed,
        PlanCause::Dependent { .. } | PlanCause::Moved => Origin::Dependent,
        PlanCause::Backfill => Origin::Backfill,
    }
}

#[cfg(test)]
mod tests;
