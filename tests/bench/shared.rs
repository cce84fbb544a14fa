//! What a shared store costs and saves: a first index of a repository of 1,000 files with none, an empty one, a full one on this machine and a
//! full one on the store, which answers after 5 ms; and a commit of one file with and without.

use std::time::{Duration, Instant};

use super::figures::{millis, row, size, time};
use super::sample;
use super::support::object_server::{Mishap, ObjectAct, ObjectServer};
use super::support::{TestAgent, TestRepo, wait_until};

const LATENCY: Duration = Duration::from_millis(5);
const LONGEST: Duration = Duration::from_secs(1_800);
const COMMITS: usize = 15;

pub fn measure() {
    let server = ObjectServer::start();
    server.script([ObjectAct::List, ObjectAct::Get, ObjectAct::Put].map(|act| (act, Mishap::Delay(LATENCY))));
    let alone = Machine::new(&server, None, None);
    row("shared: first index of 1,000 files with the model, no store", &time(alone.first_index(&server).0));
    let writer = Machine::new(&server, Some("mode = \"read-write\""), None);
    writer.report(&server, "an empty store");
    wait_until(LONGEST, "all of it is given", || {
        let shared = writer.agent.json(["shared", "status"]);
        shared["vectors"] == writer.agent.json(["cache", "status"])["vectors"]["made"]
    });
    let sent = server.requests();
    let bytes: usize = sent.iter().map(|request| request.body.len()).sum();
    row("shared: given then, in all", &format!("{} requests, {}", sent.len(), size(bytes as u64)));
    let begun = Instant::now();
    writer.agent.ok(["reconcile", writer.path(), "--full"]);
    writer.wait();
    let again = format!("{} ({} requests)", time(begun.elapsed()), server.requests().len() - sent.len());
    row("shared: all of it planned again, a full cache on this machine", &again);
    let public = writer.agent.json(["shared", "status"])["public_key"].as_str().unwrap().to_owned();
    let reader = Machine::new(&server, Some(&format!("trusted_keys = [\"{public}\"]")), Some(&writer));
    reader.report(&server, "a full store");
    // In turn, so that what else the machine does weighs on both.
    let pairs = (0..COMMITS).map(|number| (alone.commit(number), writer.commit(number)));
    let (without, with): (Vec<Duration>, Vec<Duration>) = pairs.unzip();
    let (without, with) = (median(without), median(with));
    row("shared: a commit of one file, no store", &time(without));
    let more = format!("{} ({:+.1} ms)", time(with), millis(with) - millis(without));
    row("shared: a commit of one file, a store at 5 ms", &more);
}

struct Machine {
    agent: TestAgent,
    repo: TestRepo,
}

impl Machine {
    /// `shared`: what it does with the store; `key_of`: whose names it reads.
    fn new(server: &ObjectServer, shared: Option<&str>, key_of: Option<&Self>) -> Self {
        let mut agent = TestAgent::new();
        if let Some(shared) = shared {
            agent.write_config(&format!("{}\n[shared]\n{}\n{shared}\n", agent.config(), server.settings()));
            match key_of {
                None => drop(agent.ok(["shared", "keygen"])),
                Some(other) => {
                    let key = agent.home().join("shared.key");
                    std::fs::write(&key, other.agent.ok(["shared", "keygen", "--reader"])).unwrap();
                    std::fs::set_permissions(&key, std::os::unix::fs::PermissionsExt::from_mode(0o600)).unwrap();
                }
            }
        }
        agent.start_with(&server.environment());
        let files = sample::files(sample::ALL);
        let repo = TestRepo::with_files(files.iter().map(|(path, text)| (path.as_str(), text.as_str())));
        Self { agent, repo }
    }

    fn path(&self) -> &str {
        self.repo.path().to_str().unwrap()
    }

    fn wait(&self) {
        let waited = self.agent.command(["wait", "--timeout", "60m"]).output().unwrap();
        assert!(waited.status.success(), "{waited:?}");
    }

    /// How long a first index takes, and the requests of it.
    fn first_index(&self, server: &ObjectServer) -> (Duration, usize) {
        let (before, begun) = (server.requests().len(), Instant::now());
        self.agent.ok(["register", self.path()]);
        self.wait();
        (begun.elapsed(), server.requests().len() - before)
    }

    fn report(&self, server: &ObjectServer, how: &str) {
        let (took, requests) = self.first_index(server);
        let shared = self.agent.json(["shared", "status"]);
        let bytes = shared["requests"]["bytes_in"].as_u64().unwrap();
        let made = &self.agent.json(["cache", "status"])["vectors"]["made"];
        let value = format!("{} ({requests} requests, {} in, {made} vectors made)", time(took), size(bytes));
        row(&format!("shared: first index of 1,000 files with the model, {how}"), &value);
    }

    /// Median time from a commit to its end.
    /// How long a commit of one file takes until it is fresh.
    fn commit(&self, number: usize) -> Duration {
        self.repo.write(sample::EDITED, format!("/// One.\npub fn total_{number}() -> usize {{\n    {number}\n}}\n"));
        self.repo.commit("one");
        let begun = Instant::now();
        self.wait();
        begun.elapsed()
    }
}

fn median(mut took: Vec<Duration>) -> Duration {
    took.sort();
    took[took.len() / 2]
}
