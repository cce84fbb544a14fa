//! What an edit reaches covers what resolves otherwise, in a warm world and in a new one; and a world that follows edits equals a new one.

use std::collections::BTreeSet;
use std::sync::Arc;

use crate::domain::FilePath;
use crate::impact::{World, resolve};
use crate::language::eval::edit_tests::{Dice, Texts, assert_covers, assert_edit, said, texts};

/// What stands at the top of files.
const HEADS: &[&str] = &[
    "",
    "using P;",
    "using P.Sub;",
    "using static P.A;",
    "using X = P.A;",
    "using Y = P.Sub;",
    "global using P;",
    "global using static P.A;",
    "global using X = P.B;",
    "using P;\nusing P.Sub;",
    "[assembly: InternalsVisibleTo(\"p\")]",
];

/// Namespaces with types that name each other, some of them wrongly.
const TYPES: &[&str] = &[
    "namespace P { public class A { public static A Make() => new A(); public B Part; public A Go() => this; } }",
    "namespace P { public partial class A : B { public A(int n) { } public B Go(int n) => Part.Go(); public static int Count; } }",
    "namespace P { public partial class A { private B Kept => Go(1); public void Stay(int n) { Count += n; } } }",
    "namespace P { public class B { public const int LIMIT = 3; public A Part { get; set; } B Go() => this; public virtual void Stay(int n) { A.Make(); } } }",
    "namespace P { class B : IRuns { public void Run() { new A().Go().Part.Part.Stay(1); } public B Go() => null; } }",
    "namespace P { public class Box<T> where T : A { T value; public T Get() => value; public R Map<R>(Mapper<T, R> m) => m(value); } public delegate Y Mapper<X, Y>(X from); }",
    "namespace P.Sub { public interface IRuns { void Run(); A Part { get; } } public enum Kind { One = B.LIMIT, Two } }",
    "namespace P.Sub { public class C : B, IRuns { public void Run() { base.Stay(1); Part.Go(); } public override void Stay(int n) { } } }",
    "namespace P.Sub { public static class E { public static B Twice(this A a, int n = 2) => a.Part; internal static T Same<T>(this T it) => it; } }",
    "namespace P { public record R(A One, B Two) { public A First => One.Go(); } public partial struct S { public int X; } }",
    "namespace P { public partial struct S { public B Y; } public class MarkAttribute : System.Attribute { public int Of; } }",
    "namespace Q { class A { public A Go() => this; } class D : P.B { } }",
    "namespace Q { using P.Sub; class Use { void F(A a, P.B b) { a.Go().Part.Stay(2); b.Part.Twice().Stay(1); var k = Kind.Two; } } }",
    "class Use { int F(X one) { var r = new R(one, null); r.One.Go().Same(); return A.Count + (int)Y.Kind.One; } }",
    "class Use2 { void F(System.Collections.Generic.List<A> all) { foreach (var a in all) a.Go(); all[0].Part.Stay(1); Make().Go(); } }",
    "class Use3 { P.Sub.IRuns made; P.A F(Box<A> box) => box.Map(a => a.Part).Part as A; void G() { made.Part.Go(); Go(1); } }",
    "[Mark(Of = B.LIMIT)] class Use4 : C { void F(object o) { if (o is A { Part: var p }) p.Stay(1); switch (o) { case B b: b.Go(); break; } } }",
    "class Broken { void F( {",
    "class A { } class B { public A Part; }",
];

const PATHS: &[&str] =
    &["p/p.csproj", "p/A.cs", "p/B.cs", "q/q.csproj", "q/C.cs", "q/d/E.cs", "F.cs", "Directory.Build.props"];

const PROJECTS: &[&str] = &[
    "<Project />",
    "<Project><ItemGroup><ProjectReference Include=\"..\\q\\q.csproj\" /></ItemGroup></Project>",
    "<Project><ItemGroup><ProjectReference Include='../p/p.csproj' /><Using Include=\"P.Sub\" /></ItemGroup></Project>",
    "<Project><ItemGroup><ProjectReference Include='../q/q.csproj' /><InternalsVisibleTo Include=\"q\" /></ItemGroup></Project>",
];

