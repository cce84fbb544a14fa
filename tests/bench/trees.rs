//! Large trees of other languages indexed from nothing, beside the peers that are there: files a second and peak memory.
//!
//! `RA_AGENT_TREES` names the folders, separated by colons.

use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use super::figures::{digits, size, time};
use super::support::{TestAgent, TestRepo};
use super::{machine, peers};

const FOLDERS: &str = "RA_AGENT_TREES";

/// How often memory is looked at.
const LOOK: Duration = Duration::from_millis(50);

/// Files of these are counted.
const CODE: [&str; 8] = ["go", "java", "py", "rs", "ts", "tsx", "js", "c"];

pub fn measure() {
    let Some(folders) = std::env::var_os(FOLDERS) else {
        println!("\n(no large trees: {FOLDERS} names no folder)");
        return;
    };
    println!("\n| tree, files of code | tool | time | files a second | peak memory |\n|---|---|---|---|---|");
    for folder in std::env::split_paths(&folders) {
        let files = count(&folder);
        let row = |tool: &str, took: Duration, peak: u64| {
            let rate = files as f64 / took.as_secs_f64();
            println!("| {}, {files} | {tool} | {} | {} | {} |", folder.display(), time(took), digits(rate), size(peak));
        };
        let (took, peak) = ours(&folder);
        row("ra-agent", took, peak);
        for peer in peers::all() {
            match peer.index(&folder) {
                Ok(index) => row(peer.name, index.time, index.peak),
                Err(error) => println!("| {}, {files} | {} | {error} | | |", folder.display(), peer.name),
            }
        }
    }
}

fn count(folder: &Path) -> usize {
    let mut count = 0;
    let mut todo = vec![folder.to_owned()];
    while let Some(folder) = todo.pop() {
        for path in std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()) {
            let is_code = |path: &PathBuf| path.extension().is_some_and(|end| CODE.iter().any(|code| end == *code));
            if path.is_dir() {
                todo.push(path);
            } else {
                count += usize::from(is_code(&path));
            }
        }
    }
    count
}

/// From `register` until everything is analysed and can be searched, without a model.
fn ours(folder: &Path) -> (Duration, u64) {
    let repo = TestRepo::new();
    let from = format!("{}/.", folder.display());
    let status = std::process::Command::new("cp").args(["-rL", &from]).arg(repo.path()).status().unwrap();
    assert!(status.success(), "the tree cannot be copied");
    if !folder.join(".git").exists() {
        repo.commit("sources");
    }
    let mut agent = TestAgent::without_model();
    agent.start();
    let begun = Instant::now();
    agent.ok(["register", repo.path().to_str().unwrap()]);
    let mut waiting = agent.command(["wait", "--timeout", "3600s"]).spawn().unwrap();
    let mut peak = 0;
    let status = loop {
        peak = peak.max(agent.daemon_pid().map_or(0, machine::resident_together));
        if let Some(status) = waiting.try_wait().unwrap() {
            break status;
        }
        std::thread::sleep(LOOK);
    };
    assert!(status.success(), "{}", agent.log());
    (begun.elapsed(), peak)
}
