//! How precise the edges of languages with an evaluator are: recall and precision against what a compiler finds in published packages.
//!
//! The truth is a folder that `RA_AGENT_IMPACT_TRUTH` names: `python/<name>-<version>.tsv`, `typescript/<name>-<version>.tsv`, one line
//! for each source file, dependent file and symbol. The packages' sources are those of the registries, brought by `pip download`, `npm
//! pack` and, from Debian 12, `apt-get download` (Go) and `apt-get source` (Java, C, C++; it needs a `deb-src` line) to `target/packages`;
//! of a package with a `<name>-<version>.tsconfig.json` those that its `include` names. What lies there already is taken as it is. The
//! truth of C++ is in this repository (`tests/data/impact-truth/cpp`), for the folder has none.

use std::collections::{BTreeMap, BTreeSet};
use std::error::Error;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use super::impact_truth::{Count, edges_of, graph_of, print_row, read_truth};
use super::{package_reach, peers};

/// The variable that names the folder.
const FOLDER: &str = "RA_AGENT_IMPACT_TRUTH";

/// Least pooled recall and precision of pairs of files, least of each package, and least pooled of symbols.
#[derive(Clone, Copy)]
struct Targets {
    pooled: (f64, f64),
    each: f64,
    symbols: (f64, f64),
}

type SourceOf = fn(&str, &Path) -> Result<PathBuf, Box<dyn Error>>;

/// A language with packages whose true edges are known.
struct TruthSet {
    folder: &'static str,
    targets: Targets,
    /// Brings the sources of a package; the second is the folder of the truth.
    source_of: SourceOf,
    /// The lines of the truth that are edges as we mean them.
    meant: fn(&str) -> String,
    /// Between the parts of a symbol's name.
    separator: &'static str,
}

const SETS: [TruthSet; 6] = [
    TruthSet {
        folder: "python",
        targets: Targets { pooled: (0.985, 0.985), each: 0.95, symbols: (0.95, 0.97) },
        source_of: |label, _| source_of(label),
        meant: str::to_owned,
        separator: ".",
    },
    TruthSet {
        folder: "typescript",
        targets: Targets { pooled: (0.95, 0.985), each: 0.75, symbols: (0.88, 0.90) },
        source_of: from_npm,
        meant: str::to_owned,
        separator: ".",
    },
    TruthSet {
        folder: "go",
        targets: Targets { pooled: (0.99, 0.99), each: 0.97, symbols: (0.98, 0.98) },
        source_of: from_debian_package,
        meant: str::to_owned,
        separator: ".",
    },
    TruthSet {
        folder: "java",
        targets: Targets { pooled: (0.985, 0.985), each: 0.97, symbols: (0.92, 0.95) },
        source_of: from_debian_source,
        meant: str::to_owned,
        separator: ".",
    },
    TruthSet {
        folder: "c",
        targets: Targets { pooled: (0.90, 0.85), each: 0.80, symbols: (0.80, 0.80) },
        source_of: from_debian_source,
        meant: without_definers,
        separator: "::",
    },
    TruthSet {
        folder: "cpp",
        targets: Targets { pooled: (0.85, 0.80), each: 0.75, symbols: (0.60, 0.60) },
        source_of: from_debian_source,
        meant: without_definers,
        separator: "::",
    },
];

/// An edge of C leads to the header that declares; what a source defines is no edge. So of the truth remain what a header says, and what a
/// file says that is included.
fn without_definers(truth: &str) -> String {
    let rows: Vec<Vec<&str>> = truth.lines().map(|line| line.split('\t').collect()).collect();
    let mut includes: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
    for row in rows.iter().filter(|row| row.get(2) == Some(&"include")) {
        includes.entry(row[1]).or_default().push(row[0]);
    }
    let is_header = |path: &str| path.rsplit('.').next().is_some_and(|end| end.starts_with('h') || end == "inl");
    let is_seen = |source: &str, user: &str| {
        let (mut seen, mut todo) = (BTreeSet::from([user]), vec![user]);
        while let Some(file) = todo.pop() {
            todo.extend(includes.get(file).into_iter().flatten().copied().filter(|&file| seen.insert(file)));
        }
        seen.contains(source)
    };
    let kept = rows.iter().filter(|row| row.len() > 2 && (is_header(row[0]) || is_seen(row[0], row[1])));
    kept.map(|row| row.join("\t") + "\n").collect()
}

