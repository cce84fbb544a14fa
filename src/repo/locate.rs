//! Which repository a path means, and whether the agent may have it: what `register` asks.

use std::io;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

use crate::repo::open::{RepoError, options, refuse_special_files};

/// What kind of place a repository is registered by.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LocationKind {
    /// The main work tree of a repository, a submodule's included.
    Worktree,
    /// A work tree added by `git worktree add`: its own HEAD, shared references and objects.
    LinkedWorktree,
    /// A repository without a work tree, or whose work tree is a directory without a `.git` of its own.
    Bare,
}

/// Where a repository is. All paths are canonical: absolute, no symbolic link in them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Location {
    pub kind: LocationKind,
    /// Top of the work tree; of a bare repository, its git directory or the directory that holds it. The repository is registered under
    /// this path.
    pub path: PathBuf,
    /// Where this work tree's HEAD is.
    pub git_dir: PathBuf,
    /// Where references and objects are; the same as `git_dir` but for linked work trees.
    pub common_dir: PathBuf,
}

#[derive(Debug, thiserror::Error)]
pub enum LocateError {
    #[error("{path} does not exist; check the path")]
    Missing { path: PathBuf },
    #[error("{path} cannot be read: {source}; check its permissions")]
    Unreadable { path: PathBuf, source: io::Error },
    #[error(
        "{path} is not in a Git repository; give a path inside a work tree, or a bare repository; of a work tree without a `.git` \
         (core.worktree, --work-tree) give the git directory"
    )]
    NotARepository { path: PathBuf },
    #[error("{path} is not a usable Git repository: {reason}; `git -C {path} status` shows what Git says")]
    Broken { path: PathBuf, reason: String },
    #[error(
        "{path} is the git directory of a work tree that is elsewhere; register the directory whose `.git` file names it, or, if there \
         is none, set core.worktree in {path}/config: its commits are then indexed from the git directory"
    )]
    DetachedGitDir { path: PathBuf },
    #[error(
        "{path} is too wide to be registered: a repository at {what} would put everything below it under analysis; register the projects inside it"
    )]
    TooWide { path: PathBuf, what: &'static str },
    #[error(
        "{path} contains the agent's own directory {own}; the agent never writes inside a repository, so move one of them (RA_AGENT_HOME, cache.location)"
    )]
    ContainsAgent { path: PathBuf, own: PathBuf },
    #[error("{path} is inside the agent's own directory {own}; keep the repository elsewhere")]
    InsideAgent { path: PathBuf, own: PathBuf },
    #[error(
        "{path} belongs to another user (uid {owner}, you are uid {user}); change its owner, or run the agent as that user"
    )]
    ForeignOwner { path: PathBuf, owner: u32, user: u32 },
    #[error(
        "{path} keeps its references in the reftable format: unsupported: reftable; `git refs migrate --ref-format=files` converts a repository"
    )]
    Reftable { path: PathBuf },
}

/// Resolves a path to the repository it is in, as `git -C path` would, and checks that it may be registered.
///
/// A path inside the repository, a symbolic link to it, a linked work tree, a submodule, a bare repository and a work tree whose
/// git directory is kept elsewhere (`--separate-git-dir`) each give the right place. No `GIT_*` variable has a say.
/// `home` and `cache_location` are the agent's own directories; they need not exist.
///
/// # Errors
/// If there is no repository, or one that cannot be read or must not be registered; the error says why.
pub fn locate(path: &Path, home: &Path, cache_location: &Path) -> Result<Location, LocateError> {
    let start = canonical(path)?;
    let candidate = find_candidate(&start).ok_or_else(|| LocateError::NotARepository { path: start.clone() })?;
    let location = resolve(&candidate)?;
    refuse_wide(&location, dirs::home_dir().as_deref())?;
    refuse_own(&location, &[home, cache_location])?;
    refuse_foreign(&location, &candidate, rustix::process::geteuid().as_raw())?;
    Ok(location)
}

fn canonical(path: &Path) -> Result<PathBuf, LocateError> {
    path.canonicalize().map_err(|source| match source.kind() {
        io::ErrorKind::NotFound => LocateError::Missing { path: path.to_owned() },
        _ => LocateError::Unreadable { path: path.to_owned(), source },
    })
}

