//! What is found between two commits: what is new, what is fixed, what is still there; and what each commit brought and removed.
//!
//! Answers come from what is stored. What was evicted, or never made, this machine's analyzer makes again for the answer; a model's
//! answers count only where they are stored. Nothing is written, and no job is queued.

mod ends;
mod finding;
mod gate;
mod notes;
mod pairs;
mod rules;
mod walk;

use std::collections::{BTreeMap, BTreeSet};

use super::{QueryError, Reader};
use crate::analyzer::Severity;
use crate::domain::{AnalysisType, Change, FilePath};
use crate::impact::SymbolAt;
use crate::repo::registry::Registered;
use crate::repo::{CommitNote, FileSelection, Head, OwnModules, RecordedView, Repo};
use notes::{FileFindings, NoteSource};
use walk::{HistoryStep, HistoryWalk, RepoState};

pub use ends::ReportRange;
pub use finding::{FoundBy, TracedFinding};
pub use gate::FailOnNew;
pub use notes::NotLooked;
pub use rules::{FindingRule, rule};

/// Commits that are compared one by one; of a longer range, the newest.
const MAX_COMMITS: usize = 500;

/// What is asked for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ReportQuestion {
    pub range: ReportRange,
}

/// A finding where it is, or was.
#[derive(Clone, Debug)]
pub struct PlacedFinding {
    pub path: FilePath,
    /// Where the file was in the other state, if that is another path.
    pub from: Option<FilePath>,
    pub finding: TracedFinding,
    /// What it was before, if it is another severity now.
    pub severity_before: Option<Severity>,
    /// It is where it was at the beginning.
    pub at_beginning: bool,
    /// What its file uses and the commit changed, if the commit did not change the file itself.
    pub because: Vec<SymbolAt>,
}

/// What one commit brought and removed.
pub struct CommitReport {
    pub commit: CommitNote,
    pub introduced: Vec<PlacedFinding>,
    pub removed: Vec<PlacedFinding>,
}

/// What is found between two commits.
pub struct RangeReport {
    pub from: Head,
    pub to: Head,
    pub new: Vec<PlacedFinding>,
    pub fixed: Vec<PlacedFinding>,
    pub still_there: Vec<PlacedFinding>,
    /// Findings of a model, in files of which its answer to the same question is stored at one end alone.
    pub one_sided: Vec<PlacedFinding>,
    /// The oldest first.
    pub commits: Vec<CommitReport>,
    /// Commits of the range before these.
    pub commits_left_out: usize,
    /// The oldest commit of this clone, which is shallow, ends the list; what it changed is not known.
    pub is_cut: bool,
    /// Files at the end of the range that were not analysed, or not by the model.
    pub not_looked: BTreeMap<NotLooked, Vec<FilePath>>,
    pub model: Option<String>,
    pub questions: Vec<AnalysisType>,
    /// Files at the end of the range.
    pub files: usize,
    /// Contents of files whose findings were stored, and those that were analysed for this answer.
    pub stored: usize,
    pub made: usize,
}

/// Works out what is found between two commits.
///
/// # Errors
/// If the range names commits that are not there, or the repository or the store cannot be read.
pub fn of(reader: &Reader<'_>, repo: &Registered, question: &ReportQuestion) -> Result<RangeReport, QueryError> {
    let git = Repo::open(&repo.location)?;
    let (from, to) = ends::ends(&git, &question.range)?;
    let store = reader.store(repo)?;
    // Everything below sees the store as it is now.
    let snapshot = store.as_ref().map(|store| store.db().unchecked_transaction());
    let snapshot = snapshot.transpose()?;
    let selection = selection_at(reader, repo, &git, &to)?;
    let mut source = NoteSource::new(reader, repo, &git, selection, store.as_ref())?;
    let history = FollowedRange::follow(&mut source, &from, &to)?;
    let report = history.report(&source, from, to);
    drop(snapshot);
    report
}