/// Go packages in Debian 12: the label, the binary package with its version, the import path.
const DEBIAN: [(&str, &str, &str); 4] = [
    ("cobra-1.6.1", "golang-github-spf13-cobra-dev=1.6.1-1", "github.com/spf13/cobra"),
    ("zap-1.23.0", "golang-go.uber-zap-dev=1.23.0-1", "go.uber.org/zap"),
    ("go-git-5.4.2", "golang-github-go-git-go-git-dev=5.4.2-3", "github.com/go-git/go-git"),
    (
        "client_golang-1.14.0",
        "golang-github-prometheus-client-golang-dev=1.14.0-3",
        "github.com/prometheus/client_golang",
    ),
];

/// Scores every package of the folder and prints a table; `verbose` lists the edges that are missing or too many. True if the targets
/// are met; nothing if there is no folder.
///
/// # Errors
/// If the sources cannot be had, or the truth cannot be read.
pub fn run(verbose: bool) -> Result<Option<bool>, Box<dyn Error>> {
    let Some(folder) = std::env::var_os(FOLDER).map(PathBuf::from) else { return Ok(None) };
    let own = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data/impact-truth");
    let truth_of = |set: &TruthSet| {
        let given = folder.join(set.folder);
        if given.is_dir() { given } else { own.join(set.folder) }
    };
    let met = SETS.iter().map(|set| set.score(&truth_of(set), verbose)).collect::<Result<Vec<_>, _>>()?;
    Ok(Some(met.into_iter().all(|met| met)))
}

impl TruthSet {
    fn score(&self, folder: &Path, verbose: bool) -> Result<bool, Box<dyn Error>> {
        let mut truths: BTreeMap<String, PathBuf> = BTreeMap::new();
        for entry in fs::read_dir(folder)? {
            let path = entry?.path();
            let label = path.file_name().and_then(|name| name.to_str()?.strip_suffix(".tsv").map(str::to_owned));
            truths.extend(label.map(|label| (label, path)));
        }
        println!("{:<22} {:>6} {:>6} {:>9} {:>9}   symbols", self.folder, "true", "found", "recall", "precision");
        let (mut files, mut symbols, mut least) = (Count::default(), Count::default(), 1.0_f64);
        for (label, truth) in &truths {
            let mut truth = read_truth(&(self.meant)(&fs::read_to_string(truth)?));
            let own = |name: String| name.rsplit('.').next().unwrap_or_default().to_owned();
            truth.symbols = truth.symbols.into_iter().map(|(source, user, name)| (source, user, own(name))).collect();
            let mut found = edges_of(&graph_of(&(self.source_of)(label, folder)?)?, &truth, self.separator);
            // A file that is included is called so.
            let as_include = |(source, user, name): (String, String, String)| {
                let is_file = self.separator == "::" && source.rsplit('/').next() == Some(name.as_str());
                (source, user, if is_file { "include".to_owned() } else { name })
            };
            found.symbols = found.symbols.into_iter().map(as_include).collect();
            let (by_file, by_symbol) =
                (Count::of(&truth.files, &found.files), Count::of(&truth.symbols, &found.symbols));
            print_row(label, by_file, by_symbol);
            for peer in peers::all() {
                let found = peer.index(&(self.source_of)(label, folder)?).and_then(|index| index.edges(&truth));
                match found {
                    Ok(found) => print_row(
                        &format!("  {}", peer.name),
                        Count::of(&truth.files, &found.files),
                        Count::of(&truth.symbols, &found.symbols),
                    ),
                    Err(error) => println!("  {} is left out: {error}", peer.name),
                }
            }
            if verbose {
                truth
                    .files
                    .difference(&found.files)
                    .for_each(|(source, user)| println!("  missing  {source} <- {user}"));
                found
                    .files
                    .difference(&truth.files)
                    .for_each(|(source, user)| println!("  too many {source} <- {user}"));
            }
            least = least.min(by_file.recall()).min(by_file.precision());
            files.add(by_file);
            symbols.add(by_symbol);
        }
        print_row("pooled", files, symbols);
        let reaches =
            |count: Count, (recall, precision): (f64, f64)| count.recall() >= recall && count.precision() >= precision;
        let mut is_covered = true;
        for label in truths.keys() {
            is_covered &= package_reach::check(label, &(self.source_of)(label, folder)?)?;
        }
        let Targets { pooled, each, symbols: least_symbols } = self.targets;
        Ok(is_covered && reaches(files, pooled) && reaches(symbols, least_symbols) && least >= each)
    }
}

