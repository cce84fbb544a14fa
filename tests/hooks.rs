//! The promise: a hook tells the agent of a commit, and never costs the commit anything.

use std::os::unix::fs::{MetadataExt, PermissionsExt};
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::Duration;

use ra_agent::cli::hooks::{self, GitVersion, HookWay, HookedRepo, HooksError, RepoWay};
use ra_agent::domain::RepoId;
use ra_agent::home::Home;

use crate::support::{Fingerprint, TestAgent, TestRepo, fingerprint, git_version, left_out, untouched, wait_until};

/// A repository whose hooks are installed in the way that this machine's Git can run.
struct Hooked {
    repo: TestRepo,
    home: Home,
    hooked: HookedRepo,
    user_config: PathBuf,
}

const CONFIG_HOOKS: GitVersion = GitVersion::CONFIG_HOOKS;

fn installed_git() -> GitVersion {
    let (major, minor) = git_version();
    GitVersion { major, minor }
}

/// Whether this machine's Git runs hooks that its configuration names; says so if not.
fn runs_config_hooks() -> bool {
    let git = installed_git();
    let can = git >= CONFIG_HOOKS;
    if !can {
        left_out("hooks that the configuration names", &format!("Git {git} is older than {CONFIG_HOOKS}"));
    }
    can
}

fn hooked_repo(id: &str, path: &Path) -> HookedRepo {
    let git_dir = path.join(".git");
    HookedRepo { id: RepoId(id.to_owned()), path: path.to_path_buf(), common_dir: git_dir.clone(), git_dir }
}

/// A repository in a directory of this name, and an agent's home next to it; no hook yet.
fn bare_handed(name: &str) -> Hooked {
    let mut repo = TestRepo::with_init(name, &[]);
    let user_config = repo.outside("gitconfig");
    repo.set_global_config(&user_config);
    let home = Home::at(repo.outside("h")).unwrap();
    home.create().unwrap();
    let hooked = hooked_repo("aabbccdd", repo.path());
    std::fs::write(home.inbox_file(&hooked.id), "").unwrap();
    Hooked { repo, home, hooked, user_config }
}

impl Hooked {
    fn install_config_hooks(&self) {
        let repos = std::slice::from_ref(&self.hooked);
        hooks::install(&self.home, repos, CONFIG_HOOKS, &self.user_config).unwrap();
    }

    fn install_in_repo(&self) {
        hooks::install_in_repo(&self.home, &self.hooked, std::slice::from_ref(&self.hooked)).unwrap();
    }

    fn inbox(&self) -> PathBuf {
        self.home.inbox_file(&self.hooked.id)
    }

    /// Whether the hook touches its inbox file while this happens.
    fn notified(&self, act: impl FnOnce()) -> bool {
        std::fs::write(self.inbox(), "not yet").unwrap();
        act();
        std::fs::metadata(self.inbox()).unwrap().len() == 0
    }

    /// A commit, which must succeed, say nothing, and end.
    #[track_caller]
    fn commit_in_silence(&self, case: &str) {
        let mut git = self.repo.command(&["commit", "--quiet", "--allow-empty", "--message", "x"]);
        let mut child = git.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
        wait_until(Duration::from_secs(20), &format!("the commit ends: {case}"), || {
            child.try_wait().unwrap().is_some()
        });
        let output = child.wait_with_output().unwrap();
        let said = [output.stdout, output.stderr].concat();
        assert!(output.status.success() && said.is_empty(), "{case}: {}", String::from_utf8_lossy(&said));
    }

    /// What Git would run, in the work tree at `path`.
    fn named_command(&self, path: &Path) -> Option<String> {
        let output =
            self.repo.command(&["config", "--get", "hook.ra-agent.command"]).current_dir(path).output().unwrap();
        output.status.success().then(|| String::from_utf8(output.stdout).unwrap().trim_end().to_owned())
    }

    /// What `status` says where Git runs config hooks. It asks as the test's own process, which has another user's configuration: so
    /// the repository's includes this one's meanwhile.
    fn way_with_config_hooks(&self, repos: &[HookedRepo]) -> RepoWay {
        self.repo.git(&["config", "include.path", self.user_config.to_str().unwrap()]);
        let way = hooks::status(&self.home, &self.hooked, repos, CONFIG_HOOKS).unwrap().way;
        self.repo.git(&["config", "--unset", "include.path"]);
        way
    }
}

