//! The resolver of the family: all its files, what each read when it was evaluated, and whom an edit reaches.

use std::collections::BTreeSet;
use std::sync::{Arc, Mutex, PoisonError};

use rustc_hash::FxHashSet;

use super::project::IncludeProject;
use super::reach;
use super::uses::{self, CEvaluated};
use super::view::{CFile, CFileNo, CView};
use super::visible::seers;
use crate::domain::{FilePath, Implements};
use crate::language::Outline;
use crate::language::resolve::{Graph, Outlined, Reach, Resolver};

struct CWorld {
    view: CView,
    project: IncludeProject,
    /// What is known of each file since it was evaluated; `None`: it was not, or not since it was reached.
    known: Mutex<Vec<Option<KnownUses>>>,
}

struct KnownUses {
    reads: Box<[u64]>,
    links: Vec<Implements>,
}

/// The resolver of a view.
pub(in super::super) fn resolver(files: &[Outlined<'_>]) -> Box<dyn Resolver> {
    let own = files.iter().filter(|(path, _)| is_own(path));
    let mut view = CView::new(own.map(|(path, outline)| ((*path).clone(), Arc::new(outline.unpack_or_silence()))));
    let project = IncludeProject::new(&view);
    for file in 0..view.files.len() as CFileNo {
        view.resolve_includes(file, &project);
    }
    Box::new(CWorld { view, project, known: Mutex::default() })
}

fn is_own(path: &FilePath) -> bool {
    super::super::FAMILY.sees(path)
}

/// What changed for others.
#[derive(Default)]
struct ChangedNames {
    keys: FxHashSet<u64>,
    /// Files that may see a changed one.
    seers: FxHashSet<CFileNo>,
    /// Files that are concerned whatever they looked up.
    files: FxHashSet<CFileNo>,
}

impl CWorld {
    fn forget(&self, file: CFileNo) {
        self.remember(file, None);
    }

    fn remember(&self, file: CFileNo, uses: Option<KnownUses>) {
        let mut known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        if known.len() <= file as usize {
            known.resize_with(file as usize + 1, || None);
        }
        if let Some(place) = known.get_mut(file as usize) {
            *place = uses;
        }
    }

    /// The files that a change concerns. One that was not evaluated is, if it may see it.
    fn reached(&self, changed: &ChangedNames) -> BTreeSet<CFileNo> {
        let known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        let reads_one = |file: &CFileNo| match known.get(*file as usize).and_then(Option::as_ref) {
            Some(known) => changed.keys.iter().any(|key| known.reads.binary_search(key).is_ok()),
            None => true,
        };
        let readers = changed.seers.iter().copied().filter(reads_one);
        readers.chain(changed.files.iter().copied()).collect()
    }

    fn reach_of(&self, files: &BTreeSet<CFileNo>) -> Reach {
        let paths = files.iter().filter_map(|&file| self.view.file(file)).map(|file| file.path.clone());
        Reach { files: paths.collect(), users_of: BTreeSet::new() }
    }

    /// The family's files among some files, or all.
    fn chosen(&self, files: Option<&BTreeSet<FilePath>>) -> Vec<CFileNo> {
        match files {
            Some(files) => files.iter().filter_map(|path| self.view.file_at(path)).collect(),
            None => (0..self.view.files.len() as CFileNo).collect(),
        }
    }

    fn evaluate(&self, files: &[CFileNo]) -> Vec<CEvaluated> {
        let mut evaluated = uses::evaluate(&self.view, &self.project, files);
        for one in &mut evaluated {
            let (reads, links) = (std::mem::take(&mut one.reads), std::mem::take(&mut one.links));
            self.remember(one.file, Some(KnownUses { reads, links }));
        }
        evaluated
    }

    /// Finds all includes again. Who sees a file whose includes mean something else is concerned.
    fn rebuild_project(&mut self, changed: &mut ChangedNames) {
        self.project = IncludeProject::new(&self.view);
        for file in 0..self.view.files.len() as CFileNo {
            self.resolve_again(file, changed);
        }
    }

    fn resolve_again(&mut self, file: CFileNo, changed: &mut ChangedNames) {
        let before = self.view.files[file as usize].targets.clone();
        let seers_before = seers(&self.view, file);
        self.view.resolve_includes(file, &self.project);
        if before != self.view.files[file as usize].targets {
            changed.files.extend(seers_before);
            changed.files.extend(seers(&self.view, file));
        }
    }

    fn edit_one(&mut self, path: &FilePath, outline: &Arc<Outline>, changed: &mut ChangedNames) -> bool {
        let known = self.view.file_at(path);
        if known.and_then(|file| self.view.file(file)).is_some_and(|file| &file.outline == outline) {
            return false;
        }
        if let Some(file) = known {
            changed.seers.extend(seers(&self.view, file));
        }
        let former = self.view.replace(path, outline);
        let Some(file) = self.view.file_at(path) else { return false };
        self.forget(file);
        changed.files.insert(file);
        let former = former.unwrap_or_else(|| CFile::new(path.clone(), Arc::default()));
        let entry = &self.view.files[file as usize];
        let (before, after) = (reach::fingerprints(&former), reach::fingerprints(entry));
        changed.keys.extend(before.iter().filter(|(key, hash)| after.get(key) != Some(hash)).map(|(&key, _)| key));
        changed.keys.extend(after.keys().filter(|key| !before.contains_key(key)));
        let is_same_for_all = reach::directives(&former) == reach::directives(entry);
        let is_same_project = former.manifest() == entry.manifest() && former.is_present() == entry.is_present();
        let includes_before: Vec<String> = reach::includes(&former).into_iter().map(str::to_owned).collect();
        let are_includes_same = includes_before == reach::includes(entry);
        // The includes are found again below; until then those of before count.
        let targets_before: Vec<CFileNo> = former.includes().collect();
        self.restore_targets(file, former);
        if !is_same_for_all {
            changed.files.extend(seers(&self.view, file));
        }
        self.resolve_again(file, changed);
        if !are_includes_same || targets_before != self.view.files[file as usize].includes().collect::<Vec<_>>() {
            changed.files.extend(seers(&self.view, file));
        }
        changed.seers.extend(seers(&self.view, file));
        !is_same_project
    }

    /// Until its includes are found again, a file includes what it did.
    fn restore_targets(&mut self, file: CFileNo, former: CFile) {
        let facts_len = self.view.files[file as usize].targets.len();
        let mut targets = former.targets;
        targets.resize(facts_len.max(targets.len()), None);
        self.view.files[file as usize].targets = targets;
    }
}

impl Resolver for CWorld {
    fn edit(&mut self, edits: &[(FilePath, Arc<Outline>)], gone: &BTreeSet<FilePath>) -> Option<Reach> {
        let mut changed = ChangedNames::default();
        let mut is_project_changed = false;
        // A file that is gone keeps its number and says nothing.
        for path in gone {
            if self.view.file_at(path).is_some() {
                is_project_changed |= self.edit_one(path, &Arc::default(), &mut changed);
            }
        }
        for (path, outline) in edits.iter().filter(|(path, _)| is_own(path)) {
            is_project_changed |= self.edit_one(path, outline, &mut changed);
        }
        if is_project_changed {
            self.rebuild_project(&mut changed);
        }
        let reached = self.reached(&changed);
        reached.iter().for_each(|&file| self.forget(file));
        Some(self.reach_of(&reached))
    }

    fn uses(&self, files: Option<&BTreeSet<FilePath>>) -> Graph {
        uses::graph(&self.view, self.evaluate(&self.chosen(files)))
    }

    fn implements(&self, files: Option<&BTreeSet<FilePath>>) -> Vec<Implements> {
        let chosen = self.chosen(files);
        let is_unknown = |file: &CFileNo| {
            let known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
            known.get(*file as usize).is_none_or(Option::is_none)
        };
        let unknown: Vec<CFileNo> = chosen.iter().copied().filter(is_unknown).collect();
        self.evaluate(&unknown);
        let known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        let known = chosen.iter().filter_map(|&file| known.get(file as usize)?.as_ref());
        let mut links: Vec<Implements> = known.flat_map(|known| known.links.iter().cloned()).collect();
        links.sort();
        links.dedup();
        links
    }
}
