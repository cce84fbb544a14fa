//! What makes vectors in this process: a model, loaded when it is first needed, shared by jobs and searches, and given back with the process;
//! or a server that is asked.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use super::server_questions::ServerQuestions;
use crate::clock;
use crate::config::Config;
use crate::embedder::encoder::Embedder;
use crate::embedder::server::ServerEmbedder;
use crate::home::Home;
use crate::query::search::QuestionEmbedder;

/// What the configuration names.
pub struct SharedModel {
    home: Home,
    config: Config,
    loaded: Mutex<Option<LoadedModel>>,
    /// The ledger is in use.
    may_spend: AtomicBool,
}

/// What makes the vectors.
#[derive(Clone)]
pub enum LoadedModel {
    Here(Arc<Embedder>),
    Server(Arc<ServerEmbedder>),
}

impl LoadedModel {
    /// The id under which its vectors are kept.
    pub fn id(&self) -> &str {
        match self {
            Self::Here(embedder) => embedder.id(),
            Self::Server(server) => server.id(),
        }
    }

    /// Length of its vectors; `None`: it has made none yet.
    pub fn dimensions(&self) -> Option<usize> {
        match self {
            Self::Here(embedder) => Some(embedder.dimensions()),
            Self::Server(server) => server.dimensions(),
        }
    }
}

impl SharedModel {
    pub fn new(home: &Home, config: &Config) -> Self {
        Self { home: home.clone(), config: config.clone(), loaded: Mutex::new(None), may_spend: AtomicBool::new(false) }
    }

    /// From now on texts may be sent to a server that costs something.
    pub fn allow_spending(&self) {
        self.may_spend.store(true, Ordering::Relaxed);
    }

    /// The model, loaded once.
    ///
    /// # Errors
    /// A text for people: none is set up, or it cannot be loaded. The next call tries again.
    pub fn get(&self) -> Result<LoadedModel, String> {
        let mut loaded = self.loaded.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(model) = &*loaded {
            return Ok(model.clone());
        }
        let model = match &self.config.embedding.server {
            Some(settings) => LoadedModel::Server(Arc::new(ServerEmbedder::new(settings)?)),
            None => LoadedModel::Here(Arc::new(self.load()?)),
        };
        Ok(loaded.insert(model).clone())
    }

    fn load(&self) -> Result<Embedder, String> {
        let id = self.config.embedding.model.as_deref();
        let id = id.ok_or("no embedding model is set up; `ra-agent model install` gets one")?;
        let begun = clock::monotonic();
        let threads = self.config.embedding.threads;
        let embedder = Embedder::load(&self.home.model(id), id, threads).map_err(|error| error.to_string())?;
        tracing::info!(model = id, millis = clock::since(begun).as_millis() as u64, "model loaded");
        Ok(embedder)
    }

    /// What embeds questions.
    ///
    /// # Errors
    /// As [`SharedModel::get`]; also if it costs something and this process does not keep the ledger.
    pub fn questions(&self) -> Result<Arc<dyn QuestionEmbedder>, String> {
        match self.get()? {
            LoadedModel::Here(embedder) => Ok(embedder),
            LoadedModel::Server(server) if server.is_remote() && !self.may_spend.load(Ordering::Relaxed) => {
                Err("the worker, which keeps the ledger, is being started; the next search goes by meaning, too"
                    .to_owned())
            }
            LoadedModel::Server(server) => {
                Ok(Arc::new(ServerQuestions::new(server, self.home.clone(), self.config.budget)))
            }
        }
    }
}
