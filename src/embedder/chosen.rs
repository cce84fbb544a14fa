//! Which embedding model is in use.

use crate::analyzer::llm::is_local_address;
use crate::config::{Embedding, EmbeddingServer};
use crate::home::Home;

/// Id of the model whose vectors are made: a server's, or one that is installed here; `None`: there is none.
pub fn available(home: &Home, embedding: &Embedding) -> Option<String> {
    if let Some(server) = &embedding.server {
        return Some(server.id());
    }
    embedding.model.clone().filter(|id| home.model(id).is_dir())
}

/// Whether texts leave this machine to be embedded.
pub fn is_remote(embedding: &Embedding) -> bool {
    embedding.server.as_ref().is_some_and(is_elsewhere)
}

/// Whether a server is on another machine. One that has a price is, whatever its address: a proxy passes on what it is sent.
pub(super) fn is_elsewhere(server: &EmbeddingServer) -> bool {
    let is_here = server.llm.base_url.as_deref().is_some_and(is_local_address);
    !is_here || server.input_price.is_some_and(|price| price > 0)
}
