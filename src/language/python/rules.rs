//! What names mean in Python by convention.

use crate::language::eval::rules::{CallRole, ClassNames, ContainerRole, Rules, TypeRole};

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

    fn head_of<'s>(&self, specifier: &'s str) -> &'s str {
        specifier.split('.').next().unwrap_or(specifier)
    }
}
