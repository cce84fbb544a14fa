//! Interfaces and what implements them: links of types and members, who reaches a change through them, and that edits keep them true.

mod go;

use super::random_edits::Dice;
use super::*;
use crate::domain::Implements;

fn links_of(texts: &Texts) -> Vec<Implements> {
    World::new(&texts.0).implements(None)
}

/// `interface -> implementation` of every link, with their files.
fn shown(links: &[Implements]) -> Vec<String> {
    let end = |file: &FilePath, name: &str| format!("{file} {name}");
    let link = |link: &Implements| {
        let (interface, by) = (end(&link.interface_file, &link.interface), &link.implementation_file);
        format!("{interface} -> {}", end(by, &link.implementation))
    };
    let mut shown: Vec<String> = links.iter().map(link).collect();
    shown.dedup();
    shown
}

#[track_caller]
fn assert_links(files: &[(&str, &str)], expected: &[&str]) {
    assert_eq!(shown(&links_of(&Texts::new(files))), expected);
}

/// Who reaches a change of a symbol through interfaces, and whether they can mean nothing else.
fn callers(files: &[(&str, &str)], file: &str, symbol: &str) -> Vec<(String, bool)> {
    let texts = Texts::new(files);
    let (graph, links) = (texts.graph(), links_of(&texts));
    let changed = [(FilePath::from(file), symbol.to_owned())].into();
    let path = FilePath::from(file);
    let found = through_interfaces(&changed, &[&path].into(), graph.edges(), &links);
    found.into_iter().map(|one| (one.caller.to_string(), one.is_only)).collect()
}

fn one(caller: &str, is_only: bool) -> Vec<(String, bool)> {
    vec![(caller.to_owned(), is_only)]
}

const RUST: &[(&str, &str)] = &[
    ("Cargo.toml", "[package]\nname = \"p\""),
    ("src/lib.rs", "pub mod store; pub mod sql; pub mod service;"),
    ("src/store.rs", "pub trait Store {\n    fn save(&self);\n    fn load(&self) -> u8 { 0 }\n}"),
    ("src/sql.rs", "pub struct Sql;\nimpl crate::store::Store for Sql {\n    fn save(&self) {\n        1;\n    }\n}"),
    ("src/service.rs", "use crate::store::Store;\npub fn run(store: &dyn Store) {\n    store.save();\n}"),
];

#[test]
fn a_rust_trait_leads_to_its_impl() {
    let expected = ["src/store.rs Store -> src/sql.rs Sql", "src/store.rs Store::save -> src/sql.rs Sql::save"];
    assert_links(RUST, &expected);
    assert_eq!(callers(RUST, "src/sql.rs", "Sql::save"), one("src/service.rs", true));
    assert_eq!(callers(RUST, "src/sql.rs", "Sql"), [], "users of a type are no callers");
    let fake = ("tests/fake.rs", "struct Fake;\nimpl p::store::Store for Fake {\n    fn save(&self) {}\n}");
    let other = ("src/other.rs", "pub struct Other;\nimpl crate::store::Store for Other {\n    fn save(&self) {}\n}");
    let lib = ("src/lib.rs", "pub mod store; pub mod sql; pub mod service; pub mod other;");
    let with = |more: &[(&'static str, &'static str)]| [RUST, more].concat();
    assert_eq!(callers(&with(&[fake]), "src/sql.rs", "Sql::save"), one("src/service.rs", true), "a fake in tests");
    assert_eq!(callers(&with(&[lib, other]), "src/sql.rs", "Sql::save"), one("src/service.rs", false));
}

#[test]
fn an_impl_that_hands_on_is_no_other_implementation() {
    let boxed = "pub trait Store {\n    fn save(&self);\n}\nimpl<S: Store + ?Sized> Store for Box<S> {\n    fn save(&self) {\n        (**self).save()\n    }\n}\nimpl<S: Store> Store for &S {\n    fn save(&self) {}\n}";
    let files: Vec<_> =
        RUST.iter().map(|&(path, text)| if path == "src/store.rs" { (path, boxed) } else { (path, text) }).collect();
    assert_eq!(callers(&files, "src/sql.rs", "Sql::save"), one("src/service.rs", true));
}

