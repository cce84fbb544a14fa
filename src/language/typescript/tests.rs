//! What outlines, segments and analyses of scripts say.

use super::*;
use crate::language::{Outline, Parsed, Symbol, SymbolKind, Visibility};

const SAMPLE: &str = include_str!("sample.ts");

fn outline(language: Language, text: &str) -> Outline {
    let (outline, errors) = crate::outline::outline(language, text);
    assert_eq!(errors, []);
    outline
}

fn symbol(text: &str, name: &str) -> Symbol {
    let outline = outline(Language::TYPE_SCRIPT, text);
    let found = outline.symbols().iter().find(|symbol| symbol.name == name);
    found.unwrap_or_else(|| panic!("no {name}")).clone()
}

fn names(language: Language, text: &str) -> Vec<String> {
    outline(language, text).symbols().iter().map(|symbol| symbol.name.clone()).collect()
}

#[test]
fn an_outline_has_what_others_can_name() {
    let expected = "* from ./corners, paint, LIMIT, current, cache, Area, Area.width, Area.height, Area.unit, Handler, Drawable, \
                    Drawable.name, Drawable.draw, Colour, Colour.Red, Colour.Green, Window, Window.shapes, ./unit, ./unit.Unit, \
                    ./unit.Unit.short, Inner, Inner.depth, decorated, Shape, Shape.count, Shape.#secret, Shape.sides, \
                    Shape.constructor, Shape.store, Shape.name, Shape.area, Shape.label, Shape.draw, Shape.load, area, area, area, \
                    each, double, options, options.depth, options.nested, options.nested.deep, options.onDraw";
    assert_eq!(names(Language::TYPE_SCRIPT, SAMPLE).join(", "), expected);
    let hidden: Vec<String> = outline(Language::TYPE_SCRIPT, SAMPLE)
        .symbols()
        .iter()
        .filter(|symbol| symbol.visibility != Visibility::Public)
        .map(|symbol| symbol.name.clone())
        .collect();
    assert_eq!(
        hidden.join(", "),
        "cache, Window, Window.shapes, ./unit, ./unit.Unit, ./unit.Unit.short, Inner, decorated, Shape.#secret, Shape.store"
    );
    assert!(symbol(SAMPLE, "Shape.area").doc && symbol(SAMPLE, "LIMIT").doc && !symbol(SAMPLE, "each").doc);
}

#[test]
fn what_commonjs_hands_out_is_outlined() {
    let found = names(Language::JAVA_SCRIPT, include_str!("sample.js"));
    let expected = "fs, join, Store, Store.size, Store.#items, Store.constructor, Store.options, Store.add, open, open.sync, Store.close, open, \
                    module.exports, module.exports.open, module.exports.Store, module.exports.close, module.exports.version";
    assert_eq!(found.join(", "), expected);
}

#[test]
fn signatures_say_what_users_can_tell() {
    for (name, expected) in [
        ("LIMIT", "const LIMIT = 3"),
        ("current", "let current: Shape | undefined"),
        ("cache", "const cache = new Map<string, Shape>"),
        (
            "Drawable",
            "interface Drawable extends Iterable<number> {[key: string]: unknown, draw(on: Canvas, ...rest: number[]): void, readonly name: string}",
        ),
        ("Drawable.name", "readonly name: string"),
        ("Drawable.draw", "draw(on: Canvas, ...rest: number[]): void"),
        ("Colour.Red", "Red #0"),
        ("Colour.Green", "Green = \"green\""),
        ("Shape", "@decorated abstract class Shape implements Drawable"),
        ("Shape.count", "static count = 0"),
        ("Shape.sides", "sides: number"),
        ("Shape.area", "@decorated area(unit: Unit = …): number"),
        ("Shape.label", "get label(): string"),
        ("Shape.load", "static async load(file: string): Promise<Shape>"),
        ("each", "async * function each(shapes: Shape[])"),
        ("double", "function double(shape: Shape): number"),
        ("options", "const options = {depth, nested, onDraw} as const"),
        ("options.onDraw", "onDraw(shape: Shape)"),
        ("paint", "export { draw as paint } from \"./draw\""),
    ] {
        assert_eq!(symbol(SAMPLE, name).signature, expected);
    }
}

#[test]
fn spacing_and_comments_reach_no_signature() {
    let tidy = "export function f<T>(a: Map<string, T>, ...b: T[]): { c: T } {\n  return g();\n}\n";
    let untidy =
        "export function f< T >(\n  a : Map<string,T>, // first\n  ...b: T[],\n) : {\n  c: T;\n} {\n  return h()\n}\n";
    assert_eq!(symbol(tidy, "f").signature, symbol(untidy, "f").signature);
    for (from, to) in [("...b", "b"), ("c: T", "c?: T"), ("<T>", "<T extends U>"), ("function f", "async function f")] {
        assert_ne!(symbol(tidy, "f").signature, symbol(&tidy.replacen(from, to, 1), "f").signature, "{from} -> {to}");
    }
}

