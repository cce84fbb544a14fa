//! Outlines, segments and analyses of Java.

use crate::domain::{Language, Role};
use crate::language::{Outline, Parsed, SymbolKind, Visibility, role_of};
use crate::outline::outline;

const SAMPLE: &str = super::SPEC.sample;

fn java(text: &str) -> Outline {
    let (outline, errors) = outline(Language::JAVA, text);
    assert_eq!(errors, [], "{text}");
    outline
}

fn signature(text: &str, name: &str) -> String {
    let outline = java(text);
    let found = outline.symbols().iter().find(|symbol| symbol.name == name);
    found.unwrap_or_else(|| panic!("{name}: {outline:?}")).signature.clone()
}

#[test]
fn symbols_have_names_within_the_file() {
    let outline = java(SAMPLE);
    let names: Vec<&str> = outline.symbols().iter().map(|symbol| symbol.name.as_str()).collect();
    let expected = "Shape, Shape.LIMIT, Shape.NAME, Shape.tags, Shape.sides, Shape.corners, Shape.later, Shape.new, Shape.area, \
                    Shape.paint, Shape.describe, Shape.Unit, Shape.Unit.METRE, Shape.Unit.FOOT, Shape.Unit.size, \
                    Shape.Unit.new, Shape.Unit.size, Shape.Point, Shape.Point.x, Shape.Point.y, Shape.Point.new, \
                    Shape.Point.origin, Shape.Marked, Shape.Marked.value, Shape.Marked.levels, Drawable, Drawable.DEPTH, \
                    Drawable.draw, Drawable.twice, ShapeTest, ShapeTest.opens";
    assert_eq!(names.join(", "), expected);
    let kinds = |kind| outline.symbols().iter().filter(|symbol| symbol.kind == kind).count();
    assert_eq!((kinds(SymbolKind::Class), kinds(SymbolKind::Interface), kinds(SymbolKind::Enum)), (3, 2, 1));
    assert_eq!((kinds(SymbolKind::Const), kinds(SymbolKind::Variant), kinds(SymbolKind::Field)), (3, 2, 7));
    let of = |name: &str| outline.symbols().iter().find(|symbol| symbol.name == name).unwrap();
    assert_eq!(of("Shape.sides").visibility, Visibility::Private);
    assert_eq!(of("Shape.NAME").visibility, Visibility::Restricted);
    assert_eq!(
        (of("Drawable.draw").visibility, of("Shape.tags").visibility),
        (Visibility::Restricted, Visibility::Public)
    );
    assert!(of("Shape").doc && of("Shape.area").doc && !of("Shape.paint").doc && of("Shape.Unit.FOOT").doc);
    assert_eq!((of("Shape").start_line, of("Shape.area").start_line), (17, 40));
}

#[test]
fn signatures_say_what_users_can_tell() {
    for (name, expected) in [
        (
            "Shape",
            "@Deprecated(since=\"2\") public abstract sealed class Shape<T extends Comparable<T> & Cloneable> extends Base<T> implements Drawable, Iterable<T> permits Circle, Square",
        ),
        ("Shape.LIMIT", "public static final int LIMIT = 3*(1+2)"),
        ("Shape.NAME", "static final String NAME = \"shape\"+LIMIT"),
        ("Shape.tags", "protected final Map<String, List<? extends T>> tags"),
        ("Shape.corners", "private int[] corners[]"),
        ("Shape.new", "public Shape(T, int...) throws IOException, java.io.EOFException"),
        ("Shape.area", "public double area(Unit, boolean)"),
        ("Shape.paint", "abstract <R extends Number> R paint(@Nullable Canvas)"),
        ("Shape.Unit", "enum Unit {METRE, FOOT}"),
        ("Shape.Unit.FOOT", "FOOT"),
        ("Shape.Point", "public record Point(int x, int y)"),
        ("Shape.Point.x", "int x"),
        ("Shape.Marked", "@interface Marked"),
        ("Shape.Marked.value", "String value() default \"none\""),
        ("Drawable.DEPTH", "int DEPTH = 1"),
        ("Drawable.twice", "default void twice(Canvas)"),
    ] {
        assert_eq!(signature(SAMPLE, name), expected);
    }
}

#[test]
fn spacing_comments_and_order_reach_no_signature() {
    let tidy =
        "class A { @B(1) public static final <T> List<T> f(Map<String, T> a, int... b) throws C { return g(); } }";
    let untidy = "class A {\n  /* why */ @B( 1 ) static\n  public final < T > List<T> f( Map<String,T> other, // first\n    final int ... b )\n    throws C\n  { return h() ; }\n}";
    assert_eq!(signature(tidy, "A.f"), signature(untidy, "A.f"));
    assert_eq!(signature(tidy, "A.f"), "@B(1) public static final <T> List<T> f(Map<String, T>, int...) throws C");
    for (from, to) in [
        ("@B(1)", "@B(2)"),
        ("public ", ""),
        ("<T>", "<T extends U>"),
        ("int...", "int"),
        ("throws C", "throws D"),
        ("List<T> f", "Set<T> f"),
    ] {
        assert_ne!(signature(tidy, "A.f"), signature(&tidy.replacen(from, to, 1), "A.f"), "{from} -> {to}");
    }
}

