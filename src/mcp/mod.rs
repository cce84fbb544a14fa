//! The server for coding agents: MCP over standard input and output, one process for each client. It is a thin shim: the daemon indexes,
//! the worker searches by meaning, and this process asks them, reads the stores and cuts files from the disk. It has no index, no watch
//! and no model, and it ends with its client.

mod answer;
mod arguments;
mod page;
mod parent;
mod server;
mod start;
mod text;
mod tools;
mod wanted;

use std::io;
use std::time::Duration;

use rmcp::ServiceExt;
use rmcp::service::ServerInitializeError;
use rmcp::transport::stdio_pipes;

pub use start::start_daemon;

use crate::home::Home;
use server::AgentServer;

/// Questions that are answered at the same time. More wait.
const QUESTIONS: usize = 4;
/// How long an idle thread stays.
const THREAD_IDLE: Duration = Duration::from_secs(2);

#[derive(Debug, thiserror::Error)]
pub enum McpError {
    #[error("the server cannot be set up: {0}; the machine is out of processes, memory or descriptors")]
    Setup(#[from] io::Error),
    #[error("the client does not speak MCP: {0}; `ra-agent help agents` shows how a client is set up")]
    Client(Box<ServerInitializeError>),
}

/// Serves until the client closes its end, or is gone.
///
/// # Errors
/// If no runtime can be started, or the client begins with something else than MCP.
pub fn serve(home: Home) -> Result<(), McpError> {
    let parent = parent::note();
    let mut builder = tokio::runtime::Builder::new_current_thread();
    let runtime = builder.enable_all().max_blocking_threads(QUESTIONS).thread_keep_alive(THREAD_IDLE).build()?;
    let ended = runtime.block_on(async {
        tokio::select! {
            ended = converse(home) => ended,
            gone = parent::is_gone(parent) => gone.map_err(McpError::from),
        }
    });
    // A question that is being answered has no reader any more.
    runtime.shutdown_background();
    ended
}

async fn converse(home: Home) -> Result<(), McpError> {
    let server = AgentServer::new(home);
    match server.serve(stdio_pipes()).await {
        Ok(running) => {
            // It ends when the client closes its end; a panic of the loop ends it likewise.
            let _ = running.waiting().await;
            Ok(())
        }
        // A client that is gone before it said anything is no failure.
        Err(ServerInitializeError::ConnectionClosed(_)) => Ok(()),
        Err(error) => Err(McpError::Client(Box::new(error))),
    }
}
