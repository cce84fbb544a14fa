//! The promise, for C and C++: a change analyses the files that use what changed, found through includes, macros, namespaces and types; what
//! is stored is what an index from nothing would hold.

use std::collections::BTreeSet;

use serde_json::json;

use crate::support::FollowedRepo;

/// A library in C with a program and tests in C++.
const FILES: [(&str, &str); 9] = [
    (
        "include/shop/cart.h",
        "#ifndef SHOP_CART_H\n#define SHOP_CART_H\n#include \"shop/money.h\"\n#ifdef __cplusplus\nextern \"C\" {\n#endif\n\n/** A cart with its items. */\nstruct cart {\n\tstruct money total;\n\tint size;\n};\n\n#define CART_MAX 16\n#define CART_PUBLIC(type) type\n\n/** Adds an item. */\nCART_PUBLIC(int) cart_add(struct cart *cart, int price);\nvoid cart_clear(struct cart *cart);\n\nstatic inline int cart_is_full(const struct cart *cart)\n{\n\treturn cart->size >= CART_MAX;\n}\n\n#ifdef __cplusplus\n}\n#endif\n#endif\n",
    ),
    (
        "include/shop/money.h",
        "#pragma once\nstruct money {\n\tlong cents;\n};\nstruct money money_plus(struct money a, int cents);\n",
    ),
    (
        "src/cart.c",
        "#include \"shop/cart.h\"\n\n#include <stdio.h>\n\nstatic void report(const struct cart *cart)\n{\n\tprintf(\"%ld\\n\", cart->total.cents);\n}\n\nint cart_add(struct cart *cart, int price)\n{\n\tcart->total = money_plus(cart->total, price);\n\tcart->size++;\n\treport(cart);\n\treturn cart->size;\n}\n\nvoid cart_clear(struct cart *cart)\n{\n\tcart->size = 0;\n}\n",
    ),
    (
        "src/money.c",
        "#include \"shop/money.h\"\n\nstruct money money_plus(struct money a, int cents)\n{\n\ta.cents += cents;\n\treturn a;\n}\n",
    ),
    (
        "src/main.c",
        "#include \"shop/cart.h\"\n\nint main(void)\n{\n\tstruct cart cart = { .size = 0 };\n\n\twhile (!cart_is_full(&cart))\n\t\tcart_add(&cart, 3);\n\treturn 0;\n}\n",
    ),
    ("src/quiet.c", "#include \"shop/cart.h\"\n\nint quiet(void)\n{\n\treturn 0;\n}\n"),
    (
        "cpp/store.h",
        "#pragma once\n#include <memory>\n#include \"shop/cart.h\"\nnamespace shop {\nclass Store {\n public:\n  virtual ~Store() = default;\n  virtual int save(const cart& one) = 0;\n};\nclass Memory : public Store {\n public:\n  int save(const cart& one) override;\n};\nstd::unique_ptr<Store> open(int size);\n}  // namespace shop\n",
    ),
    (
        "cpp/store.cc",
        "#include \"store.h\"\nnamespace shop {\nint Memory::save(const cart& one) {\n  return one.size;\n}\nstd::unique_ptr<Store> open(int size) { return std::make_unique<Memory>(); }\n}  // namespace shop\n",
    ),
    (
        "tests/store_test.cc",
        "#include \"../cpp/store.h\"\n\nTEST(Store, Saves) {\n  cart one{};\n  auto store = shop::open(1);\n  EXPECT_EQ(store->save(one), 0);\n}\n",
    ),
];

fn set(paths: &[&str]) -> BTreeSet<String> {
    paths.iter().map(|&path| path.to_owned()).collect()
}

