//! hooks install, uninstall, status.

use std::path::PathBuf;

use super::{GitVersion, HookedRepo, HooksError, InRepo, user_config_file};
use crate::cli::output::{print, print_json};
use crate::cli::verbs::HooksAct;
use crate::cli::{Context, Failure};
use crate::query::Reader;
use crate::query::view::hooks::{HooksView, RepoHooksView};
use crate::query::view::repos::NONE_REGISTERED;
use crate::repo::locate;
use crate::repo::registry::Registered;

pub fn run(context: &Context, act: HooksAct) -> Result<(), Failure> {
    match act {
        HooksAct::Install { in_repo: None } => {
            context.home.create()?;
            let way =
                super::install(&context.home, &hooked(context)?, GitVersion::of_installed()?, &user_config_file()?)?;
            print(&format!("{way}\n"))?;
        }
        HooksAct::Uninstall { in_repo: None } => {
            for repo in hooked(context)? {
                super::uninstall_in_repo(&repo.common_dir)?;
            }
            super::uninstall(&context.home, &user_config_file()?)?;
            print(
                "the hooks are out of Git's configuration and of every registered repository; the watch on the git directories notices commits\n",
            )?;
        }
        HooksAct::Install { in_repo: Some(path) } => {
            let repos = hooked(context)?;
            let done = super::install_in_repo(&context.home, &one(context, path)?, &repos)?;
            print(&format!("hooks are in {}{}\n", done.hooks_dir.display(), chained(&done)))?;
        }
        HooksAct::Uninstall { in_repo: Some(path) } => {
            // Any repository will do: a hook may have outlived its registration.
            let location = locate(&path, context.home.root(), &context.config.cache.location)?;
            let done = super::uninstall_in_repo(&location.common_dir)?;
            print(&format!("our hooks are out of {}\n", done.hooks_dir.display()))?;
        }
        HooksAct::Status { json } => status(context, json)?,
    }
    Ok(())
}

/// Brings installed hooks in step with what is registered.
pub fn sync_registered(context: &Context) -> Result<(), Failure> {
    Ok(super::sync(&context.home, &hooked(context)?)?)
}

/// How the commits of each registered repository are noticed.
pub fn of_registered(context: &Context, git: GitVersion) -> Result<Vec<RepoHooksView>, Failure> {
    let repos = hooked(context)?;
    let status = |repo| super::status(&context.home, repo, &repos, git);
    Ok(repos.iter().map(status).collect::<Result<_, HooksError>>()?)
}

fn status(context: &Context, json: bool) -> Result<(), Failure> {
    let git = GitVersion::of_installed()?;
    let view = HooksView { git: git.to_string(), repos: of_registered(context, git)? };
    if json { print_json(&view) } else { print(&describe(&view)) }
}

fn describe(view: &HooksView) -> String {
    let mut out = format!("git {}\n", view.git);
    for one in &view.repos {
        let note = if one.enabled { "" } else { " (hook.ra-agent.enabled is off here; the watch notices its commits)" };
        out.push_str(&format!("{}  {}{note}\n", one.repo, one.way));
    }
    if view.repos.is_empty() {
        out.push_str(&format!("{NONE_REGISTERED}\n"));
    }
    out
}

fn chained(done: &InRepo) -> String {
    if done.chained.is_empty() {
        return String::new();
    }
    format!("; your own hooks run after ours: {}", done.chained.join(", "))
}

fn hooked(context: &Context) -> Result<Vec<HookedRepo>, Failure> {
    let repos = Reader::open(&context.home, &context.config)?.repos()?;
    Ok(repos.into_iter().map(hooked_repo).collect())
}

fn one(context: &Context, path: PathBuf) -> Result<HookedRepo, Failure> {
    let repo = Reader::open(&context.home, &context.config)?.repo(&path)?;
    Ok(hooked_repo(repo))
}

fn hooked_repo(repo: Registered) -> HookedRepo {
    HookedRepo {
        id: repo.id,
        path: repo.location.path,
        git_dir: repo.location.git_dir,
        common_dir: repo.location.common_dir,
    }
}
