//! Directories whose name says that they hold code of others, and whose content says that it is the project's own.
//!
//! A tree's paths are evidence enough in most cases: code of others comes with its licence, its manifest or the list of the tool that put
//! it there. What is judged is a function of the tree alone, so a view that was followed and one that is built from nothing agree.

use std::collections::{BTreeMap, BTreeSet};

/// Directories with code of others; in this spelling only, for `pods/` may be about pods.
const VENDORED_DIRS: &[(&str, Habit)] = &[
    ("vendor", Habit::Often),
    ("vendored", Habit::Mostly),
    ("third_party", Habit::Mostly),
    ("third-party", Habit::Mostly),
    ("thirdparty", Habit::Mostly),
    ("venv", Habit::Mostly),
    ("node_modules", Habit::Always),
    ("bower_components", Habit::Always),
    ("jspm_packages", Habit::Always),
    ("site-packages", Habit::Always),
    (".venv", Habit::Always),
    ("Pods", Habit::Always),
    ("Carthage", Habit::Always),
    (".yarn", Habit::Always),
];

/// How seldom a directory of that name is a module of the project's own.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Habit {
    /// It is a word for other things, too: suppliers, say.
    Often,
    Mostly,
    /// A tool owns the name.
    Always,
}

/// Folders of what a browser gets: what is called `vendor` there is copied.
const ASSETS: &[&str] = &[
    "assets",
    "public",
    "static",
    "www",
    "htdocs",
    "webroot",
    "wwwroot",
    "javascripts",
    "stylesheets",
    "js",
    "css",
    "docs",
    "doc",
    "media",
];

/// Manifests of packages, in lower case.
const MANIFESTS: &[&str] = &[
    "cargo.toml",
    "package.json",
    "bower.json",
    "composer.json",
    "go.mod",
    "setup.py",
    "setup.cfg",
    "pyproject.toml",
    "pkg-info",
    "pom.xml",
    "build.gradle",
    "build.gradle.kts",
    "cmakelists.txt",
    "configure",
    "configure.ac",
    "package.swift",
];

/// Lists that tools write next to what they fetched, in lower case.
const LISTS: &[&str] =
    &["modules.txt", "autoload.php", "vendor.json", "manifest.json", ".cargo-checksum.json", ".gitrepo"];

/// Beginnings of the names of licences and histories, in lower case.
const LEGAL: &[&str] = &[
    "license",
    "licence",
    "copying",
    "notice",
    "unlicense",
    "copyright",
    "authors",
    "changelog",
    "changes.",
    "history.",
];

/// Extensions of languages whose packages have a place of their own, so that files of others are not copied among the sources.
const PACKAGED: &[&str] =
    &["java", "kt", "scala", "cs", "go", "swift", "ts", "tsx", "mts", "rs", "dart", "ex", "vue", "svelte"];

/// Extensions of languages in which a library often is a file that was copied.
const COPIED: &[&str] = &[
    "js", "jsx", "mjs", "cjs", "css", "scss", "less", "c", "h", "cc", "cpp", "cxx", "hpp", "m", "mm", "py", "rb",
    "php", "lua", "pl", "sh",
];

/// How sure it is that a directory is the project's own.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Certainty {
    /// Nothing speaks against it; a single file may still be a copy.
    Likely,
    /// The sources around it declare it.
    Declared,
}

/// The directories with a name of others' code that are the project's own.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct OwnModules {
    dirs: BTreeMap<Vec<u8>, Certainty>,
}

/// What the paths below such a directory say.
#[derive(Default)]
struct Evidence {
    /// A licence, a manifest of a package within, a list of what was fetched, a file that was made smaller, a version in a name.
    is_fetched: bool,
    has_manifest: bool,
    has_src: bool,
    has_rust: bool,
    has_rust_module: bool,
    has_package_module: bool,
    has_packaged: bool,
    has_copied: bool,
    has_java: bool,
}

