//! All files of the family: what each declares for others, by scope and name, and which files each includes.

use std::sync::Arc;

use rustc_hash::FxHashMap;

use super::project::IncludeProject;
use crate::domain::FilePath;
use crate::language::eval::facts::{
    Binding, BindingId, FactScopeId, FactScopeKind, Facts, Flags, ImportWhat, Step, StepId,
};
use crate::language::{Outline, Symbol};

/// Number of a file of the view, in the order in which files came; no result depends on it.
pub(super) type CFileNo = u32;

/// The global namespace.
pub(super) const GLOBAL: u64 = 1;

/// Stands for the pure virtual functions of a class, in keys: no name of the language.
pub(super) const PURE: &str = "=0";

/// What a file declares.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(super) struct CDeclared {
    pub file: CFileNo,
    pub binding: BindingId,
}

pub(super) struct CFile {
    pub path: FilePath,
    pub outline: Arc<Outline>,
    /// What stands for each scope in every file; 0 for those inside functions.
    pub scope_paths: Vec<u64>,
    /// What scopes declare, by scope, name and binding.
    declared: Vec<(FactScopeId, u32, BindingId)>,
    /// What each `#include` means; of other imports nothing.
    pub targets: Vec<Option<CFileNo>>,
}

#[derive(Default)]
pub(super) struct CView {
    pub files: Vec<CFile>,
    by_path: FxHashMap<FilePath, CFileNo>,
    /// Everything that files declare in namespaces and classes, by [`key`].
    index: FxHashMap<u64, Vec<CDeclared>>,
    /// The files that include each.
    pub includers: Vec<Vec<CFileNo>>,
}

/// A file that says nothing.
static SILENCE: std::sync::LazyLock<Facts> = std::sync::LazyLock::new(Facts::default);

/// What stands for a name in a scope.
pub(super) fn key(scope: u64, name: &str) -> u64 {
    use std::hash::Hasher;
    let mut hasher = rustc_hash::FxHasher::default();
    hasher.write_u64(scope);
    hasher.write(name.as_bytes());
    hasher.write_u8(0xff);
    hasher.finish() | 1
}

impl CFile {
    pub(super) fn new(path: FilePath, outline: Arc<Outline>) -> Self {
        let facts = outline.facts.as_deref().unwrap_or(&SILENCE);
        let mut scope_paths: Vec<u64> = Vec::with_capacity(facts.scopes.len());
        for scope in &facts.scopes {
            let parent = scope.parent.and_then(|parent| scope_paths.get(parent as usize)).copied().unwrap_or(GLOBAL);
            let owner = scope.owner.and_then(|owner| facts.binding(owner)).map(|owner| facts.text(owner.name));
            scope_paths.push(match scope.kind {
                FactScopeKind::Module => GLOBAL,
                FactScopeKind::Record => parent,
                FactScopeKind::Namespace | FactScopeKind::Class if parent != 0 => {
                    key(parent, owner.unwrap_or_default())
                }
                FactScopeKind::Members(text) if parent != 0 => facts.text(text).split("::").fold(parent, key),
                _ => 0,
            });
        }
        let bindings = facts.bindings.iter().enumerate();
        let mut declared: Vec<_> = bindings.map(|(id, one)| (one.scope, one.name, id as BindingId)).collect();
        declared.sort_unstable();
        let targets = vec![None; facts.imports.len()];
        Self { path, outline, scope_paths, declared, targets }
    }

    pub(super) fn facts(&self) -> &Facts {
        self.outline.facts.as_deref().unwrap_or(&SILENCE)
    }

    /// Whether there is a file at all: one that went says nothing.
    pub(super) fn is_present(&self) -> bool {
        self.outline.facts.is_some()
    }

    pub(super) fn scope_path(&self, scope: FactScopeId) -> u64 {
        self.scope_paths.get(scope as usize).copied().unwrap_or_default()
    }

    /// What a scope of the file declares under a name.
    pub(super) fn declared_named(&self, scope: FactScopeId, name: &str) -> Vec<BindingId> {
        let first = self.declared.partition_point(|&(at, _, _)| at < scope);
        let rest = self.declared.get(first..).unwrap_or_default().iter().take_while(|&&(at, _, _)| at == scope);
        rest.filter(|&&(_, text, _)| self.facts().text(text) == name).map(|&(_, _, binding)| binding).collect()
    }

    /// The names of what a scope of the file declares.
    pub(super) fn names_in(&self, scope: FactScopeId) -> impl Iterator<Item = &str> {
        self.declared_in(scope).map(move |binding| self.facts().text(binding.name))
    }

    /// The names of the pure virtual functions that a scope of the file declares.
    pub(super) fn pure_in(&self, scope: FactScopeId) -> impl Iterator<Item = &str> {
        let pure = self.declared_in(scope).filter(|binding| binding.flags.has(Flags::ABSTRACT));
        pure.map(move |binding| self.facts().text(binding.name))
    }

    fn declared_in(&self, scope: FactScopeId) -> impl Iterator<Item = &Binding> {
        let first = self.declared.partition_point(|&(at, _, _)| at < scope);
        let rest = self.declared.get(first..).unwrap_or_default().iter();
        let own = rest.take_while(move |&&(at, _, _)| at == scope);
        own.filter_map(move |&(_, _, binding)| self.facts().binding(binding))
    }

