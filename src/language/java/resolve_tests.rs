//! What names mean in Java: packages, modules, inheritance, overloads, and names that many files define.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use crate::domain::FilePath;
use crate::impact::{World, resolve};
use crate::language::{Outline, of};
use crate::outline::outline;

fn said(files: &[(String, String)]) -> BTreeMap<FilePath, Arc<Outline>> {
    let texts = files.iter().map(|(path, text)| {
        let path = FilePath::from(path.as_str());
        let said = outline(of(&path), text).0;
        (path, Arc::new(said))
    });
    texts.collect()
}

fn edges_of(files: &[(String, String)]) -> BTreeSet<String> {
    let graph = resolve(&said(files));
    let edges = graph.edges().iter();
    edges.map(|edge| format!("{} > {}: {}", edge.dependent_file, edge.source_file, edge.symbol_name)).collect()
}

fn edges(files: &[(&str, &str)]) -> BTreeSet<String> {
    let files: Vec<(String, String)> = files.iter().map(|&(path, text)| (path.to_owned(), text.to_owned())).collect();
    edges_of(&files)
}

/// `B.java: B.go` for each edge of `C.java`.
#[track_caller]
fn assert_used(files: &[(&str, &str)], user: &str, expected: &[&str]) {
    let all = edges(files);
    let start = format!("{user} > ");
    let used: BTreeSet<&str> = all.iter().filter_map(|edge| edge.strip_prefix(&start)).collect();
    assert_eq!(used, expected.iter().copied().collect(), "{files:#?}");
}

#[test]
fn a_package_is_what_its_files_say() {
    let b = ("anywhere/B.java", "package p; public class B { public static B of() { return null; } }");
    for (user, is_used) in [
        ("package p; class C { Object o = B.of(); }", true),
        ("package q; import p.*; class C { Object o = B.of(); }", true),
        ("package q; import p.B; class C { Object o = B.of(); }", true),
        ("package q; class C { Object o = p.B.of(); }", true),
        ("package q; import static p.B.of; class C { Object o = of(); B b; }", true),
        ("package q; import static p.B.*; class C { Object o = of(); B b; }", true),
        ("package p.q; class C { Object o = B.of(); }", false),
        ("package q; class C { Object o = B.of(); }", false),
        ("package q; import p.*; class C { class B { static B of() { return null; } } Object o = B.of(); }", false),
        ("package q; import p.*; class B { static B of() { return null; } } class C { Object o = B.of(); }", false),
        ("package p; import java.util.B; class C { Object o = B.of(); }", false),
        ("package q; import p.*; import java.util.B; class C { Object o = B.of(); }", false),
    ] {
        let expected: &[&str] = if is_used { &["anywhere/B.java: B", "anywhere/B.java: B.of"] } else { &[] };
        assert_used(&[b, ("C.java", user)], "C.java", expected);
    }
}

#[test]
fn names_of_java_lang_give_way_to_the_package() {
    let own = ("p/String.java", "package p; public class String { public void go() {} }");
    assert_used(
        &[own, ("p/C.java", "package p; class C { void use(String s) { s.go(); } }")],
        "p/C.java",
        &["p/String.java: String", "p/String.java: String.go"],
    );
    assert_used(&[own, ("q/C.java", "package q; class C { void use(String s) { s.go(); } }")], "q/C.java", &[]);
}

#[test]
fn members_are_found_through_what_a_class_extends() {
    let files = [
        (
            "Base.java",
            "package p; public class Base<T> { protected T item; T get() { return item; } static int COUNT; public static class In {} }",
        ),
        ("Item.java", "package p; public class Item { void use() {} }"),
        ("Shape.java", "package p; public interface Shape { int SIDES = 3; default Item item() { return null; } }"),
        ("Mid.java", "package p; public class Mid extends Base<Item> implements Shape { }"),
        (
            "C.java",
            "package p; class C extends Mid { In in; void go() { item.use(); get().use(); item().use(); int n = SIDES + COUNT; super.get(); } }",
        ),
    ];
    let expected = [
        "Base.java: Base.COUNT",
        "Base.java: Base.In",
        "Base.java: Base.get",
        "Base.java: Base.item",
        "Item.java: Item.use",
        "Mid.java: Mid",
        "Mid.java: Mid.new",
        "Shape.java: Shape.SIDES",
        "Shape.java: Shape.item",
    ];
    assert_used(&files, "C.java", &expected);
}

