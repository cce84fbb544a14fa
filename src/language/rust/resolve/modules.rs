//! Module trees: which file is which module of which crate, and what each region of a file declares.
//!
//! After The Rust Reference, "Modules" (`mod` file names, the `path` attribute) and "Name scopes".

mod remount;

use rustc_hash::{FxHashMap, FxHashSet};
use smallvec::SmallVec;

use super::crates::Crate;
use super::view::{File, GlobalDef, Name, UNPACKED_AT_ONCE, View, join};
use crate::language::facts::{ImportName, Owner, ScopeId, ScopeKind};

/// Index into [`Modules::mounts`].
pub(super) type MountId = u32;

/// The region of a scope of a mounted file.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) struct RegionId {
    pub mount: MountId,
    scope: ScopeId,
}

/// A file as a module of a crate. A file can be mounted more than once: by two crates, or by `#[path]`.
pub(super) struct Mount {
    pub file: File,
    pub krate: usize,
    /// By scope; those of items have none.
    regions: Vec<Option<Box<Region>>>,
    place: MountPlace,
    /// The files that it declares or includes.
    declared: Vec<UnmountedFile>,
    /// Those of them that are modules of its own.
    children: Vec<MountId>,
}

/// A module or a block: a table of names.
#[derive(Default)]
pub(super) struct Region {
    /// The module that `self` means here, if it is not itself one.
    outer: Option<RegionId>,
    /// The module that `super` means; none at a crate's root.
    pub parent: Option<RegionId>,
    /// Definition of an inline module.
    pub def: Option<GlobalDef>,
    pub name: Option<Name>,
    entries: FxHashMap<Name, SmallVec<[RegionEntry; 1]>>,
    /// What macros in the place of items may declare: it is there if nothing else of that name is.
    pub by_macros: FxHashMap<Name, GlobalDef>,
    /// Imports (by index in the file) whose names all come in.
    pub globs: Vec<u32>,
    /// Modules whose source is included here (`include!`), or that this source is included by.
    pub merged: Vec<RegionId>,
}

#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum RegionEntry {
    Def(GlobalDef),
    Module(RegionId),
    /// Index of an import of the region's file.
    Import(u32),
}

#[derive(Default)]
pub(super) struct Modules {
    pub mounts: Vec<Mount>,
    /// Mounts of each file, in the order of crates.
    of_file: FxHashMap<File, SmallVec<[MountId; 1]>>,
    /// Root region of each crate.
    pub roots: Vec<RegionId>,
    /// Files that are included as text, with the file that does so.
    pub embedded: Vec<(File, File, u32)>,
    /// What a root that says nothing, for it is skipped, holds.
    nothing: Region,
    /// How many mounts there were when all were made.
    mounts_then: usize,
}

/// A file waiting to be mounted.
#[derive(Clone, PartialEq, Eq)]
struct UnmountedFile {
    file: File,
    krate: usize,
    place: MountPlace,
}

/// Where a file stands in its crate.
#[derive(Clone, PartialEq, Eq)]
struct MountPlace {
    parent: Option<RegionId>,
    name: Option<Name>,
    /// Where its `mod x;` are looked for.
    folder: Vec<u8>,
    /// It is included, not declared: its names are those of this region, too.
    merged_into: Option<RegionId>,
}

/// Folders of the inline modules of a file.
type Folders = FxHashMap<ScopeId, Vec<u8>>;

/// Mounts of one crate: real trees are smaller than this; what `#[path]` can multiply is not.
const MOUNTS_MAX: usize = 20_000;

pub(super) fn mount_all(view: &mut View, crates: &[Crate]) -> Modules {
    let mut modules = Modules::default();
    for (krate, Crate { root, folder, .. }) in crates.iter().enumerate() {
        modules.roots.push(RegionId { mount: modules.mounts.len() as MountId, scope: 0 });
        let root_folder = view.path(*root).parent().to_vec();
        let place = MountPlace { parent: None, name: None, folder: root_folder, merged_into: None };
        let mut pending = vec![UnmountedFile { file: *root, krate, place }];
        let mut seen = FxHashSet::default();
        while let Some(next) = pending.pop() {
            view.rest(UNPACKED_AT_ONCE);
            if seen.insert((next.file, next.place.parent, next.place.name)) && seen.len() < MOUNTS_MAX {
                modules.mount(view, folder, next, &mut pending);
            }
        }
    }
    // Only when all are mounted: what a region declares itself comes first.
    for mount in 0..modules.mounts.len() as MountId {
        if let Some(parent) = modules.link(mount) {
            modules.mounts[parent as usize].children.push(mount);
        }
    }
    modules.mounts_then = modules.mounts.len();
    modules
}

