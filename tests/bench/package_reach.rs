//! Whether what an edit reaches covers what resolves otherwise, on real packages: random edits of lines, each compared with resolving
//! everything again. It also shows what an edit costs in a warm world.

use std::collections::{BTreeMap, BTreeSet};
use std::error::Error;
use std::fs;
use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

use ra_agent::domain::FilePath;
use ra_agent::impact::{World, resolve};
use ra_agent::outline::{Outline, language_of, outline};

/// Edits of each package.
const EDITS: usize = 60;

pub(super) type Texts = BTreeMap<FilePath, String>;

/// Edits a package at random places; true if no file that resolves otherwise was missed.
///
/// # Errors
/// If a file cannot be read.
pub fn check(label: &str, root: &Path) -> Result<bool, Box<dyn Error>> {
    let texts = texts(root)?;
    let mut outlines: BTreeMap<FilePath, Arc<Outline>> =
        texts.iter().map(|(path, text)| (path.clone(), said(path, text))).collect();
    let paths: Vec<&FilePath> = texts.keys().collect();
    let mut world = World::new(&outlines);
    let mut known = world.graph();
    let mut dice = 0x2545_F491_4F6C_DD1D_u64;
    let (mut missed, mut reached, mut slowest) = (0, 0, Duration::ZERO);
    for _ in 0..EDITS {
        let path = paths[roll(&mut dice, paths.len())].clone();
        let edited = said(&path, &mutated(&texts[&path], &mut dice));
        outlines.insert(path.clone(), Arc::clone(&edited));
        let started = Instant::now();
        let reach = world.edit(&[(path.clone(), edited)]);
        let mut only = reach.map_or_else(|| outlines.keys().cloned().collect::<BTreeSet<_>>(), |reach| reach.files);
        only.insert(path);
        let part = world.graph_of(&only);
        slowest = slowest.max(started.elapsed());
        reached += only.len();
        let new = resolve(&outlines);
        for file in outlines.keys() {
            let uses = if only.contains(file) { part.uses(file) } else { known.uses(file) };
            missed += usize::from(uses != new.uses(file));
        }
        known = new;
    }
    println!(
        "{label:<22} {EDITS} edits of {} files: {:.1} files resolved again, slowest {slowest:.1?}, missed {missed}",
        outlines.len(),
        reached as f64 / EDITS as f64
    );
    Ok(missed == 0)
}

fn said(path: &FilePath, text: &str) -> Arc<Outline> {
    Arc::new(outline(language_of(path), text).0)
}

fn roll(dice: &mut u64, sides: usize) -> usize {
    // xorshift64 (Marsaglia 2003)
    *dice ^= *dice << 13;
    *dice ^= *dice >> 7;
    *dice ^= *dice << 17;
    (*dice % sides.max(1) as u64) as usize
}

/// The text with a line left out, doubled, moved or with a name changed.
fn mutated(text: &str, dice: &mut u64) -> String {
    let mut lines: Vec<String> = text.lines().map(str::to_owned).collect();
    for _ in 0..1 + roll(dice, 3) {
        let at = roll(dice, lines.len());
        let Some(line) = lines.get(at).cloned() else { break };
        match roll(dice, 5) {
            0 => drop(lines.remove(at)),
            1 => lines.insert(at, line),
            2 => {
                let renamed = line.replacen("def ", "def x", 1).replacen("func ", "func x", 1);
                lines[at] = renamed.replacen("class ", "class X", 1).replacen("(", "(int x, ", 1);
            }
            3 => {
                let changed = line.replacen("self", "cls", 1).replacen(" = None", "", 1).replacen(" *", " ", 1);
                lines[at] = changed.replacen(" extends ", " implements ", 1).replacen("import ", "import static ", 1);
            }
            _ => {
                let other = lines[roll(dice, lines.len())].clone();
                lines.insert(at, other);
            }
        }
    }
    lines.join("\n")
}

/// The files of a package whose names are resolved.
///
/// # Errors
/// If a file cannot be read.
pub(super) fn texts(root: &Path) -> Result<Texts, Box<dyn Error>> {
    let mut texts = Texts::new();
    let mut folders = vec![root.to_owned()];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(folder)? {
            let path = entry?.path();
            if path.is_dir() {
                folders.push(path);
            } else {
                let inside = FilePath::from(path.strip_prefix(root)?.to_string_lossy().as_ref());
                if !language_of(&inside).has_dependents() {
                    continue;
                }
                texts.insert(inside, String::from_utf8_lossy(&fs::read(&path)?).into_owned());
            }
        }
    }
    Ok(texts)
}
