//! What configurations extend and refer to, over the files of the view: a file of any name, a list of them, one that a package has.

use serde_json::Value;

use super::files::{Located, ViewFiles, normal};
use super::{split_package, targets};

impl ViewFiles {
    /// What a configuration extends or refers to is written as a path of the view. What the view does not have is left out: the rest
    /// still holds.
    pub(super) fn settle_configs(&mut self) {
        let is_config = |path: &&String| !path.ends_with("/package.json");
        let paths: Vec<String> = self.texts.keys().filter(is_config).cloned().collect();
        for path in paths {
            let Ok(Value::Object(mut config)) = serde_json::from_str::<Value>(&self.texts[&path]) else { continue };
            let folder = path.rsplit_once('/').map_or("", |(folder, _)| folder).to_owned();
            if let Some(extends) = config.get("extends") {
                let all: Vec<&str> = match extends {
                    Value::Array(all) => all.iter().filter_map(Value::as_str).collect(),
                    one => one.as_str().into_iter().collect(),
                };
                let known = all.into_iter().filter_map(|written| self.extended(&folder, written));
                // One that extends itself would be no configuration at all.
                let known: Vec<Value> = known.filter(|base| *base != path).map(Value::String).collect();
                config.insert("extends".to_owned(), Value::Array(known));
            }
            if let Some(Value::Array(references)) = config.get("references") {
                let known = |one: &&Value| {
                    let written = one.get("path").and_then(Value::as_str);
                    written.is_some_and(|written| self.config_at(&normal(&format!("{folder}/{written}"))).is_some())
                };
                let known: Vec<Value> = references.iter().filter(known).cloned().collect();
                config.insert("references".to_owned(), Value::Array(known));
            }
            self.texts.insert(path, Value::Object(config).to_string());
        }
    }

    /// The configuration that `extends` means: a path beside the file, or a file of a package of the view.
    fn extended(&self, folder: &str, written: &str) -> Option<String> {
        if written.starts_with('.') {
            return self.config_at(&normal(&format!("{folder}/{written}")));
        }
        let (name, inside) = split_package(written);
        let package = self.packages.get(name)?;
        let at = |inside: &str| self.config_at(&normal(&format!("{}/{inside}", package.folder)));
        let named = package.json.get("tsconfig").and_then(Value::as_str).filter(|_| inside.is_empty());
        let key = if inside.is_empty() { ".".to_owned() } else { format!("./{inside}") };
        let exports = package.json.get("exports");
        let exported = exports.and_then(|exports| exports.get(&key).or_else(|| exports.get(format!("{key}.json"))));
        named.and_then(at).or_else(|| exported.into_iter().flat_map(targets).find_map(at)).or_else(|| at(inside))
    }

    /// The file of settings that a path means, which may be one without its ending, or its folder.
    fn config_at(&self, path: &str) -> Option<String> {
        let ends = ["", ".json", "/tsconfig.json"];
        let paths = ends.iter().map(|end| format!("{path}{end}"));
        paths.into_iter().find(|path| matches!(self.locate(path), Some(Located::File(_))))
    }
}
