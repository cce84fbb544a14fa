//! Outlines, segments, analyses and names of Go.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use crate::domain::{FilePath, Language, Role};
use crate::impact::{Graph, resolve};
use crate::language::smell::SmellKind;
use crate::language::{Outline, Parsed, SymbolKind, Visibility, role_of};
use crate::outline::outline;

const SAMPLE: &str = super::SPEC.sample;

fn go(text: &str) -> Outline {
    let (outline, errors) = outline(Language::GO, text);
    assert_eq!(errors, [], "{text}");
    outline
}

fn signature(text: &str, name: &str) -> String {
    let outline = go(text);
    let found = outline.symbols().iter().find(|symbol| symbol.name == name);
    found.unwrap_or_else(|| panic!("{name}: {:?}", outline.symbols())).signature.clone()
}

fn graph(files: &[(&str, &str)]) -> Graph {
    let outlines: BTreeMap<FilePath, Arc<Outline>> = files
        .iter()
        .map(|&(path, text)| {
            let path = FilePath::from(path);
            let outline = outline(crate::language::of(&path), text).0;
            (path, Arc::new(outline))
        })
        .collect();
    resolve(&outlines)
}

/// `user > used: symbol` of every edge.
fn edges(files: &[(&str, &str)]) -> BTreeSet<String> {
    let graph = graph(files);
    let shown =
        |edge: &crate::domain::Edge| format!("{} > {}: {}", edge.dependent_file, edge.source_file, edge.symbol_name);
    graph.edges().iter().map(shown).collect()
}

#[track_caller]
fn assert_edges(files: &[(&str, &str)], expected: &[&str]) {
    let expected: BTreeSet<String> = expected.iter().map(|&edge| edge.to_owned()).collect();
    assert_eq!(edges(files), expected);
}

#[test]
fn symbols_have_names_within_the_file() {
    let outline = go(SAMPLE);
    let names: Vec<&str> = outline.symbols().iter().map(|symbol| symbol.name.as_str()).collect();
    for name in [
        "Kind",
        "Round",
        "Square",
        "ErrNone",
        "names",
        "count",
        "Shape",
        "Shape.Area",
        "base",
        "base.Name",
        "Circle",
        "Circle.base",
        "Circle.Radius",
        "Circle.inner.depth",
        "List",
        "Alias",
        "Handler",
        "Circle.Area",
        "List.First",
        "Map",
        "New",
        "init",
    ] {
        assert!(names.contains(&name), "{name} in {names:?}");
    }
    let kind = |name: &str| outline.symbols().iter().find(|symbol| symbol.name == name).unwrap();
    assert_eq!(kind("Shape").kind, SymbolKind::Interface);
    assert_eq!(kind("Circle").kind, SymbolKind::Struct);
    assert_eq!((kind("Circle").visibility, kind("base.Name").visibility), (Visibility::Public, Visibility::Crate));
    assert!(kind("Circle").doc && kind("Circle.Area").doc && !kind("base").doc);
}

#[test]
fn signatures_say_what_users_can_tell() {
    for (name, expected) in [
        ("Round", "const Round Kind = iota at 0"),
        ("Square", "const Square Kind = iota at 1"),
        ("ErrNone", "var ErrNone = fmt.Errorf(…)"),
        ("names", "var names map[Kind]string"),
        ("count", "var count int"),
        ("Shape", "type Shape interface{ fmt.Stringer; Area() float64 }"),
        ("Shape.Area", "Area() float64"),
        ("base.Name", "Name string `json:\"name\"`"),
        ("Circle", "type Circle struct{ *base; Radius float64; inner struct{ depth int } }"),
        ("Circle.base", "*base"),
        ("Alias", "type Alias = Circle"),
        ("Handler", "type Handler func(ctx context.Context, shape Shape) error"),
        ("Circle.Area", "func (*Circle) Area() float64"),
        ("List.First", "func (*List[T]) First() (T, bool)"),
        ("Map", "func Map[T, U any]([]T, func(T) U) []U"),
        ("New", "func New(float64, ...string) (*Circle, error)"),
    ] {
        assert_eq!(signature(SAMPLE, name), expected, "{name}");
    }
}