/// What of the tree at the end of the range is read. What a project's own modules are, the end decides for the whole range.
fn selection_at(reader: &Reader<'_>, repo: &Registered, git: &Repo, to: &Head) -> Result<FileSelection, QueryError> {
    let mut view = RecordedView::default();
    let diff = git.diff(&view, to.tree.as_ref())?;
    view.apply(&diff);
    let paths: Vec<FilePath> = view.files().map(|entry| entry.path).collect();
    let selection = FileSelection::new(&reader.config.for_repo(&repo.location.path))
        .map_err(|error| QueryError::Failed(error.to_string()))?;
    Ok(selection.with_own(OwnModules::among(paths.iter().map(FilePath::as_bytes))))
}

/// Both ends of a range, and the way between them.
struct FollowedRange {
    before: RepoState,
    after: RepoState,
    /// Where each file of the end was at the beginning.
    origins: BTreeMap<FilePath, FilePath>,
    commits: Vec<CommitReport>,
    left_out: usize,
    is_cut: bool,
}

impl FollowedRange {
    fn follow(source: &mut NoteSource<'_>, from: &Head, to: &Head) -> Result<Self, QueryError> {
        let mut between = match &to.commit {
            Some(to) if from.commit.as_ref() != Some(to) => source.git.commits_between(from.commit.as_ref(), to)?,
            _ => Default::default(),
        };
        if between.is_cut {
            // What its parent had is not here.
            between.commits.pop();
        }
        let is_on_the_way = between.commits.last().is_some_and(|oldest| oldest.parents.first() == from.commit.as_ref());
        let left_out = between.commits.len().saturating_sub(MAX_COMMITS);
        between.commits.truncate(MAX_COMMITS);
        let mut walk = HistoryWalk::begin(source, from.tree.as_ref())?;
        let before = walk.state.clone();
        let mut origins = Origins::all_of(&before);
        if let Some(oldest) = between.commits.last()
            && oldest.parents.first() != from.commit.as_ref()
        {
            let parent = oldest.parents.first().map(|parent| source.git.commit_note(parent)).transpose()?;
            let jump = walk.step(source, parent.map(|parent| parent.tree).as_ref())?;
            origins.follow(&jump.changes);
        }
        let is_direct = between.commits.is_empty();
        let mut commits = Vec::new();
        for commit in between.commits.into_iter().rev() {
            let earlier = walk.state.clone();
            let step = walk.step(source, Some(&commit.tree))?;
            origins.follow(&step.changes);
            commits.push(commit_report(source, commit, &step, &earlier, &walk.state)?);
        }
        let last = walk.step(source, to.tree.as_ref())?;
        origins.follow(&last.changes);
        let after = walk.state;
        let origins = if is_on_the_way || is_direct {
            origins.at(&before, &after)
        } else {
            direct_origins(source, from, to, &before, &after)?
        };
        Ok(Self { before, after, origins, commits, left_out, is_cut: between.is_cut })
    }

