//! A change of the embedding model: which table of vectors is filled, which one is searched, and which ones may go.

use std::collections::HashMap;
use std::path::PathBuf;

use crate::cache::{store_dir, vector_sets};
use crate::domain::RepoId;
use crate::embedder::model;
use crate::index::recipe;
use crate::queue;
use crate::repo::registry::{self, Registered};
use crate::vectors::{Vectors, VectorsError};
use crate::worker::{Worker, WorkerError};

impl Worker {
    /// Makes the set of the configured model the one that is filled. Comes before anything is planned for a store that was just opened.
    pub(in crate::worker) fn take_up_vectors(&mut self, repo: &RepoId) -> Result<(), WorkerError> {
        let Some(embedding) = self.recipe.embedding.as_ref() else { return Ok(()) };
        let model_id = embedding.model_id.clone();
        let Some(store) = self.stores.get_mut(repo) else { return Ok(()) };
        if vector_sets::current(store)?.is_none() {
            let dir = store.dir.vectors();
            let found = self.runtime.block_on(models(&dir)).unwrap_or_default();
            vector_sets::begin(store.db(), &owner(&found, &model_id))?;
        }
        if vector_sets::switch(store, &model_id)? {
            self.tables.remove(repo);
            tracing::info!(repo = %repo, model = model_id, "the model has changed: the old vectors serve until its own are there");
        }
        Ok(())
    }

    /// Where the vectors are that jobs write.
    pub(in crate::worker) fn vectors_dir(&self, repo: &Registered) -> PathBuf {
        match self.stores.get(&repo.id) {
            Some(store) => vector_sets::current_dir(store),
            None => store_dir(&self.config, repo).vectors(),
        }
    }

    /// Has searches read the vectors of the configured model if no file waits for them.
    pub(in crate::worker) fn serve_if_complete(&mut self, repo: &RepoId) -> Result<(), WorkerError> {
        let Some(store) = self.stores.get(repo) else { return Ok(()) };
        if !vector_sets::is_changing(store.db())? {
            return Ok(());
        }
        // Before the new model's jobs are planned there are none of it, which does not mean that they are done.
        let Some(registered) = registry::get(&self.queue, repo)? else { return Ok(()) };
        let recipe = recipe::for_repo(&self.recipe, &self.config.for_repo(&registered.location.path));
        if registered.planned_with == Some(recipe.hash()) && queue::waiting_embeds(&self.queue, repo)? == 0 {
            vector_sets::serve_current(store.db())?;
            tracing::info!(repo = %repo, "searches read the new model's vectors");
        }
        Ok(())
    }

    /// Removes the vectors of models that are neither filled nor searched.
    pub(in crate::worker) fn remove_resting_vectors(&mut self, repo: &Registered) -> Result<(), WorkerError> {
        let store = self.store(repo)?;
        for set in vector_sets::resting(store)? {
            // Forgotten first: what is left of a directory then is found by no one, and is written over.
            vector_sets::forget(store.db(), &set.model_id)?;
            match std::fs::remove_dir_all(&set.dir) {
                Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
                    tracing::warn!(repo = %repo.id, model = set.model_id, %error, "vectors of an earlier model stay");
                }
                _ => tracing::info!(repo = %repo.id, model = set.model_id, "vectors of an earlier model are removed"),
            }
        }
        Ok(())
    }
}

async fn models(dir: &std::path::Path) -> Result<HashMap<String, usize>, VectorsError> {
    match Vectors::open(dir).await? {
        Some(table) => table.models().await,
        None => Ok(HashMap::new()),
    }
}

/// Whose a table is that was written before sets were recorded: the configured model's if any row is, else that of most rows.
fn owner(found: &HashMap<String, usize>, configured: &str) -> String {
    let own = |id: &str| id == configured || id == model::table_id(configured);
    let most = found.iter().filter(|(id, _)| !model::is_table_id(id)).max_by_key(|(id, rows)| (**rows, id.as_str()));
    match most {
        Some((id, _)) if !found.keys().any(|id| own(id)) => id.clone(),
        _ => configured.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_table_belongs_to_the_configured_model_or_to_most_rows() {
        let found = |rows: &[(&str, usize)]| rows.iter().map(|(id, rows)| ((*id).to_owned(), *rows)).collect();
        assert_eq!(owner(&found(&[]), "new"), "new");
        assert_eq!(owner(&found(&[("old", 9), ("new", 1)]), "new"), "new");
        assert_eq!(owner(&found(&[("old", 9), ("new/table-1", 1)]), "new"), "new");
        assert_eq!(owner(&found(&[("old", 9), ("older", 1), ("old/table-1", 30)]), "new"), "old");
        assert_eq!(owner(&found(&[("old/table-1", 30)]), "new"), "new", "provisional ones are made again");
    }
}
