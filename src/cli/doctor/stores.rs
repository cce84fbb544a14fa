//! The databases: whether they can be read, and are sound to their last page.

use std::path::Path;

use crate::cache::orphans::orphans;
use crate::cache::set_aside;
use crate::cache::store_dir;
use crate::cli::Context;
use crate::query::Reader;
use crate::query::view::doctor::DoctorFinding;
use crate::store::{self, Database};

const TOPIC: &str = "database";

pub fn check(context: &Context) -> Vec<DoctorFinding> {
    let agent = context.home.agent_db();
    let mut findings: Vec<DoctorFinding> =
        check_database(&agent, Database::Agent, "ra-agent logs").into_iter().collect();
    let repos = Reader::open(&context.home, &context.config).and_then(|reader| reader.repos()).unwrap_or_default();
    let count = repos.len();
    let used = repos.iter().map(|repo| store_dir(&context.config, repo).path().to_owned()).collect();
    findings.extend(orphans(&context.config.cache.location, &used).iter().map(|path| {
        let finding = format!("{} belongs to no registered repository", path.display());
        DoctorFinding::note(TOPIC, finding, "ra-agent cache prune removes it")
    }));
    for repo in repos {
        let dir = store_dir(&context.config, &repo);
        let path = dir.analysis_db();
        let fix = format!("ra-agent reconcile {}", repo.location.path.display());
        findings.extend(set_aside::list(&dir).iter().map(|path| {
            let finding = format!("{} was damaged, and is built again", path.display());
            DoctorFinding::note(TOPIC, finding, "ra-agent cache prune removes it; inspect it first if you like")
        }));
        findings.extend(check_database(&path, Database::Analysis, &fix));
    }
    if findings.is_empty() {
        findings.push(DoctorFinding::good(TOPIC, format!("the registry and {count} store(s) are sound")));
    }
    findings
}

/// What is wrong with a database; `None`: nothing, or it is not there yet.
fn check_database(path: &Path, database: Database, fix: &str) -> Option<DoctorFinding> {
    let finding = match store::open_reader(path, database) {
        Ok(None) => return None,
        Ok(Some(db)) => match store::first_fault(&db) {
            Ok(None) => return None,
            Ok(Some(fault)) => format!("{} is damaged: {fault}", path.display()),
            Err(error) => format!("{} cannot be read: {error}", path.display()),
        },
        Err(error) => error.to_string(),
    };
    Some(DoctorFinding::problem(TOPIC, finding, fix))
}
