//! Names where files belong to packages and classes hand names on: a package's types are spread over its files, a name inside a class may
//! be inherited, and methods have names of their own.

use super::evaluation::{Evaluation, Found};
use super::facts::{
    Binding, BindingKind, FactScopeId, FactScopeKind, Flags, ImportId, ImportWhat, NameSpace, StepId, TextId,
};
use super::members::FoundMember;
use super::names::Denoted;
use super::rules::{FileNo, Place};
use super::thing::{Thing, Things, TypeArgs, joined, no_args};
use super::view::{Item, NameNo, key};

/// The name under which the constructors of a class are bound.
pub(crate) const CONSTRUCTOR: &str = "new";

/// What a name is looked up as; each kind has names of its own.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Sought {
    Variable,
    Type,
    Method,
}

impl Sought {
    pub(super) fn is(self, binding: &Binding) -> bool {
        match binding.kind {
            BindingKind::Function => self == Self::Method,
            BindingKind::Variable | BindingKind::Parameter => self == Self::Variable,
            BindingKind::Import(_) => true,
            _ => self == Self::Type,
        }
    }
}

/// What a name means where it is written.
#[derive(Default)]
pub(super) struct NameHere {
    pub denoted: Vec<Denoted>,
    /// The class around that declares or inherits it, and where it was found.
    pub member: Option<(Item, FoundMember)>,
}

