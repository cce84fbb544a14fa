//! Importing the caches that an earlier tool kept inside repositories. The originals are only read; an import that was cut short goes
//! on where it was when it is asked for again, because what is stored is known by its key.

use crate::worker::process::pipe::Depth;
use std::collections::{BTreeMap, HashMap};
use std::ops::ControlFlow;
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use crate::cache::legacy::{self, Destination, LegacyEntry};
use crate::cache::view;
use crate::domain::{FilePath, Hash, ObjectId, RepoId};
use crate::repo::legacy::{ENTRY_MAX, entries, read};
use crate::repo::registry::{self, Registered};
use crate::repo::{Blob, Repo};
use crate::worker::{Worker, WorkerError};

/// Entries of one transaction.
const BATCH: usize = 200;
/// Entries that are named one by one; beyond, only their number is reported.
const NAMED: usize = 50;

/// What is to be imported.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Migrate {
    pub sources: Vec<MigrationSource>,
    /// Also entries about contents that are not at HEAD but somewhere in the history.
    pub history: bool,
}

/// A cache inside a repository.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct MigrationSource {
    /// Id of the repository.
    pub repo: String,
    /// `FilePath::escaped` of the directory's absolute path.
    pub cache: String,
}

/// What was imported, cache by cache.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Migrated {
    pub caches: Vec<MigratedCache>,
}

#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct MigratedCache {
    pub repo: String,
    pub cache: String,
    /// Entries found.
    pub entries: u64,
    pub imported: u64,
    /// Of the entries, those that an earlier run had imported.
    pub known: u64,
    pub tokens: u64,
    /// Nano-dollars, of what was imported now.
    pub cost: u64,
    /// Imported now, but the price of their model is not in the configuration.
    pub unpriced: u64,
    /// About contents that were not found.
    pub outdated: Named,
    /// No entries, each with the reason.
    pub unreadable: Named,
    /// Why the cache could not be imported to its end.
    pub error: Option<String>,
}

/// How many there are, and the first of them by name.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Named {
    pub count: u64,
    pub first: Vec<String>,
}

impl Named {
    fn add(&mut self, name: String) {
        self.count += 1;
        if self.first.len() < NAMED {
            self.first.push(name);
        }
    }
}

impl Worker {
    /// Imports caches, one after the other. The problem of one is reported and stops no other.
    pub(super) fn migrate(&mut self, asked: &Migrate) -> Result<Migrated, WorkerError> {
        let mut migrated = Migrated::default();
        for source in &asked.sources {
            let Some(repo) = registry::get(&self.queue, &RepoId(source.repo.clone()))? else { continue };
            // The view is what says which contents are at HEAD.
            let indexed = self.reconcile(&repo.id, Depth::Changes)?;
            let mut report = MigratedCache {
                repo: repo.location.path.to_string_lossy().into_owned(),
                cache: FilePath::from_escaped(&source.cache).to_string(),
                error: indexed.problem().map(|error| error.to_string()),
                ..MigratedCache::default()
            };
            let cache = PathBuf::from(std::ffi::OsStr::from_bytes(FilePath::from_escaped(&source.cache).as_bytes()));
            let (found, paths) = match read_cache(&cache, &mut report) {
                Ok(found) => found,
                Err(error) => {
                    report.error = Some(format!("{} cannot be read: {error}", cache.display()));
                    migrated.caches.push(report);
                    continue;
                }
            };
            let places = self.places(&repo, &found, asked.history, &mut report)?;
            self.import(&repo, &found, &paths, &places, &mut report)?;
            migrated.caches.push(report);
        }
        Ok(migrated)
    }