#[test]
fn spacing_and_comments_reach_no_signature() {
    let tidy = "package a\n\ntype T struct {\n\tA int `json:\"a\"`\n\tB, C []string\n}\n\nfunc F(a int, b ...T) (T, error) { return b[0], nil }\n";
    let untidy = "package a\n// x\ntype T struct { A int `json:\"a\"`; // first\n\n  B,C []string }\nfunc F(  x int,\n\ty ...T, // rest\n) ( T,error ) {\n panic(1) }\n";
    for name in ["T", "F", "T.B"] {
        assert_eq!(signature(tidy, name), signature(untidy, name), "{name}");
    }
    for (from, to, name) in [
        ("json:\"a\"", "json:\"b\"", "T"),
        ("[]string", "[]int", "T"),
        ("A int", "a int", "T"),
        ("...T", "T", "F"),
        ("(T, error)", "(*T, error)", "F"),
    ] {
        assert_ne!(signature(tidy, name), signature(&tidy.replace(from, to), name), "{from} -> {to}");
    }
}

#[test]
fn bodies_leave_the_interface_as_it_is() {
    let other = SAMPLE.replace("m.Pi *", "3 *").replace("return nil, ErrNone", "return c, nil");
    assert_eq!(go(SAMPLE).interface_hash(), go(&other).interface_hash());
}

#[test]
fn a_package_is_a_folder_and_tests_see_more() {
    assert_edges(
        &[
            ("go.mod", "module example.com/shop\n"),
            ("cart/cart.go", "package cart\n\ntype Cart struct{ items []Item }\n"),
            (
                "cart/item.go",
                "package cart\n\ntype Item struct{ price int }\n\nfunc (c *Cart) Total() int { return c.items[0].price }\n",
            ),
            ("cart/in_test.go", "package cart\n\nvar Hook = func(c *Cart) {}\n\nfunc helper() *Cart { return nil }\n"),
            (
                "cart/out_test.go",
                "package cart_test\n\nimport \"example.com/shop/cart\"\n\nfunc use() { cart.Hook(&cart.Cart{}); helper() }\n",
            ),
            (
                "main.go",
                "package main\n\nimport \"example.com/shop/cart\"\n\nfunc main() { var c cart.Cart; c.Total(); cart.Hook(&c) }\n",
            ),
        ],
        &[
            "cart/cart.go > cart/item.go: Item",
            "cart/item.go > cart/cart.go: Cart",
            "cart/item.go > cart/cart.go: Cart.items",
            "cart/in_test.go > cart/cart.go: Cart",
            "cart/out_test.go > cart/in_test.go: Hook",
            "cart/out_test.go > cart/cart.go: Cart",
            "main.go > cart/cart.go: Cart",
            "main.go > cart/item.go: Cart.Total",
        ],
    );
}

#[test]
fn members_are_found_through_embedding_and_results() {
    let base = "package p\n\ntype Root struct{ ID int }\n\nfunc (r *Root) Save() error { return nil }\n\ntype Mid struct{ *Root }\n\ntype Leaf struct {\n\tMid\n\tName string\n}\n\ntype Saver interface{ Save() error }\n\ntype Wide interface {\n\tSaver\n\tLoad() (Leaf, error)\n}\n\nfunc Make() (*Leaf, error) { return nil, nil }\n";
    let user = "package p\n\nfunc use(w Wide) {\n\tleaf, err := Make()\n\tif err == nil {\n\t\tleaf.Save()\n\t\tprintln(leaf.ID, leaf.Mid.Root.ID)\n\t}\n\tw.Save()\n\tother, _ := w.Load()\n\t_ = other.Name\n}\n";
    assert_edges(
        &[("p/base.go", base), ("p/use.go", user)],
        &[
            "p/use.go > p/base.go: Leaf.Mid",
            "p/use.go > p/base.go: Leaf.Name",
            "p/use.go > p/base.go: Make",
            "p/use.go > p/base.go: Mid.Root",
            "p/use.go > p/base.go: Root.ID",
            "p/use.go > p/base.go: Root.Save",
            "p/use.go > p/base.go: Saver.Save",
            "p/use.go > p/base.go: Wide",
            "p/use.go > p/base.go: Wide.Load",
        ],
    );
}