impl Evaluation<'_> {
    pub(super) fn packaged_lookup(
        &mut self,
        file: FileNo,
        scope: FactScopeId,
        name: NameNo,
        space: NameSpace,
    ) -> Vec<Denoted> {
        self.name_here(file, scope, name, space).denoted
    }

    /// A name as a value: what it is, with what type parameters of a base class stand for here.
    pub(super) fn packaged_name(
        &mut self,
        file: FileNo,
        id: StepId,
        text: TextId,
        scope: FactScopeId,
        space: NameSpace,
    ) -> Things {
        let name = self.world.view.name(file, text);
        let NameHere { denoted, member } = self.name_here(file, scope, name, space);
        let written = without_arity(self.world.view.text(name)).to_owned();
        self.note_all(file, id, &denoted, written);
        match member {
            Some((class, found)) => {
                let receiver = Thing::Instance(class, no_args());
                let all: Vec<Things> =
                    found.items.iter().map(|&item| self.member_thing(item, &found, &receiver)).collect();
                joined(all)
            }
            None => self.things_of(&denoted),
        }
    }

    fn name_here(&mut self, file: FileNo, scope: FactScopeId, name: NameNo, space: NameSpace) -> NameHere {
        if self.world.rules.has_namespaces() {
            return self.name_in_namespaces(file, scope, name, space);
        }
        let kinds: &[Sought] = match space {
            NameSpace::Value => &[Sought::Variable],
            NameSpace::Type => &[Sought::Type],
            NameSpace::Any => &[Sought::Variable, Sought::Type],
        };
        for &sought in kinds {
            let found = self.sought_from(file, scope, name, sought);
            if !found.denoted.is_empty() {
                return found;
            }
        }
        let package = self.world.project.root().filter(|_| space == NameSpace::Any);
        let package = package.and_then(|root| self.package_inside(root, name));
        NameHere { denoted: package.map(Denoted::Module).into_iter().collect(), member: None }
    }

    pub(super) fn package_inside(&mut self, package: Place, name: NameNo) -> Option<Place> {
        self.read_inside(package, name);
        self.world.project.inside(package, self.world.view.text(name))
    }

    /// Variables and types, from a scope outwards.
    fn sought_from(&mut self, file: FileNo, scope: FactScopeId, name: NameNo, sought: Sought) -> NameHere {
        let world = self.world;
        let mut at = Some(scope);
        while let Some(scope) = at {
            let Some(entry) = world.view.facts(file).scope(scope) else { break };
            at = entry.parent;
            let denoted = match (entry.kind, entry.owner) {
                (FactScopeKind::Class, Some(binding)) => {
                    let class = Item { file, binding };
                    if let Some(found) = self.find_sought(class, &no_args(), name, 0, sought) {
                        let denoted = found.items.iter().copied().map(Denoted::Item).collect();
                        let member = (sought == Sought::Variable).then_some((class, found));
                        return NameHere { denoted, member };
                    }
                    continue;
                }
                (FactScopeKind::Package(_), _) => self.sought_in_file(file, name, sought),
                _ => self.declared_as(file, scope, name, sought).into_iter().map(Denoted::Item).collect(),
            };
            if !denoted.is_empty() {
                return NameHere { denoted, member: None };
            }
        }
        NameHere::default()
    }

    pub(super) fn declared_as(&self, file: FileNo, scope: FactScopeId, name: NameNo, sought: Sought) -> Vec<Item> {
        let all = self.world.view.declared(file, scope, name);
        all.filter(|&item| self.world.view.binding(item).is_some_and(|one| sought.is(one))).collect()
    }

    /// The members of a class that have a name, those of its other parts among them.
    pub(super) fn members_as(&self, file: FileNo, scope: FactScopeId, name: NameNo, sought: Sought) -> Vec<Item> {
        if !self.world.rules.has_namespaces() {
            return self.declared_as(file, scope, name, sought);
        }
        let is_asked = |item: &Item| {
            let binding = self.world.view.binding(*item);
            binding.is_some_and(|one| sought.is(one) && !one.flags.has(Flags::EXPLICIT))
        };
        self.declared_together(file, scope, name, is_asked)
    }

    /// A member of a class, the nearest in the order of bases.
    pub(super) fn find_sought(
        &mut self,
        class: Item,
        args: &TypeArgs,
        name: NameNo,
        skipped: usize,
        sought: Sought,
    ) -> Option<FoundMember> {
        let order = self.order(class, args);
        for (at, (class, args)) in order.iter().enumerate().skip(skipped) {
            let Some(scope) = self.world.view.binding(*class).and_then(|binding| binding.inner) else { continue };
            self.read_scope(class.file, scope, name);
            let mut items = self.members_as(class.file, scope, name, sought);
            if at > 0 {
                // What a base calls its type parameters is no member.
                items.retain(|&item| {
                    self.world.view.binding(item).is_some_and(|one| one.kind != BindingKind::TypeParameter)
                });
            }
            if !items.is_empty() {
                return Some(FoundMember { class: *class, args: args.clone(), items });
            }
        }
        None
    }

    /// What the top of a file knows: its own types and imports, then its package, then what it imports on demand.
    fn sought_in_file(&mut self, file: FileNo, name: NameNo, sought: Sought) -> Vec<Denoted> {
        self.read_package(file, name);
        let mut found = Vec::new();
        for item in self.declared_as(file, 0, name, sought) {
            match self.world.view.binding(item).map(|binding| binding.kind) {
                Some(BindingKind::Import(import)) => found.extend(self.packaged_import(file, import, sought)),
                _ => found.push(Denoted::Item(item)),
            }
        }
        // An import of one name stands before all others that bring it, wherever it leads.
        let is_decided = !found.is_empty() || self.names_import(file, name, sought);
        let stars = if is_decided { Vec::new() } else { self.stars_of(file) };
        for import in stars {
            if !found.is_empty() {
                break;
            }
            found = self.through_packaged_star(file, import, name, sought);
        }
        found
    }

    /// Whether a file imports a name by itself.
    pub(super) fn names_import(&self, file: FileNo, name: NameNo, sought: Sought) -> bool {
        let facts = self.world.view.facts(file);
        self.declared_as(file, 0, name, sought).into_iter().any(|item| {
            let import = match self.world.view.binding(item).map(|binding| binding.kind) {
                Some(BindingKind::Import(import)) => facts.imports.get(import as usize),
                _ => None,
            };
            // A static import may bring a method alone.
            import.is_some_and(|import| import.is_type_only == (sought == Sought::Type))
        })
    }

    /// Notes that a name was looked up at the top of a file, which its whole package may answer.
    pub(super) fn read_package(&mut self, file: FileNo, name: NameNo) {
        let top = self.world.view.file(file).and_then(|entry| entry.scope_keys.first()).copied();
        if let Some(top) = top {
            self.reads.insert(key(top, &[self.world.view.text(name).as_bytes()]));
        }
    }

    pub(super) fn stars_of(&mut self, file: FileNo) -> Vec<ImportId> {
        self.read_listed(file);
        let entry = self.world.view.file(file);
        entry.map(|entry| entry.stars.iter().map(|&(_, import)| import).collect()).unwrap_or_default()
    }

    fn through_packaged_star(&mut self, file: FileNo, import: ImportId, name: NameNo, sought: Sought) -> Vec<Denoted> {
        let fact = self.world.view.facts(file).imports.get(import as usize);
        if fact.is_none_or(|fact| fact.is_type_only && sought != Sought::Type) {
            return Vec::new();
        }
        let mut found = Vec::new();
        for container in self.import_container(file, import) {
            found.extend(self.sought_in(container, name, sought, file));
        }
        found
    }

    /// What an import of one name brings.
    fn packaged_import(&mut self, file: FileNo, import: ImportId, sought: Sought) -> Vec<Denoted> {
        let Some(fact) = self.world.view.facts(file).imports.get(import as usize) else { return Vec::new() };
        let ImportWhat::Name(text) = fact.what else { return Vec::new() };
        if fact.is_type_only && sought != Sought::Type {
            return Vec::new();
        }
        let name = self.world.view.name(file, text);
        let mut found = Vec::new();
        for container in self.import_container(file, import) {
            found.extend(self.sought_in(container, name, sought, file));
        }
        found
    }

    /// The package or class of which an import brings names. Classes on the way are noted in the file itself.
    pub(super) fn import_container(&mut self, file: FileNo, import: ImportId) -> Vec<Denoted> {
        if self.world.rules.has_namespaces() {
            return self.using_containers(file, import);
        }
        let world = self.world;
        let facts = world.view.facts(file);
        let (Some(fact), Some(place)) = (facts.imports.get(import as usize), self.target_of(file, import)) else {
            return Vec::new();
        };
        let package = world.project.package(place).unwrap_or_default();
        let rest = facts.text(fact.specifier).get(package.len()..).unwrap_or_default();
        let mut containers = vec![Denoted::Module(place)];
        for part in rest.split('.').filter(|part| !part.is_empty()) {
            let Some(name) = world.view.known_name(part) else { return Vec::new() };
            let mut inside = Vec::new();
            for container in containers {
                inside.extend(self.sought_in(container, name, Sought::Type, file));
            }
            if file == self.own {
                self.note_found(&inside, part, fact.line);
            }
            containers = inside;
        }
        containers
    }

    pub(super) fn note_found(&mut self, denoted: &[Denoted], written: &str, line: u32) {
        for one in denoted {
            if let Denoted::Item(item) = *one
                && item.file != self.own
            {
                self.note(written.to_owned(), Found::Item(item), line);
            }
        }
    }

    /// What a package or class has under a name.
    pub(super) fn sought_in(&mut self, container: Denoted, name: NameNo, sought: Sought, from: FileNo) -> Vec<Denoted> {
        match container {
            Denoted::Module(package) if sought == Sought::Type => self.package_types(package, name, from),
            Denoted::Module(_) => Vec::new(),
            Denoted::Item(class) => {
                let found = self.find_sought(class, &no_args(), name, 0, sought);
                found.map_or(Vec::new(), |found| found.items.into_iter().map(Denoted::Item).collect())
            }
        }
    }

    /// The types of a package that have a name.
    fn package_types(&mut self, package: Place, name: NameNo, from: FileNo) -> Vec<Denoted> {
        if self.world.rules.has_namespaces() {
            let namespace = self.world.project.package(package).unwrap_or_default().to_owned();
            return self.types_in_namespace(&namespace, name, from);
        }
        self.in_package(package, name, from, |binding| Sought::Type.is(binding)).unwrap_or_default()
    }

    /// What a member that is no method denotes.
    pub(super) fn packaged_members(&mut self, object: &Thing, name: NameNo) -> Vec<Denoted> {
        if let Thing::Module(package) = object {
            let types = self.package_types(*package, name, self.own);
            if !types.is_empty() {
                return types;
            }
            return self.package_inside(*package, name).map(Denoted::Module).into_iter().collect();
        }
        let found = self.member_found(object, name);
        found.map_or(Vec::new(), |found| self.said_parts(&found.items))
    }

    fn member_found(&mut self, object: &Thing, name: NameNo) -> Option<FoundMember> {
        let (class, args, skipped) = class_of(object)?;
        let variable = self.find_sought(class, &args, name, skipped, Sought::Variable);
        let found = variable.or_else(|| self.find_sought(class, &args, name, skipped, Sought::Type));
        if found.is_some() || !self.world.rules.has_namespaces() {
            return found;
        }
        // A method that is no call stands for itself.
        self.find_sought(class, &args, name, skipped, Sought::Method)
    }

    /// What a member that is no method can be.
    pub(super) fn packaged_member(&mut self, object: &Thing, name: NameNo) -> Things {
        let Some(found) = self.member_found(object, name) else {
            let denoted = self.packaged_members(object, name);
            let held = if denoted.is_empty() { self.held_member(object, name) } else { Things::none() };
            return joined([self.things_of(&denoted), held]);
        };
        let all: Vec<Things> = found.items.iter().map(|&item| self.member_thing(item, &found, object)).collect();
        joined(all)
    }

    /// Notes what an import of the file itself asks for.
    pub(super) fn packaged_imported(&mut self, id: ImportId) {
        let (world, own) = (self.world, self.own);
        let facts = world.view.facts(own);
        let Some(import) = facts.imports.get(id as usize) else { return };
        if import.what == ImportWhat::Nothing {
            return;
        }
        let containers = self.import_container(own, id);
        if world.rules.has_namespaces() {
            return;
        }
        let specifier = facts.text(import.specifier);
        let ImportWhat::Name(text) = import.what else {
            if containers.is_empty() && world.project.is_missing(specifier, own) {
                self.note(specifier.to_owned(), Found::Nothing, import.line);
            }
            return;
        };
        let name = world.view.name(own, text);
        let mut found = Vec::new();
        for sought in [Sought::Type, Sought::Variable, Sought::Method] {
            let is_brought = sought == Sought::Type || !import.is_type_only;
            for &container in containers.iter().filter(|_| is_brought) {
                found.extend(self.sought_in(container, name, sought, own));
            }
        }
        let written = facts.text(text);
        self.note_found(&found, written, import.line);
        let whole = format!("{specifier}.{written}");
        if found.is_empty() && world.project.is_missing(&whole, own) {
            self.note(whole, Found::Nothing, import.line);
        }
    }
}

/// A type's name without the number of its parameters, which tells types of one name apart.
pub(super) fn without_arity(name: &str) -> &str {
    name.split('`').next().unwrap_or(name)
}

/// The class whose members a thing has, and how many classes of its order are left out.
pub(super) fn class_of(object: &Thing) -> Option<(Item, TypeArgs, usize)> {
    match object {
        Thing::Class(class, args) | Thing::Instance(class, args) => Some((*class, args.clone(), 0)),
        Thing::Super(class) => Some((*class, no_args(), 1)),
        _ => None,
    }
}
