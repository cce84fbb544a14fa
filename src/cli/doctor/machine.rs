//! What the agent stands on: git, kernel, disk, clock, model.

use super::Finding;
use super::process::Daemon;
use crate::cli::Context;
use crate::cli::hooks::GitVersion;
use crate::cli::output::human_bytes;
use crate::clock;
use crate::embedder::install::is_installed;
use crate::embedder::model::spec;
use crate::store::{self, Database};

/// Free space on the agent's disk, in bytes: below the first, work will soon fail; below the second it is time to think of it.
const DISK_LEAST: u64 = 100 << 20;
const DISK_LITTLE: u64 = 1 << 30;
/// Other programs watch, too: they are to keep a quarter of the watches.
const WATCH_SHARE: f64 = 0.75;
/// The newest record may be this much ahead of the clock before the clock counts as wrong, in milliseconds.
const CLOCK_SLACK: i64 = 60_000;

pub fn look(context: &Context, daemon: Option<&Daemon>) -> Vec<Finding> {
    let mut findings = vec![git(), disk(context), model(context)];
    findings.extend(wrong_clock(context));
    if let Some(daemon) = daemon {
        findings.push(sandbox(&daemon.sandbox));
        findings.push(watches(daemon.watches));
        findings.extend(daemon.polled.iter().map(|(repo, why)| {
            let told = format!("the work tree of {repo} is looked at by the timer: {why}");
            Finding::note("watches", told, "ra-agent logs")
        }));
    }
    findings
}

fn git() -> Finding {
    match GitVersion::of_installed() {
        Ok(version) if version >= GitVersion::CONFIG_HOOKS => {
            Finding::good("git", format!("{version}, takes hooks from its configuration"))
        }
        Ok(version) => Finding::good("git", format!("{version}, before 2.54: commits are noticed by the watch")),
        Err(error) => Finding::problem("git", error.to_string(), "install git, or put it on the PATH"),
    }
}

fn disk(context: &Context) -> Finding {
    let dir = context.home.root();
    let dir = if dir.exists() { dir } else { dir.parent().unwrap_or(dir) };
    let free = match rustix::fs::statvfs(dir) {
        Ok(found) => found.f_bavail.saturating_mul(found.f_frsize),
        Err(error) => {
            let mend = "check that the agent's home can be reached";
            return Finding::problem("disk", format!("{} cannot be looked at: {error}", dir.display()), mend);
        }
    };
    let told = format!("{} free at {}", human_bytes(free), dir.display());
    let mend = "make room, or set a smaller [cache] max_size_mb";
    match free {
        ..DISK_LEAST => Finding::problem("disk", told, mend),
        DISK_LEAST..DISK_LITTLE => Finding::note("disk", told, mend),
        _ => Finding::good("disk", told),
    }
}

fn model(context: &Context) -> Finding {
    const TOPIC: &str = "embedding";
    let mend = "ra-agent model install";
    let Some(id) = context.config.embedding.model.as_deref() else {
        return Finding::note(TOPIC, "no model is set up: search is by words only", mend);
    };
    match spec(id) {
        None => Finding::problem(TOPIC, format!("the model {id} is not known"), "ra-agent model list"),
        Some(spec) if is_installed(&context.home.model(spec.id), spec) => Finding::good(TOPIC, id),
        Some(_) => Finding::problem(TOPIC, format!("{id} is set up, but not installed, or not whole"), mend),
    }
}

fn sandbox(state: &str) -> Finding {
    match state {
        "off" => Finding::note(
            "sandbox",
            "off: this kernel has no Landlock; the agent's own code alone keeps it out of your repositories",
            "a kernel with Landlock (5.13 or newer, and in its list of security modules)",
        ),
        enforced => {
            Finding::good("sandbox", format!("{enforced}: the kernel denies writes outside the agent's directories"))
        }
    }
}

fn watches(used: Option<usize>) -> Finding {
    const TOPIC: &str = "watches";
    let Some(used) = used else {
        let mend =
            "sudo sysctl fs.inotify.max_user_instances=512, then ra-agent daemon restart (ra-agent logs says why)";
        return Finding::problem(TOPIC, "nothing is watched: the timer finds commits", mend);
    };
    let limit = std::fs::read_to_string("/proc/sys/fs/inotify/max_user_watches");
    let limit: Option<u64> = limit.ok().and_then(|text| text.trim().parse().ok());
    match limit {
        Some(limit) if used as f64 > limit as f64 * WATCH_SHARE => Finding::note(
            TOPIC,
            format!("{used} of {limit}: other programs may find none left"),
            "sudo sysctl fs.inotify.max_user_watches=524288",
        ),
        Some(limit) => Finding::good(TOPIC, format!("{used} of {limit}")),
        None => Finding::good(TOPIC, used.to_string()),
    }
}

/// The agent is younger than this (2025-01-01 in Unix milliseconds): a clock before it was never set.
const CLOCK_LEAST: i64 = 1_735_689_600_000;

/// A clock that was set back: nothing breaks, but what is told of times is wrong, and the budget stays in the later month.
fn wrong_clock(context: &Context) -> Option<Finding> {
    const MEND: &str = "check the machine's time (timedatectl)";
    if clock::now().0 < CLOCK_LEAST {
        return Some(Finding::problem(
            "clock",
            "it was never set: the month of the budget is not the one it should be",
            MEND,
        ));
    }
    let db = store::open_reader(&context.home.agent_db(), Database::Agent).ok()??;
    let newest: Option<i64> = db.query_row("SELECT max(updated_at) FROM jobs", [], |row| row.get(0)).ok()?;
    let ahead = newest?.saturating_sub(clock::now().0);
    (ahead > CLOCK_SLACK).then(|| {
        let told = format!("the newest job is {} minutes ahead of the clock", ahead / 60_000);
        Finding::note("clock", told, MEND)
    })
}
