//! Distils a model's static table: every token of the vocabulary goes through the model once.

use std::sync::atomic::{AtomicUsize, Ordering};

use rayon::ThreadPool;

use super::{EmbedError, Embedder, Vector, pooled};
use crate::embedder::table::{CosineScale, StaticTable};

/// Tokens that go through the model side by side: enough that reading its weights costs little.
const SIDE_BY_SIDE: usize = 64;

/// A token by itself, without the marks of a text's begin and end: a third of the time, and it ranks as well (`tests/bench/README.md`).
const GROUP: usize = 1;

/// Questions and code that answers them, in the order of each other: what the scales of the two kinds of vectors are compared over.
const QUESTIONS: [&str; 12] = [
    "where are symbolic links resolved",
    "retry a request after it failed",
    "parse command line arguments",
    "write a file atomically",
    "compute the hash of a file",
    "close the connection when it is idle",
    "sort the results by score",
    "read the configuration from disk",
    "split text into lines",
    "escape special characters in a regular expression",
    "how is the cache cleared",
    "test that an empty list is refused",
];
const ANSWERS: [&str; 12] = [
    "fn follow_links(path: &Path) -> io::Result<PathBuf> { fs::canonicalize(path) }",
    "def send_with_retry(request, attempts=3):\n    for n in range(attempts):\n        try:\n            return send(request)\n        except IOError:\n            sleep(2 ** n)",
    "func parseFlags(args []string) (Options, error) { flags := flag.NewFlagSet(args[0], flag.ContinueOnError) }",
    "fn replace(path: &Path, content: &[u8]) { let new = temporary(path); fs::write(&new, content); fs::rename(new, path) }",
    "public static byte[] digest(File file) { MessageDigest sha = MessageDigest.getInstance(\"SHA-256\"); }",
    "if self.last_used.elapsed() > IDLE_TIMEOUT { self.socket.shutdown(Shutdown::Both) }",
    "hits.sort_by(|a, b| b.score.total_cmp(&a.score));",
    "export async function loadConfig(path: string) { return JSON.parse(await readFile(path, 'utf8')) }",
    "static size_t count_lines(const char *text) { size_t n = 0; while (*text) n += *text++ == '\\n'; return n; }",
    "pub fn escape(pattern: &str) -> String { let mut quoted = String::new(); for c in pattern.chars() { if is_meta(c) { quoted.push('\\\\') } } }",
    "def clear(self):\n    self.entries.clear()\n    self.size = 0",
    "#[test]\nfn nothing_is_an_error() { assert!(average(&[]).is_err()) }",
];

impl Embedder {
    /// Makes the table for provisional vectors, in some seconds on two cores. `progress` is called with the tokens that are done and all
    /// of them.
    ///
    /// # Errors
    /// If the model cannot compute.
    pub fn distil(&self, progress: impl Fn(usize, usize) + Sync) -> Result<StaticTable, EmbedError> {
        let tokens: Vec<u32> = (0..self.network.vocabulary() as u32).collect();
        let batches: Vec<&[u32]> = tokens.chunks(SIDE_BY_SIDE).collect();
        let (next, done) = (AtomicUsize::new(0), AtomicUsize::new(0));
        let take = || batches.get(next.fetch_add(1, Ordering::Relaxed)).map(|batch| (batch[0], *batch));
        let made = |(first, batch): (u32, &[u32])| -> Result<(u32, Vec<Vector>), EmbedError> {
            let vectors = self.each_alone(batch)?;
            progress(done.fetch_add(batch.len(), Ordering::Relaxed) + batch.len(), tokens.len());
            Ok((first, vectors))
        };
        let work = |pool: &ThreadPool| {
            pool.install(|| std::iter::from_fn(take).map(made).collect::<Result<Vec<_>, EmbedError>>())
        };
        let mut parts = self.on_every_thread(self.pools.len(), work)?;
        parts.sort_unstable_by_key(|(first, _)| *first);
        let mut table = StaticTable::distil(parts.into_iter().flat_map(|(_, vectors)| vectors).collect());
        table.scale = self.scale_of(&table)?;
        Ok(table)
    }

    /// The vectors of texts of one token each.
    fn each_alone(&self, batch: &[u32]) -> Result<Vec<Vector>, EmbedError> {
        let hidden = self.network.forward_groups(batch, GROUP)?.reshape((batch.len(), GROUP, ()))?;
        let rows = pooled(&hidden, self.rules.pooling)?.to_vec2::<f32>()?;
        Ok(rows.into_iter().map(|row| self.kept(row)).collect())
    }

    fn scale_of(&self, table: &StaticTable) -> Result<CosineScale, EmbedError> {
        let own = [
            self.embed(&ANSWERS)?,
            QUESTIONS.iter().map(|text| self.embed_query(text)).collect::<Result<Vec<Vector>, EmbedError>>()?,
        ];
        let by_table = |texts: &[&str]| -> Result<Vec<Vector>, EmbedError> {
            texts.iter().map(|text| table.vector(&self.tokens(text)?)).collect()
        };
        let provisional = [by_table(&ANSWERS)?, by_table(&QUESTIONS)?];
        let cosines = |[answers, questions]: &[Vec<Vector>; 2]| -> Vec<f32> {
            let dot = |a: &[f32], b: &[f32]| a.iter().zip(b).map(|(a, b)| a * b).sum::<f32>();
            questions.iter().flat_map(|question| answers.iter().map(move |answer| dot(question, answer))).collect()
        };
        let pairs: Vec<(f32, f32)> = cosines(&provisional).into_iter().zip(cosines(&own)).collect();
        Ok(CosineScale::between(&pairs))
    }
}
