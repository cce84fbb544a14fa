//! What is known of the types of arguments and parameters, and how well the one fits the other: overloads that take as many arguments
//! are told apart by it. Types are compared as they are written, those that no file declares by their names.

use super::evaluation::Evaluation;
use super::facts::{ANY_COUNT, Binding, BindingId, BindingKind, Flags, NO_STEP, Step, StepId};
use super::names::Denoted;
use super::rules::FileNo;
use super::thing::{Thing, no_args};
use super::view::Item;

/// Values that are followed for one variable without a written type.
const VALUES_DEEP: u32 = 4;

/// A type parameter takes all, the worst.
const GENERIC: u32 = 50;

/// An array that is made for a single argument.
const COLLECTED: u32 = 1_000;

/// What is called: the call, if it is one, and with how many arguments.
#[derive(Clone, Copy)]
pub(super) struct CalledWith {
    pub file: FileNo,
    pub call: StepId,
    pub count: u32,
}

/// What is known of the type of an argument or parameter.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum ArgumentType<'w> {
    Unknown,
    /// One that no file of the view declares: `int`, `String`.
    Named(&'w str),
    Declared(Item),
    Array(Box<Self>),
    /// A lambda or a reference to a method.
    Function,
}

impl<'w> Evaluation<'w> {
    /// The types of a call's arguments; nothing if none of them is known.
    pub(super) fn argument_types(&mut self, called: CalledWith) -> Vec<ArgumentType<'w>> {
        let (Some(Step::Call { args, .. } | Step::New { args, .. }), 1..) =
            (self.world.view.step(called.file, called.call), called.count)
        else {
            return Vec::new();
        };
        let types: Vec<_> = args.iter().map(|arg| self.argument_type(called.file, arg.value, 0)).collect();
        if types.iter().all(|ty| *ty == ArgumentType::Unknown) { Vec::new() } else { types }
    }

    pub(super) fn argument_type(&mut self, file: FileNo, id: StepId, depth: u32) -> ArgumentType<'w> {
        match self.world.view.step(file, id) {
            Some(Step::Plain(text)) => ArgumentType::Named(self.world.view.facts(file).text(*text)),
            Some(Step::New { callee: ty, .. } | Step::Typed(ty)) => self.written_type(file, *ty),
            Some(Step::Function(_) | Step::Method { args: ANY_COUNT, .. }) => ArgumentType::Function,
            Some(Step::Name { text, scope, space }) => {
                let name = self.world.view.name(file, *text);
                match self.packaged_lookup(file, *scope, name, *space).as_slice() {
                    [Denoted::Item(item)] => self.type_of_variable(*item, depth),
                    _ => ArgumentType::Unknown,
                }
            }
            Some(Step::Member { .. }) => match self.denoted(file, id).as_slice() {
                [Denoted::Item(item)] => self.type_of_variable(*item, depth),
                _ => ArgumentType::Unknown,
            },
            Some(Step::Call { .. } | Step::This(_) | Step::Await(_)) => {
                let value = self.value(file, id);
                let mut things = value.iter();
                match (things.next(), things.next()) {
                    (Some(Thing::Instance(class, _)), None) if self.is_class(*class) => ArgumentType::Declared(*class),
                    _ => ArgumentType::Unknown,
                }
            }
            _ => ArgumentType::Unknown,
        }
    }

    fn is_class(&self, item: Item) -> bool {
        let kind = self.world.view.binding(item).map(|binding| binding.kind);
        matches!(kind, Some(BindingKind::Class | BindingKind::Interface | BindingKind::Enum))
    }

    /// The type of a variable, field or parameter.
    fn type_of_variable(&mut self, item: Item, depth: u32) -> ArgumentType<'w> {
        self.read_item(item);
        let Some(binding) = self.world.view.binding(item) else { return ArgumentType::Unknown };
        match (binding.kind, binding.values.as_slice()) {
            (BindingKind::Variable | BindingKind::Parameter, _) if binding.ty != NO_STEP => {
                let ty = self.written_type(item.file, binding.ty);
                if binding.flags.has(Flags::VARIADIC) { ArgumentType::Array(Box::new(ty)) } else { ty }
            }
            (BindingKind::Variable, &[value]) if depth < VALUES_DEEP => self
                .deeper(|this| Some(this.argument_type(item.file, value, depth + 1)))
                .unwrap_or(ArgumentType::Unknown),
            _ => ArgumentType::Unknown,
        }
    }

    pub(super) fn written_type(&mut self, file: FileNo, ty: StepId) -> ArgumentType<'w> {
        match self.world.view.step(file, ty) {
            Some(Step::Plain(text)) => ArgumentType::Named(self.world.view.facts(file).text(*text)),
            Some(Step::Name { text, .. } | Step::Member { text, .. }) => {
                let denoted = self.denoted(file, ty);
                match denoted.as_slice() {
                    [] => ArgumentType::Named(self.world.view.facts(file).text(*text)),
                    [Denoted::Item(item), ..] if self.is_class(*item) => {
                        let whole = self.whole(*item);
                        let mut is_one =
                            |one: &Denoted| matches!(*one, Denoted::Item(part) if self.whole(part) == whole);
                        let is_declared = denoted.iter().all(&mut is_one);
                        if is_declared { ArgumentType::Declared(whole) } else { ArgumentType::Unknown }
                    }
                    _ => ArgumentType::Unknown,
                }
            }
            Some(Step::Apply { base: NO_STEP, args }) => {
                let element = args.first().copied().unwrap_or(NO_STEP);
                let element = self.deeper(|this| Some(this.written_type(file, element)));
                ArgumentType::Array(Box::new(element.unwrap_or(ArgumentType::Unknown)))
            }
            Some(Step::Apply { base, .. }) => {
                self.deeper(|this| Some(this.written_type(file, *base))).unwrap_or(ArgumentType::Unknown)
            }
            _ => ArgumentType::Unknown,
        }
    }

    /// How well a method takes arguments of these types, one by one, the less the better; `None`: it does not.
    pub(super) fn fit_of(&mut self, method: Item, types: &[ArgumentType<'w>]) -> Option<Vec<u32>> {
        self.read_item(method);
        let params = self.parameter_types(method);
        let mut fits = Vec::with_capacity(types.len());
        for (given, (ty, is_variadic)) in types.iter().zip(params) {
            let taken = self.written_type(method.file, ty);
            let whole = if is_variadic { ArgumentType::Array(Box::new(taken.clone())) } else { taken.clone() };
            let fit = self.fit(given, &whole);
            let one = is_variadic.then(|| self.fit(given, &taken)).flatten().map(|fit| fit + COLLECTED);
            fits.push(fit.into_iter().chain(one).min()?);
        }
        Some(fits)
    }

    /// How many arguments a method must be given, those that it collects counted as one.
    pub(super) fn required_parameters(&self, method: Item) -> usize {
        let facts = self.world.view.facts(method.file);
        let ids: &[BindingId] = self.world.view.binding(method).map(|one| one.params.as_slice()).unwrap_or_default();
        let params = ids.iter().filter_map(|&param| facts.binding(param));
        let is_required = |param: &&Binding| param.kind == BindingKind::Parameter && !param.flags.has(Flags::OPTIONAL);
        params.filter(is_required).count()
    }

    /// The written type of each parameter of a method, and whether it collects arguments.
    pub(super) fn parameter_types(&self, method: Item) -> Vec<(StepId, bool)> {
        let facts = self.world.view.facts(method.file);
        let ids: &[BindingId] = self.world.view.binding(method).map(|one| one.params.as_slice()).unwrap_or_default();
        let params = ids.iter().filter_map(|&param| facts.binding(param));
        let is_parameter = |param: &&Binding| param.kind == BindingKind::Parameter;
        params.filter(is_parameter).map(|param| (param.ty, param.flags.has(Flags::VARIADIC))).collect()
    }

    pub(super) fn fit(&mut self, given: &ArgumentType<'w>, taken: &ArgumentType<'w>) -> Option<u32> {
        use ArgumentType::{Array, Declared, Function, Named, Unknown};
        let name = |ty: &ArgumentType<'w>| match ty {
            Named(name) => Some(*name),
            _ => None,
        };
        match (given, taken) {
            (Unknown, _) => Some(0),
            (_, Unknown) => Some(GENERIC),
            (Declared(given), Declared(taken)) => {
                let order = self.order(*given, &no_args());
                order.iter().position(|(class, _)| class == taken).map(|at| at as u32)
            }
            (Array(given), Array(taken)) => self.fit(given, taken),
            (Function, Declared(taken)) => {
                let kind = self.world.view.binding(*taken).map(|binding| binding.kind);
                (kind == Some(BindingKind::Interface)).then_some(0)
            }
            (Function | Declared(_), Array(_)) | (Array(_), Declared(_)) => None,
            _ => self.world.rules.fit(name(given), name(taken)),
        }
    }
}
