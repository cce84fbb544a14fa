//! Where results by key are: on this machine, on the shared store, or on both.

use super::entry::{TakenEntry, WantedEntry};

/// A store of results by key.
pub trait ResultStore {
    type Error;

    /// Which of these are not there.
    ///
    /// # Errors
    /// If the store cannot be read.
    fn lacks(&mut self, wanted: &[WantedEntry]) -> Result<Vec<WantedEntry>, Self::Error>;

    /// Those of these that are there, all in one go.
    ///
    /// # Errors
    /// If the store cannot be read.
    fn get_many(&mut self, wanted: &[WantedEntry]) -> Result<Vec<TakenEntry>, Self::Error>;

    /// Keeps entries; one that is there stays as it is. Returns how many were kept.
    ///
    /// # Errors
    /// If the store cannot be written.
    fn put(&mut self, entries: Vec<TakenEntry>) -> Result<usize, Self::Error>;
}

/// A near store that is filled from a far one. What the far one cannot give is as if it were not there.
pub struct LayeredResults<'s, N, F> {
    pub near: N,
    pub far: &'s mut F,
}

impl<N: ResultStore, F: ResultStore> LayeredResults<'_, N, F>
where
    F::Error: std::fmt::Display,
{
    /// Brings what the near store lacks from the far one, which is asked once, and not at all if nothing is lacking. Returns how many came.
    ///
    /// # Errors
    /// If the near store cannot be read or written.
    pub fn fill(&mut self, wanted: &[WantedEntry]) -> Result<usize, N::Error> {
        let lacking = self.near.lacks(wanted)?;
        if lacking.is_empty() {
            return Ok(0);
        }
        match self.far.get_many(&lacking) {
            Ok(found) if found.is_empty() => Ok(0),
            Ok(found) => self.near.put(found),
            Err(error) => {
                tracing::debug!(%error, lacking = lacking.len(), "the shared store gives nothing");
                Ok(0)
            }
        }
    }
}

impl<N: ResultStore, F: ResultStore> ResultStore for LayeredResults<'_, N, F>
where
    F::Error: std::fmt::Display,
{
    type Error = N::Error;

    fn lacks(&mut self, wanted: &[WantedEntry]) -> Result<Vec<WantedEntry>, N::Error> {
        let lacking = self.near.lacks(wanted)?;
        Ok(if lacking.is_empty() { lacking } else { self.far.lacks(&lacking).unwrap_or(lacking) })
    }

    fn get_many(&mut self, wanted: &[WantedEntry]) -> Result<Vec<TakenEntry>, N::Error> {
        self.fill(wanted)?;
        self.near.get_many(wanted)
    }

    fn put(&mut self, entries: Vec<TakenEntry>) -> Result<usize, N::Error> {
        if let Err(error) = self.far.put(entries.clone()) {
            tracing::debug!(%error, "the shared store takes nothing");
        }
        self.near.put(entries)
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::super::entry::{EntryKind, SharedEntry};
    use super::super::key::PublicKey;
    use super::*;
    use crate::domain::Hash;

    #[derive(Default)]
    struct MemoryResults {
        entries: BTreeMap<Hash, TakenEntry>,
        asked: usize,
        is_down: bool,
    }

    impl MemoryResults {
        fn with(texts: &[&str]) -> Self {
            let entries = texts.iter().map(|text| (Hash::of(text.as_bytes()), taken(text)));
            Self { entries: entries.collect(), ..Self::default() }
        }
    }

    impl ResultStore for &mut MemoryResults {
        type Error = String;

        fn lacks(&mut self, wanted: &[WantedEntry]) -> Result<Vec<WantedEntry>, String> {
            Ok(wanted.iter().filter(|one| !self.entries.contains_key(&one.key)).copied().collect())
        }

        fn get_many(&mut self, wanted: &[WantedEntry]) -> Result<Vec<TakenEntry>, String> {
            self.asked += 1;
            if self.is_down {
                return Err("down".to_owned());
            }
            Ok(wanted.iter().filter_map(|one| self.entries.get(&one.key).cloned()).collect())
        }

        fn put(&mut self, entries: Vec<TakenEntry>) -> Result<usize, String> {
            let before = self.entries.len();
            for one in entries {
                self.entries.entry(one.entry.key).or_insert(one);
            }
            Ok(self.entries.len() - before)
        }
    }

    fn taken(text: &str) -> TakenEntry {
        let (key, content) = (Hash::of(text.as_bytes()), text.as_bytes().to_vec());
        TakenEntry {
            entry: SharedEntry { kind: EntryKind::Answer, key, schema: 1, content },
            signer: PublicKey([0; 32]),
        }
    }

    fn wanted(text: &str) -> WantedEntry {
        WantedEntry { kind: EntryKind::Answer, key: Hash::of(text.as_bytes()), schema: 1 }
    }

    #[test]
    fn what_is_near_is_not_asked_for_and_what_is_far_stays_near() {
        let (mut near, mut far) = (MemoryResults::with(&["a"]), MemoryResults::with(&["b", "c"]));
        let mut far_store = &mut far;
        let mut layered = LayeredResults { near: &mut near, far: &mut far_store };
        assert_eq!(layered.fill(&[wanted("a")]), Ok(0));
        assert_eq!(layered.get_many(&[wanted("a"), wanted("b"), wanted("d")]), Ok(vec![taken("a"), taken("b")]));
        assert_eq!(layered.get_many(&[wanted("b")]), Ok(vec![taken("b")]));
        assert_eq!(layered.lacks(&[wanted("a"), wanted("c"), wanted("d")]), Ok(vec![wanted("d")]));
        assert_eq!(layered.put(vec![taken("d")]), Ok(1));
        assert_eq!((far.asked, far.entries.len(), near.entries.len()), (1, 3, 3));
    }

    #[test]
    fn a_far_store_that_is_down_lacks_everything() {
        let (mut near, mut far) = (MemoryResults::with(&["a"]), MemoryResults::with(&["b"]));
        far.is_down = true;
        let mut far_store = &mut far;
        let mut layered = LayeredResults { near: &mut near, far: &mut far_store };
        assert_eq!(layered.get_many(&[wanted("a"), wanted("b")]), Ok(vec![taken("a")]));
    }
}
