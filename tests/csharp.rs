//! The promise, for C#: a change analyses the files that use what changed, found through namespaces, directives, projects, parts of types and
//! declared types; what is stored is what an index from nothing would hold.

use std::collections::BTreeSet;

use serde_json::{Value, json};

use crate::support::FollowedRepo;

/// A library, a page that uses it, and tests.
const FILES: [(&str, &str); 12] = [
    ("src/Shop/Shop.csproj", "<Project Sdk=\"Microsoft.NET.Sdk\">\n</Project>\n"),
    (
        "src/Web/Web.csproj",
        "<Project Sdk=\"Microsoft.NET.Sdk.Web\">\n  <ItemGroup>\n    <ProjectReference Include=\"..\\Shop\\Shop.csproj\" />\n  </ItemGroup>\n</Project>\n",
    ),
    (
        "test/Shop.Tests/Shop.Tests.csproj",
        "<Project Sdk=\"Microsoft.NET.Sdk\">\n  <ItemGroup>\n    <ProjectReference Include=\"..\\..\\src\\Shop\\Shop.csproj\" />\n    <Using Include=\"Xunit\" />\n  </ItemGroup>\n</Project>\n",
    ),
    (
        "src/Shop/Limits.cs",
        "namespace Shop;\n\npublic static class Limits\n{\n    public const int Max = 10;\n\n    public const int Min = 1;\n}\n",
    ),
    (
        "src/Shop/Order.cs",
        "namespace Shop;\n\n/// <summary>What somebody buys.</summary>\npublic partial class Order : Entity\n{\n    public int Total(int count)\n    {\n        return count * 2;\n    }\n}\n",
    ),
    (
        "src/Shop/Order.Items.cs",
        "using System.Collections.Generic;\n\nnamespace Shop;\n\npublic partial class Order\n{\n    public List<string> Items { get; } = new();\n}\n",
    ),
    (
        "src/Shop/Entity.cs",
        "namespace Shop;\n\npublic abstract class Entity\n{\n    public long Id { get; protected set; }\n}\n",
    ),
    ("src/Shop/IOrders.cs", "namespace Shop;\n\npublic interface IOrders\n{\n    Order Find(long id);\n}\n"),
    (
        "src/Shop/OrderExtensions.cs",
        "namespace Shop;\n\npublic static class OrderExtensions\n{\n    public static int Twice(this Order order) => order.Total(2);\n}\n",
    ),
    (
        "src/Web/Page.cs",
        "using Shop;\n\nnamespace Web;\n\npublic class Page(IOrders orders)\n{\n    public int Show(long id) => orders.Find(id).Total(Limits.Max);\n\n    public int Items(long id) => orders.Find(id).Items.Count;\n}\n",
    ),
    (
        "src/Web/Quiet.cs",
        "namespace Web;\n\ninternal class Quiet\n{\n    internal int Half(int count)\n    {\n        return count / 2;\n    }\n}\n",
    ),
    (
        "test/Shop.Tests/OrderTests.cs",
        "namespace Shop.Tests;\n\npublic class OrderTests\n{\n    [Fact]\n    public void Totals()\n    {\n        Assert.Equal(4, new Order().Twice());\n        Assert.Equal(0, new Order().Id);\n    }\n}\n",
    ),
];

const ORDER: &str = "src/Shop/Order.cs";
const ITEMS: &str = "src/Shop/Order.Items.cs";
const LIMITS: &str = "src/Shop/Limits.cs";
const EXTENSIONS: &str = "src/Shop/OrderExtensions.cs";
const PAGE: &str = "src/Web/Page.cs";
const TESTS: &str = "test/Shop.Tests/OrderTests.cs";

fn set(paths: &[&str]) -> BTreeSet<String> {
    paths.iter().map(|&path| path.to_owned()).collect()
}

