//! Names of C and C++: an edge leads to the header that is meant, and a link from there to the definition.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use crate::domain::FilePath;
use crate::impact::World;
use crate::language::{Outline, of};
use crate::outline::outline;

fn world(files: &[(&str, &str)]) -> World {
    let outlines: BTreeMap<FilePath, Arc<Outline>> = files
        .iter()
        .map(|&(path, text)| {
            let path = FilePath::from(path);
            let outline = outline(of(&path), text).0;
            (path, Arc::new(outline))
        })
        .collect();
    World::new(&outlines)
}

/// `user > used: symbol` of every edge to a symbol.
fn edges(files: &[(&str, &str)]) -> BTreeSet<String> {
    let graph = world(files).graph();
    let is_header = |symbol: &str| symbol.ends_with(".h") || symbol.ends_with(".hpp") || symbol.ends_with(".c");
    let of_symbols = graph.edges().iter().filter(|edge| !is_header(&edge.symbol_name));
    of_symbols.map(|edge| format!("{} > {}: {}", edge.dependent_file, edge.source_file, edge.symbol_name)).collect()
}

fn links(files: &[(&str, &str)]) -> BTreeSet<String> {
    let links = world(files).implements(None);
    links
        .iter()
        .map(|link| {
            let Implements { interface_file, interface, implementation_file, implementation, .. } = link;
            format!("{interface_file}: {interface} < {implementation_file}: {implementation}")
        })
        .collect()
}

use crate::domain::Implements;

#[track_caller]
fn assert_edges(files: &[(&str, &str)], expected: &[&str]) {
    let expected: BTreeSet<String> = expected.iter().map(|&edge| edge.to_owned()).collect();
    assert_eq!(edges(files), expected);
}

#[track_caller]
fn assert_has(files: &[(&str, &str)], expected: &[&str]) {
    let found = edges(files);
    for edge in expected {
        assert!(found.contains(*edge), "{edge} in {found:#?}");
    }
}

#[test]
fn users_lead_to_the_declaring_header() {
    let files = [
        (
            "include/store.h",
            "struct store { int size; };\nint store_add(struct store *s, int n);\nextern int store_count;\n#define STORE_MAX LIMIT\n",
        ),
        ("include/limit.h", "#define LIMIT 8\nenum mode { FAST, SLOW };\n"),
        (
            "src/store.c",
            "#include \"store.h\"\nint store_count = 0;\nint store_add(struct store *s, int n) { return s->size + n; }\nstatic int helper(void) { return 0; }\n",
        ),
        (
            "src/main.c",
            "#include <limit.h>\n#include <store.h>\nint main(void) {\n\tstruct store s;\n\ts.size = STORE_MAX;\n\treturn store_add(&s, FAST) + helper();\n}\n",
        ),
        ("src/other.c", "int store_add(int n);\nint other(void) { return store_add(1); }\n"),
    ];
    assert_edges(
        &files,
        &[
            "src/store.c > include/store.h: store",
            "src/store.c > include/store.h: store::size",
            "src/store.c > include/store.h: store_add",
            "src/store.c > include/store.h: store_count",
            "src/main.c > include/store.h: store",
            "src/main.c > include/store.h: store::size",
            "src/main.c > include/store.h: store_add",
            "src/main.c > include/store.h: STORE_MAX",
            "src/main.c > include/limit.h: LIMIT",
            "src/main.c > include/limit.h: FAST",
            // What stands before a header where it is included: its macros' users find it themselves.
        ],
    );
    let links = links(&files);
    let expected = ["store_add", "store_count"].map(|name| format!("include/store.h: {name} < src/store.c: {name}"));
    assert_eq!(links, expected.into());
}

#[test]
fn a_header_sees_what_stands_before_it() {
    let files = [
        ("types.h", "typedef int number;\n"),
        ("list.h", "number first(void);\n"),
        ("main.c", "#include \"types.h\"\n#include \"list.h\"\nint main(void) { return first(); }\n"),
    ];
    assert_edges(&files, &["list.h > types.h: number", "main.c > list.h: first"]);
    // Two includers disagree: nothing is known.
    let mut more = files.to_vec();
    more.extend([
        ("x/types.h", "typedef long number;\n"),
        ("x/main.c", "#include \"types.h\"\n#include \"../list.h\"\n"),
    ]);
    assert_edges(&more, &["main.c > list.h: first"]);
}

