//! A cache of one JSON file for each entry, in a directory, as the earlier tool kept it.

use std::os::unix::fs::MetadataExt;
use std::path::PathBuf;

use serde_json::{Value, json};

pub struct JsonFiles {
    dir: tempfile::TempDir,
}

impl JsonFiles {
    /// Writes so many entries.
    pub fn create<'r>(entries: u64, report: impl Fn(u64) -> &'r str) -> Self {
        let files = Self { dir: tempfile::tempdir().unwrap() };
        for number in 0..entries {
            let result: Value = serde_json::from_str(report(number)).unwrap();
            let entry = json!({
                "file_path": format!("crates/part-{}/src/file_{number}.rs", number % 50),
                "file_hash": format!("{number:064x}"), "analyzed_at": "2025-03-01T10:00:00Z", "provider": "local",
                "model": "local", "result": result, "tokens_used": null, "file_size": 1_000, "cache_type": "analysis",
            });
            std::fs::write(files.path(number), format!("{entry:#}")).unwrap();
        }
        files
    }

    fn path(&self, number: u64) -> PathBuf {
        self.dir.path().join(format!("crates_part-{}_src_file_{number}_rs.json", number % 50))
    }

    /// An entry, read and parsed.
    pub fn read(&self, number: u64) -> Option<Value> {
        let bytes = std::fs::read(self.path(number)).ok()?;
        Some(serde_json::from_slice(&bytes).unwrap())
    }

    /// Bytes of the texts, and of the blocks that they take.
    pub fn bytes(&self) -> (u64, u64) {
        let entries = std::fs::read_dir(self.dir.path()).unwrap().map(|entry| entry.unwrap().metadata().unwrap());
        entries.fold((0, 0), |(bytes, blocks), meta| (bytes + meta.len(), blocks + meta.blocks() * 512))
    }

    /// How many entries there are, each read for its type and tokens.
    pub fn count(&self) -> u64 {
        let entries = std::fs::read_dir(self.dir.path()).unwrap().map(|entry| entry.unwrap().path());
        let read = entries.map(|path| serde_json::from_slice::<Value>(&std::fs::read(path).unwrap()).unwrap());
        read.filter(|entry| entry["cache_type"].is_string()).count() as u64
    }

    /// Removes the first so many.
    pub fn remove(&self, entries: u64) {
        (0..entries).for_each(|number| std::fs::remove_file(self.path(number)).unwrap());
    }
}
