//! Secrets in a text that is about to leave this machine: found by the formats that their issuers document and by what is assigned
//! to a name that says "secret", and replaced. What is replaced wrongly costs a model a literal; what is missed cannot be taken back.

mod judge;
mod rules;

#[cfg(test)]
mod tests;

use std::collections::BTreeMap;
use std::ops::Range;

use rules::Rule;

/// How many secrets were replaced, by kind.
pub type Redactions = BTreeMap<String, u32>;

/// A text without the secrets that were found in it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Redacted {
    pub text: String,
    pub redactions: Redactions,
}

/// The text with each secret replaced by `[REDACTED:kind]`. It has as many lines as before: a secret of several lines leaves the
/// marker on its first line, and empty lines.
pub fn redact(text: &str) -> Redacted {
    let mut redacted = redact_once(text);
    // What stands around a secret may look like one itself once that is a marker.
    for _ in 0..ROUNDS_MAX {
        if redacted.redactions.is_empty() {
            break;
        }
        let again = redact_once(&redacted.text);
        // A marker in the place of a secret is one to some rules, and stays as it is.
        if again.text == redacted.text {
            break;
        }
        redacted.text = again.text;
        again.redactions.into_iter().for_each(|(kind, count)| *redacted.redactions.entry(kind).or_default() += count);
    }
    redacted
}

/// Searches of what is left. Each search covers text that was not removed before, so a few are enough for what people write.
const ROUNDS_MAX: usize = 8;

fn redact_once(text: &str) -> Redacted {
    let found = merge(find(text));
    let mut redacted = Redacted { text: String::with_capacity(text.len()), redactions: Redactions::new() };
    let mut copied = 0;
    for secret in found {
        redacted.text.push_str(&text[copied..secret.place.start]);
        redacted.text.push_str(&format!("[REDACTED:{}]", secret.kind));
        text[secret.place.clone()].matches('\n').for_each(|newline| redacted.text.push_str(newline));
        copied = secret.place.end;
        *redacted.redactions.entry(secret.kind.to_owned()).or_default() += 1;
    }
    redacted.text.push_str(&text[copied..]);
    redacted
}

#[derive(Debug)]
struct Secret {
    place: Range<usize>,
    kind: &'static str,
    /// Position of its rule: of two that overlap the more specific one gives the name.
    rank: usize,
}

fn find(text: &str) -> Vec<Secret> {
    rules::all().iter().enumerate().flat_map(|(rank, rule)| matches(rule, rank, text)).collect()
}

fn matches(rule: &'static Rule, rank: usize, text: &str) -> impl Iterator<Item = Secret> {
    rule.pattern.captures_iter(text).filter_map(move |captures| {
        // the part in brackets is the secret; without one all of it is
        let secret = captures.iter().skip(1).flatten().next().or_else(|| captures.get(0))?;
        (rule.is_secret)(secret.as_str()).then(|| Secret { place: secret.range(), kind: rule.kind, rank })
    })
}

/// Sorted by place, overlapping ones made one.
fn merge(mut found: Vec<Secret>) -> Vec<Secret> {
    found.sort_by_key(|secret| (secret.place.start, secret.rank));
    let mut merged: Vec<Secret> = Vec::with_capacity(found.len());
    for secret in found {
        match merged.last_mut() {
            Some(last) if secret.place.start < last.place.end => {
                last.place.end = last.place.end.max(secret.place.end);
                if secret.rank < last.rank {
                    (last.kind, last.rank) = (secret.kind, secret.rank);
                }
            }
            _ => merged.push(secret),
        }
    }
    merged
}
