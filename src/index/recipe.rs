//! What results are made with under a configuration: part of every key.

use crate::analyzer::llm::{self, Limits, Prompts};
use crate::analyzer::{Analyzer, Local, SCHEMA_VERSION};
use crate::cache::key::no_options;
use crate::config::{Config, RepoConfig};
use crate::domain::AnalysisType;
use crate::embedder::chosen;
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
        prompt_hash_parts: None,
        schema_version: SCHEMA_VERSION,
        config_hash: no_options(),
        sees: if analysis_type.spec().local_sees_dependencies { Sees::Dependencies } else { Sees::Nothing },
        sees_together: Sees::Nothing,
        rules_by_language: true,
    };
    Recipe {
        analyses: AnalysisType::ALL.iter().map(local).collect(),
        asks: asks(config, prompts),
        ask_on_save: false,
        withhold: Vec::new(),
        embedding: chosen::available(home, &config.embedding).map(|model_id| EmbeddingRecipe {
            model_id,
            chunker_version: CHUNKER_VERSION,
            is_remote: chosen::is_remote(&config.embedding),
        }),
    }
}

fn asks(config: &Config, prompts: &Prompts) -> Vec<AnalysisRecipe> {
    let Some(model_id) = llm::model_id(&config.llm) else { return Vec::new() };
    let ask = |&analysis_type: &AnalysisType| AnalysisRecipe {
        analysis_type,
        model_id: model_id.clone(),
        prompt_hash: prompts.hash(analysis_type),
        prompt_hash_together: Some(prompts.hash_together(analysis_type)),
        prompt_hash_parts: Some(prompts.hash_in_parts(analysis_type)),
        schema_version: SCHEMA_VERSION,
        config_hash: Limits::of(&config.llm).hash(),
        sees: if analysis_type.spec().model_sees_dependencies { Sees::Context } else { Sees::Nothing },
        sees_together: Sees::Context,
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
    if own.asks.iter().all(|ask| ask.sees == Sees::Nothing) {
        own.asks.iter_mut().for_each(|ask| ask.sees_together = Sees::Nothing);
    }
    if !own.asks.is_empty() || own.embedding.as_ref().is_some_and(|embedding| embedding.is_remote) {
        own.withhold = llm::withheld_patterns(&config.withhold);
    }
    own.ask_on_save = config.analysis.on_save && !own.asks.is_empty();
    own
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::analyzer::llm::{Limits, Prompt, cut, render, render_parts, render_together};
    use crate::analyzer::{DependencyUse, FileSubject};
    use crate::cache::key::no_dependencies;
    use crate::config::ProviderKind;
    use crate::domain::{EntryMode, FileRecord, Hash, Language, Links, ObjectId, Role, Source};
    use crate::plan::PARTS_FROM;

    fn file(text: &str, context: Hash) -> FileRecord {
        FileRecord {
            path: "a.rs".into(),
            blob: ObjectId(vec![1]),
            mode: EntryMode::File,
            source: Source::Commit,
            size_bytes: text.len() as u64,
            language: Language::RUST,
            role: Role::Library,
            skip: None,
            content_hash: Some(Hash::of(text.as_bytes())),
            links: Links { context_hash: Some(context), ..Links::default() },
        }
    }

    /// Every way in which some of the questions can be asked, with the prompt that is sent and the keys of its answers.
    fn requests(
        recipe: &Recipe,
        text: &str,
        uses: &[DependencyUse],
    ) -> Vec<(Prompt, Vec<crate::cache::key::AnalysisKey>)> {
        let limits = Limits { max_input_bytes: 48_000, max_context_bytes: 6_000, max_output_tokens: 100 };
        let subject = FileSubject { language: Language::RUST, role: Role::Library, text, uses };
        let prompts = Prompts::built_in();
        let context = llm::context(AnalysisType::Analysis, uses, limits.max_context_bytes).hash();
        let file = file(text, context);
        let (mut all, cut) = (Vec::new(), cut(&subject).unwrap());
        let shown: Vec<bool> = (0..cut.items.len()).map(|at| at % 2 == 0).collect();
        for chosen in 1..1_usize << recipe.asks.len() {
            let asks: Vec<_> =
                recipe.asks.iter().enumerate().filter(|(at, _)| chosen & (1 << at) != 0).map(|(_, ask)| ask).collect();
            let types: Vec<AnalysisType> = asks.iter().map(|ask| ask.analysis_type).collect();
            if let [one] = asks[..] {
                let prompt = render(&prompts, one.analysis_type, &subject, &limits).unwrap();
                all.push((prompt, vec![one.key(&file).unwrap()]));
            }
            let together = render_together(&prompts, &types, &subject, &limits).unwrap();
            all.push((together, asks.iter().map(|ask| ask.key_together(&file).unwrap()).collect()));
            let parts = render_parts(&prompts, &types, &subject, &limits, (&cut, &shown)).unwrap();
            all.push((parts, asks.iter().map(|ask| ask.key_in_parts(&file).unwrap()).collect()));
        }
        all
    }

    /// What a request shows of other files is in the key of every answer to it.
    #[test]
    fn no_answer_is_given_with_a_signature_that_its_key_leaves_out() {
        let mut config = Config::defaults(std::path::Path::new("/nowhere"));
        config.llm.provider = ProviderKind::Custom;
        (config.llm.base_url, config.llm.model) = (Some("http://127.0.0.1:9/v1".into()), Some("m".into()));
        let home = Home::at("/nowhere").unwrap();
        let text: String =
            (0..400).map(|n| format!("/// Calls it.\npub fn f{n}() {{\n    load({n});\n}}\n\n")).collect();
        assert!(text.len() as u64 > PARTS_FROM);
        let uses = |signature: &str| {
            vec![DependencyUse { written: "load".into(), kind: "function".into(), signature: Some(signature.into()) }]
        };
        for types in [AnalysisType::ALL, &[AnalysisType::Docs, AnalysisType::Todos]] {
            let mut repo = config.for_repo(std::path::Path::new("/r"));
            repo.analysis.types = types.to_vec();
            let recipe = for_repo(&recipe(&config, &home, &Prompts::built_in()), &repo);
            assert_eq!(recipe.asks.len(), types.len());
            let (before, after) =
                (requests(&recipe, &text, &uses("fn load(x: u8)")), requests(&recipe, &text, &uses("fn load(x: u16)")));
            assert!(before.len() > types.len());
            for ((one, keys), (other, changed)) in before.iter().zip(&after) {
                let is_same = one.question() == other.question() && one.instructions() == other.instructions();
                for (key, changed) in keys.iter().zip(changed) {
                    assert!(is_same || key.hash() != changed.hash(), "{:?}", key.analysis_type);
                }
                let shows = one.question().contains("fn load(x: u8)");
                assert!(!shows || keys.iter().all(|key| key.deps_hash != no_dependencies()));
            }
        }
        assert!(requests_show_signatures(&config, &home, &text, &uses("fn load(x: u8)")));
    }

    fn requests_show_signatures(config: &Config, home: &Home, text: &str, uses: &[DependencyUse]) -> bool {
        let recipe =
            for_repo(&recipe(config, home, &Prompts::built_in()), &config.for_repo(std::path::Path::new("/r")));
        requests(&recipe, text, uses).iter().filter(|(prompt, _)| prompt.question().contains("fn load(x: u8)")).count()
            > 10
    }
}