#[test]
fn bodies_leave_the_interface_as_it_is() {
    let other =
        SAMPLE.replace("return this.sides", "return 1").replace("// first", "").replace("sides > 2", "sides > 3");
    let hash = |text: &str| outline(Language::TYPE_SCRIPT, text).interface_hash();
    assert_eq!(hash(SAMPLE), hash(&other));
}

#[test]
fn what_the_grammar_lacks_costs_no_other_statement() {
    let text = "export type * from './a';\nexport interface Box<in out T> { value: T }\nexport const one: import('x').T[] = [];\nexport class Two {\n  accessor a = 1;\n}\n";
    let found = outline(Language::TYPE_SCRIPT, text);
    let found: Vec<&str> = found.symbols().iter().map(|symbol| symbol.name.as_str()).collect();
    assert_eq!(found, ["* from ./a", "Box", "Box.value", "one", "Two", "Two.a"]);
}

#[test]
fn an_error_costs_one_statement() {
    let good = "export function good() { return 1 }\n";
    for broken in ["export const a = = 1;\n", "export function f( {\n", "class {{{ \n", "const x = `unended\n"] {
        let text = format!("{good}{broken}export class Also {{ m() {{}} }}\nexport const last = 1;\n");
        let (outline, errors) = crate::outline::outline(Language::TYPE_SCRIPT, &text);
        let found: Vec<&str> = outline.symbols().iter().map(|symbol| symbol.name.as_str()).collect();
        assert!(["good", "Also", "Also.m", "last"].iter().all(|name| found.contains(name)), "{broken}: {found:?}");
        assert!(!errors.is_empty(), "{broken}");
    }
}

#[test]
fn methods_and_tests_are_segments_that_name_what_is_around() {
    let method = |name: &str| format!("  /** Does it. */\n  {name}(a) {{\n{}  }}\n", "    work(a, b, c);\n".repeat(20));
    let opens = format!("  it('opens', () => {{\n{}  }});\n", "    check(a, b, c);\n".repeat(30));
    let text = format!(
        "import os from 'os';\n\n// why\n@final\nclass Store extends Base {{\n{}{}}}\n\ndescribe('stores', () => {{\n{}}});\n",
        method("open"),
        method("close"),
        opens,
    );
    let segments = super::segments::segments(&Parsed::new(Language::TYPE_SCRIPT, &text)).unwrap();
    let brief: Vec<_> = segments.iter().map(|one| (one.entity_type, one.entity_name.as_str(), one.is_test)).collect();
    let expected = [
        ("module", "", false),
        ("class", "Store", false),
        ("method", "Store.open", false),
        ("method", "Store.close", false),
        ("test", "stores", true),
        ("test", "stores > opens", true),
    ];
    assert_eq!(brief, expected);
    assert_eq!(segments[3].context, "@final class Store extends Base");
    assert_eq!((segments[3].signature.as_str(), segments[3].doc.as_str()), ("close(a)", "Does it."));
    assert_eq!(segments[5].context, "stores");
}

#[test]
fn files_of_tests_are_known_by_name_and_folder() {
    for (path, role) in [
        ("src/a.test.ts", Role::Test),
        ("src/a.spec.tsx", Role::Test),
        ("src/__tests__/a.js", Role::Test),
        ("test/a.mjs", Role::Test),
        ("src/a.ts", Role::Library),
        ("examples/a.js", Role::Example),
        ("src/latest.ts", Role::Library),
    ] {
        assert_eq!(role_of(&path.into()), role, "{path}");
    }
}

#[test]
fn analyses_see_items_documentation_and_complexity() {
    let code = super::code::code(&Parsed::new(Language::TYPE_SCRIPT, SAMPLE), Role::Library).unwrap();
    assert_eq!(code.documentation.map(|docs| docs.0), Some(1));
    let listed: Vec<_> = code.items.iter().filter(|item| item.is_listed).map(|item| item.name.as_str()).collect();
    let expected = "LIMIT, current, Area, Handler, Drawable, Drawable.draw, Colour, Inner.depth, Shape, Shape.area, Shape.label, \
                    Shape.draw, Shape.load, area, area, area, each, double, options, options.onDraw";
    assert_eq!(listed.join(", "), expected);
    let area = code.functions.iter().find(|one| one.name == "Shape.area").unwrap();
    assert_eq!(
        (area.parameters, area.complexity.cyclomatic, area.complexity.cognitive, area.complexity.nesting),
        (1, 4, 4, 2)
    );
    let text = "/**\n * Adds.\n * @param {number} a one\n */\nexport function add(a, b) {}\n/** Takes. */\nexport function take(a) {}\n";
    let code = super::code::code(&Parsed::new(Language::JAVA_SCRIPT, text), Role::Library).unwrap();
    assert_eq!(code.items[0].missing_sections, ["@param b"]);
    assert_eq!(code.items[1].missing_sections, Vec::<String>::new());
}

#[test]
fn a_page_is_outlined_by_its_scripts() {
    let outline = outline(VUE.language, include_str!("sample.vue"));
    let found: Vec<_> = outline.symbols().iter().map(|one| (one.name.as_str(), one.kind, one.start_line)).collect();
    assert_eq!(found, [("default", SymbolKind::Const, 8), ("limit", SymbolKind::Const, 9)]);
}
