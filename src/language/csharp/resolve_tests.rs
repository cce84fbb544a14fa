//! What names mean in C#: namespaces, directives, projects, parts of types, extension methods, and names that many files define.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use crate::domain::{FilePath, Implements};
use crate::impact::{World, resolve};
use crate::language::{Outline, of};
use crate::outline::outline;

fn said(files: &[(String, String)]) -> BTreeMap<FilePath, Arc<Outline>> {
    let texts = files.iter().map(|(path, text)| {
        let path = FilePath::from(path.as_str());
        let said = outline(of(&path), text).0;
        (path, Arc::new(said))
    });
    texts.collect()
}

pub(super) fn edges_of(files: &[(String, String)]) -> BTreeSet<String> {
    let graph = resolve(&said(files));
    let edges = graph.edges().iter().chain(graph.via());
    edges.map(|edge| format!("{} > {}: {}", edge.dependent_file, edge.source_file, edge.symbol_name)).collect()
}

pub(super) fn owned(files: &[(&str, &str)]) -> Vec<(String, String)> {
    files.iter().map(|&(path, text)| (path.to_owned(), text.to_owned())).collect()
}

/// `B.cs: B.Go` for each edge of a file.
#[track_caller]
fn assert_used(files: &[(&str, &str)], user: &str, expected: &[&str]) {
    let all = edges_of(&owned(files));
    let start = format!("{user} > ");
    let used: BTreeSet<&str> = all.iter().filter_map(|edge| edge.strip_prefix(&start)).collect();
    assert_eq!(used, expected.iter().copied().collect(), "{files:#?}");
}

#[test]
fn namespaces_are_seen_from_inside_out() {
    let b = ("any/B.cs", "namespace P.Q { public class B { public static B Of() => null; } }");
    for (user, is_used) in [
        ("namespace P.Q; class C { object o = B.Of(); }", true),
        ("namespace P.Q.R; class C { object o = B.Of(); }", true),
        ("namespace P { class C { object o = Q.B.Of(); } }", true),
        ("using P.Q; class C { object o = B.Of(); }", true),
        ("global using P.Q; class C { object o = B.Of(); }", true),
        ("namespace X { using P.Q; class C { object o = B.Of(); } }", true),
        ("namespace P { using Q; class C { object o = B.Of(); } }", true),
        ("namespace X; class C { object o = P.Q.B.Of(); }", true),
        ("namespace X; class C { object o = global::P.Q.B.Of(); }", true),
        ("using B2 = P.Q.B; class C { object o = B2.Of(); }", true),
        ("using Z = P.Q; class C { object o = Z.B.Of(); Z::B b; }", true),
        ("using static P.Q.B; class C { object o = Of(); }", true),
        ("using P.Q; System.Console.WriteLine(B.Of());", true),
        ("namespace X; class C { object o = B.Of(); }", false),
        ("using P; class C { object o = B.Of(); }", false),
        ("using P.Q; class C { class B { public static B Of() => null; } object o = B.Of(); }", false),
        ("using P.Q; class B { public static B Of() => null; } class C { object o = B.Of(); }", false),
        ("namespace P.Q.R; class B { public static B Of() => null; } class C { object o = B.Of(); }", false),
    ] {
        let expected: &[&str] = if is_used { &["any/B.cs: B", "any/B.cs: B.Of"] } else { &[] };
        assert_used(&[b, ("C.cs", user)], "C.cs", expected);
    }
}

#[test]
fn an_alias_may_stand_for_a_namespace_of_one_word() {
    let ev = ("b/Ev.cs", "namespace Lib { public class Ev { public int Prop; public const int K = 1; } }");
    let projects = [
        ("a/a.csproj", "<Project><ItemGroup><ProjectReference Include=\"..\\b\\b.csproj\" /></ItemGroup></Project>"),
        ("b/b.csproj", "<Project />"),
    ];
    for (user, expected) in [
        ("using L = Lib; class A { int G(L.Ev e) { return e.Prop; } }", &["b/Ev.cs: Ev", "b/Ev.cs: Ev.Prop"][..]),
        ("using L = Lib; class A { int G(L::Ev e) { return e.Prop; } }", &["b/Ev.cs: Ev", "b/Ev.cs: Ev.Prop"]),
        ("using L = Lib; class A { object o = new L.Ev(); }", &["b/Ev.cs: Ev"]),
        ("using L = Lib; class A { int n = L.Ev.K; }", &["b/Ev.cs: Ev", "b/Ev.cs: Ev.K"]),
        ("global using L = Lib; class A { L.Ev e; }", &["b/Ev.cs: Ev"]),
        ("using L = Other; class A { L.Ev e; }", &[]),
    ] {
        assert_used(&[ev, ("a/A.cs", user)], "a/A.cs", expected);
        assert_used(&[ev, projects[0], projects[1], ("a/A.cs", user)], "a/A.cs", expected);
    }
}

