//! Module trees: which file is which module of which crate, and what each region of a file declares.
//!
//! After The Rust Reference, "Modules" (`mod` file names, the `path` attribute) and "Name scopes".

use rustc_hash::{FxHashMap, FxHashSet};

use super::crates::Crate;
use super::view::{File, GlobalDef, Name, View, join};
use crate::outline::model::{ImportName, Owner, ScopeId, ScopeKind};

/// Index into [`Modules::regions`].
pub(super) type RegionId = u32;
/// Index into [`Modules::mounts`].
pub(super) type MountId = u32;

/// A file as a module of a crate. A file can be mounted more than once: by two crates, or by `#[path]`.
pub(super) struct Mount {
    pub file: File,
    pub krate: usize,
    /// Region of each scope of the file, for the scopes that have one.
    regions: FxHashMap<ScopeId, RegionId>,
}

/// A module or a block: a table of names.
pub(super) struct Region {
    pub mount: MountId,
    /// The module that `self` means here.
    pub module: RegionId,
    /// The module that `super` means; none at a crate's root.
    pub parent: Option<RegionId>,
    /// Definition of an inline module.
    pub def: Option<GlobalDef>,
    pub name: Option<Name>,
    entries: FxHashMap<Name, Vec<Entry>>,
    /// What macros in the place of items may declare: it is there if nothing else of that name is.
    pub by_macros: FxHashMap<Name, GlobalDef>,
    /// Imports (by index in the file) whose names all come in.
    pub globs: Vec<u32>,
    /// Modules whose source is included here (`include!`), or that this source is included by.
    pub merged: Vec<RegionId>,
    /// It is a file's that is included, not declared: no module of its own.
    is_included: bool,
}

#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Entry {
    Def(GlobalDef),
    Module(RegionId),
    /// Index of an import of the region's file.
    Import(u32),
}

#[derive(Default)]
pub(super) struct Modules {
    pub mounts: Vec<Mount>,
    pub regions: Vec<Region>,
    /// Mounts of each file.
    pub of_file: Vec<Vec<MountId>>,
    /// Root region of each crate.
    pub roots: Vec<RegionId>,
    /// Files that are included as text, with the file that does so.
    pub embedded: Vec<(File, File, u32)>,
}

/// A file waiting to be mounted.
struct Pending {
    file: File,
    krate: usize,
    parent: Option<RegionId>,
    name: Option<Name>,
    /// Where its `mod x;` are looked for.
    folder: Vec<u8>,
    /// It is included, not declared: its names are those of this region, too.
    merged_into: Option<RegionId>,
}

/// Mounts of one crate: real trees are smaller than this; what `#[path]` can multiply is not.
const MOUNTS_MAX: usize = 20_000;

pub(super) fn mount_all(view: &View<'_>, crates: &[Crate]) -> Modules {
    let mut modules = Modules { of_file: vec![Vec::new(); view.files.len()], ..Modules::default() };
    for (krate, Crate { root, folder, .. }) in crates.iter().enumerate() {
        modules.roots.push(modules.regions.len() as RegionId);
        let root_folder = view.path(*root).parent().to_vec();
        let first = Pending { file: *root, krate, parent: None, name: None, folder: root_folder, merged_into: None };
        let mut pending = vec![first];
        let mut seen = FxHashSet::default();
        while let Some(next) = pending.pop() {
            if seen.insert((next.file, next.parent, next.name)) && seen.len() < MOUNTS_MAX {
                modules.mount(view, folder, next, &mut pending);
            }
        }
    }
    modules
}

impl Modules {
    pub(super) fn region(&self, id: RegionId) -> &Region {
        &self.regions[id as usize]
    }

    pub(super) fn file_of(&self, region: RegionId) -> File {
        self.mounts[self.region(region).mount as usize].file
    }

    pub(super) fn crate_of(&self, region: RegionId) -> usize {
        self.mounts[self.region(region).mount as usize].krate
    }

    pub(super) fn region_of(&self, mount: MountId, scope: ScopeId) -> Option<RegionId> {
        self.mounts[mount as usize].regions.get(&scope).copied()
    }

    pub(super) fn entries(&self, region: RegionId, name: Name) -> &[Entry] {
        self.region(region).entries.get(&name).map(Vec::as_slice).unwrap_or_default()
    }

