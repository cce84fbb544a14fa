//! The databases: whether they can be read, and are sound to their last page.

use std::path::Path;

use super::Finding;
use crate::cache::orphans::orphans;
use crate::cache::set_aside;
use crate::cache::store_dir;
use crate::cli::Context;
use crate::query::Reader;
use crate::store::{self, Database};

const TOPIC: &str = "database";

pub fn look(context: &Context) -> Vec<Finding> {
    let agent = context.home.agent_db();
    let mut findings: Vec<Finding> = check(&agent, Database::Agent, "ra-agent logs").into_iter().collect();
    let repos = Reader::open(&context.home, &context.config).and_then(|reader| reader.repos()).unwrap_or_default();
    let count = repos.len();
    let used = repos.iter().map(|repo| store_dir(&context.config, repo).path().to_owned()).collect();
    findings.extend(orphans(&context.config.cache.location, &used).iter().map(|path| {
        let told = format!("{} belongs to no registered repository", path.display());
        Finding::note(TOPIC, told, "ra-agent cache prune removes it")
    }));
    for repo in repos {
        let dir = store_dir(&context.config, &repo);
        let path = dir.analysis_db();
        let mend = format!("ra-agent reconcile {}", repo.location.path.display());
        findings.extend(set_aside::list(&dir).iter().map(|path| {
            let told = format!("{} was damaged, and is built again", path.display());
            Finding::note(TOPIC, told, "ra-agent cache prune removes it, or look at it first")
        }));
        findings.extend(check(&path, Database::Analysis, &mend));
    }
    if findings.is_empty() {
        findings.push(Finding::good(TOPIC, format!("the registry and {count} store(s) are sound")));
    }
    findings
}

/// What is wrong with a database; `None`: nothing, or it is not there yet.
fn check(path: &Path, database: Database, mend: &str) -> Option<Finding> {
    let told = match store::open_reader(path, database) {
        Ok(None) => return None,
        Ok(Some(db)) => match db.query_row("PRAGMA quick_check(1)", [], |row| row.get::<_, String>(0)) {
            Ok(answer) if answer == "ok" => return None,
            Ok(answer) => format!("{} is damaged: {answer}", path.display()),
            Err(error) => format!("{} cannot be read: {error}", path.display()),
        },
        Err(error) => error.to_string(),
    };
    Some(Finding::problem(TOPIC, told, mend))
}
