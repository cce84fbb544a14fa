//! The promise, for Go: a change analyses the files that use what changed, found through packages, embedding and inferred types; what is
//! stored is what an index from nothing would hold.

use std::collections::BTreeSet;

use serde_json::json;

use crate::support::FollowedRepo;

/// Two modules of a workspace, with tests inside and outside of their packages, and files for single systems.
const FILES: [(&str, &str); 13] = [
    ("go.work", "go 1.22\n\nuse (\n\t./shop\n\t./tools\n)\n"),
    ("shop/go.mod", "module example.com/shop\n\ngo 1.22\n"),
    (
        "shop/cart/cart.go",
        "// Package cart has carts.\npackage cart\n\nimport \"example.com/shop/internal/money\"\n\ntype Cart struct {\n\tBase\n\titems []Item\n}\n\nfunc New() *Cart { return &Cart{} }\n\nfunc (c *Cart) Total() money.Amount {\n\tvar sum money.Amount\n\tfor _, item := range c.items {\n\t\tsum = sum.Plus(item.Price)\n\t}\n\treturn sum\n}\n",
    ),
    (
        "shop/cart/item.go",
        "package cart\n\nimport \"example.com/shop/internal/money\"\n\ntype Item struct {\n\tPrice money.Amount `json:\"price\"`\n}\n\ntype Base struct{ ID int }\n\nfunc (b *Base) Key() string { return osKey() }\n",
    ),
    ("shop/cart/os_linux.go", "package cart\n\nfunc osKey() string { return \"l\" }\n"),
    ("shop/cart/os_windows.go", "//go:build windows\n\npackage cart\n\nfunc osKey() string { return \"w\" }\n"),
    (
        "shop/cart/cart_test.go",
        "package cart\n\nimport \"testing\"\n\nfunc TestTotal(t *testing.T) { New().Total().Plus(helper()) }\n",
    ),
    (
        "shop/cart/help_test.go",
        "package cart\n\nimport \"example.com/shop/internal/money\"\n\nfunc helper() money.Amount { return 1 }\n",
    ),
    (
        "shop/internal/money/money.go",
        "package money\n\ntype Amount int\n\nfunc (a Amount) Plus(b Amount) Amount { return a + b }\n",
    ),
    (
        "shop/store/store.go",
        "package store\n\nimport \"example.com/shop/cart\"\n\ntype Store interface {\n\tSave(c *cart.Cart) error\n}\n\ntype Memory struct{ kept map[string]*cart.Cart }\n\nfunc (m *Memory) Save(c *cart.Cart) error {\n\tm.kept[c.Key()] = c\n\treturn nil\n}\n",
    ),
    (
        "shop/main.go",
        "package main\n\nimport (\n\t\"example.com/shop/cart\"\n\t\"example.com/shop/store\"\n)\n\nfunc keep(s store.Store) error { return s.Save(cart.New()) }\n\nfunc main() { keep(&store.Memory{}) }\n",
    ),
    ("tools/go.mod", "module example.com/tools\n\ngo 1.22\n"),
    (
        "tools/report.go",
        "package tools\n\nimport \"example.com/shop/cart\"\n\nfunc Report(c *cart.Cart) string { return c.Key() }\n",
    ),
];

fn set(paths: &[&str]) -> BTreeSet<String> {
    paths.iter().map(|&path| path.to_owned()).collect()
}

#[test]
fn a_go_edit_costs_those_that_use_what_changed() {
    let mut shop = FollowedRepo::new(FILES);
    shop.assert_uses("shop/cart/item.go", "shop/cart/os_linux.go: osKey");
    shop.assert_uses("shop/cart/item.go", "shop/cart/os_windows.go: osKey");
    shop.assert_uses("tools/report.go", "shop/cart/item.go: Base.Key");
    shop.assert_uses("shop/main.go", "shop/store/store.go: Store.Save");
    shop.assert_uses("shop/cart/cart_test.go", "shop/cart/help_test.go: helper");

    // A body and a comment concern one file, and so does the name of a parameter.
    assert_eq!(
        shop.edit("shop/cart/cart.go", "var sum money.Amount", "sum := money.Amount(0) // why"),
        set(&["shop/cart/cart.go"])
    );
    assert_eq!(shop.impact()["dependents"], json!([]));
    let tests = shop.impact()["tests"].clone();
    assert_eq!(
        (&tests[0]["path"], &tests[0]["tests"]),
        (&json!("shop/cart/cart_test.go"), &json!(["TestTotal"])),
        "{tests:#}"
    );
    let money = "shop/internal/money/money.go";
    assert_eq!(
        shop.edit(money, "Plus(b Amount) Amount { return a + b }", "Plus(c Amount) Amount { return a + c }"),
        set(&[money])
    );

    // A result, seen through an inferred type; a field's tag; an embedded struct.
    let with_money = set(&[money, "shop/cart/cart.go", "shop/cart/cart_test.go"]);
    assert_eq!(shop.edit(money, "Plus(c Amount) Amount", "Plus(c ...Amount) Amount"), with_money);
    assert_eq!(shop.impact()["dependents"][0]["because"][0]["symbol"], "Amount.Plus");
    assert!(shop.edit("shop/cart/item.go", "json:\"price\"", "json:\"p\"").contains("shop/cart/cart.go"));
    let embedded = shop.edit("shop/cart/cart.go", "\tBase\n", "\t*Base\n");
    assert!(embedded.contains("shop/store/store.go") && embedded.contains("tools/report.go"), "{embedded:?}");
    shop.assert_sound();
}

