//! What an edit reaches covers what resolves otherwise, in a warm world and in a new one; and a world that follows edits equals a new one.

use std::collections::BTreeSet;
use std::sync::Arc;

use crate::domain::FilePath;
use crate::impact::{World, resolve};
use crate::language::eval::edit_tests::{Dice, Texts, assert_covers, assert_edit, said, texts};

/// Lines that name each other across modules, some of them wrongly.
const LINES: &[&str] = &[
    "import { A, make } from './a'",
    "import B, * as all from './b.js'",
    "import type { Shape as S } from '@/c'",
    "import { A as Other } from '@w/lib'",
    "import './d'",
    "import data from './data.json'",
    "export * from './b'",
    "export * as inner from './c'",
    "export { make as made, default } from './a'",
    "export { A, gone } from '@w/lib/sub'",
    "export { make, value }",
    "export default class A extends B { go() { return this.size } }",
    "export class A { size = make(); static of(): A { return new A() } go(n?: number): B { return value } }",
    "export class B<T> extends all.A implements Shape { held: T; get part() { return this.held } }",
    "export default function make() { return new A() }",
    "export function make(size: number): B<A>",
    "export const make = (one: A) => one.go()",
    "export const value = make(), { size } = value",
    "export let value: Shape = { sides: 1, inner: { A } }",
    "export interface Shape { sides: number; inner: { A: typeof A }; go(one: S): B<Shape> }",
    "export type Shape = A & { draw(): Other } | B<A>",
    "export enum Kind { One = 1, Two }",
    "declare global { interface Window { shape: Shape } var shared: A }",
    "declare module './a' { interface A { added: B<A> } }",
    "namespace all { export class A { deep: B<Other> } }",
    "function use(one: A, two: B<A>) { one.go(1).part.size; two.held.go().sides; shared.size }",
    "function use({ sides, inner: { A } }: Shape) { window.shape.draw(); new A().go() }",
    "make(3).part.go(); value.inner.A.of(); all.A.of().deep; inner.A",
    "const lib = require('./d'); lib.go(); new lib.Thing().close()",
    "const { Thing, go: run } = require('./d'); run(new Thing().open())",
    "module.exports = { Thing, go, value }",
    "module.exports = Thing",
    "exports.go = () => new Thing()",
    "function Thing(a) { this.inner = a; this.more = new A() }",
    "Thing.prototype.open = function () { return this.close() }\nThing.prototype.close = () => new A()",
    "Thing.make = function () { return new Thing() }\nThing.limit = 3",
    "Thing.prototype = { open() { return this }, close: function () { return this.inner } }",
    "Object.assign(Thing.prototype, { close() { return this.more.go() } }, all)",
    "util.inherits(Thing, lib)\nThing.make().open().close()",
    "function go() { return new Thing(1).more }",
    "type Map2<T> = { [K in keyof T]: A }\nlet m: Map2<Shape>; m.sides.go()",
    "all.map(one => one.go()).forEach(({ size }) => size)",
    "const pair = <A a={value} b />",
    "import('./a').then(a => a.make())",
    "const broken = (",
];

const PATHS: &[&str] = &[
    "src/a.ts",
    "src/b.ts",
    "src/c.tsx",
    "src/d.js",
    "src/late.js",
    "lib/src/index.ts",
    "lib/src/sub.ts",
    "test/a.test.ts",
];