/// The unpacked source distribution of a package, `name-version`.
///
/// # Errors
/// If it cannot be downloaded.
pub(super) fn source_of(label: &str) -> Result<PathBuf, Box<dyn Error>> {
    let packages = Path::new(env!("CARGO_MANIFEST_DIR")).join("target/packages");
    let unpacked = packages.join(label);
    if unpacked.is_dir() {
        return Ok(unpacked);
    }
    fs::create_dir_all(&packages)?;
    let (name, version) = label.rsplit_once('-').ok_or_else(|| format!("{label} is no name and version"))?;
    let wanted = format!("{name}=={version}");
    let pip = ["-m", "pip", "download", "--quiet", "--no-deps", "--no-binary", name, wanted.as_str()];
    run_in(&packages, "python3", &pip)?;
    let archive = format!("{label}.tar.gz");
    run_in(&packages, "tar", &["xzf", &archive])?;
    if unpacked.is_dir() { Ok(unpacked) } else { Err(format!("{archive} does not unpack to {label}").into()) }
}

/// What `npm pack` brings of a package, `name-version` or `scope-name-version`, with the configuration that the truth was made with.
fn from_npm(label: &str, truth: &Path) -> Result<PathBuf, Box<dyn Error>> {
    let packages = Path::new(env!("CARGO_MANIFEST_DIR")).join("target/packages");
    let kept = packages.join(label);
    if kept.is_dir() {
        return Ok(kept);
    }
    let work = packages.join(format!("{label}.unpacked"));
    fs::create_dir_all(&work)?;
    let (name, version) = label.rsplit_once('-').ok_or_else(|| format!("{label} is no name and version"))?;
    let scoped = name.split_once('-').map(|(scope, name)| format!("@{scope}/{name}@{version}"));
    let plain = format!("{name}@{version}");
    let pack = |wanted: &str| run_in(&work, "npm", &["pack", "--silent", wanted]);
    pack(&plain).or_else(|error| scoped.map_or(Err(error), |scoped| pack(&scoped)))?;
    let archive = fs::read_dir(&work)?.flatten().find(|entry| entry.path().extension().is_some_and(|end| end == "tgz"));
    let archive = archive.ok_or_else(|| format!("npm pack brought no archive of {label}"))?;
    run_in(&work, "tar", &["xzf", &archive.file_name().to_string_lossy(), "--strip-components=1"])?;
    let config = fs::read_to_string(truth.join(format!("{label}.tsconfig.json")))?;
    let included: serde_json::Value = serde_json::from_str(&config)?;
    let included = included["include"].as_array().cloned().unwrap_or_default();
    fs::create_dir_all(&kept)?;
    fs::write(kept.join("tsconfig.json"), config)?;
    for name in included.iter().filter_map(|name| name.as_str()).chain(["package.json"]) {
        fs::rename(work.join(name), kept.join(name))?;
    }
    Ok(kept)
}

