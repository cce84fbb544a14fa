//! A Cargo workspace of up to 20 crates with 50 source files each, the same on every machine. Each file has a text of its own and uses
//! another module of its crate and one of another crate, so there are edges to resolve and dependents to find.

/// Crates, areas and topics: each crate has 1 + 7 + 7 x 6 = 50 source files.
const CRATES: [&str; 20] = [
    "account",
    "archive",
    "auction",
    "billing",
    "catalog",
    "courier",
    "customs",
    "dispatch",
    "exchange",
    "finance",
    "harvest",
    "insurance",
    "inventory",
    "ledger",
    "market",
    "payroll",
    "planning",
    "shipping",
    "tariff",
    "warehouse",
];
const AREAS: [&str; 7] = ["audit", "batch", "forecast", "index", "policy", "report", "storage"];
const TOPICS: [&str; 6] = ["deadline", "journal", "limit", "partner", "quota", "window"];

const NOUNS: [&str; 24] = [
    "address", "balance", "carrier", "contract", "customer", "delivery", "discount", "event", "fee", "invoice", "item",
    "message", "offer", "order", "parcel", "payment", "price", "receipt", "refund", "route", "shipment", "supplier",
    "ticket", "voucher",
];
const VERBS: [&str; 24] = [
    "accept", "adjust", "allocate", "approve", "assign", "cancel", "check", "collect", "compare", "confirm", "deliver",
    "estimate", "merge", "observe", "postpone", "prepare", "publish", "reject", "replace", "reserve", "return",
    "settle", "split", "verify",
];

/// Number of all crates.
pub const ALL: usize = CRATES.len();
/// Source files of a crate, its manifest not counted.
pub const FILES_PER_CRATE: usize = 1 + AREAS.len() * (1 + TOPICS.len());

/// A file of the second crate that others use.
pub const EDITED: &str = "crates/archive/src/audit/limit.rs";
/// What a line of [`EDITED`] holds that is in a body.
pub const BODY_LINE: &str = "let taken = ";
/// What a line of [`EDITED`] holds that is the signature of what others call.
pub const SIGNATURE_LINE: &str = "pub fn total(";

/// Questions whose words are in some of the files.
pub const QUESTIONS: [&str; 10] = [
    "where is an invoice refused",
    "sum over all vouchers",
    "which shipments are left beside another part",
    "confirm a delivery",
    "name of a supplier is empty",
    "how many parcels are kept at most",
    "spend the budget of the upstream part",
    "split refunds by customer",
    "archive forecast window",
    "payment deadline of the account audit",
];

/// Every file of the first `crates` crates: its path and its text.
pub fn files(crates: usize) -> Vec<(String, String)> {
    let members: Vec<String> = CRATES[..crates].iter().map(|krate| format!("\"crates/{krate}\"")).collect();
    let workspace = format!("[workspace]\nresolver = \"3\"\nmembers = [{}]\n", members.join(", "));
    let mut files = vec![("Cargo.toml".to_owned(), workspace)];
    for (number, krate) in CRATES[..crates].iter().enumerate() {
        let dir = format!("crates/{krate}");
        files.push((format!("{dir}/Cargo.toml"), manifest(number)));
        files.push((format!("{dir}/src/lib.rs"), crate_root(krate)));
        for (a, area) in AREAS.iter().enumerate() {
            files.push((format!("{dir}/src/{area}/mod.rs"), area_module(krate, area)));
            for (t, topic) in TOPICS.iter().enumerate() {
                files.push((format!("{dir}/src/{area}/{topic}.rs"), topic_module(number, a, t)));
            }
        }
    }
    files
}

/// The crates that a crate depends on: the one before it, and one at half its number.
fn dependencies(number: usize) -> Vec<&'static str> {
    let mut found: Vec<&str> = [number.checked_sub(1), (number > 0).then_some(number / 2)]
        .into_iter()
        .flatten()
        .map(|dependency| CRATES[dependency])
        .collect();
    found.dedup();
    found
}

fn manifest(number: usize) -> String {
    let krate = CRATES[number];
    let head = format!("[package]\nname = \"{krate}\"\nversion = \"0.1.0\"\nedition = \"2024\"\n\n[dependencies]\n");
    let lines = dependencies(number).into_iter().map(|name| format!("{name} = {{ path = \"../{name}\" }}\n"));
    head + &lines.collect::<String>()
}

fn crate_root(krate: &str) -> String {
    let modules: String = AREAS.iter().map(|area| format!("pub mod {area};\n")).collect();
    let parts: String = AREAS
        .iter()
        .map(|area| format!("    sum += {area}::totals(&{area}::{}Limit::default());\n", capitalized(area)))
        .collect();
    format!(
        "//! The {krate} of a trading house.\n\n{modules}\n/// Sum over all areas of the {krate} when nothing is in it.\npub fn \
         empty_total() -> u64 {{\n    let mut sum = 0;\n{parts}    sum\n}}\n"
    )
}

fn area_module(krate: &str, area: &str) -> String {
    let modules: String = TOPICS.iter().map(|topic| format!("pub mod {topic};\n")).collect();
    let exports: String =
        TOPICS.iter().map(|topic| format!("pub use {topic}::{};\n", type_name(area, topic))).collect();
    format!(
        "//! The {area} part of {krate}.\n\n{modules}\n{exports}\n/// What the {area} of {krate} counts below a limit.\npub fn \
         totals(limit: &{}) -> u64 {{\n    limit.total() + {}::default().total()\n}}\n",
        type_name(area, "limit"),
        type_name(area, "quota"),
    )
}

