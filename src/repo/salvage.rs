//! Every copy of an object, read without an auxiliary file: each pack by its own index, then the loose files. This is how an object is
//! read that the object database could not give, before anything is called damaged.
//!
//! It differs from the object database in three ways: a pack or index that cannot be opened hides no other, a damaged copy hides no
//! good one (of a delta's base, too), and a base may be larger than what one object of the database may take.

use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Mutex, OnceLock, PoisonError};

use gix::objs::Kind;
use gix::odb::loose;
use gix::odb::pack::data::entry::Header;
use gix::odb::pack::{data, index};
use gix::zlib::Inflate;

use super::open::RepoError;

/// Most bytes that an object, or a base that it is a delta of, may have when it is unpacked. Three such buffers may be in memory at the
/// same time, in one thread.
const UNPACKED_MAX: u64 = 256 << 20;

/// Deltas of deltas that are followed. Git itself makes chains of at most 4,095.
const CHAIN_MAX: usize = 5_000;

/// Bases in other packs that are followed from one pack to the next.
const PACKS_MAX: usize = 50;

/// Entries that are unpacked for one object, in all its copies: damage can be made such that each step leads to several more.
const STEPS_MAX: usize = 20_000;

/// An object with its content.
pub(super) struct RawObject {
    pub kind: Kind,
    pub data: Vec<u8>,
}

/// Why a copy of an object is not read.
#[derive(Clone)]
enum Unread {
    /// It, or a base of it, has so many bytes.
    TooLarge(u64),
    Damaged(String),
    /// It, or what it may be in, cannot be opened.
    Closed(String),
}

/// The packs and loose files of a repository and of those that it borrows from.
pub(super) struct Salvage {
    hash: gix::hash::Kind,
    packs: Vec<PackFiles>,
    loose: Vec<loose::Store>,
    /// Packs that cannot be looked into, each with the reason: what is found nowhere may be there.
    closed: Vec<String>,
    /// One thread at a time, because the buffers may be large.
    turn: Mutex<()>,
    /// Entries that were unpacked for the object that is being read.
    steps: AtomicUsize,
}

struct PackFiles {
    name: String,
    path: PathBuf,
    index: index::File,
    data: OnceLock<Result<data::File, String>>,
}

impl Salvage {
    /// Lists what is in the object directories now.
    pub(super) fn open(directories: &[PathBuf], hash: gix::hash::Kind) -> Self {
        let options = loose::Options { alloc_limit_bytes: usize::try_from(UNPACKED_MAX).ok(), ..Default::default() };
        let loose = directories.iter().map(|dir| loose::Store::at_opts(dir, hash, options)).collect();
        let mut found = Self {
            hash,
            packs: Vec::new(),
            loose,
            closed: Vec::new(),
            turn: Mutex::new(()),
            steps: AtomicUsize::new(0),
        };
        directories.iter().for_each(|dir| found.add_packs(&dir.join("pack")));
        found
    }

    fn add_packs(&mut self, dir: &Path) {
        let entries = match std::fs::read_dir(dir) {
            Ok(entries) => entries,
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => return,
            Err(error) => return self.closed.push(format!("{}: {error}", dir.display())),
        };
        let mut files: Vec<PathBuf> = entries.flatten().map(|entry| entry.path()).collect();
        files.sort();
        let is_file = |path: &Path| path.metadata().is_ok_and(|found| found.is_file());
        for path in files {
            let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
            match path.extension().and_then(|end| end.to_str()) {
                Some("pack") if !is_file(&path.with_extension("idx")) => {
                    self.closed.push(format!("{name} has no index (`git index-pack` makes one)"));
                }
                Some("idx") if is_file(&path) => match index::File::at(&path, self.hash) {
                    Ok(index) => {
                        let path = path.with_extension("pack");
                        let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
                        self.packs.push(PackFiles { name, path, index, data: OnceLock::new() });
                    }
                    Err(error) => self.closed.push(format!("{name}: {}", RepoError::chain(&error))),
                },
                _ => {}
            }
        }
    }

