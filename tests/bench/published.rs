//! Sources of published crates, each in an exact version, as Cargo unpacks them.

use std::env;
use std::error::Error;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

/// Where the sources of a crate are; `cargo fetch` brings them if they are not there yet.
///
/// # Errors
/// If the registry cannot be reached, or has no such crate.
pub fn source_of(name: &str, version: &str) -> Result<PathBuf, Box<dyn Error>> {
    let label = format!("{name}-{version}");
    if let Some(found) = in_registry(&label)? {
        return Ok(found);
    }
    fetch(name, version)?;
    in_registry(&label)?
        .ok_or_else(|| format!("`cargo fetch` brought no sources of {label}; is the registry reachable?").into())
}

/// Where Cargo has unpacked a crate; `None` if it has not.
///
/// # Errors
/// If it is not known where Cargo keeps things.
pub fn in_registry(label: &str) -> Result<Option<PathBuf>, Box<dyn Error>> {
    let cargo_home = env::var_os("CARGO_HOME").map(PathBuf::from);
    let home = cargo_home
        .or_else(|| Some(PathBuf::from(env::var_os("HOME")?).join(".cargo")))
        .ok_or("neither CARGO_HOME nor HOME is set")?;
    let Ok(registries) = fs::read_dir(home.join("registry/src")) else { return Ok(None) };
    let folders = registries.filter_map(Result::ok).map(|registry| registry.path().join(label));
    Ok(folders.into_iter().find(|folder| folder.is_dir()))
}

/// A package that depends on exactly this version, so that Cargo downloads and unpacks it.
fn fetch(name: &str, version: &str) -> Result<(), Box<dyn Error>> {
    let package = tempfile::tempdir()?;
    let manifest = format!(
        "[package]\nname = \"wanted\"\nversion = \"0.0.0\"\nedition = \"2021\"\n[dependencies]\n{name} = \"={version}\"\n"
    );
    fs::write(package.path().join("Cargo.toml"), manifest)?;
    fs::create_dir(package.path().join("src"))?;
    fs::write(package.path().join("src/lib.rs"), "")?;
    let status = Command::new(env::var_os("CARGO").unwrap_or_else(|| "cargo".into()))
        .args(["fetch", "--quiet"])
        .current_dir(package.path())
        .status()?;
    if status.success() { Ok(()) } else { Err(format!("`cargo fetch` of {name} {version} ended with {status}").into()) }
}

/// Puts the files of a folder, and of those below it, into another.
///
/// # Errors
/// If a file cannot be read or written.
pub fn copy(from: &Path, to: &Path) -> Result<(), Box<dyn Error>> {
    fs::create_dir_all(to)?;
    for entry in fs::read_dir(from)? {
        let entry = entry?;
        let target = to.join(entry.file_name());
        if entry.file_type()?.is_dir() {
            copy(&entry.path(), &target)?;
        } else {
            fs::copy(entry.path(), &target)?;
        }
    }
    Ok(())
}
