//! The text of a Git configuration, parsed. It opens no file and follows no include.

/// One value of a configuration.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct ConfigValue {
    /// In lower case.
    pub section: Vec<u8>,
    pub subsection: Option<Vec<u8>>,
    /// In lower case.
    pub key: String,
    pub value: Vec<u8>,
}

impl ConfigValue {
    /// Returns an unconditional `include.path`.
    pub fn include(path: &[u8]) -> Self {
        Self { section: b"include".to_vec(), subsection: None, key: "path".to_owned(), value: path.to_vec() }
    }

    /// Whether it includes a file unconditionally.
    pub fn is_include(&self) -> bool {
        self.section == b"include" && self.subsection.is_none() && self.key == "path"
    }
}

/// Returns every value of a configuration, sorted; `None` if it cannot be parsed.
pub fn config_values(content: &[u8]) -> Option<Vec<ConfigValue>> {
    let meta = gix::config::file::Metadata::api();
    let file = gix::config::File::from_bytes_no_includes(content, meta, Default::default()).ok()?;
    let mut all = Vec::new();
    for section in file.sections() {
        let header = section.header();
        let name = header.name().to_ascii_lowercase();
        let subsection = header.subsection_name().map(|subsection| subsection.to_vec());
        let mut keys: Vec<String> = section.value_names().map(|key| key.to_ascii_lowercase()).collect();
        keys.sort();
        keys.dedup();
        for key in keys {
            all.extend(section.values(&key).into_iter().map(|value| ConfigValue {
                section: name.clone(),
                subsection: subsection.clone(),
                key: key.clone(),
                value: value.to_vec(),
            }));
        }
    }
    all.sort();
    Some(all)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_are_sorted_and_names_are_in_lower_case() {
        let text = b"[User]\n\tName = A\n[include]\n\tpath = /x\n[includeIf \"gitdir:/R\"]\n\tpath = y\n";
        let values = config_values(text).unwrap();
        let names: Vec<(&[u8], &str)> = values.iter().map(|one| (&one.section[..], &*one.key)).collect();
        assert_eq!(names, [(&b"include"[..], "path"), (b"includeif", "path"), (b"user", "name")]);
        assert_eq!(values[0], ConfigValue::include(b"/x"));
        assert!(values[0].is_include() && !values[1].is_include());
        assert_eq!(values[1].subsection.as_deref(), Some(&b"gitdir:/R"[..]));
        assert_eq!(config_values(b"[user\n"), None);
    }
}
