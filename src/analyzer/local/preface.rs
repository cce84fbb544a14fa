//! The summary of a file that is not parsed: the comment at its top, or what the language describes a file with.

use super::docs;
use super::source::SourceFile;
use crate::analyzer::{Summary, SummarySource};
use crate::language::comment::Comment;

/// Words by which a comment is a licence and not a summary.
const LICENCE_WORDS: [&str; 4] = ["copyright", "spdx-license", "licensed under", "permission is hereby granted"];

/// Lines that may stand before the comment: `#!/bin/sh`, `<?php`, `"use strict"`, blank ones.
const LAST_START_ROW: u32 = 5;

pub fn summary(source: &SourceFile) -> Option<Summary> {
    let text = source.subject.text;
    if let Some(description) = source.subject.language.spec().description {
        let (line, written) = description(text)?;
        let summary = |text| Summary { source: SummarySource::PackageDescription, item: None, line, text };
        return docs::first_paragraph(&written).map(summary);
    }
    leading_comment(source.comments())
}

/// The first run of comment lines near the top that is no licence.
fn leading_comment(comments: &[Comment]) -> Option<Summary> {
    let mut last_end = 0;
    for run in comments.chunk_by(|a, b| b.row <= a.row + 1) {
        let start = run.first()?.row;
        if start > last_end + LAST_START_ROW {
            return None;
        }
        last_end = run.last()?.row;
        let words = run.iter().filter(|c| !c.whole.starts_with("#!")).map(|c| c.text);
        let joined = words.collect::<Vec<_>>().join("\n");
        let lower = joined.to_lowercase();
        if LICENCE_WORDS.iter().any(|word| lower.contains(word)) {
            continue;
        }
        if let Some(text) = docs::first_paragraph(&joined) {
            return Some(Summary { source: SummarySource::LeadingComment, item: None, line: start + 1, text });
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::analyzer::FileSubject;
    use crate::domain::{Language, Role};

    fn of(language: Language, text: &str) -> Option<String> {
        let source = SourceFile::read(FileSubject { language, role: Role::Library, text, uses: &[] }).unwrap();
        summary(&source).map(|s| s.text)
    }

    #[test]
    fn the_comment_at_the_top_is_the_summary() {
        assert_eq!(of(Language::SHELL, "#!/bin/sh\n# Installs\n# it.\n\nset -e\n").as_deref(), Some("Installs it."));
        assert_eq!(
            of(Language::GO, "// Copyright 2020 A\n\n// Package a does b.\npackage a\n").as_deref(),
            Some("Package a does b.")
        );
        let manifest = "[package]\nname = \"a\"\ndescription = \"Reads b.\"\n";
        assert_eq!(of(Language::CARGO_MANIFEST, manifest).as_deref(), Some("Reads b."));
        assert_eq!(
            of(Language::CARGO_MANIFEST, "description = \"\"\"\nReads c.\n\"\"\"\n").as_deref(),
            Some("Reads c.")
        );
        assert_eq!(of(Language::C, "int a;\nint b;\nint c;\nint d;\nint e;\nint f;\nint g; // late\n"), None);
    }
}