#[test]
fn members_are_found_by_types() {
    let files = [
        (
            "a.h",
            "struct leaf { int n; };\ntypedef struct { struct leaf *leaf; struct leaf all[4]; } tree_t;\ntree_t *tree_of(int);\ntypedef int (*visit_fn)(struct leaf *);\n",
        ),
        (
            "b.c",
            "#include \"a.h\"\nint f(void) {\n\tint n = 0;\n\treturn tree_of(1)->leaf->n + tree_of(2)->all[0].n + n;\n}\n",
        ),
        (
            "c.c",
            "#include \"a.h\"\nint g(void *p) {\n\tstruct leaf one = { .n = 1 };\n\treturn ((tree_t *)p)->leaf == &one;\n}\n",
        ),
    ];
    assert_edges(
        &files,
        &[
            "b.c > a.h: tree_of",
            "b.c > a.h: tree_t::leaf",
            "b.c > a.h: tree_t::all",
            "b.c > a.h: leaf::n",
            "c.c > a.h: leaf",
            "c.c > a.h: leaf::n",
            "c.c > a.h: tree_t",
            "c.c > a.h: tree_t::leaf",
        ],
    );
}

#[test]
fn namespaces_and_classes_lead_where_they_should() {
    let files = [
        (
            "geo/shape.hpp",
            "#pragma once\nnamespace geo {\nclass Shape {\n public:\n  virtual double area() const = 0;\n  int id() const { return id_; }\n  static Shape* make(int n);\n  static Shape* make(int n, int m);\n protected:\n  int id_;\n};\nint total(int a);\n}\n",
        ),
        (
            "geo/circle.hpp",
            "#pragma once\n#include \"shape.hpp\"\nnamespace geo {\nclass Circle : public Shape {\n public:\n  explicit Circle(double r);\n  double area() const override;\n private:\n  double r_ = 0;\n};\n}\n",
        ),
        (
            "geo/circle.cpp",
            "#include \"circle.hpp\"\nnamespace geo {\nCircle::Circle(double r) : r_(r) {}\ndouble Circle::area() const { return r_ * id_; }\n}\n",
        ),
        (
            "use.cpp",
            "#include <memory>\n#include \"geo/circle.hpp\"\nusing namespace geo;\nint run(const std::unique_ptr<Shape>& one) {\n  Circle c(2);\n  auto two = std::make_unique<geo::Circle>(1);\n  return one->id() + two->area() + c.id() + ::geo::total(1) + total(2) + Shape::make(1)->id();\n}\n",
        ),
        (
            "other.cpp",
            "namespace geo { int total(int); class Circle; }\nint total(int n) { return n; }\nint other() { return total(1); }\n",
        ),
    ];
    assert_edges(
        &files,
        &[
            "geo/circle.hpp > geo/shape.hpp: geo::Shape",
            "geo/circle.cpp > geo/circle.hpp: geo::Circle",
            "geo/circle.cpp > geo/circle.hpp: geo::Circle::Circle",
            "geo/circle.cpp > geo/circle.hpp: geo::Circle::area",
            "geo/circle.cpp > geo/circle.hpp: geo::Circle::r_",
            "geo/circle.cpp > geo/shape.hpp: geo::Shape::id_",
            "use.cpp > geo/shape.hpp: geo::Shape",
            "use.cpp > geo/shape.hpp: geo::Shape::id",
            "use.cpp > geo/shape.hpp: geo::Shape::make",
            "use.cpp > geo/shape.hpp: geo::total",
            "use.cpp > geo/circle.hpp: geo::Circle",
            "use.cpp > geo/circle.hpp: geo::Circle::Circle",
            "use.cpp > geo/circle.hpp: geo::Circle::area",
        ],
    );
    let links = links(&files);
    for link in [
        "geo/circle.hpp: geo::Circle::Circle < geo/circle.cpp: geo::Circle::Circle",
        "geo/circle.hpp: geo::Circle::area < geo/circle.cpp: geo::Circle::area",
        "geo/shape.hpp: geo::Shape::area < geo/circle.hpp: geo::Circle::area",
        "geo/shape.hpp: geo::Shape::area < geo/circle.cpp: geo::Circle::area",
        "geo/shape.hpp: geo::Shape < geo/circle.hpp: geo::Circle",
    ] {
        assert!(links.contains(link), "{link} in {links:#?}");
    }
}

