//! How far a change of what files say can reach, before anything is resolved: by names.
//!
//! Resolution begins at the names that a file writes and goes on by the names that the declarations found on the way write. So a
//! change can reach a file only by a chain of names: the name of what changed, then the name of a declaration that mentions it (a
//! function by its result's type, a member by its type, an import by its path), and so on. Files that write none of these names
//! resolve as before. The set is larger than what really changes, never smaller.
//!
//! A function of which nothing but the signature changed is found by the files that found it before: what resolution reads of it (its
//! result, its parameters) it reads after it has found it, and notes that as a use. So that reaches those alone that are known to
//! use it, be its name ever so common.
//!
//! What comes or goes as a whole, a module with its file, is followed more closely: see [`moved`].

pub(super) mod moved;

use std::collections::BTreeSet;
use std::hash::Hash;

use rustc_hash::{FxHashMap, FxHashSet};

use super::view::{File, View};
use crate::language::facts::{Import, ImportName, Owner, Type};
use crate::language::resolve::Reach;
use crate::language::{Outline, Symbol, SymbolKind, Visibility};

/// Whom a change reaches that made the files what they are in the view, with the numbers of [`Reach::files`]; each pair is what a
/// file said before. `None`: any file.
pub(super) fn reach<'a>(
    view: &View,
    before: impl IntoIterator<Item = (File, &'a Outline)>,
) -> Option<(Reach, BTreeSet<File>)> {
    let mut reach = Reach::default();
    let before: Vec<(File, &Outline)> = before.into_iter().collect();
    let mut names = NameSet::default();
    for &(file, before) in &before {
        let after = view.outline(file);
        if !is_plain(before, after) || has_other_globs(before, after) {
            return None;
        }
        let resigned = add_differing(before, after, &FxHashSet::default(), &mut names)?;
        reach.users_of.extend(resigned.into_iter().map(|name| (view.path(file).clone(), name.to_owned())));
    }
    let files = writers(view, names);
    reach.files = files.iter().map(|&file| view.path(file).clone()).collect();
    Some((reach, files))
}

/// The files that write one of the names, or a name that one of them declares by mentioning one, and so on.
fn writers<'a>(view: &'a View, mut names: NameSet<'a>) -> BTreeSet<File> {
    let mut files = BTreeSet::new();
    let mut followed = NameSet::default();
    loop {
        let new: Vec<&str> = names.difference(&followed).copied().collect();
        if new.is_empty() {
            return files;
        }
        files.extend(new.iter().filter_map(|name| view.known(name)).flat_map(|name| view.writers(name)));
        followed.extend(new);
        for &file in &files {
            add_mentioning(view.outline(file), &mut names);
        }
    }
}

type NameSet<'a> = FxHashSet<&'a str>;

/// Adds the names of what one outline declares and the other does not, or declares otherwise. Hands out the functions of which
/// nothing but the signature differs. `moved`: names of modules that are followed by themselves.
fn add_differing<'a>(
    before: &'a Outline,
    after: &'a Outline,
    moved: &NameSet<'a>,
    names: &mut NameSet<'a>,
) -> Option<BTreeSet<&'a str>> {
    if before.structure() != after.structure() {
        return None;
    }
    let (declared, declared_after) = (declarations(before), declarations(after));
    let found = |declared: &[Declaration<'a>]| declared.iter().map(Declaration::found).collect::<Vec<_>>();
    let (found_before, found_after) = (found(&declared), found(&declared_after));
    let differing_found: FxHashSet<_> = differing(&found_before, &found_after)?.into_iter().collect();
    let is_shared = |one: &&Declaration<'_>| !differing_found.contains(&one.found());
    let shared = declared.iter().filter(is_shared).zip(declared_after.iter().filter(is_shared));
    let resigned = shared.filter(|(before, after)| before != after).map(|(before, _)| before.symbol.name).collect();
    let is_moved = |symbol: &Seen<'a>| {
        symbol.kind == SymbolKind::Module && identifiers(symbol.name).last().is_some_and(|name| moved.contains(name))
    };
    for Declaration { symbol, .. } in differing_found.into_iter().filter(|one| !is_moved(&one.symbol)) {
        add_declared(symbol, names);
    }
    for block in differing(&headers(before), &headers(after))? {
        names.extend(identifiers(block));
        let members = declared.iter().chain(&declared_after).filter(|one| one.block == Some(block));
        members.for_each(|one| add_declared(one.symbol, names));
    }
    for import in differing(&imports(before), &imports(after))? {
        names.extend(import.segments.iter().copied().chain(import.name));
    }
    Some(resigned)
}

/// What is in one list and not in the other; `None` if what both have stands in another order, which decides between equals.
fn differing<T: Eq + Hash + Clone>(before: &[T], after: &[T]) -> Option<Vec<T>> {
    let count = |list: &[T]| {
        let mut counts: FxHashMap<T, usize> = FxHashMap::default();
        list.iter().for_each(|one| *counts.entry(one.clone()).or_default() += 1);
        counts
    };
    let (counts_before, counts_after) = (count(before), count(after));
    let is_shared = |one: &&T| counts_before.get(*one) == counts_after.get(*one);
    if !before.iter().filter(is_shared).eq(after.iter().filter(is_shared)) {
        return None;
    }
    Some(before.iter().chain(after).filter(|one| !is_shared(one)).cloned().collect())
}

/// Whether a file declares the modules that it did, in the same places.
pub(super) fn is_plain(before: &Outline, after: &Outline) -> bool {
    modules(before) == modules(after)
}

/// The modules that a file declares, each with where it does so.
fn modules(outline: &Outline) -> Vec<DeclaredModule<'_>> {
    let model = &outline.model;
    let name = |id: u32| model.names.get(id as usize).map(String::as_str);
    model.modules.iter().map(|module| (name(module.name), &*module.paths, model.place(module.scope))).collect()
}