    /// The mount of a file in a crate, else its first.
    pub(super) fn mount_in(&self, file: File, krate: usize) -> Option<MountId> {
        let mounts = &self.of_file[file as usize];
        mounts
            .iter()
            .copied()
            .find(|&mount| self.mounts[mount as usize].krate == krate)
            .or_else(|| mounts.first().copied())
    }

    /// `crate_name::a::b`
    pub(super) fn path_of(&self, region: RegionId, view: &View<'_>, crates: &[Crate]) -> String {
        let mut names = Vec::new();
        let mut at = Some(region);
        while let Some(region) = at {
            names.extend(self.region(region).name.map(|name| view.text(name)));
            at = self.region(region).parent;
        }
        names.push(&crates[self.crate_of(region)].name);
        names.reverse();
        names.join("::")
    }

    fn mount(&mut self, view: &View<'_>, package: &[u8], this: Pending, pending: &mut Vec<Pending>) {
        let model = view.model(this.file);
        let mount = self.mounts.len() as MountId;
        self.mounts.push(Mount { file: this.file, krate: this.krate, regions: FxHashMap::default() });
        self.of_file[this.file as usize].push(mount);
        let mut folders: FxHashMap<ScopeId, Vec<u8>> = FxHashMap::default();
        for (scope, entry) in model.scopes.iter().enumerate() {
            let scope = scope as ScopeId;
            let outer = entry.parent.and_then(|parent| self.nearest(view, mount, parent));
            let (name, def, parent, is_module) = match &entry.kind {
                ScopeKind::File => (this.name, None, this.parent, true),
                ScopeKind::Module { name, def, .. } => {
                    let parent = outer.map(|outer| self.region(outer).module);
                    (Some(view.name(this.file, *name)), Some(view.global(this.file, *def)), parent, true)
                }
                ScopeKind::Block => (None, None, outer.and_then(|outer| self.region(outer).parent), false),
                ScopeKind::Item { .. } => continue,
            };
            let id = self.regions.len() as RegionId;
            let module = if is_module { id } else { outer.map_or(id, |outer| self.region(outer).module) };
            self.regions.push(Region {
                mount,
                module,
                parent,
                def,
                name,
                entries: FxHashMap::default(),
                by_macros: FxHashMap::default(),
                globs: Vec::new(),
                merged: Vec::new(),
                is_included: this.merged_into.is_some(),
            });
            self.mounts[mount as usize].regions.insert(scope, id);
            if let (ScopeKind::Module { name, folder, .. }, Some(outer)) = (&entry.kind, outer) {
                let around = entry.parent.and_then(|parent| folders.get(&parent));
                let inside = match folder {
                    Some(given) => join(around.map_or(view.path(this.file).parent(), Vec::as_slice), given.as_bytes()),
                    None => {
                        let text = view.text(view.name(this.file, *name)).as_bytes();
                        join(around.unwrap_or(&this.folder), text)
                    }
                };
                folders.insert(scope, inside.unwrap_or_default());
                self.regions[outer as usize]
                    .entries
                    .entry(view.name(this.file, *name))
                    .or_default()
                    .push(Entry::Module(id));
            }
        }
        self.declare(view, mount);
        self.merge(mount, this.merged_into);
        self.declare_files(view, mount, &this, &folders, pending);
        self.include(view, package, mount, pending);
    }

    /// The region of a scope, or of the nearest one around it that has one.
    pub(super) fn nearest(&self, view: &View<'_>, mount: MountId, scope: ScopeId) -> Option<RegionId> {
        let scopes = &view.model(self.mounts[mount as usize].file).scopes;
        let mut at = Some(scope);
        while let Some(scope) = at {
            if let Some(region) = self.region_of(mount, scope) {
                return Some(region);
            }
            at = scopes[scope as usize].parent;
        }
        None
    }

    fn declare(&mut self, view: &View<'_>, mount: MountId) {
        let file = self.mounts[mount as usize].file;
        let model = view.model(file);
        for (id, def) in model.defs.iter().enumerate() {
            let def_id = view.global(file, id as u32);
            use crate::outline::SymbolKind::{Impl, Import, Module};
            if !matches!(def.owner, Owner::Scope | Owner::Macro) || matches!(view.kind(def_id), Module | Import | Impl)
            {
                continue;
            }
            if let Some(region) = self.nearest(view, mount, def.scope) {
                let name = view.name(file, def.name);
                let region = &mut self.regions[region as usize];
                match def.owner {
                    Owner::Macro => drop(region.by_macros.entry(name).or_insert(def_id)),
                    _ => region.entries.entry(name).or_default().push(Entry::Def(def_id)),
                }
            }
        }
        for (id, import) in model.imports.iter().enumerate() {
            let Some(region) = self.nearest(view, mount, import.scope) else { continue };
            let region = &mut self.regions[region as usize];
            match import.name {
                ImportName::As(name) => {
                    region.entries.entry(view.name(file, name)).or_default().push(Entry::Import(id as u32));
                }
                ImportName::Glob => region.globs.push(id as u32),
                ImportName::Nameless => {}
            }
        }
    }

