//! Documentation comments (`///`, `/** */`): their words, and what they leave out where they list the rest.

use super::node::{parameter_list, parameters, source, type_parameters};
use super::walk::{SharpItem, SharpKind};

/// Bytes of a comment with an end of its own that are searched for its beginning.
const DOC_BYTES_MAX: usize = 32 << 10;

/// The documentation comment before a declaration, and where it begins; empty lines and other comments may stand between.
pub(super) fn comment_before(text: &str, start: usize) -> Option<(usize, &str)> {
    let mut at = line_start(text, start);
    if !text.get(at..start)?.trim().is_empty() {
        return None;
    }
    let mut end = None;
    while at > 0 {
        let previous = line_start(text, at - 1);
        let line = text.get(previous..at - 1)?.trim();
        if line.starts_with("///") {
            end = end.or(Some(at));
        } else if end.is_some() {
            break;
        } else if line.ends_with("*/") {
            let from = text.floor_char_boundary(at.saturating_sub(DOC_BYTES_MAX));
            let open = from + text.get(from..at - 1)?.rfind("/*")?;
            let comment = text.get(open..at)?;
            return comment.starts_with("/**").then_some((open, comment));
        } else if !line.is_empty() && !line.starts_with("//") {
            return None;
        }
        at = previous;
    }
    Some((at, text.get(at..end?)?))
}

fn line_start(text: &str, at: usize) -> usize {
    text.get(..at).and_then(|before| before.rfind('\n')).map_or(0, |at| at + 1)
}

/// The words of a comment, without its markers and tags.
pub(super) fn words(comment: &str) -> String {
    let inner = comment.trim().trim_start_matches("/**").trim_end_matches("*/");
    let mut words = String::new();
    for line in inner.lines() {
        let mut tag: Option<String> = None;
        for c in line.trim().trim_start_matches(['/', '*']).trim().chars() {
            match (c, &mut tag) {
                ('<', None) => tag = Some(String::new()),
                ('>', Some(inside)) => {
                    words.push_str(named_in_tag(inside));
                    tag = None;
                }
                (_, Some(inside)) => inside.push(c),
                (_, None) => words.push(c),
            }
        }
        words.push('\n');
    }
    let lines: Vec<&str> = words.lines().map(str::trim).filter(|line| !line.is_empty()).collect();
    lines.join("\n")
}

/// What a tag that stands for a word names: `Foo` of `see cref="Foo"`.
fn named_in_tag(tag: &str) -> &str {
    let is_reference = tag.starts_with("see") || tag.starts_with("paramref") || tag.starts_with("typeparamref");
    let quoted = tag.split('"').nth(1).filter(|_| is_reference).unwrap_or_default();
    quoted.rsplit(['.', ':']).next().unwrap_or(quoted)
}

/// Parts of a declaration that its documentation leaves out although it lists others of the kind.
pub(super) fn missing(text: &str, item: &SharpItem<'_>, comment: &str) -> Vec<String> {
    let has_parts = item.kind.is_code() || matches!(item.kind, SharpKind::Record | SharpKind::Delegate);
    if !has_parts || comment.contains("<inheritdoc") || comment.contains("<include") {
        return Vec::new();
    }
    let params = named(comment, "param");
    let type_params = named(comment, "typeparam");
    let is_returning = comment.contains("<returns");
    let mut missing = Vec::new();
    let listed = parameter_list(item.node).map(|list| parameters(text, list)).unwrap_or_default();
    if !params.is_empty() {
        let names = listed.iter().filter_map(|one| one.name).map(|name| source(text, name));
        missing.extend(names.filter(|name| !params.contains(name)).map(|name| format!("<param name=\"{name}\">")));
    }
    if !type_params.is_empty() {
        let list = type_parameters(item.node).into_iter().filter_map(|one| one.child_by_field_name("name"));
        let names = list.map(|name| source(text, name)).filter(|name| !type_params.contains(name));
        missing.extend(names.map(|name| format!("<typeparam name=\"{name}\">")));
    }
    let result = item.node.child_by_field_name("returns").map_or("void", |ty| source(text, ty));
    let gives_nothing = matches!(result, "void" | "Task" | "ValueTask");
    if item.kind == SharpKind::Method && !params.is_empty() && !is_returning && !gives_nothing {
        missing.push("<returns>".to_owned());
    }
    missing
}

/// The names in tags of a kind: `<param name="a">`.
fn named<'c>(comment: &'c str, tag: &str) -> Vec<&'c str> {
    let open = format!("<{tag} ");
    let tags = comment.split(open.as_str()).skip(1);
    tags.filter_map(|rest| rest.split('>').next()?.split(['"', '\'']).nth(1)).collect()
}
