//! Everything that name resolution reads, built of all files of a view, then kept in step with edits.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use rustc_hash::FxHashMap;

use super::crates::{self, Crate};
use super::implements;
use super::members::{self, Members};
use super::modules::{self, Modules};
use super::names::Names;
use super::reach;
use super::uses;
use super::view::{File, GlobalDef, Name, UNPACKED_AT_ONCE, View};
use crate::domain::{FilePath, Implements};
use crate::language::facts::Owner;
use crate::language::resolve::{Graph, Reach, Resolver};
use crate::language::stored::StoredOutline;
use crate::language::{Outline, SymbolKind};

/// All files of a view, ready to be asked what they use of each other. What an edit costs does not grow with their number.
pub(super) struct RustWorld {
    pub(super) view: View,
    pub(super) crates: Vec<Crate>,
    pub(super) modules: Modules,
    pub(super) members: Members,
    /// `macro_rules!` by crate and name, in the order of files; the first counts.
    macros: FxHashMap<(usize, Name), Vec<GlobalDef>>,
    /// How many names there were when it was built.
    names_then: usize,
}

/// Names that no file writes any more are kept until there are so many times as many as in the beginning.
const NAMES_GROWTH_MAX: usize = 2;

impl RustWorld {
    pub fn new<'a>(files: impl IntoIterator<Item = (&'a FilePath, &'a StoredOutline)>) -> Self {
        let mut members = Members::default();
        let mut view = View::new(files, |view, file| members.add_definitions(view, file));
        let crates = crates::crates(&view);
        let modules = modules::mount_all(&mut view, &crates);
        view.rest(0);
        let names_then = view.names();
        let mut world = Self { view, crates, modules, members, macros: FxHashMap::default(), names_then };
        let all: Vec<File> = (0..world.view.files.len() as File).collect();
        for part in all.chunks(UNPACKED_AT_ONCE) {
            world.view.unpack(part);
            part.iter().for_each(|&file| world.add_macros(file));
            world.add_impls(part.iter().copied());
            world.view.rest(UNPACKED_AT_ONCE);
        }
        world.view.rest_between_changes();
        world
    }

    fn graph_of_files(&self, files: Vec<File>) -> Graph {
        let mut graph = uses::collect(self, &files);
        for file in files {
            let mount = self.modules.of_file[file as usize].first();
            if let Some(region) = mount.and_then(|&mount| self.modules.region_of(mount, 0)) {
                let path = self.modules.path_of(region, &self.view, &self.crates);
                graph.module_paths.insert(self.view.path(file).clone(), path);
            }
        }
        graph.crate_roots = self.crates.iter().map(|krate| self.view.path(krate.root).clone()).collect();
        graph
    }

    /// Some files of the view, or all.
    fn chosen(&self, files: Option<&BTreeSet<FilePath>>) -> Vec<File> {
        match files {
            Some(files) => files.iter().filter_map(|path| self.view.file_at(path.as_bytes())).collect(),
            None => (0..self.view.files.len() as File).collect(),
        }
    }

    fn rebuild(&mut self, edits: &[(FilePath, Arc<Outline>)]) {
        let view = std::mem::replace(&mut self.view, View::new(std::iter::empty(), |_, _| {}));
        let mut files: BTreeMap<FilePath, StoredOutline> = view.into_stored().collect();
        files.extend(edits.iter().map(|(path, outline)| (path.clone(), outline.into())));
        *self = Self::new(&files);
    }

    fn add_impls(&mut self, files: impl IntoIterator<Item = File>) {
        let names = Names::new(self);
        let found: Vec<_> = files.into_iter().map(|file| (file, members::impls_of(&names, file))).collect();
        for (file, impls) in found {
            self.members.add_impls(&self.view, file, impls);
        }
    }

    fn add_macros(&mut self, file: File) {
        for (krate, name, def) in self.macros_of(file) {
            let macros = self.macros.entry((krate, name)).or_default();
            if let Err(at) = macros.binary_search(&def) {
                macros.insert(at, def);
            }
        }
    }

    fn remove_macros(&mut self, file: File) {
        for (krate, name, def) in self.macros_of(file) {
            if let Some(macros) = self.macros.get_mut(&(krate, name)) {
                macros.retain(|&other| other != def);
            }
        }
    }

    fn macros_of(&self, file: File) -> Vec<(usize, Name, GlobalDef)> {
        let model = self.view.model(file);
        let mut macros = Vec::new();
        for (id, def) in model.defs.iter().enumerate() {
            let id = self.view.global(file, id as u32);
            let is_macro = self.view.kind(id) == SymbolKind::Macro && def.owner == Owner::Scope;
            // One that is defined in a body ends with it.
            if !is_macro || model.place(def.scope).1 {
                continue;
            }
            for &mount in &self.modules.of_file[file as usize] {
                macros.push((self.modules.mounts[mount as usize].krate, self.view.name(file, def.name), id));
            }
        }
        macros
    }

    pub(super) fn macro_in(&self, krate: usize, name: Name) -> Option<GlobalDef> {
        self.macros.get(&(krate, name))?.first().copied()
    }
}

