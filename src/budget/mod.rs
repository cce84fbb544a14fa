//! The ledger: reserve, settle, refuse. Money is integer nano-dollars (10⁻⁹ US dollars) everywhere.
//!
//! No request to a model leaves without a [`Reservation`] of the most that it can cost, which [`reserve`] gives only while what the
//! month (and the day, if it has a limit) has cost, plus what is reserved, plus this, is within the limits: one transaction, so any
//! number of racing calls never overspend. When the reply is there, [`settle`] books what it cost, in the transaction that closes
//! the job. What a crash left open is booked by [`settle_dead`] at the cost of its stored result, or at its worst case.
//!
//! *Budget time* is the clock's time, but never before the newest row of the ledger: setting the clock back does not bring a spent
//! month back. An entry counts in the UTC month and day in which it was *reserved*, also when it is settled in the next.
//!
//! It fails closed: a ledger that cannot be read or written gives no reservation, and one that is not the ledger this home has spent
//! from (agent.db was moved away) gives none until a person says so ([`accept`]).

mod cost;
mod entry;
mod history;
mod ledger;
mod period;
mod report;
mod seal;

pub use cost::{NANO, REQUEST_OVERHEAD_TOKENS, Usage, cost, worst_case};
pub use entry::{
    BudgetError, BudgetResult, Call, CallPurpose, Charge, EntryOutcome, Grant, Refusal, Reservation, Settled,
    StoredCost, dollars,
};
pub use history::{Crashed, Group, History, history};
pub use ledger::{askers, release, reserve, reserve_in, reserve_together, settle, settle_dead};
pub use period::{Period, day_start, month_start};
pub use report::{BudgetReport, MeanCost, PeriodReport, mean_answer, report};
pub use seal::{accept, note_limits, noted_limits, stopped, take_up};

pub use crate::config::SpendingLimits;

#[cfg(test)]
mod tests;
