//! What an expression or written type can be: classes, values of them, functions, namespaces. Pointers, references and arrays are what they
//! lead to. A template that no file of the view declares holds its arguments: `std::vector<A>`.

use std::rc::Rc;

use super::evaluation::CEvaluation;
use super::view::{CDeclared, CFileNo};
use crate::language::eval::facts::{
    Argument, BindingKind, FactScopeId, FactScopeKind, NO_STEP, NameSpace, Step, StepId,
};

/// Different meanings that are kept of one expression.
const MEANINGS_MAX: usize = 6;

#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum CMeaning {
    /// By what stands for its inside.
    Namespace(u64),
    Class(CDeclared, TemplateArgs),
    Value(CDeclared, TemplateArgs),
    /// A template from outside with its arguments, and a value of one.
    HolderType(TemplateArgs),
    Holder(TemplateArgs),
    Function(CDeclared, TemplateArgs),
}

pub(super) type TemplateArgs = Rc<[Meanings]>;

#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Meanings(Vec<CMeaning>);

impl Meanings {
    pub(super) fn one(meaning: CMeaning) -> Self {
        Self(vec![meaning])
    }

    fn iter(&self) -> impl Iterator<Item = &CMeaning> {
        self.0.iter()
    }

    fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    fn add(&mut self, other: Self) {
        for meaning in other.0 {
            if self.0.len() < MEANINGS_MAX && !self.0.contains(&meaning) {
                self.0.push(meaning);
            }
        }
    }

    /// Values of the types among these.
    fn values(self) -> Self {
        let value = |meaning: CMeaning| match meaning {
            CMeaning::Class(class, args) => CMeaning::Value(class, args),
            CMeaning::HolderType(args) => CMeaning::Holder(args),
            other => other,
        };
        Self(self.0.into_iter().map(value).collect())
    }

    pub(super) fn classes(&self) -> impl Iterator<Item = CDeclared> + '_ {
        self.iter().filter_map(|meaning| match meaning {
            CMeaning::Class(class, _) => Some(*class),
            _ => None,
        })
    }
}

fn no_args() -> TemplateArgs {
    Rc::new([])
}

/// Functions from outside that give what they are given.
fn is_passing(name: &str) -> bool {
    matches!(
        name,
        "move" | "forward" | "ref" | "cref" | "addressof" | "exchange" | "min" | "max" | "launder" | "as_const"
    )
}

/// Members of what holds something that give what it holds.
fn gives_held(name: &str) -> bool {
    matches!(
        name,
        "get"
            | "front"
            | "back"
            | "at"
            | "value"
            | "value_or"
            | "top"
            | "data"
            | "release"
            | "First"
            | "FirstOrDefault"
            | "Single"
            | "SingleOrDefault"
            | "Last"
            | "LastOrDefault"
            | "ElementAt"
            | "Value"
            | "Result"
            | "Current"
            | "Pop"
            | "Dequeue"
            | "Peek"
            | "Find"
            | "Min"
            | "Max"
            | "GetValueOrDefault"
    )
}

/// Members of what holds something that give what holds the same.
fn gives_holder(name: &str) -> bool {
    matches!(
        name,
        "begin"
            | "end"
            | "cbegin"
            | "rbegin"
            | "find"
            | "lower_bound"
            | "upper_bound"
            | "lock"
            | "Where"
            | "OrderBy"
            | "OrderByDescending"
            | "ThenBy"
            | "Take"
            | "Skip"
            | "ToList"
            | "ToArray"
            | "ToHashSet"
            | "Distinct"
            | "Reverse"
            | "Concat"
            | "AsEnumerable"
            | "Values"
            | "ConfigureAwait"
            | "GetEnumerator"
            | "FindAll"
            | "TakeWhile"
            | "SkipWhile"
    )
}

