//! What is wrong with arguments, in the words of the schema that the client has read.

use serde_json::{Map, Value};

use crate::query::suggest::hint;

/// Characters of a wrong value that are repeated.
const VALUE_SHOWN: usize = 60;

/// What is wrong with the arguments of a tool, if anything is.
pub(super) fn wrong(schema: &Map<String, Value>, given: &Map<String, Value>) -> Option<String> {
    let properties = schema.get("properties")?.as_object()?;
    let names = || properties.keys().map(String::as_str);
    for (name, value) in given {
        let Some(wanted) = properties.get(name) else {
            let known: Vec<&str> = names().collect();
            return Some(format!("{name} is no argument{}; there are {}", hint(name, names()), known.join(", ")));
        };
        if let Some(what) = mismatch(name, wanted, value) {
            return Some(what);
        }
    }
    let required = schema.get("required").and_then(Value::as_array);
    let mut needed = required.into_iter().flatten().filter_map(Value::as_str);
    let missing = needed.find(|name| !given.contains_key(*name))?;
    let what = properties.get(missing).and_then(|wanted| wanted.get("description")).and_then(Value::as_str);
    Some(format!("{missing} is missing: {}", what.unwrap_or("the tool needs it")))
}

fn mismatch(name: &str, wanted: &Value, value: &Value) -> Option<String> {
    if wanted.get("type").and_then(Value::as_str) == Some("array") {
        let Some(items) = value.as_array() else {
            return Some(format!("{name} is {}, and has to be a list", shown(value)));
        };
        let wanted = wanted.get("items")?;
        let (item, what) = items.iter().find_map(|item| Some((item, unlike(wanted, item)?)))?;
        return Some(format!("{name} has {}, which has to be {what}", shown(item)));
    }
    unlike(wanted, value).map(|what| format!("{name} is {}, and has to be {what}", shown(value)))
}

/// What a value has to be and is not.
fn unlike(wanted: &Value, value: &Value) -> Option<String> {
    if let Some(known) = wanted.get("enum").and_then(Value::as_array) {
        let names: Vec<&str> = known.iter().filter_map(Value::as_str).collect();
        return (!known.contains(value)).then(|| format!("one of {}", names.join(", ")));
    }
    let least = wanted.get("minimum").and_then(Value::as_u64).unwrap_or_default();
    let (is_so, what) = match wanted.get("type").and_then(Value::as_str)? {
        "string" => (value.is_string(), "a text".to_owned()),
        "boolean" => (value.is_boolean(), "true or false".to_owned()),
        "integer" => (value.as_u64().is_some_and(|number| number >= least), format!("a whole number from {least} on")),
        _ => return None,
    };
    (!is_so).then_some(what)
}

/// A value as JSON, the beginning of a long one.
fn shown(value: &Value) -> String {
    let text = value.to_string();
    match text.char_indices().nth(VALUE_SHOWN) {
        Some((end, _)) => format!("{}..", text.get(..end).unwrap_or_default()),
        None => text,
    }
}
