//! Outlines, segments and analyses of C#.

use std::collections::BTreeSet;

use crate::domain::{Language, Role};
use crate::embedder::chunk;
use crate::language::{Outline, Parsed, SymbolKind, Visibility, role_of};
use crate::outline::outline;

const SAMPLE: &str = super::SPEC.sample;

fn sharp(text: &str) -> Outline {
    let (outline, errors) = outline(Language::C_SHARP, text);
    assert_eq!(errors, [], "{text}");
    outline
}

fn signature(text: &str, name: &str) -> String {
    let outline = sharp(text);
    let found = outline.symbols().iter().find(|symbol| symbol.name == name);
    found.unwrap_or_else(|| panic!("{name}: {outline:?}")).signature.clone()
}

#[test]
fn symbols_have_names_within_the_file() {
    let outline = sharp(SAMPLE);
    let names: Vec<&str> = outline.symbols().iter().map(|symbol| symbol.name.as_str()).collect();
    let expected = "IPayable, IPayable.Total, IPayable.Name, Cart, Cart.items, Cart.Limit, Cart.Changed, Cart.new, Cart.Name, \
                    Cart.Count, Cart.this[], Cart.Total, Cart.operator +, Cart.SaveAsync, Cart.IPayable.Pay, Cart.Inner, \
                    Cart.Inner.Depth, Item, Item.Name, Item.Price, Item.new, Color, Color.Red, Color.Green, Handler, Extensions, \
                    Extensions.Cheap, Extensions.Twice";
    assert_eq!(names.join(", "), expected);
    let kinds = |kind| outline.symbols().iter().filter(|symbol| symbol.kind == kind).count();
    assert_eq!((kinds(SymbolKind::Class), kinds(SymbolKind::Interface), kinds(SymbolKind::Enum)), (4, 1, 1));
    let of = |name: &str| outline.symbols().iter().find(|symbol| symbol.name == name).unwrap();
    for (name, visibility) in [
        ("Cart", Visibility::Public),
        ("Cart.items", Visibility::Restricted),
        ("Cart.new", Visibility::Public),
        ("IPayable.Total", Visibility::Public),
        ("Extensions", Visibility::Crate),
        ("Extensions.Cheap", Visibility::Crate),
        ("Color.Green", Visibility::Public),
        ("Item.Price", Visibility::Public),
    ] {
        assert_eq!(of(name).visibility, visibility, "{name}");
    }
    assert!(of("IPayable").doc && of("Cart.Total").doc && !of("Cart.Count").doc);
}

#[test]
fn signatures_leave_bodies_out() {
    for (text, name, expected) in [
        ("class A { public int F(int a, bool b = true) { return a; } }", "A.F", "public int F(int a, bool b = true)"),
        ("class A { int x = 1, y; }", "A.y", "int y"),
        ("class A { int x = 1, y; }", "A.x", "int x"),
        ("class A { const int X = 1, Y = 2; }", "A.Y", "const int Y = 2"),
        ("class A { public string P { get; private set; } = \"a\"; }", "A.P", "public string P { get; private set; }"),
        ("class A { public int P => x; }", "A.P", "public int P"),
        (
            "class A { public static A operator +(A a, A b) => a; }",
            "A.operator +",
            "public static A operator +(A a, A b)",
        ),
        ("class A { A(int n) : base(n) { } }", "A.new", "A(int n)"),
        ("enum E { A = 4, B }", "E.B", "B at 1"),
        ("enum E { A = 4, B }", "E.A", "A = 4 at 0"),
        ("[X] class A<T> : B, IC<T> where T : D { int x; }", "A", "[X] class A<T> : B, IC<T> where T : D"),
        ("record R(int A, string B = \"x\") : S(A);", "R", "record R(int A, string B = \"x\") : S"),
        ("delegate T D<T>(int a);", "D", "delegate T D<T>(int a)"),
        ("class A { event H E; }", "A.E", "event H E"),
    ] {
        assert_eq!(signature(text, name), expected, "{text}");
    }
}

#[test]
fn comments_and_spacing_reach_no_signature() {
    let tidy = "class A { [B(1)] public static List<T> F<T>(Dictionary<string, T> a, params int[] b) where T : C { return G(); } }";
    let untidy = "class A {\n  [ B( 1 ) ] public static\n  List<T> F< T >( Dictionary<string,T> a, // first\n    params int [] b )\n    /* why */ where T : C\n  { return H() ; }\n}";
    assert_eq!(signature(tidy, "A.F"), signature(untidy, "A.F"));
    for (from, to) in [("B(1)", "B(2)"), ("static ", ""), (" a,", " other,"), ("where T : C ", ""), ("int[]", "long[]")]
    {
        assert_ne!(signature(tidy, "A.F"), signature(&tidy.replace(from, to), "A.F"), "{from} is {to}");
    }
}

