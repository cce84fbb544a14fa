//! TypeScript and JavaScript: who uses what of whom, and whom an edit touches.

use super::random_edits::Dice;
use super::*;
use crate::language::rust::assert_complete;

#[test]
fn names_are_followed_through_barrels_and_stars() {
    assert_edges(
        &[
            (
                "src/shape.ts",
                "export class Shape { area() {} }\nexport const limit = 1;\nexport default function draw() {}",
            ),
            ("src/mid.ts", "export * from './shape';\nexport { default as paint } from './shape';"),
            ("src/index.ts", "export * from './mid';\nexport * as shapes from './shape';"),
            ("src/user.ts", "import { Shape as S, paint, shapes } from '.';\nnew S().area(); paint(); shapes.limit;"),
        ],
        &[
            "src/shape.ts <- src/mid.ts: default",
            "src/shape.ts <- src/user.ts: Shape",
            "src/shape.ts <- src/user.ts: Shape.area",
            "src/shape.ts <- src/user.ts: draw",
            "src/shape.ts <- src/user.ts: limit",
        ]
        .map(|edge| edge.replace("mid.ts: default", "mid.ts: draw"))
        .iter()
        .map(String::as_str)
        .collect::<Vec<_>>(),
    );
}

#[test]
fn members_are_found_by_written_and_constructed_types() {
    assert_edges(
        &[
            (
                "a.ts",
                "export interface Opts { name: string; on?: (e: Event2) => void }\nexport interface Event2 { at: number }\nexport class Base { base = 1 }\nexport class A<T> extends Base { item: T; static make(): A<Opts> { return new A() } }\nexport function get() { return new A<Event2>() }",
            ),
            (
                "b.ts",
                "import { A, get, type Opts } from './a';\nfunction f(o: Opts) { o.name; o.on = e => e.at }\nconst a = A.make();\na.base;\na.item.name;\nget().item.at;\nconst p: Opts[] = [{ name: '' }];\np.map(({ name }) => name);",
            ),
        ],
        &[
            "a.ts <- b.ts: A",
            "a.ts <- b.ts: A.item",
            "a.ts <- b.ts: A.make",
            "a.ts <- b.ts: Base.base",
            "a.ts <- b.ts: Event2.at",
            "a.ts <- b.ts: Opts",
            "a.ts <- b.ts: Opts.name",
            "a.ts <- b.ts: Opts.on",
            "a.ts <- b.ts: get",
        ],
    );
}

#[test]
fn callbacks_and_keys_are_read_by_what_is_expected() {
    assert_edges(
        &[
            (
                "lib.ts",
                "export type Ctx = { user: User };\nexport type User = { id: string };\nexport function use(handler: (ctx: Ctx) => void, opts?: { deep: boolean }) {}",
            ),
            ("app.ts", "import { use } from './lib';\nuse(({ user }) => user.id, { deep: true });\nuse(c => c.user);"),
        ],
        &["lib.ts <- app.ts: Ctx.user", "lib.ts <- app.ts: User.id", "lib.ts <- app.ts: deep", "lib.ts <- app.ts: use"],
    );
}

#[test]
fn commonjs_modules_offer_keys_classes_and_assignments() {
    assert_edges(
        &[
            ("lib/one.js", "class One { go() {} }\nfunction two() {}\nmodule.exports = { One, two, three: 3 };"),
            ("lib/four.js", "exports.four = function () {};\nmodule.exports.five = 5;"),
            ("lib/whole.js", "module.exports = class Whole { run() {} };"),
            ("lib/index.js", "module.exports = { ...require('./one'), four: require('./four').four };"),
            (
                "app.js",
                "const { One, two } = require('./lib/one');\nconst lib = require('./lib');\nconst Whole = require('./lib/whole');\nnew One().go();\nlib.three; lib.four();\nnew Whole().run();",
            ),
        ],
        &[
            "lib/four.js <- lib/index.js: four",
            "lib/index.js <- app.js: module.exports.four",
            "lib/one.js <- app.js: One",
            "lib/one.js <- app.js: One.go",
            "lib/one.js <- app.js: module.exports.One",
            "lib/one.js <- app.js: module.exports.three",
            "lib/one.js <- app.js: module.exports.two",
            "lib/one.js <- app.js: two",
            "lib/whole.js <- app.js: module.exports",
            "lib/whole.js <- app.js: module.exports.run",
        ],
    );
}

