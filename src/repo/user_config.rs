//! What of the user's own Git configuration counts although repositories are opened isolated: which files the user never wants to
//! see, and how lines end.

use std::path::{Path, PathBuf};

use gix::config::file::{Metadata, includes, init};
use gix::config::{File, Source};
use gix::filter::plumbing::eol::AutoCrlf;

/// The user's settings, read from the user's files alone.
#[derive(Clone, Debug, Default)]
pub struct UserConfig {
    /// Patterns that are ignored everywhere: `core.excludesFile`, or Git's default place for it if there is such a file.
    pub excludes_file: Option<PathBuf>,
    /// `core.autocrlf`.
    pub auto_crlf: Option<AutoCrlf>,
}

impl UserConfig {
    /// Reads what there is; what cannot be read is taken for not set, as if the user had no such file.
    #[expect(clippy::disallowed_methods, reason = "Git reads these variables too")]
    pub fn read() -> Self {
        let set = |name: &str| std::env::var_os(name).filter(|value| !value.is_empty()).map(PathBuf::from);
        let home = set("HOME").or_else(dirs::home_dir);
        let xdg = set("XDG_CONFIG_HOME").or_else(|| Some(home.as_ref()?.join(".config")));
        let own = [xdg.as_ref().map(|dir| dir.join("git/config")), home.as_ref().map(|dir| dir.join(".gitconfig"))];
        let user: Vec<PathBuf> = match set("GIT_CONFIG_GLOBAL") {
            Some(path) => vec![path],
            None => own.into_iter().flatten().collect(),
        };
        let system = set("GIT_CONFIG_NOSYSTEM").is_none().then(|| PathBuf::from("/etc/gitconfig"));
        let files = system.into_iter().map(|path| (path, Source::System));
        let files = files.chain(user.into_iter().map(|path| (path, Source::User)));
        let default = xdg.map(|dir| dir.join("git/ignore"));
        Self::from_files(files, home.as_deref(), default)
    }

    /// Later files count more.
    fn from_files(
        files: impl IntoIterator<Item = (PathBuf, Source)>,
        home: Option<&Path>,
        default_excludes: Option<PathBuf>,
    ) -> Self {
        let context = gix::config::path::interpolate::Context { home_dir: home, ..Default::default() };
        let mut found = Self::default();
        for file in files.into_iter().filter_map(|(path, source)| read(path, source, home)) {
            if let Some(path) = file.path("core.excludesFile") {
                found.excludes_file = path.interpolate(context).ok();
            }
            let auto_crlf = file.string("core.autocrlf");
            match auto_crlf.as_ref().map(|value| value.to_ascii_lowercase()).as_deref() {
                Some(b"input") => found.auto_crlf = Some(AutoCrlf::Input),
                Some(b"true" | b"yes" | b"on" | b"1") => found.auto_crlf = Some(AutoCrlf::Enabled),
                Some(_) => found.auto_crlf = Some(AutoCrlf::Disabled),
                None => {}
            }
        }
        found.excludes_file = found.excludes_file.or(default_excludes).filter(|path| path.is_file());
        found
    }
}

/// A configuration file with what it includes under no condition: conditions are about one repository or the other.
fn read(path: PathBuf, source: Source, home: Option<&Path>) -> Option<File> {
    let bytes = std::fs::read(&path).ok()?;
    let includes = includes::Options {
        err_on_max_depth_exceeded: false,
        err_on_missing_config_path: false,
        ..includes::Options::follow_without_conditional(home)
    };
    let metadata = || Metadata::from(source).at(path.clone());
    let mut with_includes = File::from_bytes_no_includes(&bytes, metadata(), Default::default()).ok()?;
    let options = init::Options { includes, ignore_io_errors: true, ..Default::default() };
    if with_includes.resolve_includes(options).is_err() {
        // An include that cannot be followed hides nothing of the rest.
        with_includes = File::from_bytes_no_includes(&bytes, metadata(), Default::default()).ok()?;
    }
    Some(with_includes)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_users_ignore_file_is_found_where_git_finds_it() {
        let home = tempfile::tempdir().unwrap();
        let write = |name: &str, text: &str| {
            let path = home.path().join(name);
            std::fs::create_dir_all(path.parent().unwrap()).unwrap();
            std::fs::write(&path, text).unwrap();
            path
        };
        let default = write(".config/git/ignore", "*.default\n");
        let read = |files: &[&str]| {
            let files = files.iter().map(|name| (home.path().join(name), Source::User));
            UserConfig::from_files(files.collect::<Vec<_>>(), Some(home.path()), Some(default.clone()))
        };
        assert_eq!(read(&["missing"]).excludes_file, Some(default.clone()));
        let chosen = write("mine.ignore", "*.log\n");
        write(
            ".gitconfig",
            "[core]\n\tautocrlf = input\n[include]\n\tpath = more.config\n[includeIf \"gitdir:/x\"]\n\tpath = other\n",
        );
        write("more.config", "[core]\n\texcludesFile = ~/mine.ignore\n");
        let found = read(&["missing", ".gitconfig"]);
        assert_eq!((found.excludes_file, found.auto_crlf), (Some(chosen), Some(AutoCrlf::Input)));
        write("broken", "[core\nexcludesFile");
        assert_eq!(read(&["broken"]).excludes_file, Some(default.clone()));
        write("nowhere", "[core]\n\texcludesFile = ~/no.such.file\n");
        assert_eq!(read(&["nowhere"]).excludes_file, None, "what is set counts, there or not");
    }
}
