//! What an edit reaches covers what resolves otherwise, in a warm world and in a new one; and a world that follows edits equals a new one.

use std::collections::BTreeSet;
use std::sync::Arc;

use crate::domain::{FilePath, Implements};
use crate::impact::{World, resolve};
use crate::language::eval::edit_tests::{Dice, Texts, assert_covers, assert_edit, said, texts};

/// Declarations that name each other across files, some of them wrongly.
const LINES: &[&str] = &[
    "#include \"a.h\"",
    "#include \"b.h\"",
    "#include <lib/c.h>",
    "#include \"gone.h\"",
    "#include \"d.hpp\"",
    "#define LIMIT 3",
    "#define LIMIT Make(1)",
    "#define WRAP(x) Make(x), table[LIMIT]",
    "#ifdef LIMIT\nint one(int);\n#else\nint one(void);\n#endif",
    "struct A { int x; struct B *b; };",
    "struct A { struct A *next; struct { int y; } in; };",
    "struct A;",
    "typedef struct A A2;",
    "typedef struct { struct A a; int n; } A2;",
    "struct B { int x; };",
    "class B : public A { public: int run(int a) const; static B make(); A a; };",
    "class B { public: B(int n); B(int n, int m = 2); int run(A* a) { return a->x; } };",
    "namespace n { struct A { int x; int run(int); }; int Make(int); }",
    "namespace n { namespace m { using A = ::A; enum class E { One, Two }; } }",
    "namespace n { inline namespace v { int one(int); } }",
    "namespace { int hidden; }",
    "using namespace n;",
    "using n::A;",
    "template <class T> class Box { public: T get() const; T held; };",
    "template <class T> T Make(T a) { return a; }",
    "enum { One, Two };",
    "enum E { One = LIMIT, Two };",
    "int Make(int a);",
    "struct A *Make(int a);",
    "int Make(int a) { return a + one(1); }",
    "struct A *Make(int a) { struct A *b = 0; b->next->x = a; return b; }",
    "static int Make(int a, int b) { return a; }",
    "static inline int one(int a) { return Two + a; }",
    "extern int table[];",
    "int table[] = { LIMIT, One };",
    "int use(void) { return Make(1) + one(2) + LIMIT; }",
    "int use(struct A *a) { return a->next->b->x + Make(WRAP(2))->x + a->in.y; }",
    "int use(B b, n::A c) { auto d = Make(1); return b.run(1) + c.run(2) + d->x + n::Make(1); }",
    "int use2(Box<A> box) { return box.get().x + box.held.next->x; }",
    "int use2() { B b(1); for (auto& a : table) Make(a); return n::m::E::One == B::make().a.x; }",
    "int B::run(int a) const { return a + x + this->a.x; }",
    "int n::A::run(int b) { return x + Make(b); }",
    "void broken( {",
    "class X { int Make",
];

/// Sources and headers in several folders.
const PATHS: &[&str] = &[
    "a.h",
    "b.h",
    "src/lib/c.h",
    "x/lib/c.h",
    "d.hpp",
    "a.c",
    "src/b.c",
    "src/d.cpp",
    "x/e.cpp",
    "compile_commands.json",
];

const COMMANDS: &[&str] = &[
    "[]",
    "[{\"directory\": \"/b\", \"file\": \"/b/a.c\", \"command\": \"cc -Isrc a.c\"}]",
    "[{\"directory\": \"/b\", \"file\": \"/b/a.c\", \"command\": \"cc -Ix a.c\"}, {\"directory\": \"/b\", \"file\": \"/b/src/d.cpp\", \"command\": \"cc -I. -Ix d.cpp\"}]",
];

fn random_text(path: &str, dice: &mut Dice) -> String {
    if path.ends_with(".json") {
        return COMMANDS[if dice.roll(6) == 0 { dice.roll(COMMANDS.len()) } else { 1 }].to_owned();
    }
    let lines = (0..1 + dice.roll(10)).map(|_| LINES[dice.roll(LINES.len())]);
    let mut lines: Vec<&str> = lines.collect();
    lines.sort_by_key(|line| !line.starts_with("#include"));
    format!("{}\n", lines.join("\n"))
}

fn random_texts(dice: &mut Dice) -> Texts {
    PATHS.iter().map(|&path| (path.into(), said(&path.into(), &random_text(path, dice)))).collect()
}

#[test]
fn what_resolves_otherwise_is_reached() {
    let mut dice = Dice(0x2545_F491_4F6C_DD1D);
    let mut before = random_texts(&mut dice);
    let mut spared = 0;
    for _ in 0..600 {
        let mut after = before.clone();
        let edited: BTreeSet<FilePath> =
            (0..=dice.roll(2)).map(|_| FilePath::from(PATHS[dice.roll(PATHS.len())])).collect();
        for path in &edited {
            let text = random_text(&path.to_string(), &mut dice);
            after.insert(path.clone(), said(path, &text));
        }
        spared += assert_edit(&before, &after, &edited);
        before = after;
    }
    assert!(spared > 0, "every file is always reached: nothing was tested");
}

fn made_by<'l>(links: &'l [Implements], file: &FilePath) -> Vec<&'l Implements> {
    links.iter().filter(|link| link.declared_in == *file).collect()
}

