//! Reading many objects of one repository in parallel.

use std::sync::{Mutex, PoisonError};

use rayon::prelude::*;

use super::Repo;

/// Runs `each` for every item in parallel, in `pool` or in rayon's own; each thread has a handle of its own. The results are in the order of the items.
pub fn in_parallel<T: Sync, R: Send, C: FromParallelIterator<R> + Send>(
    pool: Option<&rayon::ThreadPool>,
    git: &Repo,
    items: &[T],
    each: impl Fn(&Repo, &T) -> R + Sync,
) -> C {
    let source = Mutex::new(git.clone());
    let own = || source.lock().unwrap_or_else(PoisonError::into_inner).clone();
    let run = || items.par_iter().map_init(own, |git, item| each(git, item)).collect();
    match pool {
        Some(pool) => pool.install(run),
        None => run(),
    }
}
