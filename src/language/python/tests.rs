//! Outlines and segments of Python.

use crate::domain::{Language, Role};
use crate::language::{Outline, Parsed, SymbolKind, Visibility, role_of};
use crate::outline::outline;

const SAMPLE: &str = super::SPEC.sample;

fn python(text: &str) -> Outline {
    let (outline, errors) = outline(Language::PYTHON, text);
    assert_eq!(errors, [], "{text}");
    outline
}

fn signature(text: &str, name: &str) -> String {
    let outline = python(text);
    let found = outline.symbols().iter().find(|symbol| symbol.name == name);
    found.unwrap_or_else(|| panic!("{name}: {outline:?}")).signature.clone()
}

#[test]
fn symbols_have_names_within_the_module() {
    let outline = python(SAMPLE);
    let names: Vec<&str> = outline.symbols().iter().map(|symbol| symbol.name.as_str()).collect();
    let expected = [
        "os",
        "NewType",
        "Protocol",
        "__all__",
        "LIMIT",
        "shapes",
        "Name",
        "_cache",
        "Shape",
        "Shape.sides",
        "Shape.name",
        "Shape.__init__",
        "Shape.tags",
        "Shape.area",
        "Shape.load",
        "Shape.Error",
        "area",
        "each",
        "numpy",
        "fallback",
        "TestShape",
        "TestShape.test_area",
    ];
    assert_eq!(names, expected);
    let kinds = |kind| outline.symbols().iter().filter(|symbol| symbol.kind == kind).count();
    assert_eq!((kinds(SymbolKind::Class), kinds(SymbolKind::Method), kinds(SymbolKind::Function)), (3, 4, 3));
    let hidden: Vec<_> = outline.symbols().iter().filter(|symbol| symbol.visibility != Visibility::Public).collect();
    assert_eq!(hidden.iter().map(|symbol| symbol.name.as_str()).collect::<Vec<_>>(), ["_cache"]);
    assert!(outline.symbols().iter().find(|symbol| symbol.name == "Shape.area").unwrap().doc);
}

#[test]
fn signatures_say_what_users_can_tell() {
    for (name, expected) in [
        ("Shape", "class Shape(Protocol)"),
        ("Shape.sides", "sides: int=…"),
        ("Shape.name", "name = \"shape\""),
        ("Shape.tags", "tags: list[str]=…"),
        ("Shape.__init__", "def __init__(self, name: str, *, sides: int=…) -> None"),
        ("Shape.area", "@property def area(self) -> float"),
        ("Shape.load", "async def load(self, path: os.PathLike, /, *rest, **options)"),
        ("area", "def area(shape: Shape, unit=…) -> float"),
        ("each", "def each(shapes) yields"),
        ("LIMIT", "LIMIT = 3"),
        ("shapes", "shapes: dict[str, \"Shape\"]"),
        ("Name", "Name = NewType(\"Name\", str)"),
        ("__all__", "__all__ = [\"Shape\", \"area\"]"),
    ] {
        assert_eq!(signature(SAMPLE, name), expected);
    }
}

#[test]
fn spacing_and_comments_reach_no_signature() {
    let tidy = "@a.b(1, x=2)\ndef f(a: dict[str, int], *args: int, b=1) -> list[int]:\n    pass\n";
    let untidy = "@a.b( 1,x = 2, )  # why\ndef f(\n    a : dict[ str,int ],  # first\n    *args:int,\n    b = 2,\n)->list[int]:\n\n    return 3\n";
    assert_eq!(signature(tidy, "f"), signature(untidy, "f"));
    assert_eq!(signature(tidy, "f"), "@a.b(1, x=2) def f(a: dict[str, int], *args: int, b=…) -> list[int]");
    for (from, to) in
        [("b=1", "b"), ("*args", "**args"), ("list[int]", "list[str]"), ("def f", "async def f"), ("x=2", "x=3")]
    {
        assert_ne!(signature(tidy, "f"), signature(&tidy.replace(from, to), "f"), "{from} -> {to}");
    }
}

#[test]
fn bodies_leave_the_interface_as_it_is() {
    let other = SAMPLE.replace("return shape.area", "return 1.0").replace("# Read it all.", "");
    assert_eq!(python(SAMPLE).interface_hash(), python(&other).interface_hash());
}

#[test]
fn methods_are_segments_that_name_their_class() {
    let method = |name: &str| {
        format!("    def {name}(self):\n        \"\"\"Does it.\"\"\"\n{}\n", "        work(a, b, c)\n".repeat(20))
    };
    let text = format!(
        "import os\n\n# why\n@final\nclass Store(Base):\n{}{}\n\nclass TestStore:\n    def test_it(self): pass\n",
        method("open"),
        method("close")
    );
    let segments = super::segments::segments(&Parsed::new(Language::PYTHON, &text)).unwrap();
    let brief: Vec<_> = segments.iter().map(|one| (one.entity_type, one.entity_name.as_str(), one.is_test)).collect();
    let expected = [
        ("module", "", false),
        ("class", "Store", false),
        ("method", "Store.open", false),
        ("method", "Store.close", false),
        ("class", "TestStore", true),
    ];
    assert_eq!(brief, expected);
    assert_eq!(segments[3].context, "class Store(Base)");
    assert_eq!((segments[3].signature.as_str(), segments[3].doc.as_str()), ("def close(self)", "Does it."));
}

#[test]
fn broken_source_still_gives_what_it_has() {
    let (outline, errors) = outline(Language::PYTHON, "def good():\n    pass\n\nx = = 1\n\nclass Also:\n    pass\n");
    let names: Vec<&str> = outline.symbols().iter().map(|symbol| symbol.name.as_str()).collect();
    assert!(names.contains(&"good") && names.contains(&"Also"), "{names:?}");
    assert!(!errors.is_empty());
}

#[test]
fn files_that_pytest_collects_are_tests() {
    for (path, role) in [
        ("a/test_b.py", Role::Test),
        ("a/b_test.py", Role::Test),
        ("tests/b.py", Role::Test),
        ("shop/tests.py", Role::Test),
        ("a/b.py", Role::Library),
    ] {
        assert_eq!(role_of(&path.into()), role, "{path}");
    }
}

#[test]
fn analyses_see_items_documentation_and_complexity() {
    let text = SAMPLE.replace(
        "        return shape.area\n",
        "        for a in b:\n            if a and b:\n                return 1\n",
    );
    let code = super::code::code(&Parsed::new(Language::PYTHON, &text), Role::Library).unwrap();
    assert_eq!(code.documentation, Some((1, "Shapes, and what is made of them.".to_owned())));
    let listed: Vec<_> = code.items.iter().filter(|item| item.is_listed).map(|item| item.name.as_str()).collect();
    assert_eq!(listed, ["Shape", "Shape.area", "Shape.load", "Shape.Error", "area", "each", "fallback"]);
    assert_eq!(code.items[2].documentation.as_deref(), Some("The area."));
    let measured = |name: &str| code.functions.iter().find(|one| one.name == name).unwrap();
    let area = measured("area");
    assert_eq!(
        (area.parameters, area.complexity.cyclomatic, area.complexity.cognitive, area.complexity.nesting),
        (2, 5, 7, 3)
    );
    assert_eq!((measured("area.scaled").complexity.cyclomatic, measured("Shape.load").parameters), (1, 1));
    assert!(measured("TestShape.test_area").is_test && area.volume > 0.0);
}