/// The ways whose hooks this machine's Git runs.
fn every_way(test: impl Fn(Hooked)) {
    let story = bare_handed("repo");
    story.install_in_repo();
    test(story);
    if runs_config_hooks() {
        let story = bare_handed("repo");
        story.install_config_hooks();
        test(story);
    }
}

#[test]
fn a_commit_an_amend_a_merge_touch_the_inbox() {
    every_way(|story| {
        assert!(story.notified(|| story.commit_in_silence("first")));
        assert!(story.notified(|| drop(story.repo.git(&[
            "commit",
            "--quiet",
            "--amend",
            "--allow-empty",
            "--message",
            "y"
        ]))));
        story.repo.branch("side");
        story.repo.commit("on the side");
        story.repo.checkout("main");
        assert!(story.notified(|| drop(story.repo.git(&["merge", "--quiet", "side"]))));
        assert!(story.notified(|| drop(story.repo.git(&["rebase", "--quiet", "--force-rebase", "HEAD~1"]))));
    });
}

#[test]
fn f4_whatever_stands_in_the_inbox_a_commit_succeeds_in_silence() {
    every_way(|story| {
        let inbox = story.inbox();
        let victim = story.repo.outside("victim");
        std::fs::write(&victim, "keep").unwrap();
        let clear = || drop(std::fs::remove_dir(&inbox).or_else(|_| std::fs::remove_file(&inbox)));
        clear();
        story.commit_in_silence("missing");
        assert!(!inbox.exists(), "a hook makes nothing");
        std::fs::create_dir(&inbox).unwrap();
        story.commit_in_silence("directory");
        clear();
        std::os::unix::fs::symlink(&victim, &inbox).unwrap();
        story.commit_in_silence("link");
        assert_eq!(std::fs::read(&victim).unwrap(), b"keep");
        clear();
        assert!(std::process::Command::new("mkfifo").arg(&inbox).status().unwrap().success());
        story.commit_in_silence("FIFO");
        clear();
        std::fs::write(&inbox, "").unwrap();
        std::fs::set_permissions(&inbox, std::fs::Permissions::from_mode(0o000)).unwrap();
        story.commit_in_silence("locked");
        clear();
        std::fs::remove_dir_all(story.home.run()).unwrap();
        story.commit_in_silence("no directory");
    });
}

#[test]
fn f5_without_the_agents_home_git_works_in_silence() {
    every_way(|story| {
        std::fs::remove_dir_all(story.home.root()).unwrap();
        story.commit_in_silence("no home");
        for args in [
            &["switch", "--quiet", "--create", "b"][..],
            &["commit", "--quiet", "--allow-empty", "--amend", "--message", "z"],
            &["switch", "--quiet", "main"],
            &["merge", "--quiet", "--no-edit", "--allow-unrelated-histories", "b"],
            &["clone", "--quiet", ".", "../clone"],
            &["status", "--porcelain"],
        ] {
            let output = story.repo.try_git(args);
            let said = String::from_utf8_lossy(&output.stderr).into_owned();
            assert!(output.status.success() && said.is_empty(), "git {args:?}: {said}");
        }
    });
}

/// What is written is read by the real Git, an old one, too, even where it runs no such hook.
#[test]
fn config_hooks_run_in_their_repository_and_work_trees_only() {
    for name in ["repo", "it's a \"re[p]o\" * ? \\ % ü"] {
        let story = bare_handed(name);
        story.commit_in_silence("before");
        untouched(story.repo.path(), || story.install_config_hooks());
        let command = story.named_command(story.repo.path()).expect(name);
        assert!(command.contains("aabbccdd.sh"), "{command}");
        assert_eq!(story.repo.git(&["config", "--get-all", "hook.ra-agent.event"]).lines().count(), 4);
        assert_eq!(story.repo.git(&["config", "--type=bool", "--get", "hook.ra-agent.enabled"]), "true");

        story.repo.git(&["worktree", "add", "--quiet", "../linked"]);
        assert_eq!(story.named_command(&story.repo.outside("linked")), Some(command));
        story.repo.git(&["init", "--quiet", "../other"]);
        assert_eq!(story.named_command(&story.repo.outside("other")), None);
        // a nested repository is another one
        story.repo.git(&["init", "--quiet", "nested"]);
        assert_eq!(story.named_command(&story.repo.path().join("nested")), None);
    }
}