impl OwnModules {
    /// Judges by all paths of a tree.
    pub fn among<'p>(paths: impl Iterator<Item = &'p [u8]>) -> Self {
        let mut found: BTreeMap<Vec<u8>, Evidence> = BTreeMap::new();
        let mut modules: BTreeSet<Vec<u8>> = BTreeSet::new();
        for path in paths {
            for (dir, habit) in vendored_dirs(path) {
                if habit == Habit::Always {
                    break;
                }
                if !found.contains_key(dir) {
                    found.insert(dir.to_vec(), Evidence::default());
                }
                if let Some(evidence) = found.get_mut(dir) {
                    evidence.add(&path[dir.len() + 1..]);
                }
            }
            modules.extend(named_as_module(path).map(<[u8]>::to_vec));
        }
        let judged = found.into_iter().filter_map(|(dir, evidence)| {
            let certainty = evidence.judge(&dir, modules.contains(&dir))?;
            Some((dir, certainty))
        });
        Self { dirs: judged.collect() }
    }

    /// Whether a path that comes or goes can change what is judged.
    pub fn is_evidence(path: &[u8]) -> bool {
        vendored_dirs(path).next().is_some() || named_as_module(path).is_some()
    }

    /// Whether a file is code of others by the names of its directories.
    pub fn is_vendored(&self, path: &[u8]) -> bool {
        vendored_dirs(path).any(|(dir, habit)| habit == Habit::Always || !self.dirs.contains_key(dir))
    }

    /// Whether a file is a copy of others' code for what it says at its top: in a folder that may be the project's own, a library
    /// in one file has its own notice.
    pub fn is_copied(&self, path: &[u8], text: &str) -> bool {
        let is_doubtful = vendored_dirs(path).any(|(dir, _)| self.dirs.get(dir) == Some(&Certainty::Likely));
        is_doubtful && has_extension(path, COPIED) && has_notice(text)
    }

    /// The directories that are in one of two and not in the other, or not as sure.
    pub fn differing<'a>(&'a self, other: &'a Self) -> impl Iterator<Item = &'a [u8]> {
        let mine = self.dirs.iter().filter(|(dir, certainty)| other.dirs.get(*dir) != Some(certainty));
        let others = other.dirs.keys().filter(|dir| !self.dirs.contains_key(*dir));
        mine.map(|(dir, _)| dir).chain(others).map(Vec::as_slice)
    }
}

/// The directories above a file whose names say "code of others", outermost first.
fn vendored_dirs(path: &[u8]) -> impl Iterator<Item = (&[u8], Habit)> {
    let ends = path.iter().enumerate().filter(|(_, byte)| **byte == b'/').map(|(at, _)| at);
    ends.filter_map(|end| {
        let dir = &path[..end];
        let name = dir.rsplit(|&byte| byte == b'/').next()?;
        let habit = VENDORED_DIRS.iter().find(|(known, _)| known.as_bytes() == name)?.1;
        Some((dir, habit))
    })
}

/// The directory that a Rust file declares by its name: `src/vendor` of `src/vendor.rs`.
fn named_as_module(path: &[u8]) -> Option<&[u8]> {
    let module = path.strip_suffix(b".rs")?;
    let name = module.rsplit(|&byte| byte == b'/').next()?;
    VENDORED_DIRS.iter().any(|(known, _)| known.as_bytes() == name).then_some(module)
}

fn has_extension(path: &[u8], list: &[&str]) -> bool {
    list.iter().any(|known| path.strip_suffix(known.as_bytes()).is_some_and(|rest| rest.ends_with(b".")))
}

