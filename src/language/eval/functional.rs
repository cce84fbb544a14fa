//! Calls where types are nominal: what a method gives, with its type parameters bound by receiver and arguments, and what the parameters of
//! a lambda get by the method of the interface that is expected of it.

use super::arguments::CalledWith;
use super::evaluation::{Aspect, Evaluation};
use super::extending::held_in;
use super::facts::{Argument, Binding, BindingId, BindingKind, Flags, NO_STEP, Step, StepId};
use super::packages::{CONSTRUCTOR, Sought};
use super::rules::{CallRole, ContainerRole, FileNo};
use super::thing::{Thing, Things, TypeArgs, joined};
use super::types::TypeEnv;
use super::view::Item;

/// The name under which an interface binds its one method without a body once more.
pub(crate) const FUNCTIONAL: &str = "->";

/// Methods of a container whose callback gets two of what it holds.
const PAIRED: &[&str] = &["sort", "sorted", "reduce", "min", "max", "merge"];

/// A call: its arguments, and the type arguments that it writes.
struct CallHere<'a> {
    file: FileNo,
    args: &'a [Argument],
    explicit: &'a [StepId],
}

impl<'w> Evaluation<'w> {
    /// What a call gives.
    pub(super) fn packaged_call(&mut self, file: FileNo, callee: StepId, args: &[Argument]) -> Things {
        let (method, explicit) = self.method_of(file, callee);
        let functions = self.value(file, method);
        if functions.is_empty() {
            return self.library_call(file, method, args);
        }
        let called = CallHere { file, args, explicit };
        joined(functions.iter().map(|function| self.called_thing(function, &called)).collect::<Vec<_>>())
    }

    /// What is called, and the type arguments that are written behind its name.
    fn method_of(&self, file: FileNo, callee: StepId) -> (StepId, &'w [StepId]) {
        match self.world.view.step(file, callee) {
            Some(Step::Apply { base, args }) => (*base, args),
            _ => (callee, &[]),
        }
    }

    fn called_thing(&mut self, function: &Thing, called: &CallHere<'_>) -> Things {
        match function {
            Thing::Function(item, receiver) => self.method_result(*item, receiver.as_deref(), called),
            Thing::Callable(result) => result.clone(),
            // A value of a functional interface, where one is called by its own name.
            Thing::Instance(class, args) if self.world.rules.has_namespaces() => {
                let Some(name) = self.world.view.known_name(FUNCTIONAL) else { return Things::none() };
                let found = self.find_sought(*class, args, name, 0, Sought::Method);
                let items = found.map(|found| found.items).unwrap_or_default();
                joined(
                    items.into_iter().map(|item| self.method_result(item, Some(function), called)).collect::<Vec<_>>(),
                )
            }
            _ => Things::none(),
        }
    }

    fn method_result(&mut self, item: Item, receiver: Option<&Thing>, called: &CallHere<'_>) -> Things {
        self.read_item(item);
        let Some(binding) = self.world.view.binding(item) else { return Things::none() };
        if binding.ty == NO_STEP {
            // A lambda gives what it returns.
            return self.result(item, None);
        }
        let mut env = self.env_of_member(item, binding, receiver);
        env.args.extend(self.bound_by_arguments(item, binding, receiver, called));
        self.once(item, Aspect::Result, |this| this.typed(item.file, binding.ty, &env))
    }

    /// What the type parameters of the class that declares a member stand for, seen from a receiver.
    fn env_of_member(&mut self, item: Item, binding: &Binding, receiver: Option<&Thing>) -> TypeEnv {
        let Some(Thing::Instance(class, args) | Thing::Class(class, args)) = receiver else {
            return TypeEnv::default();
        };
        match self.declaring(*class, args, (item.file, binding.scope)) {
            Some((class, args)) => self.class_env(class, &args, None),
            None => TypeEnv::default(),
        }
    }

