//! The resolver of a family with an evaluator: all its files, what each read of others when it was evaluated, and whom an edit reaches.

use std::cell::LazyCell;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex, PoisonError};

use super::meanings;
use super::reach::{self, ChangedReads};
use super::rules::{BuildProject, FileNo, Outsider, Project, Rules};
use super::unused;
use super::uses::{self, Evaluated};
use super::view::{FactView, ViewFile};
use crate::domain::{Edge, FilePath, Implements};
use crate::language::Outline;
use crate::language::resolve::{Graph, Outlined, Reach, Resolver, UnusedExport};
use crate::language::stored::StoredOutline;

/// What evaluations read.
pub(super) struct EvalBase {
    pub view: FactView,
    pub project: Box<dyn Project>,
    pub rules: &'static dyn Rules,
}

/// What a language brings to the evaluator.
#[derive(Clone, Copy)]
pub(crate) struct Dialects {
    /// Whether a file is of the family.
    pub is_own: fn(&FilePath) -> bool,
    pub project: BuildProject,
    pub rules: &'static dyn Rules,
}

/// Files that are gone keep their numbers until there are so many more of them than of those that are there.
const GONE_SPARE: usize = 1_000;

pub(crate) struct EvalWorld {
    base: EvalBase,
    dialects: Dialects,
    /// Files of no language of the family came or went since the project was built, and nothing named them then.
    is_project_old: bool,
    /// What is known of each file since it was evaluated; `None`: it was not, or not since it was reached.
    evaluated: Mutex<Vec<Option<Known>>>,
}

/// What is kept of a file's evaluation.
struct Known {
    /// What it read of others.
    reads: Box<[u64]>,
    /// The links that it makes.
    implements: Vec<Implements>,
}

