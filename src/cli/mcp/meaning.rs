//! What a configuration file says, without its form: an edit is right if this changed as wanted and in nothing else.

use std::collections::BTreeMap;

/// A value of JSON or TOML.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum ConfigMeaning {
    Text(String),
    /// A number, a date, true, false or null, as it is written.
    Plain(String),
    List(Vec<ConfigMeaning>),
    Table(BTreeMap<String, ConfigMeaning>),
}

impl ConfigMeaning {
    pub(super) fn text(text: &str) -> Self {
        Self::Text(text.to_owned())
    }

    pub(super) fn flag(flag: bool) -> Self {
        Self::Plain(flag.to_string())
    }

    pub(super) const fn nothing() -> Self {
        Self::Table(BTreeMap::new())
    }

    pub(super) fn table(&self) -> Option<&BTreeMap<String, Self>> {
        match self {
            Self::Table(table) => Some(table),
            _ => None,
        }
    }

    /// The value at the end of a path of keys.
    pub(super) fn at(&self, path: &[&str]) -> Option<&Self> {
        path.iter().try_fold(self, |value, key| value.table()?.get(*key))
    }

    /// With another value at the end of a path, or with none there; `None` if a step of the path is not a table.
    pub(super) fn with(mut self, path: &[&str], value: Option<Self>) -> Option<Self> {
        let (last, steps) = path.split_last()?;
        let mut here = &mut self;
        for step in steps {
            let Self::Table(table) = here else { return None };
            here = table.entry((*step).to_owned()).or_insert_with(Self::nothing);
        }
        let Self::Table(table) = here else { return None };
        match value {
            Some(value) => table.insert((*last).to_owned(), value),
            None => table.remove(*last),
        };
        Some(self)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_value_is_set_and_taken_out_at_its_path() {
        let set = ConfigMeaning::nothing().with(&["a", "b"], Some(ConfigMeaning::text("x"))).unwrap();
        assert_eq!(set.at(&["a", "b"]), Some(&ConfigMeaning::text("x")));
        assert_eq!(set.clone().with(&["a", "b", "c"], None), None, "a text has no keys");
        let out = set.with(&["a", "b"], None).unwrap();
        assert_eq!(out.at(&["a"]), Some(&ConfigMeaning::nothing()));
    }
}
