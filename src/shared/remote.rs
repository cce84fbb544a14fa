//! The shared store as a [`ResultStore`]: entries are looked up in the indexes that are known, what is new is listed once, and the bytes
//! of many entries come in few requests. It fails open: what does not come in time is as if it were not there.

mod listing;

use std::collections::{BTreeMap, HashMap};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, Instant};

use futures::StreamExt;
use tokio::runtime::Handle;

use super::entry::{EntryKind, EntryName, SharedEntry, TakenEntry, WantedEntry};
use super::health::HealthFile;
use super::index::IndexTables;
use super::known::{KnownPacks, KnownPlace, PackName};
use super::objects::{SharedObjects, Trouble};
use super::pack::{self, IndexRead, PackIndex};
use super::place::SharedPlace;
use super::{KeyRing, ResultStore, SharedHealth, SharedKey, SharedKeyError, entry, place, state_dir};
use crate::clock;
use crate::config::SharedConfig;
use crate::home::Home;

/// Requests at a time.
const PARALLEL: usize = 16;
/// Bytes between two entries that are read along rather than asked for apart, and most bytes of a request.
const GAP: u64 = 32 * 1024;
const LONGEST_READ: u64 = 1024 * 1024;
/// How long all requests of one go may take. What has not come then is made here.
const LONGEST_GO: Duration = Duration::from_secs(20);
/// Times that an entry is looked for in another pack, after it was lost or refused.
const ROUNDS: usize = 3;

#[derive(Debug, thiserror::Error)]
pub enum SharedError {
    #[error(transparent)]
    Key(#[from] SharedKeyError),
    #[error("the shared store cannot be used: {0}")]
    Unusable(String),
    #[error("the shared store is left alone until it is tried again: {0}")]
    Resting(String),
    #[error("the shared store does not answer: {0}")]
    Outage(String),
    #[error("the shared index cannot be used: {0}")]
    Index(String),
    #[error("nothing is shared from here: [shared] mode is \"read\"; set mode = \"read-write\" in config.toml")]
    ReadOnly,
    #[error(
        "nothing is shared from here: shared.key is a reader's, without a key that signs; `ra-agent shared keygen` adds one"
    )]
    CannotSign,
}

/// The shared store.
pub struct RemoteResults {
    pub(super) objects: SharedObjects,
    pub(super) ring: Arc<KeyRing>,
    pub(super) known: KnownPacks,
    pub(super) runtime: Handle,
    /// Where this machine keeps what it knows of the store.
    pub(super) dir: PathBuf,
    /// The tables of the shared index, taken into use when they are needed first.
    pub(super) index: Option<IndexTables>,
    health: HealthFile,
    may_write: bool,
    listed_at: Option<Instant>,
    /// The index of every pack that was listed is known.
    is_whole: bool,
    /// A person knows that nothing may be there.
    accepts_empty: bool,
}

impl RemoteResults {
    /// Takes the configured store into use. No request is sent. `urgent`: whatever it did before.
    ///
    /// # Errors
    /// If there is no key, the settings are wrong, or a directory is not there; that is tried again as an outage is.
    pub fn open(home: &Home, config: &SharedConfig, runtime: Handle, urgent: bool) -> Result<Self, SharedError> {
        let key = SharedKey::load(&home.shared_key())?;
        let ring = KeyRing::new(&key, &config.trusted_keys);
        if config.may_write && ring.public().is_none() {
            return Err(SharedError::CannotSign);
        }
        let dir = state_dir(home, config);
        std::fs::create_dir_all(&dir).map_err(|error| SharedError::Unusable(format!("{}: {error}", dir.display())))?;
        let mut file = HealthFile::open(&dir);
        if !urgent && !file.health.may_ask(clock::now()) {
            return Err(SharedError::Resting(file.health.problem.unwrap_or_default()));
        }
        match place::connect(config) {
            Ok(place) => Ok(Self::with(place, ring, &dir, config.may_write, runtime)),
            Err(problem) => {
                file.health.failed(&problem, Duration::ZERO, clock::now());
                file.save();
                Err(SharedError::Unusable(problem))
            }
        }
    }

