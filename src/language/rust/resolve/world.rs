//! Everything that name resolution reads, built of all files of a view, then kept in step with edits.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use rustc_hash::FxHashMap;

use super::crates::{self, Crate};
use super::implements;
use super::members::{self, Members};
use super::modules::{self, Modules};
use super::names::Names;
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
    /// `macro_rules!` by name, each with its crate, in the order of crates and files; the first of a crate counts.
    macros: FxHashMap<Name, Vec<(usize, GlobalDef)>>,
    /// How many names there were when it was built.
    names_then: usize,
}

/// Names that no file writes any more are kept until there are so many times as many as in the beginning.
const NAMES_GROWTH_MAX: usize = 2;

impl RustWorld {
    pub fn new<'a>(files: impl IntoIterator<Item = (&'a FilePath, &'a StoredOutline)>) -> Self {
        Self::with_room(files, &[])
    }

    /// The same, with room for files at paths that are to come.
    fn with_room<'a>(files: impl IntoIterator<Item = (&'a FilePath, &'a StoredOutline)>, coming: &[&FilePath]) -> Self {
        let mut members = Members::default();
        let mut view = View::new(files, coming, |view, file| members.add_definitions(view, file));
        let crates = crates::crates(&view);
        let modules = modules::mount_all(&mut view, &crates);
        view.rest(0);
        let names_then = view.names();
        let mut world = Self { view, crates, modules, members, macros: FxHashMap::default(), names_then };
        let all: Vec<File> = world.view.files().to_vec();
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
            let mount = self.modules.mounts_of(file).first();
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
            None => self.view.files().to_vec(),
        }
    }

    /// Builds all again, with room for files at paths that are to come.
    pub(super) fn rebuild(&mut self, coming: &[&FilePath]) {
        let view = std::mem::replace(&mut self.view, View::new(std::iter::empty(), &[], |_, _| {}));
        let files: BTreeMap<FilePath, StoredOutline> = view.into_stored().collect();
        *self = Self::with_room(&files, coming);
    }

    /// Whether so much of what is kept is of use no more that building all again gives memory back.
    pub(super) fn is_outgrown(&self) -> bool {
        self.view.names() > self.names_then * NAMES_GROWTH_MAX || self.modules.is_worn()
    }

    /// The files that take in as text what has the name of a path.
    pub(super) fn includers(&self, path: &FilePath) -> impl Iterator<Item = File> {
        let name = path.file_name();
        let ends_so = move |written: &String| written.as_bytes().rsplit(|&byte| byte == b'/').next() == Some(name);
        let naming = self.view.all().filter(move |(_, entry)| entry.includes.iter().any(ends_so));
        naming.map(|(file, _)| file)
    }

    pub(super) fn add_impls(&mut self, files: impl IntoIterator<Item = File>) {
        let names = Names::new(self);
        let found: Vec<_> = files.into_iter().map(|file| (file, members::impls_of(&names, file))).collect();
        for (file, impls) in found {
            self.members.add_impls(&self.view, file, impls);
        }
    }

    pub(super) fn add_macros(&mut self, file: File) {
        for (krate, name, def) in self.macros_of(file) {
            let macros = self.macros.entry(name).or_default();
            if let Err(at) = macros.binary_search(&(krate, def)) {
                macros.insert(at, (krate, def));
            }
        }
    }

    /// Takes the macros of files out, whatever crates they belong to now; the view still says what it said when they came in.
    pub(super) fn forget_macros(&mut self, files: &BTreeSet<File>) {
        for &file in files {
            let model = self.view.model(file);
            for def in &model.defs {
                if let Some(macros) = self.macros.get_mut(&self.view.name(file, def.name)) {
                    macros.retain(|(_, other)| self.view.file_of(*other) != file);
                }
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
            let name = self.view.name(file, def.name);
            macros.extend(self.modules.crates_of(file).map(|krate| (krate, name, id)));
        }
        macros
    }

    pub(super) fn macro_in(&self, krate: usize, name: Name) -> Option<GlobalDef> {
        let macros = self.macros.get(&name)?;
        macros.iter().find(|(of, _)| *of == krate).map(|&(_, def)| def)
    }
}

impl Resolver for RustWorld {
    fn edit(&mut self, edits: &[(FilePath, Arc<Outline>)], gone: &BTreeSet<FilePath>) -> Option<Reach> {
        self.follow(edits, gone)
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
