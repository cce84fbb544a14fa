//! Whether a change passes a gate.

use std::collections::BTreeSet;

use super::{RangeImpact, SymbolChange};
use crate::domain::{FilePath, Role};
use crate::impact::SymbolAt;
use crate::outline::role_of;

/// What a gate refuses.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum FailOn {
    /// A file that the change leaves alone uses a declaration that the change alters.
    CallersOutside,
    /// A function or method that the change adds or alters is reached by no test.
    Untested,
}

impl FailOn {
    pub const ALL: [Self; 2] = [Self::CallersOutside, Self::Untested];

    pub const fn as_str(self) -> &'static str {
        match self {
            Self::CallersOutside => "callers-outside",
            Self::Untested => "untested",
        }
    }

    pub fn parse(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|one| one.as_str() == text)
    }
}

/// Why a change is refused.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct CheckFailure {
    pub on: FailOn,
    /// The caller, or the file with what no test reaches.
    pub file: FilePath,
    /// What it uses of which file, or what is not tested.
    pub symbol: SymbolAt,
}

/// All that a gate refuses of a change; nothing: it passes.
pub fn failures(found: &RangeImpact, fail_on: &BTreeSet<FailOn>) -> Vec<CheckFailure> {
    let mut failures = Vec::new();
    if fail_on.contains(&FailOn::CallersOutside) {
        for (file, causes) in &found.impact.dependents {
            failures.extend(causes.iter().map(|cause| CheckFailure {
                on: FailOn::CallersOutside,
                file: file.clone(),
                symbol: (cause.file.clone(), cause.symbol.clone()),
            }));
        }
    }
    if fail_on.contains(&FailOn::Untested) {
        let reached: BTreeSet<&SymbolAt> = found.tests.iter().flatten().flat_map(|test| &test.reaches).collect();
        for one in &found.changed_symbols {
            let symbol = (one.file.clone(), one.symbol.clone());
            let is_asked = one.is_callable && one.how != SymbolChange::Removed && role_of(&one.file) != Role::Test;
            if is_asked && !reached.contains(&symbol) {
                failures.push(CheckFailure { on: FailOn::Untested, file: one.file.clone(), symbol });
            }
        }
    }
    failures
}
