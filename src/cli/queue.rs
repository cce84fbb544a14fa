//! `queue list`, `show`, `retry`, `discard`, `pause`, `resume`.

use std::path::PathBuf;

use super::output::{print, print_json};
use super::verbs::QueueAct;
use super::{Context, Failure};
use crate::daemon::control::StateChange;
use crate::domain::JobState;
use crate::query::view::plain::visible;
use crate::query::view::queue::{EmptyQueue, JobView, QueueView};
use crate::query::{QueryError, Reader};
use crate::queue::{self, Filter};

pub fn run(context: &Context, act: QueueAct) -> Result<(), Failure> {
    let change = match act {
        QueueAct::List { repo, discarded, all, limit, json } => {
            let states = match (discarded, all) {
                (true, _) => vec![JobState::Discarded, JobState::Quarantined],
                (_, true) => Vec::new(),
                _ => vec![JobState::Queued, JobState::Running, JobState::Parked],
            };
            return list(context, repo, Filter { repo: None, states, limit }, json);
        }
        QueueAct::Show { job, json } => return show(context, job, json),
        QueueAct::Retry { job, .. } => StateChange::Retry { job },
        QueueAct::Discard { job } => StateChange::Discard { job },
        QueueAct::Pause => StateChange::Pause,
        QueueAct::Resume => StateChange::Resume,
    };
    print(&format!("{}\n", context.change(change)?))
}

fn list(context: &Context, repo: Option<PathBuf>, mut filter: Filter, json: bool) -> Result<(), Failure> {
    let reader = Reader::open(&context.home, &context.config)?;
    filter.repo = repo.map(|path| reader.repo(&path)).transpose()?.map(|repo| repo.id);
    let view = queue_view(&reader, &filter)?;
    if json { print_json(&view) } else { print(&describe_list(&view)) }
}

fn queue_view(reader: &Reader<'_>, filter: &Filter) -> Result<QueueView, QueryError> {
    let jobs = reader.agent.as_ref().map(|db| queue::list(db, filter)).transpose()?.unwrap_or_default();
    let jobs: Vec<JobView> = jobs.iter().map(JobView::from).collect();
    let why_empty = if jobs.is_empty() { Some(why_empty(reader, filter)?) } else { None };
    Ok(QueueView { jobs, why_empty })
}

fn why_empty(reader: &Reader<'_>, filter: &Filter) -> Result<String, QueryError> {
    let db = reader.agent.as_ref();
    let empty = EmptyQueue {
        repos: reader.repos()?.len(),
        states: &filter.states,
        counts: db.map(|db| queue::counts(db, filter.repo.as_ref())).transpose()?.unwrap_or_default(),
        is_paused: db.map(queue::is_paused).transpose()?.unwrap_or(false),
    };
    Ok(empty.why())
}

fn show(context: &Context, job: i64, json: bool) -> Result<(), Failure> {
    let reader = Reader::open(&context.home, &context.config)?;
    let found = reader.agent.as_ref().map(|db| queue::get(db, job)).transpose().map_err(QueryError::from)?.flatten();
    let found = found
        .ok_or_else(|| Failure::Failed(format!("there is no job {job}; `ra-agent queue list --all` lists them")))?;
    let view = JobView::from(&found);
    if json { print_json(&view) } else { print(&describe(&view)) }
}

fn describe_list(view: &QueueView) -> String {
    let mut out = String::new();
    for job in &view.jobs {
        out.push_str(&format!(
            "{:>6}  {:<11} {:<8} {:<16} {}  ({})\n",
            job.id,
            job.state,
            job.priority,
            job.kind,
            job.shown_path(),
            job.shown_reason()
        ));
        if let Some(detail) = &job.detail {
            out.push_str(&format!("        {}\n", visible(detail)));
        }
    }
    if let Some(why) = &view.why_empty {
        out.push_str(&format!("{why}\n"));
    }
    out
}

fn describe(job: &JobView) -> String {
    let mut out = format!(
        "job {} of repository {}\n  file      {}\n  kind      {}\n  state     {}\n  priority  {}\n  reason    {}\n  attempts  {}\n  key       {}\n  queued    {}\n",
        job.id,
        job.repo_id,
        job.shown_path(),
        job.kind,
        job.state,
        job.priority,
        job.shown_reason(),
        job.attempts,
        job.cache_key,
        job.created_at
    );
    if let Some(detail) = &job.detail {
        out.push_str(&format!("  detail    {}\n", visible(detail)));
    }
    out
}
