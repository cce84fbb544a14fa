//! What names mean in Python by convention.

use crate::language::Symbol;
use crate::language::eval::facts::{Binding, Facts, Step, StepId};
use crate::language::eval::rules::{CallRole, ClassFacts, ClassNames, ContainerRole, Rules, TypeRole};

pub(super) struct PythonRules;

/// What a generic type does with its arguments, by its last name.
pub(super) fn type_role(name: &str) -> Option<TypeRole> {
    Some(match name {
        "Optional" | "Union" | "Final" | "ClassVar" | "Required" | "NotRequired" | "ReadOnly" | "InitVar" => {
            TypeRole::AnyOf
        }
        "Annotated" | "TypeGuard" | "TypeIs" => TypeRole::First,
        "type" | "Type" => TypeRole::ClassOf,
        "Callable" => TypeRole::Function,
        "Literal" | "Generic" | "Protocol" | "Concatenate" => TypeRole::Opaque,
        "tuple" | "Tuple" => TypeRole::Tuple,
        "dict"
        | "Dict"
        | "Mapping"
        | "MutableMapping"
        | "defaultdict"
        | "DefaultDict"
        | "OrderedDict"
        | "ChainMap"
        | "WeakKeyDictionary"
        | "WeakValueDictionary" => TypeRole::ContainerOf(1),
        "Generator" | "AsyncGenerator" => TypeRole::ContainerOfOnly(0),
        "Coroutine" => TypeRole::Plain(2),
        "Awaitable" | "Future" | "Task" => TypeRole::Plain(0),
        "list"
        | "List"
        | "set"
        | "Set"
        | "frozenset"
        | "FrozenSet"
        | "deque"
        | "Deque"
        | "Iterable"
        | "Iterator"
        | "Sequence"
        | "MutableSequence"
        | "Collection"
        | "AbstractSet"
        | "MutableSet"
        | "AsyncIterable"
        | "AsyncIterator"
        | "ContextManager"
        | "AsyncContextManager"
        | "Reversible"
        | "KeysView"
        | "ValuesView"
        | "ContextVar" => TypeRole::ContainerOf(0),
        _ => return None,
    })
}

impl Rules for PythonRules {
    fn class_names(&self) -> ClassNames {
        ClassNames::OwnBody
    }

    fn exports_all(&self) -> bool {
        true
    }

    fn star_brings(&self, name: &str) -> bool {
        !name.starts_with('_')
    }

    fn constructors(&self) -> &'static [&'static str] {
        &["__init__", "__new__"]
    }

    fn call_members(&self) -> &'static [&'static str] {
        &["__call__"]
    }

    fn element_members(&self) -> &'static [&'static str] {
        &["__iter__", "__aiter__", "__next__", "__anext__", "__getitem__"]
    }

    fn next_members(&self) -> &'static [&'static str] {
        &["__next__", "__anext__"]
    }

    fn index_members(&self) -> &'static [&'static str] {
        &["__getitem__"]
    }

    fn enter_members(&self) -> &'static [&'static str] {
        &["__enter__", "__aenter__"]
    }

    fn type_role(&self, name: &str) -> Option<TypeRole> {
        type_role(name)
    }

    fn call_role(&self, name: &str) -> Option<CallRole> {
        Some(match name {
            "list" | "tuple" | "set" | "frozenset" | "sorted" | "reversed" => CallRole::Collect,
            "next" | "anext" | "min" | "max" => CallRole::Pick,
            "iter" | "aiter" | "copy" | "deepcopy" => CallRole::Same,
            "enumerate" | "zip" => CallRole::Pairs,
            _ => return None,
        })
    }

    fn container_role(&self, member: &str) -> Option<ContainerRole> {
        Some(match member {
            "get" | "pop" | "popleft" | "setdefault" => ContainerRole::Held,
            "values" | "copy" => ContainerRole::Same,
            "items" => ContainerRole::Pairs,
            _ => return None,
        })
    }

    fn is_own_type(&self, name: &str) -> bool {
        name == "Self"
    }

    fn is_interface(&self, class: &ClassFacts<'_>) -> bool {
        let ClassFacts { facts, binding, symbol } = class;
        let has_metaclass = symbol.is_some_and(|symbol| symbol.signature.contains("ABCMeta"));
        let mut members = facts.bindings.iter().filter(|member| binding.inner == Some(member.scope));
        has_metaclass || is_abstract_base(facts, binding) || members.any(|member| is_abstract(facts, member))
    }

    fn is_abstract_member(&self, member: &ClassFacts<'_>) -> bool {
        let ClassFacts { facts, binding, .. } = member;
        let owner = facts.scope(binding.scope).and_then(|scope| scope.owner).and_then(|owner| facts.binding(owner));
        is_abstract(facts, binding) || owner.is_some_and(|owner| is_protocol(facts, owner))
    }

    fn implements_by_shape(&self) -> bool {
        true
    }

    /// A protocol with more than what any object may have.
    fn has_shape(&self, interface: &ClassFacts<'_>) -> bool {
        let ClassFacts { facts, binding, .. } = interface;
        let mut members = facts.bindings.iter().filter(|member| binding.inner == Some(member.scope));
        is_protocol(facts, binding) && members.any(|member| !facts.text(member.name).starts_with("__"))
    }

    /// Type checkers compare parameters by name; where one of the two is no method, the name is enough.
    fn is_same_shape(&self, wanted: &Symbol, offered: &Symbol) -> bool {
        match (parameters(&wanted.signature), parameters(&offered.signature)) {
            (Some(wanted), Some(offered)) => can_stand_for(&wanted, &offered),
            _ => true,
        }
    }

    fn giver(&self) -> Option<&'static str> {
        Some("conftest")
    }

    fn head_of<'s>(&self, specifier: &'s str) -> &'s str {
        specifier.split('.').next().unwrap_or(specifier)
    }
}

