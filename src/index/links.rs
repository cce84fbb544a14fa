//! What a file's dependencies are, as the graph of a view has them.

use crate::analyzer::DependencyUse;
use crate::analyzer::llm;
use crate::domain::{AnalysisType, FilePath, Hash, Links, Used};
use crate::impact::{self, Graph};

/// What a graph says about a file; `context_bytes`: so much of what it uses is shown in a prompt.
pub fn links(graph: &Graph, path: &FilePath, context_bytes: usize) -> Links {
    Links {
        module_path: graph.module_path(path).map(str::to_owned),
        crate_root: graph.is_crate_root(path),
        deps_hash: Some(impact::deps_hash(graph.uses(path))),
        context_hash: Some(context_hash(graph.uses(path), context_bytes)),
    }
}

/// Hash of what a prompt shows of a file's uses; the types that see any see the same.
fn context_hash(uses: &[impact::Use], max_bytes: usize) -> Hash {
    let shown = |one: &impact::Use| DependencyUse {
        written: one.written.clone(),
        kind: one.kind.to_string(),
        signature: one.signature.clone(),
    };
    let uses: Vec<DependencyUse> = uses.iter().map(shown).collect();
    llm::context(AnalysisType::Analysis, &uses, max_bytes).hash()
}

/// The dependency context of a file as it is recorded.
pub fn used(graph: &Graph, path: &FilePath) -> Vec<Used> {
    let used = |one: &impact::Use| (one.written.clone(), one.kind.to_string(), one.signature.clone());
    graph.uses(path).iter().map(used).collect()
}
