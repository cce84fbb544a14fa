use super::*;
use crate::domain::Language;
use crate::embedder::chunk;
use crate::language::item::ParsedCode;
use crate::language::table::TABLE;
use crate::outline;

fn language(name: &str) -> Language {
    Language::parse(name).unwrap()
}

fn symbols(language: Language, text: &str) -> Vec<Symbol> {
    let (outline, errors) = outline::outline(language, text);
    assert_eq!(errors, [], "{language}");
    outline.symbols().to_vec()
}

fn signatures(name: &str, text: &str) -> Vec<String> {
    symbols(language(name), text).into_iter().map(|symbol| symbol.signature).collect()
}

fn code(name: &str, text: &str, check: impl FnOnce(ParsedCode<'_>)) {
    let parsed = Parsed::new(language(name), text);
    check((language(name).spec().code)(&parsed, Role::Library).unwrap());
}

fn outlined_records() -> impl Iterator<Item = &'static Spec> {
    TABLE.iter().copied().filter(|spec| spec.items.is_some())
}

#[test]
fn every_query_fits_its_grammar() {
    let checked = outlined_records().map(|spec| query::of(spec.language).map(|_| ())).collect::<Vec<_>>();
    assert!(checked.len() >= 20);
    assert_eq!(checked.iter().find(|one| one.is_err()), None);
}

/// `samples/items.txt` has what a reader counts in the samples, by language.
#[test]
fn samples_are_outlined_as_a_reader_would() {
    let expected: Vec<(&str, &str)> =
        include_str!("samples/items.txt").split("== ").skip(1).filter_map(|part| part.split_once('\n')).collect();
    assert!(expected.len() >= 20);
    for (name, items) in expected {
        let found = symbols(language(name), language(name).spec().sample);
        let written: String = found
            .iter()
            .map(|one| format!("{}-{} {} {}\n", one.start_line, one.end_line, one.kind, one.name))
            .collect();
        assert_eq!(written, items, "{name}:\n{written}");
    }
}

#[test]
fn every_item_of_a_sample_is_found_by_kind_and_name() {
    for spec in outlined_records() {
        let segments = chunk::segments(&Parsed::new(spec.language, spec.sample));
        let declared: Vec<_> = segments.iter().flat_map(|segment| segment.declared()).collect();
        for symbol in symbols(spec.language, spec.sample) {
            let is_found = declared.iter().any(|item| item.entity_name == symbol.name);
            assert!(is_found, "{}: {} is in no segment", spec.language, symbol.name);
        }
    }
}

#[test]
fn documentation_stands_before_its_item() {
    for (name, text) in [
        ("ruby", "x = 1 # no\n\n# Adds.\n# Twice.\ndef add\nend\n"),
        ("php", "<?php\n/**\n * Adds.\n * Twice.\n */\n#[Pure]\nfunction add() {}\n"),
        ("kotlin", "/** Adds.\n * Twice. */\n@Test\nfun add() {}\n"),
        (
            "elixir",
            "defmodule A do\n  @doc \"\"\"\n  Adds.\n  Twice.\n  \"\"\"\n  @spec add(a) :: b\n  def add(a), do: a\nend\n",
        ),
        ("r", "#' Adds.\n#' Twice.\nadd <- function(x) x\n"),
        ("shell", "#!/bin/sh\n# Adds.\n# Twice.\nadd() { true; }\n"),
    ] {
        code(name, text, |code| {
            let item = code.items.iter().find(|item| item.name.ends_with("add")).unwrap();
            assert_eq!(item.documentation.as_deref(), Some("Adds.\nTwice."), "{name}");
        });
        assert!(symbols(language(name), text).iter().any(|symbol| symbol.doc), "{name}");
    }
    code("ruby", "# Of the file.\n\ndef add\nend\n", |code| assert_eq!(code.items[0].documentation, None));
}

#[test]
fn signatures_end_where_the_body_begins() {
    assert_eq!(signatures("ruby", "def add(a, # first\n        b)\n  a\nend\n"), ["def add(a, b)"]);
    assert_eq!(signatures("kotlin", "fun <T> add(a: T): Int { return 1 }\n"), ["fun <T> add(a: T): Int"]);
    assert_eq!(signatures("lua", "local f = function(a) return a end\n"), ["local f = function(a)"]);
    assert_eq!(signatures("terraform", "resource \"a\" \"b\" {\n  c = 1\n}\n"), ["resource \"a\" \"b\""]);
}

