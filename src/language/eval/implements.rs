//! Which classes implement which interfaces: by the bases that they name, and where a language has it so, by their shape.
//!
//! A file makes the links of its own classes. All that decides on them is read under the names that evaluations note, so an edit
//! reaches each file whose links it can change. A link says nothing of what the file uses: references met on the way are dropped.

use std::collections::BTreeSet;

use super::evaluation::{EMBEDS, Evaluation, LISTED, SHAPE};
use super::facts::{BindingKind, FactScopeKind, NameSpace, Step};
use super::names::Denoted;
use super::rules::{ClassFacts, FileNo};
use super::thing::{Thing, Things, no_args};
use super::types::TypeEnv;
use super::uses::symbol_name;
use super::view::{Item, NameNo, key};
use super::world::EvalBase;
use crate::domain::Implements;
use crate::language::Symbol;

/// Classes above one class that are considered.
const LINEAGE_MAX: usize = 60;

/// Interfaces that one class is compared with by its shape.
const CANDIDATES_MAX: usize = 400;

/// The links that a file makes.
pub(super) fn links(evaluation: &mut Evaluation<'_>) -> Vec<Implements> {
    let own = evaluation.own;
    let base = evaluation.world;
    let mut found = BTreeSet::new();
    for binding in 0..base.view.facts(own).bindings.len() {
        let class = Item { file: own, binding: binding as u32 };
        if evaluation.is_implementation(class) && evaluation.whole(class) == class {
            evaluation.links_of(class, &mut found);
        }
    }
    let named = found.into_iter().filter_map(|(interface, implementation)| link(base, own, interface, implementation));
    let sorted: BTreeSet<Implements> = named.collect();
    sorted.into_iter().collect()
}

fn link(base: &EvalBase, own: FileNo, interface: Item, implementation: Item) -> Option<Implements> {
    let path = |file: FileNo| base.view.file(file).map(|entry| entry.path.clone());
    Some(Implements {
        interface_file: path(interface.file)?,
        interface: symbol_name(base, interface)?,
        implementation_file: path(implementation.file)?,
        implementation: symbol_name(base, implementation)?,
        declared_in: path(own)?,
    })
}

