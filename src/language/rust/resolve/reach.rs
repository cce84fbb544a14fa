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
        let resigned = add_differing(before, view.outline(file), &mut names)?;
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
/// nothing but the signature differs.
fn add_differing<'a>(before: &'a Outline, after: &'a Outline, names: &mut NameSet<'a>) -> Option<BTreeSet<&'a str>> {
    if structure(before) != structure(after) {
        return None;
    }
    let (declared, declared_after) = (declarations(before), declarations(after));
    let found = |declared: &[Declaration<'a>]| declared.iter().map(Declaration::found).collect::<Vec<_>>();
    let (found_before, found_after) = (found(&declared), found(&declared_after));
    let differing_found: FxHashSet<_> = differing(&found_before, &found_after)?.into_iter().collect();
    let is_shared = |one: &&Declaration<'_>| !differing_found.contains(&one.found());
    let shared = declared.iter().filter(is_shared).zip(declared_after.iter().filter(is_shared));
    let resigned = shared.filter(|(before, after)| before != after).map(|(before, _)| before.symbol.name).collect();
    for Declaration { symbol, .. } in differing_found {
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

/// What crates and module trees follow from, and what names do not show.
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
pub(crate) mod tests {
    mod by_name;

    use std::collections::BTreeMap;
    use std::sync::Arc;

    use super::*;
    use crate::domain::{Edge, FilePath};
    use crate::impact::{World, resolve};
    use crate::language::of;
    use crate::language::rust::resolve::VERSION;
    use crate::outline::outline;

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

    type View = BTreeMap<FilePath, Arc<Outline>>;

    fn said(path: &FilePath, text: &str) -> Arc<Outline> {
        Arc::new(outline(of(path), text).0)
    }

    fn view(texts: &[usize]) -> View {
        let file = |(&(path, all), &text): (&(&str, &[&str]), &usize)| {
            let path = FilePath::from(path);
            let outline = said(&path, all[text % all.len()]);
            (path, outline)
        };
        FILES.iter().zip(texts).map(file).collect()
    }

    /// The reached files resolved again, the others as they were, make what resolving all of them makes, and so does the world that
    /// followed the edits. Says how many were reached.
    pub(crate) fn assert_complete(before: &View, after: &View, edited: &BTreeSet<FilePath>) -> usize {
        let (old, new) = (resolve(before), resolve(after));
        let mut world = World::new(before);
        let edits: Vec<_> = edited.iter().map(|path| (path.clone(), Arc::clone(&after[path]))).collect();
        let reach = world.edit(&edits);
        assert_eq!(world.graph(), new, "{edited:?}");
        let Some(Reach { files, users_of }) = reach else { return after.len() };
        let uses_one = |edge: &&Edge| users_of.contains(&(edge.source_file.clone(), edge.symbol_name.clone()));
        let users = old.edges().iter().filter(uses_one).map(|edge| edge.dependent_file.clone());
        let only: BTreeSet<FilePath> = users.chain(files).chain(edited.iter().cloned()).collect();
        let part = world.graph_of(&only);
        let merged = |old: &[Edge], part: &[Edge]| -> BTreeSet<Edge> {
            old.iter().filter(|edge| !only.contains(&edge.dependent_file)).chain(part).cloned().collect()
        };
        assert_eq!(merged(old.edges(), part.edges()), new.edges().iter().cloned().collect(), "{edited:?}: {only:?}");
        assert_eq!(merged(old.via(), part.via()), new.via().iter().cloned().collect(), "{edited:?}: {only:?}");
        for file in after.keys() {
            let uses = if only.contains(file) { part.uses(file) } else { old.uses(file) };
            assert_eq!(uses, new.uses(file), "{file} after {edited:?}");
        }
        let kept = World::new(before).implements(None).into_iter().filter(|link| !only.contains(&link.declared_in));
        let links: BTreeSet<_> = kept.chain(world.implements(Some(&only))).collect();
        assert_eq!(links, World::new(after).implements(None).into_iter().collect(), "{edited:?}: {only:?}");
        only.len()
    }

    /// One hash of all edges and contexts of some views.
    fn resolved() -> String {
        let views = (0..7).map(|n| resolve(&view(&[n; FILES.len()])));
        let parts: Vec<String> = views
            .flat_map(|graph| {
                let uses =
                    FILES.iter().map(|(path, _)| format!("{:?}", graph.uses(&(*path).into()))).collect::<String>();
                [format!("{:?} {:?}", graph.edges(), graph.via()), uses]
            })
            .collect();
        crate::domain::Hash::of_fields(parts.iter().map(String::as_bytes)).to_string()
    }

    #[test]
    fn other_rules_have_another_version() {
        let golden = (3, "0bbd5b075dce08a5edf189e6a274a9f09d8fe872e740ffeb6d58dc83eedc3096");
        assert_eq!((VERSION, resolved().as_str()), golden, "raise VERSION and put both in here");
    }

    #[test]
    fn every_file_that_resolves_otherwise_is_reached() {
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
                    spared += FILES.len() - assert_complete(&before, &view(&other), &[FILES[at].0.into()].into());
                }
            }
        }
        assert!(spared > 0, "every file is always reached: nothing was tested");
    }

    /// What is put before a file's text: it moves the numbers of definitions, scopes and names, and adds what impls, macros and
    /// inline modules add.
    const BEFORE: &[&str] = &[
        "",
        "fn shifted(a: u8) -> u8 { a } ",
        "mod inside { pub struct Shifted; impl crate::ext::Ext for Shifted { fn stay(&self) {} } } ",
        "macro_rules! make { () => { 2 } } impl<T: crate::ext::Ext> crate::base::Go for Vec<T> { fn go(&self) {} } ",
        "mod inside { mod deeper { pub fn make() {} } pub use deeper::make; } const N: usize = 3; ",
    ];

    #[test]
    fn a_world_after_many_edits_equals_a_new_one() {
        let texts: Vec<usize> = vec![0; FILES.len()];
        let mut files = view(&texts);
        let mut world = World::new(&files);
        // a sequence without a short period: Knuth, The Art of Computer Programming, vol. 2, 3.3.4, "MMIX"
        let mut dice = 1_u64;
        let mut roll = |count: usize| {
            dice = dice.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            (dice >> 33) as usize % count
        };
        for step in 0..600 {
            let mut edits = BTreeMap::new();
            for _ in 0..=roll(2) {
                let (path, all) = FILES[1 + roll(FILES.len() - 1)];
                let path = FilePath::from(path);
                let text = format!("{}{}", BEFORE[roll(BEFORE.len())], all[roll(all.len())]);
                edits.insert(path.clone(), said(&path, &text));
            }
            world.edit(&edits.clone().into_iter().collect::<Vec<_>>());
            files.extend(edits);
            assert_eq!(world.graph(), resolve(&files), "step {step}");
        }
    }

    #[test]
    fn skipping_a_file_or_no_longer_skipping_it_reaches_everything() {
        let path = FilePath::from("a.rs");
        let (skipped, said) = (Arc::new(Outline::default()), said(&path, "// nothing to others"));
        for (before, after) in [(&skipped, &said), (&said, &skipped)] {
            assert_eq!(World::new([(&path, before)]).edit(&[(path.clone(), Arc::clone(after))]), None);
        }
    }

    fn edited(texts: &[(&str, &str)], path: &str, text: &str) -> Reach {
        let path = FilePath::from(path);
        let files: View = texts.iter().map(|&(path, text)| (path.into(), said(&path.into(), text))).collect();
        World::new(&files).edit(&[(path.clone(), said(&path, text))]).unwrap()
    }

    #[test]
    fn a_type_reaches_those_that_name_it_or_what_is_made_of_it() {
        let texts = [
            ("src/lib.rs", "pub mod a; pub mod b; pub mod c; pub mod d;"),
            ("src/a.rs", "pub struct A;"),
            ("src/b.rs", "pub fn b() -> crate::a::A { crate::a::A }"),
            ("src/c.rs", "pub fn c() { crate::b::b() }"),
            ("src/d.rs", "pub fn d() -> u8 { 4 }"),
        ];
        let reach = edited(&texts, "src/a.rs", "pub struct A(u8);");
        // a file that declares a module named like a function that returns the type is in it, for it writes that name
        assert_eq!(reach.files, ["src/a.rs", "src/b.rs", "src/c.rs", "src/lib.rs"].map(FilePath::from).into());
        assert_eq!(reach.users_of, BTreeSet::new());
    }

    #[test]
    fn a_signature_reaches_those_alone_that_are_known_to_use_it() {
        let texts = [
            ("src/lib.rs", "pub mod a; pub mod b; pub mod c;"),
            ("src/a.rs", "pub struct A; impl A { pub fn go(&self) -> u8 { 0 } }"),
            ("src/b.rs", "pub fn b() -> u8 { crate::a::A.go() }"),
            ("src/c.rs", "pub struct C; impl C { pub fn go(&self) {} } pub fn c() { C.go() }"),
        ];
        let reach = edited(&texts, "src/a.rs", "pub struct A; impl A { pub fn go(&self) -> u16 { 0 } }");
        assert_eq!(reach.files, BTreeSet::new());
        assert_eq!(reach.users_of, [(FilePath::from("src/a.rs"), "A::go".to_owned())].into());
        let other_receiver = edited(&texts, "src/a.rs", "pub struct A; impl A { pub fn go() -> u8 { 0 } }");
        assert!(other_receiver.files.contains(&"src/c.rs".into()), "{other_receiver:?}");
    }
}
