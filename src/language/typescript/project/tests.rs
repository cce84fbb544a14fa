//! Specifiers of small projects, and the files that they mean.

use super::*;
use crate::domain::FilePath;
use crate::language::Outline;

/// A view of files, those of projects with their texts.
struct Planted {
    files: Vec<(FilePath, Outline)>,
}

impl Planted {
    fn new(files: &[(&str, &str)]) -> Self {
        let outline = |&(path, text): &(&str, &str)| {
            let path = FilePath::from(path);
            let outline = crate::outline::outline(crate::language::of(&path), text).0;
            (path, outline)
        };
        Self { files: files.iter().map(outline).collect() }
    }

    fn resolve(&self, specifier: &str, from: &str) -> String {
        let files: Vec<ProjectFile<'_>> = self
            .files
            .iter()
            .map(|(path, outline)| ProjectFile { path, facts: outline.facts.as_deref(), is_own: true })
            .collect();
        let project = ScriptProject::of(&files);
        let number = self.files.iter().position(|(path, _)| path.to_string() == from).unwrap();
        match project.resolve(specifier, number as FileNo) {
            Some(Place::File(file)) => self.files[file as usize].0.to_string(),
            Some(Place::Folder(_)) => "a folder".to_owned(),
            None => "nothing".to_owned(),
        }
    }

    fn check(&self, from: &str, expected: &[(&str, &str)]) {
        for (specifier, file) in expected {
            assert_eq!(self.resolve(specifier, from), *file, "{specifier} in {from}");
        }
    }
}

#[test]
fn relative_specifiers_follow_typescripts_substitutions() {
    let view = Planted::new(&[
        ("src/a.ts", ""),
        ("src/b.ts", ""),
        ("src/c.d.ts", ""),
        ("src/c.js", ""),
        ("src/d.mts", ""),
        ("src/e/index.tsx", ""),
        ("src/f.vue", ""),
        ("src/g.json", "{}"),
        ("src/h.js", ""),
        ("index.ts", ""),
    ]);
    view.check(
        "src/a.ts",
        &[
            ("./b", "src/b.ts"),
            ("./b.js", "src/b.ts"),
            ("./b.ts", "src/b.ts"),
            ("./c", "src/c.d.ts"),
            ("./c.js", "src/c.d.ts"),
            ("./d.mjs", "src/d.mts"),
            ("./e", "src/e/index.tsx"),
            ("./e/", "src/e/index.tsx"),
            ("./f.vue", "src/f.vue"),
            ("./f", "src/f.vue"),
            ("./g.json", "src/g.json"),
            ("./h", "src/h.js"),
            ("./f.vue?raw", "src/f.vue"),
            ("..", "index.ts"),
            ("./none", "nothing"),
            ("react", "nothing"),
            ("../../outside", "nothing"),
        ],
    );
}