#[test]
fn overloads_are_told_apart_by_their_arguments() {
    let files = [
        ("Base.java", "package p; class Base { A go(int a, int b) { return null; } }"),
        (
            "Over.java",
            "package p; class Over extends Base { B go(int a) { return null; } B go(String... all) { return null; } }",
        ),
        ("A.java", "package p; class A { void a() {} }"),
        ("B.java", "package p; class B { void b() {} }"),
        ("C.java", "package p; class C { void use(Over o) { o.go(1, 2).a(); } }"),
        ("D.java", "package p; class D { void use(Over o) { o.go(1).b(); o.go(1, 2, 3).b(); } }"),
    ];
    assert_used(&files, "C.java", &["A.java: A.a", "Base.java: Base.go", "Over.java: Over"]);
    assert_used(&files, "D.java", &["B.java: B.b", "Over.java: Over", "Over.java: Over.go"]);
}

/// What is called on `Over`, and which class the overload that is meant gives.
const CALLS: [(&str, &str); 36] = [
    ("go(1)", "a"),
    ("go(-1)", "a"),
    ("go('c')", "a"),
    ("go(\"x\")", "b"),
    ("go(\"x\" + n + 1)", "b"),
    ("go(text)", "b"),
    ("go(item)", "c"),
    ("go(new Item())", "c"),
    ("go(Item.make())", "c"),
    ("go((Item) other)", "c"),
    ("go(new Special())", "b"),
    ("go(list)", "d"),
    ("go(other)", "d"),
    ("go(1.5)", "d"),
    ("at(1)", "a"),
    ("at(n)", "a"),
    ("at(item.size)", "a"),
    ("at(1.5f)", "b"),
    ("at(true)", "d"),
    ("at(boxed)", "c"),
    ("of(items)", "a"),
    ("of(new byte[3])", "b"),
    ("of(text)", "c"),
    ("with(x -> {})", "a"),
    ("with(this::take)", "a"),
    ("with(item)", "b"),
    ("two(1, text)", "a"),
    ("two(text, 1)", "b"),
    ("two(item, null)", "c"),
    ("any(1)", "a"),
    ("any(list)", "b"),
    ("some(1)", "a"),
    ("some(text)", "b"),
    ("some(text, text)", "b"),
    ("up(item)", "a"),
    ("up(1)", "c"),
];

/// The types of arguments decide where several methods take as many; each overload gives a type of its own, so that the next call says
/// which one was meant.
#[test]
fn overloads_are_told_apart_by_types() {
    let over = "package p; import java.util.*; class Over extends Base {
        A go(int x) { return null; } B go(String x) { return null; } C go(Item x) { return null; } D go(Object x) { return null; }
        A at(long x) { return null; } B at(double x) { return null; } C at(Integer x) { return null; } D at(boolean x) { return null; }
        A of(Item[] x) { return null; } B of(byte[] x) { return null; } C of(CharSequence x) { return null; }
        A with(Visitor x) { return null; } B with(Item x) { return null; } C with(String x) { return null; }
        A two(int x, String y) { return null; } B two(String x, int y) { return null; } C two(Item x, Item y) { return null; }
        <T> A any(T x) { return null; } B any(List<Item> x) { return null; }
        A some(int x) { return null; } B some(String... x) { return null; } }";
    let files = [
        ("Over.java", over),
        (
            "Base.java",
            "package p; class Base { A up(Item x) { return null; } B go(Special x) { return null; } C up(int x) { return null; } }",
        ),
        ("Item.java", "package p; class Item { int size; static Item make() { return null; } }"),
        ("Special.java", "package p; class Special extends Item {}"),
        ("Visitor.java", "package p; interface Visitor { void visit(Item x); }"),
        ("A.java", "package p; class A { void a() {} }"),
        ("B.java", "package p; class B { void b() {} }"),
        ("C.java", "package p; class C { void c() {} }"),
        ("D.java", "package p; class D { void d() {} }"),
    ];
    for (call, expected) in CALLS {
        let calls = ["a", "b", "c", "d"].map(|next| format!("o.{call}.{next}();")).concat();
        let user = format!(
            "package p; import java.util.*; class User {{ int n; Integer boxed; void take(Item x) {{}} \
             void use(Over o, String text, Item item, Object other, List<Item> list, Item... items) {{ {calls} }} }}"
        );
        let mut files: Vec<(&str, &str)> = files.to_vec();
        files.push(("User.java", &user));
        let all = edges(&files);
        let class = expected.to_ascii_uppercase();
        for other in ["A", "B", "C", "D"] {
            let edge = format!("User.java > {other}.java: {other}.{}", other.to_ascii_lowercase());
            assert_eq!(all.contains(&edge), other == class, "{call}: {all:#?}");
        }
    }
    // What nothing is known of is any of the nearest class's.
    let unknown =
        "package p; class User { void use(Over o) { var x = Unknown.find(); o.go(x).a(); o.go(x).b(); o.go(x).c(); } }";
    let mut files = files.to_vec();
    files.push(("User.java", unknown));
    for known in ["A.java: A.a", "B.java: B.b", "C.java: C.c"] {
        assert!(edges(&files).contains(&format!("User.java > {known}")), "{known}");
    }
}

