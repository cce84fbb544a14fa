//! Which two commits are compared.

use std::time::Duration;

use super::super::QueryError;
use super::super::impact::{end, ends_of_commit};
use crate::clock;
use crate::repo::{Head, Repo};

/// Most digits of an age: a longer number is the beginning of a commit's name.
const AGE_DIGITS_MAX: usize = 5;

/// What is compared with what.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ReportRange {
    /// The commit before HEAD, and HEAD.
    LastCommit,
    /// What HEAD was so long ago, and HEAD.
    Age(Duration),
    /// FROM..TO; an end that is left out is HEAD. One revision alone: from it to HEAD.
    Revisions(String),
    /// One commit, compared with its first parent.
    Commit(String),
    /// So many commits up to HEAD, along first parents.
    Newest(usize),
}

impl ReportRange {
    /// Reads an age (`90m`, `12h`, `1d`, `2w`), else revisions.
    pub fn parse(text: &str) -> Self {
        let (number, unit) = text.split_at(text.trim_end_matches(char::is_alphabetic).len());
        let seconds = match unit {
            "m" => 60,
            "h" => 3_600,
            "d" => 86_400,
            "w" => 7 * 86_400,
            _ => 0,
        };
        let is_number = number.len() <= AGE_DIGITS_MAX && number.bytes().all(|byte| byte.is_ascii_digit());
        match number.parse::<u64>() {
            Ok(number) if is_number && seconds > 0 => Self::Age(Duration::from_secs(number * seconds)),
            _ => Self::Revisions(text.to_owned()),
        }
    }
}

/// The commits that a range means. The beginning of a history is compared with nothing.
///
/// # Errors
/// If it names commits that are not there, or that a shallow clone lacks.
pub(super) fn ends(git: &Repo, range: &ReportRange) -> Result<(Head, Head), QueryError> {
    match range {
        ReportRange::LastCommit if git.is_shallow() => Ok((end(git, "HEAD~1")?, git.head()?)),
        ReportRange::LastCommit => Ok((git.rev("HEAD~1").unwrap_or_default(), git.head()?)),
        ReportRange::Age(age) => aged(git, *age),
        ReportRange::Commit(spec) => ends_of_commit(git, spec),
        ReportRange::Newest(count) => newest(git, *count),
        ReportRange::Revisions(text) => {
            let wrong = || {
                QueryError::Invalid(format!(
                    "{} is neither an age nor a range of commits; write e.g. 1d, HEAD~3..HEAD or v1.0",
                    if text.is_empty() { "an empty text" } else { text }
                ))
            };
            let (from, to) = text.split_once("..").unwrap_or((text, ""));
            if to.starts_with('.') || from.is_empty() && to.is_empty() {
                return Err(wrong());
            }
            let named = |spec: &str| end(git, if spec.is_empty() { "HEAD" } else { spec });
            // A text without dots may have been meant for an age.
            let first = named(from).map_err(|error| match error {
                QueryError::Invalid(_) if from == text => wrong(),
                error => error,
            });
            Ok((first?, named(to)?))
        }
    }
}

/// What was before the newest commits, and HEAD. Of a history that is shorter: all of it.
fn newest(git: &Repo, count: usize) -> Result<(Head, Head), QueryError> {
    let to = git.head()?;
    let Some(newest) = &to.commit else { return Ok((Head::default(), to)) };
    let (mut passed, mut from) = (0, Head::default());
    git.first_parents(newest, |commit| {
        let is_before = passed == count;
        passed += 1;
        if is_before {
            from = Head { commit: Some(commit.id.clone()), tree: Some(commit.tree.clone()), branch: None };
        }
        is_before
    })?;
    Ok((from, to))
}

/// The newest of HEAD's first parents that is older, and HEAD.
fn aged(git: &Repo, age: Duration) -> Result<(Head, Head), QueryError> {
    let to = git.head()?;
    let Some(newest) = &to.commit else { return Ok((Head::default(), to)) };
    let millis = i64::try_from(age.as_millis()).unwrap_or(i64::MAX);
    let since = clock::now().plus_millis(millis.saturating_neg());
    let mut from = Head::default();
    let found = git.first_parents(newest, |commit| {
        let is_older = commit.committed_at <= since;
        if is_older {
            from = Head { commit: Some(commit.id.clone()), tree: Some(commit.tree.clone()), branch: None };
        }
        is_older
    })?;
    if found.is_cut {
        let oldest = found.commits.last().map(|commit| commit.id.to_string()).unwrap_or_default();
        return end(git, &format!("{oldest}~1")).map(|from| (from, to));
    }
    Ok((from, to))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_age_is_a_short_number_with_a_unit() {
        for (text, seconds) in [("90m", 5_400), ("12h", 43_200), ("1d", 86_400), ("2w", 1_209_600), ("0d", 0)] {
            assert_eq!(ReportRange::parse(text), ReportRange::Age(Duration::from_secs(seconds)), "{text}");
        }
        for text in ["main", "HEAD~3..HEAD", "1234567d", "d", "", "1", "12y", "-1d", "v1.0", "1d..HEAD", "ä", "1dä"] {
            assert_eq!(ReportRange::parse(text), ReportRange::Revisions(text.to_owned()), "{text}");
        }
    }
}
