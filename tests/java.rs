//! The promise, for Java: a change analyses the files that use what changed, found through packages, imports, supertypes and declared
//! types; what is stored is what an index from nothing would hold.

use std::collections::BTreeSet;

use serde_json::{Value, json};

use crate::support::FollowedRepo;

/// Two Maven modules, one with tests and a generated file.
const FILES: [(&str, &str); 11] = [
    ("pom.xml", "<project><modules><module>core</module><module>web</module></modules></project>\n"),
    ("core/pom.xml", "<project/>\n"),
    ("web/pom.xml", "<project/>\n"),
    (
        "core/src/main/java/shop/Limits.java",
        "package shop;\n\npublic final class Limits {\n    public static final int MAX = 10;\n\n    public static final int MIN = 1;\n}\n",
    ),
    (
        "core/src/main/java/shop/Entity.java",
        "package shop;\n\npublic abstract class Entity {\n    protected long id;\n\n    public long id() {\n        return id;\n    }\n}\n",
    ),
    (
        "core/src/main/java/shop/Order.java",
        "package shop;\n\npublic class Order extends Entity {\n    public int total(int count) {\n        return count * 2;\n    }\n}\n",
    ),
    (
        "core/src/main/java/shop/Orders.java",
        "package shop;\n\npublic interface Orders {\n    Order find(long id);\n}\n",
    ),
    (
        "core/src/test/java/shop/OrderTest.java",
        "package shop;\n\nclass OrderTest {\n    @Test\n    void totals() {\n        assert new Order().total(1) == 2 && new Order().id() == 0;\n    }\n}\n",
    ),
    (
        "web/src/main/java/web/Page.java",
        "package web;\n\nimport shop.*;\n\nclass Page {\n    private final Orders orders;\n\n    Page(Orders orders) {\n        this.orders = orders;\n    }\n\n    int show(long id) {\n        return orders.find(id).total(Limits.MAX);\n    }\n}\n",
    ),
    (
        "web/src/main/java/web/Quiet.java",
        "package web;\n\nclass Quiet {\n    int half(int count) {\n        return count / 2;\n    }\n}\n",
    ),
    (
        "web/target/generated-sources/annotations/web/PageMapper.java",
        "package web;\n\nclass PageMapper {\n    int map(Page page) {\n        return page.show(1);\n    }\n}\n",
    ),
];

const ORDER: &str = "core/src/main/java/shop/Order.java";
const LIMITS: &str = "core/src/main/java/shop/Limits.java";
const ENTITY: &str = "core/src/main/java/shop/Entity.java";
const TEST: &str = "core/src/test/java/shop/OrderTest.java";
const PAGE: &str = "web/src/main/java/web/Page.java";
const MAPPER: &str = "web/target/generated-sources/annotations/web/PageMapper.java";

fn set(paths: &[&str]) -> BTreeSet<String> {
    paths.iter().map(|&path| path.to_owned()).collect()
}

#[test]
fn a_java_edit_costs_those_that_use_what_changed() {
    let mut shop = FollowedRepo::new(FILES);
    for used in ["Orders.java: Orders.find", "Order.java: Order.total", "Limits.java: Limits.MAX"] {
        shop.assert_uses(PAGE, &format!("core/src/main/java/shop/{used}"));
    }
    shop.assert_uses(TEST, "core/src/main/java/shop/Entity.java: Entity.id");
    shop.assert_uses(MAPPER, "web/src/main/java/web/Page.java: Page.show");

    // A body, a comment and the name of a parameter concern one file.
    assert_eq!(shop.edit(ORDER, "return count * 2;", "return count * 3; // why"), set(&[ORDER]));
    assert_eq!(
        shop.edit(ORDER, "int count) {\n        return count * 3", "int n) {\n        return n * 3"),
        set(&[ORDER])
    );

    // A constant is copied into those that use it, and no others.
    assert_eq!(shop.edit(LIMITS, "MAX = 10", "MAX = 11"), set(&[LIMITS, PAGE]));
    assert_eq!(shop.edit(LIMITS, "MIN = 1", "MIN = 2"), set(&[LIMITS]));

    // A result, seen through an interface; a base class; another overload.
    assert_eq!(shop.edit(ORDER, "public int total(", "public long total("), set(&[ORDER, PAGE, TEST]));
    let impact = shop.agent.json(["impact", shop.path(), "HEAD~1..HEAD"]);
    assert_eq!(
        (&impact["tests"][0]["path"], &impact["tests"][0]["tests"]),
        (&json!(TEST), &json!(["OrderTest.totals"]))
    );
    assert_eq!(shop.edit(ENTITY, "public long id()", "public int id()"), set(&[ENTITY, TEST]));
    assert!(shop.edit(ORDER, "extends Entity ", "").contains(TEST));
    let overload = "    public int total() {\n        return 1;\n    }\n}\n";
    let text = std::fs::read_to_string(shop.repo.path().join(ORDER)).unwrap();
    shop.repo.write(ORDER, format!("{}{overload}", text.trim_end().trim_end_matches('}')));
    assert_eq!(shop.commit("an overload of another arity"), set(&[ORDER]));
    shop.assert_sound();
}

