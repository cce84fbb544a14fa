//! What a hook adds to `git commit`, and how soon a commit is noticed.
//!
//! Repositories that differ in nothing but their post-commit hook take turns, so that whatever else the machine does falls on each alike.

use std::os::unix::fs::PermissionsExt;
use std::sync::mpsc::{Receiver, RecvTimeoutError, channel};
use std::time::{Duration, Instant, SystemTime};

use ra_agent::cli::hooks::{self, GitVersion, HookedRepo};
use ra_agent::domain::RepoId;
use ra_agent::event::{EventCause, watch};
use ra_agent::home::Home;
use ra_agent::repo::{Location, locate};

use super::figures::{Spread, millis, row, row_below};
use super::support::{TestRepo, git_version};

/// Commits in each repository: rounds of so many in a row, because the system counts the time of children in hundredths of a second.
const ROUNDS: usize = 6;
const COMMITS: usize = 40;
/// Commits that are timed until they are noticed.
const NOTICED: usize = 200;
/// Longest time until a commit counts as missed.
const PATIENCE: Duration = Duration::from_secs(5);
/// No event for this long: what belongs to the last commit is over.
const QUIET: Duration = Duration::from_millis(30);

pub fn measure() {
    cost();
    for cause in [EventCause::Hook, EventCause::GitDir] {
        noticed(cause);
    }
}

/// A repository whose commits are counted.
struct Way {
    name: &'static str,
    hooked: Hooked,
    cpu: Duration,
    wall: Vec<Duration>,
}

impl Way {
    fn new(name: &'static str, install: impl FnOnce(&mut Hooked)) -> Self {
        let mut hooked = Hooked::new();
        install(&mut hooked);
        hooked.repo.commit("first");
        Self { name, hooked, cpu: Duration::ZERO, wall: Vec::new() }
    }

    fn commit_many(&mut self) {
        let before = time_of_children();
        for _ in 0..COMMITS {
            let start = Instant::now();
            self.hooked.commit();
            self.wall.push(start.elapsed());
        }
        self.cpu += time_of_children() - before;
    }

    fn cpu_each(&self) -> f64 {
        millis(self.cpu) / self.wall.len() as f64
    }
}

fn cost() {
    let mut ways = vec![
        Way::new("no hook", |_| {}),
        Way::new("a hook that does nothing", Hooked::install_nothing),
        Way::new("ours, in the repository", Hooked::install_in_repo),
    ];
    let (major, minor) = git_version();
    if (GitVersion { major, minor }) >= GitVersion::CONFIG_HOOKS {
        ways.push(Way::new("ours, by Git's configuration", Hooked::install_config));
    } else {
        eprintln!("git {major}.{minor} takes no hooks from its configuration: those are left out");
    }
    for _ in 0..ROUNDS {
        ways.iter_mut().for_each(Way::commit_many);
    }
    let nothing = ways[1].cpu_each();
    for way in &ways {
        let (cpu, wall) = (way.cpu_each(), Spread::of(way.wall.clone()));
        let what = format!("git commit, {}", way.name);
        let value = format!("{cpu:.2} ms CPU; wall {}", wall.show(&[10, 50]));
        if way.name.starts_with("ours") {
            let added = cpu - nothing;
            row_below(&what, &format!("{value}; {added:+.2} ms CPU over one that does nothing"), added, 1.0, "ms");
        } else {
            row(&what, &value);
        }
    }
}

/// A repository, and the home of an agent that knows it.
struct Hooked {
    repo: TestRepo,
    home: Home,
    hooked: HookedRepo,
}

impl Hooked {
    fn new() -> Self {
        let repo = TestRepo::new();
        let home = Home::at(repo.outside("h")).unwrap();
        home.create().unwrap();
        let git_dir = repo.git_dir();
        let (id, path) = (RepoId("aabbccdd".to_owned()), repo.path().to_path_buf());
        std::fs::write(home.inbox_file(&id), "").unwrap();
        Self { repo, home, hooked: HookedRepo { id, path, common_dir: git_dir.clone(), git_dir } }
    }

    fn install_nothing(&mut self) {
        let hook = self.repo.git_dir().join("hooks/post-commit");
        std::fs::create_dir_all(hook.parent().unwrap()).unwrap();
        std::fs::write(&hook, "#!/bin/sh\nexit 0\n").unwrap();
        std::fs::set_permissions(&hook, std::fs::Permissions::from_mode(0o755)).unwrap();
    }

    fn install_in_repo(&mut self) {
        hooks::install_in_repo(&self.home, &self.hooked, std::slice::from_ref(&self.hooked)).unwrap();
    }

    fn install_config(&mut self) {
        let user_config = self.repo.outside("gitconfig");
        hooks::install(&self.home, std::slice::from_ref(&self.hooked), GitVersion::CONFIG_HOOKS, &user_config).unwrap();
        self.repo.set_global_config(&user_config);
    }

    fn commit(&self) {
        let done = self.repo.command(&["commit", "--quiet", "--allow-empty", "--message", "x"]).status().unwrap();
        assert!(done.success());
    }

    fn location(&self) -> Location {
        locate(self.repo.path(), self.home.root(), self.home.root()).unwrap()
    }
}

/// User and system time of all children that have ended, as proc_pid_stat(5) has it: the fields 16 and 17, in clock ticks of 10 ms.
fn time_of_children() -> Duration {
    let stat = std::fs::read_to_string("/proc/self/stat").unwrap();
    // behind the name in parentheses, which may hold anything, begins field 3
    let fields: Vec<&str> = stat.rsplit_once(") ").unwrap().1.split(' ').collect();
    let ticks: u64 = fields[13].parse::<u64>().unwrap() + fields[14].parse::<u64>().unwrap();
    Duration::from_millis(10 * ticks)
}

/// From the moment at which HEAD moved until the event is handed to the daemon's loop.
fn noticed(cause: EventCause) {
    let mut hooked = Hooked::new();
    if cause == EventCause::Hook {
        hooked.install_in_repo();
    }
    hooked.repo.commit("first");
    let (sender, events) = channel();
    let watcher = watch(&hooked.home.inbox(), move |event| {
        // the measuring is over when the receiver is gone
        let _ = sender.send((event.cause, SystemTime::now()));
    })
    .unwrap();
    watcher.add_repo(&hooked.hooked.id, &hooked.location()).unwrap();
    let times = Spread::of((0..NOTICED).map(|_| once(&hooked, &events, cause)).collect());
    let what = match cause {
        EventCause::Hook => "HEAD moved to noticed, by the hook",
        _ => "HEAD moved to noticed, by the watch on the git directory",
    };
    row_below(what, &times.show(&[50, 95, 100]), millis(times.at(95)), 50.0, "ms");
}

fn once(hooked: &Hooked, events: &Receiver<(EventCause, SystemTime)>, cause: EventCause) -> Duration {
    while events.recv_timeout(QUIET) != Err(RecvTimeoutError::Timeout) {}
    hooked.commit();
    // the stamp of what git writes last of HEAD; by the kernel's coarse clock, so it may be up to 4 ms early, which is on the safe side
    let moved = std::fs::metadata(hooked.repo.git_dir().join("logs/HEAD")).unwrap().modified().unwrap();
    loop {
        let (reported, then) = events.recv_timeout(PATIENCE).unwrap();
        if reported == cause {
            return then.duration_since(moved).unwrap_or_default();
        }
    }
}