impl CEvaluation<'_> {
    pub(super) fn value(&mut self, file: CFileNo, step: StepId) -> Meanings {
        if step == NO_STEP {
            return Meanings::default();
        }
        if !self.bound.is_empty() {
            return self.deeper(|this| this.value_of_kind(file, step));
        }
        if let Some(known) = self.values.get(&(file, step)) {
            return known.clone();
        }
        // What is asked for while it is worked out has no meaning.
        self.values.insert((file, step), Meanings::default());
        let meanings = self.deeper(|this| this.value_of_kind(file, step));
        self.values.insert((file, step), meanings.clone());
        meanings
    }

    fn value_of_kind(&mut self, file: CFileNo, step: StepId) -> Meanings {
        let view = self.view;
        let Some(kind) = view.step(file, step) else { return Meanings::default() };
        match kind {
            Step::Name { .. } => {
                let items = self.denoted(file, step, None);
                self.meanings(&items)
            }
            Step::Member { of, .. } => self.member(file, step, *of),
            Step::Call { callee, args } => self.call(file, *callee, args),
            Step::New { callee, args } => {
                let classes = self.value(file, *callee);
                self.constructed(file, &classes, args, step);
                classes.values()
            }
            Step::Index { of, index } => {
                self.value(file, *index);
                let of = self.value(file, *of);
                self.held(&of, "operator[]", true)
            }
            Step::Element(of) => {
                let of = self.value(file, *of);
                let element = self.held(&of, "begin", true);
                self.held(&element, "operator*", true)
            }
            Step::Await(of) => {
                let of = self.value(file, *of);
                self.held(&of, "operator->", false)
            }
            Step::Typed(ty) => self.value(file, *ty).values(),
            Step::Class(binding) => Meanings::one(CMeaning::Class(CDeclared { file, binding: *binding }, no_args())),
            Step::OneOf(parts) => {
                let mut all = Meanings::default();
                for &part in parts {
                    let part = self.value(file, part);
                    all.add(part);
                }
                all
            }
            Step::This(scope) => self.this(file, *scope),
            Step::Apply { base, args } => self.applied(file, *base, args),
            Step::Function(binding) => {
                Meanings::one(CMeaning::Function(CDeclared { file, binding: *binding }, no_args()))
            }
            _ => Meanings::default(),
        }
    }

    /// What declarations are as expressions or types.
    fn meanings(&mut self, items: &[CDeclared]) -> Meanings {
        let mut all = Meanings::default();
        for &item in items.iter().take(16) {
            let meanings = self.meaning(item);
            all.add(meanings);
        }
        all
    }

    fn meaning(&mut self, item: CDeclared) -> Meanings {
        let view = self.view;
        let Some(binding) = view.binding(item) else { return Meanings::default() };
        match binding.kind {
            BindingKind::Class | BindingKind::Enum | BindingKind::Interface => {
                Meanings::one(CMeaning::Class(item, no_args()))
            }
            BindingKind::Namespace => Meanings::one(CMeaning::Namespace(view.inside(item))),
            BindingKind::Function => Meanings::one(CMeaning::Function(item, no_args())),
            BindingKind::Alias => {
                let mut all = Meanings::default();
                for &value in &binding.values {
                    let meanings = self.value(item.file, value);
                    all.add(meanings);
                }
                all
            }
            BindingKind::Variable | BindingKind::Parameter => {
                if binding.ty != NO_STEP {
                    return self.value(item.file, binding.ty).values();
                }
                // Of a macro nothing is known; of `auto` its value.
                let is_inferred = !binding.flags.has(crate::language::table::c::lower::MACRO);
                let value = binding.values.first().copied().filter(|_| is_inferred);
                value.map(|value| self.value(item.file, value).values()).unwrap_or_default()
            }
            BindingKind::TypeParameter => {
                let known = self.bound.iter().rev().find(|(param, _)| *param == item);
                known.map(|(_, meanings)| meanings.clone()).unwrap_or_default()
            }
            BindingKind::Import(_) => Meanings::default(),
        }
    }

    fn member(&mut self, file: CFileNo, step: StepId, of: StepId) -> Meanings {
        let items = self.denoted(file, step, None);
        let of = self.value(file, of);
        if items.is_empty() {
            let name = match self.view.step(file, step) {
                Some(Step::Member { text, .. }) => self.view.facts(file).text(*text),
                _ => "",
            };
            let holders = of.iter().filter(|one| matches!(one, CMeaning::Holder(_)));
            let holders = Meanings(holders.cloned().collect());
            return if gives_held(name) {
                self.held(&holders, "", true)
            } else if gives_holder(name) {
                holders
            } else {
                Meanings::default()
            };
        }
        let args = of.iter().find_map(|one| match one {
            CMeaning::Value(class, args) | CMeaning::Class(class, args) if !args.is_empty() => {
                Some((*class, args.clone()))
            }
            _ => None,
        });
        match args {
            Some((class, args)) => self.with_arguments(class, &args, |this| {
                let meanings = this.meanings(&items);
                // What a function gives is worked out where its class's arguments are known.
                let carried = meanings.0.into_iter().map(|one| match one {
                    CMeaning::Function(function, _) => CMeaning::Function(function, args.clone()),
                    other => other,
                });
                Meanings(carried.collect())
            }),
            None => self.meanings(&items),
        }
    }

    /// Runs with what the type parameters of a class stand for.
    fn with_arguments<T>(&mut self, class: CDeclared, args: &TemplateArgs, run: impl FnOnce(&mut Self) -> T) -> T {
        let before = self.bound.len();
        let params = self.view.binding(class).map(|binding| binding.params.clone()).unwrap_or_default();
        for (&param, arg) in params.iter().zip(args.iter()) {
            self.bound.push((CDeclared { file: class.file, binding: param }, arg.clone()));
        }
        let result = run(self);
        self.bound.truncate(before);
        result
    }

    /// The declarations that a member of something can mean.
    pub(super) fn members_of(&mut self, of: &Meanings, name: &str) -> Vec<CDeclared> {
        let mut all: Vec<CDeclared> = Vec::new();
        for meaning in of.iter() {
            let found = match meaning {
                CMeaning::Namespace(inside) => self.in_namespace(*inside, name, NameSpace::Any),
                CMeaning::Class(class, _) | CMeaning::Value(class, _) => self.members(*class, name),
                _ => Vec::new(),
            };
            all.extend(found.into_iter().filter(|item| !all.contains(item)).collect::<Vec<_>>());
        }
        all
    }

    fn call(&mut self, file: CFileNo, callee: StepId, args: &[Argument]) -> Meanings {
        args.iter().for_each(|arg| drop(self.value(file, arg.value)));
        let view = self.view;
        let items = self.denoted(file, callee, Some(args.len() as u32));
        let name = match view.step(file, callee) {
            Some(Step::Member { text, .. } | Step::Name { text, .. }) => view.facts(file).text(*text),
            _ => "",
        };
        if items.is_empty() && is_passing(name) {
            return args.first().map(|arg| self.value(file, arg.value)).unwrap_or_default();
        }
        let mut callees = self.value(file, callee);
        if !items.is_empty() && callees.iter().any(|one| matches!(one, CMeaning::Function(..))) {
            let known = |one: &CMeaning| !matches!(one, CMeaning::Function(function, _) if !items.contains(function));
            callees.0.retain(known);
        }
        let mut given = Meanings::default();
        self.constructed(file, &callees, args, callee);
        for callee in callees.0 {
            let result = match callee {
                CMeaning::Function(function, args) => self.result(function, &args),
                CMeaning::Class(..) | CMeaning::HolderType(_) => Meanings::one(callee).values(),
                CMeaning::Value(class, class_args) => {
                    let called = self.members(class, "operator()");
                    // A pointer to a function has the type of its result.
                    match called.first() {
                        Some(&called) => self.result(called, &class_args),
                        None => Meanings::one(CMeaning::Value(class, class_args)),
                    }
                }
                other @ CMeaning::Holder(_) => Meanings::one(other),
                CMeaning::Namespace(_) => Meanings::default(),
            };
            given.add(result);
        }
        given
    }

    fn result(&mut self, function: CDeclared, args: &TemplateArgs) -> Meanings {
        let view = self.view;
        let Some(binding) = view.binding(function) else { return Meanings::default() };
        let class = self.class_around(function.file, binding.scope).filter(|_| !args.is_empty());
        match class {
            Some(class) => self.with_arguments(class, args, |this| this.value(function.file, binding.ty).values()),
            None => self.value(function.file, binding.ty).values(),
        }
    }

    /// Notes the constructors that a number of arguments calls.
    fn constructed(&mut self, file: CFileNo, classes: &Meanings, args: &[Argument], step: StepId) {
        if file != self.own {
            return;
        }
        let view = self.view;
        let line = view.facts(file).step_lines.get(step as usize).copied().unwrap_or_default();
        for class in classes.classes().collect::<Vec<_>>() {
            let name = view.name(class).to_owned();
            let inside = view.inside(class);
            let mut found = if inside == 0 { Vec::new() } else { self.found(inside, &name) };
            found.retain(|one| view.binding(*one).is_some_and(|one| one.kind == BindingKind::Function));
            let found = self.of_count(found, Some(args.len() as u32));
            self.note(&found, &format!("{name}(…)"), line);
        }
    }

    /// What something holds or leads to: what an operator of its class gives, an argument of a template from outside, or itself where it
    /// is an array or pointer.
    fn held(&mut self, of: &Meanings, operator: &str, is_last: bool) -> Meanings {
        let mut all = Meanings::default();
        for meaning in of.iter() {
            let held = match meaning {
                CMeaning::Holder(args) => {
                    let arg = if is_last { args.last() } else { args.first() };
                    arg.cloned().unwrap_or_default().values()
                }
                CMeaning::Value(class, args) => {
                    let operators = self.members(*class, operator);
                    match operators.first() {
                        Some(&operator) => self.result(operator, args),
                        None => Meanings::one(meaning.clone()),
                    }
                }
                other => Meanings::one(other.clone()),
            };
            all.add(held);
        }
        all
    }

    /// `base<args>`
    fn applied(&mut self, file: CFileNo, base: StepId, args: &[StepId]) -> Meanings {
        let view = self.view;
        let bases = self.value(file, base);
        let args: Vec<Meanings> = args.iter().take(8).map(|&arg| self.value(file, arg)).collect();
        let name = match view.step(file, base) {
            Some(Step::Name { text, .. }) => view.facts(file).text(*text),
            _ => "",
        };
        if name.ends_with("_cast") {
            return args.into_iter().next().unwrap_or_default();
        }
        if bases.is_empty() {
            let is_known = args.iter().any(|arg| !arg.is_empty());
            return if is_known { Meanings::one(CMeaning::HolderType(args.into())) } else { Meanings::default() };
        }
        let args: TemplateArgs = args.into();
        let with = |meaning: CMeaning| match meaning {
            CMeaning::Class(class, _) => CMeaning::Class(class, args.clone()),
            other => other,
        };
        Meanings(bases.0.into_iter().map(with).collect())
    }

    fn this(&mut self, file: CFileNo, scope: FactScopeId) -> Meanings {
        let class = self.class_around(file, scope);
        class.map(|class| Meanings::one(CMeaning::Value(class, no_args()))).unwrap_or_default()
    }

    /// The class in which a scope is, or whose member a definition outside of it defines.
    pub(super) fn class_around(&mut self, file: CFileNo, scope: FactScopeId) -> Option<CDeclared> {
        let view = self.view;
        let facts = view.facts(file);
        let mut at = facts.scope(scope);
        while let Some(scope) = at {
            match scope.kind {
                FactScopeKind::Class => return scope.owner.map(|binding| CDeclared { file, binding }),
                FactScopeKind::Members(_) => {
                    let qualifier = facts.binding(scope.owner?)?.decorators.first().copied()?;
                    return self.value(file, qualifier).classes().next();
                }
                _ => at = scope.parent.and_then(|parent| facts.scope(parent)),
            }
        }
        None
    }
}
