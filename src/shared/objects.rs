//! Requests to the store, each within a time that its size allows, and what can come of one.

use std::collections::HashMap;
use std::fs::Permissions;
use std::ops::Range;
use std::os::unix::fs::{MetadataExt, PermissionsExt};
use std::path::{Path as DiskPath, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use futures::StreamExt;
use object_store::path::Path;
use object_store::{Error, ObjectStore, ObjectStoreExt, PutMode, PutOptions, PutPayload};

use super::asked_rest::AskedRest;
use super::entry::EntryKind;
use super::known::PackName;
use super::place::{self, SharedPlace};
use crate::clock::Timestamp;

/// How long an answer may take, and how much longer for each byte of it.
pub(super) const PATIENCE: Duration = Duration::from_secs(2);
const SLOWEST_BYTES_PER_SECOND: u64 = 128 * 1024;
/// Version of the layout, in front of every object.
const LAYOUT: &str = "v1";
/// Directory below it that has the tables of the shared index.
pub(super) const INDEX_DIRECTORY: &str = "index";
/// Longest complaint of a server that is passed on.
const LONGEST_COMPLAINT: usize = 200;
/// What a file system says to those who may not write, and what else it may come of.
const DENIED: &str = "Permission denied";
const WHO_WRITES: &str =
    "check who may write there; if it was mounted after the daemon was started: `ra-agent daemon restart`";
/// Packs that a store may have. Before that `gc` merges them.
const MOST_PACKS: usize = 200_000;

/// Why a request brought nothing.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Trouble {
    /// There is no such object.
    Lost,
    /// The store is down, slow, or refuses.
    Outage(String),
}

/// An object that is there.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ListedPack {
    pub bytes: u64,
    pub written_at: Timestamp,
}

/// What was sent and what came.
#[derive(Debug, Default)]
pub struct RequestCounts {
    pub lists: AtomicU64,
    pub gets: AtomicU64,
    pub puts: AtomicU64,
    pub bytes_in: AtomicU64,
    pub bytes_out: AtomicU64,
}

impl RequestCounts {
    pub(super) fn add(counter: &AtomicU64, number: u64) {
        counter.fetch_add(number, Ordering::Relaxed);
    }
}

/// The objects below a store's prefix.
#[derive(Clone)]
pub struct SharedObjects {
    pub(super) objects: Arc<dyn ObjectStore>,
    pub(super) prefix: Path,
    pub(super) root: Option<PathBuf>,
    pub asked: AskedRest,
    pub counts: Arc<RequestCounts>,
}

impl SharedObjects {
    pub fn new(place: SharedPlace) -> Self {
        let prefix = place.prefix.parts().chain([LAYOUT.into()]).collect();
        Self { objects: place.objects, prefix, root: place.root, asked: place.asked, counts: Arc::default() }
    }

    fn path(&self, name: &PackName) -> Path {
        let below = name.below_prefix();
        self.prefix.parts().chain(below.split('/').map(Into::into)).collect()
    }

    /// A directory that is gone is an outage: it would be read as an empty one, and made again for what is written.
    pub(super) fn check_root(&self) -> Result<(), Trouble> {
        match &self.root {
            Some(root) if !place::is_there(root) => Err(Trouble::Outage(place::not_there(root))),
            _ => Ok(()),
        }
    }

    /// A pack was known to be there, and now not even the directory of all packs is. That is a mount point without its mount rather than
    /// one pack that went.
    fn checked_loss(&self, trouble: Trouble) -> Trouble {
        match (&self.root, trouble) {
            (Some(root), Trouble::Lost) if !place::is_there(&root.join(LAYOUT)) => Trouble::Outage(format!(
                "{} is empty, and packs were there; mount what it is on, or, if it was emptied, run `ra-agent shared push`",
                root.display()
            )),
            (_, trouble) => trouble,
        }
    }

