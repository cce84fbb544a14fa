//! All files of a family side by side: one numbering for files and names, and tables to look names up in.

use std::sync::{Arc, OnceLock};

use rustc_hash::{FxHashMap, FxHashSet};

use super::facts::{
    Binding, BindingId, BindingKind, FactScopeId, FactScopeKind, Facts, ImportId, ImportWhat, Step, StepId,
};
use super::rules::{ClassFacts, FileNo, Place, Project, ProjectFile, Rules};
use crate::domain::FilePath;
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
    /// What each import means.
    pub targets: Vec<Option<Place>>,
}

/// Stands for what all files share, in keys.
pub(super) const GLOBAL: &[u8] = b"global";

pub(super) struct FactView {
    /// A file keeps its number while the view lives.
    pub files: Vec<ViewFile>,
    by_path: FxHashMap<FilePath, FileNo>,
    texts: Vec<Arc<str>>,
    numbers: FxHashMap<Arc<str>, NameNo>,
    /// Made when it is first asked for, again after each edit.
    shared: OnceLock<SharedNames>,
    /// As [`FactView::shared`].
    interfaces: OnceLock<InterfaceNames>,
}

/// What files declare outside themselves.
#[derive(Default)]
struct SharedNames {
    globals: FxHashMap<NameNo, Vec<Item>>,
    /// By the module that is augmented: where.
    augmentations: FxHashMap<FileNo, Vec<(FileNo, FactScopeId)>>,
    /// What the files of a package declare, by package and name.
    packaged: FxHashMap<(NameNo, NameNo), Vec<Item>>,
}

/// Interfaces by what shows that a class may implement them.
#[derive(Default)]
struct InterfaceNames {
    by_member: FxHashMap<NameNo, Vec<Item>>,
    /// By the last name of an interface that they embed.
    by_embedded: FxHashMap<NameNo, Vec<Item>>,
    /// The methods that each declares itself.
    methods: FxHashMap<Item, Box<[NameNo]>>,
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
    pub fn new(files: impl IntoIterator<Item = (FilePath, Arc<Outline>, bool)>) -> Self {
        let mut sorted: Vec<_> = files.into_iter().collect();
        sorted.sort_by(|one, other| one.0.cmp(&other.0));
        sorted.dedup_by(|one, other| one.0 == other.0);
        let mut view = Self {
            files: Vec::with_capacity(sorted.len()),
            by_path: FxHashMap::default(),
            texts: Vec::new(),
            numbers: FxHashMap::default(),
            shared: OnceLock::new(),
            interfaces: OnceLock::new(),
        };
        for (path, outline, is_own) in sorted {
            view.by_path.insert(path.clone(), view.files.len() as FileNo);
            let file = view.indexed(path, outline, is_own);
            view.files.push(file);
        }
        view
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
        self.texts.get(name as usize).map(AsRef::as_ref).unwrap_or_default()
    }

    /// The number of a name that a file writes.
    pub fn name(&self, file: FileNo, text: u32) -> NameNo {
        self.file(file).and_then(|file| file.names.get(text as usize)).copied().unwrap_or(NameNo::MAX)
    }

    pub fn known_name(&self, text: &str) -> Option<NameNo> {
        self.numbers.get(text).copied()
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
        match self.file_at(path) {
            Some(file) => self.files.get_mut(file as usize).map(|place| std::mem::replace(place, indexed)),
            None => {
                self.by_path.insert(path.clone(), self.files.len() as FileNo);
                self.files.push(indexed);
                None
            }
        }
    }

    /// What some file declares for all under a name.
    pub fn globals(&self, name: NameNo) -> &[Item] {
        self.shared().globals.get(&name).map(Vec::as_slice).unwrap_or_default()
    }

    /// The scopes that add to a module from outside.
    pub fn augmentations(&self, file: FileNo) -> &[(FileNo, FactScopeId)] {
        self.shared().augmentations.get(&file).map(Vec::as_slice).unwrap_or_default()
    }

    /// What the files of a package declare under a name.
    pub fn packaged(&self, package: NameNo, name: NameNo) -> &[Item] {
        self.shared().packaged.get(&(package, name)).map(Vec::as_slice).unwrap_or_default()
    }

    /// The interfaces that declare a member of a name.
    pub fn interfaces_with(&self, member: NameNo, rules: &dyn Rules) -> &[Item] {
        self.interfaces(rules).by_member.get(&member).map(Vec::as_slice).unwrap_or_default()
    }

    /// The interfaces that embed one of this name.
    pub fn interfaces_embedding(&self, name: NameNo, rules: &dyn Rules) -> &[Item] {
        self.interfaces(rules).by_embedded.get(&name).map(Vec::as_slice).unwrap_or_default()
    }