#[test]
fn local_definitions_are_no_items() {
    for (name, text, expected) in [
        ("ruby", "def f\n  def g; end\n  X = 1\nend\n", "f"),
        ("lua", "local function f()\n  local function g() end\n  return function() end\nend\n", "f"),
        ("kotlin", "val f = run { val g = 1; fun h() {} }\n", "f"),
        ("swift", "func f() { func g() {}; let h = 1 }\n", "f"),
        ("scala", "object O { def f = { val g = 1; def h = 2; g } }\n", "O O.f"),
        ("r", "f <- function() { g <- function() 1; g }\n", "f"),
    ] {
        let names: Vec<String> = symbols(language(name), text).into_iter().map(|symbol| symbol.name).collect();
        assert_eq!(names.join(" "), expected, "{name}");
    }
}

#[test]
fn what_a_file_hides_is_not_listed() {
    for (name, text) in [
        ("kotlin", "class A { private fun hidden() {} \n fun shown() {} }\n"),
        ("swift", "class A { private func hidden() {} \n func shown() {} }\n"),
        ("scala", "class A { private def hidden = 1\n def shown = 2 }\n"),
        ("php", "<?php class A { private function hidden() {} function shown() {} }\n"),
        ("elixir", "defmodule A do\n  defp hidden(a), do: a\n  def shown(a), do: a\nend\n"),
    ] {
        code(name, text, |code| {
            let listed: Vec<&str> =
                code.items.iter().filter(|item| item.is_listed).map(|item| item.name.as_str()).collect();
            assert!(listed.iter().any(|name| name.ends_with("shown")), "{name}: {listed:?}");
            assert!(!listed.iter().any(|name| name.ends_with("hidden")), "{name}: {listed:?}");
        });
    }
}

#[test]
fn else_if_is_no_deeper_than_its_if() {
    for (name, text) in [
        ("ruby", "def f(a)\n  if a\n    1\n  elsif b\n    2\n  elsif c\n    while d\n      e\n    end\n  end\nend\n"),
        ("php", "<?php function f($a) { if ($a) {} elseif ($b) {} else if ($c) { while ($d) {} } }\n"),
        ("kotlin", "fun f(a: A) { if (a) {} else if (b) {} else if (c) { while (d) {} } }\n"),
        ("swift", "func f(a: A) { if a {} else if b {} else if c { while d {} } }\n"),
        ("scala", "def f(a: A) = { if (a) {} else if (b) {} else if (c) { while (d) {} } }\n"),
        ("dart", "f(a) { if (a) {} else if (b) {} else if (c) { while (d) {} } }\n"),
        ("lua", "function f(a) if a then elseif b then elseif c then while d do end end end\n"),
        ("shell", "f() { if a; then b; elif c; then d; elif e; then while g; do h; done; fi; }\n"),
        ("perl", "sub f { if ($a) {} elsif ($b) {} elsif ($c) { while ($d) {} } }\n"),
        ("zig", "fn f(a: A) void { if (a) {} else if (b) {} else if (c) { while (d) {} } }\n"),
        ("r", "f <- function(a) { if (a) {} else if (b) {} else if (c) { while (d) {} } }\n"),
    ] {
        code(name, text, |code| {
            let measured = code.functions[0].complexity;
            assert_eq!((measured.cyclomatic, measured.nesting), (5, 2), "{name}: {measured:?}");
        });
    }
}

#[test]
fn a_long_class_is_cut_along_its_methods() {
    let methods: String = (0..8)
        .map(|n| format!("    // Says {n}.\n    fun method{n}(word: String): String {{\n        return word + {n} + other(word, {n}) + more(word)\n    }}\n\n"))
        .collect();
    let text = format!("package a\n\nimport b.C\n\nclass Store(val rows: Int) {{\n{methods}}}\n");
    let chunks = chunk::chunks(language("kotlin"), Some("Store.kt"), &text);
    assert!(chunks.len() > 3, "{chunks:#?}");
    let third = chunks.iter().find(|chunk| chunk.body().contains("fun method3(")).unwrap();
    assert!(third.text.contains("class Store(val rows: Int)"), "{}", third.text);
    let names: Vec<&str> = chunks
        .iter()
        .flat_map(|chunk| chunk.items.iter().map(|item| item.entity_name.as_str()).chain([chunk.entity_name.as_str()]))
        .collect();
    for n in 0..8 {
        let name = format!("Store.method{n}");
        assert!(names.iter().any(|found| found.split(", ").any(|one| one == name)), "{name}: {names:?}");
    }
}

#[test]
fn tests_have_their_role_by_name_and_folder() {
    for (path, role) in [
        ("spec/models/order_spec.rb", Role::Test),
        ("t/order.t", Role::Test),
        ("src/OrderTest.php", Role::Test),
        ("src/test/kotlin/Order.kt", Role::Test),
        ("Tests/ShopTests/Order.swift", Role::Test),
        ("lib/order_test.exs", Role::Test),
        ("lib/contest.rb", Role::Library),
        ("src/Latest.php", Role::Library),
        ("lib/order.rb", Role::Library),
    ] {
        assert_eq!(crate::language::role_of(&path.into()), role, "{path}");
    }
}