#[test]
fn lambdas_get_what_the_interface_says() {
    let files = [
        ("Item.java", "package p; class Item { Item next() { return null; } boolean ok() { return true; } }"),
        ("Visitor.java", "package p; interface Visitor<T> { void visit(T item, int at); }"),
        (
            "Tree.java",
            "package p; class Tree<T> { void each(Visitor<? super T> v) {} java.util.List<T> all() { return null; } }",
        ),
        ("A.java", "package p; class A { void use(Tree<Item> t) { t.each((x, at) -> x.ok()); } }"),
        (
            "B.java",
            "package p; class B { void use(Tree<Item> t) { t.all().stream().map(x -> x.next()).filter(Item::ok).findFirst().get().next(); } }",
        ),
        ("C.java", "package p; class C { Visitor<Item> v = (x, at) -> { x.next(); }; }"),
        (
            "D.java",
            "package p; class D { void use(Tree<Item> t) { for (var x : t.all()) x.next(); var y = t.all().get(0); y.ok(); } }",
        ),
    ];
    assert_used(
        &files,
        "A.java",
        &["Item.java: Item", "Item.java: Item.ok", "Tree.java: Tree", "Tree.java: Tree.each"],
    );
    let all =
        ["Item.java: Item", "Item.java: Item.next", "Item.java: Item.ok", "Tree.java: Tree", "Tree.java: Tree.all"];
    assert_used(&files, "B.java", &all);
    assert_used(&files, "C.java", &["Item.java: Item", "Item.java: Item.next", "Visitor.java: Visitor"]);
    assert_used(&files, "D.java", &all);
}

#[test]
fn enums_records_and_annotations_have_members() {
    let files = [
        ("Kind.java", "package p; enum Kind { ONE, TWO { int size() { return 2; } }; int size() { return 1; } }"),
        ("Point.java", "package p; record Point(Kind kind, int y) { Point { } }"),
        ("Mark.java", "package p; @interface Mark { int value() default 0; Class<?> of() default Object.class; }"),
        (
            "A.java",
            "package p; class A { int use(Kind k) { switch (k) { case ONE: return 1; default: return Kind.valueOf(\"x\").size(); } } }",
        ),
        (
            "B.java",
            "package p; class B { @Mark(1) int use(Object o) { return o instanceof Point(Kind kind, var y) ? kind.size() : new Point(null, 1).kind().size(); } }",
        ),
        ("C.java", "package p; @Mark(of = Kind.class) class C { }"),
    ];
    assert_used(
        &files,
        "A.java",
        &["Kind.java: Kind", "Kind.java: Kind.ONE", "Kind.java: Kind.size", "Kind.java: Kind.valueOf"],
    );
    let expected = [
        "Kind.java: Kind",
        "Kind.java: Kind.size",
        "Mark.java: Mark",
        "Mark.java: Mark.value",
        "Point.java: Point",
        "Point.java: Point.kind",
        "Point.java: Point.new",
    ];
    assert_used(&files, "B.java", &expected);
    assert_used(&files, "C.java", &["Kind.java: Kind", "Mark.java: Mark", "Mark.java: Mark.of"]);
}