/// Above two hundred repositories one hook serves all: conditions would cost every git command.
#[test]
fn one_hook_for_very_many_repositories_finds_out_where_it_runs() {
    for name in ["repo", "it's a \"re[p]o\" * ? $x `y` \\ % ü\nz"] {
        let story = bare_handed(name);
        let others = (0..300).map(|n| hooked_repo(&format!("{n:08x}"), &story.repo.outside(&format!("other {n}"))));
        let repos: Vec<HookedRepo> = others.chain([story.hooked.clone()]).collect();
        let way = hooks::install(&story.home, &repos, CONFIG_HOOKS, &story.user_config).unwrap();
        assert!(matches!(way, HookWay::Config { left_out, .. } if left_out.is_empty()), "every name can be written");
        let script = PathBuf::from(story.named_command(story.repo.path()).unwrap());
        assert_eq!(std::fs::read_dir(story.home.hooks()).unwrap().count(), 2, "{script:?} and what names it");
        let run = |directory: &Path| {
            let mut shell = std::process::Command::new("/bin/sh");
            // a shell believes what its environment says of its directory, if that leads there
            let output = shell.arg(&script).current_dir(directory).env("PWD", directory).output().unwrap();
            assert!(output.status.success() && output.stdout.is_empty() && output.stderr.is_empty(), "{output:?}");
        };
        assert!(story.notified(|| run(story.repo.path())));
        let link = story.repo.outside("link");
        std::os::unix::fs::symlink(story.repo.path(), &link).unwrap();
        assert!(story.notified(|| run(&link)), "by a link");
        story.repo.git(&["init", "--quiet", "../unknown"]);
        assert!(!story.notified(|| run(&story.repo.outside("unknown"))));
        assert_eq!(std::fs::read_dir(story.home.inbox()).unwrap().count(), 1, "it makes nothing");
        assert_eq!(story.way_with_config_hooks(&repos), RepoWay::Config);
        if runs_config_hooks() {
            assert!(story.notified(|| story.commit_in_silence("with the real Git")));
        }
        std::fs::remove_file(&script).unwrap();
        assert_eq!(story.way_with_config_hooks(&repos), RepoWay::Broken);
        // and back again
        story.install_config_hooks();
        assert!(!script.exists());
    }
}

#[test]
fn the_users_off_switch_wins() {
    let story = bare_handed("repo");
    std::fs::write(&story.user_config, "[hook \"ra-agent\"]\n\tenabled = false\n").unwrap();
    story.install_config_hooks();
    assert_eq!(story.repo.git(&["config", "--type=bool", "--get", "hook.ra-agent.enabled"]), "false");
}

/// FAILURES 9, with the real Git in between.
#[test]
fn f9_uninstall_leaves_the_users_configuration_as_it_was() {
    let story = bare_handed("repo");
    let before = "# mine\n[user]\n\tname = A\n[hook \"mine\"]\n\tcommand = true\n\tevent = post-commit";
    std::fs::write(&story.user_config, before).unwrap();
    story.install_config_hooks();
    story.install_config_hooks();
    let list = story.repo.git(&["config", "--global", "--list", "--name-only"]);
    assert_eq!(list.lines().filter(|line| *line == "include.path").count(), 1, "{list}");
    story.repo.git(&["config", "--global", "color.ui", "never"]);
    hooks::uninstall(&story.home, &story.user_config).unwrap();
    let after = std::fs::read_to_string(&story.user_config).unwrap();
    assert_eq!(after, format!("{before}\n[color]\n\tui = never\n"), "what came in between stays");

    std::fs::write(&story.user_config, before).unwrap();
    story.install_config_hooks();
    hooks::uninstall(&story.home, &story.user_config).unwrap();
    assert_eq!(std::fs::read_to_string(&story.user_config).unwrap(), before);
}

#[test]
fn f12_an_old_git_is_told_that_the_watch_serves() {
    let story = bare_handed("repo");
    let repos = std::slice::from_ref(&story.hooked);
    let old = GitVersion { major: 2, minor: 47 };
    let way = hooks::install(&story.home, repos, old, &story.user_config).unwrap();
    assert_eq!(way, HookWay::Watch { git: old });
    assert!(!story.user_config.exists());
    assert_eq!(hooks::status(&story.home, &story.hooked, repos, old).unwrap().way, RepoWay::Watch);
}

/// The hooks that are there; not their directory, whose time tells that entries came and went.
fn hooks_of(repo: &TestRepo) -> Fingerprint {
    let mut hooks = fingerprint(&repo.git_dir().join("hooks"));
    hooks.remove(Path::new(""));
    hooks
}