    /// Every pack that is there. Other objects are left alone.
    pub async fn list(&self) -> Result<HashMap<PackName, ListedPack>, Trouble> {
        self.check_root()?;
        RequestCounts::add(&self.counts.lists, 1);
        let (mut listed, mut is_lost) = (HashMap::new(), false);
        let mut objects = self.objects.list(Some(&self.prefix));
        loop {
            let next = tokio::time::timeout(PATIENCE, objects.next()).await.map_err(|_| slow(PATIENCE))?;
            let object = match next {
                None if is_lost && listed.is_empty() => {
                    return Err(Trouble::Outage("there is no such bucket or directory".to_owned()));
                }
                None => return Ok(listed),
                Some(Ok(object)) => object,
                // An object that went while the list was made; or all of it is not there.
                Some(Err(Error::NotFound { .. })) => {
                    is_lost = true;
                    continue;
                }
                Some(Err(error)) => return Err(trouble(&error)),
            };
            let below: Vec<String> = object
                .location
                .prefix_match(&self.prefix)
                .into_iter()
                .flatten()
                .map(|part| part.as_ref().to_owned())
                .collect();
            if let Some(name) = PackName::parse(&below.join("/")) {
                let written_at = Timestamp(object.last_modified.timestamp_millis());
                listed.insert(name, ListedPack { bytes: object.size, written_at });
            }
            if listed.len() > MOST_PACKS {
                return Err(Trouble::Outage(format!(
                    "it has more than {MOST_PACKS} packs; `ra-agent shared gc` merges them"
                )));
            }
        }
    }

    /// A part of a pack.
    pub async fn get(&self, name: &PackName, range: Range<u64>) -> Result<Vec<u8>, Trouble> {
        RequestCounts::add(&self.counts.gets, 1);
        let length = range.end.saturating_sub(range.start);
        let path = self.path(name);
        let bytes = timed(length, self.objects.get_range(&path, range)).await;
        let bytes = bytes.map_err(|trouble| self.checked_loss(trouble))?;
        RequestCounts::add(&self.counts.bytes_in, bytes.len() as u64);
        if bytes.len() as u64 != length {
            return Err(Trouble::Outage(format!("it sent {} of {length} bytes", bytes.len())));
        }
        Ok(bytes.to_vec())
    }

    /// Writes a pack, unless it is there. Its name follows from its content, so one that is there is the same.
    pub async fn put(&self, name: &PackName, pack: Vec<u8>) -> Result<(), Trouble> {
        self.check_root()?;
        let (path, bytes) = (self.path(name), pack.len() as u64);
        RequestCounts::add(&self.counts.puts, 1);
        let payload = PutPayload::from(pack);
        let create = PutOptions::from(PutMode::Create);
        let put = match timed_put(bytes, self.objects.put_opts(&path, payload.clone(), create)).await {
            // A server that cannot write only what is missing; an equal object in its place does no harm.
            Err(Unput::CannotCreate) => {
                RequestCounts::add(&self.counts.puts, 1);
                timed_put(bytes, self.objects.put_opts(&path, payload, PutOptions::default())).await
            }
            put => put,
        };
        match put {
            Ok(()) => {
                RequestCounts::add(&self.counts.bytes_out, bytes);
                if let Some(root) = &self.root {
                    open_up(root, &root.join(path.as_ref()));
                }
                Ok(())
            }
            Err(Unput::Trouble(Trouble::Lost)) => {
                Err(Trouble::Outage("there is no such bucket or directory".to_owned()))
            }
            Err(Unput::Trouble(Trouble::Outage(problem))) if self.root.is_some() && problem.contains(DENIED) => {
                Err(Trouble::Outage(format!("{problem}; {WHO_WRITES}")))
            }
            Err(Unput::Trouble(trouble)) => Err(trouble),
            Err(Unput::CannotCreate) => Err(Trouble::Outage("it takes no objects".to_owned())),
        }
    }

