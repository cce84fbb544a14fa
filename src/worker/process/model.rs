//! The embedding model of this process: loaded when it is first needed, shared by jobs and searches, given back with the process.

use std::sync::{Arc, Mutex, PoisonError};

use crate::clock;
use crate::config::Config;
use crate::embedder::bert::Embedder;
use crate::embedder::model;
use crate::home::Home;

/// The model that the configuration names.
pub struct SharedModel {
    home: Home,
    id: Option<String>,
    threads: usize,
    loaded: Mutex<Option<Arc<Embedder>>>,
}

impl SharedModel {
    pub fn new(home: &Home, config: &Config) -> Self {
        Self {
            home: home.clone(),
            id: config.embedding.model.clone(),
            threads: config.embedding.threads,
            loaded: Mutex::new(None),
        }
    }

    /// The model, loaded once.
    ///
    /// # Errors
    /// A text for people: none is set up, or it cannot be loaded. The next call tries again.
    pub fn get(&self) -> Result<Arc<Embedder>, String> {
        let mut loaded = self.loaded.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(embedder) = &*loaded {
            return Ok(embedder.clone());
        }
        let id = self.id.as_deref().ok_or("no embedding model is set up; `ra-agent model install` gets one")?;
        let spec = model::spec(id).ok_or_else(|| format!("the embedding model {id} is not known"))?;
        let begun = clock::monotonic();
        let embedder =
            Embedder::load(&self.home.model(spec.id), spec, self.threads).map_err(|error| error.to_string())?;
        tracing::info!(model = spec.id, millis = clock::since(begun).as_millis() as u64, "model loaded");
        Ok(loaded.insert(Arc::new(embedder)).clone())
    }
}
