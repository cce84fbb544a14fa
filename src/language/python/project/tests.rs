//! Imports of small projects, and the files that they mean.

use super::*;
use crate::domain::FilePath;
use crate::language::Outline;

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

    fn project(&self) -> PythonProject {
        let files: Vec<ProjectFile<'_>> = self
            .files
            .iter()
            .map(|(path, outline)| ProjectFile { path, facts: outline.facts.as_deref(), is_own: true })
            .collect();
        PythonProject::new(&files)
    }

    /// `from a.b import c` is written `a.b c`.
    fn check(&self, from: &str, expected: &[(&str, &str)]) {
        let project = self.project();
        let number = self.files.iter().position(|(path, _)| path.to_string() == from).unwrap() as FileNo;
        for (written, file) in expected {
            let (specifier, name) = written.split_once(' ').unwrap_or((written, ""));
            let place = project.resolve(specifier, number);
            let place = if name.is_empty() { place } else { place.and_then(|place| project.inside(place, name)) };
            let found = place.map_or("nothing".to_owned(), |place| project.identity(place));
            assert_eq!(found, *file, "{written} in {from}");
        }
    }
}

#[test]
fn settings_choose_between_files_of_one_name() {
    let with = |settings: &str| {
        Planted::new(&[
            ("pyproject.toml", settings),
            ("lib/p/__init__.py", ""),
            ("old/p/__init__.py", ""),
            ("old/__init__.py", ""),
            ("tests/t.py", ""),
        ])
    };
    for settings in [
        "[tool.setuptools.packages.find]\nwhere = ['old']",
        "[tool.setuptools]\npackage-dir = {'' = 'old'}",
        "[tool.poetry]\npackages = [{include = 'p', from = './old/'}]",
        "[tool.hatch.build.targets.wheel]\npackages = ['old/p']",
        "[tool.hatch.build.targets.wheel]\nsources = ['old']",
        "[tool.pdm.build]\npackage-dir = 'old'",
        "[tool.uv.build-backend]\nmodule-root = 'old'",
        "[tool.maturin]\npython-source = 'old'",
        "[tool.pytest.ini_options]\npythonpath = ['old', 'gone', '../outside']",
        "[tool.mypy]\nmypy_path = '$MYPY_CONFIG_FILE_DIR/old:stubs'",
    ] {
        with(settings).check("tests/t.py", &[("p", "old/p/__init__.py")]);
    }
    for settings in ["", "[project]\nname = 'p'", "[tool.setuptools]\npackages = 3", "[tool\n"] {
        with(settings).check("tests/t.py", &[("p", "lib/p/__init__.py")]);
    }
}

#[test]
fn packages_may_lie_in_folders_of_other_names() {
    let view = Planted::new(&[
        ("pyproject.toml", "[tool.setuptools.package-dir]\n\"acme.tool\" = \"python\"\n"),
        ("python/__init__.py", ""),
        ("python/run.py", ""),
        ("python/deep/x.py", ""),
        ("tests/t.py", ""),
    ]);
    view.check(
        "tests/t.py",
        &[
            ("acme.tool", "python/__init__.py"),
            ("acme.tool.run", "python/run.py"),
            ("acme.tool run", "python/run.py"),
            ("acme.tool.deep.x", "python/deep/x.py"),
            ("acme.toolbox", "nothing"),
        ],
    );
}

#[test]
fn a_namespace_has_the_modules_of_all_its_folders() {
    let view = Planted::new(&[
        ("one/pyproject.toml", ""),
        ("one/src/acme/a.py", ""),
        ("one/tests/helper.py", ""),
        ("two/pyproject.toml", ""),
        ("two/src/acme/b.py", ""),
        ("two/src/acme/sub/c.py", ""),
        ("two/tests/t.py", ""),
        ("three/setup.py", ""),
        ("three/acme/d.py", ""),
        ("four/acme/e.py", ""),
    ]);
    view.check(
        "two/tests/t.py",
        &[
            ("acme a", "one/src/acme/a.py"),
            ("acme b", "two/src/acme/b.py"),
            ("acme.sub c", "two/src/acme/sub/c.py"),
            ("acme d", "three/acme/d.py"),
            ("acme.d", "three/acme/d.py"),
            ("acme e", "nothing"),
            ("tests helper", "nothing"),
        ],
    );
    view.check("one/src/acme/a.py", &[(".b", "two/src/acme/b.py"), (".a", "one/src/acme/a.py")]);
    let project = view.project();
    assert_eq!(project.module_path(5).as_deref(), Some("acme.sub.c"));
    assert_eq!(project.module_path(6).as_deref(), Some("t"));
}
