//! Exported names that no other file of the view uses.
//!
//! It would rather say too little: a file that is used as a whole, that others see by way of an entry, or that nothing imports by name
//! is left out, and so is a name that a file which can see it writes for whatever reason.

use std::collections::{BTreeMap, BTreeSet};

use super::facts::{Binding, BindingKind, Export, Exported, FactScopeKind, Facts, ImportWhat, Step};
use super::rules::{FileNo, Place};
use super::view::ViewFile;
use super::world::EvalBase;
use crate::domain::{Edge, FilePath, Role};
use crate::language::resolve::UnusedExport;
use crate::language::{of, role_of};

/// What imports say of each other's files.
#[derive(Default)]
struct ViewImports {
    /// Files of which something is imported by its name, and those that such files hand on.
    by_name: BTreeSet<FileNo>,
    /// Files that are imported as a whole: what of them is used cannot be seen.
    whole: BTreeSet<FileNo>,
    /// Whose names a file hands on with a star.
    stars: BTreeMap<FileNo, BTreeSet<FileNo>>,
    importers: BTreeMap<FileNo, BTreeSet<FileNo>>,
}

/// All of them, in the order of paths and lines; `edges`: what the files use of each other.
pub(super) fn unused_exports(base: &EvalBase, edges: &[Edge]) -> Vec<UnusedExport> {
    let Some(entries) = base.project.entries() else { return Vec::new() };
    let imports = ViewImports::of(base);
    let public = imports.with_stars(&entries);
    let imported = imports.with_stars(&imports.by_name);
    let mut used: BTreeMap<&FilePath, BTreeSet<&str>> = BTreeMap::new();
    for edge in edges {
        let first = edge.symbol_name.split('.').next().unwrap_or_default();
        used.entry(&edge.source_file).or_default().insert(first);
    }
    let mut found = Vec::new();
    for (number, file) in (0..).zip(&base.view.files) {
        let is_judged = file.is_own && is_judged(file) && imported.contains(&number);
        if !is_judged || public.contains(&number) || imports.whole.contains(&number) {
            continue;
        }
        let readers = imports.readers(number);
        let writes =
            |name: &str| readers.iter().any(|&reader| base.view.facts(reader).texts.iter().any(|one| one == name));
        let used = used.get(&file.path);
        let exports = file.facts().exports.iter().filter_map(|export| unused(file, export));
        found.extend(exports.filter(|(symbol, one)| {
            let is_used = used.is_some_and(|used| used.contains(symbol.as_str()) || used.contains(one.name.as_str()));
            !is_used && !writes(&one.name) && !writes(symbol)
        }));
    }
    let mut found: Vec<UnusedExport> = found.into_iter().map(|(_, one)| one).collect();
    found.sort();
    found.dedup();
    found
}

/// A file that a person wrote for others to import: no test, no page, no declaration of what is elsewhere.
fn is_judged(file: &ViewFile) -> bool {
    let facts = file.facts();
    let is_shared = |kind: FactScopeKind| matches!(kind, FactScopeKind::Global | FactScopeKind::Augmentation(_));
    let name = String::from_utf8_lossy(file.path.file_name());
    role_of(&file.path) == Role::Library
        && of(&file.path).spec().embedded.is_none()
        && ![".d.ts", ".d.mts", ".d.cts"].iter().any(|end| name.ends_with(end))
        && !facts.is_open
        && !facts.scopes.iter().any(|scope| is_shared(scope.kind))
}

/// What an export would be if nothing used it, with the name of its symbol; nothing for what is handed on, and for types that the file
/// itself uses: they belong to what it exports otherwise.
fn unused(file: &ViewFile, export: &Export) -> Option<(String, UnusedExport)> {
    let facts = file.facts();
    let Exported::Local(text) = export.of else { return None };
    let declared: Vec<&Binding> = file.declared_as(0, text).filter_map(|id| facts.binding(id)).collect();
    let first = declared.first()?;
    if declared.iter().any(|one| matches!(one.kind, BindingKind::Import(_))) {
        return None;
    }
    let (name, exported) = (facts.text(text), facts.text(export.name));
    let is_used_here = uses_itself(facts, text);
    let is_value = declared.iter().all(|one| matches!(one.kind, BindingKind::Function | BindingKind::Variable));
    if is_used_here && !is_value || matches!(exported, "" | "export=") {
        return None;
    }
    let symbol = first.symbol.and_then(|symbol| file.outline.symbols.get(symbol as usize));
    let symbol = symbol.map_or(name, |symbol| symbol.name.as_str()).to_owned();
    let (path, name) = (file.path.clone(), exported.to_owned());
    Some((symbol, UnusedExport { file: path, line: first.line, name, is_used_here }))
}

/// Whether a file writes one of its names, its exports apart.
fn uses_itself(facts: &Facts, text: u32) -> bool {
    let exports = facts.exports.iter().filter(|one| one.of == Exported::Local(text));
    let lines: BTreeSet<u32> = exports.map(|one| one.line).collect();
    let mut steps = facts.steps.iter().zip(&facts.step_lines);
    steps.any(|(step, line)| matches!(step, Step::Name { text: own, .. } if *own == text) && !lines.contains(line))
}

impl ViewImports {
    fn of(base: &EvalBase) -> Self {
        let mut imports = Self::default();
        for (file, entry) in (0..).zip(&base.view.files) {
            let facts = entry.facts();
            for (import, target) in facts.imports.iter().zip(&entry.targets) {
                let Some(Place::File(target)) = *target else { continue };
                if target == file {
                    continue;
                }
                imports.importers.entry(target).or_default().insert(file);
                match import.what {
                    ImportWhat::All => drop(imports.stars.entry(file).or_default().insert(target)),
                    ImportWhat::Name(name) if facts.text(name) == "export=" => drop(imports.whole.insert(target)),
                    ImportWhat::Name(_) | ImportWhat::Default => drop(imports.by_name.insert(target)),
                    ImportWhat::Whole => drop(imports.whole.insert(target)),
                    ImportWhat::Nothing | ImportWhat::Head | ImportWhat::OwnName => {}
                }
            }
        }
        // What a file hands on with stars is used as a whole where the file is.
        imports.whole = imports.with_stars(&imports.whole);
        imports
    }

    /// Some files, and those whose names they hand on.
    fn with_stars(&self, files: &BTreeSet<FileNo>) -> BTreeSet<FileNo> {
        let mut all = files.clone();
        let mut todo: Vec<FileNo> = files.iter().copied().collect();
        while let Some(file) = todo.pop() {
            todo.extend(self.stars.get(&file).into_iter().flatten().filter(|&&target| all.insert(target)));
        }
        all
    }

    /// The files that can name what a file exports.
    fn readers(&self, file: FileNo) -> BTreeSet<FileNo> {
        let mut readers = BTreeSet::new();
        let mut todo = vec![file];
        while let Some(at) = todo.pop() {
            for &importer in self.importers.get(&at).into_iter().flatten() {
                let hands_on = self.stars.get(&importer).is_some_and(|targets| targets.contains(&at));
                if readers.insert(importer) && hands_on {
                    todo.push(importer);
                }
            }
        }
        readers
    }
}
