//! Values of steps: what a name, member or call can be.

use super::arguments::CalledWith;
use super::evaluation::{Aspect, Evaluation, Found};
use super::facts::{BindingKind, FactScopeId, FactScopeKind, Flags, NO_STEP, NameSpace, Step, StepId, TextId};
use super::names::{Denoted, Trail};
use super::packages::without_arity;
use super::rules::{FileNo, Place};
use super::thing::{Thing, Things, joined, no_args};
use super::types::TypeEnv;
use super::view::Item;

impl Evaluation<'_> {
    /// What a step can be. A step of the file itself notes what it uses.
    pub(super) fn value(&mut self, file: FileNo, step: StepId) -> Things {
        if step == NO_STEP {
            return Things::none();
        }
        if let Some(known) = self.values.get(&(file, step)) {
            return known.clone();
        }
        let (things, is_complete) = self.complete(|this| this.deeper(|this| this.value_of_kind(file, step)));
        if is_complete {
            self.values.insert((file, step), things.clone());
        }
        things
    }

    fn value_of_kind(&mut self, file: FileNo, id: StepId) -> Things {
        let Some(step) = self.world.view.step(file, id) else { return Things::none() };
        match step {
            Step::Name { text, scope, space } if self.world.rules.is_packaged() => {
                self.packaged_name(file, id, *text, *scope, *space)
            }
            Step::Name { .. } => {
                let denoted = self.denoted(file, id);
                self.things_of(&denoted)
            }
            Step::Member { of, text } | Step::Key { of, text } => self.member_value(file, id, *of, *text),
            Step::Call { callee, args } if self.world.rules.has_embedding() => self.embedded_call(file, *callee, args),
            Step::Index { of, index } if self.world.rules.has_embedding() => self.embedded_index(file, *of, *index),
            Step::Apply { base, args } if self.world.rules.has_embedding() => self.instantiated(file, *base, args),
            Step::Label { of, text, scope } => self.label(file, id, *of, *text, *scope),
            Step::Keys(of) => {
                let of = self.value(file, *of);
                self.keys(&of)
            }
            Step::Call { callee, args } | Step::New { callee, args } if self.world.rules.is_structural() => {
                self.structural_call(file, *callee, args, matches!(step, Step::New { .. }))
            }
            Step::Call { callee, args } if self.world.rules.is_packaged() => self.packaged_call(file, *callee, args),
            Step::New { callee, args } if self.world.rules.is_packaged() => {
                args.iter().for_each(|arg| drop(self.value(file, arg.value)));
                self.packaged_new(file, id, *callee, args.len() as u32)
            }
            Step::Call { callee, args } | Step::New { callee, args } => self.call(file, id, *callee, args),
            Step::Method { of, text, scope, args, call } => {
                self.method_value(id, (*of, *text, *scope), CalledWith { file, call: *call, count: *args })
            }
            Step::Expected { call, argument, parameter } if self.world.rules.is_packaged() => {
                self.packaged_expected(file, *call, *argument, *parameter)
            }
            Step::Parameter { of, at } if self.world.rules.is_packaged() => self.packaged_parameter(file, *of, *at),
            Step::Parameter { of, at } => {
                let functions = self.value(file, *of);
                joined(functions.iter().map(|function| self.expected_argument(function, *at)).collect::<Vec<_>>())
            }
            Step::Index { of, index } => {
                self.value(file, *index);
                let of = self.value(file, *of);
                joined(of.iter().map(|thing| self.indexed(thing)))
            }
            Step::Await(of) if self.world.rules.is_structural() => {
                let of = self.value(file, *of);
                self.awaited(&of)
            }
            Step::Await(of) | Step::TypeOf(of) => self.value(file, *of),
            Step::Element(of) => {
                let of = self.value(file, *of);
                self.elements(&of)
            }
            Step::Enter(of) => {
                let of = self.value(file, *of);
                joined(of.iter().map(|thing| self.entered(thing)))
            }
            Step::Caught(of) => {
                let of = self.value(file, *of);
                instances(&of)
            }
            Step::Slot { of, at } => {
                let of = self.value(file, *of);
                joined(of.iter().map(|thing| self.slot(thing, *at)))
            }
            Step::This(scope) => self.this(file, *scope),
            Step::Super(scope) => {
                let class = self.class_around(file, *scope);
                class.map_or(Things::none(), |class| Things::one(Thing::Super(self.whole(class))))
            }
            Step::List(parts) => {
                let held: Vec<Things> = parts.iter().map(|&part| self.value(file, part)).collect();
                Things::one(Thing::Holder(joined(held)))
            }
            Step::Tuple(parts) => {
                let held: Vec<Things> = parts.iter().map(|&part| self.value(file, part)).collect();
                Things::one(Thing::Tuple(held.into()))
            }
            Step::OneOf(parts) => {
                let all: Vec<Things> = parts.iter().map(|&part| self.value(file, part)).collect();
                joined(all)
            }
            Step::Narrowed { of, to } => {
                let whole = self.value(file, *of);
                let to = self.value(file, *to);
                let narrowed = instances(&to);
                if narrowed.is_empty() { whole } else { narrowed }
            }
            Step::Typed(ty) => self.typed(file, *ty, &TypeEnv::default()),
            Step::Function(binding) => Things::one(Thing::Function(Item { file, binding: *binding }, None)),
            Step::Class(binding) => Things::one(Thing::Class(Item { file, binding: *binding }, no_args())),
            Step::Record(scope) => Things::one(Thing::Record(file, *scope)),
            Step::Module(import) if self.world.rules.is_structural() => {
                let denoted = self.through_import(file, *import, NameSpace::Any, &mut Trail::default());
                self.note_denoted(file, id, &denoted, |_| "require".to_owned());
                self.things_of(&denoted)
            }
            Step::Module(import) => {
                let target = self.target_of(file, *import);
                target.map_or(Things::none(), |target| Things::one(Thing::Module(target)))
            }
            Step::Apply { base, args } if self.world.rules.is_structural() => {
                let args: Vec<Things> = args.iter().map(|&arg| self.typed(file, arg, &TypeEnv::default())).collect();
                let given = |thing: &Thing| match thing {
                    Thing::Class(class, _) => Thing::Class(*class, args.clone().into()),
                    other => other.clone(),
                };
                self.value(file, *base).iter().map(given).collect()
            }
            // The class itself, as a value: `x = list[A]`.
            Step::Apply { base, .. } => self.value(file, *base),
            Step::Literal(_)
            | Step::Plain(_)
            | Step::Expected { .. }
            | Step::Union(_)
            | Step::Signature { .. }
            | Step::Mapping { .. } => Things::none(),
        }
    }

    /// What a name, or a member of a module or class, denotes. A step of the file itself notes it.
    pub(super) fn denoted(&mut self, file: FileNo, id: StepId) -> Vec<Denoted> {
        match self.world.view.step(file, id) {
            Some(Step::Name { text, scope, space }) => {
                if let Some(known) = self.denoted.get(&(file, id)) {
                    return known.to_vec();
                }
                let name = self.world.view.name(file, *text);
                let (denoted, is_complete) = self.complete(|this| this.lookup(file, *scope, name, *space));
                if is_complete {
                    self.denoted.insert((file, id), denoted.as_slice().into());
                }
                self.note_denoted(file, id, &denoted, |this| this.world.view.text(name).to_owned());
                denoted
            }
            Some(Step::Member { of, text }) => {
                let (of, text) = (*of, *text);
                let objects = self.value(file, of);
                let name = self.world.view.name(file, text);
                let mut all = Vec::new();
                for object in objects.iter() {
                    all.extend(self.member_denoted(object, name));
                }
                self.note_denoted(file, id, &all, |this| this.written(file, of, text));
                all
            }
            _ => Vec::new(),
        }
    }

    /// A member as written: with the module's name, or with a dot alone where it belongs to a value.
    fn written(&self, file: FileNo, of: StepId, text: TextId) -> String {
        let facts = self.world.view.facts(file);
        let mut parts = vec![without_arity(facts.text(text))];
        let mut at = of;
        loop {
            match facts.step(at) {
                Some(Step::Name { text, .. }) => {
                    parts.push(facts.text(*text));
                    break;
                }
                Some(Step::Member { of, text }) if parts.len() < 8 => {
                    parts.push(facts.text(*text));
                    at = *of;
                }
                _ => return format!(".{}", without_arity(facts.text(text))),
            }
        }
        let is_module = |things: &Things| things.iter().any(|thing| matches!(thing, Thing::Module(_)));
        if !self.values.get(&(file, of)).is_some_and(is_module) {
            return format!(".{}", without_arity(facts.text(text)));
        }
        parts.reverse();
        parts.join(".")
    }

    fn note_denoted(&mut self, file: FileNo, id: StepId, denoted: &[Denoted], written: impl FnOnce(&Self) -> String) {
        if file == self.own && !denoted.is_empty() {
            let written = written(self);
            self.note_all(file, id, denoted, written);
        }
    }

    /// Notes what a step of the file itself denotes.
    pub(super) fn note_all(&mut self, file: FileNo, id: StepId, denoted: &[Denoted], written: String) {
        if file != self.own {
            return;
        }
        let line = self.world.view.facts(file).step_lines.get(id as usize).copied().unwrap_or_default();
        for one in denoted {
            let found = match *one {
                // Parts of a type repeat its parameters: each has its own.
                Denoted::Item(item) if item.file != self.own && self.is_parameter_of_part(item) => continue,
                Denoted::Item(item) if item.file != self.own => Found::Item(item),
                Denoted::Module(Place::File(module)) if module != self.own => Found::Module(module),
                _ => continue,
            };
            self.note(written.clone(), found, line);
        }
    }

    fn is_parameter_of_part(&self, item: Item) -> bool {
        let kind = self.world.view.binding(item).map(|binding| binding.kind);
        self.world.rules.has_namespaces() && kind == Some(BindingKind::TypeParameter)
    }

    pub(super) fn things_of(&mut self, denoted: &[Denoted]) -> Things {
        let all: Vec<Things> = denoted
            .iter()
            .map(|one| match *one {
                Denoted::Module(place) => Things::one(Thing::Module(place)),
                Denoted::Item(item) => self.thing(item),
            })
            .collect();
        joined(all)
    }

    /// What an item is as a value.
    pub(super) fn thing(&mut self, item: Item) -> Things {
        let Some(binding) = self.world.view.binding(item) else { return Things::none() };
        match binding.kind {
            BindingKind::Class | BindingKind::Interface | BindingKind::Enum | BindingKind::Namespace => {
                Things::one(Thing::Class(self.whole(item), no_args()))
            }
            BindingKind::Function => self.decorated(item),
            BindingKind::Variable | BindingKind::Parameter => self.variable(item, &TypeEnv::default()),
            BindingKind::Alias => {
                let stands_for = self.alias_type(item, &TypeEnv::default());
                classes(&stands_for)
            }
            BindingKind::TypeParameter | BindingKind::Import(_) => Things::none(),
        }
    }

    /// What a variable can be: by its declared type, else by all that is assigned.
    pub(super) fn variable(&mut self, item: Item, env: &TypeEnv) -> Things {
        let is_plain = env.is_plain();
        if let Some(known) = self.variables.get(&item).filter(|_| is_plain) {
            return known.clone();
        }
        let things = self.once(item, Aspect::Value, |this| this.variable_of(item, env));
        if is_plain && !self.is_busy(item, Aspect::Value) {
            self.variables.insert(item, things.clone());
        }
        things
    }

    fn variable_of(&mut self, item: Item, env: &TypeEnv) -> Things {
        self.read_item(item);
        let Some(binding) = self.world.view.binding(item) else { return Things::none() };
        let things = if binding.ty == NO_STEP {
            let values: Vec<Things> = binding.values.iter().map(|&value| self.value(item.file, value)).collect();
            joined(values)
        } else {
            let env = self.env_in(item.file, binding.scope, env);
            self.typed(item.file, binding.ty, &env)
        };
        let collects = binding.flags.has(Flags::VARIADIC) || binding.flags.has(Flags::KEYWORDS);
        if collects { things.holder() } else { things }
    }

    /// What the first parameter of a method is.
    fn this(&mut self, file: FileNo, scope: FactScopeId) -> Things {
        if self.world.rules.is_structural() {
            return self.structural_this(file, scope);
        }
        let facts = self.world.view.facts(file);
        let function = facts.scope(scope).and_then(|scope| scope.owner).and_then(|owner| facts.binding(owner));
        let is_class = function.is_some_and(|function| function.flags.has(Flags::CLASS_METHOD));
        let Some(class) = self.class_around(file, scope) else { return Things::none() };
        let class = self.whole(class);
        Things::one(if is_class { Thing::Class(class, no_args()) } else { Thing::Instance(class, no_args()) })
    }

    /// The class whose body or method a scope is in.
    pub(super) fn class_around(&self, file: FileNo, scope: FactScopeId) -> Option<Item> {
        let facts = self.world.view.facts(file);
        let mut at = facts.scope(scope);
        while let Some(scope) = at {
            if scope.kind == FactScopeKind::Class {
                return scope.owner.map(|binding| Item { file, binding });
            }
            at = scope.parent.and_then(|parent| facts.scope(parent));
        }
        None
    }
}

/// Instances of the classes among things, in tuples, too: `except (A, B)`, `isinstance(x, (A, B))`.
pub(super) fn instances(things: &Things) -> Things {
    let of = |thing: &Thing| match thing {
        Thing::Class(class, args) => Some(Thing::Instance(*class, args.clone())),
        _ => None,
    };
    let all = things.iter().flat_map(|thing| match thing {
        Thing::Tuple(parts) => parts.iter().flat_map(|part| part.iter().filter_map(of)).collect::<Vec<_>>(),
        Thing::Holder(held) => held.iter().filter_map(of).collect(),
        other => of(other).into_iter().collect(),
    });
    all.collect()
}

/// The classes of instances.
pub(super) fn classes(things: &Things) -> Things {
    let of = |thing: &Thing| match thing {
        Thing::Instance(class, args) => Some(Thing::Class(*class, args.clone())),
        _ => None,
    };
    things.iter().filter_map(of).collect()
}