#[test]
fn tests_are_known_by_name_and_content() {
    for (path, role) in [
        ("src/Shop/Cart.cs", Role::Library),
        ("test/Shop/Cart.cs", Role::Test),
        ("src/Shop.Tests/Cart.cs", Role::Test),
        ("src/Shop.UnitTests/Cart.cs", Role::Test),
        ("src/ShopTests/Cart.cs", Role::Test),
        ("src/Shop/CartTests.cs", Role::Test),
        ("src/Shop/Contest/Latest.cs", Role::Library),
        ("benchmarks/A.cs", Role::Bench),
        ("perf/Shop.Benchmarks/A.cs", Role::Bench),
        ("samples/A/Program.cs", Role::Example),
    ] {
        assert_eq!(role_of(&path.into()), role, "{path}");
    }
    let text = "class A { [Fact] public void One() { F(); } [TestMethod] public void Two() { } [Test, Ignore] void Three() { } [TestCase(1)] void Four(int n) { } void Five() { } }\n[TestFixture] class B { void Help() { } }";
    let parsed = Parsed::new(Language::C_SHARP, text);
    let code = super::code::code(&parsed, Role::Library).unwrap();
    let tests: Vec<&str> = code.items.iter().filter(|item| item.is_test).map(|item| item.name.as_str()).collect();
    assert_eq!(tests, ["A.One", "A.Two", "A.Three", "A.Four", "B", "B.Help"]);
    let names: BTreeSet<(&str, String)> = chunk::segments(&parsed)
        .iter()
        .flat_map(|segment| {
            segment
                .declared()
                .into_iter()
                .map(|item| (item.entity_type, item.entity_name.to_string()))
                .collect::<Vec<_>>()
        })
        .collect();
    assert!(names.contains(&("test", "A.Three".to_owned())), "{names:?}");
}

#[test]
fn functions_are_measured() {
    let parsed = Parsed::new(Language::C_SHARP, SAMPLE);
    let code = super::code::code(&parsed, Role::Library).unwrap();
    let total = code.functions.iter().find(|one| one.name == "Cart.Total").unwrap();
    // foreach, if, &&, else if, ||, one arm
    assert_eq!((total.complexity.cyclomatic, total.parameters, total.flags), (7, 1, 1));
    // foreach 1, if 2, && 1, else if 1, || 1, switch 1
    assert_eq!((total.complexity.cognitive, total.complexity.nesting), (7, 2));
    assert_eq!(code.not_covered, [""; 0]);
    assert_eq!(code.documentation.as_ref().map(|(_, words)| words.as_str()), Some("What can be paid."));
}

#[test]
fn documentation_lacks_what_it_lists_otherwise() {
    let missing = |comment: &str| {
        let text = format!("public class A {{\n{comment}\n public int F<T, U>(int a, int b) {{ return a; }}\n}}\n");
        let parsed = Parsed::new(Language::C_SHARP, &text);
        let code = super::code::code(&parsed, Role::Library).unwrap();
        code.items.iter().find(|item| item.name == "A.F").unwrap().missing_sections.clone()
    };
    assert_eq!(missing("/// <summary>Sums.</summary>"), [""; 0]);
    assert_eq!(
        missing(
            "/// <summary>Sums.</summary>\n/// <param name=\"a\">One.</param>\n/// <typeparam name=\"T\">Of.</typeparam>"
        ),
        ["<param name=\"b\">", "<typeparam name=\"U\">", "<returns>"]
    );
    assert_eq!(
        missing(
            "/// <param name=\"a\">One.</param>\n/// <param name=\"b\">Two.</param>\n/// <returns>The sum.</returns>"
        ),
        [""; 0]
    );
    assert_eq!(missing("/// <inheritdoc/>"), [""; 0]);
    assert_eq!(
        super::docs::words(
            "/// <summary>\n/// Adds <see cref=\"N.Item\"/> to <paramref name=\"cart\"/>.\n/// </summary>\n"
        ),
        "Adds Item to cart."
    );
}

#[test]
fn segments_follow_members() {
    let filler = "        total += one * 2 + Other(total, one);\n".repeat(12);
    let text = format!(
        "using A;\n\nnamespace Shop;\n\n/// <summary>A cart.</summary>\npublic class Cart\n{{\n    /// <summary>Sums.</summary>\n    public int Sum(int one)\n    {{\n        var total = 0;\n{filler}        return total;\n    }}\n\n    public int Other(int a, int b)\n    {{\n{filler}        return a;\n    }}\n}}\n"
    );
    let parsed = Parsed::new(Language::C_SHARP, &text);
    let segments = chunk::segments(&parsed);
    let shown: Vec<(&str, &str, &str)> = segments
        .iter()
        .map(|one| (one.entity_type, one.entity_name.as_str(), one.context.as_str()))
        .filter(|(kind, _, _)| *kind == "method")
        .collect();
    let context = "namespace Shop > public class Cart";
    assert_eq!(shown, [("method", "Cart.Sum", context), ("method", "Cart.Other", context)]);
    let class = segments.iter().find(|one| one.entity_name == "Cart").unwrap();
    assert_eq!((class.entity_type, class.doc.as_str()), ("class", "A cart."));
}

/// Texts that no person writes: they end, and what is listed in them once costs once.
#[test]
fn hostile_declarations_end() {
    let fields: String = (0..20_000).map(|at| format!("f{at}, ")).collect();
    let members: String = (0..20_000).map(|at| format!("M{at},\n")).collect();
    for text in [
        format!("class A {{ public int {fields}last; }}"),
        format!("enum E {{ {members} Last }}"),
        format!("class A {{ void F() {{ x{}; }} }}", ".Go()".repeat(20_000)),
        format!("class A {{ string s = \"a\"{}; }}", " + \"b\"".repeat(20_000)),
        format!("class A {{ void F() {{ {} }} }}", "if (a) b(); else ".repeat(10_000)),
        format!("namespace {} {{ class A {{ }} }}", "N.".repeat(400) + "M"),
        "using X = X;\nclass A { X x; void F() { X.Go(); } }\n".to_owned(),
        "class A : A { A a; void F() { a.a.a.Go(); } }\npartial class B : B { }\npartial class B : C { }\nclass C : B { }".to_owned(),
        format!("class A {{ {} }}", "class A { ".repeat(400) + &"}".repeat(400)),
    ] {
        let parsed = Parsed::new(Language::C_SHARP, &text);
        let _ = (super::SPEC.outline)(&parsed);
        let _ = super::code::code(&parsed, Role::Library);
        assert!(!chunk::segments(&parsed).is_empty());
    }
}