#[test]
fn a_c_edit_costs_those_that_use_what_changed() {
    let mut shop = FollowedRepo::new(FILES);
    shop.assert_uses("src/main.c", "include/shop/cart.h: cart_add");
    shop.assert_uses("src/main.c", "include/shop/cart.h: cart::size");
    shop.assert_uses("src/cart.c", "include/shop/money.h: money_plus");
    shop.assert_uses("tests/store_test.cc", "cpp/store.h: shop::Store::save");
    assert_eq!(shop.used("src/quiet.c"), [""; 0]);

    // A body in a source, a comment and the name of a parameter concern one file.
    assert_eq!(
        shop.edit("src/cart.c", "\tcart->size = 0;", "\tcart->size = 0; /* empty */\n\treport(cart);"),
        set(&["src/cart.c"])
    );
    assert_eq!(shop.impact()["dependents"], json!([]));
    assert_eq!(shop.edit("src/money.c", "a.cents += cents;", "a.cents = a.cents + cents;"), set(&["src/money.c"]));
    let through = shop.impact()["through_interfaces"].clone();
    assert!(
        through.as_array().unwrap().iter().any(|one| one["path"] == "src/cart.c" && one["only"] == true),
        "{through:#}"
    );
    let header = "include/shop/cart.h";
    assert_eq!(
        shop.edit(header, "void cart_clear(struct cart *cart);", "void cart_clear(struct cart *which);"),
        set(&[header])
    );

    // A macro, an inline body, a prototype, a layout: those who compile it in.
    let with_limit = shop.edit(header, "CART_MAX 16", "CART_MAX 32");
    assert_eq!(with_limit, set(&[header]), "only the header itself writes it");
    assert_eq!(shop.edit(header, "cart->size >= CART_MAX", "cart->size == CART_MAX"), set(&[header, "src/main.c"]));
    assert_eq!(
        shop.edit(
            header,
            "CART_PUBLIC(int) cart_add(struct cart *cart, int price);",
            "CART_PUBLIC(int) cart_add(struct cart *cart, long price);"
        ),
        set(&[header, "src/cart.c", "src/main.c"])
    );
    assert_eq!(shop.impact()["dependents"][0]["because"][0]["symbol"], "cart_add");
    let with_cents = shop.edit("include/shop/money.h", "long cents;", "long long cents;");
    assert_eq!(with_cents, set(&["include/shop/money.h", header, "src/cart.c", "src/money.c"]));
    shop.assert_sound();
}

#[test]
fn cpp_classes_are_linked_to_what_defines_them() {
    let mut shop = FollowedRepo::new(FILES);
    let deps = shop.agent.json(["deps", shop.path(), "cpp/store.cc"]);
    let link = |symbol: &str, by: &str| {
        let links = deps["implements"].as_array().unwrap().iter();
        links.filter(|link| link["interface"] == symbol && link["implementation"] == by).count()
    };
    assert_eq!(link("shop::Memory::save", "shop::Memory::save"), 1, "{deps:#}");
    assert_eq!((link("shop::Store::save", "shop::Memory::save"), link("shop::open", "shop::open")), (1, 1), "{deps:#}");

    // A definition's body: its callers are reached through the declaration, and the test that runs it is named.
    assert_eq!(shop.edit("cpp/store.cc", "return one.size;", "return one.size + 1;"), set(&["cpp/store.cc"]));
    let impact = shop.impact();
    let through = impact["through_interfaces"].as_array().unwrap();
    assert!(through.iter().any(|one| one["path"] == "tests/store_test.cc"), "{impact:#}");
    assert_eq!(
        (&impact["tests"][0]["path"], &impact["tests"][0]["tests"]),
        (&json!("tests/store_test.cc"), &json!(["Store.Saves"])),
        "{impact:#}"
    );
    // A parameter more, with a default: the definition and the callers.
    assert_eq!(
        shop.edit("cpp/store.h", "open(int size);", "open(int size, int most = 0);"),
        set(&["cpp/store.h", "cpp/store.cc", "tests/store_test.cc"])
    );
    shop.assert_sound();
}

#[test]
fn headers_move_come_and_break() {
    let mut shop = FollowedRepo::new(FILES);
    // A nearer header of the same name hides the other one.
    shop.repo.write(
        "src/shop/money.h",
        "struct money { int cents; };\nstruct money money_plus(struct money a, int cents);\n",
    );
    shop.commit("a nearer header");
    shop.assert_uses("src/money.c", "src/shop/money.h: money_plus");
    shop.assert_sound();
    shop.repo.delete("src/shop/money.h");
    shop.commit("gone again");
    shop.assert_uses("src/money.c", "include/shop/money.h: money_plus");
    // Folders that the build names decide.
    shop.repo.write(
        "other/shop/money.h",
        "struct money { int cents; };\nstruct money money_plus(struct money a, int cents);\n",
    );
    shop.repo.write(
        "compile_commands.json",
        "[{\"directory\": \"/b\", \"file\": \"src/money.c\", \"command\": \"cc -Iother -c src/money.c\"}]\n",
    );
    shop.commit("compile commands");
    shop.assert_uses("src/money.c", "other/shop/money.h: money_plus");
    shop.assert_sound();
    shop.edit("include/shop/cart.h", "struct cart {", "struct cart {\n\tint (((;\n");
    shop.assert_sound();
    // Sources and headers that include each other.
    shop.repo.write("include/shop/money.h", "#pragma once\n#include \"shop/cart.h\"\nstruct money { long cents; };\nstruct money money_plus(struct money a, int cents);\n");
    shop.commit("a ring");
    shop.assert_sound();
}