    fn with(place: SharedPlace, ring: KeyRing, dir: &Path, may_write: bool, runtime: Handle) -> Self {
        let (known, health) = (KnownPacks::open(dir), HealthFile::open(dir));
        Self {
            objects: SharedObjects::new(place),
            ring: Arc::new(ring),
            known,
            runtime,
            dir: dir.to_owned(),
            index: None,
            health,
            may_write,
            listed_at: None,
            is_whole: false,
            accepts_empty: false,
        }
    }

    pub const fn health(&self) -> &SharedHealth {
        &self.health.health
    }

    pub(super) const fn health_mut(&mut self) -> &mut SharedHealth {
        &mut self.health.health
    }

    pub(super) fn save_health(&mut self) {
        self.health.save();
    }

    pub fn ring(&self) -> &KeyRing {
        &self.ring
    }

    /// Packs, and entries of each kind, that are known to be there.
    pub fn counts(&self) -> (usize, HashMap<EntryKind, usize>) {
        self.known.counts()
    }

    /// Has it asked at once, whatever it did before: a person wants it.
    pub fn wake(&mut self) {
        self.health.health.wake();
    }

    /// Has the next list be taken for what is there, also if packs were known and it has none: a person wants to begin again.
    pub const fn accept_empty(&mut self) {
        self.accepts_empty = true;
    }

    pub(super) fn check_rest(&self) -> Result<(), SharedError> {
        let health = &self.health.health;
        if health.may_ask(clock::now()) {
            return Ok(());
        }
        Err(SharedError::Resting(health.problem.clone().unwrap_or_default()))
    }

    /// Notes how the store answered, and what was sent, also for other processes.
    pub(super) fn noted<T>(&mut self, outcome: Result<T, Trouble>) -> Result<T, SharedError> {
        let noted = self.note(outcome);
        self.health.save();
        noted
    }

    fn note<T>(&mut self, outcome: Result<T, Trouble>) -> Result<T, SharedError> {
        use std::sync::atomic::{AtomicU64, Ordering};
        let (health, counts) = (&mut self.health.health, &self.objects.counts);
        let take = |counter: &AtomicU64| counter.swap(0, Ordering::Relaxed);
        health.lists += take(&counts.lists);
        health.gets += take(&counts.gets);
        health.puts += take(&counts.puts);
        health.bytes_in += take(&counts.bytes_in);
        health.bytes_out += take(&counts.bytes_out);
        let asked = self.objects.asked.take();
        match outcome {
            Ok(done) => {
                health.answered(clock::now());
                Ok(done)
            }
            Err(Trouble::Lost) => Err(SharedError::Outage("an object is gone".to_owned())),
            Err(Trouble::Outage(problem)) => {
                tracing::warn!(problem, "the shared store does not answer; work goes on without it");
                health.failed(&problem, asked, clock::now());
                Err(SharedError::Outage(problem))
            }
        }
    }