    /// What writers that were killed have left in a directory, with its bytes: half an object under a name of its own.
    pub fn abandoned(&self, before: Timestamp) -> Vec<(PathBuf, u64)> {
        let Some(root) = &self.root else { return Vec::new() };
        let mut found = Vec::new();
        let mut dirs: Vec<PathBuf> = EntryKind::ALL.map(|kind| root.join(LAYOUT).join(kind.directory())).into();
        dirs.push(root.join(LAYOUT).join(INDEX_DIRECTORY));
        while let Some(dir) = dirs.pop() {
            for file in std::fs::read_dir(dir).into_iter().flatten().flatten() {
                // Not through a link: `DirEntry::metadata` follows none.
                let Ok(metadata) = file.metadata() else { continue };
                if metadata.is_dir() {
                    dirs.push(file.path());
                } else if file.file_name().to_str().is_some_and(is_of_upload) && metadata.mtime() * 1_000 < before.0 {
                    found.push((file.path(), metadata.len()));
                }
            }
        }
        found
    }

    /// Removes a pack; one that is gone is as good.
    pub async fn delete(&self, name: &PackName) -> Result<(), Trouble> {
        RequestCounts::add(&self.counts.puts, 1);
        match timed(0, self.objects.delete(&self.path(name))).await {
            Ok(()) | Err(Trouble::Lost) => Ok(()),
            Err(trouble) => Err(trouble),
        }
    }
}

/// Whether a name is one that [`object_store::local::LocalFileSystem`] writes under, before the object has its own.
fn is_of_upload(name: &str) -> bool {
    name.rsplit_once('#').is_some_and(|(object, suffix)| {
        object.contains('.') && !suffix.is_empty() && suffix.bytes().all(|byte| byte.is_ascii_digit())
    })
}

/// Gives a file, and the directories on the way to it, the permissions of the root: a daemon makes files for its user alone. What belongs to
/// another user has been given them by that one.
pub(super) fn open_up(root: &DiskPath, file: &DiskPath) {
    let Ok(mode) = std::fs::metadata(root).map(|root| root.permissions().mode()) else { return };
    let _ = std::fs::set_permissions(file, Permissions::from_mode(mode & 0o666));
    for dir in file.ancestors().skip(1).take_while(|dir| *dir != root) {
        let _ = std::fs::set_permissions(dir, Permissions::from_mode(mode & 0o7777));
    }
}

enum Unput {
    CannotCreate,
    Trouble(Trouble),
}

async fn timed_put<T>(bytes: u64, request: impl Future<Output = object_store::Result<T>>) -> Result<(), Unput> {
    let allowed = allowed(bytes);
    match tokio::time::timeout(allowed, request).await {
        Ok(Ok(_) | Err(Error::AlreadyExists { .. } | Error::Precondition { .. })) => Ok(()),
        Ok(Err(Error::NotImplemented { .. } | Error::NotSupported { .. })) => Err(Unput::CannotCreate),
        Ok(Err(error)) => Err(Unput::Trouble(trouble(&error))),
        Err(_) => Err(Unput::Trouble(slow(allowed))),
    }
}

async fn timed<T>(bytes: u64, request: impl Future<Output = object_store::Result<T>>) -> Result<T, Trouble> {
    let allowed = allowed(bytes);
    match tokio::time::timeout(allowed, request).await {
        Ok(done) => done.map_err(|error| trouble(&error)),
        Err(_) => Err(slow(allowed)),
    }
}

pub(super) fn allowed(bytes: u64) -> Duration {
    PATIENCE + Duration::from_millis(bytes.saturating_mul(1_000) / SLOWEST_BYTES_PER_SECOND)
}

pub(super) fn slow(allowed: Duration) -> Trouble {
    Trouble::Outage(format!("it is slow: no answer within {:.0} s", allowed.as_secs_f64()))
}

pub(super) fn trouble(error: &Error) -> Trouble {
    match error {
        Error::NotFound { .. } => Trouble::Lost,
        Error::PermissionDenied { .. } | Error::Unauthenticated { .. } => Trouble::Outage(format!(
            "it refuses access ({}); check the credentials in the daemon's environment",
            cause(error)
        )),
        _ => Trouble::Outage(cause(error)),
    }
}

