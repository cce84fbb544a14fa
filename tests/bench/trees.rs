//! Repositories of other languages, as large as real ones are. Each is indexed from nothing, beside the peers that are there: files a
//! second and peak memory. Then edits of a body and of a signature are resolved in a warm world, in this thread.
//!
//! `RA_AGENT_TREES` names the folders, separated by colons.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::sync::{Arc, LazyLock};
use std::time::{Duration, Instant};

use ra_agent::domain::FilePath;
use ra_agent::impact::World;
use ra_agent::outline::{Outline, language_of, outline};
use regex::Regex;

use super::figures::{Spread, digits, row, size, time};
use super::package_reach::{Texts, texts};
use super::support::{TestAgent, TestRepo};
use super::{machine, peers};

/// The variable that names the folders.
const FOLDERS: &str = "RA_AGENT_TREES";

/// How often memory is looked at.
const LOOK: Duration = Duration::from_millis(50);

/// Files that are edited in each way.
const EDITS: usize = 60;

static BODY: LazyLock<Regex> = LazyLock::new(|| Regex::new(r"(?m)^([ \t]+)(return\b[^\n]*)$").unwrap());
static SIGNATURE: LazyLock<Regex> =
    LazyLock::new(|| Regex::new(r"(?m)^(\s*(?:export )?(?:async )?(?:def|function) \w+)\(([^)\n]*)\)").unwrap());

pub fn measure() {
    let Some(folders) = std::env::var_os(FOLDERS) else {
        eprintln!("{FOLDERS} names no folder: left out");
        return;
    };
    let trees: Vec<_> = std::env::split_paths(&folders).map(|folder| (texts(&folder).unwrap(), folder)).collect();
    println!("\n| tree, files with dependents | tool | time | files a second | peak memory |\n|---|---|---|---|---|");
    for (texts, folder) in &trees {
        cold(folder, texts.len());
    }
    for (texts, folder) in &trees {
        println!();
        resolve(&name_of(folder), texts);
    }
}

fn name_of(folder: &Path) -> String {
    folder.file_name().unwrap_or_default().to_string_lossy().into_owned()
}

fn cold(folder: &Path, files: usize) {
    let name = name_of(folder);
    let print = |tool: &str, took: Duration, peak: u64| {
        let rate = files as f64 / took.as_secs_f64();
        println!("| {name}, {files} | {tool} | {} | {} | {} |", time(took), digits(rate), size(peak));
    };
    let (took, peak) = ours(folder);
    print("ra-agent", took, peak);
    for peer in peers::all() {
        match peer.index(folder) {
            Ok(index) => print(peer.name, index.time, index.peak),
            Err(error) => println!("| {name}, {files} | {} | {error} | | |", peer.name),
        }
    }
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

fn resolve(label: &str, texts: &Texts) {
    let outlines: BTreeMap<FilePath, Arc<Outline>> =
        texts.iter().map(|(path, text)| (path.clone(), said(path, text))).collect();
    let begun = Instant::now();
    let mut world = World::new(&outlines);
    let graph = world.graph();
    let all = begun.elapsed();
    row(&format!("{label}: resolving all of it, all cores"), &format!("{} ({} edges)", time(all), graph.edges().len()));
    for (what, pattern, replacement) in
        [("a body", &*BODY, "${1};;\n${1}${2}"), ("a signature", &*SIGNATURE, "${1}(${2}, added=1)")]
    {
        let (mut times, mut reached) = (Vec::new(), 0);
        let editable: Vec<&FilePath> = texts.keys().filter(|path| pattern.is_match(&texts[*path])).collect();
        for path in editable.iter().step_by(editable.len().div_ceil(EDITS).max(1)) {
            let text = &texts[*path];
            let body = if path.to_string().ends_with(".py") { "${1}pass\n${1}${2}" } else { replacement };
            let with = if what == "a body" { body } else { replacement };
            let edited = pattern.replace(text, with).replace("(, ", "(");
            let edits = [(said(path, &edited), true), (said(path, text), false)];
            for (outline, is_timed) in edits {
                let (took, files) = step(&mut world, path, outline);
                if is_timed {
                    times.push(took);
                    reached += files;
                }
            }
        }
        if times.is_empty() {
            continue;
        }
        let mean = digits(reached as f64 / times.len() as f64);
        let spread = Spread::of(times).show(&[50, 95, 100]);
        row(&format!("{label}: resolving after an edit of {what}, warm"), &format!("{spread} ({mean} files resolved)"));
    }
}

/// One edit of a warm world, and how many files it has resolved again.
fn step(world: &mut World, path: &FilePath, outline: Arc<Outline>) -> (Duration, usize) {
    let begun = Instant::now();
    let reach = world.edit(&[((*path).clone(), outline)]);
    let mut only: BTreeSet<FilePath> = reach.map(|reach| reach.files).unwrap_or_default();
    only.insert((*path).clone());
    world.graph_of(&only);
    world.implements(Some(&only));
    (begun.elapsed(), only.len())
}

fn said(path: &FilePath, text: &str) -> Arc<Outline> {
    Arc::new(outline(language_of(path), text).0)
}