#[test]
fn literals_name_fields_or_keys() {
    let base = "package p\n\ntype Point struct{ X, Y int }\n\ntype Line struct{ From, To Point }\n\ntype Table map[string]Point\n\nconst X = 1\nconst Name = \"n\"\n";
    let user = "package p\n\nvar a = Point{X: 1}\nvar b = []Line{{From: Point{Y: 1}, To: Point{}}}\nvar c = Table{Name: {X: 2}}\nvar d = [...]string{X: \"x\"}\nvar e = map[Point][]*Line{{Y: 1}: {{To: a}}}\n";
    assert_edges(
        &[("p/base.go", base), ("p/use.go", user)],
        &[
            "p/use.go > p/base.go: Line",
            "p/use.go > p/base.go: Line.From",
            "p/use.go > p/base.go: Line.To",
            "p/use.go > p/base.go: Name",
            "p/use.go > p/base.go: Point",
            "p/use.go > p/base.go: Point.X",
            "p/use.go > p/base.go: Point.Y",
            "p/use.go > p/base.go: Table",
            "p/use.go > p/base.go: X",
        ],
    );
}

#[test]
fn loops_channels_switches_and_closures_have_types() {
    let base = "package p\n\ntype A struct{ f int }\n\nfunc (a A) M() B { return B{} }\n\ntype B struct{ g int }\n\nfunc (b *B) N(f func(A) int) []A { return nil }\n\ntype Fn func(B) A\n";
    let user = "package p\n\nfunc use(m map[A]*B, c chan A, x any, f Fn) {\n\tfor k, v := range m {\n\t\tk.M()\n\t\tv.N(func(a A) int { return a.f })\n\t}\n\tfor a := range c {\n\t\t_ = a.f\n\t}\n\tswitch v := x.(type) {\n\tcase *B:\n\t\t_ = v.g\n\tcase A, string:\n\t}\n\tselect {\n\tcase a, ok := <-c:\n\t\t_, _ = a.M, ok\n\t}\n\tgo func() { _ = f(B{}).f }()\n\tmethod := A.M\n\t_ = method(A{}).g\n}\n";
    assert_edges(
        &[("p/base.go", base), ("p/use.go", user)],
        &[
            "p/use.go > p/base.go: A",
            "p/use.go > p/base.go: A.M",
            "p/use.go > p/base.go: A.f",
            "p/use.go > p/base.go: B",
            "p/use.go > p/base.go: B.N",
            "p/use.go > p/base.go: B.g",
            "p/use.go > p/base.go: Fn",
        ],
    );
}

#[test]
fn type_parameters_are_bound_by_what_is_given() {
    let base = "package p\n\ntype Box[T any] struct{ Held T }\n\nfunc (b *Box[E]) Get() E { return b.Held }\n\nfunc Map[T, U any](all []T, f func(T) U) []U { return nil }\n\nfunc Of[T any](one T, rest ...T) *Box[T] { return nil }\n\ntype Cat struct{ Name string }\n\nfunc (c Cat) Toy() Toy { return Toy{} }\n\ntype Toy struct{ Color int }\n";
    let user = "package p\n\nfunc use(b Box[Cat], cats []Cat) {\n\t_ = b.Get().Name\n\tfor _, toy := range Map(cats, func(c Cat) Toy { return c.Toy() }) {\n\t\t_ = toy.Color\n\t}\n\t_ = Of(cats[0]).Held.Name\n\t_ = Of[Toy]().Get().Color\n}\n";
    assert_edges(
        &[("p/base.go", base), ("p/use.go", user)],
        &[
            "p/use.go > p/base.go: Box",
            "p/use.go > p/base.go: Box.Get",
            "p/use.go > p/base.go: Box.Held",
            "p/use.go > p/base.go: Cat",
            "p/use.go > p/base.go: Cat.Name",
            "p/use.go > p/base.go: Cat.Toy",
            "p/use.go > p/base.go: Map",
            "p/use.go > p/base.go: Of",
            "p/use.go > p/base.go: Toy",
            "p/use.go > p/base.go: Toy.Color",
        ],
    );
}

#[test]
fn a_local_name_hides_that_of_the_package() {
    let base = "package p\n\ntype node struct{ next *node }\n\nfunc name() string { return \"\" }\n\nvar err error\n\nvar limit = 1\n";
    let user = "package p\n\nfunc use(node *node, name string) (err error) {\n\tnode = node.next\n\tif limit := limit; limit > 0 {\n\t\t_ = limit\n\t}\n\tname = name + name\n\treturn err\n}\n";
    assert_edges(
        &[("p/base.go", base), ("p/use.go", user)],
        &["p/use.go > p/base.go: limit", "p/use.go > p/base.go: node", "p/use.go > p/base.go: node.next"],
    );
}

