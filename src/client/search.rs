//! A search: by the running worker, else in this process.

use super::QueryClient;
use crate::daemon::control::{self, Request};
use crate::domain::RepoId;
use crate::query::compared::compare_hits;
use crate::query::search::{SearchRequest, Searcher};
use crate::query::view::search::SearchView;
use crate::query::{QueryError, Reader};
use crate::worker;

/// How a process searches that finds no worker.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SearchBy {
    /// It loads the model itself.
    Meaning,
    /// It stays small: by words, until the worker is there.
    Words,
}

impl QueryClient<'_> {
    /// Searches, and compares the hits with the disk. `bodies`: they have the text of their lines.
    ///
    /// # Errors
    /// If the request is malformed, or a store cannot be read.
    pub fn search(&self, request: &SearchRequest, by: SearchBy, bodies: bool) -> Result<SearchView, QueryError> {
        request.check()?;
        let repo = request.repo.clone().map(RepoId);
        let followed = self.catch_up(repo.as_ref());
        let mut answer = match worker::ask(self.home, request) {
            Some(answer) => answer?,
            None => self.search_here(request, by)?,
        };
        let reader = Reader::open(self.home, self.config)?;
        compare_hits(&reader, &mut answer, followed, bodies)?;
        Ok(answer)
    }

    /// Without a worker: searches in this process, and asks the daemon to start one for the next time.
    fn search_here(&self, request: &SearchRequest, by: SearchBy) -> Result<SearchView, QueryError> {
        let answer = match by {
            SearchBy::Meaning => {
                let model = worker::SharedModel::new(self.home, self.config);
                Searcher::new(self.home, self.config)?.search(request, || model.questions())
            }
            SearchBy::Words => {
                let why = match &self.config.embedding.model {
                    Some(_) => "the model is being loaded; the next search goes by meaning, too",
                    None => "no embedding model is set up; `ra-agent model install` gets one",
                };
                Searcher::by_words(self.home, self.config).search(request, || Err(why.to_owned()))
            }
        };
        // Not before: the started worker would read the same model at the same time. With no daemon, the next search is as slow as
        // this one.
        let _ = control::ask(self.home, Request::Warm);
        answer
    }
}
