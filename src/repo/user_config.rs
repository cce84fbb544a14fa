//! Where Git's own configuration is, outside of repositories: the system's and the user's files, as Git finds them by the environment.

use std::ffi::OsString;
use std::path::PathBuf;

/// The files that count for every repository of this user.
#[derive(Clone, Debug, Default)]
pub struct UserConfig {
    /// Later ones count more. They need not exist.
    pub files: Vec<PathBuf>,
    pub home: Option<PathBuf>,
    /// Directory of Git's defaults: `ignore` and `attributes`.
    pub defaults: Option<PathBuf>,
}

impl UserConfig {
    /// Finds the files by the environment of this process.
    #[expect(clippy::disallowed_methods, reason = "Git reads these variables too")]
    pub fn read() -> Self {
        Self::from_variables(&|name| std::env::var_os(name))
    }

    fn from_variables(variable: &dyn Fn(&str) -> Option<OsString>) -> Self {
        let path = |name: &str| variable(name).filter(|value| !value.is_empty()).map(PathBuf::from);
        let home = path("HOME").or_else(dirs::home_dir);
        let xdg = path("XDG_CONFIG_HOME").or_else(|| Some(home.as_ref()?.join(".config")));
        let is_off = variable("GIT_CONFIG_NOSYSTEM").is_some_and(|value| is_true(value.as_encoded_bytes()));
        let system = (!is_off).then(|| path("GIT_CONFIG_SYSTEM").unwrap_or_else(|| PathBuf::from("/etc/gitconfig")));
        let own = match variable("GIT_CONFIG_GLOBAL") {
            Some(path) => [None, Some(PathBuf::from(path))],
            None => [
                xdg.as_ref().map(|dir| dir.join("git/config")),
                home.as_ref().map(|dir: &PathBuf| dir.join(".gitconfig")),
            ],
        };
        let files = system.into_iter().chain(own.into_iter().flatten()).collect();
        Self { files, home, defaults: xdg.map(|dir| dir.join("git")) }
    }

    /// The files of a user with this home directory and no variables.
    #[cfg(test)]
    pub fn at_home(home: &std::path::Path) -> Self {
        Self::from_variables(&|name| match name {
            "HOME" => Some(home.as_os_str().to_owned()),
            "GIT_CONFIG_NOSYSTEM" => Some("1".into()),
            _ => None,
        })
    }
}

/// Whether Git takes a value for true.
pub(super) fn is_true(value: &[u8]) -> bool {
    let value = value.to_ascii_lowercase();
    let number =
        std::str::from_utf8(&value).ok().and_then(|text| text.trim_end_matches(['k', 'm', 'g']).parse::<i64>().ok());
    matches!(&value[..], b"true" | b"yes" | b"on") || number.is_some_and(|number| number != 0)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(variables: &[(&str, &str)]) -> (Vec<String>, Option<PathBuf>) {
        let config = UserConfig::from_variables(&|name| {
            variables.iter().find(|(one, _)| *one == name).map(|(_, value)| OsString::from(value))
        });
        (config.files.iter().map(|path| path.display().to_string()).collect(), config.defaults)
    }

    #[test]
    fn the_files_are_those_that_the_variables_name() {
        let home = ("HOME", "/h");
        let (files, defaults) = found(&[home]);
        assert_eq!(files, ["/etc/gitconfig", "/h/.config/git/config", "/h/.gitconfig"]);
        assert_eq!(defaults, Some(PathBuf::from("/h/.config/git")));
        let (files, defaults) = found(&[home, ("XDG_CONFIG_HOME", "/x"), ("GIT_CONFIG_NOSYSTEM", "true")]);
        assert_eq!((files, defaults), (vec!["/x/git/config".into(), "/h/.gitconfig".into()], Some("/x/git".into())));
        let (files, _) = found(&[home, ("GIT_CONFIG_GLOBAL", "/g"), ("GIT_CONFIG_SYSTEM", "/s")]);
        assert_eq!(files, ["/s", "/g"]);
        // What is off is not on, and an empty name is a file that is not there.
        let (files, _) = found(&[home, ("GIT_CONFIG_GLOBAL", ""), ("GIT_CONFIG_NOSYSTEM", "0")]);
        assert_eq!(files, ["/etc/gitconfig", ""]);
    }

    #[test]
    fn truth_is_what_git_takes_for_it() {
        for value in [&b"true"[..], b"Yes", b"ON", b"1", b"-1", b"2k"] {
            assert!(is_true(value), "{value:?}");
        }
        for value in [&b""[..], b"false", b"no", b"0", b"off", b"maybe"] {
            assert!(!is_true(value), "{value:?}");
        }
    }
}
