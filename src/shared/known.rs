//! Which entry is in which pack, as far as this machine has read the packs' indexes. Each index is kept in a small file, so that it is asked
//! for once; an entry is then found without a request.

use std::collections::{HashMap, HashSet};
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

use smallvec::SmallVec;

use super::entry::{EntryKind, EntryName};
use super::pack::{IndexRead, PackIndex};
use crate::clock;
use crate::file;

/// Age of a file that no process writes any more.
const ABANDONED_MILLIS: i64 = 3_600_000;

/// A pack's name below the store's prefix: `answers/<32 hex digits>.pack`.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct PackName {
    pub kind: EntryKind,
    pub hex: String,
}

impl PackName {
    /// The name of an object, if it is one of a pack.
    pub fn parse(below_prefix: &str) -> Option<Self> {
        let (directory, file) = below_prefix.split_once('/')?;
        let kind = EntryKind::ALL.into_iter().find(|kind| kind.directory() == directory)?;
        let hex = file.strip_suffix(".pack")?;
        let is_hex =
            hex.len() == 2 * EntryName::BYTES && hex.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'));
        is_hex.then(|| Self { kind, hex: hex.to_owned() })
    }

    pub fn below_prefix(&self) -> String {
        format!("{}/{}.pack", self.kind.directory(), self.hex)
    }

    fn file(&self) -> String {
        format!("{}-{}.index", self.kind.directory(), self.hex)
    }

    fn of_file(name: &str) -> Option<Self> {
        let (directory, hex) = name.strip_suffix(".index")?.split_once('-')?;
        Self::parse(&format!("{directory}/{hex}.pack"))
    }
}

/// Where an entry is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct KnownPlace {
    /// Number of the pack.
    pub pack: u32,
    pub offset: u32,
    pub bytes: u32,
}

struct KnownPack {
    name: PackName,
    /// Of the object when its index was read.
    bytes: u64,
    is_there: bool,
}

/// What is known of the packs.
pub struct KnownPacks {
    dir: PathBuf,
    packs: Vec<KnownPack>,
    numbers: HashMap<PackName, u32>,
    /// Several, if packs hold it twice.
    places: HashMap<EntryName, SmallVec<[KnownPlace; 1]>>,
}

impl KnownPacks {
    /// Reads what is kept below a directory; what cannot be read is asked for again.
    pub fn open(dir: &Path) -> Self {
        let mut known =
            Self { dir: dir.join("packs"), packs: Vec::new(), numbers: HashMap::new(), places: HashMap::new() };
        if let Err(error) = std::fs::create_dir_all(&known.dir) {
            tracing::debug!(%error, "indexes of packs cannot be kept");
        }
        remove_abandoned(dir);
        remove_abandoned(&known.dir);
        for entry in std::fs::read_dir(&known.dir).into_iter().flatten().flatten() {
            // Another process may be writing one at this moment, under another name.
            let Some(name) = entry.file_name().to_str().and_then(PackName::of_file) else { continue };
            match std::fs::read(entry.path()).ok().and_then(|text| kept(&text)) {
                Some((bytes, index)) => known.add(name, bytes, &index),
                // What cannot be removed is read over again.
                None => drop(std::fs::remove_file(entry.path())),
            }
        }
        known
    }

    /// Takes up a pack whose index was read.
    pub fn learn(&mut self, name: PackName, bytes: u64, index: &PackIndex) {
        let text = [&bytes.to_le_bytes()[..], &index.bytes()].concat();
        // What was no pack may have been damaged on its way: the next process reads it again.
        if !index.places.is_empty()
            && let Err(error) = file::replace_entry(&self.dir.join(name.file()), &text, 0o600)
        {
            tracing::debug!(%error, "the index of a pack is not kept");
        }
        self.add(name, bytes, index);
    }

    fn add(&mut self, name: PackName, bytes: u64, index: &PackIndex) {
        let Ok(number) = u32::try_from(self.packs.len()) else { return };
        self.numbers.insert(name.clone(), number);
        self.packs.push(KnownPack { name, bytes, is_there: true });
        for place in &index.places {
            let found = KnownPlace { pack: number, offset: place.offset, bytes: place.bytes };
            self.places.entry(place.name).or_default().push(found);
        }
    }

