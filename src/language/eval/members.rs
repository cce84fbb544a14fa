//! Members of modules, classes and instances, through base classes.

use std::rc::Rc;

use super::evaluation::{Aspect, BaseOrder, Evaluation};
use super::facts::{Binding, BindingKind, Flags, NO_STEP, NameSpace, Step, StepId, TextId};
use super::names::{Denoted, Trail};
use super::rules::FileNo;
use super::thing::{Thing, Things, TypeArgs, joined};
use super::types::TypeEnv;
use super::values::classes;
use super::view::{Item, NameNo};

/// Base classes of one class, those of bases included.
const BASES_MAX: usize = 60;

/// Where a member was found.
pub(super) struct FoundMember {
    /// The class that declares it, with its arguments there.
    pub class: Item,
    pub args: TypeArgs,
    pub items: Vec<Item>,
}

impl Evaluation<'_> {
    /// `of.text` as a value.
    pub(super) fn member_value(&mut self, file: FileNo, id: StepId, of: StepId, text: TextId) -> Things {
        // It is noted once for all objects, and evaluated for each.
        self.denoted(file, id);
        if matches!(self.world.view.step(file, id), Some(Step::Key { .. })) {
            self.note_key(file, id, of, text);
        }
        let objects = self.value(file, of);
        let name = self.world.view.name(file, text);
        let all: Vec<Things> = objects.iter().map(|object| self.member(object, name)).collect();
        joined(all)
    }

    fn note_key(&mut self, file: FileNo, id: StepId, of: StepId, text: TextId) {
        let objects = self.value(file, of);
        let name = self.world.view.name(file, text);
        let denoted: Vec<Denoted> = objects.iter().flat_map(|object| self.member_denoted(object, name)).collect();
        self.note_all(file, id, &denoted, format!(".{}", self.world.view.text(name)));
    }

    /// What a member of a thing denotes.
    pub(super) fn member_denoted(&mut self, object: &Thing, name: NameNo) -> Vec<Denoted> {
        if self.world.rules.is_structural() {
            return self.structural_members(object, name).into_iter().map(|(one, _)| one).collect();
        }
        if self.world.rules.is_packaged() {
            return self.packaged_members(object, name);
        }
        match object {
            Thing::Module(place) => self.in_module(*place, name, NameSpace::Any, &mut Trail::default()),
            Thing::Class(class, args) | Thing::Instance(class, args) => {
                let found = self.find_member(*class, args, name, 0);
                found.map_or(Vec::new(), |found| found.items.into_iter().map(Denoted::Item).collect())
            }
            Thing::Super(class) => {
                let found = self.find_member(*class, &super::thing::no_args(), name, 1);
                found.map_or(Vec::new(), |found| found.items.into_iter().map(Denoted::Item).collect())
            }
            Thing::Record(file, scope) => {
                self.declared(*file, *scope, name, NameSpace::Any).into_iter().map(Denoted::Item).collect()
            }
            _ => Vec::new(),
        }
    }

    /// What a member of a thing can be.
    pub(super) fn member(&mut self, object: &Thing, name: NameNo) -> Things {
        if self.world.rules.is_structural() {
            return self.structural_member(object, name);
        }
        if self.world.rules.is_packaged() {
            return self.packaged_member(object, name);
        }
        let (class, args, skipped) = match object {
            Thing::Class(class, args) | Thing::Instance(class, args) => (*class, args.clone(), 0),
            Thing::Super(class) => (*class, super::thing::no_args(), 1),
            other => {
                let denoted = self.member_denoted(other, name);
                return self.things_of(&denoted);
            }
        };
        let Some(found) = self.find_member(class, &args, name, skipped) else { return Things::none() };
        let receiver = match object {
            Thing::Super(class) => Thing::Instance(*class, super::thing::no_args()),
            other => other.clone(),
        };
        let all: Vec<Things> = found.items.iter().map(|&item| self.member_thing(item, &found, &receiver)).collect();
        joined(all)
    }

    pub(super) fn member_thing(&mut self, item: Item, found: &FoundMember, receiver: &Thing) -> Things {
        let Some(binding) = self.world.view.binding(item) else { return Things::none() };
        match binding.kind {
            BindingKind::Function => {
                let is_read = binding.flags.has(Flags::PROPERTY) && !matches!(receiver, Thing::Class(..));
                if is_read {
                    self.result(item, Some(receiver))
                } else {
                    Things::one(Thing::Function(item, Some(Rc::new(receiver.clone()))))
                }
            }
            BindingKind::Variable if !found.args.is_empty() => {
                let env = self.class_env(found.class, &found.args, None);
                self.variable(item, &env)
            }
            BindingKind::Import(_) => {
                let denoted = self.followed(item, &mut Trail::default());
                self.things_of(&denoted)
            }
            _ => self.thing(item),
        }
    }

    /// The first class in the order of bases that declares a member, else the first that gives it a value; `skipped`: classes that do
    /// not count. (A property of a base stands before what a method of a class derived from it assigns.)
    pub(super) fn find_member(
        &mut self,
        class: Item,
        args: &TypeArgs,
        name: NameNo,
        skipped: usize,
    ) -> Option<FoundMember> {
        let order = self.order(class, args);
        let mut valued = None;
        for (class, args) in order.iter().skip(skipped) {
            let Some(scope) = self.world.view.binding(*class).and_then(|binding| binding.inner) else { continue };
            self.read_scope(class.file, scope, name);
            let mut items = if self.world.rules.has_namespaces() {
                self.declared_together(class.file, scope, name, |_| true)
            } else {
                self.declared(class.file, scope, name, NameSpace::Any)
            };
            if items.is_empty() {
                continue;
            }
            let is_declared = |item: &Item| self.world.view.binding(*item).is_some_and(declares);
            let has_declared = items.iter().any(is_declared);
            if has_declared {
                items.retain(is_declared);
            }
            let found = FoundMember { class: *class, args: args.clone(), items };
            if has_declared {
                return Some(found);
            }
            valued = valued.or(Some(found));
        }
        valued
    }

    /// A class and its bases in the order in which members are looked up.
    pub(super) fn order(&mut self, class: Item, args: &TypeArgs) -> BaseOrder {
        if let Some(known) = self.orders.get(&(class, args.clone())) {
            return Rc::clone(known);
        }
        let (order, is_complete) = self.complete(|this| this.order_of(class, args));
        let order: BaseOrder = order.into();
        if is_complete {
            self.orders.insert((class, args.clone()), Rc::clone(&order));
        }
        order
    }

    fn order_of(&mut self, class: Item, args: &TypeArgs) -> Vec<(Item, TypeArgs)> {
        let mut order: Vec<(Item, TypeArgs)> = Vec::new();
        let mut todo = vec![(class, args.clone())];
        while let Some((class, args)) = todo.pop() {
            if order.len() == BASES_MAX || order.iter().any(|(known, _)| *known == class) {
                continue;
            }
            let bases = self.bases(class, &args);
            order.push((class, args));
            todo.extend(bases.into_iter().rev());
        }
        order
    }

    fn bases(&mut self, class: Item, args: &TypeArgs) -> Vec<(Item, TypeArgs)> {
        self.read_item(class);
        let things = self.once(class, Aspect::Bases, |this| {
            let env = this.class_env(class, args, None);
            let mut all = Vec::new();
            for part in this.parts_of(class) {
                let bases = this.world.view.binding(part).map(|part| part.bases.as_slice()).unwrap_or_default();
                for &base in bases {
                    let written = this.typed(part.file, base, &env);
                    all.push(if written.is_empty() { this.value(part.file, base) } else { classes(&written) });
                }
            }
            joined(all)
        });
        let of = |thing: &Thing| match thing {
            Thing::Class(base, args) if *base != class => Some((*base, args.clone())),
            _ => None,
        };
        things.iter().filter_map(of).collect()
    }

    /// What the parameters of a generic class stand for, given its arguments.
    pub(super) fn class_env(&mut self, class: Item, args: &TypeArgs, own: Option<Thing>) -> TypeEnv {
        if args.is_empty() {
            return TypeEnv { own, args: Vec::new() };
        }
        let mut all = Vec::new();
        // Each part of a type has type parameters of its own.
        for part in self.parts_of(class) {
            all.extend(self.class_params(part).into_iter().zip(args.iter().cloned()));
        }
        TypeEnv { own, args: all }
    }

    /// Parameters of a generic class: those it declares, else the type variables of its bases, `Generic` first.
    fn class_params(&mut self, class: Item) -> Vec<Item> {
        self.read_item(class);
        let Some(binding) = self.world.view.binding(class) else { return Vec::new() };
        if !binding.params.is_empty() {
            return binding.params.iter().map(|&param| Item { file: class.file, binding: param }).collect();
        }
        let facts = self.world.view.facts(class.file);
        let mut lists: Vec<(bool, Vec<StepId>)> = Vec::new();
        for &base in &binding.bases {
            let (of, args) = match facts.step(base) {
                Some(Step::Apply { base, args }) => (*base, args.clone()),
                Some(Step::Index { of, index }) => (*of, index_parts(facts.step(*index), *index)),
                _ => continue,
            };
            let is_generic = match facts.step(of) {
                Some(Step::Name { text, .. } | Step::Member { text, .. }) => {
                    matches!(facts.text(*text), "Generic" | "Protocol")
                }
                _ => false,
            };
            lists.push((!is_generic, args));
        }
        lists.sort_by_key(|(is_later, _)| *is_later);
        let mut params = Vec::new();
        for arg in lists.into_iter().flat_map(|(_, args)| args) {
            for denoted in self.denoted(class.file, arg) {
                let Denoted::Item(item) = denoted else { continue };
                let is_param = self.world.view.binding(item).is_some_and(|one| one.kind == BindingKind::TypeParameter);
                if is_param && !params.contains(&item) {
                    params.push(item);
                }
            }
        }
        params
    }
}

/// Whether a member says what it is, instead of getting a value alone.
fn declares(binding: &Binding) -> bool {
    binding.kind != BindingKind::Variable || binding.ty != NO_STEP
}

/// The steps between the brackets of `of[a, b]`.
pub(super) fn index_parts(step: Option<&Step>, index: StepId) -> Vec<StepId> {
    match step {
        Some(Step::Tuple(parts)) => parts.clone(),
        _ => vec![index],
    }
}
