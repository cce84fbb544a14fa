//! Running jobs: claim, prepare, make, store, finish.

pub(in crate::worker) mod analyze;
pub(in crate::worker) mod ask;
pub(in crate::worker) mod drafts;
mod embed;
mod embed_at_server;
pub(in crate::worker) mod provisional;
