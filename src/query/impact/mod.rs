//! What a change touches: a range of commits, the work tree, some files or a symbol; and which file depends on which.

mod check;
mod deps;
mod side;
mod standing;
mod symbols;

use std::collections::{BTreeMap, BTreeSet, HashSet};

use super::items::is_meant;
use super::{QueryError, Reader, suggest};
use crate::domain::{Change, FilePath, SkipReason};
use crate::impact::{self, Impact, ReachingTest, SymbolAt, ThroughInterface, Ways, reaching_tests, through_interfaces};
use crate::language;
use crate::outline::{Outline, SymbolKind};
use crate::repo::registry::Registered;
use crate::repo::{FileSelection, Head, OwnModules, RecordedView, Repo, RepoError, TreeEntry};
use side::{FilesAt, ReadFrom, SavedFiles, UsesAt, in_conflict, outlines_of, saved, with_saved};
use standing::ReadState;
use symbols::{changed_symbols, paths_of};

pub use check::{CheckFailure, FailOn, failures};
pub use deps::{FileEdges, MayDepend, edges, may_depend, unused_exports};
pub use standing::StandingImpact;
pub use symbols::{ChangedSymbol, SymbolChange};

/// Symbols that one name may mean without a file.
const SYMBOLS_ASKED_MAX: usize = 50;

/// What is asked for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ImpactQuestion {
    pub of: Subject,
    /// What is saved and not committed counts, too: a range that ends at HEAD ends at the work tree, and no range means HEAD and
    /// the work tree.
    pub worktree: bool,
    /// The tests that reach what changed are looked for.
    pub tests: bool,
}

/// Of what the impact is asked for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Subject {
    /// FROM..TO; `None`: the last commit, or with the work tree what is not committed.
    Range(Option<String>),
    /// One commit, compared with its first parent.
    Commit(String),
    /// Any change of these files.
    Files(Vec<FilePath>),
    /// Any change of a symbol, by its name within its file or the end of it (`Config::load`, `load`).
    Symbol { file: Option<FilePath>, name: String },
}

/// What changes, and what that touches.
pub struct RangeImpact {
    pub from: Head,
    pub to: Head,
    /// The work tree lies on top of `to`.
    pub worktree: bool,
    pub changes: Vec<Change>,
    /// What was asked for in the place of changes.
    pub asked: Option<AskedAbout>,
    pub changed_symbols: Vec<ChangedSymbol>,
    pub impact: Impact,
    /// Files that call an interface of which an implementation changed. They use nothing that changed, and nothing that is stored
    /// of them is stale.
    pub through_interfaces: Vec<ThroughInterface>,
    /// `None`: not looked for.
    pub tests: Option<Vec<ReachingTest>>,
    /// Files that changed, or were asked for, and are not read: what uses them is not known.
    pub left_out: BTreeMap<FilePath, SkipReason>,
    /// Files that load modules by names that are computed, where any changed: they may be dependents, too.
    pub may_depend: Vec<MayDepend>,
    /// Files of the work tree whose text still has both sides of a merge: what they change is not known.
    pub in_conflict: Vec<FilePath>,
}

/// Files and symbols of which any change is meant.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct AskedAbout {
    pub files: Vec<FilePath>,
    pub symbols: Vec<SymbolAt>,
}

/// The impact that is asked for, worked out from the repository; nothing is written, and no index is needed.
///
/// # Errors
/// If the range is malformed or names commits that are not there, if a file or symbol is not there, or the repository cannot be read.
pub fn of(reader: &Reader<'_>, repo: &Registered, question: &ImpactQuestion) -> Result<RangeImpact, QueryError> {
    let git = Repo::open(&repo.location)?;
    let selection = FileSelection::new(&reader.config.for_repo(&repo.location.path))
        .map_err(|error| QueryError::Failed(error.to_string()))?;
    let store = reader.store(repo)?;
    let source = ReadFrom { repo, git: &git, selection: &selection, store: store.as_ref() };
    match &question.of {
        Subject::Range(range) => of_range(&source, ends(&git, range.as_deref(), question.worktree)?, question),
        Subject::Commit(spec) => of_range(&source, ends_of_commit(&git, spec)?, question),
        Subject::Files(_) | Subject::Symbol { .. } => {
            ReadState::read(&source, question.worktree)?.answer(&source, &question.of, question.tests)
        }
    }
}

