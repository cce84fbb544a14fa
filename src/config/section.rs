//! What was written: one table of the file, read key by key. A key counts as known because it was asked for, so there is no
//! second list of keys to keep in step; every complaint carries its line.

use std::ops::{Range, RangeInclusive};
use std::path::Path;

use toml::Spanned;
use toml::de::{DeTable, DeValue};

use super::ConfigError;

/// The file that a section stands in, to name places.
#[derive(Clone, Copy)]
pub(super) struct Document<'t> {
    pub path: &'t Path,
    pub text: &'t str,
}

impl Document<'_> {
    /// Line of a byte offset, the first being 1.
    pub(super) fn line(&self, offset: usize) -> usize {
        let before = self.text.as_bytes().get(..offset).unwrap_or(self.text.as_bytes());
        1 + before.iter().filter(|&&byte| byte == b'\n').count()
    }

    pub(super) fn parse(&self) -> Result<Spanned<DeTable<'_>>, ConfigError> {
        DeTable::parse(self.text).map_err(|error| ConfigError::Syntax {
            path: self.path.to_path_buf(),
            line: self.line(error.span().map_or(0, |span| span.start)),
            message: error.message().to_owned(),
        })
    }
}

pub(super) struct Section<'t> {
    document: Document<'t>,
    /// Dotted name of the table, empty at the top.
    name: String,
    /// Where the table begins.
    start: usize,
    /// `None`: not written, every key is absent.
    table: Option<&'t DeTable<'t>>,
    known: Vec<&'static str>,
}

impl<'t> Section<'t> {
    pub(super) fn top(document: Document<'t>, table: &'t DeTable<'t>) -> Self {
        Self { document, name: String::new(), start: 0, table: Some(table), known: Vec::new() }
    }

    /// The table below `key`.
    pub(super) fn section(&mut self, key: &'static str) -> Result<Section<'t>, ConfigError> {
        let value = self.value(key);
        self.below(key, value)
    }

    /// The tables below `key` whose names the user chooses: name, its place, and the table.
    pub(super) fn entries(&mut self, key: &'static str) -> Result<Vec<(&'t str, Section<'t>)>, ConfigError> {
        let all = self.section(key)?;
        let entries = all.table.into_iter().flat_map(DeTable::iter);
        entries.map(|(name, value)| Ok((&**name.get_ref(), all.below(name.get_ref(), Some(value))?))).collect()
    }

    fn below(&self, key: &str, value: Option<&'t Spanned<DeValue<'t>>>) -> Result<Section<'t>, ConfigError> {
        let table = match value.map(|value| (value, value.get_ref())) {
            None => None,
            Some((_, DeValue::Table(table))) => Some(table),
            Some((other, _)) => return Err(self.bad(key, other, "a table")),
        };
        Ok(Section {
            document: self.document,
            name: self.dotted(key),
            start: value.map_or(self.start, |value| value.span().start),
            table,
            known: Vec::new(),
        })
    }

    pub(super) fn flag(&mut self, key: &'static str) -> Result<Option<bool>, ConfigError> {
        self.read(key, "true or false", |value| match value {
            DeValue::Boolean(flag) => Some(*flag),
            _ => None,
        })
    }

    pub(super) fn whole_number(
        &mut self,
        key: &'static str,
        range: RangeInclusive<u64>,
    ) -> Result<Option<u64>, ConfigError> {
        let expected = format!("a whole number from {} to {}", range.start(), range.end());
        self.read(key, &expected, |value| match value {
            DeValue::Integer(number) => {
                u64::from_str_radix(number.as_str(), number.radix()).ok().filter(|number| range.contains(number))
            }
            _ => None,
        })
    }

    /// An amount of dollars, in nano-dollars; at most a million dollars.
    pub(super) fn usd(&mut self, key: &'static str) -> Result<Option<u64>, ConfigError> {
        self.read(key, "an amount of dollars from 0 to 1000000, e.g. 3.00", |value| {
            let dollars: f64 = match value {
                DeValue::Integer(number) => number.as_str().parse().ok()?,
                DeValue::Float(number) => number.as_str().parse().ok()?,
                _ => return None,
            };
            nano_dollars(dollars)
        })
    }

    pub(super) fn text<T>(
        &mut self,
        key: &'static str,
        expected: &str,
        parse: impl Fn(&str) -> Option<T>,
    ) -> Result<Option<T>, ConfigError> {
        self.read(key, expected, |value| value.as_str().and_then(&parse))
    }

    /// One of some names.
    pub(super) fn choice<T>(
        &mut self,
        key: &'static str,
        names: &[&str],
        parse: impl Fn(&str) -> Option<T>,
    ) -> Result<Option<T>, ConfigError> {
        self.text(key, &one_of(names), parse)
    }

    pub(super) fn list<T>(
        &mut self,
        key: &'static str,
        expected: &str,
        parse: impl Fn(&str) -> Option<T>,
    ) -> Result<Option<Vec<T>>, ConfigError> {
        let Some(value) = self.value(key) else { return Ok(None) };
        let expected = format!("a list, each {expected}");
        let DeValue::Array(items) = value.get_ref() else {
            return Err(self.bad(key, value, &expected));
        };
        let in_list = |item: &Spanned<DeValue<'_>>| format!("a list with {}", self.found(item));
        let parsed = items.iter().map(|item| {
            let read = item.get_ref().as_str().and_then(&parse);
            read.ok_or_else(|| self.bad_value(key, item, in_list(item), &expected))
        });
        parsed.collect::<Result<Vec<T>, _>>().map(Some)
    }