/// The first `.git` (directory or file) or bare repository on the way up. A `.git` *file* always counts, valid or not: passing over
/// a broken one would take a submodule for its parent. An invalid `.git` directory is passed over, as Git does.
fn find_candidate(start: &Path) -> Option<PathBuf> {
    start.ancestors().filter(|dir| dir.is_dir()).find_map(|dir| {
        let dot_git = dir.join(".git");
        if dot_git.is_file() || looks_like_git_dir(&dot_git) {
            Some(dot_git)
        } else {
            looks_like_git_dir(dir).then(|| dir.to_owned())
        }
    })
}

/// Git's own test (setup.c, `is_git_directory`): HEAD, and an object and a reference directory here or in the common directory.
fn looks_like_git_dir(dir: &Path) -> bool {
    let common = dir.join("commondir");
    dir.join("HEAD").symlink_metadata().is_ok()
        && (common.is_file() || (dir.join("objects").is_dir() && dir.join("refs").is_dir()))
}

fn resolve(candidate: &Path) -> Result<Location, LocateError> {
    let broken = |reason: String| LocateError::Broken { path: shown(candidate).to_owned(), reason };
    if is_reftable(candidate) {
        return Err(LocateError::Reftable { path: shown(candidate).to_owned() });
    }
    let private = private_git_dir(candidate);
    refuse_special_files(&private, &shared_git_dir(&private)).map_err(broken)?;
    let opened = gix::ThreadSafeRepository::open_opts(candidate, options().open_path_as_is(true))
        .map_err(|error| broken(RepoError::chain(&error)))?
        .to_thread_local();
    let git_dir = canonical(opened.git_dir())?;
    let common_dir = canonical(opened.common_dir())?;
    let linked = git_dir != common_dir;
    // `is_bare` of a linked work tree whose repository is bare speaks of the repository.
    if opened.is_bare() && !linked {
        return Ok(Location { kind: LocationKind::Bare, path: git_dir.clone(), git_dir, common_dir });
    }
    let top = match opened.workdir() {
        Some(top) => canonical(top)?,
        None => match configured_top(&git_dir) {
            ConfiguredTop::Names(top) => top,
            // As a repository without a work tree: what is committed can be indexed, whatever the setting names.
            ConfiguredTop::Elsewhere => {
                return Ok(Location { kind: LocationKind::Bare, path: git_dir.clone(), git_dir, common_dir });
            }
            ConfiguredTop::Nowhere => return Err(LocateError::DetachedGitDir { path: git_dir }),
        },
    };
    let kind = if linked {
        LocationKind::LinkedWorktree
    } else if core_worktree(&git_dir).is_some_and(|named| named != top) {
        // What lies here is no work tree of it, for Git.
        LocationKind::Bare
    } else {
        LocationKind::Worktree
    };
    Ok(Location { kind, path: top, git_dir, common_dir })
}

/// The path to name in an error: the directory that holds `.git`.
fn shown(candidate: &Path) -> &Path {
    if candidate.ends_with(".git") { candidate.parent().unwrap_or(candidate) } else { candidate }
}

/// A repository with reftables has this directory in its git directory or, for a linked work tree, in both.
fn is_reftable(candidate: &Path) -> bool {
    private_git_dir(candidate).join("reftable").is_dir()
}

/// The git directory that a `.git` file names, or the candidate itself.
fn private_git_dir(candidate: &Path) -> PathBuf {
    let named = candidate.is_file().then(|| gix::discover::path::from_gitdir_file(candidate).ok());
    named.flatten().unwrap_or_else(|| candidate.to_owned())
}

fn shared_git_dir(private: &Path) -> PathBuf {
    let file = private.join("commondir");
    let named = file.is_file().then(|| gix::discover::path::from_plain_file(&file)?.ok());
    named.flatten().map_or_else(|| private.to_owned(), |named| private.join(named))
}

/// What a git directory without a work tree next to it says of where its work tree is.
enum ConfiguredTop {
    /// A work tree whose `.git` file names the git directory back: of a submodule, or of a separate git directory.
    Names(PathBuf),
    /// Another directory, as of dotfiles that are kept in a bare repository.
    Elsewhere,
    Nowhere,
}