/// What a range changes.
fn of_range(
    source: &ReadFrom<'_>,
    (from, to): (Head, Head),
    question: &ImpactQuestion,
) -> Result<RangeImpact, QueryError> {
    let git = source.git;
    let mut view = RecordedView::default();
    let first = git.diff(&view, from.tree.as_ref())?;
    view.apply(&first);
    let before: Vec<TreeEntry> = view.files().collect();
    let diff = git.diff(&view, to.tree.as_ref())?;
    view.apply(&diff);
    let after: Vec<TreeEntry> = view.files().collect();
    let own = OwnModules::among(after.iter().map(|entry| entry.path.as_bytes()));
    let selection = source.selection.with_own(own);
    let source = &ReadFrom { selection: &selection, ..*source };

    let worktree = question.worktree && to.commit == git.head()?.commit;
    let on_top = if worktree { saved(source, &after)? } else { SavedFiles::new() };
    let in_conflict = in_conflict(&on_top);
    let changes: Vec<Change> = diff.changes.into_iter().map(|change| change.change).collect();
    let changes = if worktree { with_saved(changes, &before, &on_top) } else { changes };
    let known = outlines_of(source, before.iter().chain(&after))?;
    let before = FilesAt::new(&before, SavedFiles::new(), &known);
    let after = FilesAt::new(&after, on_top, &known);
    let (uses_before, uses_after) = (UsesAt::of(&before), UsesAt::of(&after));
    let impact = impact::impact(
        &changes,
        &uses_before.side(&|path| before.outline(path)),
        &uses_after.side(&|path| after.outline(path)),
    );
    let changed_symbols = symbols_of(source, &changes, &before, &after);
    let may_depend = may_load(&changes, &impact, &after);
    let left_out = changes.iter().filter_map(|change| {
        let path = change.path();
        let files = if matches!(change, Change::Deletion { .. }) { &before } else { &after };
        Some((path.clone(), files.left_out(source, path)?))
    });
    let left_out = left_out.collect();
    let mut found = RangeImpact {
        from,
        to,
        worktree,
        changes,
        asked: None,
        changed_symbols,
        impact,
        through_interfaces: Vec::new(),
        tests: None,
        left_out,
        may_depend,
        in_conflict,
    };
    add_ways(source, &mut found, question.tests, [(&before, uses_before), (&after, uses_after)]);
    Ok(found)
}

/// Adds who reaches what changed through interfaces, and the tests that reach it. Of two states, what is in either counts.
fn add_ways(source: &ReadFrom<'_>, found: &mut RangeImpact, tests: bool, states: [(&FilesAt, UsesAt); 2]) {
    let changed: BTreeSet<SymbolAt> =
        found.changed_symbols.iter().map(|one| (one.file.clone(), one.symbol.clone())).collect();
    let asked = found.asked.iter().flat_map(|asked| &asked.files);
    let changed_files: BTreeSet<&FilePath> = found.changes.iter().flat_map(Change::paths).chain(asked).collect();
    let [(before, uses_before), (after, uses_after)] = states;
    let (mut edges, mut links) = (uses_before.edges, uses_before.implements);
    edges.extend(uses_after.edges);
    links.extend(uses_after.implements);
    links.sort();
    links.dedup();
    found.through_interfaces = through_interfaces(&changed, &changed_files, &edges, &links);
    if !tests {
        return;
    }
    edges.extend(uses_before.via.into_iter().chain(uses_after.via));
    edges.sort();
    edges.dedup();
    let read = |path: &FilePath| {
        let files = if after.outline(path).is_some() { after } else { before };
        Some((files.outline(path)?, files.text(source, path)?))
    };
    found.tests = Some(reaching_tests(&changed, &Ways { edges: &edges, links: &links, read: &read }));
}

