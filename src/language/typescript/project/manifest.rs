//! `package.json` and `tsconfig.json`: what of them decides which file a specifier means.

use serde_json::{Map, Value};

use crate::language::eval::facts::Facts;
use crate::language::{Outline, ParseError, Parsed, Symbol, SymbolKind, Visibility};

/// Keys of `package.json` that matter.
const PACKAGE_KEYS: [&str; 14] = [
    "name",
    "bin",
    "main",
    "module",
    "types",
    "typings",
    "source",
    "type",
    "exports",
    "imports",
    "browser",
    "workspaces",
    "typesVersions",
    "tsconfig",
];

/// Keys of `tsconfig.json` that matter.
const CONFIG_KEYS: [&str; 5] = ["extends", "references", "files", "include", "exclude"];

/// The same of `compilerOptions`.
const OPTION_KEYS: [&str; 7] =
    ["baseUrl", "paths", "rootDirs", "moduleSuffixes", "allowJs", "resolveJsonModule", "customConditions"];

pub(in super::super) fn package(parsed: &Parsed<'_>) -> (Outline, Vec<ParseError>) {
    read(parsed.text, |all| kept(all, &PACKAGE_KEYS))
}

pub(in super::super) fn config(parsed: &Parsed<'_>) -> (Outline, Vec<ParseError>) {
    read(parsed.text, settings)
}

/// What any other JSON says to configurations that extend it. It is data: it has no symbols, and what is no configuration says nothing.
pub(in super::super::super) fn base_config(parsed: &Parsed<'_>) -> (Outline, Vec<ParseError>) {
    if !parsed.text.contains("\"compilerOptions\"") {
        return (Outline::default(), Vec::new());
    }
    let (mut outline, _) = read(parsed.text, settings);
    outline.symbols.clear();
    (outline, Vec::new())
}

fn settings(all: &Map<String, Value>) -> Map<String, Value> {
    let mut config = kept(all, &CONFIG_KEYS);
    if let Some(Value::Object(options)) = all.get("compilerOptions") {
        let options = kept(options, &OPTION_KEYS);
        if !options.is_empty() {
            config.insert("compilerOptions".to_owned(), Value::Object(options));
        }
    }
    config
}

fn kept(all: &Map<String, Value>, keys: &[&str]) -> Map<String, Value> {
    keys.iter().filter_map(|&key| Some((key.to_owned(), all.get(key)?.clone()))).collect()
}

fn read(text: &str, keep: impl Fn(&Map<String, Value>) -> Map<String, Value>) -> (Outline, Vec<ParseError>) {
    let mut plain = text.trim_start_matches('\u{feff}').to_owned();
    let stripped = json_strip_comments::strip(&mut plain).map_err(|error| error.to_string());
    let value = stripped.and_then(|()| serde_json::from_str(&plain).map_err(|error| error.to_string()));
    let all: Map<String, Value> = match value {
        Ok(Value::Object(all)) => all,
        Ok(_) => return (Outline::default(), vec![ParseError { line: 1, message: "not a JSON object".to_owned() }]),
        Err(reason) => {
            return (Outline::default(), vec![ParseError { line: 1, message: format!("not valid JSON: {reason}") }]);
        }
    };
    let kept = keep(&all);
    let symbols = kept.iter().flat_map(|(key, value)| symbols(text, key, value)).collect();
    let manifest = Some(Value::Object(kept).to_string());
    let facts = Some(Box::new(Facts { manifest, ..Facts::default() }));
    (Outline { symbols, facts, ..Outline::default() }, Vec::new())
}

/// One symbol a key; those of `compilerOptions` for themselves.
fn symbols(text: &str, key: &str, value: &Value) -> Vec<Symbol> {
    match value {
        Value::Object(options) if key == "compilerOptions" => {
            options.iter().map(|(name, value)| symbol(text, name, value)).collect()
        }
        value => vec![symbol(text, key, value)],
    }
}

fn symbol(text: &str, key: &str, value: &Value) -> Symbol {
    let at = text.find(&format!("\"{key}\"")).unwrap_or(0);
    let line = text[..at].bytes().filter(|&byte| byte == b'\n').count() + 1;
    let line = u32::try_from(line).unwrap_or(u32::MAX);
    Symbol {
        name: key.to_owned(),
        kind: SymbolKind::Const,
        visibility: Visibility::Public,
        signature: format!("{key}: {value}"),
        start_line: line,
        end_line: line,
        doc: false,
    }
}