    fn report(self, source: &NoteSource<'_>, from: Head, to: Head) -> Result<RangeReport, QueryError> {
        let mut lists = Lists::default();
        let mut not_looked: BTreeMap<NotLooked, Vec<FilePath>> = BTreeMap::new();
        let mut kept: BTreeSet<&FilePath> = BTreeSet::new();
        for (path, blob) in &self.after.blobs {
            let is = source.findings(path, blob, &self.after.uses(path))?;
            let why = source.failed.get(&(path.clone(), blob.clone())).copied();
            for why in why.into_iter().chain(is.unanswered.iter().map(|question| NotLooked::Unanswered(*question))) {
                not_looked.entry(why).or_default().push(path.clone());
            }
            match self.origins.get(path) {
                Some(origin) if origin == path && self.before.has_same(&self.after, path) => {
                    kept.insert(path);
                    lists.add_unchanged(path, is);
                }
                Some(origin) => {
                    kept.insert(origin);
                    let was = self.before_of(source, origin)?;
                    lists.add(Some((origin, was)), Some((path, is)), &[]);
                }
                None => lists.add(None, Some((path, is)), &[]),
            }
        }
        for path in self.before.blobs.keys().filter(|path| !kept.contains(path)) {
            lists.add(Some((path, self.before_of(source, path)?)), None, &[]);
        }
        lists.sort();
        let questions = AnalysisType::ALL.iter().copied().filter(|question| source.is_wanted(*question));
        Ok(RangeReport {
            from,
            to,
            new: lists.new,
            fixed: lists.fixed,
            still_there: lists.still_there,
            one_sided: lists.one_sided,
            commits: self.commits,
            commits_left_out: self.left_out,
            is_cut: self.is_cut,
            not_looked,
            model: source.model().map(str::to_owned),
            questions: questions.collect(),
            files: self.after.blobs.len(),
            stored: source.stored,
            made: source.made,
        })
    }

    fn before_of(&self, source: &NoteSource<'_>, path: &FilePath) -> Result<FileFindings, QueryError> {
        findings_at(source, &self.before, path)
    }
}

fn findings_at(source: &NoteSource<'_>, state: &RepoState, path: &FilePath) -> Result<FileFindings, QueryError> {
    match state.blobs.get(path) {
        Some(blob) => source.findings(path, blob, &state.uses(path)),
        None => Ok(FileFindings::default()),
    }
}

/// What a commit brought and removed, in the files that it changed and in those that use what it changed.
fn commit_report(
    source: &NoteSource<'_>,
    commit: CommitNote,
    step: &HistoryStep,
    before: &RepoState,
    after: &RepoState,
) -> Result<CommitReport, QueryError> {
    let mut lists = Lists::default();
    for change in &step.changes {
        let (was, is) = match change {
            Change::Addition { path } => (None, Some(path)),
            Change::Modification { path } => (Some(path), Some(path)),
            Change::Deletion { path } => (Some(path), None),
            Change::Rename { from, path } => (Some(from), Some(path)),
        };
        let was = was.map(|path| Ok::<_, QueryError>((path, findings_at(source, before, path)?))).transpose()?;
        let is = is.map(|path| Ok::<_, QueryError>((path, findings_at(source, after, path)?))).transpose()?;
        lists.add(was, is, &[]);
    }
    for (path, because) in &step.dependents {
        let (was, is) = (findings_at(source, before, path)?, findings_at(source, after, path)?);
        lists.add(Some((path, was)), Some((path, is)), because);
    }
    lists.sort();
    Ok(CommitReport { commit, introduced: lists.new, removed: lists.fixed })
}

/// Where the files of the present state were at the beginning, as commit after commit says it.
struct Origins {
    of: BTreeMap<FilePath, FilePath>,
}

impl Origins {
    fn all_of(state: &RepoState) -> Self {
        Self { of: state.blobs.keys().map(|path| (path.clone(), path.clone())).collect() }
    }

    fn follow(&mut self, changes: &[Change]) {
        let mut moved = Vec::new();
        for change in changes {
            match change {
                Change::Deletion { path } => drop(self.of.remove(path)),
                Change::Rename { from, path } => {
                    moved.extend(self.of.remove(from).map(|origin| (path.clone(), origin)))
                }
                Change::Addition { .. } | Change::Modification { .. } => {}
            }
        }
        self.of.extend(moved);
    }

    /// A file that went and came back to its path is the one that it was.
    fn at(mut self, before: &RepoState, after: &RepoState) -> BTreeMap<FilePath, FilePath> {
        let taken: BTreeSet<FilePath> = self.of.values().cloned().collect();
        for path in after.blobs.keys().filter(|path| before.blobs.contains_key(*path) && !taken.contains(*path)) {
            self.of.entry(path.clone()).or_insert_with(|| path.clone());
        }
        self.of
    }
}

