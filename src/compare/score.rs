//! How well hits answer a query.

use super::KnownQuery;
use crate::query::view::search::SearchHit;

/// Hits among which the first right one counts as found.
const FIRST: usize = 5;

/// Sums over queries, or means.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(super) struct AnswerScore {
    pub queries: f64,
    /// Share of queries with a right answer among the first five.
    pub hit5: f64,
    /// Normalised discounted cumulative gain of the first ten (Järvelin and Kekäläinen, TOIS 2002).
    pub ndcg10: f64,
}

impl AnswerScore {
    pub fn add(&mut self, query: &KnownQuery, hits: &[SearchHit]) {
        let mut open: Vec<_> = query.answers.iter().collect();
        let mut is_right = |hit: &SearchHit| {
            let before = open.len();
            open.retain(|answer| {
                let overlaps = hit.start_line <= answer.end_line && hit.end_line >= answer.start_line;
                !(overlaps && answer.path.for_json().0 == hit.path)
            });
            open.len() < before
        };
        let right: Vec<bool> = hits.iter().map(&mut is_right).collect();
        let ideal: f64 = (0..query.answers.len().min(hits.len().max(1))).map(discount).sum();
        let gain: f64 = right.iter().enumerate().filter(|(_, right)| **right).map(|(rank, _)| discount(rank)).sum();
        self.queries += 1.0;
        self.hit5 += f64::from(u8::from(right.iter().take(FIRST).any(|right| *right)));
        self.ndcg10 += (gain / ideal).min(1.0);
    }

    /// Of sums, the means.
    pub fn mean(self) -> Self {
        let count = self.queries.max(1.0);
        Self { queries: self.queries, hit5: self.hit5 / count, ndcg10: self.ndcg10 / count }
    }

    /// The means over the queries of both.
    pub fn with(self, other: &Self) -> Self {
        let all = (self.queries + other.queries).max(1.0);
        let mean = |a: f64, b: f64| (a * self.queries + b * other.queries) / all;
        Self {
            queries: self.queries + other.queries,
            hit5: mean(self.hit5, other.hit5),
            ndcg10: mean(self.ndcg10, other.ndcg10),
        }
    }
}

fn discount(rank: usize) -> f64 {
    1.0 / ((rank + 2) as f64).log2()
}
