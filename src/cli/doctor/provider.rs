//! Whether the model's provider answers. Sends no request that costs anything.

use std::time::Duration;

use super::Context;
use crate::analyzer::llm::{Client, Endpoint, EndpointError};
use crate::query::view::doctor::DoctorFinding;

const TOPIC: &str = "provider";
/// How long the provider may take to answer.
const PATIENCE: Duration = Duration::from_secs(5);

/// `None` if no model is configured.
pub fn check(context: &Context) -> Option<DoctorFinding> {
    let llm = &context.config.llm;
    let endpoint = match Endpoint::of(llm) {
        Err(EndpointError::NotConfigured) => return None,
        Ok(endpoint) => endpoint,
        Err(error) => {
            return Some(DoctorFinding::problem(
                TOPIC,
                error.to_string(),
                "edit [llm] in config.toml, or set the variable with the key",
            ));
        }
    };
    let name = llm.provider.as_str();
    Some(match reached(endpoint) {
        Ok(status) => DoctorFinding::good(TOPIC, format!("{name} answers (HTTP {status} to a request without a key)")),
        Err(reason) => DoctorFinding::problem(
            TOPIC,
            format!("{name} cannot be reached: {reason}"),
            "check the network and [llm] base_url; questions wait until it is back",
        ),
    })
}

fn reached(endpoint: Endpoint) -> Result<u16, String> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    let runtime = runtime.map_err(|error| error.to_string())?;
    let client = Client::new(endpoint).map_err(|error| error.to_string())?;
    runtime.block_on(client.reach(PATIENCE))
}
