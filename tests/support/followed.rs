//! A repository that an agent follows, commit by commit, and what it says of dependents.

use std::collections::BTreeSet;

use serde_json::{Value, json};

use super::{Jobs, TestAgent, TestRepo, untouched};

/// A registered repository, indexed up to its last commit.
pub struct FollowedRepo {
    pub agent: TestAgent,
    pub repo: TestRepo,
    seen: Jobs,
}

impl FollowedRepo {
    pub fn new<'a>(files: impl IntoIterator<Item = (&'a str, &'a str)>) -> Self {
        let mut agent = TestAgent::without_model();
        let repo = TestRepo::with_files(files);
        agent.start();
        untouched(repo.path(), || {
            agent.ok(["register", repo.path().to_str().unwrap()]);
            agent.wait();
        });
        let seen = Jobs::of(&agent);
        Self { agent, repo, seen }
    }

    pub fn path(&self) -> &str {
        self.repo.path().to_str().unwrap()
    }

    /// Commits, and hands out the files that were analysed for it.
    pub fn commit(&mut self, message: &str) -> BTreeSet<String> {
        self.repo.commit(message);
        untouched(self.repo.path(), || self.agent.wait());
        let new = Jobs::since(&self.agent, &self.seen);
        self.seen = Jobs::of(&self.agent);
        new.analysed().into_iter().map(str::to_owned).collect()
    }

    pub fn edit(&mut self, path: &str, from: &str, to: &str) -> BTreeSet<String> {
        self.repo.edit(path, from, to);
        self.commit(from)
    }

    /// `user > used: symbol` of every edge of a file.
    pub fn edges(&self, file: &str) -> BTreeSet<String> {
        let deps = self.agent.json(["deps", self.path(), file]);
        let edges = deps["edges"].as_array().unwrap().iter();
        edges
            .map(|edge| {
                let text = |name: &str| edge[name].as_str().unwrap();
                format!("{} > {}: {}", text("dependent_file"), text("source_file"), text("symbol_name"))
            })
            .collect()
    }

    /// `source: symbol` of everything that a file uses, modules apart.
    pub fn used(&self, file: &str) -> Vec<String> {
        let deps = self.agent.json(["deps", self.path(), file]);
        let text = |edge: &Value, name: &str| edge[name].as_str().unwrap().to_owned();
        let own = deps["edges"].as_array().unwrap().iter().filter(|edge| text(edge, "dependent_file") == file);
        own.filter(|edge| edge["dependency_type"] != "module")
            .map(|edge| format!("{}: {}", text(edge, "source_file"), text(edge, "symbol_name")))
            .collect()
    }

    #[track_caller]
    pub fn assert_uses(&self, user: &str, used: &str) {
        let edges = self.edges(user);
        assert!(edges.contains(&format!("{user} > {used}")), "{used} in {edges:#?}");
    }

    /// What the last commit reaches.
    pub fn impact(&self) -> Value {
        self.agent.json(["impact", self.path(), "HEAD~1..HEAD"])
    }

    /// An index from nothing holds the same.
    #[track_caller]
    pub fn assert_sound(&self) {
        let output = self.agent.run(["cache", "verify", self.path(), "--json"]);
        let printed: Value = serde_json::from_str(&output.stdout).unwrap();
        assert_eq!((output.code, &printed["repos"][0]["differences"]), (Some(0), &json!([])), "{printed:#}");
    }
}