    /// Reads an object whose content has its name. `Ok(None)`: there is no such object.
    ///
    /// # Errors
    /// Why no copy of it is read, or what it may be in that cannot be opened.
    pub(super) fn read(&self, id: &gix::oid) -> Result<Option<RawObject>, RepoError> {
        let _turn = self.turn.lock().unwrap_or_else(PoisonError::into_inner);
        self.steps.store(0, Ordering::Relaxed);
        let plain = super::open::plain(id);
        match self.object(id, 0) {
            Ok(found) => Ok(found),
            Err(Unread::TooLarge(bytes)) => Err(RepoError::TooLargeToRead { id: plain, bytes, limit: UNPACKED_MAX }),
            Err(Unread::Closed(reason)) => Err(RepoError::Unreadable { id: plain, reason }),
            Err(Unread::Damaged(reason)) => {
                Err(RepoError::Unreadable { id: plain, reason: format!("{reason}; `git fsck` lists what is damaged") })
            }
        }
    }

    fn object(&self, id: &gix::oid, depth: usize) -> Result<Option<RawObject>, Unread> {
        if depth > PACKS_MAX {
            return Err(Unread::Damaged("its bases lead from pack to pack without an end".to_owned()));
        }
        let mut failed: Option<Unread> = None;
        let mut note = |unread: Unread| {
            // That it is too large is the reason that is left when the damage is repaired.
            if !matches!(failed, Some(Unread::TooLarge(_))) {
                failed = Some(unread);
            }
        };
        for pack in &self.packs {
            let Some(at) = pack.index.lookup(id) else { continue };
            match self.unpack(pack, pack.index.pack_offset_at_index(at), depth).and_then(|found| self.check(id, found))
            {
                Ok(found) => return Ok(Some(found)),
                Err(Unread::Damaged(reason)) => note(Unread::Damaged(format!("{}: {reason}", pack.name))),
                Err(unread) => note(unread),
            }
        }
        for store in &self.loose {
            match self.loose_object(store, id).and_then(|found| found.map(|found| self.check(id, found)).transpose()) {
                Ok(Some(found)) => return Ok(Some(found)),
                Ok(None) => {}
                Err(unread) => note(unread),
            }
        }
        match (failed, self.closed.first()) {
            (Some(failed), _) => Err(failed),
            (None, Some(closed)) => Err(Unread::Closed(format!("it is in nothing that can be opened, and {closed}"))),
            (None, None) => Ok(None),
        }
    }

    fn loose_object(&self, store: &loose::Store, id: &gix::oid) -> Result<Option<RawObject>, Unread> {
        let path = store.object_path(id);
        match path.metadata() {
            Ok(found) if found.is_file() => {}
            Ok(_) => return Err(Unread::Closed("its loose file is not a regular file".to_owned())),
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(None),
            Err(error) => return Err(Unread::Closed(format!("its loose file: {error}"))),
        }
        if let Err(error) = std::fs::File::open(&path) {
            return Err(Unread::Closed(format!("its loose file: {error}")));
        }
        let damaged = |error: gix::Error| Unread::Damaged(RepoError::chain(&error));
        if let Ok(Some((bytes, _))) = store.try_header(id)
            && bytes > UNPACKED_MAX
        {
            return Err(Unread::TooLarge(bytes));
        }
        let mut buffer = Vec::new();
        let kind = store.try_find(id, &mut buffer).map_err(damaged)?.map(|found| found.kind);
        Ok(kind.map(|kind| RawObject { kind, data: buffer }))
    }

    fn check(&self, id: &gix::oid, found: RawObject) -> Result<RawObject, Unread> {
        if is_named(id, found.kind, &found.data) {
            Ok(found)
        } else {
            Err(Unread::Damaged("its content is not what its name says".to_owned()))
        }
    }

