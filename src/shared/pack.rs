//! Entries in one object, with their index in front, so that many small ones cost few requests. A pack never changes. Pure.
//!
//! ```text
//! "rashare1"   number of entries (4)   [ name (16)  offset (4)  bytes (4) ] ...   entries
//! ```
//! The index is in the order of the names; offsets are from the beginning. It is not signed: what it leads to is checked.

use super::entry::EntryName;

const MAGIC: &[u8; 8] = b"rashare1";
const HEAD_BYTES: usize = 12;
const RECORD_BYTES: usize = EntryName::BYTES + 8;
/// Bytes of entries from which the next pack begins.
const PACK_BYTES: usize = 4 * 1024 * 1024;
/// Entries that a pack may have, and bytes that it may be long. What says more is no pack.
const MOST_ENTRIES: usize = 200_000;
pub const LARGEST_PACK: u64 = 64 * 1024 * 1024;

/// Where an entry is in its pack.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct EntryPlace {
    pub name: EntryName,
    pub offset: u32,
    pub bytes: u32,
}

/// What a pack holds.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct PackIndex {
    pub places: Vec<EntryPlace>,
}

/// What the beginning of a pack says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum IndexRead {
    Whole(PackIndex),
    /// So many bytes of the beginning are needed.
    Needs(u64),
}

/// The object is no pack, or a damaged one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct NotAPack;

impl PackIndex {
    /// Reads the index from the first bytes of a pack of `length` bytes.
    ///
    /// # Errors
    /// If it is no pack, or leads outside of it.
    pub fn read(head: &[u8], length: u64) -> Result<IndexRead, NotAPack> {
        if length > LARGEST_PACK || length < HEAD_BYTES as u64 {
            return Err(NotAPack);
        }
        let Some(first) = head.get(..HEAD_BYTES) else { return Ok(IndexRead::Needs(HEAD_BYTES as u64)) };
        let entries = u32::from_le_bytes([first[8], first[9], first[10], first[11]]) as usize;
        let index_bytes = HEAD_BYTES + entries.min(MOST_ENTRIES) * RECORD_BYTES;
        if &first[..8] != MAGIC || entries > MOST_ENTRIES || index_bytes as u64 > length {
            return Err(NotAPack);
        }
        let Some(records) = head.get(HEAD_BYTES..index_bytes) else {
            return Ok(IndexRead::Needs(index_bytes as u64));
        };
        let (records, _) = records.as_chunks::<RECORD_BYTES>();
        let places: Vec<EntryPlace> = records.iter().map(place).collect();
        let fits = |place: &EntryPlace| {
            u64::from(place.offset) >= index_bytes as u64 && u64::from(place.offset) + u64::from(place.bytes) <= length
        };
        if places.iter().all(fits) { Ok(IndexRead::Whole(Self { places })) } else { Err(NotAPack) }
    }

    /// The index as it stands at the beginning of a pack.
    pub fn bytes(&self) -> Vec<u8> {
        let mut bytes = Vec::with_capacity(HEAD_BYTES + self.places.len() * RECORD_BYTES);
        bytes.extend(MAGIC);
        bytes.extend(u32::try_from(self.places.len()).unwrap_or(u32::MAX).to_le_bytes());
        for place in &self.places {
            bytes.extend(place.name.0);
            bytes.extend(place.offset.to_le_bytes());
            bytes.extend(place.bytes.to_le_bytes());
        }
        bytes
    }
}

fn place(record: &[u8; RECORD_BYTES]) -> EntryPlace {
    let number = |at: usize| u32::from_le_bytes([record[at], record[at + 1], record[at + 2], record[at + 3]]);
    EntryPlace {
        name: EntryName::first_of(record),
        offset: number(EntryName::BYTES),
        bytes: number(EntryName::BYTES + 4),
    }
}

/// Puts sealed entries into packs: in the order of their names, each once, a new pack after some megabytes. Entries that are near in name
/// are near in a pack, so a run of keys is a run of bytes. The same entries make the same packs.
pub fn packs(mut entries: Vec<(EntryName, Vec<u8>)>) -> Vec<Vec<u8>> {
    entries.sort();
    entries.dedup_by(|a, b| a.0 == b.0);
    let (mut packs, mut pending, mut bytes) = (Vec::new(), Vec::new(), 0);
    for entry in entries {
        bytes += entry.1.len();
        pending.push(entry);
        if bytes >= PACK_BYTES || pending.len() == MOST_ENTRIES {
            packs.push(pack(&std::mem::take(&mut pending)));
            bytes = 0;
        }
    }
    if !pending.is_empty() {
        packs.push(pack(&pending));
    }
    packs
}

