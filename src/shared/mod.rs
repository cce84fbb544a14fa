//! Results that machines share through an object store: an entry is signed and named by a keyed hash ([`entry`], [`key`]), many are in one
//! immutable object ([`pack`]), and a machine remembers which entry is in which ([`known`]). [`RemoteResults`] asks the store within time
//! limits and stops asking one that is down ([`health`]); [`gc`] removes what is there twice. [`index`] is what a machine without a
//! repository searches.
//!
//! What an entry's content says is not known here: the stores that own results write and check it.

mod asked_rest;
pub mod entry;
pub mod gc;
pub mod health;
pub mod index;
pub mod key;
mod known;
mod objects;
pub mod pack;
pub mod place;
mod remote;
mod results;
mod survey;

pub use entry::{EntryKind, EntryName, SharedEntry, TakenEntry, WantedEntry};
pub use health::{SharedHealth, health_of};
pub use key::{KeyRing, PublicKey, SharedKey, SharedKeyError};
pub use remote::{RemoteResults, SharedError};
pub use results::{LayeredResults, ResultStore};
pub use survey::PackSurvey;

use std::collections::HashMap;
use std::path::PathBuf;

use crate::config::SharedConfig;
use crate::domain::Hash;
use crate::home::Home;

/// Packs, and entries of each kind, that a configured store is known to have. It is not asked.
pub fn counts_of(home: &Home, config: &SharedConfig) -> (usize, HashMap<EntryKind, usize>) {
    known::KnownPacks::open(&state_dir(home, config)).counts()
}

/// Where this machine keeps what it knows of a shared store: the indexes of packs, and how the store is.
pub fn state_dir(home: &Home, config: &SharedConfig) -> PathBuf {
    let name: String = Hash::of(config.url.as_bytes()).to_string().chars().take(16).collect();
    home.shared().join(name)
}