    /// What others can find of the file: the key of each of its declarations outside functions.
    pub(super) fn keys(&self) -> impl Iterator<Item = (u64, BindingId)> + '_ {
        let facts = self.facts();
        let bindings = facts.bindings.iter().enumerate();
        bindings.filter_map(|(id, binding)| {
            let kind = facts.scope(binding.scope)?.kind;
            let path = self.scope_path(binding.scope);
            let is_seen = path != 0 && kind != FactScopeKind::Record;
            is_seen.then(|| (key(path, facts.text(binding.name)), id as BindingId))
        })
    }

    /// The files that it includes, in order.
    pub(super) fn includes(&self) -> impl Iterator<Item = CFileNo> + '_ {
        self.targets.iter().copied().flatten()
    }

    /// What it says to the project.
    pub(super) fn manifest(&self) -> Option<&str> {
        self.facts().manifest.as_deref()
    }
}

impl CView {
    pub(super) fn new(files: impl IntoIterator<Item = (FilePath, Arc<Outline>)>) -> Self {
        let mut view = Self::default();
        for (path, outline) in files {
            view.replace(&path, &outline);
        }
        view
    }

    pub(super) fn file(&self, file: CFileNo) -> Option<&CFile> {
        self.files.get(file as usize)
    }

    pub(super) fn file_at(&self, path: &FilePath) -> Option<CFileNo> {
        self.by_path.get(path).copied()
    }

    pub(super) fn facts(&self, file: CFileNo) -> &Facts {
        self.file(file).map_or(&SILENCE, CFile::facts)
    }

    pub(super) fn binding(&self, item: CDeclared) -> Option<&Binding> {
        self.facts(item.file).binding(item.binding)
    }

    pub(super) fn symbol(&self, item: CDeclared) -> Option<&Symbol> {
        let symbol = self.binding(item)?.symbol?;
        self.file(item.file)?.outline.symbols.get(symbol as usize)
    }

    pub(super) fn name(&self, item: CDeclared) -> &str {
        self.binding(item).map_or("", |binding| self.facts(item.file).text(binding.name))
    }

    pub(super) fn step(&self, file: CFileNo, step: StepId) -> Option<&Step> {
        self.facts(file).step(step)
    }

    /// Everything that any file declares under a key.
    pub(super) fn declared(&self, key: u64) -> &[CDeclared] {
        self.index.get(&key).map(Vec::as_slice).unwrap_or_default()
    }

    /// What stands for the inside of a class or namespace in every file; 0 for a class inside a function.
    pub(super) fn inside(&self, item: CDeclared) -> u64 {
        let (Some(file), Some(binding)) = (self.file(item.file), self.binding(item)) else { return 0 };
        let inner = binding.inner.map(|inner| file.scope_path(inner));
        inner.unwrap_or_else(|| match file.scope_path(binding.scope) {
            0 => 0,
            around => key(around, file.facts().text(binding.name)),
        })
    }

    /// Puts what a file says in the place of what it said, which is returned.
    pub(super) fn replace(&mut self, path: &FilePath, outline: &Arc<Outline>) -> Option<CFile> {
        let new = CFile::new(path.clone(), Arc::clone(outline));
        let known = self.file_at(path);
        let number = known.unwrap_or(self.files.len() as CFileNo);
        for (key, _) in known.and_then(|known| self.files.get(known as usize)).into_iter().flat_map(CFile::keys) {
            if let Some(all) = self.index.get_mut(&key) {
                all.retain(|one| one.file != number);
                if all.is_empty() {
                    self.index.remove(&key);
                }
            }
        }
        for (key, binding) in new.keys() {
            self.index.entry(key).or_default().push(CDeclared { file: number, binding });
        }
        if let Some(place) = self.files.get_mut(number as usize) {
            return Some(std::mem::replace(place, new));
        }
        self.files.push(new);
        self.includers.push(Vec::new());
        self.by_path.insert(path.clone(), number);
        None
    }

    /// Finds the files that one includes.
    pub(super) fn resolve_includes(&mut self, file: CFileNo, project: &IncludeProject) {
        let Some(entry) = self.file(file) else { return };
        let facts = entry.facts();
        let target = |import: &crate::language::eval::facts::ImportFact| {
            let is_include = import.what == ImportWhat::Nothing;
            is_include.then(|| project.resolve(facts.text(import.specifier), &entry.path)).flatten()
        };
        let found: Vec<Option<FilePath>> = facts.imports.iter().map(target).collect();
        let targets: Vec<Option<CFileNo>> =
            found.into_iter().map(|path| self.file_at(&path?).filter(|&target| target != file)).collect();
        let before: Vec<CFileNo> = self.files[file as usize].includes().collect();
        for included in before {
            self.includers[included as usize].retain(|&one| one != file);
        }
        for included in targets.iter().copied().flatten() {
            let includers = &mut self.includers[included as usize];
            if !includers.contains(&file) {
                includers.push(file);
            }
        }
        self.files[file as usize].targets = targets;
    }
}
