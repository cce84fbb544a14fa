//! What values are in C#: which overload is called, and what keeps the type of a value.

use std::collections::BTreeSet;

use super::resolve_tests::{edges_of, owned};

#[test]
fn overloads_are_told_apart_by_their_arguments() {
    let files = [
        (
            "Over.cs",
            "namespace N; public class Over { public A Go(int a) => null; public B Go(string a, int n = 1) => null; public C Go(Item i) => null; public A All(params string[] all) => null; public B All(int n) => null; public C Go(System.Action<Item> act) => null; }",
        ),
        ("Item.cs", "namespace N; public class Item { public int Size; }"),
        ("A.cs", "namespace N; public class A { public void a() { } }"),
        ("B.cs", "namespace N; public class B { public void b() { } }"),
        ("C.cs", "namespace N; public class C { public void c() { } }"),
    ];
    for (call, expected) in [
        ("Go(1)", "A"),
        ("Go(\"x\")", "B"),
        ("Go(\"x\", 2)", "B"),
        ("Go(n: 2, a: \"x\")", "B"),
        ("Go(item)", "C"),
        ("Go(new Item())", "C"),
        ("Go($\"{n}\")", "B"),
        ("Go(n)", "A"),
        ("Go(x => x.Size++)", "C"),
        ("All(\"a\", \"b\")", "A"),
        ("All(1)", "B"),
        ("All()", "A"),
    ] {
        let calls = ["a", "b", "c"].map(|next| format!("o.{call}.{next}();")).concat();
        let user = format!("namespace N; class User {{ void Use(Over o, Item item, int n) {{ {calls} }} }}");
        let mut all = files.to_vec();
        all.push(("User.cs", &user));
        let found = edges_of(&owned(&all));
        for class in ["A", "B", "C"] {
            let edge = format!("User.cs > {class}.cs: {class}.{}", class.to_ascii_lowercase());
            assert_eq!(found.contains(&edge), class == expected, "{call}: {found:#?}");
        }
    }
}