fn pack(entries: &[(EntryName, Vec<u8>)]) -> Vec<u8> {
    let mut offset = HEAD_BYTES + entries.len() * RECORD_BYTES;
    let mut index = PackIndex::default();
    for (name, entry) in entries {
        // Neither number comes near its limit: a pack ends after some megabytes, and so does an entry.
        let (at, bytes) = (u32::try_from(offset).unwrap_or(u32::MAX), u32::try_from(entry.len()).unwrap_or(u32::MAX));
        index.places.push(EntryPlace { name: *name, offset: at, bytes });
        offset += entry.len();
    }
    let mut pack = index.bytes();
    entries.iter().for_each(|(_, entry)| pack.extend(entry));
    pack
}

#[cfg(test)]
mod tests {
    use super::*;

    fn name(number: u32) -> EntryName {
        EntryName::first_of(crate::domain::Hash::of(&number.to_le_bytes()).as_bytes())
    }

    fn entries(count: u32, bytes: usize) -> Vec<(EntryName, Vec<u8>)> {
        (0..count).map(|number| (name(number), number.to_le_bytes().repeat(bytes / 4))).collect()
    }

    fn index(pack: &[u8]) -> PackIndex {
        match PackIndex::read(pack, pack.len() as u64) {
            Ok(IndexRead::Whole(index)) => index,
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn every_entry_is_in_one_pack_once_and_whole() {
        for (count, bytes) in [(0, 4), (1, 4), (7, 400), (3_000, 4_000)] {
            let all = entries(count, bytes);
            let twice = all.iter().rev().chain(&all).cloned().collect();
            let packed = packs(twice);
            assert_eq!(packed, packs(all.clone()), "the same entries make the same packs");
            let mut found: Vec<(EntryName, Vec<u8>)> = Vec::new();
            for pack in &packed {
                for place in index(pack).places {
                    let entry = &pack[place.offset as usize..(place.offset + place.bytes) as usize];
                    found.push((place.name, entry.to_vec()));
                }
            }
            let mut all = all;
            all.sort();
            assert_eq!(found, all);
            assert_eq!(packed.len(), (count as usize * bytes).div_ceil(PACK_BYTES + bytes).max(usize::from(count > 0)));
        }
    }

    #[test]
    fn a_short_beginning_says_how_much_is_needed() {
        let pack = packs(entries(5, 40)).remove(0);
        let needed = (HEAD_BYTES + 5 * RECORD_BYTES) as u64;
        for given in 0..pack.len() {
            let read = PackIndex::read(&pack[..given], pack.len() as u64).unwrap();
            match given as u64 {
                0..12 => assert_eq!(read, IndexRead::Needs(12)),
                given if given < needed => assert_eq!(read, IndexRead::Needs(needed)),
                _ => assert_eq!(read, IndexRead::Whole(index(&pack))),
            }
        }
    }

    #[test]
    fn what_is_no_pack_leads_nowhere() {
        let pack = packs(entries(5, 40)).remove(0);
        let length = pack.len() as u64;
        assert_eq!(PackIndex::read(&pack, length - 1), Err(NotAPack), "it was cut");
        assert_eq!(PackIndex::read(&pack, LARGEST_PACK + 1), Err(NotAPack));
        assert_eq!(PackIndex::read(b"rashare", 7), Err(NotAPack));
        for at in 0..8 {
            let mut other = pack.clone();
            other[at] ^= 1;
            assert_eq!(PackIndex::read(&other, length), Err(NotAPack));
        }
        let mut outside = pack;
        outside[HEAD_BYTES + EntryName::BYTES..HEAD_BYTES + EntryName::BYTES + 4].copy_from_slice(&[0xff; 4]);
        assert_eq!(PackIndex::read(&outside, length), Err(NotAPack));
        let mut many = MAGIC.to_vec();
        many.extend(u32::MAX.to_le_bytes());
        assert_eq!(PackIndex::read(&many, LARGEST_PACK), Err(NotAPack));
    }
}
