//! The command line: one file for each verb, text for people by default, JSON on request.

mod budget;
mod cache;
mod daemon;
mod doctor;
mod help;
pub mod hooks;
mod impact;
mod logs;
mod mcp;
mod model;
pub mod output;
mod queue;
mod reconcile;
mod register;
mod report;
mod search;
mod search_shared;
mod service;
mod shared;
mod show;
mod skipped;
mod status;
pub mod top;
mod try_out;
mod ui;
mod values;
mod verbs;
mod wait;
mod worker;

use std::path::Path;
use std::process::ExitCode;

use clap::{CommandFactory, Parser};
use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};

use crate::client::QueryClient;
use crate::config::{Config, ConfigError};
use crate::daemon::control::{self, ControlError, ControlReply, Request, StateChange};
use crate::daemon::{self as process, DaemonError, change};
use crate::embedder::install::InstallError;
use crate::home::{Home, HomeError};
use crate::page::PageError;
use crate::query::QueryError;
use crate::repo::{LocateError, RepoError};
use crate::store::{self, Database, StoreError};
use crate::worker::WorkerError;
use verbs::{Cli, Verb};

/// Every verb with its arguments.
pub fn command() -> clap::Command {
    Cli::command()
}

/// Why a verb failed. Its kind is the exit code.
#[derive(Debug, thiserror::Error)]
pub enum Failure {
    #[error("{0}")]
    Failed(String),
    #[error("{0}")]
    Usage(String),
    #[error("{0}")]
    NotRunning(String),
    #[error("{0}")]
    NotRegistered(String),
    #[error("{0}")]
    OverBudget(String),
    /// A check that the user asked for does not pass.
    #[error("{0}")]
    Refused(String),
}

impl Failure {
    const fn exit_code(&self) -> u8 {
        match self {
            Self::Failed(_) => 1,
            Self::Usage(_) => 2,
            Self::NotRunning(_) => 3,
            Self::NotRegistered(_) => 4,
            Self::OverBudget(_) => 5,
            Self::Refused(_) => 6,
        }
    }
}

/// What every verb needs.
pub struct Context {
    pub home: Home,
    pub config: Config,
}

impl Context {
    fn load() -> Result<Self, Failure> {
        let home = Home::from_env()?;
        let config = Config::load(&home.config_file(), home.root())?;
        Ok(Self { home, config })
    }

    /// Has the daemon change something; with none running, does the same under its lock.
    pub fn change(&self, change: StateChange) -> Result<String, Failure> {
        match control::ask(&self.home, Request::Change(change.clone())) {
            Ok(ControlReply::Done { message }) => Ok(message),
            Ok(ControlReply::Failed { message }) => Err(Failure::Failed(message)),
            Ok(other) => Err(Failure::Failed(format!("unexpected reply of the daemon: {other:?}"))),
            Err(ControlError::NotRunning) => {
                self.home.create()?;
                let _lock = process::take_lock(&self.home)?;
                let mut db = store::open_writer(&self.home.agent_db(), Database::Agent)?;
                Ok(change::execute(&mut db, &self.home, &self.config, &change)?)
            }
            Err(error) => Err(error.into()),
        }
    }

    /// Asks questions; `wait`: for what was saved a moment ago.
    pub fn client(&self, wait: bool) -> QueryClient<'_> {
        QueryClient { home: &self.home, config: &self.config, wait }
    }

    /// For a verb that reads until it is interrupted: the kernel denies it to write outside the agent's directories and `also`. Where it
    /// does not, the verb goes on, for it writes nowhere by itself.
    fn give_up_writes(&self, also: &[&Path]) {
        if let Err(error) = process::restrict(&self.home, &self.config, also) {
            tracing::warn!(%error, "no sandbox");
        }
    }

    pub fn daemon_runs(&self) -> bool {
        matches!(control::ask(&self.home, Request::Ping), Ok(ControlReply::Pong { .. }))
    }
}

/// Parses the arguments, runs the verb, prints its error.
pub fn main() -> ExitCode {
    let cli = match Cli::try_parse() {
        Ok(cli) => cli,
        Err(error) => {
            return help_or_usage(&error);
        }
    };
    allow_many_files();
    match run(cli.verb) {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => {
            output::print_error(&failure.to_string());
            ExitCode::from(failure.exit_code())
        }
    }
}

/// Raises the number of files that the process may have open to what it is allowed: the store of each repository is two or three, and a
/// process begins with 1,024 (getrlimit(2), RLIMIT_NOFILE). Where it is refused, the number stays.
fn allow_many_files() {
    let limit = getrlimit(Resource::Nofile);
    let raised = setrlimit(Resource::Nofile, Rlimit { current: limit.maximum, ..limit });
    if let Err(error) = raised {
        tracing::debug!(%error, "the number of open files stays as it is");
    }
}

