//! Names that many packages share: an edge leads to the one that is meant.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use crate::domain::FilePath;
use crate::impact::resolve;
use crate::language::{Outline, of};
use crate::outline::outline;

/// Packages that declare the same names, each with a user that means one of them and a package of its own that means none.
fn colliding(count: usize) -> Vec<(String, String)> {
    let mut files = vec![("go.mod".to_owned(), "module m\n".to_owned())];
    for at in 0..count {
        files.push((
            format!("p{at}/decl.go"),
            "package p\n\ntype Config struct{ Name string; next *Config }\n\nfunc New() *Config { return nil }\n\nconst Limit = 1\n"
                .to_owned(),
        ));
        files.push((
            format!("p{at}/method.go"),
            "package p\n\nfunc (c *Config) Run(other *Config) string { return other.next.Name }\n".to_owned(),
        ));
        files.push((
            format!("use{at}/use.go"),
            format!(
                "package use\n\nimport \"m/p{at}\"\n\nfunc run() {{ c := p.New(); c.Run(c); println(c.Name, p.Limit) }}\n"
            ),
        ));
        files.push((
            format!("own{at}/own.go"),
            "package own\n\nfunc run(New func(), Config int) { New(); Name := Config; println(Name) }\n".to_owned(),
        ));
    }
    files
}

#[test]
fn same_names_lead_to_the_package_that_is_meant() {
    for count in [2, 3, 5, 10, 30] {
        let texts = colliding(count);
        let outlines: BTreeMap<FilePath, Arc<Outline>> = texts
            .iter()
            .map(|(path, text)| {
                let path = FilePath::from(path.as_str());
                let outline = outline(of(&path), text).0;
                (path, Arc::new(outline))
            })
            .collect();
        let found: BTreeSet<String> = resolve(&outlines)
            .edges()
            .iter()
            .map(|edge| format!("{} > {}: {}", edge.dependent_file, edge.source_file, edge.symbol_name))
            .collect();
        let mut expected = BTreeSet::new();
        for at in 0..count {
            for (user, symbol) in [("method.go", "Config"), ("method.go", "Config.next"), ("method.go", "Config.Name")]
            {
                expected.insert(format!("p{at}/{user} > p{at}/decl.go: {symbol}"));
            }
            for symbol in ["decl.go: New", "decl.go: Config.Name", "decl.go: Limit", "method.go: Config.Run"] {
                expected.insert(format!("use{at}/use.go > p{at}/{symbol}"));
            }
        }
        assert_eq!(found, expected, "{count} packages");
    }
}
