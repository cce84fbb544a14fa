//! What goes first when the cache is too large. Pure: what is held, its size and its use are handed in.
//!
//! What no view refers to goes before what one does. Inside each of the two, the repositories above their quota pay first, down to
//! it. The cost-aware order takes what is free to make again before what was paid for, by the highest score of
//! `(1 / accesses) * (1 / cost) * (1 + days since the last access)`; the cost is in nano-dollars, of what is free in milliseconds of
//! computing. The order `lru` looks at the last access alone.

use std::cmp::Ordering;

use serde::{Deserialize, Serialize};

use crate::clock::Timestamp;
use crate::domain::{Hash, Language};

/// The cache is pruned by itself above this many hundredths of its limit, ...
pub const PRUNED_ABOVE_PERCENT: u64 = 90;
/// ... down to this many.
pub const PRUNED_TO_PERCENT: u64 = 75;
/// One repository above this many hundredths of the limit pays first.
pub const REPO_QUOTA_PERCENT: u64 = 25;

const MILLIS_PER_DAY: f64 = 86_400_000.0;

/// The order in which entries go.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Strategy {
    #[default]
    CostAware,
    Lru,
}

impl Strategy {
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::CostAware => "cost-aware",
            Self::Lru => "lru",
        }
    }

    pub fn parse(text: &str) -> Option<Self> {
        [Self::CostAware, Self::Lru].into_iter().find(|strategy| strategy.as_str() == text)
    }
}

/// What an item is, and where its store has it.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Identity {
    Outline { content: Hash, language: Language },
    Vector { id: i64 },
    Analysis { id: i64, key: Hash },
}

/// Something that can be removed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PruneItem {
    /// Number of its store among those handed in with it.
    pub store: usize,
    pub identity: Identity,
    /// The present view of its repository refers to it.
    pub live: bool,
    /// Nano-dollars that making it again would cost.
    pub nano_dollars: u64,
    /// Computing that making it again would take.
    pub millis: u64,
    pub access_count: u64,
    pub last_accessed: Timestamp,
    /// On disk, about.
    pub bytes: u64,
}

/// What has to go, and by which rules.
#[derive(Clone, Debug)]
pub struct Need<'a> {
    /// Bytes that have to be freed.
    pub bytes: u64,
    /// Bytes that each store holds, by its number.
    pub stores: &'a [u64],
    /// Bytes that one repository may hold before it pays first.
    pub quota: u64,
    pub strategy: Strategy,
    pub now: Timestamp,
}

impl Need<'_> {
    /// The quota under a limit.
    pub const fn quota(limit: u64) -> u64 {
        percent(limit, REPO_QUOTA_PERCENT)
    }
}

/// Hundredths of a number of bytes.
pub const fn percent(bytes: u64, percent: u64) -> u64 {
    (bytes as u128 * percent as u128 / 100) as u64
}

/// The items to be removed, in their order: as many as it takes, or all.
pub fn select(mut items: Vec<PruneItem>, need: &Need<'_>) -> Vec<PruneItem> {
    items.sort_by(|a, b| order(a, b, need));
    let mut left = need.stores.to_vec();
    let mut freed = 0;
    let mut chosen = Vec::new();
    for live in [false, true] {
        let (tier, others): (Vec<PruneItem>, Vec<PruneItem>) = items.into_iter().partition(|item| item.live == live);
        items = others;
        let mut spared = Vec::new();
        for over_quota in [true, false] {
            let round = if over_quota { &tier } else { &std::mem::take(&mut spared) };
            for item in round {
                if freed >= need.bytes {
                    return chosen;
                }
                let held = left.get_mut(item.store);
                if over_quota && held.as_ref().is_none_or(|held| **held <= need.quota) {
                    spared.push(item.clone());
                    continue;
                }
                if let Some(held) = held {
                    *held = held.saturating_sub(item.bytes);
                }
                freed += item.bytes;
                chosen.push(item.clone());
            }
        }
    }
    chosen
}

