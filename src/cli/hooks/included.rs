//! The agent's files for the hooks that Git's configuration names: the one file that the user's configuration includes, and the files
//! that this one names.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use super::{HookedRepo, HooksError, git_config, script};
use crate::domain::RepoId;
use crate::home::Home;
use crate::repo::config_text::config_values;

/// Above so many repositories one hook serves all, and finds out in which it runs. Git evaluates every condition with every command:
/// 100 cost nothing that can be measured, 1,000 cost 4 ms (git 2.55); one script that knows 1,000 costs a commit 1.2 ms, and nothing else.
const MOST_CONDITIONS: usize = 200;

/// The one script where there are more. No repository's id has a name like that.
fn script_for_all(home: &Home) -> PathBuf {
    home.hooks().join("all.sh")
}

/// The one file that the user's configuration includes.
pub(super) fn file(home: &Home) -> PathBuf {
    home.hooks().join("hooks.gitconfig")
}

/// Work trees of one repository share its hooks, and Git runs one command a hook name: so there is one script for each common
/// directory, named after the first of its repositories, and it touches the inbox file of each.
fn scripts(repos: &[HookedRepo]) -> BTreeMap<PathBuf, RepoId> {
    let mut scripts: BTreeMap<PathBuf, RepoId> = BTreeMap::new();
    for repo in repos {
        let id = scripts.entry(repo.common_dir.clone()).or_insert_with(|| repo.id.clone());
        if repo.id < *id {
            *id = repo.id.clone();
        }
    }
    scripts
}

pub(super) fn inbox_files(home: &Home, repos: &[HookedRepo], common_dir: &Path) -> BTreeSet<PathBuf> {
    repos.iter().filter(|repo| repo.common_dir == common_dir).map(|repo| home.inbox_file(&repo.id)).collect()
}

/// Repositories that no configuration can name.
pub(super) fn left_out(repos: &[HookedRepo]) -> Vec<PathBuf> {
    let nameless = |repo: &&HookedRepo| git_config::conditional_include(&repo.common_dir, "").is_none();
    let by_condition = scripts(repos).len() <= MOST_CONDITIONS;
    repos.iter().filter(|_| by_condition).filter(nameless).map(|repo| repo.path.clone()).collect()
}

/// The script that Git runs for a commit in this repository, if hooks are installed by configuration.
pub(super) fn script_of(home: &Home, repos: &[HookedRepo], repo: &HookedRepo) -> Option<PathBuf> {
    let scripts = scripts(repos);
    let name = scripts.get(&repo.common_dir)?;
    Some(if scripts.len() > MOST_CONDITIONS { script_for_all(home) } else { home.hooks().join(format!("{name}.sh")) })
}

/// Writes the scripts first, then the files that name them, then removes what nothing names: wherever this stops, Git finds every
/// script that its configuration names.
pub(super) fn write_all(home: &Home, repos: &[HookedRepo]) -> Result<(), HooksError> {
    let hooks = home.hooks();
    std::fs::create_dir_all(&hooks).map_err(|source| HooksError::Unwritable { path: hooks.clone(), source })?;
    let (all, mut keep) = if scripts(repos).len() > MOST_CONDITIONS {
        write_one_for_all(home, repos)?
    } else {
        write_one_for_each(home, repos)?
    };
    let all = [b"# Written by ra-agent; included by the user's Git configuration.\n", &all[..]].concat();
    keep.insert(file(home));
    write_parsed(&file(home), &all)?;
    remove_others(&hooks, &keep)
}

/// Content of the included file, and the files that it needs.
type IncludedContent = (Vec<u8>, BTreeSet<PathBuf>);

fn write_one_for_all(home: &Home, repos: &[HookedRepo]) -> Result<IncludedContent, HooksError> {
    let script = script_for_all(home);
    let known = repos.iter().map(|repo| (repo.path.as_path(), home.inbox_file(&repo.id)));
    write(&script, &script::notify_by_directory(known), 0o700)?;
    Ok((git_config::hook_section(&script), BTreeSet::from([script])))
}

fn write_one_for_each(home: &Home, repos: &[HookedRepo]) -> Result<IncludedContent, HooksError> {
    let (hooks, mut all, mut keep) = (home.hooks(), Vec::new(), BTreeSet::new());
    for (common_dir, id) in scripts(repos) {
        let section_file = format!("{id}.gitconfig");
        let Some(include) = git_config::conditional_include(&common_dir, &section_file) else { continue };
        let (script, section) = (hooks.join(format!("{id}.sh")), hooks.join(&section_file));
        let inbox_files = inbox_files(home, repos, &common_dir);
        write(&script, &script::notify(inbox_files.iter().map(PathBuf::as_path)), 0o700)?;
        write_parsed(&section, &git_config::hook_section(&script))?;
        all.extend(include);
        keep.extend([script, section]);
    }
    Ok((all, keep))
}

/// A broken file here would stop every `git` command of the user, so each is read back before it takes its place.
fn write_parsed(path: &Path, content: &[u8]) -> Result<(), HooksError> {
    config_values(content).ok_or_else(|| HooksError::NotParsed { path: path.to_path_buf() })?;
    write(path, content, 0o600)
}

fn write(path: &Path, content: &[u8], mode: u32) -> Result<(), HooksError> {
    if std::fs::read(path).is_ok_and(|present| present == content) {
        return Ok(());
    }
    crate::file::replace(path, content, mode)
        .map_err(|source| HooksError::Unwritable { path: path.to_path_buf(), source })
}

fn remove_others(hooks: &Path, keep: &BTreeSet<PathBuf>) -> Result<(), HooksError> {
    let failed = |source| HooksError::Unwritable { path: hooks.to_path_buf(), source };
    for entry in std::fs::read_dir(hooks).map_err(failed)? {
        let path = entry.map_err(failed)?.path();
        if !keep.contains(&path) {
            std::fs::remove_file(&path).map_err(failed)?;
        }
    }
    Ok(())
}
