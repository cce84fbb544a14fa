//! The promise: what `report` says of a history, commit by commit and over ranges, is what analysing each commit from nothing and
//! comparing gives.

use std::collections::BTreeMap;

use serde_json::Value;

use crate::history::write_workspace;
use crate::support::{History, Random, TestAgent, TestRepo, number_from_environment};

/// Operations in the gate; `RA_AGENT_STEPS` asks for more.
const STEPS: u64 = 24;

/// How many findings of one identity each file has.
type Found = BTreeMap<(String, String), i64>;

/// Old paths, and the new ones.
type Renames = BTreeMap<String, String>;

struct Truth<'a> {
    agent: TestAgent,
    repo: &'a TestRepo,
    /// What is found at each commit, from nothing.
    known: BTreeMap<String, Found>,
    /// The renames of each range that was asked for.
    renames: BTreeMap<String, Renames>,
}

impl Truth<'_> {
    fn json(&self, verb: &str, range: &[&str]) -> Value {
        let args = [verb, self.repo.path().to_str().unwrap()].into_iter().chain(range.iter().copied());
        self.agent.json(args.collect::<Vec<_>>())
    }

    fn report(&self, range: &str) -> Value {
        self.json("report", &["--since", range])
    }

    /// All that is found at a commit: compared with itself, it is built from nothing, and no commit is followed.
    fn found_at(&mut self, commit: &str) -> Found {
        if !self.known.contains_key(commit) {
            let report = self.report(&format!("{commit}..{commit}"));
            assert!(report["commits"].as_array().unwrap().is_empty());
            self.known.insert(commit.to_owned(), counted(&report["still_there"]));
        }
        self.known[commit].clone()
    }

    /// The renames of a commit, or of a range.
    fn renames(&mut self, from: &str, to: &str) -> Renames {
        let range = format!("{from}..{to}");
        if let Some(known) = self.renames.get(&range) {
            return known.clone();
        }
        let impact = self.json("impact", &[&range, "--no-tests"]);
        let changed = impact["changed"].as_array().unwrap().iter();
        let rename =
            |one: &Value| Some((one["from_path"].as_str()?.to_owned(), one["path"].as_str().unwrap().to_owned()));
        let renames: Renames = changed.filter_map(rename).collect();
        self.renames.insert(range, renames.clone());
        renames
    }

    /// Checks what is said of one commit, and of its parent.
    fn check_commit(&mut self, told: &Value) {
        let commit = told["commit"].as_str().unwrap();
        let parent = self.repo.git(&["rev-parse", &format!("{commit}^1")]);
        let (before, after) = (self.found_at(&parent), self.found_at(commit));
        let renames = self.renames(&parent, commit);
        let (new, fixed) = difference(&before, &after, &renames);
        assert_eq!((counted(&told["introduced"]), counted(&told["removed"])), (new, fixed), "{commit} on {parent}");
    }

    /// Checks a range: its lists, and each of its commits.
    fn check_range(&mut self, from: &str, to: &str) -> usize {
        let report = self.report(&format!("{from}..{to}"));
        let commits = report["commits"].as_array().unwrap().clone();
        let listed = self.repo.git(&["rev-list", "--reverse", "--first-parent", &format!("{from}..{to}")]);
        let ids: Vec<&str> = commits.iter().map(|commit| commit["commit"].as_str().unwrap()).collect();
        assert_eq!(ids, listed.lines().collect::<Vec<_>>(), "{from}..{to}");
        let (before, after) = (self.found_at(from), self.found_at(to));
        let is_on_the_way =
            ids.first().is_some_and(|first| self.repo.git(&["rev-parse", &format!("{first}^1")]) == from);
        let renames = if is_on_the_way { self.followed(from, &ids) } else { self.renames(from, to) };
        let (new, fixed) = difference(&before, &after, &renames);
        assert_eq!((counted(&report["new"]), counted(&report["fixed"])), (new, fixed), "{from}..{to}");
        let still = counted(&report["still_there"]);
        assert_eq!(sum(&still) + sum(&counted(&report["new"])), sum(&after), "{from}..{to}");
        commits.iter().for_each(|commit| self.check_commit(commit));
        commits.len()
    }

    /// Where the files of a commit are after some others, if they are elsewhere.
    fn followed(&mut self, from: &str, ids: &[&str]) -> Renames {
        let mut places: Renames = self.files_at(from).into_iter().map(|path| (path.clone(), path)).collect();
        let mut parent = from.to_owned();
        for id in ids {
            let renames = self.renames(&parent, id);
            let present = self.files_at(id);
            places = places
                .into_iter()
                .map(|(first, place)| (first, renames.get(&place).cloned().unwrap_or(place)))
                .filter(|(_, place)| present.contains(place))
                .collect();
            parent = (*id).to_owned();
        }
        places.into_iter().filter(|(first, place)| first != place).collect()
    }

    fn files_at(&self, commit: &str) -> Vec<String> {
        let listed = self.repo.git(&["ls-tree", "-r", "--name-only", commit]);
        listed.lines().map(str::to_owned).collect()
    }
}