    /// Some pack that is there.
    pub fn any(&self) -> Option<&PackName> {
        self.packs.iter().find(|pack| pack.is_there && pack.bytes > 0).map(|pack| &pack.name)
    }

    /// Whether the index of an object of this size is known.
    pub fn has(&self, name: &PackName, bytes: u64) -> bool {
        self.number(name).is_some_and(|pack| pack.is_there && pack.bytes == bytes)
    }

    fn number(&self, name: &PackName) -> Option<&KnownPack> {
        self.numbers.get(name).and_then(|number| self.packs.get(*number as usize))
    }

    /// Lets go of the packs that are not among those that are there now, with their sizes.
    pub fn keep_only(&mut self, there: &HashMap<PackName, u64>) {
        let gone: Vec<PackName> = self
            .packs
            .iter()
            .filter(|pack| pack.is_there && there.get(&pack.name) != Some(&pack.bytes))
            .map(|pack| pack.name.clone())
            .collect();
        gone.iter().for_each(|name| self.forget(name));
    }

    /// Lets go of a pack.
    pub fn forget(&mut self, name: &PackName) {
        let Some(number) = self.numbers.remove(name) else { return };
        if let Some(pack) = self.packs.get_mut(number as usize) {
            pack.is_there = false;
        }
        // What cannot be removed is compared with what is there the next time.
        let _ = std::fs::remove_file(self.dir.join(name.file()));
    }

    pub fn name_of(&self, pack: u32) -> Option<&PackName> {
        self.packs.get(pack as usize).filter(|pack| pack.is_there).map(|pack| &pack.name)
    }

    /// Where an entry is, in the packs that are there.
    pub fn places(&self, name: &EntryName) -> impl Iterator<Item = KnownPlace> {
        self.places.get(name).into_iter().flatten().copied().filter(move |place| self.name_of(place.pack).is_some())
    }

    pub fn holds(&self, name: &EntryName) -> bool {
        self.places(name).next().is_some()
    }

    /// An entry that is not to be used is not asked for again by this process.
    pub fn reject(&mut self, name: &EntryName, place: KnownPlace) {
        if let Some(places) = self.places.get_mut(name) {
            places.retain(|one| *one != place);
        }
    }

    /// What each pack that is there holds.
    pub fn by_pack(&self) -> HashMap<PackName, HashSet<EntryName>> {
        let mut by_pack: HashMap<PackName, HashSet<EntryName>> = HashMap::new();
        for (name, places) in &self.places {
            for pack in places.iter().filter_map(|place| self.name_of(place.pack)) {
                by_pack.entry(pack.clone()).or_default().insert(*name);
            }
        }
        by_pack
    }

    /// Packs, and entries of each kind, each counted once.
    pub fn counts(&self) -> (usize, HashMap<EntryKind, usize>) {
        let mut entries: HashMap<EntryKind, usize> = HashMap::new();
        for places in self.places.values() {
            let pack = places.iter().find_map(|place| self.name_of(place.pack));
            if let Some(name) = pack {
                *entries.entry(name.kind).or_default() += 1;
            }
        }
        (self.packs.iter().filter(|pack| pack.is_there).count(), entries)
    }
}

/// Removes what a process that was killed was writing; one that is at work needs a moment for it.
fn remove_abandoned(dir: &Path) {
    let before = clock::now().plus_millis(-ABANDONED_MILLIS).0 / 1_000;
    for entry in std::fs::read_dir(dir).into_iter().flatten().flatten() {
        let is_temporary = entry.file_name().to_str().is_some_and(|name| name.starts_with('.'));
        if is_temporary && entry.metadata().is_ok_and(|found| found.is_file() && found.mtime() < before) {
            // It is tried again by the next process.
            let _ = std::fs::remove_file(entry.path());
        }
    }
}

