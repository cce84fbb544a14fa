//! `try`.

use std::path::Path;

use super::hooks::shell_quoted;
use super::output::{print, print_json};
use super::{Context, Failure};
use crate::client::SearchBy;
use crate::query::Reader;
use crate::query::first_steps::first_steps;
use crate::query::search::SearchRequest;
use crate::query::view::first_steps::FirstStepsView;
use crate::query::view::for_terminal;

pub fn try_out(context: &Context, repo: &Path, json: bool) -> Result<(), Failure> {
    let reader = Reader::open(&context.home, &context.config)?;
    let repo = reader.repo(&repo)?;
    let client = context.client(false);
    let first_hit = |words: &str| {
        let asked = SearchRequest {
            query: words.to_owned(),
            repo: Some(repo.id.0.clone()),
            limit: 1,
            ..SearchRequest::default()
        };
        client.search(&asked, SearchBy::Meaning, false).ok()?.hits.into_iter().next()
    };
    let view = first_steps(&reader, &repo, &first_hit)?;
    if json { print_json(&view) } else { print(&describe(&view, &called())) }
}

/// How a shell calls this program here: by its name if it is on the PATH, else by its file.
#[expect(clippy::disallowed_methods, reason = "the shell reads this variable too")]
fn called() -> String {
    let name = "ra-agent";
    let path = std::env::var_os("PATH").unwrap_or_default();
    if std::env::split_paths(&path).any(|directory| directory.join(name).is_file()) {
        return name.to_owned();
    }
    std::env::current_exe().map_or_else(|_| name.to_owned(), |program| quoted(&program.to_string_lossy()))
}

fn describe(view: &FirstStepsView, program: &str) -> String {
    let repo = for_terminal(&view.repo);
    if let Some(why) = &view.why_empty {
        return format!("{repo}: {why}\n");
    }
    let step = |step: &crate::query::view::first_steps::FirstStep| {
        let words: Vec<String> = step.command.iter().map(|word| quoted(word)).collect();
        format!("  {program} {}\n      {}\n", words.join(" "), step.shows)
    };
    format!("To try on {repo}:\n{}", view.steps.iter().map(step).collect::<String>())
}

/// A word as a shell takes it.
fn quoted(word: &str) -> String {
    let is_plain = |c: char| c.is_ascii_alphanumeric() || "-_./=:+,@%".contains(c);
    match !word.is_empty() && word.chars().all(is_plain) {
        true => word.to_owned(),
        false => String::from_utf8_lossy(&shell_quoted(word.as_bytes())).into_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_are_quoted_where_a_shell_would_read_them_otherwise() {
        let shown = ["src/a.rs", "print error", "it's", ""].map(quoted);
        assert_eq!(shown, ["src/a.rs", "'print error'", r"'it'\''s'", "''"]);
    }
}