#[test]
fn paths_of_the_nearest_configuration_count() {
    let base = r#"{ /* shared */ "compilerOptions": { "baseUrl": ".", "paths": { "@/*": ["src/*"], "one": ["src/one.ts"] }, }, }"#;
    let view = Planted::new(&[
        ("tsconfig.base.json", base),
        (
            "tsconfig.json",
            r#"{ "extends": ["./tsconfig.base.json", "@tsconfig/node20/tsconfig.json"], "include": ["src"] }"#,
        ),
        ("src/one.ts", ""),
        ("src/deep/two.ts", ""),
        ("test/one.test.ts", ""),
        ("app/tsconfig.json", r#"{ "compilerOptions": { "paths": { "@/*": ["./lib/*"] } } }"#),
        ("app/lib/one.ts", ""),
        ("app/main.ts", ""),
    ]);
    view.check("src/deep/two.ts", &[("@/one", "src/one.ts"), ("one", "src/one.ts"), ("src/one", "src/one.ts")]);
    view.check("test/one.test.ts", &[("@/deep/two", "src/deep/two.ts")]);
    view.check("app/main.ts", &[("@/one", "app/lib/one.ts"), ("one", "nothing")]);
}

#[test]
fn packages_of_a_workspace_are_found_by_name() {
    let view = Planted::new(&[
        ("package.json", r#"{ "name": "root", "workspaces": ["packages/*"] }"#),
        ("packages/a/package.json", r#"{ "name": "@w/a", "main": "./dist/index.js", "types": "./dist/index.d.ts" }"#),
        ("packages/a/src/index.ts", ""),
        ("packages/a/src/more.ts", ""),
        (
            "packages/b/package.json",
            r##"{ "name": "b", "exports": { ".": { "import": "./dist/main.mjs" }, "./sub/*": "./dist/esm/*.js", "./odd": { "@b/source": "./src/odd.ts", "default": "./bundle.min.js" } }, "imports": { "#in/*": "./src/*.ts" } }"##,
        ),
        ("packages/b/src/main.ts", ""),
        ("packages/b/src/sub.ts", ""),
        ("packages/b/src/odd.ts", ""),
        ("packages/c/package.json", r#"{ "name": "c" }"#),
        ("packages/c/src/index.ts", ""),
    ]);
    view.check(
        "packages/c/src/index.ts",
        &[
            ("@w/a", "packages/a/src/index.ts"),
            ("@w/a/dist/more", "packages/a/src/more.ts"),
            ("@w/a/src/more", "packages/a/src/more.ts"),
            ("b", "packages/b/src/main.ts"),
            ("b/sub/sub", "packages/b/src/sub.ts"),
            ("b/odd", "packages/b/src/odd.ts"),
            ("c", "packages/c/src/index.ts"),
            ("#in/sub", "nothing"),
            ("d", "nothing"),
        ],
    );
    view.check("packages/b/src/main.ts", &[("#in/sub", "packages/b/src/sub.ts"), ("b", "packages/b/src/main.ts")]);
}

#[test]
fn damaged_manifests_leave_the_rest_as_it_is() {
    let view = Planted::new(&[
        ("package.json", "{ \"name\": "),
        ("tsconfig.json", "[]"),
        ("a/tsconfig.json", r#"{ "extends": "./tsconfig.json", "references": [{ "path": "../none" }] }"#),
        ("a/b.ts", ""),
        ("a/c.ts", ""),
    ]);
    view.check("a/b.ts", &[("./c", "a/c.ts"), ("c", "nothing")]);
}

#[test]
fn a_configuration_extends_files_of_any_name() {
    let aliased =
        |to: &str| format!("{{ // shared\n \"compilerOptions\": {{ \"paths\": {{ \"@/*\": [\"{to}/*\"] }} }} }}");
    let (near, named, exported, plain) =
        (aliased("./near"), aliased("../../near"), aliased("../near"), aliased("./all"));
    let configs = [
        ("\"./base.json\"", "a/near/x.ts"),
        ("\"./base\"", "a/near/x.ts"),
        ("[\"./none.json\", \"./base.json\"]", "a/near/x.ts"),
        ("[\"./base.json\", \"@w/config/strict.json\"]", "config/near/x.ts"),
        ("\"@w/config/strict.json\"", "config/near/x.ts"),
        ("\"@w/config/strict\"", "config/near/x.ts"),
        ("\"@w/config/next\"", "config/near/x.ts"),
        ("\"@w/config\"", "config/all/x.ts"),
        ("\"./tsconfig.json\"", "nothing"),
        ("\"@w/none/base.json\"", "nothing"),
    ];
    for (extends, expected) in configs {
        let config = format!("{{ \"extends\": {extends}, \"include\": [\"src\"] }}");
        let view = Planted::new(&[
            ("a/tsconfig.json", &config),
            ("a/base.json", &near),
            ("a/near/x.ts", ""),
            ("a/src/main.ts", ""),
            (
                "config/package.json",
                r#"{ "name": "@w/config", "tsconfig": "root.json", "exports": { "./next": "./deep/next.json" } }"#,
            ),
            ("config/strict.json", &aliased("near")),
            ("config/deep/next.json", &exported),
            ("config/root.json", &plain),
            ("config/near/x.ts", ""),
            ("config/all/x.ts", ""),
            ("config/other.json", &named),
        ]);
        view.check("a/src/main.ts", &[("@/x", expected)]);
    }
}

#[test]
fn data_that_is_no_configuration_says_nothing() {
    let view = Planted::new(&[
        ("tsconfig.json", r#"{ "extends": "./data.json" }"#),
        ("data.json", r#"{ "paths": { "@/*": ["src/*"] } }"#),
        ("src/x.ts", ""),
    ]);
    assert!(view.files[1].1.facts.is_none());
    view.check("src/x.ts", &[("@/x", "nothing"), ("./x", "src/x.ts")]);
}
