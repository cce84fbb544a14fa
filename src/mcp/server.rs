//! The protocol's side: what a client may ask, handed on to a thread that answers.

use std::sync::Arc;

use rmcp::model::{
    CallToolRequestParams, CallToolResponse, CallToolResult, ContentBlock, Implementation, ListToolsResult, MetaObject,
    PaginatedRequestParams, ServerCapabilities, ServerConfig, Tool,
};
use rmcp::service::RequestContext;
use rmcp::{ErrorData, RoleServer, ServerHandler};

use super::answer::{Answerer, ToolAnswer};
use super::tools;
use crate::home::Home;

/// One client's server.
#[derive(Clone)]
pub(super) struct AgentServer {
    answerer: Arc<Answerer>,
}

impl AgentServer {
    pub(super) fn new(home: Home) -> Self {
        Self { answerer: Arc::new(Answerer::new(home)) }
    }
}

impl ServerHandler for AgentServer {
    fn get_info(&self) -> ServerConfig {
        let capabilities = ServerCapabilities::builder().enable_tools().build();
        ServerConfig::new(capabilities)
            .with_server_info(Implementation::new("ra-agent", env!("CARGO_PKG_VERSION")))
            .with_instructions(tools::INSTRUCTIONS)
    }

    async fn list_tools(
        &self,
        _: Option<PaginatedRequestParams>,
        _: RequestContext<RoleServer>,
    ) -> Result<ListToolsResult, ErrorData> {
        Ok(ListToolsResult::with_all_items(tools::all()))
    }

    fn get_tool(&self, name: &str) -> Option<Tool> {
        tools::all().into_iter().find(|tool| tool.name == name)
    }

    async fn call_tool(
        &self,
        request: CallToolRequestParams,
        context: RequestContext<RoleServer>,
    ) -> Result<CallToolResponse, ErrorData> {
        let answerer = self.answerer.clone();
        let work = tokio::task::spawn_blocking(move || answerer.answer(&request.name, request.arguments));
        let answer = tokio::select! {
            answered = work => answered.unwrap_or_else(|_| ToolAnswer::failed("the question crashed its thread; ask another one")),
            // Its reader is gone; the thread ends on its own.
            () = context.ct.cancelled() => ToolAnswer::failed("cancelled"),
        };
        Ok(result(answer).into())
    }
}

/// What the agent reads is the text. Nothing is structured: a client would show that in the place of the text.
fn result(answer: ToolAnswer) -> CallToolResult {
    let content = vec![ContentBlock::text(answer.text)];
    let result = if answer.is_error { CallToolResult::error(content) } else { CallToolResult::success(content) };
    result.with_meta((!answer.meta.is_empty()).then(|| MetaObject(answer.meta)))
}
