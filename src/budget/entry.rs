//! What goes into the ledger and what comes out: a call by name, its reservation, how it was charged, why one is refused.

use std::fmt;
use std::path::PathBuf;

use super::cost::Usage;
use super::period::Period;
use crate::clock::Timestamp;
use crate::domain::{AnalysisType, FilePath, Hash, ObjectId, RepoId};
use crate::store::StoreError;

#[derive(Debug, thiserror::Error)]
pub enum BudgetError {
    #[error(
        "the ledger in agent.db cannot be used: {0}; nothing is spent meanwhile. If it is damaged, stop the daemon, move agent.db \
         away, register the repositories again, and allow spending with `ra-agent budget set --monthly <dollars>`"
    )]
    Ledger(#[from] StoreError),
    #[error("entry {0} of the ledger is closed already, or was never opened; a call is settled once")]
    NotOpen(i64),
    #[error("{path} cannot be used: {source}; nothing is spent meanwhile; check its owner and the space on its disk")]
    Seal { path: PathBuf, source: std::io::Error },
}

impl From<rusqlite::Error> for BudgetError {
    fn from(error: rusqlite::Error) -> Self {
        Self::Ledger(error.into())
    }
}

pub type BudgetResult<T, E = BudgetError> = std::result::Result<T, E>;

/// One request to a model, by name. With the number of the attempt, which the ledger gives, no two are the same.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Call {
    pub repo: RepoId,
    pub cache_key: Hash,
    pub path: FilePath,
    pub purpose: CallPurpose,
    pub model_id: String,
    /// The commit whose content is asked about.
    pub commit: Option<ObjectId>,
}

/// What a request is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CallPurpose {
    Answer(AnalysisType),
    /// Vectors of pieces of code.
    Embedding,
    /// The vector of a query.
    Query,
}

impl CallPurpose {
    /// As the ledger and the reports of spending have it.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Answer(analysis_type) => analysis_type.as_str(),
            Self::Embedding => "embed",
            Self::Query => "query",
        }
    }
}

/// The right to send one request. It is in the ledger, and on the disk, when this is handed out.
#[derive(Debug, PartialEq, Eq)]
#[must_use = "an open reservation counts at its worst case until it is settled or released"]
pub struct Reservation {
    pub(super) entry: i64,
    /// 1, 2, … for this repository and key; repairs and retries included.
    pub attempt: u32,
    /// Nano-dollars.
    pub worst_case: u64,
}

impl Reservation {
    /// One that is kept over a restart, with a batch.
    pub const fn kept(entry: i64, attempt: u32, worst_case: u64) -> Self {
        Self { entry, attempt, worst_case }
    }

    /// Its number in the ledger, for logs.
    pub const fn entry(&self) -> i64 {
        self.entry
    }
}

/// The answer to the wish to spend: the right to, for one question or for several in one request.
#[derive(Debug, PartialEq, Eq)]
pub enum Grant<R = Reservation> {
    Reserved(R),
    Refused(Refusal),
    /// The same key is being asked for at this moment (a file with the same content, perhaps of another repository): its result
    /// will serve both, and asking again would pay twice.
    InFlight,
}

/// Why nothing may be spent. Its text is for the user.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Refusal {
    /// All amounts in nano-dollars.
    OverLimit {
        which: Period,
        limit: u64,
        spent: u64,
        reserved: u64,
        /// The worst case of the call.
        asked: u64,
        /// The first instant of the next month or day; `None` if this call alone is above the limit, so that waiting is no help: a smaller
        /// one may be granted.
        resumes_at: Option<Timestamp>,
    },
    /// Spending is stopped until a person allows it again.
    Stopped { reason: String },
}

impl Refusal {
    /// When the same request may be granted with nothing done about it.
    pub const fn resumes_at(&self) -> Option<Timestamp> {
        match self {
            Self::OverLimit { resumes_at, .. } => *resumes_at,
            Self::Stopped { .. } => None,
        }
    }
}

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::OverLimit { which, limit, spent, reserved, asked, resumes_at } => {
                let flag = match which {
                    Period::Month => "--monthly",
                    Period::Day => "--daily",
                };
                let [limit, spent, reserved, asked] = [limit, spent, reserved, asked].map(|&nano| dollars(nano));
                write!(
                    f,
                    "the {which}'s limit of {limit} is reached: {spent} spent, {reserved} reserved, up to {asked} asked for; "
                )?;
                match resumes_at {
                    Some(then) => write!(f, "goes on at {}, or after ", then.to_rfc3339())?,
                    None => write!(f, "goes on after ")?,
                }
                write!(f, "`ra-agent budget set {flag} <dollars>`")
            }
            Self::Stopped { reason } => {
                write!(f, "spending is stopped: {reason}; `ra-agent budget set --monthly <dollars>` allows it again")
            }
        }
    }
}

