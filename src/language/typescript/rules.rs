//! What names, members and types mean in scripts.

use crate::language::Symbol;
use crate::language::eval::facts::BindingKind;
use crate::language::eval::rules::{CallRole, ClassFacts, ClassNames, ContainerRole, Rules, TypeRole};

pub(super) struct ScriptRules;

pub(super) static RULES: ScriptRules = ScriptRules;

impl Rules for ScriptRules {
    fn class_names(&self) -> ClassNames {
        ClassNames::Never
    }

    fn is_structural(&self) -> bool {
        true
    }

    fn exports_all(&self) -> bool {
        false
    }

    fn star_brings(&self, name: &str) -> bool {
        name != "default" && name != "export="
    }

    fn constructors(&self) -> &'static [&'static str] {
        &["constructor"]
    }

    fn call_members(&self) -> &'static [&'static str] {
        &["()"]
    }

    fn element_members(&self) -> &'static [&'static str] {
        &[]
    }

    fn next_members(&self) -> &'static [&'static str] {
        &[]
    }

    fn index_members(&self) -> &'static [&'static str] {
        &[]
    }

    fn enter_members(&self) -> &'static [&'static str] {
        &[]
    }

    fn type_role(&self, name: &str) -> Option<TypeRole> {
        Some(match name {
            "Promise"
            | "PromiseLike"
            | "Array"
            | "ReadonlyArray"
            | "Set"
            | "ReadonlySet"
            | "WeakSet"
            | "Iterable"
            | "Iterator"
            | "IterableIterator"
            | "AsyncIterable"
            | "AsyncIterator"
            | "AsyncIterableIterator"
            | "Generator"
            | "AsyncGenerator"
            | "WeakRef" => TypeRole::ContainerOf(0),
            "Map" | "ReadonlyMap" | "WeakMap" | "Record" => TypeRole::ContainerOf(1),
            "Partial" | "Required" | "Readonly" | "Pick" | "Omit" | "NonNullable" | "Exclude" | "Extract"
            | "NoInfer" | "ThisType" => TypeRole::First,
            "Parameters" | "ConstructorParameters" => TypeRole::Opaque,
            _ => return None,
        })
    }

    fn call_role(&self, _: &str) -> Option<CallRole> {
        None
    }

    fn container_role(&self, _: &str) -> Option<ContainerRole> {
        None
    }

    fn is_own_type(&self, _: &str) -> bool {
        false
    }

    fn is_interface(&self, class: &ClassFacts<'_>) -> bool {
        class.binding.kind == BindingKind::Interface || is_abstract(class)
    }

    fn is_abstract_member(&self, member: &ClassFacts<'_>) -> bool {
        is_abstract(member)
    }

    fn must_be_made(&self, member: &ClassFacts<'_>) -> bool {
        let ClassFacts { facts, binding, symbol } = member;
        let owner = facts.scope(binding.scope).and_then(|scope| scope.owner).and_then(|owner| facts.binding(owner));
        let is_of_interface = owner.is_some_and(|owner| owner.kind == BindingKind::Interface);
        is_abstract(member) || is_of_interface && !symbol.is_some_and(is_optional)
    }

    fn head_of<'s>(&self, specifier: &'s str) -> &'s str {
        specifier
    }
}

/// Whether a member of an interface may be left out: `size?: number`.
fn is_optional(member: &Symbol) -> bool {
    let name = member.name.rsplit('.').next().unwrap_or_default();
    let mut words = member.signature.split(' ');
    words.any(|word| word.strip_prefix(name).is_some_and(|rest| rest.starts_with('?')))
}

/// Whether it is declared `abstract`.
fn is_abstract(declared: &ClassFacts<'_>) -> bool {
    declared.symbol.is_some_and(|symbol| symbol.signature.split_whitespace().any(|word| word == "abstract"))
}
