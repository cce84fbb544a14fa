//! What an edit reaches covers what resolves otherwise, in a warm world and in a new one; and a world that follows edits equals a new one.

use std::collections::BTreeSet;
use std::sync::Arc;

use crate::domain::FilePath;
use crate::impact::{World, resolve};
use crate::language::eval::edit_tests::{Dice, Texts, assert_covers, assert_edit, said, texts};

/// Declarations that name each other across packages, some of them wrongly.
const LINES: &[&str] = &[
    "import \"m/b\"",
    "import other \"m/b\"",
    "import . \"m/b\"",
    "import (\n\t\"m/a\"\n\t_ \"m/gone\"\n)",
    "import \"m\"",
    "import \"n/sub\"",
    "type A struct{ x int; B }",
    "type A struct {\n\t*b.B\n\tinner A2\n}",
    "type A interface{ Go() B; other.I }",
    "type A2 = A",
    "type A2 []A",
    "type A2 map[string]*B",
    "type B struct{ Name string; part A }",
    "type B struct{ A2 }",
    "type B func(A) b.B",
    "type I interface{ Go() *B }",
    "type Box[T any] struct{ held T; next *Box[T] }",
    "func (b *Box[E]) Get() E { return b.held }",
    "func (a *A) Go() B { return B{} }",
    "func (a A) Go() *A { return a.inner }",
    "func (b *B) Stay(n int) (A, error) { return b.part, nil }",
    "func (b B) Name2() I { return b }",
    "func Make() *A { return &A{x: 1} }",
    "func Make(n int) (*B, error) { return &B{Name: \"b\"}, nil }",
    "func Map[T, U any](all []T, f func(T) U) []U { return nil }",
    "func use() {\n\ta := Make()\n\ta.Go().Stay(1)\n\tb.Make()\n}",
    "func use(a A, c chan *B) {\n\tfor k, v := range a { k.Go(); v.part.Go() }\n\tone := <-c\n\tone.Name2().Go().Stay(2)\n}",
    "func use(x any) {\n\tswitch x := x.(type) {\n\tcase *A:\n\t\tx.inner.Go()\n\tcase b.B:\n\t\tx.Stay(3)\n\t}\n}",
    "func use2(b Box[A]) { b.Get().Go(); b.next.held.x++ }",
    "func use2() {\n\tfor _, one := range Map([]A{{x: 1}}, func(a A) B { return a.Go() }) { one.Stay(1) }\n}",
    "func use2() {\n\tb, err := other.Make(1)\n\tif err == nil { b.Stay(2) }\n\tvar i I = b\n\ti.Go().Name = \"x\"\n}",
    "var value = Make()",
    "var value, other = m.Make(2)",
    "var value A2",
    "var table = map[string]A{\"one\": {x: Limit}, Key: {inner: nil}}",
    "const (\n\tLimit = iota\n\tKey\n)",
    "const Key B = \"k\"",
    "func init() { value.Go(); table[Key].Go(); sub.Deep().x() }",
    "func Deep() *a.A { return nil }",
    "func Deep() A { return value }",
    "func broken( {",
    "type X struct { A; Make int",
];

/// Programs and tests in the same folders, and what the modules are called.
const PATHS: &[&str] = &[
    "m/a/a.go",
    "m/a/a2.go",
    "m/a/a_test.go",
    "m/b/b.go",
    "m/b/x_test.go",
    "m/m.go",
    "n/sub/s.go",
    "m/go.mod",
    "n/go.mod",
];

const CLAUSES: &[&str] = &["a", "a", "a", "b", "b_test", "m", "sub"];

const MODULES: &[&str] =
    &["module m\n", "module m\nreplace n => ../n\n", "module n\n", "module n\nuse ./sub\n", "go 1.22\n"];

fn random_text(path: &str, dice: &mut Dice) -> String {
    let Some(at) = PATHS.iter().position(|&known| known == path).filter(|&at| at < CLAUSES.len()) else {
        // A project file rarely changes.
        let usual = if path.starts_with('m') { MODULES[1] } else { MODULES[2] };
        return if dice.roll(8) == 0 { MODULES[dice.roll(MODULES.len())] } else { usual }.to_owned();
    };
    let clause = if dice.roll(30) == 0 { CLAUSES[dice.roll(CLAUSES.len())] } else { CLAUSES[at] };
    let lines = (0..1 + dice.roll(9)).map(|_| LINES[dice.roll(LINES.len())]);
    let mut lines: Vec<&str> = lines.collect();
    lines.sort_by_key(|line| !line.starts_with("import"));
    format!("package {clause}\n\n{}\n", lines.join("\n"))
}