/// An amount for people: cents, and all digits of what is below a cent.
pub fn dollars(nano: u64) -> String {
    let (whole, fraction) = (nano / 1_000_000_000, nano % 1_000_000_000);
    let digits = format!("{fraction:09}");
    let kept = digits.trim_end_matches('0').len().max(2);
    format!("${whole}.{}", &digits[..kept])
}

/// What to book for a call that was sent, or may have been.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Charge {
    /// The provider said how many tokens it was, and the reply's length allows it; `cost` is [`super::cost()`] of them in nano-dollars. Above
    /// the reservation it is booked as it is; with no token read or none written it is not believed.
    Reported { usage: Usage, cost: u64 },
    /// The part of a question in what the provider said of a request with several. The parts add up to it.
    Share { usage: Usage, cost: u64 },
    /// The provider did not say, or what cannot be, or no reply came: the reservation is charged.
    Unreported { reason: String },
}

impl Charge {
    /// What each question of a request is charged, in proportion to its weight: numbers that add up to the whole, to the last token
    /// and nano-dollar. Without any weight the first question is charged all of it.
    pub fn shares(&self, weights: &[u64]) -> Vec<Self> {
        match self {
            Self::Reported { usage, cost } if usage.is_credible() && weights.len() > 1 => {
                let parts = |whole: u64| share_out(whole, weights);
                let (input, cached_input, cache_written) =
                    (parts(usage.input), parts(usage.cached_input), parts(usage.cache_written));
                let (output, reasoning, costs) = (parts(usage.output), parts(usage.reasoning), parts(*cost));
                let share = |at: usize| Self::Share {
                    usage: Usage {
                        input: input[at],
                        cached_input: cached_input[at],
                        cache_written: cache_written[at],
                        output: output[at],
                        reasoning: reasoning[at],
                    },
                    cost: costs[at],
                };
                (0..weights.len()).map(share).collect()
            }
            one => vec![one.clone(); weights.len()],
        }
    }
}

/// A number in parts that are in proportion to weights and add up to it.
pub(super) fn share_out(whole: u64, weights: &[u64]) -> Vec<u64> {
    let sum: u128 = weights.iter().map(|&weight| u128::from(weight)).sum();
    let upto = |weight: u128| match sum {
        0 => u128::from(whole),
        sum => u128::from(whole) * weight / sum,
    };
    let (mut reached, mut given) = (0_u128, 0_u128);
    let mut part = |weight: u64| {
        reached += u128::from(weight);
        let (before, now) = (given, upto(reached));
        given = now;
        u64::try_from(now - before).unwrap_or(u64::MAX)
    };
    weights.iter().map(|&weight| part(weight)).collect()
}

/// How an entry was closed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum EntryOutcome {
    /// At the cost of the usage that the provider reported.
    Reported,
    /// At the reservation: no usage that could be believed.
    Unreported,
    /// At nothing: it is certain that nothing was sent.
    Released,
    /// After a crash, at the cost stored with its result.
    CrashedStored,
    /// After a crash, at the reservation.
    CrashedWorstCase,
}

impl EntryOutcome {
    pub const ALL: [Self; 5] =
        [Self::Reported, Self::Unreported, Self::Released, Self::CrashedStored, Self::CrashedWorstCase];

    /// The stored and shown name.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Reported => "reported",
            Self::Unreported => "unreported",
            Self::Released => "released",
            Self::CrashedStored => "stored-after-crash",
            Self::CrashedWorstCase => "worst-case-after-crash",
        }
    }

    pub fn parse(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|outcome| outcome.as_str() == text)
    }
}

/// What was booked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Settled {
    /// Nano-dollars.
    pub cost: u64,
    pub outcome: EntryOutcome,
}

/// What a stored result says that it cost.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct StoredCost {
    /// Nano-dollars, of the last call for it at least.
    pub cost: u64,
    pub stored_at: Timestamp,
}
