//! The verbs and their arguments.

use std::path::PathBuf;
use std::time::Duration;

use clap::{CommandFactory, Parser, Subcommand};

use super::Failure;

/// Keeps the analysis and the semantic index of your Git repositories fresh, without writing in them.
#[derive(Parser)]
#[command(name = "ra-agent", version, arg_required_else_help = true)]
pub struct Cli {
    #[command(subcommand)]
    pub verb: Verb,
}

#[derive(Subcommand)]
pub enum Verb {
    /// Make a repository known; it is indexed at once and after every commit
    Register {
        /// The repository, or a path inside it
        repo: PathBuf,
        /// Only tell what would be indexed and what it would cost
        #[arg(long)]
        dry_run: bool,
        #[arg(long, requires = "dry_run")]
        json: bool,
    },
    /// Forget a repository and remove its cache
    Unregister {
        repo: PathBuf,
        /// Leave what is cached where it is
        #[arg(long)]
        keep_cache: bool,
    },
    /// List the registered repositories
    Repos {
        #[arg(long)]
        json: bool,
    },
    /// Run, start or stop the background process
    Daemon {
        #[command(subcommand)]
        act: DaemonAct,
    },
    /// Wait until everything is fresh
    Wait {
        /// Only this repository
        #[arg(long)]
        repo: Option<PathBuf>,
        /// Give up after this long, e.g. 500ms, 60s, 30m, 2h
        #[arg(long, default_value = "60s", value_parser = duration)]
        timeout: Duration,
        #[arg(long)]
        json: bool,
    },
    /// Tell what is fresh, what is queued and what it cost
    Status {
        #[arg(long)]
        json: bool,
    },
    /// Print the daemon's log
    Logs {
        /// So many of the last lines
        #[arg(short = 'n', long, default_value_t = 50)]
        lines: usize,
        /// Go on printing what is written
        #[arg(short, long)]
        follow: bool,
    },
    /// Install or remove the Git hooks that tell of a commit at once
    Hooks {
        #[command(subcommand)]
        act: HooksAct,
    },
    /// Get or list embedding models
    Model {
        #[command(subcommand)]
        act: ModelAct,
    },
    /// Compare a repository with its index now
    Reconcile {
        repo: PathBuf,
        /// Plan every file, not only what changed
        #[arg(long)]
        full: bool,
    },
    /// Look at the jobs, retry, discard, pause
    Queue {
        #[command(subcommand)]
        act: QueueAct,
    },
    /// Look after what is kept of the repositories
    Cache {
        #[command(subcommand)]
        act: CacheAct,
    },
    /// Show the analyses of a file
    Show {
        file: PathBuf,
        #[arg(long)]
        json: bool,
    },
    /// Search by meaning and by words
    Search {
        #[arg(required = true)]
        query: Vec<String>,
        /// Only this repository
        #[arg(long)]
        repo: Option<PathBuf>,
        #[arg(short = 'n', long, default_value_t = 10)]
        limit: usize,
        /// Only hits of this kind: function, method, struct, enum, trait, impl, macro, const, module, section, text
        #[arg(long)]
        kind: Option<String>,
        #[arg(long)]
        json: bool,
    },
    /// Show whom a range of commits touches, and why
    Impact {
        repo: PathBuf,
        /// FROM..TO; the last commit if not given
        range: Option<String>,
        #[arg(long)]
        json: bool,
    },
    /// Show which files use which symbols of which files
    Deps {
        repo: PathBuf,
        /// Only the edges of this file
        file: Option<PathBuf>,
        #[arg(long)]
        json: bool,
    },
    /// Print a completion script for a shell
    Completions { shell: clap_complete::Shell },
    /// The heavy process; the daemon starts it
    #[command(hide = true)]
    Worker {
        #[arg(long)]
        after_crash: bool,
    },
}

#[derive(Clone, Copy, Subcommand)]
pub enum DaemonAct {
    /// Run in the foreground
    Run,
    /// Start in the background
    Start,
    /// Stop; work that is not done stays queued
    Stop,
    /// Stop and start
    Restart,
}

