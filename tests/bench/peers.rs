//! Other tools on the same sources in the same run: which edges they find, what indexing takes, what their answers cost.
//!
//! `RA_AGENT_PEERS` names a folder in which the commands of the peers lie, as links, say: `codegraph` (npm), `code-review-graph` (PyPI).
//! Those that are not there are left out. Each gets a copy of the sources and a home of its own, for they write into both.

use std::collections::BTreeSet;
use std::error::Error;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use rusqlite::{Connection, OpenFlags};
use tempfile::TempDir;

use super::impact_truth::Edges;
use super::machine;
use super::support::mcp::McpClient;

/// The variable that names the folder.
const FOLDER: &str = "RA_AGENT_PEERS";

/// How often memory is looked at.
const LOOK: Duration = Duration::from_millis(50);

/// What a peer writes about its edges, as rows of defining file, using file and symbol.
const CODEGRAPH_EDGES: &str = "SELECT t.file_path, s.file_path, CASE WHEN t.kind = 'file' THEN '' ELSE t.name END FROM edges e \
     JOIN nodes s ON s.id = e.source JOIN nodes t ON t.id = e.target WHERE s.file_path <> t.file_path AND e.kind <> 'contains'";
const REVIEW_GRAPH_EDGES: &str = "SELECT t.file_path, e.file_path, CASE WHEN t.kind = 'File' THEN '' ELSE t.name END FROM edges e \
     JOIN nodes t ON t.qualified_name = e.target_qualified WHERE t.file_path <> e.file_path \
     AND e.kind NOT IN ('CONTAINS', 'TESTED_BY')";

/// A tool that indexes a folder.
pub struct Peer {
    pub name: &'static str,
    program: PathBuf,
    build: &'static [&'static str],
    /// Below the indexed folder.
    database: &'static str,
    edges: &'static str,
}

/// The peers that are there.
pub fn all() -> Vec<Peer> {
    let Some(folder) = std::env::var_os(FOLDER).map(PathBuf::from) else { return Vec::new() };
    let peer = |name, build, database, edges| Peer { name, program: folder.join(name), build, database, edges };
    let known = [
        peer("codegraph", &["init", "."][..], ".codegraph/codegraph.db", CODEGRAPH_EDGES),
        peer("code-review-graph", &["build", "-q"], ".code-review-graph/graph.db", REVIEW_GRAPH_EDGES),
    ];
    known.into_iter().filter(|peer| peer.program.exists()).collect()
}

/// A copy of some sources that a peer has indexed.
pub struct PeerIndex<'p> {
    peer: &'p Peer,
    root: TempDir,
    pub time: Duration,
    /// Resident memory of its processes together, at the highest of the looks.
    pub peak: u64,
}

impl Peer {
    /// Copies a folder, makes a repository of it and indexes that.
    ///
    /// # Errors
    /// If it cannot be copied, or the peer fails.
    pub fn index(&self, sources: &Path) -> Result<PeerIndex<'_>, Box<dyn Error>> {
        let root = tempfile::tempdir()?;
        std::fs::create_dir(root.path().join("home"))?;
        let mut index = PeerIndex { peer: self, root, time: Duration::ZERO, peak: 0 };
        let tree = index.tree();
        let run = |program: &str, arguments: &[&str], folder: &Path| -> Result<(), Box<dyn Error>> {
            let status = Command::new(program).args(arguments).current_dir(folder).stdout(Stdio::null()).status()?;
            if status.success() { Ok(()) } else { Err(format!("{program} ended with {status}").into()) }
        };
        run("cp", &["-rL", &sources.to_string_lossy(), &tree.to_string_lossy()], index.root.path())?;
        if !tree.join(".git").exists() {
            run("git", &["init", "-q"], &tree)?;
            run("git", &["add", "-A"], &tree)?;
            let who = ["-c", "user.name=bench", "-c", "user.email=bench@localhost", "commit", "-q", "-m", "sources"];
            run("git", &who, &tree)?;
        }
        let begun = Instant::now();
        let mut child = index.command().args(self.build).stdout(Stdio::null()).stderr(Stdio::null()).spawn()?;
        let status = loop {
            index.peak = index.peak.max(machine::resident_together(child.id()));
            if let Some(status) = child.try_wait()? {
                break status;
            }
            std::thread::sleep(LOOK);
        };
        index.time = begun.elapsed();
        if status.success() { Ok(index) } else { Err(format!("{} ended with {status}", self.name).into()) }
    }
}

impl PeerIndex<'_> {
    fn tree(&self) -> PathBuf {
        self.root.path().join("sources")
    }

    /// The peer in the indexed folder. It reports nothing to its makers and leaves no process behind.
    fn command(&self) -> Command {
        let mut command = Command::new(&self.peer.program);
        command.current_dir(self.tree()).env("HOME", self.root.path().join("home"));
        command.env("CODEGRAPH_TELEMETRY", "0").env("CODEGRAPH_NO_DAEMON", "1").env("CODEGRAPH_NO_UPDATE_CHECK", "1");
        command
    }

    /// The edges between files that the truth knows.
    ///
    /// # Errors
    /// If its database cannot be read.
    pub fn edges(&self, truth: &Edges) -> Result<Edges, Box<dyn Error>> {
        let database = self.tree().join(self.peer.database);
        let database = Connection::open_with_flags(database, OpenFlags::SQLITE_OPEN_READ_ONLY)?;
        let root = self.tree().canonicalize()?;
        let known: BTreeSet<&String> = truth.files.iter().flat_map(|(source, user)| [source, user]).collect();
        let mut edges = Edges::default();
        let mut statement = database.prepare(self.peer.edges)?;
        let rows = statement
            .query_map([], |row| Ok([0_usize, 1, 2].map(|at| row.get::<_, String>(at).unwrap_or_default())))?;
        for row in rows {
            let [source, user, symbol] = row?;
            let inside = |path: String| {
                Path::new(&path).strip_prefix(&root).map_or(path.clone(), |path| path.display().to_string())
            };
            let (source, user) = (inside(source), inside(user));
            if known.contains(&source) && known.contains(&user) {
                let own = symbol.rsplit(['.', ':']).next().unwrap_or_default().to_owned();
                if !own.is_empty() {
                    edges.symbols.insert((source.clone(), user.clone(), own));
                }
                edges.files.insert((source, user));
            }
        }
        Ok(edges)
    }

    /// A server of codegraph over the indexed folder, as a coding agent starts it; `None`: another peer.
    pub fn serve(&self) -> Option<McpClient> {
        let mut command = self.command();
        command.args(["serve", "--mcp"]);
        (self.peer.name == "codegraph").then(|| McpClient::of(command))
    }
}
