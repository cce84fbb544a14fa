//! Questions that are asked together get the same answers as questions that are asked alone, and no more of them are asked twice.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use crate::support::TestRepo;
use crate::support::asking::{Asking, config_of};

const FILES: usize = 100;
const TYPES: [&str; 4] = ["docs", "todos", "refactor", "analysis"];

fn repo() -> TestRepo {
    let repo =
        TestRepo::with_files([("Cargo.toml", "[package]\nname = \"many\"\nversion = \"0.1.0\"\nedition = \"2021\"\n")]);
    for n in 1..FILES {
        repo.write(
            &format!("src/m{n}.rs"),
            format!("/// Adds {n}.\npub fn add_{n}(to: u32) -> u32 {{\n    to + {n}\n}}\n"),
        );
    }
    repo.write("src/lib.rs", (1..FILES).map(|n| format!("pub mod m{n};\n")).collect::<String>());
    repo.commit("a hundred files");
    repo
}

/// A value with each text and number replaced by its kind.
fn shape(value: &Value) -> Value {
    match value {
        Value::Object(fields) => {
            fields.iter().map(|(name, field)| (name.clone(), shape(field))).collect::<serde_json::Map<_, _>>().into()
        }
        Value::Array(items) => items.iter().map(shape).collect(),
        Value::String(_) => json!("text"),
        Value::Number(_) => json!("number"),
        other => other.clone(),
    }
}

/// The shape of what is stored of each file, by type.
fn stored(asking: &Asking) -> BTreeMap<(String, String), Value> {
    let mut shapes = BTreeMap::new();
    for file in asking.repo.git(&["ls-files", "src"]).lines() {
        let path = asking.repo.path().join(file);
        let shown = asking.agent.json(["show", path.to_str().unwrap()]);
        for one in shown["analyses"].as_array().unwrap() {
            assert_eq!((&one["model"], &one["fresh"]), (&json!("custom/scripted"), &json!(true)), "{one}");
            shapes.insert((file.to_owned(), one["type"].as_str().unwrap().to_owned()), shape(&one["result"]));
        }
    }
    shapes
}

#[test]
fn a_hundred_files_are_answered_alike_alone_and_together() {
    let together = Asking::about(repo(), "100.00", "", |server| server.err_now_and_then());
    together.wait();
    let repairs_together = together.server.requests().len() - FILES;

    let types = |count: usize| format!("[analysis]\ntypes = {}\n", json!(TYPES[..count]));
    let mut alone = Asking::about(repo(), "100.00", &types(1), |server| server.err_now_and_then());
    alone.wait();
    for count in 2..=TYPES.len() {
        alone.agent.stop();
        alone.agent.write_config(&config_of(&alone.server, "100.00", &types(count)));
        alone.agent.start();
        alone.wait();
    }
    let repairs_alone = alone.server.requests().len() - FILES * TYPES.len();

    let (one, other) = (stored(&together), stored(&alone));
    assert_eq!(one.len(), FILES * TYPES.len());
    assert_eq!(one, other);
    println!("asked again, of {} questions: {repairs_together} together, {repairs_alone} alone", FILES * TYPES.len());
    assert!(repairs_alone > FILES / 4, "the model errs: {repairs_alone}");
    assert!(repairs_together <= repairs_alone, "{repairs_together} of those together, {repairs_alone} of those alone");
    for asking in [together, alone] {
        assert_eq!(asking.booked_nano(), asking.server.billed_nano());
    }
}
