use std::collections::HashMap;

use candle_core::DType;
use candle_nn::VarBuilder;
use candle_transformers::models::bert::{BertModel, Config, DTYPE};
use serde_json::{Value, json};

use super::super::tests::{cosine, model_dir};
use super::super::{CONFIG, WEIGHTS, families, read_json};
use super::*;

/// The configuration of bge-small-en-v1.5 but for the size of its vocabulary.
const TWELVE_LAYERS: &str = r#"{"vocab_size": 500, "hidden_size": 384, "num_hidden_layers": 12, "num_attention_heads": 12,
    "intermediate_size": 1536, "hidden_act": "gelu", "hidden_dropout_prob": 0.1, "max_position_embeddings": 512,
    "type_vocab_size": 2, "initializer_range": 0.02, "layer_norm_eps": 1e-12, "pad_token_id": 0, "model_type": "bert"}"#;

/// A file of made-up weights of a model's shapes, each name behind `prefix`.
fn made_up_weights(config: &Config, prefix: &str) -> Vec<u8> {
    let (hidden, wide) = (config.hidden_size, config.intermediate_size);
    let mut shapes = vec![
        ("embeddings.word_embeddings.weight".to_owned(), vec![config.vocab_size, hidden]),
        ("embeddings.position_embeddings.weight".to_owned(), vec![config.max_position_embeddings, hidden]),
        ("embeddings.token_type_embeddings.weight".to_owned(), vec![config.type_vocab_size, hidden]),
    ];
    let mut norms = vec!["embeddings.LayerNorm".to_owned()];
    for layer in (0..config.num_hidden_layers).map(|index| format!("encoder.layer.{index}")) {
        let square = ["attention.self.query", "attention.self.key", "attention.self.value", "attention.output.dense"];
        let linear = square.map(|name| (name, hidden, hidden)).into_iter();
        for (name, inputs, outputs) in
            linear.chain([("intermediate.dense", hidden, wide), ("output.dense", wide, hidden)])
        {
            shapes.push((format!("{layer}.{name}.weight"), vec![outputs, inputs]));
            shapes.push((format!("{layer}.{name}.bias"), vec![outputs]));
        }
        norms.extend(["attention.output", "output"].map(|name| format!("{layer}.{name}.LayerNorm")));
    }
    shapes.extend(
        norms.into_iter().flat_map(|norm| ["weight", "bias"].map(|part| (format!("{norm}.{part}"), vec![hidden]))),
    );
    let tensors: HashMap<String, Tensor> = shapes
        .into_iter()
        .enumerate()
        .map(|(index, (name, shape))| {
            let mean = if name.ends_with("LayerNorm.weight") { 1.0 } else { 0.0 };
            (format!("{prefix}{name}"), scattered(index, &shape, mean))
        })
        .collect();
    let dir = tempfile::tempdir().unwrap();
    candle_core::safetensors::save(&tensors, dir.path().join(WEIGHTS)).unwrap();
    std::fs::read(dir.path().join(WEIGHTS)).unwrap()
}

/// Values that look random, within 0.15 of `mean`: the same in every run, others for each `seed`.
fn scattered(seed: usize, shape: &[usize], mean: f64) -> Tensor {
    let count = shape.iter().product::<usize>() as f32;
    let numbers = Tensor::arange(0.0_f32, count, &Device::Cpu).unwrap().affine(12.9898, seed as f64).unwrap();
    let large = (numbers.sin().unwrap() * 43_758.547).unwrap();
    let fraction = (&large - large.floor().unwrap()).unwrap();
    fraction.affine(0.3, mean - 0.15).unwrap().reshape(shape).unwrap()
}