impl Evidence {
    /// Takes in a path relative to the directory.
    fn add(&mut self, inside: &[u8]) {
        let lower = inside.to_ascii_lowercase();
        let parts: Vec<&[u8]> = lower.split(|&byte| byte == b'/').collect();
        let (Some(&name), depth) = (parts.last(), parts.len()) else { return };
        let is_manifest = MANIFESTS.iter().any(|known| known.as_bytes() == name)
            || has_extension(name, &["gemspec", "podspec", "nuspec", "csproj"]);
        let is_legal = LEGAL.iter().any(|begin| name.starts_with(begin.as_bytes()));
        let is_list = LISTS.iter().any(|known| known.as_bytes() == name);
        let is_packed = name.ends_with(b".min.js") || name.ends_with(b".min.css") || name.ends_with(b".bundle.js");
        self.is_fetched |= (is_legal && depth <= 3)
            || (is_manifest && (2..=4).contains(&depth))
            || (is_list && depth <= 3)
            || is_packed
            || parts
                .iter()
                .any(|part| has_version(part) || part.ends_with(b".dist-info") || part.ends_with(b".egg-info"))
            || (depth > 1 && is_host(parts[0]));
        self.has_manifest |= is_manifest && depth == 1;
        self.has_src |= depth > 1 && parts[0] == b"src";
        self.has_rust_module |= name == b"mod.rs" && depth == 1;
        self.has_rust |= depth == 1 && has_extension(name, &["rs"]);
        self.has_package_module |= depth == 1 && matches!(name, b"__init__.py" | b"index.ts" | b"index.tsx");
        self.has_packaged |= has_extension(name, PACKAGED) && !name.ends_with(b".d.ts");
        self.has_copied |= has_extension(name, COPIED);
        self.has_java |= has_extension(name, &["java", "kt", "scala", "cs"]);
    }

    fn judge(&self, dir: &[u8], has_file_of_its_name: bool) -> Option<Certainty> {
        let mut above = dir.split(|&byte| byte == b'/').rev();
        let name = above.next()?;
        let habit = VENDORED_DIRS.iter().find(|(known, _)| known.as_bytes() == name)?.1;
        let above: Vec<&[u8]> = above.collect();
        let is_asset = above.iter().any(|part| ASSETS.iter().any(|known| known.as_bytes() == *part));
        if habit == Habit::Often && self.has_manifest && self.has_src && !above.is_empty() && !is_asset {
            // A package of the workspace, with its manifest and its licence as its siblings have.
            return Some(Certainty::Declared);
        }
        if self.is_fetched || self.has_manifest {
            return None;
        }
        if self.has_rust_module || (has_file_of_its_name && self.has_rust) {
            return Some(Certainty::Declared);
        }
        let is_likely = match habit {
            Habit::Often if above.is_empty() => self.has_package_module,
            Habit::Often => !is_asset && (self.has_packaged || self.has_copied),
            Habit::Mostly => !above.is_empty() && !is_asset && self.has_java,
            Habit::Always => false,
        };
        is_likely.then_some(Certainty::Likely)
    }
}

/// `jquery-3.6.0.js`, `lodash@4.17`, `sdl2-2.0`: a name with a version is that of a release.
fn has_version(part: &[u8]) -> bool {
    let mut at = 0;
    while let Some(found) = part[at..].iter().position(|byte| matches!(byte, b'-' | b'@' | b'_')) {
        at += found + 1;
        let rest = part[at..].strip_prefix(b"v").unwrap_or(&part[at..]);
        let digits = rest.iter().take_while(|byte| byte.is_ascii_digit()).count();
        if digits > 0 && rest.get(digits) == Some(&b'.') && rest.get(digits + 1).is_some_and(u8::is_ascii_digit) {
            return true;
        }
    }
    false
}

/// `github.com`, `golang.org`, `gopkg.in`: Go and others file what they fetched under the host it came from.
fn is_host(part: &[u8]) -> bool {
    [&b".com"[..], b".org", b".net", b".io", b".in", b".dev"].iter().any(|end| part.ends_with(end))
}

/// Lines in which a notice counts.
const NOTICE_LINES: usize = 30;