impl Modules {
    pub(super) fn region(&self, id: RegionId) -> &Region {
        let regions = self.mounts.get(id.mount as usize).map(|mount| mount.regions.as_slice()).unwrap_or_default();
        regions.get(id.scope as usize).and_then(Option::as_deref).unwrap_or(&self.nothing)
    }

    fn region_mut(&mut self, id: RegionId) -> Option<&mut Region> {
        self.mounts.get_mut(id.mount as usize)?.regions.get_mut(id.scope as usize)?.as_deref_mut()
    }

    /// The module that `self` means in a region.
    pub(super) fn module_of(&self, id: RegionId) -> RegionId {
        self.region(id).outer.unwrap_or(id)
    }

    pub(super) fn file_of(&self, region: RegionId) -> File {
        self.mounts[region.mount as usize].file
    }

    pub(super) fn crate_of(&self, region: RegionId) -> usize {
        self.mounts[region.mount as usize].krate
    }

    pub(super) fn region_of(&self, mount: MountId, scope: ScopeId) -> Option<RegionId> {
        self.mounts[mount as usize].regions.get(scope as usize)?.as_ref()?;
        Some(RegionId { mount, scope })
    }

    pub(super) fn entries(&self, region: RegionId, name: Name) -> &[RegionEntry] {
        self.region(region).entries.get(&name).map(SmallVec::as_slice).unwrap_or_default()
    }

    /// As what a file is mounted.
    pub(super) fn mounts_of(&self, file: File) -> &[MountId] {
        self.of_file.get(&file).map(SmallVec::as_slice).unwrap_or_default()
    }

    /// The mount of a file in a crate, else its first.
    pub(super) fn mount_in(&self, file: File, krate: usize) -> Option<MountId> {
        let mounts = self.mounts_of(file);
        mounts
            .iter()
            .copied()
            .find(|&mount| self.mounts[mount as usize].krate == krate)
            .or_else(|| mounts.first().copied())
    }