#[test]
fn rust_links_follow_aliases_blanket_and_foreign_types() {
    let files = [
        ("Cargo.toml", "[package]\nname = \"p\""),
        ("src/lib.rs", "pub mod a; pub mod b; pub mod c;"),
        ("src/a.rs", "pub trait T { fn t(&self); const N: u8; } pub struct S; pub type Alias = S; pub trait Other {}"),
        (
            "src/b.rs",
            "use crate::a::{Alias, T};\nimpl T for Alias { fn t(&self) {} const N: u8 = 1; fn not_its(&self) {} }",
        ),
        (
            "src/c.rs",
            "use crate::a::*;\nimpl T for Vec<u8> { fn t(&self) {} }\nimpl<X: Other> T for X { fn t(&self) {} }\nimpl Other for dyn T {}\nimpl std::fmt::Debug for S {}",
        ),
    ];
    assert_links(
        &files,
        &[
            "src/a.rs T -> src/a.rs S",
            "src/a.rs T -> src/c.rs impl T for Vec",
            "src/a.rs T -> src/c.rs impl T for X",
            "src/a.rs T::N -> src/b.rs Alias::N",
            "src/a.rs T::t -> src/b.rs Alias::t",
            "src/a.rs T::t -> src/c.rs Vec::t",
            "src/a.rs T::t -> src/c.rs X::t",
        ],
    );
}

const PYTHON: &[(&str, &str)] = &[
    ("app/__init__.py", ""),
    (
        "app/store.py",
        "from abc import ABC, abstractmethod\nfrom typing import Protocol\n\n\nclass Store(ABC):\n    @abstractmethod\n    def save(self, row): ...\n\n    def close(self):\n        return None\n\n\nclass Clock(Protocol):\n    def now(self) -> int: ...\n",
    ),
    (
        "app/sql.py",
        "from .store import Store, Clock\n\n\nclass Base(Store):\n    def close(self):\n        return 1\n\n\nclass Sql(Base):\n    def save(self, row):\n        return row\n\n\nclass Wall(Clock):\n    def now(self) -> int:\n        return 1\n",
    ),
    (
        "app/service.py",
        "from .store import Clock, Store\n\n\ndef run(store: Store, clock: Clock):\n    store.save(clock.now())\n    store.close()\n",
    ),
];

#[test]
fn a_python_base_class_and_protocol_lead_to_their_classes() {
    assert_links(
        PYTHON,
        &[
            "app/store.py Clock -> app/sql.py Wall",
            "app/store.py Clock.now -> app/sql.py Wall.now",
            "app/store.py Store -> app/sql.py Base",
            "app/store.py Store -> app/sql.py Sql",
            "app/store.py Store.close -> app/sql.py Base.close",
            "app/store.py Store.save -> app/sql.py Sql.save",
        ],
    );
    assert_eq!(callers(PYTHON, "app/sql.py", "Wall.now"), one("app/service.py", true));
    assert_eq!(callers(PYTHON, "app/sql.py", "Sql.save"), one("app/service.py", false), "two classes stand for it");
}