/// The resolver of a view.
pub(crate) fn resolver(files: &[Outlined<'_>], dialects: Dialects) -> Box<dyn Resolver> {
    let silence: Arc<Outline> = Arc::default();
    let said = |stored: &StoredOutline| {
        if stored.is_silent() { Arc::clone(&silence) } else { Arc::new(stored.unpack_or_silence()) }
    };
    let files = files.iter().map(|(path, stored)| ((*path).clone(), said(stored)));
    Box::new(EvalWorld::new(files.collect(), dialects))
}

impl EvalWorld {
    fn new(files: Vec<(FilePath, Arc<Outline>)>, dialects: Dialects) -> Self {
        let files = files.into_iter().map(|(path, outline)| {
            let is_own = (dialects.is_own)(&path);
            (path, outline, is_own)
        });
        let rules = dialects.rules;
        let mut view = FactView::new(files, rules.has_open_classes());
        view.know(&["default", "export=", "this", "...", "[]"]);
        for names in [
            rules.constructors(),
            rules.call_members(),
            rules.element_members(),
            rules.next_members(),
            rules.index_members(),
            rules.enter_members(),
        ] {
            view.know(names);
        }
        let project = (dialects.project)(&view.project_files());
        for file in 0..view.files.len() as FileNo {
            view.resolve_imports(file, project.as_ref());
        }
        let evaluated = Mutex::new((0..view.files.len()).map(|_| None).collect());
        Self { base: EvalBase { view, project, rules: dialects.rules }, dialects, is_project_old: false, evaluated }
    }

    /// The files that a change of these reads concerns. One that was not evaluated is concerned if its imports lead to a changed file.
    fn reached(&self, changed: &ChangedReads) -> BTreeSet<FileNo> {
        if changed.keys.is_empty() {
            return changed.files.clone();
        }
        let evaluated = self.evaluated.lock().unwrap_or_else(PoisonError::into_inner);
        let importers = LazyCell::new(|| {
            let importers = reach::importers(&self.base, &changed.sources);
            let is_shared = importers.iter().any(|&file| reach::is_shared(self.base.view.facts(file)));
            (importers, is_shared || changed.was_shared)
        });
        let mut reached = changed.files.clone();
        for file in self.chosen(None) {
            let is_reached = match evaluated.get(file as usize).and_then(Option::as_ref) {
                Some(known) => changed.keys.iter().any(|key| known.reads.binary_search(key).is_ok()),
                None => importers.1 || importers.0.contains(&file),
            };
            if is_reached {
                reached.insert(file);
            }
        }
        reached
    }

    /// The files that were not evaluated and whose imports lead to a file, however far.
    fn unknown_importers(&self, file: FileNo) -> BTreeSet<FileNo> {
        let evaluated = self.evaluated.lock().unwrap_or_else(PoisonError::into_inner);
        let mut importers = reach::importers(&self.base, &BTreeSet::from([file]));
        let is_own = |file| self.base.view.file(file).is_some_and(|file: &ViewFile| file.is_own);
        importers.retain(|&file| is_own(file) && evaluated.get(file as usize).is_none_or(Option::is_none));
        importers
    }

    /// What an outline's interfaces ask of classes that do not name them.
    fn shapes<'o>(&self, outline: Option<&'o Outline>) -> BTreeSet<(&'o str, &'o str)> {
        outline.map(|outline| reach::shapes(outline, self.base.rules)).unwrap_or_default()
    }

    fn reach_of(&self, files: &BTreeSet<FileNo>) -> Reach {
        let paths = files.iter().filter_map(|&file| self.base.view.file(file)).filter(|file| file.is_own);
        Reach { files: paths.map(|file| file.path.clone()).collect(), users_of: BTreeSet::new() }
    }

    fn remember(&self, file: FileNo, known: Option<Known>) {
        let mut evaluated = self.evaluated.lock().unwrap_or_else(PoisonError::into_inner);
        if evaluated.len() <= file as usize {
            evaluated.resize_with(file as usize + 1, || None);
        }
        if let Some(place) = evaluated.get_mut(file as usize) {
            *place = known;
        }
    }

    /// The family's files among some files, or all.
    fn chosen(&self, files: Option<&BTreeSet<FilePath>>) -> Vec<FileNo> {
        let is_own = |file: &FileNo| self.base.view.file(*file).is_some_and(|entry| entry.is_own);
        match files {
            Some(files) => files.iter().filter_map(|path| self.base.view.file_at(path)).filter(is_own).collect(),
            None => (0..self.base.view.files.len() as FileNo).filter(is_own).collect(),
        }
    }

    /// Evaluates files, and keeps what their next edit needs.
    fn evaluate(&self, files: &[FileNo]) -> Vec<Evaluated> {
        let mut evaluated = uses::evaluate(&self.base, files);
        for one in &mut evaluated {
            let (reads, implements) = (std::mem::take(&mut one.reads), std::mem::take(&mut one.implements));
            self.remember(one.file, Some(Known { reads, implements }));
        }
        evaluated
    }

    /// Takes a file out of the view, and returns whether that makes another project.
    fn remove(&mut self, path: &FilePath, changed: &mut ChangedReads) -> bool {
        let Some(file) = self.base.view.file_at(path) else { return false };
        let is_own = (self.dialects.is_own)(path);
        let is_other_project = is_own || self.names(path, changed);
        let names_before = reach::fingerprints(&self.base, file);
        if is_own {
            changed.files.extend(self.unknown_importers(file));
            meanings::add_moved_entries(&self.base.project.entries_of(file), &[], &mut changed.keys);
        }
        let Some(former) = self.base.view.remove(path) else { return false };
        self.is_project_old |= !is_other_project;
        changed.was_shared |= reach::is_shared(former.facts());
        changed.was_shared |= self.base.rules.implements_by_shape() && !self.shapes(Some(&former.outline)).is_empty();
        reach::add_differing(&names_before, &BTreeMap::new(), &mut changed.keys);
        changed.sources.insert(file);
        changed.files.remove(&file);
        self.remember(file, None);
        changed.is_everything |= !is_own && self.is_joint() && settings(&former.outline).is_some();
        is_other_project || settings(&former.outline).is_some()
    }

    /// Where several files make up a package, more than imports follows from settings.
    fn is_joint(&self) -> bool {
        self.base.rules.has_embedding() || self.base.rules.is_packaged() && !self.base.rules.has_namespaces()
    }

    /// Whether a file of no language of the family decides by its path what files of the family mean.
    fn names(&self, path: &FilePath, changed: &mut ChangedReads) -> bool {
        let mut own = self.base.view.files.iter().filter(|file| file.is_own).peekable();
        if own.peek().is_none() {
            return false;
        }
        let outsider = self.base.project.outsider(path);
        if outsider != Outsider::Named {
            changed.is_everything |= outsider == Outsider::Settings;
            return outsider == Outsider::Settings;
        }
        let name = String::from_utf8_lossy(path.file_name());
        let stem = name.split('.').next().filter(|stem| !stem.is_empty()).unwrap_or(&name);
        own.any(|file| {
            let facts = file.facts();
            facts.manifest.as_ref().is_some_and(|text| text.contains(stem))
                || facts.imports.iter().any(|import| facts.text(import.specifier).contains(stem))
        }) || self.base.view.files.iter().any(|file| settings(&file.outline).is_some_and(|text| text.contains(stem)))
    }

    /// Takes in what a file says now, and returns whether that makes another project.
    fn put(&mut self, path: &FilePath, outline: &Arc<Outline>, changed: &mut ChangedReads) -> bool {
        let is_own = (self.dialects.is_own)(path);
        let known = self.base.view.file_at(path);
        let before = known.and_then(|file| self.base.view.file(file)).map(|file| file.outline.clone());
        let is_same_to_project = before.as_ref().is_some_and(|before| settings(before) == settings(outline));
        if is_same_to_project && !is_own || before.as_ref() == Some(outline) {
            return false;
        }
        if known.is_none() && !is_own && settings(outline).is_none() && !self.names(path, changed) {
            // Only who comes later may name it.
            self.base.view.replace(path, outline, false);
            self.is_project_old = true;
            return false;
        }
        let names_before = known.map(|file| reach::fingerprints(&self.base, file)).unwrap_or_default();
        if let Some(file) = known.filter(|_| !is_same_to_project) {
            // Where it is now, those who imported it where it was do not lead to it any more.
            changed.files.extend(self.unknown_importers(file));
        }
        let former = self.base.view.replace(path, outline, is_own);
        let Some(file) = self.base.view.file_at(path) else { return false };
        self.base.view.resolve_imports(file, self.base.project.as_ref());
        let names_after = reach::fingerprints(&self.base, file);
        let facts = self.base.view.facts(file);
        let facts_before = former.as_ref().map(ViewFile::facts);
        let modules_before = facts_before.map(reach::augmented_modules).unwrap_or_default();
        changed.is_everything |= reach::augmented_modules(facts).iter().any(|one| !modules_before.contains(one));
        changed.was_shared |= facts_before.is_some_and(reach::is_shared);
        changed.was_shared |= self.base.rules.implements_by_shape()
            && self.shapes(before.as_deref()) != self.shapes(Some(outline.as_ref()));
        reach::add_differing(&names_before, &names_after, &mut changed.keys);
        changed.sources.insert(file);
        self.remember(file, None);
        if known.is_none() {
            changed.files.insert(file);
            changed.is_everything |= !is_own && self.is_joint() && settings(outline).is_some();
        }
        former.is_none_or(|former| is_other_project(&former, self.base.view.file(file)))
    }

    /// Builds all again where files that are gone are many.
    fn shed(&mut self) {
        let (present, gone) = self.base.view.counts();
        if gone > present + GONE_SPARE {
            let files = self.base.view.present().into_iter().map(|(path, outline, _)| (path, outline)).collect();
            *self = Self::new(files, self.dialects);
        }
    }

    /// Builds the project again, and resolves the imports of all files; those that mean something else now are changed, and files that
    /// others know by another name are concerned.
    fn rebuild_project(&mut self, changed: &mut ChangedReads) {
        let is_own = |file: &FileNo| self.base.view.file(*file).is_some_and(|entry| entry.is_own);
        let files: Vec<FileNo> = (0..self.base.view.files.len() as FileNo).filter(is_own).collect();
        // What places mean depends on the project that gave them their numbers.
        let before: Vec<_> = files
            .iter()
            .map(|&file| {
                let project = self.base.project.as_ref();
                (meanings::import_meanings(&self.base, file), project.module_path(file), project.entries_of(file))
            })
            .collect();
        self.base.project = (self.dialects.project)(&self.base.view.project_files());
        self.is_project_old = false;
        for (file, (before, path_before, entries_before)) in files.into_iter().zip(before) {
            if path_before != self.base.project.module_path(file) {
                changed.files.insert(file);
            }
            meanings::add_moved_entries(&entries_before, &self.base.project.entries_of(file), &mut changed.keys);
            self.base.view.resolve_imports(file, self.base.project.as_ref());
            let after = meanings::import_meanings(&self.base, file);
            if before != after {
                changed.files.insert(file);
                changed.sources.insert(file);
                changed.is_everything |= !reach::augmented_modules(self.base.view.facts(file)).is_empty();
                meanings::add_changed_imports(&self.base, file, &before, &after, &mut changed.keys);
            }
        }
    }
}

