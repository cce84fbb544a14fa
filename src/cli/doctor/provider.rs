//! Whether the provider of the model can be reached. Nothing is asked that would be paid for.

use std::time::Duration;

use super::{Context, Finding};
use crate::analyzer::llm::{Client, Endpoint, EndpointError};

const TOPIC: &str = "provider";
/// How long the provider may take to answer anything at all.
const PATIENCE: Duration = Duration::from_secs(5);

/// `None` where no model is set up.
pub fn look(context: &Context) -> Option<Finding> {
    let llm = &context.config.llm;
    let endpoint = match Endpoint::of(llm) {
        Err(EndpointError::NotConfigured) => return None,
        Ok(endpoint) => endpoint,
        Err(error) => {
            return Some(Finding::problem(
                TOPIC,
                error.to_string(),
                "edit [llm] in config.toml, or set the variable with the key",
            ));
        }
    };
    let name = llm.provider.as_str();
    Some(match reached(endpoint) {
        Ok(status) => Finding::good(TOPIC, format!("{name} answers (HTTP {status} to a request without a key)")),
        Err(reason) => Finding::problem(
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