    /// What the method's own type parameters stand for, by what is written, by the arguments, `T` and `X<T>`, and by what is extended.
    fn bound_by_arguments(
        &mut self,
        item: Item,
        binding: &Binding,
        receiver: Option<&Thing>,
        called: &CallHere<'_>,
    ) -> Vec<(Item, Things)> {
        let world = self.world;
        let facts = world.view.facts(item.file);
        let params: Vec<(&Binding, BindingId)> =
            binding.params.iter().filter_map(|&param| Some((facts.binding(param)?, param))).collect();
        let generic: Vec<BindingId> =
            params.iter().filter(|(one, _)| one.kind == BindingKind::TypeParameter).map(|(_, id)| *id).collect();
        if generic.is_empty() {
            return Vec::new();
        }
        let mut bound: Vec<(Item, Things)> = Vec::new();
        for (&binding, &ty) in generic.iter().zip(called.explicit) {
            let given = self.typed(called.file, ty, &TypeEnv::default());
            if !given.is_empty() {
                bound.push((Item { file: item.file, binding }, given));
            }
        }
        self.bind_extended(item, binding, receiver, &mut bound);
        let values = params.iter().map(|(param, _)| param).filter(|param| param.kind == BindingKind::Parameter);
        for (param, arg) in values.zip(called.args) {
            self.bind_parameter(item, binding, param.ty, |this| this.value(called.file, arg.value), &mut bound);
        }
        bound
    }

    /// What the type parameters of an extending function stand for, by what it is called on.
    fn bind_extended(
        &mut self,
        item: Item,
        binding: &Binding,
        receiver: Option<&Thing>,
        bound: &mut Vec<(Item, Things)>,
    ) {
        if let (Some(&ty), Some(receiver)) = (binding.bases.first(), receiver)
            && binding.flags.has(Flags::EXTENSION)
        {
            self.bind_parameter(item, binding, ty, |_| Things::one(receiver.clone()), bound);
        }
    }

    fn bind_parameter(
        &mut self,
        item: Item,
        binding: &Binding,
        ty: StepId,
        given: impl FnOnce(&mut Self) -> Things,
        bound: &mut Vec<(Item, Things)>,
    ) {
        let (written, is_held) = match self.world.view.step(item.file, ty) {
            Some(Step::Apply { args, .. }) => (args.first().copied().unwrap_or(NO_STEP), true),
            _ => (ty, false),
        };
        let Some(parameter) = self.type_parameter(item, binding, written) else { return };
        let given = given(self);
        let given = if is_held { self.held_by(&given) } else { given };
        if !given.is_empty() && bound.iter().all(|(known, _)| *known != parameter) {
            bound.push((parameter, given));
        }
    }

    /// The type parameter of a method that a step of its file names.
    fn type_parameter(&self, item: Item, binding: &Binding, step: StepId) -> Option<Item> {
        let facts = self.world.view.facts(item.file);
        let Some(Step::Name { text, .. }) = facts.step(step) else { return None };
        let own = binding.params.iter().copied().find(|&param| {
            facts.binding(param).is_some_and(|one| one.kind == BindingKind::TypeParameter && one.name == *text)
        });
        own.map(|binding| Item { file: item.file, binding })
    }

    /// What containers hold, or generic classes have as their first argument; of a function, what it gives.
    fn held_by(&mut self, things: &Things) -> Things {
        let all: Vec<Things> = things
            .iter()
            .map(|thing| match thing {
                Thing::Holder(held) | Thing::Mapping(held, _) => held.clone(),
                Thing::Instance(_, args) => args.first().cloned().unwrap_or_default(),
                Thing::Function(item, receiver) => self.given_by(*item, receiver.as_deref()),
                _ => Things::none(),
            })
            .collect();
        joined(all)
    }

    /// What a callback gives.
    fn given_by(&mut self, item: Item, receiver: Option<&Thing>) -> Things {
        let is_constructor = self
            .world
            .view
            .binding(item)
            .is_some_and(|one| self.world.view.facts(item.file).text(one.name) == CONSTRUCTOR);
        match receiver {
            Some(Thing::Class(class, args) | Thing::Instance(class, args)) if is_constructor => {
                Things::one(Thing::Instance(*class, args.clone()))
            }
            _ => self.method_result(item, receiver, &CallHere { file: item.file, args: &[], explicit: &[] }),
        }
    }

