//! The cache that an earlier tool kept inside repositories, `.rustassistant/cache/<type>/*.json`: found and read, never touched. No
//! symbolic link is followed, whatever the directories hold.

use std::fs::{File, OpenOptions};
use std::io::{self, Read};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

use rustix::fs::OFlags;

/// Name of the tool's directory in a repository, and of the cache in it.
const DIRECTORY: &str = ".rustassistant";
const CACHE: &str = "cache";

/// Longest entry that is read, in bytes: a model's answer has some kilobytes.
pub const ENTRY_MAX: u64 = 8 << 20;

/// The cache directory that a path means: a repository's top, its `.rustassistant`, or the cache itself. `None` if there is none.
pub fn find(path: &Path) -> Option<PathBuf> {
    let below_top = path.join(DIRECTORY).join(CACHE);
    let below_tool = path.join(CACHE);
    if is_directory(&path.join(DIRECTORY)) && is_directory(&below_top) {
        Some(below_top)
    } else if path.file_name().is_some_and(|name| name == DIRECTORY) && is_directory(&below_tool) {
        Some(below_tool)
    } else {
        let parent = path.parent().and_then(Path::file_name);
        let is_cache =
            path.file_name().is_some_and(|name| name == CACHE) && parent.is_some_and(|name| name == DIRECTORY);
        (is_cache && is_directory(path)).then(|| path.to_path_buf())
    }
}

fn is_directory(path: &Path) -> bool {
    path.symlink_metadata().is_ok_and(|metadata| metadata.is_dir())
}

/// The entries of a cache, in the order of their names.
///
/// # Errors
/// If a directory cannot be read.
pub fn entries(cache: &Path) -> io::Result<Vec<PathBuf>> {
    let mut found = Vec::new();
    for directory in std::fs::read_dir(cache)? {
        let directory = directory?;
        if !directory.file_type()?.is_dir() {
            continue;
        }
        for entry in std::fs::read_dir(directory.path())? {
            let entry = entry?;
            let path = entry.path();
            if entry.file_type()?.is_file() && path.extension().is_some_and(|extension| extension == "json") {
                found.push(path);
            }
        }
    }
    found.sort();
    Ok(found)
}

/// The bytes of an entry.
///
/// # Errors
/// If it cannot be read, is no regular file, or is longer than [`ENTRY_MAX`].
pub fn read(path: &Path) -> io::Result<Vec<u8>> {
    // Without NONBLOCK, opening a named pipe would wait for a writer.
    let flags = (OFlags::NOFOLLOW | OFlags::NONBLOCK).bits().cast_signed();
    let file: File = OpenOptions::new().read(true).custom_flags(flags).open(path)?;
    if !file.metadata()?.is_file() {
        return Err(io::Error::other("it is not a regular file"));
    }
    let mut bytes = Vec::new();
    file.take(ENTRY_MAX + 1).read_to_end(&mut bytes)?;
    if bytes.len() as u64 > ENTRY_MAX {
        return Err(io::Error::other(format!("it is longer than {ENTRY_MAX} bytes")));
    }
    Ok(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_legacy_cache_is_found_from_repository_directory_and_itself() {
        let root = tempfile::tempdir().unwrap();
        assert_eq!(find(root.path()), None);
        let cache = root.path().join(".rustassistant/cache");
        std::fs::create_dir_all(cache.join("docs")).unwrap();
        for path in [root.path(), &root.path().join(".rustassistant"), &cache] {
            assert_eq!(find(path), Some(cache.clone()), "{path:?}");
        }
        assert_eq!(find(&cache.join("docs")), None);
        // The agent's own home has a cache, too; it is a legacy one only if it has that name.
        std::fs::create_dir_all(root.path().join("home/cache")).unwrap();
        assert_eq!(find(&root.path().join("home")), None);
    }

    #[test]
    fn only_regular_json_files_are_entries_and_links_lead_nowhere() {
        let root = tempfile::tempdir().unwrap();
        let cache = root.path().join(".rustassistant/cache");
        std::fs::create_dir_all(cache.join("docs")).unwrap();
        std::fs::create_dir_all(cache.join("todos/deep.json")).unwrap();
        let secret = root.path().join("secret.json");
        std::fs::write(&secret, "{}").unwrap();
        std::fs::write(cache.join("docs/b.json"), "{}").unwrap();
        std::fs::write(cache.join("docs/a.json"), "{\"x\":1}").unwrap();
        std::fs::write(cache.join("docs/note.txt"), "").unwrap();
        std::fs::write(cache.join("top.json"), "{}").unwrap();
        std::os::unix::fs::symlink(&secret, cache.join("docs/link.json")).unwrap();
        std::os::unix::fs::symlink(root.path(), cache.join("linked")).unwrap();
        let found = entries(&cache).unwrap();
        assert_eq!(found, [cache.join("docs/a.json"), cache.join("docs/b.json")]);
        assert_eq!(read(&found[0]).unwrap(), b"{\"x\":1}");
        assert!(read(&cache.join("docs/link.json")).is_err());
        let pipe = cache.join("docs/pipe.json");
        assert!(std::process::Command::new("mkfifo").arg(&pipe).status().unwrap().success());
        assert!(read(&pipe).unwrap_err().to_string().contains("regular"));
        std::fs::write(cache.join("docs/long.json"), vec![b' '; ENTRY_MAX as usize + 1]).unwrap();
        assert!(read(&cache.join("docs/long.json")).is_err());
    }

    #[test]
    fn a_linked_tool_directory_is_not_followed() {
        let (root, other) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
        std::fs::create_dir_all(other.path().join("cache/docs")).unwrap();
        std::os::unix::fs::symlink(other.path(), root.path().join(".rustassistant")).unwrap();
        assert_eq!(find(root.path()), None);
    }
}
