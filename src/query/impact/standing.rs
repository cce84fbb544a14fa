//! What a change of files or symbols would touch, in one state of a repository of which several things may be asked.

use std::collections::{BTreeMap, BTreeSet};

use super::side::{FilesAt, ReadFrom, SavedFiles, UsesAt, in_conflict, outlines_of, saved};
use super::symbols::{ChangedSymbol, SymbolChange};
use super::{AskedAbout, RangeImpact, Subject, add_ways, asked_for, may_load};
use crate::cache;
use crate::cache::RepoStore;
use crate::domain::{Change, FilePath};
use crate::impact::{ChangedUse, Impact};
use crate::outline::{Outline, SymbolKind};
use crate::query::{QueryError, Reader};
use crate::repo::registry::Registered;
use crate::repo::{FileSelection, Head, LocationKind, OwnModules, RecordedView, Repo, TreeEntry};

/// A state of which several things are asked: it is read once.
pub struct StandingImpact<'a> {
    repo: &'a Registered,
    git: Repo,
    state: ReadState,
}

impl<'a> StandingImpact<'a> {
    /// HEAD, and what is saved on top of it.
    ///
    /// # Errors
    /// If the repository or its store cannot be read.
    pub fn open(reader: &Reader<'_>, repo: &'a Registered) -> Result<Self, QueryError> {
        let git = Repo::open(&repo.location)?;
        let selection = FileSelection::new(&reader.config.for_repo(&repo.location.path))
            .map_err(|error| QueryError::Failed(error.to_string()))?;
        let store = reader.store(repo)?;
        let source = ReadFrom { repo, git: &git, selection: &selection, store: store.as_ref() };
        let state = ReadState::read(&source, repo.location.kind != LocationKind::Bare)?;
        Ok(Self { repo, git, state })
    }

    /// What a change of files or of a symbol would touch, with the tests that reach it: what [`super::of`] says of it.
    ///
    /// # Errors
    /// If it is not there.
    pub fn of(&self, subject: &Subject) -> Result<RangeImpact, QueryError> {
        let selection = &self.state.selection;
        let source = ReadFrom { repo: self.repo, git: &self.git, selection, store: None };
        self.state.answer(&source, subject, true)
    }
}

/// A state of a repository, with who uses what in it.
pub(super) struct ReadState {
    head: Head,
    worktree: bool,
    selection: FileSelection,
    files: FilesAt,
    uses: UsesAt,
    in_conflict: Vec<FilePath>,
}

impl ReadState {
    /// # Errors
    /// If the repository or its store cannot be read, or the work tree is asked for and there is none.
    pub fn read(source: &ReadFrom<'_>, worktree: bool) -> Result<Self, QueryError> {
        let git = source.git;
        let head = git.head()?;
        let mut view = RecordedView::default();
        let first = git.diff(&view, head.tree.as_ref())?;
        view.apply(&first);
        let entries: Vec<TreeEntry> = view.files().collect();
        let selection = source.selection.with_own(OwnModules::among(entries.iter().map(|entry| entry.path.as_bytes())));
        let source = &ReadFrom { selection: &selection, ..*source };
        let on_top = if worktree { saved(source, &entries)? } else { SavedFiles::new() };
        let is_head = on_top.is_empty();
        let in_conflict = in_conflict(&on_top);
        let known = outlines_of(source, entries.iter())?;
        let files = FilesAt::new(&entries, on_top, &known);
        let uses = match source.store.filter(|_| is_head) {
            Some(store) if is_of(store, &head)? => UsesAt::recorded(store)?,
            _ => UsesAt::of(&files),
        };
        Ok(Self { head, worktree, selection, files, uses, in_conflict })
    }

    /// # Errors
    /// If what is asked for is not there.
    pub fn answer(&self, source: &ReadFrom<'_>, subject: &Subject, tests: bool) -> Result<RangeImpact, QueryError> {
        let (files, uses) = (&self.files, &self.uses);
        let source = &ReadFrom { selection: &self.selection, ..*source };
        let asked = asked_for(source, subject, files)?;
        let changed_symbols = asked.symbols.iter().map(|(file, symbol)| ChangedSymbol {
            file: file.clone(),
            symbol: symbol.clone(),
            how: SymbolChange::Asked,
            is_callable: is_callable(files.outline(file), symbol),
        });
        let changed_symbols = changed_symbols.collect();
        let impact = users_of(&asked, uses);
        let changed: BTreeSet<&FilePath> =
            asked.files.iter().chain(asked.symbols.iter().map(|(file, _)| file)).collect();
        let as_changed: Vec<Change> = changed.iter().map(|&path| Change::Modification { path: path.clone() }).collect();
        let may_depend = may_load(&as_changed, &impact, files);
        let left_out = asked.files.iter().filter_map(|path| Some((path.clone(), files.left_out(source, path)?)));
        let left_out = left_out.collect();
        let mut found = RangeImpact {
            from: self.head.clone(),
            to: self.head.clone(),
            worktree: self.worktree,
            changes: Vec::new(),
            asked: Some(asked),
            changed_symbols,
            impact,
            through_interfaces: Vec::new(),
            tests: None,
            left_out,
            may_depend,
            in_conflict: self.in_conflict.clone(),
        };
        add_ways(source, &mut found, tests, [(files, uses.clone()), (files, UsesAt::default())]);
        Ok(found)
    }
}

/// Whether the store describes a commit.
fn is_of(store: &RepoStore, head: &Head) -> Result<bool, QueryError> {
    let recorded = cache::metadata(store.db(), cache::VIEW_OF)?;
    Ok(recorded.is_some_and(|commit| head.commit.as_ref().is_some_and(|head| head.to_string() == commit)))
}

/// The files that use what is asked for.
fn users_of(asked: &AskedAbout, uses: &UsesAt) -> Impact {
    let files: BTreeSet<&FilePath> = asked.files.iter().collect();
    let symbols: BTreeSet<(&FilePath, &str)> = asked.symbols.iter().map(|(file, name)| (file, name.as_str())).collect();
    let mut dependents: BTreeMap<FilePath, Vec<ChangedUse>> = BTreeMap::new();
    for edge in uses.edges.iter().chain(&uses.via) {
        let is_asked =
            files.contains(&edge.source_file) || symbols.contains(&(&edge.source_file, edge.symbol_name.as_str()));
        if is_asked && !files.contains(&edge.dependent_file) {
            dependents.entry(edge.dependent_file.clone()).or_default().push(ChangedUse {
                file: edge.source_file.clone(),
                symbol: edge.symbol_name.clone(),
                dependency_type: edge.dependency_type,
            });
        }
    }
    for causes in dependents.values_mut() {
        causes.sort();
        causes.dedup();
    }
    Impact { dependents, cut_off: Vec::new() }
}

fn is_callable(outline: Option<&Outline>, name: &str) -> bool {
    let mut symbols = outline.into_iter().flat_map(Outline::symbols);
    symbols.any(|one| one.name == name && matches!(one.kind, SymbolKind::Function | SymbolKind::Method))
}
