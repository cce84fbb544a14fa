//! Values where types embed others: members by the nearest embedding, named types and what they are made of, generic functions (Go).

use rustc_hash::FxHashSet;

use super::evaluation::{Aspect, Evaluation};
use super::facts::{Argument, Binding, BindingKind, FactScopeId, Flags, NO_STEP, NameSpace, Step, StepId, TextId};
use super::names::Denoted;
use super::rules::{CallRole, ContainerRole, FileNo};
use super::structural::MemberHere;
use super::thing::{Thing, Things, TypeArgs, joined};
use super::types::TypeEnv;
use super::view::{Item, NameNo};

/// Embeddings inside each other that are searched for a member.
const EMBEDDED_DEEP: u32 = 12;

impl<'w> Evaluation<'w> {
    /// A member of a type: its own, else that of what it embeds, the nearest first.
    pub(super) fn promoted(&mut self, item: Item, args: &TypeArgs, name: NameNo) -> Vec<MemberHere> {
        let mut level = vec![(item, args.clone())];
        let mut seen: FxHashSet<Item> = FxHashSet::from_iter([item]);
        for _ in 0..EMBEDDED_DEEP {
            let mut found = Vec::new();
            for (item, args) in &level {
                found.extend(self.own_members(*item, args, name));
            }
            let mut below = Vec::new();
            if found.is_empty() {
                for (item, args) in &level {
                    for thing in self.embedded_in(*item, args) {
                        match thing {
                            Thing::Instance(item, args) if seen.insert(item) => below.push((item, args)),
                            Thing::Instance(..) => {}
                            other => found.extend(self.structural_members(&other, name)),
                        }
                    }
                }
            }
            if !found.is_empty() || below.is_empty() || !self.spend() {
                return found;
            }
            level = below;
        }
        Vec::new()
    }

    fn own_members(&mut self, item: Item, args: &TypeArgs, name: NameNo) -> Vec<MemberHere> {
        let Some(scope) = self.world.view.binding(item).and_then(|binding| binding.inner) else { return Vec::new() };
        self.read_scope(item.file, scope, name);
        let members = self.declared(item.file, scope, name, NameSpace::Any);
        let mut found = Vec::new();
        for member in members {
            let Some(binding) = self.world.view.binding(member) else { continue };
            if binding.kind != BindingKind::TypeParameter {
                let env = self.member_env(item, args, member, binding);
                found.push((Denoted::Item(member), env));
            }
        }
        found
    }

    /// What type parameters mean in a member: a method names those of its receiver anew.
    fn member_env(&mut self, class: Item, args: &TypeArgs, member: Item, binding: &Binding) -> TypeEnv {
        let mut env = self.class_env(class, args, None);
        if binding.kind == BindingKind::Function {
            let own = self.parameters_of(member, binding, BindingKind::TypeParameter);
            env.args.extend(own.into_iter().map(|(item, _)| item).zip(args.iter().cloned()));
        }
        env
    }

    fn parameters_of(&self, function: Item, binding: &Binding, kind: BindingKind) -> Vec<(Item, &'w Binding)> {
        let items = binding.params.iter().map(|&binding| Item { file: function.file, binding });
        let known = items.filter_map(|item| Some((item, self.world.view.binding(item)?)));
        known.filter(|(_, one)| one.kind == kind).collect()
    }

    /// What a type embeds, and the type that it is made of.
    fn embedded_in(&mut self, class: Item, args: &TypeArgs) -> Vec<Thing> {
        self.read_item(class);
        let Some(binding) = self.world.view.binding(class) else { return Vec::new() };
        let env = self.class_env(class, args, None);
        let mut all = Vec::new();
        for &base in binding.bases.iter().chain([&binding.ty]) {
            let things = self.typed(class.file, base, &env);
            all.extend(things.iter().cloned());
        }
        all
    }

    /// What a thing of a named type is made of, named types followed.
    fn underlying(&mut self, thing: &Thing) -> Things {
        let Thing::Instance(item, args) = thing else { return Things::one(thing.clone()) };
        let (item, args) = (*item, args.clone());
        self.read_item(item);
        let Some(binding) = self.world.view.binding(item).filter(|binding| binding.ty != NO_STEP) else {
            return Things::none();
        };
        self.once(item, Aspect::Type, |this| {
            let env = this.class_env(item, &args, None);
            let made = this.typed(item.file, binding.ty, &env);
            joined(made.iter().map(|one| this.underlying(one)).collect::<Vec<_>>())
        })
    }

    /// Whether literals of a thing's type name fields.
    fn has_fields(&mut self, thing: &Thing) -> bool {
        match thing {
            Thing::Record(..) | Thing::Shape(..) => true,
            Thing::Instance(item, _) => {
                let flags = self.world.view.binding(*item).map(|binding| binding.flags);
                flags.is_some_and(|flags| flags.has(Flags::FIELDS_CONSTRUCT)) || {
                    let made = self.embedded_in(*item, &super::thing::no_args());
                    made.iter().any(|one| one != thing && self.deeper(|this| this.has_fields(one)))
                }
            }
            _ => false,
        }
    }