#[test]
fn directives_that_are_global_count_in_their_project() {
    let files = [
        ("a/a.csproj", "<Project><ItemGroup><Using Include=\"N\" /></ItemGroup></Project>"),
        ("a/Usings.cs", "global using M;\nglobal using static S.Tools;\nglobal using Short = L.Long;\n"),
        ("a/User.cs", "class User { A a; B b; Short s; int x = Half(2); }"),
        ("c/c.csproj", "<Project><ItemGroup><ProjectReference Include=\"..\\a\\a.csproj\" /></ItemGroup></Project>"),
        ("c/Other.cs", "class Other { A a; B b; Short s; int x = Half(2); }"),
        (
            "a/Defs.cs",
            "namespace N { public class A { } } namespace M { public class B { } } namespace L { public class Long { } } namespace S { public static class Tools { public static int Half(int n) => n / 2; } }",
        ),
    ];
    let expected = ["a/Defs.cs: A", "a/Defs.cs: B", "a/Defs.cs: Tools.Half", "a/Usings.cs: Short"];
    assert_used(&files, "a/User.cs", &expected);
    assert_used(&files, "c/Other.cs", &[]);
    assert_used(&files, "a/Usings.cs", &["a/Defs.cs: Long", "a/Defs.cs: Tools"]);
}

#[test]
fn settings_of_a_folder_count_in_the_projects_below() {
    let files = [
        (
            "src/Directory.Build.props",
            "<Project><ItemGroup><Using Include=\"N\" /><InternalsVisibleTo Include=\"$(AssemblyName).Tests\" /></ItemGroup></Project>",
        ),
        ("src/a/a.csproj", "<Project />"),
        ("src/a/Defs.cs", "namespace N { public class A { } class Inside { } }"),
        ("src/a/User.cs", "class User { A a; }"),
        (
            "src/t/a.Tests.csproj",
            "<Project><ItemGroup><ProjectReference Include=\"../a/a.csproj\" /></ItemGroup></Project>",
        ),
        ("src/t/Test.cs", "class Test { A a; Inside i; }"),
        (
            "src/own/own.csproj",
            "<Project><ItemGroup><ProjectReference Include=\"../a/a.csproj\" /></ItemGroup></Project>",
        ),
        ("src/own/Directory.Build.props", "<Project />"),
        ("src/own/Other.cs", "class Other { A a; }"),
    ];
    assert_used(&files, "src/a/User.cs", &["src/a/Defs.cs: A"]);
    assert_used(&files, "src/t/Test.cs", &["src/a/Defs.cs: A", "src/a/Defs.cs: Inside"]);
    assert_used(&files, "src/own/Other.cs", &[]);
}