#[test]
fn import_paths_mean_folders_of_modules() {
    let user = "package main\n\nimport (\n\t\"C\"\n\t\"fmt\"\n\n\t\"example.com/a/in\"\n\t\"example.com/b\"\n\tren \"example.com/c/sub\"\n\t\"gopkg.in/other.v1\"\n\n\t_ \"example.com/a/blank\"\n\t. \"example.com/a/dot\"\n)\n\nfunc main() { inside.In(); b.B(); ren.C(); Dot(); fmt.Println(other.X, C.int(1)) }\n";
    let files = [
        ("go.work", "go 1.22\n\nuse (\n\t./a\n\t./b\n)\n"),
        ("a/go.mod", "module example.com/a\n\nrequire example.com/c v1.0.0\n\nreplace example.com/c => ../third/c\n"),
        ("a/main.go", user),
        ("a/in/in.go", "package inside\n\nfunc In() {}\n"),
        ("a/blank/blank.go", "package blank\n\nfunc init() {}\n"),
        ("a/dot/dot.go", "package dot\n\nfunc Dot() {}\n\nfunc main() {}\n"),
        ("a/dot/gen.go", "//go:build ignore\n\npackage main\n\nfunc Dot() {}\n"),
        ("b/go.mod", "module example.com/b\n"),
        ("b/b_linux.go", "package b\n\nfunc B() {}\n"),
        ("b/b_windows.go", "package b\n\nfunc B() {}\n"),
        ("third/c/go.mod", "module example.com/c\n"),
        ("third/c/sub/c.go", "package sub\n\nfunc C() {}\n"),
    ];
    assert_edges(
        &files,
        &[
            "a/main.go > a/dot/dot.go: Dot",
            "a/main.go > a/in/in.go: In",
            "a/main.go > b/b_linux.go: B",
            "a/main.go > b/b_windows.go: B",
            "a/main.go > third/c/sub/c.go: C",
        ],
    );
    assert_eq!(graph(&files).module_path(&"a/in/in.go".into()), Some("example.com/a/in"));
}

#[test]
fn an_import_of_what_the_module_lacks_is_unresolved() {
    let main = "package main\n\nimport (\n\t\"example.com/a/gone\"\n\t\"example.com/a/v2/x\"\n\t\"example.com/a/made\"\n\t\"example.com/other\"\n)\n";
    let files = [("go.mod", "module example.com/a\n"), ("main.go", main), ("made/x.pb.go", "")];
    let graph = graph(&files);
    let unresolved: Vec<&str> = graph
        .uses(&"main.go".into())
        .iter()
        .filter(|used| used.kind == SymbolKind::Unresolved)
        .map(|used| used.written.as_str())
        .collect();
    assert_eq!(unresolved, ["example.com/a/gone"]);
}

#[test]
fn declarations_are_segments_with_their_package() {
    let body = "\tprintln(1)\n".repeat(60);
    let text = format!(
        "// Package store keeps.\npackage store\n\nimport \"fmt\"\n\n// Store keeps.\ntype Store struct{{ n int }}\n\n// Open opens it.\n// At once.\nfunc (s *Store) Open(n int) error {{\n{body}}}\n\nconst (\n\tA = 1\n\tB = 2\n)\n\nfunc TestOpen(t *testing.T) {{}}\n"
    );
    let segments = super::segments::segments(&Parsed::new(Language::GO, &text)).unwrap();
    let brief: Vec<_> = segments.iter().map(|one| (one.entity_type, one.entity_name.as_str(), one.is_test)).collect();
    let expected = [
        ("module", "", false),
        ("module", "", false),
        ("struct", "Store", false),
        ("method", "Store.Open", false),
        ("const", "A", false),
        ("test", "TestOpen", true),
    ];
    assert_eq!(brief, expected);
    let open = &segments[3];
    assert_eq!(open.context, "package store");
    assert_eq!((open.signature.as_str(), open.doc.as_str()), ("func (s *Store) Open(n int) error", "Open opens it."));
    assert_eq!(segments[4].items.iter().map(|item| item.entity_name.as_str()).collect::<Vec<_>>(), ["A", "B"]);
}

