//! The promise, for TypeScript and JavaScript: a change analyses the files that use what changed, through barrels, packages of a
//! workspace and settings; what is stored is what an index from nothing would hold.

use std::collections::BTreeSet;

use crate::support::FollowedRepo;

/// A workspace: a library with a barrel, an application with an alias, a script, a page.
const FILES: [(&str, &str); 13] = [
    ("package.json", "{ \"name\": \"root\", \"private\": true, \"workspaces\": [\"packages/*\"] }\n"),
    (
        "packages/shapes/package.json",
        "{ \"name\": \"@w/shapes\", \"main\": \"dist/index.js\", \"types\": \"dist/index.d.ts\" }\n",
    ),
    ("packages/shapes/src/index.ts", "export * from './area.js';\nexport { default as draw } from './draw.js';\n"),
    (
        "packages/shapes/src/area.ts",
        "import type { Shape } from './shape.js';\n\nexport function area(shape: Shape) {\n  return shape.sides * 2;\n}\n\nexport function perimeter(shape: Shape): number {\n  return shape.sides;\n}\n",
    ),
    (
        "packages/shapes/src/shape.ts",
        "import { area } from './area.js';\n\nexport class Shape {\n  sides = 4;\n\n  size() {\n    return area(this);\n  }\n}\n",
    ),
    ("packages/shapes/src/draw.ts", "export default function draw(on: string) {\n  return on;\n}\n"),
    ("packages/app/package.json", "{ \"name\": \"app\" }\n"),
    (
        "packages/app/tsconfig.json",
        "{\n  // where the screens are\n  \"compilerOptions\": { \"baseUrl\": \".\", \"paths\": { \"@/*\": [\"src/*\"] } }\n}\n",
    ),
    (
        "packages/app/src/main.tsx",
        "import { area, draw } from '@w/shapes';\nimport { screen } from '@/screen';\n\nexport const main = () => draw(screen(area));\n",
    ),
    ("packages/app/src/screen.ts", "export function screen(of: unknown) {\n  return String(of);\n}\n"),
    ("packages/app/next/screen.ts", "export function screen(of: unknown) {\n  return String(of);\n}\n"),
    ("packages/app/src/main.test.ts", "import { main } from './main';\n\ntest('draws', () => {\n  main();\n});\n"),
    (
        "scripts/load.js",
        "const { perimeter } = require('@w/shapes');\n\nmodule.exports = name => require(name)(perimeter);\n",
    ),
];

fn set(paths: &[&str]) -> BTreeSet<String> {
    paths.iter().map(|&path| path.to_owned()).collect()
}

#[test]
fn a_workspace_is_linked_across_packages_and_aliases() {
    let repo = FollowedRepo::new(FILES);
    assert_eq!(
        repo.used("packages/app/src/main.tsx"),
        [
            "packages/app/src/screen.ts: screen",
            "packages/shapes/src/area.ts: area",
            "packages/shapes/src/draw.ts: draw"
        ]
    );
    assert_eq!(repo.used("scripts/load.js"), ["packages/shapes/src/area.ts: perimeter"]);
    assert_eq!(
        repo.used("packages/shapes/src/area.ts"),
        ["packages/shapes/src/shape.ts: Shape", "packages/shapes/src/shape.ts: Shape.sides"]
    );
    let deps = repo.agent.json(["deps", repo.path(), "scripts/load.js"]);
    assert_eq!(deps["may_depend"][0]["written"], "require(name)", "{deps:#}");
    repo.assert_sound();
}

#[test]
fn an_edit_of_a_script_reaches_its_users_alone() {
    let mut repo = FollowedRepo::new(FILES);
    let area = "packages/shapes/src/area.ts";
    assert_eq!(repo.edit(area, "shape.sides * 2", "shape.sides * 3"), set(&[area]));
    assert_eq!(repo.edit(area, "export function perimeter", "// round it\nexport function perimeter"), set(&[area]));
    assert_eq!(repo.edit(area, "perimeter(shape: Shape)", "perimeter(shape?: Shape)"), set(&[area, "scripts/load.js"]));
    assert_eq!(
        repo.edit(area, "area(shape: Shape)", "area(shape: Shape, unit: string)"),
        set(&[area, "packages/shapes/src/shape.ts", "packages/app/src/main.tsx"])
    );
    repo.assert_sound();
}

#[test]
fn a_function_moves_behind_its_barrel() {
    let mut repo = FollowedRepo::new(FILES);
    repo.repo.write("packages/shapes/src/round.ts", "import type { Shape } from './shape.js';\n\nexport function perimeter(shape: Shape): number {\n  return shape.sides;\n}\n");
    repo.repo.edit(
        "packages/shapes/src/area.ts",
        "\nexport function perimeter(shape: Shape): number {\n  return shape.sides;\n}\n",
        "",
    );
    repo.repo.edit(
        "packages/shapes/src/index.ts",
        "export * from './area.js';",
        "export * from './area.js';\nexport * from './round.js';",
    );
    repo.commit("move");
    assert_eq!(repo.used("scripts/load.js"), ["packages/shapes/src/round.ts: perimeter"]);
    repo.assert_sound();
}

#[test]
fn another_alias_reaches_the_files_that_write_it() {
    let mut repo = FollowedRepo::new(FILES);
    let analysed = repo.edit("packages/app/tsconfig.json", "src/*", "next/*");
    assert!(!analysed.contains("packages/shapes/src/area.ts"), "{analysed:?}");
    assert!(repo.used("packages/app/src/main.tsx").contains(&"packages/app/next/screen.ts: screen".to_owned()));
    repo.assert_sound();
}

