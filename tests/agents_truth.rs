//! The promise: what a coding agent is told is what is on the disk, or says that it is not. Each answer is compared with a reading of the
//! files that knows nothing of the index.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::time::Duration;

use serde_json::json;

use crate::support::mcp::{McpClient, Told};
use crate::support::{Random, TestAgent, TestRepo, number_from_environment, wait_until};

/// Steps and names of the gate; `RA_AGENT_TEST_AGENT_STEPS` and `RA_AGENT_TEST_AGENT_NAMES` ask for more.
const STEPS: u64 = 150;
const NAMES: u64 = 150;

const SOON: Duration = Duration::from_secs(30);

/// Where a function is, and its text.
type Place = (String, u32, String);

/// The functions of the files below `src`, read line by line.
fn functions(top: &Path) -> BTreeMap<String, BTreeSet<Place>> {
    let mut found: BTreeMap<String, BTreeSet<Place>> = BTreeMap::new();
    let files = std::fs::read_dir(top.join("src")).unwrap().map(|entry| entry.unwrap().path());
    for file in files.filter(|path| path.extension().is_some_and(|end| end == "rs")) {
        let text = std::fs::read_to_string(&file).unwrap();
        let lines: Vec<&str> = text.lines().collect();
        for (at, line) in lines.iter().enumerate() {
            let Some(name) = line.strip_prefix("pub fn ").and_then(|rest| rest.split('(').next()) else { continue };
            let size = lines[at..].iter().position(|line| *line == "}").unwrap();
            let body = lines[at..=at + size].join("\n");
            let path = file.strip_prefix(top).unwrap().to_str().unwrap().to_owned();
            found.entry(name.to_owned()).or_default().insert((path, at as u32 + 1, body));
        }
    }
    found
}

/// The functions of that name that an answer shows.
fn shown(answer: &Told, name: &str) -> BTreeSet<Place> {
    let mut found = BTreeSet::new();
    let lines: Vec<&str> = answer.text.lines().collect();
    for (at, line) in lines.iter().enumerate() {
        let Some((place, kind)) = line.split_once(' ') else { continue };
        if kind != format!("function {name}") {
            continue;
        }
        let (path, range) = place.split_once(':').unwrap();
        let first: u32 = range.split('-').next().unwrap().parse().unwrap();
        // What stands above a function belongs to it.
        let text = &lines[at + 1..];
        let above = text.iter().position(|line| line.starts_with(&format!("pub fn {name}("))).unwrap();
        let end = above + text[above..].iter().position(|line| *line == "}").unwrap();
        found.insert((path.to_owned(), first + above as u32, text[above..=end].join("\n")));
    }
    found
}

/// A repository whose files change at random, and what was ever in it.
struct Churn {
    agent: TestAgent,
    repo: TestRepo,
    random: Random,
    names: Vec<String>,
    count: u32,
    branches: Vec<String>,
}

impl Churn {
    fn begin() -> Self {
        let mut agent = TestAgent::without_model();
        let repo = TestRepo::new();
        let modules: String = (0..40).map(|n| format!("pub mod m{n};\n")).collect();
        repo.write("src/lib.rs", modules);
        repo.write("Cargo.toml", "[package]\nname = \"churn\"\nversion = \"0.1.0\"\nedition = \"2021\"\n");
        repo.write(".gitignore", "*.tmp\n");
        let branches = vec!["main".to_owned()];
        let random = Random::from_environment();
        let mut churn = Self { agent: TestAgent::without_model(), repo, random, names: Vec::new(), count: 0, branches };
        for file in 0..8 {
            let functions: String = (0..5).map(|_| churn.function()).collect();
            churn.repo.write(&format!("src/m{file}.rs"), functions);
        }
        churn.repo.commit("first");
        agent.start();
        agent.ok(["register", churn.repo.path().to_str().unwrap()]);
        agent.wait();
        Self { agent, ..churn }
    }

    /// A function that was never there before.
    fn function(&mut self) -> String {
        self.count += 1;
        let name = format!("{}_{}", self.random.one_of(&["sail", "moor", "row", "drift"]), self.count);
        self.names.push(name.clone());
        let lines: String = (0..self.random.below(4)).map(|n| format!("    let _ = {n};\n")).collect();
        format!("pub fn {name}() -> u32 {{\n{lines}    {}\n}}\n\n", self.count)
    }

