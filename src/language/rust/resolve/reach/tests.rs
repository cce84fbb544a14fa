//! What an edit reaches, against resolving everything again.

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
    let edits: Vec<_> = edited.iter().filter_map(|path| Some((path.clone(), Arc::clone(after.get(path)?)))).collect();
    let gone: BTreeSet<FilePath> = edited.iter().filter(|path| !after.contains_key(*path)).cloned().collect();
    let reach = world.follow(&edits, &gone);
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
            let uses = FILES.iter().map(|(path, _)| format!("{:?}", graph.uses(&(*path).into()))).collect::<String>();
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
