//! Written types where types are structural: literals, functions, generic aliases.

use std::rc::Rc;

use super::evaluation::Evaluation;
use super::facts::{BindingKind, NO_STEP, Step, StepId};
use super::names::Denoted;
use super::rules::FileNo;
use super::thing::{Thing, Things, joined};
use super::types::TypeEnv;
use super::view::Item;

impl Evaluation<'_> {
    /// What a value of a written type can be, for the types that only structural languages write.
    pub(super) fn structural_type(&mut self, file: FileNo, id: StepId, env: &TypeEnv) -> Things {
        let Some(step) = self.world.view.step(file, id) else { return Things::none() };
        let each = |this: &mut Self, parts: &[StepId]| -> Vec<Things> {
            parts.iter().map(|&part| this.typed(file, part, env)).collect()
        };
        match step {
            Step::List(parts) => joined(each(self, parts)).holder(),
            Step::Tuple(parts) => Things::one(Thing::Tuple(each(self, parts).into())),
            Step::Signature { .. } => Things::one(Thing::Signature(file, id, Rc::new(env.clone()))),
            Step::Record(scope) if env.is_plain() => Things::one(Thing::Record(file, *scope)),
            Step::Record(scope) => Things::one(Thing::Shape(file, *scope, Rc::new(env.clone()))),
            Step::This(scope) => match &env.own {
                Some(own) => Things::one(own.clone()),
                None => self.structural_this(file, *scope),
            },
            Step::Key { of, text } => {
                let name = self.world.view.name(file, *text);
                let objects = self.type_inside(file, *of, env);
                let all: Vec<Things> = objects.iter().map(|object| self.structural_member(object, name)).collect();
                joined(all)
            }
            Step::Element(of) => {
                let of = self.type_inside(file, *of, env);
                self.elements(&of)
            }
            Step::Keys(of) => {
                let of = self.type_inside(file, *of, env);
                self.keys(&of)
            }
            Step::Mapping { key, value } => {
                let keys = self.typed(file, *key, env);
                let held = self.typed(file, *value, env);
                Things::one(Thing::Mapping(keys, held))
            }
            _ => Things::none(),
        }
    }

    /// The type of which an index takes a part, where type parameters may mean something.
    fn type_inside(&mut self, file: FileNo, of: StepId, env: &TypeEnv) -> Things {
        match self.world.view.step(file, of) {
            Some(Step::Typed(ty)) => self.typed(file, *ty, env),
            _ => self.value(file, of),
        }
    }

    /// `Name<args>`; none if nothing in the view has the name.
    pub(super) fn structural_generic(
        &mut self,
        file: FileNo,
        base: StepId,
        args: &[StepId],
        env: &TypeEnv,
    ) -> Option<Things> {
        let denoted = self.denoted(file, base);
        if denoted.is_empty() {
            return self.generic_outside(file, base, args, env);
        }
        let given: Vec<Things> = args.iter().map(|&arg| self.typed(file, arg, env)).collect();
        let all: Vec<Things> = denoted
            .into_iter()
            .filter_map(|one| match one {
                Denoted::Item(item) => Some(self.generic_item(item, &given, env)),
                Denoted::Module(_) => None,
            })
            .collect();
        Some(joined(all))
    }

    fn generic_item(&mut self, item: Item, given: &[Things], env: &TypeEnv) -> Things {
        let Some(binding) = self.world.view.binding(item) else { return Things::none() };
        match binding.kind {
            BindingKind::Class | BindingKind::Interface => Things::one(Thing::Instance(item, given.to_vec().into())),
            BindingKind::Alias => {
                let params = binding.params.iter().map(|&binding| Item { file: item.file, binding });
                let args = params.zip(given.iter().cloned()).collect();
                self.alias_type(item, &TypeEnv { own: env.own.clone(), args })
            }
            _ => self.item_type(item, env),
        }
    }

    /// Generic types that the language brings along and that are made of what they are given.
    fn generic_outside(&mut self, file: FileNo, base: StepId, args: &[StepId], env: &TypeEnv) -> Option<Things> {
        let Some(Step::Name { text, .. }) = self.world.view.step(file, base) else { return None };
        let first = |this: &mut Self| this.typed(file, args.first().copied().unwrap_or(NO_STEP), env);
        Some(match self.world.view.facts(file).text(*text) {
            "ReturnType" => {
                let functions = first(self);
                joined(functions.iter().map(|function| self.results_of(function)).collect::<Vec<_>>())
            }
            "InstanceType" => {
                let classes = first(self);
                super::values::instances(&classes)
            }
            "Awaited" => {
                let promises = first(self);
                self.awaited(&promises)
            }
            _ => return None,
        })
    }

    /// What iterating or indexing a thing gives, where that is by its shape.
    pub(super) fn structural_element(&mut self, thing: &Thing) -> Things {
        if self.world.rules.has_embedding() {
            return self.embedded_element(thing, false);
        }
        match thing {
            Thing::Holder(held) => held.clone(),
            Thing::Tuple(parts) => joined(parts.iter().cloned()),
            Thing::Instance(..) | Thing::Record(..) | Thing::Shape(..) => {
                let Some(name) = self.world.view.known_name("[]") else { return Things::none() };
                self.structural_member(thing, name)
            }
            _ => Things::none(),
        }
    }
}
