//! Ties [`rules_version`] to what the rules say: the cache trusts that number.
//!
//! `tests/data/analyzer/golden/<type>.json` holds the reports on the sources next to it and the version that made them. A changed report
//! with an unchanged version fails. After bumping the version, `BLESS=1 cargo test golden` writes the new reports; it
//! refuses as long as the version is the recorded one.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use super::*;
use crate::analyzer::{DependencyUse, Severity, render};
use crate::domain::{Language, Role};

/// The sources, and what they are analysed as.
const SOURCES: [(&str, Language, Role); 11] = [
    ("smelly.rs", Language::RUST, Role::Library),
    ("smelly.rs", Language::RUST, Role::Test),
    ("documented.rs", Language::RUST, Role::Library),
    ("checks.rs", Language::RUST, Role::Library),
    ("broken.rs", Language::RUST, Role::Library),
    ("empty.rs", Language::RUST, Role::Library),
    ("fetch.py", Language::PYTHON, Role::Library),
    ("router.ts", Language::TYPE_SCRIPT, Role::Library),
    ("guide.md", Language::MARKDOWN, Role::Library),
    ("package.toml", Language::CARGO_MANIFEST, Role::Library),
    ("data.json", Language::JSON, Role::Library),
];

#[derive(Debug, Default, PartialEq, Serialize, Deserialize)]
struct Golden {
    rules_version: u32,
    reports: BTreeMap<String, serde_json::Value>,
}

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data/analyzer")
}

fn uses() -> Vec<DependencyUse> {
    let found = |written: &str, kind: &str, signature: Option<&str>| DependencyUse {
        written: written.into(),
        kind: kind.into(),
        signature: signature.map(str::to_owned),
    };
    vec![
        found("crate::config::Config", "struct", Some("pub struct Config { pub retries: u32 }")),
        found("super::limit", "function", Some("pub fn limit(now: Instant) -> u32")),
        found("crate::gone::Thing", "type", None),
    ]
}

fn analyses(analysis_type: AnalysisType) -> Vec<(String, Analysis)> {
    let uses = uses();
    let analyze = |(file, language, role): (&str, Language, Role)| {
        let text = fs::read_to_string(folder().join(file)).unwrap();
        let analysis = Local.analyze(analysis_type, &FileSubject { language, role, text: &text, uses: &uses }).unwrap();
        // A language's own version is a part of the key like that of the rules.
        let name = match language.spec().version {
            0 => format!("{file} as {role}"),
            version => format!("{file} as {role}, {language} {version}"),
        };
        (name, analysis)
    };
    SOURCES.into_iter().map(analyze).collect()
}

fn produce(analysis_type: AnalysisType) -> Golden {
    let json = |analysis: &Analysis| serde_json::from_str(&analysis.to_json().unwrap()).unwrap();
    let reports = analyses(analysis_type).iter().map(|(name, analysis)| (name.clone(), json(analysis))).collect();
    Golden { rules_version: rules_version(analysis_type), reports }
}

#[test]
fn rules_versions_are_tied_to_their_output() {
    for &analysis_type in AnalysisType::ALL {
        let path = folder().join(format!("golden/{analysis_type}.json"));
        let present = produce(analysis_type);
        let recorded = if std::env::var_os("BLESS").is_some() { bless(&path, &present) } else { recorded(&path) };
        let hint = "bump rules_version (src/analyzer/local/mod.rs) and run `BLESS=1 cargo test golden`";
        assert_eq!(
            recorded.rules_version, present.rules_version,
            "{analysis_type}: the recorded reports are old; {hint}"
        );
        assert_eq!(recorded.reports, present.reports, "{analysis_type}: the rules say something else now; {hint}");
    }
}

fn recorded(path: &Path) -> Golden {
    let json = fs::read_to_string(path);
    let json = json.unwrap_or_else(|error| panic!("{path:?}: {error}; `BLESS=1 cargo test golden` writes it"));
    serde_json::from_str(&json).unwrap()
}

/// Writes the present reports, unless the recorded ones of the same version differ from them, and returns what is recorded then. A
/// source that was not recorded yet changes nothing that is cached, so adding one needs no new version.
fn bless(path: &Path, present: &Golden) -> Golden {
    let is_other =
        |(name, report): (&String, &serde_json::Value)| present.reports.get(name).is_some_and(|now| now != report);
    let differs = |recorded: &Golden| recorded.reports.iter().any(is_other);
    let keep = path.exists() && {
        let recorded = recorded(path);
        recorded.rules_version == present.rules_version && differs(&recorded)
    };
    if !keep {
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, serde_json::to_string_pretty(present).unwrap() + "\n").unwrap();
    }
    recorded(path)
}

/// What is shown is made again each time and needs no version; `BLESS=1` writes it.
#[test]
fn reports_are_shown_as_recorded() {
    let mut shown = String::new();
    for &analysis_type in AnalysisType::ALL {
        for (name, analysis) in analyses(analysis_type) {
            shown.push_str(&format!("== {name}, {analysis_type}\n"));
            render(&analysis, Severity::Info, &mut shown).unwrap();
        }
    }
    let path = folder().join("golden/shown.txt");
    if std::env::var_os("BLESS").is_some() {
        fs::write(&path, &shown).unwrap();
    }
    assert_eq!(
        fs::read_to_string(&path).unwrap(),
        shown,
        "shown differently; if that is right, run `BLESS=1 cargo test golden`"
    );
}

#[test]
fn types_have_prompt_hashes_of_their_own() {
    let mut hashes: Vec<_> = AnalysisType::ALL.iter().map(|&t| Local.prompt_hash(t)).collect();
    hashes.sort();
    hashes.dedup();
    assert_eq!(hashes.len(), AnalysisType::ALL.len());
}

/// The keys of the other types leave the uses out, so their reports must not depend on them.
#[test]
fn only_analysis_looks_at_uses() {
    let text = fs::read_to_string(folder().join("smelly.rs")).unwrap();
    let (uses, role, language) = (uses(), Role::Library, Language::RUST);
    for &analysis_type in AnalysisType::ALL {
        let with = Local.analyze(analysis_type, &FileSubject { language, role, text: &text, uses: &uses }).unwrap();
        let without = Local.analyze(analysis_type, &FileSubject { language, role, text: &text, uses: &[] }).unwrap();
        assert_eq!(with == without, analysis_type != AnalysisType::Analysis, "{analysis_type}");
    }
}
