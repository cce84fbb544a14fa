//! Editing JSON, with or without comments, by places in its text: what is not ours keeps every byte.

use std::ops::Range;

use jsonc_parser::ast::{Object, ObjectProp, Value};
use jsonc_parser::common::Ranged;
use jsonc_parser::{CollectOptions, ParseOptions, parse_to_ast};

use super::insertion::Insertion;
use super::meaning::ConfigMeaning;

/// Where a text is not what its format allows.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Mistake {
    /// Counted from 1.
    pub(super) line: usize,
    pub(super) message: String,
}

/// What a client's parser accepts beyond JSON.
#[derive(Clone, Copy, Debug)]
pub(super) struct JsonForm {
    pub(super) comments: bool,
    pub(super) trailing_commas: bool,
}

/// A member to be written: its name, and the entry below the tables that lead to it.
pub(super) struct Member<'a> {
    /// At least one: the tables that are missing, then the entry's name.
    pub(super) path: &'a [&'a str],
    pub(super) fields: &'a [(&'static str, ConfigMeaning)],
}

/// How a text is laid out around a place.
struct Layout<'a> {
    newline: &'static str,
    /// One step of indentation.
    unit: &'a str,
    /// On one line, with this between a colon and its value.
    one_line: Option<&'static str>,
}

fn parse(text: &str, form: JsonForm) -> Result<Option<Value<'_>>, Mistake> {
    let options = ParseOptions {
        allow_comments: form.comments,
        allow_trailing_commas: form.trailing_commas,
        allow_loose_object_property_names: false,
        allow_missing_commas: false,
        allow_single_quoted_strings: false,
        allow_hexadecimal_numbers: false,
        allow_unary_plus_numbers: false,
        allow_bare_decimal_point_numbers: false,
        allow_non_finite_numbers: false,
        allow_extended_string_escapes: false,
    };
    let parsed = parse_to_ast(text, &CollectOptions::default(), &options);
    parsed
        .map(|parsed| parsed.value)
        .map_err(|error| Mistake { line: error.line_display(), message: error.kind().to_string() })
}

/// What a text says; a blank one says as much as `{}`.
pub(super) fn meaning(text: &str, form: JsonForm) -> Result<ConfigMeaning, Mistake> {
    Ok(parse(text, form)?.map_or_else(ConfigMeaning::nothing, |value| meaning_of(&value, text)))
}

fn meaning_of(value: &Value<'_>, text: &str) -> ConfigMeaning {
    match value {
        Value::StringLit(string) => ConfigMeaning::text(&string.value),
        Value::Array(array) => {
            ConfigMeaning::List(array.elements.iter().map(|element| meaning_of(element, text)).collect())
        }
        Value::Object(object) => {
            let member = |member: &ObjectProp<'_>| (member.name.as_str().to_owned(), meaning_of(&member.value, text));
            ConfigMeaning::Table(object.properties.iter().map(member).collect())
        }
        other => ConfigMeaning::Plain(text.get(range(other)).unwrap_or_default().to_owned()),
    }
}

fn range(node: &impl Ranged) -> Range<usize> {
    let range = node.range();
    range.start..range.end
}