    fn files(&self) -> Vec<String> {
        let names = std::fs::read_dir(self.repo.path().join("src")).unwrap();
        let names = names.map(|entry| entry.unwrap().file_name().into_string().unwrap());
        let mut files: Vec<String> = names.filter(|name| name != "lib.rs").map(|name| format!("src/{name}")).collect();
        files.sort();
        files
    }

    fn step(&mut self) -> String {
        let files = self.files();
        let file = self.random.one_of(&files).clone();
        match self.random.below(12) {
            0..=3 => {
                let function = self.function();
                let text = self.repo.read(&file);
                let text =
                    if self.random.below(2) == 0 { format!("{function}{text}") } else { format!("{text}{function}") };
                self.repo.write(&file, text);
                format!("added a function to {file}")
            }
            4 => {
                self.repo.write(&file, format!("// moved down\n\n\n{}", self.repo.read(&file)));
                format!("moved everything in {file}")
            }
            5 => {
                let text = self.repo.read(&file);
                let end = text.find("}\n\n").map_or(0, |end| end + 3);
                self.repo.write(&file, &text[end..]);
                format!("removed the first function of {file}")
            }
            6 => {
                self.repo.git(&["checkout", "--quiet", "--", "."]);
                "put everything back".to_owned()
            }
            7 => {
                self.repo.commit("step");
                "committed".to_owned()
            }
            8 => {
                let to = format!("src/m{}.rs", self.random.below(40));
                if self.repo.path().join(&to).exists() || files.len() < 3 {
                    return "nothing".to_owned();
                }
                std::fs::rename(self.repo.path().join(&file), self.repo.path().join(&to)).unwrap();
                format!("renamed {file} to {to}")
            }
            9 => {
                self.repo.commit("before a branch");
                let name = format!("branch-{}", self.branches.len());
                self.repo.branch(&name);
                self.branches.push(name);
                "made a branch".to_owned()
            }
            10 => {
                self.repo.commit("before a checkout");
                let branch = self.random.one_of(&self.branches).clone();
                self.repo.checkout(&branch);
                format!("checked out {branch}")
            }
            _ => {
                if files.len() < 4 {
                    return "nothing".to_owned();
                }
                std::fs::remove_file(self.repo.path().join(&file)).unwrap();
                format!("removed {file}")
            }
        }
    }
}

#[test]
fn what_is_not_marked_is_what_the_disk_says() {
    let mut churn = Churn::begin();
    let mut client = McpClient::start(&churn.agent, churn.repo.path());
    let steps = number_from_environment("RA_AGENT_TEST_AGENT_STEPS").unwrap_or(STEPS);
    let mut marked = 0;
    for step in 0..steps {
        let did = churn.step();
        let recent = churn.names.len().saturating_sub(6);
        let name = match churn.random.below(2) {
            0 => churn.names[recent..].last().unwrap().clone(),
            _ => churn.random.one_of(&churn.names).clone(),
        };
        let is_shown = churn.random.below(2) == 0;
        let answer = match is_shown {
            true => client.call("show", json!({"targets": [name], "with": ["source"]})),
            false => client.call("search", json!({"query": name, "detail": "bodies", "kind": "function"})),
        };
        let truth = functions(churn.repo.path()).remove(&name).unwrap_or_default();
        let told = shown(&answer, &name);
        let context = || format!("step {step}, {did}, {name}: {truth:?}\n{}\n{}", answer.text, churn.agent.log());
        // Whatever it says of itself, what it shows is on the disk.
        assert!(told.is_subset(&truth), "{}", context());
        if answer.is_current() {
            assert_eq!(told, truth, "{}", context());
        } else {
            marked += 1;
        }
    }
    assert!(marked * 2 < steps, "{marked} of {steps} answers were not current");
}