#[test]
fn globals_and_augmentations_are_seen_where_they_add() {
    assert_edges(
        &[
            ("types/global.d.ts", "declare const VERSION: string;\ninterface Shared { x: number }"),
            ("src/lib.ts", "export interface Box { a: number }\ndeclare global { interface Window { box: Box } }"),
            ("src/more.ts", "import './lib';\ndeclare module './lib' { interface Box { b: number } }"),
            (
                "src/use.ts",
                "import { Box } from './lib';\nfunction f(b: Box, s: Shared, w: Window) { b.a; b.b; s.x; w.box; VERSION }",
            ),
        ],
        &[
            "src/lib.ts <- src/use.ts: Box",
            "src/lib.ts <- src/use.ts: Box.a",
            "src/lib.ts <- src/use.ts: Window",
            "src/lib.ts <- src/use.ts: Window.box",
            "src/more.ts <- src/use.ts: ./lib.Box.b",
            "types/global.d.ts <- src/use.ts: Shared",
            "types/global.d.ts <- src/use.ts: Shared.x",
            "types/global.d.ts <- src/use.ts: VERSION",
        ],
    );
}

#[test]
fn a_changed_declaration_touches_its_users_alone() {
    let before = Texts::new(&[
        ("lib.ts", "export function f(a: number) { return a }\nexport class C { m() {} n() {} }\nexport const c = 1;"),
        ("index.ts", "export * from './lib';"),
        ("f.ts", "import { f } from '.';\nf(1);"),
        ("m.ts", "import { C } from '.';\nnew C().m();"),
        ("c.ts", "import { c } from '.';\nc;"),
    ]);
    let touched = |from: &str, to: &str| {
        let text = "export function f(a: number) { return a }\nexport class C { m() {} n() {} }\nexport const c = 1;";
        assert!(text.contains(from));
        let after = Texts(before.0.clone()).with("lib.ts", &text.replacen(from, to, 1));
        let impact = compare(&[Change::Modification { path: "lib.ts".into() }], &before, &after);
        impact.dependents.keys().map(ToString::to_string).collect::<Vec<_>>().join(" ")
    };
    assert_eq!(touched("return a ", "return a + 1 "), "");
    assert_eq!(touched("export class", "// a comment\nexport class"), "");
    assert_eq!(touched("a: number", "a?: number"), "f.ts");
    assert_eq!(touched("m() {}", "m(a: string) {}"), "m.ts");
    assert_eq!(touched("n() {}", "n(a: string) {}"), "");
    assert_eq!(touched("c = 1", "c = 2"), "c.ts");
    assert_eq!(touched("class C {", "class C extends D {"), "m.ts");
    assert_eq!(touched("export const", "const"), "c.ts");
}

#[test]
fn a_function_that_moves_behind_a_barrel_touches_nobody_else() {
    let before = Texts::new(&[
        ("a.ts", "export function f(a: number) {}"),
        ("index.ts", "export * from './a';"),
        ("user.ts", "import { f } from './index';\nf(1);"),
    ]);
    let after =
        Texts(before.0.clone()).with("a.ts", "export * from './b';").with("b.ts", "export function f(a: number) {}");
    let changes = [Change::Modification { path: "a.ts".into() }, Change::Addition { path: "b.ts".into() }];
    let impact = compare(&changes, &before, &after);
    assert_eq!(after.edges(), ["b.ts <- user.ts: f"]);
    assert!(impact.dependents.keys().all(|path| *path == "user.ts".into()), "{:?}", impact.dependents);
}

#[test]
fn a_ring_of_re_exports_ends_and_is_the_same_each_time() {
    let text = |at: usize| {
        format!("export * from './f{}';\nexport {{ x }} from './f{}';", (at + 1) % 10_000, (at + 7) % 10_000)
    };
    let texts: Vec<(String, String)> = (0..10_000).map(|at| (format!("f{at}.ts"), text(at))).collect();
    let mut files: Vec<(&str, &str)> = texts.iter().map(|(path, text)| (path.as_str(), text.as_str())).collect();
    let user = "import { x, y } from './f0';\nx; y.z;";
    files.push(("user.ts", user));
    let world = Texts::new(&files);
    let resolved = World::new(&world.0).graph_of(&BTreeSet::from(["user.ts".into()]));
    assert_eq!(resolved, World::new(&world.0).graph_of(&BTreeSet::from(["user.ts".into()])));
}

#[test]
fn huge_unions_end() {
    let members: Vec<String> = (0..3_000).map(|at| format!("T{at}")).collect();
    let types: String = members.iter().map(|name| format!("export type {name} = {{ a: U, {name}: U }};\n")).collect();
    let text = format!("{types}export type U = {};\n", members.join(" | "));
    let deep = ".a".repeat(2_000);
    let world = Texts::new(&[
        ("u.ts", &text),
        ("v.ts", &format!("import {{ U }} from './u';\nfunction f(u: U) {{ u{deep} }}")),
    ]);
    assert!(world.edges().iter().any(|edge| edge == "u.ts <- v.ts: U"));
}

