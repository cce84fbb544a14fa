use super::*;
use crate::embedder::model::{FALLBACK, spec};

/// The directory of the real model: `$RA_AGENT_TEST_MODELS/<id>`, else where `install/fetch-model.sh` puts it.
pub(super) fn model_dir() -> PathBuf {
    let models = std::env::var_os("RA_AGENT_TEST_MODELS").map(PathBuf::from);
    let default = || dirs::home_dir().unwrap_or_default().join(".cache/ra-agent/models");
    let dir = models.unwrap_or_else(default).join(FALLBACK);
    assert!(
        dir.join(WEIGHTS).exists(),
        "the tests need the model in {}: run install/fetch-model.sh, or set RA_AGENT_TEST_MODELS",
        dir.display()
    );
    dir
}

fn embedder(threads: usize) -> Embedder {
    Embedder::load(&model_dir(), spec(FALLBACK).unwrap(), threads).unwrap()
}

pub(super) fn cosine(a: &[f32], b: &[f32]) -> f32 {
    let dot = |a: &[f32], b: &[f32]| a.iter().zip(b).map(|(x, y)| x * y).sum::<f32>();
    dot(a, b) / (dot(a, a) * dot(b, b)).sqrt()
}

#[derive(serde::Deserialize)]
struct Reference {
    text: String,
    vector: Vec<f32>,
}

#[test]
fn vectors_are_those_of_another_runtime_on_the_same_weights() {
    let references: Vec<Reference> =
        serde_json::from_str(include_str!("../../tests/data/embedding/reference.json")).unwrap();
    assert!(references.len() >= 8);
    let texts: Vec<&str> = references.iter().map(|reference| reference.text.as_str()).collect();
    let vectors = embedder(2).embed(&texts).unwrap();
    for (reference, vector) in references.iter().zip(&vectors) {
        let cosine = cosine(&reference.vector, vector);
        assert!(cosine >= 0.9999, "{cosine} for {:?}", reference.text);
        assert!((vector.iter().map(|x| x * x).sum::<f32>() - 1.0).abs() < 1e-5);
    }
}

#[test]
fn the_order_is_kept_and_neighbours_and_threads_change_nothing() {
    let texts: Vec<String> = (0..9).map(|n| format!("fn step_{n}() {{ {} }}", "work(); ".repeat(n * 7))).collect();
    let texts: Vec<&str> = texts.iter().map(String::as_str).collect();
    let embedder = embedder(3);
    let together = embedder.embed(&texts).unwrap();
    for (text, vector) in texts.iter().zip(&together) {
        assert_eq!(embedder.embed(&[text]).unwrap(), [*vector]);
    }
    assert_eq!(embedder.embed(&[]).unwrap(), Vec::<Vector>::new());
}

#[test]
fn meaning_is_near_and_odd_texts_are_no_trouble() {
    let embedder = embedder(2);
    let query = embedder.embed_query("where are failed requests tried again").unwrap();
    let texts = [
        "fn send_with_backoff(request: &Request) { for attempt in 0..MAX_ATTEMPTS { .. } }",
        "fn parse_color(hex: &str) -> Rgb { .. }",
        "",
        "\0\u{feff}é漢🦀",
        &"x".repeat(1 << 20),
    ];
    let vectors = embedder.embed(&texts).unwrap();
    assert!(cosine(&query, &vectors[0]) > cosine(&query, &vectors[1]) + 0.1);
    assert_eq!(embedder.count_tokens(&"word ".repeat(5_000)).unwrap(), TOKENS_MAX);
}

#[test]
fn a_missing_or_broken_file_is_named() {
    let dir = tempfile::tempdir().unwrap();
    let load = || Embedder::load(dir.path(), spec(FALLBACK).unwrap(), 1).err().unwrap().to_string();
    assert!(load().contains("config.json"), "{}", load());
    for name in [CONFIG, TOKENIZER] {
        std::fs::copy(model_dir().join(name), dir.path().join(name)).unwrap();
    }
    assert!(load().contains("model.safetensors"), "{}", load());
    std::fs::write(dir.path().join(WEIGHTS), b"\xff\xff\xff\xff\xff\xff\xff\xff{}").unwrap();
    assert!(load().contains("model.safetensors") && load().contains("install it again"), "{}", load());
}
