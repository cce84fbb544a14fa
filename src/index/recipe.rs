//! What results are made with under a configuration: part of every key.

use crate::analyzer::llm::{self, Limits, Prompts};
use crate::analyzer::{Analyzer, Local, SCHEMA_VERSION};
use crate::cache::key::no_options;
use crate::config::{Config, RepoConfig};
use crate::domain::AnalysisType;
use crate::embedder::chunk::CHUNKER_VERSION;
use crate::home::Home;
use crate::plan::{AnalysisRecipe, EmbeddingRecipe, Recipe, Sees};
use crate::repo::registry::Registered;

/// The recipe that holds for one repository. Invalid user prompts fall back to the built-in ones.
pub fn recipe_of(config: &Config, home: &Home, repo: &Registered) -> Recipe {
    let prompts = Prompts::load(&home.prompts()).unwrap_or_else(|_| Prompts::built_in());
    for_repo(&recipe(config, home, &prompts), &config.for_repo(&repo.location.path))
}

/// The recipe for every type, before a repository leaves some out ([`for_repo`]).
pub fn recipe(config: &Config, home: &Home, prompts: &Prompts) -> Recipe {
    let analyzer = Local;
    let local = |&analysis_type: &AnalysisType| AnalysisRecipe {
        analysis_type,
        model_id: analyzer.model_id().to_owned(),
        prompt_hash: analyzer.prompt_hash(analysis_type),
        prompt_hash_together: None,
        schema_version: SCHEMA_VERSION,
        config_hash: no_options(),
        sees: if analysis_type.spec().local_sees_dependencies { Sees::Dependencies } else { Sees::Nothing },
        rules_by_language: true,
    };
    let model_id = config.embedding.model.as_deref();
    let installed = model_id.and_then(crate::embedder::model::spec).filter(|spec| home.model(spec.id).is_dir());
    Recipe {
        analyses: AnalysisType::ALL.iter().map(local).collect(),
        asks: asks(config, prompts),
        ask_on_save: false,
        withhold: Vec::new(),
        embedding: installed
            .map(|spec| EmbeddingRecipe { model_id: spec.id.to_owned(), chunker_version: CHUNKER_VERSION }),
    }
}

fn asks(config: &Config, prompts: &Prompts) -> Vec<AnalysisRecipe> {
    let Some(model_id) = llm::model_id(&config.llm) else { return Vec::new() };
    let ask = |&analysis_type: &AnalysisType| AnalysisRecipe {
        analysis_type,
        model_id: model_id.clone(),
        prompt_hash: prompts.hash(analysis_type),
        prompt_hash_together: Some(prompts.hash_together(analysis_type)),
        schema_version: SCHEMA_VERSION,
        config_hash: Limits::of(&config.llm).hash(),
        sees: if analysis_type.spec().model_sees_dependencies { Sees::Context } else { Sees::Nothing },
        rules_by_language: false,
    };
    AnalysisType::ALL.iter().map(ask).collect()
}

/// The part of a recipe that holds for one repository.
pub fn for_repo(recipe: &Recipe, config: &RepoConfig) -> Recipe {
    let mut own = recipe.clone();
    let wanted = |one: &AnalysisRecipe| config.analysis.types.contains(&one.analysis_type);
    own.analyses.retain(wanted);
    own.asks.retain(wanted);
    if !own.asks.is_empty() {
        own.withhold = llm::withheld_patterns(&config.withhold);
        own.ask_on_save = config.analysis.on_save;
    }
    own
}
