//! All files of a family side by side: one numbering for files and names, and tables to look names up in.

mod interfaces;

use std::sync::{Arc, OnceLock};

use rustc_hash::{FxHashMap, FxHashSet};

use super::facts::{
    Binding, BindingId, BindingKind, FactScopeId, FactScopeKind, Facts, ImportId, ImportWhat, Step, StepId,
};
use super::rules::{FileNo, Place, Project, ProjectFile, package_name};
use crate::domain::FilePath;
use crate::language::interner::Interner;
use crate::language::{Outline, Symbol};

/// A name, the same number in every file.
pub(super) type NameNo = u32;

/// Something with a name, in some file.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(super) struct Item {
    pub file: FileNo,
    pub binding: BindingId,
}

/// A file with what is looked up in it.
pub(super) struct ViewFile {
    pub path: FilePath,
    pub outline: Arc<Outline>,
    pub is_own: bool,
    /// By [`super::facts::TextId`].
    names: Vec<NameNo>,
    /// Sorted.
    declared: Vec<(FactScopeId, NameNo, BindingId)>,
    /// `from m import *`, by scope.
    pub stars: Vec<(FactScopeId, ImportId)>,
    /// What stands for a scope that others can reach into, wherever it is in the file; 0: it is local.
    pub scope_keys: Vec<u64>,
    /// Whether others declare in the scope, too: that of a package, and of the classes inside it.
    is_joint: Vec<bool>,
    /// What each import means.
    pub targets: Vec<Option<Place>>,
}

/// Stands for what all files share, in keys.
pub(super) const GLOBAL: &[u8] = b"global";

pub(super) struct FactView {
    /// A file keeps its number while the view lives.
    pub files: Vec<ViewFile>,
    by_path: FxHashMap<FilePath, FileNo>,
    interner: Interner,
    /// Made when it is first asked for, again after each edit.
    shared: OnceLock<SharedNames>,
    /// As [`FactView::shared`].
    interfaces: OnceLock<interfaces::InterfaceNames>,
    /// What several files declare together, by the key of the scope and the name; in the order of paths and of the text.
    joint: FxHashMap<(u64, NameNo), Vec<Item>>,
    /// The members of each class that several files declare together, in the same order.
    joint_members: FxHashMap<u64, Vec<(NameNo, Item)>>,
    /// Whether files declare members of each other's classes.
    has_open_classes: bool,
}

/// What files declare outside themselves.
#[derive(Default)]
struct SharedNames {
    globals: FxHashMap<NameNo, Vec<Item>>,
    /// By the module that is augmented: where.
    augmentations: FxHashMap<FileNo, Vec<(FileNo, FactScopeId)>>,
}

/// Stands for a file that says nothing.
static SILENCE: Facts = Facts {
    texts: Vec::new(),
    scopes: Vec::new(),
    bindings: Vec::new(),
    imports: Vec::new(),
    exports: Vec::new(),
    steps: Vec::new(),
    step_lines: Vec::new(),
    listed: None,
    is_open: false,
    dynamics: Vec::new(),
    manifest: None,
};

impl FactView {
    /// `files`: path, outline, and whether the file is of the family.
    pub fn new(files: impl IntoIterator<Item = (FilePath, Arc<Outline>, bool)>, has_open_classes: bool) -> Self {
        let mut sorted: Vec<_> = files.into_iter().collect();
        sorted.sort_by(|one, other| one.0.cmp(&other.0));
        sorted.dedup_by(|one, other| one.0 == other.0);
        let mut view = Self {
            files: Vec::with_capacity(sorted.len()),
            by_path: FxHashMap::default(),
            interner: Interner::default(),
            shared: OnceLock::new(),
            interfaces: OnceLock::new(),
            joint: FxHashMap::default(),
            joint_members: FxHashMap::default(),
            has_open_classes,
        };
        for (path, outline, is_own) in sorted {
            view.by_path.insert(path.clone(), view.files.len() as FileNo);
            let file = view.indexed(path, outline, is_own);
            view.files.push(file);
            view.join(view.files.len() as FileNo - 1);
        }
        view
    }

    /// Gives names their numbers, whether a file writes them or not: what asks for one of them is noted, so that it is reached when a
    /// file comes to have it.
    pub fn know(&mut self, names: &[&str]) {
        for name in names {
            self.number(name);
        }
    }

    pub fn file_at(&self, path: &FilePath) -> Option<FileNo> {
        self.by_path.get(path).copied()
    }

    pub fn file(&self, file: FileNo) -> Option<&ViewFile> {
        self.files.get(file as usize)
    }

    pub fn facts(&self, file: FileNo) -> &Facts {
        self.file(file).map_or(&SILENCE, ViewFile::facts)
    }

