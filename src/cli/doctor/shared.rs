//! Whether the shared store can be used, and what it has sent that is not used.

use super::Context;
use crate::query::shared::shared_status;
use crate::query::view::doctor::DoctorFinding;
use crate::query::{QueryError, Reader};

const TOPIC: &str = "shared";

/// Nothing if no store is set.
pub fn check(context: &Context, reader: &Reader<'_>) -> Result<Vec<DoctorFinding>, QueryError> {
    let view = shared_status(reader)?;
    let (Some(url), Some(config)) = (&view.url, &context.config.shared) else { return Ok(Vec::new()) };
    let mut findings = Vec::new();
    if let Some(obstacle) = &view.obstacle {
        findings.push(DoctorFinding::problem(TOPIC, format!("nothing is shared: {obstacle}"), "ra-agent help team"));
    } else if let Err(wrong) = crate::shared::place::connect(config) {
        findings.push(DoctorFinding::problem(
            TOPIC,
            format!("{url} cannot be used: {wrong}"),
            "edit [shared] in config.toml",
        ));
    } else if let Some(problem) = &view.problem {
        let finding = format!("{url} does not answer: {problem}; work goes on without it");
        findings.push(DoctorFinding::problem(TOPIC, finding, "ra-agent shared pull tries it at once and says more"));
    } else {
        let state = view
            .answered_at
            .as_ref()
            .map_or_else(|| "was not asked yet".to_owned(), |then| format!("answered at {then}"));
        findings.push(DoctorFinding::good(TOPIC, format!("{url} {state}")));
    }
    if !view.refused.is_empty() {
        let why: Vec<String> = view.refused.iter().map(|(why, number)| format!("{number} ({why})")).collect();
        let finding = format!("entries of the shared store were not used: {}", why.join(", "));
        findings.push(DoctorFinding::note(TOPIC, finding, "ra-agent shared verify says who signed what is there"));
    }
    Ok(findings)
}