type DeclaredModule<'a> = (Option<&'a str>, &'a [String], (Vec<&'a str>, bool));

/// Whether a file takes all names of other modules in than before: which these are is not known.
fn has_other_globs(before: &Outline, after: &Outline) -> bool {
    let globs = |outline| imports(outline).into_iter().filter(|import| import.is_glob).collect::<Vec<_>>();
    globs(before) != globs(after)
}

/// A symbol with all that others see of it.
#[derive(Clone, PartialEq, Eq, Hash)]
struct Declaration<'a> {
    symbol: Seen<'a>,
    /// The inline modules around it, and whether it is inside a body.
    place: (Vec<&'a str>, bool),
    /// Header of the impl that it belongs to.
    block: Option<&'a str>,
    takes_self: bool,
}

impl Declaration<'_> {
    /// What resolution reads to find it; it reads a function's signature once the function is found.
    fn found(&self) -> Self {
        let mut found = self.clone();
        if matches!(self.symbol.kind, SymbolKind::Function | SymbolKind::Method) {
            found.symbol.signature = "";
        }
        found
    }
}

#[derive(Clone, Copy, PartialEq, Eq, Hash)]
struct Seen<'a> {
    name: &'a str,
    kind: SymbolKind,
    visibility: Visibility,
    signature: &'a str,
}

fn seen(symbol: &Symbol) -> Seen<'_> {
    let Symbol { name, kind, visibility, signature, .. } = symbol;
    Seen { name, kind: *kind, visibility: *visibility, signature }
}

fn declarations(outline: &Outline) -> Vec<Declaration<'_>> {
    let model = &outline.model;
    let declared = outline.symbols.iter().zip(&model.defs).map(|(symbol, def)| {
        let block = match def.owner {
            Owner::Impl(block) => model.impls.get(block as usize).map(|block| block.header.as_str()),
            Owner::Def(_) | Owner::Scope | Owner::Macro => None,
        };
        Declaration { symbol: seen(symbol), place: model.place(def.scope), block, takes_self: def.takes_self }
    });
    declared.collect()
}

fn headers(outline: &Outline) -> Vec<&str> {
    outline.model.impls.iter().map(|block| block.header.as_str()).collect()
}

/// An import as written.
#[derive(Clone, PartialEq, Eq, Hash)]
struct Imported<'a> {
    segments: Vec<&'a str>,
    /// None of a glob and of `as _`.
    name: Option<&'a str>,
    is_glob: bool,
    exported: bool,
    place: (Vec<&'a str>, bool),
}

fn imports(outline: &Outline) -> Vec<Imported<'_>> {
    outline.model.imports.iter().map(|import| imported(outline, import)).collect()
}

fn imported<'a>(outline: &'a Outline, import: &Import) -> Imported<'a> {
    let model = &outline.model;
    let text = |id: u32| model.names.get(id as usize).map(String::as_str);
    let segments = model.paths.get(import.path as usize).map(|path| path.segments.as_slice()).unwrap_or_default();
    let name = match import.name {
        ImportName::As(name) => text(name),
        ImportName::Glob | ImportName::Nameless => None,
    };
    Imported {
        segments: segments.iter().filter_map(|&id| text(id)).collect(),
        name,
        is_glob: import.name == ImportName::Glob,
        exported: import.exported,
        place: model.place(import.scope),
    }
}

/// The name by which others reach a symbol. What belongs to a type by an impl's associated type works without being named
/// (`Deref`, `Iterator`), so there it is the type's name, too.
fn add_declared<'a>(symbol: Seen<'a>, names: &mut NameSet<'a>) {
    match symbol.kind {
        SymbolKind::AssociatedType => names.extend(identifiers(symbol.name)),
        _ => names.extend(identifiers(symbol.name).last()),
    }
}

/// Adds what a file declares by mentioning one of the names.
fn add_mentioning<'a>(outline: &'a Outline, names: &mut NameSet<'a>) {
    for symbol in &outline.symbols {
        let mut mentioned = identifiers(&symbol.signature).chain(identifiers(&symbol.name));
        if mentioned.any(|name| names.contains(name)) {
            add_declared(seen(symbol), names);
        }
    }
    for import in imports(outline) {
        if import.segments.iter().any(|name| names.contains(name)) {
            names.extend(import.name);
        }
    }
    for block in &outline.model.impls {
        if !identifiers(&block.header).any(|name| names.contains(name)) {
            continue;
        }
        // A type that has a trait which changed is another one; a blanket impl gives the trait's items to types far away.
        names.extend(head(outline, block.this));
        if block.header.starts_with("impl <") || block.header.starts_with("impl<") {
            names.extend(block.of.and_then(|of| head(outline, of)));
        }
    }
    add_members_of_blocks(outline, names);
}

/// What an impl holds changes with its header.
fn add_members_of_blocks<'a>(outline: &'a Outline, names: &mut NameSet<'a>) {
    for Declaration { symbol, block, .. } in declarations(outline) {
        if block.is_some_and(|block| identifiers(block).any(|name| names.contains(name))) {
            add_declared(symbol, names);
        }
    }
}

/// The last name of a type's path.
fn head(outline: &Outline, ty: u32) -> Option<&str> {
    let model = &outline.model;
    let Type::Path(path) = model.types.get(ty as usize)? else { return None };
    let last = model.paths.get(*path as usize)?.segments.last()?;
    model.names.get(*last as usize).map(String::as_str)
}

fn identifiers(text: &str) -> impl Iterator<Item = &str> {
    text.split(|c: char| !c.is_alphanumeric() && c != '_').filter(|word| !word.is_empty())
}

#[cfg(test)]
pub(crate) mod tests;