/// Where `core.worktree` leads. A work tree is believed only if its `.git` file names this git directory: the setting alone comes from
/// the repository and could name any directory.
fn configured_top(git_dir: &Path) -> ConfiguredTop {
    if local_config(git_dir, "core.worktree").is_none() {
        return ConfiguredTop::Nowhere;
    }
    let names_back =
        |top: &PathBuf| private_git_dir(&top.join(".git")).canonicalize().is_ok_and(|back| back == git_dir);
    core_worktree(git_dir).filter(names_back).map_or(ConfiguredTop::Elsewhere, ConfiguredTop::Names)
}

/// The directory that `core.worktree` names, if it is there.
fn core_worktree(git_dir: &Path) -> Option<PathBuf> {
    let value = local_config(git_dir, "core.worktree")?;
    let top = gix::path::from_bstr(value.as_ref() as &gix::bstr::BStr).ok()?;
    git_dir.join(top).canonicalize().ok()
}

/// A setting of the repository itself, or of its main work tree.
fn local_config(git_dir: &Path, key: &str) -> Option<gix::bstr::BString> {
    let value = |file: &str| {
        let config = gix::config::File::from_path_no_includes(git_dir.join(file), gix::config::Source::Local);
        config.ok()?.string(key)
    };
    value("config.worktree").or_else(|| value("config"))
}

fn refuse_wide(location: &Location, user_home: Option<&Path>) -> Result<(), LocateError> {
    let path = location.path.clone();
    if path.parent().is_none() {
        return Err(LocateError::TooWide { path, what: "/" });
    }
    if user_home.and_then(|home| home.canonicalize().ok()).is_some_and(|home| home == path) {
        return Err(LocateError::TooWide { path, what: "$HOME" });
    }
    Ok(())
}

/// Refuses a repository around one of the agent's own directories, or in it.
///
/// # Errors
/// If it is one of these.
pub fn refuse_own(location: &Location, own: &[&Path]) -> Result<(), LocateError> {
    for own in own.iter().map(|own| canonical_or_future(own)) {
        for path in [&location.path, &location.git_dir, &location.common_dir] {
            if own.starts_with(path) {
                return Err(LocateError::ContainsAgent { path: path.clone(), own });
            }
            if path.starts_with(&own) {
                return Err(LocateError::InsideAgent { path: path.clone(), own });
            }
        }
    }
    Ok(())
}

/// Canonical form of a path whose last components may not exist yet.
fn canonical_or_future(path: &Path) -> PathBuf {
    let absolute = std::path::absolute(path).unwrap_or_else(|_| path.to_owned());
    absolute
        .ancestors()
        .find_map(|ancestor| {
            let rest = absolute.strip_prefix(ancestor).ok()?;
            Some(ancestor.canonicalize().ok()?.join(rest))
        })
        .unwrap_or(absolute)
}

