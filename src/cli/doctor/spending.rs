//! Whether a model that is set up can be paid for.

use super::{Context, Finding};
use crate::clock;
use crate::query::budget::budget;
use crate::query::{QueryError, Reader};

const TOPIC: &str = "budget";

/// Nothing where no model is set up.
pub fn look(context: &Context, reader: &Reader<'_>) -> Result<Vec<Finding>, QueryError> {
    if context.config.llm.model.is_none() {
        return Ok(Vec::new());
    }
    let mut findings = Vec::new();
    if let Err(unknown) = context.config.llm.price() {
        let told = format!("the price of the model {} is not known, so it is not asked", unknown.model);
        findings.push(Finding::problem(TOPIC, told, "`ra-agent budget status` shows the lines to add to config.toml"));
    }
    let status = budget(reader, clock::now())?;
    findings.push(match status {
        status if status.stopped.is_some() => Finding::problem(
            TOPIC,
            format!("spending is stopped: {}", status.stopped.unwrap_or_default()),
            "ra-agent budget set --monthly <dollars>",
        ),
        status if status.parked > 0 => Finding::note(
            TOPIC,
            format!(
                "{} job(s) wait until {}",
                status.parked,
                status.resumes_at.as_deref().unwrap_or("a limit is raised")
            ),
            "ra-agent budget set --monthly <dollars>",
        ),
        status => Finding::good(TOPIC, format!("${:.2} of ${:.2} spent", status.spent_usd, status.limit_usd)),
    });
    Ok(findings)
}
