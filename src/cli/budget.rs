//! `budget status`, `set`, `history`.

use std::fmt::Write;

use super::output::{print, print_json, short};
use super::verbs::BudgetAct;
use super::{Context, Failure};
use crate::clock;
use crate::config::{Config, set_limits};
use crate::daemon::control::StateChange;
use crate::query::Reader;
use crate::query::budget::{budget_and_price, history};
use crate::query::view::budget::{BudgetHistory, BudgetStatus, BudgetView, GroupStatus, ModelPrice};

/// Commits and crashed calls that are listed for people; `--json` lists all.
const LISTED: usize = 10;

pub fn run(context: Context, act: BudgetAct) -> Result<(), Failure> {
    match act {
        BudgetAct::Status { json } => status(&context, json),
        BudgetAct::Set { monthly, daily } => set(context, monthly, daily.map(|daily| daily.0)),
        BudgetAct::History { days, json } => {
            let spent = history(&Reader::open(&context.home, &context.config)?, days, clock::now())?;
            if json { print_json(&spent) } else { print(&describe_history(&spent, terminal_width())) }
        }
    }
}

fn set(mut context: Context, monthly: Option<u64>, daily: Option<Option<u64>>) -> Result<(), Failure> {
    context.home.create()?;
    set_limits(&context.home.config_file(), monthly, daily)?;
    context.config = Config::load(&context.home.config_file(), context.home.root())?;
    print(&format!("{}\n", context.change(StateChange::Limits { allow: monthly.is_some() })?))?;
    Ok(())
}

fn status(context: &Context, json: bool) -> Result<(), Failure> {
    let view = budget_and_price(&Reader::open(&context.home, &context.config)?, clock::now())?;
    if json { print_json(&view) } else { print(&describe(&view)) }
}

fn describe(view: &BudgetView) -> String {
    let mut out = String::new();
    // Writing into a String cannot fail.
    let _ = write_status(&mut out, &view.status);
    out.push_str(&describe_price(view.model.as_ref()));
    out
}

fn write_status(out: &mut String, status: &BudgetStatus) -> std::fmt::Result {
    let amount = dollars;
    writeln!(
        out,
        "month     {}: {} of {} spent ({:.1} %), {} reserved, {} left",
        status.month,
        amount(status.spent_usd),
        amount(status.limit_usd),
        status.percent,
        amount(status.reserved_usd),
        amount(status.remaining_usd)
    )?;
    let day = &status.day;
    match (day.limit_usd, day.remaining_usd) {
        (Some(limit), Some(left)) => writeln!(
            out,
            "day       {}: {} of {} spent, {} reserved, {} left",
            day.day,
            amount(day.spent_usd),
            amount(limit),
            amount(day.reserved_usd),
            amount(left)
        )?,
        _ => writeln!(out, "day       {}: {} spent, no limit of its own", day.day, amount(day.spent_usd))?,
    }
    writeln!(out, "forecast  {} at the end of the month at this rate", amount(status.projected_usd))?;
    match (status.mean_usd_per_file, status.mean_usd_per_analysis, status.files_remaining) {
        (Some(file), Some(analysis), Some(files)) => writeln!(
            out,
            "files     about {files} more this month, at {} a file ({} an analysis; mean of {} files)",
            amount(file),
            amount(analysis),
            status.mean_of_files
        )?,
        _ => writeln!(out, "files     nothing was paid yet, so the mean cost of a file is unknown")?,
    }
    if status.parked > 0 {
        let then = status.resumes_at.as_deref().map_or_else(String::new, |then| format!("{then} or "));
        writeln!(out, "parked    {} job(s), until {then}`ra-agent budget set`", status.parked)?;
    }
    if let Some(reason) = &status.stopped {
        writeln!(out, "stopped   {reason}; `ra-agent budget set --monthly <dollars>` allows spending again")?;
    }
    Ok(())
}

/// What the configured model costs, or why that is not known.
fn describe_price(price: Option<&ModelPrice>) -> String {
    let Some(ModelPrice { model, input_usd, cached_input_usd, output_usd, unknown }) = price else {
        return "model     none is configured: nothing is sent and nothing is spent\n".to_owned();
    };
    match (input_usd, cached_input_usd, output_usd) {
        (Some(0.0), Some(0.0), Some(0.0)) => format!("model     {model}: your own, free\n"),
        (Some(input), Some(cached), Some(output)) => format!(
            "model     {model}: {} a million tokens read ({} cached), {} written\n",
            dollars(*input),
            dollars(*cached),
            dollars(*output)
        ),
        _ => format!("model     {}", unknown.as_deref().unwrap_or("its price is unknown\n")),
    }
}

fn describe_history(history: &BudgetHistory, width: usize) -> String {
    let mut out = String::new();
    let _ = write_history(&mut out, history, width);
    out
}

