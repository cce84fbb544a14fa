//! How documentation stands in the sources of a language: what of a file is documentation, and which function each piece of it is about.
//!
//! By lines and regular expressions, not by the agent's own parsers: a set of queries must not depend on what it judges. What these read
//! wrongly is a query less, or one that none can answer; it is the same for all that are compared.

use std::sync::LazyLock;

use regex::Regex;

/// A function with the text of its documentation.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Documented {
    /// First paragraph, marks taken off.
    pub paragraph: String,
    /// What follows it.
    pub rest: String,
    /// Lines of the text that is left, from 1, inclusive.
    pub start_line: usize,
    pub end_line: usize,
}

/// A file without its documentation, and its functions that had some.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Undocumented {
    pub text: String,
    pub functions: Vec<Documented>,
}

/// How the documentation of a file is read, by its name; `None`: its documentation stays.
pub fn reader_of(name: &str) -> Option<fn(&str) -> Undocumented> {
    let extension = name.rsplit_once('.').map_or("", |(_, extension)| extension);
    match extension {
        "py" => Some(python),
        "ts" | "tsx" | "mts" | "js" | "jsx" | "mjs" if !name.ends_with(".d.ts") => {
            Some(|text| block_comments(text, &SCRIPT))
        }
        "java" => Some(|text| block_comments(text, &JAVA)),
        "go" => Some(go),
        _ => None,
    }
}