    /// Fetches what is at some places, in as few requests as that takes. Packs that are gone are forgotten; true: one was.
    fn fetch(&mut self, places: &[(EntryName, KnownPlace)], until: Instant) -> (Vec<FetchedEntry>, bool) {
        let mut by_pack: BTreeMap<u32, Vec<(EntryName, KnownPlace)>> = BTreeMap::new();
        for (name, place) in places {
            by_pack.entry(place.pack).or_default().push((*name, *place));
        }
        let mut reads = Vec::new();
        for (pack, mut places) in by_pack {
            let Some(name) = self.known.name_of(pack).cloned() else { continue };
            places.sort_by_key(|(_, place)| (place.offset, place.bytes));
            for run in runs(places) {
                let (objects, name) = (self.objects.clone(), name.clone());
                reads.push(async move {
                    let start = run.first().map_or(0, |(_, place)| u64::from(place.offset));
                    let end = run.iter().map(|(_, place)| end_of(*place)).max().unwrap_or(start);
                    (objects.get(&name, start..end).await, name, start, run)
                });
            }
        }
        let read = until_then(&self.runtime, reads, until, |(bytes, ..)| matches!(bytes, Err(Trouble::Outage(_))));
        let (mut fetched, mut lost, mut outage) = (Vec::new(), false, None);
        for (bytes, name, start, run) in read {
            match bytes {
                Ok(bytes) => fetched.extend(run.into_iter().map(|(entry, place)| {
                    let at = usize::try_from(u64::from(place.offset) - start).unwrap_or(usize::MAX);
                    let part = bytes.get(at..at.saturating_add(place.bytes as usize)).unwrap_or_default();
                    FetchedEntry { name: entry, place, bytes: part.to_vec() }
                })),
                Err(Trouble::Lost) => {
                    self.known.forget(&name);
                    lost = true;
                }
                Err(Trouble::Outage(problem)) => outage = Some(problem),
            }
        }
        let noted = outage.map_or(Ok(()), |problem| Err(Trouble::Outage(problem)));
        // What came is used; the store is left alone from now on if something did not.
        let _ = self.note(noted);
        (fetched, lost)
    }
}

/// Bytes that were found under a name.
struct FetchedEntry {
    name: EntryName,
    place: KnownPlace,
    bytes: Vec<u8>,
}

const fn end_of(place: KnownPlace) -> u64 {
    place.offset as u64 + place.bytes as u64
}

/// Cuts places of one pack, in order, into stretches that are read in one request each.
fn runs(places: Vec<(EntryName, KnownPlace)>) -> Vec<Vec<(EntryName, KnownPlace)>> {
    let mut runs: Vec<Vec<(EntryName, KnownPlace)>> = Vec::new();
    let (mut start, mut end) = (0, 0);
    for (name, place) in places {
        let joins = u64::from(place.offset) <= end + GAP && end_of(place).saturating_sub(start) <= LONGEST_READ;
        match runs.last_mut().filter(|_| joins) {
            Some(run) => run.push((name, place)),
            None => {
                start = u64::from(place.offset);
                end = start;
                runs.push(vec![(name, place)]);
            }
        }
        end = end.max(end_of(place));
    }
    runs
}

pub(super) fn in_parallel<T>(runtime: &Handle, requests: impl IntoIterator<Item = impl Future<Output = T>>) -> Vec<T> {
    runtime.block_on(futures::stream::iter(requests).buffer_unordered(PARALLEL).collect())
}

/// As [`in_parallel`], but only what is done at `until`, and nothing after what `is_last`: a store that fails once is not asked on.
fn until_then<T>(
    runtime: &Handle,
    requests: impl IntoIterator<Item = impl Future<Output = T>>,
    until: Instant,
    is_last: impl Fn(&T) -> bool,
) -> Vec<T> {
    runtime.block_on(async {
        let mut done = Vec::new();
        let mut pending = futures::stream::iter(requests).buffer_unordered(PARALLEL);
        loop {
            let left = until.saturating_duration_since(clock::monotonic());
            match tokio::time::timeout(left, pending.next()).await {
                Ok(Some(one)) => {
                    let ends = is_last(&one);
                    done.push(one);
                    if ends {
                        return done;
                    }
                }
                Ok(None) | Err(_) => return done,
            }
        }
    })
}

impl ResultStore for RemoteResults {
    type Error = SharedError;

    fn lacks(&mut self, wanted: &[WantedEntry]) -> Result<Vec<WantedEntry>, SharedError> {
        self.refresh_whole()?;
        Ok(self.unknown(wanted))
    }

