//! The verbs and their arguments.

use std::path::PathBuf;
use std::time::Duration;

use clap::{Parser, Subcommand};

use super::cache::{BuildArgs, ClearArgs, MigrateArgs, PruneArgs, StatusArgs, SyncArgs};
use super::help::TOPIC_LIST;
use super::impact::ImpactOptions;
use super::mcp::{InstallArgs, UninstallArgs};
use super::model::ModelAct;
use super::report::ReportArgs;
use super::service::ServiceAct;
use super::shared::SharedAct;
use super::values::{Daily, count, daily, days, duration, job, nano_dollars, port};
use super::wait::WaitUntil;

/// Keeps the analysis and the search index of your Git repositories up to date. It never writes in them.
#[derive(Parser)]
#[command(name = "ra-agent", version, arg_required_else_help = true, disable_help_subcommand = true, after_help = TOPIC_LIST)]
pub struct Cli {
    #[command(subcommand)]
    pub verb: Verb,
}

#[derive(Subcommand)]
pub enum Verb {
    /// Register a repository. It is indexed now and after every commit
    Register {
        /// The repository, or a path inside it
        repo: PathBuf,
        /// Only print what would be indexed and what it would cost
        #[arg(long)]
        dry_run: bool,
        /// Start the daemon if none runs
        #[arg(long, conflicts_with = "dry_run")]
        start: bool,
        /// Print JSON; only with --dry-run
        #[arg(long, requires = "dry_run")]
        json: bool,
    },
    /// Show three things to try on a repository, chosen from its index
    Try {
        /// The repository, a path inside it, or its id
        repo: PathBuf,
        /// Print JSON
        #[arg(long)]
        json: bool,
    },
    /// Remove a repository from the registry, and delete its cache
    Unregister {
        /// The repository, a path inside it, or its id
        repo: PathBuf,
        /// Keep its cache
        #[arg(long)]
        keep_cache: bool,
    },
    /// List the registered repositories
    Repos {
        /// Print JSON
        #[arg(long)]
        json: bool,
    },
    /// Run, start, stop or restart the background process
    Daemon {
        #[command(subcommand)]
        act: DaemonAct,
    },
    /// Wait until every result is fresh. Exit code 1: it is not, because the time is up or waiting does not help
    Wait {
        /// Only this repository
        #[arg(long)]
        repo: Option<PathBuf>,
        /// Give up after this long, e.g. 500ms, 60s, 30m, 2h
        #[arg(long, default_value = "60s", value_parser = duration)]
        timeout: Duration,
        /// Wait only until every file can be searched by words, or by meaning
        #[arg(long, value_enum, value_name = "WHAT", default_value_t = WaitUntil::All)]
        until: WaitUntil,
        /// Print JSON
        #[arg(long)]
        json: bool,
    },
    /// Show what is fresh, what is queued and what it cost
    Status {
        /// List the files that are left out, of one repository or of all: each with the reason and what brings it back
        #[arg(long, value_name = "REPO")]
        #[expect(clippy::option_option, reason = "the flag, and the repository that it may name")]
        skipped: Option<Option<PathBuf>>,
        /// Print it again whenever something changes, until it is interrupted
        #[arg(long, conflicts_with = "skipped")]
        watch: bool,
        /// Print JSON
        #[arg(long)]
        json: bool,
    },
    /// Check everything. Report what is wrong and how to fix it
    Doctor {
        /// Print JSON
        #[arg(long)]
        json: bool,
    },
    /// Print the daemon's log
    Logs {
        /// Number of lines, from the end
        #[arg(short = 'n', long, default_value_t = 50, value_parser = count)]
        lines: usize,
        /// Keep printing new lines
        #[arg(short, long)]
        follow: bool,
    },
    /// Install or remove the Git hooks that report a commit at once
    Hooks {
        #[command(subcommand)]
        act: HooksAct,
    },
    /// Run the daemon as a service of the system (systemd or launchd)
    Service {
        #[command(subcommand)]
        act: ServiceAct,
    },
    /// Install, compare, choose or list embedding models
    Model {
        #[command(subcommand)]
        act: ModelAct,
    },
    /// Compare a repository with its index now, and queue what is stale
    Reconcile {
        /// The repository, a path inside it, or its id
        repo: PathBuf,
        /// Check every file, not only those that changed
        #[arg(long)]
        full: bool,
    },
    /// List, retry or discard jobs; pause or resume the queue
    Queue {
        #[command(subcommand)]
        act: QueueAct,
    },
    /// Show and limit what remote models cost
    Budget {
        #[command(subcommand)]
        act: BudgetAct,
    },
    /// Inspect, fill, prune, verify or import the stored results
    Cache {
        #[command(subcommand)]
        act: CacheAct,
    },
    /// Share results with other machines through an object store
    Shared {
        #[command(subcommand)]
        act: SharedAct,
    },
    /// Show the analyses of a file, the worst findings first
    Show {
        /// The file, in a registered repository
        file: PathBuf,
        /// Show both answers where a model and the local analyzer have answered
        #[arg(long)]
        all: bool,
        /// Don't wait for what was saved a moment ago
        #[arg(long)]
        no_wait: bool,
        /// Print JSON
        #[arg(long)]
        json: bool,
    },
    /// Search all repositories by meaning and by words
    Search {
        /// What you are looking for, in your own words
        #[arg(required = true)]
        query: Vec<String>,
        /// Only this repository
        #[arg(long)]
        repo: Option<PathBuf>,
        /// Number of hits
        #[arg(short = 'n', long, default_value_t = 10, value_parser = count)]
        limit: usize,
        /// Only hits of this kind: function, method, test, class, struct, enum, trait, impl, type, macro, const, module, section, text
        #[arg(long)]
        kind: Option<String>,
        /// Only this file, what is below this directory, or what matches this glob, e.g. 'src/**/*.rs'; what is there means itself, e.g. 'app/[id]'
        #[arg(long)]
        path: Option<String>,
        /// Only files of this language, e.g. rust
        #[arg(long)]
        lang: Option<String>,
        /// Only files without uncommitted edits (commit), or only saved changes that are not committed (worktree)
        #[arg(long)]
        source: Option<String>,
        /// Show the parts of each score
        #[arg(long)]
        explain: bool,
        /// Don't wait for what was saved a moment ago
        #[arg(long)]
        no_wait: bool,
        /// Search the team's index on the shared store, whose repositories need not be on this machine (`help team`)
        #[arg(long, conflicts_with_all = ["repo", "kind", "path", "lang", "source", "explain"])]
        shared: bool,
        /// Print JSON
        #[arg(long)]
        json: bool,
    },
    /// Show which files use what changed, and which tests reach it
    Impact {
        /// The repository (it need not be registered), a path inside it, or its id
        repo: PathBuf,
        /// FROM..TO, e.g. HEAD~3..HEAD. Without it: the last commit
        range: Option<String>,
        #[command(flatten)]
        options: ImpactOptions,
        /// Print JSON
        #[arg(long)]
        json: bool,
    },
    /// Show what is new, fixed and still there between two commits, and what each commit brought
    Report(ReportArgs),
    /// Show which file uses which symbol of which file
    Deps {
        /// The repository, a path inside it, or its id
        repo: PathBuf,
        /// Only what this file uses, and what uses it
        file: Option<PathBuf>,
        /// Exported names that no other file uses (TypeScript, JavaScript)
        #[arg(long)]
        unused: bool,
        /// Print JSON
        #[arg(long)]
        json: bool,
    },
    /// Serve a page for the browser on this machine: repositories, commits, files, search, queue and money
    Ui {
        /// The port on 127.0.0.1; 0: any that is free
        #[arg(long, value_name = "PORT", default_value_t = 0, value_parser = port)]
        port: u16,
        /// Open the page in the browser
        #[arg(long, overrides_with = "no_open")]
        open: bool,
        /// Open no window. This is the default
        #[arg(long, overrides_with = "open")]
        no_open: bool,
    },
    /// Show the same in this terminal: repositories, queue, money, search. It follows every change
    Top,
    /// Serve coding agents: search, show, impact and status over MCP, on standard input and output
    Mcp {
        #[command(subcommand)]
        act: Option<McpAct>,
    },
    /// Print a completion script for a shell
    Completions { shell: clap_complete::Shell },
    /// Show a topic, or the arguments of a verb
    Help {
        /// A topic or a verb, e.g. `budget`, `daemon start`
        named: Vec<String>,
        /// Write the manual pages into this directory
        #[arg(long, hide = true, value_name = "DIR", conflicts_with = "named")]
        man: Option<PathBuf>,
    },
    /// The process that does the work; the daemon starts it
    #[command(hide = true)]
    Worker {
        #[arg(long)]
        after_crash: bool,
    },
}

