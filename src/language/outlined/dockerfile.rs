//! Dockerfiles as their grammar can read them: it takes a bracket in a continued line, which is the shell's, for the list of a command.

use crate::language::syntax::TextReading;

/// The text with a letter for each `[` in a continued line.
pub fn reading(text: &str) -> TextReading {
    let mut read = String::with_capacity(text.len());
    let mut is_continued = false;
    for line in text.split_inclusive('\n') {
        let words = line.trim();
        let is_comment = words.starts_with('#');
        if is_continued && !is_comment {
            read.push_str(&line.replace('[', "x"));
        } else {
            read.push_str(line);
        }
        // A comment between continued lines does not end them.
        is_continued = if is_comment { is_continued } else { words.ends_with('\\') };
    }
    TextReading { text: Some(read), ..TextReading::default() }
}

#[cfg(test)]
mod tests {
    use super::reading;
    use crate::domain::Language;
    use crate::outline::outline;

    #[test]
    fn brackets_of_the_shell_are_read_as_letters() {
        let text = "FROM debian AS base\nRUN set -e; \\\n\t# [ a remark\n\t[ -e /a ]; \\\n\techo 'b[1]'\nCMD [\"c\"]\nENV D=1\n";
        let read = reading(text).text.unwrap();
        assert_eq!(read.len(), text.len());
        assert!(read.contains("# [ a remark\n\tx -e /a ]; \\\n\techo 'bx1]'\nCMD [\"c\"]"), "{read}");
        let (outline, errors) = outline(Language::parse("dockerfile").unwrap(), text);
        assert_eq!(errors, []);
        assert_eq!(outline.symbols().iter().map(|one| one.name.as_str()).collect::<Vec<_>>(), ["base", "D"]);
    }
}