#[test]
fn a_broken_script_keeps_what_can_be_read() {
    let mut repo = FollowedRepo::new(FILES);
    let area = "packages/shapes/src/area.ts";
    repo.edit(area, "return shape.sides * 2;\n}", "return shape.sides * ;\n");
    assert_eq!(repo.used("scripts/load.js"), ["packages/shapes/src/area.ts: perimeter"]);
    let bundle: String =
        (0..20_000).map(|at| format!("var a{at}=function(b){{return b.c{at}(a{})}};\n", at / 2)).collect();
    repo.repo.write("packages/app/public/bundle.js", &bundle);
    repo.commit("a bundle");
    repo.assert_sound();
}

/// An application in the manner of several years: prototypes, decorators, a shared configuration of another name.
const STORE: [(&str, &str); 10] = [
    ("package.json", "{ \"name\": \"store\", \"private\": true, \"main\": \"src/main.ts\" }\n"),
    ("tsconfig.json", "{ \"extends\": [\"./settings/base.json\"] }\n"),
    (
        "settings/base.json",
        "{\n  \"compilerOptions\": { \"strict\": true, \"paths\": { \"@/*\": [\"../src/*\"] } }\n}\n",
    ),
    ("src/main.ts", "import { Orders } from '@/orders';\n\nexport const orders = new Orders().all();\n"),
    ("next/orders.ts", "export class Orders {\n  all(): string[] {\n    return [];\n  }\n}\n"),
    (
        "src/orders.ts",
        "\u{feff}import { table, join } from './marks';\r\n\r\n@table('orders', { limit: 3 })\r\nexport class Orders {\r\n  all() {\r\n    return join(1);\r\n  }\r\n}\r\n\r\nexport const unused = 1;\r\n",
    ),
    (
        "src/marks.ts",
        "export function table(name: string, options: { limit: number }) {\n  return (target: unknown) => target;\n}\n\nexport function join(id: number): number;\nexport function join(id: any) {\n  return id;\n}\n",
    ),
    (
        "lib/queue.js",
        "function Queue () { this.jobs = [] }\nQueue.prototype.push = function (job) {\n  return this\n}\nmodule.exports = Queue\n",
    ),
    (
        "lib/worker.js",
        "const Queue = require('./queue')\n\nfunction Worker () {}\nrequire('util').inherits(Worker, Queue)\nmodule.exports = Worker\n",
    ),
    ("lib/run.js", "const Worker = require('./worker')\n\nnew (require('./queue'))().push(1)\n"),
];

#[test]
fn a_configuration_of_any_name_reaches_what_it_decides() {
    let mut store = FollowedRepo::new(STORE);
    let main = "src/main.ts";
    assert_eq!(store.used(main), ["src/orders.ts: Orders", "src/orders.ts: Orders.all"]);
    let base = "settings/base.json";
    assert_eq!(store.edit(base, "\"strict\": true", "\"strict\": false"), set(&[base]));
    assert_eq!(store.edit(base, "../src/*", "../next/*"), set(&[base, main]));
    assert_eq!(store.used(main), ["next/orders.ts: Orders", "next/orders.ts: Orders.all"]);
    store.assert_sound();
    store.repo.rename(base, "settings/other.json");
    store.edit("tsconfig.json", "base.json", "other.json");
    assert_eq!(store.used(main), ["next/orders.ts: Orders", "next/orders.ts: Orders.all"]);
    store.assert_sound();
}

#[test]
fn decorators_overloads_and_prototypes_reach_users() {
    let mut store = FollowedRepo::new(STORE);
    let (orders, main) = ("src/orders.ts", "src/main.ts");
    assert_eq!(store.edit(orders, "limit: 3", "limit: 4"), set(&[orders, main]));
    let marks = "src/marks.ts";
    let overload = "export function join(id: string): string;\nexport function join(id: number): number;";
    assert_eq!(store.edit(marks, "export function join(id: number): number;", overload), set(&[marks, orders]));
    assert_eq!(store.edit(orders, "join(1)", "join(2)"), set(&[orders]));

    let queue = "lib/queue.js";
    let used = ["lib/queue.js: Queue", "lib/queue.js: Queue.push", "lib/worker.js: Worker"];
    assert_eq!(store.used("lib/run.js"), used);
    assert_eq!(store.edit(queue, "return this", "this.jobs.push(job)\n  return this"), set(&[queue]));
    assert_eq!(store.edit(queue, "function (job)", "function (job, first)"), set(&[queue, "lib/run.js"]));
    store.assert_sound();
}

#[test]
fn exports_that_nothing_uses_are_listed() {
    let store = FollowedRepo::new(STORE);
    let deps = store.agent.json(["deps", store.path(), "--unused"]);
    let unused = deps["unused_exports"].as_array().unwrap();
    assert_eq!(unused.len(), 1, "{unused:#?}");
    assert_eq!((&unused[0]["path"], &unused[0]["name"]), (&"src/orders.ts".into(), &"unused".into()));
    let said = store.agent.ok(["deps", store.path(), "--unused"]);
    assert_eq!(said, "src/orders.ts:10 exports unused: no file uses it\n");
    assert_eq!(store.agent.json(["deps", store.path()]).get("unused_exports"), None);
    let none = store.agent.ok(["deps", store.path(), "src/marks.ts", "--unused"]);
    assert_eq!(none, "no exported name is unused, as far as that is certain\n");
}
