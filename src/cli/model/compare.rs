//! `model compare`.

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use indicatif::{ProgressBar, ProgressStyle};

use crate::cli::output::{human_bytes, print, print_json};
use crate::cli::{Context, Failure};
use crate::compare::{self, CompareProgress, CompareWatch};
use crate::embedder::install::is_installed;
use crate::embedder::model::KNOWN;
use crate::embedder::record;
use crate::query::Reader;
use crate::query::view::for_terminal;
use crate::query::view::models::{ComparedModel, ComparisonView};

/// `models`: those to compare; none: every one that is installed.
pub(super) fn run(context: &Context, models: Vec<String>, repo: &Path, json: bool) -> Result<(), Failure> {
    let models = if models.is_empty() { installed(context) } else { models };
    if let Some(missing) = models.iter().find(|id| !is_installed(&context.home.model(id), id)) {
        let advice = super::not_installed(context, missing, " --only-install");
        return Err(Failure::Usage(format!("the model {missing} is not installed{advice}")));
    }
    let reader = Reader::open(&context.home, &context.config)?;
    let repo = reader.repo(&repo)?;
    drop(reader);
    compare::remove_left_behind(&context.home);
    let bar = ProgressBar::new(0);
    if let Ok(style) = ProgressStyle::with_template("{bar:30} {pos}/{len} {msg}") {
        bar.set_style(style);
    }
    let progress = |now: CompareProgress<'_>| {
        bar.set_length(now.all as u64);
        bar.set_position(now.done as u64);
        bar.set_message(now.doing.to_owned());
    };
    let is_stopped = stopped_by_interrupt();
    let watch = CompareWatch { is_stopped: &is_stopped, progress: &progress };
    let compared = compare::compare(&context.home, &context.config, &repo, &models, &watch);
    bar.finish_and_clear();
    let view = compared.map_err(|error| Failure::Failed(error.to_string()))?;
    if json { print_json(&view) } else { print(&describe(&view)) }
}

fn installed(context: &Context) -> Vec<String> {
    let known = KNOWN.iter().map(|known| known.id.to_owned());
    let mut all: Vec<String> = known.chain(record::installed(&context.home.models()).into_keys()).collect();
    all.sort_unstable();
    all.dedup();
    all.retain(|id| is_installed(&context.home.model(id), id));
    all
}

/// Set when a person presses Ctrl-C: the directory of the comparison is removed then, too.
fn stopped_by_interrupt() -> Arc<AtomicBool> {
    let is_stopped = Arc::new(AtomicBool::new(false));
    let flag = is_stopped.clone();
    std::thread::spawn(move || {
        // Without the handler, Ctrl-C ends the process at once; the next comparison removes what stayed.
        let Ok(runtime) = tokio::runtime::Builder::new_current_thread().enable_all().build() else { return };
        if runtime.block_on(tokio::signal::ctrl_c()).is_ok() {
            flag.store(true, Ordering::Relaxed);
        }
    });
    is_stopped
}

fn describe(view: &ComparisonView) -> String {
    let mut out = format!(
        "{}: {} queries from documented functions, {} from commits, over {} chunks\n\n",
        for_terminal(&view.repo),
        view.documented,
        view.commits,
        view.chunks
    );
    out.push_str(
        "model                               functions        commits        all   first index    memory      disk\n",
    );
    out.push_str("                                 NDCG@10  Hit@5  NDCG@10  Hit@5  NDCG@10\n");
    out.extend(view.compared.iter().map(line));
    let recommended = view.recommended.as_deref().unwrap_or("words alone");
    out.push_str(&format!("\nrecommended: {recommended}: {}\n", view.why));
    if let Some(model) = &view.recommended {
        out.push_str(&format!("to use it: ra-agent model use {model}\n"));
    }
    out
}

fn line(one: &ComparedModel) -> String {
    let scores = format!(
        "{:<32} {:>7.3} {:>6.3}  {:>7.3} {:>6.3}  {:>7.3}",
        one.model.as_deref().unwrap_or("words alone"),
        one.documented_ndcg10,
        one.documented_hit5,
        one.commits_ndcg10,
        one.commits_hit5,
        one.ndcg10
    );
    if one.model.is_none() {
        return format!("{scores}\n");
    }
    let (memory, disk) = (human_bytes(one.memory_bytes), human_bytes(one.disk_bytes));
    format!("{scores} {:>10.1} s {memory:>10} {disk:>9}\n", one.seconds)
}