#[test]
fn go_packages_move_and_interfaces_grow() {
    let mut shop = FollowedRepo::new(FILES);
    // A method more in an interface is for those that name it.
    let grown =
        shop.edit("shop/store/store.go", "Save(c *cart.Cart) error\n}", "Save(c *cart.Cart) error\n\tClose() error\n}");
    assert_eq!(grown, set(&["shop/store/store.go", "shop/main.go"]));

    // A function moves to another file of its package: who uses it uses that file now.
    shop.repo.edit("shop/cart/cart.go", "func New() *Cart { return &Cart{} }\n", "");
    shop.repo.write("shop/cart/new.go", "package cart\n\nfunc New() *Cart { return &Cart{} }\n");
    shop.commit("move a function");
    shop.assert_uses("shop/main.go", "shop/cart/new.go: New");
    shop.assert_sound();

    // A package gets another name, and its users another clause.
    shop.repo.edit("shop/internal/money/money.go", "package money", "package cash");
    let renamed = shop.commit("rename a package");
    assert!(renamed.contains("shop/cart/item.go"), "{renamed:?}");
    assert!(!shop.edges("shop/cart/item.go").contains("shop/cart/item.go > shop/internal/money/money.go: Amount"));
    for file in ["cart.go", "item.go", "help_test.go"] {
        let path = format!("shop/cart/{file}");
        let text =
            std::fs::read_to_string(shop.repo.path().join(&path)).unwrap().replace("money.Amount", "cash.Amount");
        shop.repo.write(&path, &text);
    }
    shop.commit("follow it");
    shop.assert_uses("shop/cart/item.go", "shop/internal/money/money.go: Amount");

    // The module gets another path: nothing inside is found by the old one.
    shop.edit("shop/go.mod", "module example.com/shop", "module example.org/shop");
    assert_eq!(shop.edges("tools/report.go"), set(&[]));
    shop.assert_sound();
    shop.edit("shop/go.mod", "module example.org/shop", "module example.com/shop");
    shop.assert_uses("tools/report.go", "shop/cart/item.go: Base.Key");
    shop.assert_sound();
}

#[test]
fn broken_and_circular_go_stays_sound() {
    let mut shop = FollowedRepo::new(FILES);
    shop.edit(
        "shop/cart/item.go",
        "type Base struct{ ID int }",
        "type Base struct{ ID int\nfunc (((\ntype Base struct{ ID int }",
    );
    shop.assert_sound();
    // Each package's tests use the other package.
    shop.repo.write(
        "shop/cart/outside_test.go",
        "package cart_test\n\nimport (\n\t\"testing\"\n\n\t\"example.com/shop/cart\"\n\t\"example.com/shop/store\"\n)\n\nfunc TestBoth(t *testing.T) { new(store.Memory).Save(cart.New()) }\n",
    );
    shop.repo.write(
        "shop/internal/money/cart_test.go",
        "package money_test\n\nimport \"example.com/shop/cart\"\n\nvar total = cart.New().Total()\n",
    );
    shop.commit("tests in a circle");
    shop.assert_uses("shop/cart/outside_test.go", "shop/store/store.go: Memory.Save");
    shop.assert_uses("shop/internal/money/cart_test.go", "shop/cart/cart.go: Cart.Total");
    shop.repo.delete("shop/cart/os_windows.go");
    shop.repo.delete("shop/store/store.go");
    shop.commit("gone");
    shop.assert_sound();
}

#[test]
fn a_go_interface_cuts_no_call_chain() {
    let mut shop = FollowedRepo::new(FILES);
    let deps = shop.agent.json(["deps", shop.path(), "shop/store/store.go"]);
    let link = |symbol: &str, by: &str| {
        let links = deps["implements"].as_array().unwrap().iter();
        links.filter(|link| link["interface"] == symbol && link["implementation"] == by).count()
    };
    assert_eq!((link("Store", "Memory"), link("Store.Save", "Memory.Save")), (1, 1), "{deps:#}");
    shop.edit("shop/store/store.go", "m.kept[c.Key()] = c\n", "m.kept[c.Key()] = c // kept\n\tprintln(c)\n");
    let impact = shop.impact();
    let through = impact["through_interfaces"].as_array().unwrap();
    assert!(through.iter().any(|one| one["path"] == "shop/main.go" && one["only"] == true), "{impact:#}");
    // Another method in the interface: the type implements it no more.
    shop.edit("shop/store/store.go", "Save(c *cart.Cart) error\n}", "Save(c *cart.Cart) error\n\tOpen() error\n}");
    assert_eq!(shop.agent.json(["deps", shop.path(), "shop/store/store.go"])["implements"], json!([]));
    shop.assert_sound();
}