#[test]
fn what_resolves_otherwise_is_reached() {
    let mut dice = Dice(0x2545_F491_4F6C_DD1D);
    let mut before: Texts =
        PATHS.iter().map(|&path| (path.into(), said(&path.into(), &random_text(path, &mut dice)))).collect();
    let mut spared = 0;
    for _ in 0..600 {
        let mut after = before.clone();
        let edited: BTreeSet<FilePath> =
            (0..=dice.roll(2)).map(|_| FilePath::from(PATHS[dice.roll(PATHS.len())])).collect();
        for path in &edited {
            let text = random_text(&path.to_string(), &mut dice);
            after.insert(path.clone(), said(path, &text));
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
    let mut files: Texts =
        PATHS.iter().map(|&path| (path.into(), said(&path.into(), &random_text(path, &mut dice)))).collect();
    let mut world = World::new(&files);
    let mut known = world.graph();
    for _ in 0..300 {
        let path = FilePath::from(PATHS[dice.roll(PATHS.len())]);
        let outline = said(&path, &random_text(&path.to_string(), &mut dice));
        files.insert(path.clone(), Arc::clone(&outline));
        let reach = world.edit(&[(path.clone(), outline)]).unwrap();
        let mut only = reach.files;
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

/// Files that come one by one, each reaching those that asked for it.
#[test]
fn a_file_that_comes_reaches_those_that_name_it() {
    let all = texts(&[
        ("go.mod", "module m\n"),
        ("p/late.go", "package p\n\nfunc (t *T) Go() {}\n\nfunc Late() T { return T{} }\n"),
        ("p/p.go", "package p\n\ntype T struct{}\n\nvar late = Late()\n"),
        ("p/quiet.go", "package p\n\nvar x = 1\n"),
        ("q/q.go", "package q\n\nimport \"m/p\"\n\nfunc q(t p.T) { t.Go() }\n"),
        ("s/s.go", "package s\n\nimport \"os\"\n"),
    ]);
    let late = FilePath::from("p/late.go");
    let mut files = all.clone();
    files.remove(&late);
    let old = resolve(&files);
    let mut world = World::new(&files);
    world.graph();
    let reach = world.edit(&[(late.clone(), Arc::clone(&all[&late]))]).unwrap();
    let expected = ["p/late.go", "p/p.go", "q/q.go"].map(FilePath::from);
    assert_eq!(reach.files, expected.into());
    assert_covers(&old, &resolve(&all), Some(reach), &[late].into(), &all);
    assert_eq!(world.graph(), resolve(&all));
}

#[test]
fn a_body_or_comment_reaches_nobody() {
    let base = "package p\n\n// T is it.\ntype T struct{ C *C }\n\nfunc (t *T) Go(n int) *C {\n\ty := n + 1\n\treturn t.C.Part(y)\n}\n\nfunc Make() *T { return &T{} }\n";
    let files = |base: &str| {
        texts(&[
            ("go.mod", "module m\n"),
            ("p/t.go", base),
            ("p/c.go", "package p\n\ntype C struct{}\n\nfunc (c *C) Part(n int) *C { return c }\n"),
            ("use.go", "package m\n\nimport \"m/p\"\n\nfunc use() { p.Make().Go(1).Part(2) }\n"),
        ])
    };
    let reach = |other: &str| {
        let mut world = World::new(&files(base));
        world.graph();
        let path = FilePath::from("p/t.go");
        world.edit(&[(path.clone(), said(&path, other))]).unwrap().files
    };
    for other in [
        base.replace("y := n + 1", "// why\n\ty := n + 2\n\tprintln(y)"),
        base.replace("// T is it.", "// T is this."),
        base.replace("func Make", "\n\nfunc Make"),
        format!("{base}\nfunc (t *T) unused() {{}}\n"),
    ] {
        let reached = reach(&other);
        assert!(reached.iter().all(|path| path.to_string() == "p/t.go"), "{reached:?} {other}");
    }
    let user = FilePath::from("use.go");
    for other in [
        base.replace("Go(n int)", "Go(n uint)"),
        base.replace("Go(n int) *C", "Go(n int) *T"),
        base.replace("func Make() *T", "func Make() *C"),
        base.replace("struct{ C *C }", "struct{ C *C; D int }"),
        base.replace("(t *T) Go", "(t *T) Gone"),
    ] {
        assert!(reach(&other).contains(&user), "{other}");
    }
}

/// One hash of all edges and contexts of some views.
fn resolved() -> String {
    let mut dice = Dice(0xD1B5_4A32_D192_ED03);
    let mut parts = Vec::new();
    for _ in 0..40 {
        let files: Texts =
            PATHS.iter().map(|&path| (path.into(), said(&path.into(), &random_text(path, &mut dice)))).collect();
        let graph = resolve(&files);
        parts.push(format!("{:?} {:?}", graph.edges(), graph.via()));
        parts.extend(files.keys().map(|path| format!("{:?}", graph.uses(path))));
    }
    crate::domain::Hash::of_fields(parts.iter().map(String::as_bytes)).to_string()
}

#[test]
fn other_rules_have_another_version() {
    let golden = (1, "b8d6f30a0ab87c5e753a8085e06e6d5bcbb025ef0c930b64963839edd5742d27");
    assert_eq!((super::FAMILY.version, resolved().as_str()), golden, "raise the version and put both in here");
}
