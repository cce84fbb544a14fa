//! cache migrate: the caches that an earlier tool kept inside repositories.

use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};

use super::{maintain, unexpected};
use crate::cli::output::{print, print_json};
use crate::cli::{Context, Failure};
use crate::domain::FilePath;
use crate::query::Reader;
use crate::query::view::upkeep::{EntryNames, MigrateView, MigratedCacheView};
use crate::query::view::usd;
use crate::repo::legacy;
use crate::worker::maintenance::{Maintained, Maintenance};
use crate::worker::migrate::{Migrate, Migrated, MigratedCache, MigrationSource, Named};
use clap::Args;

#[derive(Args)]
pub struct MigrateArgs {
    /// A registered repository, or the .rustassistant directory in it. Without it: every registered repository
    #[arg(long, value_name = "DIR")]
    from: Vec<PathBuf>,
    /// Also import analyses of contents that earlier commits had
    #[arg(long)]
    history: bool,
    /// Print JSON
    #[arg(long)]
    json: bool,
}

/// Has the worker import caches, and reports what became of each entry.
pub fn migrate(context: &Context, args: &MigrateArgs) -> Result<(), Failure> {
    let MigrateArgs { from, history, json } = args;
    let reader = Reader::open(&context.home, &context.config)?;
    let sources = if from.is_empty() { registered(&reader)? } else { given(&reader, from)? };
    if sources.is_empty() {
        let view = MigrateView::nothing();
        return if *json { print_json(&view) } else { print(&describe(&view, *history)) };
    }
    match maintain(context, Maintenance::Migrate(Migrate { sources, history: *history }))? {
        Maintained::Migrated(done) => {
            let view = MigrateView::from(done);
            if *json {
                print_json(&view)?
            } else {
                print(&describe(&view, *history))?
            }
            match view.caches.iter().find_map(|cache| cache.error.as_ref()) {
                Some(error) => Err(Failure::Failed(format!("the import is not complete: {error}"))),
                None => Ok(()),
            }
        }
        other => Err(unexpected(&other)),
    }
}

/// The caches of all registered repositories that have one.
fn registered(reader: &Reader<'_>) -> Result<Vec<MigrationSource>, Failure> {
    let source =
        |repo: crate::repo::registry::Registered| Some(source(&repo.id.0, &legacy::find(&repo.location.path)?));
    Ok(reader.repos()?.into_iter().filter_map(source).collect())
}

/// The caches that directories mean; each must be inside a registered repository.
fn given(reader: &Reader<'_>, from: &[PathBuf]) -> Result<Vec<MigrationSource>, Failure> {
    let mut sources = Vec::new();
    for directory in from {
        let repo = reader.repo(&directory)?;
        let absolute = crate::query::canonical(directory).unwrap_or_else(|| directory.clone());
        let cache = legacy::find(&absolute).ok_or_else(|| {
            Failure::Failed(format!("{} has no cache to import (.rustassistant/cache)", directory.display()))
        })?;
        sources.push(source(&repo.id.0, &cache));
    }
    Ok(sources)
}

fn source(repo: &str, cache: &Path) -> MigrationSource {
    MigrationSource { repo: repo.to_owned(), cache: FilePath::new(cache.as_os_str().as_bytes()).escaped() }
}

impl From<Migrated> for MigrateView {
    fn from(done: Migrated) -> Self {
        Self { caches: done.caches.into_iter().map(MigratedCacheView::from).collect(), why_empty: None }
    }
}

impl From<MigratedCache> for MigratedCacheView {
    fn from(done: MigratedCache) -> Self {
        Self {
            repo: done.repo,
            cache: done.cache,
            entries: done.entries,
            imported: done.imported,
            known: done.known,
            tokens: done.tokens,
            cost_usd: usd(done.cost),
            unpriced: done.unpriced,
            outdated: done.outdated.into(),
            unreadable: done.unreadable.into(),
            error: done.error,
        }
    }
}

impl From<Named> for EntryNames {
    fn from(named: Named) -> Self {
        Self { count: named.count, first: named.first }
    }
}

fn describe(done: &MigrateView, history: bool) -> String {
    let mut out = String::new();
    if let Some(why) = &done.why_empty {
        out.push_str(&format!("{why}\n"));
    }
    for cache in &done.caches {
        out.push_str(&format!(
            "{}: {} of {} entries imported, {} were there already; {} tokens, ${:.4}\n",
            cache.cache, cache.imported, cache.entries, cache.known, cache.tokens, cache.cost_usd
        ));
        if cache.unpriced > 0 {
            out.push_str(&format!(
                "  {} have no price: their models are not in the configuration ([llm.prices.\"<model>\"])\n",
                cache.unpriced
            ));
        }
        let outdated = if history {
            "are about contents that the history does not hold"
        } else {
            "are about older contents (--history imports them)"
        };
        list(&mut out, &cache.outdated, outdated);
        list(&mut out, &cache.unreadable, "are not valid entries");
    }
    let whole = done.caches.iter().filter(|cache| cache.error.is_none());
    let directories: Vec<&str> = whole.map(|cache| cache.cache.as_str()).collect();
    if !directories.is_empty() {
        out.push_str("\nNothing was changed there. `ra-agent show <file>` shows what was imported. You may delete\n");
        directories.iter().for_each(|directory| out.push_str(&format!("  {directory}\n")));
        out.push_str(
            "and commit that: with no cache in the repository, no commit of a cache starts your CI any more.\n",
        );
    }
    out
}

fn list(out: &mut String, named: &EntryNames, are: &str) {
    if named.count > 0 {
        out.push_str(&format!("  {} {are}:\n", named.count));
        named.first.iter().for_each(|name| out.push_str(&format!("    {name}\n")));
        let more = named.count - named.first.len() as u64;
        if more > 0 {
            out.push_str(&format!("    and {more} more\n"));
        }
    }
}
