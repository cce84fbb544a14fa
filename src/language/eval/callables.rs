//! What can be called where types are structural: parameters, results, and what a callback is given.

use super::evaluation::{Aspect, Evaluation};
use super::facts::{Argument, Binding, BindingId, BindingKind, Flags, NO_STEP, Step, StepId};
use super::names::Denoted;
use super::rules::FileNo;
use super::thing::{Thing, Things, joined};
use super::types::TypeEnv;
use super::view::Item;

/// Names of the members by which an object is called and constructed.
const CALLED: &str = "()";
const CONSTRUCTED: &str = "new()";

impl Evaluation<'_> {
    /// What a call, or `new`, gives.
    pub(super) fn structural_call(&mut self, file: FileNo, callee: StepId, args: &[Argument], is_new: bool) -> Things {
        let called = self.value(file, callee);
        let values: Vec<Things> = args.iter().map(|arg| self.value(file, arg.value)).collect();
        if called.is_empty() {
            return self.called_outside(file, callee, &values);
        }
        let all: Vec<Things> = called
            .iter()
            .map(|thing| match (thing, is_new) {
                (Thing::HolderMember(held, name), false) => {
                    let name = self.world.view.text(*name).to_owned();
                    self.holder_call(held, &name, values.first())
                }
                (_, true) => self.constructed(thing),
                (_, false) => self.results_of(thing),
            })
            .collect();
        joined(all)
    }

    /// What calling a member of an array, set, map or promise gives.
    fn holder_call(&mut self, held: &Things, name: &str, first: Option<&Things>) -> Things {
        match name {
            "map" | "flatMap" | "then" => {
                let callbacks = first.cloned().unwrap_or_default();
                let results: Vec<Things> = callbacks.iter().map(|callback| self.results_of(callback)).collect();
                let results = joined(results);
                let is_flat = name != "map";
                let results = if is_flat { self.awaited(&results) } else { results };
                if results.is_empty() && name == "then" { held.clone().holder() } else { results.holder() }
            }
            "get" | "pop" | "shift" | "find" | "findLast" | "at" | "next" | "reduce" => held.clone(),
            "filter" | "slice" | "concat" | "reverse" | "sort" | "values" | "catch" | "finally" | "flat" | "add"
            | "set" | "splice" | "toSorted" | "toReversed" => held.clone().holder(),
            _ => Things::none(),
        }
    }

    /// What promises will give, and other things as they are.
    pub(super) fn awaited(&mut self, things: &Things) -> Things {
        joined(things.iter().map(|thing| match thing {
            Thing::Holder(held) => held.clone(),
            other => Things::one(other.clone()),
        }))
    }

    /// A call of what the language brings along.
    fn called_outside(&mut self, file: FileNo, callee: StepId, values: &[Things]) -> Things {
        let Some(Step::Member { of, text }) = self.world.view.step(file, callee) else { return Things::none() };
        let Some(Step::Name { text: owner, .. }) = self.world.view.step(file, *of) else { return Things::none() };
        let facts = self.world.view.facts(file);
        let first = values.first().cloned().unwrap_or_default();
        match (facts.text(*owner), facts.text(*text)) {
            ("Object", "freeze" | "seal" | "values" | "create") | ("Array", "from") => first,
            ("Object", "assign") => joined(values.iter().cloned()),
            ("Promise", "resolve") => self.awaited(&first).holder(),
            ("Promise", "all" | "race" | "any") => {
                let elements = self.elements(&first);
                let given = self.awaited(&elements);
                if facts.text(*text) == "all" { given.holder().holder() } else { given.holder() }
            }
            _ => Things::none(),
        }
    }

    /// What calling a thing gives.
    pub(super) fn results_of(&mut self, thing: &Thing) -> Things {
        self.deeper(|this| this.results_of_kind(thing))
    }

    fn results_of_kind(&mut self, thing: &Thing) -> Things {
        match thing {
            Thing::Function(item, receiver) => self.structural_result(*item, receiver.as_deref()),
            Thing::Callable(result) => result.clone(),
            Thing::Signature(file, step, env) => match self.world.view.step(*file, *step) {
                Some(Step::Signature { result, .. }) => self.typed(*file, *result, env),
                _ => Things::none(),
            },
            Thing::Instance(..) | Thing::Shape(..) | Thing::Record(..) => self.result_by_member(thing, CALLED),
            Thing::Module(place) => {
                let whole = self.whole_of(*place);
                joined(whole.iter().map(|thing| self.results_of(thing)).collect::<Vec<_>>())
            }
            _ => Things::none(),
        }
    }

    fn constructed(&mut self, thing: &Thing) -> Things {
        self.deeper(|this| this.constructed_of_kind(thing))
    }

    fn constructed_of_kind(&mut self, thing: &Thing) -> Things {
        match thing {
            Thing::Class(item, args) => {
                let is_class = self.world.view.binding(*item).is_some_and(|one| one.kind == BindingKind::Class);
                if is_class { Things::one(Thing::Instance(*item, args.clone())) } else { Things::none() }
            }
            Thing::Instance(..) | Thing::Shape(..) | Thing::Record(..) => self.result_by_member(thing, CONSTRUCTED),
            Thing::Module(place) => {
                let whole = self.whole_of(*place);
                joined(whole.iter().map(|thing| self.constructed(thing)).collect::<Vec<_>>())
            }
            _ => Things::none(),
        }
    }

    fn result_by_member(&mut self, thing: &Thing, name: &str) -> Things {
        let Some(name) = self.world.view.known_name(name) else { return Things::none() };
        let found = self.structural_members(thing, name);
        let all: Vec<Things> = found
            .into_iter()
            .filter_map(|(one, env)| match one {
                Denoted::Item(item) => Some(self.declared_in(item, &env)),
                Denoted::Module(_) => None,
            })
            .collect();
        joined(all)
    }

    /// The declared result of a function, with what type parameters mean there.
    pub(super) fn declared_in(&mut self, item: Item, env: &TypeEnv) -> Things {
        self.read_item(item);
        let Some(binding) = self.world.view.binding(item) else { return Things::none() };
        if binding.ty == NO_STEP {
            return self.result(item, None);
        }
        self.once(item, Aspect::Result, |this| this.typed(item.file, binding.ty, env))
    }

    /// What a function gives when it is called through a receiver.
    pub(super) fn structural_result(&mut self, item: Item, receiver: Option<&Thing>) -> Things {
        let Some(binding) = self.world.view.binding(item) else { return Things::none() };
        if binding.ty == NO_STEP {
            return self.result(item, receiver);
        }
        let env = self.env_through(item, receiver);
        self.declared_in(item, &env)
    }

    /// What type parameters and `this` mean in a function that was reached through a receiver.
    fn env_through(&mut self, item: Item, receiver: Option<&Thing>) -> TypeEnv {
        let Some(receiver) = receiver else { return TypeEnv::default() };
        let Some(binding) = self.world.view.binding(item) else { return TypeEnv::default() };
        let name = self.world.view.name(item.file, binding.name);
        let found = self.structural_members(receiver, name);
        let here = found.into_iter().find(|(one, _)| *one == Denoted::Item(item));
        let mut env = here.map(|(_, env)| env).unwrap_or_default();
        env.own = Some(receiver.clone());
        env
    }

    /// What is expected of an argument of a call of a thing.
    pub(super) fn expected_argument(&mut self, thing: &Thing, at: u32) -> Things {
        self.deeper(|this| this.expected_of_kind(thing, at))
    }

    fn expected_of_kind(&mut self, thing: &Thing, at: u32) -> Things {
        match thing {
            Thing::Function(item, receiver) => {
                let env = self.env_through(*item, receiver.as_deref());
                self.parameter_type(*item, &env, at)
            }
            Thing::Class(item, args) => self.constructor_argument(*item, args, at, 0),
            Thing::Instance(..) | Thing::Shape(..) | Thing::Record(..) => {
                let Some(name) = self.world.view.known_name(CALLED) else { return Things::none() };
                let found = self.structural_members(thing, name);
                let all: Vec<Things> = found
                    .into_iter()
                    .filter_map(|(one, env)| match one {
                        Denoted::Item(item) => Some(self.parameter_type(item, &env, at)),
                        Denoted::Module(_) => None,
                    })
                    .collect();
                joined(all)
            }
            Thing::Signature(file, step, env) => match self.world.view.step(*file, *step) {
                Some(Step::Signature { params, .. }) => {
                    let ty = params.get(at as usize).copied().unwrap_or(NO_STEP);
                    self.typed(*file, ty, env)
                }
                _ => Things::none(),
            },
            Thing::HolderMember(held, name) if at == 0 => {
                let is_pair = matches!(self.world.view.text(*name), "sort" | "toSorted" | "reduce");
                Things::one(Thing::Callback(held.clone(), is_pair))
            }
            Thing::Callback(held, is_pair) if at == 0 || *is_pair && at == 1 => held.clone(),
            Thing::Module(place) => {
                let whole = self.whole_of(*place);
                joined(whole.iter().map(|thing| self.expected_argument(thing, at)).collect::<Vec<_>>())
            }
            _ => Things::none(),
        }
    }

    fn constructor_argument(&mut self, class: Item, args: &super::thing::TypeArgs, at: u32, depth: u32) -> Things {
        const BASES_DEEP: u32 = 10;
        let Some(binding) = self.world.view.binding(class) else { return Things::none() };
        let own = binding.inner.zip(self.world.view.known_name("constructor")).map_or(Vec::new(), |(scope, name)| {
            self.read_scope(class.file, scope, name);
            self.declared(class.file, scope, name, super::facts::NameSpace::Any)
        });
        if !own.is_empty() {
            let env = self.class_env(class, args, None);
            let all: Vec<Things> = own.into_iter().map(|item| self.parameter_type(item, &env, at)).collect();
            return joined(all);
        }
        if depth == BASES_DEEP {
            return Things::none();
        }
        let bases = self.structural_bases(class, args);
        for base in bases.iter() {
            if let Thing::Instance(base, args) = base {
                let found = self.constructor_argument(*base, args, at, depth + 1);
                if !found.is_empty() {
                    return found;
                }
            }
        }
        Things::none()
    }

    /// The declared type of a parameter.
    pub(super) fn parameter_type(&mut self, function: Item, env: &TypeEnv, at: u32) -> Things {
        self.read_item(function);
        let Some(binding) = self.world.view.binding(function) else { return Things::none() };
        let facts = self.world.view.facts(function.file);
        let item = |binding: BindingId| Item { file: function.file, binding };
        let params = binding.params.iter().filter_map(|&param| Some((item(param), facts.binding(param)?)));
        let params: Vec<(Item, &Binding)> = params.filter(|(_, one)| one.kind == BindingKind::Parameter).collect();
        let last = params.last().filter(|(_, last)| last.flags.has(Flags::VARIADIC));
        match params.get(at as usize).filter(|(_, param)| !param.flags.has(Flags::VARIADIC)) {
            // One without a type is like its default.
            Some((item, param)) if param.ty == NO_STEP => self.variable(*item, &TypeEnv::default()),
            Some((_, param)) => self.typed(function.file, param.ty, env),
            None => match last {
                Some((_, rest)) => {
                    let all = self.typed(function.file, rest.ty, env);
                    self.elements(&all)
                }
                None => Things::none(),
            },
        }
    }
}