#[test]
fn broken_source_still_gives_what_it_has() {
    let text = "package a\n\nfunc Good() {}\n\nfunc broken( {\n\ntype Also struct{ X int }\n\nfunc (a *Also) Go() {}\n";
    let (outline, errors) = outline(Language::GO, text);
    let names: Vec<&str> = outline.symbols().iter().map(|symbol| symbol.name.as_str()).collect();
    assert!(names.contains(&"Good"), "{names:?}");
    assert!(!errors.is_empty());
}

#[test]
fn files_that_go_test_collects_are_tests() {
    for (path, role) in [
        ("a/b_test.go", Role::Test),
        ("a/testdata/x/b.go", Role::Test),
        ("_examples/b/main.go", Role::Example),
        ("examples/b/main.go", Role::Example),
        ("a/build.go", Role::Library),
        ("src/a/test.go", Role::Library),
    ] {
        assert_eq!(role_of(&path.into()), role, "{path}");
    }
}

#[test]
fn analyses_see_items_documentation_and_complexity() {
    let code = super::code::code(&Parsed::new(Language::GO, SAMPLE), Role::Library).unwrap();
    assert_eq!(code.documentation, Some((1, "Package shapes has shapes.".to_owned())));
    let bare: Vec<_> = code
        .items
        .iter()
        .filter(|item| item.is_listed && item.documentation.is_none())
        .map(|item| item.name.as_str())
        .collect();
    assert_eq!(bare, ["Round", "Other", "ErrNone", "List", "Alias", "Handler", "List.First", "Map", "New"]);
    let measured = |name: &str| code.functions.iter().find(|one| one.name == name).unwrap();
    let new = measured("New");
    assert_eq!((new.parameters, new.complexity.cyclomatic, new.complexity.cognitive), (2, 2, 1));
    assert_eq!(measured("Map").complexity.nesting, 1);
    assert!(new.volume > 0.0);
    let text = SAMPLE.replace("package shapes", "package main");
    let program = super::code::code(&Parsed::new(Language::GO, &text), Role::Library).unwrap();
    assert!(program.items.iter().all(|item| !item.is_listed));
}

#[track_caller]
fn assert_smells(body: &str, expected: &[(SmellKind, u32)]) {
    let text = format!("package a\n\n{body}");
    let code = super::code::code(&Parsed::new(Language::GO, &text), Role::Library).unwrap();
    let found: Vec<_> = code.smells.iter().map(|smell| (smell.kind, smell.start_line)).collect();
    assert_eq!(found, expected, "{body}");
}

#[test]
fn smells_strike_where_a_reader_agrees() {
    assert_smells("import . \"strings\"\n", &[(SmellKind::StarImport, 3)]);
    assert_smells("func F(n int, ctx context.Context) {}\n", &[(SmellKind::UnusualSignature, 3)]);
    assert_smells("func F(t *testing.T, ctx context.Context) {}\nfunc G(ctx context.Context, n int) {}\n", &[]);
    assert_smells("func F() (error, int) { return nil, 1 }\n", &[(SmellKind::UnusualSignature, 3)]);
    let looped = "func F(all []*os.File) {\n\tfor _, f := range all {\n\t\tdefer f.Close()\n\t\tfunc() {\n\t\t\tdefer f.Sync()\n\t\t}()\n\t}\n}\n";
    assert_smells(looped, &[(SmellKind::DeferInLoop, 5)]);
    assert_smells("func F(err error) {\n\tif err != nil {\n\t}\n}\n", &[(SmellKind::SwallowedErrors, 4)]);
    assert_smells("func F(err error) {\n\tif err != nil {\n\t\t// it may be gone\n\t}\n}\n", &[]);
    let discarded = "func f() (int, error) { return 1, nil }\n\nfunc G() {\n\tn, _ := f()\n\tm, _ := f() // it never fails\n\t_, err := f()\n\tprintln(n, m, err)\n}\n";
    assert_smells(discarded, &[(SmellKind::SwallowedErrors, 6)]);
    assert_smells(
        "func F() { panic(\"no\") }\nfunc MustF() { panic(\"no\") }\nfunc g() { panic(\"no\") }\n",
        &[(SmellKind::Panics, 3)],
    );
    assert_smells("func F() { panic(\"unreachable\") }\n", &[]);
}