#[test]
fn a_python_class_has_the_shape_of_a_protocol() {
    let files = [
        ("app/__init__.py", ""),
        (
            "app/store.py",
            "from typing import Protocol\n\n\nclass Store(Protocol):\n    def save(self, row: str, *, now: bool = False) -> None: ...\n    def close(self) -> None: ...\n\n\nclass Sized(Protocol):\n    def __len__(self): ...\n",
        ),
        (
            "app/sql.py",
            "class Sql:\n    def save(self, row, now=True, more=1): return row\n    def close(self): pass\n    def __len__(self): return 1\n\n\nclass Half:\n    def save(self, row, now): pass\n\n\nclass Other:\n    def save(self, path): pass\n    def close(self): pass\n",
        ),
        (
            "app/any.py",
            "class Base:\n    def close(self): pass\nclass Any(Base):\n    def save(self, *rows, **named): pass\n",
        ),
        ("app/run.py", "from .store import Store\ndef run(store: Store):\n    store.save('a')\n"),
    ];
    assert_links(
        &files,
        &[
            "app/store.py Store -> app/any.py Any",
            "app/store.py Store -> app/sql.py Sql",
            "app/store.py Store.close -> app/any.py Base.close",
            "app/store.py Store.close -> app/sql.py Sql.close",
            "app/store.py Store.save -> app/any.py Any.save",
            "app/store.py Store.save -> app/sql.py Sql.save",
        ],
    );
    assert_eq!(callers(&files, "app/sql.py", "Sql.save"), one("app/run.py", false));
}

#[test]
fn what_a_mixin_or_an_attribute_makes_of_a_member_is_found() {
    let files = [
        (
            "ports.py",
            "import abc\nclass Repo(abc.ABC):\n    @abc.abstractmethod\n    def get(self, id): ...\n    @property\n    @abc.abstractmethod\n    def name(self): ...\n",
        ),
        (
            "impl.py",
            "from ports import Repo\nclass Mixin:\n    def get(self, id): return id\nclass Sql(Repo, Mixin):\n    name = 'sql'\n",
        ),
    ];
    assert_links(
        &files,
        &[
            "ports.py Repo -> impl.py Sql",
            "ports.py Repo.get -> impl.py Mixin.get",
            "ports.py Repo.name -> impl.py Sql.name",
        ],
    );
}

#[test]
fn a_sub_interface_is_no_implementation() {
    let files = [
        (
            "m.py",
            "from typing import Protocol\nclass A(Protocol):\n    def a(self): ...\nclass B(A, Protocol):\n    def b(self): ...\n    def a(self): ...\n",
        ),
        ("n.py", "from m import B\nclass C(B):\n    def a(self): return 1\n    def b(self): return 2\n"),
        (
            "a.ts",
            "export interface A { a(): void }\nexport interface B extends A { b(): void }\nexport abstract class Half implements B {\n  a() {}\n  abstract b(): void;\n}\n",
        ),
        ("c.ts", "import { Half } from './a';\nexport class C extends Half {\n  b() {}\n}\n"),
    ];
    assert_links(
        &files,
        &[
            "a.ts A -> c.ts C",
            "a.ts A.a -> a.ts Half.a",
            "a.ts B -> c.ts C",
            "a.ts B.b -> c.ts C.b",
            "a.ts Half -> c.ts C",
            "a.ts Half.b -> c.ts C.b",
            "m.py A -> n.py C",
            "m.py A.a -> n.py C.a",
            "m.py B -> n.py C",
            "m.py B.a -> n.py C.a",
            "m.py B.b -> n.py C.b",
        ],
    );
}

const SCRIPTS: &[(&str, &str)] = &[
    ("src/store.ts", "export interface Store {\n  save(row: string): void;\n  size: number;\n}\n"),
    ("src/index.ts", "export * from './store';\n"),
    (
        "src/sql.ts",
        "import { Store } from './index';\n\nexport class Sql implements Store {\n  size = 0;\n  save(row: string) {\n    this.size += row.length;\n  }\n}\n",
    ),
    ("src/shape.ts", "export class Alike {\n  size = 0;\n  save(row: string) {}\n}\n"),
    (
        "src/service.ts",
        "import type { Store } from './index';\n\nexport function run(store: Store) {\n  store.save('a');\n}\n",
    ),
];

#[test]
fn a_typescript_interface_leads_to_its_class() {
    assert_links(
        SCRIPTS,
        &[
            "src/store.ts Store -> src/sql.ts Sql",
            "src/store.ts Store.save -> src/sql.ts Sql.save",
            "src/store.ts Store.size -> src/sql.ts Sql.size",
        ],
    );
    assert_eq!(callers(SCRIPTS, "src/sql.ts", "Sql.save"), one("src/service.ts", true));
    assert_eq!(callers(SCRIPTS, "src/shape.ts", "Alike.save"), [], "a shape alone makes no link");
}