#[test]
fn a_project_sees_what_it_refers_to() {
    let reference = |name: &str| {
        format!("<Project><ItemGroup><ProjectReference Include=\"..\\{name}\\{name}.csproj\" /></ItemGroup></Project>")
    };
    let user = "using B; class User { Open o; Inside i; }";
    let open = "namespace B; public class Open { }\nclass Inside { }\n";
    let files = |friend: &str| -> Vec<(String, String)> {
        [
            ("a/a.csproj", reference("b").as_str()),
            ("b/b.csproj", "<Project />"),
            ("c/c.csproj", reference("a").as_str()),
            ("d/d.csproj", "<Project />"),
            ("b/Open.cs", open),
            ("b/src/Own.cs", user),
            ("b/Friends.cs", friend),
            ("a/User.cs", user),
            ("c/User.cs", user),
            ("d/User.cs", user),
            ("loose/User.cs", user),
        ]
        .map(|(path, text)| (path.to_owned(), text.to_owned()))
        .to_vec()
    };
    let of = |all: &BTreeSet<String>, user: &str| -> Vec<String> {
        let start = format!("{user} > b/Open.cs: ");
        all.iter().filter_map(|edge| edge.strip_prefix(&start).map(str::to_owned)).collect()
    };
    let all = edges_of(&files(""));
    assert_eq!(of(&all, "b/src/Own.cs"), ["Inside", "Open"]);
    assert_eq!(of(&all, "a/User.cs"), ["Open"]);
    assert_eq!(of(&all, "c/User.cs"), ["Open"], "references are handed on");
    assert_eq!(of(&all, "d/User.cs"), [""; 0]);
    assert_eq!(of(&all, "loose/User.cs"), ["Open"]);
    let all = edges_of(&files("[assembly: System.Runtime.CompilerServices.InternalsVisibleTo(\"a\")]"));
    assert_eq!(of(&all, "a/User.cs"), ["Inside", "Open"]);
    assert_eq!(of(&all, "c/User.cs"), ["Open"]);
}

#[test]
fn parts_of_a_type_are_one() {
    let files = [
        (
            "One.cs",
            "namespace N; public partial class Box<T> : Base { public T First; internal Item Own() => Kept(); }",
        ),
        (
            "Two.cs",
            "namespace N; public partial class Box<T> { private Item Kept() => null; public T Second(int n) => First; }",
        ),
        ("Base.cs", "namespace N; public class Base { public Item Low; }"),
        ("Item.cs", "namespace N; public class Item { public void Use() { } }"),
        ("Out.cs", "namespace N; public partial class Out { public partial class In { public int A; } }"),
        ("Out2.cs", "namespace N; public partial class Out { public partial class In { public int B; } }"),
        (
            "User.cs",
            "namespace N; class User { void Go(Box<Item> b, Out.In o) { b.First.Use(); b.Second(1).Use(); b.Low.Use(); o.A = o.B; } }",
        ),
        ("Late.cs", "namespace N; class Late { void Go(Box<Item> b) { b.Second(1).Use(); } }"),
        ("Low1.cs", "namespace N; public partial class Low<T> { public int N; }"),
        (
            "Low2.cs",
            "namespace N; public partial class Low<T> { public T Made() => default; public T Read => default; public T this[int at] => default; public System.Collections.Generic.IEnumerator<T> GetEnumerator() => null; }",
        ),
        ("Mid.cs", "namespace N; public class Mid<A, B> : Low<B> { }"),
        ("Made.cs", "namespace N; class Made { void Go(Mid<int, Item> m) { m.Made().Use(); } }"),
        ("Read.cs", "namespace N; class Read { void Go(Mid<int, Item> m) { m.Read.Use(); } }"),
        ("At.cs", "namespace N; class At { void Go(Mid<int, Item> m) { m[1].Use(); } }"),
        ("Each.cs", "namespace N; class Each { void Go(Mid<int, Item> m) { foreach (var one in m) one.Use(); } }"),
    ];
    assert_used(&files, "One.cs", &["Base.cs: Base", "Item.cs: Item", "Two.cs: Box.Kept"]);
    assert_used(&files, "Two.cs", &["Item.cs: Item", "One.cs: Box.First"]);
    let expected = [
        "Base.cs: Base.Low",
        "Item.cs: Item",
        "Item.cs: Item.Use",
        "One.cs: Box",
        "One.cs: Box.First",
        "Out.cs: Out",
        "Out.cs: Out.In",
        "Out.cs: Out.In.A",
        "Out2.cs: Out.In.B",
        "Two.cs: Box.Second",
    ];
    assert_used(&files, "User.cs", &expected);
    // The part that says what the type is, and the one that has the member.
    assert_used(&files, "Late.cs", &["Item.cs: Item", "Item.cs: Item.Use", "One.cs: Box", "Two.cs: Box.Second"]);
    // A type parameter of another part of a base, through whatever gives it.
    for (user, member) in [("Made", "Made"), ("Read", "Read"), ("At", "this[]"), ("Each", "GetEnumerator")] {
        let given = format!("Low2.cs: Low.{member}");
        let expected = ["Item.cs: Item", "Item.cs: Item.Use", given.as_str(), "Mid.cs: Mid"];
        assert_used(&files, &format!("{user}.cs"), &expected);
    }
}

