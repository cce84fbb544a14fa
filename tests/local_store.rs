//! The promise: the user says where one repository's store is, and nothing of it is anywhere else.

use serde_json::json;

use crate::support::{Jobs, TestAgent, TestRepo, untouched};

fn a_repo() -> TestRepo {
    TestRepo::with_files([("src/lib.rs", "pub fn one() -> u32 {\n    1\n}\n"), ("src/two.rs", "pub fn two() {}\n")])
}

/// A directory next to the agent's home, and the configuration that places a repository's store there.
fn placed(agent: &TestAgent, repo: &TestRepo) -> std::path::PathBuf {
    let dir = agent.user_home().join("big disk/index");
    agent.write_config(&format!(
        "[repos.{:?}.cache]\nstrategy = \"local\"\nlocation = {:?}\n",
        repo.path().to_str().unwrap(),
        dir.to_str().unwrap()
    ));
    dir
}

#[test]
fn a_store_lies_where_the_user_says_and_goes_alone() {
    let (mut agent, repo, other) = (TestAgent::without_model(), a_repo(), a_repo());
    let dir = placed(&agent, &repo);
    agent.start();
    let registered = untouched(repo.path(), || {
        let registered = [&repo, &other].map(|repo| agent.ok(["register", repo.path().to_str().unwrap()]));
        agent.wait();
        registered
    });
    assert!(!registered[0].contains("restart"), "known at the start: {registered:?}");
    let ids =
        agent.json(["status"])["repos"].as_array().unwrap().iter().map(|repo| repo["id"].clone()).collect::<Vec<_>>();
    assert_eq!(ids.len(), 2);
    let central: Vec<_> = std::fs::read_dir(agent.home().join("cache/repos")).unwrap().collect();
    assert_eq!(central.len(), 1, "the other one's alone: {central:?}");
    assert!(dir.join("analysis.db").exists() && dir.join("meta.json").exists());
    for of_repo in agent.json(["status"])["repos"].as_array().unwrap() {
        assert_eq!((&of_repo["fresh"], &of_repo["error"]), (&json!(2), &json!(null)), "{of_repo}");
    }
    let report = agent.json(["cache", "status"]);
    assert_eq!(report["by_repo"].as_array().unwrap().len(), 2, "{report}");
    agent.ok(["cache", "verify"]);
    assert!(agent.json(["cache", "prune", "--max-size", "1K"])["repos"].as_array().unwrap().len() == 2);

    std::fs::write(dir.join("letters.txt"), "the user's").unwrap();
    agent.ok(["unregister", repo.path().to_str().unwrap()]);
    let left: Vec<_> = std::fs::read_dir(&dir).unwrap().map(|entry| entry.unwrap().file_name()).collect();
    assert_eq!(left, ["letters.txt"]);
}

#[test]
fn a_store_that_moves_takes_its_results_along_after_a_restart() {
    let (mut agent, repo) = (TestAgent::without_model(), a_repo());
    agent.ok(["register", repo.path().to_str().unwrap()]);
    agent.start();
    agent.wait();
    let known = Jobs::of(&agent);
    let dir = placed(&agent, &repo);
    let said = agent.ok(["register", repo.path().to_str().unwrap()]);
    assert!(said.contains("daemon restart") && said.contains(dir.to_str().unwrap()), "{said}");
    assert!(!dir.exists());
    agent.stop();
    agent.start();
    agent.wait();
    assert!(dir.join("analysis.db").exists() && dir.join("meta.json").exists());
    let status = agent.json(["status"])["repos"][0].clone();
    assert_eq!((&status["fresh"], &status["error"]), (&json!(2), &json!(null)), "{status}");
    assert_eq!(Jobs::since(&agent, &known).analyses().count(), 0, "nothing is made again");
    agent.ok(["cache", "verify"]);
    // what was at the old place belongs to no repository now
    agent.ok(["cache", "prune"]);
    let central: Vec<_> = std::fs::read_dir(agent.home().join("cache/repos")).unwrap().collect();
    assert!(central.is_empty(), "{central:?}");
}

#[test]
fn a_store_inside_a_repository_is_refused_however_it_is_named() {
    let (agent, repo) = (TestAgent::without_model(), a_repo());
    let link = agent.user_home().join("link");
    std::os::unix::fs::symlink(repo.path(), &link).unwrap();
    for dir in [repo.path().join("index"), repo.path().join(".git/index.d"), link.join("index")] {
        agent.write_config(&format!(
            "[repos.\"/x\".cache]\nstrategy = \"local\"\nlocation = {:?}\n",
            dir.to_str().unwrap()
        ));
        let refused = agent.run(["status"]);
        assert!(refused.code != Some(0) && refused.stderr.contains("outside every repository"), "{refused:?}");
    }
    // and a repository around a store
    let around = agent.user_home().join("around");
    agent.write_config(&format!(
        "[repos.\"/x\".cache]\nstrategy = \"local\"\nlocation = {:?}\n",
        around.join("index").to_str().unwrap()
    ));
    agent.ok(["status"]);
    std::fs::create_dir_all(around.join("index")).unwrap();
    repo.git(&["init", "--quiet", around.to_str().unwrap()]);
    let refused = agent.run(["register", around.to_str().unwrap()]);
    assert!(refused.code != Some(0), "{refused:?}");
}