#[test]
fn a_nested_class_may_be_declared_apart() {
    let files = [
        ("outer.h", "#pragma once\nclass Outer { public: class Inner; Inner *inner(); };\n"),
        ("inner.h", "#pragma once\n#include \"outer.h\"\nclass Outer::Inner { public: int size() const; };\n"),
        ("inner.cc", "#include \"inner.h\"\nint Outer::Inner::size() const { return 1; }\n"),
        ("use.cc", "#include \"inner.h\"\nint f(Outer *one) { return one->inner()->size(); }\n"),
    ];
    assert_edges(
        &files,
        &[
            "inner.h > outer.h: Outer",
            "inner.cc > outer.h: Outer",
            "inner.cc > inner.h: Outer::Inner",
            "inner.cc > inner.h: Outer::Inner::size",
            "use.cc > outer.h: Outer",
            "use.cc > outer.h: Outer::inner",
            "use.cc > inner.h: Outer::Inner::size",
        ],
    );
}

#[test]
fn overloads_are_told_apart_by_their_arguments() {
    let files = [
        ("one.h", "int draw(int a);\n"),
        ("two.h", "int draw(int a, int b = 0, int c = 1);\n"),
        ("many.h", "int draw(int a, int b, int c, int d, ...);\n"),
        ("a.cc", "#include \"one.h\"\n#include \"two.h\"\n#include \"many.h\"\nint f() { return draw(1, 2); }\n"),
        (
            "b.cc",
            "#include \"one.h\"\n#include \"two.h\"\n#include \"many.h\"\nint f() { return draw(1, 2, 3, 4, 5); }\n",
        ),
    ];
    assert_edges(&files, &["a.cc > two.h: draw", "b.cc > many.h: draw"]);
}

#[test]
fn templates_and_aliases_are_followed() {
    let files = [
        (
            "box.hpp",
            "#pragma once\ntemplate <class T>\nclass Box {\n public:\n  T get() const { return held_; }\n  T* operator->() { return &held_; }\n private:\n  T held_;\n};\n",
        ),
        (
            "item.hpp",
            "#pragma once\nnamespace a { namespace b {\nstruct Item { int size() const; int n; };\nusing Items = Item;\n} }\nnamespace c = a::b;\n",
        ),
        (
            "use.cpp",
            "#include \"box.hpp\"\n#include \"item.hpp\"\n#include <vector>\nusing a::b::Item;\nint f(Box<Item> box, std::vector<c::Items> all) {\n  for (const auto& one : all) one.size();\n  return box.get().n + box->size() + all[0].n;\n}\n",
        ),
    ];
    assert_has(
        &files,
        &[
            "use.cpp > box.hpp: Box",
            "use.cpp > box.hpp: Box::get",
            "use.cpp > item.hpp: a::b::Item",
            "use.cpp > item.hpp: a::b::Items",
            "use.cpp > item.hpp: a::b::Item::n",
            "use.cpp > item.hpp: a::b::Item::size",
        ],
    );
}

#[test]
fn concepts_are_used_where_types_are_constrained() {
    let header = "#pragma once\nnamespace n {\ntemplate <class T> concept Small = sizeof(T) < 8;\n}\n";
    for user in [
        "template <Small T> void f(T a) {}",
        "template <class T> requires Small<T> void f(T a) {}",
        "template <class T> void f(T a) requires Small<T> {}",
        "void f(Small auto a) {}",
        "template <class T> concept Other = Small<T>;",
        "template <n::Small T> void f(T a) {}",
    ] {
        let user = format!("#include \"n.hpp\"\nusing namespace n;\n{user}\n");
        assert_has(&[("n.hpp", header), ("a.cpp", &user)], &["a.cpp > n.hpp: n::Small"]);
    }
}

#[test]
fn functions_are_declared_through_macros() {
    let header = "#define API(type) type\nstruct s { int n; };\nAPI(int) foo(int a);\nAPI(struct s *) make(void);\n";
    let user = "#include \"a.h\"\nAPI(int) foo(int a)\n{\n\treturn make()->n + a;\n}\nint g(void) { return foo(1); }\n";
    let files = [("a.h", header), ("u.c", user)];
    assert_has(&files, &["u.c > a.h: foo", "u.c > a.h: make", "u.c > a.h: s::n"]);
    assert_eq!(links(&files), ["a.h: foo < u.c: foo".to_owned()].into());
}

