//! What can go from the shared store: packs whose every entry is in a pack that stays, and objects that are no packs. Small packs are merged
//! into larger ones first; the small ones go at a later run.
//!
//! Any number of machines may read, write and collect meanwhile. Nothing goes before a grace period, and the pack that stays is older than
//! that, too: who has read an index finds the entry, or lists again and finds it in the other pack. Of packs that hold the same entry the
//! greatest stays, and which that is follows from the packs alone: two machines that collect at once do not remove each other's.

use std::collections::{HashMap, HashSet};
use std::time::Duration;

use super::entry::{EntryKind, EntryName};
use super::known::PackName;
use super::objects::ListedPack;
use super::{RemoteResults, SharedError};
use crate::clock::{self, Timestamp};

/// Packs below this size are merged, if there are so many of a kind.
const SMALL: u64 = 1024 * 1024;
const MERGED_FROM: usize = 8;
/// An upload younger than this may still be going on, whatever the grace period is.
const LONGEST_UPLOAD: Duration = Duration::from_secs(3_600);
/// Small packs that are merged in one go, which have their bytes in memory.
const MERGED_AT_ONCE: usize = 64;

/// A pack as the collector sees it.
#[derive(Clone, Debug)]
pub struct CollectedPack {
    pub name: PackName,
    /// Older than the grace period.
    pub is_old: bool,
    /// What it holds; of one that was read, what some machine can use.
    pub entries: HashSet<EntryName>,
    /// What its index says that it holds.
    all: HashSet<EntryName>,
}

/// What a collection did, or would do.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Collected {
    pub packs: usize,
    pub deleted: usize,
    pub bytes_freed: u64,
    /// Small packs that were copied together.
    pub merged: usize,
}

/// For each entry the pack that has to stay: of those that count the greatest, by entries and then by name.
fn keepers(
    packs: &[CollectedPack],
    counts: impl Fn(&CollectedPack) -> bool,
) -> HashMap<(EntryKind, &EntryName), usize> {
    let mut keepers: HashMap<(EntryKind, &EntryName), usize> = HashMap::new();
    let rank = |at: usize| (packs[at].all.len(), &packs[at].name);
    for (at, pack) in packs.iter().enumerate().filter(|(_, pack)| counts(pack)) {
        for entry in &pack.entries {
            let keeper = keepers.entry((pack.name.kind, entry)).or_insert(at);
            if rank(at) > rank(*keeper) {
                *keeper = at;
            }
        }
    }
    keepers
}

/// The packs that can go, and the packs for whose sake they can.
fn superfluous(packs: &[CollectedPack]) -> (Vec<usize>, HashSet<usize>) {
    let keepers = keepers(packs, |pack| pack.is_old);
    let (mut going, mut staying) = (Vec::new(), HashSet::new());
    for (at, pack) in packs.iter().enumerate().filter(|(_, pack)| pack.is_old) {
        // Every entry counts here, also one that this machine cannot use.
        let of_entries: Option<Vec<usize>> = pack
            .all
            .iter()
            .map(|entry| keepers.get(&(pack.name.kind, entry)).copied().filter(|keeper| *keeper != at))
            .collect();
        if let Some(of_entries) = of_entries {
            going.push(at);
            staying.extend(of_entries);
        }
    }
    (going, staying)
}

/// The end of the time that is longer ago than `grace`.
fn before(grace: Duration) -> Timestamp {
    let grace = i64::try_from(grace.as_millis()).unwrap_or(i64::MAX);
    Timestamp(clock::now().0.saturating_sub(grace))
}