#[test]
fn extension_methods_are_found_by_receiver_and_scope() {
    let files = [
        ("Price.cs", "namespace Shop; public class Price { public int Cents; }"),
        ("Tag.cs", "namespace Shop; public class Tag { public int Half(int by) => by; public void Used() { } }"),
        (
            "Near.cs",
            "namespace Shop.Tools; public static class Near { public static Tag Half(this Price price, int by = 2) => null; public static T Same<T>(this T it) => it; public static T Pick<T>(this System.Collections.Generic.IEnumerable<T> all, System.Func<T, bool> by) => default; }",
        ),
        (
            "Far.cs",
            "namespace Far; public static class Far { public static int Half(this Price price) => 1; public static int Half(this string text) => 1; }",
        ),
        (
            "A.cs",
            "using Shop; using Shop.Tools; class A { void Go(Price p) { p.Half().Used(); p.Half(3).Used(); p.Same().Cents++; } }",
        ),
        ("B.cs", "using Shop; class B { void Go(Price p) { p.Half(); } }"),
        ("C.cs", "using Shop; using Shop.Tools; class C { void Go(Tag t, string s) { t.Half(1); s.Half(); } }"),
        ("D.cs", "using Far; class D { int n = \"x\".Half(); }"),
        (
            "E.cs",
            "using Shop; using Shop.Tools; using System.Collections.Generic; class E { void Go(List<Price> all) { all.Pick(one => one.Cents > 1).Cents++; } }",
        ),
        (
            "F.cs",
            "using Shop; using Shop.Tools; class F { void Go(Price p) { Near.Half(p, 1).Used(); p?.Half().Used(); } }",
        ),
    ];
    assert_used(
        &files,
        "A.cs",
        &["Near.cs: Near.Half", "Near.cs: Near.Same", "Price.cs: Price", "Price.cs: Price.Cents", "Tag.cs: Tag.Used"],
    );
    assert_used(&files, "B.cs", &["Price.cs: Price"]);
    assert_used(&files, "C.cs", &["Tag.cs: Tag", "Tag.cs: Tag.Half"]);
    assert_used(&files, "D.cs", &["Far.cs: Far.Half"]);
    assert_used(&files, "E.cs", &["Near.cs: Near.Pick", "Price.cs: Price", "Price.cs: Price.Cents"]);
    assert_used(&files, "F.cs", &["Near.cs: Near", "Near.cs: Near.Half", "Price.cs: Price", "Tag.cs: Tag.Used"]);
}

#[test]
fn members_are_found_through_what_a_type_extends() {
    let files = [
        (
            "Base.cs",
            "namespace N; public class Base<T> { protected T item; public T Get() => item; public static int Count; public class In { } }",
        ),
        ("Item.cs", "namespace N; public class Item { public void Use() { } }"),
        ("IShape.cs", "namespace N; public interface IShape { int Sides { get; } Item Item() => null; }"),
        (
            "Mid.cs",
            "namespace N; public class Mid : Base<Item>, IShape { public Mid(int n) { } public int Sides => 1; }",
        ),
        (
            "C.cs",
            "namespace N; class C : Mid { In i; C() : base(1) { } void Go(IShape s) { item.Use(); Get().Use(); s.Item().Use(); int n = Sides + Count; base.Get(); } }",
        ),
    ];
    let expected = [
        "Base.cs: Base.Count",
        "Base.cs: Base.Get",
        "Base.cs: Base.In",
        "Base.cs: Base.item",
        "IShape.cs: IShape",
        "IShape.cs: IShape.Item",
        "Item.cs: Item.Use",
        "Mid.cs: Mid",
        "Mid.cs: Mid.Sides",
        "Mid.cs: Mid.new",
    ];
    assert_used(&files, "C.cs", &expected);
}

