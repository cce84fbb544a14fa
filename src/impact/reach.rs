//! How far a change of what files say can reach, before anything is resolved: by names.
//!
//! Resolution begins at the names that a file writes and goes on by the names that the declarations found on the way write. So a
//! change can reach a file only by a chain of names: the name of what changed, then the name of a declaration that mentions it (a
//! function by its result's type, a member by its type, an import by its path), and so on. Files that write none of these names
//! resolve as before. The set is larger than what really changes, never smaller.

use std::collections::BTreeSet;
use std::hash::Hash;

use rustc_hash::{FxHashMap, FxHashSet};

use crate::domain::FilePath;
use crate::outline::model::{Import, ImportName, Owner, Type};
use crate::outline::{Outline, Symbol, SymbolKind, Visibility};

/// The files of a view that have to be resolved again after some of its files changed, those themselves not counted; `None`: any
/// file, for crates or module trees changed, or what comes in by a glob.
pub fn reached<'a>(
    files: impl IntoIterator<Item = (&'a FilePath, &'a Outline)>,
    changed: impl IntoIterator<Item = (&'a Outline, &'a Outline)>,
) -> Option<BTreeSet<FilePath>> {
    let mut names = Names::default();
    for (before, after) in changed {
        add_differing(before, after, &mut names)?;
    }
    let files: Vec<(&FilePath, &Outline)> = files.into_iter().collect();
    let mut reached: Vec<bool> = vec![false; files.len()];
    loop {
        let known = names.len();
        for ((_, outline), reached) in files.iter().zip(&mut reached) {
            if outline.model.names.iter().any(|name| names.contains(name.as_str())) {
                *reached = true;
                add_mentioning(outline, &mut names);
            }
        }
        if names.len() == known {
            break;
        }
    }
    Some(files.iter().zip(reached).filter(|(_, reached)| *reached).map(|((path, _), _)| (*path).clone()).collect())
}

type Names<'a> = FxHashSet<&'a str>;

