//! The JSON object in a reply that may have words, code fences or a train of thought around it.

use serde_json::Value;

/// Most places where an object may begin that are tried: each costs a pass over what follows.
const MOST_TRIES: usize = 64;

/// The first balanced text in braces that is a JSON object with at least one field. What stands before `</think>`, where models of
/// some local servers put their reasoning, does not count.
pub(super) fn json_object(reply: &str) -> Option<Value> {
    let answer = reply.rsplit_once("</think>").map_or(reply, |(_, answer)| answer);
    let mut from = 0;
    for _ in 0..MOST_TRIES {
        let start = from + answer[from..].find('{')?;
        match balanced(&answer[start..]).and_then(object) {
            Some(object) => return Some(object),
            None => from = start + 1,
        }
    }
    None
}

fn object(text: &str) -> Option<Value> {
    serde_json::from_str::<Value>(text).ok().filter(|value| value.as_object().is_some_and(|fields| !fields.is_empty()))
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
            "<think>maybe {\"b\": 1}?</think>{\"a\": \"}{\"}",
            "An empty {} and {broken} and {\"a\": \"}{\"} {\"c\": 2}",
        ] {
            assert_eq!(json_object(reply), Some(serde_json::json!({ "a": "}{" })), "{reply}");
        }
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
        ] {
            assert_eq!(json_object(reply), None);
        }
    }
}
