//! Counts what is done at the rim: files looked at, objects read, statements run, rows written. What a change costs is to grow with the
//! change and not with the repository, and a time says that only on a quiet machine; these numbers say it everywhere.

use std::sync::atomic::{AtomicU64, Ordering};

/// Something that is counted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Deed {
    /// A look at a path of a work tree.
    Stat,
    /// A directory of a work tree that was listed.
    List,
    /// A file of a work tree that was read.
    Read,
    /// An entry of Git's index that was taken in.
    IndexEntry,
    /// An object that was read from a repository's database.
    Object,
    /// A statement of SQLite.
    Statement,
    /// A row that SQLite inserted, changed or deleted, those of its word index included.
    Row,
    /// An outline that was unpacked.
    Outline,
}

const DEEDS: usize = 8;

static DONE: [AtomicU64; DEEDS] = [const { AtomicU64::new(0) }; DEEDS];

/// Adds to a count.
pub fn add(deed: Deed, times: u64) {
    if let Some(count) = DONE.get(deed as usize) {
        count.fetch_add(times, Ordering::Relaxed);
    }
}

/// What this process has done by some time.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Tally([u64; DEEDS]);

impl Tally {
    /// What was done until now.
    pub fn until_now() -> Self {
        let mut tally = Self::default();
        for (count, done) in tally.0.iter_mut().zip(&DONE) {
            *count = done.load(Ordering::Relaxed);
        }
        tally
    }

    /// What was done since an earlier tally.
    #[must_use]
    pub fn since(mut self, before: &Self) -> Self {
        for (count, before) in self.0.iter_mut().zip(&before.0) {
            *count = count.saturating_sub(*before);
        }
        self
    }

    pub fn of(&self, deed: Deed) -> u64 {
        self.0.get(deed as usize).copied().unwrap_or_default()
    }
}

impl std::fmt::Display for Tally {
    /// `stats=1 lists=0 ...`
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let named = [
            ("stats", Deed::Stat),
            ("lists", Deed::List),
            ("reads", Deed::Read),
            ("index_entries", Deed::IndexEntry),
            ("objects", Deed::Object),
            ("statements", Deed::Statement),
            ("rows", Deed::Row),
            ("outlines", Deed::Outline),
        ];
        for (at, (name, deed)) in named.into_iter().enumerate() {
            let gap = if at == 0 { "" } else { " " };
            write!(f, "{gap}{name}={}", self.of(deed))?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_tally_says_what_was_done_since_another() {
        let before = Tally::until_now();
        add(Deed::Outline, 3);
        let done = Tally::until_now().since(&before);
        assert!(done.of(Deed::Outline) >= 3);
        assert!(done.to_string().starts_with("stats="), "{done}");
    }
}