#[test]
fn java_types_are_renamed_move_and_break() {
    let mut shop = FollowedRepo::new(FILES);
    shop.repo.rename(ORDER, "core/src/main/java/shop/Purchase.java");
    let moved = "core/src/main/java/shop/Purchase.java";
    let reached = shop.edit(moved, "class Order ", "class Purchase ");
    assert!(reached.contains(TEST) && reached.contains("core/src/main/java/shop/Orders.java"), "{reached:?}");
    shop.assert_sound();
    shop.edit("core/src/main/java/shop/Orders.java", "Order find", "Purchase find");
    shop.assert_uses(PAGE, "core/src/main/java/shop/Purchase.java: Purchase.total");

    // To another package: who has the old one in sight loses it, an import finds it again.
    let reached = shop.edit(LIMITS, "package shop;", "package shop.limits;");
    assert!(reached.contains(PAGE), "{reached:?}");
    shop.edit(PAGE, "import shop.*;", "import shop.*;\nimport shop.limits.Limits;");
    shop.assert_uses(PAGE, &format!("{LIMITS}: Limits.MAX"));
    shop.assert_sound();

    // The same name in two modules: a file keeps its own.
    shop.repo.write(
        "web/src/main/java/shop/Entity.java",
        "package shop;\n\npublic class Entity {\n    public int id() { return 1; }\n}\n",
    );
    shop.commit("a second Entity");
    shop.assert_uses(moved, &format!("{ENTITY}: Entity"));

    shop.edit(ENTITY, "public abstract class Entity {", "public abstract class Entity {{ int = ;\n");
    shop.repo.write(
        "core/src/main/java/shop/Orders.java",
        "\u{feff}package shop;\r\n\r\npublic interface Orders {\r\n    Purchase find(long id);\r\n}\r\n",
    );
    shop.commit("broken text, a mark and CRLF");
    shop.assert_uses("core/src/main/java/shop/Orders.java", "core/src/main/java/shop/Purchase.java: Purchase");
    shop.assert_sound();
    shop.repo.delete(ENTITY);
    shop.commit("gone");
    shop.assert_uses(moved, "web/src/main/java/shop/Entity.java: Entity");
    shop.assert_sound();
}

#[test]
fn java_tests_smells_and_documentation_are_shown() {
    let mut shop = FollowedRepo::new(FILES);
    shop.edit(
        "web/src/main/java/web/Quiet.java",
        "return count / 2;",
        "try {\n            return count / 2;\n        } catch (Exception e) {\n        }\n        return 0;",
    );
    let shown = shop.agent.ok(["show", shop.repo.path().join("web/src/main/java/web/Quiet.java").to_str().unwrap()]);
    assert!(shown.contains("is caught and dropped"), "{shown}");
    let shown = shop.agent.ok(["show", shop.repo.path().join(ORDER).to_str().unwrap()]);
    assert!(shown.contains("used by tests") && shown.contains("OrderTest.java"), "{shown}");
}

#[test]
fn java_interfaces_lead_to_what_implements_them() {
    let mut shop = FollowedRepo::new(FILES);
    let sql = "core/src/main/java/shop/SqlOrders.java";
    let text = "package shop;\n\nclass SqlOrders implements Orders {\n    @Override\n    public Order find(long id) {\n        return null;\n    }\n}\n";
    shop.repo.write(sql, text);
    assert_eq!(shop.commit("an implementation"), set(&[sql]));
    let deps = shop.agent.json(["deps", shop.path(), "core/src/main/java/shop/Orders.java"]);
    let shown = |link: &Value| format!("{} -> {} {}", link["interface"], link["implementation"], link["only"]);
    let links: Vec<String> = deps["implements"].as_array().unwrap().iter().map(shown).collect();
    assert_eq!(links, ["\"Orders\" -> \"SqlOrders\" true", "\"Orders.find\" -> \"SqlOrders.find\" true"], "{deps:#}");
    // A caller of the interface is reached by a change of the implementation, as a question and not as work.
    assert_eq!(shop.edit(sql, "return null;", "return new Order();"), set(&[sql]));
    shop.assert_sound();
}