    /// The key of a literal.
    pub(super) fn label(&mut self, file: FileNo, id: StepId, of: StepId, text: TextId, scope: FactScopeId) -> Things {
        let objects = self.value(file, of);
        let name = self.world.view.name(file, text);
        let mut found: Vec<Denoted> = Vec::new();
        let mut has_fields = objects.is_empty();
        for object in objects.iter() {
            found.extend(self.structural_members(object, name).into_iter().map(|(one, _)| one));
            has_fields |= self.has_fields(object);
        }
        let text = self.world.view.text(name).to_owned();
        if has_fields {
            self.note_all(file, id, &found, format!(".{text}"));
        } else {
            let found = self.lookup(file, scope, name, NameSpace::Any);
            self.note_all(file, id, &found, text);
        }
        Things::none()
    }

    /// What iterating things gives first, where it gives pairs.
    pub(super) fn keys(&mut self, things: &Things) -> Things {
        joined(things.iter().map(|thing| self.embedded_element(thing, true)).collect::<Vec<_>>())
    }

    /// What iterating or indexing a thing gives: its keys, or what it holds.
    pub(super) fn embedded_element(&mut self, thing: &Thing, is_key: bool) -> Things {
        match thing {
            Thing::Mapping(keys, held) => {
                if is_key {
                    keys.clone()
                } else {
                    held.clone()
                }
            }
            Thing::Holder(held) if !is_key => held.clone(),
            Thing::Instance(..) => {
                let made = self.underlying(thing);
                let made = made.iter().filter(|one| !matches!(one, Thing::Instance(..)));
                joined(made.map(|one| self.embedded_element(one, is_key)).collect::<Vec<_>>())
            }
            // `range` over `func(yield func(K, V) bool)`
            Thing::Function(..) | Thing::Signature(..) => {
                let yields = self.expected_argument(thing, 0);
                let at = u32::from(!is_key);
                joined(yields.iter().map(|one| self.expected_argument(one, at)).collect::<Vec<_>>())
            }
            _ => Things::none(),
        }
    }

    /// `of[index]`: an element, or something generic with its argument.
    pub(super) fn embedded_index(&mut self, file: FileNo, of: StepId, index: StepId) -> Things {
        let objects = self.value(file, of);
        self.value(file, index);
        let all: Vec<Things> = objects
            .iter()
            .map(|object| match object {
                Thing::Class(..) | Thing::Function(..) => {
                    let arg = self.typed(file, index, &TypeEnv::default());
                    self.with_arguments(object, &[arg])
                }
                other => self.embedded_element(other, false),
            })
            .collect();
        joined(all)
    }

    /// Something generic with its arguments, as a value.
    pub(super) fn instantiated(&mut self, file: FileNo, base: StepId, args: &[StepId]) -> Things {
        let base = self.value(file, base);
        let args: Vec<Things> = args.iter().map(|&arg| self.typed(file, arg, &TypeEnv::default())).collect();
        joined(base.iter().map(|thing| self.with_arguments(thing, &args)).collect::<Vec<_>>())
    }

    fn with_arguments(&mut self, thing: &Thing, args: &[Things]) -> Things {
        match thing {
            Thing::Class(item, _) => Things::one(Thing::Class(*item, args.to_vec().into())),
            Thing::Function(item, None) => {
                let Some(binding) = self.world.view.binding(*item) else { return Things::none() };
                let params = self.parameters_of(*item, binding, BindingKind::TypeParameter);
                let args = params.into_iter().map(|(item, _)| item).zip(args.iter().cloned()).collect();
                let result = self.declared_in(*item, &TypeEnv { own: None, args });
                if result.is_empty() { result } else { Things::one(Thing::Callable(result)) }
            }
            other => Things::one(other.clone()),
        }
    }

    /// What a call gives, conversions included.
    pub(super) fn embedded_call(&mut self, file: FileNo, callee: StepId, args: &[Argument]) -> Things {
        let called = self.value(file, callee);
        let values: Vec<Things> = args.iter().map(|arg| self.value(file, arg.value)).collect();
        if called.is_empty() {
            return self.embedded_outside(file, callee, &values);
        }
        joined(called.iter().map(|thing| self.embedded_result(thing, args, &values)).collect::<Vec<_>>())
    }