    pub fn binding(&self, item: Item) -> Option<&Binding> {
        self.facts(item.file).binding(item.binding)
    }

    pub fn step(&self, file: FileNo, step: StepId) -> Option<&Step> {
        self.facts(file).step(step)
    }

    pub fn symbol(&self, item: Item) -> Option<&Symbol> {
        let symbol = self.binding(item)?.symbol?;
        self.file(item.file)?.outline.symbols.get(symbol as usize)
    }

    pub fn text(&self, name: NameNo) -> &str {
        self.interner.text(name)
    }

    /// The number of a name that a file writes.
    pub fn name(&self, file: FileNo, text: u32) -> NameNo {
        self.file(file).and_then(|file| file.names.get(text as usize)).copied().unwrap_or(NameNo::MAX)
    }

    pub fn known_name(&self, text: &str) -> Option<NameNo> {
        self.interner.get(text)
    }

    /// What a scope declares under a name, in the order of the text.
    pub fn declared(&self, file: FileNo, scope: FactScopeId, name: NameNo) -> impl Iterator<Item = Item> + '_ {
        let declared = self.file(file).map(|file| file.declared.as_slice()).unwrap_or_default();
        let first = declared.partition_point(|&(at, named, _)| (at, named) < (scope, name));
        let rest = declared.get(first..).unwrap_or_default().iter();
        rest.take_while(move |&&(at, named, _)| (at, named) == (scope, name))
            .map(move |&(_, _, binding)| Item { file, binding })
    }

    /// Puts another outline in the place of a file's, or adds the file; hands out the one that was there.
    pub fn replace(&mut self, path: &FilePath, outline: &Arc<Outline>, is_own: bool) -> Option<ViewFile> {
        let indexed = self.indexed(path.clone(), Arc::clone(outline), is_own);
        (self.shared, self.interfaces) = (OnceLock::new(), OnceLock::new());
        let known = self.file_at(path);
        let file = known.unwrap_or(self.files.len() as FileNo);
        self.part(file);
        let former = match self.files.get_mut(file as usize) {
            Some(place) => Some(std::mem::replace(place, indexed)),
            None => {
                self.by_path.insert(path.clone(), file);
                self.files.push(indexed);
                None
            }
        };
        self.join(file);
        former
    }

    /// Takes a file out; its number is no other's. Hands out what was there.
    pub fn remove(&mut self, path: &FilePath) -> Option<ViewFile> {
        let file = self.file_at(path)?;
        // Nothing has this path, and nothing can be found at it.
        let nowhere = self.indexed(FilePath::from("\0"), Arc::default(), false);
        (self.shared, self.interfaces) = (OnceLock::new(), OnceLock::new());
        self.part(file);
        self.by_path.remove(path);
        self.files.get_mut(file as usize).map(|place| std::mem::replace(place, nowhere))
    }

    /// The files of the view, in the order of their paths, each with what it says and whether it is of the family.
    pub fn present(&self) -> Vec<(FilePath, Arc<Outline>, bool)> {
        let present = self.files.iter().filter(|file| self.by_path.contains_key(&file.path));
        present.map(|file| (file.path.clone(), Arc::clone(&file.outline), file.is_own)).collect()
    }

    /// How many files are there, and how many were.
    pub fn counts(&self) -> (usize, usize) {
        (self.by_path.len(), self.files.len() - self.by_path.len())
    }

    /// The key of a scope in which several files declare.
    pub fn joint_key(&self, file: FileNo, scope: FactScopeId) -> Option<u64> {
        let entry = self.file(file)?;
        let is_joint = entry.is_joint.get(scope as usize).copied().unwrap_or_default();
        entry.scope_keys.get(scope as usize).copied().filter(|_| is_joint)
    }

    /// What all files together declare under a name in such a scope.
    pub fn joint(&self, key: u64, name: NameNo) -> &[Item] {
        self.joint.get(&(key, name)).map(Vec::as_slice).unwrap_or_default()
    }

    /// The members of a class that several files declare together.
    pub fn joint_members(&self, key: u64) -> &[(NameNo, Item)] {
        self.joint_members.get(&key).map(Vec::as_slice).unwrap_or_default()
    }

    /// Adds what a file declares together with others.
    fn join(&mut self, file: FileNo) {
        for (key, name, item, is_member) in self.joint_places(file) {
            let path = |item: &Item| self.files.get(item.file as usize).map(|entry| &entry.path);
            let is_before = |one: &Item| (path(one), one.binding) < (path(&item), item.binding);
            let all = self.joint.get(&(key, name)).map(Vec::as_slice).unwrap_or_default();
            let at = all.partition_point(is_before);
            let members = self.joint_members(key).partition_point(|(_, one)| is_before(one));
            self.joint.entry((key, name)).or_default().insert(at, item);
            if is_member {
                self.joint_members.entry(key).or_default().insert(members, (name, item));
            }
        }
    }

    /// Takes out what a file declares together with others.
    fn part(&mut self, file: FileNo) {
        for (key, name, _, is_member) in self.joint_places(file) {
            if let Some(all) = self.joint.get_mut(&(key, name)) {
                all.retain(|item| item.file != file);
                if all.is_empty() {
                    self.joint.remove(&(key, name));
                }
            }
            if let Some(all) = self.joint_members.get_mut(&key).filter(|_| is_member) {
                all.retain(|(_, item)| item.file != file);
                if all.is_empty() {
                    self.joint_members.remove(&key);
                }
            }
        }
    }

    /// Key, name and item of all that; whether it is a member of a class.
    fn joint_places(&self, file: FileNo) -> Vec<(u64, NameNo, Item, bool)> {
        let Some(entry) = self.file(file) else { return Vec::new() };
        let declared = entry.declared.iter().filter_map(|&(scope, name, binding)| {
            let is_joint = entry.is_joint.get(scope as usize).copied().unwrap_or_default();
            let key = entry.scope_keys.get(scope as usize).copied().filter(|_| is_joint)?;
            let kind = entry.facts().scope(scope)?.kind;
            let is_import = matches!(entry.facts().binding(binding)?.kind, BindingKind::Import(_));
            (!is_import).then_some((key, name, Item { file, binding }, !matches!(kind, FactScopeKind::Package(_))))
        });
        declared.collect()
    }

    /// What some file declares for all under a name.
    pub fn globals(&self, name: NameNo) -> &[Item] {
        self.shared().globals.get(&name).map(Vec::as_slice).unwrap_or_default()
    }

    /// The scopes that add to a module from outside.
    pub fn augmentations(&self, file: FileNo) -> &[(FileNo, FactScopeId)] {
        self.shared().augmentations.get(&file).map(Vec::as_slice).unwrap_or_default()
    }

    fn shared(&self) -> &SharedNames {
        self.shared.get_or_init(|| {
            let mut shared = SharedNames::default();
            for (file, entry) in self.files.iter().enumerate() {
                self.add_shared(file as FileNo, entry, &mut shared);
            }
            shared
        })
    }

    fn add_shared(&self, file: FileNo, entry: &ViewFile, shared: &mut SharedNames) {
        let facts = entry.facts();
        for (scope, fact) in facts.scopes.iter().enumerate() {
            let scope = scope as FactScopeId;
            match fact.kind {
                FactScopeKind::Global => {
                    let first = entry.declared.partition_point(|&(at, _, _)| at < scope);
                    let own = entry.declared.get(first..).unwrap_or_default().iter();
                    for &(_, name, binding) in own.take_while(|&&(at, _, _)| at == scope) {
                        let is_import =
                            facts.binding(binding).is_none_or(|one| matches!(one.kind, BindingKind::Import(_)));
                        if !is_import {
                            shared.globals.entry(name).or_default().push(Item { file, binding });
                        }
                    }
                }
                FactScopeKind::Augmentation(specifier) => {
                    let import = facts.imports.iter().position(|import| import.specifier == specifier);
                    let target = import.and_then(|import| entry.targets.get(import)).copied().flatten();
                    if let Some(Place::File(target)) = target {
                        shared.augmentations.entry(target).or_default().push((file, scope));
                    }
                }
                _ => {}
            }
        }
    }

    /// Files as a project sees them, by number.
    pub fn project_files(&self) -> Vec<ProjectFile<'_>> {
        let one = |file| {
            let ViewFile { path, outline, is_own, .. }: &ViewFile = file;
            ProjectFile { path, facts: outline.facts.as_deref(), is_own: *is_own }
        };
        self.files.iter().map(one).collect()
    }

    /// Resolves the specifiers of a file's imports.
    pub fn resolve_imports(&mut self, file: FileNo, project: &dyn Project) {
        let facts = self.facts(file);
        let resolved = facts.imports.iter().map(|import| project.resolve(facts.text(import.specifier), file)).collect();
        self.shared = OnceLock::new();
        if let Some(entry) = self.files.get_mut(file as usize) {
            entry.targets = resolved;
        }
    }

    fn number(&mut self, text: &str) -> NameNo {
        self.interner.number(text)
    }

    fn indexed(&mut self, path: FilePath, outline: Arc<Outline>, is_own: bool) -> ViewFile {
        let facts = outline.facts.as_deref().unwrap_or(&SILENCE);
        let names: Vec<NameNo> = facts.texts.iter().map(|text| self.number(text)).collect();
        let name = |text: u32| names.get(text as usize).copied().unwrap_or(NameNo::MAX);
        let bindings = facts.bindings.iter().enumerate();
        let mut declared: Vec<_> =
            bindings.map(|(id, binding)| (binding.scope, name(binding.name), id as BindingId)).collect();
        declared.sort_unstable();
        let imports = facts.imports.iter().enumerate();
        let stars = imports.filter(|(_, import)| import.what == ImportWhat::All);
        let stars = stars.map(|(id, import)| (import.scope, id as ImportId)).collect();
        let (scope_keys, is_joint) = scope_keys(&path, facts, self.has_open_classes);
        let targets = vec![None; facts.imports.len()];
        ViewFile { path, is_own, names, declared, stars, scope_keys, is_joint, targets, outline }
    }
}

