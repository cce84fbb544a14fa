//! Which packs are on the shared store, and what their indexes say that they hold.

use std::collections::HashMap;
use std::time::{Duration, Instant};

use super::{LONGEST_GO, RemoteResults, SharedError, until_then};
use crate::clock;
use crate::shared::known::PackName;
use crate::shared::objects::{ListedPack, SharedObjects, Trouble};
use crate::shared::pack::{self, IndexRead, PackIndex};

/// Bytes of a pack that are read first: the whole index of most packs.
const HEAD_READ: u64 = 64 * 1024;
/// How long a list of the packs counts as new.
const LIST_FRESH: Duration = Duration::from_secs(5);

impl RemoteResults {
    /// Reads which packs are there, and the indexes of those that are new, as many as come in the time of one go.
    ///
    /// # Errors
    /// If the store does not answer, or did not a moment ago.
    pub fn refresh(&mut self) -> Result<(), SharedError> {
        self.refresh_until(clock::monotonic() + LONGEST_GO).map(drop)
    }

    /// Returns how many indexes were read.
    pub(super) fn refresh_until(&mut self, until: Instant) -> Result<usize, SharedError> {
        self.check_rest()?;
        let listed = self.list_in_time(until);
        // It has answered once the list is believed and the indexes are read: what stands in its place sends lists, too.
        let listed = match listed.and_then(|listed| self.check_emptiness(&listed).map(|()| listed)) {
            Ok(listed) => listed,
            Err(trouble) => return self.noted(Err(trouble)),
        };
        self.listed_at = Some(clock::monotonic());
        self.known.keep_only(&listed.iter().map(|(name, pack)| (name.clone(), pack.bytes)).collect());
        let new: Vec<(PackName, ListedPack)> =
            listed.into_iter().filter(|(name, pack)| !self.known.has(name, pack.bytes)).collect();
        let (asked, objects) = (new.len(), self.objects.clone());
        let reads = new.into_iter().map(|(name, pack)| {
            let objects = objects.clone();
            async move { (read_index(&objects, &name, pack.bytes).await, name, pack.bytes) }
        });
        let read = until_then(&self.runtime, reads, until, |(index, ..)| matches!(index, Err(Trouble::Outage(_))));
        let (answered, mut outage) = (read.len(), None);
        for (index, name, bytes) in read {
            match index {
                Ok(Some(index)) => self.known.learn(name, bytes, &index),
                Ok(None) => {
                    self.health.health.refused("pack");
                    self.known.learn(name, bytes, &PackIndex::default());
                }
                Err(Trouble::Lost) => {}
                Err(Trouble::Outage(problem)) => outage = Some(problem),
            }
        }
        self.is_whole = answered == asked && outage.is_none();
        self.noted(outage.map_or(Ok(answered), |problem| Err(Trouble::Outage(problem))))
    }

    /// Reads indexes that are not known for as long as one go may take. Returns whether all are known then.
    ///
    /// # Errors
    /// If the store does not answer, or nothing came.
    pub fn read_on(&mut self) -> Result<bool, SharedError> {
        if self.is_whole {
            self.refresh_if_old(clock::monotonic() + LONGEST_GO)?;
        } else if self.refresh_until(clock::monotonic() + LONGEST_GO)? == 0 && !self.is_whole {
            return self.noted(Err(Trouble::Outage(format!("it is slow: no index within {} s", LONGEST_GO.as_secs()))));
        }
        Ok(self.is_whole)
    }

    /// Reads every index: what is not known then is not there.
    pub(in crate::shared) fn refresh_whole(&mut self) -> Result<(), SharedError> {
        while !self.read_on()? {}
        Ok(())
    }

    fn list_in_time(&self, until: Instant) -> Result<HashMap<PackName, ListedPack>, Trouble> {
        let slow = || Trouble::Outage(format!("it is slow: no list within {} s", LONGEST_GO.as_secs()));
        let left = until.saturating_duration_since(clock::monotonic());
        self.runtime
            .block_on(async { tokio::time::timeout(left, self.objects.list()).await.unwrap_or_else(|_| Err(slow())) })
    }

    /// What stands between this machine and the store may answer in its place, and that can be read as a list of nothing; so can a mount
    /// point without its mount. Then a pack that was there is asked for.
    fn check_emptiness(&mut self, listed: &HashMap<PackName, ListedPack>) -> Result<(), Trouble> {
        let is_accepted = std::mem::take(&mut self.accepts_empty);
        let known = if listed.is_empty() && !is_accepted { self.known.any() } else { None };
        let Some(known) = known else { return Ok(()) };
        match self.runtime.block_on(self.objects.get(known, 0..1)) {
            Err(Trouble::Lost) => Ok(()),
            Err(outage) => Err(outage),
            Ok(_) => Err(Trouble::Outage("it lists nothing, and yet has what was there".to_owned())),
        }
    }

    pub(super) fn refresh_if_old(&mut self, until: Instant) -> Result<(), SharedError> {
        match self.listed_at {
            Some(listed) if clock::since(listed) < LIST_FRESH => self.check_rest(),
            _ => self.refresh_until(until).map(drop),
        }
    }
}

/// The index of a pack; `None`: it is none.
async fn read_index(objects: &SharedObjects, name: &PackName, bytes: u64) -> Result<Option<PackIndex>, Trouble> {
    let mut needed = bytes.min(HEAD_READ);
    for _ in 0..2 {
        if needed == 0 || needed > bytes || bytes > pack::LARGEST_PACK {
            return Ok(None);
        }
        let head = objects.get(name, 0..needed).await?;
        match PackIndex::read(&head, bytes) {
            Ok(IndexRead::Whole(index)) => return Ok(Some(index)),
            Ok(IndexRead::Needs(more)) => needed = more,
            Err(_) => return Ok(None),
        }
    }
    Ok(None)
}
