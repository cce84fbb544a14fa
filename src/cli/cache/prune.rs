//! cache prune.

use clap::Args;

use super::{maintain, unexpected};
use crate::cache::prune::Strategy;
use crate::cli::output::{human_bytes, print, print_json};
use crate::cli::{Context, Failure};
use crate::query::suggest;
use crate::query::view::upkeep::{PruneView, PrunedRepoView};
use crate::worker::maintenance::{Maintained, Maintenance};
use crate::worker::prune::{Prune, Pruned, PrunedRepo};

#[derive(Args)]
pub struct PruneArgs {
    /// Shrink the cache to this size, e.g. 500M, 2G. Without it: to 75 % of cache.max_size_mb
    #[arg(long, value_parser = size)]
    max_size: Option<u64>,
    /// What goes first. cost-aware weighs price, use and age; lru takes the last use alone
    #[arg(long, default_value = "cost-aware", value_parser = strategy)]
    strategy: Strategy,
    /// Only print what would be removed
    #[arg(long)]
    dry_run: bool,
    /// Print JSON
    #[arg(long)]
    json: bool,
}

/// Has the worker remove entries until the cache is small enough.
pub fn prune(context: &Context, args: &PruneArgs) -> Result<(), Failure> {
    let asked = Prune { max_bytes: args.max_size, strategy: args.strategy, dry_run: args.dry_run };
    match maintain(context, Maintenance::Prune(asked))? {
        Maintained::Pruned(done) => {
            let view = PruneView::from(done);
            if args.json { print_json(&view) } else { print(&describe(&view)) }
        }
        other => Err(unexpected(&other)),
    }
}

impl From<Pruned> for PruneView {
    fn from(done: Pruned) -> Self {
        let Pruned { strategy, dry_run, limit_bytes, target_bytes, before_bytes, after_bytes, repos } = done;
        let repos = repos.into_iter().map(PrunedRepoView::from).collect();
        Self { strategy, dry_run, limit_bytes, target_bytes, before_bytes, after_bytes, repos }
    }
}

impl From<PrunedRepo> for PrunedRepoView {
    fn from(done: PrunedRepo) -> Self {
        let PrunedRepo { repo, analyses, live, outlines, vectors, bytes } = done;
        Self { repo, analyses, live, outlines, vectors, bytes }
    }
}

fn describe(done: &PruneView) -> String {
    let (would, about) = if done.dry_run { ("would be ", "about ") } else { ("", "") };
    let mut out = format!(
        "the cache holds {}; it {} {about}{} (asked for: at most {})\n",
        human_bytes(done.before_bytes),
        if done.dry_run { "would come down to" } else { "came down to" },
        human_bytes(done.after_bytes),
        human_bytes(done.target_bytes)
    );
    for repo in &done.repos {
        out.push_str(&format!(
            "  {}: {would}removed: {} analyses ({} of them of present files), {} outlines, {} vectors of old text; {about}{}\n",
            repo.repo,
            repo.analyses,
            repo.live,
            repo.outlines,
            repo.vectors,
            human_bytes(repo.bytes)
        ));
    }
    if done.after_bytes > done.target_bytes {
        out.push_str(
            "the rest is needed to search and to compare; for a smaller cache, register fewer or smaller repositories\n",
        );
    }
    out
}

fn strategy(text: &str) -> Result<Strategy, String> {
    let hint = || suggest::hint(text, ["cost-aware", "lru"]);
    Strategy::parse(text).ok_or_else(|| format!("{text} is no strategy; write cost-aware or lru{}", hint()))
}

/// A number of bytes with a unit: K, M or G, of 1,000 each, as in `cache.max_size_mb`.
fn size(text: &str) -> Result<u64, String> {
    let digits = text.find(|c: char| !c.is_ascii_digit()).unwrap_or(text.len());
    let (number, unit) = text.split_at(digits);
    let number: u64 =
        number.parse().map_err(|_| format!("{text} does not begin with a whole number; write e.g. 500M"))?;
    let factor = match unit.to_ascii_uppercase().as_str() {
        "" | "B" => 1,
        "K" | "KB" => 1_000,
        "M" | "MB" => 1_000_000,
        "G" | "GB" => 1_000_000_000,
        _ => return Err(format!("{unit} is not a unit of size; write K, M or G")),
    };
    number.checked_mul(factor).ok_or_else(|| format!("{text} is too large"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_have_units() {
        assert_eq!((size("500M"), size("2g"), size("17")), (Ok(500_000_000), Ok(2_000_000_000), Ok(17)));
        assert!(size("M").is_err() && size("5 apples").is_err() && size("99999999999999G").is_err());
    }
}