/// The symbols that differ, of all changed files.
fn symbols_of(source: &ReadFrom<'_>, changes: &[Change], before: &FilesAt, after: &FilesAt) -> Vec<ChangedSymbol> {
    let mut changed = Vec::new();
    for change in changes {
        let (was, is) = paths_of(change);
        let text = |files: &FilesAt, path: Option<&FilePath>| {
            let path = path.filter(|path| files.outline(path).is_some_and(|outline| !outline.symbols().is_empty()))?;
            files.text(source, path)
        };
        let (text_before, text_after) = (text(before, was), text(after, is));
        let said_before = was.and_then(|path| before.outline(path)).zip(text_before.as_deref());
        let said_after = is.and_then(|path| after.outline(path)).zip(text_after.as_deref());
        changed.extend(changed_symbols((was, is), said_before, said_after));
    }
    changed.sort();
    changed
}

/// Files and symbols as they are asked for, checked.
fn asked_for(source: &ReadFrom<'_>, subject: &Subject, files: &FilesAt) -> Result<AskedAbout, QueryError> {
    let known = |path: &FilePath| match files.outline(path) {
        Some(outline) => Ok(outline),
        None => {
            let all: Vec<String> = files.outlines().map(|(path, _)| path.to_string()).collect();
            let hint = suggest::hint(&path.to_string(), all.iter().map(String::as_str));
            Err(QueryError::Invalid(format!("{path} is not in this state of the repository{hint}")))
        }
    };
    match subject {
        Subject::Range(_) | Subject::Commit(_) => Ok(AskedAbout::default()),
        Subject::Files(paths) => {
            let mut symbols = Vec::new();
            for path in paths {
                let names = known(path)?.symbols().iter().filter(|symbol| is_own(symbol.kind));
                symbols.extend(names.map(|symbol| (path.clone(), symbol.name.clone())));
            }
            symbols.sort();
            symbols.dedup();
            Ok(AskedAbout { files: paths.clone(), symbols })
        }
        Subject::Symbol { file, name } => {
            if let Some(file) = file {
                known(file)?;
                if let Some(reason) = files.left_out(source, file) {
                    return Err(QueryError::Invalid(format!(
                        "{file} is skipped ({reason}), so no symbol of it is known; `ra-agent status --skipped` says what brings \
                         it back"
                    )));
                }
            }
            let symbols = named(files, file.as_ref(), name)?;
            Ok(AskedAbout { files: Vec::new(), symbols })
        }
    }
}

fn is_own(kind: SymbolKind) -> bool {
    !matches!(kind, SymbolKind::Import | SymbolKind::File)
}

/// The symbols that a name means, with their members.
fn named(files: &FilesAt, file: Option<&FilePath>, name: &str) -> Result<Vec<SymbolAt>, QueryError> {
    let mut means: BTreeSet<SymbolAt> = BTreeSet::new();
    let searched = || files.outlines().filter(move |(path, _)| file.is_none_or(|file| file == *path));
    for (path, outline) in searched() {
        let own = outline.symbols().iter().filter(|symbol| is_own(symbol.kind));
        means.extend(own.filter(|symbol| is_meant(&symbol.name, name)).map(|one| (path.clone(), one.name.clone())));
    }
    let of = file.map(|file| format!(" in {file}")).unwrap_or_default();
    if means.is_empty() {
        let all: BTreeSet<&str> =
            searched().flat_map(|(_, outline)| outline.symbols()).map(|symbol| symbol.name.as_str()).collect();
        let hint = suggest::hint(name, all);
        return Err(QueryError::Invalid(format!("nothing is named {name}{of}{hint}")));
    }
    if means.len() > SYMBOLS_ASKED_MAX {
        let number = means.len();
        return Err(QueryError::Invalid(format!("{number} symbols are named {name}{of}; name the file, too")));
    }
    let mut with_members = means.clone();
    for (path, owner) in &means {
        let symbols = files.outline(path).map(Outline::symbols).unwrap_or_default();
        let is_member = |name: &str| name.strip_prefix(owner.as_str()).is_some_and(|rest| rest.starts_with(['.', ':']));
        let members = symbols.iter().filter(|symbol| is_member(&symbol.name));
        with_members.extend(members.map(|member| (path.clone(), member.name.clone())));
    }
    Ok(with_members.into_iter().collect())
}

