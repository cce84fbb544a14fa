//! Outlines, segments and analyses of C and C++.

use std::collections::BTreeSet;

use crate::domain::{Language, Role};
use crate::language::item::ParsedCode;
use crate::language::smell::SmellKind;
use crate::language::{Outline, Parsed, SymbolKind, role_of};
use crate::outline::outline;

fn read(language: Language, text: &str) -> Outline {
    let (outline, errors) = outline(language, text);
    assert_eq!(errors, [], "{text}");
    outline
}

fn names(outline: &Outline) -> BTreeSet<&str> {
    outline.symbols().iter().map(|symbol| symbol.name.as_str()).collect()
}

fn signature(language: Language, text: &str, name: &str) -> String {
    let outline = read(language, text);
    let found = outline.symbols().iter().find(|symbol| symbol.name == name);
    found.unwrap_or_else(|| panic!("{name}: {:?}", names(&outline))).signature.clone()
}

#[test]
fn symbols_of_c_have_names_within_the_file() {
    let outline = read(Language::C, super::C.sample);
    let all = names(&outline);
    for name in [
        "LIMIT",
        "MAX",
        "name",
        "name::text",
        "name::count",
        "name::u",
        "name::u::number",
        "name::u::call",
        "store_t",
        "store_t::first",
        "store_ref",
        "compare_fn",
        "color",
        "RED",
        "BLUE",
        "hits",
        "misses",
        "sizes",
        "fast",
        "store_add",
        "compare",
    ] {
        assert!(all.contains(name), "{name} in {all:?}");
    }
    // A declaration says nothing where the same file has the definition; each branch of a condition does.
    let count = |name: &str| outline.symbols().iter().filter(|symbol| symbol.name == name).count();
    assert_eq!((count("compare"), count("fast"), count("name")), (1, 2, 1));
}

#[test]
fn symbols_of_cpp_have_their_namespaces() {
    let outline = read(Language::CPP, super::CPP.sample);
    let all = names(&outline);
    for name in [
        "geo::hidden",
        "geo::Shape",
        "geo::Shape::Shape",
        "geo::Shape::~Shape",
        "geo::Shape::area",
        "geo::Shape::count",
        "geo::Shape::operator==",
        "geo::Shape::Kind",
        "geo::Shape::Kind::Square",
        "geo::Shape::Part::width",
        "geo::Box",
        "geo::Box::Held",
        "geo::Box::get",
        "geo::Box::put",
        "geo::kLimit",
        "geo::kRed",
        "geo::largest",
        "geo::total",
        "pick",
        "Geo.Totals",
    ] {
        assert!(all.contains(name), "{name} in {all:?}");
    }
    let kind = |name: &str| outline.symbols().iter().find(|symbol| symbol.name == name).map(|symbol| symbol.kind);
    assert_eq!(kind("geo::Shape::area"), Some(SymbolKind::Method));
    assert_eq!(kind("geo::Color"), Some(SymbolKind::Enum));
}

#[test]
fn signatures_say_what_users_compile_in() {
    let c = |text: &str, name: &str| signature(Language::C, text, name);
    let cpp = |text: &str, name: &str| signature(Language::CPP, text, name);
    for (text, name, expected) in [
        ("#define MAX(a, b) \\\n  ((a) > (b)) /* why */\n", "MAX", "#define MAX(a,b) ((a) > (b))"),
        ("int  add(int a , char *name[]) { return a; }\n", "add", "int add(int, char *[])"),
        ("static inline int one(void) { return 1; }\n", "one", "static inline int one(void) { return 1; }"),
        ("extern int *a, b;\n", "b", "extern int b"),
        ("int count = 3;\n", "count", "int count"),
        ("static const int count = 3;\n", "count", "static const int count = 3"),
        ("enum e { A, B = 4 };\n", "B", "B = 4 at 1"),
        ("struct s { int a; /* x */ int (*f)(int b); };\n", "s", "struct s { int a; int(*f)(int b); }"),
        ("typedef struct { int a; } T;\n", "T", "typedef struct { int a; } T"),
    ] {
        assert_eq!(c(text, name), expected, "{text}");
    }
    let nested = "class A::B { public: int x; };\n";
    assert_eq!(cpp(nested, "A::B"), "class A::B { int x; }");
    let class = "class A : public B { int x; void f(); int g() { return x; } };\n";
    assert_eq!(cpp(class, "A"), "class A : public B { int x; }");
    assert_eq!(cpp(class, "A::f"), "void f()");
    assert_eq!(cpp(class, "A::g"), "int g() { return x; }");
    assert_eq!(cpp("int A::g() { return x; }\n", "A::g"), "int A::g()");
    assert!(cpp("template <class T> T f(T a) { return a + 1; }\n", "f").contains("a + 1"));
}

