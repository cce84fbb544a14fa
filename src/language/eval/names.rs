//! Names: through scopes, imports, re-exports and star imports to what they denote.

use rustc_hash::FxHashSet;

use super::evaluation::Evaluation;
use super::facts::{Binding, BindingKind, Exported, FactScopeId, FactScopeKind, ImportId, ImportWhat, NameSpace};
use super::rules::{ClassNames, FileNo, Place};
use super::view::{GLOBAL, Item, NameNo, key, package_key};

/// What a name denotes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(super) enum Denoted {
    Item(Item),
    Module(Place),
}

/// Re-exports that are followed for one name; a ring of thousands is cut.
const HOPS_MAX: u32 = 64;

/// A way through modules, against rings.
#[derive(Default)]
pub(super) struct Trail {
    seen: FxHashSet<(Place, NameNo)>,
    hops: u32,
}

impl Evaluation<'_> {
    /// What a name denotes where it is written.
    pub(super) fn lookup(&mut self, file: FileNo, scope: FactScopeId, name: NameNo, space: NameSpace) -> Vec<Denoted> {
        if self.world.rules.is_packaged() {
            return self.packaged_lookup(file, scope, name, space);
        }
        let start = scope;
        let mut at = Some(scope);
        while let Some(scope) = at {
            let Some(entry) = self.world.view.facts(file).scope(scope) else { return Vec::new() };
            at = entry.parent;
            if entry.kind == FactScopeKind::Module && self.world.rules.exports_all() {
                return self.in_module(Place::File(file), name, space, &mut Trail::default());
            }
            let is_seen = match entry.kind {
                FactScopeKind::Class => self.world.rules.class_names() == ClassNames::OwnBody && scope == start,
                FactScopeKind::Record => false,
                _ => true,
            };
            if !is_seen {
                let parameters = self.declared(file, scope, name, space);
                let is_parameter = |item: &Item| {
                    self.world.view.binding(*item).is_some_and(|one| one.kind == BindingKind::TypeParameter)
                };
                if let Some(parameter) = parameters.into_iter().find(is_parameter) {
                    return vec![Denoted::Item(parameter)];
                }
                continue;
            }
            self.read_scope(file, scope, name);
            let items: Vec<Item> = self.declared(file, scope, name, space);
            if !items.is_empty() {
                return items.into_iter().flat_map(|item| self.followed(item, &mut Trail::default())).collect();
            }
        }
        self.globals(name, space)
    }

    /// What a scope declares under a name, in the name space that is asked for.
    pub(super) fn declared(&self, file: FileNo, scope: FactScopeId, name: NameNo, space: NameSpace) -> Vec<Item> {
        let is_asked = |item: &Item| self.world.view.binding(*item).is_some_and(|binding| is_in(binding.kind, space));
        if self.world.rules.has_namespaces() {
            return self.declared_together(file, scope, name, is_asked);
        }
        match self.world.view.joint_key(file, scope) {
            Some(key) => self.joint(key, name, self.own, is_asked),
            None => self.world.view.declared(file, scope, name).filter(is_asked).collect(),
        }
    }

    /// What files declare together under a name, as far as one file sees it: of several that declare what is asked for, the nearest.
    pub(super) fn joint(&self, key: u64, name: NameNo, from: FileNo, is_asked: impl Fn(&Item) -> bool) -> Vec<Item> {
        let project = &self.world.project;
        let near = |&item: &Item| Some((project.nearness(from, item.file)?, item));
        let all = self.world.view.joint(key, name).iter();
        let seen: Vec<(u64, Item)> = all.filter(|item| is_asked(item)).filter_map(near).collect();
        let nearest = seen.iter().map(|(nearness, _)| *nearness).max();
        seen.into_iter().filter(|(nearness, _)| Some(*nearness) == nearest).map(|(_, item)| item).collect()
    }

    /// What the files of a package declare under a name; `None`: the place is no package.
    pub(super) fn in_package(
        &mut self,
        package: Place,
        name: NameNo,
        from: FileNo,
        is_asked: impl Fn(&Binding) -> bool,
    ) -> Option<Vec<Denoted>> {
        let world = self.world;
        let package = package_key(world.project.package(package)?);
        self.reads.insert(key(package, &[world.view.text(name).as_bytes()]));
        let found = self.joint(package, name, from, |item| world.view.binding(*item).is_some_and(&is_asked));
        Some(found.into_iter().map(Denoted::Item).collect())
    }

    /// A module that is imported under its own name.
    fn by_own_name(&self, file: FileNo, name: NameNo) -> Option<Denoted> {
        let entry = self.world.view.file(file)?;
        let text = self.world.view.text(name);
        entry.facts().imports.iter().zip(&entry.targets).find_map(|(import, target)| {
            let target = target.filter(|_| import.what == ImportWhat::OwnName)?;
            (self.world.project.name_of(target) == text).then_some(Denoted::Module(target))
        })
    }

    /// What a module offers, or knows itself, under a name.
    pub(super) fn in_module(&mut self, module: Place, name: NameNo, space: NameSpace, way: &mut Trail) -> Vec<Denoted> {
        if way.hops >= HOPS_MAX || !self.spend() || !way.seen.insert((module, name)) {
            return Vec::new();
        }
        way.hops += 1;
        let found = self.in_module_at(module, name, space, way);
        way.hops -= 1;
        found
    }

    fn in_module_at(&mut self, module: Place, name: NameNo, space: NameSpace, way: &mut Trail) -> Vec<Denoted> {
        if let Some(found) = self.in_package(module, name, self.own, |binding| is_in(binding.kind, space)) {
            return found;
        }
        let mut found = Vec::new();
        if let Place::File(file) = module {
            self.read_scope(file, 0, name);
            let is_outside = way.hops > 1 || file != self.own;
            found = self.offered(file, name, space, is_outside, way);
        }
        if found.is_empty() {
            found.extend(self.inside(module, name).map(Denoted::Module));
        }
        found
    }

    fn offered(
        &mut self,
        file: FileNo,
        name: NameNo,
        space: NameSpace,
        is_outside: bool,
        way: &mut Trail,
    ) -> Vec<Denoted> {
        let mut found = Vec::new();
        if !is_outside || self.world.rules.exports_all() {
            for item in self.declared(file, 0, name, space) {
                found.extend(self.followed(item, way));
            }
        } else {
            found = self.exported(file, name, space, way);
            if found.is_empty() {
                found = self.offered_by_value(file, name, space, way);
            }
        }
        if found.is_empty() {
            self.read_listed(file);
        }
        let stars: Vec<ImportId> = match self.world.view.file(file) {
            Some(entry) => entry.stars.iter().filter(|(scope, _)| *scope == 0).map(|&(_, import)| import).collect(),
            None => Vec::new(),
        };
        for import in stars {
            if !found.is_empty() {
                break;
            }
            found = self.through_star(file, import, name, space, way);
        }
        if found.is_empty() {
            found.extend(self.by_own_name(file, name));
        }
        if found.is_empty() && is_outside {
            // What others add to the module counts where nothing else declares it.
            for item in self.augmented(file, name) {
                found.extend(self.followed(item, way));
            }
        }
        found
    }

    /// What a module exports under a name where a declaration alone does not export.
    pub(super) fn exported(&mut self, file: FileNo, name: NameNo, space: NameSpace, way: &mut Trail) -> Vec<Denoted> {
        let facts = self.world.view.facts(file);
        let mut found = Vec::new();
        for export in facts.exports.iter().filter(|export| self.world.view.name(file, export.name) == name) {
            match export.of {
                Exported::Local(text) => {
                    for item in self.declared(file, 0, self.world.view.name(file, text), space) {
                        found.extend(self.followed(item, way));
                    }
                }
                Exported::From(import) => {
                    self.note_via(file, export.symbol);
                    found.extend(self.through_import(file, import, space, way));
                }
                Exported::Value(_) => {}
            }
        }
        found
    }

    fn through_star(
        &mut self,
        file: FileNo,
        import: ImportId,
        name: NameNo,
        space: NameSpace,
        way: &mut Trail,
    ) -> Vec<Denoted> {
        let Some(target) = self.target_of(file, import) else { return Vec::new() };
        if let Place::File(of) = target {
            self.read_listed(of);
            let listed = self.world.view.file(of).and_then(|of| of.lists(name));
            let is_brought = listed.unwrap_or_else(|| self.world.rules.star_brings(self.world.view.text(name)));
            if !is_brought {
                return Vec::new();
            }
        }
        let is_package = self.world.project.package(target).is_some();
        if is_package && !self.world.rules.star_brings(self.world.view.text(name)) {
            return Vec::new();
        }
        let found = self.in_module(target, name, space, way);
        if !found.is_empty() && file != self.own {
            self.note_star(file);
        }
        found
    }

    /// What an item is, followed through imports.
    pub(super) fn followed(&mut self, item: Item, way: &mut Trail) -> Vec<Denoted> {
        let Some(binding) = self.world.view.binding(item) else { return Vec::new() };
        let BindingKind::Import(import) = binding.kind else { return vec![Denoted::Item(item)] };
        if item.file != self.own {
            self.note_via(item.file, binding.symbol);
        }
        self.through_import(item.file, import, NameSpace::Any, way)
    }

    /// What an import asks for.
    pub(super) fn through_import(
        &mut self,
        file: FileNo,
        import: ImportId,
        space: NameSpace,
        way: &mut Trail,
    ) -> Vec<Denoted> {
        let facts = self.world.view.facts(file);
        let Some(fact) = facts.imports.get(import as usize) else { return Vec::new() };
        match fact.what {
            ImportWhat::Head => {
                let head = self.world.rules.head_of(facts.text(fact.specifier));
                self.world.project.resolve(head, file).map(Denoted::Module).into_iter().collect()
            }
            ImportWhat::Whole => self.target_of(file, import).map(Denoted::Module).into_iter().collect(),
            ImportWhat::Name(text) => {
                let name = self.world.view.name(file, text);
                let Some(target) = self.target_of(file, import) else { return Vec::new() };
                let found = self.in_module(target, name, space, way);
                let is_whole = self.world.rules.is_structural() && facts.text(text) == "export=";
                if is_whole { self.whole_or_module(target, found) } else { found }
            }
            ImportWhat::Default => {
                let name = self.world.view.known_name("default");
                let target = self.target_of(file, import).zip(name);
                target.map_or(Vec::new(), |(target, name)| self.in_module(target, name, space, way))
            }
            ImportWhat::All | ImportWhat::Nothing | ImportWhat::OwnName => Vec::new(),
        }
    }

    pub(super) fn target_of(&self, file: FileNo, import: ImportId) -> Option<Place> {
        self.world.view.file(file)?.targets.get(import as usize).copied().flatten()
    }

    /// A module inside a package, which no file says.
    fn inside(&mut self, package: Place, name: NameNo) -> Option<Place> {
        if !self.world.rules.exports_all() {
            return None;
        }
        self.read_inside(package, name);
        self.world.project.inside(package, self.world.view.text(name))
    }

    /// Names that some file declares for all.
    pub(super) fn globals(&mut self, name: NameNo, space: NameSpace) -> Vec<Denoted> {
        if !self.world.rules.is_structural() {
            return Vec::new();
        }
        self.reads.insert(key(key(0, &[GLOBAL]), &[self.world.view.text(name).as_bytes()]));
        let items = self.world.view.globals(name).to_vec();
        let is_in_space =
            |item: &Item| self.world.view.binding(*item).is_some_and(|binding| is_in(binding.kind, space));
        items.into_iter().filter(is_in_space).map(Denoted::Item).collect()
    }
}

fn is_in(kind: BindingKind, space: NameSpace) -> bool {
    match space {
        NameSpace::Any => true,
        NameSpace::Value => !matches!(kind, BindingKind::Interface | BindingKind::Alias | BindingKind::TypeParameter),
        NameSpace::Type => !matches!(kind, BindingKind::Variable | BindingKind::Parameter | BindingKind::Function),
    }
}
