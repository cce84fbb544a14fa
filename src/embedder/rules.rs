//! How a model's vectors are made, by the files that `sentence-transformers` writes next to it.

use std::borrow::Cow;
use std::path::{Path, PathBuf};

use serde_json::Value;

use super::encoder::{IS_POINTER, POINTER, TOKENS_MAX};
use super::model::{Pooling, VectorRules};

/// The steps behind the network, in their order.
pub(super) const MODULES: &str = "modules.json";
/// Prompts, and how many components are kept.
pub(super) const PROMPTS: &str = "config_sentence_transformers.json";
/// How long a text may be.
pub(super) const LENGTH: &str = "sentence_bert_config.json";
/// Where the pooling is described if [`MODULES`] is missing.
const POOLING: &str = "1_Pooling";

/// Names under which models have the prompt of what is searched for, and of what is found.
const OF_QUERIES: [&str; 3] = ["query", "s2p_query", "search_query"];
const OF_PASSAGES: [&str; 4] = ["document", "passage", "corpus", "search_document"];

#[derive(Debug, thiserror::Error)]
pub enum RulesError {
    #[error("the file {path} of the embedding model cannot be read: {source}; install the model again")]
    Unreadable { path: PathBuf, source: std::io::Error },
    #[error("the file {path} of the embedding model is no JSON: {source}; install the model again")]
    NoJson { path: PathBuf, source: serde_json::Error },
    #[error("{path} asks for {what}, which is not supported; choose another model")]
    Unsupported { path: PathBuf, what: String },
}

impl VectorRules {
    /// Reads them; what no file says is as `sentence-transformers` has it: the mean of all tokens, no prompts, all components.
    ///
    /// # Errors
    /// If a file is damaged, or asks for a step that is not supported.
    pub fn read(dir: &Path) -> Result<Self, RulesError> {
        let pooling_dir = pooling_dir(dir)?;
        let pooling = dir.join(&pooling_dir).join("config.json");
        let pooling = read(&pooling)?.map_or(Ok(Pooling::Mean), |config| pooling_of(&pooling, &config))?;
        let prompts = read(&dir.join(PROMPTS))?.unwrap_or_default();
        let length = read(&dir.join(LENGTH))?.unwrap_or_default();
        let prompt = |names: &[&str]| -> Result<Cow<'static, str>, RulesError> {
            let prompt = |name: &&str| prompts.get("prompts")?.get(*name).filter(|prompt| !prompt.is_null());
            match names.iter().find_map(prompt) {
                None => Ok("".into()),
                Some(Value::String(prompt)) => Ok(prompt.clone().into()),
                Some(other) => Err(unsupported(&dir.join(PROMPTS), format!("the prompt {other}, which is no text"))),
            }
        };
        let number = |file: &str, value: &Value, key: &str| match value.get(key) {
            None | Some(Value::Null) => Ok(None),
            Some(found) => match whole(found).filter(|number| *number > 0) {
                Some(number) => Ok(Some(number)),
                None => Err(unsupported(&dir.join(file), format!("{key} {found}"))),
            },
        };
        Ok(Self {
            pooling,
            query_prefix: prompt(&OF_QUERIES)?,
            passage_prefix: prompt(&OF_PASSAGES)?,
            tokens_max: number(LENGTH, &length, "max_seq_length")?.unwrap_or(TOKENS_MAX),
            dimensions: number(PROMPTS, &prompts, "truncate_dim")?,
            lowercase: length.get("do_lower_case").and_then(Value::as_bool).unwrap_or_default(),
        })
    }
}