#[derive(Subcommand)]
pub enum HooksAct {
    /// Install the way that fits this git
    Install {
        /// Write a hook into this one repository (for git before 2.54)
        #[arg(long, value_name = "REPO")]
        in_repo: Option<PathBuf>,
    },
    /// Take the hooks out again
    Uninstall {
        #[arg(long, value_name = "REPO")]
        in_repo: Option<PathBuf>,
    },
    /// Show how the commits of each repository are noticed
    Status {
        #[arg(long)]
        json: bool,
    },
}

#[derive(Subcommand)]
pub enum ModelAct {
    /// Install an embedding model and use it from now on
    Install {
        /// bge-small-en-v1.5 (the default) or all-MiniLM-L6-v2
        model: Option<String>,
        /// Take its files from this directory instead of downloading them
        #[arg(long, value_name = "DIR")]
        from: Option<PathBuf>,
    },
    /// List the models that are known, installed, in use
    List {
        #[arg(long)]
        json: bool,
    },
}

#[derive(Subcommand)]
pub enum QueueAct {
    /// List jobs, the next one first
    List {
        #[arg(long)]
        repo: Option<PathBuf>,
        /// Only the dead letters: discarded and quarantined jobs
        #[arg(long)]
        discarded: bool,
        /// Jobs in every state
        #[arg(long, conflicts_with = "discarded")]
        all: bool,
        #[arg(short = 'n', long)]
        limit: Option<usize>,
        #[arg(long)]
        json: bool,
    },
    /// Show one job
    Show {
        job: i64,
        #[arg(long)]
        json: bool,
    },
    /// Queue a discarded or quarantined job again
    Retry {
        #[arg(required_unless_present = "all")]
        job: Option<i64>,
        /// All of them
        #[arg(long, conflicts_with = "job")]
        all: bool,
    },
    /// Give a job up
    Discard { job: i64 },
    /// Hand out no more jobs
    Pause,
    /// Hand out jobs again
    Resume,
}

#[derive(Subcommand)]
pub enum CacheAct {
    /// Build everything derived from nothing, and compare it with what is kept
    Verify {
        /// Only this repository
        repo: Option<PathBuf>,
        /// Mend what differs, and compare again
        #[arg(long)]
        repair: bool,
        #[arg(long)]
        json: bool,
    },
}

/// A number and a unit: ms, s, m or h.
fn duration(text: &str) -> Result<Duration, String> {
    let digits = text.find(|c: char| !c.is_ascii_digit()).unwrap_or(text.len());
    let (number, unit) = text.split_at(digits);
    let number: u64 = number.parse().map_err(|_| format!("{text} does not begin with a number; write e.g. 60s"))?;
    let millis = match unit {
        "ms" => Some(number),
        "" | "s" => number.checked_mul(1_000),
        "m" => number.checked_mul(60_000),
        "h" => number.checked_mul(3_600_000),
        _ => return Err(format!("{unit} is no unit of time; write ms, s, m or h")),
    };
    millis.map(Duration::from_millis).ok_or_else(|| format!("{text} is too long"))
}

/// Prints the completion script for a shell.
pub fn completions(shell: clap_complete::Shell) -> Result<(), Failure> {
    let mut script = Vec::new();
    clap_complete::generate(shell, &mut Cli::command(), "ra-agent", &mut script);
    super::output::print(&String::from_utf8_lossy(&script))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_arguments_do_not_contradict_each_other() {
        Cli::command().debug_assert();
    }

    #[test]
    fn durations_have_units() {
        assert_eq!(duration("60s"), Ok(Duration::from_secs(60)));
        assert_eq!(duration("250ms"), Ok(Duration::from_millis(250)));
        assert_eq!(duration("2h"), Ok(Duration::from_secs(7_200)));
        assert!(duration("soon").is_err() && duration("5 weeks").is_err() && duration("99999999999999999h").is_err());
    }
}
