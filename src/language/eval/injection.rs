//! Parameters that get their value by name: those of a test, from the fixture of that name in its class, its file, or the nearest module
//! above that has it.
//!
//! No name is written, so a fixture is an implied use, as a constructor is: it is part of what the file depends on, and no reference.

use std::collections::BTreeSet;

use super::evaluation::{Evaluation, INSIDE};
use super::facts::{BindingId, BindingKind, FactScopeKind, Flags, NameSpace, TextId};
use super::names::{Denoted, Trail};
use super::rules::{FileNo, Place};
use super::view::{Item, NameNo, key};

impl Evaluation<'_> {
    /// Notes the fixtures that the file asks for.
    pub(super) fn injected(&mut self) {
        let Some(giver) = self.world.rules.giver() else { return };
        let facts = self.world.view.facts(self.own);
        let mut asked: BTreeSet<(BindingId, TextId)> = BTreeSet::new();
        for param in facts.bindings.iter().filter(|one| one.kind == BindingKind::Parameter) {
            let is_given =
                [Flags::OPTIONAL, Flags::VARIADIC, Flags::KEYWORDS].iter().any(|&flag| param.flags.has(flag));
            let function = facts.scope(param.scope).and_then(|scope| scope.owner);
            let asks = |&id: &BindingId| facts.binding(id).is_some_and(|one| one.flags.has(Flags::INJECTED));
            asked.extend(function.filter(|_| !is_given).filter(asks).map(|function| (function, param.name)));
        }
        for (function, text) in asked {
            self.fixture(giver, function, text);
        }
    }

    fn fixture(&mut self, giver: &str, function: BindingId, text: TextId) {
        let (own, view) = (self.own, &self.world.view);
        let (facts, name) = (view.facts(own), view.name(own, text));
        let Some(scope) = facts.binding(function).map(|function| function.scope) else { return };
        let is_method = facts.scope(scope).is_some_and(|scope| scope.kind == FactScopeKind::Class);
        let is_fixture = |item: Item| view.binding(item).is_some_and(|one| one.flags.has(Flags::FIXTURE));
        let is_other = |item: &Item| *item != Item { file: own, binding: function };
        if is_method && view.declared(own, scope, name).filter(is_other).any(is_fixture) {
            return;
        }
        if self.fixture_in(own, function, name) {
            return;
        }
        for (package, file) in self.world.project.beside(own, giver) {
            self.reads.insert(key(0, &[INSIDE, package.as_bytes(), giver.as_bytes()]));
            if file.is_some_and(|file| file != own && self.fixture_in(file, function, name)) {
                return;
            }
        }
    }

    /// Notes the fixture that a module has under a name; false if it has none.
    fn fixture_in(&mut self, file: FileNo, asking: BindingId, name: NameNo) -> bool {
        let asking = Item { file: self.own, binding: asking };
        let found = self.in_module(Place::File(file), name, NameSpace::Any, &mut Trail::default());
        let view = &self.world.view;
        let is_fixture = |item: &Item| view.binding(*item).is_some_and(|one| one.flags.has(Flags::FIXTURE));
        let items = found.into_iter().filter_map(|one| match one {
            Denoted::Item(item) => Some(item),
            Denoted::Module(_) => None,
        });
        let fixtures: Vec<Item> = items.filter(|item| *item != asking).filter(is_fixture).collect();
        fixtures.iter().for_each(|&fixture| self.note_implied(fixture));
        !fixtures.is_empty()
    }
}
