//! Calls, and what iterating, indexing and entering call without saying so.

use super::evaluation::{Aspect, Evaluation, Found};
use super::extending::held_in;
use super::facts::{Argument, Binding, BindingKind, Flags, NO_STEP, Step, StepId};
use super::rules::{CallRole, ContainerRole, FileNo};
use super::thing::{Thing, Things, joined};
use super::types::TypeEnv;
use super::view::{Item, NameNo};

impl Evaluation<'_> {
    /// What a call gives. A call in the file itself notes its keyword arguments.
    pub(super) fn call(&mut self, file: FileNo, id: StepId, callee: StepId, args: &[Argument]) -> Things {
        let called = self.value(file, callee);
        let role = self.call_role(file, callee);
        if role == Some(CallRole::Cast)
            && let Some(first) = args.first()
        {
            return self.typed(file, first.value, &TypeEnv::default());
        }
        let line = self.world.view.facts(file).step_lines.get(id as usize).copied().unwrap_or_default();
        if file == self.own {
            for thing in called.iter() {
                self.note_keywords(thing, args, line);
            }
        }
        let all: Vec<Things> = called.iter().map(|thing| self.called(thing)).collect();
        if called.is_empty() { self.call_outside(file, callee, role, args) } else { joined(all) }
    }

    fn called(&mut self, thing: &Thing) -> Things {
        match thing {
            Thing::Class(class, args) => {
                self.note_constructor(*class, args);
                Things::one(Thing::Instance(*class, args.clone()))
            }
            Thing::Function(item, receiver) => self.result(*item, receiver.as_deref()),
            Thing::Instance(..) => {
                let names = self.world.rules.call_members();
                self.implied(thing, names).unwrap_or_default()
            }
            Thing::Callable(result) => result.clone(),
            _ => Things::none(),
        }
    }

    /// A function as its decorators leave it: an instance of a class, if one of them is known to make that of it.
    pub(super) fn decorated(&mut self, item: Item) -> Things {
        let plain = || Things::one(Thing::Function(item, None));
        let Some(binding) = self.world.view.binding(item).filter(|one| one.flags.has(Flags::WRAPPED)) else {
            return plain();
        };
        if let Some(known) = self.variables.get(&item) {
            return known.clone();
        }
        let made = self.once(item, Aspect::Value, |this| {
            this.read_item(item);
            let mut made = Things::none();
            for &decorator in binding.decorators.iter().rev() {
                let decorators = this.value(item.file, decorator);
                let results: Vec<Things> = decorators.iter().map(|decorator| this.called(decorator)).collect();
                let instances = joined(results);
                made = instances.iter().filter(|one| matches!(one, Thing::Instance(..))).cloned().collect();
            }
            made
        });
        let made = if made.is_empty() { plain() } else { made };
        if !self.is_busy(item, Aspect::Value) {
            self.variables.insert(item, made.clone());
        }
        made
    }

    fn note_constructor(&mut self, class: Item, args: &super::thing::TypeArgs) {
        for name in self.world.rules.constructors().iter().filter_map(|name| self.world.view.known_name(name)) {
            if let Some(found) = self.find_member(class, args, name, 0) {
                found.items.into_iter().for_each(|item| self.note_implied(item));
                return;
            }
        }
    }

    /// What a call of a member that is not written gives; `None`: the thing has none of these members.
    fn implied(&mut self, thing: &Thing, names: &[&str]) -> Option<Things> {
        let (class, args) = match thing {
            Thing::Instance(class, args) | Thing::Class(class, args) => (*class, args.clone()),
            _ => return None,
        };
        for name in names {
            let Some(name) = self.world.view.known_name(name) else { continue };
            let Some(found) = self.find_member(class, &args, name, 0) else { continue };
            let mut all = Vec::new();
            for item in found.items {
                self.note_implied(item);
                let kind = self.world.view.binding(item).map(|binding| binding.kind);
                if kind == Some(BindingKind::Function) {
                    all.push(self.result(item, Some(thing)));
                }
            }
            return Some(joined(all));
        }
        None
    }

    /// What a function gives when it is called through a receiver.
    pub(super) fn result(&mut self, item: Item, receiver: Option<&Thing>) -> Things {
        self.read_item(item);
        let Some(binding) = self.world.view.binding(item) else { return Things::none() };
        if binding.ty != NO_STEP {
            return self.once(item, Aspect::Result, |this| this.declared_result(item, binding, receiver));
        }
        if let Some(known) = self.results.get(&item) {
            return known.clone();
        }
        let things = self.once(item, Aspect::Result, |this| {
            let all: Vec<Things> = binding.values.iter().map(|&value| this.value(item.file, value)).collect();
            joined(all)
        });
        if !self.is_busy(item, Aspect::Result) {
            self.results.insert(item, things.clone());
        }
        things
    }

    fn declared_result(&mut self, item: Item, binding: &Binding, receiver: Option<&Thing>) -> Things {
        if let Some(receiver) = receiver
            && self.gives_receiver(item.file, binding)
        {
            return Things::one(receiver.clone());
        }
        let env = match receiver {
            Some(Thing::Instance(class, args) | Thing::Class(class, args)) => {
                self.inherited_env(*class, args, binding, item.file, receiver)
            }
            _ => TypeEnv { own: receiver.cloned(), args: Vec::new() },
        };
        let env = self.env_in(item.file, binding.scope, &env);
        self.typed(item.file, binding.ty, &env)
    }

    /// What type parameters of the class that declares a method stand for, seen from a receiver.
    fn inherited_env(
        &mut self,
        class: Item,
        args: &super::thing::TypeArgs,
        binding: &Binding,
        file: FileNo,
        receiver: Option<&Thing>,
    ) -> TypeEnv {
        let declaring = if self.world.rules.has_namespaces() {
            self.declaring(class, args, (file, binding.scope))
        } else {
            let name = self.world.view.name(file, binding.name);
            self.find_member(class, args, name, 0).map(|found| (found.class, found.args))
        };
        match declaring {
            Some((class, args)) => self.class_env(class, &args, receiver.cloned()),
            None => TypeEnv { own: receiver.cloned(), args: Vec::new() },
        }
    }

    /// `def f(self: T) -> T`: the result is what it is called on.
    fn gives_receiver(&self, file: FileNo, binding: &Binding) -> bool {
        let facts = self.world.view.facts(file);
        let first = binding.params.iter().filter_map(|&param| facts.binding(param));
        let first = first.filter(|param| param.kind == BindingKind::Parameter).map(|param| param.ty).next();
        let name = |step: StepId| match facts.step(step) {
            Some(Step::Name { text, .. }) => Some(*text),
            _ => None,
        };
        first.and_then(name).is_some_and(|first| name(binding.ty) == Some(first))
    }

    /// Keyword arguments are uses of parameters, or of the fields that a class is constructed of.
    fn note_keywords(&mut self, thing: &Thing, args: &[Argument], line: u32) {
        let named: Vec<NameNo> =
            args.iter().filter_map(|arg| arg.name).map(|name| self.world.view.name(self.own, name)).collect();
        if named.is_empty() {
            return;
        }
        match thing {
            Thing::Function(item, _) => self.note_parameters(*item, &named, line),
            Thing::Class(class, type_args) => {
                let constructors = self.world.rules.constructors();
                let names = constructors.iter().filter_map(|name| self.world.view.known_name(name));
                for name in names.collect::<Vec<_>>() {
                    if let Some(found) = self.find_member(*class, type_args, name, 0) {
                        found.items.iter().for_each(|&item| self.note_parameters(item, &named, line));
                        return;
                    }
                }
                for name in named {
                    let found = self.find_member(*class, type_args, name, 0);
                    for item in found.map(|found| found.items).unwrap_or_default() {
                        self.note_other(format!(".{}", self.world.view.text(name)), Found::Item(item), line);
                    }
                }
            }
            Thing::Instance(class, type_args) => {
                let names = self.world.rules.call_members().iter();
                for name in names.filter_map(|name| self.world.view.known_name(name)).collect::<Vec<_>>() {
                    let found = self.find_member(*class, type_args, name, 0);
                    for item in found.map(|found| found.items).unwrap_or_default() {
                        self.note_parameters(item, &named, line);
                    }
                }
            }
            _ => {}
        }
    }

    fn note_parameters(&mut self, function: Item, named: &[NameNo], line: u32) {
        self.read_item(function);
        let Some(binding) = self.world.view.binding(function) else { return };
        for &param in &binding.params {
            let item = Item { file: function.file, binding: param };
            let Some(param) = self.world.view.binding(item) else { continue };
            let collects = param.flags.has(Flags::VARIADIC) || param.flags.has(Flags::KEYWORDS);
            let name = self.world.view.name(function.file, param.name);
            if named.contains(&name) && !collects {
                self.note_other(format!("{}=", self.world.view.text(name)), Found::Parameter(item), line);
            }
        }
    }

    fn note_other(&mut self, written: String, found: Found, line: u32) {
        let is_other = match &found {
            Found::Item(item) | Found::Parameter(item) => item.file != self.own,
            _ => true,
        };
        if is_other {
            self.note(written, found, line);
        }
    }

    fn call_role(&self, file: FileNo, callee: StepId) -> Option<CallRole> {
        let facts = self.world.view.facts(file);
        match facts.step(callee)? {
            Step::Name { text, .. } => self.world.rules.call_role(facts.text(*text)),
            _ => None,
        }
    }

    /// A call of what the view does not define, judged by its name.
    fn call_outside(&mut self, file: FileNo, callee: StepId, role: Option<CallRole>, args: &[Argument]) -> Things {
        let values: Vec<Things> = args.iter().map(|arg| self.value(file, arg.value)).collect();
        let first = values.first().cloned().unwrap_or_default();
        match role {
            Some(CallRole::Collect) => return self.elements(&first).holder(),
            Some(CallRole::Pick) => return self.elements(&first),
            Some(CallRole::Same) => return first,
            Some(CallRole::Pairs) => {
                let parts: Vec<Things> = values.iter().map(|value| self.elements(value)).collect();
                return joined(parts).holder().holder();
            }
            Some(CallRole::Hold) => return joined(values).holder(),
            Some(CallRole::Cast) | None => {}
        }
        let view = &self.world.view;
        let Some(Step::Member { of, text }) = view.step(file, callee) else { return Things::none() };
        let Some(role) = self.world.rules.container_role(view.facts(file).text(*text)) else { return Things::none() };
        let objects = self.value(file, *of);
        let all = objects.iter().filter_map(|object| match (object, role) {
            (Thing::Holder(held), ContainerRole::Held) => Some(held.clone()),
            (Thing::Holder(_), ContainerRole::Same) => Some(Things::one(object.clone())),
            (Thing::Holder(_), ContainerRole::Pairs) => Some(Things::one(object.clone()).holder()),
            (Thing::Tuple(parts), ContainerRole::Held) => Some(joined(parts.iter().cloned())),
            _ => None,
        });
        joined(all.collect::<Vec<_>>())
    }

    /// What iterating things gives.
    pub(super) fn elements(&mut self, things: &Things) -> Things {
        let all: Vec<Things> = things.iter().map(|thing| self.element(thing)).collect();
        joined(all)
    }

    fn element(&mut self, thing: &Thing) -> Things {
        if self.world.rules.is_structural() {
            return self.structural_element(thing);
        }
        match thing {
            Thing::Holder(_) | Thing::Mapping(..) => held_in(thing).unwrap_or_default(),
            Thing::Tuple(parts) => joined(parts.iter().cloned()),
            Thing::Class(class, args) => Things::one(Thing::Instance(*class, args.clone())),
            Thing::Instance(..) => {
                let names = self.world.rules.element_members();
                let given = self.implied(thing, names).unwrap_or_default();
                let all: Vec<Things> = given
                    .iter()
                    .map(|one| match one {
                        Thing::Holder(held) => held.clone(),
                        Thing::Instance(..) if one != thing => {
                            let next = self.world.rules.next_members();
                            self.implied(one, next).unwrap_or_else(|| Things::one(one.clone()))
                        }
                        Thing::Instance(..) => {
                            let next = self.world.rules.next_members();
                            self.implied(one, next).unwrap_or_default()
                        }
                        other => Things::one(other.clone()),
                    })
                    .collect();
                joined(all)
            }
            _ => Things::none(),
        }
    }

    pub(super) fn indexed(&mut self, thing: &Thing) -> Things {
        match thing {
            Thing::Class(..) => Things::one(thing.clone()),
            Thing::Holder(held) | Thing::Mapping(_, held) => held.clone(),
            Thing::Tuple(parts) => joined(parts.iter().cloned()),
            Thing::Instance(..) => {
                let names = self.world.rules.index_members();
                self.implied(thing, names).unwrap_or_default()
            }
            _ => Things::none(),
        }
    }

    pub(super) fn entered(&mut self, thing: &Thing) -> Things {
        match thing {
            Thing::Holder(held) => held.clone(),
            Thing::Instance(..) => {
                let names = self.world.rules.enter_members();
                let given = self.implied(thing, names).unwrap_or_default();
                if given.is_empty() { Things::one(thing.clone()) } else { given }
            }
            _ => Things::none(),
        }
    }

    pub(super) fn slot(&mut self, thing: &Thing, at: u32) -> Things {
        match thing {
            Thing::Tuple(parts) => parts.get(at as usize).cloned().unwrap_or_default(),
            _ if self.world.rules.has_embedding() => Things::none(),
            other => self.element(other),
        }
    }
}
