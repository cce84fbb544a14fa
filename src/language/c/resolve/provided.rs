//! What classes provide for those above them: the virtual functions that they override, and the pure ones that they have to.
//!
//! Nothing names such a function, so it is part of what the file depends on, and no reference.

use std::collections::BTreeSet;

use super::evaluation::CEvaluation;
use super::view::{CDeclared, PURE, key};
use crate::language::eval::facts::{BindingKind, Flags};

/// Classes above one class that are considered.
const ABOVE_MAX: usize = 64;

impl CEvaluation<'_> {
    /// The functions of other files that the file's classes provide.
    pub(super) fn provided(&mut self) -> BTreeSet<CDeclared> {
        let (view, own) = (self.view, self.own);
        let mut members = BTreeSet::new();
        for (id, binding) in view.facts(own).bindings.iter().enumerate() {
            let class = CDeclared { file: own, binding: id as u32 };
            if binding.kind == BindingKind::Class && binding.inner.is_some() {
                self.add_provided(class, &mut members);
            }
        }
        members
    }

    fn add_provided(&mut self, class: CDeclared, members: &mut BTreeSet<CDeclared>) {
        let view = self.view;
        let declared = view.file(class.file).zip(view.binding(class).and_then(|class| class.inner));
        let declared: BTreeSet<String> =
            declared.map(|(entry, scope)| entry.names_in(scope).map(str::to_owned).collect()).unwrap_or_default();
        let (mut seen, mut todo) = (vec![class], self.bases(class));
        while let Some(base) = todo.pop() {
            if seen.contains(&base) || seen.len() > ABOVE_MAX {
                continue;
            }
            seen.push(base);
            todo.extend(self.bases(base));
            let inside = view.inside(base);
            if inside == 0 {
                continue;
            }
            let mut names = declared.clone();
            names.extend(self.pure_names(base, inside));
            names.remove(view.name(base));
            for name in names {
                for member in self.found(inside, &name) {
                    let is_pure = view.binding(member).is_some_and(|member| member.flags.has(Flags::ABSTRACT));
                    let is_virtual =
                        || view.symbol(member).is_some_and(|symbol| symbol.signature.starts_with("virtual "));
                    let is_provided = declared.contains(&name) && is_virtual()
                        || is_pure && !declared.contains(&name) && self.is_left_to(class, &name);
                    if member.file != self.own && is_provided {
                        members.insert(member);
                    }
                }
            }
        }
    }

    /// The pure virtual functions of a class.
    fn pure_names(&mut self, class: CDeclared, inside: u64) -> BTreeSet<String> {
        let view = self.view;
        self.reads.insert(key(inside, PURE));
        let entry = view.file(class.file).zip(view.binding(class).and_then(|class| class.inner));
        let names = entry.into_iter().flat_map(|(entry, scope)| entry.pure_in(scope));
        names.map(str::to_owned).collect()
    }

    /// Whether no class between this one and the one that asks for a function has it.
    fn is_left_to(&mut self, class: CDeclared, name: &str) -> bool {
        let nearest = self.members(class, name);
        nearest.iter().all(|one| self.view.binding(*one).is_some_and(|one| one.flags.has(Flags::ABSTRACT)))
    }
}
