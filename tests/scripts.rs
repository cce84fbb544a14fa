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
