//! Queries with known answers, made from the sources of any crate: the doc comments are taken out, the first sentence of each
//! documented function's is a query, and the function is its answer (the construction of CodeSearchNet, Husain et al. 2019).

use std::collections::HashMap;
use std::error::Error;
use std::fs;
use std::path::Path;

use ra_agent::domain::Hash;
use regex::Regex;

use super::doc_languages::{self, Documented, Undocumented};

/// Words of a sentence that makes a query.
const WORDS: std::ops::RangeInclusive<usize> = 4..=30;

/// Queries of one crate; of more, these are taken by the hash of their text.
const QUERIES_MAX: usize = 300;

const FUNCTION: &str = r"^\s*(?:pub(?:\([^)]*\))?\s+)?(?:const\s+)?(?:async\s+)?(?:unsafe\s+)?fn\s+\w+";

/// A place that answers a query.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Target {
    pub path: String,
    /// From 1, inclusive.
    pub start_line: u32,
    pub end_line: u32,
    /// From 1; the higher, the better the answer.
    pub relevance: u32,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Query {
    pub text: String,
    pub targets: Vec<Target>,
    /// What the documentation says after its first paragraph.
    pub rest: String,
}

impl Query {
    /// In which half of the queries it is, by its text alone: the weights are tuned on one and tested on the other.
    pub fn is_for_tuning(&self) -> bool {
        (Hash::of(self.text.to_lowercase().as_bytes()).as_bytes()[0] >> 4) & 1 == 0
    }
}

/// Copies a crate's files without the doc comments of its Rust sources, and gives the queries whose sentence no other function has.
///
/// # Errors
/// If a file cannot be read or written.
pub fn strip(from: &Path, to: &Path) -> Result<Vec<Query>, Box<dyn Error>> {
    let mut made = Vec::new();
    strip_below(from, to, "", &Regex::new(FUNCTION)?, &mut made)?;
    Ok(chosen(made))
}

/// Files of a tree that make a set, if nothing else is said.
const FILES_MAX: usize = 400;
/// Other files of a tree that are copied: they say how imports are read.
const SETTINGS: [&str; 7] =
    ["package.json", "tsconfig.json", "go.mod", "pyproject.toml", "setup.py", "pnpm-workspace.yaml", "jsconfig.json"];
/// Larger files are data.
const FILE_BYTES_MAX: u64 = 512 * 1024;

/// The same of a tree of another language (see [`doc_languages`]), of which at most `RA_AGENT_SEARCH_FILES` files are taken: whole directories,
/// in the order of their names' hashes.
///
/// # Errors
/// If a file cannot be read or written.
pub fn strip_tree(from: &Path, to: &Path) -> Result<Vec<Query>, Box<dyn Error>> {
    doc_languages::check();
    let most = std::env::var("RA_AGENT_SEARCH_FILES").ok().map_or(Ok(FILES_MAX), |most| most.parse())?;
    let (mut directories, mut made, mut taken) = (Vec::new(), Vec::new(), 0);
    directories_below(from, "", &mut directories)?;
    directories.sort_by_key(|(path, _)| Hash::of(path.as_bytes()).to_string());
    for (directory, names) in directories {
        let (source, target) = (from.join(&directory), to.join(&directory));
        for name in names {
            let read = doc_languages::reader_of(&name).filter(|_| taken < most);
            let is_setting = SETTINGS.contains(&name.as_str());
            if read.is_none() && !is_setting || fs::metadata(source.join(&name))?.len() > FILE_BYTES_MAX {
                continue;
            }
            fs::create_dir_all(&target)?;
            let Some(read) = read else {
                fs::copy(source.join(&name), target.join(&name))?;
                continue;
            };
            let text = String::from_utf8_lossy(&fs::read(source.join(&name))?).replace("\r\n", "\n");
            let path = if directory.is_empty() { name.clone() } else { format!("{directory}/{name}") };
            let Undocumented { text, functions } = read(&text);
            let lines: Vec<&str> = text.lines().collect();
            // A test is described by what it tests (CodeSearchNet leaves them out, too).
            let is_test = |text: &str| text.to_lowercase().contains("test");
            let first = |function: &Documented| lines.get(function.start_line - 1).copied().unwrap_or_default();
            let functions = functions.into_iter().filter(|one| !is_test(&path) && !is_test(first(one)));
            made.extend(functions.filter_map(|function| query_of(&path, function)));
            fs::write(target.join(&name), &text)?;
            taken += 1;
        }
    }
    Ok(chosen(made))
}

