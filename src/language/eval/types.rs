//! Written types: what values of them can be.

use super::evaluation::{Aspect, Evaluation};
use super::facts::{Binding, BindingKind, FactScopeId, NO_STEP, Step, StepId};
use super::members::index_parts;
use super::names::Denoted;
use super::rules::{FileNo, TypeRole};
use super::thing::{Thing, Things, joined, no_args};
use super::values::classes;
use super::view::Item;

/// What a type means where it is used: whose `Self` it is, and what type parameters stand for.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub(super) struct TypeEnv {
    pub own: Option<Thing>,
    pub args: Vec<(Item, Things)>,
}

impl TypeEnv {
    pub fn is_plain(&self) -> bool {
        self.own.is_none() && self.args.is_empty()
    }
}

impl Evaluation<'_> {
    /// What a value of the written type can be.
    pub(super) fn typed(&mut self, file: FileNo, ty: StepId, env: &TypeEnv) -> Things {
        if ty == NO_STEP {
            return Things::none();
        }
        let is_plain = env.is_plain();
        if let Some(known) = self.types.get(&(file, ty)).filter(|_| is_plain) {
            return known.clone();
        }
        let (things, is_complete) = self.complete(|this| this.deeper(|this| this.typed_of_kind(file, ty, env)));
        if is_plain && is_complete {
            self.types.insert((file, ty), things.clone());
        }
        things
    }

    fn typed_of_kind(&mut self, file: FileNo, id: StepId, env: &TypeEnv) -> Things {
        let Some(step) = self.world.view.step(file, id) else { return Things::none() };
        match step {
            Step::Name { .. } | Step::Member { .. } => self.named_type(file, id, env),
            Step::Apply { base, args } => self.applied(file, *base, args, env),
            Step::Index { of, index } => {
                let args = index_parts(self.world.view.step(file, *index), *index);
                self.applied(file, *of, &args, env)
            }
            Step::Union(parts) | Step::OneOf(parts) => {
                let all: Vec<Things> = parts.iter().map(|&part| self.typed(file, part, env)).collect();
                joined(all)
            }
            Step::Narrowed { of, .. } => self.typed(file, *of, env),
            Step::Record(scope) if !self.world.rules.is_structural() => Things::one(Thing::Record(file, *scope)),
            Step::TypeOf(of) => self.value(file, *of),
            Step::Typed(of) => self.typed(file, *of, env),
            Step::Class(binding) => Things::one(Thing::Instance(Item { file, binding: *binding }, no_args())),
            _ if self.world.rules.is_structural() => self.structural_type(file, id, env),
            _ => Things::none(),
        }
    }

    fn named_type(&mut self, file: FileNo, id: StepId, env: &TypeEnv) -> Things {
        let denoted = self.denoted(file, id);
        let is_own = match self.world.view.step(file, id) {
            Some(Step::Name { text, .. } | Step::Member { text, .. }) => {
                self.world.rules.is_own_type(self.world.view.facts(file).text(*text))
            }
            _ => false,
        };
        if is_own && let Some(own) = &env.own {
            return match own {
                Thing::Class(class, args) => Things::one(Thing::Instance(*class, args.clone())),
                own => Things::one(own.clone()),
            };
        }
        let all: Vec<Things> = denoted
            .into_iter()
            .map(|one| match one {
                Denoted::Item(item) => self.item_type(item, env),
                Denoted::Module(_) => Things::none(),
            })
            .collect();
        joined(all)
    }

    /// What values of the type that an item names can be.
    pub(super) fn item_type(&mut self, item: Item, env: &TypeEnv) -> Things {
        let Some(binding) = self.world.view.binding(item) else { return Things::none() };
        match binding.kind {
            BindingKind::Class | BindingKind::Interface | BindingKind::Enum => {
                Things::one(Thing::Instance(self.whole(item), no_args()))
            }
            BindingKind::Alias => self.alias_type(item, env),
            BindingKind::Variable => self.once(item, Aspect::Type, |this| this.variable_type(item, binding, env)),
            BindingKind::TypeParameter => {
                // Where nothing is known of what a wildcard stands for, its bound is.
                let is_wild = |known: &Things| known.is_empty() && self.world.rules.is_packaged();
                if let Some((_, known)) = env.args.iter().find(|(param, known)| *param == item && !is_wild(known)) {
                    return known.clone();
                }
                self.once(item, Aspect::Type, |this| {
                    this.read_item(item);
                    // Its bound, else its default.
                    let written = if binding.bases.is_empty() { &binding.values } else { &binding.bases };
                    let all: Vec<Things> =
                        written.iter().map(|&bound| this.typed(item.file, bound, &TypeEnv::default())).collect();
                    joined(all)
                })
            }
            BindingKind::Function | BindingKind::Parameter | BindingKind::Namespace | BindingKind::Import(_) => {
                Things::none()
            }
        }
    }

    /// What an alias stands for.
    pub(super) fn alias_type(&mut self, item: Item, env: &TypeEnv) -> Things {
        if let Some(known) = self.aliases.get(&item).and_then(|known| known.get(env)) {
            return known.clone();
        }
        let Some(binding) = self.world.view.binding(item) else { return Things::none() };
        let stands_for = |this: &mut Self| {
            this.read_item(item);
            let all: Vec<Things> = binding.values.iter().map(|&value| this.typed(item.file, value, env)).collect();
            joined(all)
        };
        let (things, is_complete) = self.complete(|this| this.once(item, Aspect::Type, stands_for));
        if is_complete {
            self.aliases.entry(item).or_default().insert(env.clone(), things.clone());
        }
        things
    }

    /// A variable in the place of a type is an alias that nothing marks as one: `A = B`, `A = Union[B, C]`, `A = make_class()`.
    fn variable_type(&mut self, item: Item, binding: &Binding, env: &TypeEnv) -> Things {
        self.read_item(item);
        let mut all = Vec::new();
        for &value in &binding.values {
            let written = self.typed(item.file, value, env);
            if written.is_empty() {
                let made = self.value(item.file, value);
                all.push(super::values::instances(&made));
            } else {
                all.push(written);
            }
        }
        if binding.values.is_empty() && binding.ty != NO_STEP {
            // `A: type[B]`
            let declared = self.typed(item.file, binding.ty, env);
            all.push(super::values::instances(&declared));
        }
        joined(all)
    }

    /// `base[args]`
    fn applied(&mut self, file: FileNo, base: StepId, args: &[StepId], env: &TypeEnv) -> Things {
        if self.world.rules.is_structural()
            && let Some(things) = self.structural_generic(file, base, args, env)
        {
            return things;
        }
        let facts = self.world.view.facts(file);
        let name = match facts.step(base) {
            Some(Step::Name { text, .. } | Step::Member { text, .. }) => facts.text(*text),
            _ => "",
        };
        let role = self.world.rules.type_role(name);
        let each = |this: &mut Self, args: &[StepId]| -> Vec<Things> {
            args.iter().map(|&arg| this.typed(file, arg, env)).collect()
        };
        let at = |at: u32| args.get(at as usize).copied().unwrap_or(NO_STEP);
        match role {
            Some(TypeRole::AnyOf) => return joined(each(self, args)),
            Some(TypeRole::First) => return self.typed(file, at(0), env),
            Some(TypeRole::Plain(place)) => return self.typed(file, at(place), env),
            Some(TypeRole::ClassOf) => {
                let of = self.typed(file, at(0), env);
                return classes(&of);
            }
            Some(TypeRole::Function) => {
                let result = self.typed(file, args.last().copied().unwrap_or(NO_STEP), env);
                return if result.is_empty() { result } else { Things::one(Thing::Callable(result)) };
            }
            Some(TypeRole::Opaque) => return Things::none(),
            _ => {}
        }
        let head = self.typed(file, base, env);
        if !head.is_empty() {
            let args: std::rc::Rc<[Things]> = each(self, args).into();
            let with_args = |thing: &Thing| match thing {
                Thing::Instance(class, _) => Thing::Instance(*class, args.clone()),
                other => other.clone(),
            };
            return head.iter().map(with_args).collect();
        }
        let held = match role {
            Some(TypeRole::Tuple) if !(args.len() == 2 && at(1) == NO_STEP) => {
                return Things::one(Thing::Tuple(each(self, args).into()));
            }
            Some(TypeRole::Mapping) => {
                let (keys, held) = (self.typed(file, at(0), env), self.typed(file, at(1), env));
                let is_known = !keys.is_empty() || !held.is_empty();
                return if is_known { Things::one(Thing::Mapping(keys, held)) } else { Things::none() };
            }
            Some(TypeRole::ContainerOf(from)) => args.get(from as usize..).unwrap_or_default(),
            Some(TypeRole::ContainerOfOnly(only)) => {
                args.get(only as usize..).and_then(|rest| rest.get(..1)).unwrap_or_default()
            }
            _ => args,
        };
        joined(each(self, held)).holder()
    }

    /// The environment of a type that is written in a scope: `Self` is the class around it, if nothing better is known.
    pub(super) fn env_in(&mut self, file: FileNo, scope: FactScopeId, env: &TypeEnv) -> TypeEnv {
        let own =
            env.own.clone().or_else(|| self.class_around(file, scope).map(|class| Thing::Instance(class, no_args())));
        TypeEnv { own, args: env.args.clone() }
    }
}