/// Statements, and what they use of the other files.
const VALUES: [(&str, &str); 39] = [
    ("var x = Item.Make(); x.Size++;", "Item Item.Make Item.Size"),
    ("Item x = new(); x.Size++;", "Item Item.Size"),
    ("foreach (var x in all) x.Next.Size++;", "Item Item.Next Item.Size"),
    ("all[0].Size++;", "Item Item.Size"),
    ("one[2].Size++;", "Item Item.Size Item.this[]"),
    ("map[\"a\"].Size++; foreach (var v in map.Values) v.Count();", "Item Item.Count Item.Size"),
    ("foreach (var p in map) p.Value.Size++;", "Item Item.Size"),
    ("foreach (var (k, v) in map) v.Count();", "Item Item.Count"),
    ("map.Where(p => p.Value.Size > 1).First().Value.Count();", "Item Item.Count Item.Size"),
    ("Dictionary<Item, int> back = null; foreach (var k in back.Keys) k.Size++;", "Item Item.Size"),
    ("map.GetValueOrDefault(\"a\").Count(); map.Values.First().Size++;", "Item Item.Count Item.Size"),
    ("KeyValuePair<Item, int> p = default; p.Key.Size++;", "Item Item.Size"),
    ("var d = new Dictionary<int, List<Item>>(); d[1][0].Size++; d[2].First().Count();", "Item Item.Count Item.Size"),
    ("if (o is Item x && x.Size > 1) { }", "Item Item.Size"),
    ("if (o is Item { Next: var n }) n.Size++;", "Item Item.Next Item.Size"),
    ("switch (o) { case Item x when x.Size > 1: break; }", "Item Item.Size"),
    ("var y = o switch { Item x => x.Size, _ => 0 };", "Item Item.Size"),
    ("(o as Item).Size++; ((Item)o).Count();", "Item Item.Count Item.Size"),
    ("one?.Next?.Count();", "Item Item.Count Item.Next"),
    (
        "var q = from x in all where x.Size > 1 select x.Next; foreach (var n in q) n.Count();",
        "Item Item.Count Item.Next Item.Size",
    ),
    ("all.Where(x => x.Size > 1).Select(x => x.Next).First().Count();", "Item Item.Count Item.Next Item.Size"),
    ("all.Select(x => { return x.Next; }).ToList()[0].Size++;", "Item Item.Next Item.Size"),
    ("if (Kit.TryGet(\"a\", out var x)) x.Size++;", "Item.Size Kit Kit.TryGet"),
    ("if (map.TryGetValue(\"a\", out var x)) x.Size++;", "Item Item.Size"),
    ("Kit.Id(one).Size++;", "Item Item.Size Kit Kit.Id"),
    ("Kit.Get<Item>().Size++;", "Item Item.Size Kit Kit.Get"),
    ("(await Kit.Later()).Size++; var r = await Kit.Later(); r.Count();", "Item.Count Item.Size Kit Kit.Later"),
    ("var (a, b) = Kit.Two(); a.Size++;", "Item.Size Kit Kit.Two"),
    (
        "var p = new Pair(null, null); p.Left.Size++; var q = p with { Right = null };",
        "Item.Size Pair Pair.Left Pair.Right Pair.new",
    ),
    ("Maker m = x => x.Next; m(null).Size++; m.Invoke(null).Count();", "Item.Count Item.Next Item.Size Maker"),
    ("System.Func<Item, int> f = x => x.Size;", "Item Item.Size"),
    ("var s = nameof(Item.Size) + nameof(Item.Count);", "Item Item.Count Item.Size"),
    ("var k = Kind.New; if (k is Kind.Old) { }", "Kind Kind.New Kind.Old"),
    ("var i = new Item { Size = 1, Next = { Size = 2 } };", "Item Item.Next Item.Size"),
    ("Item Local(Item a) => a.Next; Local(one).Size++;", "Item Item.Next Item.Size"),
    ("provider.GetRequiredService<Item>().Size++;", "Item Item.Size"),
    ("Item[] items = { one }; items[0].Size++; new[] { one }[0].Count();", "Item Item.Count Item.Size"),
    ("var a = b ?? one; a.Size++; (c ? one : null).Count();", "Item Item.Count Item.Size"),
    ("System.Action act = one.Next.Go; Run(one.Count);", "Item Item.Count Item.Next"),
];

/// What one expression says of `Item`, which stands in another file.
#[test]
fn values_keep_their_types() {
    let files = [
        (
            "Item.cs",
            "namespace N; public class Item { public Item Next { get; set; } public int Size; public Item this[int at] => this; public static Item Make() => null; public int Count() => 1; public void Deconstruct(out Item a, out int b) { a = null; b = 0; } public static Item operator +(Item a, Item b) => a; }",
        ),
        (
            "Pair.cs",
            "namespace N; public record Pair(Item Left, Item Right); public delegate Item Maker(Item from); public enum Kind { Old, New }",
        ),
        (
            "Kit.cs",
            "namespace N; public static class Kit { public static bool TryGet(string key, out Item found) { found = null; return true; } public static T Id<T>(T it) => it; public static T Get<T>() => default; public static System.Threading.Tasks.Task<Item> Later() => null; public static (Item a, int b) Two() => default; }",
        ),
    ];
    for (body, expected) in VALUES {
        let user = format!(
            "using System.Collections.Generic; namespace N; class User {{ async void Use(object o, Item one, List<Item> all, Dictionary<string, Item> map, bool c) {{ {body} }} }}"
        );
        // What the parameters write is there in any case.
        let plain = "using System.Collections.Generic; namespace N; class User { }";
        let mut with = files.to_vec();
        with.push(("User.cs", if body.is_empty() { plain } else { &user }));
        let all = edges_of(&owned(&with));
        let used: BTreeSet<&str> =
            all.iter().filter_map(|edge| edge.strip_prefix("User.cs > ")?.split(": ").nth(1)).collect();
        let expected: BTreeSet<&str> = expected.split(' ').chain(["Item"]).collect();
        assert_eq!(used, expected, "{body}");
    }
}