impl ViewFile {
    pub fn facts(&self) -> &Facts {
        self.outline.facts.as_deref().unwrap_or(&SILENCE)
    }

    pub fn path_key(&self) -> u64 {
        key(0, &[self.path.as_bytes()])
    }

    /// What a scope of the file declares under one of its texts.
    pub fn declared_as(&self, scope: FactScopeId, text: u32) -> impl Iterator<Item = BindingId> + '_ {
        let name = self.names.get(text as usize).copied().unwrap_or(NameNo::MAX);
        self.declared_in(scope).filter(move |&(named, _)| named == name).map(|(_, binding)| binding)
    }

    /// All that a scope of the file declares.
    pub fn declared_in(&self, scope: FactScopeId) -> impl Iterator<Item = (NameNo, BindingId)> + '_ {
        let first = self.declared.partition_point(|&(at, _, _)| at < scope);
        let rest = self.declared.get(first..).unwrap_or_default().iter();
        rest.take_while(move |&&(at, _, _)| at == scope).map(|&(_, name, binding)| (name, binding))
    }

    /// Whether a star import of the file brings a name, as far as the file lists them.
    pub fn lists(&self, name: NameNo) -> Option<bool> {
        let listed = self.facts().listed.as_ref()?;
        Some(listed.iter().any(|&text| self.names.get(text as usize) == Some(&name)))
    }
}