#[test]
fn bodies_leave_the_interface_as_it_is() {
    let other =
        SAMPLE.replace("return 1;", "return 2;").replace("The area.", "An area.").replace("(Unit unit", "(Unit of");
    assert_ne!(SAMPLE, other);
    assert_eq!(java(SAMPLE).interface_hash(), java(&other).interface_hash());
    for (from, to) in [
        ("3 * (1 + 2)", "4"),
        ("METRE(1)", "YARD(1)"),
        ("record Point(int x,", "record Point(long x,"),
        ("permits Circle, ", "permits "),
    ] {
        assert_ne!(java(SAMPLE).interface_hash(), java(&SAMPLE.replacen(from, to, 1)).interface_hash(), "{from}");
    }
}

#[test]
fn methods_are_segments_that_name_what_is_around() {
    let method = |name: &str| {
        let body = "        work(a, b, c);\n".repeat(20);
        format!("    /**\n     * Does it.\n     */\n    @Bean\n    public void {name}(int a) {{\n{body}    }}\n\n")
    };
    let text = format!(
        "package shop;\n\nimport a.B;\nimport a.C;\n\n// why\n@Service\npublic class Store extends Base {{\n    int size;\n\n{}{}}}\n\nclass StoreTest {{\n    @Test void opens() {{}}\n}}\n",
        method("open"),
        method("close")
    );
    let segments = super::segments::segments(&Parsed::new(Language::JAVA, &text)).unwrap();
    let brief: Vec<_> = segments.iter().map(|one| (one.entity_type, one.entity_name.as_str(), one.is_test)).collect();
    let expected = [
        ("module", "", false),
        ("module", "", false),
        ("module", "", false),
        ("class", "Store", false),
        ("const", "Store.size", false),
        ("method", "Store.open", false),
        ("method", "Store.close", false),
        ("class", "StoreTest", false),
    ];
    assert_eq!(brief, expected);
    assert_eq!(segments[6].context, "package shop > @Service public class Store extends Base");
    let (signature, doc) = (segments[6].signature.as_str(), segments[6].doc.as_str());
    assert_eq!((signature, doc), ("@Bean public void close(int a)", "Does it."));
    let items: Vec<_> = segments[7].declared().into_iter().map(|item| (item.entity_type, item.entity_name)).collect();
    assert_eq!(items, [("class", "StoreTest".to_owned()), ("test", "StoreTest.opens".to_owned())]);
}

#[test]
fn broken_source_still_gives_what_it_has() {
    let text = "package p;\nclass Good { void a() {} }\nclass Bad { void b( { int x = ; }\nvoid c() {} }\nclass Also { void d() {} }\n";
    let (outline, errors) = outline(Language::JAVA, text);
    let names: Vec<&str> = outline.symbols().iter().map(|symbol| symbol.name.as_str()).collect();
    assert!(names.contains(&"Good.a") && names.iter().any(|name| name.ends_with("Also")), "{names:?}");
    assert!(!errors.is_empty());
}

#[test]
fn source_sets_and_names_say_what_is_a_test() {
    for (path, role) in [
        ("src/main/java/p/A.java", Role::Library),
        ("src/main/java/p/UnitTest.java", Role::Library),
        ("core/src/test/java/p/Helper.java", Role::Test),
        ("src/integrationTest/java/p/A.java", Role::Test),
        ("src/jmh/java/p/A.java", Role::Bench),
        ("examples/src/main/java/p/A.java", Role::Example),
        ("p/ATest.java", Role::Test),
        ("p/AIT.java", Role::Test),
        ("test/p/A.java", Role::Test),
        ("p/A.java", Role::Library),
        ("src/p/Latest.java", Role::Library),
    ] {
        assert_eq!(role_of(&path.into()), role, "{path}");
    }
}

#[test]
fn analyses_see_items_documentation_and_complexity() {
    let code = super::code::code(&Parsed::new(Language::JAVA, SAMPLE), Role::Library).unwrap();
    let docs = "A shape, and what is made of it.\n\n@param <T> what it holds";
    assert_eq!(code.documentation, Some((10, docs.to_owned())));
    let listed: Vec<_> = code.items.iter().filter(|item| item.is_listed).map(|item| item.name.as_str()).collect();
    assert_eq!(listed, ["Shape", "Shape.new", "Shape.Point", "Shape.Point.new"]);
    let measured = |name: &str| code.functions.iter().find(|one| one.name == name).unwrap();
    let area = measured("Shape.area");
    assert_eq!((area.parameters, area.flags, area.is_dictated), (2, 1, true));
    assert_eq!((area.complexity.cyclomatic, area.complexity.cognitive, area.complexity.nesting), (7, 6, 2));
    let inner = measured("Shape.describe.Comparator.compare");
    assert_eq!((inner.parameters, inner.complexity.cyclomatic), (2, 1));
    assert!(measured("ShapeTest.opens").is_test && area.volume > 0.0);
    assert_eq!((code.members.total, code.members.documented), (2, 1));
}

#[test]
fn documentation_that_leaves_out_parts_is_found() {
    let missing = |docs: &str, method: &str| {
        let text = format!("public class A {{\n  /**\n   * Does.\n   *{docs}\n   */\n  {method}\n}}\n");
        let code = super::code::code(&Parsed::new(Language::JAVA, &text), Role::Library).unwrap();
        code.items[1].missing_sections.join(", ")
    };
    let method = "public int go(int a, String... rest) throws java.io.IOException { return 1; }";
    assert_eq!(missing(" @param a one", method), "@param rest, @return, @throws java.io.IOException");
    assert_eq!(
        missing(" @param a one\n   * @param rest more\n   * @return it\n   * @throws IOException if so", method),
        ""
    );
    assert_eq!(missing("", method), "");
    assert_eq!(missing(" {@inheritDoc}\n   * @param a one", method), "");
    assert_eq!(missing(" @param a one", "public void go(int a) {}"), "");
}
