//! What an edit can change for others: fingerprints of all that a file declares, by the key under which it is found.

use std::collections::hash_map::DefaultHasher;
use std::collections::{BTreeMap, BTreeSet};
use std::hash::{Hash, Hasher};
use std::mem::discriminant;

use rustc_hash::{FxHashMap, FxHashSet};

use super::view::{CFile, PURE, key};
use crate::language::eval::facts::{BindingKind, FactScopeKind, Facts, Flags, ImportWhat, NO_STEP, Step, StepId};

/// The fingerprint of what a file declares under each key.
pub(super) fn fingerprints(file: &CFile) -> BTreeMap<u64, u64> {
    let facts = file.facts();
    let mut hashers: FxHashMap<u64, DefaultHasher> = FxHashMap::default();
    for (key, id) in file.keys() {
        let Some(binding) = facts.binding(id) else { continue };
        let hasher = hashers.entry(key).or_default();
        let symbol = binding.symbol.and_then(|symbol| file.outline.symbols.get(symbol as usize));
        symbol.map(|one| (&one.name, one.kind, one.visibility, &one.signature)).hash(hasher);
        (discriminant(&binding.kind), binding.flags, file.scope_path(binding.scope)).hash(hasher);
        binding.inner.map(|inner| file.scope_path(inner)).hash(hasher);
        let mut seen = FxHashSet::default();
        let steps = [&binding.values, &binding.bases, &binding.decorators];
        for &step in std::iter::once(&binding.ty).chain(steps.into_iter().flatten()) {
            hash_step(file, facts, step, &mut seen, hasher);
        }
        for param in binding.params.iter().filter_map(|&param| facts.binding(param)) {
            // The names of a template's parameters are written in what it declares, those of a function's nowhere else.
            let is_type = param.kind == BindingKind::TypeParameter;
            let name = if is_type { facts.text(param.name) } else { "" };
            (name, discriminant(&param.kind), param.flags).hash(hasher);
        }
    }
    for (key, names) in pure_members(file) {
        names.hash(hashers.entry(key).or_default());
    }
    hashers.into_iter().map(|(key, hasher)| (key, hasher.finish())).collect()
}

/// The names of the pure virtual functions of each class, by the key under which all of them are read.
fn pure_members(file: &CFile) -> BTreeMap<u64, BTreeSet<&str>> {
    let facts = file.facts();
    let mut names: BTreeMap<u64, BTreeSet<&str>> = BTreeMap::new();
    for binding in facts.bindings.iter().filter(|binding| binding.flags.has(Flags::ABSTRACT)) {
        let is_member = facts.scope(binding.scope).is_some_and(|scope| scope.kind == FactScopeKind::Class);
        let path = file.scope_path(binding.scope);
        if is_member && path != 0 {
            names.entry(key(path, PURE)).or_default().insert(facts.text(binding.name));
        }
    }
    names
}

/// What a file says that counts for all who see it, whatever they look up: the namespaces that it uses.
pub(super) fn directives(file: &CFile) -> Vec<(u64, &str)> {
    let facts = file.facts();
    let used = facts.imports.iter().filter(|import| import.what == ImportWhat::All);
    used.map(|import| (file.scope_path(import.scope), facts.text(import.specifier))).collect()
}

/// The includes of a file as written.
pub(super) fn includes(file: &CFile) -> Vec<&str> {
    let facts = file.facts();
    let includes = facts.imports.iter().filter(|import| import.what == ImportWhat::Nothing);
    includes.map(|import| facts.text(import.specifier)).collect()
}

/// Hashes a step with those that it is made of.
fn hash_step(file: &CFile, facts: &Facts, step: StepId, seen: &mut FxHashSet<StepId>, hasher: &mut DefaultHasher) {
    let mut todo = vec![step];
    while let Some(step) = todo.pop() {
        let Some(kind) = facts.step(step).filter(|_| step != NO_STEP && seen.insert(step)) else {
            0_u8.hash(hasher);
            continue;
        };
        discriminant(kind).hash(hasher);
        match kind {
            Step::Name { text, scope, space } => {
                let scope_kind = facts.scope(*scope).map(|scope| discriminant(&scope.kind));
                (facts.text(*text), space, file.scope_path(*scope), scope_kind).hash(hasher);
                // Inside a function the name may be one of its own.
                let mut at = facts.scope(*scope);
                while let Some(scope) = at.filter(|_| file.scope_path(*scope) == 0) {
                    if let Some(owner) = scope.owner.and_then(|owner| facts.binding(owner)) {
                        facts.text(owner.name).hash(hasher);
                    }
                    at = scope.parent.and_then(|parent| facts.scope(parent));
                }
            }
            Step::Member { of, text } => {
                facts.text(*text).hash(hasher);
                todo.push(*of);
            }
            Step::Call { callee, args } | Step::New { callee, args } => {
                args.len().hash(hasher);
                todo.extend(args.iter().map(|arg| arg.value));
                todo.push(*callee);
            }
            Step::Index { of, index } => todo.extend([*index, *of]),
            Step::Function(function) => todo.extend(facts.binding(*function).map(|function| function.ty)),
            Step::Await(of) | Step::Element(of) | Step::Typed(of) => todo.push(*of),
            Step::OneOf(parts) => todo.extend(parts.iter().copied()),
            Step::Apply { base, args } => {
                todo.extend(args.iter().copied());
                todo.push(*base);
            }
            _ => {}
        }
    }
}