/// A number for a sequence of texts below another number.
pub(super) fn key(base: u64, parts: &[&[u8]]) -> u64 {
    use std::hash::Hasher;
    let mut hasher = rustc_hash::FxHasher::default();
    hasher.write_u64(base);
    for part in parts {
        hasher.write(part);
        hasher.write_u8(0xff);
    }
    hasher.finish() | 1
}

/// Modules, classes and namespaces that others can reach into, each by the names that lead to it. Scopes that share a name share a key.
fn scope_keys(path: &FilePath, facts: &Facts, has_open_classes: bool) -> (Vec<u64>, Vec<bool>) {
    let mut keys: Vec<u64> = Vec::with_capacity(facts.scopes.len());
    let mut are_joint: Vec<bool> = Vec::with_capacity(facts.scopes.len());
    for scope in &facts.scopes {
        let parent = scope.parent.and_then(|parent| keys.get(parent as usize)).copied();
        let name = scope.owner.and_then(|owner| facts.binding(owner)).map(|owner| facts.text(owner.name));
        keys.push(match (scope.kind, parent, name) {
            (FactScopeKind::Module, _, _) => key(0, &[path.as_bytes()]),
            (FactScopeKind::Global, _, _) => key(0, &[GLOBAL]),
            (FactScopeKind::Augmentation(text), _, _) => key(1, &[facts.text(text).as_bytes()]),
            (FactScopeKind::Class | FactScopeKind::Namespace, Some(parent), Some(name)) if parent != 0 => {
                key(parent, &[name.as_bytes()])
            }
            (FactScopeKind::Package(text), _, _) => {
                package_key(&package_name(&String::from_utf8_lossy(path.parent()), facts.text(text)))
            }
            (FactScopeKind::Members(text), Some(parent), _) if parent != 0 => {
                key(parent, &[facts.text(text).as_bytes()])
            }
            _ => 0,
        });
        let around = scope.parent.and_then(|parent| are_joint.get(parent as usize)).copied().unwrap_or_default();
        are_joint.push(match scope.kind {
            FactScopeKind::Package(_) => true,
            FactScopeKind::Class | FactScopeKind::Namespace | FactScopeKind::Members(_) => {
                around && has_open_classes && keys.last() != Some(&0)
            }
            _ => false,
        });
    }
    (keys, are_joint)
}

/// What stands for the scope of a package in every file of it.
pub(super) fn package_key(package: &str) -> u64 {
    key(3, &[package.as_bytes()])
}

/// Everything that a set of numbers holds, in order: two sets are compared by binary search.
pub(super) fn sorted(set: FxHashSet<u64>) -> Box<[u64]> {
    let mut all: Vec<u64> = set.into_iter().collect();
    all.sort_unstable();
    all.into_boxed_slice()
}
