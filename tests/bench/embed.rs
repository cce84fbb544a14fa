//! Embedding chunks of some lengths with the real model, one after the other and as many side by side as there are cores; and,
//! where there is another runtime to compare with, how the two compare.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, Instant};
use std::{env, fs};

use ra_agent::embedder::chunk;
use ra_agent::embedder::encoder::Embedder;
use ra_agent::outline::language_of;

use super::figures::{Spread, digits, millis, row, row_below, time};
use super::indexed::{MODEL, model_directory};
use super::machine;
use super::sample;

/// Tokens of a chunk, the model's two marks included; the middle one has a target.
const TOKENS: [usize; 3] = [32, 128, 256];
const TOKENS_OF_TARGET: usize = 128;
const CHUNKS: usize = 200;
const SINGLE: usize = 50;

/// Names the command that embeds texts with another runtime on the same weights. It is given the tokenizer's file, a file with a
/// JSON array of texts, a file to write to, the number of threads and the most tokens of a text, and prints a JSON object with
/// `chunks_per_s`.
const PEER: &str = "RA_AGENT_EMBEDDING_PEER";
const PEER_CHUNKS: usize = 1_000;
const PEER_ROUNDS: usize = 5;
/// Of the peer's chunks a second.
const PEER_RATIO: f64 = 0.9;

pub fn measure() {
    let Some(dir) = model_directory() else { return };
    let cores = std::thread::available_parallelism().map_or(1, usize::from);
    let begun = Instant::now();
    let embedder = Embedder::load(&dir, MODEL, cores).unwrap();
    row(&format!("loading the model {MODEL}"), &time(begun.elapsed()));
    for tokens in TOKENS {
        measure_length(&embedder, cores, tokens);
    }
    compare(&embedder, cores, &dir);
}

fn measure_length(embedder: &Embedder, cores: usize, tokens: usize) {
    let chunks = chunks(embedder, tokens);
    let chunks: Vec<&str> = chunks.iter().map(String::as_str).collect();
    let each = Duration::from_secs_f64(1.0 / rate(embedder, &chunks));
    let what = format!("embedding chunks of {tokens} tokens, {cores} threads");
    let value = format!("{} each, {} chunks/s", time(each), digits(1.0 / each.as_secs_f64()));
    if tokens == TOKENS_OF_TARGET {
        row_below(&what, &value, millis(each), 50.0, "ms");
    } else {
        row(&what, &value);
    }
    let single = chunks[..SINGLE].iter().map(|chunk| one(embedder, chunk));
    row(&format!("embedding one chunk of {tokens} tokens, one thread"), &Spread::of(single.collect()).show(&[50, 95]));
}

/// Chunks a second, after a few that do not count.
fn rate(embedder: &Embedder, chunks: &[&str]) -> f64 {
    embedder.embed(&chunks[..chunks.len().min(8)]).unwrap();
    let begun = Instant::now();
    embedder.embed(chunks).unwrap();
    chunks.len() as f64 / begun.elapsed().as_secs_f64()
}

fn one(embedder: &Embedder, chunk: &str) -> Duration {
    let begun = Instant::now();
    embedder.embed(&[chunk]).unwrap();
    begun.elapsed()
}

/// Pieces of the sample's files of just so many tokens. What is counted ends where embedding does.
fn chunks(embedder: &Embedder, tokens: usize) -> Vec<String> {
    let files = sample::files(sample::ALL).into_iter().filter(|(path, _)| path.ends_with(".rs"));
    let chunks: Vec<String> = files.flat_map(|(_, text)| pieces(embedder, &text, tokens)).take(CHUNKS).collect();
    assert_eq!(chunks.len(), CHUNKS, "the sample has too few pieces of {tokens} tokens");
    chunks
}

/// Word by word until there are enough tokens; a piece whose last word brought too many is left out.
fn pieces(embedder: &Embedder, text: &str, tokens: usize) -> Vec<String> {
    let mut pieces = Vec::new();
    let mut piece = String::new();
    for word in text.split_inclusive(' ') {
        piece.push_str(word);
        let counted = embedder.count_tokens(&piece).unwrap();
        if counted >= tokens {
            let whole = std::mem::take(&mut piece);
            if counted == tokens {
                pieces.push(whole);
            }
        }
    }
    pieces
}

/// The peer and we embed the same chunks in turn, several times, so that what else the machine does meets both.
fn compare(embedder: &Embedder, cores: usize, model: &Path) {
    let Ok(peer) = env::var(PEER) else {
        return eprintln!("{PEER} names no other runtime to compare the embedding with. The ratio is left out.");
    };
    let texts = own_chunks();
    let texts: Vec<&str> = texts.iter().map(String::as_str).collect();
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("texts.json");
    fs::write(&file, serde_json::to_vec(&texts).unwrap()).unwrap();
    let mut rounds: Vec<(f64, f64)> = (0..PEER_ROUNDS)
        .map(|_| (rate(embedder, &texts), peer_rate(&peer, &model.join("tokenizer.json"), &file, cores)))
        .collect();
    rounds.sort_by(|a, b| (a.0 / a.1).total_cmp(&(b.0 / b.1)));
    let (ours, theirs) = rounds[PEER_ROUNDS / 2];
    let verdict = if ours / theirs < PEER_RATIO { " (missed)" } else { "" };
    row(
        &format!(
            "{} chunks of this project's sources, {cores} threads, to the peer's rate; load {}",
            texts.len(),
            machine::load()
        ),
        &format!(
            "{} ({} to {} chunks/s), at least {PEER_RATIO}{verdict}",
            digits(ours / theirs),
            digits(ours),
            digits(theirs)
        ),
    );
}

fn peer_rate(peer: &str, tokenizer: &Path, texts: &Path, threads: usize) -> f64 {
    let mut words = peer.split_whitespace();
    let output = Command::new(words.next().unwrap())
        .args(words)
        .args([tokenizer, texts, &texts.with_extension("out")])
        .args([threads.to_string(), "256".to_owned()])
        .output()
        .unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let said: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
    said["chunks_per_s"].as_f64().unwrap()
}

/// This project's sources, cut as the worker cuts them.
fn own_chunks() -> Vec<String> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut folders = vec![root.join("src"), root.join("tests")];
    let mut files: Vec<PathBuf> = Vec::new();
    while let Some(folder) = folders.pop() {
        for path in fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()) {
            if path.is_dir() { folders.push(path) } else { files.push(path) }
        }
    }
    files.retain(|path| path.extension().is_some_and(|extension| extension == "rs"));
    files.sort();
    let chunks = files.iter().flat_map(|path| {
        let inside = path.strip_prefix(root).unwrap().to_string_lossy().into_owned();
        let language = language_of(&inside.as_str().into());
        chunk::chunks(language, Some(&inside), &fs::read_to_string(path).unwrap())
    });
    chunks.map(|chunk| chunk.text).take(PEER_CHUNKS).collect()
}