fn random_text(path: &str, dice: &mut Dice) -> String {
    if is_settings(path) {
        return PROJECTS[dice.roll(PROJECTS.len())].to_owned();
    }
    let types = (0..1 + dice.roll(3)).map(|_| TYPES[dice.roll(TYPES.len())]).collect::<Vec<_>>();
    format!("{}\n{}\n", HEADS[dice.roll(HEADS.len())], types.join("\n"))
}

fn random_texts(dice: &mut Dice) -> Texts {
    PATHS.iter().map(|&path| (path.into(), said(&path.into(), &random_text(path, dice)))).collect()
}

/// Mostly sources: an edit of a project reaches much.
fn random_path(dice: &mut Dice) -> &'static str {
    let path = PATHS[dice.roll(PATHS.len())];
    if is_settings(path) && dice.roll(3) > 0 { PATHS[1] } else { path }
}

fn is_settings(path: &str) -> bool {
    path.ends_with("csproj") || path.ends_with("props")
}

#[test]
fn what_resolves_otherwise_is_reached() {
    let mut dice = Dice(0x2545_F491_4F6C_DD1D);
    let mut before = random_texts(&mut dice);
    let (mut spared, mut edges) = (0, 0);
    for _ in 0..600 {
        let mut after = before.clone();
        let edited: BTreeSet<FilePath> = (0..=dice.roll(2)).map(|_| FilePath::from(random_path(&mut dice))).collect();
        for path in &edited {
            after.insert(path.clone(), said(path, &random_text(&path.to_string(), &mut dice)));
        }
        spared += assert_edit(&before, &after, &edited);
        edges += resolve(&after).edges().len();
        before = after;
    }
    assert!(spared > 0 && edges > 2_000, "nothing was tested: {spared} files spared, {edges} edges");
}

/// A world of which only what an edit reaches is resolved again stays what a new one is, edit by edit.
#[test]
fn a_world_that_follows_edits_stays_complete() {
    let mut dice = Dice(0x9E37_79B9_7F4A_7C15);
    let mut files = random_texts(&mut dice);
    let mut world = World::new(&files);
    let (mut known, mut links) = (world.graph(), world.implements(None));
    let mut linked = 0;
    for _ in 0..300 {
        let path = FilePath::from(random_path(&mut dice));
        let outline = said(&path, &random_text(&path.to_string(), &mut dice));
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
        // Links stay those of the files that make them.
        links.retain(|link| !only.contains(&link.declared_in));
        links.extend(world.implements(Some(&only)));
        links.sort();
        assert_eq!(links, World::new(&files).implements(None), "after {path}, which reaches {only:?}");
        linked += links.len();
    }
    assert!(linked > 100, "{linked} links");
}

/// Files that come one by one, each reaching those that asked for it.
#[test]
fn a_type_that_comes_reaches_those_that_name_it() {
    let all = texts(&[
        ("Late.cs", "namespace P; public class Late { public void Go() { } public static Late Make() => null; }"),
        ("Quiet.cs", "namespace P; class Quiet { int x; }"),
        ("Near.cs", "namespace P; class Near { Late late; }"),
        ("Far.cs", "using P; namespace Q; class Far { void Use(Late late) { late.Go(); } }"),
        ("Full.cs", "namespace Q; class Full { P.Late late; }"),
        ("Static.cs", "using static P.Late; namespace Q; class Static { object o = Make(); }"),
        ("Other.cs", "namespace Q; class Other { string late; }"),
    ]);
    let late = FilePath::from("Late.cs");
    let mut files = all.clone();
    files.remove(&late);
    let old = resolve(&files);
    let mut world = World::new(&files);
    world.graph();
    let reach = world.edit(&[(late.clone(), Arc::clone(&all[&late]))]).unwrap();
    let expected = ["Far.cs", "Full.cs", "Late.cs", "Near.cs", "Static.cs"].map(FilePath::from);
    assert_eq!(reach.files, expected.into());
    assert_covers(&old, &resolve(&all), Some(reach), &[late].into(), &all);
    assert_eq!(world.graph(), resolve(&all));
}

/// What an edit of one file of a small world reaches besides itself.
fn reached(files: &[(&str, &str)], path: &str, text: &str) -> Vec<String> {
    let mut world = World::new(&texts(files));
    world.graph();
    let path = FilePath::from(path);
    let reach = world.edit(&[(path.clone(), said(&path, text))]).unwrap();
    reach.files.iter().filter(|file| **file != path).map(ToString::to_string).collect()
}