    fn interfaces(&self, rules: &dyn Rules) -> &InterfaceNames {
        self.interfaces.get_or_init(|| {
            let mut names = InterfaceNames::default();
            for (file, entry) in self.files.iter().enumerate() {
                for (id, binding) in entry.facts().bindings.iter().enumerate() {
                    let item = Item { file: file as FileNo, binding: id as BindingId };
                    let Some(scope) = binding.inner.filter(|_| self.has_shape(item, rules)) else { continue };
                    for (name, _) in entry.declared_in(scope) {
                        names.by_member.entry(name).or_default().push(item);
                    }
                    names.methods.insert(item, self.methods_in(file as FileNo, scope, rules));
                    for name in self.embedded_names(item) {
                        names.by_embedded.entry(name).or_default().push(item);
                    }
                }
            }
            names
        })
    }

    /// The methods that an interface declares itself, those that make instances not counted. They are read with its shape.
    pub fn methods_of(&self, interface: Item, rules: &dyn Rules) -> &[NameNo] {
        self.interfaces(rules).methods.get(&interface).map(AsRef::as_ref).unwrap_or_default()
    }

    /// The methods that a scope declares for others, in the order of their names' numbers.
    fn methods_in(&self, file: FileNo, scope: FactScopeId, rules: &dyn Rules) -> Box<[NameNo]> {
        let Some(entry) = self.file(file) else { return Box::default() };
        let is_method = |&(name, binding): &(NameNo, BindingId)| {
            let binding = entry.facts().binding(binding);
            binding.is_some_and(|one| one.kind == BindingKind::Function && one.symbol.is_some())
                && !rules.constructors().contains(&self.text(name))
        };
        entry.declared_in(scope).filter(is_method).map(|(name, _)| name).collect()
    }

    /// Whether classes implement an interface by having its members.
    pub fn has_shape(&self, item: Item, rules: &dyn Rules) -> bool {
        let Some(binding) = self.binding(item) else { return false };
        let is_type = matches!(binding.kind, BindingKind::Interface | BindingKind::Class);
        is_type && rules.has_shape(&ClassFacts { facts: self.facts(item.file), binding, symbol: self.symbol(item) })
    }

    /// The last names of the bases of a class or interface, as written.
    pub fn embedded_names(&self, item: Item) -> Vec<NameNo> {
        let Some(binding) = self.binding(item) else { return Vec::new() };
        let name = |&base: &StepId| {
            let mut step = self.step(item.file, base)?;
            if let Step::Apply { base, .. } | Step::Index { of: base, .. } = step {
                step = self.step(item.file, *base)?;
            }
            match step {
                Step::Name { text, .. } | Step::Member { text, .. } => Some(self.name(item.file, *text)),
                _ => None,
            }
        };
        binding.bases.iter().filter_map(name).collect()
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
                FactScopeKind::Package(package) => {
                    let package = self.name(file, package);
                    for (name, binding) in entry.declared_in(scope) {
                        let is_import =
                            facts.binding(binding).is_none_or(|one| matches!(one.kind, BindingKind::Import(_)));
                        if !is_import {
                            shared.packaged.entry((package, name)).or_default().push(Item { file, binding });
                        }
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
        if let Some(&number) = self.numbers.get(text) {
            return number;
        }
        let number = self.texts.len() as NameNo;
        let text: Arc<str> = text.into();
        self.texts.push(Arc::clone(&text));
        self.numbers.insert(text, number);
        number
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
        let scope_keys = scope_keys(&path, facts);
        let targets = vec![None; facts.imports.len()];
        ViewFile { path, is_own, names, declared, stars, scope_keys, targets, outline }
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

/// What stands for the top of every file of a package.
pub(super) fn package_key(package: &str) -> u64 {
    key(5, &[package.as_bytes()])
}

/// Modules, classes and namespaces that others can reach into, each by the names that lead to it. Scopes that share a name share a key.
fn scope_keys(path: &FilePath, facts: &Facts) -> Vec<u64> {
    let mut keys: Vec<u64> = Vec::with_capacity(facts.scopes.len());
    for scope in &facts.scopes {
        let parent = scope.parent.and_then(|parent| keys.get(parent as usize)).copied();
        let name = scope.owner.and_then(|owner| facts.binding(owner)).map(|owner| facts.text(owner.name));
        keys.push(match (scope.kind, parent, name) {
            (FactScopeKind::Module, _, _) => key(0, &[path.as_bytes()]),
            (FactScopeKind::Global, _, _) => key(0, &[GLOBAL]),
            (FactScopeKind::Augmentation(text), _, _) => key(1, &[facts.text(text).as_bytes()]),
            (FactScopeKind::Package(text), _, _) => package_key(facts.text(text)),
            (FactScopeKind::Class | FactScopeKind::Namespace, Some(parent), Some(name)) if parent != 0 => {
                key(parent, &[name.as_bytes()])
            }
            _ => 0,
        });
    }
    keys
}

/// Everything that a set of numbers holds, in order: two sets are compared by binary search.
pub(super) fn sorted(set: FxHashSet<u64>) -> Box<[u64]> {
    let mut all: Vec<u64> = set.into_iter().collect();
    all.sort_unstable();
    all.into_boxed_slice()
}
