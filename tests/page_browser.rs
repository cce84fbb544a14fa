//! The promise: the page works in a real browser: each screen, by mouse and by keys, light and dark, wide and narrow; it asks no other host.

use std::path::{Path, PathBuf};
use std::process::Command;

use crate::real_clients::clients;
use crate::support::asking::Asking;
use crate::support::left_out;
use crate::support::page::TestPage;

/// The Chromium that the gate installs, or another one that is here.
fn chromium() -> Option<PathBuf> {
    let names = ["chromium", "chromium-browser", "google-chrome"];
    let dirs =
        std::env::var_os("PATH").map(|path| std::env::split_paths(&path).collect::<Vec<_>>()).unwrap_or_default();
    names.iter().flat_map(|name| dirs.iter().map(move |dir| dir.join(name))).find(|path| path.is_file())
}

/// A commit with dependents, findings and a cost.
fn history() -> Asking {
    let asking = Asking::answered();
    asking.repo.edit("src/words.rs", "pub fn count", "// FIXME: count letters\npub fn count");
    asking.commit("Note what is missing");
    asking.repo.edit("src/limits.rs", "n: u32) -> u32", "n: u32) -> u64");
    asking.repo.edit("src/limits.rs", "if n > 10 { 10 } else { n }", "n.min(10).into()");
    asking.commit("Widen the limit");
    asking
}

#[test]
fn a_person_finds_the_way_in_a_real_browser() {
    const WHAT: &str = "the page in a real browser";
    let Some(chromium) = chromium() else {
        // The gate installs it; on a machine of its own it cannot be missing.
        assert!(std::env::var_os("CI").is_none(), "there is no Chromium; `apt-get install chromium` brings one");
        return left_out(WHAT, "there is no Chromium; `apt-get install chromium` brings one");
    };
    let Some(clients) = clients() else {
        return left_out(WHAT, "what drives the browser is not installed, see tests/clients/prepare.sh");
    };
    let asking = history();
    let page = TestPage::open(&asking.agent);
    // Modules are found from where a script is.
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/clients/node/browse.mjs");
    let copy = clients.join(format!("node/browse-{}.mjs", std::process::id()));
    std::fs::copy(script, &copy).unwrap();
    let mut command = Command::new(clients.join("node/node"));
    command.arg(&copy).args([&page.address]).arg(chromium).env_clear();
    let output = command.env("PATH", std::env::var_os("PATH").unwrap()).env("HOME", asking.agent.user_home()).output();
    std::fs::remove_file(&copy).unwrap();
    let output = output.unwrap();
    let (said, failed) = (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    assert!(output.status.success(), "{said}\n{failed}");
    assert!(said.lines().filter(|line| line.starts_with("ok: ")).count() > 40, "{said}");
}