    fn get_many(&mut self, wanted: &[WantedEntry]) -> Result<Vec<TakenEntry>, SharedError> {
        self.check_rest()?;
        let until = clock::monotonic() + LONGEST_GO;
        let named = wanted.iter().map(|one| (self.ring.name(one.kind, &one.key), *one));
        let mut left: HashMap<EntryName, WantedEntry> = named.collect();
        if left.keys().any(|name| !self.known.holds(name)) {
            self.refresh_if_old(until)?;
        }
        let mut taken = Vec::new();
        for _ in 0..ROUNDS {
            let at = |name: &EntryName| Some((*name, self.known.places(name).next()?));
            let mut places: Vec<(EntryName, KnownPlace)> = left.keys().filter_map(at).collect();
            if places.is_empty() {
                break;
            }
            places.sort();
            let (fetched, lost) = self.fetch(&places, until);
            let mut is_refused = false;
            for FetchedEntry { name, place, bytes } in fetched {
                let Some(one) = left.get(&name) else { continue };
                match entry::open(&self.ring, one, &bytes) {
                    Ok(found) => {
                        left.remove(&name);
                        taken.push(found);
                    }
                    Err(why) => {
                        tracing::warn!(%name, why = why.as_str(), "an entry of the shared store is not used");
                        self.health.health.refused(why.as_str());
                        self.known.reject(&name, place);
                        is_refused = true;
                    }
                }
            }
            if clock::monotonic() >= until {
                break;
            }
            // Another pack may have it that was not there when they were listed.
            let listed = match (lost, is_refused) {
                (true, _) => self.refresh_until(until).map(drop),
                (false, true) => self.refresh_if_old(until),
                (false, false) => self.check_rest(),
            };
            if listed.is_err() {
                break;
            }
        }
        self.health.health.taken += taken.len() as u64;
        self.health.save();
        Ok(taken)
    }

    /// Signs entries with this machine's key, whoever made them, and writes them in packs.
    fn put(&mut self, entries: Vec<TakenEntry>) -> Result<usize, SharedError> {
        self.share(&entries.into_iter().map(|one| one.entry).collect::<Vec<_>>())
    }
}

impl RemoteResults {
    /// Those of these that are in no pack whose index is known. Asks nothing.
    pub fn unknown(&self, wanted: &[WantedEntry]) -> Vec<WantedEntry> {
        wanted.iter().filter(|one| !self.known.holds(&self.ring.name(one.kind, &one.key))).copied().collect()
    }

    /// Signs entries and writes them, each kind in its packs. Returns how many are on the store then.
    ///
    /// # Errors
    /// If this machine may not write, or the store does not take them all; those of whole packs are there then.
    pub fn share(&mut self, entries: &[SharedEntry]) -> Result<usize, SharedError> {
        self.may_write()?;
        let mut shared = 0;
        for kind in EntryKind::ALL {
            let of_kind = entries.iter().filter(|entry| entry.kind == kind);
            let sealed =
                of_kind.filter_map(|one| Some((self.ring.name(kind, &one.key), entry::seal(&self.ring, one)?)));
            shared += self.write_packs(kind, sealed.collect())?;
        }
        self.health.health.given += shared as u64;
        self.health.save();
        Ok(shared)
    }

    pub(super) fn may_write(&self) -> Result<(), SharedError> {
        if self.may_write { Ok(()) } else { Err(SharedError::ReadOnly) }
    }

    /// Writes sealed entries in packs.
    pub(super) fn write_packs(
        &mut self,
        kind: EntryKind,
        sealed: Vec<(EntryName, Vec<u8>)>,
    ) -> Result<usize, SharedError> {
        let mut written = 0;
        for bytes in pack::packs(sealed) {
            self.check_rest()?;
            let name = PackName { kind, hex: self.ring.pack_name(&bytes) };
            let length = bytes.len() as u64;
            let Ok(IndexRead::Whole(index)) = PackIndex::read(&bytes, length) else { continue };
            let put = self.runtime.block_on(self.objects.put(&name, bytes));
            self.noted(put)?;
            written += index.places.len();
            if !self.known.has(&name, length) {
                self.known.learn(name, length, &index);
            }
        }
        Ok(written)
    }
}

#[cfg(test)]
#[path = "remote_tests.rs"]
pub(super) mod tests;