    /// The path that has, or had, the content of each entry; contents that are nowhere are left out.
    fn places(
        &mut self,
        repo: &Registered,
        found: &[LegacyEntry],
        history: bool,
        report: &mut MigratedCache,
    ) -> Result<HashMap<(Hash, FilePath), FilePath>, WorkerError> {
        let files = view::files(self.store(repo)?.db())?;
        let git = match Repo::open(&repo.location) {
            Ok(git) => git,
            Err(error) => {
                report.error = Some(error.to_string());
                return Ok(HashMap::new());
            }
        };
        let present: BTreeMap<FilePath, ObjectId> = files.into_iter().map(|file| (file.path, file.blob)).collect();
        let mut search = Search::new(&git, found);
        for entry in found {
            if let Some(blob) = present.get(&entry.path) {
                search.look_at(&entry.path, blob);
            }
        }
        for (path, blob) in &present {
            if search.is_over() {
                break;
            }
            search.look_at(path, blob);
        }
        if history && !search.is_over() {
            let visited = git.visit_history(&mut |path, blob| {
                search.look_at(path, blob);
                if search.is_over() { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
            });
            report.error = visited.err().map(|error| error.to_string()).or(report.error.take());
        }
        Ok(search.places(found))
    }

    fn import(
        &mut self,
        repo: &Registered,
        found: &[LegacyEntry],
        paths: &[String],
        places: &HashMap<(Hash, FilePath), FilePath>,
        report: &mut MigratedCache,
    ) -> Result<(), WorkerError> {
        let prices = self.config.llm.prices.clone();
        let repo_path = repo.location.path.as_os_str().as_bytes().to_vec();
        for (batch, names) in found.chunks(BATCH).zip(paths.chunks(BATCH)) {
            let store = self.store(repo)?;
            let tx = store.write()?;
            for (entry, name) in batch.iter().zip(names) {
                let Some(path) = places.get(&(entry.content_hash, entry.path.clone())) else {
                    report.outdated.add(name.clone());
                    continue;
                };
                let price = prices.get(&entry.model);
                let cost = price.map_or(0, |price| entry.cost(price));
                let to = Destination { repo_id: &repo.id.0, repo_path: &repo_path, path, cost };
                if !legacy::insert(&tx, entry, &to)? {
                    report.known += 1;
                    continue;
                }
                report.imported += 1;
                report.tokens += entry.tokens;
                report.cost += cost;
                report.unpriced += u64::from(price.is_none() && entry.tokens > 0);
            }
            tx.commit()?;
        }
        Ok(())
    }
}

/// Reads the entries of a cache, and the name of each; what is none is reported.
fn read_cache(cache: &Path, report: &mut MigratedCache) -> std::io::Result<(Vec<LegacyEntry>, Vec<String>)> {
    let (mut found, mut names) = (Vec::new(), Vec::new());
    for path in entries(cache)? {
        report.entries += 1;
        let name = path.strip_prefix(cache).unwrap_or(&path).to_string_lossy().into_owned();
        match read(&path).map_err(|error| error.to_string()).and_then(LegacyEntry::parse) {
            Ok(entry) => {
                found.push(entry);
                names.push(name);
            }
            Err(reason) => report.unreadable.add(format!("{name}: {reason}")),
        }
    }
    Ok((found, names))
}

/// The search for contents: a blob is read and hashed once.
struct Search<'a> {
    git: &'a Repo,
    /// Contents that are wanted, and a path that has each.
    wanted: HashMap<Hash, Option<FilePath>>,
    missing: usize,
    seen: HashMap<ObjectId, Option<Hash>>,
    /// Contents found at the very path that an entry names.
    exact: HashMap<(Hash, FilePath), FilePath>,
}

impl<'a> Search<'a> {
    fn new(git: &'a Repo, found: &[LegacyEntry]) -> Self {
        let wanted: HashMap<Hash, Option<FilePath>> = found.iter().map(|entry| (entry.content_hash, None)).collect();
        Self { git, missing: wanted.len(), wanted, seen: HashMap::new(), exact: HashMap::new() }
    }

    fn is_over(&self) -> bool {
        self.missing == 0
    }

    fn look_at(&mut self, path: &FilePath, blob: &ObjectId) {
        let git = self.git;
        let hash = *self.seen.entry(blob.clone()).or_insert_with(|| match git.blob(blob, ENTRY_MAX) {
            Ok(Blob::Content(bytes)) => Some(Hash::of(&bytes)),
            // One that is too large, gone or no blob is not what an entry is about.
            Ok(Blob::TooLarge { .. }) | Err(_) => None,
        });
        let Some(hash) = hash else { return };
        let Some(place) = self.wanted.get_mut(&hash) else { return };
        self.exact.insert((hash, path.clone()), path.clone());
        if place.is_none() {
            *place = Some(path.clone());
            self.missing -= 1;
        }
    }

    /// For each entry whose content was found: its own path if that has the content, else the one that has.
    fn places(self, found: &[LegacyEntry]) -> HashMap<(Hash, FilePath), FilePath> {
        let mut places = HashMap::new();
        for entry in found {
            let own = (entry.content_hash, entry.path.clone());
            let place =
                self.exact.get(&own).cloned().or_else(|| self.wanted.get(&entry.content_hash).cloned().flatten());
            if let Some(place) = place {
                places.insert(own, place);
            }
        }
        places
    }
}
