//! The verbs and their arguments.

use std::path::PathBuf;
use std::time::Duration;

use clap::{CommandFactory, Parser, Subcommand};

use super::Failure;
use super::cache::{BuildArgs, ClearArgs, MigrateArgs, PruneArgs, StatusArgs, SyncArgs};

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
    /// Look for what might be wrong, and tell what mends it
    Doctor {
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
    /// Have the system's service manager run the daemon
    Service {
        #[command(subcommand)]
        act: ServiceAct,
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
    /// See, limit and account for what remote models cost
    Budget {
        #[command(subcommand)]
        act: BudgetAct,
    },
    /// Look after what is kept of the repositories
    Cache {
        #[command(subcommand)]
        act: CacheAct,
    },
    /// Show the analyses of a file
    Show {
        file: PathBuf,
        /// Where both a model and the local analyzer have answered, show both
        #[arg(long)]
        all: bool,
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
        /// Only hits of this kind: function, method, test, struct, enum, trait, impl, macro, const, module, section, text
        #[arg(long)]
        kind: Option<String>,
        /// Only files whose paths match this glob, e.g. 'src/**/*.rs'
        #[arg(long, value_name = "GLOB")]
        path: Option<String>,
        /// Only files of this language, e.g. rust
        #[arg(long)]
        lang: Option<String>,
        /// Only what is committed (commit), or what is saved in the work tree and is not (worktree)
        #[arg(long)]
        source: Option<String>,
        /// Show what each hit's score is made of
        #[arg(long)]
        explain: bool,
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
    Run {
        #[command(flatten)]
        options: DaemonOptions,
    },
    /// Start in the background
    Start {
        #[command(flatten)]
        options: DaemonOptions,
    },
    /// Stop; work that is not done stays queued
    Stop,
    /// Stop and start
    Restart {
        #[command(flatten)]
        options: DaemonOptions,
    },
}

#[derive(Clone, Copy, clap::Args)]
pub struct DaemonOptions {
    /// Do not run unless the kernel denies writes outside the agent's directories
    #[arg(long)]
    pub require_sandbox: bool,
}

#[derive(Subcommand)]
pub enum ServiceAct {
    /// Have the daemon run from login to logout, restarted if it fails
    Install {
        /// Only print what would be written, and where
        #[arg(long)]
        dry_run: bool,
    },
    /// Stop the service and take its file out again
    Uninstall {
        /// Only print what would be removed
        #[arg(long)]
        dry_run: bool,
    },
    /// Tell whether the service is installed and running
    Status {
        #[arg(long)]
        json: bool,
    },
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
pub enum BudgetAct {
    /// Tell what is spent, reserved, left, and how far that will go
    Status {
        #[arg(long)]
        json: bool,
    },
    /// Set the limits; a daemon that runs follows them at once
    #[command(group = clap::ArgGroup::new("limit").required(true).multiple(true))]
    Set {
        /// Dollars for a UTC calendar month, e.g. 3.00; allows spending again where it was stopped
        #[arg(long, value_name = "DOLLARS", group = "limit", value_parser = nano_dollars)]
        monthly: Option<u64>,
        /// Dollars for a UTC day, or `none`
        #[arg(long, value_name = "DOLLARS", group = "limit", value_parser = daily)]
        daily: Option<Daily>,
    },
    /// Tell what was spent, by day, repository, commit, type and model
    History {
        /// So many days, today included
        #[arg(long, default_value_t = 30, value_parser = clap::value_parser!(u32).range(1..=3_660))]
        days: u32,
        #[arg(long)]
        json: bool,
    },
}

#[derive(Subcommand)]
pub enum CacheAct {
    /// Make the analyses that a repository lacks
    Build(BuildArgs),
    /// Make analyses anew that are too old; nothing expires otherwise
    Sync(SyncArgs),
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
    /// Tell what is stored, what it cost and what it saved
    Status(StatusArgs),
    /// Remove what is least worth keeping
    Prune(PruneArgs),
    /// Forget analyses; what is free and needed is made again
    Clear(ClearArgs),
    /// Import the caches that an earlier tool kept inside repositories
    Migrate(MigrateArgs),
}

/// A daily limit in nano-dollars, or none.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Daily(pub Option<u64>);

fn daily(text: &str) -> Result<Daily, String> {
    if text == "none" { Ok(Daily(None)) } else { nano_dollars(text).map(|nano| Daily(Some(nano))) }
}

/// Dollars as a person writes them, to the nano-dollar: `3`, `3.00`, `$0.50`. At most a million, as in the configuration.
fn nano_dollars(text: &str) -> Result<u64, String> {
    const MOST: u64 = 1_000_000_000_000_000;
    let wrong = || format!("{text} is no amount of dollars from 0 to 1000000; write e.g. 3.00");
    let (whole, fraction) =
        text.strip_prefix('$').unwrap_or(text).split_once('.').unwrap_or((text.trim_start_matches('$'), ""));
    let digits = |part: &str| part.bytes().all(|byte| byte.is_ascii_digit());
    if whole.is_empty() || !digits(whole) || !digits(fraction) || fraction.len() > 9 {
        return Err(wrong());
    }
    let nano = format!("{whole}{fraction:0<9}").parse::<u64>().map_err(|_| wrong())?;
    if nano <= MOST { Ok(nano) } else { Err(wrong()) }
}

/// A number and a unit: ms, s, m, h or d.
pub fn duration(text: &str) -> Result<Duration, String> {
    let digits = text.find(|c: char| !c.is_ascii_digit()).unwrap_or(text.len());
    let (number, unit) = text.split_at(digits);
    let number: u64 = number.parse().map_err(|_| format!("{text} does not begin with a number; write e.g. 60s"))?;
    let millis = match unit {
        "ms" => Some(number),
        "" | "s" => number.checked_mul(1_000),
        "m" => number.checked_mul(60_000),
        "h" => number.checked_mul(3_600_000),
        "d" => number.checked_mul(86_400_000),
        _ => return Err(format!("{unit} is no unit of time; write ms, s, m, h or d")),
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
    fn amounts_are_read_to_the_nano_dollar() {
        for (text, nano) in [
            ("3", 3_000_000_000),
            ("$0.50", 500_000_000),
            ("0.000000001", 1),
            ("1000000", 1_000_000_000_000_000),
            ("2.", 2_000_000_000),
        ] {
            assert_eq!(nano_dollars(text), Ok(nano), "{text}");
        }
        for text in ["", "-1", ".5", "1e3", "1,50", "0.0000000001", "1000000.01", "99999999999999999999", "nan", "€3"]
        {
            assert!(nano_dollars(text).is_err(), "{text}");
        }
        assert_eq!(daily("none"), Ok(Daily(None)));
        assert_eq!(daily("0.25"), Ok(Daily(Some(250_000_000))));
    }

    #[test]
    fn durations_have_units() {
        assert_eq!(duration("60s"), Ok(Duration::from_secs(60)));
        assert_eq!(duration("250ms"), Ok(Duration::from_millis(250)));
        assert_eq!(duration("2h"), Ok(Duration::from_secs(7_200)));
        assert!(duration("soon").is_err() && duration("5 weeks").is_err() && duration("99999999999999999h").is_err());
    }
}