/// Where files that are not concerned load modules of a changed file's family by computed names.
fn may_load(changes: &[Change], impact: &Impact, after: &FilesAt) -> Vec<MayDepend> {
    let family = |path: &FilePath| language::of(path).spec().family.map(|family| family.name);
    let changed: HashSet<&FilePath> = changes.iter().map(Change::path).collect();
    let families: HashSet<&str> = changed.iter().filter_map(|path| family(path)).collect();
    let is_open = |path: &FilePath| {
        let is_known = changed.contains(path) || impact.dependents.contains_key(path);
        !is_known && family(path).is_some_and(|family| families.contains(family))
    };
    let mut found = Vec::new();
    for (path, outline) in after.outlines().filter(|(path, _)| is_open(path)) {
        let loads = outline.dynamics().filter(|(_, written)| written.contains("import") || written.contains("require"));
        found.extend(loads.map(|(line, written)| MayDepend { file: path.clone(), line, written: written.to_owned() }));
    }
    found.sort();
    found
}

fn ends(git: &Repo, range: Option<&str>, worktree: bool) -> Result<(Head, Head), QueryError> {
    match range {
        None if worktree => Ok((git.head()?, git.head()?)),
        // The first commit of a history has nothing before it; what a shallow clone lacks is not nothing.
        None if git.is_shallow() => Ok((end(git, "HEAD~1")?, git.head()?)),
        None => Ok((git.rev("HEAD~1").unwrap_or_default(), git.head()?)),
        Some(range) => {
            let parts =
                range.split_once("..").filter(|(from, to)| !(to.starts_with('.') || from.is_empty() && to.is_empty()));
            let (from, to) = parts.ok_or_else(|| {
                QueryError::Invalid(format!(
                    "{range} is not a range of commits; write it as FROM..TO, e.g. HEAD~3..HEAD"
                ))
            })?;
            let named = |spec: &str| end(git, if spec.is_empty() { "HEAD" } else { spec });
            Ok((named(from)?, named(to)?))
        }
    }
}

/// What was before a commit, and the commit. Before the first one of a history is nothing.
///
/// # Errors
/// If it names no commit, or a shallow clone lacks what was before it.
pub(super) fn ends_of_commit(git: &Repo, spec: &str) -> Result<(Head, Head), QueryError> {
    let to = end(git, spec)?;
    let parent = match &to.commit {
        Some(commit) => git.commit_note(commit)?.parents.first().cloned(),
        None => None,
    };
    let from = parent.map(|parent| end(git, &parent.to_string())).transpose()?;
    Ok((from.unwrap_or_default(), to))
}

/// One end of a range.
///
/// # Errors
/// If it names no commit, or one that a shallow clone lacks.
pub(super) fn end(git: &Repo, spec: &str) -> Result<Head, QueryError> {
    git.rev(spec).map_err(|error| match error {
        _ if git.is_shallow() => QueryError::Failed(format!(
            "{spec} is not in this clone, which is shallow; fetch more of its history, e.g. `git fetch --unshallow` (GitHub Actions: \
             `fetch-depth: 0`)"
        )),
        RepoError::Revision { .. } => QueryError::Invalid(error.to_string()),
        error => QueryError::Repo(error),
    })
}