fn query_of(path: &str, function: Documented) -> Option<Query> {
    let sentence = first_sentence(&function.paragraph);
    let is_query = WORDS.contains(&sentence.split_whitespace().count()) && !sentence.starts_with('`');
    let target = Target {
        path: path.to_owned(),
        start_line: u32::try_from(function.start_line).ok()?,
        end_line: u32::try_from(function.end_line).ok()?,
        relevance: 2,
    };
    is_query.then(|| Query { text: sentence.replace('`', ""), targets: vec![target], rest: function.rest })
}

/// Every directory with the names of its files, but for those of tools and of what is built.
fn directories_below(at: &Path, prefix: &str, found: &mut Vec<(String, Vec<String>)>) -> Result<(), Box<dyn Error>> {
    let mut names = Vec::new();
    for entry in fs::read_dir(at)? {
        let entry = entry?;
        let (name, kind) = (entry.file_name().to_string_lossy().into_owned(), entry.file_type()?);
        let is_left_out =
            name.starts_with('.') || matches!(name.as_str(), "node_modules" | "target" | "dist" | "vendor");
        if kind.is_dir() && !is_left_out {
            let below = if prefix.is_empty() { name } else { format!("{prefix}/{name}") };
            directories_below(&entry.path(), &below, found)?;
        } else if kind.is_file() {
            names.push(name);
        }
    }
    names.sort();
    found.push((prefix.to_owned(), names));
    Ok(())
}

/// Those whose sentence no other function has, at most so many.
fn chosen(mut made: Vec<Query>) -> Vec<Query> {
    let mut count: HashMap<String, usize> = HashMap::new();
    made.iter().for_each(|query| *count.entry(query.text.to_lowercase()).or_default() += 1);
    made.retain(|query| count[&query.text.to_lowercase()] == 1);
    made.sort_by_key(|query| Hash::of(query.text.to_lowercase().as_bytes()).to_string());
    made.truncate(QUERIES_MAX);
    made
}

fn strip_below(
    from: &Path,
    to: &Path,
    prefix: &str,
    function: &Regex,
    made: &mut Vec<Query>,
) -> Result<(), Box<dyn Error>> {
    fs::create_dir_all(to)?;
    for entry in fs::read_dir(from)? {
        let entry = entry?;
        let name = entry.file_name().to_string_lossy().into_owned();
        let (source, target, path) = (entry.path(), to.join(&name), format!("{prefix}{name}"));
        if name == ".git" || name == "target" {
            continue;
        }
        if entry.file_type()?.is_dir() {
            strip_below(&source, &target, &format!("{path}/"), function, made)?;
        } else if name.ends_with(".rs") {
            let text = String::from_utf8_lossy(&fs::read(&source)?).replace("\r\n", "\n").replace('\r', "\n");
            let (kept, queries) = strip_text(&text, &path, function);
            fs::write(&target, kept)?;
            made.extend(queries);
        } else {
            fs::copy(&source, &target)?;
        }
    }
    Ok(())
}