/// The innermost cause, on one line.
fn cause(error: &Error) -> String {
    let mut innermost: &dyn std::error::Error = error;
    while let Some(source) = innermost.source() {
        innermost = source;
    }
    let text = innermost.to_string();
    let line: Vec<&str> = text.split_whitespace().collect();
    let line = line.join(" ");
    match line.char_indices().nth(LONGEST_COMPLAINT) {
        Some((end, _)) => format!("{}...", &line[..end]),
        None => line,
    }
}

#[cfg(test)]
mod tests {
    use object_store::memory::InMemory;

    use super::*;

    fn store(prefix: &str) -> (Arc<InMemory>, SharedObjects) {
        let memory = Arc::new(InMemory::new());
        let place = SharedPlace {
            objects: memory.clone(),
            prefix: Path::from(prefix),
            root: None,
            asked: AskedRest::default(),
        };
        (memory, SharedObjects::new(place))
    }

    fn name(hex: &str) -> PackName {
        PackName { kind: EntryKind::Answer, hex: hex.repeat(16) }
    }

    #[tokio::test]
    async fn a_pack_is_written_once_read_in_parts_and_removed() {
        for prefix in ["", "team/a b"] {
            let (memory, objects) = store(prefix);
            objects.put(&name("0a"), b"0123456789".to_vec()).await.unwrap();
            objects.put(&name("0a"), b"other".to_vec()).await.unwrap();
            assert_eq!(objects.get(&name("0a"), 2..5).await.unwrap(), b"234");
            let stray: Path = objects.prefix.parts().chain(["answers".into(), "notes.txt".into()]).collect();
            memory.put(&stray, PutPayload::from_static(b"x")).await.unwrap();
            let listed = objects.list().await.unwrap();
            assert_eq!(listed.keys().collect::<Vec<_>>(), [&name("0a")]);
            assert_eq!(listed[&name("0a")].bytes, 10);
            assert_eq!(objects.get(&name("0b"), 0..1).await, Err(Trouble::Lost));
            objects.delete(&name("0a")).await.unwrap();
            objects.delete(&name("0a")).await.unwrap();
            assert!(objects.list().await.unwrap().is_empty());
        }
    }

    #[tokio::test]
    async fn what_is_written_in_a_directory_is_for_its_users() {
        let dir = tempfile::tempdir().unwrap();
        std::fs::set_permissions(dir.path(), Permissions::from_mode(0o750)).unwrap();
        let local = object_store::local::LocalFileSystem::new_with_prefix(dir.path()).unwrap();
        let root = Some(dir.path().to_owned());
        let place =
            SharedPlace { objects: Arc::new(local), prefix: Path::default(), root, asked: AskedRest::default() };
        let objects = SharedObjects::new(place);
        objects.put(&name("0a"), b"0123".to_vec()).await.unwrap();
        let mode = |path: &str| std::fs::metadata(dir.path().join(path)).unwrap().permissions().mode() & 0o7777;
        let pack = format!("v1/answers/{}.pack", "0a".repeat(16));
        assert_eq!((mode("v1"), mode("v1/answers"), mode(&pack)), (0o750, 0o750, 0o640));
        // What a writer that was killed left there, and what looks like it.
        let left = dir.path().join(format!("v1/answers/{}.pack#1", "0b".repeat(16)));
        let rows = dir.path().join("v1/index/a.lance/data/0c.lance#12");
        std::fs::create_dir_all(rows.parent().unwrap()).unwrap();
        for other in
            [&left, &rows, &dir.path().join(&pack).with_extension("pack#x"), &dir.path().join("v1/answers/x#1")]
        {
            std::fs::write(other, b"half of it").unwrap();
        }
        assert!(objects.abandoned(Timestamp(0)).is_empty());
        let mut found = objects.abandoned(crate::clock::now().plus_millis(60_000));
        found.sort();
        assert_eq!(found, [(left, 10), (rows, 10)]);
        assert_eq!(objects.list().await.unwrap().len(), 1);
    }

    #[test]
    fn a_large_request_may_take_longer() {
        assert_eq!(allowed(100), PATIENCE);
        assert_eq!(allowed(1 << 20), Duration::from_secs(10));
    }
}