/// The directory of the pooling's description, one name below that of the model.
///
/// # Errors
/// If the modules cannot be read, or one of them is not supported.
pub(super) fn pooling_dir(dir: &Path) -> Result<String, RulesError> {
    let path = dir.join(MODULES);
    let Some(modules) = read(&path)? else { return Ok(POOLING.to_owned()) };
    let mut pooling = POOLING.to_owned();
    let Some(modules) = modules.as_array() else {
        return Err(unsupported(&path, "modules that are no list".to_owned()));
    };
    for module in modules {
        let text = |key: &str| module.get(key).and_then(Value::as_str).unwrap_or_default();
        let kind = text("type").rsplit('.').next().unwrap_or_default();
        match kind {
            // All vectors are made of unit length.
            "Transformer" | "Normalize" => {}
            "Pooling" if is_plain_name(text("path")) => text("path").clone_into(&mut pooling),
            other => {
                return Err(unsupported(&path, format!("a module {other} in {:?}", text("path"))));
            }
        }
    }
    Ok(pooling)
}

/// Whether a name that a model's file gives stays below the model's directory.
pub(super) fn is_plain_name(name: &str) -> bool {
    let is_plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '_' | '-');
    !name.is_empty() && !name.starts_with('.') && name.chars().all(is_plain)
}

/// A whole number, also as other programs write it: `512.0`, `"512"`.
fn whole(value: &Value) -> Option<usize> {
    let text = match value {
        Value::Number(number) => number.to_string(),
        Value::String(text) => text.trim().to_owned(),
        _ => return None,
    };
    text.strip_suffix(".0").unwrap_or(&text).parse().ok()
}

fn unsupported(path: &Path, what: String) -> RulesError {
    RulesError::Unsupported { path: path.to_path_buf(), what }
}

fn pooling_of(path: &Path, config: &Value) -> Result<Pooling, RulesError> {
    let unsupported = |what: String| unsupported(path, what);
    if config.get("include_prompt").and_then(Value::as_bool) == Some(false) {
        return Err(unsupported("pooling that leaves the prompt out (include_prompt)".to_owned()));
    }
    let is_on = |mode: &str| config.get(format!("pooling_mode_{mode}")).and_then(Value::as_bool) == Some(true);
    let modes = ["cls_token", "mean_tokens", "max_tokens", "lasttoken", "mean_sqrt_len_tokens", "weightedmean_tokens"];
    let mut on: Vec<&str> = modes.into_iter().filter(|mode| is_on(mode)).collect();
    on.extend(config.get("pooling_mode").and_then(Value::as_str));
    match on[..] {
        ["cls_token" | "cls"] => Ok(Pooling::Cls),
        // Divided by the root of the count it has the same direction, and all vectors are made of unit length.
        [] | ["mean_tokens" | "mean" | "mean_sqrt_len_tokens"] => Ok(Pooling::Mean),
        ["max_tokens" | "max"] => Ok(Pooling::Max),
        ["lasttoken"] => Ok(Pooling::Last),
        _ => Err(unsupported(format!("the pooling {}", on.join(" with ")))),
    }
}