#[test]
fn a_misspelt_name_is_answered_by_no_other() {
    let mut churn = Churn::begin();
    let mut client = McpClient::start(&churn.agent, churn.repo.path());
    let known: BTreeSet<String> = churn.names.iter().cloned().collect();
    let names = number_from_environment("RA_AGENT_TEST_AGENT_NAMES").unwrap_or(NAMES);
    for _ in 0..names {
        let mut name: Vec<char> = churn.random.one_of(&churn.names).chars().collect();
        let at = churn.random.below(name.len() as u64) as usize;
        match churn.random.below(4) {
            0 => drop(name.remove(at)),
            1 => name.insert(at, 'x'),
            2 => name[at] = if name[at] == 'q' { 'z' } else { 'q' },
            _ => name[at] = name[at].to_ascii_uppercase(),
        }
        let name: String = name.into_iter().collect();
        if known.contains(&name) {
            continue;
        }
        let answer = client.call("show", json!({"targets": [name]}));
        let line = answer.text.lines().nth(1).unwrap_or_default();
        assert!(line.starts_with(&format!("{name}: not found")), "{name}: {}", answer.text);
        assert_eq!(answer.text.lines().count(), 2, "{name}: {}", answer.text);
    }
    let near = client.call("show", json!({"targets": [format!("{}x", churn.names[3])]}));
    assert!(near.text.contains("nearest names: ") && near.text.contains(&churn.names[3]), "{}", near.text);
}

#[test]
fn an_empty_answer_says_why() {
    let mut churn = Churn::begin();
    let _ = churn.random.below(2);
    churn.repo.write("data.bin", [0_u8, 1, 2, 0]);
    churn.repo.write("noise.tmp", "ignored\n");
    churn.repo.write("empty.rs", "");
    let mut client = McpClient::start(&churn.agent, churn.repo.path());
    let mut say = |tool: &str, arguments| client.call(tool, arguments);
    let binary = say("show", json!({"targets": ["data.bin"]}));
    assert!(binary.first().starts_with("not covered (data.bin: binary"), "{}", binary.text);
    let ignored = say("show", json!({"targets": ["noise.tmp"]}));
    assert!(ignored.first().starts_with("not covered (noise.tmp: ignored"), "{}", ignored.text);
    let absent = say("show", json!({"targets": ["src/m_0.rs"]}));
    assert!(absent.text.contains("not found") && absent.text.contains("src/m0.rs"), "{}", absent.text);
    let nothing = say("search", json!({"query": "zebra crossing"}));
    assert!(nothing.text.contains("nothing found: no indexed text"), "{}", nothing.text);
    let no_such = say("search", json!({"query": "sail", "path": "lib"}));
    assert!(no_such.is_error && no_such.text.contains("no such file"), "{}", no_such.text);
    let language = say("search", json!({"query": "sail", "lang": "python"}));
    assert!(language.text.contains("no indexed file is in the language python"), "{}", language.text);
}

#[test]
fn each_work_tree_is_answered_from_its_own_branch() {
    let mut agent = TestAgent::without_model();
    let repo = TestRepo::with_files([
        ("Cargo.toml", "[package]\nname = \"t\"\nversion = \"0.1.0\"\n"),
        ("src/lib.rs", "pub fn tide() -> u32 {\n    0\n}\n"),
    ]);
    agent.start();
    agent.ok(["register", repo.path().to_str().unwrap()]);
    let trees: Vec<_> = (1..=5).map(|n| (n, repo.path().join(format!("trees/{n}")))).collect();
    repo.write(".gitignore", "/trees\n");
    for (n, tree) in &trees {
        repo.git(&["worktree", "add", "--quiet", "-b", &format!("b{n}"), tree.to_str().unwrap()]);
        std::fs::write(tree.join("src/lib.rs"), format!("pub fn tide() -> u32 {{\n    {n}\n}}\n")).unwrap();
    }
    // Nothing is said of a tree by the one around it.
    let mut inside = McpClient::start(&agent, &trees[0].1);
    let refused = inside.call("show", json!({"targets": ["tide"]}));
    assert!(refused.is_error && refused.text.contains("the work tree"), "{}", refused.text);
    for (_, tree) in &trees {
        agent.ok(["register", tree.to_str().unwrap()]);
    }
    agent.wait();
    for (n, tree) in &trees {
        let mut client = McpClient::start(&agent, tree);
        let answer = client.call("show", json!({"targets": ["tide"]}));
        assert!(answer.is_current() && answer.text.contains(&format!("    {n}\n")), "{}", answer.text);
    }
    let mut main = McpClient::start(&agent, repo.path());
    assert!(main.call("show", json!({"targets": ["tide"]})).text.contains("    0\n"));
}