    /// Unpacks the entry at an offset of a pack: down to a whole object, then the deltas upon it.
    fn unpack(&self, pack: &PackFiles, offset: u64, depth: usize) -> Result<RawObject, Unread> {
        let mut deltas: Vec<Vec<u8>> = Vec::new();
        let mut bytes_of_deltas = 0;
        let mut at = offset;
        let base = loop {
            let step = pack.entry(at).and_then(|(data, entry)| {
                let is_delta = matches!(entry.header, Header::OfsDelta { .. } | Header::RefDelta { .. });
                let sum = entry.decompressed_size.saturating_add(if is_delta { bytes_of_deltas } else { 0 });
                if sum > UNPACKED_MAX { Err(Unread::TooLarge(sum)) } else { Ok((inflate(data, &entry)?, entry.header)) }
            });
            let (bytes, header) = match step {
                Ok(step) => step,
                // Another pack may have a good copy of the base.
                Err(unread) if at != offset => break self.elsewhere(pack, at, depth, unread)?,
                Err(unread) => return Err(unread),
            };
            bytes_of_deltas += bytes.len() as u64;
            at = match header {
                Header::Commit => break RawObject { kind: Kind::Commit, data: bytes },
                Header::Tree => break RawObject { kind: Kind::Tree, data: bytes },
                Header::Blob => break RawObject { kind: Kind::Blob, data: bytes },
                Header::Tag => break RawObject { kind: Kind::Tag, data: bytes },
                Header::OfsDelta { base_distance } => {
                    deltas.push(bytes);
                    let base = at.checked_sub(base_distance).filter(|_| base_distance > 0);
                    base.ok_or_else(|| Unread::Damaged("its base is before the beginning of the pack".to_owned()))?
                }
                Header::RefDelta { base_id } => {
                    deltas.push(bytes);
                    match pack.index.lookup(base_id) {
                        Some(found) => pack.index.pack_offset_at_index(found),
                        None => break self.base(&base_id, depth)?,
                    }
                }
            };
            if deltas.len() > CHAIN_MAX || self.steps.fetch_add(1, Ordering::Relaxed) > STEPS_MAX {
                return Err(Unread::Damaged("its chain of deltas has no end".to_owned()));
            }
        };
        let RawObject { kind, mut data } = base;
        for delta in deltas.iter().rev() {
            data = apply(&data, delta)?;
        }
        Ok(RawObject { kind, data })
    }

    /// The object at an offset of a pack that cannot be read there, from wherever else it is.
    fn elsewhere(&self, pack: &PackFiles, at: u64, depth: usize, unread: Unread) -> Result<RawObject, Unread> {
        if matches!(unread, Unread::TooLarge(_)) {
            return Err(unread);
        }
        let Some(entry) = pack.index.iter().find(|entry| entry.pack_offset == at) else { return Err(unread) };
        self.others(pack, &entry.oid, depth).ok_or(unread)
    }

    /// An object from any place but one pack.
    fn others(&self, but: &PackFiles, id: &gix::oid, depth: usize) -> Option<RawObject> {
        if depth > PACKS_MAX {
            return None;
        }
        let packs = self.packs.iter().filter(|pack| pack.path != but.path);
        let packed = packs.filter_map(|pack| {
            let at = pack.index.lookup(id)?;
            self.unpack(pack, pack.index.pack_offset_at_index(at), depth + 1).ok()
        });
        let loose = self.loose.iter().filter_map(|store| self.loose_object(store, id).ok()?);
        packed.chain(loose).find(|found| is_named(id, found.kind, &found.data))
    }

    fn base(&self, id: &gix::oid, depth: usize) -> Result<RawObject, Unread> {
        match self.object(id, depth + 1)? {
            Some(found) => Ok(found),
            None => Err(Unread::Damaged(format!("its base {id} is not in the repository"))),
        }
    }
}