impl Evaluation<'_> {
    fn links_of(&mut self, class: Item, found: &mut BTreeSet<(Item, Item)>) {
        let lineage = self.lineage(class);
        let own = self.declarations_of(class);
        let above: Vec<Item> =
            lineage.iter().copied().filter(|&one| !own.contains(&one) && self.is_interface(one)).collect();
        for interface in above {
            found.insert((interface, class));
            self.add_members(interface, class, found);
        }
        if self.world.rules.implements_by_shape() {
            self.add_shapes(class, &lineage, found);
        }
    }

    /// Links each member of an interface to what a class makes of it.
    fn add_members(&mut self, interface: Item, class: Item, found: &mut BTreeSet<(Item, Item)>) {
        for (name, wanted) in self.members_of(interface) {
            let made = self.made_of(class, name);
            found.extend(made.into_iter().filter(|&made| made != wanted).map(|made| (wanted, made)));
        }
    }

    /// What a class has under a name that is more than a declaration: of the first class in its order that has such a thing.
    pub(super) fn made_of(&mut self, class: Item, name: NameNo) -> Vec<Item> {
        if self.world.rules.is_structural() {
            let members = self.structural_members(&Thing::Instance(class, no_args()), name);
            let items = members.into_iter().filter_map(|(denoted, _)| match denoted {
                Denoted::Item(item) => Some(item),
                Denoted::Module(_) => None,
            });
            return items.filter(|&item| self.is_made(item)).collect();
        }
        for (class, _) in self.order(class, &no_args()).iter() {
            let Some(scope) = self.world.view.binding(*class).and_then(|binding| binding.inner) else { continue };
            self.read_scope(class.file, scope, name);
            let mut made = self.declared(class.file, scope, name, NameSpace::Any);
            made.retain(|&item| self.is_made(item));
            if !made.is_empty() {
                return made;
            }
        }
        Vec::new()
    }

    /// Whether a member can be used by others and is no mere declaration.
    fn is_made(&self, member: Item) -> bool {
        let base = self.world;
        let (Some(binding), Some(symbol)) = (base.view.binding(member), base.view.symbol(member)) else { return false };
        let facts = base.view.facts(member.file);
        let scope = facts.scope(binding.scope);
        let owner = scope.and_then(|scope| scope.owner).and_then(|owner| facts.binding(owner));
        let is_added = scope.is_some_and(|scope| matches!(scope.kind, FactScopeKind::Members(_)));
        let is_declaration = !is_added && owner.is_none_or(|owner| owner.kind == BindingKind::Interface);
        let member = ClassFacts { facts, binding, symbol: Some(symbol) };
        !is_declaration && !base.rules.is_abstract_member(&member)
    }

    /// The members that an interface declares itself, those that make instances not counted.
    pub(super) fn members_of(&mut self, class: Item) -> Vec<(NameNo, Item)> {
        self.read_members(class);
        let base = self.world;
        let Some(scope) = base.view.binding(class).and_then(|binding| binding.inner) else { return Vec::new() };
        let Some(entry) = base.view.file(class.file) else { return Vec::new() };
        let is_member = |&(name, item): &(NameNo, Item)| {
            let kind = base.view.binding(item).map(|binding| binding.kind);
            matches!(kind, Some(BindingKind::Function | BindingKind::Variable))
                && base.view.symbol(item).is_some()
                && !base.rules.constructors().contains(&base.view.text(name))
        };
        let is_joint = !base.rules.has_namespaces() || self.is_open_scope(class.file, scope);
        if let Some(key) = base.view.joint_key(class.file, scope).filter(|_| is_joint) {
            let all = base.view.joint_members(key).iter().copied();
            return all
                .filter(|(_, item)| base.project.nearness(self.own, item.file).is_some())
                .filter(is_member)
                .collect();
        }
        let declared = entry.declared_in(scope).map(|(name, binding)| (name, Item { file: class.file, binding }));
        declared.filter(is_member).collect()
    }

    /// Notes that the names of a class's members were read.
    fn read_members(&mut self, class: Item) {
        let Some(scope) = self.world.view.binding(class).and_then(|binding| binding.inner) else { return };
        let is_joint = self.world.view.joint_key(class.file, scope).is_some();
        let entry = self.world.view.file(class.file).filter(|_| class.file != self.own || is_joint);
        let base = entry.and_then(|entry| entry.scope_keys.get(scope as usize)).copied();
        if let Some(base) = base.filter(|&base| base != 0) {
            self.reads.insert(key(base, &[LISTED]));
        }
    }

    /// The declarations that make one class: itself, and those that are merged with it.
    pub(super) fn declarations_of(&mut self, class: Item) -> Vec<Item> {
        match self.world.rules.is_structural() {
            true => self.merged(class, &[BindingKind::Class, BindingKind::Interface]),
            false => vec![class],
        }
    }

    /// A class and all that it is made of by name: bases, and declarations that are merged with it.
    pub(super) fn lineage(&mut self, class: Item) -> Vec<Item> {
        if !self.world.rules.is_structural() {
            return self.order(class, &no_args()).iter().map(|(class, _)| *class).collect();
        }
        let mut all = Vec::new();
        let mut todo = vec![class];
        while let Some(one) = todo.pop() {
            if all.len() == LINEAGE_MAX || all.contains(&one) || !self.spend() {
                continue;
            }
            all.push(one);
            todo.extend(self.declarations_of(one));
            let bases = self.structural_bases(one, &no_args());
            todo.extend(bases.iter().filter_map(|base| match base {
                Thing::Instance(base, _) => Some(*base),
                _ => None,
            }));
        }
        all
    }

    /// Whether others can mean the class, and it implements what it has above itself.
    fn is_implementation(&self, item: Item) -> bool {
        let Some(binding) = self.world.view.binding(item) else { return false };
        let is_class = matches!(binding.kind, BindingKind::Class | BindingKind::Enum) && binding.inner.is_some();
        is_class && self.world.view.symbol(item).is_some() && !self.is_interface(item)
    }

    pub(super) fn is_interface(&self, item: Item) -> bool {
        let Some(binding) = self.world.view.binding(item) else { return false };
        let symbol = self.world.view.symbol(item);
        let class = ClassFacts { facts: self.world.view.facts(item.file), binding, symbol };
        let is_type = matches!(binding.kind, BindingKind::Class | BindingKind::Interface);
        is_type && symbol.is_some() && self.world.rules.is_interface(&class)
    }

    /// Links a class to the interfaces of whose members it has each.
    fn add_shapes(&mut self, class: Item, lineage: &[Item], found: &mut BTreeSet<(Item, Item)>) {
        let base = self.world;
        let mut names: BTreeSet<NameNo> = BTreeSet::new();
        for &one in lineage {
            names.extend(self.members_of(one).into_iter().map(|(name, _)| name));
        }
        let mut todo = Vec::new();
        for &name in &names {
            self.reads.insert(key(2, &[SHAPE, base.view.text(name).as_bytes()]));
            todo.extend_from_slice(base.view.interfaces_with(name, base.rules));
        }
        let mut seen: BTreeSet<Item> = BTreeSet::new();
        while let Some(interface) = todo.pop() {
            if seen.len() == CANDIDATES_MAX || !self.spend() {
                return;
            }
            let has_all = || base.view.methods_of(interface, base.rules).iter().all(|name| names.contains(name));
            if !seen.insert(interface) || !has_all() {
                continue;
            }
            self.read_item(interface);
            if !self.is_interface(interface) {
                continue;
            }
            let Some(members) = self.shape_of(interface, class, &names) else { continue };
            found.insert((interface, class));
            found.extend(members);
            let Some(binding) = base.view.binding(interface) else { continue };
            let name = base.view.name(interface.file, binding.name);
            self.reads.insert(key(2, &[EMBEDS, base.view.text(name).as_bytes()]));
            todo.extend_from_slice(base.view.interfaces_embedding(name, base.rules));
        }
    }

    /// The members of a class that stand for each of an interface's; `None`: not all are there.
    fn shape_of(&mut self, interface: Item, class: Item, names: &BTreeSet<NameNo>) -> Option<Vec<(Item, Item)>> {
        let is_exact = self.world.rules.has_embedding();
        let mut members = Vec::new();
        for one in self.lineage(interface) {
            if is_exact && !self.has_outside(one, names) {
                return None;
            }
            for (name, wanted) in self.members_of(one) {
                if !names.contains(&name) || is_exact && !self.can_make(class, wanted, name) {
                    return None;
                }
                self.read_item(wanted);
                let made = self.made_of(class, name);
                let fitting = made.into_iter().find(|&made| self.fits(wanted, made))?;
                members.push((wanted, fitting));
            }
        }
        (!members.is_empty()).then_some(members)
    }

    /// Whether the names are those, too, of what an interface embeds and the view does not have.
    fn has_outside(&mut self, interface: Item, names: &BTreeSet<NameNo>) -> bool {
        let base = self.world;
        let Some(binding) = base.view.binding(interface) else { return false };
        binding.bases.iter().all(|&embedded| {
            if !self.typed(interface.file, embedded, &TypeEnv::default()).is_empty() {
                return true;
            }
            let facts = base.view.facts(interface.file);
            let written = match facts.step(embedded) {
                Some(Step::Name { text, .. }) => facts.text(*text).to_owned(),
                Some(Step::Member { of, text }) => match facts.step(*of) {
                    Some(Step::Name { text: of, .. }) => format!("{}.{}", facts.text(*of), facts.text(*text)),
                    _ => return false,
                },
                _ => return false,
            };
            let members = base.rules.members_outside(&written);
            let has = |name: &&str| base.view.known_name(name).is_some_and(|name| names.contains(&name));
            members.is_some_and(|members| members.iter().all(has))
        })
    }

    /// A member that is not seen outside its package is made inside it alone.
    fn can_make(&self, class: Item, wanted: Item, name: NameNo) -> bool {
        let folder = |item: Item| self.world.view.file(item.file).map(|entry| entry.path.parent());
        self.world.rules.star_brings(self.world.view.text(name)) || folder(class) == folder(wanted)
    }

    fn fits(&mut self, wanted: Item, offered: Item) -> bool {
        let base = self.world;
        let symbols: (Option<&Symbol>, _) = (base.view.symbol(wanted), base.view.symbol(offered));
        let is_same = match symbols {
            (Some(wanted), Some(offered)) => base.rules.is_same_shape(wanted, offered),
            _ => false,
        };
        // Where all types are written, those of the view are the same ones.
        is_same && (!base.rules.has_embedding() || self.type_items(wanted) == self.type_items(offered))
    }

    /// The types of the view that each parameter and the result of a function are made of.
    fn type_items(&mut self, function: Item) -> Vec<BTreeSet<Item>> {
        let base = self.world;
        let Some(binding) = base.view.binding(function) else { return Vec::new() };
        let facts = base.view.facts(function.file);
        let params = binding.params.iter().filter_map(|&param| facts.binding(param));
        let params = params.filter(|param| param.kind == BindingKind::Parameter).map(|param| param.ty);
        let mut all = Vec::new();
        for ty in params.chain([binding.ty]) {
            let mut items = BTreeSet::new();
            let things = self.typed(function.file, ty, &TypeEnv::default());
            add_items(&things, &mut items);
            all.push(items);
        }
        all
    }
}