#[test]
fn only_what_is_compiled_in_changes_a_signature() {
    let same = |language: Language, one: &str, other: &str| {
        read(language, one).interface_hash() == read(language, other).interface_hash()
    };
    for (one, other, expected) in [
        ("int f(int a) { return a; }\n", "int f(int b)\n{\n\t// why\n\treturn b + 1;\n}\n", true),
        ("int f(int a);\n", "int f(long a);\n", false),
        ("static inline int f(void) { return 1; }\n", "static inline int f(void) { return 2; }\n", false),
        ("#define A 1\n", "#define A 1 /* one */\n", true),
        ("#define A 1\n", "#define A 2\n", false),
        ("struct a { int x; };\n", "struct a { int x; int y; };\n", false),
        ("enum { A, B };\n", "enum { B, A };\n", false),
        ("int x = 1;\n", "int x = 2;\n", true),
    ] {
        assert_eq!(same(Language::C, one, other), expected, "{one} {other}");
    }
    let method = "class A { int f() { return 1; } };\n";
    assert!(!same(Language::CPP, method, &method.replace('1', "2")));
}

#[test]
fn macros_and_conditions_lose_nothing_around_them() {
    let text = "API_BEGIN\nAPI_EXPORT int first(int a) API_NONNULL(1);\n#ifdef A\nint second(int a) {\n#else\nint second(long a) {\n#endif\n  return a;\n}\nclass API_EXPORT Third final {\n public:\n  Q_OBJECT\n  void method() API_NOEXCEPT;\n};\nAPI_DEPRECATED(\"x\") void fourth();\nTAILQ_HEAD(list, item) fifth;\nAPI_END\n";
    let outline = read(Language::CPP, text);
    let all = names(&outline);
    assert_eq!(all, ["first", "second", "Third", "Third::method", "fourth", "fifth"].into());
    let (broken, errors) =
        outline_of("int one(void) { return 1; }\nint two(void) { return a +; }\nint three(void) { return 3; }\n");
    assert!(!errors.is_empty() && broken.contains("one") && broken.contains("three"), "{broken:?}");
}

fn outline_of(text: &str) -> (BTreeSet<String>, Vec<crate::language::ParseError>) {
    let (outline, errors) = outline(Language::C, text);
    (names(&outline).into_iter().map(str::to_owned).collect(), errors)
}

#[test]
fn a_header_is_read_by_its_text() {
    let class = "#pragma once\nnamespace a {\nclass B {\n public:\n  int c() const;\n};\n}\n";
    assert_eq!(names(&read(Language::C, class)), ["a::B", "a::B::c"].into());
    let plain = "#ifndef A_H\n#define A_H\n#ifdef __cplusplus\nextern \"C\" {\n#endif\nstruct b { int class; };\nint f(struct b *new);\n#ifdef __cplusplus\n}\n#endif\n#endif\n";
    assert_eq!(names(&read(Language::C, plain)), ["b", "b::class", "f"].into());
}

#[test]
fn tests_are_known_by_name_and_content() {
    for (path, role) in [
        ("src/a.c", Role::Library),
        ("test/a.cc", Role::Test),
        ("src/unittest/a.cc", Role::Test),
        ("a/store_test.cc", Role::Test),
        ("a/test_store.c", Role::Test),
        ("a/contest.c", Role::Library),
        ("bench/a.cc", Role::Bench),
        ("src/a_benchmark.cc", Role::Bench),
        ("examples/a.c", Role::Example),
    ] {
        assert_eq!(role_of(&path.into()), role, "{path}");
    }
    let tests = |language: Language, text: &str| -> Vec<String> {
        let parsed = Parsed::new(language, text);
        let code = super::code::code(&parsed, Role::Test).unwrap();
        code.items.iter().filter(|item| item.is_test).map(|item| item.name.clone()).collect()
    };
    assert_eq!(tests(Language::CPP, "TEST_F(Store, Adds) { f(); }\n"), ["Store.Adds"]);
    assert_eq!(tests(Language::CPP, "TEST_CASE(\"it adds\", \"[a]\") { f(); }\n"), ["it adds.[a]"]);
    assert_eq!(
        tests(Language::C, "#include \"unity.h\"\nvoid test_add(void) { f(); }\nvoid setUp(void) {}\n"),
        ["test_add"]
    );
    assert_eq!(tests(Language::C, "TEST(Group, Name) { f(); }\n"), ["Group.Name"]);
    assert_eq!(tests(Language::C, "void test_add(void) { f(); }\n"), [""; 0]);
}