/// `number` modules, each with an interface, a class and a caller of the same names as all others.
fn collisions(number: usize, files: impl Fn(usize) -> Vec<(String, String)>) -> Texts {
    (0..number).flat_map(files).fold(Texts::new(&[]), |texts, (path, text)| texts.with(&path, &text))
}

#[track_caller]
fn assert_no_collision(texts: &Texts, number: usize) {
    let links = links_of(texts);
    let folder = |file: &FilePath| file.to_string().split('/').nth(1).map(str::to_owned);
    let right = links.iter().filter(|link| folder(&link.interface_file) == folder(&link.implementation_file)).count();
    assert_eq!((right, links.len()), (2 * number, 2 * number), "{number}: {:#?}", shown(&links));
    let edges = texts.edges();
    let is_right = |edge: &&String| {
        let mut files = edge.split([' ', ':']).filter(|part| part.contains('/')).map(|file| file.split('/').nth(1));
        files.next() == files.next()
    };
    let wrong: Vec<&String> = edges.iter().filter(|edge| !is_right(edge)).collect();
    assert!(wrong.len() * 20 <= edges.len(), "{number}: {wrong:#?}");
}

#[test]
fn names_that_collide_link_their_own_alone() {
    for number in [2, 3, 7, 30] {
        let python = collisions(number, |n| {
            let file = |name: &str, text: &str| (format!("src/p{n}/{name}.py"), text.to_owned());
            vec![
                file("__init__", ""),
                file(
                    "store",
                    "from abc import ABC, abstractmethod\nclass Store(ABC):\n    @abstractmethod\n    def save(self): ...\n",
                ),
                file("sql", "from .store import Store\nclass Sql(Store):\n    def save(self): return 1\n"),
                file("run", "from .store import Store\ndef run(store: Store): store.save()\n"),
            ]
        });
        assert_no_collision(&python, number);
        let scripts = collisions(number, |n| {
            let file = |name: &str, text: &str| (format!("src/p{n}/{name}.ts"), text.to_owned());
            vec![
                file("store", "export interface Store { save(): void }\n"),
                file("sql", "import { Store } from './store';\nexport class Sql implements Store { save() {} }\n"),
                file("run", "import { Store } from './store';\nexport function run(store: Store) { store.save(); }\n"),
            ]
        });
        assert_no_collision(&scripts, number);
        let go = collisions(number, |n| {
            let file = |name: &str, text: &str| (format!("src/p{n}/{name}.go"), format!("package p\n\n{text}\n"));
            vec![
                file("store", "type Row struct{}\n\ntype Store interface{ Save(row Row) error }"),
                file("sql", "type Sql struct{}\n\nfunc (s *Sql) Save(one Row) error { return nil }"),
                file("run", "func run(store Store) { store.Save(Row{}) }"),
            ]
        });
        assert_no_collision(&go.with("go.mod", "module m\n"), number);
        let modules: String = (0..number).map(|n| format!("pub mod p{n};")).collect();
        let rust = collisions(number, |n| {
            let file = |name: &str, text: &str| (format!("src/p{n}/{name}.rs"), text.to_owned());
            vec![
                file("mod", "pub mod store; pub mod sql; pub mod run;"),
                file("store", "pub trait Store { fn save(&self); }"),
                file("sql", "use super::store::Store; pub struct Sql; impl Store for Sql { fn save(&self) {} }"),
                file("run", "use super::store::Store; pub fn run(store: &dyn Store) { store.save(); }"),
            ]
        });
        let rust = rust.with("Cargo.toml", "[package]\nname = \"p\"").with("src/lib.rs", &modules);
        assert_no_collision(&rust, number);
    }
}