/// Settings that decide what the same specifiers mean.
const SETTINGS: &[(&str, &[&str])] = &[
    (
        "tsconfig.json",
        &[
            r#"{ "extends": "./base.json" }"#,
            r#"{ "extends": ["@w/lib/config.json", "./base"], "compilerOptions": { "strict": true } }"#,
            r#"{ "compilerOptions": { "paths": { "@/*": ["./lib/src/*"] } } }"#,
            r#"{ "compilerOptions": { "baseUrl": "lib/src", "lib": ["es2022"] } }"#,
            "{ ",
        ],
    ),
    (
        "base.json",
        &[
            r#"{ "compilerOptions": { "paths": { "@/*": ["src/*"] } } }"#,
            r#"{ "compilerOptions": { "paths": { "@/*": ["lib/src/*"], "@/c": ["src/b.ts"] } } }"#,
            r#"{ "compilerOptions": { "noEmit": true } }"#,
            "{}",
        ],
    ),
    ("lib/config.json", &[r#"{ "compilerOptions": { "paths": { "@/*": ["./src/*"] } } }"#, "[]"]),
    (
        "lib/package.json",
        &[
            r#"{ "name": "@w/lib", "main": "./dist/index.js" }"#,
            r#"{ "name": "@w/lib", "version": "2", "main": "./dist/index.js", "bin": "./src/sub.ts" }"#,
            r#"{ "name": "@w/lib", "exports": { ".": "./src/sub.ts", "./sub": "./src/index.ts", "./config.json": "./config.json" } }"#,
            r#"{ "name": "other" }"#,
        ],
    ),
];

fn random_text(dice: &mut Dice) -> String {
    (0..1 + dice.roll(9)).map(|_| LINES[dice.roll(LINES.len())]).collect::<Vec<_>>().join("\n")
}

/// Some file of the view with another text: a script, or one time in five its settings.
fn random_file(dice: &mut Dice) -> (FilePath, String) {
    if dice.roll(5) == 0 {
        let (path, texts) = SETTINGS[dice.roll(SETTINGS.len())];
        return (path.into(), texts[dice.roll(texts.len())].to_owned());
    }
    (PATHS[dice.roll(PATHS.len())].into(), random_text(dice))
}

fn random_view(dice: &mut Dice) -> Texts {
    let mut files: Texts = PATHS.iter().map(|&path| (path.into(), said(&path.into(), &random_text(dice)))).collect();
    for (path, texts) in SETTINGS {
        files.insert((*path).into(), said(&(*path).into(), texts[dice.roll(texts.len())]));
    }
    files
}

#[test]
fn what_resolves_otherwise_is_reached() {
    let mut dice = Dice(0x2545_F491_4F6C_DD1D);
    let mut before = random_view(&mut dice);
    let mut spared = 0;
    for _ in 0..500 {
        let mut after = before.clone();
        let mut edited = BTreeSet::new();
        for _ in 0..=dice.roll(2) {
            let (path, text) = random_file(&mut dice);
            after.insert(path.clone(), said(&path, &text));
            edited.insert(path);
        }
        spared += assert_edit(&before, &after, &edited);
        before = after;
    }
    assert!(spared > 0, "every file is always reached: nothing was tested");
}

/// A world of which only what an edit reaches is resolved again stays what a new one is, edit by edit.
#[test]
fn a_world_that_follows_edits_stays_complete() {
    let mut dice = Dice(0x9E37_79B9_7F4A_7C15);
    let mut files = random_view(&mut dice);
    let mut world = World::new(&files);
    let mut known = world.graph();
    for _ in 0..300 {
        let (path, text) = random_file(&mut dice);
        let outline = said(&path, &text);
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
    }
}

/// Settings reach those whose specifiers mean something else, whatever the file of the settings is called.
#[test]
fn settings_reach_what_they_decide() {
    let config =
        |to: &str, rest: &str| format!(r#"{{ "compilerOptions": {{ "paths": {{ "@/*": ["{to}/*"] }} }}{rest} }}"#);
    let all = texts(&[
        ("tsconfig.json", r#"{ "extends": "./shared/base.json" }"#),
        ("shared/base.json", &config("../one", "")),
        ("one/x.ts", "export const x = 1"),
        ("two/x.ts", "export const x = '2'"),
        ("user.ts", "import { x } from '@/x'\nx"),
        ("other.ts", "import { x } from './one/x'\nx"),
    ]);
    let reached = |text: &str| {
        let path = FilePath::from("shared/base.json");
        let mut after = all.clone();
        after.insert(path.clone(), said(&path, text));
        let mut warm = World::new(&all);
        warm.graph();
        let edits = [(path.clone(), Arc::clone(&after[&path]))];
        let (reach, cold) = (warm.edit(&edits).unwrap(), World::new(&all).edit(&edits).unwrap());
        assert_covers(&resolve(&all), &resolve(&after), Some(reach.clone()), &[path].into(), &after);
        assert_eq!(reach.files, cold.files);
        reach.files.into_iter().map(|path| path.to_string()).collect::<Vec<_>>()
    };
    assert_eq!(reached(&config("../two", "")), ["user.ts"]);
    assert_eq!(reached(&config("../one", r#", "display": "mine""#)), [""; 0]);
    assert_eq!(reached("{}"), ["user.ts"]);
}

#[test]
fn a_body_or_comment_reaches_nobody() {
    let base = "import { C } from './c'\n/** Doc. */\nexport class A {\n  c = new C()\n  go(n = 1) {\n    const y = n + 1\n    return this.c.part(y)\n  }\n}\nexport function f(a: A): C {\n  return a.go()\n}\n";
    let files = |base: &str| {
        texts(&[
            ("index.ts", "export * from './a'"),
            ("a.ts", base),
            ("c.ts", "export class C { part(n: number) { return this } more() {} }\nexport class D { more() {} }"),
            ("use.ts", "import { A, f } from '.'\nnew A().go().more()\nf(new A()).more()"),
        ])
    };
    let reach = |other: &str| {
        let mut world = World::new(&files(base));
        world.graph();
        let path = FilePath::from("a.ts");
        world.edit(&[(path.clone(), said(&path, other))]).unwrap().files
    };
    for other in [
        base.replace("const y = n + 1", "// why\n    const y = n + 2"),
        base.replace("/** Doc. */", "/** Other words. */"),
        base.replace("return a.go()", "a.go(2)\n  return a.c"),
        base.replace("export class A", "\n\nexport class A"),
    ] {
        assert_eq!(reach(&other), BTreeSet::new(), "{other}");
    }
    let user = FilePath::from("use.ts");
    for other in [
        base.replace("n = 1", "n: number"),
        base.replace("class A {", "class A extends C {"),
        base.replace("new C()", "new D()").replace("{ C }", "{ C, D }"),
        base.replace("return this.c.part(y)", "return this"),
        base.replace("  go(", "  get go("),
        base.replace("): C", "): A"),
    ] {
        assert!(reach(&other).contains(&user), "{other}");
    }
}

/// Rings of modules that hand names on end, and the same way each time.
#[test]
fn a_ring_of_ten_thousand_re_exports_ends() {
    const RING: usize = 10_000;
    let text = |at: usize| {
        let next = (at + 1) % RING;
        format!("export * from './m{next}'\nexport {{ name{at}, other as default }} from './m{next}'\n")
    };
    let ring = (0..RING).map(|at| (format!("m{at}.ts"), text(at)));
    let user = [("user.ts".to_owned(), "import one, { name1, other } from './m0'\nother.x(name1, one)\n".to_owned())];
    let files: Texts = ring
        .chain(user)
        .map(|(path, text)| {
            let path = FilePath::from(path.as_str());
            (path.clone(), said(&path, &text))
        })
        .collect();
    let (one, other) = (resolve(&files), resolve(&files));
    assert_eq!((one.edges(), one.via()), (other.edges(), other.via()));
}

/// Types of thousands of parts, and types inside each other.
#[test]
fn huge_unions_and_deep_types_end() {
    let parts: Vec<String> = (0..3_000).map(|at| format!("T{at}")).collect();
    let aliases: String = parts.iter().map(|part| format!("export type {part} = {{ {part}: A }}\n")).collect();
    let deep = format!(
        "import {{ A }} from './types'\nexport type Deep = {}A{}\n",
        "Array<{ x: ".repeat(2_000),
        " }>".repeat(2_000)
    );
    let doubled: String = (1..60).map(|at| format!("export type D{at} = [D{}, D{}]\n", at - 1, at - 1)).collect();
    let types = format!(
        "export class A {{ go() {{}} }}\n{aliases}export type All = {}\nexport type D0 = A\n{doubled}",
        parts.join(" | ")
    );
    let user = "import { All, D59 } from './types'\nimport { Deep } from './deep'\nfunction f(a: All, b: Deep, c: D59) { a.T1.go(); b[0].x[0].x; c[0][1][0].go() }\n";
    let files = texts(&[("types.ts", &types), ("deep.ts", &deep), ("user.ts", user)]);
    let (one, other) = (resolve(&files), resolve(&files));
    assert_eq!((one.edges(), one.via()), (other.edges(), other.via()));
    assert!(one.edges().iter().any(|edge| edge.symbol_name == "All"));
}

/// One hash of all edges and contexts of some views.
fn resolved() -> String {
    let mut dice = Dice(0xD1B5_4A32_D192_ED03);
    let mut parts = Vec::new();
    for _ in 0..40 {
        let files = random_view(&mut dice);
        let graph = resolve(&files);
        parts.push(format!("{:?} {:?}", graph.edges(), graph.via()));
        parts.extend(files.keys().map(|path| format!("{:?}", graph.uses(path))));
    }
    crate::domain::Hash::of_fields(parts.iter().map(String::as_bytes)).to_string()
}

#[test]
fn other_rules_have_another_version() {
    let golden = (4, "f48444ae39698f49ba56ce05ab3ee2f5cca430cdb640022954a63ab5ff3ce0c6");
    assert_eq!((super::FAMILY.version, resolved().as_str()), golden, "raise the version and put both in here");
}
