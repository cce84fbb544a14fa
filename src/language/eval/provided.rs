//! What classes provide for those above them: the members that they implement, have to implement, or override.
//!
//! Nothing names such a member, so each is an implied use, as a constructor is: it is part of what the file depends on, and no reference.

use std::collections::BTreeSet;

use super::evaluation::Evaluation;
use super::facts::BindingKind;
use super::rules::ClassFacts;
use super::view::{Item, NameNo};
use crate::language::Visibility;

/// A class of the file.
struct ProvidingClass {
    class: Item,
    /// What it declares here.
    declared: BTreeSet<NameNo>,
    /// It is a class, and this is the part of it that stands for the whole.
    is_whole_class: bool,
    /// It leaves nothing to classes below it.
    makes_all: bool,
}

/// The members of other files that the classes of a file provide.
pub(super) fn provided(evaluation: &mut Evaluation<'_>) -> BTreeSet<Item> {
    let (own, world) = (evaluation.own, evaluation.world);
    let mut members = BTreeSet::new();
    // What is embedded is not overridden, and the signature of an interface says what it asks for.
    if world.rules.has_embedding() {
        return members;
    }
    for binding in 0..world.view.facts(own).bindings.len() {
        evaluation.add_provided(Item { file: own, binding: binding as u32 }, &mut members);
    }
    members
}

impl Evaluation<'_> {
    fn add_provided(&mut self, class: Item, members: &mut BTreeSet<Item>) {
        let world = self.world;
        let Some(binding) = world.view.binding(class) else { return };
        let is_type = matches!(binding.kind, BindingKind::Class | BindingKind::Interface | BindingKind::Enum);
        let Some(scope) = binding.inner.filter(|_| is_type) else { return };
        let Some(entry) = world.view.file(class.file) else { return };
        let declared = entry.declared_in(scope).map(|(name, _)| name).collect();
        let whole = self.whole(class);
        let is_whole_class = whole == class && binding.kind != BindingKind::Interface;
        let makes_all = is_whole_class && !self.is_interface(class);
        let here = ProvidingClass { class: whole, declared, is_whole_class, makes_all };
        let own = self.declarations_of(whole);
        for above in self.lineage(whole) {
            if own.contains(&above) {
                continue;
            }
            for (name, wanted) in self.members_of(above) {
                if wanted.file != self.own && self.is_provided(&here, above, name, wanted) {
                    members.insert(wanted);
                }
            }
        }
    }

    /// Whether a class has something in the place of a member of one above it, or has to.
    fn is_provided(&mut self, here: &ProvidingClass, above: Item, name: NameNo, wanted: Item) -> bool {
        let world = self.world;
        let (Some(binding), Some(symbol)) = (world.view.binding(wanted), world.view.symbol(wanted)) else {
            return false;
        };
        let member = ClassFacts { facts: world.view.facts(wanted.file), binding, symbol: Some(symbol) };
        let is_asked = world.rules.must_be_made(&member);
        let is_declared = here.declared.contains(&name);
        let is_of_interface = world.view.binding(above).is_some_and(|above| above.kind == BindingKind::Interface);
        if is_declared || is_asked || is_of_interface {
            self.read_item(wanted);
        }
        // In TypeScript and C#, where an abstract class has to declare what an interface asks for, too.
        let has_overridden_fields = world.rules.is_structural() || world.rules.has_namespaces();
        let has_to_have = here.makes_all || has_overridden_fields && is_of_interface && here.is_whole_class;
        let is_seen = !(world.rules.is_packaged() && symbol.visibility == Visibility::Private);
        let is_overridden =
            is_declared && is_seen && (is_asked || has_overridden_fields || binding.kind == BindingKind::Function);
        is_overridden || is_asked && has_to_have && self.is_left_to(here.class, above, name)
    }

    /// Whether it is for this class to make a member of one above it, not for a class between them that implements that, too.
    fn is_left_to(&mut self, class: Item, above: Item, name: NameNo) -> bool {
        let made = self.made_of(class, name);
        let is_own = |this: &mut Self, made: Item| {
            let Some(maker) = this.class_with(made).map(|maker| this.whole(maker)) else { return true };
            maker == class || !this.lineage(maker).contains(&above)
        };
        match made.is_empty() {
            true => !self.is_due_between(class, above),
            false => made.into_iter().any(|made| is_own(self, made)),
        }
    }

    /// Whether a class between the two has to make all that the upper one asks for. Where no class says that it is abstract, any may be.
    fn is_due_between(&mut self, class: Item, above: Item) -> bool {
        if !self.world.rules.is_packaged() && !self.world.rules.is_structural() {
            return false;
        }
        let own = self.declarations_of(class);
        let is_due = |this: &mut Self, one: Item| !this.is_interface(one) && this.lineage(one).contains(&above);
        self.lineage(class).into_iter().any(|one| !own.contains(&one) && is_due(self, one))
    }

    /// The class that declares a member.
    fn class_with(&self, member: Item) -> Option<Item> {
        let facts = self.world.view.facts(member.file);
        let scope = facts.binding(member.binding)?.scope;
        facts.scope(scope)?.owner.map(|binding| Item { file: member.file, binding })
    }
}
