//! Methods where they have names of their own: overloads by how many arguments they take and by the types of these, methods of the
//! classes around and of static imports, constructors.

use super::arguments::CalledWith;
use super::evaluation::Evaluation;
use super::facts::{ANY_COUNT, BindingKind, FactScopeId, FactScopeKind, ImportId, NO_STEP, StepId, TextId};
use super::names::Denoted;
use super::packages::{CONSTRUCTOR, Sought, class_of};
use super::rules::FileNo;
use super::thing::{Thing, Things, TypeArgs, no_args};
use super::types::TypeEnv;
use super::view::{Item, NameNo};

/// A method that may be meant, with the place of its class in the order of bases.
pub(super) type OverloadAt = (usize, Item);

impl Evaluation<'_> {
    /// The methods that a call or a reference means, with what they are called on.
    pub(super) fn method_value(
        &mut self,
        id: StepId,
        (of, text, scope): (StepId, TextId, FactScopeId),
        called: CalledWith,
    ) -> Things {
        if self.world.rules.has_namespaces() {
            return self.namespaced_method(id, (of, text, scope), called);
        }
        let file = called.file;
        let name = self.world.view.name(file, text);
        let mut found: Vec<(Item, Thing)> = Vec::new();
        if of == NO_STEP {
            found = self.methods_here(scope, name, called);
        } else {
            let objects = self.value(file, of);
            for object in objects.iter() {
                let Some((class, args, skipped)) = class_of(object) else { continue };
                let receiver = match object {
                    Thing::Super(class) => Thing::Instance(*class, no_args()),
                    other => other.clone(),
                };
                let items = self.overloads(class, &args, name, called, skipped);
                found.extend(items.into_iter().map(|item| (item, receiver.clone())));
            }
        }
        let denoted: Vec<Denoted> = found.iter().map(|(item, _)| Denoted::Item(*item)).collect();
        let dot = if of == NO_STEP { "" } else { "." };
        let written = format!("{dot}{}", self.world.view.text(name));
        self.note_all(file, id, &denoted, written);
        found.into_iter().map(|(item, receiver)| Thing::Function(item, Some(receiver.into()))).collect()
    }

    /// The overloads of a method that take so many arguments of such types: the nearest in the order of bases, those of any number of
    /// arguments last.
    pub(super) fn overloads(
        &mut self,
        class: Item,
        args: &TypeArgs,
        name: NameNo,
        called: CalledWith,
        skipped: usize,
    ) -> Vec<Item> {
        let is_constructor = self.world.view.text(name) == CONSTRUCTOR;
        let order = self.order(class, args);
        let (mut exact, mut variadic): (Vec<OverloadAt>, Vec<OverloadAt>) = (Vec::new(), Vec::new());
        for (at, (class, _)) in order.iter().enumerate().skip(skipped) {
            let Some(scope) = self.world.view.binding(*class).and_then(|binding| binding.inner) else { continue };
            self.read_scope(class.file, scope, name);
            for item in self.members_as(class.file, scope, name, Sought::Method) {
                match self.takes(item, called.count) {
                    Some(true) => exact.push((at, item)),
                    Some(false) => variadic.push((at, item)),
                    None => {}
                }
            }
            // Without arguments nothing tells an inherited method from one that overrides it.
            if is_constructor || !exact.is_empty() && (called.count == 0 || called.call == NO_STEP) {
                break;
            }
        }
        if exact.is_empty() { nearest(&variadic) } else { self.fitting(&exact, called) }
    }

    /// Those that fit the arguments best; those of the nearest class, if nothing is known of the arguments.
    pub(super) fn fitting(&mut self, candidates: &[OverloadAt], called: CalledWith) -> Vec<Item> {
        let types = if candidates.len() > 1 { self.argument_types(called) } else { Vec::new() };
        if types.is_empty() {
            return nearest(candidates);
        }
        let mut fits: Vec<(OverloadAt, Vec<u32>)> = Vec::new();
        for &candidate in candidates {
            fits.extend(self.fit_of(candidate.1, &types).map(|fit| (candidate, fit)));
        }
        let is_better =
            |one: &[u32], other: &[u32]| one != other && one.iter().zip(other).all(|(one, other)| one <= other);
        let best = fits.iter().filter(|(_, fit)| !fits.iter().any(|(_, other)| is_better(other, fit)));
        let best: Vec<OverloadAt> = best.map(|(candidate, _)| *candidate).collect();
        nearest(if best.is_empty() { candidates } else { &best })
    }

    /// Whether a method takes so many arguments: one by one, or (false) as any number of them.
    pub(super) fn takes(&self, item: Item, count: u32) -> Option<bool> {
        if count == ANY_COUNT {
            return Some(true);
        }
        let params = self.parameter_types(item);
        let is_variadic = params.last().is_some_and(|(_, is_variadic)| *is_variadic);
        let required = self.required_parameters(item) as u32;
        if (required..=params.len() as u32).contains(&count) && !(is_variadic && params.len() as u32 != count) {
            return Some(true);
        }
        (is_variadic && required <= count + 1).then_some(false)
    }

    /// The methods of the innermost class around that has one of this name and number of arguments, else of static imports.
    fn methods_here(&mut self, scope: FactScopeId, name: NameNo, called: CalledWith) -> Vec<(Item, Thing)> {
        let (world, file) = (self.world, called.file);
        let facts = world.view.facts(file);
        let mut at = Some(scope);
        while let Some(entry) = at.and_then(|scope| facts.scope(scope)) {
            at = entry.parent;
            if let (FactScopeKind::Class, Some(binding)) = (entry.kind, entry.owner) {
                let class = Item { file, binding };
                let items = self.overloads(class, &no_args(), name, called, 0);
                if !items.is_empty() {
                    let receiver = Thing::Instance(class, no_args());
                    return items.into_iter().map(|item| (item, receiver.clone())).collect();
                }
            }
        }
        self.imported_methods(name, called)
    }

    fn imported_methods(&mut self, name: NameNo, called: CalledWith) -> Vec<(Item, Thing)> {
        let (world, file) = (self.world, called.file);
        self.read_package(file, name);
        let facts = world.view.facts(file);
        let named = self.declared_as(file, 0, name, Sought::Method).into_iter();
        let named = named.filter_map(|item| match world.view.binding(item)?.kind {
            BindingKind::Import(import) => Some(import),
            _ => None,
        });
        let mut imports: Vec<ImportId> = named.collect();
        if !self.names_import(file, name, Sought::Method) {
            imports.extend(self.stars_of(file));
        }
        let mut found = Vec::new();
        for import in imports {
            if !found.is_empty() || facts.imports.get(import as usize).is_none_or(|fact| fact.is_type_only) {
                continue;
            }
            for container in self.import_container(file, import) {
                let Denoted::Item(class) = container else { continue };
                let items = self.overloads(class, &no_args(), name, called, 0);
                found.extend(items.into_iter().map(|item| (item, Thing::Class(class, no_args()))));
            }
        }
        found
    }

    /// What `new` of a type gives. The constructor that it calls is noted.
    pub(super) fn packaged_new(&mut self, file: FileNo, id: StepId, callee: StepId, count: u32) -> Things {
        let made = self.typed(file, callee, &TypeEnv::default());
        for (item, _) in self.constructors(&made, CalledWith { file, call: id, count }) {
            self.note_all(file, id, &[Denoted::Item(item)], format!(".{CONSTRUCTOR}"));
        }
        made
    }

    /// The constructors of instances that take such arguments.
    pub(super) fn constructors(&mut self, made: &Things, called: CalledWith) -> Vec<(Item, Thing)> {
        let Some(name) = self.world.view.known_name(CONSTRUCTOR) else { return Vec::new() };
        let mut found = Vec::new();
        for thing in made.iter() {
            if let Thing::Instance(class, args) = thing {
                let items = self.overloads(*class, args, name, called, 0);
                found.extend(items.into_iter().map(|item| (item, thing.clone())));
            }
        }
        found
    }
}

/// Those of the first class that has any.
fn nearest(candidates: &[OverloadAt]) -> Vec<Item> {
    let first = candidates.iter().map(|(at, _)| *at).min();
    candidates.iter().filter(|(at, _)| Some(*at) == first).map(|(_, item)| *item).collect()
}