impl PackFiles {
    /// The header of an entry, and the pack's data.
    fn entry(&self, offset: u64) -> Result<(&data::File, data::Entry), Unread> {
        let opened = self.data.get_or_init(|| match self.path.metadata() {
            Ok(found) if found.is_file() => {
                data::File::at(&self.path, self.index.object_hash()).map_err(|error| RepoError::chain(&error))
            }
            Ok(_) => Err("it is not a regular file".to_owned()),
            Err(error) => Err(error.to_string()),
        });
        let data = opened.as_ref().map_err(|reason| Unread::Closed(format!("{}: {reason}", self.name)))?;
        // The pack's own checksum is at its end.
        if offset >= data.data_len() as u64 {
            return Err(Unread::Damaged("the pack is cut off".to_owned()));
        }
        let entry = data.entry(offset).map_err(|error| Unread::Damaged(RepoError::chain(&error)))?;
        Ok((data, entry))
    }
}

/// Whether an object's content has this name.
pub(super) fn is_named(id: &gix::oid, kind: Kind, data: &[u8]) -> bool {
    gix::objs::compute_hash(id.kind(), kind, data).is_ok_and(|found| found == id)
}

fn inflate(data: &data::File, entry: &data::Entry) -> Result<Vec<u8>, Unread> {
    let size = usize::try_from(entry.decompressed_size).map_err(|_| Unread::TooLarge(entry.decompressed_size))?;
    let mut bytes = vec![0; size];
    let inflated = data.decompress_entry(entry, &mut Inflate::default(), &mut bytes);
    inflated.map_err(|error| Unread::Damaged(RepoError::chain(&error)))?;
    Ok(bytes)
}

/// Applies a delta to its base.
fn apply(base: &[u8], delta: &[u8]) -> Result<Vec<u8>, Unread> {
    let broken = || Unread::Damaged("a delta does not fit its base".to_owned());
    let mut rest = delta;
    let of_base = size(&mut rest).ok_or_else(broken)?;
    let of_result = size(&mut rest).ok_or_else(broken)?;
    if of_base != base.len() as u64 {
        return Err(broken());
    }
    if of_result > UNPACKED_MAX {
        return Err(Unread::TooLarge(of_result));
    }
    let length = usize::try_from(of_result).map_err(|_| broken())?;
    let mut made = Vec::with_capacity(length);
    while let Some(bytes) = instruction(&mut rest, base) {
        let bytes = bytes.ok_or_else(broken)?;
        if made.len() + bytes.len() > length {
            return Err(broken());
        }
        made.extend_from_slice(bytes);
    }
    if made.len() == length { Ok(made) } else { Err(broken()) }
}

/// The bytes that the next instruction of a delta adds. `None`: there is no further one; `Some(None)`: it is none that Git writes.
fn instruction<'d>(rest: &mut &'d [u8], base: &'d [u8]) -> Option<Option<&'d [u8]>> {
    let (&code, tail) = rest.split_first()?;
    *rest = tail;
    if code & 0x80 == 0 {
        let length = usize::from(code);
        let inserted = rest.split_at_checked(length).filter(|_| length > 0);
        return Some(inserted.map(|(bytes, tail)| {
            *rest = tail;
            bytes
        }));
    }
    let mut number = |bits: std::ops::Range<u8>| -> Option<usize> {
        let mut value = 0;
        for (place, bit) in bits.enumerate() {
            if code & (1 << bit) != 0 {
                let (&byte, tail) = rest.split_first()?;
                *rest = tail;
                value |= usize::from(byte) << (8 * place);
            }
        }
        Some(value)
    };
    let from = number(0..4);
    let length = number(4..7);
    Some(from.zip(length).and_then(|(from, length)| {
        let length = if length == 0 { 0x10000 } else { length };
        base.get(from..from.checked_add(length)?)
    }))
}

/// A number in the form in which a delta has its sizes.
fn size(rest: &mut &[u8]) -> Option<u64> {
    let mut value: u64 = 0;
    for shift in (0..u64::BITS).step_by(7) {
        let (&byte, tail) = rest.split_first()?;
        *rest = tail;
        value |= u64::from(byte & 0x7f).checked_shl(shift)?;
        if byte & 0x80 == 0 {
            return Some(value);
        }
    }
    None
}