/// The text without doc comments, and what its documented functions are asked for.
fn strip_text(text: &str, path: &str, function: &Regex) -> (String, Vec<Query>) {
    let mut kept: Vec<&str> = Vec::new();
    let mut doc: Vec<&str> = Vec::new();
    let mut asked: Vec<(String, String, usize)> = Vec::new();
    for line in text.split('\n') {
        let content = line.trim();
        if let Some(comment) = content.strip_prefix("///").filter(|rest| !rest.starts_with('/')) {
            doc.push(comment.trim());
            continue;
        }
        if content.starts_with("//!") {
            continue;
        }
        kept.push(line);
        if content.is_empty() || content.starts_with("#[") {
            continue;
        }
        if !doc.is_empty() && function.is_match(line) {
            let whole = doc.join(" ");
            let sentence = first_sentence(&whole);
            if WORDS.contains(&sentence.split_whitespace().count()) && !sentence.starts_with('`') {
                let rest = whole.trim_start()[sentence.len()..].trim().to_owned();
                asked.push((sentence.replace('`', ""), rest, kept.len()));
            }
        }
        doc.clear();
    }
    let query = |(text, rest, start): (String, String, usize)| {
        let target = Target {
            path: path.to_owned(),
            start_line: u32::try_from(start).unwrap(),
            end_line: u32::try_from(end_line(&kept, start)).unwrap(),
            relevance: 2,
        };
        Query { text, targets: vec![target], rest }
    };
    let queries = asked.into_iter().map(query).collect();
    (kept.join("\n"), queries)
}

/// Up to the first white space after a full stop, an exclamation or a question mark.
fn first_sentence(text: &str) -> String {
    let mut before = ' ';
    for (at, c) in text.char_indices() {
        if c.is_whitespace() && matches!(before, '.' | '!' | '?') {
            return text[..at].trim().to_owned();
        }
        before = c;
    }
    text.trim().to_owned()
}

/// The line of the brace that closes what begins at a line: the next one that is indented alike.
pub fn end_line(lines: &[&str], start: usize) -> usize {
    let first = lines[start - 1];
    if first.trim_end().ends_with([';', '}']) {
        return start;
    }
    let brace = format!("{}}}", " ".repeat(first.len() - first.trim_start().len()));
    let below = lines[start..].iter().position(|line| line.starts_with(&brace));
    below.map_or(lines.len(), |below| start + below + 1)
}

/// Reads a set of queries made elsewhere: CSV of `query,result1,result2,..`, a result being `path:first-last:relevance`.
///
/// # Errors
/// If a result is written otherwise.
pub fn read_csv(csv: &str) -> Result<Vec<Query>, Box<dyn Error>> {
    let rows = csv.lines().skip(1).filter(|line| !line.trim().is_empty());
    rows.map(|line| {
        let mut fields = fields(line).into_iter();
        let text = fields.next().ok_or("a line has no query")?;
        let targets = fields.filter(|field| !field.is_empty()).map(|field| target(&field)).collect::<Result<_, _>>()?;
        Ok(Query { text, targets, rest: String::new() })
    })
    .collect()
}

fn target(field: &str) -> Result<Target, Box<dyn Error>> {
    let wrong = || format!("{field} is no result; write path:first-last:relevance");
    let (place, relevance) = field.rsplit_once(':').ok_or_else(wrong)?;
    let (path, lines) = place.rsplit_once(':').ok_or_else(wrong)?;
    let (first, last) = lines.split_once('-').ok_or_else(wrong)?;
    Ok(Target {
        path: path.to_owned(),
        start_line: first.parse()?,
        end_line: last.parse()?,
        relevance: relevance.parse()?,
    })
}

/// Fields of a line of CSV; a quoted one may hold commas, and quotes doubled.
fn fields(line: &str) -> Vec<String> {
    let mut fields = vec![String::new()];
    let mut quoted = false;
    let mut chars = line.chars().peekable();
    while let Some(c) = chars.next() {
        match c {
            '"' if quoted && chars.peek() == Some(&'"') => fields.last_mut().unwrap().extend(chars.next()),
            '"' => quoted = !quoted,
            ',' if !quoted => fields.push(String::new()),
            c => fields.last_mut().unwrap().push(c),
        }
    }
    fields
}