/// Dead before live; then by the strategy; what is equal, by what it is, so that every run chooses the same.
fn order(a: &PruneItem, b: &PruneItem, need: &Need<'_>) -> Ordering {
    let by_strategy = match need.strategy {
        Strategy::Lru => Ordering::Equal,
        Strategy::CostAware => {
            let paid = |item: &PruneItem| item.nano_dollars > 0;
            paid(a).cmp(&paid(b)).then_with(|| score(b, need.now).total_cmp(&score(a, need.now)))
        }
    };
    a.live
        .cmp(&b.live)
        .then(by_strategy)
        .then_with(|| a.last_accessed.cmp(&b.last_accessed))
        .then_with(|| (a.store, &a.identity).cmp(&(b.store, &b.identity)))
}

/// How readily an item is given up, from 0 to infinity: what costs nothing at all to make again, soonest.
fn score(item: &PruneItem, now: Timestamp) -> f64 {
    let cost = if item.nano_dollars > 0 { item.nano_dollars } else { item.millis };
    if cost == 0 {
        return f64::INFINITY;
    }
    let days = now.0.saturating_sub(item.last_accessed.0).max(0) as f64 / MILLIS_PER_DAY;
    (1.0 + days) / (item.access_count.max(1) as f64 * cost as f64)
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: Timestamp = Timestamp(1_000 * 86_400_000);

    fn item(id: i64) -> PruneItem {
        PruneItem {
            store: 0,
            identity: Identity::Analysis { id, key: Hash::of(&id.to_le_bytes()) },
            live: false,
            nano_dollars: 0,
            millis: 10,
            access_count: 1,
            last_accessed: NOW,
            bytes: 100,
        }
    }

    fn days_ago(days: i64) -> Timestamp {
        Timestamp(NOW.0 - days * 86_400_000)
    }

    fn chosen(items: &[PruneItem], bytes: u64, strategy: Strategy) -> Vec<i64> {
        chosen_of(items, &Need { bytes, stores: &[1_000, 1_000], quota: u64::MAX, strategy, now: NOW })
    }

    fn chosen_of(items: &[PruneItem], need: &Need<'_>) -> Vec<i64> {
        // the order in which they are handed in must not matter
        let reversed = select(items.iter().rev().cloned().collect(), need);
        assert_eq!(select(items.to_vec(), need), reversed);
        let id = |item: &PruneItem| match item.identity {
            Identity::Analysis { id, .. } | Identity::Vector { id } => id,
            Identity::Outline { .. } => -1,
        };
        reversed.iter().map(id).collect()
    }

    #[test]
    fn dead_goes_before_live_free_before_paid_cheap_before_dear() {
        let items = [
            PruneItem { live: true, nano_dollars: 5, ..item(1) },
            PruneItem { live: true, ..item(2) },
            PruneItem { nano_dollars: 900, ..item(3) },
            PruneItem { nano_dollars: 5, ..item(4) },
            item(5),
            PruneItem { millis: 0, ..item(6) },
        ];
        assert_eq!(chosen(&items, u64::MAX, Strategy::CostAware), [6, 5, 4, 3, 2, 1]);
    }

    #[test]
    fn accesses_keep_and_age_gives_away() {
        let paid = |id| PruneItem { nano_dollars: 1_000, ..item(id) };
        let items = [
            PruneItem { access_count: 4, last_accessed: days_ago(2), ..paid(1) }, // 3/4
            paid(2),                                                              // 1
            PruneItem { access_count: 2, last_accessed: days_ago(2), ..paid(3) }, // 3/2
            PruneItem { nano_dollars: 100, ..paid(4) },                           // 10
        ];
        assert_eq!(chosen(&items, u64::MAX, Strategy::CostAware), [4, 3, 2, 1]);
        assert_eq!(chosen(&items, 250, Strategy::CostAware), [4, 3, 2], "as many as it takes");
        assert!(chosen(&items, 0, Strategy::CostAware).is_empty());
    }

    #[test]
    fn lru_orders_by_last_access_after_the_dead_entries() {
        let items = [
            PruneItem { last_accessed: days_ago(1), nano_dollars: 7, ..item(1) },
            item(2),
            PruneItem { last_accessed: days_ago(9), live: true, ..item(3) },
            PruneItem { last_accessed: days_ago(3), nano_dollars: 9_999, access_count: 99, ..item(4) },
        ];
        assert_eq!(chosen(&items, u64::MAX, Strategy::Lru), [4, 1, 2, 3]);
    }

    #[test]
    fn nothing_is_divided_by_zero_and_the_future_is_now() {
        for (access_count, millis, nano_dollars) in [(0, 0, 0), (0, 1, 0), (0, 0, 1), (u64::MAX, u64::MAX, u64::MAX)] {
            let one = PruneItem { access_count, millis, nano_dollars, last_accessed: Timestamp(i64::MAX), ..item(1) };
            assert!(!score(&one, NOW).is_nan());
            assert!(!score(&PruneItem { last_accessed: Timestamp(i64::MIN), ..one }, NOW).is_nan());
        }
    }

    #[test]
    fn quotas_come_first_but_dead_entries_go_before_live_ones() {
        let of = |store, id, live| PruneItem { store, live, last_accessed: days_ago(10 - id), ..item(id) };
        let items =
            [of(0, 1, false), of(1, 2, false), of(1, 3, false), of(1, 4, false), of(1, 5, true), of(0, 6, true)];
        let need = |bytes| Need { bytes, stores: &[200, 400], quota: 250, strategy: Strategy::CostAware, now: NOW };
        assert_eq!(chosen_of(&items, &need(100)), [2], "1 is older, but its repository is within the quota");
        assert_eq!(chosen_of(&items, &need(400)), [2, 3, 1, 4]);
        assert_eq!(chosen_of(&items, &need(u64::MAX)), [2, 3, 1, 4, 5, 6]);
    }

    #[test]
    fn a_repository_exactly_at_its_quota_does_not_pay_first() {
        assert_eq!(Need::quota(1_000), 250);
        let items = [PruneItem { last_accessed: days_ago(9), ..item(1) }, PruneItem { store: 1, ..item(2) }];
        let need = Need { bytes: 100, stores: &[250, 251], quota: 250, strategy: Strategy::Lru, now: NOW };
        assert_eq!(chosen_of(&items, &need), [2]);
    }

    #[test]
    fn equal_items_go_in_the_order_of_their_stores_and_ids() {
        let items = [PruneItem { store: 1, ..item(1) }, item(3), item(2)];
        assert_eq!(chosen(&items, u64::MAX, Strategy::CostAware), [2, 3, 1]);
        assert_eq!(chosen(&items, u64::MAX, Strategy::Lru), [2, 3, 1]);
    }

    #[test]
    fn a_nano_dollar_is_paid_for_and_computing_adds_nothing_to_it() {
        let items = [
            PruneItem { nano_dollars: 200, millis: 0, ..item(1) },
            PruneItem { nano_dollars: 100, millis: 1_000_000, ..item(2) },
            PruneItem { nano_dollars: 1, ..item(3) },
            item(4),
        ];
        assert_eq!(chosen(&items, u64::MAX, Strategy::CostAware), [4, 3, 2, 1]);
    }

    #[test]
    fn no_access_weighs_as_one_and_a_later_clock_as_none() {
        let one = score(&item(1), NOW);
        assert_eq!(score(&PruneItem { access_count: 0, ..item(1) }, NOW).total_cmp(&one), Ordering::Equal);
        assert_eq!(score(&PruneItem { last_accessed: days_ago(-5), ..item(1) }, NOW).total_cmp(&one), Ordering::Equal);
    }

    #[test]
    fn a_strategy_is_read_by_the_name_it_is_written_with() {
        for strategy in [Strategy::CostAware, Strategy::Lru] {
            assert_eq!(Strategy::parse(strategy.as_str()), Some(strategy));
        }
        assert_eq!(Strategy::parse("newest"), None);
    }
}
