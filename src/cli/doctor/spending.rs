//! Whether a model that is set up can be paid for.

use super::Context;
use crate::clock;
use crate::query::budget::budget;
use crate::query::view::doctor::DoctorFinding;
use crate::query::{QueryError, Reader};

const TOPIC: &str = "budget";

/// Nothing where no model is set up.
pub fn check(context: &Context, reader: &Reader<'_>) -> Result<Vec<DoctorFinding>, QueryError> {
    if context.config.llm.model.is_none() {
        return Ok(Vec::new());
    }
    let mut findings = Vec::new();
    if let Err(unknown) = context.config.llm.price() {
        let finding = format!("the price of the model {} is unknown, so it is not asked", unknown.model);
        findings.push(DoctorFinding::problem(
            TOPIC,
            finding,
            "`ra-agent budget status` shows the lines to add to config.toml",
        ));
    }
    let status = budget(reader, clock::now())?;
    findings.push(match status {
        status if status.stopped.is_some() => DoctorFinding::problem(
            TOPIC,
            format!("spending is stopped: {}", status.stopped.unwrap_or_default()),
            "ra-agent budget set --monthly <dollars>",
        ),
        status if status.parked > 0 => DoctorFinding::note(
            TOPIC,
            format!(
                "{} job(s) wait until {}",
                status.parked,
                status.resumes_at.as_deref().unwrap_or("a limit is raised")
            ),
            "ra-agent budget set --monthly <dollars>",
        ),
        status => DoctorFinding::good(TOPIC, format!("${:.2} of ${:.2} spent", status.spent_usd, status.limit_usd)),
    });
    Ok(findings)
}