impl RemoteResults {
    /// Removes what is older than `grace` and there twice, or no pack; merges small packs. `dry_run`: only says what.
    ///
    /// # Errors
    /// If this machine may not write, or the store does not answer.
    pub fn collect_garbage(&mut self, grace: Duration, dry_run: bool) -> Result<Collected, SharedError> {
        self.may_write()?;
        self.refresh_whole()?;
        let listed = self.list_packs()?;
        let mut packs = self.collected(&listed, grace);
        let going = self.confirmed(&mut packs, &listed)?;
        let mut done = Collected { packs: packs.len(), ..Collected::default() };
        for (file, bytes) in self.objects.abandoned(before(grace.max(LONGEST_UPLOAD))) {
            // What cannot be removed is found again.
            if dry_run || std::fs::remove_file(file).is_ok() {
                done.deleted += 1;
                done.bytes_freed += bytes;
            }
        }
        for at in going {
            let name = &packs[at].name;
            done.deleted += 1;
            done.bytes_freed += listed.get(name).map_or(0, |pack| pack.bytes);
            if !dry_run {
                let deleted = self.runtime.block_on(self.objects.delete(name));
                self.noted(deleted)?;
                self.known.forget(name);
            }
        }
        for kind in EntryKind::ALL {
            done.merged += self.merge(kind, &packs, &listed, dry_run)?;
        }
        Ok(done)
    }

    fn collected(&self, listed: &HashMap<PackName, ListedPack>, grace: Duration) -> Vec<CollectedPack> {
        let before = before(grace).0;
        let mut by_pack = self.known.by_pack();
        let mut packs: Vec<CollectedPack> = listed
            .iter()
            .map(|(name, pack)| {
                let all = by_pack.remove(name).unwrap_or_default();
                CollectedPack { name: name.clone(), is_old: pack.written_at.0 <= before, entries: all.clone(), all }
            })
            .collect();
        packs.sort_by(|a, b| a.name.cmp(&b.name));
        packs
    }

    /// The packs that go once those that stay for them were read: an index says what it likes.
    fn confirmed(
        &mut self,
        packs: &mut [CollectedPack],
        listed: &HashMap<PackName, ListedPack>,
    ) -> Result<Vec<usize>, SharedError> {
        let mut read = HashSet::new();
        loop {
            let (going, staying) = superfluous(packs);
            // One without entries is no pack; that is read again, too.
            let empty = going.iter().copied().filter(|at| packs[*at].all.is_empty());
            let unread: Vec<usize> = staying.into_iter().chain(empty).filter(|at| !read.contains(at)).collect();
            if unread.is_empty() {
                return Ok(going);
            }
            for at in unread {
                read.insert(at);
                let name = packs[at].name.clone();
                let Some(pack) = listed.get(&name) else { continue };
                for found in self.read_packs(&[(name, *pack)])? {
                    packs[at].entries = self.usable_names(&found);
                    packs[at].all.extend(found.entries().map(|(name, _)| name));
                }
            }
        }
    }

    /// Copies the small packs of a kind together that no larger one holds already. A later collection removes them.
    fn merge(
        &mut self,
        kind: EntryKind,
        packs: &[CollectedPack],
        listed: &HashMap<PackName, ListedPack>,
        dry_run: bool,
    ) -> Result<usize, SharedError> {
        let keepers = keepers(packs, |pack| pack.name.kind == kind);
        let is_kept_for = |at: usize, pack: &CollectedPack| {
            pack.all.iter().any(|entry| keepers.get(&(kind, entry)).is_none_or(|keeper| *keeper == at))
        };
        let mut small = Vec::new();
        for (at, pack) in packs.iter().enumerate().filter(|(_, pack)| pack.name.kind == kind) {
            match listed.get(&pack.name) {
                Some(listed) if listed.bytes < SMALL && is_kept_for(at, pack) => {
                    small.push((pack.name.clone(), *listed))
                }
                _ => {}
            }
        }
        small.truncate(MERGED_AT_ONCE);
        if small.len() < MERGED_FROM {
            return Ok(0);
        }
        if !dry_run {
            let mut entries = Vec::new();
            for pack in self.read_packs(&small)? {
                let good = pack.entries().filter(|(name, bytes)| !self.is_waste(&pack, name, bytes));
                entries.extend(good.map(|(name, bytes)| (name, bytes.to_vec())));
            }
            self.write_packs(kind, entries)?;
        }
        Ok(small.len())
    }
}

#[cfg(test)]
#[path = "gc_tests.rs"]
mod tests;