/// The same of two states that no commits of the range lead from one to the other.
fn direct_origins(
    source: &NoteSource<'_>,
    from: &Head,
    to: &Head,
    before: &RepoState,
    after: &RepoState,
) -> Result<BTreeMap<FilePath, FilePath>, QueryError> {
    let mut view = RecordedView::default();
    let first = source.git.diff(&view, from.tree.as_ref())?;
    view.apply(&first);
    let changes = source.git.diff(&view, to.tree.as_ref())?.changes;
    let mut origins = Origins::all_of(before);
    origins.follow(&changes.into_iter().map(|change| change.change).collect::<Vec<_>>());
    Ok(origins.at(before, after))
}

/// The lists of a comparison, as it goes on.
#[derive(Default)]
struct Lists {
    new: Vec<PlacedFinding>,
    fixed: Vec<PlacedFinding>,
    still_there: Vec<PlacedFinding>,
    one_sided: Vec<PlacedFinding>,
}

impl Lists {
    fn add_unchanged(&mut self, path: &FilePath, is: FileFindings) {
        self.still_there.extend(is.found.into_iter().map(|finding| placed(path, None, finding, &[])));
    }

    /// Adds a file: what it was, and what it is.
    fn add(
        &mut self,
        before: Option<(&FilePath, FileFindings)>,
        after: Option<(&FilePath, FileFindings)>,
        because: &[SymbolAt],
    ) {
        let paths = (before.as_ref().map(|(path, _)| *path), after.as_ref().map(|(path, _)| *path));
        let moved =
            |own: Option<&FilePath>, other: Option<&FilePath>| other.filter(|other| Some(*other) != own).cloned();
        let is_both = before.is_some() && after.is_some();
        let (was, is) = (before.map(|(_, was)| was).unwrap_or_default(), after.map(|(_, is)| is).unwrap_or_default());
        // Of a question that the model answered at one end alone, nothing is new and nothing fixed.
        let is_one_sided = |one: &TracedFinding, other: &FileFindings| match one.by {
            FoundBy::Model(question) => is_both && !other.answered.contains(&question),
            FoundBy::Local => false,
        };
        let delta = pairs::compare(&was.found, &is.found);
        if let Some(path) = paths.1 {
            let from = moved(Some(path), paths.0);
            for one in delta.new {
                let list = if is_one_sided(one, &was) { &mut self.one_sided } else { &mut self.new };
                list.push(placed(path, from.clone(), one.clone(), because));
            }
            for (old, new) in delta.kept {
                let severity_before = Some(old.severity).filter(|severity| *severity != new.severity);
                self.still_there
                    .push(PlacedFinding { severity_before, ..placed(path, from.clone(), new.clone(), because) });
            }
        }
        if let Some(path) = paths.0 {
            for one in delta.fixed {
                let list = if is_one_sided(one, &is) { &mut self.one_sided } else { &mut self.fixed };
                list.push(PlacedFinding { at_beginning: true, ..placed(path, None, one.clone(), because) });
            }
        }
    }

    /// The worst first, then by their places.
    fn sort(&mut self) {
        let by_weight = |one: &PlacedFinding, other: &PlacedFinding| {
            (other.finding.severity.cmp(&one.finding.severity))
                .then_with(|| one.path.cmp(&other.path))
                .then_with(|| one.finding.start_line.cmp(&other.finding.start_line))
                .then_with(|| one.finding.id().cmp(&other.finding.id()))
        };
        for list in [&mut self.new, &mut self.fixed, &mut self.still_there, &mut self.one_sided] {
            list.sort_by(by_weight);
        }
    }
}

fn placed(path: &FilePath, from: Option<FilePath>, finding: TracedFinding, because: &[SymbolAt]) -> PlacedFinding {
    PlacedFinding {
        path: path.clone(),
        from,
        finding,
        severity_before: None,
        at_beginning: false,
        because: because.to_vec(),
    }
}