fn counted(list: &Value) -> Found {
    let mut found = Found::new();
    for one in list.as_array().unwrap() {
        let text = |name: &str| one[name].as_str().unwrap().to_owned();
        *found.entry((text("path"), text("identity"))).or_default() += 1;
    }
    found
}

fn sum(found: &Found) -> i64 {
    found.values().sum()
}

/// What is new, and what is fixed. What is fixed is where it was.
fn difference(before: &Found, after: &Found, renames: &Renames) -> (Found, Found) {
    let place = |path: &String| match renames.get(path) {
        Some(place) => place.clone(),
        // Another file has its place.
        None if renames.values().any(|place| place == path) => "nowhere".to_owned(),
        None => path.clone(),
    };
    let (mut new, mut fixed) = (after.clone(), Found::new());
    for ((path, identity), number) in before {
        let there = new.entry((place(path), identity.clone())).or_default();
        let kept = (*there).min(*number);
        *there -= kept;
        if *number > kept {
            fixed.insert((path.clone(), identity.clone()), number - kept);
        }
    }
    new.retain(|_, number| *number > 0);
    (new, fixed)
}

#[test]
fn every_commit_is_told_as_from_nothing() {
    let mut random = Random::from_environment();
    let repo = TestRepo::new();
    write_workspace(&repo, &mut random);
    // Something is wrong here and there from the first commit on.
    let listed = repo.git(&["ls-files", "--others", "*.rs"]);
    for (number, path) in listed.lines().enumerate() {
        let text = repo.read(path);
        let notes = format!("// FIXME: the same everywhere\n// TODO: number {number}\n// FIXME: the same everywhere\n");
        repo.write(path, format!("{text}\n{notes}fn late() {{\n    todo!()\n}}\n"));
    }
    let mut heads = vec![repo.commit("first")];
    let chosen = Random::seeded(random.below(u64::MAX));
    let (mut history, mut random) = (History::new(&repo, random), chosen);
    let mut truth =
        Truth { agent: TestAgent::without_model(), repo: &repo, known: BTreeMap::new(), renames: BTreeMap::new() };
    for step in 1..=number_from_environment("RA_AGENT_STEPS").unwrap_or(STEPS) {
        println!("{step}: {}", history.step());
        let (before, head) = (heads[heads.len() - 1].clone(), repo.head());
        truth.check_range(&before, &head);
        heads.push(head);
    }
    let mut commits = truth.check_range(&heads[0], &heads[heads.len() - 1]);
    for _ in 0..4 {
        let (from, to) = (random.one_of(&heads).clone(), random.one_of(&heads).clone());
        commits += truth.check_range(&from, &to);
    }
    println!("{commits} commits in ranges");
    assert!(truth.known.values().any(|found| found.len() > 40), "there is something to be found");
}