#[test]
fn a_body_or_comment_reaches_nobody() {
    let base = "using Q;\nnamespace P;\n/// <summary>Doc.</summary>\npublic class A : Base\n{\n  public const int Limit = 3;\n  private int size = 1;\n  public int Wide { get; set; } = 2;\n  public D Go(int n)\n  {\n    int y = n + 1;\n    return Part(y);\n  }\n}\n";
    let files = [
        ("P/A.cs", base),
        ("P/Base.cs", "namespace P; public class Base { public Q.D Part(int n) => null; }"),
        ("Q/D.cs", "namespace Q; public class D { public void More() { } }"),
        (
            "Use.cs",
            "using P; class Use { int x = A.Limit; void F(A a) { a.Go(1).More(); a.Part(2); new A(); a.Wide++; } }",
        ),
        ("Quiet.cs", "using P; class Quiet { Base b; }"),
    ];
    for other in [
        base.replace("int y = n + 1", "// why\n int y = n + 2; More(y)"),
        base.replace("Doc.", "Other words."),
        base.replace("size = 1", "size = 2"),
        base.replace("= 2;", "= 4;"),
        base.replace("public D Go", "public\n  D Go"),
        base.replace("  private int", "  private void Helper() { }\n  private int"),
    ] {
        assert_eq!(reached(&files, "P/A.cs", &other), [""; 0], "{other}");
    }
    for other in [
        base.replace("Limit = 3", "Limit = 4"),
        base.replace(" : Base", ""),
        base.replace("int n)", "int count)"),
        base.replace("int n)", "int n, int m = 1)"),
        base.replace("public D Go", "internal D Go"),
        base.replace("public D", "public string"),
        base.replace("using Q;", "using R;"),
        base.replace("  private int", "  public A(int n) { }\n  private int"),
        base.replace("namespace P", "namespace S"),
        base.replace("class A", "class AA"),
        base.replace("{ get; set; }", "{ get; }"),
    ] {
        assert_eq!(reached(&files, "P/A.cs", &other), ["Use.cs"], "{other}");
    }
}

#[test]
fn a_project_reaches_the_files_that_it_decides_about() {
    let reference = "<Project><ItemGroup><ProjectReference Include=\"..\\b\\b.csproj\" /></ItemGroup></Project>";
    let files = [
        ("a/a.csproj", "<Project />"),
        ("a/User.cs", "class User { B.Item item; }"),
        ("b/b.csproj", "<Project />"),
        ("b/Item.cs", "namespace B; public class Item { }"),
        ("c/c.csproj", "<Project />"),
        ("c/Other.cs", "class Other { int x; }"),
    ];
    assert_eq!(reached(&files, "a/a.csproj", "<Project><!-- said --></Project>"), [""; 0]);
    assert_eq!(reached(&files, "a/a.csproj", reference), ["a/User.cs"]);
    let with_using = "<Project><ItemGroup><Using Include=\"B\" /></ItemGroup></Project>";
    assert_eq!(reached(&files, "c/c.csproj", with_using), ["c/Other.cs"]);
    // What is handed on concerns its project alone.
    let mut given = files.to_vec();
    given.push(("a/Usings.cs", "global using B;"));
    assert_eq!(reached(&given, "a/Usings.cs", "global using C;"), ["a/User.cs"]);
}

/// One hash of all edges and contexts of some views.
fn resolved() -> String {
    let mut dice = Dice(0xD1B5_4A32_D192_ED03);
    let mut parts = Vec::new();
    for _ in 0..40 {
        let files = random_texts(&mut dice);
        let graph = resolve(&files);
        parts.push(format!("{:?} {:?}", graph.edges(), graph.via()));
        parts.extend(files.keys().map(|path| format!("{:?}", graph.uses(path))));
    }
    crate::domain::Hash::of_fields(parts.iter().map(String::as_bytes)).to_string()
}

#[test]
fn other_rules_have_another_version() {
    let golden = (3, "cb3aea993ab61c22713c4eead06cf767ea2637b076722c92ddf0a9625d746ff8");
    assert_eq!((super::FAMILY.version, resolved().as_str()), golden, "raise the version and put both in here");
}
