//! Queries that a server embeds. A remote one is asked as about code: without secrets, within its limits, and through the ledger.

use std::sync::Arc;
use std::time::Duration;

use rusqlite::Connection;

use crate::analyzer::llm::secrets::redact;
use crate::analyzer::llm::{CallFailure, Embedded, EmbeddingsRequest};
use crate::budget::{self, Call, CallPurpose, Charge, Grant, Reservation, SpendingLimits};
use crate::clock;
use crate::domain::{FilePath, Hash, RepoId};
use crate::embedder::server::ServerEmbedder;
use crate::home::Home;
use crate::query::search::{AskedVector, QuestionEmbedder};
use crate::store::{self, Database, StoreError, write};

/// How long a person waits for the vector of a query; then the search goes by words.
const QUERY_WAIT: Duration = Duration::from_secs(3);

/// In whose name queries are booked: they are about no repository in particular.
pub const SEARCHES: &str = "searches";

pub struct ServerQuestions {
    server: Arc<ServerEmbedder>,
    home: Home,
    limits: SpendingLimits,
}

impl ServerQuestions {
    pub fn new(server: Arc<ServerEmbedder>, home: Home, limits: SpendingLimits) -> Self {
        Self { server, home, limits }
    }

    /// Reserves, sends and settles.
    fn ask_paid(&self, query: &str, request: &EmbeddingsRequest) -> Result<Embedded, String> {
        let mut db = store::open_writer(&self.home.agent_db(), Database::Agent).map_err(|error| error.to_string())?;
        let now = clock::now();
        let call = Call {
            repo: RepoId(SEARCHES.to_owned()),
            // Each query is a call of its own.
            cache_key: Hash::of_fields([query.as_bytes(), self.server.id().as_bytes(), &now.0.to_le_bytes()]),
            path: FilePath::from(""),
            purpose: CallPurpose::Query,
            model_id: self.server.id().to_owned(),
            commit: None,
        };
        let noted = budget::noted_limits(&db).map_err(|error| error.to_string())?;
        let limits = noted.unwrap_or(self.limits);
        let granted = budget::reserve(&mut db, &limits, &call, self.server.worst_case(request), now);
        let reservation = match granted.map_err(|error| error.to_string())? {
            Grant::Reserved(reservation) => reservation,
            Grant::Refused(refusal) => return Err(refusal.to_string()),
            Grant::InFlight => return Err("the same query is being embedded at this moment".to_owned()),
        };
        let sent = self.server.send(request, QUERY_WAIT.min(self.server.patience()));
        // It stays open at its worst case if this fails.
        if let Err(error) = book(&mut db, &self.server, request, &reservation, &sent) {
            tracing::error!(%error, entry = reservation.entry(), "a call is not settled");
        }
        sent.map_err(|failure| failure.to_string())
    }
}

impl QuestionEmbedder for ServerQuestions {
    fn asked(&self, query: &str) -> Result<Vec<AskedVector>, String> {
        let query = if self.server.is_remote() { redact(query).text } else { query.to_owned() };
        let request = self.server.query(&query);
        let busy =
            |_| format!("{} is asked no more often than its limits allow; by meaning again soon", self.server.id());
        let _pass = self.server.admit(&request).map_err(busy)?;
        let reply = if self.server.is_remote() {
            self.ask_paid(&query, &request)?
        } else {
            let patience = QUERY_WAIT.min(self.server.patience());
            self.server.send(&request, patience).map_err(|failure| failure.to_string())?
        };
        let vectors = self.server.vectors(&reply).map_err(|error| error.to_string())?;
        let asked = |vector| AskedVector::own(self.server.id(), vector);
        Ok(vectors.into_iter().map(asked).collect())
    }
}

/// Closes the entry of a request: at what it has cost, or at nothing if it was certainly not billed.
///
/// # Errors
/// If the ledger cannot be written.
pub fn book(
    db: &mut Connection,
    server: &ServerEmbedder,
    request: &EmbeddingsRequest,
    reservation: &Reservation,
    sent: &Result<Embedded, CallFailure>,
) -> budget::BudgetResult<()> {
    let (tx, now) = (write(db)?, clock::now());
    match sent {
        Ok(reply) => budget::settle(&tx, reservation, &server.charge(request, reply.usage), now)?,
        Err(failure) if failure.usage.is_some() => {
            budget::settle(&tx, reservation, &server.charge(request, failure.usage), now)?
        }
        Err(failure) if failure.may_be_billed => {
            budget::settle(&tx, reservation, &Charge::Unreported { reason: failure.message.clone() }, now)?
        }
        Err(failure) => budget::release(&tx, reservation, &failure.message, now)?,
    };
    Ok(tx.commit().map_err(StoreError::from)?)
}
