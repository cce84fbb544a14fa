//! queue list, show, retry, discard, pause, resume.

use serde_json::{Value, json};

use super::output::{print, print_json};
use super::verbs::QueueAct;
use super::{Context, Failure};
use crate::daemon::control::Change;
use crate::domain::{JobState, StaleReason};
use crate::query::Reader;
use crate::queue::{self, Filter, Job};

pub fn run(context: &Context, act: QueueAct) -> Result<(), Failure> {
    let change = match act {
        QueueAct::List { repo, discarded, all, limit, json } => {
            let reader = Reader::open(&context.home, &context.config)?;
            let repo = repo.map(|path| reader.repo(&path.to_string_lossy())).transpose()?.map(|repo| repo.id);
            let states = match (discarded, all) {
                (true, _) => vec![JobState::Discarded, JobState::Quarantined],
                (_, true) => Vec::new(),
                _ => vec![JobState::Queued, JobState::Running, JobState::Parked],
            };
            let filter = Filter { repo, states, limit };
            let jobs = reader.agent.as_ref().map(|db| queue::list(db, &filter)).transpose()?.unwrap_or_default();
            return list(&jobs, json);
        }
        QueueAct::Show { job, json } => {
            let reader = Reader::open(&context.home, &context.config)?;
            let found = reader.agent.as_ref().map(|db| queue::get(db, job)).transpose()?.flatten();
            let found = found.ok_or_else(|| {
                Failure::Failed(format!("there is no job {job}; `ra-agent queue list --all` lists them"))
            })?;
            return if json { print_json(&as_json(&found)) } else { print(&describe(&found)) };
        }
        QueueAct::Retry { job, .. } => Change::Retry { job },
        QueueAct::Discard { job } => Change::Discard { job },
        QueueAct::Pause => Change::Pause,
        QueueAct::Resume => Change::Resume,
    };
    println!("{}", context.change(change)?);
    Ok(())
}

fn list(jobs: &[Job], json: bool) -> Result<(), Failure> {
    if json {
        return print_json(&json!({"jobs": jobs.iter().map(as_json).collect::<Vec<_>>()}));
    }
    let mut out = String::new();
    for job in jobs {
        out.push_str(&format!(
            "{:>6}  {:<11} {:<8} {:<16} {}  ({})\n",
            job.id,
            job.state,
            job.priority.as_str(),
            job.kind,
            job.path,
            job.reason
        ));
        if let Some(detail) = &job.detail {
            out.push_str(&format!("        {detail}\n"));
        }
    }
    if jobs.is_empty() {
        out.push_str("no such job\n");
    }
    print(&out)
}

fn describe(job: &Job) -> String {
    let mut out = format!(
        "job {} of repository {}\n  file      {}\n  kind      {}\n  state     {}\n  priority  {}\n  reason    {}\n  attempts  {}\n  key       {}\n  queued    {}\n",
        job.id,
        job.repo,
        job.path,
        job.kind,
        job.state,
        job.priority.as_str(),
        job.reason,
        job.attempts,
        job.key,
        job.created_at.to_rfc3339()
    );
    if let Some(detail) = &job.detail {
        out.push_str(&format!("  detail    {detail}\n"));
    }
    out
}

fn as_json(job: &Job) -> Value {
    let (path, path_bytes) = job.path.for_json();
    let (symbol, file) = match &job.reason {
        StaleReason::DependencyChanged { symbol, file } => (Some(symbol), Some(file.for_json().0)),
        _ => (None, None),
    };
    json!({
        "id": job.id,
        "repo_id": job.repo.0,
        "path": path,
        "path_bytes": path_bytes,
        "kind": job.kind.as_str(),
        "state": job.state.as_str(),
        "priority": job.priority.as_str(),
        "reason": job.reason.code(),
        "reason_symbol": symbol,
        "reason_file": file,
        "attempts": job.attempts,
        "detail": job.detail,
        "cache_key": job.key.to_string(),
        "created_at": job.created_at.to_rfc3339(),
    })
}