#[test]
fn types_of_one_name_are_told_apart_by_their_parameters() {
    let files = [
        ("R0.cs", "namespace N; public class Result { public static Result Ok() => null; public void Plain() { } }"),
        (
            "R1.cs",
            "namespace N; public class Result<T> : Result { public T Value; public static implicit operator Result<T>(T it) => null; }",
        ),
        ("Item.cs", "namespace N; public class Item { public void Use() { } }"),
        ("A.cs", "namespace N; class A { Result r; void Go() { Result.Ok().Plain(); } }"),
        (
            "B.cs",
            "namespace N; class B { void Go(Result<Item> r) { r.Value.Use(); r.Plain(); var t = typeof(Result<>); } }",
        ),
    ];
    assert_used(&files, "A.cs", &["R0.cs: Result", "R0.cs: Result.Ok", "R0.cs: Result.Plain"]);
    let expected =
        ["Item.cs: Item", "Item.cs: Item.Use", "R0.cs: Result.Plain", "R1.cs: Result", "R1.cs: Result.Value"];
    assert_used(&files, "B.cs", &expected);
}

#[test]
fn attributes_mean_classes_with_their_ending() {
    let files = [
        (
            "Mark.cs",
            "namespace N; public class MarkAttribute : System.Attribute { public MarkAttribute(int n) { } public System.Type Of { get; set; } }",
        ),
        ("Kind.cs", "namespace N; public enum Kind { One }"),
        ("A.cs", "using N; [Mark((int)Kind.One)] class A { }"),
        ("B.cs", "class B { [N.Mark(1, Of = typeof(N.Kind))] void Go() { } }"),
        ("C.cs", "using N; [MarkAttribute(2)] class C { }"),
        ("D.cs", "[Mark(2)] class D { }"),
    ];
    let mark = ["Mark.cs: MarkAttribute", "Mark.cs: MarkAttribute.new"];
    assert_used(&files, "A.cs", &[&["Kind.cs: Kind", "Kind.cs: Kind.One"], &mark[..]].concat());
    assert_used(&files, "B.cs", &[&["Kind.cs: Kind", "Mark.cs: MarkAttribute.Of"], &mark[..]].concat());
    assert_used(&files, "C.cs", &mark);
    assert_used(&files, "D.cs", &[]);
}

#[test]
fn interfaces_are_linked_to_what_implements_them() {
    let files = owned(&[
        (
            "IStore.cs",
            "namespace S; public interface IStore { int Save(int n); string Name { get; } }\npublic abstract class Base { public abstract void Open(); public virtual void Close() { } }",
        ),
        (
            "Sql.cs",
            "namespace S; public partial class Sql : Base, IStore { public int Save(int n) => n; public override void Open() { } }",
        ),
        ("Sql.Name.cs", "namespace S; partial class Sql { string IStore.Name => \"\"; }"),
    ]);
    let links: BTreeSet<String> = World::new(&said(&files))
        .implements(None)
        .iter()
        .map(|Implements { interface, implementation_file, implementation, .. }| {
            format!("{interface} < {implementation_file} {implementation}")
        })
        .collect();
    let expected = [
        "Base < Sql.Name.cs Sql",
        "Base.Open < Sql.cs Sql.Open",
        "IStore < Sql.Name.cs Sql",
        "IStore.Name < Sql.Name.cs Sql.IStore.Name",
        "IStore.Save < Sql.cs Sql.Save",
    ];
    assert_eq!(links, expected.map(str::to_owned).into());
}

/// What a container puts together.
const SERVICES: [(&str, &str); 7] = [
    (
        "Web/OrderController.cs",
        "using Shop.Services; namespace Shop.Web; [ApiController] public class OrderController(IOrders orders) : ControllerBase { [HttpGet] public async Task<object> Get(long id) => (await orders.FindAsync(id)).Total; }",
    ),
    (
        "Services/IOrders.cs",
        "using Shop.Data; namespace Shop.Services; public interface IOrders { Task<Order> FindAsync(long id); }",
    ),
    (
        "Services/Orders.cs",
        "using Shop.Data; namespace Shop.Services; internal sealed class Orders : IOrders { private readonly Repository<Order> store; public Orders(Repository<Order> store) { this.store = store; } public async Task<Order> FindAsync(long id) { var found = await store.LoadAsync(id); found.Touch(); return found; } }",
    ),
    (
        "Data/Repository.cs",
        "namespace Shop.Data; public abstract class Repository<T> { public abstract Task<T> LoadAsync(long id); }",
    ),
    ("Data/Order.cs", "namespace Shop.Data; public class Order { public int Total { get; } public void Touch() { } }"),
    (
        "Data/SqlOrders.cs",
        "namespace Shop.Data; public class SqlOrders : Repository<Order> { public override Task<Order> LoadAsync(long id) => null; }",
    ),
    (
        "Web/Startup.cs",
        "using Shop.Services; using Shop.Data; namespace Shop.Web; class Startup { void Add(IServiceCollection services) { services.AddScoped<IOrders, Orders>(); services.AddScoped<Repository<Order>, SqlOrders>(); } }",
    ),
];