fn topic_module(number: usize, area: usize, topic: usize) -> String {
    let nth = (number * AREAS.len() + area) * TOPICS.len() + topic;
    let other = (AREAS[(area + 1) % AREAS.len()], TOPICS[(topic + 2) % TOPICS.len()]);
    let upstream_topic = TOPICS[(topic + 1) % TOPICS.len()];
    let upstream_crates = dependencies(number);
    let upstream = upstream_crates.get(topic % upstream_crates.len().max(1)).copied().unwrap_or("crate");
    let noun = |k: usize| NOUNS[(nth * 7 + nth / NOUNS.len() + k * 5) % NOUNS.len()];
    let verb = |k: usize| VERBS[(nth * 11 + nth / VERBS.len() + k * 7) % VERBS.len()];
    let words = [
        ("@Type@", type_name(AREAS[area], TOPICS[topic])),
        ("@Other@", type_name(other.0, other.1)),
        ("@Upstream@", type_name(AREAS[area], upstream_topic)),
        ("@other@", format!("{}::{}", other.0, other.1)),
        ("@upstream@", format!("{upstream}::{}::{upstream_topic}", AREAS[area])),
        ("@crate@", CRATES[number].to_owned()),
        ("@area@", AREAS[area].to_owned()),
        ("@topic@", TOPICS[topic].to_owned()),
        ("@N@", noun(0).to_uppercase()),
        ("@B@", capitalized(noun(1))),
        ("@a@", noun(0).to_owned()),
        ("@b@", noun(1).to_owned()),
        ("@c@", noun(2).to_owned()),
        ("@d@", noun(3).to_owned()),
        ("@do@", verb(0).to_owned()),
        ("@take@", verb(1).to_owned()),
        ("@spend@", verb(2).to_owned()),
        ("@find@", verb(3).to_owned()),
        ("@number@", nth.to_string()),
    ];
    words.iter().fold(TOPIC.to_owned(), |text, (mark, word)| text.replace(mark, word))
}

fn type_name(area: &str, topic: &str) -> String {
    capitalized(area) + &capitalized(topic)
}

fn capitalized(word: &str) -> String {
    word[..1].to_uppercase() + &word[1..]
}

const TOPIC: &str = r#"//! The @topic@ of the @area@ part of @crate@: keeps @b@ names and says what of a @a@ is left.

use std::collections::BTreeMap;

use crate::@other@::@Other@;
use @upstream@::@Upstream@ as Upstream;

/// So many @b@ names are kept at most.
pub const @N@_MAX: usize = 16 + @number@;

/// What the @crate@ knows of each @a@.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct @Type@ {
    /// Counted by @c@.
    pub @a@: u64,
    @b@_names: Vec<String>,
    by_@c@: BTreeMap<String, u64>,
}

/// Why a @b@ is refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum @Type@Error {
    Full,
    Empty@B@,
}

impl @Type@ {
    /// A @topic@ that begins with some @a@.
    pub fn with_@a@(@a@: u64) -> Self {
        Self { @a@, ..Self::default() }
    }

    /// Takes a @b@ in and says how many there are.
    ///
    /// # Errors
    /// If there are too many already, or its name is empty.
    pub fn @do@_@b@(&mut self, name: &str) -> Result<usize, @Type@Error> {
        if name.is_empty() {
            return Err(@Type@Error::Empty@B@);
        }
        if self.@b@_names.len() >= @N@_MAX {
            return Err(@Type@Error::Full);
        }
        self.@b@_names.push(name.to_owned());
        *self.by_@c@.entry(name.to_owned()).or_insert(@number@) += self.@a@;
        Ok(self.@b@_names.len())
    }

    /// What of the @a@ is left beside another part of the @crate@.
    pub fn @take@_@a@(&self, other: &@Other@) -> u64 {
        let taken = other.total() + @number@;
        self.@a@.saturating_sub(taken)
    }

    /// Sum over every @c@.
    pub fn total(&self) -> u64 {
        self.by_@c@.values().sum::<u64>() + self.@a@
    }

    /// The @b@ that has the most, if there is one.
    pub fn @find@_@d@(&self) -> Option<&str> {
        let most = self.by_@c@.iter().max_by_key(|(_, count)| **count);
        most.map(|(name, _)| name.as_str())
    }
}

/// Spends what the upstream @topic@ has on these parts, one @d@ after the other, until it does not suffice.
pub fn @spend@_@d@(parts: &[@Type@], upstream: &Upstream) -> Option<u64> {
    let budget = upstream.total();
    let mut spent = 0;
    for part in parts {
        let share = part.total() + @number@;
        if spent + share > budget {
            return (spent > 0).then_some(spent);
        }
        spent += share;
    }
    Some(spent)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_empty_@b@_is_refused() {
        let mut @topic@ = @Type@::with_@a@(@number@);
        assert_eq!(@topic@.@do@_@b@(""), Err(@Type@Error::Empty@B@));
        assert_eq!(@topic@.total(), @number@);
    }
}
"#;
