//! The JSON object in a reply that may have words, code fences or a train of thought around it.

use std::borrow::Cow;

use serde_json::Value;

/// Most places where an object may begin that are tried: each costs a pass over what follows.
const MOST_TRIES: usize = 256;

/// The same behind a mark, where the answer comes at once.
const MOST_TRIES_BEHIND_A_MARK: usize = 8;

/// Most objects that are looked at.
const MOST_CANDIDATES: usize = 32;

/// What ends a train of thought that a server left in the reply: the marks of DeepSeek and Qwen, Claude, Magistral, Kimi, and those of
/// gpt-oss's channels (OpenAI harmony format), whole and with their signs stripped.
const ENDS_OF_THOUGHT: [&str; 10] = [
    "</think>",
    "</thinking>",
    "</thought>",
    "</reasoning>",
    "</analysis>",
    "[/THINK]",
    "\u{25c1}/think\u{25b7}",
    "<|end_of_thought|>",
    "<|channel|>final<|message|>",
    "assistantfinal",
];

/// The objects that can be the answer, the likeliest first: the whole reply; what stands behind the end of a train of thought; any
/// other, the last one first, for thoughts come before what they lead to. A mark inside the answer's own words does no harm.
pub(super) fn json_objects(reply: &str) -> Vec<Value> {
    let whole = object(without_fence(reply.trim()));
    let ends = ENDS_OF_THOUGHT.iter().flat_map(|mark| reply.match_indices(mark).map(|(at, mark)| at + mark.len()));
    let mut ends: Vec<usize> = ends.take(MOST_CANDIDATES).collect();
    ends.sort_unstable();
    let behind = ends.into_iter().filter_map(|end| objects(&reply[end..], MOST_TRIES_BEHIND_A_MARK).into_iter().next());
    let mut all: Vec<Value> = whole.into_iter().chain(behind).collect();
    all.extend(objects(reply, MOST_TRIES).into_iter().rev());
    all.truncate(MOST_CANDIDATES);
    all
}

/// The objects of a text that are in no other, in their order.
fn objects(text: &str, tries: usize) -> Vec<Value> {
    let (mut found, mut from) = (Vec::new(), 0);
    for _ in 0..tries {
        let Some(start) = text[from..].find('{').map(|at| from + at) else { break };
        match balanced(&text[start..]).and_then(|inner| Some((inner.len(), object(inner)?))) {
            Some((length, object)) => {
                found.push(object);
                from = start + length;
            }
            None => from = start + 1,
        }
    }
    found
}

/// The fields of an object that ends before it is closed, as far as they are whole; none if there is no such object.
pub(super) fn unfinished_object(reply: &str) -> Option<Value> {
    let start = ENDS_OF_THOUGHT.iter().filter_map(|mark| Some(reply.rfind(mark)? + mark.len())).max().unwrap_or(0);
    let inside = reply[start..].split_once('{')?.1;
    let corrected = corrected(inside);
    let mut rest = corrected.as_deref().unwrap_or(inside);
    let mut fields = serde_json::Map::new();
    while let Some((name, behind)) = value_at_start(rest) {
        let Value::String(name) = name else { break };
        let Some((value, behind)) = behind.trim_start().strip_prefix(':').and_then(value_at_start) else { break };
        fields.insert(name, value);
        let Some(next) = behind.trim_start().strip_prefix(',') else { break };
        rest = next;
    }
    (!fields.is_empty()).then_some(Value::Object(fields))
}

/// The JSON value that a text begins with, and what stands behind it.
fn value_at_start(text: &str) -> Option<(Value, &str)> {
    let mut values = serde_json::Deserializer::from_str(text).into_iter::<Value>();
    let value = values.next()?.ok()?;
    let end = values.byte_offset();
    Some((value, text.get(end..)?))
}

/// The inside of a code fence that is all of a text.
fn without_fence(text: &str) -> &str {
    let inside = text.strip_prefix("```").and_then(|rest| rest.strip_suffix("```"));
    inside.and_then(|inside| Some(inside.split_once('\n')?.1)).unwrap_or(text)
}

/// The object that a text is, also if it has in it what [`corrected`] corrects.
fn object(text: &str) -> Option<Value> {
    let read = |text: &str| serde_json::from_str::<Value>(text).ok();
    let value = read(text).or_else(|| read(&corrected(text)?));
    value.filter(|value| value.as_object().is_some_and(|fields| !fields.is_empty()))
}