/// Lines that make, break and hide links across modules, some of them wrong.
const PYTHON_LINES: &[&str] = &[
    "from .a import A, Base",
    "from .b import *",
    "from . import a, b as bee",
    "from .c import A as C",
    "from abc import ABC, abstractmethod",
    "class A(ABC):\n    def go(self): ...\n    def stay(self): ...",
    "class A(Protocol):\n    name: str\n    def go(self): ...",
    "class A:\n    @abstractmethod\n    def go(self): ...",
    "class A:\n    def go(self): ...",
    "class Base(A):\n    def go(self): return 1",
    "class Base(bee.A, Protocol):\n    def stay(self): ...",
    "class Base(metaclass=ABCMeta):\n    def new(self): ...",
    "class B(Base):\n    name = 'b'\n    def go(self): return 2\n    def new(self): return 3",
    "class B(a.A, C): pass",
    "class D(B):\n    def stay(self): return 4",
    "class E(A, D):\n    def new(self): pass",
    "Alias = A",
    "class F(Alias):\n    def go(self): return 5",
];

const SCRIPT_LINES: &[&str] = &[
    "import { A, Base } from './a';",
    "import * as bee from './b';",
    "export * from './c';",
    "export { A as Other } from './b';",
    "import { Other } from './a';",
    "export interface A { go(): void; stay(): void }",
    "export interface A extends Base { go(): void }",
    "export interface Base { name: string; fresh(): void }",
    "export abstract class Base { abstract fresh(): void; stay() {} }",
    "export class Base { fresh() {} }",
    "export class B extends Base implements A { go() {}; name = 'b' }",
    "export class C implements bee.A { go() {} stay() {} fresh() {} }",
    "export class D extends C implements Other { name = 'd' }",
    "class E implements A { go() {} }",
    "declare module './a' { interface A { added(): void } }",
    "export class F implements A { added() {} }",
    "export type G = A; export class H implements G { stay() {} }",
];

const RUST_LINES: &[&str] = &[
    "use crate::a::A; use crate::b::Base;",
    "use crate::c as see;",
    "pub use crate::b::A as Other;",
    "pub trait A { fn go(&self); fn stay(&self) {} }",
    "pub trait A: Base { fn go(&self); }",
    "pub trait Base { fn fresh(&self) {} }",
    "pub struct B;",
    "pub type B = crate::c::C;",
    "pub struct C;",
    "impl A for B { fn go(&self) {} }",
    "impl crate::a::A for crate::c::C { fn go(&self) {} fn fresh(&self) {} }",
    "impl see::Base for B { fn fresh(&self) {} }",
    "impl crate::a::Other for C { fn stay(&self) {} }",
    "impl<T: A> Base for T { fn fresh(&self) {} }",
    "impl A for Vec<B> { fn go(&self) {} }",
    "mod inner { pub struct B; impl super::A for B { fn go(&self) {} } }",
];

/// The lines of a language, the files of a view, and what stands beside them.
type Drawn = (&'static [&'static str], &'static [&'static str], &'static [(&'static str, &'static str)]);

const GO_LINES: &[&str] = &[
    "import b \"m/b\"",
    "import a \"m/a\"",
    "import . \"m/c\"",
    "type A interface { Go() int; Stay(n int) }",
    "type A interface { b.Base; Go() int }",
    "type A interface { Same(other *C) []B }",
    "type A interface { Go() int }",
    "type A interface { Go() int }",
    "type Base interface { Fresh() error }",
    "type Base interface { Fresh() error }",
    "type Base interface { Fresh() error; hidden() }",
    "type Base interface { fmt.Stringer; Go() int }",
    "type Base interface { ~int; Go() int }",
    "type Empty interface{}",
    "type B struct{ C }",
    "type B struct{ *a.C; Go int }",
    "type B struct{ b.Base }",
    "type C struct{}",
    "type C int",
    "type B C",
    "func (b *B) Go() int { return 1 }",
    "func (b B) Stay(m int) {}",
    "func (c C) Fresh() error { return nil }",
    "func (c *C) Go() int { return 2 }",
    "func (c C) Go() string { return \"\" }",
    "func (c C) String() string { return \"\" }",
    "func (c C) hidden() {}",
    "func (c *C) Same(c2 *C) []B { return nil }",
    "type C struct{}\nfunc (c *C) Go() int { return 3 }",
    "type B struct{ C }\nfunc (b *B) Fresh() (err error) { return err }",
];

