//! Whether a literal that stands where a secret would stand is one.

/// Bits of Shannon entropy a character from which a literal looks made by chance. English words have 2 to 3, base64 of a key 4 to 6,
/// hexadecimal digits of a key 3.2 to 4.
const RANDOM_BITS: f64 = 3.0;

/// Shortest literal that its entropy sets apart from a word, in characters.
const RANDOM_LENGTH: usize = 12;

/// Shortest literal that counts as a password.
const PASSWORD_LENGTH: usize = 4;

pub(super) fn always(_: &str) -> bool {
    true
}

/// Keys of this format have digits; names that begin alike (`sk-loading-spinner`) have none.
pub(super) fn has_digit(text: &str) -> bool {
    text.bytes().any(|byte| byte.is_ascii_digit())
}

/// Looks made by chance: long, with a digit or mixed case, and no pattern to be filled in.
pub(super) fn is_random(text: &str) -> bool {
    let mixed = text.bytes().any(|b| b.is_ascii_uppercase()) && text.bytes().any(|b| b.is_ascii_lowercase());
    text.chars().count() >= RANDOM_LENGTH
        && (has_digit(text) || mixed)
        && !is_pattern(text)
        && !is_words(text)
        && !is_camel_case(text)
        && entropy_bits(text) >= RANDOM_BITS
}

/// As [`is_random`], and with a digit: without quotes around it a word could be a name.
pub(super) fn is_key(text: &str) -> bool {
    has_digit(text) && is_random(text)
}

/// Whatever is written where a password stands, unless it is a place for one.
pub(super) fn is_password(text: &str) -> bool {
    text.chars().count() >= PASSWORD_LENGTH
        && !is_pattern(text)
        && text.chars().any(|c| c != '*' && c != 'x' && c != '.')
}

/// `refresh-token-v2`, `aws.secret_key`: a name, each part of it a word or short.
fn is_words(text: &str) -> bool {
    const SHORT: usize = 3;
    let word = |part: &str| part.len() <= SHORT || part.bytes().skip(1).all(|byte| byte.is_ascii_lowercase());
    text.contains(['-', '_', '.', '/', ':']) && text.split(['-', '_', '.', '/', ':']).all(word)
}

/// `EllipticCurvePrivateKey`: letters alone, of which few are capitals behind small ones. By chance every fourth letter is.
fn is_camel_case(text: &str) -> bool {
    const FEW: usize = 6;
    let letters = text.trim_start_matches('_');
    let humps =
        letters.as_bytes().windows(2).filter(|pair| pair[0].is_ascii_lowercase() && pair[1].is_ascii_uppercase());
    letters.bytes().all(|byte| byte.is_ascii_alphabetic()) && humps.count() * FEW < letters.len()
}

/// `${VAR}`, `{password}`, `<token>`, `%s`, `$1`: the secret itself is elsewhere.
fn is_pattern(text: &str) -> bool {
    text.starts_with(['$', '%', '<', '{', '[', '(']) || text.contains("${") || text.contains("{{") || is_braced(text)
}

fn is_braced(text: &str) -> bool {
    text.contains('{') && text.contains('}')
}

/// Shannon entropy of the characters, in bits a character (Shannon 1948, section 6).
fn entropy_bits(text: &str) -> f64 {
    let mut counts = std::collections::BTreeMap::<char, f64>::new();
    text.chars().for_each(|c| *counts.entry(c).or_default() += 1.0);
    let all = text.chars().count() as f64;
    counts.values().map(|count| -(count / all) * (count / all).log2()).sum()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_and_patterns_are_no_secrets() {
        for text in [
            "access_token",
            "refresh-token-v2",
            "Bearer.Token_Kind",
            "_EllipticCurvePrivateKey",
            "${API_KEY}",
            "{token}",
            "<your key here 1>",
            "aaaaaaaaaaaa1",
        ] {
            assert!(!is_random(text), "{text}");
        }
        for text in ["9f86d081884c7d659a2f", "wJalrXUtnFEMIK7MDENG", "kQmRxTvBwLpYcNdHgFjSeUoZ"] {
            assert!(is_random(text), "{text}");
        }
        assert!(is_password("hunter2") && !is_password("****") && !is_password("$PASSWORD") && !is_password("{pw}x"));
    }
}
