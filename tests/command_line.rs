//! The promise: bad input is reported with its name and the next step, and nothing breaks.

use crate::support::{TestAgent, TestRepo, untouched};

#[test]
fn a_misspelt_key_is_an_error_that_names_the_right_one() {
    let agent = TestAgent::without_model();
    agent.write_config("[watch]\ndebouce_ms = 1\n");
    let output = agent.run(["status"]);
    assert_eq!(output.code, Some(1), "{output:?}");
    for word in ["config.toml:2", "`watch.debouce_ms`", "did you mean `debounce_ms`?"] {
        assert!(output.stderr.contains(word), "{output:?}");
    }
}

#[test]
fn hooks_go_in_and_out_without_a_trace_in_the_repository() {
    let agent = TestAgent::without_model();
    let repo = TestRepo::with_files([("src/lib.rs", "pub fn f() {}\n")]);
    let user_config = agent.user_home().join(".gitconfig");
    std::fs::write(&user_config, "[user]\n\tname = A").unwrap();
    let path = repo.path().to_str().unwrap();
    untouched(repo.path(), || {
        agent.ok(["register", path]);
        assert!(agent.home().join("agent.db").exists());
        agent.ok(["hooks", "install"]);
        agent.ok(["hooks", "install"]);
        agent.ok(["hooks", "status"]);
        agent.ok(["hooks", "uninstall"]);
    });
    assert_eq!(std::fs::read_to_string(&user_config).unwrap(), "[user]\n\tname = A");
    assert!(!agent.home().join("hooks").exists());
}

#[test]
fn a_hook_in_one_repository_goes_in_and_out_on_request() {
    let agent = TestAgent::without_model();
    let repo = TestRepo::with_files([("src/lib.rs", "pub fn f() {}\n")]);
    let path = repo.path().to_str().unwrap();
    agent.ok(["register", path]);
    agent.ok(["hooks", "install", "--in-repo", path]);
    let hook = repo.git_dir().join("hooks/post-commit");
    assert!(hook.exists());
    agent.ok(["hooks", "uninstall"]);
    assert!(!hook.exists());
    agent.ok(["hooks", "install", "--in-repo", path]);
    agent.ok(["unregister", path]);
    agent.ok(["hooks", "uninstall", "--in-repo", path]);
    assert!(!hook.exists(), "a hook that outlived its registration can be taken out, too");
}
