//! The same words for the same state, on the page and in the terminal.

use super::budget::{BudgetStatus, ModelPrice};
use super::status::{CutoffStatus, DaemonStatus, EmbeddingStatus, ParkedStatus, QueueStatus, RepoStatus};

/// First digits of a commit's name.
pub fn short_commit(id: &str) -> &str {
    id.get(..10).unwrap_or(id)
}

/// Dollars for people: cents, and more digits below a cent.
pub fn dollars(usd: f64) -> String {
    if usd == 0.0 || usd >= 0.01 { format!("${usd:.2}") } else { format!("${usd:.4}") }
}

/// `2026-11-27 18:34` of a time in RFC 3339.
pub fn minute(rfc3339: &str) -> String {
    rfc3339.get(..16).unwrap_or(rfc3339).replace('T', " ")
}

/// A number with thin spaces between its thousands.
pub fn grouped(number: u64) -> String {
    let digits = number.to_string();
    let mut out = String::with_capacity(digits.len() + digits.len() / 3);
    for (at, digit) in digits.chars().enumerate() {
        if at > 0 && (digits.len() - at).is_multiple_of(3) {
            out.push('\u{202f}');
        }
        out.push(digit);
    }
    out
}

/// The last part of a path, for a title.
pub fn last_part(path: &str) -> &str {
    path.trim_end_matches('/').rsplit('/').next().unwrap_or(path)
}

/// How fresh a repository is, as the colour of its dot.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FreshDot {
    /// It describes HEAD, and is followed.
    Fresh,
    /// Something waits, and the agent is at it.
    Busy,
    /// Something is wrong, or stays as it is until a person does something.
    Stale,
    /// It describes HEAD, and is not followed.
    Off,
}

impl FreshDot {
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Fresh => "fresh",
            Self::Busy => "busy",
            Self::Stale => "stale",
            Self::Off => "off",
        }
    }
}

impl RepoStatus {
    /// Why it is not fresh, as far as waiting for jobs goes; `None`: every result that is made here is there, and nothing waits. What `wait`
    /// ends with and what `status` shows are both this.
    pub fn why_not_fresh(&self) -> Option<String> {
        if let Some(note) = self.error.as_ref().or(self.held.as_ref()) {
            return Some(note.clone());
        }
        let is_whole = self.stale == 0 && self.blocked.is_none();
        let files = || format!("{} of {} files are fresh", self.files.saturating_sub(self.stale), self.files);
        (!is_whole).then(|| match &self.blocked {
            Some(why) => format!("{}: {why}", files()),
            None => format!("{}: `ra-agent cache verify` says what is missing", files()),
        })
    }

    /// A repository's dot, and what it says. `is_running`: a daemon follows the repositories.
    pub fn freshness(&self, is_running: bool) -> (FreshDot, String) {
        if let Some(error) = &self.error {
            return (FreshDot::Stale, error.clone());
        }
        if let Some(held) = &self.held {
            return (FreshDot::Busy, format!("waits: {held}"));
        }
        let is_behind = self.head != self.indexed_commit;
        match (&self.indexed_commit, self.pending) {
            (None, _) => (FreshDot::Busy, "first index".to_owned()),
            (Some(_), _) if self.blocked.is_some() => (FreshDot::Stale, self.blocked.clone().unwrap_or_default()),
            (Some(_), pending) if pending > 0 => (FreshDot::Busy, format!("catching up, {} file(s)", grouped(pending))),
            (Some(_), _) if is_behind && is_running => (FreshDot::Busy, "catching up with HEAD".to_owned()),
            (Some(_), _) if is_behind => (FreshDot::Stale, "behind HEAD; no daemon runs".to_owned()),
            (Some(_), _) if self.stale > 0 => (FreshDot::Busy, format!("{} file(s) stale", grouped(self.stale))),
            (Some(_), _) if is_running => (FreshDot::Fresh, "current".to_owned()),
            (Some(_), _) => (FreshDot::Off, "not followed; no daemon runs".to_owned()),
        }
    }
}

impl DaemonStatus {
    /// Whether it runs, in one line.
    pub fn line(&self) -> String {
        let megabytes = |bytes: u64| bytes / 1_000_000;
        match (self.pid, self.rss_bytes) {
            (Some(pid), Some(bytes)) => format!("running, pid {pid}, {} MB", megabytes(bytes)),
            (Some(pid), None) => format!("running, pid {pid}"),
            (None, _) => "not running; ra-agent daemon start starts it".to_owned(),
        }
    }
}

impl QueueStatus {
    pub fn line(&self) -> String {
        let paused = if self.paused { ", paused" } else { "" };
        let [queued, running, parked] = [self.queued, self.running, self.parked].map(grouped);
        format!("{queued} queued, {running} running, {parked} parked{paused}")
    }
}

impl EmbeddingStatus {
    pub fn line(&self) -> String {
        match &self.model {
            Some(model) => format!("by meaning and by words ({model})"),
            None => "by words only; ra-agent model install adds meaning".to_owned(),
        }
    }
}

impl CutoffStatus {
    pub const fn cut_off(&self) -> u64 {
        self.considered.saturating_sub(self.analysed)
    }

    pub fn line(&self) -> String {
        let saved = self.saved_usd.map(|usd| format!(", about {} saved", dollars(usd))).unwrap_or_default();
        let [cut_off, considered] = [self.cut_off(), self.considered].map(grouped);
        format!("{cut_off} of {considered} dependents needed no new analysis{saved}")
    }
}

impl ParkedStatus {
    pub fn line(&self) -> String {
        format!("{} job(s) parked: {}", grouped(self.jobs), self.reason)
    }
}

impl BudgetStatus {
    /// What of the month is spent.
    pub fn month_line(&self) -> String {
        format!("{} of {} spent, {:.0} %", dollars(self.spent_usd), dollars(self.limit_usd), self.percent)
    }

    /// What of the day is spent.
    pub fn day_line(&self) -> String {
        match self.day.limit_usd {
            Some(limit) => format!("{} of {} spent today", dollars(self.day.spent_usd), dollars(limit)),
            None => format!("{} spent today; the day has no limit of its own", dollars(self.day.spent_usd)),
        }
    }

    /// What waits for the budget; empty: nothing does.
    pub fn waiting_line(&self) -> String {
        match (self.parked, &self.resumes_at) {
            (0, _) => String::new(),
            (jobs, Some(at)) => {
                format!("{} job(s) wait for the budget, the first until {}", grouped(jobs), minute(at))
            }
            (jobs, None) => format!("{} job(s) wait for the budget", grouped(jobs)),
        }
    }
}

impl ModelPrice {
    pub fn line(&self) -> String {
        match (&self.unknown, self.input_usd, self.output_usd) {
            (Some(unknown), _, _) => format!("{}: {unknown}", self.model),
            (None, Some(input), Some(output)) => {
                format!("{}: {} a million tokens in, {} out", self.model, dollars(input), dollars(output))
            }
            _ => self.model.clone(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_grouped_and_dollars_have_cents() {
        for (number, shown) in [(0, "0"), (999, "999"), (1_000, "1\u{202f}000"), (1_234_567, "1\u{202f}234\u{202f}567")]
        {
            assert_eq!(grouped(number), shown);
        }
        assert_eq!(
            (dollars(0.0).as_str(), dollars(3.0).as_str(), dollars(0.0004).as_str()),
            ("$0.00", "$3.00", "$0.0004")
        );
        assert_eq!((last_part("/a/b/"), minute("2026-11-27T18:34:00Z").as_str()), ("b", "2026-11-27 18:34"));
    }
}