/// Follows `path` from the outermost object: the last object on it, and what of the path is not there.
fn descend<'v, 'a, 'p>(root: &'v Object<'a>, path: &'p [&'p str]) -> (&'v Object<'a>, &'p [&'p str]) {
    let (mut here, mut rest) = (root, path);
    while let Some((key, further)) = rest.split_first() {
        let Some(Value::Object(inner)) = here.get(key).map(|member| &member.value) else { break };
        (here, rest) = (inner, further);
    }
    (here, rest)
}

/// How `fields` are put at the end of `path`; `None` if that takes more than an insertion.
pub(super) fn insert(
    text: &str,
    form: JsonForm,
    path: &[&str],
    fields: &[(&'static str, ConfigMeaning)],
) -> Option<Insertion> {
    let newline = if text.contains("\r\n") { "\r\n" } else { "\n" };
    match parse(text, form).ok()? {
        Some(Value::Object(root)) => {
            let (object, rest) = descend(&root, path);
            if rest.is_empty() || object.get(rest[0]).is_some() {
                return None;
            }
            let layout = Layout { newline, unit: unit(text, &root), one_line: one_line(text, &root, object) };
            Some(put_in(text, object, &Member { path: rest, fields }, &layout))
        }
        Some(_) => None,
        None => {
            let layout = Layout { newline, unit: "  ", one_line: None };
            let gap = if text.is_empty() || text.ends_with('\n') { "" } else { newline };
            let member = rendered(&Member { path, fields }, "  ", &layout);
            let document = format!("{gap}{{{newline}  {member}{newline}}}{newline}");
            Some(Insertion::new(vec![(text.len(), document)]))
        }
    }
}

/// The indentation of the outermost object's first member, if it begins its line.
fn unit<'t>(text: &'t str, root: &Object<'_>) -> &'t str {
    let first = root.properties.first().and_then(|first| indentation(text, range(first).start));
    first.filter(|unit| !unit.is_empty()).unwrap_or("  ")
}

/// What stands on the line before a place, if that is nothing but blanks.
fn indentation(text: &str, at: usize) -> Option<&str> {
    let line = line_start(text, at);
    let before = text.get(line..at)?;
    before.bytes().all(|byte| matches!(byte, b' ' | b'\t')).then_some(before)
}

fn line_start(text: &str, at: usize) -> usize {
    text.get(..at).and_then(|before| before.rfind('\n')).map_or(0, |newline| newline + 1)
}

/// Whether an object is written on one line, and then what follows its colons.
fn one_line(text: &str, root: &Object<'_>, object: &Object<'_>) -> Option<&'static str> {
    let like = if object.properties.is_empty() { root } else { object };
    let first = like.properties.first()?;
    let inside = text.get(range(object)).unwrap_or_default();
    if text.get(range(like).start..range(first).start)?.contains('\n') || inside.contains('\n') {
        return None;
    }
    let after_colon = text.get(range(&first.value).start.checked_sub(1)?..)?;
    Some(if after_colon.starts_with(char::is_whitespace) { " " } else { "" })
}

/// One more member as the last of an object.
fn put_in(text: &str, object: &Object<'_>, member: &Member<'_>, layout: &Layout<'_>) -> Insertion {
    match object.properties.last() {
        None => put_first(text, object, member, layout),
        Some(last) => put_after(text, object, range(last), member, layout),
    }
}

fn put_first(text: &str, object: &Object<'_>, member: &Member<'_>, layout: &Layout<'_>) -> Insertion {
    let Range { start, end } = range(object);
    let inside = text.get(start + 1..end - 1).unwrap_or_default();
    let at = start + 1 + inside.trim_end().len();
    if layout.one_line.is_some() {
        return Insertion::new(vec![(at, rendered(member, "", layout))]);
    }
    let line = text.get(line_start(text, start)..start).unwrap_or_default();
    let outer = &line[..line.len() - line.trim_start_matches([' ', '\t']).len()];
    let indent = format!("{outer}{}", layout.unit);
    let ends_line = text.get(at..end).unwrap_or_default().contains('\n');
    let close = if ends_line { String::new() } else { format!("{}{outer}", layout.newline) };
    Insertion::new(vec![(at, format!("{}{indent}{}{close}", layout.newline, rendered(member, &indent, layout)))])
}

fn put_after(
    text: &str,
    object: &Object<'_>,
    last: Range<usize>,
    member: &Member<'_>,
    layout: &Layout<'_>,
) -> Insertion {
    let close = range(object).end - 1;
    let comma = comma_after(text, last.end, close);
    let own_comma = if comma.is_some() { "," } else { "" };
    let mut pieces = Vec::new();
    if comma.is_none() {
        pieces.push((last.end, ",".to_owned()));
    }
    let after = comma.map_or(last.end, |comma| comma + 1);
    if let Some(blank) = layout.one_line {
        pieces.push((after, format!("{blank}{}{own_comma}", rendered(member, "", layout))));
        return Insertion::new(pieces);
    }
    let indent = match indentation(text, last.start) {
        Some(indent) => indent.to_owned(),
        None => {
            let line = text.get(line_start(text, last.start)..last.start).unwrap_or_default();
            format!("{}{}", &line[..line.len() - line.trim_start_matches([' ', '\t']).len()], layout.unit)
        }
    };
    let at = rest_of_line(text, after, close);
    pieces.push((at, format!("{}{indent}{}{own_comma}", layout.newline, rendered(member, &indent, layout))));
    Insertion::new(pieces)
}

/// The comma that follows a member, before the place `end`.
fn comma_after(text: &str, at: usize, end: usize) -> Option<usize> {
    let at = past_trivia(text, at, end, false);
    (at < end && text.as_bytes().get(at) == Some(&b',')).then_some(at)
}

/// The end of the line that `at` is on, its last comment included; `at` itself if more than comments follows there.
fn rest_of_line(text: &str, at: usize, end: usize) -> usize {
    let stop = past_trivia(text, at, end, true);
    match text.as_bytes().get(stop) {
        Some(b'\n') => stop - usize::from(stop > at && text.as_bytes().get(stop - 1) == Some(&b'\r')),
        _ => at,
    }
}

/// Skips blanks and comments, at most to `end`; of lines, only to the end of this one if asked for.
fn past_trivia(text: &str, mut at: usize, end: usize, one_line: bool) -> usize {
    while let Some(rest) = text.get(at..end).filter(|rest| !rest.is_empty()) {
        let skipped = if rest.starts_with("//") {
            rest.find('\n').unwrap_or(rest.len())
        } else if rest.starts_with("/*") {
            rest.find("*/").map_or(rest.len(), |close| close + 2)
        } else if one_line && rest.starts_with('\n') {
            0
        } else {
            rest.chars().next().filter(|first| first.is_whitespace()).map_or(0, char::len_utf8)
        };
        if skipped == 0 {
            break;
        }
        at += skipped;
    }
    at
}

/// A member with all that is below it. Its name stands at `indent`.
fn rendered(member: &Member<'_>, indent: &str, layout: &Layout<'_>) -> String {
    let Some((name, further)) = member.path.split_first() else { return String::new() };
    let inner = format!("{indent}{}", layout.unit);
    let members: Vec<String> = if further.is_empty() {
        member.fields.iter().map(|(key, value)| pair(key, &written(value), layout)).collect()
    } else {
        vec![rendered(&Member { path: further, fields: member.fields }, &inner, layout)]
    };
    let newline = layout.newline;
    let object = match layout.one_line {
        Some(blank) => format!("{{{}}}", members.join(&format!(",{blank}"))),
        None => format!("{{{newline}{inner}{}{newline}{indent}}}", members.join(&format!(",{newline}{inner}"))),
    };
    pair(name, &object, layout)
}

fn pair(name: &str, value: &str, layout: &Layout<'_>) -> String {
    format!("{}:{}{value}", quoted(name), layout.one_line.unwrap_or(" "))
}

fn written(value: &ConfigMeaning) -> String {
    match value {
        ConfigMeaning::Text(text) => quoted(text),
        ConfigMeaning::Plain(plain) => plain.clone(),
        ConfigMeaning::List(parts) => format!("[{}]", parts.iter().map(written).collect::<Vec<_>>().join(", ")),
        ConfigMeaning::Table(table) => {
            let members = table.iter().map(|(key, value)| format!("{}: {}", quoted(key), written(value)));
            format!("{{{}}}", members.collect::<Vec<_>>().join(", "))
        }
    }
}

fn quoted(text: &str) -> String {
    serde_json::to_string(text).unwrap_or_default()
}

/// The whole of a file that has nothing but our entry.
pub(super) fn document(path: &[&str], fields: &[(&'static str, ConfigMeaning)]) -> String {
    let layout = Layout { newline: "\n", unit: "  ", one_line: None };
    format!("{{\n  {}\n}}\n", rendered(&Member { path, fields }, "  ", &layout))
}

/// Where the member at the end of `path` stands, its commas and its lines: what to cut so that it is gone.
pub(super) fn cuts(text: &str, form: JsonForm, path: &[&str]) -> Option<Vec<Range<usize>>> {
    let Some(Value::Object(root)) = parse(text, form).ok()? else { return None };
    let (name, tables) = path.split_last()?;
    let (object, rest) = descend(&root, tables);
    if !rest.is_empty() {
        return None;
    }
    let place = object.properties.iter().position(|member| member.name.as_str() == *name)?;
    let own = range(object.properties.get(place)?);
    let close = range(object).end - 1;
    let comma = comma_after(text, own.end, close);
    let start = start_of_line(text, own.start);
    let end = comma.map_or(own.end, |comma| comma + 1);
    let own_place = start..end;
    let mut cuts = vec![own_place];
    let previous = place.checked_sub(1).and_then(|previous| object.properties.get(previous));
    if let (None, Some(previous)) = (comma, previous) {
        let comma = comma_after(text, range(previous).end, own.start)?;
        cuts.insert(0, comma..comma + 1);
    }
    // The two may touch: on one line, the comma and the blank after it.
    if let [first, second] = &mut cuts[..] {
        second.start = second.start.max(first.end);
    }
    Some(cuts)
}

/// A place, or the end of the line before if nothing but blanks stands between.
fn start_of_line(text: &str, at: usize) -> usize {
    let before = text.get(..at).unwrap_or_default();
    let blank = before.trim_end_matches([' ', '\t']);
    blank.strip_suffix("\r\n").or_else(|| blank.strip_suffix('\n')).unwrap_or(blank).len()
}

/// Where the text of the value at the end of `path` stands; `part`: of a list, the one at this place.
pub(super) fn place_of(text: &str, form: JsonForm, path: &[&str], part: Option<usize>) -> Option<Range<usize>> {
    let Some(Value::Object(root)) = parse(text, form).ok()? else { return None };
    let (name, tables) = path.split_last()?;
    let (object, rest) = descend(&root, tables);
    let value = &object.get(name).filter(|_| rest.is_empty())?.value;
    match part {
        None => Some(range(value)),
        Some(part) => value.as_array()?.elements.get(part).map(range),
    }
}

/// A value as JSON.
pub(super) fn value_text(value: &ConfigMeaning) -> String {
    written(value)
}
