use super::*;

fn home(dir: &Path) -> Home {
    Home::at(dir.join("h")).unwrap()
}

fn repo(id: &str, path: &str) -> HookedRepo {
    let path = PathBuf::from(path);
    let git_dir = path.join(".git");
    HookedRepo { id: RepoId(id.to_owned()), path, common_dir: git_dir.clone(), git_dir }
}

fn names(home: &Home) -> Vec<String> {
    let mut names: Vec<String> = std::fs::read_dir(home.hooks())
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect();
    names.sort();
    names
}

const NEW: GitVersion = GitVersion { major: 2, minor: 55 };

#[test]
fn a_version_is_read_whatever_follows_it() {
    for (text, wanted) in [
        ("git version 2.47.3\n", Some((2, 47))),
        ("git version 2.39.5 (Apple Git-154)", Some((2, 39))),
        ("git version 2.55.0.windows.1", Some((2, 55))),
        ("git version 2.55.GIT", Some((2, 55))),
        ("git version 3.0.0-rc1", Some((3, 0))),
        ("hub version 2.14.2", None),
        ("", None),
    ] {
        let version = GitVersion::parse(text).map(|version| (version.major, version.minor));
        assert_eq!(version, wanted, "{text:?}");
    }
    assert!(GitVersion { major: 3, minor: 0 } >= GitVersion::CONFIG_HOOKS);
}

/// FAILURES 12: nothing that an old Git could stumble over.
#[test]
fn f12_an_old_git_gets_nothing() {
    let dir = tempfile::tempdir().unwrap();
    let old = GitVersion { major: 2, minor: 53 };
    let way = install(&home(dir.path()), &[repo("aa", "/r")], old, &dir.path().join(".gitconfig")).unwrap();
    assert_eq!(way, HookWay::Watch { git: old });
    assert!(way.to_string().contains("within 2 s"));
    assert_eq!(std::fs::read_dir(dir.path()).unwrap().count(), 0);
}

#[test]
fn the_files_follow_what_is_registered() {
    let dir = tempfile::tempdir().unwrap();
    let (home, config) = (home(dir.path()), dir.path().join(".gitconfig"));
    let (a, b) = (repo("aa", "/r/a"), repo("bb", "/r/b"));
    sync(&home, std::slice::from_ref(&a)).unwrap();
    assert!(!home.hooks().exists(), "nothing is installed, so there is nothing to keep in step");
    install(&home, std::slice::from_ref(&a), NEW, &config).unwrap();
    assert_eq!(names(&home), ["aa.gitconfig", "aa.sh", "hooks.gitconfig"]);
    assert!(is_installed(&home, &config).unwrap());
    sync(&home, &[a, b.clone()]).unwrap();
    assert_eq!(names(&home), ["aa.gitconfig", "aa.sh", "bb.gitconfig", "bb.sh", "hooks.gitconfig"]);
    sync(&home, &[b]).unwrap();
    assert_eq!(names(&home), ["bb.gitconfig", "bb.sh", "hooks.gitconfig"]);
    uninstall(&home, &config).unwrap();
    assert!(!home.hooks().exists() && !config.exists());
    assert!(!is_installed(&home, &config).unwrap());
}

#[test]
fn work_trees_share_a_script_that_touches_each_inbox() {
    let dir = tempfile::tempdir().unwrap();
    let home = home(dir.path());
    let main = repo("bb", "/r/main");
    let linked = HookedRepo {
        id: RepoId("aa".to_owned()),
        path: "/r/linked".into(),
        git_dir: "/r/main/.git/worktrees/linked".into(),
        common_dir: "/r/main/.git".into(),
    };
    install(&home, &[main.clone(), linked.clone()], NEW, &dir.path().join(".gitconfig")).unwrap();
    assert_eq!(names(&home), ["aa.gitconfig", "aa.sh", "hooks.gitconfig"]);
    let script = std::fs::read_to_string(home.hooks().join("aa.sh")).unwrap();
    for id in [main.id, linked.id] {
        assert!(script.contains(home.inbox_file(&id).to_str().unwrap()), "{script}");
    }
}

#[test]
fn a_path_that_no_configuration_can_name_is_left_out_and_told() {
    let dir = tempfile::tempdir().unwrap();
    let home = home(dir.path());
    let repos = [repo("aa", "/r/a\nb"), repo("bb", "/r/b \"[*]?\\")];
    let way = install(&home, &repos, NEW, &dir.path().join(".gitconfig")).unwrap();
    assert_eq!(names(&home), ["bb.gitconfig", "bb.sh", "hooks.gitconfig"]);
    assert!(way.to_string().contains("cannot be named"), "{way}");
}