#[test]
fn a_csharp_edit_costs_those_that_use_what_changed() {
    let mut shop = FollowedRepo::new(FILES);
    shop.assert_uses(PAGE, "src/Shop/Order.cs: Order.Total");
    shop.assert_uses(PAGE, "src/Shop/Order.Items.cs: Order.Items");
    shop.assert_uses(PAGE, "src/Shop/Limits.cs: Limits.Max");
    shop.assert_uses(TESTS, "src/Shop/OrderExtensions.cs: OrderExtensions.Twice");
    assert_eq!(shop.used("src/Web/Quiet.cs"), [""; 0]);

    // A body and a comment concern one file.
    assert_eq!(shop.edit(ORDER, "return count * 2;", "return count + count; // twice"), set(&[ORDER]));
    assert_eq!(shop.impact()["dependents"], json!([]));
    assert_eq!(shop.edit(ORDER, "What somebody buys.", "What is bought."), set(&[ORDER]));

    // A signature: those who use that member, and no other part's users.
    assert_eq!(shop.edit(ITEMS, "List<string> Items", "List<int> Items"), set(&[ITEMS, PAGE]));
    assert_eq!(
        shop.edit(ORDER, "int Total(int count)", "int Total(int count, bool rounded = false)"),
        set(&[ORDER, EXTENSIONS, PAGE])
    );
    assert_eq!(shop.impact()["dependents"][0]["because"][0]["symbol"], "Order.Total");
    assert_eq!(shop.edit(LIMITS, "Max = 10", "Max = 20"), set(&[LIMITS, PAGE]));
    assert_eq!(shop.edit(LIMITS, "Min = 1", "Min = 2"), set(&[LIMITS]));
    assert_eq!(
        shop.edit(EXTENSIONS, "Twice(this Order order)", "Twice(this Order order, int more = 0)"),
        set(&[EXTENSIONS, TESTS])
    );
    shop.assert_sound();
}

#[test]
fn csharp_projects_decide_who_sees_whom() {
    let mut shop = FollowedRepo::new(FILES);
    let project = "src/Web/Web.csproj";
    let reference = "<ProjectReference Include=\"..\\Shop\\Shop.csproj\" />";
    let reached = shop.edit(project, reference, "");
    assert!(reached.contains(PAGE) && !reached.contains(TESTS), "{reached:?}");
    assert_eq!(shop.used(PAGE), [""; 0]);
    shop.assert_sound();
    shop.edit(project, "  <ItemGroup>\n    \n", &format!("  <ItemGroup>\n    {reference}\n"));
    shop.assert_uses(PAGE, "src/Shop/Order.cs: Order.Total");

    // A directive for a whole project, and a namespace that moves.
    shop.repo.write("src/Web/Usings.cs", "global using Shop.Rules;\n");
    shop.commit("a global directive");
    shop.edit(LIMITS, "namespace Shop;", "namespace Shop.Rules;");
    shop.assert_uses(PAGE, "src/Shop/Limits.cs: Limits.Max");
    shop.assert_sound();
    shop.repo.delete("src/Web/Usings.cs");
    shop.commit("without it");
    assert!(!shop.used(PAGE).iter().any(|used| used.contains("Limits.Max")));
    shop.edit(ORDER, "public partial class Order : Entity\n{", "public partial class Order : Entity\n{{ int = ;\n");
    shop.repo.write(
        "src/Shop/IOrders.cs",
        "\u{feff}namespace Shop;\r\n\r\npublic interface IOrders\r\n{\r\n    Order Find(long id);\r\n}\r\n",
    );
    shop.commit("broken text, a mark and CRLF");
    shop.assert_uses("src/Shop/IOrders.cs", "src/Shop/Order.cs: Order");
    shop.assert_sound();
}

#[test]
fn csharp_tests_smells_and_interfaces_are_shown() {
    let mut shop = FollowedRepo::new(FILES);
    shop.edit("src/Web/Quiet.cs", "return count / 2;", "try\n        {\n            return count / 2;\n        }\n        catch (System.Exception)\n        {\n        }\n        return 0;");
    let shown = shop.agent.ok(["show", shop.repo.path().join("src/Web/Quiet.cs").to_str().unwrap()]);
    assert!(shown.contains("is caught and dropped"), "{shown}");
    let shown = shop.agent.ok(["show", shop.repo.path().join(EXTENSIONS).to_str().unwrap()]);
    assert!(shown.contains("used by tests") && shown.contains("OrderTests.cs"), "{shown}");

    let sql = "src/Shop/SqlOrders.cs";
    let text = "namespace Shop;\n\ninternal class SqlOrders : IOrders\n{\n    public Order Find(long id) => null;\n}\n";
    shop.repo.write(sql, text);
    assert_eq!(shop.commit("an implementation"), set(&[sql]));
    let deps = shop.agent.json(["deps", shop.path(), "src/Shop/IOrders.cs"]);
    let shown = |link: &Value| format!("{} -> {} {}", link["interface"], link["implementation"], link["only"]);
    let links: Vec<String> = deps["implements"].as_array().unwrap().iter().map(shown).collect();
    assert_eq!(links, ["\"IOrders\" -> \"SqlOrders\" true", "\"IOrders.Find\" -> \"SqlOrders.Find\" true"], "{deps:#}");
    assert_eq!(shop.edit(sql, "=> null;", "=> new Order();"), set(&[sql]));
    shop.assert_sound();
}