#[derive(Clone, Copy, Subcommand)]
pub enum DaemonAct {
    /// Run in the foreground
    Run {
        #[command(flatten)]
        options: DaemonOptions,
    },
    /// Start in the background
    Start {
        #[command(flatten)]
        options: DaemonOptions,
    },
    /// Stop. Unfinished work stays queued
    Stop,
    /// Stop and start
    Restart {
        #[command(flatten)]
        options: DaemonOptions,
    },
}

#[derive(Clone, Copy, clap::Args)]
pub struct DaemonOptions {
    /// Fail unless the kernel denies writes outside the agent's directories (Landlock)
    #[arg(long)]
    pub require_sandbox: bool,
}

#[derive(Subcommand)]
pub enum McpAct {
    /// Add the server to the user's configuration of the coding agents on this machine
    Install(InstallArgs),
    /// Remove the server from the configuration of coding agents. What else is in their files stays
    Uninstall(UninstallArgs),
    /// Show which coding agents are on this machine, and which have the server
    Status {
        /// Print JSON
        #[arg(long)]
        json: bool,
    },
}

#[derive(Subcommand)]
pub enum HooksAct {
    /// Install the hooks in Git's configuration (2.54 or newer)
    Install {
        /// Write hooks into this one repository instead (for an older Git)
        #[arg(long, value_name = "REPO")]
        in_repo: Option<PathBuf>,
    },
    /// Remove the hooks
    Uninstall {
        /// Only from this one repository
        #[arg(long, value_name = "REPO")]
        in_repo: Option<PathBuf>,
    },
    /// Show how the commits of each repository are noticed
    Status {
        /// Print JSON
        #[arg(long)]
        json: bool,
    },
}