/// Compares, for texts of some lengths, the first token's vector and the mean of all with those of the library's own BERT.
#[track_caller]
fn assert_equals_the_library(file: Vec<u8>, config: &Value, lengths: &[usize]) {
    let library = VarBuilder::from_slice_safetensors(&file, DTYPE, &Device::Cpu).unwrap();
    let ours = families::load(config, std::slice::from_ref(&file)).unwrap();
    let config = typed(config);
    let library = BertModel::load(library, &config).unwrap();
    for &length in lengths {
        let tokens: Vec<u32> = (0..length).map(|n| (n * 7_919 + length) as u32 % config.vocab_size as u32).collect();
        let ids = Tensor::new(&tokens[..], &Device::Cpu).unwrap().unsqueeze(0).unwrap();
        let expected = library.forward(&ids, &ids.zeros_like().unwrap(), None).unwrap().squeeze(0).unwrap();
        let found = ours.forward(&tokens).unwrap();
        let poolings: [fn(&Tensor) -> Result<Tensor>; 2] = [|hidden| hidden.get(0), |hidden| hidden.mean(0)];
        for pool in poolings {
            let [expected, found] = [&expected, &found].map(|hidden| unit(&pool(hidden).unwrap()));
            let furthest = expected.iter().zip(&found).map(|(a, b)| (a - b).abs()).fold(0.0, f32::max);
            let cosine = cosine(&expected, &found);
            assert!(cosine >= 0.99999 && furthest <= 1e-5, "{length} tokens: cosine {cosine}, furthest {furthest}");
        }
    }
}

fn unit(vector: &Tensor) -> Vec<f32> {
    let vector = vector.to_vec1::<f32>().unwrap();
    let length = vector.iter().map(|x| x * x).sum::<f32>().sqrt();
    vector.into_iter().map(|x| x / length).collect()
}

#[test]
fn a_model_of_six_layers_computes_what_the_library_computes() {
    let dir = model_dir();
    let file = std::fs::read(dir.join(WEIGHTS)).unwrap();
    assert_equals_the_library(file, &read_json(&dir.join(CONFIG)).unwrap(), &[1, 17, 150]);
}

#[test]
fn so_does_one_of_twelve_layers_within_a_larger_model() {
    let config: Value = serde_json::from_str(TWELVE_LAYERS).unwrap();
    assert_equals_the_library(made_up_weights(&typed(&config), "bert."), &config, &[5, 100]);
}

fn typed(config: &Value) -> Config {
    serde_json::from_value(config.clone()).unwrap()
}

/// For 64 tokens out of a vocabulary of 9.
fn one_layer() -> Value {
    let mut config: Value = serde_json::from_str(TWELVE_LAYERS).unwrap();
    for (key, value) in [("num_hidden_layers", 1), ("vocab_size", 9), ("max_position_embeddings", 64)] {
        config[key] = json!(value);
    }
    config
}

#[test]
fn what_is_no_such_network_is_refused() {
    let config = one_layer();
    let files = [made_up_weights(&typed(&config), "")];
    let load = |config: &Value| families::load(config, &files).err().map(|error| error.to_string());
    assert_eq!(load(&config), None);
    let refused = |key: &str, value: Value, why: &str| {
        let mut config = config.clone();
        config[key] = value;
        let error = load(&config).unwrap();
        assert!(error.contains(why), "{error}");
    };
    refused("hidden_act", json!("relu"), "gelu");
    refused("num_attention_heads", json!(7), "7 heads");
    refused("num_attention_heads", json!(0), "0 heads");
    refused("intermediate_size", json!(3_072), "encoder.layer.0.intermediate.dense.weight");
    refused("num_hidden_layers", json!(2), "encoder.layer.1");
}

#[test]
fn a_text_that_does_not_fit_is_an_error() {
    let config = one_layer();
    let network = families::load(&config, &[made_up_weights(&typed(&config), "")]).unwrap();
    assert_eq!(network.forward(&[1; 64]).unwrap().dims(), [64, 384]);
    assert_eq!(network.forward(&[1]).unwrap().dtype(), DType::F32);
    assert!(network.forward(&[1; 65]).is_err(), "more than there are positions");
    assert!(network.forward(&[9]).is_err(), "a token beyond the vocabulary");
    assert!(network.forward(&[]).is_err(), "no token");
}