/// A text without what models get wrong in JSON: commas before a closing bracket, line breaks and tabs in a string, and a `\` there before
/// what is none of JSON's escapes (`\d` of a pattern). `None`: it has nothing of this.
fn corrected(text: &str) -> Option<String> {
    let (mut kept, mut in_string, mut is_other) = (String::new(), false, false);
    let mut chars = text.char_indices();
    while let Some((at, c)) = chars.next() {
        let rest = &text[at + c.len_utf8()..];
        match c {
            '\\' if in_string && is_escape(rest) => {
                kept.push(c);
                kept.extend(chars.next().map(|(_, escaped)| escaped));
            }
            '\\' if in_string => {
                is_other = true;
                kept.push_str("\\\\");
            }
            c if in_string && c < ' ' => {
                is_other = true;
                kept.push_str(&format!("\\u{:04x}", u32::from(c)));
            }
            ',' if !in_string && rest.trim_start().starts_with(['}', ']']) => is_other = true,
            _ => {
                in_string ^= c == '"';
                kept.push(c);
            }
        }
    }
    is_other.then_some(kept)
}

/// Whether what stands behind a `\` is an escape with it (RFC 8259, section 7).
fn is_escape(rest: &str) -> bool {
    match rest.chars().next() {
        Some('"' | '\\' | '/' | 'b' | 'f' | 'n' | 'r' | 't') => true,
        Some('u') => rest.get(1..5).is_some_and(|digits| digits.bytes().all(|digit| digit.is_ascii_hexdigit())),
        _ => false,
    }
}

/// The reply, or what it says if it is a JSON string as a whole: some models quote the object that they were asked for.
pub(super) fn unquoted(reply: &str) -> Cow<'_, str> {
    let text = without_fence(reply.trim());
    match text.starts_with('"').then(|| serde_json::from_str::<String>(text)) {
        Some(Ok(said)) => Cow::Owned(said),
        _ => Cow::Borrowed(reply),
    }
}

/// From the brace at the start to the one that closes it; braces in strings do not count.
fn balanced(text: &str) -> Option<&str> {
    let (mut depth, mut in_string, mut escaped) = (0_usize, false, false);
    for (at, byte) in text.bytes().enumerate() {
        match byte {
            _ if escaped => escaped = false,
            b'\\' if in_string => escaped = true,
            b'"' => in_string = !in_string,
            b'{' if !in_string => depth += 1,
            b'}' if !in_string => {
                depth -= 1;
                if depth == 0 {
                    return text.get(..=at);
                }
            }
            _ => {}
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_object_is_found_in_what_surrounds_it() {
        for reply in [
            r#"{"a": "}{"}"#,
            "Here it is:\n```json\n{\"a\": \"}{\"}\n```\nAnything else?",
            "```\n{\"a\": \"}{\"}\n```",
            "<think>maybe {\"b\": 1}?</think>{\"a\": \"}{\"}",
            "maybe {\"b\": 1}?\n[/THINK]\n{\"a\": \"}{\"}",
            "<|channel|>analysis<|message|>maybe {\"b\": 1}<|end|><|start|>assistant<|channel|>final<|message|>{\"a\": \"}{\"}",
            "analysisWe need {\"b\": 1}.assistantfinal{\"a\": \"}{\"}",
            "An empty {} and {broken} and {\"c\": 2} and then {\"a\": \"}{\"}",
        ] {
            assert_eq!(json_objects(reply).first(), Some(&serde_json::json!({ "a": "}{" })), "{reply}");
        }
    }

    #[test]
    fn a_mark_in_the_words_of_an_answer_does_no_harm() {
        let answer = serde_json::json!({ "a": "writes </think> and {\"b\": 1}" });
        for reply in [
            answer.to_string(),
            format!("```json\n{answer}\n```"),
            format!("<think>hm</think>\n{answer}"),
            format!("Here: {answer}"),
        ] {
            assert!(json_objects(&reply).contains(&answer), "{reply}");
        }
        assert_eq!(json_objects(&answer.to_string())[0], answer);
        assert_eq!(json_objects(&format!("<think>hm</think>\n{answer}"))[0], answer);
    }

    #[test]
    fn what_is_no_object_is_none() {
        for reply in [
            "",
            "no",
            "[1, 2]",
            "{",
            "{\"a\": 1",
            "}{",
            "{\"a\": \"\\\"}",
            &"{".repeat(100_000),
            &"{\"a\":".repeat(10_000),
            &"</think>".repeat(10_000),
        ] {
            assert_eq!(json_objects(reply), Vec::<Value>::new());
        }
    }
}