#[test]
fn patterns_hold_where_the_test_did() {
    let files = [
        ("A.java", "package p; class A { void a() {} }"),
        ("B.java", "package p; class B { void b() {} }"),
        (
            "C.java",
            "package p; class C { void use(Object o) { if (o instanceof A x) { x.a(); } if (!(o instanceof B x)) { return; } x.b(); } }",
        ),
        (
            "D.java",
            "package p; class D { int use(Object o) { return switch (o) { case A x -> { x.a(); yield 1; } case B x when x != null -> 2; default -> 0; }; } }",
        ),
    ];
    assert_used(&files, "C.java", &["A.java: A", "A.java: A.a", "B.java: B", "B.java: B.b"]);
    assert_used(&files, "D.java", &["A.java: A", "A.java: A.a", "B.java: B"]);
}

#[test]
fn inner_classes_see_what_is_around_them() {
    let files = [
        ("Item.java", "package p; class Item { void use() {} }"),
        (
            "Outer.java",
            "package p; class Outer { Item item; Item make() { return null; } class Inner { Item own; } Inner inner() { return null; } }",
        ),
        (
            "C.java",
            "package p; class C extends Outer { Runnable r = new Runnable() { public void run() { item.use(); make().use(); C.this.item.use(); } }; void go(Outer o) { o.new Inner().own.use(); inner().own.use(); } }",
        ),
    ];
    let expected = [
        "Item.java: Item.use",
        "Outer.java: Outer",
        "Outer.java: Outer.Inner",
        "Outer.java: Outer.Inner.new",
        "Outer.java: Outer.Inner.own",
        "Outer.java: Outer.inner",
        "Outer.java: Outer.item",
        "Outer.java: Outer.make",
        "Outer.java: Outer.new",
    ];
    assert_used(&files, "C.java", &expected);
}

#[test]
fn a_file_prefers_its_own_module_and_source_set() {
    let util = "package p; public class Util { public static int n() { return 1; } }";
    let user = "package q; class User { int n = p.Util.n(); }";
    let files = [
        ("one/pom.xml", ""),
        ("two/pom.xml", ""),
        ("one/src/main/java/p/Util.java", util),
        ("two/src/main/java/p/Util.java", util),
        ("two/src/test/java/p/Util.java", util),
        ("one/src/main/java/q/User.java", user),
        ("two/src/main/java/q/User.java", user),
        ("two/src/test/java/q/UserTest.java", user),
        ("two/target/generated-sources/x/q/Made.java", user),
        ("three/src/main/java/q/User.java", user),
    ];
    let all = edges(&files);
    let target = |user: &str| -> BTreeSet<String> {
        let start = format!("{user} > ");
        let ends = all.iter().filter_map(|edge| edge.strip_prefix(&start));
        ends.map(|edge| edge.split(": ").next().unwrap_or_default().to_owned()).collect()
    };
    for (user, expected) in [
        ("one/src/main/java/q/User.java", "one/src/main/java/p/Util.java"),
        ("two/src/main/java/q/User.java", "two/src/main/java/p/Util.java"),
        ("two/src/test/java/q/UserTest.java", "two/src/test/java/p/Util.java"),
        ("two/target/generated-sources/x/q/Made.java", "two/src/main/java/p/Util.java"),
        ("three/src/main/java/q/User.java", "one/src/main/java/p/Util.java"),
    ] {
        assert_eq!(target(user), BTreeSet::from([expected.to_owned()]), "{user}");
    }
}