    fn embedded_result(&mut self, thing: &Thing, args: &[Argument], values: &[Things]) -> Things {
        match thing {
            Thing::Class(item, args) => Things::one(Thing::Instance(*item, args.clone())),
            Thing::Function(item, None) => {
                let env = self.inferred(*item, args, values);
                self.declared_in(*item, &env)
            }
            Thing::Instance(..) => {
                let made = self.underlying(thing);
                let made = made.iter().filter(|one| !matches!(one, Thing::Instance(..)));
                joined(made.map(|one| self.results_of(one)).collect::<Vec<_>>())
            }
            other => self.results_of(other),
        }
    }

    /// What the type parameters of a function stand for, by what it is called with.
    fn inferred(&mut self, function: Item, args: &[Argument], values: &[Things]) -> TypeEnv {
        let mut env = TypeEnv::default();
        let Some(binding) = self.world.view.binding(function) else { return env };
        let generic = self.parameters_of(function, binding, BindingKind::TypeParameter);
        if generic.is_empty() {
            return env;
        }
        self.read_item(function);
        let generic: Vec<Item> = generic.into_iter().map(|(item, _)| item).collect();
        let params = self.parameters_of(function, binding, BindingKind::Parameter);
        let rest = params.last().filter(|(_, last)| last.flags.has(Flags::VARIADIC));
        for (at, (value, arg)) in values.iter().zip(args).enumerate() {
            let Some((_, param)) = params.get(at).or(rest) else { break };
            let is_all = arg.is_spread && param.flags.has(Flags::VARIADIC);
            let value = if is_all { self.elements(value) } else { value.clone() };
            self.bind_type(function.file, param.ty, &value, &generic, &mut env);
        }
        env
    }

    /// Binds the type parameters in a written type by a value of that type.
    fn bind_type(&mut self, file: FileNo, ty: StepId, value: &Things, generic: &[Item], env: &mut TypeEnv) {
        let Some(step) = self.world.view.step(file, ty).filter(|_| !value.is_empty() && self.spend()) else { return };
        match step {
            Step::Name { text, scope, space } => {
                let name = self.world.view.name(file, *text);
                for denoted in self.lookup(file, *scope, name, *space) {
                    let Denoted::Item(item) = denoted else { continue };
                    if generic.contains(&item) && !env.args.iter().any(|(known, _)| *known == item) {
                        env.args.push((item, value.clone()));
                    }
                }
            }
            Step::List(parts) => {
                let held = self.elements(value);
                parts.iter().for_each(|&part| self.bind_type(file, part, &held, generic, env));
            }
            Step::Mapping { key, value: of } => {
                let (keys, held) = (self.keys(value), self.elements(value));
                self.bind_type(file, *key, &keys, generic, env);
                self.bind_type(file, *of, &held, generic, env);
            }
            Step::Apply { args, .. } => {
                for thing in value.iter() {
                    let Thing::Instance(_, given) = thing else { continue };
                    for (&arg, given) in args.iter().zip(given.iter()) {
                        self.bind_type(file, arg, given, generic, env);
                    }
                }
            }
            Step::Signature { result, .. } => {
                let results = joined(value.iter().map(|one| self.results_of(one)).collect::<Vec<_>>());
                self.bind_type(file, *result, &results, generic, env);
            }
            Step::Tuple(parts) => {
                for thing in value.iter() {
                    let Thing::Tuple(given) = thing else { continue };
                    for (&part, given) in parts.iter().zip(given.iter()) {
                        self.bind_type(file, part, given, generic, env);
                    }
                }
            }
            _ => {}
        }
    }

    /// A call of what the language brings along, by its name: `append`, `slices.Clone`.
    fn embedded_outside(&mut self, file: FileNo, callee: StepId, values: &[Things]) -> Things {
        let facts = self.world.view.facts(file);
        let role = match facts.step(callee) {
            Some(Step::Name { text, .. }) => self.world.rules.call_role(facts.text(*text)),
            Some(Step::Member { of, text }) => match facts.step(*of) {
                Some(Step::Name { text: owner, .. }) => {
                    self.world.rules.call_role(&format!("{}.{}", facts.text(*owner), facts.text(*text)))
                }
                _ => None,
            },
            _ => None,
        };
        let known = values.iter().find(|value| !value.is_empty()).cloned().unwrap_or_default();
        match role {
            Some(CallRole::Same) => known,
            Some(CallRole::Hold) => known.holder(),
            Some(CallRole::Pick) => self.elements(&known),
            Some(CallRole::Collect) => self.elements(&known).holder(),
            Some(CallRole::Pairs) => self.keys(&known).holder(),
            Some(CallRole::Cast) | None => Things::none(),
        }
    }

    /// A member of something that holds values and that the language brings along.
    pub(super) fn member_outside(&mut self, object: &Thing, name: NameNo) -> Things {
        match (object, self.world.rules.container_role(self.world.view.text(name))) {
            (Thing::Holder(held), Some(ContainerRole::Held)) => Things::one(Thing::Callable(held.clone())),
            _ => Things::none(),
        }
    }
}