/// `None`: there is no such file.
fn read(path: &Path) -> Result<Option<Value>, RulesError> {
    let bytes = match std::fs::read(path) {
        Ok(bytes) => bytes,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(None),
        Err(source) => return Err(RulesError::Unreadable { path: path.to_path_buf(), source }),
    };
    if bytes.starts_with(POINTER) {
        let source = std::io::Error::other(IS_POINTER);
        return Err(RulesError::Unreadable { path: path.to_path_buf(), source });
    }
    serde_json::from_slice(&bytes).map(Some).map_err(|source| RulesError::NoJson { path: path.to_path_buf(), source })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn with(files: &[(&str, &str)]) -> tempfile::TempDir {
        let dir = tempfile::tempdir().unwrap();
        for (name, content) in files {
            let path = dir.path().join(name);
            std::fs::create_dir_all(path.parent().unwrap()).unwrap();
            std::fs::write(path, content).unwrap();
        }
        dir
    }

    fn rules(files: &[(&str, &str)]) -> Result<VectorRules, RulesError> {
        VectorRules::read(with(files).path())
    }

    #[test]
    fn without_files_it_is_the_mean_of_all_tokens() {
        let found = rules(&[]).unwrap();
        assert_eq!((found.pooling, found.tokens_max, found.dimensions), (Pooling::Mean, TOKENS_MAX, None));
        assert_eq!((&*found.query_prefix, &*found.passage_prefix, found.lowercase), ("", "", false));
    }

    #[test]
    fn pooling_prompts_length_and_cut_are_read() {
        let found = rules(&[
            (MODULES, r#"[{"type": "a.models.Transformer", "path": ""}, {"type": "a.models.Pooling", "path": "7_P"}]"#),
            ("7_P/config.json", r#"{"pooling_mode_cls_token": false, "pooling_mode_lasttoken": true}"#),
            (PROMPTS, r#"{"prompts": {"query": "Q: ", "document": "D: "}, "truncate_dim": 64}"#),
            (LENGTH, r#"{"max_seq_length": 99, "do_lower_case": true}"#),
        ]);
        let expected = VectorRules {
            pooling: Pooling::Last,
            query_prefix: "Q: ".into(),
            passage_prefix: "D: ".into(),
            tokens_max: 99,
            dimensions: Some(64),
            lowercase: true,
        };
        assert_eq!(found.unwrap(), expected);
    }

    #[test]
    fn whole_numbers_are_read_as_other_programs_write_them() {
        for written in ["99", "99.0", r#""99""#, r#"" 99 ""#, r#""99.0""#] {
            let found = rules(&[(LENGTH, &*format!(r#"{{"max_seq_length": {written}}}"#))]);
            assert_eq!(found.unwrap().tokens_max, 99, "{written}");
        }
        for written in ["0", "-99", "99.5", r#""""#, r#""long""#, r#""9 9""#, "true", "[99]"] {
            let found = rules(&[(LENGTH, &*format!(r#"{{"max_seq_length": {written}}}"#))]);
            assert!(found.is_err(), "{written}: {found:?}");
        }
        let pointer = rules(&[(PROMPTS, "version https://git-lfs.github.com/spec/v1\noid sha256:0\n")]);
        assert!(pointer.unwrap_err().to_string().contains("git lfs pull"));
    }

    #[test]
    fn null_is_as_if_it_were_not_there() {
        let found = rules(&[
            (PROMPTS, r#"{"prompts": {"query": null}, "truncate_dim": null}"#),
            (LENGTH, r#"{"max_seq_length": null, "do_lower_case": null}"#),
        ]);
        assert_eq!(found.unwrap(), rules(&[]).unwrap());
    }

    #[test]
    fn what_is_not_supported_is_refused_by_name() {
        let dense = r#"[{"type": "sentence_transformers.models.Dense", "path": "2_Dense"}]"#;
        let outside = r#"[{"type": "sentence_transformers.models.Pooling", "path": "../1_Pooling"}]"#;
        for (files, why) in [
            ([(MODULES, dense)], "Dense"),
            ([(MODULES, outside)], "../1_Pooling"),
            ([("1_Pooling/config.json", r#"{"pooling_mode_weightedmean_tokens": true}"#)], "weightedmean_tokens"),
            (
                [("1_Pooling/config.json", r#"{"pooling_mode_cls_token": true, "pooling_mode_max_tokens": true}"#)],
                "cls_token with max_tokens",
            ),
            ([("1_Pooling/config.json", r#"{"include_prompt": false}"#)], "include_prompt"),
            ([(PROMPTS, "{")], "no JSON"),
            ([(MODULES, "{}")], "no list"),
            ([(PROMPTS, r#"{"prompts": {"query": 5}}"#)], "the prompt 5"),
            ([(PROMPTS, r#"{"truncate_dim": -8}"#)], "truncate_dim -8"),
            ([(PROMPTS, r#"{"truncate_dim": 0}"#)], "truncate_dim 0"),
            ([(LENGTH, r#"{"max_seq_length": "long"}"#)], "max_seq_length"),
        ] {
            let error = rules(&files).unwrap_err().to_string();
            assert!(error.contains(why), "{error}");
        }
    }
}