#[test]
fn a_work_tree_that_is_not_followed_never_catches_up() {
    let mut agent = TestAgent::without_model();
    agent.write_config("[watch]\ntree = false\n");
    let repo = TestRepo::with_files([("src/lib.rs", "pub fn tide() -> u32 {\n    0\n}\n")]);
    agent.start();
    agent.ok(["register", repo.path().to_str().unwrap()]);
    agent.wait();
    let mut client = McpClient::start(&agent, repo.path());
    assert!(client.call("show", json!({"targets": ["tide"]})).is_current());
    repo.write("src/lib.rs", "\n\npub fn tide() -> u32 {\n    1\n}\n");
    let answer = client.call("show", json!({"targets": ["tide"]}));
    assert!(answer.first().starts_with("stale because src/lib.rs is not as it was committed"), "{}", answer.text);
    assert!(answer.text.contains("src/lib.rs:3-5 function tide") && answer.text.contains("    1\n"), "{}", answer.text);
}

#[test]
fn no_fault_leaves_an_answer_that_claims_to_be_current() {
    let mut churn = Churn::begin();
    let mut client = McpClient::start(&churn.agent, churn.repo.path());
    let ask = |client: &mut McpClient, name: &str| client.call("search", json!({"query": name, "kind": "function"}));
    // The worker dies with a save before it.
    let function = churn.function();
    let name = churn.names.last().unwrap().clone();
    churn.agent.kill9_worker();
    churn.repo.write("src/m0.rs", format!("{function}{}", churn.repo.read("src/m0.rs")));
    let answer = ask(&mut client, &name);
    assert!(!answer.is_current() || answer.text.contains(&format!("function {name}")), "{}", answer.text);
    // Git is in the middle of something, and nothing is compared until its end.
    wait_until(SOON, "it is current", || ask(&mut client, &name).is_current());
    std::fs::write(churn.repo.git_dir().join("index.lock"), "").unwrap();
    let function = churn.function();
    let name = churn.names.last().unwrap().clone();
    churn.repo.write("src/m1.rs", format!("{function}{}", churn.repo.read("src/m1.rs")));
    let answer = ask(&mut client, &name);
    assert!(!answer.is_current() || answer.text.contains(&format!("function {name}")), "{}", answer.text);
    std::fs::remove_file(churn.repo.git_dir().join("index.lock")).unwrap();
    wait_until(SOON, "it is current again", || ask(&mut client, &name).is_current());
    // The daemon dies, and no one follows what is saved.
    churn.agent.kill9_daemon();
    let function = churn.function();
    let name = churn.names.last().unwrap().clone();
    churn.repo.write("src/m2.rs", format!("{function}{}", churn.repo.read("src/m2.rs")));
    let told = churn.agent.json(["search", &name]);
    assert_eq!(told["answer_freshness"]["state"], json!("stale"), "{told}");
    let text = churn.agent.ok(["search", &name]);
    assert!(text.contains("stale because") && text.contains("changed since"), "{text}");
}

#[test]
fn a_question_need_not_wait_and_then_says_what_it_misses() {
    let mut churn = Churn::begin();
    let mut client = McpClient::start(&churn.agent, churn.repo.path());
    for round in 0..20 {
        let function = churn.function();
        let name = churn.names.last().unwrap().clone();
        churn.repo.write("src/m3.rs", format!("{function}{}", churn.repo.read("src/m3.rs")));
        let hasty = client.call("search", json!({"query": name, "kind": "function", "wait": false}));
        let has = |answer: &Told| answer.text.contains(&format!("function {name}"));
        assert!(!hasty.is_current() || has(&hasty), "{round}: {}", hasty.text);
        let patient = client.call("search", json!({"query": name, "kind": "function"}));
        assert!(!patient.is_current() || has(&patient), "{round}: {}", patient.text);
    }
}