/// A file that was written by [`KnownPacks::learn`].
fn kept(text: &[u8]) -> Option<(u64, PackIndex)> {
    let (length, index) = text.split_first_chunk::<8>()?;
    let length = u64::from_le_bytes(*length);
    match PackIndex::read(index, length).ok()? {
        IndexRead::Whole(index) => Some((length, index)),
        IndexRead::Needs(_) => None,
    }
}

#[cfg(test)]
mod tests {
    use super::super::pack;
    use super::*;
    use crate::domain::Hash;

    fn entry_name(text: &str) -> EntryName {
        EntryName::first_of(Hash::of(text.as_bytes()).as_bytes())
    }

    fn pack_of(texts: &[&str]) -> (PackName, u64, PackIndex) {
        let entries = texts.iter().map(|text| (entry_name(text), text.as_bytes().to_vec())).collect();
        let bytes = pack::packs(entries).remove(0);
        let hex = EntryName::first_of(Hash::of(&bytes).as_bytes()).to_string();
        let Ok(IndexRead::Whole(index)) = PackIndex::read(&bytes, bytes.len() as u64) else { panic!() };
        (PackName { kind: EntryKind::Answer, hex }, bytes.len() as u64, index)
    }

    #[test]
    fn what_was_learnt_is_known_to_the_next_process() {
        let dir = tempfile::tempdir().unwrap();
        let (one, other) = (pack_of(&["a", "b"]), pack_of(&["b", "c"]));
        let mut known = KnownPacks::open(dir.path());
        known.learn(one.0.clone(), one.1, &one.2);
        known.learn(other.0.clone(), other.1, &other.2);
        std::fs::write(dir.path().join("packs/answers-00.index"), b"x").unwrap();
        let mut known = KnownPacks::open(dir.path());
        assert!(known.has(&one.0, one.1) && !known.has(&one.0, one.1 + 1));
        assert_eq!(known.places(&entry_name("b")).count(), 2);
        assert_eq!(known.counts(), (2, HashMap::from([(EntryKind::Answer, 3)])));
        let place = known.places(&entry_name("a")).next().unwrap();
        known.reject(&entry_name("a"), place);
        assert!(!known.holds(&entry_name("a")) && known.holds(&entry_name("b")));
        known.keep_only(&HashMap::from([(other.0.clone(), other.1)]));
        assert_eq!(known.places(&entry_name("b")).count(), 1);
        assert!(!known.has(&one.0, one.1));
        assert_eq!(KnownPacks::open(dir.path()).counts().0, 1, "its file is gone, too");
    }

    #[test]
    fn what_a_killed_process_left_is_removed_later() {
        let dir = tempfile::tempdir().unwrap();
        std::fs::create_dir(dir.path().join("packs")).unwrap();
        let names = ["packs/.answers-00.index.ra-agent-7", ".health.json.ra-agent-7", "health.json"];
        let made = names.map(|name| std::fs::File::create(dir.path().join(name)).unwrap());
        let left = || names.map(|name| dir.path().join(name).exists());
        KnownPacks::open(dir.path());
        assert_eq!(left(), [true; 3], "they may be at work");
        let long_ago = std::time::SystemTime::UNIX_EPOCH + std::time::Duration::from_secs(1_000_000_000);
        made.iter().for_each(|file| file.set_modified(long_ago).unwrap());
        KnownPacks::open(dir.path());
        assert_eq!(left(), [false, false, true]);
    }

    #[test]
    fn only_names_of_packs_are_names_of_packs() {
        let hex = "0a".repeat(16);
        let name = PackName::parse(&format!("vectors/{hex}.pack")).unwrap();
        assert_eq!(PackName::parse(&name.below_prefix()), Some(name.clone()));
        assert_eq!(PackName::of_file(&name.file()), Some(name));
        for other in ["vectors/0a.pack", "other/x.pack", "x", "vectors/../../../../etc/passwd", "answers/a/b.pack"] {
            assert_eq!(PackName::parse(other), None, "{other}");
        }
        assert_eq!(PackName::parse(&format!("vectors/{}.pack", "0A".repeat(16))), None);
    }
}