#[test]
fn includes_lead_to_one_file_or_none() {
    let header = "int value(void);\n";
    let user = "#include \"lib/value.h\"\nint f(void) { return value(); }\n";
    // The nearest counts; of two that are as near none does, and a system's header is not looked for.
    assert_edges(
        &[("p/include/lib/value.h", header), ("q/include/lib/value.h", header), ("p/src/a.c", user)],
        &["p/src/a.c > p/include/lib/value.h: value"],
    );
    assert_edges(&[("p/lib/value.h", header), ("q/lib/value.h", header), ("r/a.c", user)], &[]);
    assert_edges(
        &[("compat/string.h", header), ("a.c", "#include <string.h>\nint f(void) { return value(); }\n")],
        &[],
    );
    // Compile commands say which one.
    let commands = r#"[{"directory": "/b/out", "file": "/b/r/a.c", "arguments": ["cc", "-I../q", "-isystem", "/b/compat", "a.c"]}]"#;
    assert_edges(
        &[("compile_commands.json", commands), ("p/lib/value.h", header), ("q/lib/value.h", header), ("r/a.c", user)],
        &["r/a.c > q/lib/value.h: value"],
    );
}

#[test]
fn macros_lead_on_where_they_are_used() {
    let files = [
        (
            "log.h",
            "void log_write(const char *);\nextern int log_level;\n#define LOG(x) do { if (log_level > 1) log_write(#x); } while (0)\n#define LOG_TWICE(x) LOG(x); LOG(x)\n",
        ),
        ("use.c", "#include \"log.h\"\nvoid f(void) { LOG_TWICE(hello); }\n"),
        ("ns.hpp", "#define LIB_BEGIN namespace lib {\n#define LIB_END }\nLIB_BEGIN\nint inside(int);\nLIB_END\n"),
        ("use.cpp", "#include \"ns.hpp\"\nint g() { return lib::inside(1); }\n"),
    ];
    assert_edges(
        &files,
        &[
            "use.c > log.h: LOG_TWICE",
            "use.c > log.h: LOG",
            "use.c > log.h: log_level",
            "use.c > log.h: log_write",
            "use.cpp > ns.hpp: inside",
        ],
    );
}

/// Folders that declare the same names, each with a user that means one of them and a file that means none.
#[test]
fn same_names_lead_to_the_header_that_is_meant() {
    for count in [2, 3, 5, 10, 30] {
        let mut files: Vec<(String, String)> = Vec::new();
        for at in 0..count {
            files.push((format!("p{at}/config.h"), "struct config { int name; };\nint open(struct config *c);\nenum { LIMIT = 1 };\n#define WRAP(x) open(x)\n".to_owned()));
            files.push((format!("p{at}/config.c"), "#include \"config.h\"\nstatic int help(int n) { return n; }\nint open(struct config *c) { return help(c->name); }\n".to_owned()));
            files.push((format!("use{at}/use.c"), format!("#include \"../p{at}/config.h\"\nint run(struct config *c) {{ return WRAP(c) + c->name + LIMIT; }}\n")));
            files.push((format!("own{at}/own.c"), "static int open(int config) { int LIMIT = config; return LIMIT; }\nint run(int name) { return open(name); }\n".to_owned()));
            files.push((
                format!("cpp{at}/a.hpp"),
                format!("#pragma once\nnamespace n{at} {{ class Config {{ public: int open(); }}; }}\n"),
            ));
        }
        let all: String = (0..count).map(|at| format!("#include \"cpp{at}/a.hpp\"\n")).collect();
        let last = count - 1;
        files.push((
            "all.cpp".to_owned(),
            format!("{all}int run(n{last}::Config c) {{ using namespace n0; return c.open(); }}\n"),
        ));
        let files: Vec<(&str, &str)> = files.iter().map(|(path, text)| (path.as_str(), text.as_str())).collect();
        let mut expected = BTreeSet::new();
        for at in 0..count {
            for symbol in ["config", "config::name", "open"] {
                expected.insert(format!("p{at}/config.c > p{at}/config.h: {symbol}"));
            }
            for symbol in ["config", "config::name", "open", "WRAP", "LIMIT"] {
                expected.insert(format!("use{at}/use.c > p{at}/config.h: {symbol}"));
            }
        }
        for symbol in ["Config", "Config::open"] {
            expected.insert(format!("all.cpp > cpp{last}/a.hpp: n{last}::{symbol}"));
        }
        assert_eq!(edges(&files), expected, "{count} folders");
        let expected: BTreeSet<String> =
            (0..count).map(|at| format!("p{at}/config.h: open < p{at}/config.c: open")).collect();
        assert_eq!(links(&files), expected, "{count} folders");
    }
}
