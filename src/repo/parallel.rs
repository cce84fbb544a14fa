//! Reading many objects of one repository in parallel.

use std::sync::{Mutex, PoisonError};

use rayon::prelude::*;

use super::Repo;

/// Pieces that the items are cut into for each thread: a piece that was begun is not shared, and the last one to end is waited for. Each
/// makes a handle of its own.
const PIECES_PER_THREAD: usize = 64;

/// Runs `each` for every item in parallel, in `pool` or in rayon's own. The results are in the order of the items.
pub fn in_parallel<T: Sync, R: Send, C: FromParallelIterator<R> + Send>(
    pool: Option<&rayon::ThreadPool>,
    git: &Repo,
    items: &[T],
    each: impl Fn(&Repo, &T) -> R + Sync,
) -> C {
    let source = Mutex::new(git.clone());
    let own = || source.lock().unwrap_or_else(PoisonError::into_inner).clone();
    let run = || {
        let at_once = (items.len() / (rayon::current_num_threads() * PIECES_PER_THREAD)).max(1);
        items.par_iter().with_max_len(at_once).map_init(own, |git, item| each(git, item)).collect()
    };
    match pool {
        Some(pool) => pool.install(run),
        None => run(),
    }
}