/// Some files and folders of what `npm pack` brings of a version of a package.
///
/// # Errors
/// If it cannot be downloaded.
pub(super) fn unpacked_from_npm(name: &str, version: &str, parts: &[&str]) -> Result<PathBuf, Box<dyn Error>> {
    let label = format!("{}-{version}", name.replace('/', "-").trim_start_matches('@'));
    let releases = Path::new(env!("CARGO_MANIFEST_DIR")).join("target/packages/releases");
    let kept = releases.join(&label);
    if kept.is_dir() {
        return Ok(kept);
    }
    let work = releases.join(format!("{label}.unpacked"));
    fs::create_dir_all(&work)?;
    run_in(&work, "npm", &["pack", "--silent", &format!("{name}@{version}")])?;
    let archive = fs::read_dir(&work)?.flatten().find(|entry| entry.path().extension().is_some_and(|end| end == "tgz"));
    let archive = archive.ok_or_else(|| format!("npm pack brought no archive of {label}"))?;
    run_in(&work, "tar", &["xzf", &archive.file_name().to_string_lossy(), "--strip-components=1"])?;
    fs::create_dir_all(&kept)?;
    for part in parts.iter().filter(|part| work.join(part).exists()) {
        fs::rename(work.join(part), kept.join(part))?;
    }
    Ok(kept)
}

/// The sources of a Go package in Debian, unpacked and not installed.
fn from_debian_package(label: &str, _: &Path) -> Result<PathBuf, Box<dyn Error>> {
    let packages = Path::new(env!("CARGO_MANIFEST_DIR")).join("target/packages");
    let kept = packages.join(label);
    if kept.is_dir() {
        return Ok(kept);
    }
    let known = DEBIAN.iter().find(|(known, ..)| *known == label);
    let (_, package, path) = known.ok_or_else(|| format!("no Debian package is known for {label}"))?;
    let work = packages.join(format!("{label}.unpacked"));
    fs::create_dir_all(&work)?;
    run_in(&work, "apt-get", &["download", "--quiet", package])?;
    let archive = fs::read_dir(&work)?.flatten().find(|entry| entry.path().extension().is_some_and(|end| end == "deb"));
    let archive = archive.ok_or_else(|| format!("apt-get brought no archive of {label}"))?;
    run_in(&work, "dpkg", &["-x", &archive.file_name().to_string_lossy(), "."])?;
    fs::rename(work.join("usr/share/gocode/src").join(path), &kept)?;
    Ok(kept)
}

/// What the authors of a package published, `name-version`, as Debian's source package has it.
fn from_debian_source(label: &str, _: &Path) -> Result<PathBuf, Box<dyn Error>> {
    let packages = Path::new(env!("CARGO_MANIFEST_DIR")).join("target/packages");
    let kept = packages.join(label);
    if kept.is_dir() {
        return Ok(kept);
    }
    let (name, version) = label.rsplit_once('-').ok_or_else(|| format!("{label} is no name and version"))?;
    let work = packages.join(format!("{label}.source"));
    fs::create_dir_all(&work)?;
    run_in(&work, "apt-get", &["source", "--quiet", "--download-only", name])?;
    let start = format!("{name}_{version}.orig.tar.");
    let mut archives = fs::read_dir(&work)?.flatten().map(|entry| entry.file_name().to_string_lossy().into_owned());
    let archive = archives.find(|archive| archive.starts_with(&start));
    let archive = archive.ok_or_else(|| format!("the source package of {name} is not of version {version}"))?;
    fs::create_dir_all(&kept)?;
    let folder = kept.to_string_lossy();
    run_in(&work, "tar", &["xf", &archive, "--strip-components=1", "-C", &folder])?;
    Ok(kept)
}

fn run_in(folder: &Path, program: &str, arguments: &[&str]) -> Result<(), Box<dyn Error>> {
    let status = Command::new(program).args(arguments).current_dir(folder).status()?;
    if status.success() { Ok(()) } else { Err(format!("{program} {} ended with {status}", arguments.join(" ")).into()) }
}
