//! Calls where methods and variables share their names (C#): functions of the block, class or directive around, members that hold something
//! to call, and functions that are called as if they were members.

use rustc_hash::FxHashSet;

use super::arguments::{ArgumentType, CalledWith};
use super::evaluation::Evaluation;
use super::facts::{FactScopeId, FactScopeKind, NO_STEP, StepId, TextId};
use super::names::Denoted;
use super::overloads::OverloadAt;
use super::packages::{Sought, class_of, without_arity};
use super::rules::{ContainerRole, FileNo, MapRole};
use super::thing::{Thing, Things, joined, no_args};
use super::types::TypeEnv;
use super::view::{Item, NameNo, key, package_key};

/// Before the name of a function that can be called as a member: under that it is declared in its namespace once more.
pub(crate) const EXTENDING: &str = "this.";

/// Functions that are called, each with what it is called on.
type Called = Vec<(Item, Option<Thing>)>;

/// A name as a value: what it denotes, and what that can be.
#[derive(Default)]
struct ValueHere {
    denoted: Vec<Denoted>,
    things: Things,
}

impl<'w> Evaluation<'w> {
    /// The functions that a call means, with what they are called on; else what its name is as a value.
    pub(super) fn namespaced_method(
        &mut self,
        id: StepId,
        (of, text, scope): (StepId, TextId, FactScopeId),
        called: CalledWith,
    ) -> Things {
        let file = called.file;
        let name = self.world.view.name(file, text);
        let dot = if of == NO_STEP { "" } else { "." };
        let written = format!("{dot}{}", without_arity(self.world.view.text(name)));
        let (mut found, values) = match of {
            NO_STEP => self.called_here(scope, name, called),
            of => self.called_on(of, name, called),
        };
        if found.is_empty() && of != NO_STEP && values.denoted.is_empty() {
            found = self.extensions(of, scope, name, called);
        }
        let denoted: Vec<Denoted> = found.iter().map(|(item, _)| Denoted::Item(*item)).collect();
        self.note_all(file, id, &denoted, written.clone());
        self.note_all(file, id, &values.denoted, written);
        let functions = found.into_iter().map(|(item, receiver)| Thing::Function(item, receiver.map(Into::into)));
        let functions: Things = functions.collect();
        joined([functions, values.things])
    }

    /// A function of the block, class or `using static` around, the innermost.
    fn called_here(&mut self, scope: FactScopeId, name: NameNo, called: CalledWith) -> (Called, ValueHere) {
        let (world, file) = (self.world, called.file);
        let facts = world.view.facts(file);
        let mut at = Some(scope);
        while let Some((scope, entry)) = at.and_then(|scope| Some((scope, facts.scope(scope)?))) {
            at = entry.parent;
            match (entry.kind, entry.owner) {
                (FactScopeKind::Class, Some(binding)) => {
                    let class = self.whole(Item { file, binding });
                    let (found, values) = self.called_in(&Thing::Instance(class, no_args()), name, called);
                    if !found.is_empty() || !values.denoted.is_empty() {
                        return (found, values);
                    }
                }
                (FactScopeKind::Package(_), _) => {}
                (FactScopeKind::Module, _) => {
                    return (self.called_through_using(file, name, called), ValueHere::default());
                }
                _ => {
                    let functions = self.declared_as(file, scope, name, Sought::Method);
                    let variables = self.declared_as(file, scope, name, Sought::Variable);
                    if !functions.is_empty() || !variables.is_empty() {
                        let things: Vec<Things> =
                            variables.iter().map(|&item| self.variable(item, &TypeEnv::default())).collect();
                        let denoted = variables.into_iter().map(Denoted::Item).collect();
                        let found = functions.into_iter().map(|item| (item, None)).collect();
                        return (found, ValueHere { denoted, things: joined(things) });
                    }
                }
            }
        }
        (Called::new(), ValueHere::default())
    }

    fn called_through_using(&mut self, file: FileNo, name: NameNo, called: CalledWith) -> Called {
        let mut found = Called::new();
        for (giver, imports) in self.directives(file) {
            for import in imports {
                let facts = self.world.view.facts(giver);
                if facts.imports.get(import as usize).is_none_or(|fact| fact.is_type_only) {
                    continue;
                }
                for container in self.using_containers(giver, import) {
                    let Denoted::Item(class) = container else { continue };
                    let class = self.whole(class);
                    let items = self.overloads(class, &no_args(), name, called, 0);
                    found.extend(items.into_iter().map(|item| (item, Some(Thing::Class(class, no_args())))));
                }
            }
        }
        found
    }

    fn called_on(&mut self, of: StepId, name: NameNo, called: CalledWith) -> (Called, ValueHere) {
        let objects = self.value(called.file, of);
        let (mut found, mut values) = (Called::new(), ValueHere::default());
        for object in objects.iter() {
            let (more, value) = self.called_in(object, name, called);
            found.extend(more);
            values.denoted.extend(value.denoted);
            values.things = joined([values.things, value.things]);
        }
        (found, values)
    }

    /// The methods of a thing, else its member of that name, which holds something that can be called.
    fn called_in(&mut self, object: &Thing, name: NameNo, called: CalledWith) -> (Called, ValueHere) {
        let Some((class, args, skipped)) = class_of(object) else { return (Called::new(), ValueHere::default()) };
        let receiver = match object {
            Thing::Super(class) => Thing::Instance(*class, no_args()),
            other => other.clone(),
        };
        let items = self.overloads(class, &args, name, called, skipped);
        if !items.is_empty() {
            return (items.into_iter().map(|item| (item, Some(receiver.clone()))).collect(), ValueHere::default());
        }
        let Some(found) = self.find_sought(class, &args, name, skipped, Sought::Variable) else {
            return (Called::new(), ValueHere::default());
        };
        let things: Vec<Things> = found.items.iter().map(|&item| self.member_thing(item, &found, &receiver)).collect();
        let denoted = found.items.iter().copied().map(Denoted::Item).collect();
        (Called::new(), ValueHere { denoted, things: joined(things) })
    }

