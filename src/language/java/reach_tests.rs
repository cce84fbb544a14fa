//! What an edit reaches covers what resolves otherwise, in a warm world and in a new one; and a world that follows edits equals a new one.

use std::collections::BTreeSet;
use std::sync::Arc;

use crate::domain::FilePath;
use crate::impact::{World, resolve};
use crate::language::eval::edit_tests::{Dice, Texts, assert_covers, assert_edit, said, texts};

/// What stands at the top of files.
const HEADS: &[&str] = &[
    "package p;",
    "package p;",
    "package q;",
    "package p.sub;",
    "",
    "package q;\nimport p.A;",
    "package q;\nimport p.*;\nimport static p.A.make;",
    "package p;\nimport q.Outer.Inner;\nimport static q.Outer.*;",
    "package p.sub;\nimport p.*;\nimport q.B;\nimport q.Gone;",
    "package p;\nimport q.*;",
    "package q;\nimport static p.B.LIMIT;\nimport p.sub.C;",
];

/// Types that name each other across packages, some of them wrongly.
const TYPES: &[&str] = &[
    "public class A { public static A make() { return new A(); } public B part; public A go() { return this; } }",
    "public class A extends B { public A() { super(1); } public B go(int n) { return part().go(); } static A make(int n) { return null; } }",
    "class B { public static final int LIMIT = 3; public A part() { return A.make(); } B go() { return this; } B(int n) {} }",
    "public class B implements Runs { public void run() { new A().go().part.part(); } public B go() { return null; } }",
    "public class B<T> extends Box<T> { T held() { return get(); } void use(B<A> b) { b.held().go(); b.get().go(); } }",
    "public class Box<T extends A> { T value; T get() { return value; } <R> R map(Mapper<T, R> m) { return m.apply(value); } }",
    "public interface Mapper<X, Y> { Y apply(X from); default Y twice(X from) { return apply(from); } }",
    "public interface Runs { void run(); int DEPTH = B.LIMIT; class Nested extends A { } }",
    "public class Outer { public static class Inner { public A go() { return A.make(); } } static Inner make() { return new Inner(); } }",
    "class C { void use(Box<A> box) { box.map(a -> a.go()).go(); box.map(A::go).part.go(); box.get().go(2).go(); } }",
    "class C extends Outer { Inner in = make(); Object o = in.go().part; Nested n; }",
    "class C implements Runs { public void run() { Nested n = new Nested(); n.go().go(); int x = DEPTH + p.B.LIMIT; } }",
    "class C { void use(Object o) { if (o instanceof A a) a.go(); if (!(o instanceof B b)) return; b.part().go(); } }",
    "class C { int use(Kind k) { switch (k) { case ONE: return k.size(); case TWO: break; } return Kind.values()[0].size() + Kind.ONE.size(); } }",
    "public enum Kind { ONE, TWO { int size() { return 2; } }; int size() { return A.make().hashCode(); } }",
    "public record R(A first, B... rest) { R { first.go(); } A second() { return rest()[0].part(); } }",
    "class C { Object o = new R(A.make()).first().go(); Object p = q.Outer.make().go(); p.sub.C c; R r; { r.rest(); } }",
    "public @interface Mark { int value() default B.LIMIT; Class<?>[] of() default {}; }",
    "@Mark(3) class C { @Mark(of = { A.class, q.B.class }) void use() { for (A a : all()) a.go(); } Iterable<A> all() { return null; } }",
    "class C { void use() { var a = make(); a.go(); make(1).go(); try (A b = A.make()) { b.part.go(); } } }",
    "class C { Runs r = new Runs() { public void run() { go(); helper(); } A go() { return null; } }; void helper() {} }",
    "class C { A go() { class Local extends A { B mine() { return part; } } return new Local().mine().part(); } }",
    "class Late { A go() { return null; } } class Object2 { Late late; B gone() { return late.go().part; } }",
    "class A { B part; } class Helper { A go() { return new A(); } }",
    "class Broken { A go( { return ; } B part",
    "class Iter implements Iterable<A> { public Iterator<A> iterator() { return null; } void use(Iter i) { for (var a : i) a.go(); } }",
];

const PATHS: &[&str] = &[
    "src/main/java/p/A.java",
    "src/main/java/p/B.java",
    "src/main/java/p/sub/C.java",
    "src/main/java/q/B.java",
    "src/test/java/p/ATest.java",
    "other/src/main/java/p/A.java",
    "Top.java",
];

fn random_text(dice: &mut Dice) -> String {
    let types = (0..1 + dice.roll(3)).map(|_| TYPES[dice.roll(TYPES.len())]).collect::<Vec<_>>();
    format!("{}\n{}\n", HEADS[dice.roll(HEADS.len())], types.join("\n"))
}

fn random_texts(dice: &mut Dice) -> Texts {
    PATHS.iter().map(|&path| (path.into(), said(&path.into(), &random_text(dice)))).collect()
}

#[test]
fn what_resolves_otherwise_is_reached() {
    let mut dice = Dice(0x2545_F491_4F6C_DD1D);
    let mut before = random_texts(&mut dice);
    let (mut spared, mut edges) = (0, 0);
    for _ in 0..600 {
        let mut after = before.clone();
        let edited: BTreeSet<FilePath> =
            (0..=dice.roll(2)).map(|_| FilePath::from(PATHS[dice.roll(PATHS.len())])).collect();
        for path in &edited {
            let text = random_text(&mut dice);
            after.insert(path.clone(), said(path, &text));
        }
        spared += assert_edit(&before, &after, &edited);
        edges += resolve(&after).edges().len();
        before = after;
    }
    assert!(spared > 0 && edges > 2_000, "nothing was tested: {spared} files spared, {edges} edges");
}

