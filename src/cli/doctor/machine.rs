//! What the agent needs: git, kernel, disk, clock, model.

use super::process::RunningDaemon;
use crate::cli::Context;
use crate::cli::hooks::GitVersion;
use crate::cli::output::human_bytes;
use crate::clock;
use crate::embedder::install::is_installed;
use crate::embedder::server::ServerEmbedder;
use crate::query::view::doctor::DoctorFinding;
use crate::queue;
use crate::store::{self, Database};

/// Free space on the agent's disk, in bytes: below the first, work will soon fail; below the second there is little left.
const DISK_LEAST: u64 = 100 << 20;
const DISK_LITTLE: u64 = 1 << 30;
/// Other programs watch, too: they keep a quarter of the watches.
const WATCH_SHARE: f64 = 0.75;
/// The newest record may be this much ahead of the clock before the clock counts as wrong, in milliseconds.
const CLOCK_SLACK: i64 = 60_000;

pub fn check(context: &Context, daemon: Option<&RunningDaemon>) -> Vec<DoctorFinding> {
    let mut findings = vec![git(), disk(context), model(context)];
    findings.extend(wrong_clock(context));
    if let Some(daemon) = daemon {
        findings.push(sandbox(&daemon.sandbox));
        findings.push(watches(daemon.watches));
        findings.extend(daemon.polled.iter().map(|(repo, why)| {
            let finding = format!("the work tree of {repo} is polled: {why}");
            DoctorFinding::note("watches", finding, "ra-agent logs")
        }));
    }
    findings
}

fn git() -> DoctorFinding {
    match GitVersion::of_installed() {
        Ok(version) if version >= GitVersion::CONFIG_HOOKS => {
            DoctorFinding::good("git", format!("{version}, takes hooks from its configuration"))
        }
        Ok(version) => DoctorFinding::good("git", format!("{version}, before 2.54: commits are noticed by the watch")),
        Err(error) => DoctorFinding::problem("git", error.to_string(), "install git, or put it on the PATH"),
    }
}

fn disk(context: &Context) -> DoctorFinding {
    let dir = context.home.root();
    let dir = if dir.exists() { dir } else { dir.parent().unwrap_or(dir) };
    let free = match rustix::fs::statvfs(dir) {
        Ok(found) => found.f_bavail.saturating_mul(found.f_frsize),
        Err(error) => {
            let fix = "check that the agent's home is there and readable";
            return DoctorFinding::problem("disk", format!("{} cannot be checked: {error}", dir.display()), fix);
        }
    };
    let finding = format!("{} free at {}", human_bytes(free), dir.display());
    let fix = "make room, or set a smaller [cache] max_size_mb";
    match free {
        ..DISK_LEAST => DoctorFinding::problem("disk", finding, fix),
        DISK_LEAST..DISK_LITTLE => DoctorFinding::note("disk", finding, fix),
        _ => DoctorFinding::good("disk", finding),
    }
}

fn model(context: &Context) -> DoctorFinding {
    const TOPIC: &str = "embedding";
    let fix = "ra-agent model install";
    let Some(id) = context.config.embedding.model.as_deref() else {
        return DoctorFinding::note(TOPIC, "no embedding model is configured: search goes by words only", fix);
    };
    if let Some(server) = &context.config.embedding.server {
        return match ServerEmbedder::new(server) {
            Ok(embedder) if embedder.is_remote() => DoctorFinding::good(TOPIC, format!("{id}, on another machine")),
            Ok(_) => DoctorFinding::good(TOPIC, format!("{id}, on this machine")),
            Err(reason) => DoctorFinding::problem(TOPIC, reason, "ra-agent help models"),
        };
    }
    if is_installed(&context.home.model(id), id) {
        return DoctorFinding::good(TOPIC, id);
    }
    DoctorFinding::problem(TOPIC, format!("{id} is configured, but not installed or incomplete"), fix)
}

fn sandbox(state: &str) -> DoctorFinding {
    match state {
        "off" => DoctorFinding::note(
            "sandbox",
            "off: this kernel has no Landlock; only the agent's own code keeps it from writing in your repositories",
            "a kernel with Landlock (5.13 or newer, and in its list of security modules)",
        ),
        enforced => DoctorFinding::good(
            "sandbox",
            format!("{enforced}: the kernel denies writes outside the agent's directories"),
        ),
    }
}

fn watches(used: Option<usize>) -> DoctorFinding {
    const TOPIC: &str = "watches";
    let Some(used) = used else {
        let fix =
            "sudo sysctl fs.inotify.max_user_instances=512, then ra-agent daemon restart (ra-agent logs says why)";
        return DoctorFinding::problem(TOPIC, "file notifications are unavailable: the agent polls instead", fix);
    };
    let limit = std::fs::read_to_string("/proc/sys/fs/inotify/max_user_watches");
    let limit: Option<u64> = limit.ok().and_then(|text| text.trim().parse().ok());
    match limit {
        Some(limit) if used as f64 > limit as f64 * WATCH_SHARE => DoctorFinding::note(
            TOPIC,
            format!("{used} of {limit}: other programs may find none left"),
            "sudo sysctl fs.inotify.max_user_watches=524288",
        ),
        Some(limit) => DoctorFinding::good(TOPIC, format!("{used} of {limit}")),
        None => DoctorFinding::good(TOPIC, used.to_string()),
    }
}

/// The agent is younger than this (2025-01-01 in Unix milliseconds): a clock before it was never set.
const CLOCK_LEAST: i64 = 1_735_689_600_000;

/// A clock that was set back: nothing breaks, but the times shown are wrong, and the budget stays in the later month.
fn wrong_clock(context: &Context) -> Option<DoctorFinding> {
    const FIX: &str = "check the machine's time (timedatectl)";
    if clock::now().0 < CLOCK_LEAST {
        return Some(DoctorFinding::problem(
            "clock",
            "the clock was never set: the budget counts in the wrong month",
            FIX,
        ));
    }
    let db = store::open_reader(&context.home.agent_db(), Database::Agent).ok()??;
    let newest = queue::newest_change(&db).ok()??;
    let ahead = newest.0.saturating_sub(clock::now().0);
    (ahead > CLOCK_SLACK).then(|| {
        let finding = format!("the newest job is {} minutes ahead of the clock", ahead / 60_000);
        DoctorFinding::note("clock", finding, FIX)
    })
}