    /// The functions of the nearest namespaces that can be called as members of a value.
    fn extensions(&mut self, of: StepId, scope: FactScopeId, name: NameNo, called: CalledWith) -> Called {
        let file = called.file;
        let objects = self.value(file, of);
        if objects.iter().any(|object| matches!(object, Thing::Class(..) | Thing::Module(_) | Thing::Super(_))) {
            return Called::new();
        }
        let given = self.type_of_receiver(file, of, &objects);
        let extending = format!("{EXTENDING}{}", self.world.view.text(name));
        let known = self.world.view.known_name(&extending);
        let mut seen: FxHashSet<String> = FxHashSet::default();
        for level in self.namespaces_around(file, scope) {
            let mut candidates: Vec<OverloadAt> = Vec::new();
            for namespace in level.into_iter().filter(|namespace| seen.insert(namespace.clone())) {
                let package = package_key(&namespace);
                self.reads.insert(key(package, &[extending.as_bytes()]));
                let Some(known) = known.filter(|_| self.spend()) else { continue };
                let is_method = |item: &Item| self.world.view.binding(*item).is_some_and(|one| Sought::Method.is(one));
                candidates.extend(self.joint(package, known, file, is_method).into_iter().map(|item| (0, item)));
            }
            candidates.retain(|(_, item)| self.takes(*item, called.count).is_some());
            let best = self.best_receivers(candidates, &given);
            if !best.is_empty() {
                let receiver = objects.iter().next().cloned();
                let fitting = self.fitting(&best, called);
                return fitting.into_iter().map(|item| (item, receiver.clone())).collect();
            }
        }
        Called::new()
    }

    /// Those that take the receiver best.
    fn best_receivers(&mut self, candidates: Vec<OverloadAt>, given: &ArgumentType<'w>) -> Vec<OverloadAt> {
        let mut fits: Vec<(u32, OverloadAt)> = Vec::new();
        for candidate in candidates {
            let (_, item) = candidate;
            self.read_item(item);
            let ty = self.world.view.binding(item).and_then(|one| one.bases.first().copied()).unwrap_or(NO_STEP);
            let taken = self.written_type(item.file, ty);
            fits.extend(self.fit(given, &taken).map(|fit| (fit, candidate)));
        }
        let best = fits.iter().map(|(fit, _)| *fit).min();
        fits.into_iter().filter(|(fit, _)| Some(*fit) == best).map(|(_, candidate)| candidate).collect()
    }

    fn type_of_receiver(&mut self, file: FileNo, of: StepId, objects: &Things) -> ArgumentType<'w> {
        match self.argument_type(file, of, 0) {
            ArgumentType::Unknown => match (objects.iter().next(), objects.iter().nth(1)) {
                (Some(Thing::Instance(class, _)), None) => ArgumentType::Declared(*class),
                _ => ArgumentType::Unknown,
            },
            known => known,
        }
    }

    /// The namespaces whose extending functions a place sees, level by level from inside out.
    fn namespaces_around(&mut self, file: FileNo, scope: FactScopeId) -> Vec<Vec<String>> {
        let world = self.world;
        let facts = world.view.facts(file);
        let mut levels = Vec::new();
        let mut at = Some(scope);
        while let Some(entry) = at.and_then(|scope| facts.scope(scope)) {
            at = entry.parent;
            if let FactScopeKind::Package(text) = entry.kind {
                levels.push(vec![facts.text(text).to_owned()]);
            }
        }
        let mut brought = Vec::new();
        for (giver, imports) in self.directives(file) {
            for import in imports {
                let place = self.target_of(giver, import);
                let namespace = place.and_then(|place| world.project.package(place)).map(str::to_owned);
                brought.extend(namespace);
            }
        }
        levels.push(brought);
        levels
    }

    /// What a member of a container, or of a value that may be missing, gives: `Value`, `Result`, `Values`.
    pub(super) fn held_member(&mut self, object: &Thing, name: NameNo) -> Things {
        let name = self.world.view.text(name);
        if let Some(part) = self.map_part(object, name) {
            return part;
        }
        let Some(held) = held_in(object).filter(|_| self.world.rules.has_namespaces()) else { return Things::none() };
        match self.world.rules.container_role(name) {
            Some(ContainerRole::Held) => held,
            Some(ContainerRole::Same) => held.holder(),
            _ => Things::none(),
        }
    }

    /// What a member of a map, or of a pair, gives, called or not; `None`: it is that of any container.
    pub(super) fn map_part(&self, object: &Thing, member: &str) -> Option<Things> {
        let role = self.world.rules.map_role(member)?;
        match (object, role) {
            (Thing::Mapping(keys, _), MapRole::Keys) => Some(keys.clone().holder()),
            (Thing::Mapping(_, held), MapRole::Values) => Some(held.clone().holder()),
            (Thing::Mapping(_, held), MapRole::Value) => Some(held.clone()),
            (Thing::Tuple(parts), MapRole::Key) => parts.first().cloned(),
            (Thing::Tuple(parts), MapRole::Value) => parts.get(1).cloned(),
            _ => None,
        }
    }
}

/// What a container holds; a map holds pairs.
pub(super) fn held_in(thing: &Thing) -> Option<Things> {
    match thing {
        Thing::Holder(held) => Some(held.clone()),
        Thing::Mapping(keys, held) => Some(Things::one(Thing::Tuple([keys.clone(), held.clone()].into()))),
        _ => None,
    }
}
