//! cache status.

use std::fmt::Write;
use std::path::PathBuf;

use clap::Args;

use crate::cli::output::{human_bytes, print, print_json};
use crate::cli::{Context, Failure};
use crate::query::Reader;
use crate::query::cache::report;
use crate::query::view::cache::{CachePart, CacheView, EntryTotals, VectorTotals};

#[derive(Args)]
pub struct StatusArgs {
    /// Only this repository
    #[arg(long)]
    repo: Option<PathBuf>,
    /// Print JSON
    #[arg(long)]
    json: bool,
}

/// Prints what the stores hold.
pub fn status(context: &Context, args: &StatusArgs) -> Result<(), Failure> {
    let reader = Reader::open(&context.home, &context.config)?;
    let repos = match &args.repo {
        Some(named) => vec![reader.repo(&named)?],
        None => reader.repos()?,
    };
    let report = report(&reader, &repos);
    if args.json { print_json(&report) } else { print(&describe(&report)) }
}

fn describe(report: &CacheView) -> String {
    let mut out = String::new();
    // Writing into a String cannot fail.
    let _ = write_report(&mut out, report);
    out
}

/// What takes the room, most first.
fn write_contents(out: &mut String, report: &CacheView) -> std::fmt::Result {
    let mut contents: Vec<(&String, &u64)> = report.by_content.iter().filter(|(_, bytes)| **bytes > 0).collect();
    contents.sort_by(|a, b| b.1.cmp(a.1));
    let shown: Vec<String> = contents.iter().map(|(name, bytes)| format!("{name} {}", human_bytes(**bytes))).collect();
    if shown.is_empty() { Ok(()) } else { writeln!(out, "of that   {}", shown.join(", ")) }
}

fn write_report(out: &mut String, report: &CacheView) -> std::fmt::Result {
    writeln!(out, "size      {} of {} on disk", human_bytes(report.bytes), human_bytes(report.max_bytes))?;
    write_contents(out, report)?;
    let entries = &report.entries;
    writeln!(out, "analyses  {}", counted(entries))?;
    match report.hit_rate {
        Some(rate) => {
            let (hits, all) = (report.hits, report.hits + report.misses);
            let (percent, saved) = (rate * 100.0, entries.saved_usd);
            let copied = report.copied;
            writeln!(
                out,
                "hits      {hits} of {all} ({percent:.1} %), {copied} from other repositories; ${saved:.4} saved"
            )?;
        }
        None => writeln!(out, "hits      none: no analysis was asked for yet")?,
    }
    write_vectors(out, &report.vectors)?;
    if report.evicted > 0 {
        writeln!(
            out,
            "evicted   {} analyses of present files; they are made again when asked for or changed",
            report.evicted
        )?;
    }
    match &report.last_prune {
        Some(prune) => writeln!(
            out,
            "pruned    {}: {} entries, {} ({})",
            prune.pruned_at,
            prune.entries_removed,
            human_bytes(prune.bytes_freed),
            prune.strategy
        )?,
        None => writeln!(out, "pruned    never")?,
    }
    if report.bytes > report.max_bytes {
        writeln!(out, "note      larger than cache.max_size_mb allows; `ra-agent cache prune` makes it smaller")?;
    }
    write_parts(out, "by type", &report.by_type)?;
    write_parts(out, "by model", &report.by_model)?;
    if !report.by_repo.is_empty() {
        writeln!(out, "\nby repository")?;
    }
    for repo in &report.by_repo {
        writeln!(out, "  {} on disk  {}\n    {}", human_bytes(repo.bytes), repo.repo, counted(&repo.entries))?;
    }
    if let Some(why) = &report.why_empty {
        writeln!(out, "\n{why}")?;
    }
    for error in &report.errors {
        writeln!(out, "\n{error}")?;
    }
    Ok(())
}

fn write_vectors(out: &mut String, vectors: &VectorTotals) -> std::fmt::Result {
    writeln!(
        out,
        "vectors   {} chunks of {} files in {}; {} of text that may come back; {} embedded, {} found",
        vectors.chunks,
        vectors.files,
        human_bytes(vectors.bytes),
        vectors.kept,
        vectors.made,
        vectors.found
    )
}

fn write_parts(out: &mut String, title: &str, parts: &[CachePart]) -> std::fmt::Result {
    if !parts.is_empty() {
        writeln!(out, "\n{title}")?;
    }
    for part in parts {
        writeln!(out, "  {:<18} {}", part.name, counted(&part.entries))?;
    }
    Ok(())
}

fn counted(entries: &EntryTotals) -> String {
    let ratio = entries.compression_ratio().map_or_else(String::new, |ratio| format!(" ({ratio:.1} times smaller)"));
    format!(
        "{}; {} as {}{ratio}; {} tokens, ${:.4}",
        entries.entries,
        human_bytes(entries.raw_bytes),
        human_bytes(entries.stored_bytes),
        entries.tokens,
        entries.cost_usd
    )
}