    /// To be called when every key was asked for.
    pub(super) fn finish(self) -> Result<(), ConfigError> {
        let unknown =
            self.table.into_iter().flat_map(DeTable::keys).find(|key| !self.known.contains(&&**key.get_ref()));
        match unknown {
            None => Ok(()),
            Some(key) => Err(ConfigError::UnknownKey {
                path: self.document.path.to_path_buf(),
                line: self.document.line(key.span().start),
                key: self.dotted(key.get_ref()),
                hint: hint(key.get_ref(), &self.known),
            }),
        }
    }

    /// The complaint about a value that reads well but does not go with another one.
    pub(super) fn unfit(&self, key: &str, expected: &str) -> ConfigError {
        match self.table.and_then(|table| table.get(key)) {
            Some(value) => self.bad(key, value, expected),
            None => self.missing(key, expected),
        }
    }

    /// The complaint about a key that another one requires.
    pub(super) fn missing(&self, key: &str, reason: &str) -> ConfigError {
        ConfigError::MissingKey {
            path: self.document.path.to_path_buf(),
            line: self.document.line(self.start),
            key: self.dotted(key),
            reason: reason.to_owned(),
        }
    }

    /// The complaint about the name of the section itself.
    pub(super) fn misnamed(&self, expected: &str) -> ConfigError {
        ConfigError::BadValue {
            path: self.document.path.to_path_buf(),
            line: self.document.line(self.start),
            key: self.name.clone(),
            found: "the name of this table".to_owned(),
            expected: expected.to_owned(),
        }
    }

    fn value(&mut self, key: &'static str) -> Option<&'t Spanned<DeValue<'t>>> {
        self.known.push(key);
        self.table.and_then(|table| table.get(key))
    }

    fn read<T>(
        &mut self,
        key: &'static str,
        expected: &str,
        parse: impl FnOnce(&DeValue<'_>) -> Option<T>,
    ) -> Result<Option<T>, ConfigError> {
        let Some(value) = self.value(key) else { return Ok(None) };
        parse(value.get_ref()).map(Some).ok_or_else(|| self.bad(key, value, expected))
    }

    fn bad(&self, key: &str, value: &Spanned<DeValue<'_>>, expected: &str) -> ConfigError {
        self.bad_value(key, value, self.found(value), expected)
    }

    fn bad_value(&self, key: &str, at: &Spanned<DeValue<'_>>, found: String, expected: &str) -> ConfigError {
        ConfigError::BadValue {
            path: self.document.path.to_path_buf(),
            line: self.document.line(at.span().start),
            key: self.dotted(key),
            found,
            expected: expected.to_owned(),
        }
    }

    fn found(&self, value: &Spanned<DeValue<'_>>) -> String {
        found(value.get_ref(), self.document.text, value.span())
    }

    fn dotted(&self, key: &str) -> String {
        let bare = |c: char| c.is_ascii_alphanumeric() || c == '_' || c == '-';
        let key = if !key.is_empty() && key.chars().all(bare) { key.to_owned() } else { format!("{key:?}") };
        if self.name.is_empty() { key } else { format!("{}.{key}", self.name) }
    }
}

pub(super) fn one_of(names: &[&str]) -> String {
    let quoted: Vec<String> = names.iter().map(|name| format!("{name:?}")).collect();
    format!("one of {}", quoted.join(", "))
}

/// Nano-dollars of an amount that a person would write; `None` for what is no amount.
fn nano_dollars(dollars: f64) -> Option<u64> {
    const MOST: f64 = 1e6;
    // 1e15 is exact in an f64, and a float-to-integer cast saturates
    (0.0..=MOST).contains(&dollars).then(|| (dollars * 1e9).round() as u64)
}

/// The value as written, with its type; long ones by their type alone.
fn found(value: &DeValue<'_>, text: &str, span: Range<usize>) -> String {
    const LONGEST: usize = 60;
    let kind = match value {
        DeValue::String(_) => "the text",
        DeValue::Integer(_) | DeValue::Float(_) => "the number",
        DeValue::Boolean(_) => "the flag",
        DeValue::Datetime(_) => "the date",
        DeValue::Array(_) => return "a list".to_owned(),
        DeValue::Table(_) => return "a table".to_owned(),
    };
    match text.get(span).filter(|written| written.len() <= LONGEST && !written.contains('\n')) {
        Some(written) => format!("{kind} {written}"),
        None => format!("a longer {}", kind.trim_start_matches("the ")),
    }
}

/// The nearest known key, or all of them.
fn hint(key: &str, known: &[&str]) -> String {
    /// Jaro-Winkler similarity from which a name is worth suggesting; clap suggests flags from 0.7 on.
    const NEAR: f64 = 0.7;
    let near = known.iter().map(|name| (strsim::jaro_winkler(key, name), name)).max_by(|a, b| a.0.total_cmp(&b.0));
    match near {
        Some((similarity, name)) if similarity > NEAR => format!("did you mean `{name}`?"),
        _ => format!("known here: {}", known.join(", ")),
    }
}