fn write_history(out: &mut String, history: &BudgetHistory, width: usize) -> std::fmt::Result {
    let most = history.days.iter().map(|day| day.group.spent_usd).fold(0.0, f64::max);
    for day in &history.days {
        let line = format!("{}  {:>10}  {:>5} calls  ", day.name, dollars(day.group.spent_usd), day.group.calls);
        let bar = bar(day.group.spent_usd, most, width.saturating_sub(line.len()));
        writeln!(out, "{}", format!("{line}{bar}").trim_end())?;
    }
    let total = &history.total;
    writeln!(
        out,
        "\ntotal       {:>10}  {:>5} calls, {} tokens read, {} written",
        dollars(total.spent_usd),
        total.calls,
        total.input_tokens,
        total.output_tokens
    )?;
    if total.calls == 0 {
        writeln!(out, "nothing was spent: no model was asked in these days")?;
    }
    if total.reserved_usd > 0.0 {
        writeln!(out, "in flight   {:>10}  at most", dollars(total.reserved_usd))?;
    }
    if total.unreported > 0 {
        writeln!(out, "{} call(s) at their worst case: the provider reported no credible usage", total.unreported)?;
    }
    for (title, groups) in
        [("by repository", &history.repos), ("by type", &history.types), ("by model", &history.models)]
    {
        write_groups(out, title, groups.iter().map(|named| (named.name.clone(), named.group)))?;
    }
    let commits = history.commits.iter().map(|one| {
        let commit = one.commit.as_deref().map_or("no commit", short);
        (format!("{commit}  {}", one.repo), one.group)
    });
    write_groups(out, "by commit", commits.take(LISTED))?;
    write_crashed(out, history)
}

fn write_groups(
    out: &mut String,
    title: &str,
    groups: impl Iterator<Item = (String, GroupStatus)>,
) -> std::fmt::Result {
    for (index, (name, group)) in groups.enumerate() {
        if index == 0 {
            writeln!(out, "\n{title}")?;
        }
        writeln!(out, "  {:>10}  {:>5} calls  {name}", dollars(group.spent_usd), group.calls)?;
    }
    Ok(())
}

fn write_crashed(out: &mut String, history: &BudgetHistory) -> std::fmt::Result {
    let skipped = history.crashed.len().saturating_sub(LISTED);
    for (index, call) in history.crashed.iter().skip(skipped).enumerate() {
        if index == 0 {
            writeln!(out, "\nin flight at a crash: {} call(s), the last of them", history.crashed.len())?;
        }
        writeln!(
            out,
            "  {:>10}  {}  {} {}  {}",
            dollars(call.cost_usd),
            call.reserved_at,
            call.path,
            call.analysis_type,
            call.outcome
        )?;
    }
    Ok(())
}

/// Draws a bar of plain characters as long as its share of the longest one; any value above zero shows.
fn bar(value: f64, most: f64, longest: usize) -> String {
    if value <= 0.0 || most <= 0.0 {
        return String::new();
    }
    "#".repeat(((value / most * longest as f64).round() as usize).clamp(1, longest.max(1)))
}

/// Formats an amount for people: cents from a dollar on, else four digits, or nine where four would show nothing.
fn dollars(usd: f64) -> String {
    match usd {
        0.0 => "$0.00".to_owned(),
        usd if usd < 0.0001 => format!("${usd:.9}"),
        usd if usd < 1.0 => format!("${usd:.4}"),
        usd => format!("${usd:.2}"),
    }
}

/// Columns of the terminal; 80 where there is none.
fn terminal_width() -> usize {
    const NONE: usize = 80;
    console::Term::stdout().size_checked().map_or(NONE, |(_, columns)| usize::from(columns))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::query::view::budget::NamedSpending;

    #[test]
    fn amounts_are_as_short_as_they_may_be() {
        for (usd, text) in [(0.0, "$0.00"), (3.0, "$3.00"), (0.1234567, "$0.1235"), (0.000000001, "$0.000000001")] {
            assert_eq!(dollars(usd), text);
        }
    }

    #[test]
    fn the_longest_bar_fills_the_terminal_and_no_line_is_longer() {
        let group = |spent_usd| GroupStatus {
            calls: 3,
            spent_usd,
            reserved_usd: 0.0,
            input_tokens: 1,
            output_tokens: 1,
            unreported: 0,
            crashed: 0,
        };
        let day = |name: &str, spent| NamedSpending { name: name.to_owned(), group: group(spent) };
        let history = BudgetHistory {
            total: group(0.6),
            days: vec![day("2026-11-20", 0.4), day("2026-11-21", 0.0), day("2026-11-22", 0.2)],
            repos: Vec::new(),
            commits: Vec::new(),
            types: Vec::new(),
            models: Vec::new(),
            crashed: Vec::new(),
        };
        for width in [20, 80, 200] {
            let text = describe_history(&history, width);
            let bars: Vec<usize> = text.lines().take(3).map(|line| line.matches('#').count()).collect();
            let room = width.saturating_sub("2026-11-20     $0.4000      3 calls  ".len()).max(1);
            assert_eq!(bars, [room, 0, (room as f64 / 2.0).round() as usize], "{text}");
            assert!(text.is_ascii() && !text.contains('\u{1b}'), "plain characters");
        }
    }
}