    /// `crate_name::a::b`
    pub(super) fn path_of(&self, region: RegionId, view: &View, crates: &[Crate]) -> String {
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

    fn mount(&mut self, view: &View, package: &[u8], this: UnmountedFile, pending: &mut Vec<UnmountedFile>) {
        let mount = self.mounts.len() as MountId;
        let UnmountedFile { file, krate, place } = this;
        let merged_into = place.merged_into;
        let empty = (Vec::new(), Vec::new(), Vec::new());
        self.mounts.push(Mount { file, krate, regions: empty.0, place, declared: empty.1, children: empty.2 });
        self.of_file.entry(file).or_default().push(mount);
        let folders = self.open(view, mount);
        self.merge(mount, merged_into);
        let mut declared = self.declared_files(view, mount, &folders);
        self.include(view, package, mount, &mut declared);
        pending.extend(declared.iter().cloned());
        self.mounts[mount as usize].declared = declared;
    }

    /// Makes the regions of a file, with what they declare and import.
    fn open(&mut self, view: &View, mount: MountId) -> Folders {
        let Mount { file, place: MountPlace { parent, name: given, folder: own, .. }, .. } =
            &self.mounts[mount as usize];
        let (file, parent, given, own) = (*file, *parent, *given, own.clone());
        let model = view.model(file);
        self.mounts[mount as usize].regions.clear();
        let mut folders = Folders::default();
        for (scope, entry) in model.scopes.iter().enumerate() {
            let scope = scope as ScopeId;
            let outer = entry.parent.and_then(|parent| self.nearest(view, mount, parent));
            let module = outer.map(|outer| self.module_of(outer));
            let region = match &entry.kind {
                ScopeKind::File => Some(Region { name: given, parent, ..Region::default() }),
                ScopeKind::Module { name, def, .. } => Some(Region {
                    name: Some(view.name(file, *name)),
                    def: Some(view.global(file, *def)),
                    parent: module,
                    ..Region::default()
                }),
                ScopeKind::Block => {
                    let parent = outer.and_then(|outer| self.region(outer).parent);
                    Some(Region { outer: module, parent, ..Region::default() })
                }
                ScopeKind::Item { .. } => None,
            };
            self.mounts[mount as usize].regions.push(region.map(Box::new));
            if let (ScopeKind::Module { name, folder, .. }, Some(outer)) = (&entry.kind, outer) {
                let name = view.name(file, *name);
                let around = entry.parent.and_then(|parent| folders.get(&parent));
                let inside = match folder {
                    Some(given) => join(around.map_or(view.path(file).parent(), Vec::as_slice), given.as_bytes()),
                    None => join(around.unwrap_or(&own), view.text(name).as_bytes()),
                };
                folders.insert(scope, inside.unwrap_or_default());
                self.enter(outer, name, RegionEntry::Module(RegionId { mount, scope }));
            }
        }
        self.declare(view, mount);
        folders
    }

    fn enter(&mut self, region: RegionId, name: Name, entry: RegionEntry) {
        if let Some(region) = self.region_mut(region) {
            region.entries.entry(name).or_default().push(entry);
        }
    }

    /// The region of a scope, or of the nearest one around it that has one.
    pub(super) fn nearest(&self, view: &View, mount: MountId, scope: ScopeId) -> Option<RegionId> {
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

    fn declare(&mut self, view: &View, mount: MountId) {
        let file = self.mounts[mount as usize].file;
        let model = view.model(file);
        for (id, def) in model.defs.iter().enumerate() {
            let def_id = view.global(file, id as u32);
            use crate::language::SymbolKind::{Impl, Import, Module};
            if !matches!(def.owner, Owner::Scope | Owner::Macro) || matches!(view.kind(def_id), Module | Import | Impl)
            {
                continue;
            }
            if let Some(region) = self.nearest(view, mount, def.scope) {
                let name = view.name(file, def.name);
                match (def.owner, self.region_mut(region)) {
                    (Owner::Macro, Some(region)) => drop(region.by_macros.entry(name).or_insert(def_id)),
                    _ => self.enter(region, name, RegionEntry::Def(def_id)),
                }
            }
        }
        for (id, import) in model.imports.iter().enumerate() {
            let Some(region) = self.nearest(view, mount, import.scope) else { continue };
            match import.name {
                ImportName::As(name) => self.enter(region, view.name(file, name), RegionEntry::Import(id as u32)),
                ImportName::Glob => self.region_mut(region).into_iter().for_each(|region| region.globs.push(id as u32)),
                ImportName::Nameless => {}
            }
        }
    }

    fn merge(&mut self, mount: MountId, into: Option<RegionId>) {
        if let (Some(into), Some(own)) = (into, self.region_of(mount, 0)) {
            for (one, other) in [(into, own), (own, into)] {
                self.region_mut(one).into_iter().for_each(|region| region.merged.push(other));
            }
        }
    }

    fn declared_files(&self, view: &View, mount: MountId, folders: &Folders) -> Vec<UnmountedFile> {
        let Mount { file: by, krate, ref place, .. } = self.mounts[mount as usize];
        let mut declared = Vec::new();
        for declaration in &view.model(by).modules {
            let Some(region) = self.nearest(view, mount, declaration.scope) else { continue };
            let name = view.name(by, declaration.name);
            let inline = folders.get(&declaration.scope);
            let folder = inline.unwrap_or(&place.folder);
            let base = if inline.is_some() { folder.as_slice() } else { view.path(by).parent() };
            let parent = Some(self.module_of(region));
            for (file, folder) in find(view, base, folder, view.text(name), &declaration.paths) {
                if !self.is_inside(parent, file) {
                    let place = MountPlace { parent, name: Some(name), folder, merged_into: None };
                    declared.push(UnmountedFile { file, krate, place });
                }
            }
        }
        declared
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

    /// Enters a file's module into the one that declares it; says whose that is.
    fn link(&mut self, mount: MountId) -> Option<MountId> {
        let MountPlace { parent, name, merged_into: None, .. } = self.mounts[mount as usize].place else { return None };
        let (parent, name, own) = (parent?, name?, RegionEntry::Module(self.region_of(mount, 0)?));
        if !self.entries(parent, name).contains(&own) {
            self.enter(parent, name, own);
        }
        Some(parent.mount)
    }

    fn include(&mut self, view: &View, package: &[u8], mount: MountId, declared: &mut Vec<UnmountedFile>) {
        let Mount { file, krate, .. } = self.mounts[mount as usize];
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
                let place = MountPlace { parent: *parent, name: *name, folder, merged_into: Some(region) };
                declared.push(UnmountedFile { file: target, krate, place });
            }
        }
    }
}

/// Files of `mod name;`, each with the folder in which its own modules lie. Which of several a build takes depends on its
/// configuration; all of them are read.
fn find(view: &View, base: &[u8], folder: &[u8], name: &str, paths: &[String]) -> Vec<(File, Vec<u8>)> {
    let given = paths.iter().filter_map(|path| view.file_at(&join(base, path.as_bytes())?));
    let mut found: Vec<_> = given.map(|file| (file, view.path(file).parent().to_vec())).collect();
    if found.is_empty()
        && let Some(inner) = join(folder, name.as_bytes())
    {
        let sibling = view.file_at(&[&inner[..], b".rs"].concat());
        let within = || view.file_at(&[&inner[..], b"/mod.rs"].concat());
        found.extend(sibling.or_else(within).map(|file| (file, inner)));
    }
    found
}
