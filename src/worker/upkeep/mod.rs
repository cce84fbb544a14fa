//! What keeps the stores small, sound and shared: maintenance that a person asks for, pruning, migration, repair.

pub mod maintenance;
pub mod migrate;
mod model_change;
pub mod prune;
mod repair;
mod set_aside;
pub(in crate::worker) mod share;
pub mod shared;
mod shared_index;