    /// A call of what the view does not define, judged by its name.
    fn library_call(&mut self, file: FileNo, callee: StepId, args: &[Argument]) -> Things {
        let world = self.world;
        let facts = world.view.facts(file);
        let values: Vec<Things> = args.iter().map(|arg| self.value(file, arg.value)).collect();
        let first = values.first().cloned().unwrap_or_default();
        let Some(Step::Method { of, text, .. }) = facts.step(callee) else { return Things::none() };
        let name = facts.text(*text);
        let objects = self.value(file, *of);
        if objects.is_empty() {
            return match world.rules.call_role(name) {
                Some(CallRole::Same | CallRole::Collect) => first,
                Some(CallRole::Hold) => joined(values).holder(),
                _ => Things::none(),
            };
        }
        let Some(role) = world.rules.container_role(name) else { return Things::none() };
        let mut all = Vec::new();
        for object in objects.iter() {
            let part = self.map_part(object, name);
            let Some(held) = held_in(object).filter(|_| part.is_none()) else {
                all.extend(part);
                continue;
            };
            all.push(match role {
                ContainerRole::Held => held,
                ContainerRole::Same | ContainerRole::Pairs => held.holder(),
                ContainerRole::Mapped | ContainerRole::Flat => {
                    let given: Vec<Things> = first
                        .iter()
                        .map(|callback| match callback {
                            Thing::Function(item, receiver) => self.given_by(*item, receiver.as_deref()),
                            _ => Things::none(),
                        })
                        .collect();
                    let given = joined(given);
                    if role == ContainerRole::Flat { given } else { given.holder() }
                }
            });
        }
        joined(all)
    }

    /// What a parameter of a lambda, itself an argument of a call, gets.
    pub(super) fn packaged_expected(&mut self, file: FileNo, call: StepId, argument: u32, parameter: u32) -> Things {
        let world = self.world;
        match world.view.step(file, call) {
            Some(Step::Call { callee, .. }) => {
                let functions = self.value(file, *callee);
                if functions.is_empty() {
                    return self.held_for_callback(file, *callee, parameter);
                }
                let all: Vec<Things> = functions
                    .iter()
                    .map(|function| match function {
                        Thing::Function(item, receiver) => {
                            self.expected_of(*item, receiver.as_deref(), argument, parameter)
                        }
                        _ => Things::none(),
                    })
                    .collect();
                joined(all)
            }
            Some(Step::New { callee, args }) => {
                let made = self.typed(file, *callee, &TypeEnv::default());
                let constructors = self.constructors(&made, CalledWith { file, call, count: args.len() as u32 });
                let all: Vec<Things> = constructors
                    .into_iter()
                    .map(|(item, made)| self.expected_of(item, Some(&made), argument, parameter))
                    .collect();
                joined(all)
            }
            _ => Things::none(),
        }
    }

    /// What a container of the library gives to a callback.
    fn held_for_callback(&mut self, file: FileNo, callee: StepId, parameter: u32) -> Things {
        let facts = self.world.view.facts(file);
        let Some(Step::Method { of, text, .. }) = facts.step(self.method_of(file, callee).0) else {
            return Things::none();
        };
        if *of == NO_STEP || parameter > 0 && !PAIRED.contains(&facts.text(*text)) {
            return Things::none();
        }
        let objects = self.value(file, *of);
        joined(objects.iter().filter_map(held_in).collect::<Vec<_>>())
    }

    fn expected_of(&mut self, item: Item, receiver: Option<&Thing>, argument: u32, parameter: u32) -> Things {
        self.read_item(item);
        let world = self.world;
        let Some(binding) = world.view.binding(item) else { return Things::none() };
        let facts = world.view.facts(item.file);
        let params = binding.params.iter().filter_map(|&param| facts.binding(param));
        let params: Vec<&Binding> = params.filter(|param| param.kind == BindingKind::Parameter).collect();
        let Some(expected) = params.get(argument as usize).or(params.last()) else { return Things::none() };
        let mut env = self.env_of_member(item, binding, receiver);
        self.bind_extended(item, binding, receiver, &mut env.args);
        self.functional_parameter(item.file, expected.ty, &env, parameter)
    }

    /// What a parameter of a lambda of a written type gets; what a function that is called hands out through one of its own.
    pub(super) fn packaged_parameter(&mut self, file: FileNo, of: StepId, at: u32) -> Things {
        match self.world.view.step(file, of) {
            Some(Step::Typed(ty)) => self.functional_parameter(file, *ty, &TypeEnv::default(), at),
            _ if self.world.rules.has_namespaces() => self.handed_out(file, of, at),
            _ => Things::none(),
        }
    }

