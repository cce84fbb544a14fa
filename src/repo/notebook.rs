//! Notebooks (`.ipynb`): what a person wrote in them stands in JSON between what running it printed.
//!
//! The text of a notebook is that of its cells, code and Markdown, on the lines on which they stand in the file; every other line is
//! empty. So lines keep their numbers, and running a notebook again changes nothing. Format:
//! nbformat 4, <https://nbformat.readthedocs.io/en/latest/format_description.html>; version 3 has its cells one level deeper.

use serde::de::IgnoredAny;

use crate::domain::FilePath;

/// Whether a file is one, by its name.
pub(super) fn is_notebook(path: &FilePath) -> bool {
    path.extension().is_some_and(|extension| extension.eq_ignore_ascii_case(b"ipynb"))
}

/// What a person wrote into a notebook; `None`: it is no JSON, so it is read as it is.
pub(super) fn written(json: &str) -> Option<String> {
    serde_json::from_str::<IgnoredAny>(json).ok()?;
    let sources = sources(json);
    // A source as one string, or all of the file in one line: lines have no place of their own, and stand one after another.
    let in_place =
        sources.windows(2).all(|pair| pair[0].line < pair[1].line) && sources.iter().all(Source::is_one_line);
    let mut text = String::new();
    let mut line = 0;
    for source in &sources {
        while in_place && line < source.line {
            text.push('\n');
            line += 1;
        }
        if !in_place && source.opens_cell && !text.is_empty() {
            text.push_str(if text.ends_with('\n') { "\n" } else { "\n\n" });
        }
        text.push_str(if in_place { source.text.trim_end_matches('\n') } else { &source.text });
    }
    if !text.is_empty() && !text.ends_with('\n') {
        text.push('\n');
    }
    Some(text)
}

/// A string of a cell's source.
struct Source {
    /// Where it begins in the file, from 0.
    line: usize,
    text: String,
    opens_cell: bool,
}

impl Source {
    fn is_one_line(&self) -> bool {
        !self.text.trim_end_matches('\n').contains('\n')
    }
}

/// The strings under `cells` / `source` (version 3: `worksheets` / `cells` / `input`) of a valid JSON text, in their order.
fn sources(json: &str) -> Vec<Source> {
    let mut found = Vec::new();
    // The keys of the objects that are open; an array has the key of what holds it.
    let mut open: Vec<&str> = Vec::new();
    let (mut key, mut line, mut at, mut opens_cell) = ("", 0, 0, true);
    while let Some(&byte) = json.as_bytes().get(at) {
        match byte {
            b'{' | b'[' => open.push(key),
            b'}' | b']' => key = open.pop().unwrap_or_default(),
            b'\n' => line += 1,
            b'"' => {
                let end = string_end(json, at);
                let string = &json[at..end];
                if json[end..].trim_start().starts_with(':') {
                    key = &string[1..string.len() - 1];
                    opens_cell |= matches!(key, "source" | "input");
                } else if is_source(&open, key)
                    && let Ok(text) = serde_json::from_str(string)
                {
                    found.push(Source { line, text, opens_cell: std::mem::take(&mut opens_cell) });
                }
                at = end;
                continue;
            }
            _ => {}
        }
        at += 1;
    }
    found
}

/// Whether a string stands in a cell's source: under `cells`, the cell itself, and at most one list.
fn is_source(open: &[&str], key: &str) -> bool {
    let Some(cells) = open.iter().position(|&open| open == "cells").filter(|&cells| cells <= 3) else { return false };
    // The list of cells and the cell have the key `cells`; the list of a source has its own.
    let inside = open[cells..].iter().filter(|&&open| open == "cells").count();
    let rest = &open[cells + inside..];
    inside == 2 && matches!(key, "source" | "input") && (rest.is_empty() || rest == [key])
}

/// Behind the string that begins there.
fn string_end(json: &str, start: usize) -> usize {
    let bytes = json.as_bytes();
    let mut at = start + 1;
    while let Some(&byte) = bytes.get(at) {
        match byte {
            b'\\' => at += 2,
            b'"' => return at + 1,
            _ => at += 1,
        }
    }
    bytes.len()
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOTEBOOK: &str = r##"{
 "cells": [
  {
   "cell_type": "markdown",
   "metadata": {"tags": ["source"]},
   "source": [
    "# Retries\n",
    "How often we \"try\""
   ]
  },
  {
   "cell_type": "code",
   "execution_count": 3,
   "metadata": {},
   "outputs": [
    {"name": "stdout", "output_type": "stream", "text": ["printed\n"], "source": ["no"]}
   ],
   "source": [
    "def retry(limit):\n",
    "    return limit \u00d7 2\n"
   ]
  }
 ],
 "metadata": {"kernelspec": {"name": "python3", "source": "no"}},
 "nbformat": 4
}
"##;

    #[test]
    fn what_was_written_stands_on_its_lines_without_outputs() {
        let text = written(NOTEBOOK).unwrap();
        let lines: Vec<(usize, &str)> = (1..).zip(text.lines()).filter(|(_, line)| !line.is_empty()).collect();
        let expected = [
            (7, "# Retries"),
            (8, "How often we \"try\""),
            (19, "def retry(limit):"),
            (20, "    return limit \u{d7} 2"),
        ];
        assert_eq!(lines, expected);
        for (line, text) in lines {
            let of_file = NOTEBOOK.lines().nth(line - 1).unwrap();
            assert!(of_file.contains(text.split(['"', '\u{d7}']).next().unwrap()), "{of_file}");
        }
        let run_again =
            NOTEBOOK.replace("\"execution_count\": 3", "\"execution_count\": 4").replace("printed", "other");
        assert_eq!(written(&run_again).unwrap(), text);
    }

    #[test]
    fn cells_in_few_lines_stand_one_after_another() {
        let one_line = r##"{"cells":[{"source":["a\n","b"],"cell_type":"code"},{"source":"c\nd\n"},{"source":"e"}]}"##;
        assert_eq!(written(one_line).unwrap(), "a\nb\n\nc\nd\n\ne\n");
        let of_version_3 = r##"{"worksheets":[{"cells":[{"input":["x = 1"],"prompt_number":1},{"source":"prose"}]}]}"##;
        assert_eq!(written(of_version_3).unwrap(), "x = 1\n\nprose\n");
    }

    #[test]
    fn what_is_no_notebook_is_left_alone() {
        assert_eq!(written("{\"cells\": [").as_deref(), None);
        assert_eq!(written("[\"cells\", {\"a\": {\"source\": \"no\"}}]").as_deref(), Some(""));
        assert_eq!(written(&"[".repeat(100_000)).as_deref(), None, "nested beyond use");
        assert!(is_notebook(&"a/b.IPYNB".into()) && !is_notebook(&"ipynb".into()));
    }
}