/// Whether a text says at its top who owns it, or that it was published.
fn has_notice(text: &str) -> bool {
    let head: String =
        text.lines().take(NOTICE_LINES).flat_map(|line| [line, "\n"]).collect::<String>().to_ascii_lowercase();
    let words = [
        "copyright",
        "(c)",
        "\u{a9}",
        "@license",
        "@preserve",
        "licensed under",
        "spdx-license",
        "public domain",
        "/*!",
    ];
    words.iter().any(|word| head.contains(word))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Paths of a tree, and those of them that are taken for others' code.
    fn vendored(paths: &[&str]) -> Vec<String> {
        let own = OwnModules::among(paths.iter().map(|path| path.as_bytes()));
        paths.iter().filter(|path| own.is_vendored(path.as_bytes())).map(ToString::to_string).collect()
    }

    #[test]
    fn a_module_of_the_projects_own_is_code_in_any_language() {
        for tree in [
            &["src/lib.rs", "src/vendor/mod.rs", "src/vendor/payout.rs"][..],
            &["src/lib.rs", "src/vendor.rs", "src/vendor/payout.rs"],
            &["src/lib.rs", "src/third_party/mod.rs", "src/third_party/stripe.rs"],
            &["crates/vendor/Cargo.toml", "crates/vendor/LICENSE", "crates/vendor/src/lib.rs"],
            &["packages/vendor/package.json", "packages/vendor/src/index.ts"],
            &["internal/vendor/vendor.go", "internal/vendor/payout_test.go"],
            &["shop/vendor/__init__.py", "shop/vendor/models.py"],
            &["vendor/__init__.py", "vendor/models.py", "vendor/migrations/0001_initial.py"],
            &["src/components/vendor/VendorList.tsx"],
            &["src/main/java/com/acme/vendor/Vendor.java", "src/main/java/com/acme/thirdparty/Client.java"],
            &["app/models/vendor/payout.rb", "app/models/order.rb"],
        ] {
            assert_eq!(vendored(tree), [""; 0], "{tree:?}");
        }
    }

    #[test]
    fn code_of_others_stays_out_wherever_it_is() {
        for tree in [
            &["vendor/a/src/lib.rs"][..],
            &["vendor/serde/Cargo.toml", "vendor/serde/.cargo-checksum.json", "vendor/serde/src/mod.rs"],
            &["vendor/modules.txt", "vendor/golang.org/x/net/a.go"],
            &["src/cmd/vendor/github.com/a/b/c.go"],
            &["lib/vendor/autoload.php", "lib/vendor/monolog/Logger.php"],
            &["src/pip/vendor/__init__.py", "src/pip/vendor/requests/LICENSE"],
            &["web/node_modules/x/index.js", "web/node_modules/x/mod.rs"],
            &["third_party/z.c"],
            &["src/third_party/stb_image.h"],
            &["public/vendor/chart/chart.js"],
            &["src/vendor/jquery-3.6.0.js"],
            &["src/vendor/d3.min.js"],
            &["ios/Pods/x.m"],
            &["app/assets/javascripts/vendor/modal.js"],
        ] {
            let expected: Vec<String> = tree.iter().map(ToString::to_string).collect();
            assert_eq!(vendored(tree), expected, "{tree:?}");
        }
    }

    #[test]
    fn a_copied_file_among_own_ones_says_whose_it_is() {
        let own =
            OwnModules::among([&b"src/vendor/list.js"[..], b"src/vendor/d3.js", b"src/vendor/V.java"].into_iter());
        assert!(!own.is_vendored(b"src/vendor/d3.js"));
        assert!(own.is_copied(b"src/vendor/d3.js", "// https://d3js.org v7 Copyright Mike Bostock\n"));
        assert!(!own.is_copied(b"src/vendor/list.js", "export const vendors = [];\n"));
        assert!(!own.is_copied(b"src/vendor/V.java", "/* Copyright Acme */ class V {}\n"), "its own company's");
        assert!(!own.is_copied(b"src/orders.js", "// Copyright Acme\n"));
    }

    #[test]
    fn what_differs_between_two_trees_is_named() {
        let before = OwnModules::among([&b"src/vendor/a.go"[..]].into_iter());
        let after = OwnModules::among([&b"src/vendor/a.go"[..], b"src/vendor/modules.txt"].into_iter());
        assert_eq!(before.differing(&after).collect::<Vec<_>>(), [b"src/vendor"]);
        assert_eq!(after.differing(&before).collect::<Vec<_>>(), [b"src/vendor"]);
        assert_eq!(after.differing(&after).count(), 0);
        assert!(OwnModules::is_evidence(b"src/vendor/x") && OwnModules::is_evidence(b"src/vendor.rs"));
        assert!(!OwnModules::is_evidence(b"src/main.rs") && !OwnModules::is_evidence(b"vendor"));
    }
}
