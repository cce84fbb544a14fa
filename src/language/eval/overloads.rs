//! Methods where they have names of their own: overloads by how many arguments they take, methods of the classes around and of static
//! imports, constructors.

use super::evaluation::Evaluation;
use super::facts::{
    ANY_COUNT, Binding, BindingKind, FactScopeId, FactScopeKind, Flags, ImportId, NO_STEP, StepId, TextId,
};
use super::names::Denoted;
use super::packages::{CONSTRUCTOR, Sought, class_of};
use super::rules::FileNo;
use super::thing::{Thing, Things, TypeArgs, no_args};
use super::types::TypeEnv;
use super::view::{Item, NameNo};

impl Evaluation<'_> {
    /// The methods that a call or a reference means, with what they are called on.
    pub(super) fn method_value(
        &mut self,
        file: FileNo,
        id: StepId,
        (of, text, scope, count): (StepId, TextId, FactScopeId, u32),
    ) -> Things {
        let name = self.world.view.name(file, text);
        let mut found: Vec<(Item, Thing)> = Vec::new();
        if of == NO_STEP {
            found = self.methods_here(file, scope, name, count);
        } else {
            let objects = self.value(file, of);
            for object in objects.iter() {
                let Some((class, args, skipped)) = class_of(object) else { continue };
                let receiver = match object {
                    Thing::Super(class) => Thing::Instance(*class, no_args()),
                    other => other.clone(),
                };
                let items = self.overloads(class, &args, name, count, skipped);
                found.extend(items.into_iter().map(|item| (item, receiver.clone())));
            }
        }
        let denoted: Vec<Denoted> = found.iter().map(|(item, _)| Denoted::Item(*item)).collect();
        let dot = if of == NO_STEP { "" } else { "." };
        let written = format!("{dot}{}", self.world.view.text(name));
        self.note_all(file, id, &denoted, written);
        found.into_iter().map(|(item, receiver)| Thing::Function(item, Some(receiver.into()))).collect()
    }

    /// The overloads of a method that take so many arguments: the nearest in the order of bases, those of any number of arguments last.
    pub(super) fn overloads(
        &mut self,
        class: Item,
        args: &TypeArgs,
        name: NameNo,
        count: u32,
        skipped: usize,
    ) -> Vec<Item> {
        let is_constructor = self.world.view.text(name) == CONSTRUCTOR;
        let order = self.order(class, args);
        let mut variadic = Vec::new();
        for (class, _) in order.iter().skip(skipped) {
            let Some(scope) = self.world.view.binding(*class).and_then(|binding| binding.inner) else { continue };
            self.read_scope(class.file, scope, name);
            let items = self.declared_as(class.file, scope, name, Sought::Method);
            let exact: Vec<Item> =
                items.iter().copied().filter(|&item| self.takes(item, count) == Some(true)).collect();
            if !exact.is_empty() {
                return exact;
            }
            if variadic.is_empty() {
                variadic = items.into_iter().filter(|&item| self.takes(item, count) == Some(false)).collect();
            }
            if is_constructor {
                break;
            }
        }
        variadic
    }

    /// Whether a method takes so many arguments: one by one, or (false) as any number of them.
    fn takes(&self, item: Item, count: u32) -> Option<bool> {
        let binding = self.world.view.binding(item)?;
        if count == ANY_COUNT {
            return Some(true);
        }
        let facts = self.world.view.facts(item.file);
        let params = binding.params.iter().filter_map(|&param| facts.binding(param));
        let params: Vec<&Binding> = params.filter(|param| param.kind == BindingKind::Parameter).collect();
        let is_variadic = params.last().is_some_and(|last| last.flags.has(Flags::VARIADIC));
        if params.len() as u32 == count {
            return Some(true);
        }
        (is_variadic && params.len() as u32 <= count + 1).then_some(false)
    }

    /// The methods of the innermost class around that has one of this name and number of arguments, else of static imports.
    fn methods_here(&mut self, file: FileNo, scope: FactScopeId, name: NameNo, count: u32) -> Vec<(Item, Thing)> {
        let world = self.world;
        let facts = world.view.facts(file);
        let mut at = Some(scope);
        while let Some(entry) = at.and_then(|scope| facts.scope(scope)) {
            at = entry.parent;
            if let (FactScopeKind::Class, Some(binding)) = (entry.kind, entry.owner) {
                let class = Item { file, binding };
                let items = self.overloads(class, &no_args(), name, count, 0);
                if !items.is_empty() {
                    let receiver = Thing::Instance(class, no_args());
                    return items.into_iter().map(|item| (item, receiver.clone())).collect();
                }
            }
        }
        self.imported_methods(file, name, count)
    }

    fn imported_methods(&mut self, file: FileNo, name: NameNo, count: u32) -> Vec<(Item, Thing)> {
        let world = self.world;
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
                let items = self.overloads(class, &no_args(), name, count, 0);
                found.extend(items.into_iter().map(|item| (item, Thing::Class(class, no_args()))));
            }
        }
        found
    }

    /// What `new` of a type gives. The constructor that it calls is noted.
    pub(super) fn packaged_new(&mut self, file: FileNo, id: StepId, callee: StepId, count: u32) -> Things {
        let made = self.typed(file, callee, &TypeEnv::default());
        for (item, _) in self.constructors(&made, count) {
            self.note_all(file, id, &[Denoted::Item(item)], format!(".{CONSTRUCTOR}"));
        }
        made
    }

    /// The constructors of instances that take so many arguments.
    pub(super) fn constructors(&mut self, made: &Things, count: u32) -> Vec<(Item, Thing)> {
        let Some(name) = self.world.view.known_name(CONSTRUCTOR) else { return Vec::new() };
        let mut found = Vec::new();
        for thing in made.iter() {
            if let Thing::Instance(class, args) = thing {
                let items = self.overloads(*class, args, name, count, 0);
                found.extend(items.into_iter().map(|item| (item, thing.clone())));
            }
        }
        found
    }
}