/// A world of which only what an edit reaches is resolved again stays what a new one is, edit by edit, links included.
#[test]
fn a_world_that_follows_edits_stays_complete() {
    let mut dice = Dice(0x9E37_79B9_7F4A_7C15);
    let mut files = random_texts(&mut dice);
    let mut world = World::new(&files);
    let mut known = world.graph();
    let mut known_links = world.implements(None);
    for _ in 0..400 {
        let path = FilePath::from(PATHS[dice.roll(PATHS.len())]);
        let outline = said(&path, &random_text(&path.to_string(), &mut dice));
        files.insert(path.clone(), Arc::clone(&outline));
        let reach = world.edit(&[(path.clone(), outline)]).unwrap();
        let mut only = reach.files;
        only.insert(path.clone());
        let part = world.graph_of(&only);
        let part_links = world.implements(Some(&only));
        let new_world = World::new(&files);
        let (new, new_links) = (new_world.graph(), new_world.implements(None));
        for file in files.keys() {
            let uses = if only.contains(file) { part.uses(file) } else { known.uses(file) };
            assert_eq!(uses, new.uses(file), "{file} after {path}, which reaches {only:?}");
            let links = if only.contains(file) { &part_links } else { &known_links };
            assert_eq!(made_by(links, file), made_by(&new_links, file), "{file} after {path}, which reaches {only:?}");
        }
        (known, known_links) = (new, new_links);
    }
}

/// Files that come and go, each reaching those that asked for it.
#[test]
fn a_header_that_comes_reaches_those_that_include_it() {
    let all = texts(&[
        ("late.h", "int late(void);\n"),
        ("a.c", "#include \"late.h\"\nint f(void) { return late(); }\n"),
        ("b.c", "int late(void);\nint g(void) { return late(); }\n"),
        ("c.h", "#include \"late.h\"\n"),
        ("c.c", "#include \"c.h\"\nint h(void) { return late(); }\n"),
    ]);
    let late = FilePath::from("late.h");
    let mut files = all.clone();
    files.remove(&late);
    let old = resolve(&files);
    let mut world = World::new(&files);
    world.graph();
    let reach = world.edit(&[(late.clone(), Arc::clone(&all[&late]))]).unwrap();
    let expected = ["a.c", "c.c", "c.h", "late.h"].map(FilePath::from);
    assert_eq!(reach.files, expected.into());
    assert_covers(&old, &resolve(&all), Some(reach), &[late.clone()].into(), &all);
    assert_eq!(world.graph(), resolve(&all));
    // It goes again: what is left of it says nothing.
    let reach = world.edit(&[(late.clone(), Arc::default())]).unwrap();
    assert!(reach.files.contains(&FilePath::from("c.c")), "{reach:?}");
    let mut gone = all.clone();
    gone.insert(late, Arc::default());
    assert_eq!(world.graph(), resolve(&gone));
}

#[test]
fn a_body_or_comment_reaches_nobody() {
    let header = "#define LIMIT 3\nstruct t { int c; };\nint make(struct t *t, int n);\nstatic inline int half(int n) { return n / 2; }\n";
    let source = "#include \"t.h\"\nint make(struct t *t, int n) { return t->c + n; }\n";
    let files = texts(&[
        ("t.h", header),
        ("t.c", source),
        ("use.c", "#include \"t.h\"\nint use(struct t *t) { return make(t, half(LIMIT)); }\n"),
        ("quiet.c", "#include \"t.h\"\nint quiet;\n"),
    ]);
    let reach = |path: &str, other: &str| {
        let mut world = World::new(&files);
        world.graph();
        let path = FilePath::from(path);
        world.edit(&[(path.clone(), said(&path, other))]).unwrap().files
    };
    for other in [source.replace("t->c + n", "n + n"), format!("// why\n{source}"), source.replace("int n)", "int m)")]
    {
        assert_eq!(reach("t.c", &other), ["t.c"].map(FilePath::from).into(), "{other}");
    }
    assert_eq!(reach("t.h", &header.replace("int n);", "int m); // why")), ["t.h"].map(FilePath::from).into());
    let user = FilePath::from("use.c");
    for other in [
        header.replace("LIMIT 3", "LIMIT 4"),
        header.replace("n / 2", "n / 3"),
        header.replace("int c;", "long c;"),
        header.replace("int make(struct t *t, int n)", "int make(struct t *t, long n)"),
    ] {
        let reached = reach("t.h", &other);
        assert!(reached.contains(&user) && !reached.contains(&FilePath::from("quiet.c")), "{other} {reached:?}");
    }
}

/// One hash of all edges, contexts and links of some views.
fn resolved() -> String {
    let mut dice = Dice(0xD1B5_4A32_D192_ED03);
    let mut parts = Vec::new();
    for _ in 0..40 {
        let files = random_texts(&mut dice);
        let world = World::new(&files);
        let graph = world.graph();
        parts.push(format!("{:?} {:?}", graph.edges(), world.implements(None)));
        parts.extend(files.keys().map(|path| format!("{:?}", graph.uses(path))));
    }
    crate::domain::Hash::of_fields(parts.iter().map(String::as_bytes)).to_string()
}

#[test]
fn other_rules_have_another_version() {
    let golden = (2, "196437ea7cb5edff874f9d12b182f4335da3c814132de6a8cfb4c2ef2a9be381");
    assert_eq!((super::FAMILY.version, resolved().as_str()), golden, "raise the version and put both in here");
}
