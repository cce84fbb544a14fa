//! The promise, for languages that are outlined: each item is found by kind and name, every answer says what is known of the file, and
//! nothing is guessed about who uses it.

use serde_json::json;

use crate::support::{FollowedRepo, untouched};

const FILES: [(&str, &str); 4] = [
    (
        "lib/shop.rb",
        "module Shop\n  # One order.\n  class Order\n    def add(line)\n      @lines << line\n    end\n  end\nend\n",
    ),
    ("app/Cart.kt", "package app\n\nclass Cart {\n    fun total(rows: Int): Int = rows\n}\n"),
    ("Dockerfile", "FROM debian AS base\nRUN make\n"),
    ("notes.fish", "function greet\n    echo hi\nend\n"),
];

#[test]
fn items_of_outlined_languages_are_found_by_kind() {
    let shop = FollowedRepo::new(FILES);
    for (query, kind, language, name, lines) in [
        ("order", "class", "ruby", "Shop::Order", (2, 7)),
        ("add", "method", "ruby", "Shop::Order::add", (4, 6)),
        ("total", "method", "kotlin", "Cart.total", (4, 4)),
        ("base", "module", "dockerfile", "base", (1, 2)),
    ] {
        let answer = shop.agent.json(["search", query, "--kind", kind, "--lang", language]);
        let hit = &answer["hits"][0];
        assert_eq!(hit["entity_name"], json!(name), "{answer}");
        assert_eq!((&hit["start_line"], &hit["end_line"]), (&json!(lines.0), &json!(lines.1)), "{answer}");
        assert_eq!(hit["rung"], json!("outlined"), "{answer}");
    }
}

#[test]
fn each_answer_says_on_which_rung_a_file_stands() {
    let shop = FollowedRepo::new(FILES);
    let said = shop.agent.ok(["status"]);
    assert!(said.contains("outlined: ") && said.contains("1 ruby") && said.contains("searched: 1 fish"), "{said}");
    let file = shop.repo.path().join("app/Cart.kt");
    let shown = shop.agent.json(["show", file.to_str().unwrap()]);
    assert_eq!((&shown["language"], &shown["rung"]), (&json!("kotlin"), &json!("outlined")), "{shown}");
    assert!(shop.agent.ok(["show", file.to_str().unwrap()]).contains("(kotlin, outlined, library)"));

    let estimate = untouched(shop.repo.path(), || shop.agent.json(["register", shop.path(), "--dry-run"]));
    assert_eq!(estimate["languages"]["ruby"]["rung"], json!("outlined"), "{estimate}");
    assert_eq!(estimate["languages"]["fish"]["rung"], json!("searched"), "{estimate}");
}

#[test]
fn names_alone_make_no_edge() {
    let mut shop = FollowedRepo::new([
        ("lib/shop.rb", "class Shop\n  def open\n  end\nend\n"),
        ("lib/town.rb", "require_relative 'shop'\n\nShop.new.open\n"),
    ]);
    assert_eq!(shop.edges("lib/town.rb").len(), 0);
    assert_eq!(shop.edit("lib/shop.rb", "def open", "def open(key)").into_iter().collect::<Vec<_>>(), ["lib/shop.rb"]);
}