static PYTHON: LazyLock<Regex> = LazyLock::new(|| regex(r"^\s*(?:async\s+)?(def|class)\s+\w+"));
static QUOTE: LazyLock<Regex> = LazyLock::new(|| regex(r#"^\s*[rRuU]?("""|''')"#));
/// `{@link Name}`
static INLINE_TAG: LazyLock<Regex> = LazyLock::new(|| regex(r"\{@\w+\s+#?([^}]*)\}"));
static GO: LazyLock<Regex> = LazyLock::new(|| regex(r"^func\s+(?:\([^)]*\)\s*)?(\w+)"));
static GO_ITEM: LazyLock<Regex> = LazyLock::new(|| regex(r"^(?:func|type|var|const|package)\b"));
static SCRIPT: LazyLock<Regex> = LazyLock::new(|| {
    let modifiers = "(?:(?:public|private|protected|static|async|override|get|set)\\s+)*";
    let function = "(?:export\\s+)?(?:default\\s+)?(?:async\\s+)?function\\b";
    let arrow = "(?:export\\s+)?(?:const|let)\\s+\\w+[^=]*=\\s*(?:async\\b\\s*)?(?:\\(|<|function\\b|\\w+\\s*=>)";
    regex(&format!("^\\s*(?:{function}|{arrow}|{modifiers}[*#]?[\\w$]+\\s*(?:<[^>]*>)?\\()"))
});
static JAVA: LazyLock<Regex> = LazyLock::new(|| {
    let modifiers = "(?:public|protected|private|static|final|abstract|synchronized|default|native)";
    regex(&format!("^\\s+(?:{modifiers}\\s+)*(?:<.*>\\s+)?[\\w<>\\[\\],.?@&\\s]+\\s\\w+\\s*\\("))
});
/// Keywords that a script's method could be taken for.
static NO_METHOD: LazyLock<Regex> = LazyLock::new(|| {
    regex(r"^\s*(?:if|for|while|switch|return|catch|with|await|new|throw|super|import|expect|describe|it|test)\b")
});

fn regex(pattern: &str) -> Regex {
    Regex::new(pattern).unwrap()
}

fn indent(line: &str) -> usize {
    line.len() - line.trim_start().len()
}

/// The first paragraph of a documentation, in one line, and the rest of it. Tags (`@param`, `:param`) begin what is no sentence.
fn paragraphs(lines: &[&str]) -> (String, String) {
    let lines: Vec<&str> = lines.iter().map(|line| line.trim()).skip_while(|line| line.is_empty()).collect();
    let is_tag = |line: &&str| line.starts_with('@') || line.starts_with(":param") || line.starts_with(":return");
    let end = lines.iter().position(|line| line.is_empty() || is_tag(line)).unwrap_or(lines.len());
    let rest: Vec<&str> = lines[end..].iter().filter(|line| !line.is_empty()).copied().collect();
    let plain = |text: String| INLINE_TAG.replace_all(&text, "$1").into_owned();
    (plain(lines[..end].join(" ")), plain(rest.join(" ")))
}

// ---- Python: the string that a body begins with -----------------------------------------------------------------------------------

fn python(text: &str) -> Undocumented {
    let lines: Vec<&str> = text.split('\n').collect();
    let mut kept: Vec<String> = Vec::new();
    let mut found: Vec<(usize, String, String)> = Vec::new();
    let mut at = skip_docstring(&lines, leading_comments(&lines), None, &mut kept).map_or(0, |(next, _)| next);
    while at < lines.len() {
        let Some(captures) = PYTHON.captures(lines[at]) else {
            kept.push(lines[at].to_owned());
            at += 1;
            continue;
        };
        let is_function = &captures[1] == "def";
        let end = signature_end(&lines, at);
        kept.extend(lines[at..=end].iter().map(|line| (*line).to_owned()));
        let start = kept.len() - (end - at);
        let depth = indent(lines[at]);
        at = end + 1;
        if let Some((next, doc)) = skip_docstring(&lines, at, Some(depth), &mut kept) {
            at = next;
            if is_function {
                let (paragraph, rest) = paragraphs(&doc);
                found.push((start, paragraph, rest));
            }
        }
    }
    let functions = found.into_iter().map(|(start_line, paragraph, rest)| {
        let end_line = block_end(&kept, start_line);
        Documented { paragraph, rest, start_line, end_line }
    });
    let functions = functions.collect();
    Undocumented { text: kept.join("\n"), functions }
}

/// The place of the first line that is neither empty nor a comment.
fn leading_comments(lines: &[&str]) -> usize {
    lines.iter().position(|line| !line.trim().is_empty() && !line.starts_with('#')).unwrap_or(lines.len())
}

/// The last line of a signature: where every bracket is closed.
fn signature_end(lines: &[&str], at: usize) -> usize {
    const LONGEST: usize = 40;
    let mut open = 0;
    for (below, line) in lines[at..].iter().take(LONGEST).enumerate() {
        open += line.matches(['(', '[', '{']).count();
        open = open.saturating_sub(line.matches([')', ']', '}']).count());
        if open == 0 {
            return at + below;
        }
    }
    at
}

/// If a docstring stands at a line or below empty ones: the line after it, and its lines. A body that has nothing else gets a `pass`.
fn skip_docstring<'l>(
    lines: &[&'l str],
    at: usize,
    depth: Option<usize>,
    kept: &mut Vec<String>,
) -> Option<(usize, Vec<&'l str>)> {
    let first = at + lines.get(at..)?.iter().position(|line| !line.trim().is_empty())?;
    let quote = QUOTE.captures(lines[first])?.get(1)?;
    if depth.is_some_and(|depth| indent(lines[first]) <= depth) {
        return None;
    }
    let body = &lines[first][quote.end()..];
    let mut doc = Vec::new();
    let end = match body.find(quote.as_str()) {
        Some(end) => {
            doc.push(&body[..end]);
            first
        }
        None => {
            doc.push(body);
            let below = lines[first + 1..].iter().position(|line| line.contains(quote.as_str()))?;
            let end = first + 1 + below;
            doc.extend(&lines[first + 1..end]);
            doc.push(lines[end].split(quote.as_str()).next().unwrap_or(""));
            end
        }
    };
    match depth {
        None => kept.extend(lines[..at].iter().map(|line| (*line).to_owned())),
        Some(depth) => {
            let next = lines[end + 1..].iter().find(|line| !line.trim().is_empty());
            if next.is_none_or(|line| indent(line) <= depth) {
                kept.push(format!("{}pass", " ".repeat(indent(lines[first]))));
            }
        }
    }
    Some((end + 1, doc))
}

/// The last line of what is indented below a line.
fn block_end(lines: &[String], start: usize) -> usize {
    let depth = indent(&lines[start - 1]);
    let mut end = start;
    for (at, line) in lines.iter().enumerate().skip(start) {
        if line.trim().is_empty() {
            continue;
        }
        let closes_signature = line.trim_start().starts_with([')', ']']);
        if indent(line) <= depth && !closes_signature {
            break;
        }
        end = at + 1;
    }
    end
}

// ---- TypeScript, JavaScript, Java: `/** .. */` ----------------------------------------------------------------------------------------

fn block_comments(text: &str, function: &Regex) -> Undocumented {
    let mut kept: Vec<&str> = Vec::new();
    let mut doc: Vec<&str> = Vec::new();
    let mut asked: Vec<(usize, String, String)> = Vec::new();
    let mut inside = false;
    for line in text.split('\n') {
        let content = line.trim();
        if inside || content.starts_with("/**") && !content.starts_with("/**/") {
            if !inside {
                doc.clear();
            }
            let inner = content.trim_start_matches("/**").trim_end_matches("*/");
            doc.push(inner.trim().trim_start_matches('*'));
            inside = !content.contains("*/");
            continue;
        }
        kept.push(line);
        if content.is_empty() || content.starts_with('@') {
            continue;
        }
        if !doc.is_empty() && function.is_match(line) && !NO_METHOD.is_match(line) {
            let (paragraph, rest) = paragraphs(&doc);
            asked.push((kept.len(), paragraph, rest));
        }
        doc.clear();
    }
    let documented = |(start_line, paragraph, rest)| Documented {
        paragraph,
        rest,
        start_line,
        end_line: super::doc_queries::end_line(&kept, start_line),
    };
    let functions = asked.into_iter().map(documented).collect();
    Undocumented { text: kept.join("\n"), functions }
}

// ---- Go: the comments right above what they are about -------------------------------------------------------------------------------

/// A documentation begins with the name of what it is about, by convention. A query must not: it would name its answer.
fn go(text: &str) -> Undocumented {
    let mut kept: Vec<&str> = Vec::new();
    let mut doc: Vec<&str> = Vec::new();
    let mut asked: Vec<(usize, String, String)> = Vec::new();
    for line in text.split('\n') {
        if line.starts_with("//") && !line.starts_with("//go:") && !line.starts_with("// +build") {
            doc.push(line);
            continue;
        }
        if !GO_ITEM.is_match(line) {
            kept.append(&mut doc);
            kept.push(line);
            continue;
        }
        kept.push(line);
        if let Some(captures) = GO.captures(line).filter(|_| !doc.is_empty()) {
            let lines: Vec<&str> = doc.iter().map(|line| line.trim_start_matches('/')).collect();
            let (paragraph, rest) = paragraphs(&lines);
            let unnamed = paragraph.strip_prefix(&captures[1]).map(str::trim_start).map(str::to_owned);
            asked.push((kept.len(), unnamed.unwrap_or(paragraph), rest));
        }
        doc.clear();
    }
    kept.append(&mut doc);
    let documented = |(start_line, paragraph, rest)| Documented {
        paragraph,
        rest,
        start_line,
        end_line: super::doc_queries::end_line(&kept, start_line),
    };
    let functions = asked.into_iter().map(documented).collect();
    Undocumented { text: kept.join("\n"), functions }
}

/// Checked when a set is made, for a bench has no tests of its own: documentation leaves, and its function is found where it then is.
pub fn check() {
    type Case = (&'static str, &'static str, &'static str, &'static [(&'static str, usize, usize)]);
    let cases: [Case; 4] = [
        (
            "a.py",
            "#!x\n\"\"\"The module.\"\"\"\nimport a\n\nclass A:\n    \"\"\"One.\"\"\"\n\n    def go(\n        self,\n    ) -> int:\n        \"\"\"\n        Walk to it.\n\n        At once.\n        \"\"\"\n        return 1\n\ndef b():\n    r'''Ends here.'''\n",
            "#!x\nimport a\n\nclass A:\n\n    def go(\n        self,\n    ) -> int:\n        return 1\n\ndef b():\n    pass\n",
            &[("Walk to it.", 6, 9), ("Ends here.", 11, 12)],
        ),
        (
            "a.ts",
            "/** The file. */\nimport x\n\n/**\n * Opens it.\n * @param a - what\n */\nexport async function open(a: X): Y {\n  /* kept */\n}\nclass A {\n  /** Shuts it. */\n  shut(): void {\n  }\n}\n",
            "import x\n\nexport async function open(a: X): Y {\n  /* kept */\n}\nclass A {\n  shut(): void {\n  }\n}\n",
            &[("Opens it.", 3, 5), ("Shuts it.", 7, 8)],
        ),
        (
            "a.go",
            "// Package a does.\npackage a\n\n// kept\n\n// Open opens it\n// well.\nfunc (s *S) Open() {\n\t// kept\n}\n",
            "package a\n\n// kept\n\nfunc (s *S) Open() {\n\t// kept\n}\n",
            &[("opens it well.", 5, 7)],
        ),
        (
            "A.java",
            "/** A. */\nclass A {\n  /**\n   * Adds one.\n   */\n  @Override\n  public static <T> List<T> add(T t) {\n  }\n}\n",
            "class A {\n  @Override\n  public static <T> List<T> add(T t) {\n  }\n}\n",
            &[("Adds one.", 3, 4)],
        ),
    ];
    for (name, text, expected, functions) in cases {
        let read = reader_of(name).unwrap()(text);
        let found: Vec<(&str, usize, usize)> =
            read.functions.iter().map(|one| (one.paragraph.as_str(), one.start_line, one.end_line)).collect();
        assert_eq!((read.text.as_str(), &found[..]), (expected, functions), "{name}");
    }
}