/// A world of which only what an edit reaches is resolved again stays what a new one is, edit by edit.
#[test]
fn a_world_that_follows_edits_stays_complete() {
    let mut dice = Dice(0x9E37_79B9_7F4A_7C15);
    let mut files = random_texts(&mut dice);
    let mut world = World::new(&files);
    let (mut known, mut links) = (world.graph(), world.implements(None));
    let mut linked = 0;
    for _ in 0..300 {
        let path = FilePath::from(PATHS[dice.roll(PATHS.len())]);
        let outline = said(&path, &random_text(&mut dice));
        files.insert(path.clone(), Arc::clone(&outline));
        let reach = world.edit(&[(path.clone(), outline)]);
        let mut only = reach.map_or_else(|| files.keys().cloned().collect(), |reach| reach.files);
        only.insert(path.clone());
        let part = world.graph_of(&only);
        let new = resolve(&files);
        for file in files.keys() {
            let uses = if only.contains(file) { part.uses(file) } else { known.uses(file) };
            assert_eq!(uses, new.uses(file), "{file} after {path}, which reaches {only:?}");
        }
        known = new;
        // Links stay those of the files that make them.
        links.retain(|link| !only.contains(&link.declared_in));
        links.extend(world.implements(Some(&only)));
        links.sort();
        assert_eq!(links, World::new(&files).implements(None), "after {path}, which reaches {only:?}");
        linked += links.len();
    }
    assert!(linked > 100, "{linked} links");
}

/// Files that come one by one, each reaching those that asked for it.
#[test]
fn a_type_that_comes_reaches_those_that_name_it() {
    let all = texts(&[
        ("p/Late.java", "package p; public class Late { public void go() {} }"),
        ("p/Quiet.java", "package p; class Quiet { int x; }"),
        ("p/Near.java", "package p; class Near { Late late; }"),
        ("q/Far.java", "package q; import p.Late; class Far { Late late; }"),
        ("q/Star.java", "package q; import p.*; class Star { void use(Late late) { late.go(); } }"),
        ("q/Full.java", "package q; class Full { p.Late late; }"),
        ("q/Other.java", "package q; class Other { String late; }"),
    ]);
    let late = FilePath::from("p/Late.java");
    let mut files = all.clone();
    files.remove(&late);
    let old = resolve(&files);
    let mut world = World::new(&files);
    world.graph();
    let reach = world.edit(&[(late.clone(), Arc::clone(&all[&late]))]).unwrap();
    let expected = ["p/Late.java", "p/Near.java", "q/Far.java", "q/Full.java", "q/Star.java"].map(FilePath::from);
    assert_eq!(reach.files, expected.into());
    assert_covers(&old, &resolve(&all), Some(reach), &[late].into(), &all);
    assert_eq!(world.graph(), resolve(&all));
}

#[test]
fn a_body_or_comment_reaches_nobody() {
    let base = "package p;\nimport q.D;\n/** Doc. */\npublic class A extends Base {\n  public static final int LIMIT = 3;\n  private int size = 1;\n  public D go(int n) {\n    int y = n + 1;\n    return part(y);\n  }\n}\n";
    let files = |base: &str| {
        texts(&[
            ("p/A.java", base),
            ("p/Base.java", "package p; class Base { q.D part(int n) { return null; } }"),
            ("q/D.java", "package q; public class D { public void more() {} }"),
            (
                "Use.java",
                "import p.*; class Use { int x = A.LIMIT; void use(A a) { a.go(1).more(); a.part(2); new A(); } }",
            ),
        ])
    };
    let reach = |other: &str| {
        let mut world = World::new(&files(base));
        world.graph();
        let path = FilePath::from("p/A.java");
        world.edit(&[(path.clone(), said(&path, other))]).unwrap().files
    };
    for other in [
        base.replace("int y = n + 1", "// why\n int y = n + 2; more(y)"),
        base.replace("Doc.", "Other words."),
        base.replace("size = 1", "size = 2"),
        base.replace("int n)", "final int count)"),
        base.replace("public D go", "public\n  D go"),
        base.replace("  private int", "  private void helper() {}\n  private int"),
    ] {
        let mut reached = reach(&other);
        reached.remove(&FilePath::from("p/A.java"));
        assert_eq!(reached, BTreeSet::new(), "{other}");
    }
    let user = FilePath::from("Use.java");
    for other in [
        base.replace("LIMIT = 3", "LIMIT = 4"),
        base.replace("extends Base ", ""),
        base.replace("int n)", "long n)"),
        base.replace("int n)", "int n, int m)"),
        base.replace("public D go", "D go"),
        base.replace("public D", "public String"),
        base.replace("import q.D;", "import q.E;"),
        base.replace("  private int", "  A(int n) {}\n  private int"),
        base.replace("package p", "package r"),
        base.replace("class A", "class AA"),
    ] {
        assert!(reach(&other).contains(&user), "{other}");
    }
}

/// One hash of all edges and contexts of some views.
fn resolved() -> String {
    let mut dice = Dice(0xD1B5_4A32_D192_ED03);
    let mut parts = Vec::new();
    for _ in 0..40 {
        let files = random_texts(&mut dice);
        let graph = resolve(&files);
        parts.push(format!("{:?} {:?}", graph.edges(), graph.via()));
        parts.extend(files.keys().map(|path| format!("{:?}", graph.uses(path))));
    }
    crate::domain::Hash::of_fields(parts.iter().map(String::as_bytes)).to_string()
}

#[test]
fn other_rules_have_another_version() {
    let golden = (3, "5523fa2b29bcfb4e71177e0319e7efee98a67451c00e7bca296223e6072a8664");
    assert_eq!((super::FAMILY.version, resolved().as_str()), golden, "raise the version and put both in here");
}