impl Resolver for RustWorld {
    fn edit(&mut self, edits: &[(FilePath, Arc<Outline>)]) -> Option<Reach> {
        let found = edits.iter().map(|(path, outline)| Some((self.view.file_at(path.as_bytes())?, outline)));
        let Some(edits) = found.collect::<Option<Vec<_>>>() else {
            self.rebuild(edits);
            return None;
        };
        let edited: BTreeSet<File> = edits.iter().map(|&(file, _)| file).collect();
        let mut resolved_again: BTreeSet<File> =
            edited.iter().flat_map(|&file| self.members.implementors(file)).chain(edited.iter().copied()).collect();
        for &file in &resolved_again {
            self.members.remove_impls(&self.view, file);
        }
        for &file in &edited {
            self.members.remove_definitions(&self.view, file);
            self.remove_macros(file);
        }
        let before: Vec<(File, Arc<Outline>)> =
            edits.iter().map(|&(file, outline)| (file, self.view.replace(file, outline))).collect();
        let reached = reach::reach(&self.view, before.iter().map(|(file, outline)| (*file, outline.as_ref())));
        let Some((reach, files)) = reached else {
            self.rebuild(&[]);
            return None;
        };
        let outgrown = self.view.names() > self.names_then * NAMES_GROWTH_MAX;
        if outgrown || !edited.iter().all(|&file| self.modules.remount(&self.view, file)) {
            self.rebuild(&[]);
            return Some(reach);
        }
        for &file in &edited {
            self.members.add_definitions(&self.view, file);
            self.add_macros(file);
        }
        for file in files {
            if resolved_again.insert(file) {
                self.members.remove_impls(&self.view, file);
            }
        }
        self.add_impls(resolved_again);
        Some(reach)
    }

    fn reach(&self, before: &[(&FilePath, &Outline)]) -> Option<Reach> {
        let before = before.iter().filter_map(|&(path, outline)| Some((self.view.file_at(path.as_bytes())?, outline)));
        reach::reach(&self.view, before).map(|(reach, _)| reach)
    }

    fn namers(&self, path: &FilePath) -> BTreeSet<FilePath> {
        let name = path.file_name();
        let ends_so = |written: &str| written.as_bytes().rsplit(|&byte| byte == b'/').next() == Some(name);
        let naming = self.view.files.iter().filter(|entry| entry.includes.iter().any(|written| ends_so(written)));
        naming.map(|entry| entry.path.clone()).collect()
    }

    fn uses(&self, files: Option<&BTreeSet<FilePath>>) -> Graph {
        self.graph_of_files(self.chosen(files))
    }

    fn implements(&self, files: Option<&BTreeSet<FilePath>>) -> Vec<Implements> {
        implements::links(self, self.chosen(files))
    }

    fn rest(&mut self) {
        self.view.rest_between_changes();
    }
}