/// A file's text, drawn from lines that name each other across files, some of them wrongly.
fn random_text(dice: &mut Dice, is_script: bool) -> String {
    const TYPED: &[&str] = &[
        "export class S { x = 1; m() { return new S() } }",
        "export class S extends B { x: T; static s() { return 1 } }",
        "import { B, type T } from './b';",
        "import { B } from './c';",
        "import * as ns from './a';",
        "import d, { S } from './a';",
        "export * from './a';",
        "export * from './b';",
        "export { S as B } from './c';",
        "export * as T from './a';",
        "export type T = { x: S; y: B };",
        "export type T = S | B;",
        "export interface B { m(): T; x: ns.S }",
        "export interface B<P = S> extends T { y: P }",
        "export class B { m(cb: (t: T) => void) {} y = d }",
        "export function f() { return new B() }",
        "export function f(t: T): S { return t }",
        "export const g = () => f().m();",
        "export default class { x = f() }",
        "export default S;",
        "function user(s: S) { s.x.m().y; ns.S; ns.f().x; f().m(t => t.x); }",
        "const { x, y: { m } } = f(); x.m; m;",
        "declare global { interface B { z: S } }",
        "declare module './a' { interface B { w: T } export function h(): S }",
        "import { h } from './a'; h().x; let q: B; q.w; q.z;",
        "export namespace N { export const n = f(); export type S = B }",
        "import { N } from './c'; N.n.m(); let w: N.S; w.m;",
        "export enum E { A = 1, B }",
        "import { E } from './b'; E.A; E.B;",
        "class Broken {",
        "export = S;",
    ];
    const PLAIN: &[&str] = &[
        "const a = require('./a');",
        "const { S, f } = require('./b');",
        "module.exports = { S, f, ...require('./c') };",
        "module.exports = S;",
        "exports.f = () => new S();",
        "exports.S = class { constructor() { this.x = f() } m() { return this.x } };",
        "class S { constructor() { this.y = a } m() { return this.y.f() } }",
        "function f() { return a.f().m() }",
        "f().x.m(); new S().y; a.S; a.f().y;",
        "let v; v = new S(); v.m();",
        "const x = require(name);",
    ];
    let lines = if is_script { PLAIN } else { TYPED };
    (0..dice.roll(8)).map(|_| dice.pick(lines)).collect::<Vec<_>>().join("\n")
}

#[test]
fn random_edits_of_scripts_miss_no_dependent() {
    const PATHS: &[&str] =
        &["src/a.ts", "src/b.ts", "src/c.ts", "src/d.ts", "lib/a.js", "lib/b.js", "lib/c.js", "tsconfig.json"];
    const CONFIGS: &[&str] = &[
        "{}",
        "{ \"compilerOptions\": { \"baseUrl\": \"src\" } }",
        "{ \"compilerOptions\": { \"paths\": { \"./*\": [\"src/*\"] } } }",
    ];
    let mut dice = Dice(0x2545_F491_4F6C_DD1D);
    let mut before = Texts::new(&[("tsconfig.json", "{}"), ("src/a.ts", "")]);
    for _ in 0..600 {
        let mut after = Texts(before.0.clone());
        let mut changes = Vec::new();
        for _ in 0..=dice.roll(2) {
            let path: FilePath = dice.pick(PATHS).into();
            if changes.iter().any(|change: &Change| *change.path() == path) {
                continue;
            }
            let name = path.as_str().unwrap().to_owned();
            let text = match name.ends_with("json") {
                true => dice.pick(CONFIGS).to_owned(),
                false => random_text(&mut dice, name.ends_with("js")),
            };
            changes.push(match (after.0.contains_key(&path), dice.roll(4)) {
                (true, 0) if !name.ends_with("json") => {
                    after.0.remove(&path);
                    Change::Deletion { path }
                }
                (present, _) => {
                    after = after.with(&name, &text);
                    if present { Change::Modification { path } } else { Change::Addition { path } }
                }
            });
        }
        let impact = compare(&changes, &before, &after);
        assert!(impact.dependents.keys().all(|path| changes.iter().all(|change| change.path() != path)));
        if changes.iter().all(|change| matches!(change, Change::Modification { .. })) {
            let edited = changes.iter().map(|change| change.path().clone()).collect();
            assert_complete(&before.0, &after.0, &edited);
        }
        before = after;
    }
}