impl Resolver for EvalWorld {
    fn edit(&mut self, edits: &[(FilePath, Arc<Outline>)], gone: &BTreeSet<FilePath>) -> Option<Reach> {
        self.shed();
        let mut changed = ChangedReads::default();
        let mut is_project_changed = false;
        if self.is_project_old && edits.iter().any(|(path, _)| (self.dialects.is_own)(path)) {
            self.rebuild_project(&mut changed);
        }
        for path in gone {
            is_project_changed |= self.remove(path, &mut changed);
        }
        for (path, outline) in edits {
            is_project_changed |= self.put(path, outline, &mut changed);
        }
        if is_project_changed {
            self.rebuild_project(&mut changed);
            meanings::add_new_modules(&self.base, &changed.sources.clone(), &mut changed.keys);
        }
        if changed.is_everything {
            for file in 0..self.base.view.files.len() as FileNo {
                self.remember(file, None);
            }
            return None;
        }
        let reached = self.reached(&changed);
        for &file in &reached {
            self.remember(file, None);
        }
        Some(self.reach_of(&reached))
    }

    fn uses(&self, files: Option<&BTreeSet<FilePath>>) -> Graph {
        uses::graph(&self.base, self.evaluate(&self.chosen(files)))
    }

    fn unused_exports(&self, edges: &[Edge]) -> Vec<UnusedExport> {
        unused::unused_exports(&self.base, edges)
    }