/// A hook of the user's that leaves a record of all that it was given, and fails.
const USERS_HOOK: &str = "#!/bin/sh\n{ echo \"args: $*\"; cat; } >> ../seen\necho said\nexit 3\n";

#[test]
fn a_hook_that_was_there_keeps_arguments_input_and_exit_code() {
    let story = bare_handed("repo");
    let hook = story.repo.git_dir().join("hooks/post-rewrite");
    std::fs::create_dir_all(hook.parent().unwrap()).unwrap();
    std::fs::write(&hook, USERS_HOOK).unwrap();
    std::fs::set_permissions(&hook, std::fs::Permissions::from_mode(0o755)).unwrap();
    story.commit_in_silence("first");
    let before = hooks_of(&story.repo);
    let inode = std::fs::metadata(&hook).unwrap().ino();

    story.install_in_repo();
    story.install_in_repo();
    let old = story.repo.head();
    let amend = || drop(story.repo.git(&["commit", "--quiet", "--amend", "--allow-empty", "--message", "amended"]));
    assert!(story.notified(amend));
    let seen = std::fs::read_to_string(story.repo.outside("seen")).unwrap();
    assert_eq!(seen, format!("args: amend\n{old} {}\n", story.repo.head()));
    let direct =
        std::process::Command::new(&hook).stdin(Stdio::null()).current_dir(story.repo.path()).output().unwrap();
    assert_eq!((direct.status.code(), direct.stdout.as_slice()), (Some(3), &b"said\n"[..]));

    hooks::uninstall_in_repo(&story.hooked.common_dir).unwrap();
    assert_eq!(std::fs::metadata(&hook).unwrap().ino(), inode, "it is the same file");
    assert_eq!(hooks_of(&story.repo), before);
}

#[test]
fn a_hook_that_git_did_not_run_is_not_run_by_ours() {
    let story = bare_handed("repo");
    let hook = story.repo.git_dir().join("hooks/post-commit");
    std::fs::create_dir_all(hook.parent().unwrap()).unwrap();
    std::fs::write(&hook, "#!/bin/sh\necho it ran\n").unwrap();
    std::fs::set_permissions(&hook, std::fs::Permissions::from_mode(0o644)).unwrap();
    story.install_in_repo();
    story.commit_in_silence("not executable");
}

#[test]
fn an_installation_that_was_stopped_half_way_is_taken_up() {
    let story = bare_handed("repo");
    let hook = story.repo.git_dir().join("hooks/post-commit");
    std::fs::create_dir_all(hook.parent().unwrap()).unwrap();
    std::fs::write(&hook, USERS_HOOK).unwrap();
    std::fs::hard_link(&hook, hook.with_file_name("post-commit.ra-agent-chained")).unwrap();
    story.install_in_repo();
    hooks::uninstall_in_repo(&story.hooked.common_dir).unwrap();
    assert_eq!(std::fs::read_to_string(&hook).unwrap(), USERS_HOOK);
}

/// A `git` that says it is new enough for config hooks, and is this machine's in all else.
fn pretended_git(dir: &Path) -> PathBuf {
    let script = dir.join("git");
    std::fs::write(
        &script,
        "#!/bin/sh\n[ \"$*\" != --version ] || { echo git version 2.55.0; exit; }\nPATH=${PATH#*:} exec git \"$@\"\n",
    )
    .unwrap();
    std::fs::set_permissions(&script, std::fs::Permissions::from_mode(0o755)).unwrap();
    script
}