    fn merge(&mut self, mount: MountId, into: Option<RegionId>) {
        if let (Some(into), Some(own)) = (into, self.region_of(mount, 0)) {
            self.regions[into as usize].merged.push(own);
            self.regions[own as usize].merged.push(into);
        }
    }

    fn declare_files(
        &mut self,
        view: &View<'_>,
        mount: MountId,
        this: &Pending,
        folders: &FxHashMap<ScopeId, Vec<u8>>,
        pending: &mut Vec<Pending>,
    ) {
        for declaration in &view.model(this.file).modules {
            let Some(region) = self.nearest(view, mount, declaration.scope) else { continue };
            let name = view.name(this.file, declaration.name);
            let inline = folders.get(&declaration.scope);
            let folder = inline.unwrap_or(&this.folder);
            let base = if inline.is_some() { folder.as_slice() } else { view.path(this.file).parent() };
            let parent = Some(self.region(region).module);
            for (file, folder) in find(view, base, folder, view.text(name), &declaration.paths) {
                if !self.is_inside(parent, file) {
                    pending.push(Pending {
                        file,
                        krate: this.krate,
                        parent,
                        name: Some(name),
                        folder,
                        merged_into: None,
                    });
                }
            }
        }
    }

    /// A module inside itself: the compiler refuses it, too.
    fn is_inside(&self, region: Option<RegionId>, file: File) -> bool {
        let mut at = region;
        while let Some(region) = at {
            if self.file_of(region) == file {
                return true;
            }
            at = self.region(region).parent;
        }
        false
    }

    /// Enters the modules that other files are, once all are mounted.
    pub(super) fn link(&mut self) {
        for id in 0..self.regions.len() as RegionId {
            let Region { parent, name, def, module, is_included, .. } = self.region(id);
            let is_file = *module == id && def.is_none() && !is_included;
            if let (Some(parent), Some(name), true) = (*parent, *name, is_file) {
                let entries = self.regions[parent as usize].entries.entry(name).or_default();
                if !entries.contains(&Entry::Module(id)) {
                    entries.push(Entry::Module(id));
                }
            }
        }
    }

    fn include(&mut self, view: &View<'_>, package: &[u8], mount: MountId, pending: &mut Vec<Pending>) {
        let (file, krate) = (self.mounts[mount as usize].file, self.mounts[mount as usize].krate);
        for include in &view.model(file).includes {
            let path = if include.from_package {
                join(package, include.path.trim_start_matches('/').as_bytes())
            } else {
                join(view.path(file).parent(), include.path.as_bytes())
            };
            let Some(target) = path.and_then(|path| view.file_at(&path)) else { continue };
            if target == file {
                continue;
            }
            self.embedded.push((target, file, include.line));
            if let (true, Some(region)) = (include.source, self.nearest(view, mount, include.scope)) {
                let folder = view.path(target).parent().to_vec();
                let Region { parent, name, .. } = self.region(region);
                let (parent, name) = (*parent, *name);
                pending.push(Pending { file: target, krate, parent, name, folder, merged_into: Some(region) });
            }
        }
    }
}

/// Files of `mod name;`, each with the folder in which its own modules lie. Which of several a build takes depends on its
/// configuration; all of them are read.
fn find(view: &View<'_>, base: &[u8], folder: &[u8], name: &str, paths: &[String]) -> Vec<(File, Vec<u8>)> {
    let given = paths.iter().filter_map(|path| view.file_at(&join(base, path.as_bytes())?));
    let mut found: Vec<_> = given.map(|file| (file, view.path(file).parent().to_vec())).collect();
    if found.is_empty()
        && let Some(inner) = join(folder, name.as_bytes())
    {
        let beside = view.file_at(&[&inner[..], b".rs"].concat());
        let within = || view.file_at(&[&inner[..], b"/mod.rs"].concat());
        found.extend(beside.or_else(within).map(|file| (file, inner)));
    }
    found
}