const DRAWN: [Drawn; 4] = [
    (GO_LINES, &["a/a.go", "b/b.go", "b/b2.go", "c/c.go"], &[("go.mod", "module m\n")]),
    (PYTHON_LINES, &["p/a.py", "p/b.py", "p/c.py"], &[("p/__init__.py", "")]),
    (SCRIPT_LINES, &["p/a.ts", "p/b.ts", "p/c.ts"], &[]),
    (
        RUST_LINES,
        &["src/a.rs", "src/b.rs", "src/c.rs"],
        &[("Cargo.toml", "[package]\nname = \"p\""), ("src/lib.rs", "pub mod a; pub mod b; pub mod c;")],
    ),
];

fn random_text(dice: &mut Dice, lines: &[&'static str]) -> String {
    (0..2 + dice.roll(6)).map(|_| lines[dice.roll(lines.len())]).collect::<Vec<_>>().join("\n")
}

/// The stored links, with those that some files make replaced.
fn kept_up(stored: &[Implements], only: &BTreeSet<FilePath>, made: Vec<Implements>) -> Vec<Implements> {
    let kept = stored.iter().filter(|link| !only.contains(&link.declared_in)).cloned();
    let all: BTreeSet<Implements> = kept.chain(made).collect();
    all.into_iter().collect()
}

#[test]
fn links_that_are_kept_up_equal_those_of_a_rebuild() {
    for (lines, paths, beside) in DRAWN {
        let mut dice = Dice(0x9E37_79B9_7F4A_7C15);
        let mut files =
            paths.iter().fold(Texts::new(beside), |texts, path| texts.with(path, &random_text(&mut dice, lines)));
        let mut world = World::new(&files.0);
        world.graph();
        let mut stored = world.implements(None);
        let (mut met, mut spared) = (0, 0);
        for step in 0..500 {
            let before = Texts(files.0.clone());
            let mut edited: BTreeSet<FilePath> = BTreeSet::new();
            for _ in 0..=dice.roll(2) {
                let path = paths[dice.roll(paths.len())];
                files = files.with(path, &random_text(&mut dice, lines));
                edited.insert(path.into());
            }
            let edits: Vec<_> = edited.iter().map(|path| (path.clone(), Arc::clone(&files.0[path]))).collect();
            let graph = before.graph();
            let all: BTreeSet<FilePath> = files.0.keys().cloned().collect();
            let only = |reach: Option<Reach>| match reach {
                None => all.clone(),
                Some(Reach { files, users_of }) => {
                    let is_user = |edge: &&crate::domain::Edge| {
                        users_of.contains(&(edge.source_file.clone(), edge.symbol_name.clone()))
                    };
                    let users = graph.edges().iter().filter(is_user).map(|edge| edge.dependent_file.clone());
                    files.into_iter().chain(users).chain(edited.iter().cloned()).collect()
                }
            };
            let expected = links_of(&files);
            let warm: BTreeSet<FilePath> = only(world.edit(&edits));
            world.graph_of(&warm);
            let made = world.implements(Some(&warm));
            assert_eq!(kept_up(&stored, &warm, made), expected, "step {step}: {edited:?} reach {warm:?}");
            let mut cold_world = World::new(&before.0);
            let cold: BTreeSet<FilePath> = only(cold_world.edit(&edits));
            let made = cold_world.implements(Some(&cold));
            assert_eq!(kept_up(&stored, &cold, made), expected, "step {step}, cold: {edited:?} reach {cold:?}");
            met += expected.len();
            spared += all.len() - warm.len();
            stored = expected;
        }
        assert!(met > 500 && spared > 0, "{met} links, {spared} files spared: nothing was tested");
    }
}
