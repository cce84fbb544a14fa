//! What the verbs ask of the daemon, and what it answers.

use std::collections::BTreeSet;

use tokio::sync::oneshot;

use super::control::{self, ControlReply, Request};
use super::socket::ControlCall;
use super::supervise::Asked;
use super::{Daemon, DaemonError, MAX_LATENCY, STOP_PATIENCE, Waiter, change};
use crate::clock;
use crate::config::Config;
use crate::domain::RepoId;
use crate::event::Debounce;
use crate::repo::registry;
use crate::worker::pipe::{Depth, Hint};

impl Daemon {
    pub(super) async fn answer(&mut self, (request, answer): ControlCall) -> Result<(), DaemonError> {
        let reply = match request {
            Request::Ping => ControlReply::Pong {
                pid: std::process::id(),
                worker: self.worker.pid(),
                sandbox: self.sandbox.as_str().to_owned(),
                watches: self.watcher.as_ref().map(|watcher| watcher.watches() + self.trees.watches()),
                polled: self.trees.polled(),
                version: env!("CARGO_PKG_VERSION").to_owned(),
            },
            Request::Maintain(task) => {
                let token = self.worker.maintain(task, clock::monotonic()).await;
                self.maintained.insert(token, answer);
                return Ok(());
            }
            Request::Reconcile { repo, depth } => return self.reconcile_for(repo, depth, answer).await,
            Request::CatchUp { repo } => return self.catch_up(repo, answer).await,
            Request::Behind { repo } => self.behind(repo)?,
            Request::Warm => {
                self.worker.hint(Hint::Warm, clock::monotonic()).await;
                ControlReply::Done { message: "a worker is being warmed".to_owned() }
            }
            Request::Reload => self.reload().await?,
            Request::Change(change) => self.change(&change).await?,
            // Handled before: it ends the loop.
            Request::Stop => ControlReply::Done { message: "stopping".to_owned() },
        };
        // The client may have given up.
        let _ = answer.send(reply);
        Ok(())
    }

    async fn reconcile_for(
        &mut self,
        repo: Option<String>,
        depth: Depth,
        answer: oneshot::Sender<ControlReply>,
    ) -> Result<(), DaemonError> {
        self.follow_selection().await?;
        let ids = match repo {
            Some(id) => vec![RepoId(id)],
            None => registry::list(&self.db)?.into_iter().map(|repo| repo.id).collect(),
        };
        let mut tokens = BTreeSet::new();
        for repo in ids {
            tokens.insert(self.ask(Asked { repo, depth, files: None }, clock::monotonic()).await);
        }
        if tokens.is_empty() {
            let _ = answer.send(ControlReply::Reconciled { repos: Vec::new() });
        } else {
            self.waiters.push(Waiter { tokens, outcomes: Vec::new(), answer });
        }
        Ok(())
    }

    /// Reads the configuration again; the worker, which has the old one, makes room for another.
    pub(super) async fn reload(&mut self) -> Result<ControlReply, DaemonError> {
        match Config::load(&self.home.config_file(), self.home.root()) {
            Ok(config) => self.config = config,
            Err(error) => return Ok(ControlReply::Failed { message: error.to_string() }),
        }
        let quiet = self.config.watch.debounce;
        self.debounce = Debounce::new(quiet, quiet * MAX_LATENCY);
        self.worker.stop(STOP_PATIENCE).await;
        self.begin().await?;
        Ok(ControlReply::Done { message: "the configuration was read again".to_owned() })
    }

    async fn change(&mut self, change: &control::StateChange) -> Result<ControlReply, DaemonError> {
        let unregisters = matches!(change, control::StateChange::Unregister { .. });
        if unregisters {
            // It has the store open that is to go, and would go on writing in it.
            self.worker.stop(STOP_PATIENCE).await;
        }
        if matches!(change, control::StateChange::Limits { .. })
            && let Err(error) = self.read_limits()
        {
            return Ok(ControlReply::Failed { message: error.to_string() });
        }
        let executed = change::execute(&mut self.db, &self.home, &self.config, change);
        if unregisters {
            self.note_end(true).await?;
        }
        let message = match executed {
            Ok(message) => message,
            Err(error) => return Ok(ControlReply::Failed { message: error.to_string() }),
        };
        match change {
            // Also one that is known: it may have moved.
            control::StateChange::Register { location, .. } => {
                if let Some(repo) = registry::by_path(&self.db, &location.path())? {
                    self.watch(&repo);
                    self.reconcile(repo.id, Depth::Full).await;
                }
            }
            control::StateChange::Unregister { repo, .. } => {
                let id = RepoId(repo.clone());
                if let Some(watcher) = &self.watcher {
                    watcher.remove_repo(&id);
                }
                self.trees.forget(&id);
                self.debounce.forget(&id);
                self.held.remove(&id);
                self.owed.forget(&id);
                self.failing.remove(&id);
            }
            control::StateChange::Retry { .. }
            | control::StateChange::Resume
            | control::StateChange::Limits { .. }
            | control::StateChange::Build { .. }
            | control::StateChange::Expire { .. } => {
                self.worker.hint(Hint::Wake, clock::monotonic()).await;
            }
            control::StateChange::Discard { .. } | control::StateChange::Pause => {}
        }
        Ok(ControlReply::Done { message })
    }
}
