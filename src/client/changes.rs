//! When anything changed that answers are made of: every store is asked whether another process has written to it, which costs no
//! read of its content. The page, `status --watch` and the bar of `wait` follow this one stream.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use rusqlite::Connection;

use crate::cache::RepoStore;
use crate::clock;
use crate::config::Config;
use crate::domain::RepoId;
use crate::home::Home;
use crate::lock;
use crate::query::{QueryError, Reader};

/// A store may be another file by now: it was repaired, or moved. It is opened again after this long.
const OPENED_FOR: Duration = Duration::from_secs(30);

/// How often it is asked whether a daemon runs. Asking takes its lock for a moment.
const DAEMON_EVERY: Duration = Duration::from_secs(2);

/// What tells one state of the stores from another one, on the same connections.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
struct StateMark {
    daemon: Option<u32>,
    agent: Option<i64>,
    repos: BTreeMap<RepoId, i64>,
}

/// The changes of one agent's state, one after the other. What changes while nothing waits for it is one change.
pub struct ChangeStream {
    home: Home,
    config: Config,
    every: Duration,
    /// The stores of repositories count; else agent.db alone does.
    has_stores: bool,
    agent: Option<Connection>,
    stores: BTreeMap<RepoId, RepoStore>,
    opened: Option<Instant>,
    /// Whether a daemon runs, and when that was last asked.
    daemon: (Option<u32>, Option<Instant>),
    seen: Option<StateMark>,
}

impl ChangeStream {
    /// Asks so often.
    pub fn new(home: &Home, config: &Config, every: Duration) -> Self {
        let (home, config) = (home.clone(), config.clone());
        Self {
            home,
            config,
            every,
            has_stores: true,
            agent: None,
            stores: BTreeMap::new(),
            opened: None,
            daemon: (None, None),
            seen: None,
        }
    }

    /// Of agent.db alone: the registry, the queue, the ledger.
    pub fn of_agent(home: &Home, config: &Config, every: Duration) -> Self {
        Self { has_stores: false, ..Self::new(home, config, every) }
    }

    /// Waits for a change; false: there was none so long. The first state is a change.
    ///
    /// # Errors
    /// If a store cannot be read.
    pub fn next_within(&mut self, wait: Duration) -> Result<bool, QueryError> {
        let begun = clock::monotonic();
        loop {
            let mark = self.mark()?;
            if self.seen.as_ref() != Some(&mark) {
                self.seen = Some(mark);
                return Ok(true);
            }
            let waited = clock::since(begun);
            if waited >= wait {
                return Ok(false);
            }
            std::thread::sleep(self.every.min(wait - waited));
        }
    }

    fn mark(&mut self) -> Result<StateMark, QueryError> {
        let is_due = self.opened.is_none_or(|opened| clock::since(opened) > OPENED_FOR);
        if is_due || self.agent.is_none() {
            self.open()?;
        }
        if is_due {
            // What changed before they were opened again is not in their numbers.
            self.seen = None;
        }
        if self.daemon.1.is_none_or(|asked| clock::since(asked) > DAEMON_EVERY) {
            self.daemon = (lock::holder(&self.home.agent_lock()), Some(clock::monotonic()));
        }
        let mut mark = self.versions()?;
        if self.seen.as_ref().is_some_and(|seen| seen.agent != mark.agent) {
            // Repositories may have come or gone.
            self.open_stores()?;
            mark = self.versions()?;
        }
        Ok(mark)
    }

    fn versions(&self) -> Result<StateMark, QueryError> {
        // A store that cannot be read is no state of this one; the answers say what is wrong with it.
        let of_store = |(id, store): (&RepoId, &RepoStore)| Some((id.clone(), version(store.db()).ok()?));
        Ok(StateMark {
            daemon: self.daemon.0,
            agent: self.agent.as_ref().map(version).transpose()?,
            repos: self.stores.iter().filter_map(of_store).collect(),
        })
    }

    fn open(&mut self) -> Result<(), QueryError> {
        self.opened = Some(clock::monotonic());
        self.stores.clear();
        self.agent = Reader::open(&self.home, &self.config)?.agent;
        self.open_stores()
    }

    /// Opens the stores of repositories that came, and forgets those of repositories that went.
    fn open_stores(&mut self) -> Result<(), QueryError> {
        if !self.has_stores {
            return Ok(());
        }
        let reader = Reader::open(&self.home, &self.config)?;
        let repos = reader.repos()?;
        self.stores.retain(|id, _| repos.iter().any(|repo| repo.id == *id));
        for repo in &repos {
            if self.stores.contains_key(&repo.id) {
                continue;
            }
            // One that cannot be read hides no other; the answers say what is wrong with it.
            if let Ok(Some(store)) = reader.store(repo) {
                self.stores.insert(repo.id.clone(), store);
            }
        }
        Ok(())
    }
}

/// Another number after every transaction of another connection.
fn version(db: &Connection) -> Result<i64, QueryError> {
    Ok(db.pragma_query_value(None, "data_version", |row| row.get(0))?)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::queue;
    use crate::store::{self, Database};

    #[test]
    fn a_write_of_another_connection_is_one_change() {
        for stream in [ChangeStream::new, ChangeStream::of_agent] {
            let dir = tempfile::tempdir().unwrap();
            let home = Home::at(dir.path().join("h")).unwrap();
            home.create().unwrap();
            let config = Config::defaults(home.root());
            let mut changes = stream(&home, &config, Duration::from_millis(1));
            let mut next = || changes.next_within(Duration::ZERO).unwrap();
            assert_eq!([next(), next()], [true, false], "the first state");
            let db = store::open_writer(&home.agent_db(), Database::Agent).unwrap();
            assert_eq!([next(), next()], [true, false], "agent.db is there");
            for paused in [true, false] {
                queue::set_paused(&db, paused).unwrap();
                assert_eq!([next(), next()], [true, false], "it was written to");
            }
        }
    }
}
