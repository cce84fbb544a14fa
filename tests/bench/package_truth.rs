//! How precise the edges of languages with an evaluator are: recall and precision against what a compiler finds in published packages.
//!
//! The truth is a folder that `RA_AGENT_IMPACT_TRUTH` names: `python/<name>-<version>.tsv`, one line for each source file, dependent
//! file and symbol. The packages' sources are those of the registries, brought by `pip download` to `target/packages`.

use std::collections::BTreeMap;
use std::error::Error;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use super::impact_truth::{Count, edges_of, graph_of, print_row, read_truth};
use super::package_reach;

/// The variable that names the folder.
const FOLDER: &str = "RA_AGENT_IMPACT_TRUTH";

/// Least pooled recall and precision of pairs of files, least of each package, and least pooled of symbols.
struct Targets {
    pooled: (f64, f64),
    each: f64,
    symbols: (f64, f64),
}

const PYTHON: Targets = Targets { pooled: (0.985, 0.985), each: 0.95, symbols: (0.95, 0.97) };

/// Scores every package of the folder and prints a table; `verbose` lists the edges that are missing or too many. True if the targets
/// are met; nothing if there is no folder.
///
/// # Errors
/// If the sources cannot be had, or the truth cannot be read.
pub fn run(verbose: bool) -> Result<Option<bool>, Box<dyn Error>> {
    let Some(folder) = std::env::var_os(FOLDER).map(PathBuf::from) else { return Ok(None) };
    let mut is_covered = true;
    let mut truths: BTreeMap<String, PathBuf> = BTreeMap::new();
    for entry in fs::read_dir(folder.join("python"))? {
        let path = entry?.path();
        let label = path.file_name().and_then(|name| name.to_str()?.strip_suffix(".tsv").map(str::to_owned));
        truths.extend(label.map(|label| (label, path)));
    }
    println!("{:<22} {:>6} {:>6} {:>9} {:>9}   symbols", "python", "true", "found", "recall", "precision");
    let (mut files, mut symbols, mut least) = (Count::default(), Count::default(), 1.0_f64);
    for (label, truth) in &truths {
        let truth = read_truth(&fs::read_to_string(truth)?);
        let found = edges_of(&graph_of(&source_of(label)?)?, &truth, ".");
        let (by_file, by_symbol) = (Count::of(&truth.files, &found.files), Count::of(&truth.symbols, &found.symbols));
        print_row(label, by_file, by_symbol);
        if verbose {
            truth.files.difference(&found.files).for_each(|(source, user)| println!("  missing  {source} <- {user}"));
            found.files.difference(&truth.files).for_each(|(source, user)| println!("  too many {source} <- {user}"));
        }
        least = least.min(by_file.recall()).min(by_file.precision());
        files.add(by_file);
        symbols.add(by_symbol);
    }
    print_row("pooled", files, symbols);
    for label in truths.keys() {
        is_covered &= package_reach::check(label, &source_of(label)?)?;
    }
    let reaches =
        |count: Count, (recall, precision): (f64, f64)| count.recall() >= recall && count.precision() >= precision;
    Ok(Some(is_covered && reaches(files, PYTHON.pooled) && reaches(symbols, PYTHON.symbols) && least >= PYTHON.each))
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

fn run_in(folder: &Path, program: &str, arguments: &[&str]) -> Result<(), Box<dyn Error>> {
    let status = Command::new(program).args(arguments).current_dir(folder).status()?;
    if status.success() { Ok(()) } else { Err(format!("{program} {} ended with {status}", arguments.join(" ")).into()) }
}
