//! What may be a hit, and which become one: of the pieces of one item the best, and of what clones and linked work trees of a
//! repository have alike, one. They are the same if their first commit is.

use std::collections::{HashMap, HashSet};

use super::QueryError;
use super::filter::HitFilter;
use super::rank::{Parts, WEIGHTS};
use super::search::Searched;
use crate::cache::chunks::{self, ChunkRecord};
use crate::cache::written::WrittenText;
use crate::domain::{FilePath, ObjectId};

/// HitCandidates of each kind that are ranked.
pub(super) const CANDIDATES: usize = 200;

/// What is known of a chunk that may be a hit.
pub(super) struct HitCandidate {
    pub(super) repo: usize,
    pub(super) chunk: ChunkRecord,
    pub(super) parts: Parts,
    /// The others of its family that have it, too.
    pub(super) also_in: Vec<usize>,
    /// What a model wrote about it that has most of the query's words.
    pub(super) written: Option<WrittenText>,
}

/// HitCandidates by family and chunk.
pub(super) type HitCandidates = HashMap<(usize, String), HitCandidate>;

/// A chunk with how well it fits by one measure.
pub(super) struct Match {
    pub(super) repo: usize,
    pub(super) chunk: ChunkRecord,
    pub(super) score: f64,
}

/// For each repository the place of the first one that has the same first commit: its own, if there is none before it, or if it has no
/// commit yet.
pub(super) fn families<'r>(roots: impl Iterator<Item = Option<&'r ObjectId>>) -> Vec<usize> {
    let roots: Vec<_> = roots.collect();
    let first = |place: usize| roots[..place].iter().position(|root| root.is_some() && *root == roots[place]);
    (0..roots.len()).map(|place| first(place).unwrap_or(place)).collect()
}

/// Best first, at most [`CANDIDATES`]; what a family has several times once, as the one that it fits best.
pub(super) fn ranked(repos: &[Searched], mut found: Vec<Match>) -> Vec<Match> {
    found.sort_by(|a, b| {
        b.score.total_cmp(&a.score).then_with(|| (&a.chunk.chunk_id, a.repo).cmp(&(&b.chunk.chunk_id, b.repo)))
    });
    let mut met = HashSet::new();
    found.retain(|one| met.insert((repos[one.repo].family, one.chunk.chunk_id.clone())));
    found.truncate(CANDIDATES);
    found
}

/// The best candidates, each in the first of its family that has it; of the pieces of one item the best.
pub(super) fn best(
    repos: &[Searched],
    candidates: HitCandidates,
    filter: &HitFilter,
    limit: usize,
) -> Result<Vec<HitCandidate>, QueryError> {
    let mut ordered: Vec<HitCandidate> = candidates.into_values().collect();
    let place = |one: &HitCandidate| (one.repo, one.chunk.path.clone(), one.chunk.start_line);
    ordered.sort_by(|a, b| {
        b.parts.score(&WEIGHTS).total_cmp(&a.parts.score(&WEIGHTS)).then_with(|| place(a).cmp(&place(b)))
    });
    let (mut best, mut items) = (Vec::new(), HashSet::new());
    for candidate in ordered {
        if best.len() >= limit {
            break;
        }
        let candidate = gathered(repos, candidate, filter)?;
        if item(&candidate).is_none_or(|item| items.insert(item)) {
            best.push(candidate);
        }
    }
    Ok(best)
}

/// A candidate as the first of its family has it, with the others that do.
fn gathered(repos: &[Searched], met: HitCandidate, filter: &HitFilter) -> Result<HitCandidate, QueryError> {
    let copies = copies(repos, &met, filter)?;
    let mut also_in: Vec<usize> = copies.iter().map(|(repo, _)| *repo).collect();
    Ok(match copies.into_iter().next().filter(|(repo, _)| *repo < met.repo) {
        Some((repo, chunk)) => {
            also_in[0] = met.repo;
            also_in.sort_unstable();
            HitCandidate { repo, chunk, also_in, ..met }
        }
        None => HitCandidate { also_in, ..met },
    })
}

/// The item that a candidate is a piece of, if it has a name.
fn item(HitCandidate { repo, chunk, .. }: &HitCandidate) -> Option<(usize, FilePath, String, String)> {
    let is_named = !chunk.entity_name.is_empty() && !matches!(chunk.entity_type.as_str(), "text" | "section");
    is_named.then(|| (*repo, chunk.path.clone(), chunk.entity_type.clone(), chunk.entity_name.clone()))
}

/// Where a chunk is found besides the repository in which a search met it: each of the family that has the same text at the same path
/// (a chunk's id is made of both), with the lines at which it stands there.
fn copies(repos: &[Searched], met: &HitCandidate, filter: &HitFilter) -> Result<Vec<(usize, ChunkRecord)>, QueryError> {
    let mut found = Vec::new();
    for (place, searched) in repos.iter().enumerate() {
        let is_other = place != met.repo && searched.family == repos[met.repo].family;
        if let Some(store) = searched.store.as_ref().filter(|_| is_other) {
            let copy = chunks::get(store.db(), &met.chunk.chunk_id)?.and_then(|copy| searched.wanted(copy, filter));
            found.extend(copy.map(|copy| (place, copy)));
        }
    }
    Ok(found)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_family_has_its_first_members_name_and_needs_a_commit() {
        let [a, b] = [ObjectId(vec![1; 20]), ObjectId(vec![2; 20])];
        let roots = [None, Some(&a), Some(&b), None, Some(&a), Some(&b), Some(&a)];
        assert_eq!(families(roots.into_iter()), [0, 1, 2, 3, 1, 2, 1]);
    }
}