/// Names of what one outline declares and the other does not, or declares otherwise.
fn add_differing<'a>(before: &'a Outline, after: &'a Outline, names: &mut Names<'a>) -> Option<()> {
    if structure(before) != structure(after) {
        return None;
    }
    let (declared, declared_after) = (declarations(before), declarations(after));
    for Declaration { symbol, .. } in differing(&declared, &declared_after)? {
        add_declared(symbol, names);
    }
    for block in differing(&headers(before), &headers(after))? {
        names.extend(identifiers(block));
        let members = declared.iter().chain(&declared_after).filter(|one| one.block == Some(block));
        members.for_each(|one| add_declared(one.symbol, names));
    }
    for import in differing(&imports(before), &imports(after))? {
        if import.is_glob {
            return None;
        }
        names.extend(import.segments.iter().copied().chain(import.name));
    }
    Some(())
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

/// What crates and module trees follow from, and what names cannot tell.
fn structure(outline: &Outline) -> String {
    let model = &outline.model;
    let name = |id: u32| model.names.get(id as usize);
    let modules: Vec<_> =
        model.modules.iter().map(|module| (name(module.name), &module.paths, model.place(module.scope))).collect();
    format!("{modules:?} {}", outline.structure())
}

/// A symbol with all that others see of it.
#[derive(Clone, PartialEq, Eq, Hash)]
struct Declaration<'a> {
    symbol: Seen<'a>,
    /// The inline modules around it, and whether it is inside a body.
    place: (Vec<&'a str>, bool),
    /// Header of the impl that it belongs to.
    block: Option<&'a str>,
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
        Declaration { symbol: seen(symbol), place: model.place(def.scope), block }
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
fn add_declared<'a>(symbol: Seen<'a>, names: &mut Names<'a>) {
    match symbol.kind {
        SymbolKind::AssociatedType => names.extend(identifiers(symbol.name)),
        _ => names.extend(identifiers(symbol.name).last()),
    }
}

/// Adds what a file declares by mentioning one of the names.
fn add_mentioning<'a>(outline: &'a Outline, names: &mut Names<'a>) {
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
fn add_members_of_blocks<'a>(outline: &'a Outline, names: &mut Names<'a>) {
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
mod tests {
    use std::collections::BTreeMap;

    use super::*;
    use crate::impact::{RESOLUTION_VERSION, resolve, resolve_files};
    use crate::outline::{language_of, outline};

    /// Files that know each other by imports, results, fields, impls, aliases, re-exports and globs; each with other texts.
    const FILES: &[(&str, &[&str])] = &[
        ("Cargo.toml", &["[package]\nname = \"p\""]),
        (
            "src/lib.rs",
            &[
                "pub mod base; pub mod make; pub mod ext; pub mod last; pub mod far; pub use base::Base as B; pub use make::*;",
            ],
        ),
        (
            "src/base.rs",
            &[
                "pub struct Base { pub x: u8 } impl Base { pub fn go(&self) -> u8 { 1 } } pub type Alias = Base;",
                "pub struct Base { pub x: u8 } impl Base { pub fn go(&self) -> u16 { 1 } } pub type Alias = Other; pub struct Other; impl Other { pub fn go(&self) {} pub fn stay(&self) {} }",
                "pub struct Base { pub x: Other } impl Base { pub fn gone(&self) -> u8 { 1 } } pub type Alias = Base; pub struct Other; impl Other { pub fn stay(&self) {} }",
                "use std::ops::Deref; pub struct Base { pub x: u8 } impl Deref for Base { type Target = Other; fn deref(&self) -> &Other { loop {} } } pub type Alias = Base; pub struct Other; impl Other { pub fn go(&self) {} }",
                "pub struct Base { pub x: u8 } pub type Alias = Base; pub trait Go { fn go(&self) {} } impl Go for Base {}",
                "pub struct Base; impl Iterator for Base { type Item = Other; fn next(&mut self) -> Option<Other> { None } } pub struct Other; impl Other { pub fn go(&self) {} } pub type Alias = Base;",
                "pub struct Base; pub struct Other; impl Other { pub fn go(&self) {} pub fn stay(&self) {} } pub trait Go { fn go(&self); } impl<T> Go for T { fn go(&self) {} } pub type Alias = Other;",
            ],
        ),
        (
            "src/make.rs",
            &[
                "use crate::base::Alias; pub fn make() -> Alias { loop {} } pub struct Held { pub inner: Alias }",
                "use crate::B; pub fn make() -> B { loop {} } pub struct Held { pub inner: crate::base::Other }",
                "pub fn make() -> Vec<crate::base::Alias> { loop {} } pub enum Held { One(crate::base::Base) }",
            ],
        ),
        (
            "src/ext.rs",
            &[
                "pub trait Ext { fn stay(&self); } impl Ext for crate::base::Base { fn stay(&self) {} }",
                "pub trait Ext: Root { fn stay(&self); } pub trait Root { fn go(&self) {} } impl Ext for crate::base::Other { fn stay(&self) {} } impl Root for crate::base::Base {}",
                "pub trait Ext { fn stay(&self); } impl Ext for str { fn stay(&self) {} } macro_rules! make { () => { 1 } } pub(crate) use make;",
            ],
        ),
        (
            "src/last.rs",
            &[
                "use crate::make::*; fn f(h: Held) { make().go(); h.inner.go(); h.inner.x.stay(); \"\".stay(); }",
                "use crate::{make, ext::*}; fn f() { for one in make() { one.go(); one.stay(); } make!(); let Held::One(b) = crate::Held::One(make()); b.go(); }",
            ],
        ),
        (
            "src/far.rs",
            &[
                "use crate::ext::Ext; fn each<T: Ext>(all: &[T]) { for one in all { one.go(); one.stay(); } } fn f(v: crate::Held) { v.inner.stay(); }",
                "fn f() { let a = crate::make(); a.iter().for_each(|b| b.go()); a.x.stay(); crate::B::go(&a); }",
            ],
        ),
    ];

    type View = BTreeMap<FilePath, Outline>;

    fn view(texts: &[usize]) -> View {
        let file = |(&(path, all), &text): (&(&str, &[&str]), &usize)| {
            let path = FilePath::from(path);
            let outline = outline(language_of(&path), all[text % all.len()]).0;
            (path, outline)
        };
        FILES.iter().zip(texts).map(file).collect()
    }

    /// The reached files resolved anew, the others as they were, make what resolving all of them makes. Says how many were reached.
    fn assert_complete(before: &View, after: &View, path: &FilePath) -> usize {
        let Some(mut only) = reached(after, [(&before[path], &after[path])]) else { return after.len() };
        only.insert(path.clone());
        let (old, part, new) = (resolve(before), resolve_files(after, &only), resolve(after));
        let merged = |old: &[crate::domain::Edge], part: &[crate::domain::Edge]| -> BTreeSet<crate::domain::Edge> {
            old.iter().filter(|edge| !only.contains(&edge.dependent_file)).chain(part).cloned().collect()
        };
        assert_eq!(merged(old.edges(), part.edges()), new.edges().iter().cloned().collect(), "{path}: {only:?}");
        assert_eq!(merged(old.via(), part.via()), new.via().iter().cloned().collect(), "{path}: {only:?}");
        for file in after.keys() {
            let uses = if only.contains(file) { part.uses(file) } else { old.uses(file) };
            assert_eq!(uses, new.uses(file), "{file} after {path}");
        }
        only.len()
    }

    /// One hash of all edges and contexts of some views.
    fn resolved() -> String {
        let views = (0..7).map(|n| resolve(&view(&[n; FILES.len()])));
        let told: Vec<String> = views
            .flat_map(|graph| {
                let uses =
                    FILES.iter().map(|(path, _)| format!("{:?}", graph.uses(&(*path).into()))).collect::<String>();
                [format!("{:?} {:?}", graph.edges(), graph.via()), uses]
            })
            .collect();
        crate::domain::Hash::of_fields(told.iter().map(String::as_bytes)).to_string()
    }

    #[test]
    fn other_rules_have_another_version() {
        let golden = (1, "0bbd5b075dce08a5edf189e6a274a9f09d8fe872e740ffeb6d58dc83eedc3096");
        assert_eq!((RESOLUTION_VERSION, resolved().as_str()), golden, "raise RESOLUTION_VERSION and put both in here");
    }

    #[test]
    fn whatever_changes_every_file_that_resolves_otherwise_is_reached() {
        let counts: Vec<usize> = FILES.iter().map(|(_, texts)| texts.len()).collect();
        let all: usize = counts.iter().product();
        let mut spared = 0;
        for number in 0..all {
            let mut rest = number;
            let texts: Vec<usize> = counts
                .iter()
                .map(|count| {
                    let text = rest % count;
                    rest /= count;
                    text
                })
                .collect();
            let before = view(&texts);
            for at in 0..FILES.len() {
                let mut other = texts.clone();
                other[at] = (texts[at] + 1 + number % 2) % counts[at];
                if other[at] != texts[at] {
                    spared += FILES.len() - assert_complete(&before, &view(&other), &FILES[at].0.into());
                }
            }
        }
        assert!(spared > 0, "every file is always reached: nothing was tested");
    }

    #[test]
    fn a_file_that_begins_or_ceases_to_be_skipped_reaches_everything() {
        let (skipped, said) = (Outline::default(), outline(language_of(&"a.rs".into()), "// nothing to others").0);
        let files: View = [(FilePath::from("a.rs"), said.clone())].into();
        assert_ne!(skipped.resolution_hash(), said.resolution_hash());
        assert_eq!(reached(&files, [(&skipped, &said)]), None);
        assert_eq!(reached(&files, [(&said, &skipped)]), None);
    }

    #[test]
    fn a_signature_reaches_those_that_name_it_or_what_is_made_from_it() {
        let texts: View = [
            ("src/lib.rs", "pub mod a; pub mod b; pub mod c; pub mod d;"),
            ("src/a.rs", "pub struct A; impl A { pub fn go(&self) -> u8 { 0 } }"),
            ("src/b.rs", "pub fn b() -> u8 { crate::a::A.go() }"),
            ("src/c.rs", "pub fn c() -> u8 { crate::b::b() }"),
            ("src/d.rs", "pub fn d() -> u8 { 4 }"),
        ]
        .map(|(path, text)| (FilePath::from(path), outline(language_of(&path.into()), text).0))
        .into();
        let changed = outline(language_of(&"a.rs".into()), "pub struct A; impl A { pub fn go(&self) -> u16 { 0 } }").0;
        let reached = reached(&texts, [(&texts[&FilePath::from("src/a.rs")], &changed)]).unwrap();
        assert_eq!(reached, BTreeSet::from(["src/a.rs".into(), "src/b.rs".into()]));
    }
}