/// The names of a method's parameters in its signature, each with whether it has a default; `None`: it is no method.
fn parameters(signature: &str) -> Option<Vec<(&str, bool)>> {
    let list = signature.split_once("def ")?.1.split_once('(')?.1;
    let (mut depth, mut from, mut parts) = (0_u32, 0, Vec::new());
    for (at, c) in list.char_indices() {
        match c {
            ')' | ',' if depth == 0 => {
                parts.push(list.get(from..at)?.trim());
                from = at + 1;
                if c == ')' {
                    break;
                }
            }
            '(' | '[' | '{' => depth += 1,
            ')' | ']' | '}' => depth = depth.saturating_sub(1),
            _ => {}
        }
    }
    let named = parts.into_iter().filter(|part| !matches!(*part, "" | "*" | "/"));
    let parameter = |part: &'_ str| part.find([':', '=']).unwrap_or(part.len());
    Some(named.map(|part| (part.get(..parameter(part)).unwrap_or(part).trim(), part.contains('='))).collect())
}

/// Whether a method with these parameters can be called as one with the others, by the names alone.
fn can_stand_for(wanted: &[(&str, bool)], offered: &[(&str, bool)]) -> bool {
    let takes_all = offered.iter().any(|(name, _)| name.starts_with('*'));
    let is_taken = |(name, _): &(&str, bool)| takes_all || offered.iter().any(|(other, _)| other == name);
    let is_given = |(name, is_optional): &(&str, bool)| {
        *is_optional || name.starts_with('*') || wanted.iter().any(|(other, _)| other == name)
    };
    wanted.iter().all(is_taken) && offered.iter().all(is_given)
}

fn is_abstract(facts: &Facts, member: &Binding) -> bool {
    let mut decorators = member.decorators.iter().map(|&step| last_name(facts, step));
    decorators.any(|name| matches!(name, "abstractmethod" | "abstractproperty" | "abstractclassmethod"))
}

/// `class A(ABC)`, `class A(Protocol[T])`
fn is_abstract_base(facts: &Facts, class: &Binding) -> bool {
    is_protocol(facts, class) || class.bases.iter().any(|&base| last_name(facts, base) == "ABC")
}

fn is_protocol(facts: &Facts, class: &Binding) -> bool {
    class.bases.iter().any(|&base| last_name(facts, base) == "Protocol")
}

/// The last name of a base or decorator, without what stands in brackets behind it.
fn last_name(facts: &Facts, step: StepId) -> &str {
    match facts.step(step) {
        Some(Step::Apply { base, .. } | Step::Index { of: base, .. } | Step::Call { callee: base, .. }) => {
            match facts.step(*base) {
                Some(Step::Name { text, .. } | Step::Member { text, .. }) => facts.text(*text),
                _ => "",
            }
        }
        Some(Step::Name { text, .. } | Step::Member { text, .. }) => facts.text(*text),
        _ => "",
    }
}
