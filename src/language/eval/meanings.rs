//! What imports mean in a project, and what others read of those that mean something else in another one.

use std::collections::BTreeSet;

use rustc_hash::FxHashSet;

use super::evaluation::{INSIDE, LISTED};
use super::facts::{ImportFact, ImportWhat};
use super::reach::fingerprints;
use super::rules::{FileNo, Place, Project, Rules};
use super::view::{FactView, key};
use super::world::EvalBase;

/// What each import of a file means: the place, that of its first part, and whether it lacks one that it should have.
pub(super) fn import_meanings(base: &EvalBase, file: FileNo) -> Vec<String> {
    let targets = base.view.file(file).map(|entry| entry.targets.as_slice()).unwrap_or_default();
    meanings(&base.view, base.project.as_ref(), base.rules, file, |import, _| targets.get(import).copied().flatten())
}

fn meanings(
    view: &FactView,
    project: &dyn Project,
    rules: &dyn Rules,
    file: FileNo,
    target_of: impl Fn(usize, &str) -> Option<Place>,
) -> Vec<String> {
    let facts = view.facts(file);
    let identity = |place: Option<Place>| place.map(|place| project.identity(place)).unwrap_or_default();
    let meaning = |(at, import): (usize, &ImportFact)| {
        let specifier = facts.text(import.specifier);
        let target = target_of(at, specifier);
        let is_missing = target.is_none() && project.is_missing(specifier, file);
        let head = match import.what {
            ImportWhat::Head => project.resolve(rules.head_of(specifier), file),
            _ => None,
        };
        format!("{specifier} {} {} {is_missing}", identity(target), identity(head))
    };
    facts.imports.iter().enumerate().map(meaning).collect()
}

/// Adds the reads that ask packages for a module which is found in other ones now.
pub(super) fn add_moved_entries(before: &[(String, String)], after: &[(String, String)], keys: &mut FxHashSet<u64>) {
    if before == after {
        return;
    }
    for (package, name) in before.iter().chain(after) {
        keys.insert(key(0, &[INSIDE, package.as_bytes(), name.as_bytes()]));
    }
}

/// Adds what others read of imports that mean something else.
pub(super) fn add_changed_imports(
    base: &EvalBase,
    file: FileNo,
    before: &[String],
    after: &[String],
    keys: &mut FxHashSet<u64>,
) {
    let Some(entry) = base.view.file(file) else { return };
    let facts = entry.facts();
    for (id, import) in facts.imports.iter().enumerate() {
        if before.get(id) == after.get(id) {
            continue;
        }
        keys.insert(key(entry.path_key(), &[LISTED]));
        let scope_key = entry.scope_keys.get(import.scope as usize).copied().unwrap_or_default();
        if let Some(binding) = import.binding.and_then(|binding| facts.binding(binding)) {
            keys.insert(key(scope_key, &[facts.text(binding.name).as_bytes()]));
        }
    }
    // What reads an import inside a body has the key of what is around it.
    keys.extend(fingerprints(base, file).into_keys());
}

/// Adds the reads that ask packages for modules that came.
pub(super) fn add_new_modules(base: &EvalBase, files: &BTreeSet<FileNo>, keys: &mut FxHashSet<u64>) {
    for &file in files {
        for (package, name) in base.project.entries_of(file) {
            keys.insert(key(0, &[INSIDE, package.as_bytes(), name.as_bytes()]));
        }
    }
}
