//! What a change of an interface or base class means for those who implement and extend it.

use super::*;

struct Case {
    files: &'static [(&'static str, &'static str)],
    /// The file that changes, and how.
    file: &'static str,
    edits: &'static [(&'static str, &'static str, &'static [&'static str])],
}

/// Below them all: `far` implements through an interface, or a class, of another file; `heir` has nothing of its own.
const CASES: &[Case] = &[
    Case {
        files: &[
            (
                "i.ts",
                "export interface S { save(x: number): void; size?: number }\nexport abstract class B { abstract run(a: number): void; twice(a: number): number { return a } private own(): void {} }\n",
            ),
            ("more.ts", "import { S } from './i';\nexport interface More extends S { more(): void }\n"),
            ("impl.ts", "import { S } from './i';\nexport class M implements S { save(x: number) {} }\n"),
            (
                "far.ts",
                "import { More } from './more';\nexport class F implements More { save(x: number) {} more() {} }\n",
            ),
            ("sub.ts", "import { B } from './i';\nexport class N extends B { run(a: number) {} }\n"),
            (
                "twice.ts",
                "import { B } from './i';\nexport class T extends B { run(a: number) {} twice(a: number) { return 1 } }\n",
            ),
            ("heir.ts", "import { N } from './sub';\nexport class H extends N { own() {} }\n"),
            ("made.ts", "import { S } from './i';\nexport const made: S = { save() {} };\n"),
        ],
        file: "i.ts",
        edits: &[
            ("save(x: number)", "save(x: string)", &["far.ts", "impl.ts", "made.ts", "more.ts"]),
            (
                "save(x: number): void;",
                "save(x: number): void; load(): void;",
                &["far.ts", "impl.ts", "made.ts", "more.ts"],
            ),
            ("save(x: number): void;", "", &["far.ts", "impl.ts", "made.ts", "more.ts"]),
            ("size?: number", "size: number", &["far.ts", "impl.ts", "made.ts", "more.ts"]),
            ("size?: number", "size?: number; note?: string", &[]),
            ("abstract run(a: number)", "abstract run(a: string)", &["sub.ts", "twice.ts"]),
            ("twice(a: number)", "twice(a: string)", &["twice.ts"]),
            ("{ return a }", "{ return a + 1 }", &[]),
        ],
    },
    Case {
        files: &[
            (
                "p/S.java",
                "package p;\npublic interface S { void save(int x); default int twice(int x) { return x; } }\n",
            ),
            ("p/More.java", "package p;\npublic interface More extends S { void more(); }\n"),
            ("p/M.java", "package p;\npublic class M implements S { public void save(int x) {} }\n"),
            (
                "p/F.java",
                "package p;\npublic class F implements More { public void save(int x) {} public void more() {} }\n",
            ),
            (
                "p/T.java",
                "package p;\npublic class T implements S { public void save(int x) {} public int twice(int x) { return 1; } }\n",
            ),
            ("p/H.java", "package p;\npublic class H extends M { }\n"),
            ("p/L.java", "package p;\npublic class L { S s = x -> {}; }\n"),
            ("p/A.java", "package p;\npublic class A { Object o = new S() { public void save(int x) {} }; }\n"),
        ],
        file: "p/S.java",
        edits: &[
            ("int x);", "String x);", &["p/A.java", "p/F.java", "p/L.java", "p/M.java", "p/More.java", "p/T.java"]),
            (
                "save(int x);",
                "save(int x); void load();",
                &["p/A.java", "p/F.java", "p/L.java", "p/M.java", "p/More.java", "p/T.java"],
            ),
            ("twice(int x)", "twice(long x)", &["p/T.java"]),
            ("{ return x; }", "{ return x + 1; }", &[]),
        ],
    },
    Case {
        files: &[
            ("S.cs", "namespace P;\npublic interface S { void Save(int x); int Twice(int x) { return x; } }\n"),
            (
                "B.cs",
                "namespace P;\npublic abstract class B : S { public abstract void Save(int x); public virtual int Size => 1; }\n",
            ),
            ("M.cs", "namespace P;\npublic class M : S { public void Save(int x) {} }\n"),
            ("F.cs", "namespace P;\npublic class F : B { public override void Save(int x) {} }\n"),
        ],
        file: "S.cs",
        edits: &[
            ("Save(int x);", "Save(string x);", &["B.cs", "F.cs", "M.cs"]),
            ("Save(int x);", "Save(int x); void Load();", &["B.cs", "F.cs", "M.cs"]),
            ("{ return x; }", "{ return x + 1; }", &[]),
        ],
    },
    Case {
        files: &[
            (
                "i.py",
                "from abc import ABC, abstractmethod\nclass B(ABC):\n    @abstractmethod\n    def run(self, a): ...\n    def twice(self, a): return a\n",
            ),
            ("m.py", "from i import B\nclass M(B):\n    def run(self, a): pass\n"),
            ("far.py", "from m import M\nclass F(M):\n    def twice(self, a): return 1\n"),
        ],
        file: "i.py",
        edits: &[
            ("run(self, a)", "run(self, a, b)", &["m.py"]),
            ("    def twice", "    @abstractmethod\n    def more(self): ...\n    def twice", &["far.py", "m.py"]),
            ("twice(self, a)", "twice(self, a, b)", &["far.py"]),
            ("return a", "return a + 1", &[]),
        ],
    },
    Case {
        files: &[
            (
                "i.hpp",
                "class S {\npublic:\n  virtual void save(int x) = 0;\n  virtual int twice(int x);\n  int plain(int x);\n};\n",
            ),
            ("i.cpp", "#include \"i.hpp\"\nint S::twice(int x) { return x; }\n"),
            ("m.hpp", "#include \"i.hpp\"\nclass M : public S {\npublic:\n  void save(int x) override;\n};\n"),
            (
                "far.hpp",
                "#include \"m.hpp\"\nclass F : public M {\n  int twice(int x) override;\n  int plain(int x);\n};\n",
            ),
        ],
        file: "i.hpp",
        edits: &[
            ("save(int x) = 0;", "save(long x) = 0;", &["m.hpp"]),
            ("save(int x) = 0;", "save(int x) = 0;\n  virtual void load() = 0;", &["far.hpp", "m.hpp"]),
            ("plain(int x)", "plain(long x)", &[]),
        ],
    },
];

/// The files that an edit touches.
fn touched(case: &Case, from: &str, to: &str) -> Vec<String> {
    let text = case.files.iter().find(|(path, _)| *path == case.file).unwrap().1;
    assert!(text.contains(from), "{from}");
    let before = Texts::new(case.files);
    let after = Texts::new(case.files).with(case.file, &text.replacen(from, to, 1));
    let impact = compare(&[Change::Modification { path: case.file.into() }], &before, &after);
    impact.dependents.keys().map(ToString::to_string).collect()
}

#[test]
fn a_member_reaches_those_who_provide_it() {
    for case in CASES {
        for (from, to, expected) in case.edits {
            assert_eq!(touched(case, from, to), *expected, "{}: {from} -> {to}", case.file);
        }
    }
}

/// What edits reach where only some files are resolved again.
#[test]
fn an_edit_of_an_interface_has_its_implementers_resolved_again() {
    for case in CASES {
        let text = case.files.iter().find(|(path, _)| *path == case.file).unwrap().1;
        for (from, to, _) in case.edits {
            let before = Texts::new(case.files);
            let after = Texts::new(case.files).with(case.file, &text.replacen(from, to, 1));
            let mut world = World::new(&before.0);
            world.graph();
            let path = FilePath::from(case.file);
            let reach = world.edit(&[(path.clone(), Arc::clone(&after.0[&path]))]).unwrap();
            let (old, new) = (before.graph(), after.graph());
            assert_eq!(world.graph(), new, "{from} -> {to}");
            for file in after.0.keys().filter(|file| **file != path && !reach.files.contains(*file)) {
                assert_eq!(old.uses(file), new.uses(file), "{file}: {from} -> {to}");
            }
        }
    }
}

/// The signature says what is asked for, not in which order.
#[test]
fn the_signature_of_an_interface_says_what_is_asked_for() {
    let of = |path: &str, text: &str| {
        let outline = outline(language_of(&path.into()), text).0;
        outline.symbols()[0].signature.clone()
    };
    let script = "interface S<T> { save(x: T): void; size?: number\n readonly id: string; (x: number): T }";
    assert_eq!(of("a.ts", script), "interface S<T> {(x: number): T, readonly id: string, save(x: T): void}");
    assert_eq!(of("a.ts", "interface S { size?: number }"), "interface S");
    let java = "interface S { /** Why. */ @A void save(int x) throws E; default void more() {} String toString(); }";
    assert_eq!(of("S.java", java), "interface S {void save(int) throws E}");
    assert_eq!(of("S.java", "interface S { void save(); void load(); }"), "interface S");
    assert_eq!(
        of("S.java", "@interface S { int b(); String a(); int c() default 1; }"),
        "@interface S {String a(); int b()}"
    );
    let sharp = "class R { public required int Id { get; init; } public int Plain { get; set; } }";
    assert_eq!(of("R.cs", sharp), "class R {public required int Id { get; init; }}");
}
