//! Members where types are structural: merged declarations, static and instance sides, object literals and type literals.

use std::rc::Rc;

use super::evaluation::{Aspect, Evaluation};
use super::facts::{BindingKind, FactScopeId, FactScopeKind, Flags, NO_STEP, NameSpace, Step};
use super::names::{Denoted, Trail};
use super::rules::{FileNo, Place};
use super::thing::{Thing, Things, TypeArgs, joined, no_args};
use super::types::TypeEnv;
use super::values::instances;
use super::view::{Item, NameNo};

/// Bases above each other that are searched for a member.
const BASES_DEEP: u32 = 16;

/// A member, with what type parameters mean where it was found.
pub(super) type MemberHere = (Denoted, TypeEnv);

impl Evaluation<'_> {
    /// What a member of a thing denotes.
    pub(super) fn structural_members(&mut self, object: &Thing, name: NameNo) -> Vec<MemberHere> {
        self.deeper(|this| this.structural_members_of(object, name))
    }

    fn structural_members_of(&mut self, object: &Thing, name: NameNo) -> Vec<MemberHere> {
        match object {
            Thing::Module(place) => {
                let found = self.in_module(*place, name, NameSpace::Any, &mut Trail::default());
                found.into_iter().map(|one| (one, TypeEnv::default())).collect()
            }
            Thing::Class(item, args) | Thing::Instance(item, args) if self.world.rules.has_embedding() => {
                self.promoted(*item, args, name)
            }
            Thing::Class(item, args) => self.static_members(*item, args, name, 0),
            Thing::Instance(item, args) => self.instance_members(*item, args, name, 0),
            Thing::Super(class) => {
                let bases = self.structural_bases(*class, &no_args());
                self.first_of(&bases, |this, base| match base {
                    Thing::Instance(item, args) => this.instance_members(*item, args, name, 1),
                    other => this.structural_members(other, name),
                })
            }
            Thing::Record(file, scope) => self.record_members(*file, *scope, &TypeEnv::default(), name),
            Thing::Shape(file, scope, env) => self.record_members(*file, *scope, env, name),
            Thing::Function(item, _) => self.merged_namespaces(*item, name),
            Thing::Holder(_)
            | Thing::Tuple(_)
            | Thing::Signature(..)
            | Thing::HolderMember(..)
            | Thing::Callback(..)
            | Thing::Callable(_)
            | Thing::Mapping(..) => Vec::new(),
        }
    }

    /// What a member of a thing can be.
    pub(super) fn structural_member(&mut self, object: &Thing, name: NameNo) -> Things {
        if self.world.rules.has_embedding() && matches!(object, Thing::Holder(_) | Thing::Tuple(_)) {
            return self.member_outside(object, name);
        }
        if let Thing::Holder(held) = object {
            return Things::one(Thing::HolderMember(held.clone(), name));
        }
        if let Thing::Tuple(parts) = object {
            return Things::one(Thing::HolderMember(joined(parts.iter().cloned()), name));
        }
        let found = self.structural_members(object, name);
        let all: Vec<Things> = found.into_iter().map(|(one, env)| self.member_here(one, &env, object)).collect();
        joined(all)
    }

    fn member_here(&mut self, denoted: Denoted, env: &TypeEnv, receiver: &Thing) -> Things {
        let Denoted::Item(item) = denoted else { return self.things_of(&[denoted]) };
        let Some(binding) = self.world.view.binding(item) else { return Things::none() };
        match binding.kind {
            BindingKind::Function if binding.flags.has(Flags::PROPERTY) => {
                let things = self.structural_result(item, Some(receiver));
                if things.is_empty() { self.set_type(item, env) } else { things }
            }
            BindingKind::Function => Things::one(Thing::Function(item, Some(Rc::new(receiver.clone())))),
            BindingKind::Variable if self.world.rules.has_embedding() => self.variable(item, env),
            BindingKind::Variable => {
                let env = TypeEnv { own: env.own.clone().or_else(|| Some(receiver.clone())), args: env.args.clone() };
                self.variable(item, &env)
            }
            _ => self.things_of(&[denoted]),
        }
    }

    /// What an accessor that is only set takes.
    fn set_type(&mut self, item: Item, env: &TypeEnv) -> Things {
        self.parameter_type(item, env, 0)
    }

    /// Members of the first of several things that has any.
    fn first_of(
        &mut self,
        things: &Things,
        mut members: impl FnMut(&mut Self, &Thing) -> Vec<MemberHere>,
    ) -> Vec<MemberHere> {
        for thing in things.iter() {
            let found = members(self, thing);
            if !found.is_empty() {
                return found;
            }
        }
        Vec::new()
    }

    fn instance_members(&mut self, item: Item, args: &TypeArgs, name: NameNo, depth: u32) -> Vec<MemberHere> {
        if depth > BASES_DEEP || !self.spend() {
            self.cut();
            return Vec::new();
        }
        let merged = self.merged(item, &[BindingKind::Class, BindingKind::Interface]);
        let own = Thing::Instance(item, args.clone());
        for &part in &merged {
            let found = self.declared_members(part, name, false);
            if !found.is_empty() {
                let env = self.class_env(part, args, Some(own));
                return found.into_iter().map(|item| (Denoted::Item(item), env.clone())).collect();
            }
        }
        for part in merged {
            let bases = self.structural_bases(part, args);
            let found = self.first_of(&bases, |this, base| match base {
                Thing::Instance(item, args) => this.instance_members(*item, args, name, depth + 1),
                other => this.structural_members(other, name),
            });
            if !found.is_empty() {
                return found;
            }
        }
        Vec::new()
    }

    /// What a class scope declares on one side.
    fn declared_members(&mut self, item: Item, name: NameNo, is_static: bool) -> Vec<Item> {
        let Some(binding) = self.world.view.binding(item) else { return Vec::new() };
        let (kind, Some(scope)) = (binding.kind, binding.inner) else { return Vec::new() };
        self.read_scope(item.file, scope, name);
        let mut found = self.declared(item.file, scope, name, NameSpace::Any);
        found.retain(|&member| {
            self.world.view.binding(member).is_some_and(|member| {
                let is_side = kind != BindingKind::Class || member.flags.has(Flags::STATIC) == is_static;
                is_side && member.kind != BindingKind::TypeParameter
            })
        });
        found
    }

    fn static_members(&mut self, item: Item, args: &TypeArgs, name: NameNo, depth: u32) -> Vec<MemberHere> {
        let Some(binding) = self.world.view.binding(item) else { return Vec::new() };
        if depth > BASES_DEEP || binding.kind == BindingKind::Interface || !self.spend() {
            return Vec::new();
        }
        let found = self.declared_members(item, name, true);
        if !found.is_empty() {
            let followed: Vec<Denoted> =
                found.into_iter().flat_map(|item| self.followed(item, &mut Trail::default())).collect();
            return followed.into_iter().map(|one| (one, TypeEnv::default())).collect();
        }
        let merged = self.merged_namespaces(item, name);
        if !merged.is_empty() || binding.kind != BindingKind::Class {
            return merged;
        }
        let bases = self.structural_bases(item, args);
        self.first_of(&bases, |this, base| match base {
            Thing::Instance(item, args) => this.static_members(*item, args, name, depth + 1),
            _ => Vec::new(),
        })
    }

    /// Members of the namespaces and enums that share an item's name.
    fn merged_namespaces(&mut self, item: Item, name: NameNo) -> Vec<MemberHere> {
        let parts = self.merged(item, &[BindingKind::Namespace, BindingKind::Enum]);
        let mut found = Vec::new();
        for part in parts.into_iter().filter(|&part| part != item) {
            for member in self.declared_members(part, name, true) {
                found.extend(self.followed(member, &mut Trail::default()));
            }
        }
        found.into_iter().map(|one| (one, TypeEnv::default())).collect()
    }

    /// The declarations of some kinds that make one thing: the item first, then those that share its name and scope, in this file, in
    /// what all files share, and in augmentations of its module.
    pub(super) fn merged(&mut self, item: Item, kinds: &[BindingKind]) -> Vec<Item> {
        let Some(binding) = self.world.view.binding(item) else { return Vec::new() };
        let (name, scope) = (self.world.view.name(item.file, binding.name), binding.scope);
        let mut all = vec![item];
        let kind = self.world.view.facts(item.file).scope(scope).map(|scope| scope.kind);
        self.read_scope(item.file, scope, name);
        all.extend(self.declared(item.file, scope, name, NameSpace::Any));
        match kind {
            Some(FactScopeKind::Global) => {
                let shared = self.globals(name, NameSpace::Any);
                all.extend(shared.into_iter().filter_map(|one| match one {
                    Denoted::Item(item) => Some(item),
                    Denoted::Module(_) => None,
                }));
            }
            Some(FactScopeKind::Module) => all.extend(self.augmented(item.file, name)),
            _ => {}
        }
        let mut seen: Vec<Item> = Vec::new();
        for one in all {
            let is_kind = self.world.view.binding(one).is_some_and(|binding| kinds.contains(&binding.kind));
            if is_kind && !seen.contains(&one) {
                seen.push(one);
            }
        }
        seen
    }

    /// What augmentations of a module declare under a name.
    pub(super) fn augmented(&mut self, file: FileNo, name: NameNo) -> Vec<Item> {
        let scopes = self.world.view.augmentations(file).to_vec();
        let mut found = Vec::new();
        for (from, scope) in scopes {
            self.read_scope(from, scope, name);
            found.extend(self.declared(from, scope, name, NameSpace::Any));
        }
        found
    }

    /// Instances of what a class extends and implements, or an interface extends.
    pub(super) fn structural_bases(&mut self, class: Item, args: &TypeArgs) -> Things {
        if let Some(known) = self.bases.get(&(class, args.clone())) {
            return known.clone();
        }
        self.read_item(class);
        let Some(binding) = self.world.view.binding(class) else { return Things::none() };
        let bases = |this: &mut Self| {
            let env = this.class_env(class, args, None);
            let all: Vec<Things> = binding
                .bases
                .iter()
                .map(|&base| {
                    let written = this.typed(class.file, base, &env);
                    if !written.is_empty() {
                        return written;
                    }
                    let made = this.value(class.file, base);
                    instances(&made)
                })
                .collect();
            let all = joined(all);
            all.iter().filter(|base| !matches!(base, Thing::Instance(base, _) if *base == class)).cloned().collect()
        };
        let (things, is_complete): (Things, bool) = self.complete(|this| this.once(class, Aspect::Bases, bases));
        if is_complete {
            self.bases.insert((class, args.clone()), things.clone());
        }
        things
    }

    fn record_members(&mut self, file: FileNo, scope: FactScopeId, env: &TypeEnv, name: NameNo) -> Vec<MemberHere> {
        let own: Vec<Item> = self.declared(file, scope, name, NameSpace::Any);
        if !own.is_empty() {
            return own.into_iter().map(|item| (Denoted::Item(item), env.clone())).collect();
        }
        let Some(spread) = self.world.view.known_name("...") else { return Vec::new() };
        for item in self.declared(file, scope, spread, NameSpace::Any) {
            let of = self.variable(item, env);
            let found = self.first_of(&of, |this, thing| this.structural_members(thing, name));
            if !found.is_empty() {
                return found;
            }
        }
        Vec::new()
    }

    /// What `this` is in a scope: what a function says of it, the class around, or the object literal whose method it is in.
    pub(super) fn structural_this(&mut self, file: FileNo, scope: FactScopeId) -> Things {
        let this_name = self.world.view.known_name("this");
        let mut at = Some(scope);
        let mut function: Option<Item> = None;
        while let Some(scope) = at {
            let Some(entry) = self.world.view.facts(file).scope(scope) else { break };
            at = entry.parent;
            let owner = entry.owner.map(|binding| Item { file, binding });
            match entry.kind {
                FactScopeKind::Function => {
                    let declared = this_name.map(|name| self.declared(file, scope, name, NameSpace::Any));
                    if let Some(&parameter) = declared.unwrap_or_default().first() {
                        return self.variable(parameter, &TypeEnv::default());
                    }
                    function = owner;
                }
                FactScopeKind::Class => {
                    let Some(class) = owner else { break };
                    let method = function.and_then(|function| self.world.view.binding(function));
                    let is_static = method.is_some_and(|method| method.flags.has(Flags::STATIC));
                    return Things::one(match is_static {
                        true => Thing::Class(class, no_args()),
                        false => Thing::Instance(class, no_args()),
                    });
                }
                FactScopeKind::Record if function.is_some() => return Things::one(Thing::Record(file, scope)),
                _ => {}
            }
        }
        Things::none()
    }

    /// What `require` gives. Of an object of exports each key counts by itself: then it is the module.
    pub(super) fn whole_or_module(&mut self, target: Place, found: Vec<Denoted>) -> Vec<Denoted> {
        let is_object = |one: &Denoted| match one {
            Denoted::Item(item) => {
                let values = self.world.view.binding(*item).map(|binding| binding.values.as_slice());
                let first = values.and_then(|values| values.first()).copied().unwrap_or(NO_STEP);
                matches!(self.world.view.step(item.file, first), Some(Step::Record(_)))
            }
            Denoted::Module(_) => true,
        };
        if found.iter().all(is_object) { vec![Denoted::Module(target)] } else { found }
    }

    /// What a whole module is where it is used as a value: what it exports in the place of names.
    pub(super) fn whole_of(&mut self, place: Place) -> Things {
        let Some(name) = self.world.view.known_name("export=") else { return Things::none() };
        let found = self.in_module(place, name, NameSpace::Any, &mut Trail::default());
        self.things_of(&found)
    }

    /// What CommonJS offers under a name by giving the whole module a value. The name may stand for another that is written there.
    pub(super) fn offered_by_value(
        &mut self,
        file: FileNo,
        name: NameNo,
        space: NameSpace,
        way: &mut Trail,
    ) -> Vec<Denoted> {
        let text = self.world.view.text(name);
        let Some(whole) = self.world.view.known_name("export=").filter(|&whole| whole != name && text != "*") else {
            return Vec::new();
        };
        self.read_scope(file, 0, whole);
        let found = self.exported(file, whole, NameSpace::Any, way);
        if found.is_empty() || text == "default" {
            return found;
        }
        let things = self.things_of(&found);
        let mut offered = Vec::new();
        for thing in things.iter() {
            for (one, _) in self.structural_members(thing, name) {
                offered.push(one);
                let Denoted::Item(item) = one else { continue };
                offered.extend(self.stands_for(item, space));
            }
        }
        offered.dedup();
        offered
    }

    /// `{ a }`, `{ a: b }`: the name that the value of a key is.
    fn stands_for(&mut self, item: Item, space: NameSpace) -> Vec<Denoted> {
        let Some(binding) = self.world.view.binding(item) else { return Vec::new() };
        let (NO_STEP, [value]) = (binding.ty, &binding.values[..]) else { return Vec::new() };
        match self.world.view.step(item.file, *value) {
            Some(Step::Name { text, scope, .. }) => {
                let name = self.world.view.name(item.file, *text);
                self.once(item, Aspect::Key, |this| this.lookup(item.file, *scope, name, space))
            }
            _ => Vec::new(),
        }
    }
}
