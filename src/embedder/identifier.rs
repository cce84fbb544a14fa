//! Identifiers as the words that they are made of.

/// The parts of a snake_case or camelCase identifier: `HTTPServer_2` gives `HTTP`, `Server`, `2`.
pub fn parts(identifier: &str) -> Vec<&str> {
    let mut parts = Vec::new();
    for word in identifier.split('_').filter(|word| !word.is_empty()) {
        let (mut start, mut before) = (0, None::<char>);
        let mut chars = word.char_indices().peekable();
        while let Some((at, c)) = chars.next() {
            if let Some(before) = before {
                let mut after_is_lower = || chars.peek().is_some_and(|(_, next)| next.is_lowercase());
                let border = (c.is_uppercase() && (!before.is_uppercase() || after_is_lower()))
                    || (c.is_numeric() != before.is_numeric());
                if border {
                    parts.push(&word[start..at]);
                    start = at;
                }
            }
            before = Some(c);
        }
        parts.push(&word[start..]);
    }
    parts
}

/// The names of a text as plain words in lower case: `Store::open_writer` gives `store open writer`.
pub fn plain_words(names: &str) -> String {
    let identifiers = names.split(|c: char| !c.is_alphanumeric() && c != '_');
    identifiers.flat_map(parts).map(str::to_lowercase).collect::<Vec<_>>().join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn borders_are_underscores_cases_and_digits() {
        assert_eq!(parts("HTTPServer_2"), ["HTTP", "Server", "2"]);
        assert_eq!(parts("__"), Vec::<&str>::new());
        assert_eq!(plain_words("Store::open_writer, MaxRetries<T>"), "store open writer max retries t");
    }
}