    fn implements(&self, files: Option<&BTreeSet<FilePath>>) -> Vec<Implements> {
        let chosen = self.chosen(files);
        let is_unknown = |file: &FileNo| {
            let evaluated = self.evaluated.lock().unwrap_or_else(PoisonError::into_inner);
            evaluated.get(*file as usize).is_none_or(Option::is_none)
        };
        let unknown: Vec<FileNo> = chosen.iter().copied().filter(is_unknown).collect();
        self.evaluate(&unknown);
        let evaluated = self.evaluated.lock().unwrap_or_else(PoisonError::into_inner);
        let known = chosen.iter().filter_map(|&file| evaluated.get(file as usize)?.as_ref());
        let mut links: Vec<Implements> = known.flat_map(|known| known.implements.iter().cloned()).collect();
        links.sort();
        links.dedup();
        links
    }
}

/// What a file says to the project.
fn settings(outline: &Outline) -> Option<&String> {
    outline.facts.as_ref().and_then(|facts| facts.manifest.as_ref())
}

/// Whether a file says something else to the project: it is one of its settings, or it came to say anything.
fn is_other_project(before: &ViewFile, after: Option<&ViewFile>) -> bool {
    let Some(after) = after else { return true };
    settings(&before.outline) != settings(&after.outline) || before.is_own != after.is_own
}