#[test]
fn an_import_of_nothing_inside_the_repository_is_a_use() {
    let texts = [
        ("p/A.java", "package p; class A {}"),
        (
            "q/C.java",
            "package q;\nimport p.Gone;\nimport java.util.List;\nimport p.other.Thing;\nimport static p.A.gone;\n",
        ),
    ];
    let texts = texts.map(|(path, text)| (FilePath::from(path), Arc::new(outline(of(&path.into()), text).0)));
    let texts = BTreeMap::from(texts);
    let graph = resolve(&texts);
    let missing = graph.uses(&"q/C.java".into()).iter().filter(|one| one.signature.is_none());
    let missing: Vec<_> = missing.map(|one| (one.written.as_str(), one.line)).collect();
    assert_eq!(missing, [("p.A.gone", 5), ("p.Gone", 2)]);
}

/// Definitions of one name in 2 to 30 packages: each user means one of them.
#[test]
fn a_name_that_many_packages_define_is_one_of_them() {
    for count in [2, 3, 10, 30] {
        let mut files = Vec::new();
        let mut truth = BTreeSet::new();
        for at in 0..count {
            let (own, next) = (format!("m{at}"), format!("m{}", (at + 1) % count));
            files.push((
                format!("{own}/Handler.java"),
                format!("package app.{own}; public class Handler {{ public Result handle() {{ return new Result(); }} public static final int ID = {at}; }}"),
            ));
            files.push((
                format!("{own}/Result.java"),
                format!("package app.{own}; public class Result {{ public void close() {{}} }}"),
            ));
            files.push((
                format!("{own}/Near.java"),
                format!("package app.{own}; class Near {{ void go(Handler h) {{ h.handle().close(); }} }}"),
            ));
            files.push((
                format!("{own}/Far.java"),
                format!("package app.{own}; import app.{next}.Handler; class Far {{ int go(Handler h) {{ h.handle().close(); return Handler.ID; }} }}"),
            ));
            for (user, of) in [("Near", &own), ("Far", &next)] {
                truth.extend(
                    ["Handler.java: Handler", "Handler.java: Handler.handle", "Result.java: Result.close"]
                        .map(|end| format!("{own}/{user}.java > {of}/{end}")),
                );
            }
            truth.insert(format!("{own}/Far.java > {next}/Handler.java: Handler.ID"));
            truth.extend(["Result", "Result.new"].map(|end| format!("{own}/Handler.java > {own}/Result.java: {end}")));
        }
        assert_eq!(edges_of(&files), truth, "{count} definitions");
    }
}

/// A controller, an interface, its one implementation, a repository behind an abstract class: no link of the chain is cut.
#[test]
fn injected_calls_lead_through_interfaces() {
    let files = [
        (
            "web/OrderController.java",
            "package web; import service.OrderService; @RestController class OrderController { private final OrderService orders; OrderController(OrderService orders) { this.orders = orders; } @GetMapping Object get(long id) { return orders.find(id); } }",
        ),
        (
            "service/OrderService.java",
            "package service; public interface OrderService { Order find(long id); default int size() { return 0; } }",
        ),
        (
            "service/OrderServiceImpl.java",
            "package service; import data.Rows; @Service class OrderServiceImpl implements OrderService { @Autowired Rows rows; public Order find(long id) { return rows.load(id); } }",
        ),
        ("data/Rows.java", "package data; public abstract class Rows { public abstract service.Order load(long id); int count; }"),
        ("data/SqlRows.java", "package data; class SqlRows extends Rows { @Override public service.Order load(long id) { return null; } }"),
        ("service/Order.java", "package service; public class Order {}"),
    ]
    .map(|(path, text)| (path.to_owned(), text.to_owned()));
    let all = edges_of(&files);
    for edge in [
        "web/OrderController.java > service/OrderService.java: OrderService.find",
        "service/OrderServiceImpl.java > service/OrderService.java: OrderService",
        "service/OrderServiceImpl.java > data/Rows.java: Rows.load",
    ] {
        assert!(all.contains(edge), "{edge} in {all:#?}");
    }
    let links = World::new(&said(&files)).implements(None);
    let links: Vec<String> =
        links.iter().map(|link| format!("{} -> {}", link.interface, link.implementation)).collect();
    let expected = [
        "Rows -> SqlRows",
        "Rows.load -> SqlRows.load",
        "OrderService -> OrderServiceImpl",
        "OrderService.find -> OrderServiceImpl.find",
    ];
    assert_eq!(links, expected);
}