#[derive(Subcommand)]
pub enum QueueAct {
    /// List jobs that wait or run, the next one first
    List {
        /// Only those of this repository
        #[arg(long)]
        repo: Option<PathBuf>,
        /// Only jobs that failed for good: discarded or quarantined
        #[arg(long)]
        discarded: bool,
        /// Jobs in every state
        #[arg(long, conflicts_with = "discarded")]
        all: bool,
        /// Number of jobs
        #[arg(short = 'n', long, value_parser = count)]
        limit: Option<usize>,
        /// Print JSON
        #[arg(long)]
        json: bool,
    },
    /// Show one job
    Show {
        /// Its number in the list
        #[arg(value_parser = job)]
        job: i64,
        /// Print JSON
        #[arg(long)]
        json: bool,
    },
    /// Queue a discarded or quarantined job again
    Retry {
        /// Its number in the list
        #[arg(required_unless_present = "all", value_parser = job)]
        job: Option<i64>,
        /// Every discarded or quarantined job
        #[arg(long, conflicts_with = "job")]
        all: bool,
    },
    /// Discard a job. `retry` queues it again
    Discard {
        /// Its number in the list
        #[arg(value_parser = job)]
        job: i64,
    },
    /// Start no more jobs
    Pause,
    /// Start jobs again
    Resume,
}

#[derive(Subcommand)]
pub enum BudgetAct {
    /// Show what is spent, reserved and left, and how many files that pays for
    Status {
        /// Print JSON
        #[arg(long)]
        json: bool,
    },
    /// Set the limits. A running daemon follows them at once
    #[command(group = clap::ArgGroup::new("limit").required(true).multiple(true))]
    Set {
        /// Dollars for a UTC calendar month, e.g. 3.00. Also lifts a stop of spending
        #[arg(long, value_name = "DOLLARS", group = "limit", value_parser = nano_dollars)]
        monthly: Option<u64>,
        /// Dollars for a UTC day, or `none`
        #[arg(long, value_name = "DOLLARS", group = "limit", value_parser = daily)]
        daily: Option<Daily>,
    },
    /// Show what was spent, by day, repository, commit, type and model
    History {
        /// Number of days, today included
        #[arg(long, default_value_t = 30, value_parser = days)]
        days: u32,
        /// Print JSON
        #[arg(long)]
        json: bool,
    },
}

#[derive(Subcommand)]
pub enum CacheAct {
    /// Queue the analyses that a repository lacks
    Build(BuildArgs),
    /// Queue analyses again that are older than a given age. Nothing expires otherwise
    Sync(SyncArgs),
    /// Rebuild everything from the repository and compare it with the stored state
    Verify {
        /// Only this repository
        repo: Option<PathBuf>,
        /// Repair what differs, and compare again
        #[arg(long)]
        repair: bool,
        /// Print JSON
        #[arg(long)]
        json: bool,
    },
    /// Show what is stored, what it cost and what it saved
    Status(StatusArgs),
    /// Remove the least useful results
    Prune(PruneArgs),
    /// Remove analyses. Free ones that are needed are made again
    Clear(ClearArgs),
    /// Import the caches that an earlier tool kept inside repositories
    Migrate(MigrateArgs),
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory;

    use super::*;

    #[test]
    fn the_arguments_do_not_contradict_each_other() {
        Cli::command().debug_assert();
    }
}
