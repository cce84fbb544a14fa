//! The promise: after any history of Git operations the recorded state is what building it from nothing would give, and exactly that
//! was analysed whose inputs were never seen before (invariants 2, 7 and 14).

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::process::Command;

use crate::support::{History, Jobs, Random, TestAgent, TestRepo, number_from_environment, untouched};

/// Operations in the gate; `RA_AGENT_STEPS` asks for more.
const STEPS: u64 = 30;
/// A real crate is slower to compare as a whole.
const STEPS_ON_A_REAL_CRATE: u64 = 12;

/// The agent compares when it is asked to, so that each step is one comparison, whatever Git does on the way.
const LOOKS_WHEN_ASKED: &str = "[watch]\ndebounce_ms = 60000\n";

#[test]
fn exactly_what_changed_is_analysed_in_a_made_up_workspace() {
    let mut random = Random::from_environment();
    let repo = TestRepo::new();
    write_workspace(&repo, &mut random);
    repo.commit("first");
    follow(&repo, random, number_from_environment("RA_AGENT_STEPS").unwrap_or(STEPS));
}

#[test]
fn exactly_what_changed_is_analysed_in_a_real_crate() {
    let random = Random::from_environment();
    let repo = TestRepo::new();
    copy(&sources_of("rusqlite"), repo.path());
    repo.commit("as published");
    follow(&repo, random, number_from_environment("RA_AGENT_STEPS").unwrap_or(STEPS_ON_A_REAL_CRATE));
}

/// What has to be made for one file: its path and the kind of job.
type Result = (String, String);

/// Does operations to a repository under care, and after each compares what was done with what had to be done.
///
/// What had to be done is found by brute force: `cache verify` builds every file's keys from nothing, and those that no
/// analysis has ever been stored under are what is new.
fn follow(repo: &TestRepo, random: Random, steps: u64) {
    let path = repo.path().to_str().unwrap();
    let mut agent = TestAgent::without_model();
    agent.write_config(LOOKS_WHEN_ASKED);
    agent.ok(["register", path]);
    agent.start();
    agent.wait();
    let mut history = History::new(repo, random);
    let mut known = agent.analysed_keys();
    for step in 1..=steps {
        let jobs_before = Jobs::of(&agent);
        let done = history.step();
        println!("{step}: {done}");
        untouched(repo.path(), || agent.wait());
        agent.ok(["cache", "verify", path]);

        let wanted: BTreeMap<Result, String> =
            agent.current_keys().into_iter().filter(|(_, key)| !known.contains(key)).collect();
        let new_keys: BTreeSet<String> = wanted.values().cloned().collect();
        let analysed = agent.analysed_keys();
        assert_eq!(analysed.difference(&known).cloned().collect::<BTreeSet<_>>(), new_keys, "step {step}: {done}");
        let jobs = Jobs::since(&agent, &jobs_before);
        let asked: BTreeSet<Result> = jobs.analyses().map(|job| (job.path.clone(), job.kind.clone())).collect();
        assert_eq!(asked, wanted.into_keys().collect(), "step {step}: {done}");
        known = analysed;
    }
    agent.stop();
    agent.assert_sound();
}

/// Crates that use each other, with modules in modules; every function uses some of those before it.
pub fn write_workspace(repo: &TestRepo, random: &mut Random) {
    const CRATES: [&str; 3] = ["base", "middle", "app"];
    const MODULES: u64 = 6;
    repo.write("Cargo.toml", "[workspace]\nmembers = [\"base\", \"middle\", \"app\"]\nresolver = \"2\"\n");
    for (number, name) in CRATES.iter().enumerate() {
        let uses: String = CRATES[..number]
            .iter()
            .fold(String::new(), |text, dep| text + &format!("{dep} = {{ path = \"../{dep}\" }}\n"));
        let manifest =
            format!("[package]\nname = \"{name}\"\nversion = \"0.1.0\"\nedition = \"2021\"\n\n[dependencies]\n{uses}");
        repo.write(&format!("{name}/Cargo.toml"), manifest);
        let mut root = String::new();
        for module in 0..MODULES {
            let nested = module % 3 == 2;
            let file = if nested {
                format!("{name}/src/m{}/m{module}.rs", module - 1)
            } else {
                format!("{name}/src/m{module}.rs")
            };
            repo.write(&file, module_text(&CRATES[..=number], module, random));
            if !nested {
                writeln!(root, "pub mod m{module};").unwrap();
            }
        }
        for parent in (0..MODULES).filter(|module| module % 3 == 1) {
            let file = format!("{name}/src/m{parent}.rs");
            let text = repo.read(&file);
            repo.write(&file, format!("pub mod m{};\n{text}", parent + 1));
        }
        root.push_str("pub use m0::Thing0 as Thing;\npub use m1::*;\n");
        repo.write(&format!("{name}/src/lib.rs"), root);
    }
}

/// A type with a method, and functions that use what other modules have.
fn module_text(crates: &[&str], module: u64, random: &mut Random) -> String {
    let mut text = format!(
        "pub struct Thing{module} {{\n    pub size: u32,\n}}\n\nimpl Thing{module} {{\n    pub fn grow(&self, by: u32) -> u32 {{\n        self.size + by\n    }}\n}}\n"
    );
    for function in 0..3 {
        let (krate, other) = (*random.one_of(crates), random.below(module + 1));
        let home = if krate == crates[crates.len() - 1] { "crate" } else { krate };
        let place = if other % 3 == 2 { format!("m{}::m{other}", other - 1) } else { format!("m{other}") };
        write!(
            text,
            "\npub fn work_{module}_{function}(n: u32) -> u32 {{\n    let thing = {home}::{place}::Thing{other} {{ size: n }};\n    thing.grow({home}::{place}::work_{other}_{}(n))\n}}\n",
            random.below(3)
        )
        .unwrap();
    }
    text
}

/// The sources of a crate that this one is built with: they are here, as cargo has just compiled them. Of crates that only other
/// platforms need there may be none.
fn sources_of(name: &str) -> PathBuf {
    let cargo = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let output = Command::new(cargo)
        .args(["metadata", "--offline", "--locked", "--format-version", "1", "--filter-platform", &host()])
        .current_dir(env!("CARGO_MANIFEST_DIR"))
        .output()
        .unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let metadata: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
    let packages = metadata["packages"].as_array().unwrap();
    let package = packages.iter().find(|package| package["name"] == name).unwrap();
    Path::new(package["manifest_path"].as_str().unwrap()).parent().unwrap().to_path_buf()
}

/// The platform that this was built on.
fn host() -> String {
    let rustc = std::env::var_os("RUSTC").unwrap_or_else(|| "rustc".into());
    let output = Command::new(rustc).arg("-vV").output().unwrap();
    let text = String::from_utf8(output.stdout).unwrap();
    text.lines().find_map(|line| line.strip_prefix("host: ")).unwrap().to_owned()
}

fn copy(from: &Path, to: &Path) {
    for entry in std::fs::read_dir(from).unwrap() {
        let entry = entry.unwrap();
        let target = to.join(entry.file_name());
        if entry.file_type().unwrap().is_dir() {
            std::fs::create_dir_all(&target).unwrap();
            copy(&entry.path(), &target);
        } else {
            std::fs::copy(entry.path(), &target).unwrap();
        }
    }
}
