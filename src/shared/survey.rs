//! What is on the shared store, read from end to end: each pack, and each entry in it, checked as a machine would that uses it.

use std::collections::{BTreeMap, HashMap, HashSet};

use super::entry::{self, EntryName, EntryRefusal};
use super::known::PackName;
use super::objects::{ListedPack, Trouble};
use super::pack::{IndexRead, LARGEST_PACK, PackIndex};
use super::remote::in_parallel;
use super::{PublicKey, RemoteResults, SharedError};

/// Packs that are read at a time, so that few are in memory.
const PACKS_AT_ONCE: usize = 8;

/// What was found.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct PackSurvey {
    pub packs: usize,
    pub bytes: u64,
    pub entries: usize,
    /// Entries that this machine would not use, by reason.
    pub refused: BTreeMap<&'static str, usize>,
    /// Packs that are no packs, or are not what their name says.
    pub damaged: Vec<String>,
    /// Entries by who signed them.
    pub signers: BTreeMap<PublicKey, usize>,
}

/// A pack that was read, with what is wrong with each of its entries.
pub(super) struct ReadPack {
    pub name: PackName,
    pub bytes: Vec<u8>,
    /// `None`: it is no pack.
    pub index: Option<PackIndex>,
    /// It has the content that its name says.
    pub is_sound: bool,
}

impl ReadPack {
    pub fn entries(&self) -> impl Iterator<Item = (EntryName, &[u8])> {
        let places = self.index.iter().flat_map(|index| &index.places);
        places.map(move |place| {
            let at = place.offset as usize;
            (place.name, self.bytes.get(at..at + place.bytes as usize).unwrap_or_default())
        })
    }
}

impl RemoteResults {
    /// Reads everything that is on the store and checks it.
    ///
    /// # Errors
    /// If the store does not answer.
    pub fn survey(&mut self) -> Result<PackSurvey, SharedError> {
        let listed = self.list_packs()?;
        let mut survey = PackSurvey::default();
        let mut packs: Vec<(PackName, ListedPack)> = listed.into_iter().collect();
        packs.sort_by(|a, b| a.0.cmp(&b.0));
        for some in packs.chunks(PACKS_AT_ONCE) {
            for pack in self.read_packs(some)? {
                survey.packs += 1;
                survey.bytes += pack.bytes.len() as u64;
                if !pack.is_sound {
                    survey.damaged.push(pack.name.below_prefix());
                }
                for (name, bytes) in pack.entries() {
                    survey.entries += 1;
                    match entry::verify(&self.ring, pack.name.kind, &name, bytes) {
                        Ok(signer) => *survey.signers.entry(signer).or_default() += 1,
                        Err(why) => *survey.refused.entry(why.as_str()).or_default() += 1,
                    }
                }
            }
        }
        Ok(survey)
    }

    pub(super) fn list_packs(&mut self) -> Result<HashMap<PackName, ListedPack>, SharedError> {
        let listed = self.runtime.block_on(self.objects.list());
        self.noted(listed)
    }

    /// Reads whole packs. One that has gone meanwhile is left out.
    pub(super) fn read_packs(&mut self, packs: &[(PackName, ListedPack)]) -> Result<Vec<ReadPack>, SharedError> {
        let reads: Vec<_> = packs
            .iter()
            .map(|(name, listed)| {
                let (objects, name, length) = (self.objects.clone(), name.clone(), listed.bytes);
                async move {
                    // What is longer than any pack is not read, nor is what is empty.
                    let is_read = (1..=LARGEST_PACK).contains(&length);
                    let bytes = if is_read { objects.get(&name, 0..length).await } else { Ok(Vec::new()) };
                    (name, bytes)
                }
            })
            .collect();
        let mut read = Vec::new();
        for (name, bytes) in in_parallel(&self.runtime, reads) {
            let bytes = match bytes {
                Err(Trouble::Lost) => continue,
                bytes => self.noted(bytes)?,
            };
            let index = match PackIndex::read(&bytes, bytes.len() as u64) {
                Ok(IndexRead::Whole(index)) => Some(index),
                Ok(IndexRead::Needs(_)) | Err(_) => None,
            };
            let is_sound = index.is_some() && self.ring.pack_name(&bytes) == name.hex;
            read.push(ReadPack { name, bytes, index, is_sound });
        }
        Ok(read)
    }

    /// Names of the entries of a pack that some machine may use.
    pub(super) fn usable_names(&self, pack: &ReadPack) -> HashSet<EntryName> {
        let kind = pack.name.kind;
        let is_usable = |(name, bytes): &(EntryName, &[u8])| entry::verify(&self.ring, kind, name, bytes).is_ok();
        pack.entries().filter(is_usable).map(|(name, _)| name).collect()
    }

    /// Whether no machine uses an entry, whomever it trusts.
    pub(super) fn is_waste(&self, pack: &ReadPack, name: &EntryName, bytes: &[u8]) -> bool {
        match entry::verify(&self.ring, pack.name.kind, name, bytes) {
            Ok(_) | Err(EntryRefusal::UntrustedSigner | EntryRefusal::Version) => false,
            Err(_) => true,
        }
    }
}