    fn handed_out(&mut self, file: FileNo, callee: StepId, at: u32) -> Things {
        let world = self.world;
        let (method, _) = self.method_of(file, callee);
        let functions = self.value(file, method);
        if functions.is_empty() {
            // `TryGetValue(key, out var value)`
            let facts = world.view.facts(file);
            let Some(Step::Method { of, text, .. }) = facts.step(method) else { return Things::none() };
            if *of == NO_STEP || !facts.text(*text).starts_with("Try") {
                return Things::none();
            }
            let objects = self.value(file, *of);
            let held = objects.iter().filter_map(|object| match object {
                Thing::Holder(held) | Thing::Mapping(_, held) => Some(held.clone()),
                _ => None,
            });
            return joined(held.collect::<Vec<_>>());
        }
        let mut all = Vec::new();
        for function in functions.iter() {
            let Thing::Function(item, receiver) = function else { continue };
            self.read_item(*item);
            let Some(binding) = world.view.binding(*item) else { continue };
            let facts = world.view.facts(item.file);
            let params = binding.params.iter().filter_map(|&param| facts.binding(param));
            let param = params.filter(|param| param.kind == BindingKind::Parameter).nth(at as usize);
            let mut env = self.env_of_member(*item, binding, receiver.as_deref());
            self.bind_extended(*item, binding, receiver.as_deref(), &mut env.args);
            all.extend(param.map(|param| self.typed(item.file, param.ty, &env)));
        }
        joined(all)
    }

    /// The type of a parameter of the method of a functional interface; of one of the library, its type argument at that place.
    fn functional_parameter(&mut self, file: FileNo, ty: StepId, env: &TypeEnv, at: u32) -> Things {
        let world = self.world;
        let written = self.typed(file, ty, env);
        let mut all = Vec::new();
        for thing in written.iter() {
            let Thing::Instance(class, args) = thing else { continue };
            let Some((class, args, method)) = self.abstract_method(*class, args) else { continue };
            let facts = world.view.facts(class.file);
            let params = method.params.iter().filter_map(|&param| facts.binding(param));
            let param = params.filter(|param| param.kind == BindingKind::Parameter).nth(at as usize);
            let env = self.class_env(class, &args, None);
            all.extend(param.map(|param| self.typed(class.file, param.ty, &env)));
        }
        let is_outside = !written.iter().any(|thing| matches!(thing, Thing::Instance(..)));
        if let Some(Step::Apply { args, .. }) = world.view.step(file, ty).filter(|_| is_outside) {
            let arg = args.get(at as usize).or(args.first()).copied().unwrap_or(NO_STEP);
            all.push(self.typed(file, arg, env));
        }
        joined(all)
    }

    /// The one method of an interface that has no body.
    fn abstract_method(&mut self, class: Item, args: &TypeArgs) -> Option<(Item, TypeArgs, &'w Binding)> {
        let world = self.world;
        let found = self.find_sought(class, args, world.view.known_name(FUNCTIONAL)?, 0, Sought::Method)?;
        let method = world.view.binding(*found.items.first()?)?;
        self.note_method(found.class, method);
        Some((found.class, found.args, method))
    }

    /// Notes the method of an interface that a lambda stands for, under the name that it has.
    fn note_method(&mut self, class: Item, method: &Binding) {
        let world = self.world;
        let scope = world.view.binding(class).and_then(|class| class.inner);
        let (Some(scope), Some(entry)) = (scope, world.view.file(class.file)) else { return };
        let is_same = |item: &Item| {
            let same = |one: &Binding| {
                one.kind == BindingKind::Function
                    && one.flags.has(Flags::ABSTRACT)
                    && (one.ty, &one.params) == (method.ty, &method.params)
            };
            world.view.symbol(*item).is_some() && world.view.binding(*item).is_some_and(same)
        };
        let members = entry.declared_in(scope).map(|(_, binding)| Item { file: class.file, binding });
        for item in members.filter(is_same) {
            self.read_item(item);
            self.note_implied(item);
        }
    }
}
