//! What a file uses: of all that a name can mean, the declarations to which a reader is led.

use std::collections::BTreeMap;

use super::evaluation::CEvaluation;
use super::view::CDeclared;
use crate::language::eval::facts::{BindingKind, NameSpace, Step, StepId};
use crate::language::table::c::lower::{DEFINED, MACRO};

impl CEvaluation<'_> {
    pub(super) fn note_step(&mut self, step: StepId, found: &[CDeclared]) {
        if found.is_empty() {
            return;
        }
        let facts = self.view.facts(self.own);
        let line = facts.step_lines.get(step as usize).copied().unwrap_or_default();
        let written = match facts.step(step) {
            Some(Step::Member { text, of }) => match facts.step(*of) {
                Some(Step::Name { text: head, space: NameSpace::Type | NameSpace::Any, .. }) => {
                    format!("{}::{}", facts.text(*head), facts.text(*text))
                }
                Some(Step::Member { .. }) => format!("::{}", facts.text(*text)),
                _ => format!(".{}", facts.text(*text)),
            },
            Some(Step::Name { text, .. }) => facts.text(*text).to_owned(),
            _ => return,
        };
        self.note(found, &written, line);
    }

    /// Notes what is used: the declarations that a reader of the file would be led to, and what macros write.
    pub(super) fn note(&mut self, found: &[CDeclared], written: &str, line: u32) {
        for item in self.meant(found) {
            if self.view.binding(item).is_some_and(|binding| binding.flags.has(MACRO)) {
                self.expand(item, line);
            }
            if item.file != self.own && self.view.symbol(item).is_some() {
                let first = self.references.entry((written.to_owned(), item)).or_insert(line);
                *first = line.min(*first);
            }
        }
    }

    /// Of several declarations of one thing the one that counts: a type's definition, else the last that is no definition elsewhere. A
    /// macro may hide a function, or be one of two ways to say it: both count.
    fn meant(&self, found: &[CDeclared]) -> Vec<CDeclared> {
        let flags = |item: &CDeclared| self.view.binding(*item).map(|binding| binding.flags).unwrap_or_default();
        let (macros, others): (Vec<CDeclared>, Vec<CDeclared>) =
            found.iter().copied().partition(|item| flags(item).has(MACRO));
        let last_file = |items: &[CDeclared]| {
            let last = items.iter().max_by_key(|item| self.order(item.file)).map(|item| item.file);
            items.iter().copied().filter(|item| Some(item.file) == last).collect::<Vec<_>>()
        };
        let mut meant = last_file(&macros);
        let mut groups: BTreeMap<(bool, &str), Vec<CDeclared>> = BTreeMap::new();
        for item in others {
            let kind = self.view.binding(item).map(|binding| binding.kind);
            let is_function = kind == Some(BindingKind::Function);
            let signature = self.view.symbol(item).map_or("", |symbol| symbol.signature.as_str());
            let own = if is_function { own_signature(signature) } else { "" };
            groups.entry((is_function, own)).or_default().push(item);
        }
        for ((is_function, _), group) in groups {
            let is_better = |item: &CDeclared| flags(item).has(DEFINED) != is_function;
            let elsewhere: Vec<CDeclared> = group.iter().copied().filter(|item| item.file != self.own).collect();
            let better: Vec<CDeclared> = group.iter().copied().filter(is_better).collect();
            let chosen = match (better.is_empty(), is_function && !elsewhere.is_empty()) {
                (_, true) => {
                    let better: Vec<CDeclared> = elsewhere.iter().copied().filter(is_better).collect();
                    if better.is_empty() { elsewhere } else { better }
                }
                (false, false) => better,
                (true, false) => group,
            };
            meant.extend(last_file(&chosen));
        }
        meant
    }

    /// What a macro writes is used where the macro is.
    fn expand(&mut self, item: CDeclared, line: u32) {
        if !self.expanded.insert(item) || self.is_exhausted() {
            return;
        }
        let Some(binding) = self.view.binding(item).filter(|_| item.file != self.own) else { return };
        // Macros that lead to macros go deeper.
        self.deeper(|this| {
            let written = format!("{}(…)", this.view.name(item));
            for &value in &binding.values {
                let found = this.denoted(item.file, value, None);
                this.note(&found, &written, line);
            }
        });
    }
}

/// A function's signature without what may differ between its declaration and its definition.
fn own_signature(signature: &str) -> &str {
    let mut rest = signature.split(" {").next().unwrap_or(signature);
    while let Some(shorter) = ["extern ", "static ", "inline ", "virtual ", "explicit ", "constexpr "]
        .iter()
        .find_map(|word| rest.strip_prefix(word))
    {
        rest = shorter;
    }
    rest
}
