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

pub(crate) struct EvalWorld {
    base: EvalBase,
    dialects: Dialects,
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
        Self { base: EvalBase { view, project, rules: dialects.rules }, dialects, evaluated }
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
        for file in 0..self.base.view.files.len() as FileNo {
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

    /// Builds the project again, and resolves the imports of all files; those that mean something else now are changed, and files that
    /// others know by another name are concerned.
    fn rebuild_project(&mut self, changed: &mut ChangedReads) {
        let files = 0..self.base.view.files.len() as FileNo;
        // What places mean depends on the project that gave them their numbers.
        let before: Vec<_> = files
            .clone()
            .map(|file| {
                let project = self.base.project.as_ref();
                (meanings::import_meanings(&self.base, file), project.module_path(file), project.entries_of(file))
            })
            .collect();
        self.base.project = (self.dialects.project)(&self.base.view.project_files());
        for (file, (before, path_before, entries_before)) in files.zip(before) {
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

    /// Adds the files whose imports meant something else when some settings said what they say no more.
    fn add_former_project(&self, settings: &BTreeMap<FileNo, &Outline>, changed: &mut ChangedReads) {
        let (view, rules) = (&self.base.view, self.base.rules);
        let mut files = view.project_files();
        for (file, outline) in settings {
            if let Some(place) = files.get_mut(*file as usize) {
                place.facts = outline.facts.as_deref();
            }
        }
        let former = (self.dialects.project)(&files);
        for file in 0..view.files.len() as FileNo {
            // Where a module can be found decides what packages mean to others: whoever they are.
            changed.is_everything |= former.entries_of(file) != self.base.project.entries_of(file);
            let is_moved = former.module_path(file) != self.base.project.module_path(file);
            let before = meanings::meanings_in(view, former.as_ref(), rules, file);
            if before != meanings::import_meanings(&self.base, file) {
                changed.sources.insert(file);
                changed.keys.insert(u64::MAX);
                changed.is_everything |= !reach::augmented_modules(view.facts(file)).is_empty();
            } else if !is_moved {
                continue;
            }
            changed.files.insert(file);
        }
    }
}

impl Resolver for EvalWorld {
    fn edit(&mut self, edits: &[(FilePath, Arc<Outline>)]) -> Option<Reach> {
        let mut changed = ChangedReads::default();
        let mut is_project_changed = false;
        for (path, outline) in edits {
            let is_own = (self.dialects.is_own)(path);
            let known = self.base.view.file_at(path);
            let before = known.and_then(|file| self.base.view.file(file)).map(|file| file.outline.clone());
            let is_same_to_project = before.as_ref().is_some_and(|before| settings(before) == settings(outline));
            if is_same_to_project && !is_own {
                continue;
            }
            if before.as_ref() == Some(outline) {
                continue;
            }
            let names_before = known.map(|file| reach::fingerprints(&self.base, file)).unwrap_or_default();
            if let Some(file) = known.filter(|_| !is_same_to_project) {
                // Where it is now, those who imported it where it was do not lead to it any more.
                changed.files.extend(self.unknown_importers(file));
            }
            let former = self.base.view.replace(path, outline, is_own);
            let Some(file) = self.base.view.file_at(path) else { continue };
            self.base.view.resolve_imports(file, self.base.project.as_ref());
            let names_after = reach::fingerprints(&self.base, file);
            let facts = self.base.view.facts(file);
            let facts_before = former.as_ref().map(ViewFile::facts);
            let modules_before = facts_before.map(reach::augmented_modules).unwrap_or_default();
            changed.is_everything |= reach::augmented_modules(facts).iter().any(|one| !modules_before.contains(one));
            changed.was_shared |= facts_before.is_some_and(reach::is_shared);
            changed.was_shared |= self.base.rules.implements_by_shape()
                && self.shapes(before.as_deref()) != self.shapes(Some(outline.as_ref()));
            is_project_changed |= former.is_none_or(|former| is_other_project(&former, self.base.view.file(file)));
            reach::add_differing(&names_before, &names_after, &mut changed.keys);
            changed.sources.insert(file);
            self.remember(file, None);
            if known.is_none() {
                changed.files.insert(file);
            }
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

    fn reach(&self, before: &[(&FilePath, &Outline)]) -> Option<Reach> {
        let mut changed = ChangedReads::default();
        let mut other_settings = BTreeMap::new();
        for (path, before) in before {
            let Some(file) = self.base.view.file_at(path) else { continue };
            let outline = self.base.view.file(file).map(|file| &file.outline);
            if outline.and_then(|outline| settings(outline)) != settings(before) {
                other_settings.insert(file, *before);
            }
            if !(self.dialects.is_own)(path) {
                continue;
            }
            if outline.is_some_and(|outline| !outline.is_same_but_for_lines(before)) {
                changed.sources.insert(file);
                changed.keys.insert(u64::MAX);
                changed.was_shared |= before.facts.as_deref().is_some_and(reach::is_shared);
                changed.was_shared |= self.base.rules.implements_by_shape()
                    && self.shapes(Some(before)) != self.shapes(outline.map(Arc::as_ref));
            }
        }
        // Where several files make up a package, more than imports follows from settings.
        let is_packaged = self.base.rules.is_packaged() && !self.base.rules.has_namespaces();
        let is_joint = self.base.rules.has_embedding() || is_packaged;
        changed.is_everything |= is_joint && !other_settings.is_empty();
        if !is_joint && !other_settings.is_empty() {
            self.add_former_project(&other_settings, &mut changed);
        }
        if changed.is_everything {
            return None;
        }
        // Which names changed does not matter here: no file was evaluated yet.
        let reached = self.reached(&changed);
        Some(self.reach_of(&reached))
    }

    fn namers(&self, path: &FilePath) -> BTreeSet<FilePath> {
        let own = || self.base.view.files.iter().filter(|file| file.is_own);
        let outsider = self.base.project.outsider(path);
        if outsider == Outsider::Nothing {
            return BTreeSet::new();
        }
        let name = String::from_utf8_lossy(path.file_name());
        let stem = name.split('.').next().filter(|stem| !stem.is_empty()).unwrap_or(&name);
        let is_in_settings = outsider == Outsider::Settings
            || own().any(|file| file.facts().manifest.as_ref().is_some_and(|text| text.contains(stem)));
        let names_it = |file: &&ViewFile| {
            let facts = file.facts();
            is_in_settings || facts.imports.iter().any(|import| facts.text(import.specifier).contains(stem))
        };
        own().filter(names_it).map(|file| file.path.clone()).collect()
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