/// Prints what clap has to say, with its own codes: 0 for help and version, 2 for usage.
fn help_or_usage(error: &clap::Error) -> ExitCode {
    let code = ExitCode::from(u8::try_from(error.exit_code()).unwrap_or(2));
    match output::written(error.print()) {
        Err(failure) if !error.use_stderr() => {
            output::print_error(&failure.to_string());
            ExitCode::from(failure.exit_code())
        }
        _ => code,
    }
}

fn run(verb: Verb) -> Result<(), Failure> {
    if let Verb::Completions { shell } = verb {
        return help::completions(shell);
    }
    if let Verb::Help { named, man } = &verb {
        return man.as_deref().map_or_else(|| help::help(named), help::write_manual);
    }
    if let Verb::Daemon { act } = &verb {
        return daemon::run(act);
    }
    let context = Context::load()?;
    match verb {
        Verb::Register { repo, dry_run: true, json, .. } => register::dry_run(&context, &repo, json),
        Verb::Register { repo, start, .. } => register::register(&context, &repo, start),
        Verb::Try { repo, json } => try_out::try_out(&context, &repo, json),
        Verb::Unregister { repo, keep_cache } => register::unregister(&context, &repo, keep_cache),
        Verb::Repos { json } => register::repos(&context, json),
        Verb::Worker { after_crash } => worker::run(context, after_crash),
        Verb::Wait { repo, timeout, until, json } => wait::wait(&context, repo, timeout, until, json),
        Verb::Status { skipped: Some(repo), json, .. } => skipped::skipped(&context, repo.as_deref(), json),
        Verb::Status { skipped: None, watch: true, json } => status::watch(&context, json),
        Verb::Status { skipped: None, watch: false, json } => status::status(&context, json),
        Verb::Doctor { json } => doctor::doctor(&context, json),
        Verb::Logs { lines, follow } => logs::logs(&context, lines, follow),
        Verb::Hooks { act } => hooks::verb::run(&context, act),
        Verb::Service { act } => service::run(&context, &act),
        Verb::Model { act } => model::run(&context, act),
        Verb::Reconcile { repo, full } => reconcile::reconcile(&context, repo, full),
        Verb::Queue { act } => queue::run(&context, act),
        Verb::Budget { act } => budget::run(context, act),
        Verb::Cache { act } => cache::run(&context, act),
        Verb::Shared { act } => shared::run(&context, &act),
        Verb::Show { file, all, no_wait, json } => show::show(&context, &file, all, !no_wait, json),
        Verb::Search { query, repo, limit, kind, path, lang: language, source, explain, no_wait, shared, json } => {
            if shared {
                return search_shared::search(&context, &query, limit, json);
            }
            let wait = !no_wait;
            let options = search::SearchOptions { repo, limit, kind, path, language, source, explain, wait };
            search::search(&context, query, options, json)
        }
        Verb::Impact { repo, range, options, json } => impact::impact(&context, &repo, range, options, json),
        Verb::Report(args) => report::report(&context, &args),
        Verb::Ui { port, open, .. } => ui::ui(&context, port, open),
        Verb::Top => top::top(&context),
        Verb::Mcp { act: None } => mcp::run(context),
        Verb::Mcp { act: Some(act) } => mcp::configure(&context, act),
        Verb::Deps { repo, file, unused, json } => impact::deps(&context, &repo, file.as_deref(), unused, json),
        // Handled above.
        Verb::Completions { .. } | Verb::Daemon { .. } | Verb::Help { .. } => Ok(()),
    }
}

/// Errors with a complete message and exit code 1.
macro_rules! failed {
    ($($error:ty),+ $(,)?) => {
        $(impl From<$error> for Failure {
            fn from(error: $error) -> Self {
                Self::Failed(error.to_string())
            }
        })+
    };
}

failed!(
    HomeError,
    ConfigError,
    StoreError,
    RepoError,
    LocateError,
    DaemonError,
    InstallError,
    WorkerError,
    PageError,
    hooks::HooksError,
    service::ServiceError
);

impl From<ControlError> for Failure {
    fn from(error: ControlError) -> Self {
        match error {
            ControlError::NotRunning => Self::NotRunning(error.to_string()),
            other => Self::Failed(other.to_string()),
        }
    }
}

impl From<QueryError> for Failure {
    fn from(error: QueryError) -> Self {
        match error {
            QueryError::NotRegistered { .. } | QueryError::NoRepository(_) => Self::NotRegistered(error.to_string()),
            QueryError::Invalid(_) => Self::Usage(error.to_string()),
            other => Self::Failed(other.to_string()),
        }
    }
}
