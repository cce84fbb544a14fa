//! Embedding chunks of 128 tokens with the real model: one after the other, and as many side by side as there are cores.

use std::time::{Duration, Instant};

use ra_agent::embedder::bert::Embedder;
use ra_agent::embedder::model::spec;

use super::figures::{Spread, digits, millis, row, row_below, time};
use super::indexed::{MODEL, model_directory};
use super::sample;

/// Tokens of a chunk, the model's two marks included.
const TOKENS: usize = 128;
const CHUNKS: usize = 200;
const SINGLE: usize = 50;

pub fn measure() {
    let Some(dir) = model_directory() else { return };
    let cores = std::thread::available_parallelism().map_or(1, usize::from);
    let begun = Instant::now();
    let embedder = Embedder::load(&dir, spec(MODEL).unwrap(), cores).unwrap();
    row(&format!("loading the model {MODEL}"), &time(begun.elapsed()));
    let chunks = chunks(&embedder);
    let chunks: Vec<&str> = chunks.iter().map(String::as_str).collect();
    embedder.embed(&chunks[..2 * cores]).unwrap();
    let begun = Instant::now();
    embedder.embed(&chunks).unwrap();
    let each = begun.elapsed() / CHUNKS as u32;
    let value = format!("{} each, {} chunks/s", time(each), digits(1.0 / each.as_secs_f64()));
    row_below(&format!("embedding chunks of {TOKENS} tokens, {cores} threads"), &value, millis(each), 50.0, "ms");
    let single = chunks[..SINGLE].iter().map(|chunk| one(&embedder, chunk));
    row(&format!("embedding one chunk of {TOKENS} tokens, one thread"), &Spread::of(single.collect()).show(&[50, 95]));
}

fn one(embedder: &Embedder, chunk: &str) -> Duration {
    let begun = Instant::now();
    embedder.embed(&[chunk]).unwrap();
    begun.elapsed()
}

/// Pieces of the sample's files, word by word until they have exactly so many tokens.
fn chunks(embedder: &Embedder) -> Vec<String> {
    let chunks =
        sample::files(sample::ALL).into_iter().filter(|(path, _)| path.ends_with(".rs")).filter_map(|(_, text)| {
            let mut chunk = String::new();
            for word in text.split_inclusive(' ') {
                chunk.push_str(word);
                let tokens = embedder.count_tokens(&chunk).unwrap();
                if tokens >= TOKENS {
                    return (tokens == TOKENS).then_some(chunk);
                }
            }
            None
        });
    let chunks: Vec<String> = chunks.take(CHUNKS).collect();
    assert_eq!(chunks.len(), CHUNKS, "the sample has too few pieces of {TOKENS} tokens");
    chunks
}
