use super::*;
use crate::embedder::model::FALLBACK;

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
    Embedder::load(&model_dir(), FALLBACK, threads).unwrap()
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

/// 438 MB, which not every machine has.
#[test]
fn mpnet_with_its_published_weights_is_pytorchs() {
    let model = "all-mpnet-base-v2";
    let models = model_dir();
    let dir = models.parent().unwrap().join(model);
    if !dir.join(WEIGHTS).exists() {
        eprintln!("{model} is left out: install/fetch-mpnet.sh gets it");
        return;
    }
    let references: Vec<Reference> =
        serde_json::from_str(include_str!("../../tests/data/embedding/all-mpnet-base-v2.json")).unwrap();
    let texts: Vec<&str> = references.iter().map(|reference| reference.text.as_str()).collect();
    let vectors = Embedder::load(&dir, model, 2).unwrap().embed(&texts).unwrap();
    for (reference, vector) in references.iter().zip(&vectors) {
        let cosine = cosine(&reference.vector, vector);
        assert!(cosine >= 0.9999, "{cosine} for {:?}", reference.text);
    }
}

#[test]
fn the_order_is_kept_and_neighbours_and_threads_change_nothing() {
    let texts: Vec<String> = (0..9).map(|n| format!("fn step_{n}() {{ {} }}", "work(); ".repeat(n * 7))).collect();
    let texts: Vec<&str> = texts.iter().map(String::as_str).collect();
    let embedder = embedder(3);
    let together = embedder.embed(&texts).unwrap();
    for (text, vector) in texts.iter().zip(&together) {
        assert_eq!(embedder.embed(&[text]).unwrap()[0], *vector);
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
    assert_eq!(embedder.count_tokens(&"word ".repeat(5_000)).unwrap(), 256);
}

#[test]
fn a_missing_or_broken_file_is_named() {
    let dir = tempfile::tempdir().unwrap();
    let load = || Embedder::load(dir.path(), FALLBACK, 1).err().unwrap().to_string();
    assert!(load().contains("config.json"), "{}", load());
    for name in [CONFIG, TOKENIZER] {
        std::fs::copy(model_dir().join(name), dir.path().join(name)).unwrap();
    }
    assert!(load().contains("model.safetensors"), "{}", load());
    std::fs::write(dir.path().join(WEIGHTS), b"\xff\xff\xff\xff\xff\xff\xff\xff{}").unwrap();
    assert!(load().contains("model.safetensors") && load().contains("install it again"), "{}", load());
}

/// Tiny random models, one a family, with what PyTorch computes for 50 texts: `tests/models/make.py` makes them.
const FAMILIES: [&str; 8] =
    ["bert", "roberta", "xlm-roberta", "mpnet", "jina-bert", "jina-bert-code", "nomic-bert", "modernbert"];

fn reference_dir(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/models").join(name)
}

fn reference_texts() -> Vec<String> {
    serde_json::from_slice(&std::fs::read(reference_dir("texts.json")).unwrap()).unwrap()
}

#[derive(serde::Deserialize)]
struct Expected {
    tokens: Vec<usize>,
    passages: Vec<Vec<f32>>,
    queries: Vec<Vec<f32>>,
}

fn expected(name: &str) -> Expected {
    serde_json::from_slice(&std::fs::read(reference_dir(name).join("expected.json")).unwrap()).unwrap()
}

#[track_caller]
fn assert_near(name: &str, found: &[Vector], expected: &[Vec<f32>], least: f32) {
    assert_eq!(found.len(), expected.len());
    for (index, (found, expected)) in found.iter().zip(expected).enumerate() {
        assert_eq!(found.len(), expected.len(), "{name}: dimensions");
        let cosine = cosine(found, expected);
        assert!(cosine >= least, "{name}: cosine {cosine} of text {index}");
    }
}

#[test]
fn every_family_computes_what_its_published_code_computes() {
    let texts = reference_texts();
    let texts: Vec<&str> = texts.iter().map(String::as_str).collect();
    assert_eq!(texts.len(), 50);
    for name in FAMILIES {
        let (embedder, expected) = (Embedder::load(&reference_dir(name), name, 2).unwrap(), expected(name));
        let counts: Vec<usize> = texts
            .iter()
            .map(|text| embedder.count_tokens(&prefixed(&embedder.rules.passage_prefix, text)).unwrap())
            .collect();
        assert_eq!(counts, expected.tokens, "{name}: tokens");
        assert!(counts.contains(&512) && counts.iter().any(|count| *count <= 10), "{name}: {counts:?}");
        let together = embedder.embed(&texts).unwrap();
        assert_near(name, &together, &expected.passages, 0.99999);
        let alone: Vec<Vector> = texts.iter().flat_map(|text| embedder.embed(&[text]).unwrap()).collect();
        assert_eq!(alone, together, "{name}: neighbours change nothing");
        let queries: Vec<Vector> =
            texts[..expected.queries.len()].iter().map(|text| embedder.embed_query(text).unwrap()).collect();
        assert_near(name, &queries, &expected.queries, 0.99999);
    }
}

/// Many short texts that go through the network side by side, as for a table of provisional vectors.
#[test]
fn texts_side_by_side_are_those_alone_in_every_family() {
    for name in FAMILIES {
        let network = read_network(&reference_dir(name)).unwrap();
        let tokens: Vec<u32> = (0..60).map(|nth| nth * 7 % 290).collect();
        let together = network.forward_groups(&tokens, 4).unwrap().to_vec2::<f32>().unwrap();
        for (text, found) in tokens.chunks(4).zip(together.chunks(4)) {
            let alone = network.forward(text).unwrap().to_vec2::<f32>().unwrap();
            for (alone, found) in alone.iter().zip(found) {
                assert!(cosine(alone, found) >= 0.99999, "{name}");
            }
        }
    }
}

fn copied(name: &str) -> tempfile::TempDir {
    let dir = tempfile::tempdir().unwrap();
    std::fs::create_dir(dir.path().join("1_Pooling")).unwrap();
    for file in [
        CONFIG,
        TOKENIZER,
        WEIGHTS,
        "modules.json",
        "1_Pooling/config.json",
        "config_sentence_transformers.json",
        "sentence_bert_config.json",
    ] {
        std::fs::copy(reference_dir(name).join(file), dir.path().join(file)).unwrap();
    }
    dir
}

/// Writes a model's weights as numbers of a type, in so many files.
fn rewrite(dir: &Path, dtype: candle_core::DType, shards: usize) {
    let tensors = candle_core::safetensors::load(dir.join(WEIGHTS), &candle_core::Device::Cpu).unwrap();
    std::fs::remove_file(dir.join(WEIGHTS)).unwrap();
    let mut names: Vec<&String> = tensors.keys().collect();
    names.sort();
    let mut map = serde_json::Map::new();
    for shard in 0..shards {
        let file = if shards == 1 { WEIGHTS.to_owned() } else { format!("model-{shard}-of-{shards}.safetensors") };
        let part: std::collections::HashMap<String, Tensor> = names
            .iter()
            .skip(shard)
            .step_by(shards)
            .map(|name| ((*name).clone(), tensors[*name].to_dtype(dtype).unwrap()))
            .collect();
        map.extend(part.keys().map(|name| (name.clone(), Value::String(file.clone()))));
        candle_core::safetensors::save(&part, dir.join(file)).unwrap();
    }
    if shards > 1 {
        std::fs::write(dir.join(SHARDS), serde_json::json!({ "weight_map": map }).to_string()).unwrap();
    }
}

#[test]
fn weights_in_shards_and_in_half_precision_are_read() {
    let texts = reference_texts();
    let texts: Vec<&str> = texts.iter().map(String::as_str).collect();
    for (name, dtype, shards, least) in [
        ("bert", candle_core::DType::F32, 3, 0.99999),
        ("mpnet", candle_core::DType::F16, 1, 0.999),
        ("modernbert", candle_core::DType::BF16, 2, 0.98),
    ] {
        let dir = copied(name);
        rewrite(dir.path(), dtype, shards);
        let found = Embedder::load(dir.path(), name, 1).unwrap().embed(&texts).unwrap();
        assert_near(name, &found, &expected(name).passages, least);
    }
    let dir = copied("bert");
    rewrite(dir.path(), candle_core::DType::F32, 2);
    std::fs::remove_file(dir.path().join("model-1-of-2.safetensors")).unwrap();
    let error = Embedder::load(dir.path(), "bert", 1).err().unwrap().to_string();
    assert!(error.contains("model-1-of-2.safetensors"), "{error}");
    std::fs::write(dir.path().join(SHARDS), r#"{"weight_map": {"a": "../../secret.safetensors"}}"#).unwrap();
    let error = Embedder::load(dir.path(), "bert", 1).err().unwrap().to_string();
    assert!(error.contains("names no files next to it"), "{error}");
}

/// The waves of [`reference_dir`]'s ModernBERT as newer configurations have them.
fn waves(kind: &str) -> Value {
    serde_json::json!({
        "full_attention": {"rope_theta": 160_000.0, "rope_type": kind},
        "sliding_attention": {"rope_theta": 10_000.0, "rope_type": "default"}
    })
}

#[test]
fn a_newer_configuration_of_modernbert_is_the_same_network() {
    let (before, dir) = (Embedder::load(&reference_dir("modernbert"), "m", 1).unwrap(), copied("modernbert"));
    let kinds = ["full_attention", "sliding_attention", "sliding_attention", "full_attention"];
    edit_config(
        dir.path(),
        &[
            ("rope_parameters", waves("default")),
            ("layer_types", kinds.map(str::to_owned).to_vec().into()),
            ("global_rope_theta", Value::Null),
            ("local_rope_theta", Value::Null),
            ("global_attn_every_n_layers", Value::Null),
        ],
    );
    let after = Embedder::load(dir.path(), "m", 1).unwrap();
    let texts = reference_texts();
    let texts: Vec<&str> = texts.iter().map(String::as_str).collect();
    assert_eq!(before.embed(&texts).unwrap(), after.embed(&texts).unwrap());
}

#[test]
fn a_model_that_reads_next_to_nothing_is_refused() {
    let json = |text: &str| serde_json::from_str::<Value>(text).unwrap().to_string();
    let long = format!("{{\"prompts\": {{\"query\": \"{}\"}}}}", "q ".repeat(2_000));
    for (file, content, why) in [
        ("sentence_bert_config.json", r#"{"max_seq_length": 3}"#, "at most 3 tokens"),
        ("config_sentence_transformers.json", long.as_str(), "its prompt takes"),
    ] {
        let dir = copied("bert");
        std::fs::write(dir.path().join(file), json(content)).unwrap();
        let error = Embedder::load(dir.path(), "bert", 1).err().unwrap().to_string();
        assert!(error.contains(why), "{error}");
    }
}

/// Changes values of a model's `config.json`; null removes one.
fn edit_config(dir: &Path, changes: &[(&str, Value)]) {
    let mut config = read_json(&dir.join(CONFIG)).unwrap();
    for (key, value) in changes {
        match value {
            Value::Null => drop(config.as_object_mut().unwrap().remove(*key)),
            value => config[*key] = value.clone(),
        }
    }
    std::fs::write(dir.join(CONFIG), config.to_string()).unwrap();
}

#[test]
fn an_unknown_kind_of_model_is_refused_by_what_is_missing() {
    let text = |text: &str| Value::String(text.to_owned());
    for (name, changes, why) in [
        ("bert", vec![("model_type", text("deberta-v2"))], "family deberta-v2"),
        ("bert", vec![("model_type", Value::Null)], "no model_type"),
        ("bert", vec![("position_embedding_type", text("relative_key"))], "position_embedding_type relative_key"),
        ("bert", vec![("hidden_act", text("relu"))], "activation relu"),
        ("bert", vec![("is_decoder", Value::Bool(true))], "decoder"),
        ("bert", vec![("num_attention_heads", Value::from(7))], "7 heads"),
        ("jina-bert", vec![("feed_forward_type", text("reglu"))], "reglu"),
        ("nomic-bert", vec![("activation_function", text("gelu"))], "activation gelu"),
        ("nomic-bert", vec![("rotary_emb_interleaved", Value::Bool(true))], "rotary_emb_interleaved true"),
        ("nomic-bert", vec![("prenorm", Value::Bool(true))], "prenorm true"),
        ("modernbert", vec![("hidden_activation", text("silu"))], "activation silu"),
        ("modernbert", vec![("rope_scaling", serde_json::json!({"type": "yarn"}))], "rope_scaling"),
        ("modernbert", vec![("rope_parameters", waves("yarn"))], "rope_type yarn"),
        (
            "modernbert",
            vec![("layer_types", serde_json::json!(["full_attention", "full_attention", "full_attention"]))],
            "3 kinds (layer_types)",
        ),
        (
            "modernbert",
            vec![(
                "layer_types",
                serde_json::json!(["full_attention", "chunked_attention", "full_attention", "full_attention"]),
            )],
            "the kind chunked_attention",
        ),
        ("bert", vec![("num_hidden_layers", Value::from(0))], "0 layers"),
        ("bert", vec![("num_hidden_layers", Value::from(1))], "1 layers"),
        ("modernbert", vec![("num_hidden_layers", Value::from(3))], "3 layers"),
        ("roberta", vec![("pad_token_id", Value::from(4_000_000_000_u32))], "at most 0 tokens"),
    ] {
        let dir = copied(name);
        edit_config(dir.path(), &changes);
        let error = Embedder::load(dir.path(), name, 1).err().unwrap();
        assert!(matches!(error, EmbedError::Unsupported { .. }), "{error:?}");
        assert!(error.to_string().contains(why), "{error}");
    }
    let dir = copied("bert");
    edit_config(dir.path(), &[("intermediate_size", Value::from(96))]);
    let error = Embedder::load(dir.path(), "bert", 1).err().unwrap().to_string();
    assert!(error.contains("intermediate.dense.weight"), "{error}");
}