fn code(language: Language, text: &str, check: impl FnOnce(&ParsedCode<'_>)) {
    let parsed = Parsed::new(language, text);
    check(&super::code::code(&parsed, Role::Library).unwrap());
}

#[test]
fn functions_are_measured() {
    code(Language::C, super::C.sample, |code| {
        let add = code.functions.iter().find(|one| one.name == "store_add").unwrap();
        assert_eq!((add.parameters, add.flags), (3, 0));
        // for, if, &&, else if, case, while
        assert_eq!(add.complexity.cyclomatic, 7);
        // for 1, if 2, && 1, else 1, goto 1, switch 1, while 2
        assert_eq!((add.complexity.cognitive, add.complexity.nesting), (9, 2));
    });
    code(Language::CPP, super::CPP.sample, |code| {
        let total = code.functions.iter().find(|one| one.name == "geo::total").unwrap();
        // for, if, ||, catch
        assert_eq!((total.complexity.cyclomatic, total.parameters), (5, 1));
    });
}

#[test]
fn what_a_reader_objects_to_is_found() {
    let found = |language: Language, text: &str| {
        let mut kinds = Vec::new();
        code(language, text, |code| kinds.extend(code.smells.iter().map(|smell| smell.kind)));
        kinds
    };
    assert_eq!(found(Language::C, "void f(char *a) { strcpy(a, b); }\n"), [SmellKind::UnboundedCopy]);
    assert_eq!(found(Language::CPP, "#pragma once\nusing namespace std;\n"), [SmellKind::StarImport]);
    assert_eq!(found(Language::CPP, "using namespace std;\n"), []);
    assert_eq!(found(Language::CPP, "void f() { try { g(); } catch (...) {} }\n"), [SmellKind::SwallowedErrors]);
    assert_eq!(found(Language::CPP, "void f() { try { g(); } catch (...) { /* why */ } }\n"), []);
    let body = "{\n  int total = 0;\n  for (int i = 0; i < n; i++) {\n    total += values[i] * scale + offset;\n    if (total > LIMIT && total % 2 == 0) total = clamp(total, 0, LIMIT);\n  }\n  return total + scale;\n}\n";
    let other = body
        .replace("total", "sum")
        .replace("(int i", "(int k")
        .replace("i <", "k <")
        .replace("i++", "k++")
        .replace("[i]", "[k]");
    let text = format!("int f(int *values, int n) {body}int g(int *values, int n) {other}");
    assert_eq!(found(Language::C, &text), [SmellKind::DuplicateBody]);
}

#[test]
fn documentation_is_that_of_headers() {
    let header =
        "#ifndef A_H\n#define A_H\n/** Adds. */\nint add(int a);\nint sub(int a);\nstatic int own(void);\n#endif\n";
    let listed = |text: &str| {
        let mut all = Vec::new();
        code(Language::C, text, |code| {
            let listed = code.items.iter().filter(|item| item.is_listed);
            all.extend(listed.map(|item| (item.name.clone(), item.documentation.clone())));
        });
        all
    };
    assert_eq!(listed(header), [("add".to_owned(), Some("Adds.".to_owned())), ("sub".to_owned(), None)]);
    assert_eq!(listed("int add(int a) { return a; }\n"), []);
}

#[test]
fn chunks_follow_items() {
    let parsed = Parsed::new(Language::CPP, super::CPP.sample);
    let segments = super::segments::segments(&parsed).unwrap();
    let named: Vec<(&str, String)> = segments
        .iter()
        .flat_map(|segment| segment.declared())
        .map(|item| (item.entity_type, item.entity_name))
        .collect();
    for expected in [
        ("class", "geo::Shape"),
        ("method", "geo::Shape::area"),
        ("class", "geo::Box"),
        ("function", "geo::largest"),
        ("method", "geo::total"),
        ("function", "pick"),
        ("test", "Geo.Totals"),
    ] {
        assert!(named.iter().any(|(kind, name)| (*kind, name.as_str()) == expected), "{expected:?} in {named:?}");
    }
}
