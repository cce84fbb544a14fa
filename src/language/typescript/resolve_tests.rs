//! What scripts use of each other where they are older than classes, and what they export in vain.

use crate::impact::{UnusedExport, World, resolve};
use crate::language::SymbolKind;
use crate::language::eval::edit_tests::texts;

fn used(files: &[(&str, &str)], user: &str) -> Vec<String> {
    let files = texts(files);
    let graph = resolve(&files);
    let own = graph.edges().iter().filter(|edge| edge.dependent_file == user.into());
    let shown = own.map(|edge| format!("{}: {}", edge.source_file, edge.symbol_name));
    let mut all: Vec<String> = shown.filter(|edge| !edge.ends_with(": module")).collect();
    all.sort();
    all.dedup();
    all
}

/// What a file names of the repository, and that is not there.
fn missing(files: &[(&str, &str)], user: &str) -> Vec<String> {
    let graph = resolve(&texts(files));
    let uses = graph.uses(&user.into());
    uses.iter().filter(|one| one.kind == SymbolKind::Unresolved).map(|one| one.written.clone()).collect()
}

#[test]
fn what_a_module_takes_from_outside_is_not_missing() {
    let facade = "'use strict'\nif (process.env.NODE_ENV === 'production') {\n  module.exports = require('./dist/a.prod.js')\n} else {\n  module.exports = require('./dist/a.js')\n}\n";
    let wrapped = "(function (factory) {\n  if (typeof module === 'object') module.exports = factory()\n})(function () { return {} })\n";
    let files = [
        ("package.json", r#"{ "private": true, "workspaces": ["packages/*"] }"#),
        ("packages/a/package.json", r#"{ "name": "a", "main": "index.js" }"#),
        ("packages/a/index.js", facade),
        ("wrapped.js", wrapped),
        (
            "src/index.ts",
            "export { parse as read } from '@babel/parser'\nexport * from './more'\nexport * from './ring'\n",
        ),
        ("src/more.ts", "export * from 'elsewhere'\nexport const own = 1\n"),
        ("src/ring.ts", "export * from './index'\nexport const round = 1\n"),
        ("src/closed.ts", "export * from './own'\nimport { x } from 'elsewhere'\nexport { x as handed }\n"),
        ("src/own.ts", "export const own = 1\n"),
        ("src/Page.vue", "<script setup lang='ts'>\nconst a = 1\n</script>\n<template>{{ a }}</template>\n"),
        ("src/Box.svelte", "<script>\nexport let a\n</script>\n<p>{a}</p>\n"),
        (
            "src/user.ts",
            "import { ref } from 'a'\nimport w, { v } from '../wrapped'\nimport { read, any, own } from './index'\nimport Page from './Page.vue'\nimport Box from './Box.svelte'\nimport text from './own.ts?raw'\nimport * as all from './closed.ts?worker'\nimport made from './dist/made'\nimport { handed, gone } from './closed'\nimport Lost from './Lost.vue'\nimport lost from './made'\nimport { never } from './own'\n",
        ),
    ];
    assert_eq!(missing(&files, "packages/a/index.js"), [""; 0]);
    assert_eq!(missing(&files, "src/user.ts"), ["./Lost.vue", "./closed.gone", "./made", "./own.never"]);
    let built = [("dist/other.js", "exports.a = 1\n"), ("user.js", "const { a } = require('./dist/made')\na\n")];
    assert_eq!(missing(&built, "user.js"), ["./dist/made"]);
}

#[test]
fn what_a_branch_exports_is_offered() {
    let files = [
        (
            "a.js",
            "class Fast {}\nif (process.env.A) {\n  module.exports = Fast\n  exports.late = function () { return new Fast() }\n}\n",
        ),
        ("b.js", "const Fast = require('./a')\nnew Fast()\nFast.late()\n"),
    ];
    let found = used(&files, "b.js");
    assert!(found.contains(&"a.js: Fast".to_owned()), "{found:?}");
}

const QUEUE: &str = "const util = require('util')
const Base = require('./base')

function Queue (name, log) {
  if (!(this instanceof Queue)) return new Queue(name, log)
  Base.call(this)
  this.name = name
  this.log = new log.Log()
}
util.inherits(Queue, Base)

Queue.prototype.push = function push (job) {
  this.log.write(job)
  return this
}
Queue.prototype.first = Queue.prototype.peek = function () { return this.open() }
Object.assign(Queue.prototype, {
  drain () { return this.push },
  later: function (n) { return this },
  limit: 3
})
Object.defineProperty(Queue.prototype, 'size', { get () { return 1 } })
Queue.of = function (name) { return new Queue(name) }
Queue.MOST = 10

module.exports = Queue
";

const BASE: &str = "function Base () {}
Base.prototype = { open () { return this }, close: function () {} }
var Other = function () {}
Other.prototype = Object.create(Base.prototype)
Other.prototype.more = function () {}
exports.Other = Other
module.exports = Base
module.exports.Other = Other
";

#[test]
fn members_of_prototypes_are_found() {
    let user = "const Queue = require('./queue')
const queue = new Queue('a')
queue.push(1).later(2).drain()
queue.first()
queue.close()
queue.size
queue.name
Queue.of('b').limit
Queue.MOST
queue.none()
";
    let files = [("queue.js", QUEUE), ("base.js", BASE), ("user.js", user)];
    assert_eq!(
        used(&files, "user.js"),
        [
            "base.js: Base.close",
            "queue.js: Queue",
            "queue.js: Queue.MOST",
            "queue.js: Queue.drain",
            "queue.js: Queue.first",
            "queue.js: Queue.later",
            "queue.js: Queue.limit",
            "queue.js: Queue.name",
            "queue.js: Queue.of",
            "queue.js: Queue.push",
            "queue.js: Queue.size"
        ]
    );
    assert!(used(&files, "queue.js").contains(&"base.js: Base.open".to_owned()), "{:?}", used(&files, "queue.js"));
    let other = "const { Other } = require('./base')\nconst other = new Other()\nother.more()\nother.open()\n";
    let files = [("base.js", BASE), ("user.js", other)];
    let found = used(&files, "user.js");
    assert!(found.contains(&"base.js: Base.open".to_owned()), "{found:?}");
    assert!(found.contains(&"base.js: Other.more".to_owned()), "{found:?}");
}

#[test]
fn a_prototype_of_another_module_stays_its_own() {
    let files = [
        ("a.js", "function A () {}\nA.prototype.go = function () {}\nmodule.exports = A\n"),
        ("b.js", "const A = require('./a')\nA.prototype.more = function () { return A }\nnew A().go()\n"),
    ];
    assert_eq!(used(&files, "b.js"), ["a.js: A", "a.js: A.go"]);
}

#[test]
fn an_import_may_stand_for_a_namespace() {
    let module =
        "export namespace Lib {\n  export class Ev {\n    prop = 1;\n    static make() { return new Ev() }\n  }\n}\n";
    for (user, member) in [
        ("import L = Lib;\nexport function g(e: L.Ev) { return e.prop }\n", "prop"),
        ("import L = Lib;\nexport const g = new L.Ev().prop;\n", "prop"),
        ("import L = all.Lib;\nexport function g(e: L.Ev) { return e.prop }\n", "prop"),
        ("import E = Lib.Ev;\nexport function g(e: E) { return e.prop }\n", "prop"),
        ("import E = Lib.Ev;\nexport const g = E.make();\n", "make"),
    ] {
        let user = format!("import {{ Lib }} from './m'\nimport * as all from './m'\n{user}");
        let found = used(&[("m.ts", module), ("u.ts", &user)], "u.ts");
        for expected in ["m.ts: Lib.Ev".to_owned(), format!("m.ts: Lib.Ev.{member}")] {
            assert!(found.contains(&expected), "{expected} in {found:?}: {user}");
        }
    }
    // Aliases that lead in a ring end.
    let ring = "import A = B.x;\nimport B = A.y;\nexport const g = A.z;\n";
    assert_eq!(used(&[("m.ts", module), ("u.ts", ring)], "u.ts"), [""; 0]);
}

fn unused(files: &[(&str, &str)]) -> Vec<String> {
    let files = texts(files);
    let world = World::new(&files);
    let found = world.unused_exports(world.graph().edges());
    let shown = |one: &UnusedExport| {
        let own = if one.is_used_here { " (used here)" } else { "" };
        format!("{}:{} {}{own}", one.file, one.line, one.name)
    };
    found.iter().map(shown).collect()
}

#[test]
fn an_export_that_nothing_uses_is_found() {
    let files = [
        ("package.json", r#"{ "name": "lib", "main": "./dist/index.js", "bin": { "lib": "./bin/lib.js" } }"#),
        ("bin/lib.js", "const { run } = require('../src/run')\nrun()\nexports.left = 1\n"),
        ("src/index.ts", "export * from './public'\nexport { one as first } from './parts'\nexport const extra = 1\n"),
        ("src/public.ts", "import { helper } from './parts'\nexport const api = helper()\nexport type Options = {}\n"),
        (
            "src/parts.ts",
            "export const one = 1, two = 2\nexport function helper() { return inner() }\nexport function inner() {}\nexport type Mine = { a: Yours }\nexport interface Yours { b: 1 }\nexport class Left {}\nconst kept = 1\nexport { kept as handed, two as second }\n",
        ),
        ("src/run.ts", "export function run() {}\nexport default function never() {}\n"),
        ("src/whole.ts", "export const a = 1\nexport const b = 2\n"),
        (
            "src/test.ts",
            "import * as whole from './whole'\nimport { tested } from './tested'\nconsole.log(whole, tested)\n",
        ),
        ("src/tested.ts", "export const tested = 1\nexport const spoken = 2\n"),
        ("src/tested.test.ts", "import { tested, spoken } from './tested'\nspoken\n"),
        ("src/alone.ts", "export const script = 1\n"),
        ("src/types.d.ts", "export const declared: number\n"),
        ("src/uses.ts", "import { declared } from './types'\n"),
        ("src/page.vue", "<script>\nimport { Left2 } from './parts'\nexport default {}\n</script>\n"),
    ];
    assert_eq!(
        unused(&files),
        [
            "src/parts.ts:1 two",
            "src/parts.ts:3 inner (used here)",
            "src/parts.ts:4 Mine",
            "src/parts.ts:6 Left",
            "src/parts.ts:7 handed",
            "src/parts.ts:1 second",
            "src/run.ts:2 default"
        ]
        .iter()
        .map(|one| (*one).to_owned())
        .collect::<std::collections::BTreeSet<_>>()
        .into_iter()
        .collect::<Vec<_>>()
    );
}

#[test]
fn what_others_may_import_is_no_unused_export() {
    let parts = "export const one = 1\nexport const two = 2\n";
    let user = "import { one } from './parts'\none\n";
    let with = |manifest: &str| unused(&[("package.json", manifest), ("src/parts.ts", parts), ("src/user.ts", user)]);
    assert_eq!(with(r#"{ "name": "a", "main": "src/user.ts" }"#), ["src/parts.ts:2 two"]);
    assert_eq!(with(r#"{ "private": true }"#), ["src/parts.ts:2 two"]);
    for manifest in [
        r#"{ "name": "a", "exports": { ".": "./src/user.ts", "./*": "./src/*.ts" } }"#,
        r#"{ "name": "a", "exports": { "./*": { "types": "./dist/*.d.ts", "default": "./dist/*.js" } } }"#,
        r#"{ "name": "a", "types": "./src/parts.ts" }"#,
        r#"{ "name": "a", "browser": { "./x.js": "./src/parts.ts" } }"#,
    ] {
        assert_eq!(with(manifest), [""; 0], "{manifest}");
    }
    // An entry that no file of the view is built into stands for the usual one.
    let built = [
        (
            "package.json",
            r#"{ "name": "a", "exports": { ".": "./build/modern/index.js", "./package.json": "./package.json" } }"#,
        ),
        ("src/index.ts", "export * from './parts'\n"),
        ("src/parts.ts", parts),
        ("src/user.ts", user),
    ];
    assert_eq!(unused(&built), [""; 0]);
    // Without a package nothing says what others import.
    assert_eq!(unused(&[("src/parts.ts", parts), ("src/user.ts", user)]), [""; 0]);
    // A name that a file which sees it writes may be meant.
    let loose = "import { one } from './parts'\none; globalThis.two\n";
    assert_eq!(unused(&[("package.json", "{}"), ("src/parts.ts", parts), ("src/user.ts", loose)]), [""; 0]);
}