fn refuse_foreign(location: &Location, candidate: &Path, user: u32) -> Result<(), LocateError> {
    for path in [&location.path, candidate, &location.git_dir, &location.common_dir] {
        let metadata =
            path.symlink_metadata().map_err(|source| LocateError::Unreadable { path: path.to_path_buf(), source })?;
        if metadata.uid() != user {
            return Err(LocateError::ForeignOwner { path: path.to_path_buf(), owner: metadata.uid(), user });
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::repo::Repo;
    use crate::repo::fixture::TestRepo;

    fn locate_for_test(path: &Path) -> Result<Location, LocateError> {
        locate(path, Path::new("/nonexistent/home"), Path::new("/nonexistent/cache"))
    }

    #[test]
    fn a_path_inside_and_a_symbolic_link_give_the_top() {
        let repo = TestRepo::new();
        repo.write("src/deep/a.rs", "fn a() {}\n");
        repo.commit("one");
        let link = repo.outside("link");
        std::os::unix::fs::symlink(repo.path(), &link).unwrap();
        for path in [repo.path().to_owned(), repo.path().join("src/deep"), repo.path().join("src/deep/a.rs"), link] {
            let found = locate_for_test(&path).unwrap();
            assert_eq!((found.kind, found.path.as_path()), (LocationKind::Worktree, repo.path()), "{path:?}");
            assert_eq!(found.git_dir, repo.path().join(".git"));
            assert_eq!(found.common_dir, found.git_dir);
        }
    }

    #[test]
    fn a_git_directory_behind_a_symbolic_link_is_found_where_it_is() {
        let repo = TestRepo::new();
        repo.commit("one");
        let aside = repo.outside("aside.git");
        std::fs::rename(repo.path().join(".git"), &aside).unwrap();
        std::os::unix::fs::symlink(&aside, repo.path().join(".git")).unwrap();
        let found = locate_for_test(repo.path()).unwrap();
        assert_eq!((found.kind, found.path.as_path(), &found.git_dir), (LocationKind::Worktree, repo.path(), &aside));
        assert!(repo.open().head().unwrap().commit.is_some());
    }

    #[test]
    fn each_kind_of_repository_is_located_as_itself() {
        let repo = TestRepo::new();
        repo.write("a.rs", "fn a() {}\n");
        repo.commit("one");

        let linked = repo.outside("linked");
        repo.git(&["worktree", "add", "-q", linked.to_str().unwrap()]);
        let found = locate_for_test(&linked).unwrap();
        assert_eq!((found.kind, &found.path), (LocationKind::LinkedWorktree, &linked));
        assert_eq!(found.git_dir, repo.path().join(".git/worktrees/linked"));
        assert_eq!(found.common_dir, repo.path().join(".git"));

        let (separate, elsewhere) = (repo.outside("separate"), repo.outside("elsewhere.git"));
        repo.git(&["init", "-q", "--separate-git-dir", elsewhere.to_str().unwrap(), separate.to_str().unwrap()]);
        let found = locate_for_test(&separate).unwrap();
        assert_eq!((found.kind, &found.path, &found.git_dir), (LocationKind::Worktree, &separate, &elsewhere));
        assert!(matches!(locate_for_test(&elsewhere), Err(LocateError::DetachedGitDir { .. })));

        let bare = repo.outside("bare.git");
        repo.git(&["clone", "-q", "--bare", ".", bare.to_str().unwrap()]);
        for path in [bare.clone(), bare.join("refs")] {
            let found = locate_for_test(&path).unwrap();
            assert_eq!((found.kind, &found.path, &found.git_dir), (LocationKind::Bare, &bare, &bare));
        }

        let parent = TestRepo::new();
        let url = repo.path().to_str().unwrap();
        parent.git(&["-c", "protocol.file.allow=always", "submodule", "add", "-q", url, "sub"]);
        let sub = parent.path().join("sub");
        for path in [sub.clone(), parent.path().join(".git/modules/sub")] {
            let found = locate_for_test(&path).unwrap();
            assert_eq!((found.kind, &found.path), (LocationKind::Worktree, &sub));
            assert_eq!(found.git_dir, parent.path().join(".git/modules/sub"));
        }
    }

    #[test]
    fn a_git_dir_with_a_work_tree_elsewhere_is_located_as_bare() {
        let (repo, place) = (TestRepo::new(), TestRepo::new().outside("place"));
        repo.write("a.rs", "fn a() {}\n");
        repo.commit("one");
        let dots = repo.outside("dots.git");
        repo.git(&["clone", "-q", "--bare", ".", dots.to_str().unwrap()]);
        let config = dots.join("config");
        let set = |key: &str, value: &str| drop(repo.git(&["config", "--file", config.to_str().unwrap(), key, value]));
        set("core.bare", "false");
        assert!(matches!(locate_for_test(&dots), Err(LocateError::DetachedGitDir { .. })));
        // Whether it is there, and whatever is there.
        for top in [place, repo.outside("."), repo.path().to_owned(), PathBuf::from("/")] {
            set("core.worktree", top.to_str().unwrap());
            for path in [dots.clone(), dots.join("refs")] {
                let found = locate_for_test(&path).unwrap();
                assert_eq!((found.kind, &found.path, &found.git_dir), (LocationKind::Bare, &dots, &dots));
            }
            assert!(Repo::open(&locate_for_test(&dots).unwrap()).unwrap().head().unwrap().commit.is_some());
        }
    }

    /// Git compares another directory with the index, so what lies next to `.git` is not followed.
    #[test]
    fn a_repository_whose_work_tree_is_elsewhere_has_none_here() {
        let repo = TestRepo::new();
        repo.commit("one");
        let place = repo.outside("place");
        std::fs::create_dir(&place).unwrap();
        assert_eq!(locate_for_test(repo.path()).unwrap().kind, LocationKind::Worktree);
        for (top, kind) in [("../../place", LocationKind::Bare), ("..", LocationKind::Worktree)] {
            repo.git(&["config", "core.worktree", top]);
            let found = locate_for_test(repo.path()).unwrap();
            assert_eq!((found.kind, found.path.as_path()), (kind, repo.path()), "{top}");
        }
    }

    #[test]
    fn work_trees_around_a_bare_repository_are_linked_worktrees() {
        let repo = TestRepo::new();
        repo.write("a.rs", "fn a() {}\n");
        repo.commit("one");
        let project = repo.outside("project");
        std::fs::create_dir(&project).unwrap();
        let hub = project.join(".bare");
        repo.git(&["clone", "-q", "--bare", ".", hub.to_str().unwrap()]);
        std::fs::write(project.join(".git"), "gitdir: ./.bare\n").unwrap();
        let tree = project.join("main");
        repo.git(&["-C", project.to_str().unwrap(), "worktree", "add", "-q", tree.to_str().unwrap()]);
        let found = locate_for_test(&tree).unwrap();
        assert_eq!((found.kind, &found.path, &found.common_dir), (LocationKind::LinkedWorktree, &tree, &hub));
        assert_eq!(locate_for_test(&project).unwrap().kind, LocationKind::Bare);
    }

    #[test]
    fn what_is_no_repository_is_refused_with_its_reason() {
        let repo = TestRepo::new();
        assert!(matches!(locate_for_test(&repo.outside("nowhere")), Err(LocateError::Missing { .. })));
        let plain = repo.outside("plain");
        std::fs::create_dir(&plain).unwrap();
        assert!(matches!(locate_for_test(&plain), Err(LocateError::NotARepository { .. })));
        // A broken `.git` file inside another repository must not be taken for that repository.
        let sub = repo.path().join("sub");
        std::fs::create_dir(&sub).unwrap();
        std::fs::write(sub.join(".git"), "gitdir: ../nowhere\n").unwrap();
        assert!(matches!(locate_for_test(&sub), Err(LocateError::Broken { .. })));
    }

    #[test]
    fn reftable_is_named_unsupported() {
        let repo = TestRepo::new();
        let path = repo.outside("reftable");
        if !repo.try_git(&["init", "-q", "--ref-format=reftable", path.to_str().unwrap()]) {
            return; // this git is older than 2.45 and cannot make one
        }
        let error = locate_for_test(&path).unwrap_err();
        assert!(matches!(error, LocateError::Reftable { .. }), "{error}");
        assert!(error.to_string().contains("unsupported: reftable"));
    }

    #[test]
    fn the_agents_directories_and_repositories_exclude_each_other() {
        let repo = TestRepo::new();
        let elsewhere = Path::new("/nonexistent");
        let inside = repo.path().join("not/yet/there");
        for (home, cache) in [(inside.as_path(), elsewhere), (elsewhere, inside.as_path())] {
            assert!(matches!(locate(repo.path(), home, cache), Err(LocateError::ContainsAgent { .. })));
        }
        let around = repo.path().parent().unwrap();
        assert!(matches!(locate(repo.path(), around, elsewhere), Err(LocateError::InsideAgent { .. })));
    }

    #[test]
    fn home_and_root_are_too_wide() {
        let repo = TestRepo::new();
        let at = |path: &Path| Location {
            kind: LocationKind::Worktree,
            path: path.to_owned(),
            git_dir: path.join(".git"),
            common_dir: path.join(".git"),
        };
        assert!(matches!(refuse_wide(&at(Path::new("/")), None), Err(LocateError::TooWide { .. })));
        assert!(matches!(refuse_wide(&at(repo.path()), Some(repo.path())), Err(LocateError::TooWide { .. })));
        assert!(refuse_wide(&at(repo.path()), Some(Path::new("/nonexistent"))).is_ok());
    }

    #[test]
    fn another_users_repository_is_refused() {
        let repo = TestRepo::new();
        let found = locate_for_test(repo.path()).unwrap();
        let me = rustix::process::geteuid().as_raw();
        let candidate = repo.path().join(".git");
        assert!(refuse_foreign(&found, &candidate, me).is_ok());
        let error = refuse_foreign(&found, &candidate, me + 1).unwrap_err();
        assert!(matches!(error, LocateError::ForeignOwner { owner, .. } if owner == me));
    }
}