/// FAILURES 7 and 8: killed at any moment, again and again, from the first instruction to the last.
#[test]
fn f7_and_f8_an_installation_killed_anywhere_leaves_git_working() {
    let repos: Vec<TestRepo> = (0..6).map(|_| TestRepo::with_files([("a", "b")])).collect();
    let agent = TestAgent::without_model();
    for repo in &repos {
        agent.ok(["register", repo.path().to_str().unwrap()]);
    }
    let directory = agent.user_home().join("bin");
    std::fs::create_dir(&directory).unwrap();
    pretended_git(&directory);
    let path = format!("{}:{}", directory.display(), std::env::var("PATH").unwrap());
    let config = agent.user_home().join(".gitconfig");
    let users = "[user]\n\tname = the user # comment\n";
    let verb = |act: &str| {
        let mut command = agent.command(["hooks", act]);
        command.env("PATH", &path).stdout(Stdio::null()).stderr(Stdio::null());
        command
    };
    let works = |when: &str| {
        for repo in &repos {
            let mut git = repo.command(&["config", "--get", "user.name"]);
            let output = git.env("HOME", agent.user_home()).env_remove("GIT_CONFIG_GLOBAL").output().unwrap();
            assert_eq!(output.stdout, b"the user\n", "{when}: {output:?}");
        }
    };
    let mut killed = 0;
    for act in ["install", "uninstall"] {
        let mut moment = Duration::ZERO;
        loop {
            // the other way round first, so that each time everything is to do
            let _ = std::fs::remove_file(config.with_extension("lock"));
            let _ = std::fs::remove_file(agent.user_home().join(".gitconfig.lock"));
            std::fs::write(&config, users).unwrap();
            let hooks = agent.home().join("hooks");
            if act == "install" {
                let _ = std::fs::remove_dir_all(&hooks);
            } else {
                assert!(verb("install").status().unwrap().success());
            }
            let mut child = verb(act).spawn().unwrap();
            std::thread::sleep(moment);
            if child.try_wait().unwrap().is_some() {
                break;
            }
            child.kill().unwrap();
            child.wait().unwrap();
            killed += 1;
            works(&format!("{act} was killed after {moment:?}"));
            moment += Duration::from_micros(1_500);
        }
    }
    assert!(killed > 10, "{killed} kills are no test");
    // what a kill leaves behind is harmless
    let _ = std::fs::remove_file(agent.user_home().join(".gitconfig.lock"));
    assert!(verb("install").status().unwrap().success());
    works("after all");
    assert!(verb("uninstall").status().unwrap().success());
    assert_eq!(std::fs::read_to_string(&config).unwrap(), users);
}

/// FAILURES 8: a reader sees the old file or the new one, whole.
#[test]
fn f8_no_reader_ever_sees_a_part_of_a_configuration() {
    use std::sync::atomic::{AtomicBool, Ordering};
    let story = bare_handed("repo");
    let repos: Vec<HookedRepo> =
        (0..20).map(|n| hooked_repo(&format!("aabbcc{n:02}"), &story.repo.outside(&format!("r{n}")))).collect();
    let install = |count: usize| {
        hooks::install(&story.home, &repos[..count], CONFIG_HOOKS, &story.user_config).unwrap();
        std::fs::read(story.home.hooks().join("hooks.gitconfig")).unwrap()
    };
    let (few, many) = (install(1), install(20));
    let done = AtomicBool::new(false);
    std::thread::scope(|scope| {
        let reader = scope.spawn(|| {
            let mut reads = 0;
            while !done.load(Ordering::Relaxed) {
                let seen = std::fs::read(story.home.hooks().join("hooks.gitconfig")).unwrap();
                assert!(seen == few || seen == many, "{}", String::from_utf8_lossy(&seen));
                reads += 1;
            }
            reads
        });
        for n in 0..20 {
            install(if n % 2 == 0 { 1 } else { 20 });
        }
        done.store(true, Ordering::Relaxed);
        assert!(reader.join().unwrap() > 20);
    });
}

/// FAILURES 11: a hook directory that belongs to another tool is not written in.
#[test]
fn f11_hooks_that_come_from_elsewhere_are_let_alone() {
    let story = bare_handed("repo");
    story.repo.git(&["config", "core.hooksPath", ".husky"]);
    let refused = untouched(story.repo.path(), || {
        hooks::install_in_repo(&story.home, &story.hooked, std::slice::from_ref(&story.hooked))
    });
    assert!(matches!(refused, Err(HooksError::HooksElsewhere { .. })), "{refused:?}");
}

/// FAILURES 24.
#[test]
fn f24_status_says_which_way_and_whether_it_is_switched_off() {
    let story = bare_handed("repo");
    let repos = std::slice::from_ref(&story.hooked);
    let status = || hooks::status(&story.home, &story.hooked, repos, installed_git()).unwrap();
    assert_eq!((status().way, status().enabled), (RepoWay::Watch, true));
    story.install_in_repo();
    assert_eq!(status().way, RepoWay::InRepo);
    story.repo.git(&["config", "hook.ra-agent.enabled", "false"]);
    assert!(!status().enabled);
    hooks::uninstall_in_repo(&story.hooked.common_dir).unwrap();
    assert_eq!(status().way, RepoWay::Watch);
}