fn add_items(things: &Things, items: &mut BTreeSet<Item>) {
    for thing in things.iter() {
        match thing {
            Thing::Instance(item, args) => {
                items.insert(*item);
                args.iter().for_each(|arg| add_items(arg, items));
            }
            Thing::Holder(held) => add_items(held, items),
            Thing::Mapping(keys, held) => [keys, held].into_iter().for_each(|part| add_items(part, items)),
            Thing::Tuple(parts) => parts.iter().for_each(|part| add_items(part, items)),
            _ => {}
        }
    }
}

/// The members and embedded interfaces under which the interfaces of a file are found by shape.
pub(super) fn shape_keys(base: &EvalBase, file: FileNo) -> Vec<(u64, Item)> {
    let Some(entry) = base.view.file(file).filter(|_| base.rules.implements_by_shape()) else { return Vec::new() };
    let facts = entry.facts();
    let mut keys = Vec::new();
    for (id, binding) in facts.bindings.iter().enumerate() {
        let item = Item { file, binding: id as u32 };
        let Some(scope) = binding.inner.filter(|_| base.view.has_shape(item, base.rules)) else { continue };
        if facts.scope(scope).is_none_or(|scope| scope.kind != FactScopeKind::Class) {
            continue;
        }
        let names = entry.declared_in(scope).map(|(name, _)| (SHAPE, name));
        let embedded = base.view.embedded_names(item).into_iter().map(|name| (EMBEDS, name));
        keys.extend(names.chain(embedded).map(|(tag, name)| (key(2, &[tag, base.view.text(name).as_bytes()]), item)));
    }
    keys
}
