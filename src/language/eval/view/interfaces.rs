//! The interfaces of a view by what shows that a class may implement them: the names of their members, and what they embed.

use rustc_hash::FxHashMap;

use super::{FactView, Item, NameNo};
use crate::language::eval::facts::{BindingId, BindingKind, FactScopeId, Step, StepId};
use crate::language::eval::rules::{ClassFacts, FileNo, Rules};

/// Interfaces by what shows that a class may implement them.
#[derive(Default)]
pub(super) struct InterfaceNames {
    by_member: FxHashMap<NameNo, Vec<Item>>,
    /// By the last name of an interface that they embed.
    by_embedded: FxHashMap<NameNo, Vec<Item>>,
    /// The methods that each declares itself.
    methods: FxHashMap<Item, Box<[NameNo]>>,
}

impl FactView {
    /// The interfaces that declare a member of a name.
    pub fn interfaces_with(&self, member: NameNo, rules: &dyn Rules) -> &[Item] {
        self.interfaces(rules).by_member.get(&member).map(Vec::as_slice).unwrap_or_default()
    }

    /// The interfaces that embed one of this name.
    pub fn interfaces_embedding(&self, name: NameNo, rules: &dyn Rules) -> &[Item] {
        self.interfaces(rules).by_embedded.get(&name).map(Vec::as_slice).unwrap_or_default()
    }

    fn interfaces(&self, rules: &dyn Rules) -> &InterfaceNames {
        self.interfaces.get_or_init(|| {
            let mut names = InterfaceNames::default();
            for (file, entry) in self.files.iter().enumerate() {
                for (id, binding) in entry.facts().bindings.iter().enumerate() {
                    let item = Item { file: file as FileNo, binding: id as BindingId };
                    let Some(scope) = binding.inner.filter(|_| self.has_shape(item, rules)) else { continue };
                    for (name, _) in entry.declared_in(scope) {
                        names.by_member.entry(name).or_default().push(item);
                    }
                    names.methods.insert(item, self.methods_in(file as FileNo, scope, rules));
                    for name in self.embedded_names(item) {
                        names.by_embedded.entry(name).or_default().push(item);
                    }
                }
            }
            names
        })
    }

    /// The methods that an interface declares itself, those that make instances not counted. They are read with its shape.
    pub fn methods_of(&self, interface: Item, rules: &dyn Rules) -> &[NameNo] {
        self.interfaces(rules).methods.get(&interface).map(AsRef::as_ref).unwrap_or_default()
    }

    /// The methods that a scope declares for others, in the order of their names' numbers.
    fn methods_in(&self, file: FileNo, scope: FactScopeId, rules: &dyn Rules) -> Box<[NameNo]> {
        let Some(entry) = self.file(file) else { return Box::default() };
        let is_method = |&(name, binding): &(NameNo, BindingId)| {
            let binding = entry.facts().binding(binding);
            binding.is_some_and(|one| one.kind == BindingKind::Function && one.symbol.is_some())
                && !rules.constructors().contains(&self.text(name))
        };
        entry.declared_in(scope).filter(is_method).map(|(name, _)| name).collect()
    }

    /// Whether classes implement an interface by having its members.
    pub fn has_shape(&self, item: Item, rules: &dyn Rules) -> bool {
        let Some(binding) = self.binding(item) else { return false };
        let is_type = matches!(binding.kind, BindingKind::Interface | BindingKind::Class);
        is_type && rules.has_shape(&ClassFacts { facts: self.facts(item.file), binding, symbol: self.symbol(item) })
    }

    /// The last names of the bases of a class or interface, as written.
    pub fn embedded_names(&self, item: Item) -> Vec<NameNo> {
        let Some(binding) = self.binding(item) else { return Vec::new() };
        let name = |&base: &StepId| {
            let mut step = self.step(item.file, base)?;
            if let Step::Apply { base, .. } | Step::Index { of: base, .. } = step {
                step = self.step(item.file, *base)?;
            }
            match step {
                Step::Name { text, .. } | Step::Member { text, .. } => Some(self.name(item.file, *text)),
                _ => None,
            }
        };
        binding.bases.iter().filter_map(name).collect()
    }
}