/// A controller, an interface, its one implementation, a repository behind an abstract class: no link of the chain is cut.
#[test]
fn injected_calls_lead_through_interfaces() {
    let files = SERVICES;
    assert_used(
        &files,
        "Web/OrderController.cs",
        &["Data/Order.cs: Order.Total", "Services/IOrders.cs: IOrders", "Services/IOrders.cs: IOrders.FindAsync"],
    );
    assert_used(
        &files,
        "Services/Orders.cs",
        &[
            "Data/Order.cs: Order",
            "Data/Order.cs: Order.Touch",
            "Data/Repository.cs: Repository",
            "Data/Repository.cs: Repository.LoadAsync",
            "Services/IOrders.cs: IOrders",
            // Which it implements.
            "Services/IOrders.cs: IOrders.FindAsync",
        ],
    );
    assert_used(
        &files,
        "Web/Startup.cs",
        &[
            "Data/Order.cs: Order",
            "Data/Repository.cs: Repository",
            "Data/SqlOrders.cs: SqlOrders",
            "Services/IOrders.cs: IOrders",
            "Services/Orders.cs: Orders",
        ],
    );
    let links = World::new(&said(&owned(&files))).implements(None);
    let has = |one: &str, other: &str| links.iter().any(|link| link.interface == one && link.implementation == other);
    assert!(
        has("IOrders.FindAsync", "Orders.FindAsync") && has("Repository.LoadAsync", "SqlOrders.LoadAsync"),
        "{links:?}"
    );
}

/// Namespaces that declare the same names, each with a user that means one of them and a file that means none.
#[test]
fn same_names_lead_to_the_type_that_is_meant() {
    for count in [2, 3, 5, 10, 30] {
        let mut files: Vec<(String, String)> = Vec::new();
        let mut expected = BTreeSet::new();
        for at in 0..count {
            files.push((format!("p{at}/Config.cs"), format!("namespace P{at};\npublic class Config {{ public string Name; public Config Next; public void Run(int n) {{ }} }}\n")));
            files.push((format!("use{at}/Use.cs"), format!("using P{at};\nnamespace U{at};\nclass Use {{ string Run(Config c) {{ c.Run(1); return c.Next.Name; }} }}\n")));
            files.push((format!("own{at}/Own.cs"), format!("namespace O{at};\nclass Own {{ string Run(string Config) {{ var Name = Config; return Name; }} }}\n")));
            for symbol in ["Config", "Config.Run", "Config.Next", "Config.Name"] {
                expected.insert(format!("use{at}/Use.cs > p{at}/Config.cs: {symbol}"));
            }
        }
        assert_eq!(edges_of(&files), expected, "{count} namespaces");
    }
}

/// Programs that each declare the same names in the same namespace: a file means the closest.
#[test]
fn of_equal_names_the_closest_is_meant() {
    let program = "namespace Demo;\nclass Helper { public static int Go() => 1; }\n";
    let user = "namespace Demo;\nclass Program { static int Main() => Helper.Go(); }\n";
    for (with_projects, count) in [(false, 3), (true, 3), (true, 12)] {
        let mut files = Vec::new();
        let mut expected = BTreeSet::new();
        for at in 0..count {
            if with_projects {
                files.push((format!("s{at}/s{at}.csproj"), "<Project />".to_owned()));
            }
            files.push((format!("s{at}/Helper.cs"), program.to_owned()));
            files.push((format!("s{at}/Program.cs"), user.to_owned()));
            expected.extend(["Helper", "Helper.Go"].map(|name| format!("s{at}/Program.cs > s{at}/Helper.cs: {name}")));
        }
        assert_eq!(edges_of(&files), expected, "{count} programs");
    }
}
